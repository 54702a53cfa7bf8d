"""The whole machine of the leading server is lost under load, and comes back later."""

import sys
import threading
from collections import Counter
from pathlib import Path
from time import monotonic

import pytest

from tests.api.client import note, talking_to
from tests.api.service import environment, serving, until
from tests.api.signing_in import bearer
from tests.api.test_database_stops import WRITERS, Writer
from tests.availability.cluster import Cluster
from tests.availability.conftest import replicated
from tests.check import check_ledger

pytestmark = pytest.mark.failover

LONGEST_SECONDS = 120.0


def test_a_lost_machine_loses_and_doubles_nothing(cluster: Cluster, tmp_path: Path) -> None:
    """503 and never 500 until the other server leads; every key once; the machine comes back as a standby."""
    home = tmp_path / "home"
    place = replicated(cluster, "family", home)
    variables = environment(place.conninfo, home) | {"CASELEDGER_REPLICA_URL": cluster.url("family", "standby")}
    with (
        serving(variables, tmp_path / "errors.log") as service,
        talking_to(service.url, place.conninfo) as api,
    ):
        stop = threading.Event()
        signed_in = bearer(service.url)
        writers = [Writer(service.url, api.open_case(), stop, signed_in, LONGEST_SECONDS) for _ in range(WRITERS)]
        threads = [threading.Thread(target=writer.run) for writer in writers]
        for thread in threads:
            thread.start()
        try:
            _flow(writers)
            lost, begun = cluster.leading(), monotonic()
            lost.kill()
            until(lambda: api.http.get("/readyz").status_code == 503, "the service says that it is not ready")
            assert api.http.get("/healthz").status_code == 200
            until(lambda: cluster.leader() not in (None, lost), "the other server leads")
            led = monotonic() - begun
            _flow(writers, 1)
            recorded = monotonic() - begun
            until(lambda: api.http.get("/readyz").status_code == 200, "the service is ready again by itself")
            lost.start()
            cluster.whole()
            whole = monotonic() - begun
            _flow(writers)
        finally:
            stop.set()
            for thread in threads:
                thread.join(LONGEST_SECONDS)
        assert [writer.strange for writer in writers] == [[]] * WRITERS
        for writer in writers:
            for key, body, version in writer.open:
                again = writer.send(api.http, key, body, version)
                assert again.status_code == 201, again.text
                assert again.json()["version"] == writer.recorded.get(key, again.json()["version"])
            entries = api.events(writer.case)
            assert [entry["version"] for entry in entries] == list(range(1, len(entries) + 1))
            assert Counter(entry["event"] for entry in entries) == {"CaseOpened": 1, "NoteRecorded": len(writer.open)}
        assert api.commit(writers[0].case, writers[0].version, note()).status_code in (201, 412)
    report = check_ledger(place)
    until(lambda: len(cluster.heads("family")) == 1, "both servers hold the same")
    assert len(cluster.timelines()) == 1
    acknowledged = sum(len(writer.recorded) for writer in writers)
    sys.stdout.write(
        f"failover: {led:.1f} s until the other server led, {recorded:.1f} s until a commit was acknowledged, "
        f"{whole:.1f} s until a standby was synchronous again; {acknowledged} acknowledged, 0 lost, "
        f"{sum(len(w.refusals) for w in writers)} answers 503; {report.events} events intact\n"
    )


def _flow(writers: list[Writer], more: int = 20) -> None:
    """Wait for so many acknowledged commits more."""
    goal = sum(len(writer.recorded) for writer in writers) + more
    until(lambda: sum(len(writer.recorded) for writer in writers) >= goal, "commits flow")
