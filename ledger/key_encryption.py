"""Key-encryption keys by epoch: what subjects' keys are wrapped under, kept apart from them.

Destroying the key of an epoch makes every copy of a key that was wrapped under it worthless, wherever the copy lies:
that is how backups of the key store come to an end.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from ledger.errors import KeyMissing
from ledger.folders import flush_folder, write_new

SETTING = "CASELEDGER_KEY_ENCRYPTION_FOLDER"
_BYTES = 32
_KEY, _DESTROYED = ".kek", ".destroyed"


class KeyEncryption(Protocol):
    """The key-encryption keys of one ledger. A PKCS#11 module or a cloud key service can stand behind it.

    Epochs are numbered from 1 and a number is used once, also after its key was destroyed. Every call asks the place
    where the keys are, since other processes begin and destroy epochs: nothing may be answered from memory.
    """

    def epochs(self) -> tuple[int, ...]:
        """Return the epochs whose keys exist, ascending; empty before the first."""
        ...

    def current(self) -> int:
        """Return the last epoch that was begun; raises KeyMissing when there is none."""
        ...

    def begin(self) -> int:
        """Begin the next epoch and return its number.

        The key is random, of 256 bits, and survives a power cut and the loss of any one machine before this returns;
        in a module or a service it never leaves it.
        """
        ...

    def wrap(self, epoch: int, content: bytes) -> bytes:
        """Return ``content`` encrypted and authenticated under the key of an epoch; raises KeyMissing without it.

        ``content`` has 48 bytes. The answer may have any length: AES key wrap (RFC 3394, in PKCS#11 as
        ``CKM_AES_KEY_WRAP``) or any authenticated encryption will do.
        """
        ...

    def unwrap(self, epoch: int, wrapped: bytes) -> bytes:
        """Return what was wrapped; raises KeyMissing when the key is gone, or the bytes are not what it wrapped.

        The message tells a destroyed epoch from a key that cannot be found.
        """
        ...

    def destroy(self, epoch: int) -> None:
        """Make the key of an epoch unrecoverable in every copy that the place itself keeps; quiet when it is gone.

        A service that only schedules destruction returns when the key can no longer be brought back.
        """
        ...


class FileKeyEncryption:
    """The key of each epoch as a file of 32 bytes that only its owner reads, on a volume apart from the key store.

    A destroyed epoch leaves an empty file with its number, so that the number is never used again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def epochs(self) -> tuple[int, ...]:
        """Return the epochs whose keys are here, ascending."""
        return tuple(sorted(self._numbers(_KEY) - self._numbers(_DESTROYED)))

    def current(self) -> int:
        """Return the last epoch; raises KeyMissing, naming the setting, when there is none."""
        epochs = self.epochs()
        if not epochs:
            raise KeyMissing(f"There is no key-encryption key in {self.folder}: is the volume there? Set {SETTING}.")
        return epochs[-1]

    def begin(self) -> int:
        """Write and flush the key of the next epoch."""
        epoch = max(self._numbers(_KEY) | self._numbers(_DESTROYED), default=0) + 1
        write_new(self._path(epoch, _KEY), os.urandom(_BYTES))
        return epoch

    def wrap(self, epoch: int, content: bytes) -> bytes:
        """Return content wrapped (RFC 3394) under the key of an epoch; raises KeyMissing."""
        return aes_key_wrap(self._key(epoch), content)

    def unwrap(self, epoch: int, wrapped: bytes) -> bytes:
        """Return what was wrapped; raises KeyMissing."""
        key = self._key(epoch)
        try:
            return aes_key_unwrap(key, wrapped)
        except (InvalidUnwrap, ValueError):
            raise KeyMissing(
                f"A key does not open under the key-encryption key of epoch {epoch}: one of the two files is not the"
                " original. Restore it from a replica."
            ) from None

    def destroy(self, epoch: int) -> None:
        """Note that the epoch is destroyed, then remove its key."""
        with suppress(FileExistsError):  # an earlier attempt was cut off
            write_new(self._path(epoch, _DESTROYED), b"")
        self._path(epoch, _KEY).unlink(missing_ok=True)
        flush_folder(self.folder)

    def _key(self, epoch: int) -> bytes:
        """Return the key of an epoch; a destroyed one stays destroyed, also when an old copy brings its file back."""
        if self._path(epoch, _DESTROYED).exists():
            raise KeyMissing(f"The key is wrapped under epoch {epoch}, whose key-encryption key was destroyed.")
        try:
            key = self._path(epoch, _KEY).read_bytes()
        except FileNotFoundError:
            key = b""
        if len(key) != _BYTES:
            raise KeyMissing(
                f"The key-encryption key of epoch {epoch} is not in {self.folder}: is the volume there? Set {SETTING}."
            )
        return key

    def _path(self, epoch: int, suffix: str) -> Path:
        return self.folder / f"{epoch:08}{suffix}"

    def _numbers(self, suffix: str) -> set[int]:
        return {int(path.stem) for path in self.folder.glob(f"*{suffix}") if path.stem.isdecimal()}
