"""Date vectors: a trigger, some parameters and the date a rule of counting must lead to.

A municipality holds its own dates against the calendar with them. Format: ``docs/case-stories.md``.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count, islice
from typing import Any

from domain.calendar import Calendar, CountCalendar, plus_months
from domain.time import copenhagen_day, read_day, read_instant, write_instant

Params = Mapping[str, Any]
Found = datetime | date | list[date]
GRID_DAYS, FIRST_DAYS = 42, 7
"""Days between follow-ups of the social worker, and from birth to the first (programme spaed_smaaboern_000)."""


@dataclass(frozen=True, slots=True)
class VectorResult:
    """One vector with what the calendar makes of it; ``problem`` says why it could not be worked out."""

    index: int
    rule: str
    trigger: str
    expected: Any
    found: Any
    problem: str | None = None

    @property
    def passed(self) -> bool:
        """Whether the calendar leads to the expected date."""
        return self.problem is None and self.expected == self.found

    def __str__(self) -> str:
        place = f"vector {self.index} {self.rule} from {self.trigger}"
        if self.problem is not None:
            return f"{place}: {self.problem}"
        return f"{place}: " + ("ok" if self.passed else f"expected {self.expected}, found {self.found}")


def check_vectors(vectors: Sequence[Any], calendar: Calendar) -> list[VectorResult]:
    """Return the outcome of each vector, in order; a malformed one fails with the field and the reason."""
    return [_check(index, vector, calendar) for index, vector in enumerate(vectors, start=1)]


def _check(index: int, vector: Any, calendar: Calendar) -> VectorResult:
    if not isinstance(vector, dict):
        return VectorResult(index, "?", "?", None, None, "is no object with rule, trigger, params and due")
    parts: dict[str, Any] = vector  # pyright: ignore[reportUnknownVariableType]
    rule, trigger = _told(parts.get("rule")), _told(parts.get("trigger"))
    missing = [name for name in ("rule", "trigger", "due") if name not in parts]
    if missing:
        return VectorResult(index, rule, trigger, None, None, f"{missing[0]} is missing")
    try:
        expected = _read(parts["due"])
        found = _found(calendar, parts["rule"], parts["trigger"], parts.get("params") or {}, parts["due"])
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        return VectorResult(index, rule, trigger, None, None, _reason(error))
    return VectorResult(index, rule, trigger, _written(expected), _written(found))


def _told(value: Any) -> str:
    """Return a rule or trigger as it may be repeated in a message: what does not look like one is not."""
    return value if isinstance(value, str) and re.fullmatch(r"[A-Z0-9+:.TZ-]{1,40}", value) else "(not shown)"


def _reason(error: Exception) -> str:
    """Return why a vector could not be worked out, in words."""
    match error:
        case KeyError():
            return f"params.{error.args[0]} is missing"
        case OverflowError():
            return "leads beyond the years 1 to 9999"
        case ValueError():
            return str(error)
        case _:
            return "holds a value of the wrong kind: rule and trigger are text, params an object, due text or a list"


def _flag(params: Params, name: str, usual: bool) -> bool:
    value = params.get(name, usual)
    if not isinstance(value, bool):
        raise ValueError(f"params.{name} must be true or false")
    return value


def _whole(params: Params, name: str) -> int:
    value = params[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"params.{name} must be a whole number")
    return value


def _read(value: Any) -> Found:
    if isinstance(value, list) and not value:
        raise ValueError("due is empty, so nothing could fail")
    if isinstance(value, list):
        return [read_day(item) for item in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return read_day(value) if len(value) <= 10 else read_instant(value)


def _written(value: Found) -> Any:
    if isinstance(value, list):
        return [day.isoformat() for day in value]
    return write_instant(value) if isinstance(value, datetime) else value.isoformat()


def _found(calendar: Calendar, rule: str, trigger: str, params: Params, due: Any) -> Found:
    """Return what a rule of counting leads to; a list is as long as the one expected."""
    hours = re.fullmatch(r"HOURS-([0-9]+)", rule)
    if hours:
        return calendar.plus_hours(read_instant(trigger), int(hours[1]))
    day = read_day(trigger) if len(trigger) <= 10 else copenhagen_day(read_instant(trigger))
    for pattern, work_out in _RULES.items():
        found = re.fullmatch(pattern, rule)
        if found:
            length = len(due) if isinstance(due, list) else 1  # pyright: ignore[reportUnknownArgumentType]
            return work_out(calendar, day, params, found.groups(), length)
    raise ValueError("rule is none that can be checked: see the documentation of date vectors")


def _counted(calendar: Calendar, day: date, params: Params, groups: Sequence[str], _length: int) -> date:
    return calendar.nth_counted_day(day, int(groups[0]), count_calendar(params))


def count_calendar(params: Params) -> CountCalendar:
    """Return which days the parameters count: Saturdays on request, the three eves unless they are skipped."""
    saturdays = _flag(params, "saturday", False)
    if _flag(params, "count_5jun_24dec_31dec", True):
        return "weekdays_and_saturdays" if saturdays else "weekdays"
    return "weekdays_and_saturdays_without_eves" if saturdays else "weekdays_without_eves"


def _months(_calendar: Calendar, day: date, params: Params, _groups: Sequence[str], _length: int) -> date:
    if params.get("roll", "none") != "none":
        raise ValueError("params.roll must be none: months of an authority are not rolled")
    return plus_months(day, _whole(params, "months"))


def _recurring(_calendar: Calendar, day: date, params: Params, _groups: Sequence[str], length: int) -> list[date]:
    return [plus_months(day, _whole(params, "months") * step) for step in range(1, length + 1)]


def _citizen_weeks(calendar: Calendar, day: date, _params: Params, groups: Sequence[str], _length: int) -> date:
    return calendar.roll(calendar.plus(day, "weeks", int(groups[0])), "citizen")


def _european_months(calendar: Calendar, day: date, _params: Params, groups: Sequence[str], _length: int) -> date:
    return calendar.roll(plus_months(day, int(groups[0])), "regulation_1182_71")


def _first_follow_up(_calendar: Calendar, day: date, params: Params, _groups: Sequence[str], _length: int) -> date:
    completed = params.get("investigation_completed")
    limb = read_day(completed) if completed else None
    latest = plus_months(day, 3)
    return min(latest, limb) if limb is not None and limb >= day else latest


def _placement(_calendar: Calendar, day: date, _params: Params, _groups: Sequence[str], _length: int) -> date:
    return plus_months(day, -3)


def _gestation(calendar: Calendar, day: date, _params: Params, groups: Sequence[str], _length: int) -> date:
    return calendar.plus(day, "days", int(groups[0]) * 7 + int(groups[1]) - 280)


def _last_held(calendar: Calendar, day: date, params: Params, _groups: Sequence[str], _length: int) -> list[date]:
    held = [calendar.plus(read_day(one), "days", GRID_DAYS) for one in params.get("held", ())]
    return [calendar.plus(day, "days", FIRST_DAYS), *held]


def _grid(calendar: Calendar, day: date, _params: Params, _groups: Sequence[str], length: int) -> list[date]:
    return list(islice((calendar.plus(day, "days", FIRST_DAYS + GRID_DAYS * step) for step in count()), length))


def _retest(calendar: Calendar, day: date, _params: Params, _groups: Sequence[str], _length: int) -> list[date]:
    return [calendar.plus(day, "weeks", 1), calendar.plus(day, "weeks", 2)]


_RULES: Mapping[str, Callable[[Calendar, date, Params, Sequence[str], int], date | list[date]]] = {
    r"(?:HVERDAG|ARBEJDSDAG)-([0-9]+)": _counted,
    r"MONTHS": _months,
    r"MONTHS-RECUR": _recurring,
    r"WEEKS-([0-9]+)-CITIZEN": _citizen_weeks,
    r"GDPR-([0-9]+)M": _european_months,
    r"FOLLOWUP-FIRST-95": _first_follow_up,
    r"BL49-NOT-BEFORE": _placement,
    r"GA-([0-9]+)\+([0-9])": _gestation,
    r"P000-SW-6W-LASTHELD": _last_held,
    r"P000-SW-6W-GRID": _grid,
    r"ADBB-RETEST": _retest,
}
