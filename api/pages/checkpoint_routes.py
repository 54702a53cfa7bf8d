"""The page of the log over HTTP: its checkpoints, and the proof that one grew out of another.

Nothing personal is in it: reading it is no look at anybody, as over the API.
"""

import asyncio
import re

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from api.conditions import Cursors
from api.pages import checkpoint_views
from api.pages.checkpoint_views import ADDRESS, Between, Signed
from api.pages.language import _
from api.pages.rendering import Pages
from api.principals import acting
from api.problems import ProblemError
from domain.authority import Act
from ledger.proof.merkle_proofs import ProofError, check_consistency
from ledger.proof.records import LARGEST, ProofRecords, Published
from ledger.store import Ledger

PER_PAGE = 25
SIZE = re.compile(r"[1-9][0-9]{0,17}")
WHAT = "log"


class CheckpointPages:
    """Answers for the page of the log of one ledger."""

    def __init__(self, pages: Pages, ledger: Ledger, records: ProofRecords, cursors: Cursors) -> None:
        self._pages, self._ledger, self._records, self._cursors = pages, ledger, records, cursors

    def routes(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(include_in_schema=False)
        router.get(ADDRESS)(self.checkpoints)
        router.get(f"{ADDRESS}/{{size}}")(self.checkpoint)
        return router

    async def checkpoints(self, request: Request) -> Response:
        """Show the checkpoints, the latest first, and what the proof between two of them says."""

        async def look() -> Response:
            await self._pages.door.require(acting(request), Act.LOG_READ, WHAT)
            query = request.query_params
            cursor = query.get("cursor")
            below = int(self._cursors.read(cursor, WHAT)) if cursor else LARGEST
            page = await asyncio.to_thread(self._page, below, query.get("fra", ""), query.get("til", ""))
            return self._pages.render(request, "checkpoints.html", page=page)

        return await self._pages.told(request, look)

    async def checkpoint(self, request: Request, size: str) -> Response:
        """Hand out a checkpoint with every signature there is, as C2SP programs read it."""

        async def look() -> Response:
            await self._pages.door.require(acting(request), Act.LOG_READ, WHAT)
            published = await asyncio.to_thread(self._of_size, size)
            if published is None:
                raise ProblemError("not-found", "There is no checkpoint of this size.")
            note = await asyncio.to_thread(self._records.cosigned, published)
            name = {"Content-Disposition": f'attachment; filename="checkpoint-{published.checkpoint.size}.txt"'}
            return PlainTextResponse(str(note), headers=name)

        return await self._pages.told(request, look)

    def _page(self, below: int, old: str, new: str) -> checkpoint_views.CheckpointsPage:
        records = self._records
        found = records.before(below, PER_PAGE)
        latest = records.latest()
        more = len(found) == PER_PAGE
        following = self._cursors.write(str(found[-1].checkpoint.size), WHAT) if more else None
        return checkpoint_views.checkpoints_page(
            self._ledger.head(),
            [self._signed(one) for one in found],
            None if latest is None else self._signed(latest),
            records.keys(),
            self._between(old.strip(), new.strip()),
            f"{ADDRESS}?cursor={following}" if following else None,
        )

    def _signed(self, published: Published) -> Signed:
        size = published.checkpoint.size
        return Signed(published, self._records.cosigned(published), self._records.stamps(size))

    def _of_size(self, text: str) -> Published | None:
        if not SIZE.fullmatch(text):
            return None
        found = self._records.covering(int(text))
        return found if found is not None and found.checkpoint.size == int(text) else None

    def _between(self, old: str, new: str) -> Between:
        """Return what the proof between two checkpoints says, made and checked anew; nothing where none are named."""
        if not old and not new:
            return Between()
        first, second = self._of_size(old), self._of_size(new)
        if first is None or second is None:
            missing = _("Skriv, hvor mange hændelser hvert kontrolpunkt har, for eksempel som de står i listen.")
            return Between(old, new, problem=missing)
        if first.checkpoint.size > second.checkpoint.size:
            first, second = second, first
        try:
            return Between(old, new, told=self._held(first, second))
        except ProofError:
            problem = _(
                "Beviset holder ikke: det ene kontrolpunkt er ikke begyndelsen af det andet. Sig det til revisionen."
            )
            return Between(old, new, problem=problem)

    def _held(self, first: Published, second: Published) -> str:
        sizes = first.checkpoint.size, second.checkpoint.size
        proof = self._records.consistency(*sizes) if sizes[0] < sizes[1] else []
        check_consistency(*sizes, first.checkpoint.root, second.checkpoint.root, proof)
        return checkpoint_views.held(first, second, len(proof))
