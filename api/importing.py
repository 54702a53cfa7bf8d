"""Taking over cases from another system: each row is one request, recorded now, with the times it claims beside it.

A row is recognised by the system's name and its id there, so that a run that was cut off is simply started again, and a
later extract brings only what is new. Nothing of what a row holds is repeated in the report.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import orjson

from api.import_map import Claim, ImportMap, Row, claim_of, column_of
from api.import_rows import digest_of, rows_of
from api.recording import KeyReused, NotYetHappened, RecordingError
from domain.errors import Malformed, Problem
from domain.time import write_moment

CHANGED = "was taken over before with other content: correct the entry in the ledger, it is not changed from outside"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row was not taken over: its number, the column, and reason with remedy."""

    row: int
    column: str
    reason: str


@dataclass(slots=True)
class Tally:
    """What became of the rows of a file."""

    digest: str
    rows: int = 0
    recorded: int = 0
    known: int = 0
    refusals: list[Refusal] = field(default_factory=list[Refusal])

    @property
    def refused(self) -> int:
        """How many rows were refused."""
        return len({refusal.row for refusal in self.refusals})


class Taker(Protocol):
    """What takes claims in: the ledger, or a rehearsal of it."""

    async def take(self, claim: Claim, body: bytes, source: str) -> bool:
        """Take a claim in; False where it was there. Raises Malformed, by fields, and RecordingError."""
        ...


async def import_file(path: Path, mapped: ImportMap, taker: Taker, refused: Callable[[Refusal], None]) -> Tally:
    """Take over the rows of a file in order, and return what became of them; raises ImportMapError, LedgerError."""
    tally = Tally(digest_of(path))
    for number, row in rows_of(path, mapped):
        tally.rows += 1
        try:
            fresh = await _take(number, row, mapped, taker, tally.digest)
        except Malformed as error:
            found = [Refusal(number, _column(mapped, row, one.pointer), one.detail) for one in error.problems]
            tally.refusals += found
            for refusal in found:
                refused(refusal)
        else:
            tally.recorded, tally.known = tally.recorded + fresh, tally.known + (not fresh)
    return tally


async def _take(number: int, row: Row | Malformed, mapped: ImportMap, taker: Taker, digest: str) -> bool:
    if isinstance(row, Malformed):
        raise row
    claim = claim_of(mapped, row)
    try:
        return await taker.take(claim, _body(claim), provenance(mapped.source, claim, number, digest))
    except KeyReused:
        raise Malformed([Problem(mapped.id, CHANGED)]) from None
    except NotYetHappened:
        raise Malformed([Problem("/occurred_at", "lies in the future: give a time that has come")]) from None
    except RecordingError as error:
        raise Malformed([Problem("row", f"is refused by the ledger ({type(error).__name__})")]) from None


def provenance(source: str, claim: Claim, number: int, digest: str) -> str:
    """Return what stands as source in the entry: system, id and row there, digest of the file, time of registration."""
    registered = f" registered {write_moment(claim.registered_at)}" if claim.registered_at else ""
    return f"import {source} {claim.id} row {number} sha256:{digest}{registered}"


def _body(claim: Claim) -> bytes:
    """Return what is compared where a row comes again: everything it says, whatever row of whichever file it is in."""
    moments = claim.occurred_at, claim.reached_at, claim.registered_at
    times = [None if at is None else write_moment(at) for at in moments]
    return orjson.dumps([claim.act, claim.case, claim.id, times, claim.data], option=orjson.OPT_SORT_KEYS)


def _column(mapped: ImportMap, row: Row | Malformed, pointer: str) -> str:
    """Return the column that a problem is about, where it names a field of the act."""
    if isinstance(row, Malformed) or not pointer.startswith("/"):
        return pointer
    parts = pointer.strip("/").split("/")
    return column_of(mapped, row, parts[parts.index("data") + 1] if "data" in parts[:-1] else parts[-1])
