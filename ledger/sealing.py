"""Sealing one segment of an event for one data subject, bound to its place and committed to its plaintext.

Per segment a fresh AES key and salt are derived from the subject's key: ``key ‖ salt = HKDF-Expand-SHA256(subject key,
"caseledger/v1 seg\\0" ‖ stream ‖ i64 version ‖ u16 segment, 64)``. The stored bytes are ``nonce12 ‖ AES-256-GCM``, with
the place as associated data, so that a ciphertext moved to another event, subject or schema does not open. GCM alone
does not commit to its key; ``SHA-256("caseledger/v1 pt\\0" ‖ salt ‖ plaintext)`` in the segment table does, and lets
whoever is given salt and plaintext check them against the ledger without any key.
"""

import hmac
import os
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.errors import SealBroken
from ledger.format import Segment

_SEGMENT_DOMAIN = b"caseledger/v1 seg\x00"
_PLAINTEXT_DOMAIN = b"caseledger/v1 pt\x00"
_PLACE = Struct(">16sqH")
_SCHEMA = Struct(">H")
NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed segment stands: stream, version, topic, schema version of the event and number of the segment."""

    stream: UUID
    version: int
    topic: str
    schema: int
    number: int

    def packed(self) -> bytes:
        """Return stream, version and segment number as bytes."""
        return _PLACE.pack(self.stream.bytes, self.version, self.number)


def derive(key: bytes, place: Place) -> tuple[bytes, bytes]:
    """Return the AES key and the salt of one segment (HKDF-Expand of RFC 5869, two blocks)."""
    info = _SEGMENT_DOMAIN + place.packed()
    first = hmac.digest(key, info + b"\x01", "sha256")
    return first, hmac.digest(key, first + info + b"\x02", "sha256")


def plaintext_commitment(salt: bytes, plaintext: bytes) -> bytes:
    """Return the digest that binds the plaintext of a segment."""
    return sha256(_PLAINTEXT_DOMAIN + salt + plaintext).digest()


def _associated(place: Place, key_id: UUID) -> bytes:
    topic = place.topic.encode()
    return b"".join(
        [_SEGMENT_DOMAIN, place.packed(), _SCHEMA.pack(len(topic)), topic, key_id.bytes, _SCHEMA.pack(place.schema)]
    )


def seal(key: bytes, key_id: UUID, place: Place, plaintext: bytes) -> tuple[Segment, bytes]:
    """Return the line for the segment table and the bytes to store."""
    aes_key, salt = derive(key, place)
    nonce = os.urandom(NONCE_BYTES)
    stored = nonce + AESGCM(aes_key).encrypt(nonce, plaintext, _associated(place, key_id))
    return Segment(key_id, len(stored), sha256(stored).digest(), plaintext_commitment(salt, plaintext)), stored


def unseal(key: bytes, segment: Segment, place: Place, stored: bytes) -> bytes:
    """Return the plaintext; raises SealBroken when bytes, place or key are not those it was sealed with."""
    aes_key, salt = derive(key, place)
    try:
        plaintext = AESGCM(aes_key).decrypt(stored[:NONCE_BYTES], stored[NONCE_BYTES:], _associated(place, segment.key))
    except (InvalidTag, ValueError):
        raise SealBroken from None
    if not hmac.compare_digest(plaintext_commitment(salt, plaintext), segment.plaintext_commitment):
        raise SealBroken
    return plaintext
