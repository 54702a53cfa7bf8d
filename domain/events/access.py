"""Requests for access, look-ups and breaches of data protection."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

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
from domain.events.fields import Hash, LegalBasis, Offices, People, Position, Whole

LookVerdict = Literal["justified", "unjustified", "unclear"]
"""What somebody finds of a look of a sample."""


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
    ``subjects`` are the persons whose names or texts were shown, ``matter`` the matter the purpose belongs to,
    ``refusal`` why nothing was shown.
    """

    TOPIC: ClassVar[str] = "record_viewed"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Opslag"
    LABEL_EN: ClassVar[str] = "Record viewed"
    upcast_v1_v2 = staticmethod(unchanged)

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
    subjects: tuple[UUID, ...] | None = None
    matter: Code | None = None
    refusal: Code | None = None


class LookupsWithheld(Event):
    """It was decided, about these look-ups alone, that the person whose data were looked at is not told of them.

    ``mentioned`` says whether the extract may count them. ``looks`` are positions in the ledger.
    Source: databeskyttelsesloven § 22.
    """

    TOPIC: ClassVar[str] = "lookups_withheld"
    LABEL_DA: ClassVar[str] = "Opslag undtaget fra indsigt"
    LABEL_EN: ClassVar[str] = "Look-ups withheld"

    person: PersonRef
    looks: Annotated[tuple[Position, ...], Field(min_length=1)]
    legal_basis: LegalBasis
    mentioned: bool
    reason: Annotated[Text, Sealed()]


class StaffNamesReleased(Event):
    """It was decided that a person is told who looked: needed for their rights, or outside instruction.

    Without ``looks`` it holds for all look-ups of an extract. Source: Court of Justice C-579/21.
    """

    TOPIC: ClassVar[str] = "staff_names_released"
    LABEL_DA: ClassVar[str] = "Medarbejderes identitet oplyst"
    LABEL_EN: ClassVar[str] = "Staff names released"

    person: PersonRef
    ground: Literal["needed_for_rights", "outside_instruction"]
    legal_basis: LegalBasis
    reason: Annotated[Text, Sealed()]
    looks: Annotated[tuple[Position, ...], Field(min_length=1)] | None = None
    request: Annotated[EntryRef | None, Refers(to=("AccessRequestReceived",))] = None


class LookupExtractMade(Event):
    """A person's extract of who had looked at their data was made; it is itself a look.

    Source: general data protection regulation art. 15.
    """

    TOPIC: ClassVar[str] = "lookup_extract_made"
    LABEL_DA: ClassVar[str] = "Udskrift af opslag dannet"
    LABEL_EN: ClassVar[str] = "Look-up extract made"

    person: PersonRef
    rows: Whole
    withheld: Whole
    with_names: bool
    as_of_position: Position
    request: Annotated[EntryRef | None, Refers(to=("AccessRequestReceived",))] = None
    since: Instant | None = None
    until: Instant | None = None


class LookupsExpired(Event):
    """The look-ups up to a position had been kept for as long as the rule says; their content is removed.

    Those that showed one of the cases ``kept`` stay until a later expiry: a matter that needs them is pending there.
    Of several expiries that reach a look-up the last one counts.
    Source: general data protection regulation art. 5(1)(e).
    """

    TOPIC: ClassVar[str] = "lookups_expired"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Opslag slettet efter frist"
    LABEL_EN: ClassVar[str] = "Look-ups expired"
    upcast_v1_v2 = staticmethod(unchanged)

    upto: Position
    recorded_before: Instant
    months_kept: Whole
    kept: tuple[UUID, ...] | None = None


class LookJudged(Event):
    """Somebody else judged one look of a sample: whether there was a reason at work for it, by coded grounds.

    ``look`` is its position in the ledger. The others say how the sample was drawn: which stretch of time, both ends
    counted in, which share of 10,000, which seed, up to which position. Like the look itself it holds codes alone.
    """

    TOPIC: ClassVar[str] = "look_judged"
    LABEL_DA: ClassVar[str] = "Opslag vurderet"
    LABEL_EN: ClassVar[str] = "Look judged"

    look: Position
    verdict: LookVerdict
    grounds: Code
    since: Instant
    until: Instant
    share: Whole
    seed: Code
    upto: Position


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


class SearchKept(Event):
    """A member of staff keeps a search of the log under a name of their own; the same name again takes its place.

    It stands in a stream of theirs, beside no case. ``key`` seals what it says and is the same for the whole stream.
    """

    TOPIC: ClassVar[str] = "search_kept"
    LABEL_DA: ClassVar[str] = "Søgning gemt"
    LABEL_EN: ClassVar[str] = "Search kept"

    key: UUID
    key_commitment: Hash
    label: Annotated[Text, Sealed()]
    query: Annotated[Text, Sealed()]


class SearchDropped(Event):
    """A member of staff no longer keeps the search of a name."""

    TOPIC: ClassVar[str] = "search_dropped"
    LABEL_DA: ClassVar[str] = "Gemt søgning fjernet"
    LABEL_EN: ClassVar[str] = "Search dropped"

    label: Annotated[Text, Sealed()]


EVENTS: tuple[type[Event], ...] = (
    AccessRequestReceived,
    DeadlineExtensionNotified,
    AccessRequestAnswered,
    RecordViewed,
    LookupsWithheld,
    StaffNamesReleased,
    LookupExtractMade,
    LookupsExpired,
    LookJudged,
    DataBreachDetected,
    DataBreachReported,
    SearchKept,
    SearchDropped,
)
