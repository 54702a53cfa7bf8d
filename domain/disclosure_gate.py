"""The gate before a disclosure: what it would rest on, what is missing, and what no reason lets pass.

Law comes first: the statutory bases that might carry a disclosure are shown before consent is asked for. Which of them
does is for the caseworker to say.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain.consents import consent_ids, consent_status, speaks_for
from domain.custody import one_person
from domain.disclosures import CONSENT, EMERGENCY, Gap, consent_gaps
from domain.documents import Filing
from domain.known import Known, many
from domain.people import Protection, protections

RECIPIENT_NOT_CONFIRMED = "RECIPIENT_NOT_CONFIRMED"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A disclosure about to be made. ``consents`` None asks which ones would cover it.

    ``recipient_confirmed`` says that the sender has confirmed the recipient's name and organisation.
    """

    to: str
    about: tuple[str, ...]
    data_categories: tuple[str, ...]
    basis: str = CONSENT
    purpose_code: str | None = None
    legal_basis: tuple[str, ...] = ()
    consents: tuple[str, ...] | None = None
    recipient_person: str | None = None
    recipient_confirmed: bool = False

    def with_documents(self, documents: Sequence[Filing]) -> "Proposal":
        """Return the proposal about those as well whom the documents that go out are about."""
        subjects = (str(ref) for filing in documents for ref in many(filing.entry.data.get("subjects")))
        return replace(self, about=tuple(dict.fromkeys((*self.about, *subjects))))


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """What the gate before a disclosure says: the consents it would rest on and everything that is missing.

    ``consent_entries`` are the entries that gave those of the consents that are in force. ``protected`` lists gaps
    that no reason overrides.
    """

    consents: tuple[str, ...]
    consent_entries: tuple[int, ...]
    gaps: tuple[Gap, ...]
    protected: tuple[Gap, ...]

    @property
    def open(self) -> bool:
        """Whether the disclosure may be made as it stands."""
        return not self.gaps and not self.protected


def may_disclose(known: Known, proposal: Proposal, at: datetime, persons: Collection[str] = ()) -> GateAnswer:
    """Return what the gate says to a disclosure at an instant; ``persons`` are those of the case by reference."""
    kept = tuple(Gap("protected", person=person) for person in _kept_from(known, proposal, at, persons))
    protected = kept if proposal.recipient_confirmed else (*kept, Gap(RECIPIENT_NOT_CONFIRMED))
    if proposal.basis != CONSENT:
        stated = proposal.basis == EMERGENCY or bool(proposal.legal_basis)
        return GateAnswer((), (), () if stated else (Gap("basis_not_stated"),), protected)
    consents = proposal.consents if proposal.consents is not None else _usable(known, proposal, at)
    gaps = tuple(consent_gaps(known, _as_entry(proposal, consents), proposal.to, at))
    return GateAnswer(consents, _given(known, consents, at), gaps, protected)


def _as_entry(proposal: Proposal, consents: tuple[str, ...]) -> Mapping[str, Any]:
    """Return what the entry would hold of what its cover is judged by."""
    return {
        "consents": consents,
        "about": proposal.about or None,
        "data_categories": proposal.data_categories,
        "purpose_code": proposal.purpose_code,
    }


def _given(known: Known, consents: Sequence[str], at: datetime) -> tuple[int, ...]:
    """Return the entries that gave the consents in force at an instant."""
    found = (consent_status(known, consent, at) for consent in consents)
    return tuple(one.given.version for one in found if one.in_force and one.given is not None)


def _kept_from(known: Known, proposal: Proposal, at: datetime, persons: Collection[str]) -> tuple[str, ...]:
    """Return whose protected name, address or existence the recipient must not learn.

    Where nobody is named, everybody's data may be in what goes out.
    """
    recipients = [one for one in (proposal.to, proposal.recipient_person) if one is not None]
    kept = dict.fromkeys(
        one.person for one in protections(known, at) if any(_keeps(one, recipient, persons) for recipient in recipients)
    )
    about = frozenset(proposal.about)
    return tuple(person for person in kept if not about or about & one_person(known, person))


def _keeps(protection: Protection, recipient: str, persons: Collection[str]) -> bool:
    """Whether a recipient is one the person is protected against: anyone named, else every other person of the case."""
    return recipient in protection.against or (recipient in persons and protection.keeps_from(recipient))


def _usable(known: Known, proposal: Proposal, at: datetime) -> tuple[str, ...]:
    """Return the consents in force that concern the recipient and someone the disclosure is about."""
    found: list[str] = []
    for consent in consent_ids(known):
        status = consent_status(known, consent, at)
        if status.in_force and status.given is not None and proposal.to in status.scope:
            given = status.given
            about = proposal.about
            if not about or any(speaks_for(known, given, person) for person in about):
                found.append(consent)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class StatutoryBasis:
    """A law that may carry a disclosure without consent, and when; for the caseworker to judge.

    ``verification`` is V (the provision was read in a published copy), M (from memory) or open (today's section is
    not found). That it applies here is to be confirmed by a lawyer in every case. ``categories``: data it is limited
    to, empty for any.
    """

    citation: str
    danish: str
    english: str
    verification: str
    categories: frozenset[str] = frozenset()


STATUTORY_BASES: tuple[StatutoryBasis, ...] = (
    StatutoryBasis(
        "barnets lov §§ 133 og 135",
        "Underretningspligt: der er grund til at antage, at et barn har brug for særlig støtte.",
        "Duty to notify: there is reason to believe that a child needs special support.",
        "M",
    ),
    StatutoryBasis(
        "barnets lov § 132",
        "Familien flytter, og den nye kommune skal have besked om barnets behov for støtte.",
        "The family moves, and the new municipality must be told of the child's need for support.",
        "V",
    ),
    StatutoryBasis(
        "retssikkerhedsloven § 11 c",
        "Oplysninger kræves uden samtykke i en sag efter barnets lov: det, der må siges for at spørge.",
        "Information is demanded without consent in a child's case: what must be said in order to ask.",
        "V",
    ),
    StatutoryBasis(
        "forvaltningsloven § 28(2)",
        "En anden myndighed: lov kræver det, eller oplysningen er af væsentlig betydning for dens virksomhed.",
        "Another authority: law requires it, or the information is essential to that authority's work.",
        "V",
    ),
    StatutoryBasis(
        "sundhedsloven §§ 41 og 43(2)",
        "Helbredsoplysninger: lov kræver det, eller åbenbar almen interesse eller væsentlige hensyn tilsiger det.",
        "Health data: law requires it, or an obvious public interest or essential consideration for someone does.",
        "V",
        frozenset({"health"}),
    ),
    StatutoryBasis(
        "barnets lov § 126",
        "Sagen er i børnehus: politi, sundhedsvæsen og kommune må udveksle det nødvendige.",
        "The case is in a children's house: police, health services and municipality may exchange what is needed.",
        "V",
    ),
    StatutoryBasis(
        "serviceloven § 49 a (tidligere)",
        "Tidligt tværfagligt samarbejde (SSD): ét møde og et opfølgende om et barn; dagens paragraf skal findes.",
        "Early cooperation across professions (SSD): one meeting and one more about a child; find today's section.",
        "open",
    ),
)
"""Laws that may carry a disclosure before consent is asked for. Sources: the acts named, as read or remembered."""


def possible_bases(proposal: Proposal) -> tuple[StatutoryBasis, ...]:
    """Return the laws that might carry a disclosure without consent, by what is to be passed on."""
    categories = frozenset(proposal.data_categories)
    return tuple(basis for basis in STATUTORY_BASES if not basis.categories or basis.categories & categories)
