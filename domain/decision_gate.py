"""The gate before a decision: what a reviewer would find afterwards, told before, while it can still be put right."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.decision_kinds import is_placement
from domain.findings import decisions, procedure
from domain.findings.base import Finding
from domain.inquiry import Inquiry

STOPPING = (
    "HEARING_MISSING",
    "DECISION_BEFORE_HEARING_EXPIRED",
    "STATEMENT_REQUEST_IGNORED",
    "ACCESS_PENDING_AT_DECISION",
    "BASIS_CHANGED_AFTER_HEARING",
    "FACT_NOT_HEARD",
    "CHILD_VIEW_MISSING",
    "COMPETENCE_MISSING",
    "COMPETENCE_EXPIRED",
    "PLAN_BEFORE_PLACEMENT_MISSING",
    "LEGAL_BASIS_MISSING",
    "SUPPORT_WITHOUT_CONSENT",
    "SUPPORT_WITHOUT_INVESTIGATION",
    "PURPOSE_OR_DURATION_MISSING",
    "DECISION_WITHOUT_REASONS",
    "COMPLAINT_GUIDANCE_MISSING",
    "SECTION_49_TOO_EARLY",
)
"""The findings that stop a decision still to come."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One thing that stands against a decision; ``overridable`` says whether a reason lets it pass."""

    finding: Finding
    overridable: bool


def decision_stops(inquiry: Inquiry, version: int) -> tuple[Stop, ...]:
    """Return what stands against a decision that the inquiry holds as if it were made, under a version."""
    decision = inquiry.known.fact(version)
    committee = decision is not None and is_placement(decision)
    found = [
        finding
        for check in (*decisions.CHECKS, *procedure.CHECKS)
        if check.code in STOPPING
        for finding in check.find(inquiry)
        if version in (finding.entry, *finding.rests_on)
    ]
    return tuple(Stop(finding, _overridable(finding.code, committee=committee)) for finding in found)


def _overridable(code: str, *, committee: bool) -> bool:
    """Whether a reason lets a stop pass: never the window of § 49, nor the competence of the committee."""
    return code != "SECTION_49_TOO_EARLY" and not (committee and code == "COMPETENCE_MISSING")


def standing(stops: tuple[Stop, ...], overrides: Mapping[str, str]) -> tuple[Stop, ...]:
    """Return the stops that stay: those without a reason, and those no reason lets pass."""
    return tuple(stop for stop in stops if not (stop.overridable and stop.finding.code in overrides))
