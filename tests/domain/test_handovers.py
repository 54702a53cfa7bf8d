"""Hand-overs that wait for an answer, and those that were declined."""

from collections.abc import Sequence
from typing import Any

import pytest

from domain.entries import Entry
from domain.handovers import DECLINED, open_handovers
from tests.domain.rules import entry

DAY = "2025-03-10T10:00+01:00"


def handed(version: int, by: str | None, to: str, role: str = "social_worker", **data: Any) -> Entry:
    """Return a case handed to somebody."""
    given = {"from_staff": by} if by else {}
    return entry(version, "CaseAllocated", DAY, to=to, for_role=role, **given, **data)


def accepted(version: int, allocation: int) -> Entry:
    """Return that it was taken over."""
    return entry(version, "HandoverAccepted", DAY, allocation=allocation, summary_read=True)


def declined(version: int, allocation: int, kind: str = DECLINED) -> Entry:
    """Return that it was declined, or annulled for another reason."""
    return entry(version, "EntryAnnulled", DAY, annuls=allocation, kind=kind, reason="No time.")


GIVEN, ASKED = handed(2, None, "u-1"), handed(3, "u-1", "u-2")


@pytest.mark.parametrize(
    ("entries", "stands"),
    [
        ([GIVEN], []),
        ([GIVEN, ASKED], [(3, None)]),
        ([GIVEN, ASKED, accepted(4, 3)], []),
        ([GIVEN, ASKED, declined(4, 3)], [(3, 4)]),
        ([GIVEN, ASKED, declined(4, 3, "wrong_case")], []),
        ([GIVEN, ASKED, declined(4, 3), handed(5, "u-1", "u-4")], [(5, None)]),
        ([GIVEN, ASKED, declined(4, 3), handed(5, "u-1", "u-4", "coordinator")], [(3, 4), (5, None)]),
        ([GIVEN, ASKED, handed(4, "u-1", "u-4")], [(4, None)]),
        ([GIVEN, handed(3, "u-1", "u-2", substitute_for="u-1")], []),
    ],
    ids=["given", "waits", "accepted", "declined", "annulled", "anew", "other-role", "overtaken", "stands-in"],
)
def test_what_waits(entries: Sequence[Entry], stands: Sequence[tuple[int, int | None]]) -> None:
    """Given hand-overs and answers, those stand that wait, or were declined and not made anew."""
    found = open_handovers(entries)
    assert [(one.entry.version, one.declined.version if one.declined else None) for one in found] == stands


def test_whom_it_concerns() -> None:
    """Given one that waits, both sides; given one declined, the one who still has the case, and not who said no."""
    (waits,), (refused,) = open_handovers([GIVEN, ASKED]), open_handovers([GIVEN, ASKED, declined(4, 3)])
    assert [waits.concerns(staff) for staff in ("u-1", "u-2", "u-3")] == [True, True, False]
    assert [refused.concerns(staff) for staff in ("u-1", "u-2", "u-3")] == [True, False, False]
