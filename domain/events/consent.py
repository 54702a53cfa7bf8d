"""Consent given, refused and taken back, and the information that was passed on or obtained."""

from typing import Annotated, ClassVar, Self

from pydantic import model_validator

from domain.events.base import Code, Day, EntryRef, Event, PersonRef, Refers, Sealed, StaffRef, Text, unchanged
from domain.events.fields import Codes, Hash, LegalBasis, Offices, People


class ConsentGiven(Event):
    """A person agreed to support, a disclosure, a meeting or a log; in force from when it was said to ``valid_to``.

    Source: barnets lov § 32(2), retssikkerhedsloven § 11 a, forvaltningsloven § 28.
    """

    TOPIC: ClassVar[str] = "consent_given"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Samtykke givet"
    LABEL_EN: ClassVar[str] = "Consent given"
    upcast_v1_v2 = staticmethod(unchanged)

    consent: Code
    kind: Code
    given_by: PersonRef
    capacity: Code
    scope: Codes
    form: Code
    valid_from: Day
    valid_to: Day | None = None
    on_behalf_of: People | None = None
    data_categories: Codes | None = None
    purpose: Annotated[Text | None, Sealed(of="given_by")] = None
    legal_basis: LegalBasis | None = None
    capacity_evidence: Annotated[EntryRef | None, Refers()] = None
    joint_with: People | None = None
    sources: Codes | None = None
    informed_with: Hash | None = None
    received_by: StaffRef | None = None
    evidence: Hash | None = None
    purpose_code: Code | None = None
    decision: Code | None = None
    language: Code | None = None
    interpreter: Code | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        """Refuse a last day before the first."""
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to must not be before valid_from")
        return self


class ConsentRefused(Event):
    """A person was asked and said no; nothing may rest on this consent until it is given."""

    TOPIC: ClassVar[str] = "consent_refused"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Samtykke nægtet"
    LABEL_EN: ClassVar[str] = "Consent refused"
    upcast_v1_v2 = staticmethod(unchanged)

    consent: Code
    kind: Code
    refused_by: PersonRef
    capacity: Code
    scope: Codes
    data_categories: Codes | None = None
    on_behalf_of: People | None = None
    purpose: Annotated[Text | None, Sealed(of="refused_by")] = None
    purpose_code: Code | None = None


class ConsentWithdrawn(Event):
    """A consent, or the part of its scope named here, was taken back; it ends when it was said, not when typed."""

    TOPIC: ClassVar[str] = "consent_withdrawn"
    LABEL_DA: ClassVar[str] = "Samtykke tilbagekaldt"
    LABEL_EN: ClassVar[str] = "Consent withdrawn"

    consent: Code
    withdrawn_by: PersonRef
    channel: Code
    partial_scope: Codes | None = None
    received_by: StaffRef | None = None


class DisclosureMade(Event):
    """Information was passed on to an office; checked against the register then and against all facts later.

    ``consent_entries`` are the entries that gave the consents it rests on, ``documents_filed`` the versions of the
    documents that went out; ``recipient_confirmed`` says that the sender confirmed name and organisation.
    Source: forvaltningsloven § 28; general data protection regulation art. 6 and 9.
    """

    TOPIC: ClassVar[str] = "disclosure_made"
    VERSION: ClassVar[int] = 3
    LABEL_DA: ClassVar[str] = "Videregivelse"
    LABEL_EN: ClassVar[str] = "Disclosure made"
    upcast_v1_v2 = staticmethod(unchanged)
    upcast_v2_v3 = staticmethod(unchanged)

    to: Offices
    basis: Code
    consents: Codes
    data_categories: Codes
    documents: Annotated[tuple[Text, ...], Sealed()]
    purpose: Annotated[Text, Sealed()]
    legal_basis: LegalBasis | None = None
    about: People | None = None
    document_hashes: tuple[Hash, ...] | None = None
    informed_afterwards: bool | None = None
    purpose_code: Code | None = None
    recipient_person: Code | None = None
    channel: Code | None = None
    overridden_gates: Codes | None = None
    override_reason: Annotated[Text | None, Sealed()] = None
    consent_entries: Annotated[tuple[EntryRef, ...] | None, Refers(to=("ConsentGiven",))] = None
    documents_filed: Annotated[tuple[EntryRef, ...] | None, Refers(to=("DocumentFiled",))] = None
    recipient_confirmed: bool | None = None


class DisclosureDenied(Event):
    """A disclosure was stopped before anything left the municipality."""

    TOPIC: ClassVar[str] = "disclosure_denied"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Videregivelse afvist"
    LABEL_EN: ClassVar[str] = "Disclosure denied"
    upcast_v1_v2 = staticmethod(unchanged)

    to: Offices
    data_categories: Codes
    reason: Annotated[Text, Sealed()]
    documents: Annotated[tuple[Text, ...], Sealed()]
    about: People | None = None
    purpose: Annotated[Text | None, Sealed()] = None
    purpose_code: Code | None = None


class InformationObtained(Event):
    """Information about a person was obtained from another office, with or without consent.

    Source: retssikkerhedsloven §§ 11 a and 11 c.
    """

    TOPIC: ClassVar[str] = "information_obtained"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Oplysninger indhentet"
    LABEL_EN: ClassVar[str] = "Information obtained"
    upcast_v1_v2 = staticmethod(unchanged)

    obtained_from: Code
    basis: Code
    about: People
    consents: Codes = ()
    legal_basis: LegalBasis | None = None
    data_categories: Codes | None = None
    tried_consent_first: bool | None = None
    documents: Annotated[tuple[Text, ...] | None, Sealed(of="about")] = None
    document_hashes: tuple[Hash, ...] | None = None
    purpose: Annotated[Text | None, Sealed(of="about")] = None
    purpose_code: Code | None = None


EVENTS: tuple[type[Event], ...] = (
    ConsentGiven,
    ConsentRefused,
    ConsentWithdrawn,
    DisclosureMade,
    DisclosureDenied,
    InformationObtained,
)
