"""A backup of one ledger by PostgreSQL's own tool, with the signed checkpoint it is checked against when restored.

Keys are no part of it: what was erased must not come back with an old copy of the database. See docs/keys.md.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from api.log_publishing import signed_now
from api.opening import Place
from ledger.embedded import find_binaries
from ledger.errors import LedgerError
from ledger.folders import flush_folder, make_folder, write_over
from ledger.proof.records import ProofRecords

CONTENT = "content"


class NotBackedUp(LedgerError):
    """The database was not dumped."""


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What a backup has come to: how many entries its checkpoint holds, its files, and documents new to it."""

    size: int
    checkpoint: Path
    dump: Path
    documents: int


def back_up(place: Place, folder: Path, binaries: Path | None) -> BackedUp:
    """Write a checkpoint and a dump into a ledger's backup folder, and what documents are new to it.

    The checkpoint comes first, so that the dump holds all of it; documents come last, so that every one that the dump
    names is there. Both files carry the number of entries in their names and are whole or absent. Raises NotBackedUp,
    and as signing does.
    """
    with place.ledger() as ledger:
        published = signed_now(place, ledger).published
        note, content = str(ProofRecords(ledger).cosigned(published)), place.home / CONTENT / str(ledger.id)
    size = published.checkpoint.size
    make_folder(folder)
    checkpoint, dump = folder / f"checkpoint-{size}", folder / f"ledger-{size}.dump"
    _dump(place.owner, dump, find_binaries(binaries))
    write_over(checkpoint, note.encode())
    return BackedUp(size, checkpoint, dump, sum(_copied(content, folder / CONTENT)))


def _dump(owner: str, path: Path, binaries: Path) -> None:
    """Dump the database; its password travels where other accounts cannot read it."""
    parts = conninfo_to_dict(owner)
    password = parts.pop("password", None)
    address = make_conninfo("", **parts)
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    environment = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    command = [binaries / "pg_dump", "--format=custom", "--file", part, "--dbname", address]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)  # noqa: S603
    if done.returncode != 0:
        part.unlink(missing_ok=True)
        raise NotBackedUp(
            "pg_dump has not dumped the database: CASELEDGER_OWNER_URL must name its owner, and the disk have room."
        )
    _flushed(part)
    part.replace(path)
    flush_folder(path.parent)


def _copied(source: Path, target: Path) -> Iterator[bool]:
    """Copy what is not there yet, and yield for each file whether it was; files of documents never change."""
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_dir():
            continue
        if not copy.exists():
            make_folder(copy.parent)
            part = copy.with_name(f"{copy.name}.part")
            shutil.copyfile(path, part)
            part.chmod(0o600)
            _flushed(part)
            part.replace(copy)
            flush_folder(copy.parent)
            yield True


def _flushed(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
