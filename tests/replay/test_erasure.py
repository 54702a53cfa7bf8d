"""Verification and rebuilding after erasures: absent bytes are right where one covers them, rows never return."""

import asyncio
from collections.abc import Generator
from uuid import UUID, uuid4

import pytest

from api.door import Door
from api.looks import Shown
from api.opening import Place
from api.principals import command_line_principal
from api.rule_adoption import adopt_shipped
from api.verify_text import report_lines
from domain.erased import NOTHING_ERASED
from domain.time import read_instant
from ledger.erasure import ErasureRegister
from ledger.format import read_segment_table
from ledger.store import Ledger
from projections.boards import rows_as_of, rows_at
from projections.follower import Follower
from projections.looks import looks_at
from projections.view import ACCESS, CASE_STATE, DEADLINES, VIEWS, AnyView, View
from replay import shares
from replay.rebuild import rebuild_view, verify_view
from replay.verify import Report, verify_ledger, verify_stream
from tests.following import catch_up
from tests.ledger.samples import HOURS, appended, connected, fact, one, unhindered

pytestmark = pytest.mark.slow

QUICK = (CASE_STATE, DEADLINES)
"""A view without the rules and one under them, which take less time than all."""

ABOUT_CASES = tuple(view for view in VIEWS.values() if isinstance(view, View))
"""Every view but that of looks, which stand in their viewers' streams."""

NAMES = {view.name for view in QUICK}
REMOVE = "SELECT ledger.remove_ciphertext(%s)"


def erased(ledger: Ledger, case: UUID, **data: object) -> int:
    """Put an erasure on record and return its position."""
    event = fact("personal_data_erased", basis="x", approved_by="u-2", **data)
    return appended(ledger.append_now(one(case, None, event))).last_position


def cases(ledger: Ledger) -> list[UUID]:
    """Return the cases of the ledger, in order of opening."""
    return [row.stream for row in ledger.read_topic("case_opened")]


def sealed_row(ledger: Ledger, case: UUID) -> tuple[int, str]:
    """Return the position of an entry of a case with one sealed segment, and the key of that."""
    row = next(row for row in ledger.read_stream(case) if int.from_bytes(row.segments[:2]) == 2)
    return row.position, str(read_segment_table(row.segments)[1].key)


def faults(report: Report) -> list[tuple[int, str]]:
    """Return position and problem of every fault."""
    return [(fault.position, fault.problem) for fault in report.faults]


@pytest.fixture
def ledger(stories: Place) -> Generator[Ledger]:
    """The ledger of the six stories."""
    with stories.ledger() as opened:
        yield opened


def test_absent_bytes_without_an_erasure_are_named(stories: Place, ledger: Ledger) -> None:
    """Whoever got round the trigger has removed what may not go; an erasure of another key or entry covers nothing."""
    case = cases(ledger)[0]
    at, _ = sealed_row(ledger, case)
    erased(ledger, case, key=str(uuid4()), scope="person")
    with connected(stories) as owner, unhindered(owner, keep=True):
        owner.execute(REMOVE, [at])
    problem = "the stored bytes of segment 1 are missing, and no erasure on record covers them"
    report = verify_ledger(ledger)
    assert faults(report) == [(at, problem)]
    assert not report.removed_segments
    rows = ledger.read_stream(case)
    assert [(f.position, f.problem) for f in verify_stream(rows, ErasureRegister(ledger).now())] == [(at, problem)]


