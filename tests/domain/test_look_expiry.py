"""How long look-ups are kept, and which pending matters keep them longer."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.entries import Entry
from domain.look_expiry import kept_since, needs_looks
from domain.time import read_instant, write_instant
from tests.domain.rules import case, entry

DAY = "2026-03-04T10:00+01:00"
NOW = read_instant("2026-03-31T12:00+02:00")


def hold(version: int, *, placed: bool = True, reason: str = "court", **more: Any) -> Entry:
    """Return that a legal hold was placed or lifted."""
    return entry(version, "LegalHoldChanged", DAY, placed=placed, reason=reason, **more)


def request(version: int) -> Entry:
    """Return a request for access."""
    return entry(version, "AccessRequestReceived", DAY, kind="gdpr_art15", by="p", about="p", received_at=DAY)


def answer(version: int, to: int) -> Entry:
    """Return the answer to a request."""
    return entry(version, "AccessRequestAnswered", DAY, request=to, outcome="granted")


@pytest.mark.parametrize(
    ("now", "months", "since"),
    [
        ("2026-03-31T12:00:00+02:00", 60, "2021-03-30T22:00:00.000000Z"),
        ("2026-03-31T12:00:00+02:00", 1, "2026-02-27T23:00:00.000000Z"),
        ("2026-01-01T00:30:00+01:00", 12, "2024-12-31T23:00:00.000000Z"),
    ],
)
def test_calendar_months_in_copenhagen(now: str, months: int, since: str) -> None:
    """Given a number of months, when it is counted back, then whole days stay: to the same day, or the month's last."""
    assert write_instant(kept_since(read_instant(now), months)) == since
    assert kept_since(read_instant(now).astimezone(UTC), months) == read_instant(since)


@pytest.mark.parametrize(
    ("entries", "needed"),
    [
        ([], False),
        ([hold(2)], True),
        ([hold(2), hold(3, placed=False)], False),
        ([hold(2), hold(3, reason="complaint"), hold(4, placed=False)], True),
        ([hold(2), hold(3, placed=False, reason="complaint")], True),
        ([hold(2, until="2026-03-31")], True),
        ([hold(2, until="2026-03-30")], False),
        ([hold(2), entry(3, "EntryAnnulled", DAY, annuls=2)], False),
        ([hold(2), hold(3, placed=False), entry(4, "EntryAnnulled", DAY, annuls=3)], True),
        ([request(2)], True),
        ([request(2), answer(3, 2)], False),
        ([request(2), request(3), answer(4, 2)], True),
        ([request(2), answer(3, 2), entry(4, "EntryAnnulled", DAY, annuls=3)], True),
        ([request(2), entry(3, "EntryAnnulled", DAY, annuls=2)], False),
    ],
)
def test_pending_matters(entries: list[Entry], needed: bool) -> None:
    """Given holds and requests, when it is asked, then looks are needed while one hold stands or one request waits."""
    assert needs_looks(case(*entries), NOW) is needed


def test_a_hold_that_has_passed_stays_passed() -> None:
    """Given a hold with a last day, when that is over, then nothing is needed any more."""
    held = case(hold(2, until="2026-12-31"))
    assert needs_looks(held, datetime(2026, 12, 31, 22, 59, tzinfo=UTC))
    assert not needs_looks(held, datetime(2026, 12, 31, 23, 1, tzinfo=UTC))
