"""Warning of deadlines: what the worker does now and then with every clock that runs out or has run out.

A warning goes on record before it leaves, and what became of it afterwards. So a crash in between leaves an attempt
without an outcome, which the next round calls interrupted and makes again: rather one mail too many than one too few.
Each is decided on the case as it stands, so two workers cannot both give it. Nothing here is done by a rebuild.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from api.drafting import Commit, Fact
from api.mailing import DOWN, MailRoute
from api.principals import command_line_principal
from api.recording import CaseRecorder, StaleVersion
from domain.case_file import CaseFile
from domain.case_set import EVERY_CASE
from domain.clocks import deadlines
from domain.deadlines import from_values
from domain.erased import erases_case
from domain.events.base import Event
from domain.events.warning import WarningChannel, WarningDelivered, WarningNotDelivered, WarningSent
from domain.inquiry import Inquiry
from domain.known import Known
from domain.reach import bearing, case_reach
from domain.rules import Rules
from domain.time import write_instant
from domain.warning import AGAIN_AFTER, BROKEN, abandoned, level_of, recipients, wanted, warned
from ledger.mapper import read_clear
from ledger.store import Ledger
from projections.board_pages import BEGINNING, BoardRows, Moment, Selection, place_of
from projections.boards import adopted_upto
from projections.following import wait_for
from projections.view import DEADLINES

REACHES_BACK = timedelta(days=400)
"""How long ago a clock was due at first that is looked at: one that was extended may run out much later."""

PAGE = 1000
ATTEMPTS = 5
Given = tuple[int, WarningSent]
"""A warning that is on record, with its version."""

Candidates = Mapping[UUID, frozenset[tuple[str, str, str]]]
"""The cases with clocks that call for a warning: under which name, due when, at which level."""


@dataclass
class Tally:
    """How many warnings one round put on people's pages, how many mails were delivered and how many were not."""

    page: int = 0
    delivered: int = 0
    not_delivered: int = 0


