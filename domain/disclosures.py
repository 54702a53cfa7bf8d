"""Disclosures: whether each was covered, by the register at the time and by all facts.

Sharing on a statutory basis is lawful and needs no consent: the basis is stated with the law. Consent is asked what it
was asked in law: whose data, to whom, which categories, for what purpose.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.consents import ConsentStatus, consent_status, speaks_for
from domain.entries import Entry
from domain.events.consent import DisclosureDenied, DisclosureMade, InformationObtained
from domain.known import Known, many

COVERED, NOT_COVERED = "covered", "not_covered"
CONSENT, LAW, EMERGENCY = "consent", "law", "emergency"
DISCLOSURE = "disclosure"


@dataclass(frozen=True, slots=True)
class Gap:
    """Something a disclosure lacks: the reason as a code, and the consent, person or category it concerns."""

    reason: str
    consent: str | None = None
    person: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Cover:
    """Whether a disclosure was covered, on which basis, and what was missing."""

    basis: str
    gaps: tuple[Gap, ...]

    @property
    def answer(self) -> str:
        """``covered`` or ``not_covered``."""
        return NOT_COVERED if self.gaps else COVERED


@dataclass(frozen=True, slots=True)
class TwoCovers:
    """How a disclosure was covered as its own moment of recording saw it, and as all facts known show it."""

    by_record_then: Cover
    by_all_facts: Cover


def covers(known: Known, version: int) -> TwoCovers | None:
    """Return both answers about an entry; None where it is no disclosure in force."""
    now = known.fact(version)
    if now is None or now.topic not in _DISCLOSURES:
        return None
    then = known.recorded_by(now.recorded_at)
    entry_then = then.fact(version) or now
    return TwoCovers(cover(then, entry_then), cover(known, now))


_DISCLOSURES = frozenset({DisclosureMade.TOPIC, DisclosureDenied.TOPIC, InformationObtained.TOPIC})


def disclosures(known: Known) -> tuple[Entry, ...]:
    """Return the disclosures in force, made, denied and inbound, in the order in which they happened."""
    return known.of(DisclosureMade, DisclosureDenied, InformationObtained)


def cover(known: Known, entry: Entry) -> Cover:
    """Return whether a disclosure was covered when it happened, by everything ``known``."""
    if entry.topic == DisclosureDenied.TOPIC:
        return Cover("none", (Gap("denied"),))
    basis = str(entry.data["basis"])
    if basis == CONSENT:
        return Cover(basis, tuple(_gaps(known, entry)))
    if basis == EMERGENCY or holds_law(entry.data):
        return Cover(basis, ())
    return Cover(basis, (Gap("basis_not_stated"),))


def holds_law(data: Mapping[str, Any]) -> bool:
    """Whether a law is named."""
    return bool(many(data.get("legal_basis")))


def _gaps(known: Known, entry: Entry) -> Iterator[Gap]:
    """Yield what the consents named lack, for each recipient or source."""
    for office in many(entry.data["to" if entry.topic == DisclosureMade.TOPIC else "obtained_from"]):
        yield from consent_gaps(known, entry.data, str(office), entry.happened)


def consent_gaps(known: Known, data: Mapping[str, Any], recipient: str, at: datetime) -> Iterator[Gap]:
    """Yield what the consents named lack at an instant; with ``about`` person by person, without it each as a whole."""
    named = [consent_status(known, str(consent), at) for consent in many(data.get("consents"))]
    if not named:
        yield Gap("no_consent_named")
    elif many(data.get("about")):
        for person in many(data["about"]):
            yield from _gaps_about(known, data, recipient, str(person), named)
    else:
        for consent in named:
            yield from _gaps_of(consent, data, recipient)


def _gaps_of(consent: ConsentStatus, data: Mapping[str, Any], recipient: str) -> Iterator[Gap]:
    """Yield what one consent lacks to cover a whole disclosure by itself."""
    if consent.plain != "in_force":
        yield Gap(consent.status, consent.consent)
    elif recipient not in consent.scope:
        yield Gap("recipient", consent.consent)
    else:
        for category in sorted(set(many(data.get("data_categories"))) - set(_categories(consent))):
            yield Gap("category", consent.consent, category=category)


def _gaps_about(
    known: Known, data: Mapping[str, Any], recipient: str, person: str, named: Sequence[ConsentStatus]
) -> Iterator[Gap]:
    """Yield the categories of one person's data that no consent named covers for this recipient and purpose."""
    speaking = [one for one in named if one.in_force and one.given and speaks_for(known, one.given, person)]
    if not speaking:
        yield Gap("no_consent_of_person", person=person)
        return
    fitting = [one for one in speaking if recipient in one.scope and _same_purpose(one, data)]
    covered = {category for one in fitting for category in _categories(one)}
    for category in many(data.get("data_categories")):
        if category not in covered:
            yield Gap("category" if fitting else "recipient_or_purpose", person=person, category=str(category))


def _same_purpose(consent: ConsentStatus, data: Mapping[str, Any]) -> bool:
    """Whether the purposes are the same, where both are stated as codes."""
    purposes = {consent.given.data.get("purpose_code") if consent.given else None, data.get("purpose_code")} - {None}
    return len(purposes) < 2


def _categories(consent: ConsentStatus) -> tuple[str, ...]:
    return many(consent.given.data.get("data_categories")) if consent.given else ()
