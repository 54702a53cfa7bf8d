"""Boards page by page: the statements pick and count the rows that the folds' own functions pick, at any position."""

from collections import Counter
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from api.principals import command_line_principal
from api.rule_adoption import adopt_shipped
from domain.case_set import EVERY_CASE, CaseSet
from domain.deadlines import STATUSES, from_values, status
from domain.findings.handling import finding_of
from domain.standing import status_then
from domain.time import write_instant
from ledger.store import Ledger
from projections.board_pages import (
    BEGINNING,
    MOST,
    PART,
    BoardRows,
    Group,
    Moment,
    Selection,
    folded,
    place_of,
    remembered,
)
from projections.boards import PartRow, rows_at
from projections.case_views import NO_MORE, NOT_YET
from projections.follower import Follower
from projections.overview import families, is_programme, published
from projections.view import BAROMETER, CASELOAD, CONSENTS, DEADLINES, FINDINGS, WITHHELD, View
from tests.conftest import Server, Template, clone
from tests.following import catch_up

VIEWS = (DEADLINES, FINDINGS, CONSENTS, CASELOAD, BAROMETER, WITHHELD)
DAYS = [datetime(2024, 8, 21, 7, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)]


@pytest.fixture(scope="module")
def followed(server: Server, stories_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Ledger]:
    """The ledger of the six stories under the shipped rules, all boards up to date and followed no further."""
    for place in clone(server, stories_template, tmp_path_factory.mktemp("boards") / "home"):
        with place.ledger() as ledger:
            adopt_shipped(ledger, command_line_principal("test"), ledger.head().recorded_at)
            for view in VIEWS:
                follower = Follower(place.conninfo, view)
                catch_up(follower)
                follower.close()
            yield ledger


def board(ledger: Ledger, view: View, position: int, at: datetime, among: CaseSet = EVERY_CASE) -> BoardRows:
    """Return the remembered rows of a view."""
    return BoardRows(ledger, view, Moment(position, at), among, ())


