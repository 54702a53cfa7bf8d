"""Who has looked, remembered per case and per person: each look once, nothing ended, in full or not at all."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.opening import Place
from domain.looks import Look
from domain.time import write_instant
from ledger.requests import NewEvent
from ledger.store import Ledger
from projections import follower as follower_module
from projections import following
from projections.closing import closed_stretches
from projections.follower import Follower
from projections.looks import LooksIncomplete, OfPerson, Sums, looks_at, sums_of
from projections.view import ACCESS
from replay.rebuild import rebuild_view, verify_view
from tests.following import catch_up
from tests.ledger.samples import appended, connected, fact, one
from tests.story_entries import story_entries

VIEWER = UUID(int=90)
CASE, OTHER, ALMA, ASTA = (uuid4() for _ in range(4))


def look(*cases: UUID, subjects: tuple[UUID, ...] | None = None, **changes: Any) -> NewEvent:
    """Return a look at some cases."""
    told = {"viewer": "u-90", "role": "caseworker", "purpose": "case-work", "what": "case"}
    named = {} if subjects is None else {"subjects": list(map(str, subjects))}
    flags = {"refused": False, "break_glass": False}
    return fact("record_viewed", cases=list(map(str, cases)), **(told | flags | named | changes))


def looked(ledger: Ledger, *events: NewEvent) -> int:
    """Put looks on record and return the position of the last."""
    return appended(ledger.append_now(one(VIEWER, None, *events))).last_position


def followed(place: Place) -> None:
    """Bring the view up to date."""
    follower = Follower(place.conninfo, ACCESS)
    try:
        catch_up(follower)
    finally:
        follower.close()


def positions(looks: tuple[Look, ...]) -> list[int]:
    """Return which looks."""
    return [look.position for look in looks]


@pytest.fixture
def watched(real: Place, ledger: Ledger) -> Ledger:
    """A ledger with looks at two cases and two persons, followed; they stand at 2 to 6."""
    looked(
        ledger,
        look(CASE),
        look(CASE, OTHER, what="case_list", subjects=()),
        look(CASE, subjects=(ALMA, ASTA), matter="m-1", organisation="Eksempelkommune"),
        look(OTHER, refused=True, refusal="restricted", known_at="2026-03-04T13:00:00.000000Z", as_of_position=1),
        look(CASE, subjects=(ALMA,), break_glass=True),
    )
    followed(real)
    return ledger


def test_a_look_is_found_under_each_case_and_each_person(watched: Ledger) -> None:
    """The newest first, once each; what is in clear of it, and how many people's data it showed."""
    assert positions(looks_at(watched, CASE, 6)) == [6, 4, 3, 2]
    assert positions(looks_at(watched, OTHER, 6)) == [5, 3]
    assert positions(looks_at(watched, ALMA, 6)) == [6, 4]
    assert positions(looks_at(watched, ASTA, 6)) == [4]
    assert looks_at(watched, uuid4(), 6) == ()
    assert [one.persons for one in looks_at(watched, CASE, 6)] == [1, 2, 0, None]
    (latest, full) = looks_at(watched, ALMA, 6)
    assert (latest.break_glass, full.matter, full.organisation) == (True, "m-1", "Eksempelkommune")
    refused = looks_at(watched, OTHER, 6)[0]
    assert (refused.refused, refused.refusal, refused.as_of_position) == (True, "restricted", 1)
    assert refused.known_at is not None
    assert write_instant(refused.known_at) == "2026-03-04T13:00:00.000000Z"


def test_the_past_a_period_and_pages(watched: Ledger) -> None:
    """As of a position; between two instants, both counted in; page after page until nothing is left."""
    assert positions(looks_at(watched, CASE, 3)) == [3, 2]
    third = looks_at(watched, CASE, 6)[2]
    before, after = third.looked_at - timedelta(microseconds=1), third.looked_at
    assert positions(looks_at(watched, CASE, 6, since=after)) == [6, 4, 3, 2], "one request, one instant"
    assert looks_at(watched, CASE, 6, until=before) == ()
    assert positions(looks_at(watched, CASE, 6, limit=3)) == [6, 4, 3]
    assert positions(looks_at(watched, CASE, 6, after=3, limit=3)) == [2]
    later = looked(watched, look(CASE))
    assert watched.read_range(later, later)[0].recorded_at > after


def test_looks_of_one_instant_are_not_those_of_another(real: Place, watched: Ledger) -> None:
    """A period that begins at a look holds it and none before."""
    later = looked(watched, look(CASE))
    followed(real)
    at = looks_at(watched, CASE, later, limit=1)[0].looked_at
    assert positions(looks_at(watched, CASE, later, since=at)) == [later]
    assert positions(looks_at(watched, CASE, later, since=at, until=at)) == [later]
    assert positions(looks_at(watched, CASE, later, until=at - timedelta(microseconds=1))) == [6, 4, 3, 2]


