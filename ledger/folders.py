"""Folders and files that only their owner enters, on disk before anything relies on them, whole or absent."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner enters, and every missing one above it, and flush their names."""
    if folder.exists():
        return
    if not folder.parent.exists():
        make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    flush_folder(folder.parent)


def flush_folder(folder: Path) -> None:
    """Flush the names in a folder to disk; quiet when there is no such folder."""
    if not folder.exists():
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_private(path: Path, content: bytes) -> None:
    """Write and flush a file that only its owner reads; raises FileExistsError when there is one. Names no folder."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_new(path: Path, content: bytes) -> None:
    """Write beside, flush, link: a file is whole or absent, also after a power cut, and never replaced.

    Makes missing folders; raises FileExistsError when the name is taken.
    """
    make_folder(path.parent)
    draft = path.with_name(f"{uuid4()}.new")
    try:
        write_private(draft, content)
        os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    flush_folder(path.parent)


def write_over(path: Path, content: bytes) -> None:
    """Put a file in place of another: whole, flushed, or not at all. One at a time may do so: hold a lock.

    Makes missing folders.
    """
    make_folder(path.parent)
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    write_private(draft, content)
    os.replace(draft, path)
    flush_folder(path.parent)


@contextmanager
def locked(path: Path, *, shared: bool = False) -> Generator[None]:
    """Hold a lock between processes and threads; waits for it. A holder that dies lets go of it."""
    make_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
