"""A ledger made larger step by step: cases of twenty entries with a person each, and the rows that boards read.

Cases go through the one way in. Their rows are those that one such case is folded to, written once per case with due
dates of their own: folding as many would take the time of a rebuild.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg

from benchmarks.filling import HELD, HOLDER, UNIT
from domain.entries import Draft
from domain.events.administration import CaseOpened, CasePerson, PersonRegistered
from domain.events.base import Actor, Envelope, Event
from domain.events.referral import CaseAllocated, NoteRecorded, NotificationReceived
from domain.time import write_instant
from ledger.keys import key_commitment
from ledger.proof.growing import grow
from ledger.requests import Appended, Part, Request
from ledger.search_index import SearchIndex
from ledger.store import Ledger
from projections.boards import PartRow, rows_at
from projections.follower import Follower
from projections.view import CASE_STATE, CASELOAD, DEADLINES, FINDINGS, VIEWS, View

ENTRIES = 20
EVENTS_PER_CASE = ENTRIES + 1
CASES_AT_ONCE = 40
KEYS = 64
"""How many keys the people share: one file each would measure the file system."""

SHOWN: tuple[View, ...] = (CASE_STATE, DEADLINES, FINDINGS, CASELOAD)
PROGRAMME = "smaaboernsteam_001"
FIRST_DUE = datetime(2027, 1, 1, tzinfo=UTC)
TEXT = "Called about sleep and the visit on Thursday."


class Grown:
    """A ledger that is made larger, with the rows of its boards."""

    def __init__(self, ledger: Ledger, conninfo: str) -> None:
        self._ledger, self._conninfo = ledger, conninfo
        self._keys = [ledger.keys.create() for _ in range(KEYS)]
        self.cases: list[UUID] = []
        self._append([0])
        self._samples = self._folded()
        self._written = 1

    def to(self, events: int) -> None:
        """Add cases until there are so many events, with the rows of the boards, the tree and the search index."""
        more = max(0, events - self._ledger.head().size) // EVENTS_PER_CASE
        numbers = iter(range(len(self.cases), len(self.cases) + more))
        while batch := list(islice(numbers, CASES_AT_ONCE)):
            self._append(batch)
        with psycopg.connect(self._conninfo, autocommit=True) as owner:
            for view in SHOWN:
                self._write(owner, view)
            self._written = len(self.cases)
            self._follow(owner)
        SearchIndex(self._ledger).catch_up()

    def _follow(self, owner: psycopg.Connection[Any]) -> None:
        """Let nothing be left to do for a worker, and let the database know what its tables hold."""
        owner.execute("UPDATE view.notification_tracking SET notification_id = (SELECT size FROM ledger.head)")
        for table in ("view.remembered_v1", "ledger.event"):
            owner.execute(f"VACUUM ANALYZE {table}")  # pyright: ignore[reportCallIssue, reportArgumentType]
        grow(owner, self._ledger.head().size)

    def _append(self, numbers: Sequence[int]) -> None:
        parts = [part for number in numbers for part in self._case(number)]
        answer = self._ledger.append_now(Request(tuple(parts)))
        if not isinstance(answer, Appended):
            raise RuntimeError(f"not appended: {answer}")

    def _case(self, number: int) -> Iterator[Part]:
        """Yield a case, held by one of a hundred members of staff, and its person."""
        case, person, key = uuid4(), uuid4(), self._keys[number % KEYS]
        commitment = key_commitment(self._ledger.keys.get(key)).hex()
        roster = (CasePerson(ref="parent-A", person=person, key=key, role="mother"),)
        opening = CaseOpened(
            number=f"S-{number}", programme=PROGRAMME, key=key, key_commitment=commitment, persons=roster
        )
        holder = HOLDER if number < HELD else f"u-{100 + number % 100}"
        yield self._part(case, [opening, CaseAllocated(to=holder, for_role="social_worker"), *_course()], key)
        named = PersonRegistered(person=person, key=key, key_commitment=commitment, full_name=name_of(number))
        yield self._part(person, [named], key)
        self.cases.append(case)

    def _part(self, stream: UUID, events: Sequence[Event], key: UUID) -> Part:
        envelope = Envelope(occurred_at=datetime.now(UTC), actor=Actor("u-99", "caseworker", UNIT), commit=uuid4())
        drafts = [Draft(stream, version, event, envelope, {}, key) for version, event in enumerate(events, start=1)]
        return Part(stream, 0, tuple(map(self._ledger.mapper.to_new_event, drafts)))

    def _folded(self) -> Mapping[str, Sequence[PartRow]]:
        """Let every view follow the first case, and return the rows it is folded to, by view."""
        for view in VIEWS.values():
            follower = Follower(self._conninfo, view)
            while follower.step():
                pass
            follower.close()
        return {view.name: rows_at(self._ledger, view, self._ledger.head().size)[1] for view in SHOWN}

    def _write(self, owner: psycopg.Connection[Any], view: View) -> None:
        """Write the rows of the cases that have none yet."""
        copying = "COPY view.remembered_v1 (view, generation, key, part, known_from, value) FROM STDIN"
        with owner.cursor() as cursor, cursor.copy(copying) as copy:
            for number, case in enumerate(self.cases[self._written :], start=self._written):
                position = (number + 1) * EVENTS_PER_CASE
                for row in self._samples[view.name]:
                    copy.write_row((view.name, 1, case, row.part, position, _value(row.value, number)))


def name_of(number: int) -> str:
    """Return the name of the person of a case: a name of its own, and one that everybody has."""
    return f"Alma Nr{number} Eksempel"


def _course() -> list[Event]:
    """Return what happened in a case after it was allocated."""
    received = NotificationReceived(
        notifier_kind="private", identity_known=True, channel="phone", received_at=datetime.now(UTC), about=("child-A",)
    )
    notes = [NoteRecorded(informant="parent-A", channel="phone", content=TEXT) for _ in range(ENTRIES - 3)]
    return [received, *notes]


def _value(value: Mapping[str, Any], number: int) -> str:
    """Return a row's value with a due date of its own."""
    text = orjson.dumps(value).decode()
    due = value.get("due")
    return text.replace(due, write_instant(FIRST_DUE + timedelta(minutes=number))) if due else text
