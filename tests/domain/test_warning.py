"""Which clocks call for a warning, whom it goes to, and when it is tried again."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.clocks import deadlines
from domain.entries import Entry
from domain.events.warning import WarningChannel, WarningSent
from domain.reach import CaseReach, bearing, case_reach
from domain.time import read_instant
from domain.warning import abandoned, recipients, unopened, wanted, warned
from tests.domain.rules import entry, inquiry, opened

MARCH = "2025-03-{:02}T{:02}:00+01:00"
RECEIVED = MARCH.format(3, 9)
CASEWORKER, OTHER = "u-25", "u-24"


def received(version: int = 2) -> Entry:
    """Return a notification, which has to be assessed within 24 hours: by 09.00 on 4 March."""
    data: dict[str, Any] = {"notifier_kind": "private", "identity_known": True, "about": ["child-A"]}
    return entry(version, "NotificationReceived", RECEIVED, received_at=RECEIVED, **data)


def sent(version: int, at: str, **changes: Any) -> Entry:
    """Return a warning that those hours were over."""
    clock: dict[str, Any] = {
        "rule": "UND-24H",
        "trigger": 2,
        "number": 0,
        "due": "2025-03-04T08:00:00.000000Z",
        "level": "broken",
    }
    said: dict[str, Any] = clock | {"channel": "mail", "recipient": CASEWORKER, "attempt": 1} | changes
    return entry(version, "WarningSent", at, **said)


def failed(version: int, at: str, warning: int) -> Entry:
    """Return that a warning did not arrive."""
    return entry(version, "WarningNotDelivered", at, warning=warning, reason="no_answer")


def asked(at: str, *entries: Entry, channel: WarningChannel = "mail", to: tuple[str, ...] = (CASEWORKER,)) -> list[Any]:
    """Return the warnings of the 24 hours that are to be given at an instant: level, recipient, attempt."""
    question = inquiry(received(), *entries, at=at)
    found = wanted(question.known, deadlines(question), to, channel, question.at)
    return [(one.level, one.recipient, one.attempt) for one in found if one.rule == "UND-24H"]


BROKEN = ("broken", CASEWORKER, 1)


@pytest.mark.parametrize(
    ("at", "entries", "expected"),
    [
        (MARCH.format(3, 10), [], []),
        (MARCH.format(4, 10), [], [BROKEN]),
        (MARCH.format(4, 10), [sent(3, MARCH.format(4, 9))], []),
        (MARCH.format(4, 10), [sent(3, MARCH.format(4, 9), channel="page")], [BROKEN]),
        (MARCH.format(4, 10), [sent(3, MARCH.format(4, 9), due="2025-03-05T08:00:00.000000Z")], [BROKEN]),
        ("2025-04-20T10:00+02:00", [], []),
    ],
    ids=["in-time", "broken", "warned", "other-channel", "due-since-moved", "long-ago"],
)
def test_when_a_clock_is_warned_of(at: str, entries: list[Entry], expected: list[Any]) -> None:
    """Given a clock, it is warned of once when broken, by each channel and each due date, and not when long past."""
    assert asked(at, *entries) == expected


def test_what_was_done_late_is_not_warned_of() -> None:
    """Given a clock that was met too late, nobody is warned of it afterwards, though it stays broken."""
    assessed = entry(3, "NotificationAcuteAssessed", MARCH.format(4, 12), notification=2, danger=False)
    assert asked(MARCH.format(4, 13), assessed) == []


def test_nobody_is_reminded_of_the_dead() -> None:
    """Given a child who died, no clock about the family's children warns."""
    born = entry(3, "ChildBorn", "2025-03-01", child="child-A", mother="parent-A")
    died = entry(4, "DeathRecorded", "2025-03-03", person="child-A", died_on="2025-03-03")
    assert asked(MARCH.format(4, 10), born) == [BROKEN]
    assert asked(MARCH.format(4, 10), born, died) == []


@pytest.mark.parametrize(
    ("hours", "number", "expected"),
    [(0, 1, []), (1, 1, [2]), (1, 2, [3]), (1, 3, []), (7, 3, [4]), (48, 4, [])],
    ids=["at-once", "after-minutes", "after-an-hour", "too-soon", "after-six", "no-more"],
)
def test_it_is_tried_again_some_times(hours: int, number: int, expected: list[int]) -> None:
    """Given attempts that failed, the next follows after a longer while each time, and after the fourth none."""
    entries: list[Entry] = []
    for attempt in range(1, number + 1):
        entries.append(sent(1 + 2 * attempt, MARCH.format(4, 10), attempt=attempt))
        entries.append(failed(2 + 2 * attempt, MARCH.format(4, 10), 1 + 2 * attempt))
    at = read_instant(MARCH.format(4, 10)) + timedelta(hours=hours)
    assert [attempt for _, _, attempt in asked(at.isoformat(), *entries)] == expected


