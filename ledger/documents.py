"""The documents of one ledger: sealed in its content store or linked in another system, proven by their commitment."""

import hmac
import os
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal
from uuid import UUID

from domain.entries import Entry
from ledger.content_store import ContentMissing, ContentPlace, ContentStore
from ledger.document_systems import DocumentSystem, DocumentTooLarge, FolderSystem, SystemUnavailable
from ledger.errors import KeyMissing, LedgerError, SealBroken

CONTENT = "content"
"""What entries call the content store."""

LINKED = FolderSystem.name
"""What entries call the municipality's document system."""

State = Literal["present", "missing", "changed"]
_SALT_BYTES = 32


class DocumentMissing(LedgerError):
    """A document was filed, but its bytes cannot be produced."""


class DocumentChanged(LedgerError):
    """What lies in the place of a document is not what was filed."""


class Commitment:
    """The salted digest of a document's bytes, made while they pass by: SHA-256(salt ‖ bytes)."""

    def __init__(self, salt: bytes | None = None) -> None:
        self._salt = os.urandom(_SALT_BYTES) if salt is None else salt
        self._digest = sha256(self._salt)

    def add(self, content: bytes) -> None:
        """Take in the next bytes."""
        self._digest.update(content)

    @property
    def salt(self) -> str:
        """The salt in hexadecimal digits."""
        return self._salt.hex()

    @property
    def value(self) -> str:
        """The commitment to the bytes so far, in hexadecimal digits."""
        return self._digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Claim:
    """What an entry says about a version of a document: where it lies and what it was.

    ``location`` is its name in another system, ``salt`` what the commitment was salted with; None where their key is
    gone.
    """

    place: ContentPlace
    store: str
    reference: str
    commitment: str
    salt: str | None
    location: str | None = None


def claim_of(entry: Entry) -> Claim:
    """Return what a filing says about its bytes, as it was written."""
    data = entry.data
    place = ContentPlace(entry.stream, data["document"], data["version"])
    return Claim(place, data["store"], data["reference"], data["commitment"], data.get("salt"), data.get("place"))


@dataclass(frozen=True, slots=True)
class Proven:
    """The bytes of a document, which were gone through once and are those that were filed."""

    pieces: Iterable[bytes]
    size: int


class Documents:
    """The documents of one ledger, wherever they lie. ``system`` is None where no other system is set up."""

    def __init__(self, content: ContentStore, system: DocumentSystem | None = None) -> None:
        self.content = content
        self.system = system

    def prove(self, claim: Claim) -> Proven:
        """Return the bytes of a document, having compared all of them with the commitment.

        Raises DocumentMissing or DocumentChanged, and SystemUnavailable where another system does not answer.
        """
        if claim.salt is None:
            raise DocumentMissing
        size = 0
        try:
            commitment = Commitment(bytes.fromhex(claim.salt))
            pieces = self._pieces(claim)
            for piece in pieces:
                commitment.add(piece)
                size += len(piece)
        except (ContentMissing, KeyMissing):
            raise DocumentMissing from None
        except (SealBroken, DocumentTooLarge, ValueError):
            raise DocumentChanged from None
        if not hmac.compare_digest(commitment.value, claim.commitment):
            raise DocumentChanged
        return Proven(pieces, size)

    def state(self, claim: Claim) -> State:
        """Return whether a document's bytes are there and the ones that were filed; raises SystemUnavailable."""
        try:
            self.prove(claim)
        except DocumentMissing:
            return "missing"
        except DocumentChanged:
            return "changed"
        return "present"

    def reseal(self, claim: Claim, place: ContentPlace, key_id: UUID) -> str:
        """Seal a proven document anew for another place, as an entry moved to another case needs; return its name.

        Raises as ``prove`` does, and KeyMissing.
        """
        proven = self.prove(claim)
        draft = self.content.draft(place, key_id)
        try:
            for piece in proven.pieces:
                draft.write(piece)
            draft.keep()
        except BaseException:
            draft.abandon()
            raise
        return draft.name

    def _pieces(self, claim: Claim) -> Iterable[bytes]:
        if claim.store == CONTENT:
            return self.content.read(claim.place, claim.reference)
        if claim.store != LINKED or claim.location is None:
            raise DocumentMissing
        if self.system is None:
            raise SystemUnavailable
        content = self.system.read(claim.location)
        if content is None:
            raise DocumentMissing
        return [content]
