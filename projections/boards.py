"""The remembered clocks, consents and findings of all cases, at any position: what a supervisor's boards read."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.adoptions import TOPICS, adopted
from domain.case_set import EVERY_CASE, CaseSet
from domain.entries import Entry
from domain.erased import erases_case
from domain.rules import Rules
from domain.withheld import Withheld, withheld, without
from ledger.mapper import read_clear
from ledger.shipped import shipped_calendar
from ledger.store import Ledger
from projections.following import wait_for
from projections.view import FOLLOW, ROWS, WITHHELD, View

CASES_AT_ONCE = 500
"""How many cases are read at a time where all are folded anew."""


@dataclass(frozen=True, slots=True)
class PartRow:
    """One remembered row: of which case, under which name, since which position and instant it is known so."""

    case: UUID
    part: str
    value: dict[str, Any]
    known_from: int
    known_since: datetime | None


def rows_as_of(
    ledger: Ledger,
    view: View,
    position: int,
    valid_at: datetime,
    among: CaseSet = EVERY_CASE,
    *,
    originals: bool = False,
) -> list[PartRow]:
    """Fold cases anew as of an instant in the world, from what was on record at a position.

    Some cases at a time, so that their entries are never all in memory.
    """
    opened = [key for (key,) in ledger.query(FOLLOW["keys_upto"], [position])]
    cases = among.of(opened)
    rules = adopted_upto(ledger, position)
    return [
        PartRow(case, part, value, position, None)
        for begin in range(0, len(cases), CASES_AT_ONCE)
        for case, entries in readable(
            ledger, cases[begin : begin + CASES_AT_ONCE], position, originals=originals
        ).items()
        for part, value in view.rows(view.state(entries), rules, valid_at).items()
    ]


def readable(
    ledger: Ledger,
    cases: Collection[UUID],
    position: int,
    topics: Collection[str] | None = None,
    *,
    originals: bool = False,
    erased: bool = False,
) -> dict[UUID, tuple[Entry, ...]]:
    """Return the clear part of cases up to a position, without what is withheld by all that is on record now.

    Of some ``topics`` only, where asked for: those of corrections, annulments and erasures must be among them. Cases
    that were erased whole since are among them only where ``erased`` is asked for.
    """
    record: dict[UUID, list[Entry]] = {case: [] for case in cases}
    rows = ledger.read_streams(list(cases)) if topics is None else ledger.read_kinds(list(cases), topics)
    for stored in rows:
        record[stored.stream].append(read_clear(stored))
    return {
        case: without(
            [entry for entry in entries if entry.position <= position], Withheld() if originals else withheld(entries)
        )
        for case, entries in record.items()
        if erased or not any(map(erases_case, entries))
    }


def withholding_cases(ledger: Ledger, among: Iterable[UUID]) -> frozenset[UUID]:
    """Return those of some cases in which something is withheld now."""
    return frozenset(among) & every_withholding_case(ledger)


def every_withholding_case(ledger: Ledger) -> frozenset[UUID]:
    """Return all cases in which something is withheld now: few."""
    _, rows = rows_at(ledger, WITHHELD, ledger.head().size)
    return frozenset(row.case for row in rows)


def rows_without(ledger: Ledger, view: View, position: int, rows: Sequence[PartRow]) -> list[PartRow]:
    """Return remembered rows of the past without what is withheld now: the cases concerned are folded anew."""
    cases = withholding_cases(ledger, (row.case for row in rows))
    if not cases:
        return list(rows)
    rules = adopted_upto(ledger, position)
    remembered = {(row.case, row.part, repr(row.value)): row for row in rows if row.case in cases}
    anew = [
        remembered.get((case, part, repr(value)), PartRow(case, part, value, position, None))
        for case, entries in readable(ledger, cases, position).items()
        for part, value in view.rows(view.state(entries), rules, None).items()
    ]
    return [*(row for row in rows if row.case not in cases), *anew]


def opened_among(ledger: Ledger, cases: Collection[UUID], position: int) -> int:
    """Return how many of some cases had been opened by a position."""
    return ledger.query(FOLLOW["opened_among"], [list(cases), position])[0][0] if cases else 0


def adopted_upto(ledger: Ledger, position: int | None = None) -> Rules:
    """Return the rules adopted by a position (None: now)."""
    rows = [row for topic in sorted(TOPICS) for row in ledger.read_topic(topic, position)]
    return adopted(map(read_clear, rows), shipped_calendar())


def rows_at(ledger: Ledger, view: View, position: int, among: CaseSet = EVERY_CASE) -> tuple[int, list[PartRow]]:
    """Return how far a view has followed, and its rows of some cases as known at a position; waits a moment."""
    reached = wait_for(ledger, view, position)
    found = ledger.query(
        ROWS["parts_at"], {"view": view.name, "position": position, "only": among.only, "but": among.but}
    )
    return reached, [PartRow(*row) for row in found]
