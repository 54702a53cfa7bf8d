"""The files of a key store: ``"CLK1" ‖ u32 epoch ‖ wrapped bytes``, one for each key, in 256 folders."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from uuid import UUID

from ledger.errors import KeyMissing
from ledger.folders import flush_folder, write_new, write_private

_HEADER = Struct(">4sI")
_MAGIC = b"CLK1"
_KEY, _DRAFT = ".key", ".rewrapped"

Stamp = tuple[int, int]
"""Which file it was: inode, and time of its last change in nanoseconds, which nobody can set back."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A wrapped key and the epoch that it is wrapped under."""

    epoch: int
    content: bytes

    def packed(self) -> bytes:
        """Return the bytes of the file."""
        return _HEADER.pack(_MAGIC, self.epoch) + self.content


def read_wrapped(content: bytes) -> Wrapped:
    """Return what a key file holds; raises KeyMissing for bytes that are no key file."""
    if len(content) <= _HEADER.size or not content.startswith(_MAGIC):
        raise KeyMissing("A key file is damaged: restore it from a replica of the key store.")
    return Wrapped(_HEADER.unpack_from(content)[1], content[_HEADER.size :])


def stamp_of(path: str) -> Stamp | None:
    """Return which file lies at a path now; None where there is none."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_ctime_ns


class KeyFiles:
    """The files below one folder. A file is added once, replaced as a whole, or removed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key_id: UUID) -> Path:
        """Return where the file of a key lies."""
        return self.folder / key_id.hex[-2:] / f"{key_id}{_KEY}"

    def read(self, key_id: UUID) -> tuple[bytes, Stamp] | None:
        """Return the bytes of a key's file, and which file it was; None where there is none."""
        try:
            with self.path(key_id).open("rb") as file:
                found = os.fstat(file.fileno())
                return file.read(), (found.st_ino, found.st_ctime_ns)
        except FileNotFoundError:
            return None

    def add(self, key_id: UUID, wrapped: Wrapped) -> None:
        """Write and flush the file of a new key; raises FileExistsError."""
        write_new(self.path(key_id), wrapped.packed())

    def replace(self, key_id: UUID, wrapped: Wrapped) -> None:
        """Put another file in the place of a key's own, at once or not at all; the caller flushes the folder.

        One process at a time. What a killed one leaves behind is ``drafts``.
        """
        draft = self.path(key_id).with_suffix(_DRAFT)
        draft.unlink(missing_ok=True)
        write_private(draft, wrapped.packed())
        with suppress(FileNotFoundError):  # the key was destroyed meanwhile, and the draft with it
            draft.replace(self.path(key_id))

    def remove(self, key_id: UUID) -> bool:
        """Remove the file of a key and any draft of it, and flush; returns whether there was a file."""
        path = self.path(key_id)
        there = path.exists()
        path.with_suffix(_DRAFT).unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        flush_folder(path.parent)
        return there

    def remove_drafts(self) -> None:
        """Remove what a replacement that was killed has left behind."""
        for draft in self.folder.glob(f"??/*{_DRAFT}"):
            draft.unlink(missing_ok=True)

    def flush(self) -> None:
        """Flush the names of all files."""
        for folder in self.folder.glob("??"):
            flush_folder(folder)

    def ids(self) -> Iterator[UUID]:
        """Yield the id of every key that has a file, folder by folder."""
        for folder in sorted(self.folder.glob("??")):
            for path in sorted(folder.glob(f"*{_KEY}")):
                with suppress(ValueError):  # a file of somebody else's
                    yield UUID(path.stem)
