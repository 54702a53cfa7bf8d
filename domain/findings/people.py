"""What a reviewer would point out about the people of a case: who was responsible, who moved, whose life ended."""

from collections.abc import Iterator
from datetime import timedelta

from domain.entries import Entry
from domain.events.decision import DecisionNotified
from domain.events.people import (
    DeathRecorded,
    FamilyMoved,
    HandoverAccepted,
    PregnancyEnded,
    TransferPackageSent,
)
from domain.events.referral import CaseAllocated
from domain.findings.base import Check, Finding
from domain.inquiry import Inquiry
from domain.known import many
from domain.people import access_right

ACCEPT_WITHIN = timedelta(days=14)
"""The house's own standard for taking over a case, and for telling another municipality."""


def _of(inquiry: Inquiry, topic: str) -> Iterator[Entry]:
    return iter(inquiry.of_topic(topic))


def _handover(inquiry: Inquiry) -> Iterator[Finding]:
    accepted = {entry.data["allocation"] for entry in _of(inquiry, HandoverAccepted.TOPIC)}
    for allocation in _of(inquiry, CaseAllocated.TOPIC):
        if allocation.data.get("from_staff") is not None and allocation.version not in accepted:
            yield Finding("HANDOVER_NOT_ACCEPTED", allocation.version, arises_at=allocation.happened + ACCEPT_WITHIN)


def _moved(inquiry: Inquiry) -> Iterator[Finding]:
    for moved in _of(inquiry, FamilyMoved.TOPIC):
        sent = [
            e
            for e in _of(inquiry, TransferPackageSent.TOPIC)
            if e.data["to_municipality"] == moved.data["to_municipality"]
        ]
        if not sent:
            yield Finding("NEW_MUNICIPALITY_NOT_TOLD", moved.version, arises_at=moved.happened + ACCEPT_WITHIN)


def _no_right(inquiry: Inquiry) -> Iterator[Finding]:
    for sent in _of(inquiry, DecisionNotified.TOPIC):
        for person in many(sent.data["to"]):
            if access_right(inquiry.known, str(person), sent.happened) in ("orientation_only", "not_party", "none"):
                yield Finding("SENT_TO_NO_PARTY", sent.version, (), {"person": str(person)}, str(person))


def _after_death(inquiry: Inquiry) -> Iterator[Finding]:
    ended = [*_of(inquiry, DeathRecorded.TOPIC), *_of(inquiry, PregnancyEnded.TOPIC)]
    for end in ended:
        for sent in _of(inquiry, DecisionNotified.TOPIC):
            if (
                end.data["person"] in many(sent.data["to"])
                and sent.happened > end.happened
                and end.topic == DeathRecorded.TOPIC
            ):
                yield Finding("SENT_AFTER_DEATH", sent.version, (end.version,))


CHECKS: tuple[Check, ...] = (
    Check("HANDOVER_NOT_ACCEPTED", "internal", "internal standard", "internal",
          "Sagen er overdraget, men ikke overtaget.", "The case was handed over but not taken over.", _handover),
    Check("NEW_MUNICIPALITY_NOT_TOLD", "statute", "barnets lov § 132", "V",
          "Familien er flyttet, og det fremgår ikke, at den nye kommune er underrettet.",
          "The family moved, and nothing shows that the new municipality was told.", _moved),
    Check("SENT_TO_NO_PARTY", "statute", "forældreansvarsloven § 23", "V",
          "Afgørelsen er sendt til {person}, der ikke er part.",
          "The decision was sent to {person}, who is no party.", _no_right),
    Check("SENT_AFTER_DEATH", "internal", "internal standard", "internal",
          "Der er sendt post til en person, hvis død var indtrådt.",
          "A letter was sent to a person who had died.", _after_death),
)  # fmt: skip
