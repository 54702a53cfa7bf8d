"""What is remembered of each case beside its state: its clocks, its consents with their uses, its findings.

Reads the clear part only. Rows hold what follows from the entries on record alone. How a clock stands is worked out
from them at the instant asked about; what boards pick rows by stands beside it: ``sort``, ``status`` and ``steps``, the
later standings that time alone will bring (see ``domain.standing``).
"""

from dataclasses import asdict
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from domain.answers import Answers, Basis
from domain.clocks import deadlines
from domain.consents import Period, consent_ids, consent_status, entries_of, periods
from domain.deadlines import Deadline, as_values, standing_of
from domain.disclosures import covers, disclosures
from domain.entries import Entry, clear
from domain.events import EVENTS
from domain.events.access import LookJudged, LookupsExpired, RecordViewed, SearchDropped, SearchKept
from domain.events.administration import EVENTS as ADMINISTRATION
from domain.events.administration import CaseOpened, PersonJoined
from domain.events.reach import AccessEnded, AccessGranted
from domain.findings.base import Check, Finding
from domain.findings.catalogue import CHECKS, found_by, level_of
from domain.findings.handling import Life, life_values, lives_now, unhandled
from domain.inquiry import Inquiry
from domain.known import Known
from domain.levels import LEVELS
from domain.people import silenced
from domain.rules import Rules
from domain.standing import as_values as standing_values
from domain.standing import standing
from domain.time import write_instant

_ELSEWHERE = (
    *ADMINISTRATION, RecordViewed, LookupsExpired, LookJudged, SearchKept, SearchDropped, AccessGranted, AccessEnded,
)  # fmt: skip
TOPICS = frozenset(event.TOPIC for event in EVENTS.values() if event not in _ELSEWHERE) | {
    CaseOpened.TOPIC,
    PersonJoined.TOPIC,
}
"""Topics of the entries that stand in cases."""

Parts = dict[str, dict[str, Any]]

MOST_WRITTEN = 4096
"""How many clocks and findings are kept as written: a case goes on, and most of its own stay as they are."""

UNDATED = "~"
"""Before what sorts a clock without a due date: after every date."""

NOT_YET, NO_MORE = "not_yet", "no_more"
"""How a finding stands before time brings it, and after time took it back."""


class CaseLife(tuple[Entry, ...]):
    """The entries of a case, with the answers that stood before the last of them."""

    answers: Answers


