"""A process of its own that works on a key store: ``python -m tests.ledger.key_worker HOME ACTION KILL_AT``.

It is killed just before the file operation number KILL_AT that changes anything; 0 lets it live.
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from ledger.key_copies import copy_keys
from ledger.keys import FileKeyStore, file_keys

LEDGER = UUID(int=42)
NOW = datetime(2020, 2, 1, tzinfo=UTC)
CHANGES = {"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def kill_before(operation: int) -> None:
    """Let this process die by SIGKILL before a file operation, counted from 1."""
    seen = 0

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        opened = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if opened or event in CHANGES:
            seen += 1
            if seen == operation:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def _create(store: FileKeyStore, _: Path) -> None:
    store.create()


def _destroy(store: FileKeyStore, _: Path) -> None:
    store.destroy(first_key(store), NOW)


def _rotate(store: FileKeyStore, _: Path) -> None:
    store.rotate(1)


def _retire(store: FileKeyStore, _: Path) -> None:
    store.retire(1)


def _copy(store: FileKeyStore, home: Path) -> None:
    copy_keys(store, home / "replica", with_encryption_keys=True)


def _open(store: FileKeyStore, _: Path) -> None:
    store.digest("open", b"")


ACTIONS: dict[str, Callable[[FileKeyStore, Path], None]] = {
    "create": _create,
    "destroy": _destroy,
    "rotate": _rotate,
    "retire": _retire,
    "copy": _copy,
    "open": _open,
}


def first_key(store: FileKeyStore) -> UUID:
    """Return the first key that a store has a file of, other than the ledger's own."""
    return sorted(UUID(path.stem) for path in store.folder.glob("??/*.key"))[1]


def main(home: str, action: str, kill_at: str) -> None:
    """Do one thing to the key store under a home."""
    kill_before(int(kill_at))
    ACTIONS[action](file_keys(Path(home))(LEDGER), Path(home))


if __name__ == "__main__":
    main(*sys.argv[1:])
