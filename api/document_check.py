"""The regular check of all documents: are the bytes there, and are they the ones that were filed?

The result goes on record in the case when it is the first, differs from the last one, or that is a month old. One case
is held in memory at a time, and one piece of one document.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import time
from uuid import UUID, uuid4

from api.drafting import Commit, Fact
from api.principals import command_line_principal
from api.recording import CaseRecorder, StaleVersion
from domain.case_file import CaseFile
from domain.documents import Filing, filings, is_erased
from domain.erased import NOTHING_ERASED, Erased
from domain.events.control import DocumentChecked, DocumentFiled
from domain.known import Known
from ledger.document_systems import SystemUnavailable
from ledger.documents import CONTENT, Documents, claim_of
from ledger.errors import SealBroken
from ledger.format import StoredRow
from ledger.mapper import read_clear
from ledger.queries import load_queries
from ledger.store import Ledger

SQL = load_queries("ledger", "sql/documents.sql")
REPEAT_AFTER = timedelta(days=30)
ORPHAN_AFTER_SECONDS = 3600
"""How old a file must be to belong to no document: a younger one may be one that is just being filed."""

PAGE = 500
MOST_FACTS = 100
ATTEMPTS = 5
STATES = ("present", "missing", "changed", "erased", "unreachable")


@dataclass
class Tally:
    """How many documents were found in each state, and how many sealed files belong to none."""

    states: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATES, 0))
    orphans: int = 0

    @property
    def well(self) -> bool:
        """Whether every document is there as it was filed, or was erased by a decision."""
        return not any(self.states[state] for state in ("missing", "changed", "unreachable"))

    @property
    def lines(self) -> list[str]:
        """The closing lines: all documents, and what else calls for a look."""
        known = ", ".join(f"{self.states[state]} {state}" for state in STATES[:3])
        lines = [f"{sum(self.states.values())} documents: {known}"]
        if self.states["erased"]:
            lines.append(f"{self.states['erased']} erased by decision")
        if self.states["unreachable"]:
            lines.append(f"{self.states['unreachable']} not checked: the document system does not answer")
        if self.orphans:
            lines.append(f"{self.orphans} sealed files belong to no document")
        return lines


class DocumentCheck:
    """One run over the documents of a ledger; ``say`` is told of each that is not there as it was filed."""

    def __init__(
        self,
        ledger: Ledger,
        documents: Documents,
        say: Callable[[str], None],
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._ledger, self._documents, self._say, self._stopped = ledger, documents, say, stopped
        self._principal = command_line_principal("operations", internal=True)
        self.tally = Tally()

    def run(self) -> Tally:
        """Check every document and record what is to be recorded; raises LedgerError."""
        for case in self._cases():
            if self._stopped():
                break
            states = self._states_of(case)
            self._count(case, states)
            self._record(case, states)
        self.tally.orphans = sum(map(self._orphans, self._documents.content.cases()))
        return self.tally

    def _cases(self) -> Iterator[UUID]:
        """Yield the cases in which documents were filed."""
        after = UUID(int=0)
        while page := self._ledger.query(SQL["streams_with"], [DocumentFiled.TOPIC, after, PAGE]):
            for (case,) in page:
                yield case
            after = page[-1][0]

    def _file(self, case: UUID) -> CaseFile:
        return CaseFile(case, tuple(map(read_clear, self._ledger.read_stream(case))))

    def _states_of(self, case: UUID) -> dict[tuple[str, int], str]:
        """Return the state of each version of each document of a case, by the bytes as they lie now."""
        rows = self._ledger.read_stream(case)
        file = CaseFile(case, tuple(map(read_clear, rows)))
        gone = NOTHING_ERASED.and_by(file.entries)
        found: dict[tuple[str, int], str] = {}
        for filing in filings(Known(file.entries)):
            found[(filing.document, filing.version)] = self._state(rows[filing.entry.version - 1], file, gone)
        return found

    def _state(self, row: StoredRow, file: CaseFile, gone: Erased) -> str:
        try:
            filed = self._ledger.mapper.to_domain_event(row, gone)
            state = self._documents.state(claim_of(filed))
        except SystemUnavailable:
            return "unreachable"
        except SealBroken:
            return "changed"
        return "erased" if state == "missing" and is_erased(file, filed) else state

    def _count(self, case: UUID, states: dict[tuple[str, int], str]) -> None:
        for (document, version), state in states.items():
            self.tally.states[state] += 1
            if state in ("missing", "changed"):
                self._say(f"{state}: case {case} document {document} version {version}")

    def _record(self, case: UUID, states: dict[tuple[str, int], str]) -> None:
        """Put results on record; a case that moves on meanwhile is decided on anew."""
        for _ in range(ATTEMPTS):
            file, now = self._file(case), self._ledger.now()
            due = [one for one in filings(Known(file.entries)) if _is_due(one, states, now)]
            if not due:
                return
            facts = [Fact(_checked(one, states), now) for one in due[:MOST_FACTS]]
            try:
                self._append(file, facts)
            except StaleVersion:
                continue
            if len(due) <= MOST_FACTS:
                return

    def _append(self, file: CaseFile, facts: list[Fact]) -> None:
        commit = Commit((), f"document check {uuid4()}", b"document check")
        recorder = CaseRecorder(self._ledger)
        asyncio.run(recorder.perform(self._principal, file.case, file.version, commit, lambda _: facts))

    def _orphans(self, case: UUID) -> int:
        """Return how many files of a case no entry names."""
        names = self._documents.content.names(case)
        named = {
            entry.data["reference"]
            for entry in self._file(case).entries
            if entry.topic == DocumentFiled.TOPIC and entry.data["store"] == CONTENT
        }
        return sum(time() - written > ORPHAN_AFTER_SECONDS for name, written in names.items() if name not in named)


def check_documents(
    ledger: Ledger, documents: Documents, say: Callable[[str], None], stopped: Callable[[], bool] = lambda: False
) -> Tally:
    """Check every document of a ledger; see DocumentCheck."""
    return DocumentCheck(ledger, documents, say, stopped).run()


def _is_due(filing: Filing, states: dict[tuple[str, int], str], now: datetime) -> bool:
    state = states.get((filing.document, filing.version))
    if state not in ("present", "missing", "changed"):
        return False
    check = filing.check
    return check is None or filing.state != state or now - check.recorded_at > REPEAT_AFTER


def _checked(filing: Filing, states: dict[tuple[str, int], str]) -> DocumentChecked:
    state = states[(filing.document, filing.version)]
    return DocumentChecked(
        document=filing.document, version=filing.version, present=state != "missing", matches=state == "present"
    )
