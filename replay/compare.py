"""Two readings of a view of one case, and every difference between them explained by what lies behind it.

What counts is walked through in order: first the clock moves, then the rules change, then entries are recorded. A
field that differs is explained by the last of the three that moved it. Of the entries those are named without which
the field would be as before: undoing them makes the difference go away, and that is tried out for each.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from domain.deadlines import from_values, status
from domain.entries import Entry
from domain.events.administration import CaseOpened
from domain.events.retention import CiphertextRemoved, PersonalDataErased
from domain.findings.handling import finding_of
from domain.register import ANNULLED, CORRECTED
from domain.rules import Rules
from domain.time import read_instant
from projections.view import View

Reading = Mapping[str, Mapping[str, Any]]
"""The rows of a case by name, as they show at an instant."""

NEW_EVENT, LATE_ENTRY, CORRECTION, ANNULMENT = "new_event", "late_entry", "correction", "annulment"
RULE_CHANGE, ERASURE, TIME_PASSED = "rule_change", "erasure", "time_passed"
KINDS = (NEW_EVENT, LATE_ENTRY, CORRECTION, ANNULMENT, RULE_CHANGE, ERASURE, TIME_PASSED)
"""What may lie behind a difference. A late entry is about something that had happened by the first instant."""

NAMES_OF_RULES = frozenset({"rule_version", "book_version"})
"""Fields that tell only under which version of which book a clock runs."""

_KIND_OF_TOPIC = {
    CORRECTED: CORRECTION,
    ANNULLED: ANNULMENT,
    PersonalDataErased.TOPIC: ERASURE,
    CiphertextRemoved.TOPIC: ERASURE,
}
_TIME, _RULES, _ENTRIES = range(3)
_PRESENCE = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """A change of the rules: the rules from then on, and the entry that says so; None for a draft nobody adopted."""

    rules: Rules
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """What two readings differ in: instants of knowledge, what the clock shows at each, and how the rules changed.

    ``begins`` is the last position on record at the first instant. ``turns`` hold at least the rules at the beginning.
    """

    begins: int
    known_from: datetime
    clock_from: datetime
    clock_to: datetime
    rules: Rules
    turns: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing behind a difference, of a kind of KINDS; ``entry`` is None for time and for a draft rule book.

    ``stands_in`` says that the entry would have had the same effect, had those that had it not been recorded.
    """

    kind: str
    entry: Entry | None = None
    stands_in: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """A row of a view that is not as it was; None before or after stands for no row.

    ``changed`` names the fields; none where the row came or went. ``explained`` is false where undoing the causes does
    not make the difference go away, which no sound view and no intact record can bring about.
    """

    case: UUID
    part: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    changed: tuple[str, ...]
    causes: tuple[Cause, ...]
    explained: bool


def reading(view: View, entries: Sequence[Entry], rules: Rules, clock: datetime) -> Reading:
    """Return the rows of a case as they show with the clock at an instant; none before the case is opened."""
    if not entries or entries[0].topic != CaseOpened.TOPIC:
        return {}
    shown = _SHOWN.get(view.name, _as_it_is)
    rows = view.rows(view.state(entries), rules, clock).items()
    found = ((part, shown(value, clock)) for part, value in rows)
    return {part: value for part, value in found if value is not None}


def differences(view: View, case: UUID, entries: Sequence[Entry], span: Span) -> list[Difference]:
    """Return how a view of a case differs from one end of a span to the other, in the order of the rows' names.

    ``entries`` are those of the case on record at the second instant, in order.
    """
    walk = _Walk(view, entries, span)
    before, after = walk.stages[0](), walk.stages[-1]()
    parts = [part for part in sorted(before.keys() | after.keys()) if before.get(part) != after.get(part)]
    return [walk.explain(case, part) for part in parts]


def is_mere_naming(difference: Difference) -> bool:
    """Whether a row tells only another version of the rule or book it came from."""
    return bool(difference.changed) and NAMES_OF_RULES.issuperset(difference.changed)


