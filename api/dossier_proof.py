"""What proves the entries of a dossier: the leaf of each, the first checkpoint that holds them all, and some paths."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from ledger.format import leaf_index, published_entry
from ledger.merkle import leaf_hash
from ledger.proof.merkle_proofs import inclusion_proof
from ledger.proof.notes import encode
from ledger.proof.records import ProofRecords
from ledger.store import Ledger


def verification(
    ledger: Ledger, records: ProofRecords, case: UUID, position: int, proven: Collection[int]
) -> dict[str, Any]:
    """Return the verification data of a case's entries up to a position, the same once a checkpoint holds them.

    The checkpoint is the smallest that does, with the log's Ed25519 signature alone: later ones and cosignatures change
    nothing. It is None as long as there is none. ``proven`` are the versions whose path to its root is told.
    """
    rows = ledger.read_stream(case, position)
    published = records.covering(position)
    told: dict[str, Any] = {
        "ledger": str(ledger.id),
        "position": position,
        "leaves": [
            {
                "version": row.version,
                "position": row.position,
                "leaf": encode(leaf_hash(published_entry(row.commitment))),
            }
            for row in rows
        ],
        "checkpoint": None,
        "proofs": [],
    }
    if published is None:
        return told
    size, subtree = published.checkpoint.size, records.subtree()
    told["checkpoint"] = {
        "origin": published.checkpoint.origin,
        "size": size,
        "root": encode(published.checkpoint.root),
        "note": str(records.brief(published)),
    }
    told["proofs"] = [
        {
            "version": row.version,
            "index": leaf_index(row.position),
            "path": [encode(one) for one in inclusion_proof(subtree, leaf_index(row.position), size)],
        }
        for row in rows
        if row.version in proven
    ]
    return told
