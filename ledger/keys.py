"""The key store: one file per data subject's key, outside the database, so that destroying a key erases its texts.

A key is 32 random bytes, named by a random UUID that says nothing about the person. It is on disk, flushed, before
the first event sealed with it is appended. The ledger's own key makes the digests by which repeated requests are
recognised.
"""

import hmac
import os
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from uuid import UUID, uuid4

from ledger.errors import KeyMissing
from ledger.folders import flush_folder, make_folder

KEY_BYTES = 32
_COMMITMENT_DOMAIN = b"caseledger dek\x00"
_LEDGER_KEY = UUID(int=0)
_CACHED_KEYS = 10_000


def key_commitment(key: bytes) -> bytes:
    """Return the digest logged when a key is made: it proves later that a restored key is an erased one."""
    return sha256(_COMMITMENT_DOMAIN + key).digest()


class KeyStore(Protocol):
    """Where keys live. A hardware module or a cloud key service can stand behind it."""

    def create(self) -> UUID:
        """Make a key, keep it safely, and return its id."""
        ...

    def get(self, key_id: UUID) -> bytes:
        """Return a key; raises KeyMissing when it was destroyed or never here."""
        ...

    def destroy(self, key_id: UUID) -> None:
        """Make a key unrecoverable; quiet when it is gone already."""
        ...

    def digest(self, purpose: str, content: bytes) -> bytes:
        """Return the HMAC-SHA-256 of ``content`` under the ledger's own key, separated by purpose."""
        ...


KeyStores = Callable[[UUID], KeyStore]
"""The key store of each ledger by the ledger's id."""


def file_keys(home: Path) -> "Callable[[UUID], FileKeyStore]":
    """Return the key stores that lie as folders under ``home``, one for each ledger."""
    return lambda ledger: FileKeyStore(home / "keys" / str(ledger))


class FileKeyStore:
    """Keys as files of 32 bytes, readable by their owner only, spread over 256 folders."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._cache: OrderedDict[UUID, bytes] = OrderedDict()

    def create(self) -> UUID:
        """Make a key, write and flush its file, and return its id."""
        key_id = uuid4()
        self._write(key_id, os.urandom(KEY_BYTES))
        return key_id

    def get(self, key_id: UUID) -> bytes:
        """Return a key; raises KeyMissing when there is no file of it."""
        cached = self._cache.get(key_id)
        if cached is not None:
            return cached
        try:
            key = self._path(key_id).read_bytes()
        except FileNotFoundError:
            raise KeyMissing from None
        self._cache[key_id] = key
        if len(self._cache) > _CACHED_KEYS:
            self._cache.popitem(last=False)
        return key

    def destroy(self, key_id: UUID) -> None:
        """Remove a key's file and forget the key."""
        self._cache.pop(key_id, None)
        self._path(key_id).unlink(missing_ok=True)
        flush_folder(self._path(key_id).parent)

    def digest(self, purpose: str, content: bytes) -> bytes:
        """Return the HMAC-SHA-256 of ``content`` under the ledger's own key, separated by purpose."""
        try:
            ledger_key = self.get(_LEDGER_KEY)
        except KeyMissing:
            raise KeyMissing(f"The key store {self._folder} is not this ledger's: set CASELEDGER_HOME.") from None
        return hmac.digest(ledger_key, purpose.encode() + b"\x00" + content, "sha256")

    def create_ledger_key(self) -> None:
        """Make the ledger's own key, once; a second call keeps the first key, also when two come at the same time."""
        with suppress(FileExistsError):
            self._write(_LEDGER_KEY, os.urandom(KEY_BYTES))

    def _path(self, key_id: UUID) -> Path:
        return self._folder / key_id.hex[-2:] / f"{key_id}.key"

    def _write(self, key_id: UUID, key: bytes) -> None:
        """Write beside, flush, link: a key file is whole or absent, also after a power cut, and never replaced."""
        path = self._path(key_id)
        make_folder(path.parent)
        draft = path.with_name(f"{uuid4()}.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(key)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        finally:
            draft.unlink()
        flush_folder(path.parent)
