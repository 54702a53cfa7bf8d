"""The root of the tree at any size it has had, made from the tiles and the commitments that no tile holds yet."""

from ledger.format import published_entry
from ledger.merkle import EMPTY_ROOT, Frontier, leaf_hash
from ledger.proof.growing import SQL, STRETCH
from ledger.proof.records import ProofRecords, Reader


def root_at(ledger: Reader, size: int) -> bytes | None:
    """Return the root of the tree over the first ``size`` events; the root of nothing for 0.

    Reads a few tiles, so it costs the same for any size. None where the tiles lag further behind than one stretch, as
    where nobody publishes: then it cannot be had cheaply. None, too, of a size that the ledger does not have.
    """
    if size == 0:
        return EMPTY_ROOT
    grown = ledger.query(SQL["grown_to"], [])
    stored = min(size, grown[0][0] if grown else 0)
    if size - stored > STRETCH:
        return None
    frontier = _frontier(ProofRecords(ledger), stored)
    for _, commitment in ledger.query(SQL["commitments"], [stored, size]) if stored < size else ():
        frontier.add(leaf_hash(published_entry(commitment)))
    return frontier.root() if frontier.size == size else None


def _frontier(records: ProofRecords, size: int) -> Frontier:
    """Return the tree over the first ``size`` events as the roots of its perfect subtrees."""
    frontier, subtree, begin = Frontier(), records.subtree(), 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            frontier.hashes.append(subtree(level, begin >> level))
            begin += 1 << level
    frontier.size = size
    return frontier
