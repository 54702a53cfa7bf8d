"""Hearing, decision, notification and complaint."""

from typing import Annotated, ClassVar

from domain.events.base import (
    Code,
    Day,
    EntryRef,
    Event,
    MomentField,
    PersonRef,
    Refers,
    Sealed,
    StaffRef,
    Text,
    unchanged,
)
from domain.events.fields import Codes, Hash, LegalBasis, Offices, People, Whole


class HearingSent(Event):
    """A party was shown the facts that weigh against them and given until the end of ``deadline`` to answer.

    Source: forvaltningsloven § 19.
    """

    TOPIC: ClassVar[str] = "hearing_sent"
    LABEL_DA: ClassVar[str] = "Partshøring sendt"
    LABEL_EN: ClassVar[str] = "Hearing sent"

    decision_ref: Code
    party: PersonRef
    documents: Annotated[tuple[Text, ...], Sealed(of="party")]
    deadline: Day
    channel: Code | None = None
    facts: Annotated[tuple[EntryRef, ...] | None, Refers()] = None
    document_hashes: tuple[Hash, ...] | None = None


class HearingResponseReceived(Event):
    """A party answered a hearing; the decision may then be made before the deadline.

    Source: forvaltningsloven §§ 19 and 21.
    """

    TOPIC: ClassVar[str] = "hearing_response_received"
    LABEL_DA: ClassVar[str] = "Partshøringssvar modtaget"
    LABEL_EN: ClassVar[str] = "Hearing response received"

    decision_ref: Code
    party: PersonRef
    summary: Annotated[Text, Sealed(of="party")]
    received_at: MomentField | None = None
    disputed_facts: Annotated[tuple[EntryRef, ...] | None, Refers()] = None

    @classmethod
    def moment_field(cls) -> str | None:
        """Return ``received_at``: where it is given the answer counts from receipt."""
        return "received_at"


class DecisionTerms(Event):
    """What a decision says, about whom and on what it rests: the same when it is sent for approval as when it is made.

    ``prepared_by`` prepared it, where that is somebody else than who sends or makes it.
    """

    decision: Code
    outcome: Code
    legal_basis: LegalBasis
    competence_ref: Code | None = None
    competence_until: Day | None = None
    child_view: Annotated[EntryRef | None, Refers(to=("ChildViewObtained",))] = None
    complaint_guidance: bool | None = None
    measure: Code | None = None
    purpose: Annotated[Text | None, Sealed()] = None
    expected_duration: Code | None = None
    plan_needed: bool | None = None
    facts: Annotated[tuple[EntryRef, ...] | None, Refers()] = None
    hearing: Annotated[tuple[EntryRef, ...] | None, Refers(to=("HearingSent", "HearingResponseReceived"))] = None
    grounds: Annotated[Text | None, Sealed()] = None
    parallel_investigation: Code | None = None
    replaces: Code | None = None
    kind: Code | None = None
    about: People | None = None
    parties: People | None = None
    decided_by: Code | None = None
    meeting: Annotated[EntryRef | None, Refers(to=("MeetingHeld",))] = None
    consents: Codes | None = None
    alternatives: Annotated[tuple[Text, ...] | None, Sealed()] = None
    plan_grounds: Annotated[Text | None, Sealed()] = None
    letter_hash: Hash | None = None
    overridden_gates: Codes | None = None
    override_reason: Annotated[Text | None, Sealed()] = None
    log_position: Whole | None = None
    fully_favourable: bool | None = None
    hearing_exception: Code | None = None
    oral: bool | None = None
    log_root: Hash | None = None
    seen: Whole | None = None
    prepared_by: StaffRef | None = None


class DecisionMade(DecisionTerms):
    """The municipality decided; holds what a reviewer looks for and may start the clock for the child's plan.

    Missing guidance, competence, purpose or duration is recorded as missing, never refused. Of one that was approved
    ``submission`` is what was approved and ``approved_by`` who did.
    Source: barnets lov §§ 32 and 91; forvaltningsloven §§ 22-25.
    """

    TOPIC: ClassVar[str] = "decision_made"
    VERSION: ClassVar[int] = 3
    LABEL_DA: ClassVar[str] = "Afgørelse"
    LABEL_EN: ClassVar[str] = "Decision made"
    upcast_v1_v2 = staticmethod(unchanged)
    upcast_v2_v3 = staticmethod(unchanged)

    submission: Annotated[EntryRef | None, Refers(to=("DecisionSubmitted",))] = None
    approved_by: StaffRef | None = None


class DecisionNotified(Event):
    """A decision was sent to its parties; four weeks for a complaint run from when it was available to them.

    Source: retssikkerhedsloven § 67; forvaltningsloven § 25.
    """

    TOPIC: ClassVar[str] = "decision_notified"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Afgørelse meddelt"
    LABEL_EN: ClassVar[str] = "Decision notified"
    upcast_v1_v2 = staticmethod(unchanged)

    decision: Code
    to: People
    channel: Code
    complaint_guidance: bool | None = None
    available_at: MomentField | None = None
    kind: Code | None = None
    letter_hash: Hash | None = None
    fully_favourable: bool | None = None
    guidance_version: Code | None = None

    @classmethod
    def moment_field(cls) -> str | None:
        """Return ``available_at``: a letter counts from when it could be read."""
        return "available_at"


class ComplaintReceived(Event):
    """A complaint about a decision arrived; the municipality has four weeks to look at it again.

    Source: retssikkerhedsloven §§ 66-67.
    """

    TOPIC: ClassVar[str] = "complaint_received"
    LABEL_DA: ClassVar[str] = "Klage modtaget"
    LABEL_EN: ClassVar[str] = "Complaint received"

    decision: Code
    received_at: MomentField
    channel: Code
    by: PersonRef | None = None
    text: Annotated[Text | None, Sealed(of="by")] = None
    late: bool | None = None

    @classmethod
    def moment_field(cls) -> str | None:
        """Return ``received_at``: clocks run from receipt."""
        return "received_at"


class ComplaintReassessed(Event):
    """The municipality looked at its decision again and changed it or sent the complaint on.

    Source: retssikkerhedsloven § 66.
    """

    TOPIC: ClassVar[str] = "complaint_reassessed"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Klage genvurderet"
    LABEL_EN: ClassVar[str] = "Complaint reassessed"
    upcast_v1_v2 = staticmethod(unchanged)

    decision: Code
    outcome: Code
    to: Offices | None = None
    grounds: Annotated[Text | None, Sealed()] = None
    documents: Annotated[tuple[Text, ...] | None, Sealed()] = None
    document_hashes: tuple[Hash, ...] | None = None


class AppealDecided(Event):
    """The appeal body upheld, changed, annulled, remitted or rejected; the outcome becomes the decision's status."""

    TOPIC: ClassVar[str] = "appeal_decided"
    LABEL_DA: ClassVar[str] = "Ankestyrelsens afgørelse"
    LABEL_EN: ClassVar[str] = "Appeal decided"

    decision: Code
    outcome: Code
    grounds: Annotated[Text, Sealed()]
    by: Code | None = None


EVENTS: tuple[type[Event], ...] = (
    HearingSent,
    HearingResponseReceived,
    DecisionMade,
    DecisionNotified,
    ComplaintReceived,
    ComplaintReassessed,
    AppealDecided,
)
