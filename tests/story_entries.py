"""Case stories as entries, the way the ledger would hand them back with everything unsealed."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from api.stories import SHIPPED
from domain.entries import Entry
from domain.events.base import Actor
from domain.time import read_instant, read_moment

STORIES = SHIPPED
NAMES = tuple(sorted(path.stem for path in STORIES.glob("s[0-9]*.json")))

_REFERENCES = {"child_view", "relates_to", "repeat_of", "facts", "hearing"}
_NAMESPACE = uuid5(NAMESPACE_URL, "case-story")


@cache
def read_story(name: str) -> Mapping[str, Any]:
    """Return a story as it stands in its file."""
    return json.loads((STORIES / f"{name}.json").read_text(encoding="utf-8"))


@cache
def story_entries(name: str) -> tuple[Entry, ...]:
    """Return the entries of a story: the case opened as version 1, then step n as version n + 1."""
    story = read_story(name)
    first = story["steps"][0]
    opened = _entry(story["id"], 1, "CaseOpened", first, _opening(story))
    return (opened, *(_entry(story["id"], step["n"] + 1, step["event"], step, _data(step)) for step in story["steps"]))


def expectations(kind: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the expected answers of one kind, each with the name of its story."""
    return [(name, item) for name in NAMES for item in read_story(name)["expect"] if item["kind"] == kind]


def known_at(entries: Iterable[Entry], instant: datetime) -> tuple[Entry, ...]:
    """Return the entries recorded at or before an instant."""
    return tuple(entry for entry in entries if entry.recorded_at <= instant)


def topic_of(event: str) -> str:
    """Return the stored name of an event: its name in snake_case."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event).lower()


def _opening(story: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the case is opened with."""
    persons = [
        {
            "ref": person["ref"],
            "person": str(uuid5(_NAMESPACE, person["ref"])),
            "key": str(uuid5(_NAMESPACE, f"key of {person['ref']}")),
            "role": person["role"],
        }
        for person in story["persons"]
    ]
    return {"number": story["id"], "programme": story["programme"], "persons": persons}


def _entry(story: str, version: int, event: str, step: Mapping[str, Any], data: Mapping[str, Any]) -> Entry:
    """Return one entry with the times and people of a step."""
    return Entry(
        stream=uuid5(_NAMESPACE, story),
        version=version,
        position=version,
        recorded_at=read_instant(step["recorded_at"]),
        topic=topic_of(event),
        schema=1,
        occurred_at=read_moment(step["occurred_at"]),
        actor=Actor(step["actor"], step["actor_role"]),
        commit=uuid5(_NAMESPACE, f"{story} {version}"),
        data=data,
    )


def _data(step: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a step with references to steps turned into references to versions."""
    data = {_key(name): _shift(value) if _refers(name) else value for name, value in step["data"].items()}
    if step["event"] == "EntryCorrected" and _refers(data["field"]):
        data |= {"field": _key(data["field"]), "old": _shift(data["old"]), "new": _shift(data["new"])}
    return data


def _refers(name: str) -> bool:
    """Return whether a key of a step holds references to steps."""
    return name in _REFERENCES or name.endswith("_step")


def _key(name: str) -> str:
    """Return a key without the word that says it refers to a step."""
    return name.removesuffix("_step")


def _shift(value: Any) -> Any:
    """Return references to steps as references to versions."""
    if isinstance(value, int):
        return value + 1
    return [reference + 1 for reference in value] if value else value
