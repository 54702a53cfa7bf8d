"""What a release leaves out of the cases, by everything on record now: also where it shows a day long past.

Cases erased whole, cases that are restricted, and entries or values that are withheld from every reader.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.adoptions import TOPICS as RULE_TOPICS
from domain.adoptions import adopted
from domain.entries import Entry
from domain.erased import erases_case
from domain.events.reach import CaseRestricted
from domain.events.retention import PersonalDataErased
from domain.reach import bearing, case_reach
from domain.withheld import Withheld, withheld, without
from ledger.format import microseconds
from ledger.mapper import read_clear
from ledger.shipped import shipped_calendar
from ledger.store import Ledger
from projections.boards import rows_at
from projections.view import WITHHELD, View
from replay.release_columns import RememberedRow


@dataclass(frozen=True, slots=True)
class Judged:
    """Cases erased whole, restricted cases, and the entries of cases in which something is withheld."""

    erased: frozenset[UUID] = frozenset()
    restricted: frozenset[UUID] = frozenset()
    withholding: Mapping[UUID, tuple[Entry, ...]] = field(default_factory=dict[UUID, tuple[Entry, ...]])

    @property
    def gone(self) -> list[UUID]:
        """Cases of which no row of a view leaves as remembered."""
        return sorted(self.erased | self.restricted | self.withholding.keys())

    def replaced(self, upto: int) -> dict[int, dict[str, Any] | None]:
        """Return by position what stands in place of the data of entries with something withheld; None: nothing."""
        found: dict[int, dict[str, Any] | None] = {}
        for entries in self.withholding.values():
            what = withheld(entries)
            for entry, shown in zip(entries, without(entries, what), strict=True):
                if shown is not entry and entry.position <= upto:
                    found[entry.position] = None if shown.withheld else dict(shown.data)
        return found


def judge(ledger: Ledger) -> Judged:
    """Return what is left out by everything on record now."""
    erasures = map(read_clear, ledger.read_topic(PersonalDataErased.TOPIC))
    erased = frozenset(entry.stream for entry in erasures if erases_case(entry))
    named = {row.stream for row in ledger.read_topic(CaseRestricted.TOPIC)} - erased
    restricted = frozenset(case for case in named if _is_restricted(ledger, case))
    _, rows = rows_at(ledger, WITHHELD, ledger.head().size)
    withholding = {row.case for row in rows} - erased - restricted
    return Judged(erased, restricted, {case: _entries(ledger, case) for case in sorted(withholding)})


def _is_restricted(ledger: Ledger, case: UUID) -> bool:
    kept: tuple[Entry, ...] = ()
    for entry in _entries(ledger, case):
        kept = bearing(kept, entry)
    reach = case_reach(kept)
    return reach is None or reach.restriction is not None


def _entries(ledger: Ledger, case: UUID) -> tuple[Entry, ...]:
    return tuple(map(read_clear, ledger.read_stream(case)))


def rows_anew(ledger: Ledger, view: View, judged: Judged, upto: int) -> Iterator[RememberedRow]:
    """Yield the rows of a view of cases in which something is withheld, folded anew without it, in order."""
    adoptions = [read_clear(row) for topic in sorted(RULE_TOPICS) for row in ledger.read_topic(topic, upto)]
    adoptions.sort(key=lambda entry: entry.position)
    found = [
        row
        for case, entries in judged.withholding.items()
        for row in _case_anew(view, case, entries, adoptions if view.by_rules else [], upto)
    ]
    yield from sorted(found, key=lambda row: (row.known_from, row.key, row.part))


def _case_anew(
    view: View, case: UUID, entries: tuple[Entry, ...], adoptions: list[Entry], upto: int
) -> Iterator[RememberedRow]:
    """Yield the rows of one case, each with the positions in which it was known."""
    shown = without(entries, withheld(entries) if entries else Withheld())
    turns = {entry.position: entry.recorded_at for entry in (*entries, *adoptions) if entry.position <= upto}
    standing: dict[str, tuple[int, datetime, dict[str, Any]]] = {}
    for position, instant in sorted(turns.items()):
        known = [entry for entry in shown if entry.position <= position]
        if not known:
            continue
        rules = adopted([entry for entry in adoptions if entry.position <= position], shipped_calendar())
        after = view.rows(view.state(known), rules, None)
        for part in sorted(standing.keys() | after.keys()):
            before = standing.get(part)
            if before is not None and after.get(part) == before[2]:
                continue
            if before is not None:
                yield _row(case, part, before, (position, instant))
                del standing[part]
            if part in after:
                standing[part] = (position, instant, after[part])
    for part, open_row in sorted(standing.items()):
        yield _row(case, part, open_row, None)


def _row(
    case: UUID, part: str, begun: tuple[int, datetime, dict[str, Any]], ended: tuple[int, datetime] | None
) -> RememberedRow:
    position, instant, value = begun
    known_to, known_to_at = (None, None) if ended is None else (ended[0], microseconds(ended[1]))
    return RememberedRow(position, case.bytes, part, known_to, microseconds(instant), known_to_at, value)
