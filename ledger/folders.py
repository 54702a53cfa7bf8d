"""Folders that only their owner enters, and whose names are on disk before anything relies on them."""

import os
from pathlib import Path


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
