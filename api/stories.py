"""Case stories: files of steps in the order in which they were recorded, loaded through the normal recording path.

Format ``case-story/1``. A story's step becomes an entry of its case: references to steps become versions (the case
opens with version 1), ``x_step`` becomes the field ``x``. Several stories are merged by recorded time, because the
ledger's clock never goes back; only a ledger with a simulated clock takes the stories' own times.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar, cast
from uuid import UUID

import orjson
from pydantic import BaseModel, ValidationError

from api.bodies import pointed, strict_json
from api.drafting import Commit, Fact
from api.principals import Principal
from api.problems import ProblemError
from api.recording import CaseRecorder, NewPerson, RecordingError
from api.story_file import SCHEMA, StepForm, StoryForm
from api.story_items import KINDS, item_form, step_references
from domain.errors import DomainError, Malformed, Problem
from domain.events import EVENTS
from domain.events.base import Event, reference_marks
from domain.events.correction import EntryCorrected
from domain.time import read_instant, read_moment, start_of

STEP_OFFSET = 1
"""The case opens with an entry of its own, so step n is entry n + 1."""

SHIPPED = Path(str(files("api").joinpath("case_stories")))
STEP_SUFFIX = "_step"
CALLED = re.compile(r"[A-Za-z0-9_-]{1,20}")
Form = TypeVar("Form", bound=BaseModel)


class StoryError(Exception):
    """A story file cannot be loaded; the message names file, place and reason."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its number, the two clocks, who entered it, and the event with references as versions."""

    number: int
    recorded_at: datetime
    principal: Principal
    fact: Fact
    content: bytes


@dataclass(frozen=True, slots=True)
class Expectation:
    """An answer the product must give about a story: its id there, its kind, all of its keys, and the answers alone."""

    id: str
    kind: str
    values: Mapping[str, Any]
    answers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Story:
    """A fictional case: its persons, its steps in order of recording, and what the product must answer about it.

    ``readings`` are the settings the answers were computed with.
    """

    id: str
    programme: str
    persons: tuple[NewPerson, ...]
    steps: tuple[Step, ...]
    expect: tuple[Expectation, ...]
    readings: Mapping[str, str]


def shipped_stories() -> list[Path]:
    """Return the stories that come with the program."""
    return sorted(SHIPPED.glob("s[0-9]_*.json"))


def read_story(path: Path) -> Story:
    """Read a story file; raises StoryError with place and reason of what is wrong with it."""
    try:
        content: Any = strict_json(path.read_bytes())
        if not isinstance(content, dict) or cast(dict[str, Any], content).get("schema") != SCHEMA:
            raise StoryError(f'{path}: is no story: "schema" must be "{SCHEMA}"')
        return _story(_read(StoryForm, content, ""))
    except FileNotFoundError:
        raise StoryError(f"{path}: there is no such file") from None
    except OSError as error:
        raise StoryError(f"{path}: cannot be read ({type(error).__name__})") from None
    except ProblemError as error:
        raise StoryError(f"{path}: {error.detail.replace('The body', 'The JSON file')}") from None
    except Malformed as error:
        raise StoryError(
            f"{path}: " + "; ".join(f"{p.pointer} {p.detail}".strip() for p in error.problems[:5])
        ) from None


def _read(form: type[Form], value: Any, place: str) -> Form:
    """Read a part of a story; raises Malformed with the places of what is wrong."""
    try:
        return form.model_validate_json(orjson.dumps(value))
    except orjson.JSONEncodeError:
        raise Malformed([Problem(place, "is nested too deeply")]) from None
    except ValidationError as error:
        found = [Problem(f"{place}{_place(p.pointer)}".removesuffix("/"), p.detail) for p in pointed(error, value)]
        raise Malformed(found) from None


def _place(pointer: str) -> str:
    """Return a JSON pointer into a story in its own words: its steps and expected answers count from one."""
    found = re.match(r"^/(steps|expect)/([0-9]+)", pointer)
    if found is None:
        return pointer.removeprefix("/")
    name = "step" if found[1] == "steps" else "expect"
    return f"{name} {int(found[2]) + 1} {pointer[found.end() :].removeprefix('/')}".strip()


def _story(content: StoryForm) -> Story:
    persons = tuple(NewPerson(person.ref, _role(person.role), person.label) for person in content.persons)
    steps = tuple(_step(content, step) for step in content.steps)
    expect = tuple(_expectation(item, len(steps)) for item in content.expect)
    readings = {name: str(value) for name, value in content.rule_parameters.items()}
    return Story(content.id, content.programme, persons, steps, expect, readings)


def _expectation(values: dict[str, Any], steps: int) -> Expectation:
    """Return an expected answer; raises Malformed where it is of no kind, or names a step that is not there."""
    name = values.get("id")
    place = f"expect {name if isinstance(name, str) and CALLED.fullmatch(name) else '?'} "
    form = item_form(values.get("kind"))
    if form is None:
        raise Malformed([Problem(f"{place}kind", f"must be one of {', '.join(sorted(KINDS))}")])
    item = _read(form, values, place)
    for key, number in step_references(item):
        if not 0 < number <= steps:
            raise Malformed([Problem(f"{place}{key}", "must be the number of a step of this story")])
    return Expectation(item.id, item.kind, values, {name: values[name] for name in item.answers()})


