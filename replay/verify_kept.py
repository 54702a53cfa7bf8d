"""Going on from a checkpoint that an auditor kept: only what came after it is hashed again.

What is built upon, the last event of each stream that went on, is proven against the kept root by its path through the
tiles. Nothing is taken from a tile that does not lead to that root.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import psycopg

from ledger.errors import LedgerError
from ledger.format import commitment_of, header_of, published_entry
from ledger.merkle import leaf_hash
from ledger.proof.checkpoints import Checkpoint, read_checkpoint
from ledger.proof.growing import TreeBroken
from ledger.proof.merkle_proofs import ProofError, Subtree, check_inclusion, inclusion_proof
from ledger.proof.notes import Note, NoteError, VerifierKey, verified
from ledger.proof.publisher import read_tile
from ledger.proof.tiles import HASH_BYTES, HEIGHT, WIDTH, hashes_of
from ledger.store import Head
from replay.verify_keys import LogKeys
from replay.verify_report import Report
from replay.verify_rows import SQL, ImpossibleRow, RawRow, copied, read_raw
from replay.verify_tree import GrowingTree, perfect_root

TILES, ROOTS = 2_000, 100_000
"""How many tiles (8 kB each) and roots of subtrees are held at a time."""


class KeptRefused(LedgerError):
    """The checkpoint that was kept cannot be one of this ledger; says why."""


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """A checkpoint as an auditor kept it, with the signatures below it."""

    checkpoint: Checkpoint
    note: Note

    @classmethod
    def read(cls, content: bytes) -> "KeptCheckpoint":
        """Return the checkpoint in a file; raises KeptRefused where it is none, or of an empty ledger."""
        try:
            kept = cls(*read_checkpoint(content))
        except NoteError as error:
            raise KeptRefused(f"The file given with --since is no checkpoint: {error}.") from None
        if kept.checkpoint.size == 0:
            raise KeptRefused("The kept checkpoint is of an empty ledger and proves nothing: verify without --since.")
        return kept

    def require(self, head: Head, keys: LogKeys, given: Sequence[VerifierKey]) -> None:
        """Raise KeptRefused unless this ledger can have made it: origin, size, signed by a key given or on record."""
        if not keys.origins:
            raise KeptRefused("This ledger has published no checkpoint, so none of it can have been kept.")
        if self.checkpoint.origin not in keys.origins:
            raise KeptRefused(f"The kept checkpoint is of another log: this is {keys.origins[-1]}.")
        trusted = [*given, *keys.all] if given else keys.all
        try:
            signed = verified(self.note, trusted)
        except NoteError as error:
            raise KeptRefused(f"The kept checkpoint has a signature that is forged: {error}.") from None
        if not signed:
            raise KeptRefused("The kept checkpoint is signed by no key that was given or is on record.")
        if self.checkpoint.size > head.size:
            raise KeptRefused(
                f"The kept checkpoint holds {self.checkpoint.size} events, the ledger only {head.size}: "
                "what was recorded has been removed, or an older state was restored."
            )


@dataclass(frozen=True, slots=True)
class ProvenStart:
    """The tree at a kept checkpoint, its last event, and what tells whether that tree holds a commitment."""

    tree: GrowingTree
    last: RawRow
    holds: Callable[[int, bytes], bool]


def proven_start(
    connection: psycopg.Connection[Any], report: Report, kept: Checkpoint, keys: LogKeys
) -> ProvenStart | None:
    """Return where to go on from, or None where the ledger does not hold the checkpoint; faults go to the report."""
    report.root, report.size = kept.root, kept.size
    subtree = from_tiles(connection)
    try:
        tree = GrowingTree.at(kept.size, subtree)
    except (TreeBroken, ValueError) as error:
        report.blame(kept.size, "tile", f"the tiles do not reach the kept checkpoint: {str(error).rstrip('.')}")
        return None
    if tree.root() != kept.root:
        problem = "the tree that was published has another root than the kept checkpoint; verify without --since too"
        report.blame(kept.size, "kept-checkpoint", problem)
        return None

    def holds(position: int, commitment: bytes) -> bool:
        return _holds(subtree, kept, position, commitment)

    last = _proven_row(connection, report, kept.size, holds)
    for position in keys.announced_at:
        if position <= kept.size:
            row = _proven_row(connection, report, position, holds)
            keys.check_announcement(position, row)
    return None if last is None else ProvenStart(tree, last, holds)


def from_tiles(connection: psycopg.Connection[Any]) -> Subtree:
    """Return the roots of perfect subtrees from tiles, holding so many roots and tiles at a time and no more."""

    @lru_cache(TILES)
    def tile(level: int, number: int) -> bytes:
        return read_tile(connection, level, number)

    @lru_cache(ROOTS)
    def subtree(level: int, index: int) -> bytes:
        row, inside = divmod(level, HEIGHT)
        first, width = index << inside, HASH_BYTES << inside
        at = first % WIDTH * HASH_BYTES
        hashes = tile(row, first // WIDTH)[at : at + width]
        if len(hashes) < width:
            raise TreeBroken(f"Tile {row}/{first // WIDTH} is not filled that far.")
        return perfect_root(hashes_of(hashes))

    return subtree


def _holds(subtree: Subtree, kept: Checkpoint, position: int, commitment: bytes) -> bool:
    leaf = leaf_hash(published_entry(commitment))
    try:
        path = inclusion_proof(subtree, position - 1, kept.size)
        check_inclusion(position - 1, kept.size, leaf, path, kept.root)
    except (ProofError, TreeBroken, ValueError):
        return False
    return True


def _proven_row(
    connection: psycopg.Connection[Any], report: Report, position: int, holds: Callable[[int, bytes], bool]
) -> RawRow | None:
    """Return an event that the kept checkpoint holds, column by column; names it where it is another."""
    try:
        row = next(iter([read_raw(block) for block in copied(connection, "copy_one", position)]), None)
    except ImpossibleRow as error:
        report.blame(position, "readable", str(error))
        return None
    if row is None:
        report.blame(position, "position", "the last event of the kept checkpoint is missing")
        return None
    previous = bytes(32)
    if row.version > 1:
        asked = [[UUID(bytes=row.stream)], [row.version - 1]]
        for _, _, _, commitment in connection.cursor(binary=True).execute(SQL["predecessors"], asked):
            previous = bytes(commitment)
    header = header_of(row.blind, row.recorded_at, row.actor, previous, row.segments)
    made = commitment_of(row.position, row.stream, row.version, row.topic, header)
    if not holds(position, made):
        report.add(row.fault("inclusion", "it is not the event that the kept checkpoint holds at its position"))
    return row
