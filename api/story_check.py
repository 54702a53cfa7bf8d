"""Checking stories: each is recorded in a throw-away ledger the normal way, then every expected answer is asked for.

The answers come from the questions the product itself asks of a case; nothing is worked out a second time here.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from api.stories import STEP_OFFSET, Expectation, Story, StoryError
from api.story_answers import Difference, differences
from domain.courses import age, age_window, hours_per_week, never_rises, scores, standing
from domain.deadlines import REFINEMENTS, Deadline, lateness, plain_status, status
from domain.events.meeting import SteeringOverviewPublished
from domain.events.visit import VisitHeld
from domain.time import copenhagen_day, read_instant, read_moment, write_instant
from domain.visits import SESSION, cancelled, planned_first_visits, published_in, visit_minutes, visits, weekly_notes
from replay.questions import CaseQuestions

Answer = dict[str, Any]
WEEKLY_NOTE, SESSIONS, DETECTION = "P000-WEEKLY-NOTE", "P004-SESSIONS", "opsporing_familietraening_004"
RULE_ID = re.compile(r"[A-Z0-9][A-Z0-9-]{1,60}")
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
        expected = dict(expectation.answers) | _FOUND.get(expectation.kind, {})
        differing = [Difference("answer", "one", None)] if found is None else differences(expected, found)
        yield Checked(story.id, expectation, tuple(differing))


_FOUND: Mapping[str, Answer] = {"finding": {"found": True}}
"""Kinds whose question is whether there is such a thing at all."""


def require_rules(story: Story, questions: CaseQuestions) -> None:
    """Raise StoryError where a story asks about a rule that no adopted rule book has."""
    known = questions.rules.every_id()
    for expectation in story.expect:
        rule = expectation.values.get("rule")
        if rule is not None and rule not in known:
            name = rule if RULE_ID.fullmatch(rule) else "what it asks about"
            raise StoryError(f"story {story.id}, {expectation.id}: {name} is a rule of no adopted rule book")


def _deadline(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer | None:
    clock, at = _clock(questions, item)
    return None if clock is None else _shown(clock, at)


def _clock(questions: CaseQuestions, item: Mapping[str, Any]) -> tuple[Deadline | None, datetime]:
    """Return the clock an item asks about, and the instant at which it is looked at."""
    as_of = _instant(item, "as_of")
    trigger = item["trigger_step"] + STEP_OFFSET
    return questions.deadline(item["rule"], trigger, as_of, as_of), as_of or questions.last


def _shown(clock: Deadline, at: datetime) -> Answer:
    """Return a clock in the words of a story."""
    late = lateness(clock, clock.satisfied_at) if clock.satisfied_at is not None else None
    return {
        "due": _text(clock.due),
        "status": _statuses(clock, at),
        "satisfied_by_step": _step(clock.satisfied_by),
        "late_by": None if late is None else _length(late, hours=clock.in_hours),
        "not_before": _text(clock.not_before),
        "warn_at": _text(clock.warn_at),
    }


def _statuses(clock: Deadline, at: datetime) -> tuple[str, ...]:
    """Return how a clock stands by time alone, after the finer status where that is a refinement of it."""
    plain, fine = plain_status(clock, at), status(clock, at)
    return (fine, plain) if fine in REFINEMENTS.get(plain, ()) else (plain,)


def _length(late: timedelta, *, hours: bool) -> str:
    if not hours:
        return f"{late.days} calendar days"
    minutes, seconds = divmod(int(late.total_seconds()), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def _not_applicable(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer | None:
    clock, _ = _clock(questions, item)
    if clock is None or clock.applicable:
        return None
    strict = questions.due_without_eves(item["rule"], clock.trigger)
    return {"hypothetical_due": _text(clock.due), "hypothetical_due_if_31dec_skipped": _text(strict)}


def _window(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer | None:
    if not any(rule.not_before for rule in questions.rules.all_versions(item["rule"])):
        return None
    opens = questions.window_opens(item["rule"], read_instant(item["as_known_at"]))
    return {"not_before": None if opens is None else copenhagen_day(opens).isoformat()}


def _known_at(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    recorded, missing = questions.on_record(read_instant(item["at"]))
    return {"known_steps": _steps(recorded), "occurred_but_not_yet_recorded": _steps(missing)}


def _state(questions: CaseQuestions, item: Mapping[str, Any], story: Story) -> Answer | None:
    named = _named_in(item["path"])
    if named is not None and named not in names_in(story):
        return None
    at = read_instant(item["at"])
    return {"value": questions.state(item["path"], at, _instant(item, "known_at") or at)}


def _named_in(path: str) -> str | None:
    """Return which child, enrolment, assessment or decision a path is about; None where it is about the case."""
    found = re.fullmatch(r"overview\.(\S+)|assessment\.(\S+)\.score|decision\.(\S+)\.status|(\S+)\.born", path)
    return None if found is None else next(group for group in found.groups() if group)


def names_in(story: Story) -> frozenset[str]:
    """Return everything a story calls by name: its persons, and what its steps hold."""
    held = {text for step in story.steps for text in _texts(step.fact.event.model_dump(mode="json"))}
    return frozenset(held | {person.ref for person in story.persons})


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for one in cast(Iterable[Any], value.values() if isinstance(value, dict) else value):
            yield from _texts(one)


def _instant(item: Mapping[str, Any], name: str) -> datetime | None:
    return read_instant(item[name]) if item.get(name) is not None else None


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else write_instant(instant)


def _step(version: int | None) -> int | None:
    return None if version is None else version - STEP_OFFSET


def _steps(versions: tuple[int, ...]) -> list[int]:
    """Return versions as step numbers, without the opening of the case, which is no step."""
    return [version - STEP_OFFSET for version in versions if version > STEP_OFFSET]


def _consent_status(questions: CaseQuestions, item: Mapping[str, Any], story: Story) -> Answer | None:
    if item["consent"] not in names_in(story):
        return None
    at = read_instant(item["at"])
    found = questions.consent_status(item["consent"], at, _instant(item, "known_at") or at)
    return {"status": (found.status, found.plain)}


def _consent_group(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    at = read_instant(item["at"])
    found = questions.holders_consent(at, _instant(item, "known_at") or at)
    return {"missing": list(found.missing), "satisfied": found.satisfied}


def _disclosure_check(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer | None:
    version = item["step"] + STEP_OFFSET
    both = questions.covers(version)
    if both is None:
        return None
    return {
        "by_record_then": both.by_record_then.answer,
        "by_all_facts": both.by_all_facts.answer,
        "finding": _raised(questions, "DISCLOSURE_AFTER_WITHDRAWAL", version),
    }


def _raised(questions: CaseQuestions, code: str, version: int) -> str | None:
    """Return a code where it is found on an entry; further findings are no difference."""
    return code if any((one.code, one.entry) == (code, version) for one in questions.findings()) else None


def _hearing_check(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer | None:
    version = item["decision_step"] + STEP_OFFSET
    checks = questions.hearings(version)
    if not checks:
        return None
    check = next((one for one in checks if not one.ok), checks[0])
    return {
        "hearing_deadline": check.deadline.isoformat(),
        "response_step": _step(check.response),
        "ok": all(one.ok for one in checks),
        "finding": _raised(questions, "DECISION_BEFORE_HEARING_EXPIRED", version),
        "days_early": check.days_early,
    }


def _reassessment_check(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer | None:
    check = questions.new_person(item["step"] + STEP_OFFSET)
    return None if check is None else {"new_person": check.new_person, "ok": check.ok}


def _finding(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    version = item["step"] + STEP_OFFSET
    found = [one for one in questions.findings() if (one.code, one.entry) == (item["code"], version)]
    return {**found[0].detail, "found": True} if found else {"found": False}


def _count(questions: CaseQuestions, item: Mapping[str, Any], story: Story) -> Answer:
    kind = item["what"].partition(":")[2] or None
    counted = questions.visits(item["period"], kind, _instant(item, "as_of"))
    over = {one.detail.get("period"): one.code for one in questions.findings() if one.code in OVER_LIMIT}
    planned = [number for _, number in planned_first_visits(questions.record)]
    low, high = _bounds(questions, item, story, kind)
    return {
        "value": len(counted),
        "limit": questions.visit_limit(item["period"]),
        "finding": over.get(item["period"]),
        "planned": planned[-1] if planned else None,
        "min": low,
        "max": high,
        "status": standing(len(counted), low, high),
    }


def _bounds(
    questions: CaseQuestions, item: Mapping[str, Any], story: Story, kind: str | None
) -> tuple[int | None, int | None]:
    """Return between how many visits should lie: as the programme says of sessions, else as the story itself does."""
    if kind == SESSION and story.programme == DETECTION:
        low, high = (questions.rules.limit(SESSIONS, name, questions.last) for name in ("minimum", "maximum"))
        return low, high
    return item.get("min"), item.get("max")


def _recurring(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer | None:
    known = questions.known(_instant(item, "as_of"))
    if item.get("year") is not None:
        required = questions.rules.limit(item["rule"], "per_year", questions.last)
        held = published_in(known.of(SteeringOverviewPublished), item["year"])
        steps = _steps(tuple(entry.version for entry in held))
        return None if required is None else {"expected": required, "held": len(held), "steps": steps}
    if item["rule"] != WEEKLY_NOTE:
        return None
    notes = weekly_notes(known, item["from_week"], item["to_week"])
    written = len(notes.expected) - len(notes.missing)
    return {"expected": len(notes.expected), "written": written, "missing_weeks": list(notes.missing)}


def _series(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer:
    if "instrument" in item:
        values = [(_text(instant), score) for instant, score in scores(questions.record, item["instrument"])]
    else:
        values = [(day.isoformat(), hours) for day, hours in hours_per_week(questions.record)]
    falling = never_rises([value for _, value in values])
    return {"values": [list(pair) for pair in values], "monotone_decreasing": falling}


def _visit_minutes(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer | None:
    visit = questions.record.fact(item["step"] + STEP_OFFSET)
    return None if visit is None or visit.topic != VisitHeld.TOPIC else {"minutes": visit_minutes(visit)}


def _session_list(questions: CaseQuestions, _item: Mapping[str, Any], _story: Story) -> Answer:
    held, missed = visits(questions.record), cancelled(questions.record)
    return {
        "dates": [copenhagen_day(visit.occurred_at).isoformat() for visit in held],
        "cancelled": [copenhagen_day(visit.occurred_at).isoformat() for visit in missed],
    }


def _duration(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer | None:
    found = questions.duration(item["rule"], _instant(item, "as_of"))
    if found is None:
        return None
    return {
        "start": found.start.isoformat(),
        "end": None if found.end is None else found.end.isoformat(),
        "not_before": found.not_before.isoformat(),
        "not_after": found.not_after.isoformat(),
        "days": found.days,
        "status": found.status,
    }


def _age_check(questions: CaseQuestions, item: Mapping[str, Any], _story: Story) -> Answer | None:
    day = copenhagen_day(read_moment(item["at"]))
    found = age(questions.record, item["child"], day, age_window(item.get("age_window") or "0-3 years"))
    if found is None:
        return None
    return {"months": found.months, "latest": found.latest.isoformat(), "status": found.status}


def _dossier(questions: CaseQuestions, item: Mapping[str, Any], story: Story) -> Answer | None:
    found = questions.dossier(item["decision_step"] + STEP_OFFSET)
    if found is None:
        return None
    asked = {_named(one.values): one.values for one in story.expect if one.kind == "deadline"}
    standings: dict[str, Any] = {}
    for name in item.get("running_or_broken_deadlines", {}):
        if name == "HEARING":
            standings[name] = f"open until {found.hearing_open_until}" if found.hearing_open_until else None
        elif name in asked:
            rule, trigger = asked[name]["rule"], asked[name]["trigger_step"] + STEP_OFFSET
            clock = questions.deadline(rule, trigger, found.instant, found.instant)
            standings[name] = clock and _statuses(clock, found.instant)
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


_ANSWERS: Mapping[str, Callable[[CaseQuestions, Mapping[str, Any], Story], Answer | None]] = {
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
