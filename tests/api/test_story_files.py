"""Story files that cannot be loaded: one line that names file, place and reason, and nothing recorded."""

import json
from collections.abc import Callable, Generator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from api.opening import Place
from tests.api.service import STORY_FILES, Inside, environment
from tests.conftest import Server, Template, clone
from tests.story_entries import read_story


def events(place: Place) -> int:
    """Return the number of events in a ledger."""
    with place.ledger() as ledger:
        return ledger.head().size


Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def untouched(
    server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[Inside, Place]]:
    """The command line over an empty ledger, and its place, for what must not change it."""
    home = tmp_path_factory.mktemp("untouched")
    for place in clone(server, simulated_template, home):
        yield Inside(environment(place.conninfo, home)), place


@pytest.fixture
def story(tmp_path: Path) -> Callable[[Change], Path]:
    """Writes a changed copy of the sixth story and returns its path."""

    def write(change: Change) -> Path:
        content = deepcopy(dict(read_story("s6_goes_wrong")))
        change(content)
        path = tmp_path / "changed.json"
        path.write_text(json.dumps(content), "utf-8")
        return path

    return write


def _put(step: int, **members: Any) -> Change:
    return lambda story: story["steps"][step - 1].update(members)


def _data(step: int, **members: Any) -> Change:
    return lambda story: story["steps"][step - 1]["data"].update(members)


def _without(*path: str | int) -> Change:
    def change(story: dict[str, Any]) -> None:
        at: Any = story
        for part in path[:-1]:
            at = at[part]
        del at[path[-1]]

    return change


BROKEN: dict[str, tuple[Change, list[str]]] = {
    "unknown event": (_put(2, event="TeaDrunk"), ["step 2", "catalogue"]),
    "later step": (_data(2, notification_step=5), ["step 2", "notification"]),
    "the step itself": (_data(2, notification_step=2), ["step 2", "notification"]),
    "no step": (_data(2, notification_step=0), ["step 2", "notification"]),
    "step as text": (_data(2, notification_step="1"), ["step 2", "notification"]),
    "list with a later step": (_data(28, relates_to=[1, 99]), ["step 28", "relates_to"]),
    "unknown field": (_data(2, colour="blue"), ["step 2", "colour", "not known"]),
    "missing field": (_without("steps", 1, "data", "danger"), ["step 2", "danger", "missing"]),
    "no offset": (_put(2, recorded_at="2024-03-30T10:00:00"), ["step 2 recorded_at", "instant"]),
    "not in order": (_put(2, recorded_at="2020-01-01T00:00:00+01:00"), ["sorted by recorded_at"]),
    "no moment": (_put(2, occurred_at="yesterday"), ["step 2 occurred_at", "date"]),
    "wrong number": (_put(2, n=3), ["numbered"]),
    "number in words": (_put(2, n="two"), ["step 2 n", "integer"]),
    "nobody": (_without("steps", 1, "actor"), ["step 2 actor is missing"]),
    "no persons": (_without("persons"), ["persons is missing"]),
    "another schema": (lambda story: story.update(schema="case-story/2"), ["case-story/1"]),
    "persons as a number": (lambda story: story.update(persons=7), []),
    "steps as text": (lambda story: story.update(steps=["step"]), []),
    "empty step": (lambda story: story["steps"].append(None), []),
}


@pytest.mark.parametrize(("change", "places"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_story_is_named_with_its_place(
    untouched: tuple[Inside, Place], story: Callable[[Change], Path], change: Change, places: list[str]
) -> None:
    """The one line holds the file and what is wrong where, and the ledger is as before."""
    inside, place = untouched
    path = story(change)
    code, line = inside.refused("story", "load", path)
    assert code == 1
    assert str(path) in line
    assert all(part in line for part in places), line
    assert events(place) == 1


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"7", b'"case-story/1"', b"[" * 100_000])
def test_what_is_no_story_is_one_line(untouched: tuple[Inside, Place], tmp_path: Path, content: bytes) -> None:
    """A file of anything else is named as such."""
    path = tmp_path / "other.json"
    path.write_bytes(content)
    code, line = untouched[0].refused("story", "load", path)
    assert code == 1
    assert str(path) in line
    assert "JSON" in line or "no story" in line


def test_a_file_that_is_not_there_is_one_line(inside: Inside, tmp_path: Path) -> None:
    """A missing file, or a folder in its place, is named, also beside good ones."""
    for path in (tmp_path / "absent.json", tmp_path):
        code, line = inside.refused("story", "load", STORY_FILES[5], path)
        assert code == 1
        assert str(path) in line


def test_a_real_clock_takes_no_stories(real_command: Inside, real: Place) -> None:
    """A ledger on the database's clock refuses the stories' own times and holds nothing of them."""
    before = events(real)
    code, line = real_command.refused("story", "load", *STORY_FILES)
    assert code == 1
    assert "simulated clock" in line
    assert events(real) == before


def test_the_clock_does_not_go_back(inside: Inside, simulated: Place) -> None:
    """Older stories after newer ones are refused with both instants, and the ledger stays as it was."""
    inside.done("story", "load", STORY_FILES[4])
    before = events(simulated)
    code, line = inside.refused("story", "load", STORY_FILES[2])
    assert code == 1
    assert "2026-05-04" in line, "where the clock stands"
    assert "2024-02-05" in line, "where the story begins"
    assert events(simulated) == before
    assert inside.done("verify").startswith("INTACT")


def test_a_changed_story_under_the_same_name_is_refused(
    inside: Inside, simulated: Place, story: Callable[[Change], Path]
) -> None:
    """A story that was loaded is recognised by its steps: another step in their place is not taken for a repeat."""
    inside.done("story", "load", STORY_FILES[5])
    before = events(simulated)
    code, line = inside.refused("story", "load", story(_data(2, danger=True)))
    assert code == 1
    assert "step 2" in line, line
    assert events(simulated) == before
