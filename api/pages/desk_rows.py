"""What stands beside the rows of a board: the cases' numbers, who holds them, the entries the rows are about."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.boards import BoardPage
from api.looks import Question
from api.pages.codes import ROLES, word
from api.pages.deadline_views import EntryLine, entry_line
from api.pages.language import _
from api.pages.views import address, case_address
from api.pages.warning_views import warnings_among
from api.principals import Principal
from api.reading import CaseReader
from domain.authority import Act
from domain.entries import Entry
from domain.reach import CaseReach
from domain.warning import Warned
from ledger.store import Ledger
from projections.boards import readable


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case as a board names it; ``address`` is None where the reader may not open it."""

    number: str
    address: str | None


@dataclass(frozen=True, slots=True)
class Beside:
    """The cases of a page of a board, which were named in its look. ``open_to`` are those the reader may open."""

    page: BoardPage
    asked: Question
    entries: Mapping[UUID, Mapping[int, Entry]]
    reaches: Mapping[UUID, CaseReach]
    open_to: Collection[UUID]

    def case(self, case: UUID, path: str = "") -> CaseLine:
        """Return a case as the board names it; ``path`` leads to one of its pages."""
        reach = self.reaches.get(case)
        place = address(case_address(case) + path, self.asked) if case in self.open_to else None
        return CaseLine(reach.number if reach else str(case)[:8], place)

    def case_by_text(self, case: str) -> CaseLine:
        """Return a case as the board names it, by its id as text."""
        return self.case(UUID(case))

    def entry(self, case: UUID, version: int | None) -> EntryLine | None:
        """Return an entry as the board names it, with a link where the case is open; None where there is none."""
        found = None if version is None else self.entries.get(case, {}).get(version)
        if found is None:
            return None
        line = entry_line(found, case, self.asked)
        return line if case in self.open_to else EntryLine("", line.text, line.happened, line.reached, line.recorded)

    def written(self, case: UUID, version: int) -> Entry | None:
        """Return the clear part of an entry; None where it is not on record for this reader."""
        return self.entries.get(case, {}).get(version)

    def warnings(self, case: UUID) -> Sequence[Warned]:
        """Return the warnings of a case, as of the instant of the board."""
        return warnings_among(self.entries.get(case, {}).values(), self.page.at)

    def held_by(self, case: UUID, at: datetime) -> str:
        """Return who held a case at an instant, with their roles."""
        reach = self.reaches.get(case)
        if reach is None:
            return "–"
        held = [f"{who} ({word(ROLES, one.role)})" for one in reach.held(at).values() for who in one.staff]
        return ", ".join(held) or _("%(who)s (oprettede sagen)", who=reach.opened_by)


async def beside(
    ledger: Ledger, reader: CaseReader, principal: Principal, page: BoardPage, more: Iterable[UUID] = ()
) -> Beside:
    """Return what stands beside the rows of a page whose look is on record."""
    cases = list(dict.fromkeys([*(row.case for row in page.rows), *more]))
    index, position = reader.door.index, page.position
    found = await asyncio.to_thread(readable, ledger, cases, position, originals=principal.audits)
    reaches = {case: reach for case in cases if (reach := index.case_as_of(case, position)) is not None}
    entries = {case: {entry.version: entry for entry in told} for case, told in found.items()}
    return Beside(page, page.question, entries, reaches, reader.door.among(principal, Act.CASE_READ, cases))
