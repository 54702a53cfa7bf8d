"""Clocks: what starts and satisfies each, how each stands at any instant, and the laws that hold for all of them."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clocks import deadlines
from domain.deadlines import STATUSES, Deadline, as_values, from_values, late_by, plain_status, status
from domain.entries import Entry
from domain.inquiry import Inquiry
from domain.known import known
from domain.rule_book import read_rule_book
from domain.rules import Adoption, Rules
from domain.time import copenhagen_day, read_instant
from ledger.shipped import shipped_text
from tests.domain.rules import calendar, case, entry, inquiry, opened, rules
from tests.story_entries import NAMES, story_entries

INFANTS, PACKAGES, EARLY = "spaed_smaaboern_000", "spaed_smaabarnsteam_002", "tidlig_indsats_003"
RECEIVED = "2024-03-28T16:30+01:00"


def notification(version: int = 2, happened: str = RECEIVED, **data: Any) -> Entry:
    """Return a notification about the child."""
    return entry(version, "NotificationReceived", happened, identity_known=True, about=["child-A"], **data)


def clocks(
    *entries: Entry, at: str, rule: str, programme: str = "smaaboernsteam_001", **readings: str
) -> list[Deadline]:
    """Return the clocks of one rule in a case."""
    asked = inquiry(*entries, at=at, programme=programme, **readings)
    return [clock for clock in deadlines(asked) if clock.rule == rule]


def clock(*entries: Entry, at: str, rule: str, programme: str = "smaaboernsteam_001", **readings: str) -> Deadline:
    """Return the only clock of a rule."""
    (found,) = clocks(*entries, at=at, rule=rule, programme=programme, **readings)
    return found


def stands(found: Deadline, at: str) -> str:
    """Return how a clock stands."""
    return status(found, read_instant(at))


@pytest.mark.parametrize(
    ("assessed", "at", "expected"),
    [
        (None, "2024-03-29T16:30+01:00", "open"),
        (None, "2024-03-29T16:30:01+01:00", "breached"),
        ("2024-03-29T16:30+01:00", "2024-04-01T00:00+02:00", "met"),
        ("2024-03-29T16:30:01+01:00", "2024-04-01T00:00+02:00", "breached"),
    ],
)
def test_hours_run_to_the_second(assessed: str | None, at: str, expected: str) -> None:
    """At the last second an act is in time, one later it is not, and late stays late."""
    entries = [notification()]
    if assessed:
        entries.append(entry(3, "NotificationAcuteAssessed", assessed, notification=2, participants=["u-1"]))
    assert stands(clock(*entries, at=at, rule="UND-24H"), at) == expected


def test_hours_count_over_the_change_of_clocks() -> None:
    """24 hours from Saturday 14:00 end at 15:00 on the Sunday on which summer time begins."""
    at = "2024-04-01T00:00+02:00"
    found = clock(notification(happened="2024-03-30T14:00+01:00"), at=at, rule="UND-24H")
    assert found.due == read_instant("2024-03-31T15:00+02:00")


def test_an_assessment_of_another_notification_satisfies_nothing() -> None:
    """The link to the notification counts, not the time."""
    at = "2024-04-02T00:00+02:00"
    second = notification(3, "2024-03-28T17:00+01:00")
    assessed = entry(4, "NotificationAcuteAssessed", "2024-03-28T18:00+01:00", notification=3, participants=["u-1"])
    first, other = clocks(notification(), second, assessed, at=at, rule="UND-24H")
    assert (stands(first, at), stands(other, at)) == ("breached", "met")


def test_a_receipt_between_the_two_counts_is_disputed() -> None:
    """Met by weekdays, late where Saturdays count: shown as such; without the stricter reading it is simply met."""
    at = "2024-05-01T00:00+02:00"
    sent = entry(3, "NotificationReceiptSent", "2024-04-08T10:00+02:00", notification=2)
    found = clock(notification(), sent, at=at, rule="UND-RECEIPT-6HV")
    assert (stands(found, at), plain_status(found, read_instant(at))) == ("met_disputed", "met")
    plain = clock(notification(), sent, at=at, rule="UND-RECEIPT-6HV", hverdag_strict_warning="none")
    assert stands(plain, at) == "met"
    strict = clock(notification(), sent, at=at, rule="UND-RECEIPT-6HV", hverdag="mon-sat-minus-public-holidays")
    assert stands(strict, at) == "breached"


def test_an_unknown_notifier_is_owed_no_receipt() -> None:
    """The rule does not apply; the day it would have been is still there."""
    at = "2024-05-01T00:00+02:00"
    unknown = entry(2, "NotificationReceived", RECEIVED, identity_known=False, about=["child-A"])
    found = clock(unknown, at=at, rule="UND-RECEIPT-6HV")
    assert stands(found, at) == "not_applicable"
    assert late_by(found, read_instant(at)) is None
    assert found.due == read_instant("2024-04-09T23:59:59+02:00")


def test_four_months_run_from_the_first_of_an_unbroken_chain() -> None:
    """A notification screened without more starts a chain of its own; the next one counts for itself."""
    at = "2025-12-01T00:00+01:00"
    chain = [
        notification(2, "2024-02-01T10:00+01:00"),
        entry(3, "ScreeningRecorded", "2024-02-05T10:00+01:00", outcome="no_further"),
        notification(4, "2025-06-01T10:00+02:00"),
        notification(5, "2025-06-20T10:00+02:00"),
        entry(6, "InvestigationOpened", "2025-06-21T10:00+02:00", aware_since="2025-06-01", subject="child-A"),
    ]
    found = {one.trigger: stands(one, at) for one in clocks(*chain, at=at, rule="BFU-4M")}
    assert found == {2: "breached", 4: "breached", 5: "superseded", 6: "superseded"}


def test_a_screening_without_investigation_settles_the_four_months() -> None:
    """Where nothing further was decided and nothing opened later, no investigation is overdue."""
    at = "2025-12-01T00:00+01:00"
    screened = entry(3, "ScreeningRecorded", "2024-02-05T10:00+01:00", outcome="no_further")
    found = clock(notification(2, "2024-02-01T10:00+01:00"), screened, at=at, rule="BFU-4M")
    assert (stands(found, at), plain_status(found, read_instant(at))) == ("cancelled", "breached")


def test_siblings_have_chains_of_their_own() -> None:
    """A notification about one child does not start the investigation of another."""
    at = "2025-12-01T00:00+01:00"
    born = [
        entry(2, "ChildBorn", "2023-01-01T10:00+01:00", child="child-A", mother="parent-A"),
        entry(3, "ChildBorn", "2023-01-01T10:00+01:00", child="child-B", mother="parent-A"),
    ]
    first = notification(4, "2024-02-01T10:00+01:00")
    second = entry(5, "NotificationReceived", "2025-06-01T10:00+02:00", identity_known=True, about=["child-B"])
    found = clocks(*born, first, second, at=at, rule="BFU-4M")
    assert [one.superseded_by for one in found] == [None, None]


def test_a_preliminary_assessment_is_without_object_once_the_investigation_is_done() -> None:
    """In time: neither is broken. Not in time, with a preliminary assessment: exceeded, and that one is met."""
    at = "2025-12-01T00:00+01:00"
    done = entry(3, "InvestigationCompleted", "2024-06-01T10:00+02:00")
    assert stands(clock(notification(), done, at=at, rule="BFU-PRELIM"), at) == "not_applicable"
    preliminary = entry(3, "PreliminaryAssessmentRecorded", "2024-07-01T10:00+02:00")
    late = entry(4, "InvestigationCompleted", "2024-09-01T10:00+02:00")
    assert stands(clock(notification(), preliminary, late, at=at, rule="BFU-4M"), at) == "exceeded_with_preliminary"
    assert stands(clock(notification(), preliminary, late, at=at, rule="BFU-PRELIM"), at) == "met"


def test_the_first_follow_up_moves_forward_when_the_investigation_ends() -> None:
    """Three months, or the day the investigation running beside it is completed, if that is sooner."""
    at = "2025-12-01T00:00+01:00"
    start = entry(2, "InterventionStarted", "2025-01-06T09:00+01:00", enrolment="e-1")
    assert clock(start, at=at, rule="FOLLOWUP-FIRST-95").due == read_instant("2025-04-06T23:59:59+02:00")
    done = entry(3, "InvestigationCompleted", "2025-02-14T10:00+01:00")
    assert clock(start, done, at=at, rule="FOLLOWUP-FIRST-95").due == read_instant("2025-02-14T23:59:59+01:00")
    before = entry(3, "InvestigationCompleted", "2024-12-18T10:00+01:00")
    assert clock(before, start, at=at, rule="FOLLOWUP-FIRST-95").due == read_instant("2025-04-06T23:59:59+02:00")


def test_support_begun_before_2024_follows_the_rule_before_it() -> None:
    """The version counts that holds on the day of the anchor."""
    at = "2024-12-01T00:00+01:00"
    start = entry(2, "InterventionStarted", "2023-12-31T09:00+01:00", enrolment="e-1")
    found = {one.rule for one in deadlines(inquiry(start, at=at)) if one.trigger == 2}
    assert "OLD-70" in found
    assert "FOLLOWUP-FIRST-95" not in found


def test_closing_cancels_what_runs_and_nothing_that_is_over() -> None:
    """Before it is due a closing ends the duty; after, the breach stays; under the other reading it does not end it."""
    start = entry(2, "InterventionStarted", "2025-01-06T09:00+01:00", enrolment="e-1")
    soon = entry(3, "EnrolmentClosed", "2025-03-01T09:00+01:00", enrolment="e-1", reason="moved")
    late = entry(3, "EnrolmentClosed", "2025-05-01T09:00+02:00", enrolment="e-1", reason="moved")
    at = "2025-06-01T00:00+02:00"
    rule = "FOLLOWUP-FIRST-95"
    assert stands(clock(start, soon, at=at, rule=rule), at) == "cancelled"
    assert stands(clock(start, late, at=at, rule=rule), at) == "breached"
    assert stands(clock(start, soon, at=at, rule=rule, follow_up_ends="decision_ends_support"), at) == "breached"


def test_a_citizens_unused_right_lapses() -> None:
    """Nobody broke a duty; a complaint in time is met; without guidance the time does not run."""
    at = "2026-06-01T00:00+02:00"
    sent = entry(
        2, "DecisionNotified", "2025-11-26T10:00+01:00", decision="d-1", to="parent-A", complaint_guidance=True
    )
    found = clock(sent, at=at, rule="APPEAL-4W")
    assert found.due == read_instant("2025-12-29T23:59:59+01:00")
    assert (stands(found, at), plain_status(found, read_instant(at))) == ("lapsed", "breached")
    came = entry(3, "ComplaintReceived", "2025-12-29T23:59:59+01:00", decision="d-1")
    assert stands(clock(sent, came, at=at, rule="APPEAL-4W"), at) == "met"
    other = entry(3, "ComplaintReceived", "2025-12-01T10:00+01:00", decision="d-2")
    assert stands(clock(sent, other, at=at, rule="APPEAL-4W"), at) == "lapsed"
    silent = entry(2, "DecisionNotified", "2025-11-26T10:00+01:00", decision="d-1", to="parent-A")
    assert stands(clock(silent, at=at, rule="APPEAL-4W"), at) == "not_started"


def test_a_wish_that_is_exceeded_is_no_breach() -> None:
    """'About four months' is over its guideline."""
    at = "2025-12-01T00:00+01:00"
    ordered = entry(2, "AssessmentOrdered", "2025-01-08T10:00+01:00", assessment="f-1", mandatory=True)
    assert stands(clock(ordered, at=at, rule="P002-FKU-4M", programme=PACKAGES), at) == "over_guideline"


def test_a_notice_extends_and_does_not_move_the_due_date() -> None:
    """Sent in time it makes the clock extended until the day named; a late one changes nothing."""
    at = "2026-04-15T00:00+02:00"
    asked = entry(
        2, "AccessRequestReceived", "2026-03-27T10:00+01:00", kind="party_access", by="parent-A", about="child-A"
    )
    notice: dict[str, Any] = {"rule": "AKTINDSIGT-7AD", "trigger": 2, "new_expected": "2026-04-20"}
    in_time = clock(
        asked, entry(3, "DeadlineExtensionNotified", "2026-04-09T10:00+02:00", **notice), at=at, rule="AKTINDSIGT-7AD"
    )
    assert (stands(in_time, at), in_time.due) == ("extended", read_instant("2026-04-10T23:59:59+02:00"))
    assert stands(in_time, "2026-04-21T00:00+02:00") == "breached"
    late = clock(
        asked, entry(3, "DeadlineExtensionNotified", "2026-04-12T10:00+02:00", **notice), at=at, rule="AKTINDSIGT-7AD"
    )
    assert stands(late, at) == "breached"


def test_the_grid_is_the_other_reading_of_every_sixth_week() -> None:
    """From the last follow-up held, one late is late; on the grid from birth + 1 week the same one is in time."""
    at = "2025-06-01T00:00+02:00"
    born = entry(2, "ChildBorn", "2025-01-23T04:12+01:00", child="child-A", mother="parent-A")
    started = entry(3, "InterventionStarted", "2025-01-24T09:00+01:00", enrolment="e-1")
    held = [
        entry(4, "FollowUpHeld", "2025-03-11T10:00+01:00", kind="programme"),
        entry(5, "FollowUpHeld", "2025-04-24T10:00+02:00", kind="programme"),
    ]
    last = clocks(born, started, *held, at=at, rule="P000-SW-6W", programme=INFANTS)
    assert [stands(one, at) for one in last] == ["breached", "warning"]
    grid = clocks(born, started, *held, at=at, rule="P000-SW-6W", programme=INFANTS, A5="grid")[:3]
    assert [copenhagen_day(one.due).isoformat() for one in grid if one.due] == [
        "2025-03-13",
        "2025-04-24",
        "2025-06-05",
    ]
    assert [stands(one, at) for one in grid] == ["met", "met", "open"]


def test_a_follow_up_by_another_role_is_disputed() -> None:
    """The text asks for the social worker's own follow-up."""
    at = "2025-06-01T00:00+02:00"
    born = entry(2, "ChildBorn", "2025-01-23T04:12+01:00", child="child-A", mother="parent-A")
    started = entry(3, "InterventionStarted", "2025-01-20T09:00+01:00", enrolment="e-1")
    held = entry(4, "FollowUpHeld", "2025-01-29T10:00+01:00", role="family_consultant", kind="programme")
    found = clock(born, started, held, at=at, rule="P000-SW-FIRST-1W", programme=INFANTS)
    assert (stands(found, at), found.dispute) == ("met_disputed", "role")


