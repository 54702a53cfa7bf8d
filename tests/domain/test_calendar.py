"""Danish calendar arithmetic: against the holidays library, the date vectors, and laws that hold for every date.

``CASELEDGER_FREEZE=1`` writes the holiday table anew from the library; a table that was released gets a new version.
"""

import json
import os
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, cast

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import (
    CalendarError,
    completed_months,
    gestation,
    iso_week,
    plus_months,
    read_holidays,
    week_start,
    weeks,
)
from domain.vectors import check_vectors
from ledger.shipped import shipped_text
from tests.domain.rules import calendar

VECTORS: list[Any] = json.loads(Path(__file__).parents[1].joinpath("stories/deadline_vectors.json").read_text("utf-8"))
FIRST, LAST = 1990, 2100
HEAD = """\
# Danish public holidays, generated from the holidays library and checked against it by the tests. A past deadline
# must not move when a library does: a changed table gets a new version and is adopted like a rule book.
[table]
version = "dk-1"
first_year = 1990
last_year = 2100
"""

days = st.dates(date(1995, 1, 1), date(2090, 1, 1))


def generated() -> str:
    """Return the holiday table as the library has it."""
    parts = [HEAD]
    for year in range(FIRST, LAST + 1):
        rows = [f'{day:%m-%d} = "{name}"' for day, name in sorted(holidays.Denmark(years=year, language="da").items())]
        parts.append("\n".join([f"\n[year.{year}]", *rows]) + "\n")
    return "".join(parts)


def test_the_holiday_table_is_the_librarys() -> None:
    """The shipped table holds what the library computes, year by year."""
    if os.environ.get("CASELEDGER_FREEZE") == "1":
        path = Path(__file__).parents[2] / "domain/rule_books/holidays.toml"
        path.write_text(generated(), encoding="utf-8")
    assert read_holidays(shipped_text("holidays")).days == read_holidays(generated()).days


@pytest.mark.parametrize(
    ("day", "holiday"),
    [
        ("2023-05-05", True),  # Great Prayer Day, for the last time
        ("2024-04-26", False),
        ("2025-04-17", True),
        ("2026-05-14", True),
        ("2027-12-26", True),
        ("2025-06-05", False),  # Constitution Day
        ("2025-12-24", False),
        ("2025-05-01", False),
    ],
)
def test_known_days(day: str, holiday: bool) -> None:
    """Days whose standing is read in the law."""
    assert calendar().is_holiday(date.fromisoformat(day)) is holiday


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[table", "holiday table"),
        ('[table]\nversion = "x"\nfirst_year = 2020\nlast_year = 2020\n', "missing"),
        ('[table]\nversion = "x"\nfirst_year = 2020\nlast_year = 2021\n[year.2020]\n01-01 = "A"\n', "every year"),
    ],
)
def test_a_malformed_table_is_refused(text: str, reason: str) -> None:
    """A table that cannot be read, or leaves a year out, says why."""
    with pytest.raises(ValueError, match=reason):
        read_holidays(text)


def test_a_year_beyond_the_table_is_no_guess() -> None:
    """A day in a year the table does not know is an error, not a working day."""
    with pytest.raises(CalendarError, match="2101"):
        calendar().is_holiday(date(2101, 1, 1))


def test_all_vectors_pass() -> None:
    """Every date vector of the stories leads where it must."""
    results = check_vectors(VECTORS, calendar())
    assert len(results) == 68
    assert not [str(result) for result in results if not result.passed]


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
def test_a_wrong_vector_fails(vector: dict[str, Any]) -> None:
    """A vector that expects another day is told expected and found."""
    due: Any = vector["due"]
    wrong: Any = "1999-01-01" if len(due) == 10 else "1999-01-01T00:00:00Z"
    if isinstance(due, list):
        wrong = ["1999-01-01"] * len(cast(list[str], due))
    (result,) = check_vectors([{**vector, "due": wrong}], calendar())
    assert not result.passed
    assert "expected" in str(result)


