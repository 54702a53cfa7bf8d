"""The leading server dies at the worst moments: nothing acknowledged is lost, nothing signed runs ahead."""

import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from psycopg import OperationalError
from psycopg.conninfo import make_conninfo

from ledger.errors import LedgerError
from ledger.proof.notes import Note
from ledger.proof.publisher import NotReplicated, Publisher
from ledger.proof.signer import FileSigner, Signer, SignerMissing
from ledger.store import Ledger
from tests.api.client import note, talking_to
from tests.api.service import complaints, environment, serving, until
from tests.availability.cluster import Cluster
from tests.availability.conftest import replicated
from tests.check import check_ledger
from tests.ledger.samples import appended, fact, one, opening

pytestmark = pytest.mark.failover

KEY = b"k" * 32
NAMES = "SHOW synchronous_standby_names"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


class Fatal:
    """A signer at whose signature the leading server dies, before the checkpoint is stored."""

    def __init__(self, signer: FileSigner, cluster: Cluster) -> None:
        self._signer, self._cluster = signer, cluster
        self.vkeys, self.last = signer.vkeys, signer.last
        self.size = 0

    def sign(self, size: int, root: bytes, proof: Sequence[bytes]) -> Note:
        """Sign."""
        note = self._signer.sign(size, root, proof)
        self._cluster.leading().kill_server()
        self.size = size
        return note


class Busy:
    """Appends one event after the other to a stream, each until it is acknowledged, until told to stop."""

    def __init__(self, ledger: Ledger) -> None:
        self.acknowledged: list[bytes] = []
        self.stream, self._ledger, self._stop = uuid4(), ledger, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Busy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            number = len(self.acknowledged)
            key = number.to_bytes(32, "big")
            request = one(self.stream, None, fact(hours_per_week=number) if number else opening(), key=key)
            while not self._stop.is_set():
                try:
                    appended(self._ledger.append_now(request))
                except LedgerError:
                    self._stop.wait(0.05)
                    continue
                self.acknowledged.append(key)
                break


def test_a_leader_killed_as_it_signed_is_taken_over_by_one_that_has_all_of_it(cluster: Cluster, tmp_path: Path) -> None:
    """The checkpoint was made and never stored; the other server has what it covers, and the log goes on from it."""
    place = replicated(cluster, "signing", tmp_path)
    with place.ledger() as ledger, Busy(ledger) as busy:
        signer = place.signer(ledger.id)
        assert isinstance(signer, FileSigner)
        signer.create(place.origin(ledger.id))
        until(lambda: len(busy.acknowledged) > 20, "appends flow")
        fatal = Fatal(signer, cluster)
        with (
            closing(Publisher(place.conninfo, fatal, synchronous_standby=True)) as publisher,
            pytest.raises(OperationalError),
        ):
            publisher.publish()
        goal = len(busy.acknowledged) + 20
        until(lambda: len(busy.acknowledged) > goal, "appends flow again")
        assert ledger.head().size >= fatal.size > 20
        with closing(place.publisher(ledger.id)) as publisher, pytest.raises(NotReplicated):
            publisher.publish()
        cluster.whole()
        with closing(place.publisher(ledger.id)) as publisher:
            published = publisher.publish()
        assert published is not None
        assert published > fatal.size
    with place.ledger() as ledger:
        found = [row.version for row in ledger.read_stream(busy.stream)]
        assert found == list(range(1, len(found) + 1))
        assert len(found) in (len(busy.acknowledged), len(busy.acknowledged) + 1)
        assert all(ledger.find_request(key) for key in busy.acknowledged)
    check_ledger(place)
    until(lambda: len(cluster.heads("signing")) == 1, "both servers hold the same")
    assert len(cluster.timelines()) == 1


