"""The form of the expected answers of a story, kind by kind: which keys ask, which answer, and what each may hold.

Comparison: ``docs/case-stories.md``. Nothing of what a file holds is repeated in a message.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, model_validator

from domain.calendar import week_start
from domain.courses import age_window
from domain.deadlines import STATUSES
from domain.events.base import CODE_PATTERN
from domain.time import COPENHAGEN, read_day, read_instant, read_moment

WEEK = re.compile(r"[0-9]{4}-W[0-9]{2}")
STATE_PATH = re.compile(
    r"enrolment\.(status|phase)|package\.(current|expected_by_age)|pregnancy\.due_date|screening\.outcome"
    r"|support\.hours_per_week|overview\.\S+|assessment\.\S+\.score|decision\.\S+\.status|\S+\.born"
)


def copenhagen_instant(text: str) -> str:
    """Refuse what is no instant with the offset that Copenhagen has at that moment."""
    read_instant(text)
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() != moment.astimezone(COPENHAGEN).utcoffset():
        raise ValueError("must have the offset of Copenhagen at that moment")
    return text


def _moment(text: str) -> str:
    read_moment(text)
    return text if len(text) <= len("2026-03-04") else copenhagen_instant(text)


def _day(text: str) -> str:
    read_day(text)
    return text


def _week(text: str) -> str:
    week_start(text)
    return text


def _period(text: str) -> str:
    """Refuse a week, day or range that the calendar does not have; any other text is the whole case."""
    if WEEK.fullmatch(text):
        return _week(text)
    first, dots, end = text.partition("..")
    if dots and read_day(first) > read_day(end):
        raise ValueError("must not end before it begins")
    return _day(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else text


def _window(text: str) -> str:
    age_window(text)
    return text


Instant = Annotated[StrictStr, AfterValidator(copenhagen_instant)]
Moment = Annotated[StrictStr, AfterValidator(_moment)]
Day = Annotated[StrictStr, AfterValidator(_day)]
Week = Annotated[StrictStr, AfterValidator(_week)]
Name = Annotated[StrictStr, Field(min_length=1, max_length=200, pattern=CODE_PATTERN)]
Text = Annotated[StrictStr, Field(min_length=1)]
StepNumber = Annotated[StrictInt, Field(ge=1)]
Steps = list[StepNumber]
Quantity = StrictInt | Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A number; numbers are equal as numbers, so a whole one may be written with a fraction of nothing."""
LateBy = Annotated[StrictStr, Field(pattern=r"^([0-9]{1,6} calendar days?|[0-9]{1,6}:[0-5][0-9]:[0-5][0-9])$")]
Cover = Literal["covered", "not_covered"]
Standing = Literal["below", "within", "above"]