@pytest.mark.parametrize(
    ("vector", "reason"),
    [
        ("text", "is no object"),
        ({"rule": "HOURS-24", "due": "2024-01-01"}, "trigger is missing"),
        ({"rule": "NO-RULE", "trigger": "2024-01-01", "due": "2024-01-01"}, "rule is none that can be checked"),
        ({"rule": "HVERDAG-6", "trigger": "yesterday", "due": "2024-01-01"}, "is not a date"),
        ({"rule": "MONTHS", "trigger": "2024-01-01", "due": "2024-01-01"}, "months"),
        ({"rule": "HOURS-24", "trigger": "2024-01-01", "due": "2024-01-02"}, "is not an instant"),
    ],
)
def test_a_malformed_vector_fails_with_its_reason(vector: Any, reason: str) -> None:
    """A vector that cannot be worked out fails and says which field and why."""
    (result,) = check_vectors([vector], calendar())
    assert not result.passed
    assert reason in str(result)


@given(days, st.integers(0, 40), st.integers(0, 40))
def test_counting_on_from_a_counted_day_adds_up(day: date, first: int, second: int) -> None:
    """Counting n days and then m more is counting n + m."""
    count = calendar().nth_counted_day
    assert count(count(day, first), second) == count(day, first + second)


@given(days)
def test_rolling_never_goes_back_and_stays(day: date) -> None:
    """A rolled day is a day a period may end on, not before the day itself, and rolling again changes nothing."""
    rolled = calendar().roll(day, "citizen")
    assert day <= rolled <= day + timedelta(days=8)
    assert calendar().roll(rolled, "citizen") == rolled
    assert rolled.weekday() < 5
    assert not calendar().is_holiday(rolled)
    assert calendar().roll(day, "none") == day


@given(days, st.integers(-60, 60))
def test_months_keep_the_day_or_end_the_month(day: date, months: int) -> None:
    """The same day number, or the last day of a month that is shorter; never in the next month."""
    found = plus_months(day, months)
    assert (found.year * 12 + found.month) - (day.year * 12 + day.month) == months
    assert found.day == day.day or (found.day < day.day and (found + timedelta(days=1)).day == 1)


@given(days, st.integers(0, 60))
def test_an_age_is_reached_on_its_day(birthday: date, months: int) -> None:
    """So many months are completed on the day and not the day before."""
    reached = plus_months(birthday, months)
    assert completed_months(birthday, reached) == months
    assert completed_months(birthday, reached - timedelta(days=1)) == months - 1


@given(days, st.integers(0, 86_399), st.integers(0, 200))
def test_hours_are_elapsed(day: date, second: int, hours: int) -> None:
    """Summer time adds and takes nothing."""
    instant = datetime.combine(day, time(0), UTC) + timedelta(seconds=second)
    assert calendar().plus_hours(instant, hours) - instant == timedelta(hours=hours)


def test_weeks_run_over_new_year_and_week_53() -> None:
    """2020 had 53 weeks; weeks are counted by their Monday."""
    assert list(weeks("2020-W52", "2021-W02")) == ["2020-W52", "2020-W53", "2021-W01", "2021-W02"]
    assert week_start("2024-W28") == date(2024, 7, 8)
    assert iso_week(date(2024, 12, 30)) == "2025-W01"


@pytest.mark.parametrize("week", ["2025-16", "2025-W54", "2025-W00", "week 3"])
def test_what_is_no_week_is_refused(week: str) -> None:
    """A year has 52 or 53 weeks, written one way."""
    with pytest.raises(CalendarError):
        week_start(week)


@pytest.mark.parametrize(
    ("period", "day"), [("P6W", "2025-02-11"), ("P3M", "2025-03-31"), ("P1Y2M10D", "2026-03-10"), ("P1M", "2025-01-31")]
)
def test_decided_periods(period: str, day: str) -> None:
    """Months first, clamped, then days; all from the anchor."""
    assert calendar().plus_period(date(2024, 12, 31), period) == date.fromisoformat(day)


@pytest.mark.parametrize("period", ["P", "6W", "PT6H", "P-1M", "P1W2M"])
def test_other_periods_are_refused(period: str) -> None:
    """A period the calendar cannot add is an error."""
    with pytest.raises(CalendarError):
        calendar().plus_period(date(2024, 12, 31), period)


def test_gestation_counts_from_the_due_date() -> None:
    """20+0 is 140 days before the due date."""
    assert gestation(date(2024, 6, 24), date(2024, 2, 5)) == (20, 0)
    assert gestation(date(2024, 6, 24), date(2024, 6, 26)) == (40, 2)
