"""The course of support: series of scores and hours, how long it ran, and how old the child is."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise

from domain.calendar import CalendarError, completed_months, plus_months
from domain.custody import birth_of
from domain.events.assessment import AssessmentRecorded
from domain.events.enrolment import EnrolmentClosed, InterventionStarted
from domain.events.visit import SupportLevelSet
from domain.known import Known
from domain.time import copenhagen_day

BELOW, WITHIN, ABOVE = "below", "within", "above"
Quantity = int | float


def number(value: int | str) -> Quantity:
    """Return a stored number, which may be kept as decimal text, as a number."""
    if isinstance(value, int):
        return value
    exact = Decimal(value)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def scores(known: Known, instrument: str) -> tuple[tuple[datetime, Quantity], ...]:
    """Return the scores of an instrument as recorded and corrected, in the order in which they were taken."""
    taken = [entry for entry in known.of(AssessmentRecorded) if entry.data["instrument"] == instrument]
    return tuple(
        (entry.happened, number(entry.data["score"])) for entry in taken if entry.data.get("score") is not None
    )


def hours_per_week(known: Known) -> tuple[tuple[date, Quantity], ...]:
    """Return the levels of support in hours per week, in the order in which they were set."""
    levels = known.of(SupportLevelSet)
    return tuple((copenhagen_day(entry.occurred_at), number(entry.data["hours_per_week"])) for entry in levels)


def never_rises(values: list[Quantity]) -> bool:
    """Whether no value is higher than the one before it."""
    return all(later <= earlier for earlier, later in pairwise(values))


def standing(value: Quantity, low: Quantity | None, high: Quantity | None) -> str:
    """Return whether a value is below, within or above its bounds, which are themselves within."""
    if low is not None and value < low:
        return BELOW
    return ABOVE if high is not None and value > high else WITHIN


@dataclass(frozen=True, slots=True)
class Duration:
    """How long the latest support ran, against the months it usually takes; ``end`` is None while it runs."""

    start: date
    end: date | None
    not_before: date
    not_after: date

    @property
    def days(self) -> int | None:
        """Days from start to end."""
        return None if self.end is None else (self.end - self.start).days

    @property
    def status(self) -> str | None:
        """Below, within or above the usual time."""
        if self.end is None:
            return None
        return BELOW if self.end < self.not_before else ABOVE if self.end > self.not_after else WITHIN


def duration(known: Known, at: datetime, from_months: int, to_months: int) -> Duration | None:
    """Return how long the latest support that began by an instant ran; None where none did."""
    started = [entry for entry in known.of(InterventionStarted) if entry.happened <= at]
    if not started:
        return None
    start = started[-1]
    closed = [entry for entry in known.of(EnrolmentClosed) if start.happened <= entry.happened <= at]
    begun = copenhagen_day(start.occurred_at)
    end = copenhagen_day(closed[0].occurred_at) if closed else None
    return Duration(begun, end, plus_months(begun, from_months), plus_months(begun, to_months))


@dataclass(frozen=True, slots=True)
class Age:
    """A child's age in completed months on a day, against the birthday that ends an age window."""

    months: int
    latest: date
    status: str


def age(known: Known, child: str, day: date, window: tuple[int, int]) -> Age | None:
    """Return how old a child is on a day; None where its birth is not on record. The window is in months of age."""
    birth = birth_of(known, child)
    if birth is None:
        return None
    birthday = copenhagen_day(birth.occurred_at)
    first, latest = plus_months(birthday, window[0]), plus_months(birthday, window[1])
    status = BELOW if day < first else WITHIN if day < latest else ABOVE
    return Age(completed_months(birthday, day), latest, status)


def age_window(text: str) -> tuple[int, int]:
    """Read an age window such as ``0-2 years`` or ``12-36 months`` as months; raises CalendarError.

    It ends with the birthday: a child of two is above ``0-2 years`` (reading A7).
    """
    found = re.fullmatch(r"\s*([0-9]+)\s*-\s*([0-9]+)\s*(years?|months?|år|måneder)\s*", text)
    if found is None:
        raise CalendarError("an age window is written as 0-2 years or 2-24 months")
    factor = 12 if found[3][0] in "yå" else 1
    return int(found[1]) * factor, int(found[2]) * factor
