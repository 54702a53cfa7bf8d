"""Accounts that contradict themselves or what is on record: refused, because no such thing can have happened.

A fact that is merely late, over a limit or outside an age is never refused; a finding tells.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from domain.calendar import CalendarError, week_start
from domain.case_file import CaseFile
from domain.documents import DIRECTIONS, numbers_used
from domain.errors import Problem
from domain.events.assessment import AssessmentRecorded
from domain.events.base import Event
from domain.events.child import ChildBorn
from domain.events.consent import ConsentGiven, ConsentRefused
from domain.events.control import DocumentFiled
from domain.events.correction import EntryCorrected
from domain.events.plan import StatusNoteWritten
from domain.events.visit import SupportLevelSet
from domain.register import effective
from domain.time import Moment
from domain.visits import WEEKLY

FIXED_BY_FILING = frozenset(
    {"document", "version", "store", "reference", "place", "commitment", "salt", "size", "media_type", "subjects"}
)
"""What a filing says about the bytes, and whose key seals them: never corrected."""


CAME = ("received_at", "became_aware_at")
"""Moments of facts by which something had come to the municipality."""

HOURS_OF_A_WEEK = 168


def contradictions(case: CaseFile, before: list[Event], fact: Event, pointer: str) -> Iterator[Problem]:
    """Yield why a fact cannot have happened as told, given the case and the facts ``before`` it in its commit."""
    if isinstance(fact, AssessmentRecorded):
        values: dict[str, Any] = {"score": fact.score, "scale_min": fact.scale_min, "scale_max": fact.scale_max}
        if outside_scale(values):
            yield Problem(f"{pointer}/data/score", "lies outside its own scale: correct the score or the scale")
    if isinstance(fact, ChildBorn):
        yield from _second_birth(case, before, fact, pointer)
    if isinstance(fact, StatusNoteWritten) and fact.kind == WEEKLY and not _is_week(fact.period):
        yield Problem(f"{pointer}/data/period", "must be a week of the calendar, as 2025-W16")
    if isinstance(fact, SupportLevelSet) and not 0 <= Decimal(str(fact.hours_per_week)) <= HOURS_OF_A_WEEK:
        yield Problem(f"{pointer}/data/hours_per_week", "must lie between 0 and the 168 hours of a week")
    if isinstance(fact, ConsentGiven | ConsentRefused) and not fact.scope:
        yield Problem(f"{pointer}/data/scope", "must name at least one recipient, programme or meeting")
    if isinstance(fact, DocumentFiled):
        yield from _filing_problems(case, before, fact, pointer)
    if isinstance(fact, EntryCorrected):
        yield from _other_bytes(case, fact, pointer)
        yield from _birth_of_another(case, fact, pointer)


def came_at(fact: Event) -> Moment | None:
    """Return when something came to the municipality, which cannot lie ahead; None where a fact does not say.

    A letter may become available to its reader later than it was sent.
    """
    found = next((name for name in CAME if name in type(fact).model_fields), None)
    return None if found is None else getattr(fact, found)


def outside_scale(values: dict[str, Any]) -> bool:
    """Whether a score lies outside the scale given with it; what is not given bounds nothing."""
    score, low, high = (values.get(name) for name in ("score", "scale_min", "scale_max"))
    if score is None:
        return False
    number = Decimal(str(score))
    return (low is not None and number < Decimal(str(low))) or (high is not None and number > Decimal(str(high)))


def _is_week(period: Any) -> bool:
    """Whether a period, where one is given, is a week of the calendar."""
    try:
        return period is None or bool(week_start(str(period)))
    except CalendarError:
        return False


def _second_birth(case: CaseFile, before: list[Event], fact: ChildBorn, pointer: str) -> Iterator[Problem]:
    """Yield a problem where the child is born already; a twin is a child with a reference of its own."""
    earlier = [entry for entry in effective(case.entries) if entry.topic == ChildBorn.TOPIC]
    known = [entry.version for entry in earlier if entry.data["child"] == fact.child]
    if known or any(isinstance(event, ChildBorn) and event.child == fact.child for event in before):
        where = f" in entry {known[0]}" if known else " earlier in this commit"
        detail = f"is born already{where}: correct that entry, or give a twin a reference of its own"
        yield Problem(f"{pointer}/data/child", detail)


def _birth_of_another(case: CaseFile, fact: EntryCorrected, pointer: str) -> Iterator[Problem]:
    """Yield a problem where a correction would make one child be born twice."""
    births = [entry for entry in effective(case.entries) if entry.topic == ChildBorn.TOPIC]
    corrected = any(entry.version == fact.corrects for entry in births) and fact.field == "child"
    if corrected and any(entry.data["child"] == fact.new and entry.version != fact.corrects for entry in births):
        yield Problem(f"{pointer}/data/new", "is born already: annul one of the two births")


def _filing_problems(case: CaseFile, before: list[Event], fact: DocumentFiled, pointer: str) -> Iterator[Problem]:
    """Yield a problem where the version is filed already, or the document neither came, went nor stayed."""
    earlier = any(
        isinstance(event, DocumentFiled) and (event.document, event.version) == (fact.document, fact.version)
        for event in before
    )
    if earlier or fact.version in numbers_used(case.entries, fact.document):
        detail = "is filed already: a new version of a document needs a number of its own"
        yield Problem(f"{pointer}/data/version", detail)
    if fact.direction not in DIRECTIONS:
        yield Problem(f"{pointer}/data/direction", f"must be one of {', '.join(DIRECTIONS)}")
    if fact.direction == "internal" and fact.received_or_sent_at is not None:
        detail = "belongs to a document that was received or sent: leave it out of an internal one"
        yield Problem(f"{pointer}/data/received_or_sent_at", detail)


def _other_bytes(case: CaseFile, fact: EntryCorrected, pointer: str) -> Iterator[Problem]:
    """Yield a problem where a correction would put other bytes in the place of those that were filed."""
    target = case.entry(fact.corrects)
    if target is not None and target.topic == DocumentFiled.TOPIC and fact.field in FIXED_BY_FILING:
        yield Problem(f"{pointer}/data/field", "stays as filed: annul the entry and file the document anew")
