"""Searching the log: stretches add up to the whole, whichever way entries are found, and the indexes carry them.

Nobody follows the views here, so readers see originals: what is withheld is held in place over HTTP.
"""

from collections.abc import Generator
from dataclasses import replace
from uuid import UUID

import psycopg
import pytest

from api.opening import Place
from domain.case_set import CaseSet
from domain.entries import Entry
from ledger.mapper import read_clear
from ledger.store import Ledger
from projections.case_views import TOPICS
from projections.log_search import FEW_KINDS, LOG, Condition, Scope, Search, search

SHORT = 7


@pytest.fixture
def ledger(stories: Place) -> Generator[Ledger]:
    """The six stories."""
    with stories.ledger() as opened:
        yield opened


def walked(ledger: Ledger, wanted: Search, scope: Scope, stretch: int) -> list[Entry]:
    """Return all that is found, stretch by stretch."""
    found: list[Entry] = []
    below = wanted.upto + 1
    while below:
        part = search(ledger, wanted, scope, below, stretch)
        found += [hit.entry for hit in part.hits]
        assert part.reached < below
        below = part.reached
    return found


def everything(ledger: Ledger) -> list[Entry]:
    """Return every entry of every case, the newest first."""
    rows = ledger.read_range(1, ledger.head().size)
    return [read_clear(row) for row in reversed(rows) if row.topic in TOPICS]


@pytest.mark.parametrize("roles", [None, {"social_worker"}])
@pytest.mark.parametrize("kinds", [None, {"visit_held", "decision_made"}])
@pytest.mark.parametrize("held", [False, True])
def test_stretches_add_up_to_what_fits(
    ledger: Ledger, roles: set[str] | None, kinds: set[str] | None, *, held: bool
) -> None:
    """By case, by a few kinds and by most: each entry that fits once, none that does not."""
    whole = everything(ledger)
    mine = {whole[0].stream, whole[-1].stream} if held else {entry.stream for entry in whole}
    conditions = [
        *([Condition("role", frozenset(roles))] if roles else []),
        *([Condition("topic", frozenset(kinds))] if kinds else []),
    ]
    scope = Scope(CaseSet(frozenset(mine)) if held else CaseSet(all_but=True), originals=True)
    wanted = Search(tuple(conditions), upto=ledger.head().size)
    fits = [
        entry.position
        for entry in whole
        if entry.stream in mine
        and (roles is None or entry.actor.role in roles)
        and (kinds is None or entry.topic in kinds)
    ]
    assert [entry.position for entry in walked(ledger, wanted, scope, SHORT)] == fits
    assert len(fits) > (SHORT if len(conditions) < 2 else 0)
    denied = replace(wanted, conditions=tuple(replace(one, wanted=False) for one in conditions))
    if len(conditions) == 1:
        left = {entry.position for entry in walked(ledger, denied, scope, SHORT)}
        assert left == {entry.position for entry in whole if entry.stream in mine} - set(fits)


def test_nobody_without_cases_finds_anything(ledger: Ledger) -> None:
    """Nor does a search for cases that are not open to one."""
    wanted = Search(upto=ledger.head().size)
    assert walked(ledger, wanted, Scope(CaseSet()), SHORT) == []
    case = everything(ledger)[0].stream
    others = Scope(CaseSet(frozenset({case}), all_but=True), originals=True)
    assert walked(ledger, replace(wanted, cases=frozenset({case, UUID(int=0)})), others, SHORT) == []


@pytest.mark.parametrize(("name", "index"), [("of_kinds", "event_topic"), ("of_many_kinds", "event_unlooked")])
def test_entries_are_found_by_an_index(stories: Place, name: str, index: str) -> None:
    """However many look-ups lie between them."""
    topics = sorted(TOPICS)[:FEW_KINDS] if name == "of_kinds" else sorted(TOPICS)
    values = {"topics": topics, "floor": 0, "below": 100_000_000, "limit": 50}
    with psycopg.connect(stories.conninfo, autocommit=True) as connection:
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET enable_bitmapscan = off")
        plan = "\n".join(row[0] for row in connection.execute(b"EXPLAIN " + LOG[name].encode(), values))
    assert index in plan, plan
