"""Replicas of a key store: whole copies in another place, with the layout of a home.

A replica holds wrapped keys and tombstones, and is worth nothing without the key-encryption keys. One for escrow holds
these as well.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import orjson

from ledger.erasures import ErasureLog
from ledger.errors import LedgerError
from ledger.folders import flush_folder, make_folder, write_private
from ledger.key_encryption import FileKeyEncryption
from ledger.keys import FORMAT, FileKeyStore

MARKER = "replica.json"


class NotAReplica(LedgerError):
    """The folder is not a replica of this ledger's keys of the same kind: nothing is overwritten, name another one."""


class KeysDoNotLeave(LedgerError):
    """The key-encryption keys are in a module or a service, which keeps its own copies of them."""


@dataclass(frozen=True, slots=True)
class Copied:
    """How many keys, tombstones and key-encryption keys a replica holds."""

    keys: int
    tombstones: int
    epochs: int


def copy_keys(store: FileKeyStore, folder: Path, *, with_encryption_keys: bool) -> Copied:
    """Write a replica beside and put it in the place of an earlier one, so that a whole one exists at any time.

    While the two change places the earlier one is called ``FOLDER.before``. Raises NotAReplica, KeysDoNotLeave.
    """
    marker = orjson.dumps({"ledger": store.folder.name, "encryption_keys": with_encryption_keys}) + b"\n"
    draft, before = folder.with_name(f"{folder.name}.new"), folder.with_name(f"{folder.name}.before")
    for place in (folder, draft, before):
        _require_replica(place, marker)
    _remove(draft)
    make_folder(draft)
    write_private(draft / MARKER, marker)
    copied = _fill(store, draft, with_encryption_keys=with_encryption_keys)
    _change_places(folder, draft, before)
    return copied


def _require_replica(folder: Path, marker: bytes) -> None:
    """Raise NotAReplica for what is there already, unless it is a replica of the same kind or an empty folder.

    A folder with nothing but a marker is a replica that was killed in its first moment, or in the last of its removal.
    """
    if not folder.exists():
        return
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else [folder.name]
    if set(names) <= {MARKER}:
        return
    if MARKER not in names or (folder / MARKER).read_bytes() != marker:
        raise NotAReplica


def _fill(store: FileKeyStore, draft: Path, *, with_encryption_keys: bool) -> Copied:
    """Copy keys, then what they are wrapped under, then tombstones: what is erased meanwhile is erased here as well."""
    keys, apart = draft / "keys" / store.folder.name, draft / "key-encryption" / store.folder.name
    copied = [_copy(path, keys / path.parent.name) for path in sorted(store.folder.glob("??/*.key"))]
    _copy(store.folder / FORMAT, keys)
    epochs = _copy_encryption_keys(store, apart) if with_encryption_keys else 0
    replica = FileKeyStore(keys, FileKeyEncryption(apart), ErasureLog(apart / "erased"))
    replica.erasures.begin()
    for path in sorted(store.erasures.folder.glob("*.erased")):
        _copy(path, replica.erasures.folder)
    swept = replica.sweep()
    for folder in (path for path in draft.rglob("*") if path.is_dir()):
        flush_folder(folder)
    return Copied(sum(copied) - swept, len(replica.erased()), epochs)


def _copy_encryption_keys(store: FileKeyStore, apart: Path) -> int:
    if not isinstance(store.encryption, FileKeyEncryption):
        raise KeysDoNotLeave
    for path in sorted(store.encryption.folder.glob("[0-9]*")):
        if path.suffix != ".new":
            _copy(path, apart)
    return len(store.encryption.epochs())


def _copy(path: Path, folder: Path) -> bool:
    """Copy a file; returns whether it was still there. The caller flushes the folder."""
    make_folder(folder)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    write_private(folder / path.name, content)
    return True


def _change_places(folder: Path, draft: Path, before: Path) -> None:
    if folder.exists():
        _remove(before)
        folder.rename(before)
    draft.rename(folder)
    flush_folder(folder.parent)
    _remove(before)


def _remove(folder: Path) -> None:
    """Remove a replica, its marker last, so that what a killed removal leaves is still known for one."""
    if not folder.exists():
        return
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    shutil.rmtree(folder)
