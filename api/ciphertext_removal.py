"""Removing the sealed bytes that nobody can open any more: as the schema's owner, after erasures on record.

What is counted is what lies in the database, so a run that was cut off is taken up by the next, and one with nothing
left to remove records nothing.
"""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.errors import InsufficientPrivilege

from api.drafting import Commit, Fact
from api.principals import Principal
from api.recording import CaseRecorder, StaleVersion
from domain.case_file import CaseFile
from domain.entries import Entry
from domain.erased import NOTHING_ERASED, Erased, erasures_among
from domain.events.retention import CiphertextRemoved, PersonalDataErased
from ledger.appender import SQL
from ledger.erasure import ErasureRegister
from ledger.format import StoredRow, read_segment_table, split_state
from ledger.mapper import read_clear
from ledger.store import Ledger

ATTEMPTS = 5


class NotTheOwner(Exception):
    """This login does not own the schema: name one that does in CASELEDGER_OWNER_URL."""

    def __str__(self) -> str:
        return str(self.__doc__)


def remove_ciphertext(
    ledger: Ledger, owner: psycopg.Connection[Any], principal: Principal, say: Callable[[str], None] = lambda _: None
) -> int:
    """Remove the sealed bytes of every erased entry and record it per erasure; returns of how many entries.

    ``owner`` is an autocommit connection of the schema's owner; ``say`` is told of each case. Raises NotTheOwner and
    LedgerError.
    """
    erased = ErasureRegister(ledger).now()
    cases = dict.fromkeys(row.stream for row in ledger.read_topic(PersonalDataErased.TOPIC))
    removed = 0
    for case in cases:
        found = sum(_remove(owner, row) for row in _rows(ledger, case) if _is_covered(row, erased))
        _record(ledger, principal, case)
        if found:
            say(f"case {case}: sealed bytes of {found} entries removed")
        removed += found
    if removed:
        owner.execute(SQL["vacuum"])
    return removed


def _rows(ledger: Ledger, case: UUID) -> list[StoredRow]:
    """Return the rows of a case, and of the streams of the persons that were erased in it."""
    rows = ledger.read_stream(case)
    return [*rows, *ledger.read_streams(_persons(_erasures(rows)))]


def _erasures(rows: list[StoredRow]) -> tuple[Entry, ...]:
    return erasures_among(read_clear(row) for row in rows if row.topic == PersonalDataErased.TOPIC)


def _persons(erasures: tuple[Entry, ...]) -> list[UUID]:
    return [UUID(erasure.data["person"]) for erasure in erasures if erasure.data.get("person")]


def _is_covered(row: StoredRow, erased: Erased) -> bool:
    """Whether a row has sealed bytes left, all of which are erased; one sealed for somebody else too stays whole."""
    segments = read_segment_table(row.segments)
    if len(segments) == 1 or len(split_state(segments, row.state)) < len(segments):
        return False
    return all(erased.why(row.stream, row.version, segment.key) for segment in segments[1:])


def _remove(owner: psycopg.Connection[Any], row: StoredRow) -> bool:
    try:
        found = owner.execute(SQL["remove_ciphertext"], [row.position]).fetchone()
    except InsufficientPrivilege:
        raise NotTheOwner from None
    return bool(found and found[0])


def _record(ledger: Ledger, principal: Principal, case: UUID) -> None:
    """Record for each erasure of a case the entries whose bytes are gone and were not recorded as gone before."""
    recorder = CaseRecorder(ledger)
    for _ in range(ATTEMPTS):
        facts, version = _unrecorded(ledger, case)
        if not facts:
            return
        commit = Commit((), f"ciphertext removal {uuid4()}", b"ciphertext removal")
        try:
            asyncio.run(recorder.perform(principal, case, version, commit, _always(facts)))
        except StaleVersion:
            continue
        return


def _always(facts: list[Fact]) -> Callable[[CaseFile], list[Fact]]:
    return lambda _: facts


def _unrecorded(ledger: Ledger, case: UUID) -> tuple[list[Fact], int]:
    rows, now = _rows(ledger, case), ledger.now()
    entries = [read_clear(row) for row in rows if row.stream == case]
    gone = [
        row for row in rows if len(split_state(segments := read_segment_table(row.segments), row.state)) < len(segments)
    ]
    facts: list[Fact] = []
    for erasure in erasures_among(entries):
        alone = NOTHING_ERASED.and_by([erasure])
        number = sum(
            any(alone.why(r.stream, r.version, s.key) for s in read_segment_table(r.segments)[1:]) for r in gone
        )
        told = sum(e.data["entries"] for e in entries if _is_about(e, erasure))
        if number > told:
            facts.append(Fact(CiphertextRemoved(erasure=erasure.version, entries=number - told), now))
    return facts, len(entries)


def _is_about(entry: Entry, erasure: Entry) -> bool:
    return entry.topic == CiphertextRemoved.TOPIC and entry.data["erasure"] == erasure.version
