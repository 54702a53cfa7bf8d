"""From the clear part of events and the values of views to the columns of a release."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, cast

from domain.release import Column, Fields, Kind, code_of, law_of
from domain.release_fields import DURATIONS, EVENT_FIELDS, IN_MONTHS, VIEW_FIELDS
from domain.time import copenhagen_day, read_instant, read_moment
from replay.extras import extra
from replay.pseudonyms import Memory, Pseudonyms

MINUTE = timedelta(minutes=1)
HOUR_LENGTH = 13
"""Characters of a stored instant that tell its hour: the Copenhagen day follows from them."""


class Unclassified(Exception):
    """A view remembers a field that nobody has said may leave: give it a place in domain/release_fields.py."""

    def __init__(self, view: str, name: str) -> None:
        super().__init__(f"view {view} remembers {name}, which has no place in domain/release_fields.py: give it one")


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
_Column = tuple[str, Any, Callable[[Sequence[Any]], Values]]


class Table:
    """One table of a release: its schema, and how rows become columns of it."""

    def __init__(self, name: str, columns: Sequence[_Column]) -> None:
        self.name = name
        arrow = extra("pyarrow", "replay")
        self.schema = arrow.schema([arrow.field(column, kind) for column, kind, _ in columns])
        self._columns = columns

    def batch(self, rows: Sequence[Any]) -> Any:
        """Return rows as a batch of columns."""
        arrow = extra("pyarrow", "replay")
        arrays = [arrow.array(values(rows), type=kind) for _, kind, values in self._columns]
        return arrow.record_batch(arrays, schema=self.schema)


class Columns:
    """Makes the tables of a release. ``life_rules`` are the rules whose clocks count from a birth or a death."""

    def __init__(self, pseudonyms: Pseudonyms, life_rules: frozenset[str] = frozenset()) -> None:
        self._pseudonyms, self._life_rules = pseudonyms, life_rules
        self._arrow = extra("pyarrow", "replay")
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
        fields, ids, memory = EVENT_FIELDS[topic], self._pseudonyms.ids, self._memories
        text, whole, instant, flag, day = self._types()
        days = self._months if topic in IN_MONTHS else self._days
        envelope: list[_Column] = [
            ("position", whole, lambda rows: [row.position for row in rows]),
            ("case_id", text, lambda rows: [ids[row.stream] for row in rows]),
            ("entry_version", whole, lambda rows: [row.version for row in rows]),
            ("recorded_at", instant, lambda rows: [row.recorded_at for row in rows]),
            ("occurred_at", day, lambda rows: [days[row.clear["occurred_at"][:HOUR_LENGTH]] for row in rows]),
            ("reached_at", day, lambda rows: [_reached(days, row.clear) for row in rows]),
            ("actor", text, lambda rows: [memory["staff"][row.clear["actor"]["id"]] for row in rows]),
            ("actor_role", text, lambda rows: [memory["code"][row.clear["actor"]["role"]] for row in rows]),
            (
                "actor_unit",
                text,
                lambda rows: [memory["office"][row.clear["actor"].get("organisation")] for row in rows],
            ),
            ("commit_law", self._arrow.list_(text), lambda rows: [_laws(memory["law"], row.clear) for row in rows]),
            ("commit_source", text, lambda rows: [memory["code"][row.clear.get("source")] for row in rows]),
            ("without_gate", flag, lambda rows: [row.clear.get("reported_without_gate", False) for row in rows]),
            ("sealed", self._arrow.list_(text), lambda rows: [_sealed(row.clear) for row in rows]),
        ]
        facts = self._fields(fields, lambda row: row.clear["data"], lambda row: row.stream)
        return Table(topic, [*envelope, *facts])

    def of_view(self, view: str) -> Table:
        """Return the table of a view; raises Unclassified when it is filled with a field that has no place."""
        fields, ids = VIEW_FIELDS[view], self._pseudonyms.ids
        text, whole, instant, _, _ = self._types()
        known, scoped = frozenset(fields.names()), self._pseudonyms.scoped
        seen: set[tuple[str, ...]] = set()

        def checked(rows: Sequence[RememberedRow]) -> Values:
            for row in rows:
                if (names := tuple(row.value)) not in seen:
                    for name in names:
                        if name not in known:
                            raise Unclassified(view, name)
                    seen.add(names)
            return [row.known_from for row in rows]

        place: list[_Column] = [
            ("known_from", whole, checked),
            ("known_to", whole, lambda rows: [row.known_to for row in rows]),
            ("known_from_at", instant, lambda rows: [row.known_from_at for row in rows]),
            ("known_to_at", instant, lambda rows: [row.known_to_at for row in rows]),
            ("case_id", text, lambda rows: [ids[row.key] for row in rows]),
            ("part", text, lambda rows: [scoped[row.key, row.part] for row in rows]),
            ("part_of", text, lambda rows: [_named(scoped, row) for row in rows]),
        ]
        durations: list[_Column] = [
            (name, whole, _between(begin, end)) for name, (begin, end) in DURATIONS.get(view, {}).items()
        ]
        values = self._fields(fields, lambda row: row.value, lambda row: row.key)
        return Table(view, [*place, *durations, *values])

    def _types(self) -> tuple[Any, Any, Any, Any, Any]:
        arrow = self._arrow
        return arrow.string(), arrow.int64(), arrow.timestamp("us", tz="UTC"), arrow.bool_(), arrow.date32()

    def _fields(
        self, fields: Fields, facts: Callable[[Any], Mapping[str, Any]], case: Callable[[Any], bytes], prefix: str = ""
    ) -> list[_Column]:
        """Return the columns of some fields; ``facts`` finds them in a row, ``case`` the case they are within."""
        arrow, found = self._arrow, list[_Column]()
        for column in fields.columns():
            kind = self._type(column.kind)
            values = self._values(column, facts, case)
            found.append((prefix + column.name, arrow.list_(kind) if column.many else kind, values))
        for name, (key, value) in fields.mappings.items():
            kind = arrow.list_(arrow.struct([("key", self._type(key)), ("value", self._type(value))]))
            found.append((prefix + name, kind, self._pairs(name, (key, value), facts, case)))
        for name, nested in fields.nested.items():
            parts = [(column.name, self._type(column.kind)) for column in nested.columns()]
            found.append((prefix + name, arrow.list_(arrow.struct(parts)), self._records(name, nested, facts, case)))
        for name, inner in fields.within.items():
            found += self._fields(inner, _within(name, facts), case, f"{prefix}{name}_")
        return found

    def _type(self, kind: Kind) -> Any:
        text, whole, _, flag, day = self._types()
        plain = {"number": whole, "decimal": self._arrow.decimal128(18, 6), "flag": flag, "day": day, "month": day}
        return plain.get(kind, text)

    def _values(
        self, column: Column, facts: Callable[[Any], Mapping[str, Any]], case: Callable[[Any], bytes]
    ) -> Callable[[Sequence[Any]], Values]:
        name, one = column.field, self._one(column.kind)
        if column.many:
            return lambda rows: [_many(one, facts(row).get(name), case(row), facts(row)) for row in rows]
        if column.kind in self._memories:
            memory = self._memories[column.kind]
            return lambda rows: [memory[facts(row).get(name)] for row in rows]
        if column.kind in ("number", "flag"):
            return lambda rows: [facts(row).get(name) for row in rows]
        return lambda rows: [one(facts(row).get(name), case(row), facts(row)) for row in rows]

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

    def _pairs(
        self,
        name: str,
        kinds: tuple[Kind, Kind],
        facts: Callable[[Any], Mapping[str, Any]],
        case: Callable[[Any], bytes],
    ) -> Callable[[Sequence[Any]], Values]:
        key, value = self._one(kinds[0]), self._one(kinds[1])

        def pairs(row: Any) -> Any:
            found: Mapping[str, Any] | None = facts(row).get(name)
            if found is None:
                return None
            return [
                {"key": key(one, case(row), found), "value": value(found[one], case(row), found)}
                for one in sorted(found)
            ]

        return lambda rows: [pairs(row) for row in rows]

    def _records(
        self, name: str, nested: Fields, facts: Callable[[Any], Mapping[str, Any]], case: Callable[[Any], bytes]
    ) -> Callable[[Sequence[Any]], Values]:
        parts = [(column, self._one(column.kind)) for column in nested.columns()]

        def records(row: Any) -> Any:
            found: Sequence[Mapping[str, Any]] | None = facts(row).get(name)
            if found is None:
                return None
            return [{c.name: one(inner.get(c.field), case(row), inner) for c, one in parts} for inner in found]

        return lambda rows: [records(row) for row in rows]


def _day(text: str) -> date:
    """Return the Copenhagen day of a stored day, or of the hour of a stored instant."""
    return copenhagen_day(read_moment(text if len(text) < HOUR_LENGTH else f"{text}:00Z"))


def _reached(days: Memory, clear: Mapping[str, Any]) -> date | None:
    reached = clear.get("reached_at")
    return None if reached is None else days[reached[:HOUR_LENGTH]]


def _laws(laws: Memory, clear: Mapping[str, Any]) -> list[str] | None:
    found = clear.get("legal_basis")
    return None if found is None else [laws[one] for one in found]


def _sealed(clear: Mapping[str, Any]) -> list[str] | None:
    found = clear.get("sealed")
    return None if found is None else [name for names in found for name in names]


def _named(scoped: Memory, row: RememberedRow) -> str | None:
    """Return the pseudonym of what a part is named after in the case (``consent/c-1``); None for one without."""
    _, slash, name = row.part.partition("/")
    return scoped[row.key, name] if slash else None


def _within(name: str, facts: Callable[[Any], Mapping[str, Any]]) -> Callable[[Any], Mapping[str, Any]]:
    return lambda row: facts(row).get(name) or {}


def _many(
    one: Callable[[Any, bytes, Mapping[str, Any]], Any], value: Any, case: bytes, facts: Mapping[str, Any]
) -> list[Any] | None:
    """Return each of several values; a value that stands alone is a list of one."""
    if value is None:
        return None
    parts = cast(list[Any], value) if isinstance(value, list) else [value]
    return [one(part, case, facts) for part in parts]


def _between(begin: str, end: str) -> Callable[[Sequence[RememberedRow]], Values]:
    """Return what counts the begun minutes between two instants of a value, so that none at all means not late."""

    def minutes(value: Mapping[str, Any]) -> int | None:
        first, last = value.get(begin), value.get(end)
        if first is None or last is None:
            return None
        return -((read_instant(first) - read_instant(last)) // MINUTE)

    return lambda rows: [minutes(row.value) for row in rows]
