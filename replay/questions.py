"""The questions that can be asked of one case, each as of any two instants: API, pages and story check ask here.

``at`` is what the clock shows: only what had happened by then counts. ``known_at`` is what was recorded by then. Both
may lie after the last entry: nothing was recorded since, and clocks run on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from domain.clocks import deadlines
from domain.consents import ConsentStatus, HoldersConsent, consent_status, holders_consent
from domain.courses import Duration, duration
from domain.deadlines import Deadline
from domain.decisions import HearingCheck, NewPersonCheck, hearing_checks, new_person_check
from domain.disclosures import TwoCovers, covers
from domain.dossier import Dossier, dossier
from domain.entries import Entry
from domain.events.referral import NotificationReassessed
from domain.findings.base import Finding
from domain.findings.catalogue import findings
from domain.findings.handling import lives, unhandled
from domain.inquiry import Inquiry
from domain.known import Known, moment_of
from domain.register import target
from domain.rules import Rules
from domain.time import copenhagen_day, end_of
from domain.visits import in_period, is_day, is_week, visits
from projections.case_state import nothing_known, state_as_of, value_at_path

VISIT_LIMIT = "P002-VISIT-MAX"
"""The rule that limits visits."""


@dataclass(frozen=True, slots=True)
class DueChange:
    """A due date a clock had, and from which entry on it was known."""

    due: datetime | None
    known_from: int
    recorded_at: datetime


@dataclass(frozen=True)
class CaseQuestions:
    """Questions to everything on record of one case, under the rules adopted."""

    record: Known
    rules: Rules

    @cached_property
    def last(self) -> datetime:
        """When the last entry was recorded."""
        return max(entry.recorded_at for entry in self.record.entries)

    def known(self, known_at: datetime | None) -> Known:
        """What was on record at an instant; None: everything."""
        return self.record if known_at is None else self.record.recorded_by(known_at)

    def inquiry(self, at: datetime | None = None, known_at: datetime | None = None) -> Inquiry:
        """The question as of two instants; None: when the last entry was recorded, and everything on record."""
        return Inquiry(self.known(known_at), self.rules, at or self.last)

    def deadlines(self, at: datetime | None = None, known_at: datetime | None = None) -> tuple[Deadline, ...]:
        """Every clock of the case."""
        return deadlines(self.inquiry(at, known_at))

    def deadline(
        self, rule: str, trigger: int, at: datetime | None = None, known_at: datetime | None = None
    ) -> Deadline | None:
        """The clock of a rule that an entry started, whatever programme the rule is of; None where there is none."""
        found = deadlines(self.inquiry(at, known_at), [rule])
        return next((clock for clock in found if clock.trigger == trigger), None)

    def due_changes(self, known_at: datetime | None = None) -> Mapping[tuple[str, int, int], tuple[DueChange, ...]]:
        """For each clock the due dates it has had and since when each was known, the present one last."""
        known = self.known(known_at)
        changes: dict[tuple[str, int, int], list[DueChange]] = {}
        for index, entry in enumerate(known.entries, start=1):
            rules = self._dated_by(known, entry)
            if not rules:
                continue
            then = Inquiry(Known(known.entries[:index]), self.rules, entry.recorded_at)
            for clock in deadlines(then, rules):
                earlier = changes.setdefault(clock.key, [])
                if not earlier or earlier[-1].due != clock.due:
                    earlier.append(DueChange(clock.due, entry.version, entry.recorded_at))
        return {key: tuple(found) for key, found in changes.items()}

    def _dated_by(self, known: Known, entry: Entry) -> list[str]:
        """Return the rules, of the statute and the case's programme, whose due dates an entry may bear on."""
        concerned: Entry = entry
        while (version := target(concerned)) is not None:
            concerned = known.entries[version - 1]
        dating = self.rules.dating.get(concerned.topic, frozenset())
        return [rule for rule in self.rules.ids(known.programme) if rule in dating]

    def state(self, path: str, at: datetime, known_at: datetime) -> Any:
        """One answer about where the case stands, by its path; raises ValueError for a path nobody can answer."""
        known = self.known(known_at).entries
        return value_at_path(state_as_of(known, at) if known else nothing_known(), path, at)

    def on_record(self, at: datetime) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The versions recorded by an instant, and those that had happened by then and were recorded later."""
        recorded = tuple(entry.version for entry in self.record.entries if entry.recorded_at <= at)
        missing = tuple(e.version for e in self.record.entries if e.happened <= at < e.recorded_at)
        return recorded, missing

    def window_opens(self, rule: str, known_at: datetime) -> datetime | None:
        """From when a window is open, by the date known at an instant; None where no date was known."""
        found = deadlines(self.inquiry(known_at, known_at), [rule])
        counting = [clock for clock in found if clock.superseded_by is None]
        return counting[-1].not_before if counting else None

    def due_without_eves(self, rule: str, trigger: int) -> datetime | None:
        """When a clock of counted days would be due if 5 June, 24 and 31 December were not counted."""
        entry = self.record.fact(trigger)
        found = None if entry is None else self.rules.current(rule, entry.recorded_at)
        if entry is None or found is None or found.due is None or found.due.n is None:
            return None
        day = copenhagen_day(moment_of(entry))
        return end_of(self.rules.calendar.nth_counted_day(day, found.due.n, "weekdays_without_eves"))

    def consent_status(self, consent: str, at: datetime, known_at: datetime | None = None) -> ConsentStatus:
        """How a consent stood."""
        return consent_status(self.known(known_at), consent, at)

    def holders_consent(self, at: datetime, known_at: datetime | None = None) -> HoldersConsent:
        """Whether every holder of custody had consented to support."""
        return holders_consent(self.known(known_at), at)

    def covers(self, version: int) -> TwoCovers | None:
        """How a disclosure was covered, by the register then and by all facts."""
        return covers(self.record, version)

    def hearings(self, version: int) -> tuple[HearingCheck, ...]:
        """How a decision stands to its hearings."""
        decision = self.record.fact(version)
        return () if decision is None else hearing_checks(self.record, decision)

    def new_person(self, version: int) -> NewPersonCheck | None:
        """Whether a reassessment was made with someone new to the case."""
        entry = self.record.fact(version)
        again = entry is not None and entry.topic == NotificationReassessed.TOPIC
        return new_person_check(self.record, entry) if entry is not None and again else None

    def findings(self, at: datetime | None = None, known_at: datetime | None = None) -> tuple[Finding, ...]:
        """Everything the checks find, and what nobody has handled."""
        inquiry = self.inquiry(at, known_at)
        found = findings(inquiry)
        ignored = unhandled(lives(found, inquiry.known, inquiry.at))
        return (*found, *(one for one in ignored if one.stands(inquiry.at)))

    def dossier(self, version: int) -> Dossier | None:
        """Everything about a decision as the register stood when it was made."""
        decision = self.record.fact(version)
        if decision is None:
            return None
        instant = decision.happened
        return dossier(self.record, version, self.deadlines(instant, instant), self.findings())

    def visits(self, period: str, kind: str | None = None, as_of: datetime | None = None) -> tuple[Entry, ...]:
        """The visits held in a period, of one kind or of all, that were on record and had happened by an instant."""
        held = in_period(visits(self.known(as_of), kind), period)
        return tuple(visit for visit in held if as_of is None or visit.happened <= as_of)

    def visit_limit(self, period: str) -> int | None:
        """How many visits a programme allows in a week or on a day; None for any other period."""
        name = "per_week" if is_week(period) else "per_day" if is_day(period) else None
        return None if name is None else self.rules.limit(VISIT_LIMIT, name, self.last)

    def duration(self, rule: str, as_of: datetime | None = None) -> Duration | None:
        """How long the latest support ran, against the months a rule names."""
        found = self.rules.current(rule, self.last)
        months = [span.n for span in (found.not_before, found.due) if span] if found else []
        if len(months) != 2 or months[0] is None or months[1] is None:
            return None
        return duration(self.known(as_of), as_of or self.last, months[0], months[1])
