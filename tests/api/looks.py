"""Looks at case stories as the reader hands them to the pages, without a ledger beneath."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from api.looks import AsOf, Question
from api.reading import CaseLook, NamedPerson
from domain.case_file import CaseFile
from domain.entries import Entry
from domain.known import Known
from domain.register import as_of, history
from ledger.store import Head
from projections.case_state import state_as_of
from replay.questions import CaseQuestions
from replay.verify import Fault
from tests.domain.rules import rules
from tests.story_entries import known_at, read_story, story_entries

HEAD = Head(UUID(int=7), True, 267, bytes(range(32)), datetime.fromisoformat("2026-01-01T00:00:00+00:00"), bytes(32))


def look_at(
    entries: Iterable[Entry], question: Question | None = None, names: dict[str, str] | None = None, faults: int = 0
) -> CaseLook:
    """Return the look at a case made of entries; ``names`` gives names by reference, ``faults`` how many are broken."""
    question, everything = question or Question(), tuple(entries)
    known = known_at(everything, question.known_at) if question.known_at else everything
    later, file = everything[len(known) :], CaseFile(everything[0].stream, known)
    cut = question.known_at or HEAD.recorded_at
    return CaseLook(
        as_of=AsOf(question, len(known), None),
        head=HEAD,
        file=file,
        entries=known,
        effective=as_of(known, question.valid_at),
        history=history(known),
        persons=tuple(NamedPerson(person, (names or {}).get(person.ref)) for person in file.persons.values()),
        state=state_as_of(known, question.valid_at),
        recorded_later=len(later),
        happened_before=sum(entry.happened <= cut for entry in later),
        faults=tuple(
            Fault(n, None, n, "the stored bytes of segment 0 have been changed", "payload")
            for n in range(1, faults + 1)
        ),
        access_position=4711,
    )


def look_at_story(name: str, question: Question | None = None, faults: int = 0) -> CaseLook:
    """Return the look at a case story."""
    names = {person["ref"]: person["label"] for person in read_story(name)["persons"]}
    return look_at(story_entries(name), question, names, faults)


def questions_of(look: CaseLook) -> CaseQuestions:
    """Return the questions to a case that was looked up, under the shipped rules."""
    return CaseQuestions(Known(look.entries), rules())
