"""A case of two parents and a child in a ledger of its own, recorded in this process, published, and asked about."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson

from api.drafting import Commit, Fact
from api.opening import Place
from api.principals import command_line_principal
from api.recording import CaseRecorder, NewPerson
from domain.case_file import CaseFile
from domain.events import EVENTS
from domain.events.base import Event
from domain.events.retention import PersonalDataErased
from ledger.erasure import apply_erasures
from ledger.mapper import read_clear
from ledger.proof.publisher import Publisher
from ledger.proof.signer import FileSigner
from ledger.store import Ledger
from replay.bundle import Bundle, Wish
from tests.verifier.bundles import bundle_of, published, vkey_of

MARCH = datetime(2026, 3, 4, 12, tzinfo=UTC)
ROBOT = command_line_principal("case-work", internal=True)
NOTE: dict[str, Any] = {"channel": "phone"}


def event_of(name: str, **data: Any) -> Event:
    """Return an event from its fields as JSON."""
    return EVENTS[name].model_validate_json(orjson.dumps(data))


@dataclass(frozen=True, slots=True)
class Family:
    """The case, its ledger, and the signer of the log."""

    place: Place
    ledger: Ledger
    signer: FileSigner
    case: UUID

    @property
    def key(self) -> str:
        """The log's public key."""
        return vkey_of(self.signer)

    @property
    def file(self) -> CaseFile:
        """The case as it stands."""
        return CaseFile(self.case, tuple(map(read_clear, self.ledger.read_stream(self.case))))

    def record(self, *events: Event) -> int:
        """Record facts one after the other and return the version of the last one."""

        def decide(_: CaseFile) -> Sequence[Fact]:
            return [Fact(event, MARCH) for event in events]

        recorder = CaseRecorder(self.ledger)
        return asyncio.run(recorder.perform(ROBOT, self.case, None, Commit((), uuid4().hex, b""), decide)).version

    def note(self, informant: str, content: str) -> int:
        """Record what somebody said and return its version."""
        return self.record(event_of("NoteRecorded", informant=informant, content=content, **NOTE))

    def answered(
        self, by: str = "parent-A", about: Any = "parent-A", outcome: str = "granted", kind: str = "own"
    ) -> int:
        """Record a request for access with its answer, and return the version of the answer."""
        asked = {"kind": kind, "by": by, "about": about, "received_at": "2026-03-04T12:00:00Z"}
        request = self.record(event_of("AccessRequestReceived", **asked))
        return self.record(event_of("AccessRequestAnswered", request=request, outcome=outcome))

    def erase(self, ref: str | None) -> None:
        """Erase a person of the case, or with None everything sealed in it, and carry it out."""
        persons = self.file.persons
        keys = {self.file.key: None} if ref is None else {}
        keys |= {one.key: one for name, one in persons.items() if ref in (None, name)}
        for key, person in keys.items():
            erased = PersonalDataErased(
                key=key,
                person=person and person.person,
                subject=person and person.ref,
                basis="GDPR art. 17",
                approved_by="u-81",
                scope="case" if ref is None else "person",
            )
            self.record(erased)
        apply_erasures(self.ledger, None)

    def publish(self) -> int | None:
        """Sign what is new and return the size."""
        publisher = Publisher(self.place.conninfo, self.signer)
        try:
            return publisher.publish()
        finally:
            publisher.close()

    def bundle(self, answer: int | None = None, **wish: Any) -> Bundle:
        """Return a bundle as the ledger stands, published first."""
        self.publish()
        return bundle_of(self.ledger, Wish(self.case, answer=answer, **wish))


def family_in(place: Place, ledger: Ledger, folder: Path) -> Family:
    """Open the case and publish it."""
    persons = [
        NewPerson("parent-A", "mother", "Alma Eksempel"),
        NewPerson("parent-B", "father", "Bent Eksempel"),
        NewPerson("child-A", "child", "Asta Eksempel"),
    ]
    commit = Commit((), uuid4().hex, b"")
    opening = CaseRecorder(ledger).open_case(ROBOT, "S-77", "smaaboernsteam_001", persons, MARCH, commit)
    case = asyncio.run(opening).case
    return Family(place, ledger, published(place, ledger, folder), case)