def test_what_the_standby_never_got_was_neither_acknowledged_nor_signed(cluster: Cluster, tmp_path: Path) -> None:
    """Its receiver hangs, the leader dies: a commit under way is settled by its key, the old leader forgets its own."""
    home = tmp_path / "home"
    place = replicated(cluster, "lagging", home)
    variables = environment(place.conninfo, home) | {"CASELEDGER_SYNCHRONOUS_STANDBY": "true"}
    careless = Ledger(make_conninfo(place.conninfo, options="-c synchronous_commit=local"), place.keys)
    with (
        closing(careless),
        serving(variables, tmp_path / "errors.log") as service,
        talking_to(service.url, place.conninfo) as api,
        ThreadPoolExecutor(1) as threads,
    ):
        case, key = api.open_case(note()), str(uuid4())
        signed = _signed(place.signer(careless.id), api.size)
        leader, standby = cluster.leading(), cluster.following()
        receiver = standby.receiver()
        os.kill(receiver, signal.SIGSTOP)
        appended(careless.append_now(one(uuid4(), 0, key=KEY)))
        until(lambda: cluster.ask(leader, WAITING) > [(0,)], "the signer waits for the standby")
        sent = threads.submit(api.commit, case, 2, note("under way"), Idempotency_Key=key)
        until(lambda: cluster.ask(leader, WAITING) > [(1,)], "the commit waits for the standby")
        assert api.size() > signed
        leader.kill_server()
        os.kill(receiver, signal.SIGKILL)
        assert sent.result().status_code == 503
        until(lambda: cluster.leader() is standby, "the standby leads")
        until(lambda: api.http.get("/readyz").status_code == 200, "the service is ready again by itself")
        assert api.commit(case, 2, note("under way"), Idempotency_Key=key).status_code == 201
        assert api.commit(case, 2, note("under way"), Idempotency_Key=key).headers["etag"] == '"3"'
        assert [entry["version"] for entry in api.events(case)] == [1, 2, 3]
        assert _last(place.signer(careless.id)) == signed
        cluster.whole()
        assert _signed(place.signer(careless.id), api.size) > signed
        unsigned = [line for line in complaints(service.log) if line["event"] == "log_not_signed"]
        assert "No synchronous standby" in unsigned[0]["reason"]
        assert careless.find_request(KEY) is None
    check_ledger(place)
    until(lambda: len(cluster.heads("lagging")) == 1, "both servers hold the same")
    assert len(cluster.timelines()) == 1


def test_in_strict_mode_nothing_is_recorded_on_one_server_alone(cluster: Cluster, tmp_path: Path) -> None:
    """Without a standby a commit is answered 503 after a while, as readiness says; its key settles it later."""
    home = tmp_path / "home"
    cluster.whole()
    place = replicated(cluster, "strict", home)
    with (
        serving(environment(place.conninfo, home), tmp_path / "errors.log") as service,
        talking_to(service.url, place.conninfo) as api,
        cluster.changed("synchronous_mode_strict", True),
    ):
        case, key = api.open_case(note()), str(uuid4())
        signed = _signed(place.signer(api.query("SELECT ledger FROM ledger.head")[0][0]), api.size)
        standby = cluster.following()
        standby.kill()
        until(lambda: cluster.ask(cluster.leading(), NAMES) == [("*",)], "commits wait for whoever comes")
        api.http.timeout = 60
        assert api.commit(case, 2, note(), Idempotency_Key=key).status_code == 503
        assert "recording" in api.http.get("/readyz").json()["wrong"]
        assert api.query("SELECT max(size) FROM proof.checkpoint") == [(signed,)]
        standby.start()
        until(lambda: api.commit(case, 2, note(), Idempotency_Key=key).status_code == 201, "the commit is settled")
        assert [entry["version"] for entry in api.events(case)] == [1, 2, 3]
        until(lambda: api.http.get("/readyz").status_code == 200, "the service is ready again")
    check_ledger(place)


def _last(signer: Signer) -> int:
    """Return the size that was signed last; 0 where the worker has not made the signer yet."""
    try:
        last = signer.last()
    except SignerMissing:
        return 0
    return last.size if last else 0


def _signed(signer: Signer, size: Callable[[], int]) -> int:
    """Wait until everything on record is signed; returns how much that is."""
    found = size()
    until(lambda: _last(signer) >= found, "everything is signed")
    return _last(signer)
