"""All kinds of findings, and what they find in a case."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from domain.calendar import CalendarError
from domain.findings import (
    admission,
    approvals,
    clocks,
    consents,
    decisions,
    detection,
    documents,
    duties,
    early_effort,
    erasures,
    infants,
    instruments,
    package_status,
    packages,
    people,
    procedure,
    reach,
    recording,
    sharing,
    toddler_closing,
    toddler_team,
)
from domain.findings.base import Check, Finding
from domain.inquiry import Inquiry
from domain.levels import Level

UNHANDLED = Check(
    "FINDING_NOT_HANDLED",
    "internal",
    "internal standard",
    "internal",
    "Fundet {finding} er ikke vurderet eller afhjulpet i tide.",
    "The finding {finding} was not assessed or remedied in time.",
    lambda _: (),
)
"""Found among the other findings, by ``domain.findings.handling``."""

NOT_POSSIBLE = Check(
    "CHECK_NOT_POSSIBLE",
    "internal",
    "internal standard",
    "internal",
    "{check} kan ikke undersøges: en dato i sagen ligger uden for kalenderen.",
    "{check} cannot be checked: a date in the case lies beyond the calendar.",
    lambda _: (),
)
"""Found in place of a check that meets a date no calendar reaches."""

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        check.code: check
        for checks in (
            decisions.CHECKS,
            procedure.CHECKS,
            approvals.CHECKS,
            consents.CHECKS,
            sharing.CHECKS,
            recording.CHECKS,
            documents.CHECKS,
            reach.CHECKS,
            erasures.CHECKS,
            people.CHECKS,
            clocks.CHECKS,
            duties.CHECKS,
            admission.CHECKS,
            infants.CHECKS,
            toddler_team.CHECKS,
            toddler_closing.CHECKS,
            packages.CHECKS,
            package_status.CHECKS,
            early_effort.CHECKS,
            detection.CHECKS,
            instruments.CHECKS,
            (UNHANDLED, NOT_POSSIBLE),
        )
        for check in checks
    }
)
"""Every kind of finding by its code."""

INTRODUCTION = """\
# Findings

What the ledger points out by itself, written from the checks. Each is computed from what is on record at the instant
asked about; none is stored, so a correction takes it back. *Level* says how binding the rule behind it is. *Source*
carries a mark: V read in a published copy, M at least partly from memory, seed from the programme's own text. Section
numbers await the confirmation of a lawyer.
"""


def findings(inquiry: Inquiry) -> tuple[Finding, ...]:
    """Return everything the checks find in a case, in the order of the entries they are about, then by code."""
    return tuple(finding for finding in pending(inquiry) if finding.stands(inquiry.at))


def pending(inquiry: Inquiry, codes: Collection[str] | None = None) -> tuple[Finding, ...]:
    """Return the findings of a case, of some kinds or of all, with those that time alone will bring or has taken back."""
    checks = [check for check in CHECKS.values() if codes is None or check.code in codes]
    found = [finding for check in checks for finding in found_by(check, inquiry)]
    return tuple(sorted(found, key=lambda finding: (finding.entry, finding.code, finding.key)))


def found_by(check: Check, inquiry: Inquiry) -> tuple[Finding, ...]:
    """Return what one check finds about what was recorded while each set of readings and limits was in force.

    Adopting others never changes what was found about entries from before.
    """
    recorded = inquiry.known.recorded
    return tuple(
        one
        for judged, until in inquiry.epochs
        for one in _found(check, judged)
        if _within(recorded([one.entry])[0], judged.rules.judged_at, until)
    )


def _within(instant: datetime, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or since <= instant) and (until is None or instant < until)


def _found(check: Check, inquiry: Inquiry) -> Iterable[Finding]:
    """Return what one check finds; that a date on record leads beyond every calendar is itself a finding."""
    try:
        return tuple(check.find(inquiry))
    except (CalendarError, OverflowError):
        return (Finding("CHECK_NOT_POSSIBLE", 1, (), {"check": check.code}, check.code),)


def level_of(finding: Finding) -> Level:
    """Return how binding the rule behind a finding is."""
    return finding.level or CHECKS[finding.code].level


def catalogue_markdown() -> str:
    """Return ``docs/findings.md``."""
    rows = [
        f"| `{c.code}` | {c.level} | {c.citation} | {c.verification} | {c.english} | {c.danish} |"
        for c in CHECKS.values()
    ]
    head = "| code | level | source | mark | English | Danish |\n|---|---|---|---|---|---|\n"
    return f"{INTRODUCTION}\n{head}" + "\n".join(rows) + "\n"
