"""Inclusion and consistency proofs of RFC 9162, section 2.1: made from the perfect subtrees of a tree, and checked."""

from collections.abc import Callable, Sequence

from ledger.merkle import node_hash

HASH_BYTES = 32

Subtree = Callable[[int, int], bytes]
"""Returns the root of the perfect subtree number ``index`` (from 0) over ``2 ** level`` leaves."""


class ProofError(ValueError):
    """A proof does not prove what it is said to."""


def inclusion_proof(subtree: Subtree, index: int, size: int) -> list[bytes]:
    """Return the path from leaf ``index`` to the root of the tree of ``size``, the leaf's sibling first.

    Raises ProofError where that tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ProofError(f"a tree of {size} leaves has no leaf {index}")
    return _path(subtree, index, 0, size)


def consistency_proof(subtree: Subtree, old: int, new: int) -> list[bytes]:
    """Return what proves that the tree of size ``old`` is the beginning of the tree of size ``new``.

    Empty where the sizes are equal. Raises ProofError unless ``0 < old <= new``.
    """
    if not 0 < old <= new:
        raise ProofError(f"there is no proof from a tree of {old} leaves to one of {new}")
    return [] if old == new else _from_subtree(subtree, old, 0, new, whole=True)


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf hash stands at ``index`` in the tree of ``size`` with a root (RFC 9162, 2.1.3.2).

    Raises ProofError.
    """
    _require_hashes(leaf, root, *proof)
    if not 0 <= index < size:
        raise ProofError(f"a tree of {size} leaves has no leaf {index}")
    at, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofError("the proof is longer than the way to the root")
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise ProofError("the proof ends before the root")
    if found != root:
        raise ProofError("the proof leads to another root")


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of ``old`` leaves is the beginning of that of ``new`` (RFC 9162, 2.1.4.2).

    Raises ProofError, also for an empty old tree: that it is the beginning of every tree proves nothing.
    """
    if not 0 < old <= new:
        raise ProofError(f"there is no proof from a tree of {old} leaves to one of {new}")
    if old == new:
        if proof or old_root != new_root:
            raise ProofError("two trees of one size have different roots, or a proof that is not needed")
        return
    _require_hashes(old_root, new_root, *proof)
    steps = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not steps:
        raise ProofError("the proof is empty")
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            raise ProofError("the proof is longer than the way to the root")
        if at & 1 or at == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise ProofError("the proof ends before the root")
    if first != old_root or second != new_root:
        raise ProofError("the proof leads to other roots")


def range_root(subtree: Subtree, begin: int, end: int) -> bytes:
    """Return the root over leaves ``begin`` to ``end`` (not counted in), where ``begin`` is a multiple of their split.

    For ``begin`` 0 it is the root of the tree of size ``end``.
    """
    width = end - begin
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return subtree(level, begin >> level)
    split = _split(width)
    return node_hash(range_root(subtree, begin, begin + split), range_root(subtree, begin + split, end))


def _path(subtree: Subtree, index: int, begin: int, end: int) -> list[bytes]:
    if end - begin == 1:
        return []
    middle = begin + _split(end - begin)
    if index < middle:
        return [*_path(subtree, index, begin, middle), range_root(subtree, middle, end)]
    return [*_path(subtree, index, middle, end), range_root(subtree, begin, middle)]


def _from_subtree(subtree: Subtree, old: int, begin: int, end: int, *, whole: bool) -> list[bytes]:
    """Return SUBPROOF of RFC 9162, 2.1.4.1; ``whole`` says that the old root is known to whoever checks."""
    if old == end:
        return [] if whole else [range_root(subtree, begin, end)]
    middle = begin + _split(end - begin)
    if old <= middle:
        return [*_from_subtree(subtree, old, begin, middle, whole=whole), range_root(subtree, middle, end)]
    return [*_from_subtree(subtree, old, middle, end, whole=False), range_root(subtree, begin, middle)]


def _split(width: int) -> int:
    """Return the largest power of two smaller than a width of at least 2."""
    return 1 << (width - 1).bit_length() - 1


def _require_hashes(*hashes: bytes) -> None:
    if any(len(one) != HASH_BYTES for one in hashes):
        raise ProofError("a hash does not have 32 bytes")