@pytest.mark.parametrize("of", ["key", "entry"])
def test_absent_bytes_are_right_where_an_erasure_covers_them(stories: Place, ledger: Ledger, of: str) -> None:
    """The report counts them and says why; the stream alone is right too, by the erasures of all streams."""
    case = cases(ledger)[0]
    at, key = sealed_row(ledger, case)
    version = ledger.read_range(at, at)[0].version
    erased(ledger, case, **({"key": key, "scope": "person"} if of == "key" else {"entries": [version]}))
    assert verify_ledger(ledger).intact
    with connected(stories) as owner:
        assert owner.execute(REMOVE, [at]).fetchone() == (True,)
    report = verify_ledger(ledger)
    assert report.intact
    assert dict(report.removed_segments) == {of: 1}
    assert f"  removed   1 sealed segments: 1 after erasure of their {of}" in list(report_lines(report))
    rows = ledger.read_stream(case)
    assert verify_stream(rows, ErasureRegister(ledger).now()) == []
    assert [fault.position for fault in verify_stream(rows, NOTHING_ERASED)] == [at]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("state = overlay(state PLACING '2'::bytea FROM 30)", "the stored bytes of segment 0 have been changed"),
        ("state = substr(state, 1, length(state) - 1)", "state: length does not fit the segment table"),
        ("state = ''", "state: length does not fit the segment table"),
        ("segments = substr(segments, 1, 86)", "its columns are not those that were committed to"),
    ],
)
def test_what_is_left_after_removal_is_still_checked(stories: Place, ledger: Ledger, change: str, problem: str) -> None:
    """The clear part is hashed as before: changed, cut short or gone, it is named."""
    case = cases(ledger)[0]
    at, key = sealed_row(ledger, case)
    erased(ledger, case, key=key, scope="person")
    with connected(stories) as owner:
        owner.execute(REMOVE, [at])
        with unhindered(owner, keep=True):
            owner.execute(f"UPDATE ledger.event SET {change} WHERE position = {at}".encode())
    found = faults(verify_ledger(ledger))
    assert (at, problem) in found
    assert {position for position, _ in found} == {at}


def test_sealed_bytes_that_are_still_there_are_hashed_though_erased(stories: Place, ledger: Ledger) -> None:
    """Until they are removed nobody may exchange them."""
    case = cases(ledger)[0]
    at, key = sealed_row(ledger, case)
    erased(ledger, case, key=key, scope="person")
    with connected(stories) as owner, unhindered(owner, keep=True):
        owner.execute(
            "UPDATE ledger.event SET state = overlay(state PLACING '\\x00'::bytea FROM length(state))"
            " WHERE position = %s",
            [at],
        )
    assert faults(verify_ledger(ledger)) == [(at, "the stored bytes of segment 1 have been changed")]


def follow(place: Place, *views: AnyView) -> None:
    """Let followers bring views up to date."""
    for view in views or VIEWS.values():
        follower = Follower(place.conninfo, view)
        try:
            catch_up(follower)
        finally:
            follower.close()


def remembered(place: Place, case: UUID) -> dict[str, int]:
    """Return how many rows of a case each view has, in all generations and ranges."""
    with connected(place) as connection:
        query = "SELECT view, count(*) FROM view.remembered_v1 WHERE key = %s GROUP BY view"
        return dict(connection.execute(query, [case]).fetchall())


def all_equal(place: Place, *views: AnyView) -> bool:
    """Whether views folded anew, or all of them, are the live ones."""
    return all(verify_view(place.conninfo, view).equal for view in views or VIEWS.values())


@pytest.fixture
def ruled(stories: Place, ledger: Ledger) -> Place:
    """The six stories under the shipped rules, followed to the end."""
    adopt_shipped(ledger, command_line_principal("test"), ledger.head().recorded_at)
    follow(stories)
    return stories


def test_an_erased_case_leaves_every_view_and_every_range(ruled: Place, ledger: Ledger) -> None:
    """Its rows go, those of other cases stay; folded anew both are equal, and boards of the past are without it."""
    case, *others = cases(ledger)
    assert remembered(ruled, case).keys() >= {"case_state", "deadlines", "consents", "findings"}
    before = [remembered(ruled, other) for other in others]
    past = ledger.read_stream(case)[-1].position
    erased(ledger, case, key=str(uuid4()), scope="case")
    erased(ledger, case, key=str(uuid4()), scope="case")
    follow(ruled)
    assert remembered(ruled, case) == {}
    assert [remembered(ruled, other) for other in others] == before
    assert all_equal(ruled)
    for view in ABOUT_CASES:
        assert case not in {row.case for row in rows_at(ledger, view, past)[1]}
        at = read_instant("2030-01-01T00:00Z")
        assert case not in {row.case for row in rows_as_of(ledger, view, past, at)}


