"""From the clear part of events and the values of views to the columns of a release."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any, NamedTuple, cast

from domain.release import Column, Fields, Kind, code_of, law_of
from domain.release_fields import EVENT_FIELDS, IN_MONTHS
from domain.release_views import DURATIONS, VIEW_FIELDS, WITH_STEPS
from domain.time import copenhagen_day, read_instant, read_moment
from replay.extras import extra
from replay.pseudonyms import Memory, Pseudonyms

MINUTE = timedelta(minutes=1)
HOUR_LENGTH = 13
"""Characters of a stored instant that tell its hour: the Copenhagen day follows from them."""


class Unclassified(Exception):
    """A view remembers a field that nobody has said may leave: give it a place in domain/release_views.py."""

    def __init__(self, view: str, name: str) -> None:
        super().__init__(f"view {view} remembers {name}, which has no place in domain/release_views.py: give it one")


class ClearEvent(NamedTuple):
    """An event as it leaves the database for a release: its place and its clear part.

    ``stream`` is 16 bytes, ``recorded_at`` in microseconds since 1970.
    """

    position: int
    stream: bytes
    version: int
    recorded_at: int
    clear: Mapping[str, Any]


class RememberedRow(NamedTuple):
    """A row of a view with where and when it was known from and to: ``key`` is 16 bytes, times as above."""

    known_from: int
    key: bytes
    part: str
    known_to: int | None
    known_from_at: int
    known_to_at: int | None
    value: Mapping[str, Any]


Values = list[Any]


class Page:
    """Rows of a table on their way to columns: their facts, what stands around these, and the case, as 16 bytes."""

    def __init__(
        self,
        rows: Sequence[Any],
        facts: Sequence[Mapping[str, Any]],
        cases: Sequence[bytes],
        around: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.rows, self.facts, self.cases, self.around = rows, facts, cases, around
        self.actors: Sequence[Mapping[str, Any]] = [one["actor"] for one in around]
        self.present = frozenset[str]().union(*facts)
        """The fields that any of the rows has: most may be left out, and mostly are."""
        self.present_around = frozenset[str]().union(*around)

    def within(self, name: str) -> "Page":
        """Return the same rows with what one field holds for their facts."""
        return Page(self.rows, [facts.get(name) or {} for facts in self.facts], self.cases)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: its name, its type, how a page becomes its values, and the field without which it has none."""

    name: str
    kind: Any
    values: Callable[[Page], Values]
    needs: str | None = None


class Table:
    """One table of a release: its schema, and how rows become columns of it. ``page`` finds their facts."""

    def __init__(self, name: str, columns: Sequence[_Column], page: Callable[[Sequence[Any]], Page]) -> None:
        self.name = name
        self._arrow = extra("pyarrow", "replay")
        self.schema = self._arrow.schema([self._arrow.field(column.name, column.kind) for column in columns])
        self._columns, self._page = columns, page

    def batch(self, rows: Sequence[Any]) -> Any:
        """Return rows as a batch of columns."""
        page = self._page(rows)
        arrays = [self._array(column, page) for column in self._columns]
        return self._arrow.record_batch(arrays, schema=self.schema)

    def _array(self, column: _Column, page: Page) -> Any:
        if column.needs is not None and column.needs not in page.present:
            return self._arrow.nulls(len(page.rows), column.kind)
        return self._arrow.array(column.values(page), type=column.kind)


def plain_table(name: str, columns: Mapping[str, Any]) -> Table:
    """Return a table of named tuples, each column as it is; ``columns`` gives their types."""

    def of(column: str) -> Callable[[Page], Values]:
        return lambda page: [getattr(row, column) for row in page.rows]

    kinds = [_Column(column, kind, of(column)) for column, kind in columns.items()]
    return Table(name, kinds, lambda rows: Page(rows, (), ()))


