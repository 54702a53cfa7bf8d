"""An entry of another person is out of sight at once: in the case, in its past, on boards and on the page."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from api.principals import Principal
from api.reading import CaseReader, Question
from projections.board import Board
from tests.api.client import Api, command, note
from tests.api.conftest import Served
from tests.api.service import until

SECRET = "a sentence about another child"
SCORE = 27


@pytest.fixture
def moved(api: Api) -> tuple[str, str]:
    """A case in which a note and a score of another child were moved away, and an instant before that."""
    score = {"assessment": "a-1", "instrument": "adbb", "about": "child-A", "result_kind": "score", "score": SCORE}
    case = api.open_case(note(SECRET), command("AssessmentRecorded", score), note())
    before = datetime.now(UTC).isoformat()
    data: dict[str, Any] = {"kind": "wrong_person", "reason": "Belongs to another child."}
    answer = api.commit(case, 4, *(command("EntryAnnulled", data | {"annuls": version}) for version in (2, 3)))
    assert answer.status_code == 201, answer.text
    return case, before


def test_nothing_of_it_is_answered_now_or_as_of_before(api: Api, moved: tuple[str, str]) -> None:
    """The entry keeps its place; its text and its score are in no answer."""
    case, before = moved
    for parameters in ({}, {"known_at": before}, {"known_at": before, "valid_at": before}):
        entries = api.events(case, **parameters)
        assert [entry["withheld"] for entry in entries][:4] == [False, True, True, False]
        assert entries[2]["data"] == {}
        for path in ("", "/deadlines", "/findings", "/consents"):
            text = api.get(f"/cases/{case}{path}", **parameters).text
            assert SECRET not in text
            assert f'"score":{SCORE}' not in text


def test_boards_of_the_past_leave_it_out(api: Api, moved: tuple[str, str]) -> None:
    """What was remembered before is not shown after."""
    case, before = moved

    def state(**parameters: str) -> dict[str, Any]:
        page = api.get("/cases", limit=500, **parameters).json()
        while not any(item["case"] == case for item in page["items"]):
            page = api.get("/cases", limit=500, cursor=page["next"], **parameters).json()
        return next(item["state"] for item in page["items"] if item["case"] == case)

    until(lambda: state()["assessments"] == {}, "the view to follow")
    assert state(known_at=before)["assessments"] == {}
    assert state(known_at=before, valid_at=before)["assessments"] == {}


def test_the_page_says_that_something_is_withheld_and_not_what(api: Api, moved: tuple[str, str]) -> None:
    """Its place is marked; the words are not there."""
    case, _ = moved
    page = api.get(f"/sager/{case}").text
    assert page.count("Flyttet væk: indholdet vises kun for revision") == 2
    assert SECRET not in page


async def _text_for(reader: CaseReader, staff: str, role: str, case: str) -> str:
    principal = Principal(staff, role, "Eksempelkommune", "audit")
    look = await reader.case(principal, UUID(case), Question(), "case")
    return repr([dict(entry.data) for entry in look.entries])


def test_audit_sees_the_original(served: Served, moved: tuple[str, str]) -> None:
    """One named role, with its look on record like any other."""
    with served.place.ledger() as ledger:
        reader = CaseReader(ledger, Board(ledger))
        assert SECRET in asyncio.run(_text_for(reader, "u-95", "auditor", moved[0]))
        assert SECRET not in asyncio.run(_text_for(reader, "u-12", "supervisor", moved[0]))
