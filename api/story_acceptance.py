"""Accepting stories: recorded in a throw-away ledger the normal way, and every expected answer asked for there."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from api.opening import Place
from api.principals import command_line_principal
from api.recording import CaseRecorder
from api.rule_adoption import adopt, adopt_shipped, choose_readings
from api.stories import Story, StoryError, load_stories
from api.story_check import Checked, check_story, require_rules
from domain.adoptions import UnknownSetting
from domain.known import known
from domain.time import later
from ledger.mapper import read_clear
from ledger.store import Ledger
from projections.boards import adopted_upto
from replay.questions import CaseQuestions

BEFORE = timedelta(days=366)
"""How long before the first step of a story the throw-away ledger begins."""


def accept_stories(
    place: Place, stories: Sequence[Story], books: Sequence[str], show: Callable[[Checked], None]
) -> tuple[int, int]:
    """Check stories in an empty place, each in turn handed to ``show``; returns how many answers passed and failed.

    ``books`` are rule books to adopt beside, or in place of, the shipped ones. Raises StoryError for a story that
    cannot be recorded or asks about a rule nobody has adopted.
    """
    _require_distinct(stories)
    begins_at = later(min(step.recorded_at for story in stories for step in story.steps), -BEFORE)
    place.create("Story check", begins_at)
    passed = failed = 0
    with place.ledger() as ledger:
        _adopt(ledger, stories, books, begins_at)
        cases = asyncio.run(load_stories(CaseRecorder(ledger), stories))
        asked = [(story, questions_of(ledger, cases[story.id])) for story in stories]
        for story, questions in asked:
            require_rules(story, questions)
        for story, questions in asked:
            for checked in check_story(story, questions):
                show(checked)
                passed, failed = passed + checked.passed, failed + (not checked.passed)
    return passed, failed


def _require_distinct(stories: Sequence[Story]) -> None:
    """Raise StoryError for two stories of one name, which would be one case, and for a story that expects nothing."""
    names = [story.id for story in stories]
    for story in stories:
        if names.count(story.id) > 1:
            raise StoryError(f"story {story.id}: stands twice: give each story an id of its own")
        if not story.expect:
            raise StoryError(f"story {story.id}: expects nothing, so nothing could fail")


def questions_of(ledger: Ledger, case: UUID) -> CaseQuestions:
    """Return the questions to everything on record of a case, from its clear part."""
    return CaseQuestions(known(map(read_clear, ledger.read_stream(case))), adopted_upto(ledger))


def _adopt(ledger: Ledger, stories: Sequence[Story], books: Sequence[str], instant: datetime) -> None:
    """Adopt the rules and the readings the stories' answers were computed with, which must be the same in all."""
    principal = command_line_principal("story check")
    adopt_shipped(ledger, principal, instant)
    for text in books:
        adopt(ledger, principal, text, instant=instant)
    readings = {name: value for story in stories for name, value in story.readings.items()}
    for story in stories:
        if any(readings[name] != value for name, value in story.readings.items()):
            raise StoryError(f"story {story.id}: rule_parameters differ from those of the others: check it by itself")
    if readings:
        try:
            choose_readings(ledger, principal, readings, instant=instant)
        except UnknownSetting as error:
            raise StoryError(f"rule_parameters: {error}") from None
