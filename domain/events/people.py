"""People and life: who is a party, who speaks for whom, who is protected, who moved, and what ended."""

from typing import Annotated, ClassVar
from uuid import UUID

from domain.events.base import Code, Day, EntryRef, Event, PersonRef, Refers, Sealed, Text
from domain.events.fields import Codes, LegalBasis, People


class PartyRecorded(Event):
    """Someone is a party to the case, is only told on request, or is no party; per child where one is named.

    Source: forvaltningsloven § 9; barnets lov § 3; forældreansvarsloven § 23.
    """

    TOPIC: ClassVar[str] = "party_recorded"
    LABEL_DA: ClassVar[str] = "Partsstatus registreret"
    LABEL_EN: ClassVar[str] = "Party recorded"

    person: PersonRef
    status: Code
    child: PersonRef | None = None
    legal_basis: LegalBasis | None = None


class RepresentativeAppointed(Event):
    """Someone may speak for a person: as representative, assessor, guardian, lawyer or the child's own helper."""

    TOPIC: ClassVar[str] = "representative_appointed"
    LABEL_DA: ClassVar[str] = "Repræsentant udpeget"
    LABEL_EN: ClassVar[str] = "Representative appointed"

    representative: PersonRef
    represents: People
    capacity: Code
    scope: Codes | None = None
    evidence: Annotated[EntryRef | None, Refers()] = None
    until: Day | None = None


class RepresentativeEnded(Event):
    """Someone no longer speaks for a person."""

    TOPIC: ClassVar[str] = "representative_ended"
    LABEL_DA: ClassVar[str] = "Repræsentation ophørt"
    LABEL_EN: ClassVar[str] = "Representative ended"

    representative: PersonRef
    represents: People


class SiblingLinked(Event):
    """Two children are siblings; the other may have a case of its own."""

    TOPIC: ClassVar[str] = "sibling_linked"
    LABEL_DA: ClassVar[str] = "Søskende registreret"
    LABEL_EN: ClassVar[str] = "Sibling linked"

    child: PersonRef
    sibling: PersonRef
    case: UUID | None = None
    sibling_born_on: Day | None = None


class InterpreterNeeded(Event):
    """A person is spoken with through an interpreter of a language."""

    TOPIC: ClassVar[str] = "interpreter_needed"
    LABEL_DA: ClassVar[str] = "Tolkebehov registreret"
    LABEL_EN: ClassVar[str] = "Interpreter needed"

    person: PersonRef
    language: Code


class ProtectionRecorded(Event):
    """A person's name, address or very existence in the case is protected, against someone or against all."""

    TOPIC: ClassVar[str] = "protection_recorded"
    LABEL_DA: ClassVar[str] = "Beskyttelse registreret"
    LABEL_EN: ClassVar[str] = "Protection recorded"

    person: PersonRef
    kind: Code
    against: People | None = None
    until: Day | None = None
    legal_basis: LegalBasis | None = None


class ProtectionEnded(Event):
    """A protection no longer holds."""

    TOPIC: ClassVar[str] = "protection_ended"
    LABEL_DA: ClassVar[str] = "Beskyttelse ophævet"
    LABEL_EN: ClassVar[str] = "Protection ended"

    person: PersonRef
    kind: Code


class PersonsMerged(Event):
    """Two references turned out to be one person; ``kept`` stands for both from now on."""

    TOPIC: ClassVar[str] = "persons_merged"
    LABEL_DA: ClassVar[str] = "Personer sammenlagt"
    LABEL_EN: ClassVar[str] = "Persons merged"

    kept: PersonRef
    merged: PersonRef
    reason: Annotated[Text, Sealed()]


class PersonsUnmerged(Event):
    """A merge was wrong: the two references are two persons again."""

    TOPIC: ClassVar[str] = "persons_unmerged"
    LABEL_DA: ClassVar[str] = "Sammenlægning ophævet"
    LABEL_EN: ClassVar[str] = "Persons unmerged"

    kept: PersonRef
    merged: PersonRef
    reason: Annotated[Text, Sealed()]


class HandoverAccepted(Event):
    """Whoever a case was allocated to took it over; says whether the summary was read."""

    TOPIC: ClassVar[str] = "handover_accepted"
    LABEL_DA: ClassVar[str] = "Sag overtaget"
    LABEL_EN: ClassVar[str] = "Handover accepted"

    allocation: Annotated[EntryRef, Refers(to=("CaseAllocated",))]
    summary_read: bool


class FamilyMoved(Event):
    """The family moved to another municipality, which must be told and sent what it needs.

    Source: barnets lov § 132.
    """

    TOPIC: ClassVar[str] = "family_moved"
    LABEL_DA: ClassVar[str] = "Familien flyttet"
    LABEL_EN: ClassVar[str] = "Family moved"

    to_municipality: Code
    moved_on: Day
    persons: People | None = None


class TransferPackageSent(Event):
    """Notice, case material and summary were sent to the municipality the family moved to."""

    TOPIC: ClassVar[str] = "transfer_package_sent"
    LABEL_DA: ClassVar[str] = "Sagsmateriale sendt til ny kommune"
    LABEL_EN: ClassVar[str] = "Transfer package sent"

    to_municipality: Code
    documents: Annotated[tuple[Text, ...] | None, Sealed()] = None
    legal_basis: LegalBasis | None = None


class TransferReceiptReceived(Event):
    """The other municipality confirmed that it has taken over."""

    TOPIC: ClassVar[str] = "transfer_receipt_received"
    LABEL_DA: ClassVar[str] = "Kvittering fra ny kommune"
    LABEL_EN: ClassVar[str] = "Transfer receipt received"

    from_municipality: Code


class CaseReceived(Event):
    """Material of another municipality about the family arrived here and waits to be read."""

    TOPIC: ClassVar[str] = "case_received"
    LABEL_DA: ClassVar[str] = "Sagsmateriale modtaget fra anden kommune"
    LABEL_EN: ClassVar[str] = "Case received"

    from_municipality: Code


class IncomingMaterialAssessed(Event):
    """Material that came from elsewhere was read and judged."""

    TOPIC: ClassVar[str] = "incoming_material_assessed"
    LABEL_DA: ClassVar[str] = "Modtaget materiale gennemgået"
    LABEL_EN: ClassVar[str] = "Incoming material assessed"

    material: Annotated[EntryRef, Refers()]
    result: Code


class PregnancyEnded(Event):
    """A pregnancy ended without a living child; every reminder about it stops the same minute."""

    TOPIC: ClassVar[str] = "pregnancy_ended"
    LABEL_DA: ClassVar[str] = "Graviditet ophørt"
    LABEL_EN: ClassVar[str] = "Pregnancy ended"

    person: PersonRef
    kind: Code


class DeathRecorded(Event):
    """A person died; every reminder about them stops the same minute."""

    TOPIC: ClassVar[str] = "death_recorded"
    LABEL_DA: ClassVar[str] = "Dødsfald registreret"
    LABEL_EN: ClassVar[str] = "Death recorded"

    person: PersonRef
    died_on: Day


EVENTS: tuple[type[Event], ...] = (
    PartyRecorded,
    RepresentativeAppointed,
    RepresentativeEnded,
    SiblingLinked,
    InterpreterNeeded,
    ProtectionRecorded,
    ProtectionEnded,
    PersonsMerged,
    PersonsUnmerged,
    HandoverAccepted,
    FamilyMoved,
    TransferPackageSent,
    TransferReceiptReceived,
    CaseReceived,
    IncomingMaterialAssessed,
    PregnancyEnded,
    DeathRecorded,
)
