"""Which entries a rule means: by event, by what their fields hold, and by how they hang together with a trigger."""

from collections.abc import Callable, Container, Iterable, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from domain.entries import Entry
from domain.known import counts_from, counts_until, many, moment_of
from domain.rule_book import Condition, Pattern
from domain.time import Moment, read_day


def matches(pattern: Pattern, entry: Entry) -> bool:
    """Whether an entry is of the kind a pattern names and its fields hold what the pattern asks."""
    return entry.topic == pattern.topic and all(_holds(entry, name, one) for name, one in pattern.where.items())


def first_match(patterns: Iterable[Pattern], entry: Entry) -> Pattern | None:
    """Return the first pattern that an entry matches; None where it matches none."""
    return next((pattern for pattern in patterns if matches(pattern, entry)), None)


def anchor_of(pattern: Pattern, entry: Entry) -> Moment | None:
    """Return the moment a rule counts from: the entry's own, or the date field the pattern names (None if missing)."""
    if pattern.at is None:
        return moment_of(entry)
    value = entry.data.get(pattern.at)
    return read_day(value) if isinstance(value, str) else None


def belongs(pattern: Pattern, entry: Entry, trigger: Entry, started: datetime) -> bool:
    """Whether an entry that matches a pattern is about the trigger's clock, which started at an instant."""
    if entry.version == trigger.version:
        return False
    if pattern.refers is not None and trigger.version not in many(entry.data.get(pattern.refers)):
        return False
    if not all(_same(entry.data.get(name), trigger.data.get(name)) for name in pattern.same):
        return False
    if pattern.after == "any":
        return True
    until = counts_until(entry)
    return until > started if pattern.after == "later" else until >= started


def earliest(
    patterns: Iterable[Pattern],
    facts: Callable[[str], Sequence[Entry]],
    trigger: Entry,
    started: datetime,
    not_before: datetime | None = None,
    without: Container[int] = (),
) -> Entry | None:
    """Return the earliest entry by moment that fits a clock and is not before an instant.

    ``facts`` gives those of a topic; ``without`` are versions that do not count.
    """
    fitting = (
        entry
        for pattern in patterns
        for entry in facts(pattern.topic)
        if entry.version not in without and matches(pattern, entry) and belongs(pattern, entry, trigger, started)
    )
    in_time = (entry for entry in fitting if not_before is None or counts_until(entry) >= not_before)
    return min(in_time, key=lambda entry: (counts_from(entry), entry.version), default=None)


def _same(one: Any, other: Any) -> bool:
    """Whether two fields hold the same: the same value, both nothing, or lists with something in common."""
    return one == other or bool(set(many(one)) & set(many(other)))


def _holds(entry: Entry, name: str, condition: Condition) -> bool:
    """Whether a field of an entry meets a condition."""
    value = entry.data.get(name)
    if condition.over is not None:
        return _over(value, entry.data.get(condition.over, condition.or_over))
    if condition.any_like is not None:
        return any(like in str(item).casefold() for item in many(value) for like in condition.any_like)
    if condition.part is not None:
        return condition.part in str(value).split("+")
    if condition.one_of is not None:
        return any(item in condition.one_of for item in many(value))
    return value == condition.equals or (isinstance(value, list | tuple) and condition.equals in value)


def _over(value: Any, bound: Any) -> bool:
    """Whether one number is greater than another; numbers may be kept as decimal text, and no other text is one."""
    try:
        return value is not None and bound is not None and Decimal(str(value)) > Decimal(str(bound))
    except InvalidOperation:
        return False
