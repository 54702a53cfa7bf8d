"""Checkpoints (c2sp.org/tlog-checkpoint): what a log was at a size, in three lines, and what is signed below them."""

from dataclasses import dataclass

from ledger.proof.notes import Note, NoteError, encode, read_head, read_note


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log by its origin, how many leaves it has, and the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{encode(self.root)}\n"


def read_checkpoint(content: str | bytes) -> tuple[Checkpoint, Note]:
    """Return a signed checkpoint, whatever its signatures are worth; raises NoteError where it is none.

    Extension lines are refused: ours has none, and no cosignature is over them.
    """
    note = read_note(content)
    checkpoint = Checkpoint(*read_head(note.text))
    if checkpoint.text != note.text:
        raise NoteError("a checkpoint has lines after its root")
    return checkpoint, note
