"""What a reviewer would point out against the text of the toddler team (smaaboernsteam_001) at closing, phase 5."""

from collections.abc import Iterator

from domain.entries import Entry
from domain.events.child import ChildBorn
from domain.events.enrolment import EnrolmentClosed
from domain.events.meeting import MeetingHeld
from domain.findings.admission import recommendations
from domain.findings.base import Check, Finding
from domain.findings.facts import TEAM, agreed, by, decided_by, meetings, of_programme, professionals
from domain.inquiry import Inquiry
from domain.known import many

CLOSING_REASONS = ("not_at_risk", "low_complexity", "placement", "goals_reached")
ASSESSED_REASONS = ("not_at_risk", "low_complexity", "goals_reached")
"""Reasons that rest on a cross-professional assessment; a placement is decided elsewhere."""


def _closings(inquiry: Inquiry) -> tuple[Entry, ...]:
    return inquiry.of(EnrolmentClosed)


@of_programme(TEAM)
def _final_meeting(inquiry: Inquiry) -> Iterator[Finding]:
    held = meetings(inquiry, "final_follow_up")
    for closing in _closings(inquiry):
        if not by(held, closing.happened):
            yield Finding("CLOSED_WITHOUT_FINAL_MEETING", closing.version)


@of_programme(TEAM)
def _reason(inquiry: Inquiry) -> Iterator[Finding]:
    for closing in _closings(inquiry):
        reason = closing.data["reason"]
        if reason not in CLOSING_REASONS:
            yield Finding("CLOSING_REASON_NOT_OF_PROGRAMME", closing.version, (), {"reason": reason})


@of_programme(TEAM)
def _discussed(inquiry: Inquiry) -> Iterator[Finding]:
    held = [meeting for meeting in inquiry.of(MeetingHeld) if agreed(meeting).get("closing_discussed")]
    for closing in _closings(inquiry):
        if not closing.data.get("team_discussed") and not by(held, closing.happened):
            yield Finding("CLOSED_WITHOUT_TEAM_DISCUSSION", closing.version)


@of_programme(TEAM)
def _recommended(inquiry: Inquiry) -> Iterator[Finding]:
    made = recommendations(inquiry, "close")
    for closing in _closings(inquiry):
        if not by(made, closing.happened):
            yield Finding("CLOSED_WITHOUT_RECOMMENDATION", closing.version)


@of_programme(TEAM)
def _steering_group(inquiry: Inquiry) -> Iterator[Finding]:
    for closing in _closings(inquiry):
        body = decided_by(closing)
        if body != "steering_group":
            yield Finding("CLOSED_NOT_BY_STEERING_GROUP", closing.version, (), {"body": body})


@of_programme(TEAM)
def _cross_professional(inquiry: Inquiry) -> Iterator[Finding]:
    """A final meeting of several professionals is such an assessment."""
    final = [m for m in meetings(inquiry, "final_follow_up") if professionals(many(m.data.get("participants"))) > 1]
    for closing in _closings(inquiry):
        assessed = closing.data.get("cross_professional") or by(final, closing.happened)
        if closing.data["reason"] in ASSESSED_REASONS and not assessed:
            yield Finding("CLOSED_WITHOUT_CROSS_PROFESSIONAL_ASSESSMENT", closing.version)


@of_programme(TEAM)
def _job_centre(inquiry: Inquiry) -> Iterator[Finding]:
    considered = [entry for entry in inquiry.of(MeetingHeld) if entry.data.get("job_centre_considered")]
    for closing in _closings(inquiry):
        born = by(inquiry.of(ChildBorn), closing.happened)
        if born and closing.data["reason"] != "placement" and not by(considered, closing.happened):
            yield Finding("JOB_CENTRE_NOT_CONSIDERED", closing.version)


CHECKS: tuple[Check, ...] = (
    Check("JOB_CENTRE_NOT_CONSIDERED", "must", "001 L160", "seed",
          "Det fremgår ikke, at kontakt til jobcenter, arbejdsplads eller uddannelse er overvejet sammen med forældrene.",
          "Nothing shows that contact to job centre, workplace or education was considered with the parents.", _job_centre),
    Check("CLOSED_WITHOUT_TEAM_DISCUSSION", "must", "001 L164", "seed",
          "Det fremgår ikke, at afslutningen er drøftet i teamet.",
          "Nothing shows that the closing was discussed in the team.", _discussed),
    Check("CLOSED_WITHOUT_FINAL_MEETING", "must", "001 L165", "seed",
          "Indsatsen er afsluttet, men det fremgår ikke, at der er holdt et fælles opfølgningsmøde.",
          "The effort was closed; nothing shows a joint follow-up meeting.", _final_meeting),
    Check("CLOSED_WITHOUT_RECOMMENDATION", "must", "001 L167", "seed",
          "Indsatsen er afsluttet, men det fremgår ikke, at rådgiveren har indstillet det.",
          "The effort was closed; nothing shows the adviser's recommendation.", _recommended),
    Check("CLOSED_NOT_BY_STEERING_GROUP", "must", "001 L167", "seed",
          "Det fremgår ikke, at indsatsen er afsluttet i styregruppen; registreret er {body}.",
          "Nothing shows that the effort was closed in the steering group; on record is {body}.", _steering_group),
    Check("CLOSED_WITHOUT_CROSS_PROFESSIONAL_ASSESSMENT", "must", "001 L167", "seed",
          "Det fremgår ikke, at afslutningen bygger på en tværprofessionel vurdering.",
          "Nothing shows that the closing rests on a cross-professional assessment.", _cross_professional),
    Check("CLOSING_REASON_NOT_OF_PROGRAMME", "normal", "001 L167", "seed",
          "Afslutningsgrunden {reason} er ikke blandt programmets.",
          "The reason for closing, {reason}, is not among the programme's.", _reason),
)  # fmt: skip