def test_an_answer_is_whole_or_not_given(watched: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the view has not followed to where it is asked, nothing is said rather than too little."""
    monkeypatch.setattr(following, "WAIT_SECONDS", 0.1)
    behind = looked(watched, look(CASE))
    with pytest.raises(LooksIncomplete):
        looks_at(watched, CASE, behind)
    assert positions(looks_at(watched, CASE, behind - 1)) == [6, 4, 3, 2]


@pytest.mark.parametrize("batch", [1, 2, 500])
def test_the_view_equals_itself_folded_anew(
    real: Place, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """Whatever the batches, rows are those a rebuild makes; a rebuild changes nothing for readers; forgery is seen."""
    monkeypatch.setattr(follower_module, "BATCH", batch)
    size = looked(ledger, *(look(CASE, subjects=(ALMA,)) for _ in range(5)), look(OTHER))
    followed(real)
    comparison = verify_view(real.conninfo, ACCESS)
    assert (comparison.equal, comparison.rows, comparison.keys) == (True, 11, 3)
    before = looks_at(ledger, CASE, size)
    assert rebuild_view(real.conninfo, ACCESS).equal
    assert looks_at(ledger, CASE, size) == before
    with connected(real) as connection:
        connection.execute(
            "DELETE FROM view.remembered_v1 WHERE view = 'access' AND known_from = 4 AND key = %s", [ALMA]
        )
        connection.execute(
            "UPDATE view.remembered_v1 SET value = value - 'role' WHERE known_from = 5 AND key = %s", [CASE]
        )
    forged = verify_view(real.conninfo, ACCESS)
    assert forged.differing == 2


def test_no_row_of_a_look_ends(real: Place, watched: Ledger) -> None:
    """Each is open from its own position on."""
    looked(watched, look(CASE))
    followed(real)
    with connected(real) as connection:
        rows = connection.execute("SELECT part, known_from, known_to FROM view.remembered_v1").fetchall()
    assert {(int(part), None) for part, _, _ in rows} == {(known_from, known_to) for _, known_from, known_to in rows}


@pytest.fixture
def crowded(real: Place, ledger: Ledger) -> Ledger:
    """A ledger with looks of every kind at a case of Alma and Asta and at another, followed; they stand at 2 to 9."""
    looked(
        ledger,
        look(CASE, subjects=(ALMA,)),
        look(CASE, subjects=(ASTA,)),
        look(CASE, subjects=(ALMA, ASTA), viewer="u-7", break_glass=True),
        look(CASE, refused=True, refusal="not_assigned", viewer="u-8"),
        look(CASE, OTHER, what="case_list", as_of_position=1),
        look(CASE, OTHER, what="case_list", as_of_position=4),
        look(OTHER, subjects=(ALMA,)),
        look(CASE, subjects=()),
    )
    followed(real)
    return ledger


def test_a_person_of_a_case_was_looked_at_where_named_or_nobody_was(crowded: Ledger) -> None:
    """Looks at others of the case, at the person in another case, and as of before they had joined, are left out."""
    alma = OfPerson((ALMA,), CASE, 3)
    assert positions(looks_at(crowded, alma, 9)) == [9, 7, 5, 4, 2]
    assert positions(looks_at(crowded, OfPerson((ASTA,), CASE, 1), 9)) == [9, 7, 6, 5, 4, 3]
    assert positions(looks_at(crowded, OfPerson((ALMA, ASTA), CASE, 3), 9)) == [9, 7, 5, 4, 3, 2], "once each"
    assert positions(looks_at(crowded, OfPerson((uuid4(),), OTHER, 1), 9)) == [7, 6]
    assert positions(looks_at(crowded, alma, 9, limit=2)) == [9, 7]
    assert positions(looks_at(crowded, alma, 9, after=7, limit=None)) == [5, 4, 2]
    assert positions(looks_at(crowded, alma, 9, limit=None, named=[2, 3, 8, 9])) == [9, 2]


def test_sums_are_those_of_all_pages(crowded: Ledger) -> None:
    """However many stand on a page, and of the same looks."""
    assert sums_of(crowded, CASE, 9) == Sums(7, 3, 1, 1, 0)
    assert sums_of(crowded, OfPerson((ALMA, ASTA), CASE, 3), 9) == Sums(6, 3, 1, 1, 0)
    assert sums_of(crowded, ALMA, 9) == Sums(3, 2, 0, 1, 0)
    assert sums_of(crowded, CASE, 4) == Sums(3, 2, 0, 1, 0)
    assert sums_of(crowded, uuid4(), 9) == Sums(0, 0, 0, 0, 0)
    assert sums_of(crowded, CASE, 9, closed=[(3, 5), (9, None)]).after_closing == 3
    first = looks_at(crowded, CASE, 9)[-1].looked_at
    assert sums_of(crowded, CASE, 9, until=first - timedelta(microseconds=1)).looks == 0


def test_a_case_is_closed_while_no_enrolment_runs() -> None:
    """From the closing on, as it was on record then, until support is taken up again or the closing is annulled."""
    entries = story_entries("s2_smaaboernsteam_001")
    assert closed_stretches(entries[:1]) == ()
    closing = next(entry for entry in entries if entry.topic == "enrolment_closed")
    stretches = closed_stretches(entries)
    assert stretches == ((closing.position, None),)
    annulled = replace(closing, version=999, position=1000, topic="entry_annulled", data={"annuls": closing.version})
    again = replace(closing, version=1000, position=1001)
    assert closed_stretches((*entries, annulled, again)) == ((closing.position, 1000), (1001, None))
