"""The life of a finding: found, assessed, remedied; and the findings that nobody handles."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.entries import Entry
from domain.events.control import FindingAssessed, FindingRemedied
from domain.findings.base import Finding
from domain.findings.catalogue import level_of
from domain.known import Known
from domain.time import end_of, read_day

HANDLE_WITHIN = timedelta(days=30)
"""The house's own standard: how soon a finding against statute or a programme's must is looked at."""


@dataclass(frozen=True, slots=True)
class Life:
    """A finding with what became of it.

    ``state`` is new, confirmed, unfounded, accepted_reading or remedied; ``overdue`` says that nobody has handled it
    in time. ``assessed`` and ``remedied`` are the entries that did.
    """

    finding: Finding
    state: str
    since: datetime
    overdue: bool
    assessed: Entry | None = None
    remedied: Entry | None = None


def lives(found: Iterable[Finding], known: Known, at: datetime) -> tuple[Life, ...]:
    """Return each finding with its life by an instant; a finding is known since its last entry was recorded."""
    return tuple(_life(finding, known, at) for finding in found)


def _life(finding: Finding, known: Known, at: datetime) -> Life:
    assessed, remedied = (_last(known, kind.TOPIC, finding, at) for kind in (FindingAssessed, FindingRemedied))
    state = "remedied" if remedied else str(assessed.data["verdict"]) if assessed else "new"
    since = max(entry.recorded_at for entry in known.entries if entry.version in (finding.entry, *finding.rests_on))
    handle_by = assessed.data.get("handle_by") if assessed else None
    limit = end_of(read_day(handle_by)) if handle_by else since + HANDLE_WITHIN
    binding = level_of(finding) in ("statute", "must")
    overdue = binding and state in ("new", "confirmed") and at > limit
    return Life(finding, state, since, overdue, assessed, remedied)


def _last(known: Known, topic: str, finding: Finding, at: datetime) -> Entry | None:
    """Return the last entry of a kind about a finding; one without a key is about every finding of the code there."""
    about = [
        entry
        for entry in known.facts
        if entry.topic == topic
        and entry.happened <= at
        and (entry.data["finding"], entry.data["entry"]) == (finding.code, finding.entry)
        and entry.data.get("key") in (None, finding.key)
    ]
    return about[-1] if about else None


def unhandled(found: Iterable[Finding], known: Known, at: datetime) -> tuple[Finding, ...]:
    """Return a finding for each that nobody has handled in time: that is itself one."""
    return tuple(
        Finding("FINDING_NOT_HANDLED", life.finding.entry, (), {"finding": life.finding.code}, f"{life.finding.code}/{life.finding.key}")
        for life in lives(found, known, at)
        if life.overdue
    )  # fmt: skip
