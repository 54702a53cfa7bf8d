"""Checking one stream: its payloads and chain, and the place of each of its events in the newest checkpoint."""

from collections.abc import Sequence
from typing import Any

import psycopg

from domain.erased import Erased
from ledger.format import StoredRow, published_entry
from ledger.merkle import leaf_hash
from ledger.proof.checkpoints import Checkpoint, read_checkpoint
from ledger.proof.growing import TreeBroken
from ledger.proof.merkle_proofs import ProofError, check_inclusion, inclusion_proof
from ledger.proof.notes import NoteError
from replay.verify_kept import from_tiles
from replay.verify_keys import LogKeys
from replay.verify_report import Report
from replay.verify_rows import SQL, raw_of, verify_stream


def verify_case_rows(
    connection: psycopg.Connection[Any], report: Report, keys: LogKeys, rows: Sequence[StoredRow], erased: Erased
) -> None:
    """Check the rows of one stream and that the newest checkpoint holds them; faults and counts go to the report."""
    for fault in verify_stream(rows, erased):
        report.add(fault)
    report.events, report.streams = len(rows), 1
    report.payload_bytes = sum(len(row.state) for row in rows)
    report.sealed_segments = sum(max(0, (len(row.segments) - 2) // 84 - 1) for row in rows)
    checkpoint = _newest(connection, report, keys)
    if checkpoint is None:
        report.unpublished = len(rows)
        return
    report.size, report.root, report.checkpoints = checkpoint.size, checkpoint.root, 1
    subtree = from_tiles(connection)
    for row in rows:
        if row.position > checkpoint.size:
            report.unpublished += 1
            continue
        leaf = leaf_hash(published_entry(row.commitment))
        try:
            path = inclusion_proof(subtree, row.position - 1, checkpoint.size)
            check_inclusion(row.position - 1, checkpoint.size, leaf, path, checkpoint.root)
        except (ProofError, TreeBroken, ValueError):
            report.add(raw_of(row).fault("inclusion", "it cannot be proven to stand in the newest checkpoint"))


def _newest(connection: psycopg.Connection[Any], report: Report, keys: LogKeys) -> Checkpoint | None:
    """Return the newest checkpoint after checking who signed it; None where there is none that can be read."""
    stored = connection.execute(SQL["newest_checkpoint"]).fetchone()
    if stored is None:
        return None
    size, root, text = stored
    keys.check_given(size)
    try:
        checkpoint, note = read_checkpoint(text)
    except NoteError as error:
        report.blame(size, "checkpoint-signature", f"the checkpoint cannot be read: {error}")
        return None
    if (checkpoint.size, checkpoint.root) != (size, bytes(root)):
        report.blame(size, "checkpoint-root", "what was signed is another size or root than what is stored beside it")
    wrong = keys.wrong_with(checkpoint, note, 0)
    if wrong is not None:
        report.blame(size, "checkpoint-signature", f"the checkpoint {wrong}")
    return checkpoint