def moments(ledger: Ledger) -> list[tuple[int, datetime]]:
    """Return positions of the past and now, each with several instants for the clock to show."""
    size = ledger.head().size
    positions = [0, 1, *(ledger.position_at(day) for day in DAYS), size // 2, size]
    return [(position, at) for position in positions for at in DAYS]


@pytest.mark.parametrize("view", [DEADLINES, FINDINGS, CONSENTS, CASELOAD, BAROMETER], ids=lambda view: view.name)
def test_a_board_is_its_rows_picked_and_ordered(followed: Ledger, view: View) -> None:
    """Every page and every count equals what the rows themselves say, for every status, at any position and instant."""
    seen = 0
    for position, at in moments(followed):
        _, rows = rows_at(followed, view, position)
        statuses = {status_then(row.value, at) for row in rows if "sort" in row.value}
        for chosen in (Selection(), *(Selection(statuses=(one,)) for one in sorted(statuses))):
            expected = sorted((row for row in rows if chosen.keeps(row, at)), key=place_of)
            found = board(followed, view, position, at)
            assert found.page(chosen, BEGINNING, MOST) == expected
            assert sum(found.counts(chosen).values()) == len(expected)
            seen += len(expected)
    assert seen > 20


def test_pages_of_any_size_give_each_row_once(followed: Ledger) -> None:
    """Each page begins after the last row of the one before, also where rows sort alike."""
    found = board(followed, DEADLINES, followed.head().size, DAYS[2])
    whole = found.page(Selection(), BEGINNING, MOST)
    assert len(whole) > 20
    for limit in (1, 7, 50):
        rows: list[PartRow] = []
        while page := found.page(Selection(), place_of(rows[-1]) if rows else BEGINNING, limit):
            rows += page
        assert rows == whole


def test_the_remembered_standing_is_the_clocks_own(followed: Ledger) -> None:
    """What is written beside a clock is what its status function says, at each turn and between."""
    _, rows = rows_at(followed, DEADLINES, followed.head().size)
    turning = 0
    for row in (one for one in rows if "sort" in one.value):
        clock = from_values(row.value)
        turns = [one for one in (clock.due, clock.warn_at, clock.extended_to) if one is not None]
        instants = [*DAYS, *(turn + timedelta(microseconds=by) for turn in turns for by in (-1, 0, 1))]
        for at in instants:
            assert status_then(row.value, at) == status(clock, at)
        turning += len(row.value.get("steps", ()))
    assert turning > 5


def test_a_finding_is_there_while_it_stands(followed: Ledger) -> None:
    """Before time brings it and after time took it back it is on no board."""
    _, rows = rows_at(followed, FINDINGS, followed.head().size)
    for row in rows:
        finding = finding_of(row.value)
        for at in DAYS:
            assert (status_then(row.value, at) not in (NOT_YET, NO_MORE)) == finding.stands(at)


def test_filters_leave_out_the_rest(followed: Ledger) -> None:
    """Levels, programmes, parts and cases each pick their own rows, and together the rows of all."""
    size, at = followed.head().size, DAYS[2]
    findings = board(followed, FINDINGS, size, at)
    levels = [row.value["level"] for row in findings.page(Selection(levels=("statute",)), BEGINNING, MOST)]
    assert set(levels) == {"statute"}
    answers = board(followed, BAROMETER, size, at)
    programme = Selection(programme="smaaboernsteam_001")
    rows = answers.page(programme, BEGINNING, MOST)
    assert {row.value["programme"] for row in rows} == {"smaaboernsteam_001"}
    assert sum(answers.counts(programme, PART).values()) == len(rows)
    one = rows[0].case
    only = board(followed, BAROMETER, size, at, CaseSet(frozenset({one})))
    but = board(followed, BAROMETER, size, at, CaseSet(frozenset({one}), all_but=True))
    all_rows = answers.page(Selection(), BEGINNING, MOST)
    assert {row.case for row in only.page(Selection(), BEGINNING, MOST)} == {one}
    assert len(only.page(Selection(), BEGINNING, MOST)) + len(but.page(Selection(), BEGINNING, MOST)) == len(all_rows)
    nothing = CaseSet()
    assert board(followed, BAROMETER, size, at, nothing).page(Selection(), BEGINNING, MOST) == []


def test_rows_folded_anew_come_in_their_place(followed: Ledger) -> None:
    """With some cases folded apart a board has the same pages as with none."""
    size, at = followed.head().size, DAYS[2]
    whole = board(followed, DEADLINES, size, at)
    apart = {row.case for row in whole.page(Selection(), BEGINNING, 1)}
    _, anew = rows_at(followed, DEADLINES, size, CaseSet(frozenset(apart)))
    mixed = BoardRows(followed, DEADLINES, Moment(size, at), EVERY_CASE.without(apart), anew)
    rows = whole.page(Selection(), BEGINNING, MOST)
    assert mixed.page(Selection(), BEGINNING, MOST) == rows
    assert mixed.counts(Selection()) == whole.counts(Selection())
    for before, after in pairwise(rows):
        assert mixed.page(Selection(), place_of(before), 1) == [after]


def test_numbers_told_apart_are_the_rows_told_apart(followed: Ledger) -> None:
    """By level, whose they are and when they are due, of remembered rows and of rows folded anew alike."""
    size, at = followed.head().size, DAYS[2]
    _, rows = rows_at(followed, DEADLINES, size)
    spans = [write_instant(day) for day in DAYS]
    expected = Counter(
        Group(
            row.value.get("level") or "",
            str(row.value["citizen"]).lower(),
            sum(one <= row.value["sort"] for one in spans),
            status_then(row.value, at),
        )
        for row in rows
        if "sort" in row.value
    )
    assert len(expected) > 5
    assert board(followed, DEADLINES, size, at).counts(Selection(), "level", "citizen", spans) == expected
    anew = BoardRows(followed, DEADLINES, Moment(size, at), CaseSet(), rows)
    assert anew.counts(Selection(), "level", "citizen", spans) == expected


def test_a_board_of_the_world_is_folded_anew(followed: Ledger) -> None:
    """At the instant of the last entry it says what is remembered."""
    head = followed.head()
    moment = Moment(head.size, head.recorded_at)
    anew = folded(followed, CASELOAD, moment, EVERY_CASE, originals=False)
    kept = remembered(followed, CASELOAD, moment, EVERY_CASE, originals=False)

    def values(rows: BoardRows) -> list[tuple[UUID, str, dict[str, Any]]]:
        return [(row.case, row.part, row.value) for row in rows.page(Selection(), BEGINNING, MOST)]

    assert values(anew) == values(kept)
    earlier = folded(followed, CASELOAD, Moment(head.size, DAYS[0]), EVERY_CASE, originals=False)
    assert values(earlier) != values(kept)


def test_families_of_a_programme_as_of_any_position(followed: Ledger) -> None:
    """Counted by heading, and published overviews in the order in which they were shown."""
    programme = "smaaboernsteam_001"
    for position, at in moments(followed):
        rows = board(followed, CASELOAD, position, at)
        enrolments = rows.page(Selection("enrolment/", programme=programme), BEGINNING, MOST)
        running = {row.case for row in enrolments if row.value["status"] == "running"}
        found = families(rows, programme, None)
        assert found.get((programme, "ongoing"), 0) == len(running)
        assert families(rows, None, None).items() >= found.items()
        assert not families(rows, "nobody", None)
    size = followed.head().size
    told = published(board(followed, CASELOAD, size, DAYS[2]), programme)
    assert [row.value["happened"][:10] for row in told] == ["2025-05-12", "2025-11-24"]
    assert is_programme(followed, programme)
    assert not is_programme(followed, "smaaboernsteam_01")


def test_every_status_of_a_clock_may_be_asked_for(followed: Ledger) -> None:
    """The counts by status add up to all."""
    found = board(followed, DEADLINES, followed.head().size, DAYS[1]).counts(Selection())
    assert {group.status for group in found} <= set(STATUSES)
    assert len(found) > 2
