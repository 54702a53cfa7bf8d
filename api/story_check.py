"""Checking stories: each is recorded in a throw-away ledger the normal way, then every expected answer is asked for.

The answers come from the questions the product itself asks of a case; nothing is worked out a second time here.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from api.stories import STEP_OFFSET, Expectation, Story, StoryError
from api.story_answers import Difference, differences
from domain.courses import age, age_window, hours_per_week, never_rises, scores, standing
from domain.deadlines import Deadline, late_by, plain_status, status
from domain.time import copenhagen_day, read_instant, read_moment, write_instant
from domain.visits import SESSION, cancelled, overviews, planned_first_visits, visit_minutes, visits, weekly_notes
from replay.questions import CaseQuestions

Answer = dict[str, Any]
OVER_LIMIT = ("VISITS_OVER_WEEKLY_LIMIT", "VISITS_OVER_DAILY_LIMIT")


@dataclass(frozen=True, slots=True)
class Checked:
    """One expected answer of a story, with what the product answers differently."""

    story: str
    expectation: Expectation
    differences: tuple[Difference, ...]

    @property
    def passed(self) -> bool:
        """Whether the product answers as expected."""
        return not self.differences

    def __str__(self) -> str:
        about = " ".join(str(self.expectation.values[key]) for key in _NAMING if key in self.expectation.values)
        outcome = "ok" if self.passed else "; ".join(map(str, self.differences))
        return f"{self.story} {self.expectation.id} {self.expectation.kind} {about}".rstrip() + f": {outcome}"


_NAMING = ("rule", "code", "path", "consent", "decision_step", "trigger_step", "step", "what", "instrument", "child")
"""Keys of a question that tell the reader what it is about."""


def check_story(story: Story, questions: CaseQuestions) -> Iterator[Checked]:
    """Yield every expected answer of a story, in order, compared with what the product answers."""
    for expectation in story.expect:
        found = _ANSWERS[expectation.kind](questions, expectation.values, story)
        expected = {name: value for name, value in expectation.values.items() if name not in _NOT_COMPARED}
        expected |= _FOUND.get(expectation.kind, {})
        yield Checked(story.id, expectation, tuple(differences(expected, found)))


_FOUND: Mapping[str, Answer] = {"finding": {"found": True}}
"""Kinds whose question is whether there is such a thing at all."""

_NOT_COMPARED = frozenset(
    {
        "id",
        "kind",
        "note",
        "reason",
        "need",
        "code",
        "rule",
        "trigger_step",
        "as_of",
        "as_known_at",
        "at",
        "known_at",
        "subject",
    }
    | {"path", "consent", "step", "decision_step", "what", "instrument", "period", "child", "age_window", "from_week"}
    | {"to_week", "year"}
)
"""Keys that are the question or are for readers."""


def require_rules(story: Story, questions: CaseQuestions) -> None:
    """Raise StoryError where a story asks about a rule that no adopted rule book has."""
    known = questions.rules.every_id()
    for expectation in story.expect:
        rule = expectation.values.get("rule")
        if rule is not None and rule not in known:
            raise StoryError(f"story {story.id}, {expectation.id}: {rule} is a rule of no adopted rule book")


def _deadline(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    clock, at = _clock(questions, item)
    return {} if clock is None else _shown(clock, at)


def _clock(questions: CaseQuestions, item: Mapping[str, Any]) -> tuple[Deadline | None, datetime]:
    """Return the clock an item asks about, and the instant at which it is looked at."""
    as_of = _instant(item, "as_of")
    trigger = item["trigger_step"] + STEP_OFFSET
    return questions.deadline(item["rule"], trigger, as_of, as_of), as_of or questions.last


def _shown(clock: Deadline, at: datetime) -> Answer:
    """Return a clock in the words of a story."""
    late = late_by(clock, at) if clock.satisfied_at is not None else None
    return {
        "due": _text(clock.due),
        "status": (status(clock, at), plain_status(clock, at)),
        "satisfied_by_step": _step(clock.satisfied_by),
        "late_by": None if late is None else _length(late, hours=clock.in_hours),
        "not_before": _text(clock.not_before),
        "warn_at": _text(clock.warn_at),
    }


def _length(late: timedelta, *, hours: bool) -> str:
    if not hours:
        return f"{late.days} calendar days"
    minutes, seconds = divmod(int(late.total_seconds()), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def _not_applicable(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    clock, _ = _clock(questions, item)
    if clock is None or clock.applicable:
        return {}
    strict = questions.due_without_eves(item["rule"], clock.trigger)
    return {"hypothetical_due": _text(clock.due), "hypothetical_due_if_31dec_skipped": _text(strict)}


def _window(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    known_at = read_instant(item["as_known_at"])
    opens = questions.window_opens(item["rule"], known_at)
    return {"not_before": None if opens is None else copenhagen_day(opens).isoformat()}


def _known_at(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    recorded, missing = questions.on_record(read_instant(item["at"]))
    return {"known_steps": _steps(recorded), "occurred_but_not_yet_recorded": _steps(missing)}


def _state(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    at = read_instant(item["at"])
    return {"value": questions.state(item["path"], at, _instant(item, "known_at") or at)}


def _instant(item: Mapping[str, Any], name: str) -> datetime | None:
    return read_instant(item[name]) if item.get(name) is not None else None


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else write_instant(instant)


def _step(version: int | None) -> int | None:
    return None if version is None else version - STEP_OFFSET


def _steps(versions: tuple[int, ...]) -> list[int]:
    """Return versions as step numbers, without the opening of the case, which is no step."""
    return [version - STEP_OFFSET for version in versions if version > STEP_OFFSET]


def _consent_status(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    at = read_instant(item["at"])
    found = questions.consent_status(item["consent"], at, _instant(item, "known_at") or at)
    return {"status": (found.status, found.plain)}


def _consent_group(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    at = read_instant(item["at"])
    found = questions.holders_consent(at, _instant(item, "known_at") or at)
    return {"missing": list(found.missing), "satisfied": found.satisfied}


def _disclosure_check(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    version = item["step"] + STEP_OFFSET
    both = questions.covers(version)
    if both is None:
        return {}
    found = {finding.code for finding in questions.findings() if finding.entry == version}
    return {
        "by_record_then": both.by_record_then.answer,
        "by_all_facts": both.by_all_facts.answer,
        "finding": _among(item.get("finding") or "DISCLOSURE_AFTER_WITHDRAWAL", found),
    }


def _among(asked: str, found: set[str]) -> str | None:
    """Return the code asked about where it is among those found; further findings are no difference."""
    return asked if asked in found else None


def _hearing_check(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    version = item["decision_step"] + STEP_OFFSET
    checks = questions.hearings(version)
    if not checks:
        return {}
    check = next((one for one in checks if not one.ok), checks[0])
    found = {finding.code for finding in questions.findings() if finding.entry == version}
    return {
        "hearing_deadline": check.deadline.isoformat(),
        "response_step": _step(check.response),
        "ok": all(one.ok for one in checks),
        "finding": _among(item.get("finding") or "DECISION_BEFORE_HEARING_EXPIRED", found),
        "days_early": check.days_early,
    }


def _reassessment_check(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    check = questions.new_person(item["step"] + STEP_OFFSET)
    return {} if check is None else {"new_person": check.new_person, "ok": check.ok}


def _finding(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    version = item["step"] + STEP_OFFSET
    found = [one for one in questions.findings() if (one.code, one.entry) == (item["code"], version)]
    return {"found": True, **found[0].detail} if found else {"found": False}


def _count(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    kind = item["what"].partition(":")[2] or None
    counted = questions.visits(item["period"], kind, _instant(item, "as_of"))
    over = {one.detail.get("period"): one.code for one in questions.findings() if one.code in OVER_LIMIT}
    planned = {planned for _, planned in planned_first_visits(questions.record)}
    return {
        "value": len(counted),
        "limit": questions.visit_limit(item["period"]) if "limit" in item else None,
        "finding": over.get(item["period"]),
        "planned": item["planned"] if item.get("planned") in planned else next(iter(planned), None),
        "min": item.get("min"),
        "max": item.get("max"),
        "status": standing(len(counted), item.get("min"), item.get("max")),
    }


def _recurring(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    if "year" in item:
        held = overviews(questions.known(_instant(item, "as_of")), item["year"])
        required = questions.rules.limit(item["rule"], "per_year", questions.last)
        return {"expected": required, "held": len(held), "steps": _steps(tuple(e.version for e in held))}
    notes = weekly_notes(questions.known(_instant(item, "as_of")), item["from_week"], item["to_week"])
    written = len(notes.expected) - len(notes.missing)
    return {"expected": len(notes.expected), "written": written, "missing_weeks": list(notes.missing)}


def _series(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    if "instrument" in item:
        values = [(_text(instant), score) for instant, score in scores(questions.record, item["instrument"])]
    else:
        values = [(day.isoformat(), hours) for day, hours in hours_per_week(questions.record)]
    falling = never_rises([value for _, value in values])
    return {"values": [list(pair) for pair in values], "monotone_decreasing": falling}


def _visit_minutes(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    visit = questions.record.fact(item["step"] + STEP_OFFSET)
    return {"minutes": None if visit is None else visit_minutes(visit)}


def _session_list(questions: CaseQuestions, _item: Mapping[str, Any], _story: Story) -> Answer:
    held, missed = visits(questions.record, SESSION), cancelled(questions.record, SESSION)
    if not held and not missed:
        held, missed = visits(questions.record), cancelled(questions.record)
    return {
        "dates": [copenhagen_day(visit.occurred_at).isoformat() for visit in held],
        "cancelled": [copenhagen_day(visit.occurred_at).isoformat() for visit in missed],
    }


def _duration(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    found = questions.duration(item["rule"], _instant(item, "as_of"))
    if found is None:
        return {}
    return {
        "start": found.start.isoformat(),
        "end": None if found.end is None else found.end.isoformat(),
        "not_before": found.not_before.isoformat(),
        "not_after": found.not_after.isoformat(),
        "days": found.days,
        "status": found.status,
    }


def _age_check(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    day = copenhagen_day(read_moment(item["at"]))
    found = age(questions.record, item["child"], day, age_window(item.get("age_window", "0-3 years")))
    return {} if found is None else {"months": found.months, "latest": found.latest.isoformat(), "status": found.status}


def _dossier(questions: CaseQuestions, item: Mapping[str, Any], story: Story) -> Answer:
    found = questions.dossier(item["decision_step"] + STEP_OFFSET)
    if found is None:
        return {}
    asked = {_named(one.values): one.values for one in story.expect if one.kind == "deadline"}
    standings: dict[str, Any] = {}
    for name in item.get("running_or_broken_deadlines", {}):
        if name == "HEARING":
            standings[name] = f"open until {found.hearing_open_until}" if found.hearing_open_until else None
        elif name in asked:
            rule, trigger = asked[name]["rule"], asked[name]["trigger_step"] + STEP_OFFSET
            clock = questions.deadline(rule, trigger, found.instant, found.instant)
            standings[name] = clock and (status(clock, found.instant), plain_status(clock, found.instant))
    return {
        "instant": _text(found.instant),
        "consents_in_force": list(found.consents_in_force),
        "consents_not_in_force": dict(found.consents_not_in_force),
        "running_or_broken_deadlines": standings,
        "recorded_later_but_occurred_before": _steps(found.recorded_later_but_occurred_before),
        "later_corrections": _steps(found.later_corrections),
    }


def _named(values: Mapping[str, Any]) -> str:
    """Return how a dossier names the deadline another item asks about."""
    return f"{values['rule']}/{values['subject']}" if "subject" in values else values["rule"]


def _ambiguity(_questions: CaseQuestions, _item: Mapping[str, Any], _story: Story) -> Answer:
    return {}


_ANSWERS: Mapping[str, Callable[[CaseQuestions, Mapping[str, Any], Story], Answer]] = {
    "deadline": _deadline,
    "not_applicable": _not_applicable,
    "window": _window,
    "recurring": _recurring,
    "known_at": _known_at,
    "state": _state,
    "consent_status": _consent_status,
    "consent_group": _consent_group,
    "disclosure_check": _disclosure_check,
    "hearing_check": _hearing_check,
    "reassessment_check": _reassessment_check,
    "finding": _finding,
    "count": _count,
    "series": _series,
    "visit_minutes": _visit_minutes,
    "session_list": _session_list,
    "duration": _duration,
    "age_check": _age_check,
    "dossier": _dossier,
    "ambiguity": _ambiguity,
}