def test_daycare_counts_from_birth_or_from_a_later_start() -> None:
    """Started before birth: from birth. Started after: from the start; under the other reading always from birth."""
    at = "2025-12-01T00:00+01:00"
    born = entry(3, "ChildBorn", "2025-03-01T04:12+01:00", child="child-A", mother="parent-A")
    early = entry(2, "InterventionStarted", "2025-01-01T09:00+01:00", enrolment="e-1")
    late = entry(4, "InterventionStarted", "2025-05-01T09:00+02:00", enrolment="e-1")
    rule = "P001-DAYCARE-3-4M"
    assert [one.trigger for one in clocks(early, born, at=at, rule=rule) if one.superseded_by is None] == [3]
    assert [one.trigger for one in clocks(born, late, at=at, rule=rule) if one.superseded_by is None] == [4]
    assert [one.trigger for one in clocks(born, late, at=at, rule=rule, A4="always_birth")] == [3]


def test_quick_feedback_has_a_number_only_where_one_is_chosen() -> None:
    """The text gives none: the clock is open however long it takes, unless hours are chosen."""
    at = "2025-12-30T00:00+01:00"
    raised = entry(2, "AttentionRaised", "2025-12-24T22:10+01:00", about="parent-A", severity="special")
    rule = "P003-FEEDBACK"
    off = clock(raised, at=at, rule=rule, programme=EARLY)
    assert (off.due, stands(off, at)) == (None, "open")
    on = clock(raised, at=at, rule=rule, programme=EARLY, A9="24")
    assert (on.due, stands(on, at)) == (read_instant("2025-12-25T22:10+01:00"), "breached")


