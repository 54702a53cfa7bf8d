"""Signed notes (c2sp.org/signed-note): a text and lines of signatures, and the keys that check them.

Four kinds of key are known: Ed25519 over the text (1), Ed25519 cosignature (4) and ML-DSA-44 cosignature (6), both with
a time and over a checkpoint (c2sp.org/tlog-cosignature). What is signed by an unknown key is passed over.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

ED25519, COSIGNATURE, COSIGNATURE_ML_DSA = 0x01, 0x04, 0x06
PUBLIC_KEY_BYTES = {ED25519: 32, COSIGNATURE: 32, COSIGNATURE_ML_DSA: 1312}
MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100
LAST_TIME = 2**63 - 1
DASH = "\N{EM DASH} "

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_NAME = re.compile(r"[^\s+]+")
_VKEY = re.compile(r"(?P<name>[^\s+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/]+={0,2})")


class NoteError(ValueError):
    """A note, a key or a signature does not have the form it must have, or does not verify."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One line below a note: the name and id of the key, and what it signed with."""

    name: str
    key_id: bytes
    blob: bytes

    def __str__(self) -> str:
        return f"{DASH}{self.name} {encode(self.key_id + self.blob)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends in a newline, and the signatures below it."""

    text: str
    signatures: tuple[Signature, ...] = ()

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.signatures))}"

    def signed(self, *signatures: Signature) -> "Note":
        """Return the note with further signatures; one of a key that signed before takes its place."""
        new = {(one.name, one.key_id) for one in signatures}
        kept = tuple(one for one in self.signatures if (one.name, one.key_id) not in new)
        return Note(self.text, (*kept, *signatures))


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key by name (a *vkey*); its id is computed, never taken from outside."""

    name: str
    kind: int
    public_key: bytes

    def __post_init__(self) -> None:
        """Refuse a name or key that cannot be one."""
        if not _NAME.fullmatch(self.name):
            raise NoteError("the name of a key is empty or holds a blank or a plus")
        if PUBLIC_KEY_BYTES.get(self.kind) != len(self.public_key):
            raise NoteError("a key is of an unknown kind or has another length than its kind")

    @classmethod
    def read(cls, text: str) -> "VerifierKey":
        """Return a key from its text; raises NoteError where it is none or its id is not that of the key."""
        found = _VKEY.fullmatch(text)
        if found is None:
            raise NoteError("a verifier key must be name+id+key, the id as eight hexadecimal digits, the key in base64")
        key = decode(found["key"])
        vkey = cls(found["name"], key[0], key[1:])
        if vkey.key_id.hex() != found["id"]:
            raise NoteError("the id of a verifier key is not that of its name and key")
        return vkey

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode(bytes([self.kind]) + self.public_key)}"

    @property
    def key_id(self) -> bytes:
        """The first four bytes of the hash over name, kind and key."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public_key).digest()[:4]

    def of(self, note: Note) -> list[Signature]:
        """Return the signatures below a note that say they are by this key."""
        return [one for one in note.signatures if one.name == self.name and one.key_id == self.key_id]

    def check(self, text: str, signature: Signature) -> int | None:
        """Check a signature over a text; returns its time in seconds since 1970, None for a kind without.

        Raises NoteError where it is not one of this key.
        """
        signed, blob, time = text.encode(), signature.blob, None
        if self.kind != ED25519:
            time, blob = int.from_bytes(blob[:8], "big"), blob[8:]
            if len(signature.blob) < 8 or not 0 < time <= LAST_TIME:
                raise NoteError(f"the cosignature of {self.name} has no time")
            signed = cosigned(self.kind, self.name, time, text)
        try:
            self._public().verify(blob, signed)
        except (InvalidSignature, ValueError):
            raise NoteError(f"the signature of {self.name} is not one of its key over this text") from None
        return time

    def _public(self) -> Ed25519PublicKey | MLDSA44PublicKey:
        kind = MLDSA44PublicKey if self.kind == COSIGNATURE_ML_DSA else Ed25519PublicKey
        return kind.from_public_bytes(self.public_key)


