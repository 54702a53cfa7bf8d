"""The key store: one file per data subject's key, outside the database, so that destroying a key erases its texts.

A key is 32 random bytes, named by a random UUID that says nothing about the person. It is on disk, flushed, before
the first event sealed with it is appended. The ledger's own key makes the digests by which repeated requests are
recognised. On disk a key is wrapped, together with its id, under the key-encryption key of an epoch, which lies
elsewhere; what was destroyed by decision stands in the erasure log beside that. See docs/keys.md.
"""

import hmac
import os
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from uuid import UUID, uuid4

from ledger.erasures import Erasure, ErasureLog
from ledger.errors import EpochInUse, KeyErased, KeyMissing
from ledger.folders import locked, write_new
from ledger.key_encryption import SETTING, FileKeyEncryption, KeyEncryption
from ledger.key_files import KeyFiles, Stamp, Wrapped, read_wrapped, stamp_of

KEY_BYTES = 32
FIRST_EPOCH = 1
FORMAT = "format"
"""The file that says that every key of a folder is wrapped; the first format had raw keys and no such file."""

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

    def ensure(self, key_id: UUID) -> None:
        """Make a key under an id of the caller's choice, once; raises KeyErased when it was destroyed by decision."""
        ...

    def get(self, key_id: UUID) -> bytes:
        """Return a key; raises KeyErased when it was destroyed by decision, KeyMissing when it cannot be read."""
        ...

    def destroy(self, key_id: UUID, instant: datetime) -> None:
        """Make a key unrecoverable, having noted the instant of it; quiet when it is destroyed already."""
        ...

    def epoch(self, key_id: UUID) -> int | None:
        """Return under which epoch's key-encryption key a key is wrapped; None where nothing here tells."""
        ...

    def digest(self, purpose: str, content: bytes) -> bytes:
        """Return the HMAC-SHA-256 of ``content`` under the ledger's own key, separated by purpose."""
        ...


KeyStores = Callable[[UUID], KeyStore]
"""The key store of each ledger by the ledger's id."""


