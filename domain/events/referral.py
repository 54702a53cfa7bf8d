"""How a family comes to the municipality's attention and into a programme."""

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
from domain.events.fields import Codes, Hash, LegalBasis, Offices, People, Staff, TargetGroup


class NotificationReceived(Event):
    """Someone told the municipality that a child may need support; starts the clocks for assessment and receipt.

    Source: barnets lov §§ 136-138.
    """

    TOPIC: ClassVar[str] = "notification_received"
    LABEL_DA: ClassVar[str] = "Underretning modtaget"
    LABEL_EN: ClassVar[str] = "Notification received"

    notifier_kind: Code
    identity_known: bool
    channel: Code
    received_at: MomentField
    about: People
    subject: People | None = None
    notifier_role: Code | None = None
    notifier: PersonRef | None = None
    anonymity_wish: bool | None = None
    anonymity_reason: Annotated[Text | None, Sealed(of="notifier")] = None
    concern: Annotated[Text | None, Sealed(of="about")] = None
    abuse_suspected: bool | None = None
    document_hash: Hash | None = None

    @classmethod
    def moment_field(cls) -> str | None:
        """Return ``received_at``: clocks run from receipt."""
        return "received_at"


class NotificationAcuteAssessed(Event):
    """It was judged whether a child is in danger and something must be done at once; satisfies the 24 hours.

    Source: barnets lov § 136(2).
    """

    TOPIC: ClassVar[str] = "notification_acute_assessed"
    LABEL_DA: ClassVar[str] = "Underretning vurderet akut"
    LABEL_EN: ClassVar[str] = "Notification assessed for acute danger"

    notification: Annotated[EntryRef, Refers(to=("NotificationReceived",))]
    danger: bool
    participants: Codes
    grounds: Annotated[Text, Sealed()]
    acute_action: Annotated[Text | None, Sealed()] = None


class NotificationReceiptSent(Event):
    """The notifier was told that the notification arrived; satisfies the six weekdays.

    Source: barnets lov § 138.
    """

    TOPIC: ClassVar[str] = "notification_receipt_sent"
    LABEL_DA: ClassVar[str] = "Kvittering sendt"
    LABEL_EN: ClassVar[str] = "Receipt sent to the notifier"

    notification: Annotated[EntryRef, Refers(to=("NotificationReceived",))]
    channel: Code
    to: PersonRef | None = None
    told_about: Code | None = None


class NotificationReassessed(Event):
    """A new notification in a running case was weighed together with someone who had not been in the case before.

    Source: barnets lov § 137(1).
    """

    TOPIC: ClassVar[str] = "notification_reassessed"
    LABEL_DA: ClassVar[str] = "Underretning genvurderet"
    LABEL_EN: ClassVar[str] = "Notification reassessed"

    notification: Annotated[EntryRef, Refers(to=("NotificationReceived",))]
    participants: Codes
    new_person: StaffRef
    outcome: Annotated[Text, Sealed()]
    earlier_participation_of_new_person: bool | None = None


class ScreeningRecorded(Event):
    """A first sorting found what the case needs next: nothing, a mapping, an investigation or a programme.

    Source: barnets lov §§ 18 and 24; programme opsporing_familietraening_004.
    """

    TOPIC: ClassVar[str] = "screening_recorded"
    LABEL_DA: ClassVar[str] = "Screening foretaget"
    LABEL_EN: ClassVar[str] = "Screening recorded"

    outcome: Code
    legal_basis: LegalBasis | None = None
    instrument: Code | None = None
    about: People | None = None
    grounds: Annotated[Text | None, Sealed(of="about")] = None


class ReferralMade(Event):
    """A person was referred to a programme; for the case's own programme the enrolment is then referred."""

    TOPIC: ClassVar[str] = "referral_made"
    LABEL_DA: ClassVar[str] = "Henvisning"
    LABEL_EN: ClassVar[str] = "Referral made"

    programme: Code
    person: PersonRef
    by_role: Code | None = None
    enrolment: Code | None = None
    reason: Annotated[Text | None, Sealed(of="person")] = None


class RecommendationMade(Event):
    """The adviser recommended admission (no kind), closing or another measure to the body that decides.

    ``exception_reason`` says why it was not the adviser, or not on an investigation; ``measures_at_birth`` that
    measures right after birth may be needed.
    Source: programmes spaed_smaaboern_000 and smaaboernsteam_001.
    """

    TOPIC: ClassVar[str] = "recommendation_made"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Indstilling"
    LABEL_EN: ClassVar[str] = "Recommendation made"
    upcast_v1_v2 = staticmethod(unchanged)

    programme: Code
    to: Offices
    kind: Code | None = None
    enrolment: Code | None = None
    target_group: TargetGroup | None = None
    grounds: Annotated[Text | None, Sealed()] = None
    problem_codes: Codes | None = None
    preconditions_met: Codes | None = None
    preconditions_unmet: Codes | None = None
    exception_reason: Annotated[Text | None, Sealed()] = None
    measures_at_birth: bool | None = None


class CaseAllocated(Event):
    """A member of staff became responsible for the case in a role."""

    TOPIC: ClassVar[str] = "case_allocated"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Sag fordelt"
    LABEL_EN: ClassVar[str] = "Case allocated"
    upcast_v1_v2 = staticmethod(unchanged)

    to: Staff
    for_role: Code
    handover_note: Annotated[Text | None, Sealed()] = None
    from_staff: StaffRef | None = None
    unit: Code | None = None
    substitute_for: StaffRef | None = None
    effective_from: Day | None = None


class NoteRecorded(Event):
    """Information of weight for the case was written down, with who gave it and how.

    Source: offentlighedsloven § 13.
    """

    TOPIC: ClassVar[str] = "note_recorded"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Notat"
    LABEL_EN: ClassVar[str] = "Note recorded"
    upcast_v1_v2 = staticmethod(unchanged)

    informant: PersonRef
    channel: Code
    content: Annotated[Text, Sealed(of="informant")]
    relates_to: Annotated[EntryRef | None, Refers()] = None
    essential_step: bool | None = None
    statement_kind: Code | None = None
    decision_ref: Code | None = None
    about: People | None = None
    interpreter: Code | None = None
    language: Code | None = None
    identity_checked: Code | None = None
    answer_given: Annotated[Text | None, Sealed(of="informant")] = None


EVENTS: tuple[type[Event], ...] = (
    NotificationReceived,
    NotificationAcuteAssessed,
    NotificationReceiptSent,
    NotificationReassessed,
    ScreeningRecorded,
    ReferralMade,
    RecommendationMade,
    CaseAllocated,
    NoteRecorded,
)
