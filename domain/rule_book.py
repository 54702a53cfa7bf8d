"""Rule books: deadlines, windows, limits, gates and duties as data with citation, validity and reading.

A rule book is a TOML text. This module reads the text and refuses a malformed one with line, place and reason; it
opens no file. What the parts mean is told in ``docs/rule-books.md``.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from itertools import combinations
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError, model_validator

from domain.calendar import CountCalendar, RollCalendar
from domain.events import EVENTS
from domain.events.base import Event
from domain.events.catalogue import wire_form
from domain.levels import Level

Kind = Literal["deadline", "window", "not_before", "gate", "duty", "recurring", "warning", "limit"]
Unit = Literal["hours", "counted_days", "days", "weeks", "months", "decided"]
Verification = Literal["V", "M", "seed"]
"""V: read in a published copy of the source. M: at least partly from memory. seed: the programme's own text."""

After = Literal["at", "later", "any"]
"""A satisfying entry counts at or after the start, strictly after it, or at any time."""

Start = Literal["each", "first", "latest", "birth_or_start"]
"""Which of several entries that could start a clock does: each its own, the first, the latest, or, for a duty about a
child, the birth, unless support began after it (reading A4)."""


class RuleBookError(ValueError):
    """A rule book is malformed; ``line`` counts from 1."""

    def __init__(self, line: int, place: str, reason: str) -> None:
        super().__init__(f"line {line}: {place}: {reason}" if place else f"line {line}: {reason}")
        self.line = line