def test_days_of_grace_are_a_reading() -> None:
    """The status after three months has no last day in the text."""
    at = "2025-12-01T00:00+01:00"
    started = entry(2, "PackageStarted", "2025-06-30T09:00+02:00", package="toddler", period=1, enrolment="e-1")
    note = entry(3, "StatusNoteWritten", "2025-10-03T09:00+02:00", kind="package_status", package="toddler", period=1)
    rule = "P002-STATUS-3M"
    assert stands(clock(started, note, at=at, rule=rule, programme=PACKAGES), at) == "breached"
    assert stands(clock(started, note, at=at, rule=rule, programme=PACKAGES, A22="7"), at) == "met"


def test_a_retest_counts_only_within_its_window() -> None:
    """Too early is no retest; another child's is none either; decimals kept as text are numbers."""
    at = "2025-12-01T00:00+01:00"
    first = entry(
        2, "AssessmentRecorded", "2024-09-02T10:00+02:00", instrument="adbb", about="child-A", score="7.5", cutoff=5
    )
    early = entry(
        3, "AssessmentRecorded", "2024-09-05T10:00+02:00", instrument="adbb", about="child-A", score=2, cutoff=5
    )
    other = entry(
        4, "AssessmentRecorded", "2024-09-10T10:00+02:00", instrument="adbb", about="child-B", score=2, cutoff=5
    )
    again = entry(
        5, "AssessmentRecorded", "2024-09-16T10:00+02:00", instrument="adbb", about=["child-A"], score=2, cutoff=5
    )
    rule = "I-ADBB-RETEST-1-2W"
    found = clock(first, early, other, again, at=at, rule=rule)
    assert (found.satisfied_by, stands(found, at)) == (5, "met")
    assert clocks(early, at=at, rule=rule) == []