def test_whoever_took_the_case_over_is_tried_instead() -> None:
    """Given a failed attempt at somebody who no longer has the case, it is whoever has it now who is tried."""
    entries = [sent(3, MARCH.format(4, 9)), failed(4, MARCH.format(4, 9), 3)]
    assert asked(MARCH.format(4, 12), *entries, to=(OTHER,)) == [("broken", OTHER, 1)]


def test_an_attempt_without_an_outcome_was_interrupted() -> None:
    """Given an attempt of which nothing more is on record, it is given up after a quarter of an hour, a page never."""
    question = inquiry(
        received(), sent(3, MARCH.format(4, 9)), sent(4, MARCH.format(4, 9), channel="page"), at=RECEIVED
    )
    at = read_instant(MARCH.format(4, 9))
    assert abandoned(question.known, at + timedelta(minutes=15)) == ()
    assert [(one.warning, one.reason) for one in abandoned(question.known, at + timedelta(minutes=16))] == [
        (3, "interrupted")
    ]


def test_what_waits_to_be_opened() -> None:
    """Given warnings, those wait that reached their recipient: on the page at once, by mail once delivered."""
    page, mail, lost = (
        sent(3, RECEIVED, channel="page"), sent(4, RECEIVED), sent(5, RECEIVED),
    )  # fmt: skip
    ends = [entry(6, "WarningDelivered", RECEIVED, warning=4), failed(7, RECEIVED, 5)]
    opening = entry(8, "WarningOpened", RECEIVED, warning=3, staff=CASEWORKER)
    known = inquiry(received(), page, mail, lost, *ends, at=RECEIVED).known
    assert [one.sent.version for one in unopened(known, CASEWORKER)] == [3, 4]
    assert unopened(known, OTHER) == ()
    known = inquiry(received(), page, mail, lost, *ends, opening, at=RECEIVED).known
    assert [one.sent.version for one in unopened(known, CASEWORKER)] == [4]
    assert [one.opened.version if one.opened else None for one in warned(known)] == [8, None, None]


NOON = datetime.fromisoformat("2025-03-10T12:00:00+00:00")


def reach(*entries: Entry) -> CaseReach:
    """Return the reach of a case opened by u-1."""
    kept: tuple[Entry, ...] = ()
    for one in (opened(), *entries):
        kept = bearing(kept, one)
    found = case_reach(kept)
    assert found is not None
    return found


def allocated(version: int, to: str, **more: Any) -> Entry:
    """Return an allocation."""
    return entry(version, "CaseAllocated", "2025-03-05", to=to, for_role="social_worker", **more)


def test_who_is_warned() -> None:
    """Those who hold the case; where nobody was given it the leader of the unit, and without one who opened it."""
    assert recipients(reach(allocated(2, CASEWORKER)), {"": "u-12"}, NOON) == (CASEWORKER,)
    assert recipients(reach(), {"": "u-12"}, NOON) == ("u-12",)
    assert recipients(reach(), {}, NOON) == ("u-1",)
    both = reach(allocated(2, CASEWORKER), allocated(3, OTHER, from_staff=CASEWORKER))
    assert recipients(both, {}, NOON) == (OTHER, CASEWORKER)


def test_nobody_is_warned_of_a_case_closed_to_them() -> None:
    """A holder whom a restriction leaves out is not warned; those it names are, where it leaves nobody else."""
    data: dict[str, Any] = {"category": "high_risk", "review_by": "2025-06-01"}
    closed = entry(3, "CaseRestricted", "2025-03-06", allowed=["u-12"], **data)
    assert recipients(reach(allocated(2, CASEWORKER), closed), {}, NOON) == ("u-12",)
    named = entry(3, "CaseRestricted", "2025-03-06", allowed=["u-12", CASEWORKER], **data)
    assert recipients(reach(allocated(2, CASEWORKER), named), {}, NOON) == (CASEWORKER,)


def test_a_warning_is_a_fact_with_a_due_instant() -> None:
    """The warning that is wanted names its clock as it is due now."""
    question = inquiry(received(), at=MARCH.format(4, 10))
    found = wanted(question.known, deadlines(question), (CASEWORKER,), "page", question.at)
    (one,) = (one for one in found if one.rule == "UND-24H")
    assert one == WarningSent(
        rule="UND-24H", trigger=2, number=0, due=read_instant(MARCH.format(4, 9)), level="broken",
        channel="page", recipient=CASEWORKER, attempt=1,
    )  # fmt: skip
