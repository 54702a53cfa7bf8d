"""A process of its own that works with a signer: ``python -m tests.ledger.proof.signer_worker FOLDER ACTION KILL_AT``.

It is killed just before the file operation number KILL_AT that changes anything; 0 lets it live. What it has signed it
prints, as whoever asked would have been given it.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from ledger.merkle import root_of
from ledger.proof.merkle_proofs import consistency_proof
from ledger.proof.signer import FileSigner
from ledger.proof.tiles import subtree_from
from tests.ledger.key_worker import kill_before

ORIGIN = "ledger.eksempel.dk/log"
LEAVES = [bytes([number % 251]) * 32 for number in range(600)]


def root(size: int) -> bytes:
    """Return the root of the first leaves."""
    return root_of(LEAVES[:size])


def proof(old: int, new: int) -> list[bytes]:
    """Return the proof from one size to another."""
    rows = {
        0: [b"".join(LEAVES[at : at + 256]) for at in range(0, 600, 256)],
        1: [b"".join(root_of(LEAVES[at : at + 256]) for at in (0, 256))],
    }
    return consistency_proof(subtree_from(lambda level, index: rows[level][index]), old, new)


def _create(signer: FileSigner) -> None:
    signer.create(ORIGIN)


def _sign(signer: FileSigner) -> None:
    last = signer.last()
    assert last is not None
    signed = str(signer.sign(300, root(300), proof(last.size, 300)))
    Path(os.devnull).write_bytes(b"")  # here it may die too: signed, and nobody told
    sys.stdout.write(signed)
    sys.stdout.flush()


def _begin(signer: FileSigner) -> None:
    signer.begin_rotation()


def _end(signer: FileSigner) -> None:
    signer.end_rotation()


ACTIONS: dict[str, Callable[[FileSigner], None]] = {"create": _create, "sign": _sign, "begin": _begin, "end": _end}


def main(folder: str, action: str, kill_at: str) -> None:
    """Do one thing with the signer in a folder."""
    kill_before(int(kill_at))
    ACTIONS[action](FileSigner(Path(folder), lambda: 1_700_000_000.0))


if __name__ == "__main__":
    main(*sys.argv[1:])
