"""What was published of one ledger, read: checkpoints with their signatures, tiles, bundles of entries, proofs."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString, Protocol

import psycopg

from ledger.format import published_entry
from ledger.proof.checkpoints import Checkpoint, read_checkpoint
from ledger.proof.growing import SQL, TreeBroken
from ledger.proof.merkle_proofs import Subtree, consistency_proof, inclusion_proof
from ledger.proof.notes import ED25519, Note, NoteError, VerifierKey, read_signature
from ledger.proof.policies import NO_QUORUM, Policy
from ledger.proof.proof_files import ProofFile
from ledger.proof.tiles import HASH_BYTES, Tile, subtree_from, write_bundle
from ledger.store import WORKER_ROLE, conninfo_as

LARGEST = 2**63 - 1
PAGE = 500


@dataclass(frozen=True, slots=True)
class Published:
    """A checkpoint that was signed and stored: ``note`` has the signatures of the log alone."""

    checkpoint: Checkpoint
    note: Note
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class Stamp:
    """An RFC 3161 answer with its token (TimeStampResp in DER, a ``.tsr``) over the text of a checkpoint; its time."""

    token: bytes
    stamped_at: datetime


class Reader(Protocol):
    """What answers statements: an open ledger, or a connection that has none of its keys."""

    def query(self, statement: LiteralString, values: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        ...


class ProofRecords:
    """Reads of one ledger what is to be published."""

    def __init__(self, ledger: Reader) -> None:
        self._ledger = ledger

    def latest(self, upto: int = LARGEST) -> Published | None:
        """Return the largest checkpoint at or below a size; None for none yet."""
        return self._one("latest", upto)

    def covering(self, position: int) -> Published | None:
        """Return the smallest checkpoint that holds a position; None for none yet."""
        return self._one("covering", position)

    def keys(self) -> list[tuple[VerifierKey, int | None]]:
        """Return the keys of the log, each with the position of the event that announced it; None for the first.

        In the order they came; of those that came together Ed25519 before ML-DSA-44.
        """
        found = [(VerifierKey.read(vkey), announced) for vkey, announced in self._ledger.query(SQL["keys"], [])]
        return sorted(found, key=lambda one: (one[1] or 0, one[0].kind))

    def vkeys(self) -> str:
        """Return the keys of the log in text form, one a line, in that order; empty for none yet."""
        return "".join(f"{key}\n" for key, _ in self.keys())

    def after(self, size: int, limit: int = 1000) -> list[Published]:
        """Return checkpoints larger than a size, in order."""
        return [_published(row) for row in self._ledger.query(SQL["checkpoints"], [size, limit])]

    def before(self, size: int, limit: int) -> list[Published]:
        """Return checkpoints smaller than a size, the largest first."""
        return [_published(row) for row in self._ledger.query(SQL["checkpoints_before"], [size, limit])]

    def cosigned(self, published: Published) -> Note:
        """Return a checkpoint with the signatures of the log and the newest one of each witness."""
        rows = self._ledger.query(SQL["cosignatures"], [published.checkpoint.size])
        return published.note.signed(*(read_signature(row[0]) for row in rows))

    def brief(self, published: Published) -> Note:
        """Return a checkpoint with the Ed25519 signatures of the log alone."""
        short = [key for key, _ in self.keys() if key.kind == ED25519]
        return Note(published.note.text, tuple(one for key in short for one in key.of(published.note)))

    def keys_at(self, size: int) -> list[VerifierKey]:
        """Return the keys that sign a checkpoint of a size: those announced last, and none announced after it."""
        known = [(key, announced or 0) for key, announced in self.keys() if (announced or 0) <= size]
        last = max((announced for _, announced in known), default=0)
        return [key for key, announced in known if announced == last]

    def last_cosigned(self, key: VerifierKey) -> int:
        """Return the largest size that a key of a witness cosigned; 0 for none."""
        return self._ledger.query(SQL["last_cosigned"], [key.name, key.key_id])[0][0] or 0

    def witnessed(self, policy: Policy) -> Published | None:
        """Return the largest checkpoint that enough witnesses of a policy cosigned; None for none yet.

        Their signatures are checked, not just looked up; one that is false counts as none.
        """
        if policy.quorum == NO_QUORUM:
            return self.latest()
        keys = {f"{party.vkey.name}+{party.vkey.key_id.hex()}": party.vkey for party in policy.witnesses.values()}
        below = LARGEST
        while rows := self._ledger.query(SQL["cosigners"], [below, PAGE]):
            for size, names in rows:
                if policy.met_by({keys[name] for name in names if name in keys}):
                    published = self.latest(size)
                    if published is not None and self._is_witnessed(published, policy):
                        return published
            below = rows[-1][0]
        return None

    def _is_witnessed(self, published: Published, policy: Policy) -> bool:
        try:
            return policy.met_by(policy.cosigners(self.cosigned(published)))
        except NoteError:
            return False

    def stamps(self, size: int) -> list[Stamp]:
        """Return the time stamps over the checkpoint of a size."""
        return [Stamp(*row) for row in self._ledger.query(SQL["stamps"], [size])]

    def last_stamp(self) -> tuple[int, datetime] | None:
        """Return of which size the newest time stamp is, and its time; None for none yet."""
        rows = self._ledger.query(SQL["last_stamp"], [])
        return (rows[0][0], rows[0][1]) if rows else None

    def tile(self, tile: Tile, size: int) -> bytes | None:
        """Return the bytes of a tile or bundle in a tree of a size; None where that tree has no such tile."""
        first = tile.index << 8 * (1 + (tile.level or 0))
        if (first + (tile.width << 8 * (tile.level or 0))) > size:
            return None
        if tile.level is None:
            rows = self._ledger.query(SQL["entries"], [first + 1, first + tile.width])
            return write_bundle([published_entry(row[0]) for row in rows])
        return self._hashes(tile.level, tile.index)[: tile.width * HASH_BYTES]

    def subtree(self) -> Subtree:
        """Return what gives the roots of perfect subtrees, from the tiles."""
        return subtree_from(self._hashes)

    def proof(self, position: int, published: Published, note: Note | None = None) -> ProofFile:
        """Return the proof that an event stands in a checkpoint; ``note`` is the checkpoint to put into it."""
        size = published.checkpoint.size
        path = inclusion_proof(self.subtree(), position - 1, size)
        return ProofFile(position - 1, tuple(path), published.checkpoint, note or published.note)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the proof from one size to a larger one; raises ProofError."""
        return consistency_proof(self.subtree(), old, new)

    def _hashes(self, level: int, number: int) -> bytes:
        rows = self._ledger.query(SQL["read_tile"], [level, number])
        if not rows:
            raise TreeBroken(f"Tile {level}/{number} is missing.")
        return rows[0][0]

    def _one(self, name: str, size: int) -> Published | None:
        rows = self._ledger.query(SQL[name], [size])
        return _published(rows[0]) if rows else None


@contextmanager
def opened_records(conninfo: str) -> Generator[ProofRecords]:
    """Yield what was published of the ledger at an address, read as the worker does: without the ledger's keys."""
    with psycopg.connect(conninfo_as(conninfo, WORKER_ROLE), autocommit=True) as connection:
        yield ProofRecords(_Connected(connection))


class _Connected:
    """Answers statements through one connection; may be asked from several threads, one after the other."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def query(self, statement: LiteralString, values: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        return self._connection.cursor(binary=True).execute(statement, values).fetchall()


def _published(row: tuple[Any, ...]) -> Published:
    _, _, note, stored_at = row
    checkpoint, read = read_checkpoint(note)
    return Published(checkpoint, read, stored_at)