class Part(BaseModel):
    """A part of a story; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


NEVER_NOTHING = frozenset(
    {"consents_in_force", "consents_not_in_force", "running_or_broken_deadlines", "known_steps", "later_corrections"}
    | {"recorded_later_but_occurred_before", "occurred_but_not_yet_recorded", "missing_weeks", "steps", "values"}
    | {"dates", "cancelled", "missing", "lag_hours", "lag_days", "instant"}
)
"""Answers that are a list or a measure: none of them is ever null."""


class Item(Part):
    """One expected answer: keys that ask, keys for readers, and the answers."""

    id: Name
    kind: Name
    note: Any = None
    reason: Any = None
    need: Any = None

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        """Refuse an item without any answer to compare, which could not fail, and nothing in place of a list."""
        for name in NEVER_NOTHING & self.model_fields_set:
            if getattr(self, name) is None:
                raise ValueError(f"{name} must not be null")
        if self.kind not in ("finding", "ambiguity") and not self.answers():
            raise ValueError("needs at least one answer to compare")
        return self

    def answers(self) -> dict[str, Any]:
        """Return the answers to compare, by key."""
        asked = {"id", "kind", "note", "reason", "need", *_QUESTIONS[self.kind]}
        return {name: value for name, value in self.model_dump(exclude_unset=True).items() if name not in asked}


class DeadlineItem(Item):
    """How a clock stands."""

    rule: Name
    trigger_step: StepNumber
    as_of: Instant | None = None
    subject: Name | None = None
    due: Instant | None = None
    status: Literal[STATUSES] | None = None  # pyright: ignore[reportInvalidTypeForm]
    satisfied_by_step: StepNumber | None = None
    late_by: LateBy | None = None
    not_before: Instant | None = None
    warn_at: Instant | None = None


class NotApplicableItem(Item):
    """A rule that does not apply, and the dates it would have had."""

    rule: Name
    trigger_step: StepNumber
    hypothetical_due: Instant | None = None
    hypothetical_due_if_31dec_skipped: Instant | None = None


class WindowItem(Item):
    """From when a window is open."""

    rule: Name
    as_known_at: Instant
    not_before: Day | None = None


class RecurringItem(Item):
    """Weekly notes from a week to a week, or overviews in a year."""

    rule: Name
    as_of: Instant | None = None
    from_week: Week | None = None
    to_week: Week | None = None
    year: Annotated[StrictInt, Field(ge=1, le=9998)] | None = None
    expected: Quantity | None = None
    written: Quantity | None = None
    missing_weeks: list[Week] | None = None
    held: Quantity | None = None
    steps: Steps | None = None

    @model_validator(mode="after")
    def _weeks_or_year(self) -> Self:
        """Refuse a question about neither or both, or one whose weeks run backwards."""
        weeks = self.from_week is not None and self.to_week is not None
        if weeks == (self.year is not None):
            raise ValueError("needs from_week and to_week, or year")
        if weeks and week_start(str(self.from_week)) > week_start(str(self.to_week)):
            raise ValueError("from_week must not be after to_week")
        return self


class KnownAtItem(Item):
    """What was on record, and what had happened and was not."""

    at: Instant
    known_steps: Steps | None = None
    occurred_but_not_yet_recorded: Steps | None = None


class StateItem(Item):
    """One value of where the case stands."""

    path: Annotated[StrictStr, Field(pattern=rf"^({STATE_PATH.pattern})$")]
    at: Instant
    known_at: Instant | None = None
    value: StrictStr | StrictBool | Quantity | None = None


class ConsentStatusItem(Item):
    """How a consent stood."""

    consent: Name
    at: Instant
    known_at: Instant | None = None
    status: Name | None = None


class ConsentGroupItem(Item):
    """Whose consent to support was missing."""

    at: Instant
    known_at: Instant | None = None
    missing: list[Name] | None = None
    satisfied: StrictBool | None = None


class DisclosureItem(Item):
    """How a disclosure was covered."""

    step: StepNumber
    by_record_then: Cover | None = None
    by_all_facts: Cover | None = None
    finding: Name | None = None


class HearingItem(Item):
    """How a decision stands to its hearing."""

    decision_step: StepNumber
    hearing_deadline: Day | None = None
    response_step: StepNumber | None = None
    ok: StrictBool | None = None
    finding: Name | None = None
    days_early: Quantity | None = None


class ReassessmentItem(Item):
    """Whether the new person of a reassessment was new."""

    step: StepNumber
    new_person: Name | None = None
    ok: StrictBool | None = None


class FindingItem(Item):
    """A finding on a step."""

    code: Name
    step: StepNumber
    lag_days: Quantity | None = None
    lag_hours: Quantity | None = None


class CountItem(Item):
    """How many visits in a period."""

    what: Annotated[StrictStr, Field(pattern=r"^VisitHeld(:[a-z_]+)?$")]
    period: Annotated[Text, AfterValidator(_period)]
    as_of: Instant | None = None
    value: Quantity | None = None
    limit: Quantity | None = None
    finding: Name | None = None
    planned: Quantity | None = None
    min: Quantity | None = None
    max: Quantity | None = None
    status: Standing | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        """Refuse a status without a bound to hold it against."""
        if self.status is not None and self.min is None and self.max is None:
            raise ValueError("status needs min or max")
        return self


class SeriesItem(Item):
    """All scores of an instrument, or all levels of support."""

    instrument: Name | None = None
    what: Literal["hours_per_week"] | None = None
    values: list[tuple[Moment, Quantity]] | None = None
    monotone_decreasing: StrictBool | None = None

    @model_validator(mode="after")
    def _one_series(self) -> Self:
        """Refuse a question about neither or both."""
        if (self.instrument is None) == (self.what is None):
            raise ValueError("needs instrument or what")
        return self


class VisitMinutesItem(Item):
    """How long a visit took."""

    step: StepNumber
    minutes: Quantity | None = None


class SessionListItem(Item):
    """The dates of visits held and cancelled."""

    dates: list[Day] | None = None
    cancelled: list[Day] | None = None


class DurationItem(Item):
    """How long support ran."""

    rule: Name
    as_of: Instant | None = None
    start: Day | None = None
    end: Day | None = None
    not_before: Day | None = None
    not_after: Day | None = None
    days: Quantity | None = None
    status: Standing | None = None


class AgeItem(Item):
    """How old a child is."""

    child: Name
    at: Moment
    age_window: Annotated[StrictStr, AfterValidator(_window)] | None = None
    months: Quantity | None = None
    latest: Day | None = None
    status: Standing | None = None


class DossierItem(Item):
    """What a reviewer is shown about a decision."""

    decision_step: StepNumber
    instant: Instant | None = None
    consents_in_force: list[Name] | None = None
    consents_not_in_force: dict[Name, Name] | None = None
    running_or_broken_deadlines: dict[Name, Name] | None = None
    recorded_later_but_occurred_before: Steps | None = None
    later_corrections: Steps | None = None


class AmbiguityItem(Item):
    """A text with two readings; nothing to compare."""

    code: Name


_ITEMS: Mapping[str, tuple[type[Item], frozenset[str]]] = {
    "deadline": (DeadlineItem, frozenset({"rule", "trigger_step", "as_of", "subject"})),
    "not_applicable": (NotApplicableItem, frozenset({"rule", "trigger_step"})),
    "window": (WindowItem, frozenset({"rule", "as_known_at"})),
    "recurring": (RecurringItem, frozenset({"rule", "as_of", "from_week", "to_week", "year"})),
    "known_at": (KnownAtItem, frozenset({"at"})),
    "state": (StateItem, frozenset({"path", "at", "known_at"})),
    "consent_status": (ConsentStatusItem, frozenset({"consent", "at", "known_at"})),
    "consent_group": (ConsentGroupItem, frozenset({"at", "known_at"})),
    "disclosure_check": (DisclosureItem, frozenset({"step"})),
    "hearing_check": (HearingItem, frozenset({"decision_step"})),
    "reassessment_check": (ReassessmentItem, frozenset({"step"})),
    "finding": (FindingItem, frozenset({"code", "step"})),
    "count": (CountItem, frozenset({"what", "period", "as_of"})),
    "series": (SeriesItem, frozenset({"instrument", "what"})),
    "visit_minutes": (VisitMinutesItem, frozenset({"step"})),
    "session_list": (SessionListItem, frozenset[str]()),
    "duration": (DurationItem, frozenset({"rule", "as_of"})),
    "age_check": (AgeItem, frozenset({"child", "at", "age_window"})),
    "dossier": (DossierItem, frozenset({"decision_step"})),
    "ambiguity": (AmbiguityItem, frozenset({"code"})),
}
_QUESTIONS: Mapping[str, frozenset[str]] = {kind: asked for kind, (_, asked) in _ITEMS.items()}
KINDS = tuple(_ITEMS)
"""Kinds of expected answers."""


def item_form(kind: Any) -> type[Item] | None:
    """Return the form of an expected answer of a kind; None for a kind that is none."""
    found = _ITEMS.get(kind) if isinstance(kind, str) else None
    return None if found is None else found[0]


def step_references(item: Item) -> Iterator[tuple[str, int]]:
    """Yield key and number of every step an expected answer names."""
    for name, value in item.model_dump(exclude_unset=True).items():
        if name.endswith("step") and isinstance(value, int):
            yield name, value
        elif name in _LISTS_OF_STEPS:
            yield from ((name, number) for number in value or ())


_LISTS_OF_STEPS = (
    "known_steps",
    "occurred_but_not_yet_recorded",
    "recorded_later_but_occurred_before",
    "later_corrections",
    "steps",
)
