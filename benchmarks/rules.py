"""What it costs to ask a case: how clocks and findings grow with its length, and its past dates the plain way."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from api.stories import STEP_OFFSET, read_story, shipped_stories
from benchmarks.measure import Figure, Load, compare, interleaved, load, now
from domain.adoptions import HOLIDAYS
from domain.calendar import Calendar, read_holidays
from domain.clocks import deadlines
from domain.entries import Entry
from domain.events import BY_TOPIC
from domain.events.base import Actor, reference_marks
from domain.findings.catalogue import findings
from domain.known import Known, many
from domain.rule_book import read_rule_book
from domain.rules import Adoption, Rules
from ledger.shipped import shipped_texts
from replay.questions import CaseQuestions

CASE = UUID(int=1)
SHORT, LONG = 4, 16
"""How many times a story is lived through in the short and in the long case."""

Question = Callable[[CaseQuestions], object]

LINEAR = LONG / SHORT
ROUND = timedelta(days=400)
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)


def figures() -> list[Figure]:
    """Measure every question that has to look at a whole case."""
    rules = _rules()
    short, long = (CaseQuestions(Known(tuple(lived(times))), rules) for times in (SHORT, LONG))
    growing: dict[str, Question] = {
        "clocks": lambda case: deadlines(case.inquiry()),
        "findings": lambda case: findings(case.inquiry()),
    }
    return [*(_growth(name, ask, short, long) for name, ask in growing.items()), _past_dates(short)]


def _growth(name: str, ask: Question, short: CaseQuestions, long: CaseQuestions) -> Figure:
    took = _milliseconds({"long": (ask, long), "short": (ask, short)})
    title = f"{name}: case of {_length(long)} entries vs one of {_length(short)}"
    return compare(title, took["long"], took["short"], "ms", 2 * LINEAR, "lower")


def _past_dates(case: CaseQuestions) -> Figure:
    """Compare the due dates a case has had with asking for all of its clocks after each entry."""
    took = _milliseconds({"ours": (CaseQuestions.due_changes, case), "plain": (_clocks_after_each_entry, case)})
    title = f"due dates of the past, {_length(case)} entries vs all clocks after each"
    return compare(title, took["ours"], took["plain"], "ms", 0.3, "lower")


def _clocks_after_each_entry(case: CaseQuestions) -> None:
    for entry in case.record.entries:
        deadlines(case.inquiry(entry.recorded_at, entry.recorded_at))


def _milliseconds(asked: dict[str, tuple[Question, CaseQuestions]]) -> dict[str, float]:
    """Return how long each question takes of its case, which is read anew each time."""

    def run(ask: Question, case: CaseQuestions) -> Load:
        fresh = CaseQuestions(Known(case.record.entries), case.rules)
        begun = now()
        ask(fresh)
        took = now() - begun
        return load([took], took)

    loads = interleaved({name: partial(run, *one) for name, one in asked.items()})
    return {name: 1000 / measured.rate for name, measured in loads.items()}


def _length(case: CaseQuestions) -> int:
    return len(case.record.entries)


def _rules() -> Rules:
    texts = shipped_texts()
    calendar = Calendar(read_holidays(texts[HOLIDAYS]))
    books = [read_rule_book(text) for name, text in texts.items() if name != HOLIDAYS]
    return Rules(tuple(Adoption(book, calendar, ALWAYS) for book in books), calendar)


def lived(times: int) -> Iterator[Entry]:
    """Yield the opening of a case and the steps of the sixth story so many times, a year or so apart."""
    story = read_story(shipped_stories()[-1])
    first = story.steps[0]
    persons = [{"ref": person.ref, "role": person.role} for person in story.persons]
    yield _entry(1, "case_opened", first, {"programme": story.programme, "number": "B-1", "persons": persons})
    for turn in range(times):
        before = turn * len(story.steps)
        for step in story.steps:
            topic, data = step.fact.event.TOPIC, step.fact.event.model_dump(mode="json", exclude_none=True)
            for name in reference_marks(BY_TOPIC[topic]).keys() & data.keys():
                data[name] = _shifted(data[name], before)
            entry = _entry(step.number + STEP_OFFSET + before, topic, step, data)
            yield replace(
                entry, recorded_at=entry.recorded_at + turn * ROUND, occurred_at=entry.happened + turn * ROUND
            )


def _shifted(reference: Any, by: int) -> Any:
    return [one + by for one in many(reference)] if isinstance(reference, list) else reference + by


def _entry(version: int, topic: str, step: Any, data: dict[str, Any]) -> Entry:
    actor = Actor(step.principal.id, step.principal.role)
    at = step.recorded_at
    return Entry(CASE, version, version, at, topic, 1, step.fact.occurred_at, actor, CASE, data)
