"""Danish calendar arithmetic on days and instants: the only place that counts, rolls, adds or compares days.

Hours are elapsed hours in UTC. Days are Copenhagen calendar dates. Sources: vejledning 9533/2018 on complaint
deadlines, forældelsesloven § 27, Regulation 1182/71.
"""

import calendar
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, timedelta
from typing import Any, Literal

from domain.time import LATEST, later

CountCalendar = Literal[
    "weekdays", "weekdays_and_saturdays", "weekdays_without_eves", "weekdays_and_saturdays_without_eves"
]
"""Which days a count takes: Monday-Friday without public holidays; also Saturdays; not 5 June, 24 and 31 December."""

RollCalendar = Literal["none", "citizen", "regulation_1182_71", "weekend_and_holiday"]
"""Onto which days an end may not fall. For citizens: weekends, public holidays, 5 June, 24 and 31 December; for
European periods, and where an authority's own end is rolled: weekends and public holidays."""

PlainUnit = Literal["days", "weeks", "months"]

EVES = frozenset({(6, 5), (12, 24), (12, 31)})
"""Constitution Day, Christmas Eve and New Year's Eve: no public holidays, yet a citizen's period does not end there."""

PERIOD = re.compile(r"P(?:([0-9]{1,4})Y)?(?:([0-9]{1,4})M)?(?:([0-9]{1,4})W)?(?:([0-9]{1,5})D)?")
"""A period in whole years, months, weeks and days, as ISO 8601 writes it."""

SATURDAY, SUNDAY = 5, 6
PREGNANCY_DAYS = 280
"""A pregnancy is counted as 40 weeks up to the due date."""


class CalendarError(ValueError):
    """A day lies outside the years a holiday table knows or a date can hold, or a period cannot be read."""


OUT_OF_RANGE = CalendarError("the date lies outside the years 1 to 9999")


@dataclass(frozen=True)
class HolidayTable:
    """The public holidays of some whole years, by day, with their Danish names; ``version`` says which table it is."""

    version: str
    first_year: int
    last_year: int
    days: Mapping[date, str]


def read_holidays(text: str) -> HolidayTable:
    """Read a holiday table from TOML; raises ValueError with the reason where it is malformed."""
    try:
        content: dict[str, Any] = tomllib.loads(text)
        table: dict[str, Any] = content["table"]
        days = {
            date.fromisoformat(f"{year}-{day}"): str(name)
            for year, entries in content["year"].items()
            for day, name in entries.items()
        }
        found = HolidayTable(str(table["version"]), int(table["first_year"]), int(table["last_year"]), days)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"holiday table: {error}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"holiday table: {error} is missing or of the wrong kind") from None
    if {day.year for day in days} != set(range(found.first_year, found.last_year + 1)):
        raise ValueError("holiday table: every year from first_year to last_year needs its holidays, and no other")
    return found


def is_holiday_table(text: str) -> bool:
    """Whether a text is meant as a holiday table: it has the table's heading where a rule book has its own."""
    return re.search(r"^\[table\]\s*$", text, re.MULTILINE) is not None


@dataclass(frozen=True)
class Calendar:
    """Arithmetic with one table of public holidays."""

    holidays: HolidayTable

    def is_holiday(self, day: date) -> bool:
        """Whether a day is a public holiday; raises CalendarError outside the table's years."""
        if not self.holidays.first_year <= day.year <= self.holidays.last_year:
            raise CalendarError(f"the holiday table has no year {day.year}")
        return day in self.holidays.days

    def plus_hours(self, instant: datetime, hours: int) -> datetime:
        """Return the instant so many elapsed hours later, in UTC; raises CalendarError."""
        found = later(instant, timedelta(hours=hours))
        if found >= LATEST:
            raise OUT_OF_RANGE
        return found

    def plus(self, day: date, unit: PlainUnit, n: int) -> date:
        """Return the day so many days, weeks or months later, earlier where ``n`` is negative; raises CalendarError."""
        if unit == "months":
            return plus_months(day, n)
        return plus_days(day, n * (7 if unit == "weeks" else 1))

    def plus_period(self, day: date, period: str) -> date:
        """Return the day a period such as ``P6W`` or ``P1Y2M`` later: months first, then days; raises CalendarError."""
        found = PERIOD.fullmatch(period)
        if found is None or period == "P":
            raise CalendarError("a period is written as P6W, P3M or P1Y")
        years, months, weeks, days = (int(found[group] or 0) for group in range(1, 5))
        return plus_days(plus_months(day, years * 12 + months), weeks * 7 + days)

    def counts(self, day: date, which: CountCalendar) -> bool:
        """Whether a day is counted."""
        last = SATURDAY if "saturdays" in which else SATURDAY - 1
        eve = which.endswith("without_eves") and (day.month, day.day) in EVES
        return day.weekday() <= last and not eve and not self.is_holiday(day)

    def nth_counted_day(self, day: date, n: int, which: CountCalendar = "weekdays") -> date:
        """Return the n-th counted day after a day, which is itself not counted."""
        while n > 0:
            day = plus_days(day, 1)
            n -= self.counts(day, which)
        return day

    def roll(self, day: date, which: RollCalendar) -> date:
        """Return the first day from this one on that a period may end on."""
        while which != "none" and self._no_end(day, which):
            day = plus_days(day, 1)
        return day

    def _no_end(self, day: date, which: RollCalendar) -> bool:
        eve = which == "citizen" and (day.month, day.day) in EVES
        return day.weekday() >= SATURDAY or eve or self.is_holiday(day)


def plus_days(day: date, days: int) -> date:
    """Return the day so many days later, earlier where negative; raises CalendarError beyond the years 1 to 9999."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        raise OUT_OF_RANGE from None


def plus_months(day: date, months: int) -> date:
    """Return the same day number so many months later (earlier: negative), else the last day of that month.

    Raises CalendarError beyond the years 1 to 9999.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not MINYEAR <= year <= MAXYEAR:
        raise OUT_OF_RANGE
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def completed_months(birthday: date, day: date) -> int:
    """Return how many months of age are completed on a day; negative before birth. Born on the 31st: month's end."""
    months = (day.year - birthday.year) * 12 + day.month - birthday.month
    return months if plus_months(birthday, months) <= day else months - 1


def gestation(due_date: date, day: date) -> tuple[int, int]:
    """Return weeks and days of pregnancy on a day."""
    return divmod(PREGNANCY_DAYS - (due_date - day).days, 7)


def iso_week(day: date) -> str:
    """Return the ISO week of a day, as 2025-W16."""
    year, week, _ = day.isocalendar()
    return f"{year:04}-W{week:02}"


def week_start(week: str) -> date:
    """Return the Monday of an ISO week such as 2025-W16; raises CalendarError for anything else."""
    if re.fullmatch(r"[0-9]{4}-W[0-9]{2}", week) is None:
        raise CalendarError("a week is written as 2025-W16")
    try:
        return date.fromisocalendar(int(week[:4]), int(week[6:]), 1)
    except ValueError:
        raise CalendarError("a year has no such week: weeks run from 01 to 52 or 53") from None


def weeks(first: str, last: str) -> Iterator[str]:
    """Yield the ISO weeks from one to another, both included."""
    day, end = week_start(first), week_start(last)
    while day <= end:
        yield iso_week(day)
        day += timedelta(days=7)
