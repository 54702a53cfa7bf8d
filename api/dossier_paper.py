"""Dossiers on paper: made together with the evidence bundle that goes with them, both on record before they leave."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from api.dossier import WHAT, DossierMaker
from api.dossier_pdf import pdf_of
from api.evidence import EvidenceMaker
from api.looks import Question
from api.paper import require_typst
from api.principals import Principal
from domain.authority import Act
from replay.bundle import Wish


@dataclass(frozen=True, slots=True)
class Paper:
    """A dossier as PDF, of which version of its case, and where the look stands."""

    content: bytes
    version: int
    access_position: int

    @property
    def sha256(self) -> str:
        """The hash of its bytes in hexadecimal."""
        return sha256(self.content).hexdigest()


class PaperMaker:
    """Makes dossiers on paper."""

    def __init__(self, dossiers: DossierMaker, evidence: EvidenceMaker) -> None:
        self._dossiers, self._evidence = dossiers, evidence

    async def make(
        self,
        principal: Principal,
        case: UUID,
        entry: int,
        known_at: datetime | None = None,
        answer: int | None = None,
    ) -> Paper:
        """Return the dossier of a decision as PDF with its evidence bundle, which tells as much as ``answer`` grants.

        Without one the bundle proves every entry and tells none. Raises as making either does, and NoTypst.
        """
        require_typst()
        await self._evidence.door.require_in(principal, Act.EVIDENCE_MAKE, case, WHAT, Question(known_at))
        made = await self._dossiers.make(principal, case, entry, known_at)
        bundled = await self._evidence.make(principal, Wish(case, known_at, answer))
        content = await asyncio.to_thread(pdf_of, made, bundled.bundle.content)
        return Paper(content, made.version, made.look.access_position)
