"""The life of a finding: found, assessed, remedied; and the findings that nobody handles."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from domain.entries import Entry
from domain.events.base import Event
from domain.events.control import FindingAssessed, FindingRemedied
from domain.findings.base import Finding
from domain.findings.catalogue import level_of
from domain.inquiry import Inquiry
from domain.known import Known
from domain.time import end_of, later, read_day, read_instant, within, write_instant

HANDLING = (FindingAssessed, FindingRemedied)
TICK = timedelta(microseconds=1)
HANDLE_WITHIN = timedelta(days=30)
"""The house's own standard: how soon a finding against statute or a programme's must is looked at."""


@dataclass(frozen=True, slots=True)
class Life:
    """A finding with what became of it.

    ``state`` is new, confirmed, unfounded, accepted_reading or remedied. ``handle_by`` is the last instant to handle it
    in time, None where nobody need. ``assessed`` and ``remedied`` are the entries that did.
    """

    finding: Finding
    state: str
    since: datetime
    handle_by: datetime | None
    assessed: Entry | None = field(default=None, hash=False)
    remedied: Entry | None = field(default=None, hash=False)

    def overdue(self, at: datetime) -> bool:
        """Whether nobody has handled it in time."""
        return self.handle_by is not None and at > self.handle_by


def lives(found: Iterable[Finding], known: Known, at: datetime) -> tuple[Life, ...]:
    """Return each finding with its life by an instant.

    A finding is known since its last entry was recorded, or since time brought it.
    """
    return _lives(found, known, [entry for entry in known.of(*HANDLING) if entry.happened <= at])


def lives_now(found: Iterable[Finding], inquiry: Inquiry) -> tuple[Life, ...]:
    """Return each finding with its life by the instant asked about."""
    return _lives(found, inquiry.known, inquiry.of(*HANDLING))


def _lives(found: Iterable[Finding], known: Known, handling: Sequence[Entry]) -> tuple[Life, ...]:
    return tuple(_life(finding, known, handling) for finding in found)


def _life(finding: Finding, known: Known, handling: Sequence[Entry]) -> Life:
    assessed, remedied = (_last(handling, kind, finding) for kind in HANDLING)
    state = "remedied" if remedied else str(assessed.data["verdict"]) if assessed else "new"
    recorded = known.recorded((finding.entry, *finding.rests_on))
    since = max(recorded) if finding.arises_at is None else max(*recorded, finding.arises_at)
    agreed = assessed.data.get("handle_by") if assessed else None
    limit = end_of(read_day(agreed)) if agreed else later(since, HANDLE_WITHIN)
    binding = level_of(finding) in ("statute", "must") and state in ("new", "confirmed")
    return Life(finding, state, since, limit if binding else None, assessed, remedied)


def _last(handling: Sequence[Entry], kind: type[Event], finding: Finding) -> Entry | None:
    """Return the last entry of a kind about a finding; one without a key is about every finding of the code there."""
    about = [
        entry
        for entry in handling
        if entry.topic == kind.TOPIC
        and (entry.data["finding"], entry.data["entry"]) == (finding.code, finding.entry)
        and entry.data.get("key") in (None, finding.key)
    ]
    return about[-1] if about else None


def unhandled(known_lives: Iterable[Life]) -> Iterator[Finding]:
    """Yield a finding for each that nobody handles in time: it stands from then on, as long as its finding does."""
    for life in known_lives:
        if life.handle_by is not None:
            finding = life.finding
            yield Finding(
                "FINDING_NOT_HANDLED",
                finding.entry,
                (),
                {"finding": finding.code},
                f"{finding.code}/{finding.key}",
                arises_at=later(life.handle_by, TICK),
                ends_at=finding.ends_at,
            )


_INSTANTS = ("arises_at", "ends_at")
_FIELDS = tuple(one.name for one in fields(Finding))


def life_values(life: Life) -> dict[str, Any]:
    """Return a finding with its life as JSON values, instants as fixed-width UTC text."""
    finding = life.finding
    values: dict[str, Any] = {name: getattr(finding, name) for name in _FIELDS}
    values |= {"rests_on": list(finding.rests_on), "detail": dict(finding.detail)}
    instants = {name: write_instant(within(values[name])) for name in _INSTANTS if values[name] is not None}
    handle_by = None if life.handle_by is None else write_instant(life.handle_by)
    return values | instants | {"state": life.state, "since": write_instant(life.since), "handle_by": handle_by}


def finding_of(values: Mapping[str, Any]) -> Finding:
    """Return the finding that ``life_values`` wrote; what else stands beside it is left aside."""
    content: dict[str, Any] = {name: values[name] for name in _FIELDS}
    content["rests_on"] = tuple(content["rests_on"])
    for name in _INSTANTS:
        content[name] = None if content[name] is None else read_instant(content[name])
    return Finding(**content)
