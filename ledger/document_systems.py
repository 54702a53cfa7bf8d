"""Document systems of the municipality: where the bytes of linked documents lie, and how they are read from there."""

import os
import stat
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Protocol

from ledger.errors import LedgerError

MAX_DOCUMENT_BYTES = 50_000_000
"""The largest document that is filed, sealed or linked."""


class DocumentTooLarge(LedgerError):
    """A document holds more bytes than can be filed."""


class SystemUnavailable(LedgerError):
    """The document system cannot be reached: what CASELEDGER_DOCUMENT_FOLDER names is no folder that can be read."""


class DocumentSystem(Protocol):
    """A system that keeps documents. A case and document handling system can stand behind it."""

    name: str
    """What entries call the system."""

    def read(self, reference: str) -> bytes | None:
        """Return the bytes a reference names, None where it names none.

        Raises DocumentTooLarge, and SystemUnavailable where the system does not answer at all.
        """
        ...


class FolderSystem:
    """An exported share: references are names relative to one folder. Nothing outside of it can be named."""

    name = "folder"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, reference: str) -> bytes | None:
        """Return the bytes of a file in the folder; no step upwards and no symbolic link is followed."""
        parts = reference.split("/")
        if PurePosixPath(reference).is_absolute() or any(part in ("", ".", "..") or "\0" in part for part in parts):
            return None
        try:
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            raise SystemUnavailable from None
        with suppress(OSError):
            return _read(folder, parts)
        return None


def _read(folder: int, parts: list[str]) -> bytes | None:
    """Walk down from an open folder, one name at a time, so that nobody can slip a link in between; closes it."""
    try:
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        file = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        return None
    with os.fdopen(file, "rb") as opened:
        content = opened.read(MAX_DOCUMENT_BYTES + 1)
    if len(content) > MAX_DOCUMENT_BYTES:
        raise DocumentTooLarge
    return content
