"""Warnings until somebody has opened them, and that they did, which goes on record once for each warning."""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from api.door import Door
from api.drafting import Commit, Fact
from api.looks import NOW
from api.principals import Principal
from api.reading import CaseLook
from api.recording import CaseRecorder
from domain.authority import KIND_OF_ROLE, POWERS, Act, Extent
from domain.case_file import CaseFile
from domain.case_set import CaseSet
from domain.deadlines import from_values
from domain.entries import Entry
from domain.errors import Refused
from domain.events.warning import WarningOpened
from domain.known import Known
from domain.warning import TOPICS, Warned, unopened
from ledger.mapper import read_clear
from ledger.store import Ledger
from projections.boards import rows_at
from projections.view import DEADLINES


class WarningOpener:
    """Puts on record which warnings of one ledger their recipients have opened."""

    def __init__(self, ledger: Ledger, recorder: CaseRecorder) -> None:
        self._ledger, self._recorder = ledger, recorder

    async def opened(self, principal: Principal, look: CaseLook) -> frozenset[int]:
        """Return the warnings that a look at a case's deadlines opens for its reader, now on record as opened.

        A look at the past opens none.
        """
        waiting = [one.sent.version for one in unopened(Known(look.file.entries), principal.id)]
        if not waiting or look.question != NOW:
            return frozenset()

        def decide(file: CaseFile) -> Sequence[Fact]:
            now = self._ledger.now()
            left = {one.sent.version for one in unopened(Known(file.entries), principal.id)}
            facts = [Fact(WarningOpened(warning=one), now) for one in waiting if one in left]
            if not facts:
                raise Refused("Another window has opened these warnings.")
            return facts

        key = f"opened {look.file.case} {waiting}"
        with suppress(Refused):
            await self._recorder.perform(
                principal, look.file.case, None, Commit((), key, b"opened"), decide, Act.CASE_READ
            )
        return frozenset(waiting)


class WaitingWarnings:
    """The warnings of one ledger that wait on the page of somebody's day."""

    def __init__(self, ledger: Ledger, door: Door) -> None:
        self._ledger, self._door = ledger, door

    def of(self, principal: Principal) -> tuple[tuple[UUID, Warned], ...]:
        """Return the warnings somebody has not opened, each with its case, the first due first.

        Those of duties met since are left out, and those of cases that are not open to them any more. A leader is also
        warned of cases that nobody holds.
        """
        index = self._door.index
        cases = set(index.naming(principal.id))
        if POWERS[KIND_OF_ROLE[principal.role]].get(Act.CASE_READ) is Extent.ORGANISATION:
            cases |= {case for case, reach in index.cases.items() if not reach.allocations}
        open_to = self._door.among(principal, Act.CASE_READ, cases)
        record: dict[UUID, list[Entry]] = {}
        for row in self._ledger.read_kinds(list(open_to), TOPICS):
            record.setdefault(row.stream, []).append(read_clear(row))
        found = [(case, one) for case, told in record.items() for one in unopened(Known(tuple(told)), principal.id)]
        still = self._owed({case for case, _ in found})
        waiting = [(case, one) for case, one in found if one.on_page and (case, one.key) in still]
        return tuple(sorted(waiting, key=lambda pair: (pair[1].due, str(pair[0]))))

    def _owed(self, cases: set[UUID]) -> set[tuple[UUID, tuple[str, int, int]]]:
        """Return the clocks of some cases that nobody has met yet."""
        if not cases:
            return set()
        _, rows = rows_at(self._ledger, DEADLINES, self._ledger.head().size, CaseSet(frozenset(cases)))
        clocks = ((row.case, from_values(row.value)) for row in rows)
        return {(case, clock.key) for case, clock in clocks if clock.satisfied_at is None}
