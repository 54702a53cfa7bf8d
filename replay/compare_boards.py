"""The differences of a view over one case or over all of a ledger, case by case, so that memory stays bounded."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from uuid import UUID

from domain.adoptions import TOPICS, adopted, under_draft
from domain.case_set import EVERY_CASE, CaseSet
from domain.rule_book import RuleBook
from ledger.mapper import read_clear
from ledger.shipped import shipped_calendar
from ledger.store import Ledger
from projections.boards import adopted_upto, readable
from projections.view import CASE_STATE, CONSENTS, DEADLINES, FINDINGS, FOLLOW, View
from replay.compare import Difference, Span, Turn, differences

COMPARED = {view.name: view for view in (DEADLINES, FINDINGS, CONSENTS, CASE_STATE)}
"""The views that can be compared; one who has looked, and who withholds what, are not among them."""

ALL = "all"
CASES_AT_ONCE = 100


class WrongOrder(ValueError):
    """The first instant lies after the second: name the earlier one first."""

    def __str__(self) -> str:
        return str(self.__doc__)


@dataclass(frozen=True, slots=True)
class Ends:
    """What is compared: the span between two readings, and the last position on record at its end."""

    span: Span
    ends: int


@dataclass(frozen=True, slots=True)
class CaseDifferences:
    """What differs in one case, of one view."""

    case: UUID
    view: str
    found: tuple[Difference, ...]


class UnknownView(ValueError):
    """There is no such view to compare; the message names those there are."""


def views_named(name: str) -> tuple[View, ...]:
    """Return the view of a name, or all of them; raises UnknownView."""
    if name == ALL:
        return tuple(COMPARED.values())
    if name not in COMPARED:
        raise UnknownView(f"view must be one of {', '.join(COMPARED)}, {ALL}")
    return (COMPARED[name],)


def ends_of_instants(ledger: Ledger, one: datetime, other: datetime, valid_at: datetime | None = None) -> Ends:
    """Return what lies between two instants of knowledge, the clock showing each, or one instant at both.

    Raises WrongOrder.
    """
    if one > other:
        raise WrongOrder
    begins, ends = ledger.position_at(one), ledger.position_at(other)
    rows = [row for topic in sorted(TOPICS) for row in ledger.read_topic(topic, ends)]
    entries = sorted(map(read_clear, rows), key=lambda entry: entry.position)
    known = sum(entry.position <= begins for entry in entries)
    calendar = shipped_calendar()
    turns = (Turn(adopted(entries[:n], calendar), entries[n - 1]) for n in range(known + 1, len(entries) + 1))
    rules = adopted(entries[:known], calendar)
    return Ends(Span(begins, one, valid_at or one, valid_at or other, rules, tuple(turns)), ends)


def ends_of_draft(ledger: Ledger, draft: RuleBook, at: datetime) -> Ends:
    """Return what lies between the rules adopted by an instant and a draft, both asked at that instant."""
    position = ledger.position_at(at)
    rules = adopted_upto(ledger, position)
    return Ends(Span(position, at, at, at, rules, (Turn(under_draft(rules, draft)),)), position)


def cases_by(ledger: Ledger, position: int, among: CaseSet = EVERY_CASE, after: UUID | None = None) -> list[UUID]:
    """Return the cases on record at a position that may be shown, in order of id, after one."""
    opened = (key for (key,) in ledger.query(FOLLOW["keys_upto"], [position]))
    least = -1 if after is None else after.int
    return sorted((case for case in among.of(opened) if case.int > least), key=lambda case: case.int)


def compared(
    ledger: Ledger,
    views: Sequence[View],
    ends: Ends,
    cases: Collection[UUID],
    *,
    originals: bool = False,
    done: Callable[[int], None] = lambda _: None,
) -> Iterator[CaseDifferences]:
    """Yield what differs in each case and view, some cases at a time; cases erased whole by now are passed over.

    What is withheld now is left out at both ends unless ``originals`` are asked for. ``done`` is told how many cases
    have been gone through.
    """
    left = iter(cases)
    while batch := list(islice(left, CASES_AT_ONCE)):
        for case, entries in readable(ledger, batch, ends.ends, originals=originals).items():
            for view in views:
                if found := differences(view, case, entries, ends.span):
                    yield CaseDifferences(case, view.name, tuple(found))
        done(len(batch))