def test_a_day_without_a_time_satisfies_until_its_end() -> None:
    """An act known only to the day is in time on the last day."""
    at = "2024-06-01T00:00+02:00"
    sent = entry(3, "NotificationReceiptSent", "2024-04-09", notification=2)
    assert stands(clock(notification(), sent, at=at, rule="UND-RECEIPT-6HV"), at) == "met_disputed"


def test_a_clock_survives_being_remembered() -> None:
    """What a view stores is the clock itself."""
    at = "2024-06-01T00:00+02:00"
    for found in deadlines(inquiry(notification(), at=at)):
        assert from_values(as_values(found)) == found
        assert status(found, read_instant(at)) in STATUSES


def test_adopting_another_rule_book_leaves_older_clocks_as_they_were() -> None:
    """A version adopted later concerns what is recorded from then on."""
    halved = (
        shipped_text("statute")
        .replace("due = { n = 24, unit", "due = { n = 12, unit")
        .replace('version = "1"', 'version = "2"', 1)
    )
    both = Rules(
        (
            *rules().adoptions,
            Adoption(read_rule_book(halved), calendar(), read_instant("2024-06-01T00:00+02:00")),
        ),
        calendar(),
    )
    older, newer = notification(), notification(3, "2024-07-01T10:00+02:00")
    at = read_instant("2024-08-01T00:00+02:00")
    found = [c for c in deadlines(Inquiry(case(older, newer), both, at)) if c.rule == "UND-24H"]
    assert [(c.book_version, c.due - c.started if c.due else None) for c in found] == [
        ("1", timedelta(hours=24)),
        ("2", timedelta(hours=12)),
    ]