class PrivateKey(Protocol):
    """What signs: an Ed25519 or ML-DSA-44 key of the library, or of a device."""

    def sign(self, data: bytes, /) -> bytes:
        """Return a signature."""
        ...


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and the public one that checks it; shows nothing of itself when printed."""

    vkey: VerifierKey
    private: PrivateKey

    def __repr__(self) -> str:
        return f"SigningKey({self.vkey.name})"

    @classmethod
    def ed25519(cls, name: str, seed: bytes, kind: int = ED25519) -> "SigningKey":
        """Return the Ed25519 key of a 32-byte seed, for texts or (kind 4) for cosignatures."""
        private = Ed25519PrivateKey.from_private_bytes(seed)
        return cls(VerifierKey(name, kind, private.public_key().public_bytes_raw()), private)

    @classmethod
    def ml_dsa(cls, name: str, seed: bytes) -> "SigningKey":
        """Return the ML-DSA-44 key (FIPS 204) of a 32-byte seed, for cosignatures."""
        private = MLDSA44PrivateKey.from_seed_bytes(seed)
        return cls(VerifierKey(name, COSIGNATURE_ML_DSA, private.public_key().public_bytes_raw()), private)

    def sign(self, text: str, time: int) -> Signature:
        """Return a signature over a text; ``time`` in seconds since 1970 goes into those kinds that hold one."""
        vkey = self.vkey
        if vkey.kind == ED25519:
            return Signature(vkey.name, vkey.key_id, self.private.sign(text.encode()))
        blob = time.to_bytes(8, "big") + self.private.sign(cosigned(vkey.kind, vkey.name, time, text))
        return Signature(vkey.name, vkey.key_id, blob)


def read_note(content: str | bytes) -> Note:
    """Return a note from its bytes; raises NoteError where they are none."""
    text, below = _halves(content)
    lines = below.split("\n")[:-1]
    if len(lines) > MAX_SIGNATURES:
        raise NoteError(f"a note has more than {MAX_SIGNATURES} signatures")
    return Note(text, tuple(map(read_signature, lines)))


def read_signature(line: str) -> Signature:
    """Return a signature from its line without newline; raises NoteError."""
    dash, _, rest = line.partition(" ")
    name, _, coded = rest.partition(" ")
    if dash + " " != DASH or not _NAME.fullmatch(name):
        raise NoteError("a signature line must be a dash, the name of a key and the signature in base64")
    content = decode(coded)
    if len(content) < 5:
        raise NoteError("a signature is shorter than the id of a key")
    return Signature(name, content[:4], content[4:])


def verified(note: Note, keys: Iterable[VerifierKey]) -> dict[VerifierKey, int | None]:
    """Return the keys that signed a note, each with the time it signed at where its kind holds one.

    Signatures of other keys are passed over. Raises NoteError where one that says it is by a given key is not.
    """
    found: dict[VerifierKey, int | None] = {}
    for key in keys:
        times = [key.check(note.text, signature) for signature in key.of(note)]
        if times:
            found[key] = times[-1]
    return found


def cosigned(kind: int, name: str, time: int, text: str) -> bytes:
    """Return the message that a cosignature of a checkpoint signs; raises NoteError for what is no checkpoint."""
    if kind == COSIGNATURE:
        return f"cosignature/v1\ntime {time}\n{text}".encode()
    origin, size, root = read_head(text)
    return b"".join(
        (
            b"subtree/v1\n\0",
            _short(name),
            time.to_bytes(8, "big"),
            _short(origin),
            bytes(8),
            size.to_bytes(8, "big"),
            root,
        )
    )


def read_head(text: str) -> tuple[str, int, bytes]:
    """Return origin, size and root of a checkpoint's text (c2sp.org/tlog-checkpoint); raises NoteError.

    Further lines are passed over: no signature of ours is over any.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise NoteError("a checkpoint has at least three lines, none of them empty: origin, size, root")
    root = decode(lines[2])
    if len(root) != 32:
        raise NoteError("the root of a checkpoint does not have 32 bytes")
    return lines[0], read_size(lines[1]), root


def read_size(text: str) -> int:
    """Return a number of leaves from its decimal digits; raises NoteError for any other text."""
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", text, re.ASCII) or int(text) > LAST_TIME:
        raise NoteError("a size must be a whole number of at most 2^63 - 1 without leading zeros")
    return int(text)


def encode(content: bytes) -> str:
    """Return bytes in base64 (RFC 4648, section 4)."""
    return b64encode(content).decode()


def decode(text: str) -> bytes:
    """Return the bytes of base64 in its one right form; raises NoteError for any other."""
    try:
        content = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        content = b""
    if not content or encode(content) != text:
        raise NoteError("what must be base64 is not")
    return content


def hashes(lines: Sequence[str]) -> list[bytes]:
    """Return 32-byte hashes from one line of base64 each; raises NoteError."""
    found = [decode(line) for line in lines]
    if any(len(one) != 32 for one in found):
        raise NoteError("a hash does not have 32 bytes")
    return found


def _halves(content: str | bytes) -> tuple[str, str]:
    if len(content) > MAX_NOTE_BYTES:
        raise NoteError("a note is larger than a megabyte")
    try:
        whole = content.decode() if isinstance(content, bytes) else content
        whole.encode()
    except UnicodeError:
        raise NoteError("a note is not text in UTF-8") from None
    if _CONTROL.search(whole):
        raise NoteError("a note holds a control character")
    at = whole.rfind("\n\n")
    if at <= 0 or not whole.endswith("\n") or at + 2 == len(whole):
        raise NoteError("a note must be a text, an empty line, and at least one signature line that ends in a newline")
    return whole[: at + 1], whole[at + 2 :]


def _short(text: str) -> bytes:
    content = text.encode()
    if not 0 < len(content) < 256:
        raise NoteError("a name or origin must have 1 to 255 bytes")
    return bytes([len(content)]) + content