class _Walk:
    """A case on its way from one reading to another; folds are kept, since many differences share them."""

    def __init__(self, view: View, entries: Sequence[Entry], span: Span) -> None:
        self._view, self._span = view, span
        self._old: list[Entry] = [entry for entry in entries if entry.position <= span.begins]
        self._new: list[Entry] = [entry for entry in entries if entry.position > span.begins]
        self._folded: dict[tuple[frozenset[int], int, datetime], Reading] = {}
        last, begin, end = len(span.turns), span.clock_from, span.clock_to
        everything = frozenset(entry.version for entry in self._new)
        self.stages: tuple[Callable[[], Reading], ...] = (
            lambda: self._at(frozenset(), 0, begin),
            lambda: self._at(frozenset(), 0, end),
            lambda: self._at(frozenset(), last, end),
            lambda: self._at(everything, last, end),
        )

    def explain(self, case: UUID, part: str) -> Difference:
        """Return the difference of one row with everything behind it."""
        values = [stage().get(part) for stage in self.stages]
        before, after = values[0], values[-1]
        moved = _moved(values)
        causes = [Cause(TIME_PASSED)] if moved[_TIME] else []
        if moved[_RULES]:
            causes += self._turns(part, moved[_RULES])
        if moved[_ENTRIES]:
            causes += self._entries(part, moved[_ENTRIES])
        both = before is not None and after is not None
        changed = tuple(sorted(field for fields in moved for field in fields)) if both else ()
        return Difference(case, part, before, after, changed, tuple(causes), bool(causes) and self._steady)

    def _turns(self, part: str, fields: frozenset[str]) -> list[Cause]:
        """Return the changes of the rules that moved some fields of a row."""
        found = _steps(
            lambda count: _only(self._at(frozenset(), count, self._span.clock_to), part, fields), len(self._span.turns)
        )
        return [Cause(RULE_CHANGE, self._span.turns[number].entry) for number in found]

    def _entries(self, part: str, fields: frozenset[str]) -> list[Cause]:
        """Return the entries that moved some fields of a row: without them they are as before.

        Where an entry that had no effect takes the place of those undone, it is undone as well, and named as such. The
        rows of a case that was not on record before are there because it was opened.
        """
        if not self._old:
            return [self._cause(self._new[0], stands_in=False)]
        causes: dict[int, Cause] = {}
        left: list[Entry] = self._new
        while found := self._steps_along(left, part, fields):
            causes |= {left[n].version: self._cause(left[n], stands_in=bool(causes)) for n in found}
            left = [entry for entry in left if entry.version not in causes]
        return [causes[version] for version in sorted(causes)]

    @cached_property
    def _steady(self) -> bool:
        """Whether both ends of the last step, folded once more, give the same answer: nothing else holds otherwise."""
        last, end = self._rules(len(self._span.turns)), self._span.clock_to
        ends = (reading(self._view, entries, last, end) for entries in (self._old, [*self._old, *self._new]))
        return tuple(ends) == (self.stages[_ENTRIES](), self.stages[-1]())

    def _steps_along(self, left: Sequence[Entry], part: str, fields: frozenset[str]) -> list[int]:
        last, end = len(self._span.turns), self._span.clock_to
        versions = [entry.version for entry in left]
        return _steps(lambda count: _only(self._at(frozenset(versions[:count]), last, end), part, fields), len(left))

    def _cause(self, entry: Entry, *, stands_in: bool) -> Cause:
        late = LATE_ENTRY if entry.happened <= self._span.known_from else NEW_EVENT
        return Cause(_KIND_OF_TOPIC.get(entry.topic, late), entry, stands_in)

    def _at(self, added: frozenset[int], turns: int, clock: datetime) -> Reading:
        """Return the reading with some of the new entries, after so many changes of the rules."""
        key = (added, turns, clock)
        if key not in self._folded:
            entries = [*self._old, *(entry for entry in self._new if entry.version in added)]
            self._folded[key] = reading(self._view, entries, self._rules(turns), clock)
        return self._folded[key]

    def _rules(self, turns: int) -> Rules:
        return self._span.turns[turns - 1].rules if turns else self._span.rules


def _moved(values: Sequence[Mapping[str, Any] | None]) -> tuple[frozenset[str], ...]:
    """Return for each stage the fields that it moved last; a row that came or went has one field, its presence."""
    whole = [{_PRESENCE: value is not None, **(value or {})} for value in values]
    names = {_PRESENCE} if None in (values[0], values[-1]) else set[str]().union(*whole)
    moved: tuple[set[str], ...] = (set(), set(), set())
    for name in names:
        told = [value.get(name) for value in whole]
        if told[0] != told[-1]:
            moved[max(stage for stage in (_TIME, _RULES, _ENTRIES) if told[stage] != told[stage + 1])].add(name)
    return tuple(map(frozenset, moved))


def _only(found: Reading, part: str, fields: Iterable[str]) -> Mapping[str, Any]:
    """Return some fields of one row, and whether it is there."""
    value = found.get(part)
    whole = {_PRESENCE: value is not None, **(value or {})}
    return {name: whole.get(name) for name in fields}


def _steps(at: Callable[[int], Any], count: int) -> list[int]:
    """Return the steps, from 0, at which ``at`` gives another answer than before; none where the ends agree.

    Halves are looked into only where their ends disagree: what came and went again in between moved nothing.
    """
    found: list[int] = []
    open_halves = [(0, count)]
    while open_halves:
        low, high = open_halves.pop()
        if low == high or at(low) == at(high):
            continue
        if high - low == 1:
            found.append(low)
            continue
        middle = (low + high) // 2
        open_halves += [(low, middle), (middle, high)]
    return sorted(found)


def _as_it_is(value: dict[str, Any], _clock: datetime) -> dict[str, Any] | None:
    return value


def _deadline(value: dict[str, Any], clock: datetime) -> dict[str, Any] | None:
    return value | {"status": status(from_values(value), clock)}


def _consent(value: dict[str, Any], clock: datetime) -> dict[str, Any] | None:
    if "periods" not in value:
        return value
    return value | {"in_force": any(_runs(period, clock) for period in value["periods"])}


def _runs(period: Mapping[str, Any], clock: datetime) -> bool:
    """Whether a consent was in force: to the end of its last day, and up to the instant at which it was taken back."""
    if clock < read_instant(period["begins"]):
        return False
    if period["ends"] is None:
        return True
    ends = read_instant(period["ends"])
    return clock < ends if period["ended_by"] is not None else clock <= ends


def _finding(value: dict[str, Any], clock: datetime) -> dict[str, Any] | None:
    """Return a finding that stands at an instant; None for one that time has not brought yet, or has taken back."""
    if not finding_of(value).stands(clock):
        return None
    overdue = value["handle_by"] is not None and clock > read_instant(value["handle_by"])
    return value | {"overdue": overdue}


_SHOWN: Mapping[str, Callable[[dict[str, Any], datetime], dict[str, Any] | None]] = {
    "deadlines": _deadline,
    "consents": _consent,
    "findings": _finding,
}
"""What a row shows beside what is remembered of it: how it stands at an instant."""
