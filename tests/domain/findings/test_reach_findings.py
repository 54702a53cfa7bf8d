"""Findings about access to a case: each found and each quiet, the one with time as time comes."""

from dataclasses import replace

import pytest

from domain.entries import Entry
from domain.findings.reach import CHECKS as OURS
from domain.inquiry import Inquiry
from domain.time import read_instant
from tests.domain.findings.given import DAY, LATER
from tests.domain.rules import case, entry, rules

UNTIL = "2025-03-10T12:00:00.000000Z"
OPENED = replace(entry(2, "BreakGlassOpened", DAY), data={"staff": "u-33", "role": "caseworker", "until": UNTIL})
RESTRICTED = entry(2, "CaseRestricted", DAY, category="high_risk", allowed="u-1", review_by="2025-06-08")


def found(*entries: Entry, at: str) -> set[tuple[str, int]]:
    """Return the findings about access at an instant, by code and entry."""
    inquiry = Inquiry(case(*entries), rules(), read_instant(at))
    standing = [one for check in OURS for one in check.find(inquiry) if one.stands(inquiry.at)]
    return {(one.code, one.entry) for one in standing}


@pytest.mark.parametrize(
    ("at", "codes"),
    [("2025-03-13T09:59+01:00", set[str]()), ("2025-03-13T10:00+01:00", {"BREAK_GLASS_NOT_REVIEWED"})],
)
def test_an_emergency_access_nobody_judges_is_found_after_three_days(at: str, codes: set[str]) -> None:
    """Until then it waits in the queue."""
    assert {code for code, _ in found(OPENED, at=at)} == codes


@pytest.mark.parametrize(("justified", "codes"), [(True, set[str]()), (False, {"BREAK_GLASS_UNJUSTIFIED"})])
def test_a_verdict_settles_it(justified: bool, codes: set[str]) -> None:
    """Justified it is quiet, however late; unjustified it calls for a look at the breach."""
    reviewed = entry(3, "BreakGlassReviewed", LATER, opening=2, justified=justified)
    assert {code for code, _ in found(OPENED, reviewed, at="2025-12-01T00:00+01:00")} == codes


def test_a_restriction_is_reviewed_by_its_day() -> None:
    """Quiet to the end of that day; renewed it is quiet until the next, lifted for good."""
    overdue = {("RESTRICTION_NOT_REVIEWED", 2)}
    assert found(RESTRICTED, at="2025-06-08T23:59+02:00") == set()
    assert found(RESTRICTED, at="2025-06-09T00:00+02:00") == overdue
    renewed = entry(3, "RestrictionReviewed", LATER, restriction=2, renewed=True, review_by="2025-09-06")
    assert found(RESTRICTED, renewed, at="2025-09-06T12:00+02:00") == set()
    assert found(RESTRICTED, renewed, at="2025-09-07T12:00+02:00") == overdue
    lifted = entry(3, "RestrictionReviewed", LATER, restriction=2, renewed=False)
    assert found(RESTRICTED, lifted, at="2025-12-01T12:00+01:00") == set()
