"""Case stories: files of steps in the order in which they were recorded, loaded through the normal recording path.

Format ``case-story/1``. A story's step becomes an entry of its case: references to steps become versions (the case
opens with version 1), ``x_step`` becomes the field ``x``. Several stories are merged by recorded time, because the
ledger's clock never goes back; only a ledger with a simulated clock takes the stories' own times.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import orjson
from pydantic import ValidationError

from api.bodies import pointed
from api.drafting import Commit, Fact
from api.principals import Principal
from api.recording import CaseRecorder, NewPerson, RecordingError
from domain.errors import DomainError, Malformed, Problem
from domain.events import EVENTS
from domain.events.base import Event, reference_marks
from domain.time import Moment, read_instant, read_moment

SCHEMA = "case-story/1"
STEP_OFFSET = 1
"""The case opens with an entry of its own, so step n is entry n + 1."""

INSTANTS = frozenset({"at", "known_at", "as_of", "as_known_at", "instant"})
KINDS: Mapping[str, tuple[str, ...]] = {
    "deadline": ("rule", "trigger_step"),
    "not_applicable": ("rule", "trigger_step"),
    "window": ("rule", "as_known_at"),
    "recurring": ("rule",),
    "known_at": ("at",),
    "state": ("path", "at"),
    "consent_status": ("consent", "at"),
    "consent_group": ("at",),
    "disclosure_check": ("step",),
    "hearing_check": ("decision_step",),
    "reassessment_check": ("step",),
    "finding": ("code", "step"),
    "count": ("what", "period"),
    "series": (),
    "visit_minutes": ("step",),
    "session_list": (),
    "duration": ("rule",),
    "age_check": ("child", "at"),
    "dossier": ("decision_step",),
    "ambiguity": (),
}
"""Kinds of expected answers, each with the keys its question needs."""
SHIPPED = Path(str(files("api").joinpath("case_stories")))
STEP_SUFFIX = "_step"
Time = TypeVar("Time", datetime, Moment)


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
    """An answer the product must give about a story: its id there, its kind, and question and answer by key."""

    id: str
    kind: str
    values: Mapping[str, Any]


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
    """Read a story file; raises StoryError with every problem found."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise StoryError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise StoryError(f"{path}: is no JSON file ({type(error).__name__})") from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:  # pyright: ignore[reportUnknownMemberType]
        raise StoryError(f'{path}: is no story: "schema" must be "{SCHEMA}"')
    try:
        return _story(content)  # pyright: ignore[reportUnknownArgumentType]
    except Malformed as error:
        raise StoryError(f"{path}: " + "; ".join(f"{p.pointer} {p.detail}" for p in error.problems[:5])) from None
    except KeyError as error:
        raise StoryError(f"{path}: {error.args[0]!r} is missing") from None
    except (TypeError, ValueError) as error:
        raise StoryError(f"{path}: {error}") from None


def _story(content: dict[str, Any]) -> Story:
    persons = tuple(NewPerson(p["ref"], _role(p["role"]), p["label"]) for p in content["persons"])
    steps = tuple(_step(content["id"], step) for step in content["steps"])
    if [s.number for s in steps] != list(range(1, len(steps) + 1)):
        raise ValueError("steps must be numbered 1, 2, 3 ... in order")
    if any(later.recorded_at < earlier.recorded_at for earlier, later in pairwise(steps)):
        raise ValueError("steps must be sorted by recorded_at")
    expect = tuple(_expectation(item, len(steps)) for item in content.get("expect", ()))
    readings = {str(name): str(value) for name, value in content.get("rule_parameters", {}).items()}
    return Story(content["id"], content["programme"], persons, steps, expect, readings)


def _expectation(item: dict[str, Any], steps: int) -> Expectation:
    """Return an expected answer; raises Malformed where it names no kind, or a step that is not there."""
    place = f"expect {item.get('id', '?')}"
    if item.get("kind") not in KINDS:
        raise Malformed([Problem(place, f"kind must be one of {', '.join(sorted(KINDS))}")])
    for name, value in item.items():
        is_step = name == "step" or (name.endswith(STEP_SUFFIX) and value is not None)
        if is_step and not (isinstance(value, int) and 0 < value <= steps):
            raise Malformed([Problem(f"{place} {name}", "must be the number of a step of this story")])
        if name in INSTANTS and not (name == "at" and item["kind"] == "age_check"):
            _moment_of_expectation(value, f"{place} {name}")
    missing = [name for name in KINDS[item["kind"]] if name not in item]
    if missing:
        raise Malformed([Problem(f"{place} {missing[0]}", "is missing")])
    return Expectation(str(item["id"]), item["kind"], item)


def _moment_of_expectation(value: Any, place: str) -> None:
    try:
        read_instant(value)
    except (TypeError, ValueError) as error:
        raise Malformed([Problem(place, str(error))]) from None


def _role(text: str) -> str:
    """Return the role as a code: what stands before the first comma, which is for readers."""
    return text.partition(",")[0].strip().replace(" ", "_")


def _step(story: str, step: dict[str, Any]) -> Step:
    number = int(step["n"])
    kind = EVENTS.get(step["event"])
    if kind is None:
        raise Malformed([Problem(f"step {number}", "names an event that is not in the catalogue")])
    recorded_at = _time(step, number, "recorded_at", read_instant)
    fact = Fact(_event(kind, step["data"], number), _time(step, number, "occurred_at", read_moment))
    principal = Principal(step["actor"], step["actor_role"], None, "story")
    return Step(number, recorded_at, principal, fact, orjson.dumps([story, step]))


def _time(step: dict[str, Any], number: int, name: str, read: Callable[[str], Time]) -> Time:
    try:
        return read(step[name])
    except (TypeError, ValueError) as error:
        raise Malformed([Problem(f"step {number} {name}", str(error))]) from None


def _event(kind: type[Event], data: dict[str, Any], number: int) -> Event:
    renamed = {name.removesuffix(STEP_SUFFIX): value for name, value in data.items()}
    for name in reference_marks(kind):
        if renamed.get(name) is not None:
            renamed[name] = _version(renamed[name], number, name)
    try:
        return kind.model_validate_json(orjson.dumps(renamed))
    except ValidationError as error:
        raise Malformed(pointed(error, renamed, f"step {number} data")) from None


def _version(step: Any, number: int, name: str) -> Any:
    """Return the version that a step's entry has: the case opens with version 1, so steps follow one later."""
    if isinstance(step, list):
        return [_version(one, number, name) for one in step]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(step, int) or isinstance(step, bool) or not 0 < step < number:
        raise Malformed([Problem(f"step {number} data/{name}", "must be the number of an earlier step")])
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
