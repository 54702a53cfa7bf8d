"""Look-ups that expire, by command and as the API tells of it afterwards."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from api.opening import Place
from ledger.creation import connect_owner
from ledger.look_expiry import remove_looks
from ledger.store import Ledger
from tests.api.client import Api, problem
from tests.api.filing import offices
from tests.api.service import Inside
from tests.conftest import Server, Template
from tests.ledger.samples import appended, fact, one

LONG_AGO = datetime(2020, 3, 4, tzinfo=UTC)


def expire_all(place: Place, ledger: Ledger) -> int:
    """Let every look there is expire, as if its time had come, and return up to where."""
    upto = ledger.head().size
    facts = {"upto": upto, "recorded_before": "2026-01-01T00:00:00.000000Z", "months_kept": 1}
    appended(ledger.append_now(one(ledger.id, None, fact("lookups_expired", **facts))))
    with connect_owner(place.owner) as owner:
        assert remove_looks(owner, upto) > 0
    return upto


def extract(officer: Api, case: str, key: str) -> Any:
    """Make the mother's extract."""
    return officer.post(f"/cases/{case}/look-extracts", {"person": "parent-A"}, Idempotency_Key=key)


@pytest.mark.slow
def test_the_api_after_an_expiry(server: Server, simulated_template: Template, tmp_path: Path) -> None:
    """Log and extract say before when looks are gone and show none; an extract is not repeated as another one."""
    for office in offices(server, simulated_template, tmp_path):
        with office.serving() as api, office.place.ledger() as ledger, api.acting_as("u-81") as officer:
            case, key = api.open_case(), str(uuid4())
            shown = api.get(f"/cases/{case}").json()["access_event"]
            first = extract(officer, case, key)
            assert [row["position"] for row in first.json()["items"]] == [shown]
            upto = expire_all(office.place, ledger)
            log = officer.get(f"/cases/{case}/access-events").json()
            assert (log["items"], log["expired_before"]) == ([], "2026-01-01T00:00:00.000000Z")
            assert log["summary"] == {"looks": 0, "people": 0, "refused": 0, "break_glass": 0, "after_closing": 0}
            assert "expired" in problem(extract(officer, case, key), 409, "refused")["detail"]
            after = extract(officer, case, str(uuid4())).json()
            assert [row["position"] for row in after["items"]] == [log["access_event"]]
            assert after["expired_before"] == log["expired_before"]
            assert api.get(f"/cases/{case}").json()["version"] == 3
            assert upto < log["access_event"]
        said = office.command.done("verify")
        assert said.startswith("INTACT")
        assert "look-ups, their content removed by an expiry on record" in said
        assert "DIFFERENT" not in office.command.done("replay", "verify", "access")


@pytest.fixture
def looked(simulated: Place) -> Place:
    """A ledger with two looks of long ago and one of now."""
    told = {"viewer": "u-90", "role": "caseworker", "purpose": "case-work", "what": "case", "refused": False}
    with simulated.ledger() as ledger:
        look = fact("record_viewed", cases=[str(uuid4())], **told)
        viewer = uuid4()
        appended(ledger.append_now(one(viewer, None, look, look), LONG_AGO))
        appended(ledger.append_now(one(viewer, None, look)))
    return simulated


def with_months(inside: Inside, months: str) -> Inside:
    """Return the command line with look-ups kept for so many months."""
    variables: Mapping[str, str] = inside.variables
    return Inside({**variables, "CASELEDGER_LOOK_MONTHS": months})


def test_the_command(looked: Place, inside: Inside) -> None:
    """It removes what is old enough by the setting, once, and says how many; then the ledger verifies."""
    assert "Removed the content of 0 look-ups recorded before 19" in with_months(inside, "1200").done("looks", "expire")
    said = inside.done("looks", "expire")
    assert said.startswith("Removed the content of 2 look-ups recorded before 20")
    assert said.count("\n") == 1
    assert inside.done("looks", "expire").startswith("Removed the content of 0 look-ups")
    assert "expired   2 look-ups" in inside.done("verify")


def test_the_command_says_what_is_kept(looked: Place, inside: Inside) -> None:
    """Where a matter is pending it says in how many cases look-ups stay."""
    with looked.ledger() as ledger:
        hold = fact("legal_hold_changed", placed=True, reason="court")
        appended(ledger.append_now(one(uuid4(), None, hold)))
    assert "Look-ups at 1 cases are kept" in inside.done("looks", "expire")


@pytest.mark.parametrize("months", ["0", "-1", "1201", "five"])
def test_a_setting_that_is_none_is_refused(inside: Inside, months: str) -> None:
    """A wrong number of months removes nothing."""
    _, line = with_months(inside, months).refused("looks", "expire")
    assert "CASELEDGER_LOOK_MONTHS" in line
