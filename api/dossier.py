"""The dossier of a decision as data, parts A to J, for one reader: the same bytes whenever it is made again.

It reaches to the last entry of the case that was on record as asked. What comes after, this look among it, is not in
it; what is withheld or erased is judged now. Source of the parts: what public reviews asked for and could not see.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from api.door import NotKnown
from api.dossier_proof import verification
from api.dossier_values import Material, content_of, proven_entries
from api.looks import Question
from api.principals import Principal
from api.reading import CaseLook, CaseReader
from domain.authority import Act
from domain.known import Known
from domain.looks import Look
from ledger.proof.records import ProofRecords
from ledger.store import Ledger
from projections.boards import adopted_upto
from projections.looks import looks_at
from replay.questions import CaseQuestions

WHAT = "dossier"
Values = dict[str, Any]


class NoDecision(Exception):
    """That entry is no decision in force: use the version of one."""

    def __str__(self) -> str:
        return str(self.__doc__)


@dataclass(frozen=True, slots=True)
class MadeDossier:
    """A dossier as data and as bytes, of which version of its case, and where the look stands."""

    values: Values
    content: bytes
    look: CaseLook
    version: int

    @property
    def access_position(self) -> int:
        """Where the look stands."""
        return self.look.access_position


class DossierMaker:
    """Makes the dossiers of one ledger's decisions."""

    def __init__(self, ledger: Ledger, reader: CaseReader) -> None:
        self._ledger, self._reader = ledger, reader

    async def make(self, principal: Principal, case: UUID, entry: int, known_at: datetime | None = None) -> MadeDossier:
        """Return the dossier of the decision that an entry is, the look on record.

        Raises NoDecision, Forbidden, NotKnown, InstantInFuture, LooksIncomplete, LookNotRecorded.
        """
        look = await self._reader.case(principal, case, Question(known_at), WHAT)
        told = bool(self._reader.door.among(principal, Act.LOOKS_READ, [case]))
        values, reaches = await asyncio.to_thread(self._values, principal, look, entry, told=told)
        return MadeDossier(values, orjson.dumps(values, option=orjson.OPT_SORT_KEYS), look, reaches)

    def _values(self, principal: Principal, look: CaseLook, entry: int, *, told: bool) -> tuple[Values, int]:
        entries = look.entries
        if not entries:
            raise NotKnown
        position = entries[-1].position
        record, rules = Known(entries), adopted_upto(self._ledger, look.position)
        questions = CaseQuestions(record, rules)
        found = questions.dossier(entry)
        if found is None:
            raise NoDecision
        material = Material(look, record, record.recorded_by(found.instant), rules, found, position)
        looks = self._looks(material) if told else None
        proof = verification(
            self._ledger, ProofRecords(self._ledger), look.file.case, position, proven_entries(material)
        )
        return content_of(principal, material, questions, looks, proof), entries[-1].version

    def _looks(self, material: Material) -> tuple[Look, ...]:
        """Return the looks at the case before the decision, the first one first."""
        before = min(self._ledger.position_at(material.found.instant), material.position)
        return looks_at(self._ledger, material.look.file.case, before, limit=None)[::-1]