class _Part(BaseModel):
    """A part of a rule book; unknown keys are refused, so that a misspelt one is not silently without effect."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Condition(_Part):
    """What a field must hold. Exactly one of the ways is used."""

    equals: StrictBool | StrictInt | StrictStr | None = None
    one_of: tuple[StrictStr, ...] | None = None
    part: StrictStr | None = None
    over: StrictStr | None = None
    or_over: StrictInt | None = None
    any_like: tuple[StrictStr, ...] | None = None


class Pattern(_Part):
    """Which entries are meant, and how they hang together with the entry that started the clock.

    ``at`` names a date field that counts instead of the entry's moment. ``refers`` names the field that must hold the
    version of the starting entry; ``same`` the fields that must hold the same in both.
    """

    event: StrictStr
    where: dict[str, Condition] = Field(default_factory=dict[str, Condition])
    at: StrictStr | None = None
    refers: StrictStr | None = None
    same: tuple[StrictStr, ...] = ()
    after: After = "at"

    @model_validator(mode="before")
    @classmethod
    def _short_conditions(cls, value: Any) -> Any:
        """Let a plain value stand for equality and a list for one of several."""
        pattern = cast(dict[str, Any], value) if isinstance(value, dict) else {}
        conditions: Any = pattern.get("where")
        if not isinstance(conditions, dict):
            return cast(Any, value)
        named = cast(dict[str, Any], conditions)
        return {**pattern, "where": {name: _condition(one) for name, one in named.items()}}

    @model_validator(mode="after")
    def _known_fields(self) -> Self:
        """Refuse events and fields that are not in the catalogue."""
        kind = EVENTS.get(self.event)
        if kind is None:
            raise ValueError(f"{self.event} is no event of the catalogue")
        bounds = [condition.over for condition in self.where.values()]
        named = [*self.where, *self.same, *(name for name in (self.at, self.refers, *bounds) if name)]
        unknown = [name for name in named if name not in kind.model_fields]
        if unknown:
            raise ValueError(f"{unknown[0]} is no field of {self.event}")
        if self.at is not None and not _holds_dates(kind, self.at):
            raise ValueError(f"at must name a date, and {self.at} of {self.event} is none")
        return self

    @cached_property
    def topic(self) -> str:
        """The stored name of the event."""
        return EVENTS[self.event].TOPIC


def _holds_dates(kind: type[Event], field: str) -> bool:
    """Whether a field of an event holds a day or a moment."""
    return "date" in str(wire_form(kind)["fields"][field])


def _condition(value: Any) -> Any:
    """Return a short condition in full."""
    if isinstance(value, list):
        return {"one_of": cast(list[Any], value)}
    return cast(dict[str, Any], value) if isinstance(value, dict) else {"equals": value}


_LONGEST: Mapping[str, int] = {
    "hours": 876_600,
    "counted_days": 25_000,
    "days": 36_525,
    "weeks": 5_218,
    "months": 1_200,
    "decided": 0,
}
"""How far a distance may lead, in its unit: a hundred years."""


class Span(_Part):
    """A distance from the anchor.

    ``field`` names the field of the anchor that holds a decided period (unit ``decided``); ``setting`` a setting
    whose value is the number (``off`` for none); ``grace`` a setting with days added in the end.
    """

    unit: Unit
    n: StrictInt | None = None
    field: StrictStr | None = None
    setting: StrictStr | None = None
    grace: StrictStr | None = None
    calendar: CountCalendar = "weekdays"
    roll: RollCalendar = "none"

    @model_validator(mode="after")
    def _one_number(self) -> Self:
        """Refuse a distance without exactly one source of its number."""
        if self.n is not None and abs(self.n) > _LONGEST[self.unit]:
            raise ValueError("n leads more than a hundred years away")
        sources = [self.n is not None, self.field is not None, self.setting is not None]
        if sum(sources) != 1 or (self.unit == "decided") != (self.field is not None):
            raise ValueError("needs n, or setting, or field with unit decided")
        return self


class Repeat(_Part):
    """A fixed grid: further due dates every ``n`` units after the first, ``times`` in all."""

    n: StrictInt = Field(gt=0)
    unit: Literal["days", "weeks", "months"]
    times: StrictInt = Field(gt=1, le=200)


class Setting(_Part):
    """A place where the source has more than one reading; ``default`` is the one used unless another is chosen."""

    id: StrictStr
    question: StrictStr
    options: tuple[StrictStr, ...]
    default: StrictStr
    citation: StrictStr
    free: StrictBool = False

    @model_validator(mode="after")
    def _default_is_an_option(self) -> Self:
        """Refuse a default that is no option."""
        if self.default not in self.options:
            raise ValueError("default must be one of options")
        return self

    def accepts(self, value: str) -> bool:
        """Whether a value can be chosen: an option, or a whole number where the setting is free."""
        return value in self.options or (self.free and re.fullmatch(r"[0-9]{1,4}", value) is not None)


class Rule(_Part):
    """One rule in one version.

    ``valid_from`` and ``valid_to`` are both included and concern the day of the anchor. ``when`` names the readings
    under which the rule holds. ``limits`` are numbers that counts are held against. Meaning of the rest: ``docs``.
    """

    id: StrictStr = Field(pattern=r"^[A-Z0-9][A-Z0-9-]+$")
    version: StrictInt = Field(ge=1)
    kind: Kind
    level: Level
    audience: Literal["authority", "citizen"] = "authority"
    danish: StrictStr = Field(min_length=3)
    english: StrictStr = Field(min_length=3)
    citation: StrictStr = Field(min_length=2)
    verification: Verification
    verification_note: StrictStr = ""
    note: StrictStr = ""
    valid_from: date | None = None
    valid_to: date | None = None
    when: dict[str, StrictStr] = Field(default_factory=dict[str, StrictStr])
    anchor: tuple[Pattern, ...] = ()
    start: Start = "each"
    due: Span | None = None
    not_before: Span | None = None
    warn: Span | None = None
    repeat: Repeat | None = None
    earlier_of: tuple[Pattern, ...] = ()
    satisfied_by: tuple[Pattern, ...] = ()
    unless_followed_by: tuple[Pattern, ...] = ()
    preliminary: tuple[Pattern, ...] = ()
    until: tuple[Pattern, ...] = ()
    open_until: tuple[Pattern, ...] = ()
    settled_by: tuple[Pattern, ...] = ()
    resumed_by: tuple[Pattern, ...] = ()
    not_applicable_if: dict[str, StrictBool | StrictStr] = Field(default_factory=dict[str, StrictBool | StrictStr])
    started_if: dict[str, StrictBool | StrictStr] = Field(default_factory=dict[str, StrictBool | StrictStr])
    after_birth_only: StrictBool = False
    running_by_due: StrictBool = False
    while_running: StrictBool = False
    known_before: StrictBool = False
    late_entry_days: StrictInt | None = None
    moot_if_met: StrictStr | None = None
    by_role: StrictStr | None = None
    limits: dict[str, StrictInt] = Field(default_factory=dict[str, StrictInt])

    @model_validator(mode="after")
    def _periods_in_order(self) -> Self:
        """Refuse a validity that ends before it begins, and a clock that nothing starts."""
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to must not lie before valid_from")
        if (self.due or self.not_before) and not self.anchor:
            raise ValueError("due needs an anchor to count from")
        return self

    @property
    def in_hours(self) -> bool:
        """Whether the rule counts elapsed hours; an act due at an instant itself is late by days."""
        return self.due is not None and self.due.unit == "hours" and self.due.n != 0

    def valid_on(self, day: date) -> bool:
        """Whether the rule holds for an anchor on a day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


