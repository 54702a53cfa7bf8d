"""Putting on record again what only the erasure log knows: erasures decided after the backup a database came from.

A tombstone says which key was destroyed and when. The ledger says whose key it was; who decided, and on which ground,
stood in the entries that were lost.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from uuid import UUID, uuid4

from api.drafting import Commit, Fact
from api.key_check import entries_of
from api.principals import Principal
from api.recording import CaseRecorder
from domain.case_file import ROSTER_TOPICS, CaseFile
from domain.entries import Entry
from domain.erased import NOTHING_ERASED
from domain.events.administration import CaseOpened
from domain.events.retention import PersonalDataErased
from ledger.erasure import ErasureRegister
from ledger.erasures import Erasure
from ledger.keys import FileKeyStore
from ledger.store import Ledger

BASIS = ("erasure log",)
Tombstones = Mapping[UUID, Erasure]


class NothingLeft(Exception):
    """Everything is on record by now: somebody else was quicker."""


def record_from_log(ledger: Ledger, keys: FileKeyStore, principal: Principal) -> int:
    """Record an erasure for each tombstone of a key of a case or its persons that none on record names.

    Returns how many were recorded; a second run records nothing. Raises as recording does.
    """
    tombstones = {tombstone.key: tombstone for tombstone in keys.erased()}
    unknown = tombstones.keys() - ErasureRegister(ledger).now().keys
    cases = _cases_with(ledger, unknown) if unknown else ()
    recorder = CaseRecorder(ledger)
    return sum(_recorded(ledger, recorder, principal, case, tombstones) for case in cases)


def _cases_with(ledger: Ledger, keys: Collection[UUID]) -> list[UUID]:
    """Return the cases among whose own keys and those of their persons are some of these, in order of position."""
    rosters = entries_of(ledger, sorted(ROSTER_TOPICS))
    return list(dict.fromkeys(entry.stream for entry in rosters if any(key in keys for key in _keys(entry))))


def _keys(roster: Entry) -> Iterator[UUID]:
    """Yield the keys that an entry brings into a case."""
    if roster.data.get("key"):
        yield UUID(roster.data["key"])
    if roster.topic == CaseOpened.TOPIC:
        yield from (UUID(person["key"]) for person in roster.data["persons"])


def _recorded(ledger: Ledger, recorder: CaseRecorder, principal: Principal, case: UUID, tombstones: Tombstones) -> int:
    now = ledger.now()

    def decide(file: CaseFile) -> list[Fact]:
        facts = list(_missing(file, tombstones, principal, now))
        if not facts:
            raise NothingLeft
        return facts

    commit = Commit((), f"erasure log {uuid4()}", b"erasure log")
    try:
        return len(asyncio.run(recorder.perform(principal, case, None, commit, decide)).entries)
    except NothingLeft:
        return 0


def _missing(file: CaseFile, tombstones: Tombstones, principal: Principal, now: datetime) -> Iterator[Fact]:
    """Yield an erasure for each key of a case that has a tombstone and is not erased on record."""
    owners = {file.key: None} | {person.key: person for person in file.persons.values()}
    scope = "case" if owners.keys() <= tombstones.keys() else "person"
    on_record = NOTHING_ERASED.and_by(file.entries).keys
    for key, person in owners.items():
        if key not in tombstones or key in on_record:
            continue
        commitment = tombstones[key].commitment
        erasure = PersonalDataErased(
            key=key,
            key_commitment=commitment.hex() if commitment is not None else None,
            person=person.person if person is not None else None,
            subject=person.ref if person is not None else None,
            basis=BASIS,
            approved_by=principal.id,
            scope=scope,
            key_epoch=tombstones[key].epoch,
            reapplied=True,
        )
        yield Fact(erasure, min(tombstones[key].erased_at, now), through_gate=True)
