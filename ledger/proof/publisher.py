"""Publishing: what was appended goes into the tiles, the signer signs the tree, the checkpoint is stored."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from ledger.errors import LedgerError, NoLedger
from ledger.proof.growing import SQL, TreeBroken, grow
from ledger.proof.log_signer import require_signer
from ledger.proof.merkle_proofs import Subtree, consistency_proof, range_root
from ledger.proof.notes import Note, VerifierKey
from ledger.proof.signer import Signer
from ledger.proof.tiles import subtree_from
from ledger.spans import span
from ledger.store import WORKER_ROLE, conninfo_as

_MAY_NOT_SEE = f"{WORKER_ROLE} may not see how far standbys are: grant it pg_read_all_stats."


def default_origin(ledger: UUID) -> str:
    """Return the origin of a log that nobody gave an address to."""
    return f"caseledger.local/{ledger}"


def ledger_of(conninfo: str) -> UUID:
    """Return the id of the ledger of a database, which takes none of its keys; raises NoLedger."""
    with psycopg.connect(conninfo_as(conninfo, WORKER_ROLE), autocommit=True) as connection:
        row = connection.execute(SQL["head"]).fetchone()
    if row is None:
        raise NoLedger
    return row[0]


class NotReplicated(LedgerError):
    """No synchronous standby has on disk what is to be signed: nothing is, until one has."""


class Publisher:
    """Makes checkpoints of one ledger; only one at a time does, whoever else waits for its turn.

    With ``synchronous_standby`` it signs only what a second server has on disk, so that no checkpoint is ever ahead of
    the server that takes over.
    """

    def __init__(self, conninfo: str, signer: Signer, *, synchronous_standby: bool = False) -> None:
        self._signer, self._synchronous_standby = signer, synchronous_standby
        self._connection = psycopg.connect(conninfo_as(conninfo, WORKER_ROLE), autocommit=True)

    def close(self) -> None:
        """Let go of the connection, and with it of the turn."""
        self._connection.close()

    def prepare(self, origin: str) -> None:
        """Make sure that the signer is the one of this log, which is made here for a new log; see require_signer."""
        self._connection.execute(SQL["listen"])
        rows = self._connection.execute(SQL["keys"]).fetchall()
        require_signer(self._signer, [VerifierKey.read(vkey) for vkey, _ in rows], origin)

    def has_turn(self) -> bool:
        """Whether this publisher is the one that publishes; it stays so until it is closed."""
        return bool(self._connection.execute(SQL["lock"]).fetchall()[0][0])

    def wait(self, seconds: float) -> bool:
        """Wait for somebody who wants a checkpoint now; returns whether anybody does. Hears nobody until prepared."""
        return any(True for _ in self._connection.notifies(timeout=seconds, stop_after=1))

    def announce_key(self, vkey: VerifierKey, position: int) -> None:
        """Put a key of the log on record, with the position of the event that announces it; quiet when it is there."""
        self._connection.execute(SQL["write_key"], [str(vkey), position])

    def publish(self) -> int | None:
        """Sign and store a checkpoint of everything on record; returns its size, None where there is nothing new.

        Raises TreeBroken where the tree of the events is not that of the head, NotReplicated where a standby that is
        asked for lacks some of it, SignerRefused and SignerMissing as the signer does. A run that was cut off after
        signing stores the same bytes the next time.
        """
        _, size, root = self._connection.execute(SQL["head"]).fetchall()[0]
        stored = self._connection.execute(SQL["latest"], [2**63 - 1]).fetchone()
        if size == 0 or (stored is not None and stored[0] == size):
            if stored is not None and stored[1] != root:
                raise TreeBroken(f"The checkpoint of {size} entries has another root than the head of the ledger.")
            return None
        with span("checkpoint", size=size):
            self._sign(size, root)
        return size

    def _sign(self, size: int, root: bytes) -> None:
        grow(self._connection, size)
        read = self._subtree()
        if range_root(read, 0, size) != root:
            raise TreeBroken("The tree of the events has another root than the head of the ledger.")
        self._confirm()
        note = self._signer.sign(size, root, self._proof(read, size))
        self._store(size, root, note)

    def _confirm(self) -> None:
        """Wait until what was read is as durable as a commit makes it; raises NotReplicated.

        What is seen need not be: a server shows what it has written itself after a restart, or where somebody has cut
        off the wait for the standby.
        """
        place = self._connection.execute(SQL["confirm"]).fetchall()[0][0]
        if self._synchronous_standby:
            may_see, held = self._connection.execute(SQL["on_standby"], [place]).fetchall()[0]
            if not held:
                raise NotReplicated(None if may_see else _MAY_NOT_SEE)

    def _proof(self, read: Subtree, size: int) -> Sequence[bytes]:
        last = self._signer.last()
        return [] if last is None or last.size >= size else consistency_proof(read, last.size, size)

    def _store(self, size: int, root: bytes, note: Note) -> None:
        with self._connection.transaction():
            if not self._connection.execute(SQL["keys"]).fetchall():
                for vkey in self._signer.vkeys:
                    self._connection.execute(SQL["write_key"], [str(vkey), None])
            self._connection.execute(SQL["write_checkpoint"], [size, root, str(note)])
            self._connection.execute(SQL["announce"], [str(size)])

    def _subtree(self) -> Subtree:
        return subtree_from(lambda level, number: read_tile(self._connection, level, number))


def read_tile(connection: psycopg.Connection[Any], level: int, number: int) -> bytes:
    """Return the hashes of a tile as far as it is filled; raises TreeBroken where it is missing."""
    row = connection.cursor(binary=True).execute(SQL["read_tile"], [level, number]).fetchone()
    if row is None:
        raise TreeBroken(f"Tile {level}/{number} is missing.")
    return row[0]
