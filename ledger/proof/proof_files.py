"""Proof files (c2sp.org/tlog-proof): that one entry stands in a signed checkpoint, for whoever keeps the file."""

from dataclasses import dataclass

from ledger.proof.checkpoints import Checkpoint, read_checkpoint
from ledger.proof.merkle_proofs import check_inclusion
from ledger.proof.notes import Note, NoteError, decode, encode, hashes, read_size

FIRST_LINE = "c2sp.org/tlog-proof@v1"
MAX_PROOF_LINES = 63


@dataclass(frozen=True, slots=True)
class ProofFile:
    """The index of an entry, the path to the root, the signed checkpoint; ``extra`` is proven by none of them."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: Checkpoint
    note: Note
    extra: bytes | None = None

    def __str__(self) -> str:
        extra = [] if self.extra is None else [f"extra {encode(self.extra)}"]
        lines = [FIRST_LINE, *extra, f"index {self.index}", *map(encode, self.path)]
        return "\n".join(lines) + f"\n\n{self.note}"

    def check(self, leaf: bytes) -> None:
        """Check that a leaf hash stands in the checkpoint, not who signed it; raises ProofError."""
        check_inclusion(self.index, self.checkpoint.size, leaf, self.path, self.checkpoint.root)


def read_proof(content: str | bytes) -> ProofFile:
    """Return a proof from its bytes; raises NoteError where they are none."""
    try:
        text = content.decode() if isinstance(content, bytes) else content
    except UnicodeDecodeError:
        raise NoteError("a proof is not text in UTF-8") from None
    above, _, below = text.partition("\n\n")
    lines = above.split("\n")
    if lines.pop(0) != FIRST_LINE:
        raise NoteError(f"a proof must begin with the line {FIRST_LINE}")
    extra = decode(lines.pop(0).removeprefix("extra ")) if lines and lines[0].startswith("extra ") else None
    if not lines or not lines[0].startswith("index ") or len(lines) > MAX_PROOF_LINES + 1:
        raise NoteError("a proof must name the index of its entry, and at most 63 hashes")
    index = read_size(lines[0].removeprefix("index "))
    checkpoint, note = read_checkpoint(below)
    return ProofFile(index, tuple(hashes(lines[1:])), checkpoint, note, extra)
