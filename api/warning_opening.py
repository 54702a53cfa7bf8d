"""Warnings until somebody has opened them, and that they did, which goes on record once for each warning."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from api.door import Door
from api.drafting import Commit, Fact
from api.looks import NOW
from api.principals import Principal
from api.reading import CaseLook
from api.recording import CaseRecorder
from domain.authority import Act
from domain.case_file import CaseFile
from domain.case_set import CaseSet
from domain.deadlines import from_values
from domain.entries import Entry
from domain.errors import Refused
from domain.events.warning import WarningOpened, WarningSent
from domain.known import Known
from domain.warning import Warned, unopened
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


WAITS = timedelta(days=90)
"""How long ago warnings were given that a service takes in when it starts: older ones wait on no page any more."""


class WaitingWarnings:
    """The warnings of one ledger that wait on the page of somebody's day, kept in memory; may be asked by any thread.

    Before each answer it takes in what has come on record about warnings since the last one.
    """

    def __init__(self, ledger: Ledger, door: Door) -> None:
        self._ledger, self._door = ledger, door
        self._lock = threading.Lock()
        self._position: int | None = None
        self._waiting: dict[str, dict[tuple[UUID, int], Warned]] = {}
        self._whose: dict[tuple[UUID, int], str] = {}

    def of(self, principal: Principal) -> tuple[tuple[UUID, Warned], ...]:
        """Return the warnings somebody has not opened, each with its case, the first due first.

        Those of duties met since are left out, and those of cases that are not open to them any more.
        """
        with self._lock:
            self._take_in()
            found = [(case, one) for (case, _), one in self._waiting.get(principal.id, {}).items()]
        open_to = self._door.among(principal, Act.CASE_READ, {case for case, _ in found})
        owed = self._owed(open_to)
        waiting = [(case, one) for case, one in found if (case, one.key) in owed]
        return tuple(sorted(waiting, key=lambda pair: (pair[1].due, str(pair[0]))))

    def _take_in(self) -> None:
        head = self._ledger.head().size
        if self._position is None:
            self._position = self._ledger.position_at(self._ledger.now() - WAITS)
        for topic in (WarningSent.TOPIC, WarningOpened.TOPIC):
            for row in self._ledger.read_topic_after(topic, self._position):
                if row.position <= head:
                    self._take(read_clear(row))
        self._position = head

    def _take(self, entry: Entry) -> None:
        if entry.topic == WarningSent.TOPIC:
            one = Warned(entry)
            if one.on_page:
                place = entry.stream, entry.version
                self._waiting.setdefault(one.recipient, {})[place] = one
                self._whose[place] = one.recipient
            return
        place = entry.stream, int(entry.data["warning"])
        recipient = self._whose.pop(place, None)
        if recipient is not None:
            del self._waiting[recipient][place]

    def _owed(self, cases: frozenset[UUID]) -> set[tuple[UUID, tuple[str, int, int]]]:
        """Return the clocks of some cases that nobody has met yet."""
        if not cases:
            return set()
        _, rows = rows_at(self._ledger, DEADLINES, self._ledger.head().size, CaseSet(cases))
        clocks = ((row.case, from_values(row.value)) for row in rows)
        return {(case, clock.key) for case, clock in clocks if clock.satisfied_at is None}
