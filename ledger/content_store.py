"""The content store: the bytes of documents, sealed piece by piece, each file bound to its case, document and version.

A file is ``"CLD1" ‖ key id (16)`` and then pieces of at most a mebibyte, each ``AES-256-GCM`` with its tag. Its key is
``HKDF-Expand-SHA256(subject key, "caseledger/v1 content\\0" ‖ name (16), 32)``: the name is random and used once, so
the nonce can be the number of the piece and whether it is the last. The associated data name the place, so that a file
moved to another case, document or version does not open. Nothing is ever overwritten.
"""

import hmac
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import BinaryIO
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.errors import LedgerError, SealBroken
from ledger.folders import flush_folder, make_folder
from ledger.keys import KeyStore

PIECE_BYTES = 2**20
TAG_BYTES = 16
_MAGIC = b"CLD1"
_DOMAIN = b"caseledger/v1 content\x00"
_PLACE = Struct(">16s16sqH")
_NONCE = Struct(">7xI?")
_HEADER_BYTES = len(_MAGIC) + 16


class ContentMissing(LedgerError):
    """There is no file with these bytes in the content store."""


@dataclass(frozen=True, slots=True)
class ContentPlace:
    """What a file is bound to: the case, the document by its id there, and the version of the document."""

    case: UUID
    document: str
    version: int

    def associated(self, key_id: UUID) -> bytes:
        """Return the bytes that bind every piece to this place and to the key."""
        document = self.document.encode()
        return _DOMAIN + _PLACE.pack(self.case.bytes, key_id.bytes, self.version, len(document)) + document


class ContentStore:
    """The files of one ledger, in a folder for each case, under random names that say nothing."""

    def __init__(self, folder: Path, keys: KeyStore) -> None:
        self._folder = folder
        self._keys = keys

    def draft(self, place: ContentPlace, key_id: UUID) -> "ContentDraft":
        """Begin a file sealed with a key; raises KeyMissing."""
        return ContentDraft(self._folder / str(place.case), place, key_id, self._keys.get(key_id))

    def read(self, place: ContentPlace, name: str) -> "SealedContent":
        """Return what is sealed in a file, to be read as often as needed."""
        return SealedContent(self._path(place.case, name), place, self._keys)

    def discard(self, case: UUID, name: str) -> None:
        """Remove a file that no entry names."""
        path = self._path(case, name)
        path.unlink(missing_ok=True)
        flush_folder(path.parent)

    def remove_sealed_under(self, case: UUID, keys: Collection[UUID]) -> int:
        """Remove the files of a case, drafts among them, that name one of some keys; returns how many."""
        doomed = [self._folder / str(case) / name for name in self.names(case)]
        doomed = [path for path in doomed if _key_of(path) in keys]
        for path in doomed:
            path.unlink(missing_ok=True)
        if doomed:
            flush_folder(doomed[0].parent)
        return len(doomed)

    def cases(self) -> Iterator[UUID]:
        """Yield the cases that have a folder here."""
        with suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                with suppress(ValueError):
                    yield UUID(entry.name)

    def names(self, case: UUID) -> dict[str, float]:
        """Return the names of all files of a case, drafts left behind among them, each with the time of its writing."""
        found: dict[str, float] = {}
        with suppress(FileNotFoundError), os.scandir(self._folder / str(case)) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    found[entry.name] = entry.stat(follow_symlinks=False).st_mtime
        return found

    def _path(self, case: UUID, name: str) -> Path:
        """Return where a file lies; a name that is none of ours leads nowhere, never outside."""
        try:
            return self._folder / str(case) / UUID(hex=name).hex
        except ValueError:
            return self._folder / str(case) / "no such file"


class ContentDraft:
    """A file while its bytes come in; it stands under its name once it is whole and flushed."""

    def __init__(self, folder: Path, place: ContentPlace, key_id: UUID, key: bytes) -> None:
        self.name = uuid4().hex
        self.size = 0
        self._kept = False
        self._path = folder / self.name
        self._draft = folder / f"{self.name}.new"
        self._associated = place.associated(key_id)
        self._cipher = AESGCM(_file_key(key, self.name))
        self._waiting, self._number = bytearray(), 0
        make_folder(folder)
        descriptor = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._file.write(_MAGIC + key_id.bytes)

    def write(self, content: bytes) -> None:
        """Take the next bytes; at most two pieces are kept in memory."""
        for start in range(0, len(content), PIECE_BYTES):
            self._waiting += content[start : start + PIECE_BYTES]
            if len(self._waiting) > PIECE_BYTES:
                self._seal(PIECE_BYTES, last=False)
        self.size += len(content)

    def keep(self) -> None:
        """Seal the rest, flush, and let the file stand under its name: whole or absent, also after a power cut."""
        self._seal(len(self._waiting), last=True)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.link(self._draft, self._path)
        self._kept = True
        self._draft.unlink()
        flush_folder(self._path.parent)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._file.close()
        self._draft.unlink(missing_ok=True)
        if self._kept:
            self._path.unlink(missing_ok=True)

    def _seal(self, length: int, *, last: bool) -> None:
        piece = bytes(self._waiting[:length])
        del self._waiting[:length]
        self._file.write(self._cipher.encrypt(_NONCE.pack(self._number, last), piece, self._associated))
        self._number += 1


class SealedContent:
    """The bytes of one file, opened piece by piece each time they are gone through.

    Raises ContentMissing, KeyMissing, or SealBroken at the first piece that is not what was sealed at this place.
    """

    def __init__(self, path: Path, place: ContentPlace, keys: KeyStore) -> None:
        self._path, self._place, self._keys = path, place, keys

    def __iter__(self) -> Iterator[bytes]:
        try:
            file = self._path.open("rb")
        except OSError:
            raise ContentMissing from None
        with file:
            key_id = _read_header(file)
            cipher = AESGCM(_file_key(self._keys.get(key_id), self._path.name))
            yield from _opened(file, cipher, self._place.associated(key_id))


def _opened(file: BinaryIO, cipher: AESGCM, associated: bytes) -> Iterator[bytes]:
    """Yield the pieces of a file; the last one says so, so that a file cut short does not open."""
    number, sealed = 0, file.read(PIECE_BYTES + TAG_BYTES)
    while True:
        following = file.read(PIECE_BYTES + TAG_BYTES)
        try:
            yield cipher.decrypt(_NONCE.pack(number, not following), sealed, associated)
        except (InvalidTag, ValueError):
            raise SealBroken from None
        if not following:
            return
        number, sealed = number + 1, following


def _read_header(file: BinaryIO) -> UUID:
    header = file.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        raise SealBroken
    return UUID(bytes=header[len(_MAGIC) :])


def _key_of(path: Path) -> UUID | None:
    """Return the key that a file names; None for what is none of ours."""
    try:
        with path.open("rb") as file:
            return _read_header(file)
    except (OSError, SealBroken):
        return None


def _file_key(key: bytes, name: str) -> bytes:
    """Return the key of one file (HKDF-Expand of RFC 5869, one block)."""
    return hmac.digest(key, _DOMAIN + UUID(hex=name).bytes + b"\x01", "sha256")
