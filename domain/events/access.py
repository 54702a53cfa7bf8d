"""Requests for access, look-ups and breaches of data protection."""

from typing import Annotated, ClassVar
from uuid import UUID

from domain.events.base import (
    Code,
    Day,
    EntryRef,
    Event,
    Instant,
    MomentField,
    PersonRef,
    Refers,
    Sealed,
    StaffRef,
    Text,
    unchanged,
)
from domain.events.fields import Hash, Offices, People, Whole


class AccessRequestReceived(Event):
    """Someone asked to see what the municipality holds; the kind decides which clock starts.

    Source: forvaltningsloven § 9, offentlighedsloven § 36, general data protection regulation art. 15.
    """

    TOPIC: ClassVar[str] = "access_request_received"
    LABEL_DA: ClassVar[str] = "Anmodning om aktindsigt modtaget"
    LABEL_EN: ClassVar[str] = "Access request received"

    kind: Code
    by: PersonRef
    about: People
    received_at: MomentField
    channel: Code | None = None
    text: Annotated[Text | None, Sealed(of="by")] = None

    @classmethod
    def moment_field(cls) -> str | None:
        """Return ``received_at``: clocks run from receipt."""
        return "received_at"


class DeadlineExtensionNotified(Event):
    """Someone was told that an answer will be late, why, and when to expect it; the original due date stays.

    Source: offentlighedsloven § 36; retssikkerhedsloven § 3.
    """

    TOPIC: ClassVar[str] = "deadline_extension_notified"
    LABEL_DA: ClassVar[str] = "Fristforlængelse meddelt"
    LABEL_EN: ClassVar[str] = "Deadline extension notified"

    rule: Code
    trigger: Annotated[EntryRef, Refers()]
    new_expected: Day
    reason: Annotated[Text, Sealed()]
    subject: People | None = None
    to: People | None = None
    channel: Code | None = None


class AccessRequestAnswered(Event):
    """A request for access was answered in full, in part or with a refusal."""

    TOPIC: ClassVar[str] = "access_request_answered"
    LABEL_DA: ClassVar[str] = "Aktindsigt besvaret"
    LABEL_EN: ClassVar[str] = "Access request answered"

    request: Annotated[EntryRef, Refers(to=("AccessRequestReceived",))]
    outcome: Code
    redactions: Annotated[tuple[Text, ...] | None, Sealed()] = None
    grounds: Annotated[Text | None, Sealed()] = None
    documents: Annotated[tuple[Text, ...] | None, Sealed()] = None
    document_hashes: tuple[Hash, ...] | None = None
    complaint_guidance: bool | None = None


class RecordViewed(Event):
    """A member of staff was shown something, or was refused it, as of the times named here.

    Nothing in it is sealed: look-ups are appended without an expected version. Every field is a code or an id.
    """

    TOPIC: ClassVar[str] = "record_viewed"
    LABEL_DA: ClassVar[str] = "Opslag"
    LABEL_EN: ClassVar[str] = "Record viewed"

    viewer: StaffRef
    role: Code
    purpose: Code
    what: Code
    cases: tuple[UUID, ...]
    organisation: Code | None = None
    as_of_position: Whole | None = None
    known_at: Instant | None = None
    valid_at: Instant | None = None
    refused: bool = False
    break_glass: bool = False


class DataBreachDetected(Event):
    """The municipality became aware of a breach of data protection; 72 hours run from that moment.

    ``persons`` is the number of people concerned. Source: general data protection regulation art. 33.
    """

    TOPIC: ClassVar[str] = "data_breach_detected"
    LABEL_DA: ClassVar[str] = "Brud på persondatasikkerheden konstateret"
    LABEL_EN: ClassVar[str] = "Data breach detected"

    became_aware_at: MomentField
    persons: Whole
    about: Annotated[EntryRef | None, Refers()] = None
    risk: Code | None = None
    description: Annotated[Text | None, Sealed()] = None

    @classmethod
    def moment_field(cls) -> str | None:
        """Return ``became_aware_at``: clocks run from awareness."""
        return "became_aware_at"


class DataBreachReported(Event):
    """A breach was reported to the supervisory authority or told to the people concerned.

    Source: general data protection regulation art. 33 and 34.
    """

    TOPIC: ClassVar[str] = "data_breach_reported"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Brud anmeldt"
    LABEL_EN: ClassVar[str] = "Data breach reported"
    upcast_v1_v2 = staticmethod(unchanged)

    breach: Annotated[EntryRef, Refers(to=("DataBreachDetected",))]
    to: Offices
    delay_reason: Annotated[Text | None, Sealed()] = None


EVENTS: tuple[type[Event], ...] = (
    AccessRequestReceived,
    DeadlineExtensionNotified,
    AccessRequestAnswered,
    RecordViewed,
    DataBreachDetected,
    DataBreachReported,
)
