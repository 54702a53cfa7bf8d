"""A log in memory: leaves, keys, checkpoints and proofs, also of a fork that it should never have signed."""

from dataclasses import dataclass, field
from hashlib import sha256

from ledger.merkle import leaf_hash
from ledger.proof.checkpoints import Checkpoint
from ledger.proof.growing import Edge
from ledger.proof.merkle_proofs import Subtree, consistency_proof, inclusion_proof, range_root
from ledger.proof.notes import Note, SigningKey
from ledger.proof.proof_files import ProofFile
from ledger.proof.tiles import subtree_from

TIME = 1_790_000_000
NOTHING = sha256(b"").digest()


def entry_of(index: int) -> bytes:
    """Return the entry of a leaf: 33 bytes, as ours are."""
    return b"\1" + sha256(str(index).encode()).digest()


@dataclass(frozen=True)
class MemoryLog:
    """A log of so many leaves; from ``fork`` on they are others than those of a log without."""

    origin: str = "ledger.eksempel.dk/familie"
    fork: int = 2**62
    seed: int = 7
    tiles: dict[tuple[int, int], bytes] = field(default_factory=dict[tuple[int, int], bytes])
    edge: Edge = field(default_factory=lambda: Edge(()))

    @property
    def keys(self) -> tuple[SigningKey, SigningKey]:
        """Its Ed25519 and ML-DSA-44 keys."""
        return (
            SigningKey.ed25519(self.origin, bytes([self.seed]) * 32),
            SigningKey.ml_dsa(self.origin, bytes([self.seed + 1]) * 32),
        )

    def entry(self, index: int) -> bytes:
        """Return the entry of a leaf."""
        return entry_of(index if index < self.fork else -index)

    def subtree(self, size: int) -> Subtree:
        """Return the perfect subtrees of the tree, after growing it to a size at least."""
        while self.edge.size < size:
            self.edge.add(leaf_hash(self.entry(self.edge.size)))
        self.tiles.update({(level, number): hashes for level, number, hashes in self.edge.changed()})
        return subtree_from(lambda level, number: self.tiles[level, number])

    def checkpoint(self, size: int) -> Checkpoint:
        """Return what the log is at a size."""
        return Checkpoint(self.origin, size, range_root(self.subtree(size), 0, size) if size else NOTHING)

    def note(self, size: int, *keys: SigningKey) -> Note:
        """Return the checkpoint of a size, signed by keys (both of the log)."""
        text = self.checkpoint(size).text
        return Note(text).signed(*(key.sign(text, TIME) for key in keys or self.keys))

    def proof(self, old: int, new: int) -> list[bytes]:
        """Return the consistency proof from one size to another; none from nothing."""
        return consistency_proof(self.subtree(new), old, new) if old else []

    def proof_file(self, index: int, note: Note, size: int) -> ProofFile:
        """Return the proof of an entry in a signed checkpoint of a size."""
        path = inclusion_proof(self.subtree(size), index, size)
        return ProofFile(index, tuple(path), self.checkpoint(size), note)
