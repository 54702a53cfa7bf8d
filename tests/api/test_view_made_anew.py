"""Boards, lists and releases while readers would see rows of an older version of a view: they say so and show none."""

from collections.abc import Generator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.exporting import ReleaseWish, make_release
from api.opening import Place
from api.principals import command_line_principal
from api.rule_adoption import adopt_shipped
from api.sign_in.local import LocalSignIn
from domain.entries import Entry
from domain.rules import Rules
from ledger.store import Ledger
from projections import case_views
from projections.following import ViewMadeAnew
from projections.standing import states_at
from projections.view import CASE_STATE, DEADLINES, WITHHELD
from replay.rebuild import rebuild_view
from tests.api.signing_in import OWN_PAGE, signed_in

LEADER = "u-12"


def unsorted(state: tuple[Entry, ...], rules: Rules, at: datetime | None) -> dict[str, dict[str, Any]]:
    """Return the rows of an older program, which said nothing of their order: no board finds them."""
    parts = case_views.deadline_parts(state, rules, at)
    return {part: {name: one for name, one in value.items() if name != "sort"} for part, value in parts.items()}


OLDER = replace(DEADLINES, version=DEADLINES.version - 1, parts=unsorted)
OLDER_STATE = replace(CASE_STATE, version=CASE_STATE.version - 1)


@pytest.fixture
def upgraded(stories: Place) -> Generator[Ledger]:
    """A ledger whose views an older program has followed; no worker of this program runs yet."""
    with stories.ledger() as ledger:
        adopt_shipped(ledger, command_line_principal("test"), ledger.head().recorded_at)
        for view in (OLDER, OLDER_STATE, WITHHELD):
            rebuild_view(stories.conninfo, view)
        yield ledger


@pytest.fixture
def client(upgraded: Ledger) -> Generator[TestClient]:
    """A leader's client inside this process."""
    with TestClient(create_app(upgraded, LocalSignIn(upgraded, "127.0.0.1"))) as client:
        signed_in(client, LEADER)
        yield client


def test_boards_and_pages_say_so_until_it_is_made(stories: Place, client: TestClient) -> None:
    """503 with when to come back, of now and of the past; what is folded at the reading is answered meanwhile."""
    for address in ("/deadlines", "/deadlines?known_at=2025-04-01T00:00:00Z"):
        answer = client.get(address)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert answer.json()["type"] == "/problems/unavailable"
        assert "View deadlines is being made anew" in answer.json()["detail"]
    assert client.get("/deadlines?valid_at=2025-04-01T00:00:00Z").json()["total"] > 0
    shown = client.get("/sager", headers=OWN_PAGE)
    assert (shown.status_code, shown.headers["retry-after"]) == (503, "2")
    assert "listen dannes på ny" in shown.text
    assert "<table" not in shown.text
    for view in (DEADLINES, CASE_STATE):
        rebuild_view(stories.conninfo, view)
    assert client.get("/deadlines").json()["total"] > 0
    assert client.get("/sager", headers=OWN_PAGE).status_code == 200


def test_cases_at_an_instant_are_answered_meanwhile(stories: Place, upgraded: Ledger) -> None:
    """They are folded from their streams, to the same as their rows say later."""
    cases = [row.stream for row in upgraded.read_topic("case_opened")]
    position = upgraded.head().size
    asked = upgraded.head().recorded_at
    meanwhile = states_at(upgraded, cases, position, asked)
    rebuild_view(stories.conninfo, CASE_STATE)
    assert meanwhile == states_at(upgraded, cases, position, asked)
    assert meanwhile.keys() == set(cases)


def test_no_release_is_made_of_older_rows(upgraded: Ledger, tmp_path: Path) -> None:
    """It would be a wrong answer that is kept."""
    size, wish = upgraded.head().size, ReleaseWish("first", tables={"deadlines"})
    with pytest.raises(ViewMadeAnew, match="View deadlines is being made anew"):
        make_release(upgraded, command_line_principal("test", internal=True), wish, tmp_path / "r", lambda _d, _a: None)
    assert not (tmp_path / "r").exists()
    assert upgraded.head().size == size
