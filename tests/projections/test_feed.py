"""Pointers straight from the ledger: in stretches, without looks, of kinds nobody knows, of cases that were erased."""

from collections.abc import Generator
from uuid import UUID, uuid4

import pytest

from api.opening import Place
from domain.case_set import CaseSet
from ledger.erasure import ErasureRegister
from ledger.store import Ledger
from projections import feed
from projections.feed import Pointer, follow
from tests.ledger.samples import appended, fact, one

ALL = 10_000


@pytest.fixture
def ledger(stories: Place) -> Generator[Ledger]:
    """The ledger of the six stories."""
    with stories.ledger() as opened:
        yield opened


def everything(ledger: Ledger, **among: object) -> tuple[Pointer, ...]:
    """Return all pointers of some cases."""
    return follow(ledger, 0, ledger.head().size, ALL, **among).pointers  # pyright: ignore[reportArgumentType]


def test_entries_of_cases_and_no_others_are_pointed_to(ledger: Ledger) -> None:
    """Persons, rules and looks have streams of their own; in one stretch or in many it is the same."""
    cases = {row.stream for row in ledger.read_topic("case_opened")}
    found = everything(ledger)
    expected = [row.position for row in ledger.read_streams(list(cases))]
    assert [one.position for one in found] == sorted(expected)
    assert {one.case for one in found} == cases
    assert len(found) < ledger.head().size


def test_stretches_go_on_from_where_they_reached(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also over what is not the reader's, and however short they are."""
    whole, head = everything(ledger), ledger.head().size
    last = {one.case for one in whole[-3:]}
    monkeypatch.setattr(feed, "STRETCH", 7)
    monkeypatch.setattr(feed, "MOST_STRETCHES", 2)
    for among in (CaseSet(all_but=True), CaseSet(frozenset(last)), CaseSet(frozenset(last), all_but=True)):
        found: list[Pointer] = []
        reached = 0
        while reached < head:
            stretch = follow(ledger, reached, head, 3, among)
            assert len(stretch.pointers) <= 3
            assert stretch.reached > reached
            reached = stretch.reached
            found += stretch.pointers
        assert found == [one for one in whole if one.case in among]


def test_of_a_case_erased_whole_only_that_is_told(ledger: Ledger) -> None:
    """Whoever keeps a copy learns that it must go."""
    case = everything(ledger)[0].case
    event = fact("personal_data_erased", basis="x", approved_by="u-2", key=str(uuid4()), scope="case")
    position = appended(ledger.append_now(one(case, None, event))).last_position
    found = everything(ledger, erased=ErasureRegister(ledger).now().cases)
    assert [one.position for one in found if one.case == case] == [position]
    assert len({one.case for one in found}) == 6


def test_a_kind_nobody_knows_is_pointed_to_all_the_same(ledger: Ledger) -> None:
    """A newer version of the program has written it."""
    case = UUID(int=everything(ledger)[0].case.int)
    position = appended(ledger.append_now(one(case, None, fact("weather_noted", sky="grey")))).last_position
    told = everything(ledger)[-1]
    assert (told.position, told.topic, told.schema, told.occurred_at) == (position, "weather_noted", None, None)