class Heading(_Part):
    """What a rule book says about itself; ``programme`` is None for the statute."""

    id: StrictStr = Field(pattern=r"^[a-z0-9_-]+$")
    version: StrictStr
    title: StrictStr
    source: StrictStr
    programme: StrictStr | None = None


class RuleBook(_Part):
    """A rule book: its heading, the readings it leaves open, and its rules."""

    book: Heading
    setting: tuple[Setting, ...] = ()
    rule: Annotated[tuple[Rule, ...], Field(min_length=1)]

    @property
    def unverified(self) -> tuple[Rule, ...]:
        """The rules of which something is from memory."""
        return tuple(rule for rule in self.rule if rule.verification == "M")


def read_rule_book(text: str) -> RuleBook:
    """Read a rule book; raises RuleBookError with line, place and reason for the first thing that is wrong."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line ([0-9]+)", str(error))
        line = int(found.group(1)) if found else text.count("\n") + 1
        raise RuleBookError(line, "", re.sub(r" \(at .*\)$", "", str(error))) from None
    try:
        book = RuleBook.model_validate(content)
    except ValidationError as error:
        raise _located(text, content, error) from None
    for problem in _contradictions(text, book):
        raise problem
    return book


def _located(text: str, content: dict[str, Any], error: ValidationError) -> RuleBookError:
    """Return the first problem of a validation with its line."""
    problem = error.errors(include_url=False, include_input=False)[0]
    place, reason = problem["loc"], problem["msg"].removeprefix("Value error, ")
    table = str(place[0]) if place else ""
    index = place[1] if len(place) > 1 and isinstance(place[1], int) else None
    key = next((str(part) for part in place[(1 if index is None else 2) :] if isinstance(part, str)), "")
    name = ""
    if index is not None and table in ("rule", "setting"):
        name = str(content[table][index].get("id", f"number {index + 1}"))
    label = " ".join(part for part in (table, name) if part)
    inner = ".".join(str(part) for part in place[(1 if index is None else 2) :])
    return RuleBookError(_line(text, table, index, key), f"{label}, {inner}" if inner else label, reason)


def _line(text: str, table: str, index: int | None, key: str) -> int:
    """Return the line of a key in the n-th table of a name, of the table where the key is missing, or 1."""
    lines = text.splitlines()
    headers = [number for number, line in enumerate(lines) if re.match(rf"\s*\[+{re.escape(table)}\]+\s*(#.*)?$", line)]
    if not headers or (index or 0) >= len(headers):
        return 1
    start = headers[index or 0]
    for number in range(start + 1, len(lines)):
        if re.match(r"\s*\[\[?(rule|setting|book)\]", lines[number]):
            break
        if key and re.match(rf"\s*(\[(rule|book|setting)\.)?{re.escape(key)}\b", lines[number]):
            return number + 1
    return start + 1


def _contradictions(text: str, book: RuleBook) -> Iterator[RuleBookError]:
    """Yield what contradicts within a rule book: two versions of a rule at once, readings and settings unknown."""
    settings = {setting.id: setting for setting in book.setting}
    for one, other in combinations(range(len(book.rule)), 2):
        if _overlap(book.rule[one], book.rule[other]):
            rule = book.rule[other]
            yield RuleBookError(
                _line(text, "rule", other, "id"),
                f"rule {rule.id}",
                "is valid at the same time as another version of it",
            )
    for index, rule in enumerate(book.rule):
        for name in _settings_of(rule):
            if name not in settings:
                yield RuleBookError(_line(text, "rule", index, "when"), f"rule {rule.id}", f"{name} is no setting here")
        for name, value in rule.when.items():
            if name in settings and value not in settings[name].options:
                reason = f"{value} is no option of setting {name}"
                yield RuleBookError(_line(text, "rule", index, "when"), f"rule {rule.id}", reason)


def _overlap(one: Rule, other: Rule) -> bool:
    """Whether two versions of a rule could hold for the same anchor day under the same readings."""
    if one.id != other.id or any(other.when.get(name, value) != value for name, value in one.when.items()):
        return False
    first, second = sorted((one, other), key=lambda rule: rule.valid_from or date.min)
    return (first.valid_to or date.max) >= (second.valid_from or date.min)


def _settings_of(rule: Rule) -> Sequence[str]:
    """Return the settings a rule mentions."""
    spans = [span for span in (rule.due, rule.not_before, rule.warn) if span]
    named = [name for span in spans for name in (span.setting, span.grace) if name]
    return [*rule.when, *named]
