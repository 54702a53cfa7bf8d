"""Where cases stood: by remembered rows or by their entries, the answer is that of the full fold."""

from collections.abc import Collection, Generator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from api.opening import Place
from domain.events.administration import CaseOpened
from domain.withheld import Withheld, withheld, without
from ledger.mapper import read_clear
from ledger.store import Ledger
from projections import standing
from projections.case_state import state_as_of
from projections.follower import Follower
from projections.standing import states_at
from projections.view import CASE_STATE
from tests.following import catch_up

TICK = timedelta(microseconds=1)


@pytest.fixture
def followed(stories: Place) -> Generator[Ledger]:
    """The stories, with the view up to date."""
    follower = Follower(stories.conninfo, CASE_STATE)
    catch_up(follower)
    follower.close()
    with stories.ledger() as ledger:
        yield ledger


def test_answers_are_those_of_the_full_fold(followed: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """At positions all over the stories, for instants about each entry, originals or not, and most without any fold."""
    folds = asked = 0
    folded = standing.readable

    def count(ledger: Ledger, cases: Collection[UUID], *arguments: int, originals: bool) -> Any:
        nonlocal folds
        folds += len(cases)
        return folded(ledger, cases, *arguments, originals=originals)

    monkeypatch.setattr(standing, "readable", count)
    head = followed.head()
    entries = [read_clear(row) for row in followed.read_range(1, head.size)]
    records = {
        opening.stream: [entry for entry in entries if entry.stream == opening.stream]
        for opening in entries
        if opening.topic == CaseOpened.TOPIC
    }
    instants = [
        one
        for entry in entries[:: head.size // 9]
        for one in (entry.happened, entry.recorded_at, entry.happened - TICK)
    ]
    for position in {*range(1, head.size, head.size // 6), head.size}:
        for instant in (one for one in instants if one <= head.recorded_at):
            for originals in (True, False):
                found = states_at(followed, records.keys(), position, instant, originals=originals)
                asked += len(records)
                shown = {
                    case: without(
                        [entry for entry in record if entry.position <= position],
                        Withheld() if originals else withheld(record),
                    )
                    for case, record in records.items()
                }
                assert found == {
                    case: state_as_of(known, instant)
                    for case, known in shown.items()
                    if known and known[0].happened <= instant
                }
    assert asked > 300
    assert 0 < folds < asked / 2


def test_nothing_is_known_of_a_case_before_it_is_opened(followed: Ledger) -> None:
    """Nor of one there is not."""
    opening = next(row for row in followed.read_range(1, 50) if row.topic == CaseOpened.TOPIC)
    assert states_at(followed, [opening.stream], opening.position - 1, followed.head().recorded_at) == {}
    assert states_at(followed, [UUID(int=5)], followed.head().size, opening.recorded_at) == {}
