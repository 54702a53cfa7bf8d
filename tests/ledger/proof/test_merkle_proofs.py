"""Proofs against the vectors of another implementation, and made for trees of every size."""

import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.merkle import leaf_hash, node_hash, root_of
from ledger.proof.merkle_proofs import (
    ProofError,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    range_root,
)
from ledger.proof.tiles import WIDTH, subtree_from, tile_root
from tests.ledger.proof.vectors import SHARED, needs_shared

LEAVES = [leaf_hash(bytes([number % 256, number // 256])) for number in range(600)]


def cases(kind: str) -> list[Path]:
    return sorted((SHARED / "merkle" / kind).rglob("*.json"))


def name(path: Path) -> str:
    return str(path.relative_to(SHARED / "merkle").with_suffix(""))


def hashed(value: str | None) -> bytes:
    return b64decode(value or "")


@needs_shared
def test_all_cases_are_there() -> None:
    assert (len(cases("inclusion")), len(cases("consistency"))) == (98, 98)


@needs_shared
@pytest.mark.parametrize("path", cases("inclusion"), ids=name)
def test_inclusion_is_accepted_and_refused_as_elsewhere(path: Path) -> None:
    case: dict[str, Any] = json.loads(path.read_text("utf-8"))
    proof = [hashed(one) for one in case["proof"] or ()]
    asked = (case["leafIdx"], case["treeSize"], hashed(case["leafHash"]), proof, hashed(case["root"]))
    if case["wantErr"]:
        with pytest.raises(ProofError):
            check_inclusion(*asked)
    else:
        check_inclusion(*asked)


@needs_shared
@pytest.mark.parametrize("path", cases("consistency"), ids=name)
def test_consistency_is_accepted_and_refused_as_elsewhere(path: Path) -> None:
    case: dict[str, Any] = json.loads(path.read_text("utf-8"))
    proof = [hashed(one) for one in case["proof"] or ()]
    asked = (case["size1"], case["size2"], hashed(case["root1"]), hashed(case["root2"]), proof)
    if case["wantErr"]:
        with pytest.raises(ProofError):
            check_consistency(*asked)
    else:
        check_consistency(*asked)


def subtree(level: int, index: int) -> bytes:
    """Return the root of a perfect subtree by building it."""
    return root_of(LEAVES[index << level : (index + 1) << level])


def tile(level: int, index: int) -> bytes:
    """Return the hashes of a tile, as far as it is filled, by building it."""
    row = LEAVES
    for _ in range(level):
        row = [tile_root(b"".join(row[at : at + WIDTH])) for at in range(0, len(row) - WIDTH + 1, WIDTH)]
    return b"".join(row[index * WIDTH : (index + 1) * WIDTH])


@settings(deadline=None)
@given(st.data())
def test_every_proof_made_is_accepted_and_for_nothing_else(data: st.DataObject) -> None:
    """Any leaf of any size, any earlier size: from subtrees and from tiles alike; one bit less, and it is refused."""
    size = data.draw(st.integers(1, len(LEAVES)))
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    root = root_of(LEAVES[:size])
    for read in (subtree, subtree_from(tile)):
        assert range_root(read, 0, size) == root
        path = inclusion_proof(read, index, size)
        check_inclusion(index, size, LEAVES[index], path, root)
        between = consistency_proof(read, old, size)
        check_consistency(old, size, root_of(LEAVES[:old]), root, between)
    other = sha256(data.draw(st.binary())).digest()
    with pytest.raises(ProofError):
        check_inclusion(index, size, other, path, root)
    for at in range(len(path)):
        with pytest.raises(ProofError):
            check_inclusion(index, size, LEAVES[index], [*path[:at], other, *path[at + 1 :]], root)
    for at in range(len(between)):
        with pytest.raises(ProofError):
            check_consistency(old, size, root_of(LEAVES[:old]), root, [*between[:at], other, *between[at + 1 :]])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3)])
def test_there_is_no_proof_for_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        inclusion_proof(subtree, index, size)
    with pytest.raises(ProofError):
        check_inclusion(index, size, LEAVES[0], [], LEAVES[0])


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 3), (4, 3), (-1, 3)])
def test_there_is_no_proof_from_nothing_or_backwards(old: int, new: int) -> None:
    with pytest.raises(ProofError):
        consistency_proof(subtree, old, new)
    with pytest.raises(ProofError):
        check_consistency(old, new, LEAVES[0], LEAVES[0], [])


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_hash_has_32_bytes(length: int) -> None:
    with pytest.raises(ProofError, match="32 bytes"):
        check_inclusion(0, 1, bytes(length), [], bytes(32))
    with pytest.raises(ProofError, match="32 bytes"):
        check_inclusion(0, 2, bytes(32), [bytes(length)], bytes(32))
    with pytest.raises(ProofError, match="32 bytes"):
        check_consistency(1, 2, bytes(32), bytes(length), [bytes(32)])


def test_a_tile_that_is_not_filled_that_far_gives_no_subtree() -> None:
    read = subtree_from(tile)
    assert read(1, 299) == node_hash(*LEAVES[598:])
    with pytest.raises(ValueError, match="not filled"):
        read(3, 75)