def test_who_has_looked_at_an_erased_case_stays(ruled: Place, ledger: Ledger) -> None:
    """The log of looks is about staff and has a retention of its own; folded anew it is the same."""
    case = cases(ledger)[0]
    asyncio.run(Door(ledger).looks.record(command_line_principal("test"), Shown("case", (case,))))
    follow(ruled)
    assert remembered(ruled, case)["access"] == 1
    erased(ledger, case, key=str(uuid4()), scope="case")
    follow(ruled)
    assert remembered(ruled, case) == {"access": 1}
    assert len(looks_at(ledger, case, ledger.head().size)) == 1
    assert all_equal(ruled, ACCESS)


def test_nothing_brings_an_erased_case_back(ruled: Place, ledger: Ledger) -> None:
    """Not its later entries, not rules adopted later, not a follower that starts anew, not a rebuild."""
    case, other = cases(ledger)[:2]
    erased(ledger, case, key=str(uuid4()), scope="case")
    follow(ruled, *QUICK)
    appended(ledger.append_now(one(case, None, fact(HOURS, hours_per_week=9))))
    adopt_shipped(ledger, command_line_principal("test"), ledger.head().recorded_at)
    follow(ruled, *QUICK)
    assert not remembered(ruled, case).keys() & NAMES
    assert all_equal(ruled, *QUICK)
    for view in QUICK:
        assert rebuild_view(ruled.conninfo, view).equal
    appended(ledger.append_now(one(case, None, fact(HOURS, hours_per_week=8))))
    appended(ledger.append_now(one(other, None, fact(HOURS, hours_per_week=8))))
    follow(ruled, *QUICK)
    assert not remembered(ruled, case).keys() & NAMES
    assert all_equal(ruled, *QUICK)


def test_a_follower_that_starts_anew_adds_no_row_that_says_the_same(ruled: Place, ledger: Ledger) -> None:
    """What it reads back of its rows is what it would write: only what differs is added."""
    case = cases(ledger)[0]
    for hours in (9, 8):
        appended(ledger.append_now(one(case, None, fact(HOURS, hours_per_week=hours))))
        follow(ruled)
    assert all_equal(ruled)


def test_erasure_of_a_person_leaves_the_rows(ruled: Place, ledger: Ledger) -> None:
    """They hold references and codes only."""
    case = cases(ledger)[0]
    before = remembered(ruled, case)
    erased(ledger, case, key=str(uuid4()), scope="person", subject="parent-A")
    follow(ruled, *QUICK)
    after = remembered(ruled, case)
    assert after["case_state"] == before["case_state"]
    assert after.keys() == before.keys()
    assert all_equal(ruled, *QUICK)


def test_a_view_behind_the_erasure_is_equal_too(ruled: Place, ledger: Ledger) -> None:
    """The case is leaving: live rows that are still there count as little as those that are gone."""
    case = cases(ledger)[0]
    erased(ledger, case, key=str(uuid4()), scope="case")
    assert remembered(ruled, case)
    assert all_equal(ruled, *QUICK)
    assert rebuild_view(ruled.conninfo, DEADLINES).equal
    assert "deadlines" not in remembered(ruled, case)
    follow(ruled, *QUICK)
    assert not remembered(ruled, case).keys() & NAMES
    assert all_equal(ruled, *QUICK)


def test_a_rebuild_writes_nothing_of_an_erased_case(
    ruled: Place, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even for a moment: at no page of it is there a row."""
    monkeypatch.setattr(shares, "PIECE_EVENTS", 1)
    case = cases(ledger)[0]
    erased(ledger, case, key=str(uuid4()), scope="case")
    follow(ruled, *QUICK)
    seen: list[dict[str, int]] = []
    assert rebuild_view(ruled.conninfo, CASE_STATE, lambda _: seen.append(remembered(ruled, case))).equal
    assert len(seen) > 5
    assert not any("case_state" in found for found in seen)


def test_rows_that_a_cut_off_rebuild_has_left_go_too(ruled: Place, ledger: Ledger) -> None:
    """Whatever generation they are of."""
    case = cases(ledger)[0]
    with connected(ruled) as connection:
        connection.execute(
            "INSERT INTO view.remembered_v1 SELECT view, generation + 5, key, part, known_from, known_to, value"
            " FROM view.remembered_v1 WHERE key = %s AND view = 'case_state'",
            [case],
        )
    erased(ledger, case, key=str(uuid4()), scope="case")
    follow(ruled, CASE_STATE)
    assert "case_state" not in remembered(ruled, case)
