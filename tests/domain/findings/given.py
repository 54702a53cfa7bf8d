"""Given: what a case holds, in a word or two, for tests of the findings."""

from typing import Any

from domain.entries import Entry
from domain.findings.catalogue import findings
from domain.inquiry import Inquiry
from domain.time import read_instant
from tests.domain.rules import case, entry, rules

END = "2026-12-01T00:00+01:00"
DAY = "2025-03-10T10:00+01:00"
LATER = "2025-03-20T10:00+01:00"
LAST = "2025-04-10T10:00+02:00"
INFANTS, TEAM, PACKAGES = "spaed_smaaboern_000", "smaaboernsteam_001", "spaed_smaabarnsteam_002"
EARLY, DETECTION = "tidlig_indsats_003", "opsporing_familietraening_004"
FKU = "parental_competence_investigation"


def born(version: int = 2, happened: str = "2025-01-01T04:00+01:00", child: str = "child-A") -> Entry:
    """Return the birth of the child."""
    return entry(version, "ChildBorn", happened, child=child, mother="parent-A")


def admitted(version: int = 2, happened: str = DAY, programme: str = INFANTS, **data: Any) -> Entry:
    """Return the admission to a programme."""
    return entry(version, "AdmissionApproved", happened, programme=programme, **data)


def recommended(version: int = 2, happened: str = DAY, programme: str = INFANTS, **data: Any) -> Entry:
    """Return the recommendation of a family."""
    return entry(version, "RecommendationMade", happened, programme=programme, **({"to": "visitation_panel"} | data))


def started(version: int = 3, happened: str = "2025-02-03T09:00+01:00", **data: Any) -> Entry:
    """Return the start of support."""
    return entry(version, "InterventionStarted", happened, enrolment="e-1", **data)


def closed(version: int, happened: str = LATER, reason: str = "not_at_risk", **data: Any) -> Entry:
    """Return the end of an enrolment."""
    return entry(version, "EnrolmentClosed", happened, enrolment="e-1", reason=reason, **data)


def decided(version: int = 2, happened: str = "2025-02-01T10:00+01:00", **data: Any) -> Entry:
    """Return a decision on support."""
    content: dict[str, Any] = {"decision": "d", "outcome": "grant", "legal_basis": ["barnets lov § 32"]}
    return entry(version, "DecisionMade", happened, **(content | data))


def held(version: int, kind: str, happened: str = DAY, **data: Any) -> Entry:
    """Return a meeting."""
    return entry(version, "MeetingHeld", happened, type=kind, participants=data.pop("participants", []), **data)


def visited(version: int, happened: str = DAY, kind: str = "home_visit", **data: Any) -> Entry:
    """Return a visit."""
    return entry(version, "VisitHeld", happened, kind=kind, **data)


def followed_up(version: int, happened: str = DAY, progress: str = "sufficient", **data: Any) -> Entry:
    """Return a follow-up."""
    return entry(version, "FollowUpHeld", happened, kind="programme", progress=progress, **data)


def noted(version: int, happened: str = DAY, **data: Any) -> Entry:
    """Return a weekly status note."""
    return entry(version, "StatusNoteWritten", happened, **({"kind": "weekly_status"} | data))


def package(version: int, happened: str = DAY, kind: str = "infant", period: int | None = 1) -> Entry:
    """Return the start of a package."""
    return entry(version, "PackageStarted", happened, enrolment="e-1", package=kind, period=period)


def status_of_package(version: int, happened: str = DAY, **data: Any) -> Entry:
    """Return the status of a package's period."""
    return noted(version, happened, kind="package_status", package="infant", period=1, **data)


def ordered(version: int = 2, happened: str = DAY, **data: Any) -> Entry:
    """Return the order of a parental competence examination."""
    content: dict[str, Any] = {"assessment": "f-1", "instrument": FKU, "about": "parent-A", "mandatory": True}
    return entry(version, "AssessmentOrdered", happened, **(content | data))


def assessed(version: int, instrument: str, happened: str = DAY, **data: Any) -> Entry:
    """Return an assessment of the child."""
    return entry(version, "AssessmentRecorded", happened, instrument=instrument, **({"about": "child-A"} | data))


def adbb(version: int, happened: str, **data: Any) -> Entry:
    """Return an ADBB of the child."""
    return assessed(version, "adbb", happened, score=2, **data)


def consented(version: int, kind: str, happened: str = "2025-02-01T10:00+01:00", **data: Any) -> Entry:
    """Return a consent of the mother."""
    content: dict[str, Any] = {"consent": f"c-{version}", "given_by": "parent-A", "capacity": "self", "scope": ["x"]}
    return entry(version, "ConsentGiven", happened, kind=kind, valid_from=happened[:10], **(content | data))


def codes(entries: list[Entry], programme: str, at: str = END, **readings: str) -> set[str]:
    """Return the codes found in a case, long after its last entry unless told otherwise."""
    asked = Inquiry(case(*entries, programme=programme), rules(**readings), read_instant(at))
    return {found.code for found in findings(asked)}