def fold(state: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    """Return the entries of a case with one more, without the values of its sealed fields."""
    folded = CaseLife((*state, clear(entry)))
    folded.answers = state.answers if isinstance(state, CaseLife) else Answers()
    return folded


def inquiry_of(state: tuple[Entry, ...], rules: Rules, at: datetime | None) -> Inquiry:
    """Return the question what follows from the entries on record; the clock shows the last of them unless told."""
    answers = state.answers if isinstance(state, CaseLife) else Answers()
    inquiry = Inquiry(Known(state), rules, at or max(entry.recorded_at for entry in state), answers)
    answers.follow(Basis(state, inquiry.known.by_topic, inquiry.by_topic, rules, inquiry.clock))
    return inquiry


def deadline_parts(state: tuple[Entry, ...], rules: Rules, at: datetime | None) -> Parts:
    """Return every clock of a case under ``rule/trigger/number``, with whether it must not remind anyone."""
    inquiry = inquiry_of(state, rules, at)
    clocks = deadlines(inquiry)
    quiet = silenced(inquiry.known, clocks, inquiry.at)
    return {
        f"{clock.rule}/{clock.trigger}/{clock.number}": _clock(clock, is_quiet=clock.key in quiet) for clock in clocks
    }


@lru_cache(MOST_WRITTEN)
def _clock(clock: Deadline, *, is_quiet: bool) -> dict[str, Any]:
    """Return what is remembered of a clock; one that must not remind anyone is on no board."""
    values = as_values(clock) | {"silenced": is_quiet}
    if is_quiet:
        return values
    sort = write_instant(clock.due) if clock.due else f"{UNDATED}{write_instant(clock.started)}"
    return values | {"sort": sort, **standing_values(standing_of(clock))}


def finding_parts(state: tuple[Entry, ...], rules: Rules, at: datetime | None) -> Parts:
    """Return every finding of a case with its life under ``code/entry/key``, also those that time alone will bring."""
    inquiry = inquiry_of(state, rules, at)
    rows: Parts = {}
    for check in CHECKS.values():
        rows |= inquiry.answer(("rows", check.code, len(inquiry.epochs)), partial(_found, check, inquiry))
    return rows


def _found(check: Check, inquiry: Inquiry) -> Parts:
    """Return what is remembered of what one check finds, and of what nobody handles of it."""
    known_lives = lives_now(found_by(check, inquiry), inquiry)
    ignored = lives_now(unhandled(known_lives), inquiry)
    return {_name(one.finding): _life(one) for one in (*known_lives, *ignored)}


@lru_cache(MOST_WRITTEN)
def _life(life: Life) -> dict[str, Any]:
    """Return what is remembered of a finding; boards show the gravest first, of those the longest known."""
    finding, level = life.finding, level_of(life.finding)

    def status(at: datetime) -> str:
        if finding.stands(at):
            return life.state
        return NO_MORE if finding.ends_at is not None and finding.ends_at < at else NOT_YET

    found = standing(status, (finding.arises_at, finding.ends_at))
    sort = f"{LEVELS.index(level)} {write_instant(life.since)}"
    return life_values(life) | {"level": level, "sort": sort, **standing_values(found)}


def _name(finding: Finding) -> str:
    return f"{finding.code}/{finding.entry}/{finding.key}"


def consent_parts(state: tuple[Entry, ...], _rules: Rules, at: datetime | None) -> Parts:
    """Return every consent of a case with its periods, and every disclosure with how it was covered."""
    known = Known(state)
    consents = {f"consent/{consent}": _consent(known, consent) for consent in consent_ids(known)}
    made = [entry for entry in disclosures(known) if at is None or entry.happened <= at]
    return consents | {f"disclosure/{entry.version}": _disclosure(known, entry) for entry in made}


def _consent(known: Known, consent: str) -> dict[str, Any]:
    """Return what is remembered of a consent: its last terms, and when it was in force."""
    last = entries_of(known, consent)[-1]
    terms = next((e for e in reversed(entries_of(known, consent)) if "scope" in e.data), last).data
    spans = periods(known, consent)
    turns = [
        *(entry.happened for entry in entries_of(known, consent)),
        *(end for one in spans for end in (one.begins, one.ends)),
    ]
    return {
        "sort": write_instant(last.happened),
        **standing_values(standing(lambda at: consent_status(known, consent, at).status, turns)),
        "kind": terms.get("kind"),
        "person": terms.get("given_by") or terms.get("refused_by"),
        "scope": list(terms.get("scope", ())),
        "data_categories": list(terms.get("data_categories") or ()),
        "last": last.topic,
        "last_entry": last.version,
        "periods": [_period(period) for period in spans],
    }


def _period(period: Period) -> dict[str, Any]:
    ends = None if period.ends is None else write_instant(period.ends)
    return asdict(period) | {"begins": write_instant(period.begins), "ends": ends}


NOT_JUDGED = "not_judged"
"""How a disclosure stands whose cover nothing on record tells."""


def _disclosure(known: Known, entry: Entry) -> dict[str, Any]:
    """Return how a disclosure was covered, by the register then and by all facts."""
    both = covers(known, entry.version)
    return {
        "sort": write_instant(entry.happened),
        "status": both.by_all_facts.answer if both else NOT_JUDGED,
        "event": entry.topic,
        "happened": write_instant(entry.happened),
        "to": entry.data.get("to") or entry.data.get("obtained_from"),
        "basis": both.by_all_facts.basis if both else None,
        "by_record_then": both.by_record_then.answer if both else None,
        "by_all_facts": both.by_all_facts.answer if both else None,
        "gaps": sorted({gap.reason for gap in both.by_all_facts.gaps}) if both else [],
    }
