"""The log as static files (c2sp.org/tlog-tiles), which any web server hands out and any C2SP client reads.

A file is whole or absent. Tiles never change, so a later run writes only what is new, and leaves the partial tiles of
sizes that were exported before. The checkpoint comes last: what it speaks of is there.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ledger.errors import LedgerError
from ledger.folders import flush_folder
from ledger.proof.checkpoints import Checkpoint, read_checkpoint
from ledger.proof.merkle_proofs import range_root
from ledger.proof.notes import NoteError, verified
from ledger.proof.records import ProofRecords, Published
from ledger.proof.tiles import Tile, bundles_of, tiles_of

CHECKPOINT, KEYS = "checkpoint", "log.vkey"


class NotOurExport(LedgerError):
    """The folder holds something else than an export of this log: choose another folder."""


class NothingSigned(LedgerError):
    """Nothing of this log is signed yet: run the worker, or `caseledger log checkpoint`."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The size that is exported, and how many files were written for it."""

    size: int
    files: int


def export_log(
    records: ProofRecords, folder: Path, notify: Callable[[int, int], None] = lambda _done, _total: None
) -> Exported:
    """Bring an export in a folder up to the latest checkpoint; a run that was cut off is completed by the next.

    ``notify`` is told the number of leaves done and of all. Raises NothingSigned and NotOurExport.
    """
    published = records.latest()
    if published is None:
        raise NothingSigned
    size = published.checkpoint.size
    since = _size_before(records, folder, published)
    written = 0
    for tile in _new_tiles(size, since):
        content = records.tile(tile, size) or b""
        written += _put(folder / "tile" / tile.path, content, whole=True)
        if tile.level is None:
            notify(tile.index * 256 + tile.width, size)
    written += _put(folder / KEYS, records.vkeys().encode())
    written += _put(folder / CHECKPOINT, str(records.cosigned(published)).encode())
    return Exported(size, written)


def _new_tiles(size: int, since: int) -> Iterator[Tile]:
    return chain(tiles_of(size, since), bundles_of(size, since))


def _size_before(records: ProofRecords, folder: Path, published: Published) -> int:
    """Return the size that was exported before, 0 for none; raises NotOurExport unless it is a beginning of ours."""
    _require_our_keys(records, folder / KEYS)
    try:
        content = (folder / CHECKPOINT).read_bytes()
    except FileNotFoundError:
        return 0
    try:
        before, note = read_checkpoint(content)
        ours = bool(verified(note, (key for key, _ in records.keys())))  # noqa: SIM118
    except NoteError:
        raise NotOurExport(f"{CHECKPOINT} in the folder is no checkpoint of this log: choose another folder.") from None
    if not ours or before.origin != published.checkpoint.origin:
        raise NotOurExport("The folder holds the export of another log: choose another folder.")
    if not _begins(records, before, published.checkpoint):
        raise NotOurExport(
            f"The folder holds {before.size} entries that this log does not begin with: it was set back or rewritten."
        )
    return before.size


def _begins(records: ProofRecords, before: Checkpoint, now: Checkpoint) -> bool:
    return 0 < before.size <= now.size and range_root(records.subtree(), 0, before.size) == before.root


def _require_our_keys(records: ProofRecords, path: Path) -> None:
    """Raise NotOurExport where keys lie beside that are not the first ones of this log."""
    if path.exists() and not records.vkeys().encode().startswith(path.read_bytes()):
        raise NotOurExport("The folder holds the keys of another log: choose another folder.")


def _put(path: Path, content: bytes, *, whole: bool = False) -> bool:
    """Write a file, readable by all, in place of another; returns whether it was needed.

    One that is ``whole`` once it is there never changes: raises NotOurExport where it has.
    """
    if path.exists():
        if path.read_bytes() == content:
            return False
        if whole:
            raise NotOurExport(f"A tile in the folder is not one of this log: {path.name} in {path.parent.name}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    flush_folder(path.parent)
    return True