class Warner:
    """Rounds over the clocks of one ledger; keeps in mind which cases need no further look."""

    def __init__(
        self,
        ledger: Ledger,
        route: MailRoute | None,
        leaders: Mapping[str, str],
        settled: dict[UUID, frozenset[tuple[str, str, str]]],
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """``settled`` is taken on from the last round, empty at first; it is only there to save reading cases."""
        self._ledger, self._route, self._leaders = ledger, route, leaders
        self._settled, self._stopped = settled, stopped
        self._recorder = CaseRecorder(ledger)
        self._principal = command_line_principal("operations", internal=True)
        self._rules: Rules = adopted_upto(ledger)

    def round(self) -> Tally:
        """Warn of every clock that calls for it and was not warned of; raises LedgerError."""
        tally, found, down = Tally(), self._candidates(), None
        cases = [case for case, clocks in found.items() if self._settled.get(case) != clocks]
        for case in cases:
            if not self._stopped():
                tally.page += len(self._give(case, "page"))
        for case in cases:
            if self._route is not None and not self._stopped():
                down = self._mail(self._route, case, tally, down)
        for case in set(self._settled) - found.keys():
            del self._settled[case]
        self._settled |= {case: found[case] for case in cases if self._is_settled(case)}
        return tally

    def _candidates(self) -> Candidates:
        """Return the cases to look at, as remembered; what is done there is decided on their entries."""
        moment = Moment(self._ledger.head().size, self._ledger.now())
        wait_for(self._ledger, DEADLINES, moment.position)
        rows = BoardRows(self._ledger, DEADLINES, moment, EVERY_CASE, ())
        chosen = Selection(
            statuses=(*BROKEN, "warning"), citizen=False, sort_from=write_instant(moment.at - REACHES_BACK)
        )
        found, place = dict[UUID, set[tuple[str, str, str]]](), BEGINNING
        while page := rows.page(chosen, place, PAGE):
            for row in page:
                level = level_of(from_values(row.value), moment.at)
                if level is not None:
                    found.setdefault(row.case, set()).add((row.part, str(row.value["due"]), level))
            place = place_of(page[-1])
        return {case: frozenset(clocks) for case, clocks in found.items()}

    def _file(self, case: UUID) -> CaseFile:
        return CaseFile(case, tuple(map(read_clear, self._ledger.read_stream(case))))

    def _recipients(self, file: CaseFile, now: datetime) -> Sequence[str]:
        kept = ()
        for entry in file.entries:
            kept = bearing(kept, entry)
        reach = case_reach(kept)
        return () if reach is None else recipients(reach, self._leaders, now)

    def _wanted(self, file: CaseFile, channel: WarningChannel, now: datetime) -> list[Event]:
        """Return what is to go on record of a case before anything leaves."""
        if any(map(erases_case, file.entries)):
            return []
        known = Known(file.entries)
        clocks = deadlines(Inquiry(known, self._rules, now))
        to = self._recipients(file, now)
        ended = abandoned(known, now) if channel == "mail" else ()
        return [*ended, *wanted(known, clocks, to, channel, now)]

    def _give(self, case: UUID, channel: WarningChannel) -> list[Given]:
        """Put the warnings of a case on record; one that moves on meanwhile is decided on anew."""
        for _ in range(ATTEMPTS):
            file, now = self._file(case), self._ledger.now()
            events = self._wanted(file, channel, now)
            if not events:
                return []
            try:
                self._record(case, file.version, events, now)
            except StaleVersion:
                continue
            numbered = enumerate(events, file.version + 1)
            return [(version, event) for version, event in numbered if isinstance(event, WarningSent)]
        return []

    def _mail(self, route: MailRoute, case: UUID, tally: Tally, down: str | None) -> str | None:
        """Mail the warnings of a case, one mail for each recipient and level; returns why the server is down, if it is.

        A server found down is not tried again in this round; the attempt stays on record for the same reason.
        """
        mails: dict[tuple[str, str], list[Given]] = {}
        for version, sent in self._give(case, "mail"):
            mails.setdefault((sent.recipient, sent.level), []).append((version, sent))
        outcomes: list[Event] = []
        for (staff, level), given in mails.items():
            duties = [self._duty(sent) for _, sent in given]
            reason = down or route.send(staff, case, duties, broken=level == "broken")
            down = reason if reason in DOWN else down
            outcomes += [_outcome(version, reason) for version, _ in given]
        if outcomes:
            self._record(case, None, outcomes, self._ledger.now())
        failed = sum(isinstance(one, WarningNotDelivered) for one in outcomes)
        tally.not_delivered += failed
        tally.delivered += len(outcomes) - failed
        return down

    def _duty(self, sent: WarningSent) -> str:
        """Return the duty in the general words of its rule."""
        versions = tuple(self._rules.all_versions(sent.rule))
        return versions[-1].danish if versions else sent.rule

    def _record(self, case: UUID, version: int | None, events: Sequence[Event], at: datetime) -> None:
        commit = Commit((), f"warnings {uuid4()}", b"warnings")
        facts = [Fact(event, at) for event in events]
        asyncio.run(self._recorder.perform(self._principal, case, version, commit, lambda _: facts))

    def _is_settled(self, case: UUID) -> bool:
        """Whether a case needs no further look until another of its clocks calls for a warning."""
        file, now = self._file(case), self._ledger.now()
        given = warned(Known(file.entries))
        under_way = any(not one.arrived and (one.failed is None or one.attempt <= len(AGAIN_AFTER)) for one in given)
        return not under_way and bool(self._recipients(file, now)) and not self._wanted(file, "page", now)


def _outcome(version: int, reason: str | None) -> Event:
    if reason is None:
        return WarningDelivered(warning=version)
    return WarningNotDelivered(warning=version, reason=reason)