def _role(text: str) -> str:
    """Return the role as a code: what stands before the first comma, which is for readers."""
    return text.partition(",")[0].strip().replace(" ", "_")


def _step(story: StoryForm, step: StepForm) -> Step:
    kind = EVENTS.get(step.event)
    if kind is None:
        raise Malformed([Problem(f"step {step.n} event", "names an event that is not in the catalogue")])
    reached_at = read_moment(step.reached_at) if step.reached_at is not None else None
    fact = Fact(_event(kind, step, story.steps), read_moment(step.occurred_at), reached_at)
    if start_of(fact.occurred_at) > read_instant(step.recorded_at):
        raise Malformed([Problem(f"step {step.n} occurred_at", "must not be later than recorded_at")])
    principal = Principal(step.actor, step.actor_role, None, "story", internal=True)
    content = orjson.dumps([story.id, step.model_dump(mode="json", exclude_unset=True)])
    return Step(step.n, read_instant(step.recorded_at), principal, fact, content)


def _event(kind: type[Event], step: StepForm, steps: Sequence[StepForm]) -> Event:
    data = {name.removesuffix(STEP_SUFFIX): value for name, value in step.data.items()}
    place = f"step {step.n} data/"
    for name in reference_marks(kind):
        if data.get(name) is not None:
            data[name] = _version(data[name], step.n, f"{place}{name}")
    if kind is EntryCorrected:
        data = _corrected(data, step, steps, place)
    return cast(Event, _read(cast(Any, kind), data, place))


def _corrected(data: dict[str, Any], step: StepForm, steps: Sequence[StepForm], place: str) -> dict[str, Any]:
    """Return a correction with the name and the values of a reference to a step as those of a version."""
    root, field = data.get("corrects"), data.get("field")
    while isinstance(root, int) and 0 <= root - 1 - STEP_OFFSET < len(steps):
        concerned = steps[root - 1 - STEP_OFFSET]
        if concerned.event != EntryCorrected.name() or field != "new":
            break
        root, field = _offset(concerned.data.get("corrects_step")), concerned.data.get("field")
    else:
        return data
    kind = EVENTS.get(concerned.event)
    name = str(field).removesuffix(STEP_SUFFIX)
    if kind is None or name not in reference_marks(kind):
        return data
    changed = {key: _version(data[key], step.n, f"{place}{key}") for key in ("old", "new") if data.get(key) is not None}
    return data | changed | ({"field": name} if data["field"] != "new" else {})


def _offset(number: Any) -> Any:
    return number + STEP_OFFSET if isinstance(number, int) else number


def _version(step: Any, number: int, place: str) -> Any:
    """Return the version that a step's entry has: the case opens with version 1, so steps follow one later."""
    if isinstance(step, list):
        return [_version(one, number, place) for one in cast(list[Any], step)]
    if not isinstance(step, int) or isinstance(step, bool) or not 0 < step < number:
        raise Malformed([Problem(place, "must be the number of an earlier step")])
    return step + STEP_OFFSET


async def load_stories(recorder: CaseRecorder, stories: Sequence[Story]) -> dict[str, UUID]:
    """Record stories as cases, merged by recorded time, and return the case of each; raises as recording does.

    A story that was loaded before is recognised step by step by its idempotency keys and is not recorded twice.
    """
    cases: dict[str, UUID] = {}
    for story, step in _merged(stories):
        if story.id not in cases:
            cases[story.id] = await _open(recorder, story, step)
        key = f"story {story.id} step {step.number}"
        commit = Commit((step.fact,), key, step.content)
        try:
            await recorder.record(step.principal, cases[story.id], step.number, commit, step.recorded_at)
        except (RecordingError, DomainError) as error:
            raise StoryError(f"story {story.id}, step {step.number}: {error}") from error
    return cases


async def _open(recorder: CaseRecorder, story: Story, step: Step) -> UUID:
    number = _number(story.id)
    commit = Commit((), f"story {story.id}", orjson.dumps([story.id, story.programme]))
    recorded = await recorder.open_case(
        step.principal, number, story.programme, story.persons, step.recorded_at, commit, step.recorded_at
    )
    return recorded.case


def _number(story: str) -> str:
    """Return the case number of a story: ``s6_goes_wrong`` is case S6, any other id stands as it is."""
    short = re.match(r"([a-z]+[0-9]+)_", story)
    return short.group(1).upper() if short else story


def _merged(stories: Iterable[Story]) -> list[tuple[Story, Step]]:
    return sorted(
        ((story, step) for story in stories for step in story.steps),
        key=lambda pair: (pair[1].recorded_at, pair[0].id, pair[1].number),
    )
