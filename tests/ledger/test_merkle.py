"""The tree against its definition in RFC 9162 and against a log that other implementations have verified."""

import base64
from hashlib import sha256
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.merkle import EMPTY_ROOT, Frontier, leaf_hash, node_hash, root_of

LOG = Path(__file__).parents[1] / "vectors" / "own-1000leaf"


def defined_root(leaves: list[bytes]) -> bytes:
    """Return the root by the recursive definition of RFC 9162, section 2.1.1."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else sha256().digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + defined_root(leaves[:split]) + defined_root(leaves[split:])).digest()


def entries() -> list[bytes]:
    """Return the published entries of the log: its bundles hold u16 lengths and entries."""
    found: list[bytes] = []
    for bundle in ("000", "001", "002", "003.p/232"):
        content = (LOG / "tile" / "entries" / bundle).read_bytes()
        while content:
            length = int.from_bytes(content[:2], "big")
            found.append(content[2 : 2 + length])
            content = content[2 + length :]
    return found


def test_root_is_the_one_a_verified_log_publishes() -> None:
    """The thousand leaves of a log accepted by other implementations give the roots that its checkpoints carry."""
    hashes = [leaf_hash(entry) for entry in entries()]
    for checkpoint, size in (("checkpoint", 1000), ("checkpoint.700", 700)):
        lines = (LOG / checkpoint).read_text("utf-8").splitlines()
        assert int(lines[1]) == size
        assert root_of(hashes[:size]) == base64.b64decode(lines[2])


@given(st.lists(st.binary(max_size=8), max_size=70))
@settings(max_examples=60, deadline=None)
def test_frontier_follows_the_definition(contents: list[bytes]) -> None:
    """A tree grown leaf by leaf has at every size the root of the recursive definition."""
    leaves = [leaf_hash(content) for content in contents]
    tree = Frontier()
    for size, leaf in enumerate(leaves, start=1):
        tree.add(leaf)
        assert tree.root() == defined_root(leaves[:size])
        assert len(tree.hashes) == size.bit_count()
    assert root_of(leaves) == tree.root()
    assert tree.size == len(leaves)


def test_empty_tree_and_prefixes_are_those_of_the_standard() -> None:
    """The empty tree's root is the hash of nothing; leaves and nodes cannot be taken for each other."""
    assert Frontier().root() == EMPTY_ROOT == sha256().digest()
    assert leaf_hash(b"ab" * 32) == sha256(b"\x00" + b"ab" * 32).digest()
    assert node_hash(b"a" * 32, b"b" * 32) == sha256(b"\x01" + b"a" * 32 + b"b" * 32).digest()
