"""Where a case stood: by its remembered row or by its entries, the answer is that of the full fold."""

from datetime import timedelta
from uuid import UUID

import pytest

from api.opening import Place
from domain.events.administration import CaseOpened
from ledger.mapper import read_clear
from projections import standing
from projections.case_state import state_as_of
from projections.follower import Follower
from projections.standing import state_at
from projections.view import CASE_STATE
from tests.following import catch_up

TICK = timedelta(microseconds=1)


def test_answers_are_those_of_the_full_fold(stories: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every position of every story, for instants about each entry of it, and most of them without any fold."""
    follower = Follower(stories.conninfo, CASE_STATE)
    catch_up(follower)
    follower.close()
    folds = asked = 0
    folded = standing._folded  # pyright: ignore[reportPrivateUsage]

    def count(*arguments: object) -> object:
        nonlocal folds
        folds += 1
        return folded(*arguments)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(standing, "_folded", count)
    with stories.ledger() as ledger:
        rows = ledger.read_range(1, ledger.head().size)
        for case in {row.stream for row in rows if row.topic == CaseOpened.TOPIC}:
            entries = [read_clear(row) for row in rows if row.stream == case]
            happened = [entry.happened for entry in entries[::7]]
            recorded = [entry.recorded_at for entry in entries[::9]]
            instants = [None, *happened, *recorded, *(instant - TICK for instant in happened)]
            for entry in entries[::10]:
                known = [one for one in entries if one.position <= entry.position]
                for instant in instants:
                    if instant is None or instant <= ledger.head().recorded_at:
                        asked += 1
                        assert state_at(ledger, case, entry.position, instant) == state_as_of(known, instant)
    assert asked > 100
    assert 0 < folds < asked / 2


def test_nothing_is_known_of_a_case_before_it_is_opened(stories: Place) -> None:
    """Nor of one there is not."""
    follower = Follower(stories.conninfo, CASE_STATE)
    catch_up(follower)
    follower.close()
    with stories.ledger() as ledger:
        opening = next(row for row in ledger.read_range(1, 50) if row.topic == CaseOpened.TOPIC)
        assert state_at(ledger, opening.stream, opening.position - 1) is None
        assert state_at(ledger, UUID(int=5), ledger.head().size, opening.recorded_at) is None
