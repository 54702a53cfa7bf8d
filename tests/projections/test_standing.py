"""Where cases stood: by remembered rows, milestones or their entries, the answer is that of the full fold."""

from collections.abc import Callable, Collection, Generator, Iterable
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

import pytest

from api.opening import Place
from domain.entries import Entry
from domain.erased import erases_case
from domain.events.administration import CaseOpened
from domain.withheld import Withheld, withheld, without
from ledger.mapper import read_clear
from ledger.store import Ledger
from projections import milestones, standing
from projections.case_state import state_as_of
from projections.standing import states_at
from projections.view import CASE_STATE, MILESTONES
from replay.rebuild import verify_view
from tests.histories.files import follow
from tests.ledger.samples import appended, one
from tests.projections.any_case import any_case, erased, instants, stored

FACTS_ONLY = UUID(int=9)
TICK = timedelta(microseconds=1)
Records = dict[UUID, list[Entry]]


@pytest.fixture
def followed(stories: Place) -> Generator[Ledger]:
    """The stories, with the views up to date."""
    follow(stories, CASE_STATE, MILESTONES)
    with stories.ledger() as ledger:
        yield ledger


@pytest.fixture
def folds(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """Return the cases that are folded from their beginning, each time they are."""
    found: list[UUID] = []
    folded: Callable[..., Any] = standing.readable

    def count(ledger: Ledger, cases: Collection[UUID], *arguments: Any, originals: bool) -> Any:
        found.extend(cases)
        return folded(ledger, cases, *arguments, originals=originals)

    monkeypatch.setattr(standing, "readable", count)
    return found


def records_of(ledger: Ledger) -> Records:
    """Return the entries of every case."""
    entries = [read_clear(row) for row in ledger.read_range(1, ledger.head().size)]
    opened = [entry.stream for entry in entries if entry.topic == CaseOpened.TOPIC]
    return {case: [entry for entry in entries if entry.stream == case] for case in opened}


def folded_whole(records: Records, position: int, valid_at: datetime, *, originals: bool) -> dict[UUID, Any]:
    """Return where cases stood, each folded from its beginning."""
    shown = {
        case: without(
            [entry for entry in record if entry.position <= position], Withheld() if originals else withheld(record)
        )
        for case, record in records.items()
        if not any(map(erases_case, record))
    }
    return {
        case: state_as_of(known, valid_at) for case, known in shown.items() if known and known[0].happened <= valid_at
    }


def compare(ledger: Ledger, positions: Iterable[int], valid: Collection[datetime]) -> int:
    """Ask at positions for instants, originals or not; returns of how many cases."""
    records, asked = records_of(ledger), 0
    for position in positions:
        for instant in valid:
            for originals in (True, False):
                found = states_at(ledger, records.keys(), position, instant, originals=originals)
                assert found == folded_whole(records, position, instant, originals=originals)
                asked += len(records)
    return asked


def test_answers_are_those_of_the_full_fold(followed: Ledger, folds: list[UUID]) -> None:
    """At positions all over the stories, for instants about each entry, originals or not, and most without any fold."""
    head = followed.head()
    some = [read_clear(row) for row in followed.read_range(1, head.size)][:: head.size // 9]
    valid = [at for entry in some for at in (entry.happened, entry.recorded_at, entry.happened - TICK)]
    positions = {*range(1, head.size, head.size // 6), head.size}
    asked = compare(followed, positions, [at for at in valid if at <= head.recorded_at])
    assert asked > 300
    assert 0 < len(folds) < asked / 2


@pytest.fixture
def any_cases(simulated: Place, monkeypatch: pytest.MonkeyPatch) -> Generator[Ledger]:
    """Cases in which anything happens, one of them short, one erased in part and one whole; long is from eight on."""
    monkeypatch.setattr(milestones, "STRETCH", 4)
    lives = [any_case(seed, 30 if seed else 6, UUID(int=100 + seed)) for seed in range(6)]
    lives[3].append(erased(lives[3], "person"))
    lives[4].append(erased(lives[4], "case"))
    lives.append(any_case(9, 40, FACTS_ONLY, about=0))
    with simulated.ledger() as ledger:
        for entry in sorted((entry for life in lives for entry in life), key=attrgetter("recorded_at")):
            appended(ledger.append_now(one(entry.stream, None, stored(entry)), entry.recorded_at))
        follow(simulated, CASE_STATE, MILESTONES)
        yield ledger


def test_whatever_happens_in_long_cases(any_cases: Ledger, folds: list[UUID]) -> None:
    """Late, tied, corrected, annulled, brought back, withheld, erased: of long cases and short ones at once."""
    size, record = any_cases.head().size, records_of(any_cases)[UUID(int=103)]
    asked = compare(any_cases, (size // 5, size // 2, size - 9, size), list(instants(record))[::4])
    assert asked > 300
    assert 0 < len(folds) < asked / 2


def test_long_case_is_never_folded_from_its_beginning(any_cases: Ledger, folds: list[UUID]) -> None:
    """Where nothing is withheld: however late its entries are, and whatever instant is asked about."""
    size, record = any_cases.head().size, {FACTS_ONLY: records_of(any_cases)[FACTS_ONLY]}
    for instant in instants(record[FACTS_ONLY]):
        for position in (record[FACTS_ONLY][20].position, size):
            found = states_at(any_cases, [FACTS_ONLY], position, instant)
            assert found == folded_whole(record, position, instant, originals=True)
    assert folds == []


def test_milestones_folded_anew_are_those_followed(any_cases: Ledger) -> None:
    """Of cases in which anything happens; of the one erased whole none is left."""
    comparison = verify_view(any_cases.conninfo, MILESTONES)
    assert (comparison.equal, comparison.rows > 100) == (True, True)
    query = "SELECT DISTINCT key FROM view.remembered_v1 WHERE view = 'milestones'"
    assert {case for (case,) in any_cases.query(query, ())} == {FACTS_ONLY, *(UUID(int=100 + n) for n in (1, 2, 3, 5))}


def test_nothing_is_known_of_a_case_before_it_is_opened(followed: Ledger) -> None:
    """Nor of one there is not."""
    opening = next(row for row in followed.read_range(1, 50) if row.topic == CaseOpened.TOPIC)
    assert states_at(followed, [opening.stream], opening.position - 1, followed.head().recorded_at) == {}
    assert states_at(followed, [UUID(int=5)], followed.head().size, opening.recorded_at) == {}
