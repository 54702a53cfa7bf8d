"""Packages of the npm registry that only tests use, each from a lock of its own."""

import sys
from hashlib import sha256
from pathlib import Path

from api.pages.design import fetch


def place_of(source: Path) -> Path:
    """Return where the packages of a lock are installed."""
    return Path(sys.prefix) / source.name


def installed(source: Path) -> Path:
    """Install the packages that a folder's lock names, once, and return where; raises NotInstalled."""
    folder, lock = place_of(source), sha256((source / "package-lock.json").read_bytes()).hexdigest()
    mark = folder / "installed"
    if not mark.exists() or mark.read_text("utf-8") != lock:
        folder.mkdir(exist_ok=True)
        fetch(source, folder)
        mark.write_text(lock, "utf-8")
    return folder
