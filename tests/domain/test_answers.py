"""Answers that stand as a case goes on, and those that do not: each kind of reading, and cases that go another way."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from domain.answers import Answers, Basis
from domain.entries import Entry
from domain.events.decision import DecisionMade
from domain.events.referral import NotificationReceived
from domain.inquiry import Inquiry
from domain.known import Known
from domain.rule_book import Rule
from domain.rules import Rules
from tests.domain.rules import entry, opened, rules

NOW = datetime(2025, 6, 1, 10, tzinfo=UTC)
FIRST = (
    opened(),
    entry(2, "NotificationReceived", "2025-01-02T10:00+01:00", identity_known=True),
    entry(3, "NotificationReceived", "2025-07-02T10:00+02:00", recorded="2025-01-03T10:00+01:00", identity_known=True),
)
RECEIVED = entry(4, "NotificationReceived", "2025-01-05T10:00+01:00", identity_known=True)
DECIDED = entry(4, "DecisionMade", "2025-01-05T10:00+01:00", decision="d", outcome="grant", legal_basis=[])
CORRECTED = entry(4, "EntryCorrected", "2025-01-05T10:00+01:00", corrects=2, field="identity_known", new=1)
ANNULLED = entry(4, "EntryAnnulled", "2025-01-05T10:00+01:00", annuls=2, kind="recorded_in_error")
LATE_RECORDING = "LATE-RECORDING"

Reading = Callable[[Inquiry], object]


def asked(answers: Answers, entries: tuple[Entry, ...], adopted: Rules, at: datetime = NOW) -> Inquiry:
    """Return a question to a case that has gone on to some entries."""
    known = Known(entries)
    inquiry = Inquiry(known, adopted, at, answers)
    answers.follow(Basis(entries, known.by_topic, inquiry.by_topic, adopted, at))
    return inquiry


def stands(reading: Reading, then: tuple[Entry, ...], at: datetime = NOW, adopted: Rules | None = None) -> bool:
    """Whether what is read of a case is not read again, directly or within another answer, once it has gone on."""
    answers, before, times = Answers(), rules(), list[object]()

    def read(inquiry: Inquiry) -> None:
        inner = inquiry.answer("inner", lambda: times.append(reading(inquiry)))
        inquiry.answer("outer", lambda: times.append(inquiry.answer("inner", lambda: inner)))

    read(asked(answers, FIRST, before))
    read(asked(answers, then, adopted or before, at))
    assert len(times) in (2, 4)
    return len(times) == 2


def received(inquiry: Inquiry) -> object:
    """Read the notifications that had happened."""
    return inquiry.of(NotificationReceived)


def either(inquiry: Inquiry) -> object:
    """Read the facts of two kinds, whenever they happen."""
    return inquiry.known.of(NotificationReceived, DecisionMade)


def second(inquiry: Inquiry) -> object:
    """Read the entry of a version."""
    return inquiry.known.fact(2)


def next_one(inquiry: Inquiry) -> object:
    """Read an entry that is not there yet."""
    return inquiry.known.fact(4)


def clock(inquiry: Inquiry) -> object:
    """Read what the clock shows."""
    return inquiry.at


def late_rule(inquiry: Inquiry) -> object:
    """Read a rule as it holds at the instant asked about."""
    return inquiry.current(LATE_RECORDING)


def record(inquiry: Inquiry) -> object:
    """Read every entry on record."""
    return inquiry.known.entries


@pytest.mark.parametrize(
    ("reading", "one_more", "expected"),
    [
        (received, DECIDED, True),
        (received, RECEIVED, False),
        (received, CORRECTED, False),
        (received, ANNULLED, False),
        (either, DECIDED, False),
        (either, RECEIVED, False),
        (second, DECIDED, True),
        (second, CORRECTED, False),
        (second, ANNULLED, False),
        (next_one, DECIDED, False),
        (next_one, ANNULLED, True),
        (clock, DECIDED, True),
        (late_rule, DECIDED, True),
        (record, ANNULLED, False),
    ],
)
def test_an_answer_stands_until_what_it_was_read_from_changes(
    reading: Reading, one_more: Entry, expected: bool
) -> None:
    """One more entry calls anew for the answers that rest on it, be it that 1 now stands for true, and for no other."""
    assert stands(reading, (*FIRST, one_more)) is expected


@pytest.mark.parametrize(("reading", "expected"), [(received, False), (clock, False), (late_rule, True)])
def test_time_alone_changes_what_hangs_on_it(reading: Reading, expected: bool) -> None:
    """What was recorded ahead happens as the clock goes on."""
    assert stands(reading, FIRST, datetime(2025, 8, 1, tzinfo=UTC)) is expected


def test_a_rule_that_time_replaces_is_read_again() -> None:
    """A rule as it holds now is another once its validity ends."""
    adopted = rules()
    adoptions = tuple(
        replace(one, book=one.book.model_copy(update={"rule": tuple(ending(rule) for rule in one.book.rule)}))
        for one in adopted.adoptions
    )
    ended, answers, times = Rules(adoptions, adopted.calendar), Answers(), list[object]()
    for day in (1, 2, 3):
        inquiry = asked(answers, FIRST, ended, datetime(2025, 6, day, 10, tzinfo=UTC))
        inquiry.answer("rule", lambda inquiry=inquiry: times.append(late_rule(inquiry)))
    assert [one is None for one in times] == [False, True]


def test_what_fails_on_the_way_is_read_again() -> None:
    """An answer that holds out where a part of it fails rests on what that part had read."""
    answers, adopted, times = Answers(), rules(), list[object]()

    def failing(inquiry: Inquiry) -> None:
        times.append(received(inquiry))
        raise OverflowError

    def holding_out(inquiry: Inquiry) -> None:
        with suppress(OverflowError):
            inquiry.answer("inner", lambda: failing(inquiry))

    for then in (FIRST, (*FIRST, RECEIVED)):
        inquiry = asked(answers, then, adopted)
        inquiry.answer("outer", lambda inquiry=inquiry: holding_out(inquiry))
    assert len(times) == 2


def ending(one: Rule) -> Rule:
    """Return a rule that holds until 1 June."""
    return one.model_copy(update={"valid_to": date(2025, 6, 1)})


def test_another_way_begins_anew() -> None:
    """Other rules, two entries at once, other entries, fewer of them and a record that goes back: all is read again."""
    assert not stands(received, FIRST, adopted=rules(A6="seven_days"))
    assert not stands(received, (*FIRST, DECIDED, replace(DECIDED, version=5)))
    assert not stands(received, (FIRST[0], replace(FIRST[1]), FIRST[2]))
    assert not stands(received, FIRST[:2])
    assert not stands(received, (*FIRST, replace(DECIDED, recorded_at=datetime(2024, 1, 1, tzinfo=UTC))))
    assert stands(received, FIRST)
