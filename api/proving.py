"""Proofs of single entries: asked for at once where a decision was recorded, and later by whoever reads the case."""

import asyncio
import logging
from dataclasses import replace
from time import monotonic

from api import json_log
from api.recording import Recorded
from domain.proof_at_once import is_proven_at_once
from ledger.errors import LedgerError
from ledger.format import StoredRow
from ledger.proof.entry_proofs import entry_extra
from ledger.proof.growing import SQL
from ledger.proof.proof_files import ProofFile
from ledger.proof.records import ProofRecords, Published
from ledger.store import Ledger

RECEIPT_SECONDS = 1.0
"""How long an answer to a commit waits at most for its proof."""

LOOK_SECONDS = 0.015


class Prover:
    """Makes proofs of the entries of one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._sights: dict[asyncio.AbstractEventLoop, asyncio.Task[int]] = {}
        self.records = ProofRecords(ledger)

    async def covering(self, position: int, seconds: float) -> Published | None:
        """Return the smallest checkpoint that holds a position; where there is none it is asked for and waited for.

        Returns None after the seconds, and at once where nobody publishes.
        """
        deadline = monotonic() + seconds
        published = await asyncio.to_thread(self.records.covering, position)
        if published is not None or not await asyncio.to_thread(self._ask):
            return published
        while await self._signed() < position:
            if monotonic() > deadline:
                return None
        return await asyncio.to_thread(self.records.covering, position)

    async def _signed(self) -> int:
        """Return how much is signed a moment later; those who wait together share one look."""
        loop = asyncio.get_running_loop()
        if loop not in self._sights:
            self._sights[loop] = loop.create_task(self._look(loop))
        return await asyncio.shield(self._sights[loop])

    async def _look(self, loop: asyncio.AbstractEventLoop) -> int:
        await asyncio.sleep(LOOK_SECONDS)
        del self._sights[loop]
        latest = await asyncio.to_thread(self.records.latest)
        return latest.checkpoint.size if latest else 0

    async def of_receipt(self, recorded: Recorded) -> str | None:
        """Return the proof of the last entry of a commit that is proven at once, with the log's signature alone.

        None for any other commit, and for one whose proof is not there in time: a commit never fails for its proof.
        """
        if not is_proven_at_once(event for _, _, event in recorded.entries):
            return None
        try:
            async with asyncio.timeout(RECEIPT_SECONDS):
                return await self._brief(recorded.entries[-1][1])
        except TimeoutError:
            return None
        except LedgerError as error:
            json_log.log("receipt_without_proof", logging.WARNING, **json_log.failure(error))
            return None

    def of_entry(self, row: StoredRow, previous: bytes, published: Published, *, told: bool) -> ProofFile:
        """Return the proof of an entry with every signature there is; where it is told, with what makes the leaf.

        ``previous`` is the commitment of its stream's entry before, or zeros.
        """
        proof = self.records.proof(row.position, published, self.records.cosigned(published))
        return replace(proof, extra=entry_extra(row, previous)) if told else proof

    async def _brief(self, position: int) -> str | None:
        published = await self.covering(position, RECEIPT_SECONDS)
        return None if published is None else await asyncio.to_thread(self._written, position, published)

    def _written(self, position: int, published: Published) -> str:
        return str(self.records.proof(position, published, self.records.brief(published)))

    def _ask(self) -> bool:
        """Ask for a checkpoint now; returns whether anybody is there to make it."""
        return bool(self._ledger.query(SQL["ask"], []))
