"""Readiness and figures: what is behind is told with its limit, without anything about anybody, on this machine."""

import re
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient

from api import health
from api.app import create_app
from api.health import BEHIND, OK, STOPPED, UNUSABLE, HealthReader
from api.log_publishing import signed_now
from api.opening import Place
from api.sign_in.local import LocalSignIn
from ledger.store import Ledger
from projections.follower import Follower
from projections.view import FOLLOW, VIEWS
from tests.api.client import Api
from tests.following import catch_up

FIGURE = re.compile(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9.e+-]+')


def figures(text: str) -> dict[str, float]:
    """Return the samples of an exposition, each line of which must be one."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(FIGURE.fullmatch(line) for line in lines), lines
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def follow_all(place: Place) -> None:
    """Bring every view up to date."""
    for view in VIEWS.values():
        follower = Follower(place.conninfo, view)
        catch_up(follower)
        follower.close()


def test_what_nobody_works_on_is_behind(real: Place, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a worker everything falls behind; followed and signed it is ready."""
    monkeypatch.setattr(health, "VIEW_SECONDS", 0.0)
    monkeypatch.setattr(health, "CHECKPOINT_SECONDS", 0.0)
    reader = HealthReader(ledger)
    assert reader.read().wrong == [*(f"view {name}" for name in VIEWS), "checkpoint"]
    follow_all(real)
    assert reader.read().wrong == ["checkpoint"]
    signed_now(real, ledger)
    ready = reader.read()
    assert (ready.wrong, ready.checkpoint.reached, ready.checkpoint.events) == ([], ready.size, 0)


def test_a_stopped_view_is_named_at_once(real: Place, ledger: Ledger) -> None:
    """A view that met an event it cannot read makes the service unready, whatever the limit, and no other."""
    follow_all(real)
    signed_now(real, ledger)
    with psycopg.connect(real.owner, autocommit=True) as connection:
        connection.execute(FOLLOW["stop_view"], [1, "unreadable", "deadlines"])
    found = HealthReader(ledger).read()
    assert found.wrong == ["view deadlines"]
    assert found.views["deadlines"].state == STOPPED
    assert found.views["consents"].state == OK


def test_rows_of_an_older_version_are_none(real: Place, ledger: Ledger) -> None:
    """A view whose rows are those of another version of its code has come nowhere."""
    follow_all(real)
    with psycopg.connect(real.owner, autocommit=True) as connection:
        connection.execute(FOLLOW["switch_generation"], [1, 99, "caseload"])
    standing = HealthReader(ledger).read().views["caseload"]
    assert (standing.state, standing.reached) == (BEHIND, 0)


def test_witnesses_are_told_and_make_nothing_unready(real: Place, ledger: Ledger, tmp_path: Path) -> None:
    """A policy that cannot be used is said to be so; witnesses belong to others and take no service away."""
    follow_all(real)
    signed_now(real, ledger)
    found = HealthReader(ledger, tmp_path / "nowhere").read()
    assert found.witnesses is not None
    assert (found.witnesses.state, found.wrong) == (UNUSABLE, [])
    assert HealthReader(ledger).read().witnesses is None


def test_unready_is_503_and_tells_no_number_to_others(simulated_ledger: Ledger) -> None:
    """Whoever asks from elsewhere learns whether and what, not how much; figures they do not get."""
    app = create_app(simulated_ledger, LocalSignIn(simulated_ledger, "127.0.0.1"))
    with TestClient(app, client=("192.0.2.7", 1)) as elsewhere:
        answer = elsewhere.get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {"ready": False, "wrong": [f"view {name}" for name in VIEWS]}
        assert elsewhere.get("/metrics").status_code == 404
    with TestClient(app, client=("127.0.0.1", 1)) as here:
        assert here.get("/readyz").json()["views"]["access"]["state"] == BEHIND
        assert here.get("/readyz", headers={"X-Forwarded-For": "192.0.2.7"}).json().keys() == {"ready", "wrong"}
        assert here.get("/metrics", headers={"Forwarded": "for=192.0.2.7"}).status_code == 404


def test_figures_count_routes_and_never_paths(api: Api, case: str) -> None:
    """Requests are counted by template and status; sizes, lag and pool are there, and no id of a case."""
    labels = 'method="GET",route="/cases/{case_id}",status="200"'
    before = figures(api.get("/metrics").text).get(f"caseledger_request_seconds_count{{{labels}}}", 0)
    for _ in range(3):
        assert api.get(f"/cases/{case}").status_code == 200
    assert api.get(f"/cases/{case}x").status_code in (404, 422)
    answer = api.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = figures(answer.text)
    assert found[f"caseledger_request_seconds_count{{{labels}}}"] == before + 3
    assert found[f'caseledger_request_seconds_bucket{{{labels},le="+Inf"}}'] == before + 3
    assert found["caseledger_events_total"] == api.size()
    assert found['caseledger_part_ok{part="checkpoint"}'] == 1
    assert {f'caseledger_behind_events{{part="view:{name}"}}' for name in VIEWS} <= found.keys()
    assert found['caseledger_database_pool{what="size"}'] >= 1
    assert case not in answer.text
    assert not re.search(r"u-[0-9]{2}", answer.text)
