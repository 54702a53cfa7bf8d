"""Erasing over HTTP: a case with three persons, a supervisor who proposes and data protection, which decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from domain.case_file import CaseFile
from domain.entries import Entry
from ledger.mapper import read_clear
from ledger.store import Ledger
from tests.api.client import ALMA, Api, Response, command
from tests.api.filing import Office

SUPERVISOR = "u-12"
OFFICER = "u-81"
BENT: dict[str, Any] = {
    "ref": "parent-B",
    "role": "father",
    "full_name": "Bent Eksempel",
    "identifier": "610199-0002",
}
CLASSED: dict[str, Any] = {
    "retention_class": "discard",
    "rule_version": "1",
    "archive": True,
    "erase_not_before": "2026-01-01",
    "kle": "27.24.00-G01",
    "council_decision": "council-2019-14",
}
DELIVERED = {"archive": "town-archive", "receipt": "r-1", "accepted_on": "2026-03-04"}
UNLAWFUL: dict[str, Any] = {"ground": "unlawful", "scope": "person", "subject": "parent-B"}
RETENTION: dict[str, Any] = {"ground": "retention", "scope": "case"}


@dataclass(frozen=True, slots=True)
class Colleagues:
    """Members of staff beside the caseworker, and a look at the ledger from another process."""

    ledger: Ledger
    office: Office
    api: Api

    def file(self, case: str | UUID) -> CaseFile:
        """Return a case as it stands."""
        return CaseFile(UUID(str(case)), tuple(self.entries(case)))

    def entries(self, case: str | UUID) -> Sequence[Entry]:
        """Return the entries of a case."""
        return [read_clear(row) for row in self.ledger.read_stream(UUID(str(case)))]

    def version(self, case: str) -> int:
        """Return the version of a case."""
        return len(self.entries(case))

    def propose(self, case: str, reason: str = "No law allowed it.", **said: Any) -> int:
        """Propose an erasure as the supervisor, as the case stands, and return the version of the proposal."""
        response = propose(self.api, case, self.version(case), SUPERVISOR, reason=reason, **said)
        assert response.status_code == 201, response.text
        return response.json()["version"]

    def key_files(self, case: str, *refs: str) -> list[Path]:
        """Return where the keys of some persons of a case lie, or that of the case itself."""
        file = self.file(case)
        keys = [file.persons[ref].key for ref in refs] or [file.key]
        folder = self.office.home / "keys" / str(self.ledger.id)
        return [folder / key.hex[-2:] / f"{key}.key" for key in keys]


def open_case(api: Api, *commands: dict[str, Any], **changes: Any) -> str:
    """Open a case with a mother and a father and return its id."""
    return api.open_case(*commands, **({"persons": [ALMA, BENT]} | changes))


def kept_long_enough() -> list[dict[str, Any]]:
    """Return the facts after which a case may be erased."""
    return [command("RetentionClassAssigned", CLASSED), command("ArchiveDelivered", DELIVERED)]


def said_by(ref: str, text: str) -> dict[str, Any]:
    """Return a request for access whose text is sealed for who made it."""
    said = {"kind": "own", "by": ref, "about": ref, "received_at": "2026-03-04", "text": text}
    return command("AccessRequestReceived", said)


def answered(version: int) -> dict[str, Any]:
    """Return that a request was answered."""
    return command("AccessRequestAnswered", {"request": version, "outcome": "granted"})


def propose(api: Api, case: str, version: int, staff: str, **said: Any) -> Response:
    """Propose an erasure over HTTP as somebody."""
    body = {"legal_basis": ["GDPR art. 17"], "reason": "No law allowed it."} | said
    with api.acting_as(staff) as other:
        return other.post(f"/cases/{case}/erasures/proposals", body, version=version)


def reject(api: Api, case: str, version: int, proposal: int, reason: str) -> Response:
    """Turn a proposal down over HTTP, as data protection."""
    with api.acting_as(OFFICER) as officer:
        return officer.post(
            f"/cases/{case}/erasures/proposals/{proposal}/rejection", {"reason": reason}, version=version
        )


def erase(api: Api, case: str, version: int, proposal: int, **headers: str | None) -> Response:
    """Decide a proposal over HTTP, as data protection."""
    with api.acting_as(OFFICER) as officer:
        return officer.post(f"/cases/{case}/erasures", {"proposal": proposal}, version=version, **headers)


def erasures(api: Api, case: str, **parameters: str | int) -> dict[str, Any]:
    """Return what the service says of the erasures of a case."""
    with api.acting_as(OFFICER) as officer:
        response = officer.get(f"/cases/{case}/erasures", **parameters)
    assert response.status_code == 200, response.text
    return response.json()