def test_a_rule_that_a_new_version_drops_ends_with_it() -> None:
    """What is recorded after the adoption starts no clock of a rule that is gone."""
    text = (
        shipped_text("statute")
        .replace('version = "1"', 'version = "2"', 1)
        .replace('id = "UND-24H"', 'id = "UND-24H-OLD"')
    )
    both = Rules(
        (*rules().adoptions, Adoption(read_rule_book(text), calendar(), read_instant("2024-06-01T00:00+02:00"))),
        calendar(),
    )
    at = read_instant("2024-08-01T00:00+02:00")
    found = deadlines(Inquiry(case(notification(), notification(3, "2024-07-01T10:00+02:00")), both, at))
    assert [c.trigger for c in found if c.rule == "UND-24H"] == [2]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(cut=st.data())
def test_what_was_known_then_is_what_a_ledger_fed_only_until_then_says(name: str, cut: st.DataObject) -> None:
    """Answers as known at an instant equal those of a fresh record that holds only what was recorded by then."""
    entries = story_entries(name)
    index = cut.draw(st.integers(1, len(entries)))
    at = entries[index - 1].recorded_at
    whole, fresh = known(entries), known(e for e in entries if e.recorded_at <= at)
    shipped = rules()
    assert deadlines(Inquiry(whole.recorded_by(at), shipped, at)) == deadlines(Inquiry(fresh, shipped, at))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(choice=st.data())
