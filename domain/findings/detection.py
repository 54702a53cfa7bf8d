"""What a reviewer would point out against the proposal on detection and family training (opsporing_familietraening_004).

The text is a proposal of 2016: under reading A27 its rules are plans, and these findings are notes.
"""

from collections.abc import Iterator
from datetime import timedelta

from domain.courses import standing
from domain.entries import Entry
from domain.events.consent import ConsentRefused
from domain.events.enrolment import DaycareContacted, EnrolmentClosed, InterventionStarted
from domain.events.visit import VisitHeld
from domain.findings.base import Check, Finding
from domain.findings.facts import DETECTION, by, graded, limit, of_programme, open_clocks
from domain.inquiry import Inquiry
from domain.time import copenhagen_day, later
from domain.visits import SESSION, visits


@of_programme(DETECTION)
def _sessions(inquiry: Inquiry) -> Iterator[Finding]:
    low, high = (limit(inquiry, "P004-SESSIONS", name, usual) for name, usual in (("minimum", 8), ("maximum", 10)))
    for closing in inquiry.of(EnrolmentClosed):
        held = len(by(visits(inquiry.known, SESSION), closing.happened))
        if standing(held, low, high) != "within":
            found = Finding("SESSIONS_OUTSIDE_RANGE", closing.version, (), {"held": held, "low": low, "high": high})
            yield graded(inquiry, "P004-SESSIONS", found)


@of_programme(DETECTION)
def _screening(inquiry: Inquiry) -> Iterator[Finding]:
    """Once a visit was made or training begun, the screening had its time."""
    acts = inquiry.of(VisitHeld, InterventionStarted)
    for clock in open_clocks(inquiry, "P004-SCREEN"):
        after = [act for act in acts if act.happened > clock.started]
        if after:
            yield Finding("VISITS_WITHOUT_SCREENING", clock.trigger, (after[0].version,), level=clock.level)


@of_programme(DETECTION)
def _training(inquiry: Inquiry) -> Iterator[Finding]:
    """Silent where the family refused."""
    waiting = timedelta(days=limit(inquiry, "P004-TRAINING", "days", 28))
    refused = [entry for entry in inquiry.of(ConsentRefused) if entry.data["kind"] == "support"]
    for clock in open_clocks(inquiry, "P004-TRAINING"):
        if not any(entry.happened >= clock.started for entry in refused):
            detail, since = {"since": copenhagen_day(clock.started).isoformat()}, later(clock.started, waiting)
            yield Finding("SCREENING_WITHOUT_TRAINING", clock.trigger, (), detail, level=clock.level, arises_at=since)


def _begun(inquiry: Inquiry) -> list[Entry]:
    return [contact for contact in inquiry.of(DaycareContacted) if contact.data["kind"] == "started"]


@of_programme(DETECTION)
def _reserved(inquiry: Inquiry) -> Iterator[Finding]:
    reserved = [contact for contact in inquiry.of(DaycareContacted) if contact.data["kind"] == "place_reserved"]
    for begun in _begun(inquiry):
        if not by(reserved, begun.happened):
            yield graded(inquiry, "P004-PLACE", Finding("PLACE_NOT_RESERVED", begun.version))


@of_programme(DETECTION)
def _method(inquiry: Inquiry) -> Iterator[Finding]:
    for begun in _begun(inquiry):
        if begun.data.get("trained_in_method") is False:
            yield graded(inquiry, "P004-METHOD", Finding("DAYCARE_NOT_TRAINED", begun.version))


CHECKS: tuple[Check, ...] = (
    Check("VISITS_WITHOUT_SCREENING", "normal", "004 L15", "seed",
          "Familien har fået bevilget behovsbesøg, men det fremgår ikke, at den er systematisk screenet.",
          "The family was granted needs-based visits; nothing shows a systematic screening.", _screening),
    Check("SCREENING_WITHOUT_TRAINING", "normal", "004 L19", "seed",
          "Screeningen den {since} pegede på behov for støtte, men familietræning er ikke begyndt.",
          "The screening pointed to need on {since}, and family training has not begun.", _training),
    Check("SESSIONS_OUTSIDE_RANGE", "normal", "004 L19", "seed",
          "Forløbet blev afsluttet efter {held} sessioner; teksten siger {low}-{high}.",
          "The course was closed after {held} sessions; the text says {low}-{high}.", _sessions),
    Check("PLACE_NOT_RESERVED", "normal", "004 L20", "seed",
          "Barnet er begyndt i dagtilbud uden en reserveret plusplads.",
          "The child started in daycare without a reserved place.", _reserved),
    Check("DAYCARE_NOT_TRAINED", "normal", "004 L20", "seed",
          "Barnet er begyndt i et dagtilbud, der ikke er oplært i metoden.",
          "The child started in a daycare that is not trained in the method.", _method),
)  # fmt: skip