def file_keys(home: Path, key_encryption: Path | None = None) -> "Callable[[UUID], FileKeyStore]":
    """Return the key stores that lie as folders under ``home``, one for each ledger.

    ``key_encryption`` is the folder of key-encryption keys and erasure logs; ``home``/key-encryption when None.
    """
    folder = key_encryption or home / "key-encryption"

    def of(ledger: UUID) -> FileKeyStore:
        apart = folder / str(ledger)
        return FileKeyStore(home / "keys" / str(ledger), FileKeyEncryption(apart), ErasureLog(apart / "erased"))

    return of


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation came to: the current epoch, keys wrapped anew, and keys left as they were for want of theirs."""

    epoch: int
    rewrapped: int
    left: int


@dataclass(frozen=True, slots=True)
class _Cached:
    path: str
    stamp: Stamp
    key: bytes


class FileKeyStore:
    """Keys as wrapped files, readable by their owner only, spread over 256 folders.

    Several processes may use, rotate and erase the same keys: none serves a key from memory whose file is gone.
    """

    def __init__(self, folder: Path, encryption: KeyEncryption, erasures: ErasureLog) -> None:
        self.folder = folder
        self.encryption = encryption
        self.erasures = erasures
        self._files = KeyFiles(folder)
        self._cache: OrderedDict[UUID, _Cached] = OrderedDict()
        self._opened = False
        self._creating, self._rotating = folder / "creating.lock", folder / "rotating.lock"

    def create(self) -> UUID:
        """Make a key, write and flush its file, and return its id; raises KeyMissing without a key-encryption key."""
        key_id = uuid4()
        self._add(key_id, os.urandom(KEY_BYTES))
        return key_id

    def ensure(self, key_id: UUID) -> None:
        """Make a key under an id of the caller's choice, once; the first stays, also when two come at the same time.

        Raises KeyErased when it was destroyed by decision, KeyMissing without a key-encryption key.
        """
        with suppress(FileExistsError):
            self._add(key_id, os.urandom(KEY_BYTES))

    def get(self, key_id: UUID) -> bytes:
        """Return a key; raises KeyErased when it has a tombstone, KeyMissing when there is no file of it that opens."""
        cached = self._cache.get(key_id)
        if cached is not None and stamp_of(cached.path) == cached.stamp:
            return cached.key
        return self._read(key_id)

    def destroy(self, key_id: UUID, instant: datetime) -> None:
        """Write and flush a tombstone, then remove the key's file; raises ValueError for the ledger's own key."""
        if key_id == _LEDGER_KEY:
            raise ValueError("The ledger's own key is not erased.")
        self._open()
        self._cache.pop(key_id, None)
        if not self.erasures.holds(key_id):
            self.erasures.add(self._tombstone(key_id, instant))
        self._files.remove(key_id)

    def epoch(self, key_id: UUID) -> int | None:
        """Return under which epoch a key is wrapped; None where there is no file of it that tells."""
        found = self._files.read(key_id)
        with suppress(KeyMissing):
            return read_wrapped(found[0]).epoch if found is not None else None
        return None

    def digest(self, purpose: str, content: bytes) -> bytes:
        """Return the HMAC-SHA-256 of ``content`` under the ledger's own key, separated by purpose."""
        try:
            ledger_key = self.get(_LEDGER_KEY)
        except KeyMissing:
            if self._files.path(_LEDGER_KEY).exists():
                raise
            raise KeyMissing(f"The key store {self.folder} is not this ledger's: set CASELEDGER_HOME.") from None
        return hmac.digest(ledger_key, purpose.encode() + b"\x00" + content, "sha256")

    def create_ledger_key(self) -> None:
        """Make the ledger's own key, once; a second call keeps the first key."""
        self.ensure(_LEDGER_KEY)

    def erased(self) -> list[Erasure]:
        """Return every tombstone."""
        return list(self.erasures)

    def sweep(self) -> int:
        """Remove every file whose key has a tombstone, as after a restore; returns how many there were."""
        self._open()
        return sum(self._files.remove(erasure.key) for erasure in self.erasures)

    def rotate(self, old: int) -> Rotation:
        """Replace the epoch ``old`` by a new one and wrap every key anew under it; the old one stays readable.

        A rotation that was cut off is completed by calling it again with the same ``old``, and one that is complete
        is left as it is. Keys may be made, used and destroyed meanwhile; a second rotation waits for the first.
        Raises KeyMissing when the key-encryption keys are older than ``old``.
        """
        self._open()
        with locked(self._rotating):
            if self.encryption.current() < old:
                raise KeyMissing(f"Epoch {old} has begun, but its key-encryption key is not here: set {SETTING}.")
            if self.encryption.current() == old:
                with locked(self._creating):  # a key half made under the old epoch is finished first
                    self.encryption.begin()
            return self._rewrap_all(self.encryption.current())

    def retire(self, epoch: int) -> None:
        """Destroy the key-encryption key of an epoch, and with it every old copy of the store wrapped under it.

        Raises EpochInUse when it is the current one, not here, or a key needs it still.
        """
        self._open()
        with locked(self._rotating):
            self._require_unused(epoch)
            self._files.remove_drafts()
            self._files.flush()  # a name that a power cut took back would lead to a file under the old epoch
            self.encryption.destroy(epoch)

    def _read(self, key_id: UUID) -> bytes:
        self._cache.pop(key_id, None)
        if self.folder.is_dir():
            self._open()
        found = self._files.read(key_id)
        if self._is_erased(key_id):
            raise KeyErased
        if found is None:
            raise KeyMissing
        content, stamp = found
        try:
            key = self._unwrap(key_id, content)
        except KeyMissing:
            if stamp_of(str(self._files.path(key_id))) == stamp:
                raise
            return self._read(key_id)  # replaced since it was read, as by a rotation whose old epoch is retired by now
        self._cache[key_id] = _Cached(str(self._files.path(key_id)), stamp, key)
        if len(self._cache) > _CACHED_KEYS:
            self._cache.popitem(last=False)
        return key

    def _add(self, key_id: UUID, key: bytes) -> None:
        """Write the file of a new key under the current epoch, which is not replaced meanwhile."""
        self._open()
        with locked(self._creating, shared=True):
            if self._is_erased(key_id):
                raise KeyErased
            self._files.add(key_id, self._wrap(key_id, key, self.encryption.current()))

    def _wrap(self, key_id: UUID, key: bytes, epoch: int) -> Wrapped:
        """Wrap a key with its id, so that a file under another name is noticed."""
        return Wrapped(epoch, self.encryption.wrap(epoch, key_id.bytes + key))

    def _unwrap(self, key_id: UUID, content: bytes) -> bytes:
        wrapped = read_wrapped(content)
        plain = self.encryption.unwrap(wrapped.epoch, wrapped.content)
        if len(plain) != 16 + KEY_BYTES or plain[:16] != key_id.bytes:
            raise KeyMissing("A key file stands under the name of another: restore both from a replica.")
        return plain[16:]

    def _is_erased(self, key_id: UUID) -> bool:
        """Whether a key has a tombstone; removes a file of it that a restore has brought back."""
        if not self.erasures.holds(key_id):
            return False
        self._files.remove(key_id)
        return True

    def _tombstone(self, key_id: UUID, instant: datetime) -> Erasure:
        """Return the tombstone of a key, with what of it can still be read."""
        epoch, commitment = None, None
        found = self._files.read(key_id)
        if found is not None:
            with suppress(KeyMissing):
                epoch = read_wrapped(found[0]).epoch
                commitment = key_commitment(self._unwrap(key_id, found[0]))
        return Erasure(key_id, commitment, epoch, instant)

    def _rewrap_all(self, epoch: int) -> Rotation:
        self._files.remove_drafts()
        rewrapped = left = 0
        for key_id in self._files.ids():
            try:
                rewrapped += self._rewrap(key_id, epoch)
            except KeyMissing:
                left += 1
        self._files.flush()
        return Rotation(epoch, rewrapped, left)

    def _rewrap(self, key_id: UUID, epoch: int) -> bool:
        """Wrap one key under an epoch unless it is; raises KeyMissing when it does not open."""
        found = self._files.read(key_id)
        if found is None or self._is_erased(key_id) or read_wrapped(found[0]).epoch == epoch:
            return False
        self._files.replace(key_id, self._wrap(key_id, self._unwrap(key_id, found[0]), epoch))
        self._is_erased(key_id)  # destroyed since it was read: the file just put there goes again
        return True

    def _require_unused(self, epoch: int) -> None:
        if epoch == self.encryption.current():
            raise EpochInUse(f"Epoch {epoch} is the current one: rotate first with `caseledger keys rotate`.")
        epochs = self.encryption.epochs()
        if epoch not in epochs:
            raise EpochInUse(f"There is no epoch {epoch}; there are: {', '.join(map(str, epochs))}.")
        self.sweep()
        needing = sum(self._needs(key_id, epoch) for key_id in self._files.ids())
        if needing:
            raise EpochInUse(
                f"{needing} keys are wrapped under epoch {epoch} or do not tell: see `caseledger keys check`, mend"
                " them, then rotate again."
            )

    def _needs(self, key_id: UUID, epoch: int) -> bool:
        found = self._files.read(key_id)
        try:
            return found is not None and read_wrapped(found[0]).epoch == epoch
        except KeyMissing:
            return True

    def _open(self) -> None:
        """Make a new store, or take over one of the first format; once, whoever comes first."""
        if self._opened:
            return
        marker = self.folder / FORMAT
        if not marker.exists():
            with locked(self._rotating):
                if not marker.exists():
                    self._take_over()
                    write_new(marker, b"2\n")
        self._opened = True

    def _take_over(self) -> None:
        """Wrap every raw key, beginning the first epoch; can be cut off anywhere and goes on the next time."""
        self.erasures.begin()
        files = {key_id: self._files.read(key_id) for key_id in self._files.ids()}
        raw = {key_id: found[0] for key_id, found in files.items() if found and len(found[0]) == KEY_BYTES}
        if not self.encryption.epochs() and len(raw) == len(files):
            self.encryption.begin()
        epoch = self.encryption.current()
        for key_id, key in raw.items():
            if not self._is_erased(key_id):
                self._files.replace(key_id, self._wrap(key_id, key, epoch))
        self._files.remove_drafts()
        self._files.flush()