def test_unrelated_entries_change_no_deadline(name: str, choice: st.DataObject) -> None:
    """Notes and visits that nothing hangs on may stand anywhere in the order of recording."""
    entries = list(story_entries(name))
    place = choice.draw(st.integers(1, len(entries)))
    note = replace(
        entries[place - 1], version=len(entries) + 1, topic="note_recorded", data={"informant": "x", "channel": "y"}
    )
    at = max(e.recorded_at for e in entries)
    shipped = rules()
    assert deadlines(Inquiry(known([*entries, note]), shipped, at)) == deadlines(Inquiry(known(entries), shipped, at))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(choice=st.data())
def test_the_order_of_recording_of_unrelated_facts_does_not_matter(name: str, choice: st.DataObject) -> None:
    """Two neighbours that refer to nothing of each other may be recorded the other way round."""
    entries = list(story_entries(name))
    pairs = [
        i for i, (a, b) in enumerate(pairwise(entries)) if i > 0 and a.happened != b.happened and a.topic != b.topic
    ]
    index = choice.draw(st.sampled_from(pairs))
    renamed = {entries[index].version: entries[index + 1].version, entries[index + 1].version: entries[index].version}
    swapped = [_renamed(e, renamed) for e in entries]
    swapped[index], swapped[index + 1] = swapped[index + 1], swapped[index]
    at = max(e.recorded_at for e in entries)
    shipped = rules()
    before = {_facts(c, {}) for c in deadlines(Inquiry(known(entries), shipped, at))}
    after = {_facts(c, renamed) for c in deadlines(Inquiry(known(swapped), shipped, at))}
    assert before == after


def _renamed(one: Entry, names: dict[int, int]) -> Entry:
    """Return an entry with versions renamed wherever they stand."""
    references = (
        "notification",
        "request",
        "breach",
        "about",
        "attention",
        "corrects",
        "annuls",
        "child_view",
        "relates_to",
    )
    data = {
        key: names.get(value, value) if key in references and isinstance(value, int) else _listed(key, value, names)
        for key, value in one.data.items()
    }
    return replace(one, version=names.get(one.version, one.version), data=data)


def _listed(key: str, value: Any, names: dict[int, int]) -> Any:
    return [names.get(item, item) for item in value] if key in ("facts", "hearing") and value else value


def _facts(found: Deadline, names: dict[int, int]) -> tuple[Any, ...]:
    """Return what a clock says, with versions named as before the swap."""
    back = {new: old for old, new in names.items()}

    def name(version: int | None) -> int | None:
        return back.get(version, version) if version is not None else None

    return (
        found.rule,
        name(found.trigger),
        found.number,
        found.due,
        found.not_before,
        name(found.satisfied_by),
        name(found.cancelled_by),
        name(found.preliminary),
        found.applicable,
        found.running,
    )


def test_an_opened_case_alone_has_no_clocks() -> None:
    """Nothing happened, nothing is due."""
    assert deadlines(Inquiry(known([opened()]), rules(), read_instant("2025-01-01T00:00Z"))) == ()
