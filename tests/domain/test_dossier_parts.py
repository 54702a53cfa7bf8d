"""What was not on record when a decision was made: what had reached the municipality, and what it came to know later."""

from dataclasses import replace

from domain.dossier_parts import changed_since, consents_then, hearing_difference, hearing_parts, missing_then
from domain.time import read_instant
from tests.domain.rules import case, entry

DECIDED, AFTER = "2025-03-10T10:00+01:00", "2025-03-20T10:00+01:00"
DECISION = entry(
    5, "DecisionMade", DECIDED, decision="d", outcome="grant", legal_basis=["x"], facts=[2, 3], hearing=[4]
)
NOTE = entry(2, "NoteRecorded", "2025-03-01T10:00+01:00", informant="parent-A", channel="phone")
VISIT = entry(3, "NoteRecorded", "2025-03-02T10:00+01:00", informant="parent-A", channel="visit")
HEARING = entry(
    4, "HearingSent", "2025-03-03T10:00+01:00",
    decision_ref="d", party="parent-A", documents=[], deadline="2025-03-17", facts=[2],
)  # fmt: skip
KNOWN = (NOTE, VISIT, HEARING, DECISION)
INSTANT = DECISION.happened


def test_what_had_reached_the_municipality_is_told_from_what_it_learnt_later() -> None:
    """Both had happened; one was taken in by who decided, of the other nobody knew for another week."""
    taken_in = entry(6, "NoteRecorded", "2025-03-09T10:00+01:00", recorded=AFTER, informant="parent-A", channel="phone")
    learnt = entry(7, "NoteRecorded", "2025-03-08T10:00+01:00", recorded=AFTER, staff="u-2", informant="x", channel="x")
    learnt = replace(learnt, reached_at=read_instant("2025-03-17T09:00+01:00"))
    new = entry(8, "NoteRecorded", AFTER, informant="parent-A", channel="phone")
    reached, later = missing_then(case(*KNOWN, taken_in, learnt, new), DECISION)
    assert [(one.entry.version, one.by_decider) for one in reached] == [(6, True)]
    assert [(one.entry.version, one.by_decider) for one in later] == [(7, False)]


def test_a_decision_recorded_late_is_not_missing_itself() -> None:
    """It had happened by itself, and was recorded after."""
    late = replace(DECISION, recorded_at=read_instant(AFTER))
    assert missing_then(case(NOTE, VISIT, HEARING, late), late) == ((), ())


def test_changes_lead_back_to_what_was_known_and_tell_whether_they_stand() -> None:
    """A correction corrected in turn, and an annulment taken back; what concerns later entries alone is not told."""
    wrong = entry(6, "EntryCorrected", AFTER, corrects=2, field="channel", old="phone", new="letter")
    again = entry(7, "EntryCorrected", AFTER, corrects=6, field="new", old="letter", new="e-mail")
    annulled = entry(8, "EntryAnnulled", AFTER, annuls=3)
    back = entry(9, "EntryAnnulled", AFTER, annuls=8)
    new = entry(10, "NoteRecorded", AFTER, informant="parent-A", channel="phone")
    apart = entry(11, "EntryCorrected", AFTER, corrects=10, field="channel", old="phone", new="visit")
    found = changed_since(case(*KNOWN, wrong, again, annulled, back, new, apart), INSTANT)
    assert [(one.entry.version, one.concerned, one.about, one.in_force) for one in found] == [
        (6, 2, 2, True), (7, 2, 6, True), (8, 3, 3, False), (9, 3, 8, True),
    ]  # fmt: skip
    assert found[0].correction is not None
    assert (found[0].correction.old, found[0].correction.new) == ("phone", "e-mail")


def test_consents_stand_on_both_clocks() -> None:
    """Withdrawn before the decision, and recorded after it: in force by the register, gone by all that is known."""
    given = entry(6, "ConsentGiven", "2025-02-01T10:00+01:00", consent="c", kind="support", given_by="parent-A",
                  scope=["x"], form="oral", valid_from="2025-02-01", capacity="self")  # fmt: skip
    withdrawn = entry(7, "ConsentWithdrawn", "2025-03-05T10:00+01:00", recorded=AFTER, consent="c", withdrawn_by="x")
    record = case(*KNOWN, given, withdrawn)
    (found,) = consents_then(record, record.recorded_by(INSTANT), INSTANT)
    assert (found.by_record_then.status, found.by_all_facts.status) == ("in_force", "withdrawn")


def test_what_was_heard_is_held_against_what_was_decided_on() -> None:
    """One fact was sent and one never was; a request to wait that was noted later is told apart."""
    asked = entry(6, "NoteRecorded", "2025-03-09T10:00+01:00", recorded=AFTER, informant="parent-A", relates_to=4)
    record = case(*KNOWN, asked)
    then = record.recorded_by(INSTANT)
    (hearing,) = hearing_parts(record, then, DECISION)
    assert (hearing.facts, hearing.delay_requests, hearing.requests_recorded_later) == ((2,), (), (6,))
    found = hearing_difference(then, DECISION)
    assert (found.decided_on, found.not_sent, found.entered_later, found.sent_not_relied_on) == ((2, 3), (3,), (), ())
