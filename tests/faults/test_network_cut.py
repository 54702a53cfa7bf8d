"""The network between program and database swallows everything: callers are told in time, nothing is lost or double."""

from pathlib import Path
from time import monotonic

import httpx2
import pytest
from psycopg.conninfo import make_conninfo

from api.opening import Place
from ledger.creation import create_database
from ledger.keys import file_keys
from ledger.store import SILENCE_MILLISECONDS
from tests.api.client import note, talking_to
from tests.api.service import environment, serving, until
from tests.check import check_ledger
from tests.conftest import BEGINS_AT
from tests.faults.network import NOT_HERE, THEIRS, Cut, network, possible
from tests.server_of_ones_own import own_server, superuser

pytestmark = [pytest.mark.failover, pytest.mark.skipif(not possible(), reason=NOT_HERE)]

CUTS: tuple[Cut, ...] = ("requests", "answers", "both")
TOLD_SECONDS = 3 * SILENCE_MILLISECONDS / 1000 + 5
"""How long a caller waits at most: until connections for reading and appending are given up, and new ones are tried."""


def test_a_silent_network_is_told_and_survived(tmp_path: Path) -> None:
    """While nothing gets through callers get 503; afterwards a repeat settles what was left open, and views go on."""
    with network() as line, own_server(THEIRS, line.inside) as port:
        conninfo = make_conninfo(superuser(port, THEIRS), dbname="cut")
        create_database(superuser(port, THEIRS), "cut")
        place = Place(conninfo, conninfo, file_keys(tmp_path), tmp_path)
        place.create("Cut", BEGINS_AT)
        with serving(environment(conninfo, tmp_path), tmp_path / "errors.log") as service:
            for cut in CUTS:
                with talking_to(service.url, conninfo) as api:
                    case = api.open_case()
                    until(lambda: ready(service.url), "the service")
                    line.cut(cut)
                    try:
                        began = monotonic()
                        told = api.http.post(
                            f"/cases/{case}/commits",
                            json={"commands": [note()]},
                            headers={"Idempotency-Key": f"{cut}-1", "If-Match": '"1"'},
                            timeout=60,
                        )
                        waited = monotonic() - began
                        assert (told.status_code, told.json()["type"]) == (503, "/problems/unavailable"), cut
                        assert waited < TOLD_SECONDS, (cut, waited)
                    finally:
                        line.mend(cut)
                    until(lambda: ready(service.url), f"the service after {cut} were cut", 60)
                    again = api.http.post(
                        f"/cases/{case}/commits",
                        json={"commands": [note()]},
                        headers={"Idempotency-Key": f"{cut}-1", "If-Match": '"1"'},
                    )
                    assert again.status_code in (200, 201), again.text
                    assert [entry["version"] for entry in api.events(case)] == [1, 2]
        check_ledger(place)


def ready(url: str) -> bool:
    """Whether the service says that all is well, views included."""
    return httpx2.get(f"{url}/readyz", timeout=60).status_code == 200