class Columns:
    """Makes the tables of a release. ``life_rules`` are the rules whose clocks count from a birth or a death."""

    def __init__(self, pseudonyms: Pseudonyms, life_rules: frozenset[str] = frozenset()) -> None:
        self._pseudonyms, self._life_rules = pseudonyms, life_rules
        self._arrow = extra("pyarrow", "replay")
        self._instants = Memory(read_instant)
        self._days, self._months = Memory(_day), Memory(lambda text: _day(text).replace(day=1))
        self._memories: dict[Kind, Memory] = {
            "code": Memory(code_of),
            "law": Memory(law_of),
            "staff": pseudonyms.staff,
            "office": pseudonyms.offices,
            "id": pseudonyms.ids,
        }

    def of_event(self, topic: str) -> Table:
        """Return the table of an event type."""
        ids, memory = self._pseudonyms.ids, self._memories
        staff, codes, offices, laws = memory["staff"], memory["code"], memory["office"], memory["law"]
        text, whole, instant, flag, day = self._types()
        texts = self._arrow.list_(text)
        days = self._months if topic in IN_MONTHS else self._days
        envelope = [
            _Column("position", whole, lambda page: [row.position for row in page.rows]),
            _Column("case_id", text, lambda page: ids.all(page.cases)),
            _Column("entry_version", whole, lambda page: [row.version for row in page.rows]),
            _Column("recorded_at", instant, lambda page: [row.recorded_at for row in page.rows]),
            _Column("occurred_at", day, lambda page: days.all(one["occurred_at"][:HOUR_LENGTH] for one in page.around)),
            _around("reached_at", "reached_at", day, lambda found: days[found[:HOUR_LENGTH]]),
            _Column("actor", text, lambda page: staff.all(actor["id"] for actor in page.actors)),
            _Column("actor_role", text, lambda page: codes.all(actor["role"] for actor in page.actors)),
            _Column("actor_unit", text, lambda page: offices.all(actor.get("organisation") for actor in page.actors)),
            _around("commit_law", "legal_basis", texts, laws.all),
            _around("commit_source", "source", text, codes.__getitem__),
            _Column("without_gate", flag, lambda page: ["reported_without_gate" in one for one in page.around]),
            _around("sealed", "sealed", texts, _sealed),
        ]

        def page(rows: Sequence[ClearEvent]) -> Page:
            around = [row.clear for row in rows]
            return Page(rows, [one["data"] for one in around], [row.stream for row in rows], around)

        return Table(topic, [*envelope, *self._fields(EVENT_FIELDS[topic])], page)

    def of_view(self, view: str) -> Table:
        """Return the table of a view; filling it raises Unclassified for a field that has no place."""
        fields, ids = VIEW_FIELDS[view], self._pseudonyms.ids
        text, whole, instant, _, _ = self._types()
        steps = [self._steps()] if view in WITH_STEPS else []
        known, scoped = frozenset([*fields.names(), *(column.name for column in steps)]), self._pseudonyms.scoped
        place = [
            _Column("known_from", whole, lambda page: [row.known_from for row in page.rows]),
            _Column("known_to", whole, lambda page: [row.known_to for row in page.rows]),
            _Column("known_from_at", instant, lambda page: [row.known_from_at for row in page.rows]),
            _Column("known_to_at", instant, lambda page: [row.known_to_at for row in page.rows]),
            _Column("case_id", text, lambda page: ids.all(page.cases)),
            _Column("part", text, lambda page: scoped.all((row.key, row.part) for row in page.rows)),
            _Column("part_of", text, lambda page: [_named(scoped, row) for row in page.rows]),
        ]
        durations = [
            _Column(name, whole, self._between(begin, end)) for name, (begin, end) in DURATIONS.get(view, {}).items()
        ]

        def page(rows: Sequence[RememberedRow]) -> Page:
            found = Page(rows, [row.value for row in rows], [row.key for row in rows])
            for name in sorted(found.present - known):
                raise Unclassified(view, name)
            return found

        return Table(view, [*place, *durations, *self._fields(fields), *steps], page)

    def _types(self) -> tuple[Any, Any, Any, Any, Any]:
        arrow = self._arrow
        return arrow.string(), arrow.int64(), arrow.timestamp("us", tz="UTC"), arrow.bool_(), arrow.date32()

    def _fields(self, fields: Fields) -> list[_Column]:
        """Return the columns of some fields."""
        arrow, found = self._arrow, list[_Column]()
        for column in fields.columns():
            kind = self._type(column.kind)
            found.append(
                _Column(column.name, arrow.list_(kind) if column.many else kind, self._values(column), column.field)
            )
        for name, (key, value) in fields.mappings.items():
            kind = arrow.list_(arrow.struct([("key", self._type(key)), ("value", self._type(value))]))
            found.append(_Column(name, kind, self._pairs(name, key, value), name))
        for name, nested in fields.nested.items():
            parts = [(column.name, self._type(column.kind)) for column in nested.columns()]
            found.append(_Column(name, arrow.list_(arrow.struct(parts)), self._records(name, nested), name))
        for name, inner in fields.within.items():
            found += [_inside(name, column) for column in self._fields(inner)]
        return found

    def _type(self, kind: Kind) -> Any:
        text, whole, _, flag, day = self._types()
        plain = {"number": whole, "decimal": self._arrow.decimal128(18, 6), "flag": flag, "day": day, "month": day}
        return plain.get(kind, text)

    def _values(self, column: Column) -> Callable[[Page], Values]:
        name, one = column.field, self._one(column.kind)
        if column.many:
            return lambda page: [
                _many(one, facts.get(name), case, facts) for facts, case in zip(page.facts, page.cases, strict=True)
            ]
        if column.kind in self._memories:
            memory = self._memories[column.kind]
            return lambda page: memory.all(facts.get(name) for facts in page.facts)
        if column.kind in ("number", "flag"):
            return lambda page: [facts.get(name) for facts in page.facts]
        return lambda page: [
            one(facts.get(name), case, facts) for facts, case in zip(page.facts, page.cases, strict=True)
        ]

    def _one(self, kind: Kind) -> "Callable[[Any, bytes, Mapping[str, Any]], Any]":
        """Return what turns one value into one that leaves, given its case and the facts beside it."""
        if kind in ("person", "local"):
            scoped = self._pseudonyms.scoped
            return lambda value, case, _: None if value is None else scoped[case, value]
        if kind in ("day", "month"):
            days, months, coarse = self._days, self._months, self._life_rules
            if kind == "month":
                return lambda value, _case, _facts: None if value is None else months[value[:HOUR_LENGTH]]
            return lambda value, _case, facts: (
                None if value is None else (months if facts.get("rule") in coarse else days)[value[:HOUR_LENGTH]]
            )
        if kind in self._memories:
            memory = self._memories[kind]
            return lambda value, _case, _facts: memory[value]
        if kind == "decimal":
            return lambda value, _case, _facts: None if value is None else Decimal(value)
        return lambda value, _case, _facts: value

    def _pairs(self, name: str, first: Kind, second: Kind) -> Callable[[Page], Values]:
        key, value = self._one(first), self._one(second)

        def pairs(found: Mapping[str, Any] | None, case: bytes) -> Any:
            if found is None:
                return None
            return [{"key": key(one, case, found), "value": value(found[one], case, found)} for one in sorted(found)]

        return lambda page: [pairs(facts.get(name), case) for facts, case in zip(page.facts, page.cases, strict=True)]

    def _records(self, name: str, nested: Fields) -> Callable[[Page], Values]:
        parts = [(column, self._one(column.kind)) for column in nested.columns()]

        def records(found: Sequence[Mapping[str, Any]] | None, case: bytes) -> Any:
            if found is None:
                return None
            return [{c.name: one(inner.get(c.field), case, inner) for c, one in parts} for inner in found]

        return lambda page: [records(facts.get(name), case) for facts, case in zip(page.facts, page.cases, strict=True)]

    def _steps(self) -> _Column:
        """Return the column of what time alone makes of a status: from which days on, and which, in order."""
        kind = self._arrow.list_(self._arrow.struct([("day", self._type("day")), ("status", self._type("code"))]))
        day, codes = self._one("day"), self._memories["code"]

        def steps(value: Mapping[str, Any], case: bytes) -> list[dict[str, Any]] | None:
            found = value.get("steps")
            if found is None:
                return None
            return [{"day": day(step[0], case, value), "status": codes[step[1]]} for step in reversed(found)]

        return _Column(
            "steps", kind, lambda page: [steps(*one) for one in zip(page.facts, page.cases, strict=True)], "steps"
        )

    def _between(self, begin: str, end: str) -> Callable[[Page], Values]:
        """Return what counts the begun minutes between two instants of a value, so that none at all means not late."""
        instants = self._instants

        def minutes(value: Mapping[str, Any]) -> int | None:
            first, last = value.get(begin), value.get(end)
            if first is None or last is None:
                return None
            return -((instants[first] - instants[last]) // MINUTE)

        return lambda page: [minutes(facts) for facts in page.facts]


def _inside(name: str, column: _Column) -> _Column:
    """Return a column of what a field holds, named after both."""
    return _Column(f"{name}_{column.name}", column.kind, lambda page: column.values(page.within(name)), name)


def _day(text: str) -> date:
    """Return the Copenhagen day of a stored day, or of the hour of a stored instant."""
    return copenhagen_day(read_moment(text if len(text) < HOUR_LENGTH else f"{text}:00Z"))


def _around(column: str, name: str, kind: Any, one: Callable[[Any], Any]) -> _Column:
    """Return the column of what stands around the facts of an event under a name, where it does."""

    def values(page: Page) -> Values:
        if name not in page.present_around:
            return [None] * len(page.rows)
        return [None if (found := around.get(name)) is None else one(found) for around in page.around]

    return _Column(column, kind, values)


def _sealed(found: Sequence[Sequence[str]]) -> list[str]:
    return list(chain.from_iterable(found))


def _named(scoped: Memory, row: RememberedRow) -> str | None:
    """Return the pseudonym of what a part is named after in the case (``consent/c-1``); None for one without."""
    _, slash, name = row.part.partition("/")
    return scoped[row.key, name] if slash else None


def _many(
    one: Callable[[Any, bytes, Mapping[str, Any]], Any], value: Any, case: bytes, facts: Mapping[str, Any]
) -> list[Any] | None:
    """Return each of several values; a value that stands alone is a list of one."""
    if value is None:
        return None
    parts = cast(list[Any], value) if isinstance(value, list) else [value]
    return [one(part, case, facts) for part in parts]
