"""The HTTP API of the log: checkpoint, tiles and keys as C2SP clients read them, and the proof of one entry."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import PlainTextResponse, Response

from api import log_examples
from api.cases import PAGE_LIMIT, EntryVersion, Purpose, answer_json, case_id_of, problems
from api.conditions import etag, refuse_unknown_parameters
from api.door import Door
from api.looks import Question
from api.principals import acting, looking
from api.problems import ProblemError
from api.proving import Prover
from api.reading import CaseLook, CaseReader
from domain.authority import Act
from domain.time import write_instant
from ledger.format import NO_COMMITMENT
from ledger.proof.records import LARGEST, ProofRecords, Published
from ledger.proof.tiles import read_path
from ledger.store import Ledger

WHAT, OF_ENTRY = "log", "proof"
WAIT_SECONDS = 2.0
NEVER_CHANGES = "max-age=31536000, immutable"

After = Annotated[int, Query(ge=0, le=LARGEST, description="Checkpoints larger than this size")]
Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT)]
TilePath = Annotated[str, Path(description="`<L>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]` (c2sp.org/tlog-tiles)")]


class Octets(Response):
    """Bytes."""

    media_type = "application/octet-stream"


def create_log_router(records: ProofRecords, door: Door, *, published: bool) -> APIRouter:
    """Return the routes of the log, which holds nothing personal: where it is ``published`` anybody may read it.

    Otherwise audit and data protection may, signed in, without a purpose; reading it is no look at anybody.
    """
    router = APIRouter(tags=["log"], prefix="/log")
    require = _open if published else _closed(door)
    kept = "public, " if published else "private, "

    @router.get(
        "/checkpoint",
        summary="The latest checkpoint",
        response_class=PlainTextResponse,
        responses=log_examples.CHECKPOINT | problems("not-found"),
    )
    async def checkpoint(request: Request) -> Response:
        """Read size and root of the log with the signatures of the log and its witnesses (c2sp.org/tlog-checkpoint)."""
        await require(request)
        refuse_unknown_parameters(request)
        note = await asyncio.to_thread(lambda: records.cosigned(_latest(records)))
        return PlainTextResponse(str(note), headers={"Cache-Control": "no-cache"})

    @router.get(
        "/log.vkey",
        summary="The keys of the log",
        response_class=PlainTextResponse,
        responses=log_examples.KEYS | problems("not-found"),
    )
    async def keys(request: Request) -> Response:
        """Read the keys that check its signatures, one a line, in the order they came: the last ones sign now.

        Take the first ones from where the municipality publishes them; a later one is announced by an event.
        """
        await require(request)
        refuse_unknown_parameters(request)
        text = await asyncio.to_thread(records.vkeys)
        if not text:
            raise _NOTHING
        return PlainTextResponse(text, headers={"Cache-Control": "no-cache"})

    @router.get(
        "/tile/{path:path}",
        summary="A tile of the log",
        response_class=Octets,
        responses=log_examples.TILE | problems("not-found"),
    )
    async def tile(request: Request, path: TilePath) -> Response:
        """Read 256 hashes of the tree, or 256 entries of 33 bytes, in a tree of the size of the latest checkpoint."""
        await require(request)
        refuse_unknown_parameters(request)
        content = await asyncio.to_thread(_tile, records, path)
        return Octets(content, headers={"Cache-Control": kept + NEVER_CHANGES})

    return router


def create_proof_router(ledger: Ledger, reader: CaseReader, prover: Prover) -> APIRouter:
    """Return the routes of checkpoints as a list, and of the proof of one entry, for whoever is signed in."""
    router = APIRouter(tags=["log"])
    _add_list(router, prover.records, reader.door)
    _add_proof(router, ledger, reader, prover)
    return router


def _add_list(router: APIRouter, records: ProofRecords, door: Door) -> None:
    require = _closed(door)

    @router.get("/checkpoints", summary="List checkpoints", responses=log_examples.CHECKPOINTS | problems())
    async def checkpoints(request: Request, after: After = 0, limit: Limit = 100) -> Response:
        """List the checkpoints larger than a size, in order, as the log signed them."""
        await require(request)
        refuse_unknown_parameters(request, "after", "limit")
        found = await asyncio.to_thread(records.after, after, limit)
        following = found[-1].checkpoint.size if len(found) == limit else None
        return answer_json({"items": list(map(_item, found)), "next": following})


def _add_proof(router: APIRouter, ledger: Ledger, reader: CaseReader, prover: Prover) -> None:
    @router.get(
        "/cases/{case_id}/events/{version}/proof",
        summary="The proof of an entry",
        response_class=PlainTextResponse,
        responses=log_examples.PROOF | problems("not-found", "not-signed-yet"),
    )
    async def proof(request: Request, case_id: str, version: EntryVersion, purpose: Purpose = None) -> Response:
        """Read the proof that an entry stands in the smallest signed checkpoint that holds it (c2sp.org/tlog-proof).

        Its extra data make the leaf again; of an entry that is withheld from you they are left out.
        """
        del purpose
        refuse_unknown_parameters(request)
        case = case_id_of(case_id)
        look = await reader.case(looking(request), case, Question(), OF_ENTRY)
        if version > look.file.version:
            raise ProblemError("not-found", f"The case has {look.file.version} entries.")
        published = await prover.covering(look.entries[version - 1].position, WAIT_SECONDS)
        if published is None:
            detail = "No checkpoint holds this entry yet."
            raise ProblemError("not-signed-yet", detail, access_event=look.access_position)
        text = await asyncio.to_thread(proof_text, ledger, prover, look, version, published)
        headers = {"ETag": etag(look.file.version), "Access-Event": str(look.access_position)}
        return PlainTextResponse(text, headers=headers)


_NOTHING = ProblemError("not-found", "Nothing of this log is signed yet: ask again in some seconds.")

Require = Callable[[Request], Awaitable[None]]


async def _open(_: Request) -> None:
    """Let anybody in."""


def _closed(door: Door) -> Require:
    async def require(request: Request) -> None:
        await door.require(acting(request), Act.LOG_READ, WHAT)

    return require


def _latest(records: ProofRecords) -> Published:
    published = records.latest()
    if published is None:
        raise _NOTHING
    return published


def _tile(records: ProofRecords, path: str) -> bytes:
    address = read_path(path)
    if address is None:
        detail = "A tile has an address such as 0/000, 0/x001/234.p/5 or entries/000: see c2sp.org/tlog-tiles."
        raise ProblemError("not-found", detail)
    size = _latest(records).checkpoint.size
    content = records.tile(address, size)
    if content is None:
        raise ProblemError("not-found", f"The tree of {size} entries has no such tile.")
    return content


def _item(published: Published) -> dict[str, Any]:
    checkpoint = published.checkpoint
    return {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "note": str(published.note),
        "stored_at": write_instant(published.stored_at),
    }


def proof_text(ledger: Ledger, prover: Prover, look: CaseLook, version: int, published: Published) -> str:
    """Return the proof of an entry of a case that was looked up; without what makes the leaf where it is withheld."""
    rows = ledger.read_stream(look.file.case, look.entries[version - 1].position)
    previous = rows[-2].commitment if version > 1 else NO_COMMITMENT
    return str(prover.of_entry(rows[-1], previous, published, told=not look.entries[version - 1].withheld))
