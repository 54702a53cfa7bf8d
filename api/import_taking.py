"""Where the rows of another system go: into the ledger, or into a rehearsal that writes nothing and refuses alike."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast
from uuid import UUID, uuid4

import orjson
from pydantic import BaseModel, ValidationError

from api.bodies import PersonBody, new_person, pointed
from api.drafting import Commit, Fact, preview_event
from api.import_map import CASE, PERSON, Claim
from api.principals import Principal
from api.recording import CaseRecorder, KeyReused, NewPerson, NotYetHappened, Recorded, StaleVersion, request_digests
from domain.case_file import CaseFile
from domain.entries import Entry
from domain.errors import Malformed, Problem
from domain.events import EVENTS
from domain.events.administration import CaseOpened, PersonJoined
from domain.events.base import Code, Event, reference_marks
from domain.plausibility import came_at
from domain.recording import record_facts
from domain.time import start_of
from ledger.mapper import read_clear
from ledger.store import Ledger

NO_CASE = "names a case that no row before this one opens: put the row that opens it first"
NO_ROW = "names a row of this case that was not taken over: put it first, or leave the reference out"
Form = TypeVar("Form", bound=BaseModel)


class _Opening(BaseModel):
    programme: Code


class Names:
    """Where rows of a system stand in the ledger, asked of its record of requests."""

    def __init__(self, ledger: Ledger, source: str) -> None:
        self._ledger, self._source = ledger, source
        self.principal = Principal(f"import:{source}", "operator", None, "import", internal=True)

    def key(self, claim: Claim) -> str:
        """Return the idempotency key of a claim: by the number of a case for the row that opens it."""
        return self.of_case(claim.case) if claim.act == CASE else self.of_row(claim.id)

    def of_case(self, number: str) -> str:
        """Return the key under which a case was opened."""
        return f"import {self._source} case {number}"

    def of_row(self, row: str) -> str:
        """Return the key under which any other row was taken over."""
        return f"import {self._source} row {row}"

    def find(self, key: str, body: bytes | None = None) -> Entry | None:
        """Return the first entry recorded under a key; raises KeyReused where it was recorded with another body."""
        digest, fingerprint = request_digests(self._ledger.keys, self.principal, Commit((), key, body or b""))
        known = self._ledger.find_request(digest)
        if known is None:
            return None
        if body is not None and known[0] != fingerprint:
            raise KeyReused
        return read_clear(self._ledger.read_range(known[1], known[1])[0])


class Recording:
    """Takes claims into the ledger, each in a request of its own."""

    def __init__(self, ledger: Ledger, source: str, reason: str) -> None:
        self._names, self._recorder, self._reason = Names(ledger, source), CaseRecorder(ledger), reason
        self._cases: dict[str, tuple[UUID, int]] = {}

    async def take(self, claim: Claim, body: bytes, source: str) -> bool:
        """Record a claim; False where it is on record. Raises Malformed and RecordingError."""
        key = self._names.key(claim)
        if self._names.find(key, body) is not None:
            return False
        commit = Commit((), key, body, self._reason)
        if claim.act == CASE:
            made = await self._recorder.open_case(
                self._names.principal, claim.case, programme_of(claim), (), claim.occurred_at, commit, source=source
            )
        else:
            made = await self._in_case(claim, commit, source)
        self._cases[claim.case] = made.case, made.version
        return True

    async def _in_case(self, claim: Claim, commit: Commit, source: str) -> Recorded:
        """Record in a case at whatever version it is: others may record in it meanwhile."""
        case, version = self._cases.get(claim.case) or (_opened(self._names.find(self._names.of_case(claim.case))), 1)
        while True:
            try:
                return await self._at(case, version, claim, commit, source)
            except StaleVersion as error:
                version = error.current

    async def _at(self, case: UUID, version: int, claim: Claim, commit: Commit, source: str) -> Recorded:
        principal = self._names.principal
        if claim.act == PERSON:
            person = person_of(claim)
            return await self._recorder.add_person(
                principal, case, version, person, claim.occurred_at, commit, source=source
            )
        event = event_of(claim, lambda row: _version(self._names.find(self._names.of_row(row)), case))
        fact = Fact(event, claim.occurred_at, claim.reached_at, source)
        whole = Commit((fact,), commit.key, commit.body, commit.reason)
        return await self._recorder.record(principal, case, version, whole)


class Rehearsal:
    """Takes claims into copies of the cases in memory: the same questions are asked, nothing is written."""

    def __init__(self, ledger: Ledger, source: str) -> None:
        self._names, self._ledger = Names(ledger, source), ledger
        self._recorder = CaseRecorder(ledger)
        self._files: dict[str, CaseFile] = {}
        self._taken: dict[str, tuple[bytes, str, int]] = {}

    async def take(self, claim: Claim, body: bytes, source: str) -> bool:  # noqa: ARG002 - as Recording
        """Try a claim; False where it is on record or was tried. Raises as recording it would."""
        key = self._names.key(claim)
        if self._is_known(key, body):
            return False
        file = CaseFile(uuid4()) if claim.act == CASE else await self._file(claim)
        event = self._event(claim, file)
        if max(start_of(at) for at in (claim.occurred_at, claim.reached_at, came_at(event)) if at) > self._ledger.now():
            raise NotYetHappened(self._ledger.now())
        entry = preview_event(file, event, start_of(claim.occurred_at), self._names.principal)
        self._files[claim.case] = file.extended([entry])
        self._taken[key] = body, claim.case, entry.version
        return True

    def _is_known(self, key: str, body: bytes) -> bool:
        tried = self._taken.get(key)
        if tried is not None and tried[0] != body:
            raise KeyReused
        return tried is not None or self._names.find(key, body) is not None

    async def _file(self, claim: Claim) -> CaseFile:
        known = self._files.get(claim.case)
        return known or await self._recorder.read_file(_opened(self._names.find(self._names.of_case(claim.case))))

    def _event(self, claim: Claim, file: CaseFile) -> Event:
        if claim.act == CASE:
            programme = programme_of(claim)
            return CaseOpened(number=claim.case, programme=programme, key=uuid4(), key_commitment="0" * 64, persons=())
        if claim.act == PERSON:
            return _joined(file, person_of(claim))
        event = event_of(claim, lambda row: self._version(row, claim, file))
        return record_facts(file, [event])[0]

    def _version(self, row: str, claim: Claim, file: CaseFile) -> int | None:
        _, case, version = self._taken.get(self._names.of_row(row), (b"", "", 0))
        return version if case == claim.case else _version(self._names.find(self._names.of_row(row)), file.case)


def programme_of(claim: Claim) -> str:
    """Return the programme of a case to open; raises Malformed."""
    return _read(_Opening, claim.data).programme


def person_of(claim: Claim) -> NewPerson:
    """Return the person of a row; raises Malformed."""
    return new_person(_read(PersonBody, claim.data))


def event_of(claim: Claim, version: Callable[[str], int | None]) -> Event:
    """Return the event of a row, its references to other rows as versions of the case; raises Malformed."""
    kind, data, problems = EVENTS[claim.act], dict(claim.data), list[Problem]()
    for name in reference_marks(kind).keys() & data.keys():
        named = cast(list[Any], data[name]) if isinstance(data[name], list) else [data[name]]
        found = [version(str(row)) for row in named]
        if None in found:
            problems.append(Problem(f"/data/{name}", NO_ROW))
        data[name] = found if isinstance(data[name], list) else found[0]
    if problems:
        raise Malformed(problems)
    return _read(kind, data)


def _read(form: type[Form], data: Mapping[str, Any]) -> Form:
    try:
        return form.model_validate_json(orjson.dumps(dict(data)))
    except ValidationError as error:
        raise Malformed(pointed(error, data, "/data")) from None


def _joined(file: CaseFile, person: NewPerson) -> PersonJoined:
    if person.ref in file.persons:
        raise Malformed([Problem("/data/ref", "names a person of this case already: choose another")])
    return PersonJoined(ref=person.ref, person=uuid4(), key=uuid4(), role=person.role)


def _opened(opening: Entry | None) -> UUID:
    if opening is None:
        raise Malformed([Problem("/case", NO_CASE)])
    return opening.stream


def _version(entry: Entry | None, case: UUID) -> int | None:
    """Return the version of an entry of this case; None for an entry of another, and for none."""
    return entry.version if entry is not None and entry.stream == case else None
