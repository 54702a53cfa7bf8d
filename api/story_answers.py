"""Comparing what a story expects with what the product answers, kind by kind. Both sides are plain JSON values.

Rules of comparison: ``docs/case-stories.md``. Instants are equal as instants, late-by as durations, sets as sets; a
finer status counts as the coarse one it refines.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeGuard, cast

from domain.time import INSTANT, read_instant

Comparison = Callable[[Any, Any], bool]


@dataclass(frozen=True, slots=True)
class Difference:
    """One key of an expected answer that the product answers differently."""

    key: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.key}: expected {_shown(self.expected)}, found {_shown(self.found)}"


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[Difference]:
    """Return the expected keys that are answered differently; keys only the product has are no difference."""
    return [
        Difference(key, value, found.get(key))
        for key, value in expected.items()
        if not _COMPARISONS.get(key, _equal)(value, found.get(key))
    ]


def _equal(expected: Any, found: Any) -> bool:
    """Whether two values are the same: instants as instants, numbers as numbers, lists item by item."""
    if isinstance(expected, list) and isinstance(found, list | tuple):
        one, other = cast(list[Any], expected), list(cast(list[Any], found))
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if _is_instant(expected) and _is_instant(found):
        return _to_second(expected) == _to_second(found)
    return expected == found


def _is_instant(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and INSTANT.fullmatch(value) is not None


def _to_second(text: str) -> datetime:
    return read_instant(text).replace(microsecond=0)


def _status(expected: Any, found: Any) -> bool:
    """Whether one of the statuses that hold at once, fine or by time alone, is the one expected."""
    return expected in found if isinstance(found, list | tuple) else expected == found


def _as_set(expected: Any, found: Any) -> bool:
    return found is not None and sorted(expected) == sorted(found)


def _duration(expected: Any, found: Any) -> bool:
    if expected is None or found is None:
        return expected == found
    return _length(expected) == _length(found)


def _length(text: str) -> timedelta:
    """Read ``17:30:00`` or ``3 calendar days``."""
    days = re.fullmatch(r"([0-9]+) calendar days?", text)
    if days:
        return timedelta(days=int(days[1]))
    hours, minutes, seconds = (int(part) for part in text.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _hours(expected: Any, found: Any) -> bool:
    return found is not None and abs(float(expected) - float(found)) < 0.01


def _each(expected: Mapping[str, Any], found: Mapping[str, Any] | None) -> bool:
    """Whether each listed deadline stands as expected; others may be there."""
    standing: Mapping[str, Any] = found or {}
    return all(_status(value, standing.get(key)) for key, value in expected.items())


_COMPARISONS: Mapping[str, Comparison] = {
    "status": _status,
    "missing": _as_set,
    "consents_in_force": _as_set,
    "late_by": _duration,
    "lag_hours": _hours,
    "running_or_broken_deadlines": _each,
}


def _shown(value: Any) -> str:
    """Return a value the way it is shown in a message; statuses that hold at once stand beside each other."""
    if isinstance(value, tuple):
        return " / ".join(str(one) for one in cast(tuple[Any, ...], value))
    return "nothing" if value is None else str(value)
