"""Control of the file itself: documents and whether their bytes are there, findings and what became of them."""

from typing import Annotated, ClassVar, Literal

from domain.events.base import Code, Day, EntryRef, Event, MomentField, Refers, Sealed, StaffRef, Text, unchanged
from domain.events.fields import Codes, Hash, LegalBasis, People, Whole

Verdict = Literal["confirmed", "unfounded", "accepted_reading"]


class DocumentFiled(Event):
    """A version of a document was filed; its bytes lie sealed in the content store or in another system.

    ``commitment`` is SHA-256 over ``salt`` and the bytes, so that a copy alone does not betray that it is here.
    ``reference`` says where the bytes lie, ``size`` counts them. ``place`` is the name of a linked document in the
    other system, which may say whom it is about. Source: offentlighedsloven § 15.
    """

    TOPIC: ClassVar[str] = "document_filed"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Dokument journaliseret"
    LABEL_EN: ClassVar[str] = "Document filed"

    document: Code
    version: Whole
    direction: Code
    theme: Code
    store: Code
    reference: Code
    commitment: Hash
    media_type: Code
    size: Whole
    salt: Annotated[Text | None, Sealed(of="subjects")] = None
    received_or_sent_at: MomentField | None = None
    subjects: People | None = None
    derived_from: Code | None = None
    for_entry: Annotated[EntryRef | None, Refers()] = None
    place: Annotated[Text | None, Sealed(of="subjects")] = None

    upcast_v1_v2 = staticmethod(unchanged)


class DocumentChecked(Event):
    """It was checked whether a document's bytes are there and are the ones that were filed."""

    TOPIC: ClassVar[str] = "document_checked"
    LABEL_DA: ClassVar[str] = "Dokument kontrolleret"
    LABEL_EN: ClassVar[str] = "Document checked"

    document: Code
    version: Whole
    present: bool
    matches: bool


class FindingAssessed(Event):
    """Someone looked at a finding and judged it; names who deals with it and by when."""

    TOPIC: ClassVar[str] = "finding_assessed"
    LABEL_DA: ClassVar[str] = "Fund vurderet"
    LABEL_EN: ClassVar[str] = "Finding assessed"

    finding: Code
    entry: Annotated[EntryRef, Refers()]
    verdict: Verdict
    reason: Annotated[Text, Sealed()]
    key: Code | None = None
    handle_by: Day | None = None
    responsible: StaffRef | None = None


class FindingRemedied(Event):
    """What a finding called for was done."""

    TOPIC: ClassVar[str] = "finding_remedied"
    LABEL_DA: ClassVar[str] = "Fund afhjulpet"
    LABEL_EN: ClassVar[str] = "Finding remedied"

    finding: Code
    entry: Annotated[EntryRef, Refers()]
    action: Code
    key: Code | None = None
    detail: Annotated[Text | None, Sealed()] = None


class MinutesDistributed(Event):
    """Minutes were passed on, also as a picture: to each recipient that is a disclosure, and they must be filed."""

    TOPIC: ClassVar[str] = "minutes_distributed"
    LABEL_DA: ClassVar[str] = "Referat udsendt"
    LABEL_EN: ClassVar[str] = "Minutes distributed"

    meeting: Annotated[EntryRef, Refers(to=("MeetingHeld",))]
    recipients: Codes
    channel: Code
    basis: Code
    filed: bool
    consents: Codes | None = None
    legal_basis: LegalBasis | None = None
    document: Code | None = None


class SupervisionHeld(Event):
    """A case was taken to supervision; with an outside supervisor an identifiable case is a disclosure."""

    TOPIC: ClassVar[str] = "supervision_held"
    LABEL_DA: ClassVar[str] = "Supervision afholdt"
    LABEL_EN: ClassVar[str] = "Supervision held"

    supervisor_organisation: Code
    external: bool
    anonymised: bool
    basis: Code | None = None
    extra: bool | None = None
    approved_by: Code | None = None


class ConsultationGiven(Event):
    """The team advised other professionals about a family."""

    TOPIC: ClassVar[str] = "consultation_given"
    LABEL_DA: ClassVar[str] = "Konsultativ bistand givet"
    LABEL_EN: ClassVar[str] = "Consultation given"

    recipient: Code
    anonymous: bool
    basis: Code | None = None
    notification_duty_considered: bool | None = None


class AdoptionCaseRaised(Event):
    """Adoption without consent was raised; an examination of parental competence is then made."""

    TOPIC: ClassVar[str] = "adoption_case_raised"
    LABEL_DA: ClassVar[str] = "Adoption uden samtykke rejst"
    LABEL_EN: ClassVar[str] = "Adoption case raised"

    child: People


class StatementDelayRequested(Event):
    """A party asked that the decision wait for their statement.

    Source: forvaltningsloven § 21.
    """

    TOPIC: ClassVar[str] = "statement_delay_requested"
    LABEL_DA: ClassVar[str] = "Part har bedt om udsættelse"
    LABEL_EN: ClassVar[str] = "Statement delay requested"

    decision_ref: Code
    party: Code
    until: Day | None = None


class ReasonsRequested(Event):
    """A party asked for the reasons of a decision in writing.

    Source: forvaltningsloven § 23.
    """

    TOPIC: ClassVar[str] = "reasons_requested"
    LABEL_DA: ClassVar[str] = "Part har bedt om skriftlig begrundelse"
    LABEL_EN: ClassVar[str] = "Reasons requested"

    decision: Code
    party: Code


EVENTS: tuple[type[Event], ...] = (
    DocumentFiled,
    DocumentChecked,
    FindingAssessed,
    FindingRemedied,
    MinutesDistributed,
    SupervisionHeld,
    ConsultationGiven,
    AdoptionCaseRaised,
    StatementDelayRequested,
    ReasonsRequested,
)
