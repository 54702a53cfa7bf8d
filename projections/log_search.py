"""Searching what was recorded in cases, the newest first: found by kind and place, judged by the clear part alone.

Every stretch goes through a bounded number of entries, so that no question takes long; where it ends is told, and the
next one goes on there. Nothing is judged by what is withheld from the reader, and nothing is told of erased cases.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.case_set import EVERY_CASE, CaseSet
from domain.entries import Entry
from domain.known import many
from domain.lateness import is_late
from ledger.format import StoredRow
from ledger.mapper import clear_part, entry_of
from ledger.queries import load_queries
from ledger.store import Ledger
from projections.board import Board
from projections.boards import every_withholding_case, readable, rows_at
from projections.case_views import TOPICS
from projections.view import CONSENTS

LOG = load_queries("projections", "sql/log.sql")
STRETCH = 1_000
"""How many entries one stretch goes through at most."""

FEW_CASES = 500
"""Up to how many cases a search goes by case rather than by kind."""

FEW_KINDS = 30
"""Up to how many kinds of entries each is looked for by itself."""

YES, NO = "yes", "no"
OFFICES = {
    "complaint_reassessed": "to",
    "consent_given": "scope",
    "consent_refused": "scope",
    "data_breach_reported": "to",
    "disclosure_denied": "to",
    "disclosure_made": "to",
    "information_obtained": "obtained_from",
    "minutes_distributed": "recipients",
    "recipient_told": "recipients",
    "recommendation_made": "to",
    "status_note_written": "to",
}
"""The field of an event that names offices, to whom something goes or from whom it comes; never people of the case."""

PROGRAMME = "programme:"
"""What stands before a programme where a consent names one in place of an office."""

_HELD_BY: Mapping[str, frozenset[str]] = {
    "recipient": frozenset(OFFICES),
    "cover": frozenset({"disclosure_denied", "disclosure_made", "information_obtained"}),
}
"""The kinds of entries that alone can have a field."""

_OF_AUTHOR = frozenset({"role", "staff", "unit"})
OF_CASE = frozenset({"programme", "responsible"})
FIELDS = ("topic", "role", "staff", "recipient", "category", "late", "cover", "unit", *sorted(OF_CASE))
"""What an entry can be judged by."""

Facets = Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True)
class Condition:
    """That an entry has one of some values of a field, or has none of them."""

    field: str
    values: frozenset[str]
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: conditions that all hold, positions, and when it happened; ``cases`` narrows to some."""

    conditions: tuple[Condition, ...] = ()
    floor: int = 0
    upto: int = 0
    happened_from: datetime | None = None
    happened_to: datetime | None = None
    cases: frozenset[UUID] | None = None

    @property
    def topics(self) -> list[str]:
        """The kinds of entries that can be meant."""
        kept = set(TOPICS)
        for condition in self.conditions:
            if condition.field == "topic":
                kept = kept & condition.values if condition.wanted else kept - condition.values
            elif condition.wanted and condition.field in _HELD_BY:
                kept &= _HELD_BY[condition.field]
        return sorted(kept)

    @property
    def fields(self) -> frozenset[str]:
        """The fields it judges by."""
        return frozenset(condition.field for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry found, and what it was judged by."""

    entry: Entry
    facets: Facets


@dataclass(frozen=True, slots=True)
class Found:
    """What a stretch has found, the newest first; ``reached`` is the last position gone through, 0 at the end."""

    hits: tuple[Hit, ...]
    reached: int


@dataclass(frozen=True, slots=True)
class Scope:
    """What a reader may see: which cases, whether withheld originals too, and the unit of a case."""

    among: CaseSet = EVERY_CASE
    originals: bool = False
    unit: Callable[[UUID], str | None] = field(default=lambda _: None)


def search(
    ledger: Ledger,
    wanted: Search,
    scope: Scope,
    below: int,
    stretch: int = STRETCH,
    withholding: frozenset[UUID] | None = None,
) -> Found:
    """Return the next entries below a position that are looked for, among at most so many that can be meant.

    ``withholding`` are the cases in which something is withheld now, looked up where they are not given.
    """
    among = scope.among if wanted.cases is None else scope.among.among(wanted.cases)
    topics = wanted.topics
    if not topics or (not among.all_but and not among.named):
        return Found((), 0)
    between = {"floor": wanted.floor, "below": min(below, wanted.upto + 1), "limit": stretch}
    rows = _candidates(ledger, among, topics, between)
    reached = rows[-1].position if len(rows) == stretch else 0
    hiding = frozenset[UUID]() if scope.originals else withholding
    hiding = every_withholding_case(ledger) if hiding is None else hiding
    entries = _shown(ledger, [row for row in rows if row.stream in among], wanted, scope, hiding)
    return Found(tuple(_judged(ledger, wanted, scope, entries)), reached)


def _candidates(ledger: Ledger, among: CaseSet, topics: list[str], between: Mapping[str, int]) -> list[StoredRow]:
    values: dict[str, Any] = {"topics": topics, **between}
    if not among.all_but and len(among.named) <= FEW_CASES:
        return [StoredRow(*row) for row in ledger.query(LOG["of_cases"], values | {"cases": among.only})]
    name = "of_kinds" if len(topics) <= FEW_KINDS else "of_many_kinds"
    return [StoredRow(*row) for row in ledger.query(LOG[name], values)]


def _shown(
    ledger: Ledger, rows: Sequence[StoredRow], wanted: Search, scope: Scope, hiding: frozenset[UUID]
) -> Iterable[Entry]:
    """Yield entries as the reader may see them: what is withheld now says nothing of itself.

    An entry that its author or unit rules out is left aside before it is read whole, which costs the most.
    """
    concerned = hiding & {row.stream for row in rows}
    known = readable(ledger, concerned, wanted.upto) if concerned else {}
    hidden = {(case, entry.version): entry for case, entries in known.items() for entry in entries}
    early = [condition for condition in wanted.conditions if condition.field in _OF_AUTHOR]
    for row in rows:
        if row.stream in concerned:
            yield hidden[row.stream, row.version]
        else:
            clear = clear_part(row)
            if not early or _fits(early, _of_author(row.stream, clear["actor"]["role"], clear["actor"]["id"], scope)):
                yield entry_of(row, clear)


def _judged(ledger: Ledger, wanted: Search, scope: Scope, entries: Iterable[Entry]) -> Iterable[Hit]:
    entries = [entry for entry in entries if _in_time(wanted, entry)]
    cases = {entry.stream for entry in entries}
    states = _states(ledger, cases, wanted.upto) if wanted.fields & OF_CASE else {}
    covers = _covers(ledger, cases, wanted.upto) if "cover" in wanted.fields else {}
    for entry in entries:
        facets = {
            **_facets(entry, scope),
            **states.get(entry.stream, {}),
            "cover": covers.get((entry.stream, entry.version), ()),
        }
        if _fits(wanted.conditions, facets):
            yield Hit(entry, facets)


def _fits(conditions: Iterable[Condition], facets: Facets) -> bool:
    """Whether all conditions hold."""
    return all(
        condition.values.isdisjoint(facets.get(condition.field, ())) is not condition.wanted for condition in conditions
    )


def _in_time(wanted: Search, entry: Entry) -> bool:
    begins, ends = wanted.happened_from, wanted.happened_to
    return (begins is None or entry.happened >= begins) and (ends is None or entry.happened < ends)


def _facets(entry: Entry, scope: Scope) -> dict[str, Collection[str]]:
    data = entry.data
    return {
        "topic": (entry.topic,),
        **_of_author(entry.stream, entry.actor.role, entry.actor.id, scope),
        "recipient": tuple(_offices(entry)),
        "category": tuple(map(str, many(data.get("data_categories")))),
        "late": (YES if not entry.withheld and is_late(entry) else NO,),
    }


def _of_author(case: UUID, role: str, staff: str, scope: Scope) -> dict[str, Collection[str]]:
    """Return what an entry is judged by apart from what it says: who wrote it, and the unit of its case."""
    return {"role": (role,), "staff": (staff,), "unit": tuple(filter(None, (scope.unit(case),)))}


def _offices(entry: Entry) -> Iterable[str]:
    named = map(str, many(entry.data.get(OFFICES.get(entry.topic, ""))))
    return (office for office in named if not office.startswith(PROGRAMME))


def _states(ledger: Ledger, cases: Collection[UUID], position: int) -> dict[UUID, Facets]:
    """Return programme and responsible staff of cases as known at a position."""
    _reached, rows = Board(ledger).page(position, UUID(int=0), max(1, len(cases)), CaseSet(frozenset(cases)))
    return {row.case: facets_of_case(row.state) for row in rows}


def facets_of_case(state: Mapping[str, Any]) -> Facets:
    """Return what a case is judged by, from its state."""
    return {"programme": (str(state["programme"]),), "responsible": tuple(map(str, state["responsible"].values()))}


def _covers(ledger: Ledger, cases: Collection[UUID], position: int) -> dict[tuple[UUID, int], tuple[str, ...]]:
    """Return of the disclosures in cases whether they were covered, by all facts known at a position."""
    _reached, rows = rows_at(ledger, CONSENTS, position, CaseSet(frozenset(cases)))
    found = ((row.case, row.part.partition("/"), row.value) for row in rows)
    return {
        (case, int(version)): (str(value["status"]),)
        for case, (kind, _slash, version), value in found
        if kind == "disclosure"
    }
