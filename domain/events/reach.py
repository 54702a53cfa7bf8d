"""Who may reach a case: grants, restrictions, conflicts of interest, and emergency access."""

from typing import Annotated, ClassVar
from uuid import UUID

from domain.events.base import Code, Day, EntryRef, Event, Instant, Refers, Sealed, StaffRef, Text
from domain.events.fields import Staff


class AccessGranted(Event):
    """A member of staff may read in a role: one case, or everything of an organisation where no case is named."""

    TOPIC: ClassVar[str] = "access_granted"
    LABEL_DA: ClassVar[str] = "Adgang givet"
    LABEL_EN: ClassVar[str] = "Access granted"

    staff: StaffRef
    role: Code
    basis: Code
    case: UUID | None = None
    organisation: Code | None = None
    until: Instant | None = None
    approved_by: StaffRef | None = None


class AccessEnded(Event):
    """A member of staff may no longer read what was granted in a role."""

    TOPIC: ClassVar[str] = "access_ended"
    LABEL_DA: ClassVar[str] = "Adgang ophørt"
    LABEL_EN: ClassVar[str] = "Access ended"

    staff: StaffRef
    role: Code
    basis: Code
    case: UUID | None = None
    organisation: Code | None = None


class BreakGlassOpened(Event):
    """A member of staff opened a case without access in an emergency, for a reason and until a set time."""

    TOPIC: ClassVar[str] = "break_glass_opened"
    LABEL_DA: ClassVar[str] = "Nødadgang åbnet"
    LABEL_EN: ClassVar[str] = "Emergency access opened"

    staff: StaffRef
    role: Code
    until: Instant
    reason: Annotated[Text, Sealed()]
    organisation: Code | None = None


class BreakGlassReviewed(Event):
    """Someone else judged whether an emergency access was justified."""

    TOPIC: ClassVar[str] = "break_glass_reviewed"
    LABEL_DA: ClassVar[str] = "Nødadgang gennemgået"
    LABEL_EN: ClassVar[str] = "Emergency access reviewed"

    opening: Annotated[EntryRef, Refers(to=("BreakGlassOpened",))]
    justified: bool
    grounds: Annotated[Text | None, Sealed()] = None


class CaseRestricted(Event):
    """From now on only the people named may reach the case; the restriction is reviewed by a set day.

    ``category`` says why in a word: staff_conflict, high_profile, high_risk, adoption.
    """

    TOPIC: ClassVar[str] = "case_restricted"
    LABEL_DA: ClassVar[str] = "Sag begrænset"
    LABEL_EN: ClassVar[str] = "Case restricted"

    category: Code
    allowed: Staff
    review_by: Day
    reason: Annotated[Text, Sealed()]


class RestrictionReviewed(Event):
    """A restriction was looked at again: renewed until another day, perhaps with other people, or lifted."""

    TOPIC: ClassVar[str] = "restriction_reviewed"
    LABEL_DA: ClassVar[str] = "Begrænsning gennemgået"
    LABEL_EN: ClassVar[str] = "Restriction reviewed"

    restriction: Annotated[EntryRef, Refers(to=("CaseRestricted",))]
    renewed: bool
    reason: Annotated[Text, Sealed()]
    review_by: Day | None = None
    allowed: Staff | None = None


class ConflictOfInterestRecorded(Event):
    """A member of staff must not reach the case, also in an emergency: kinship, own case, neighbour.

    Source: forvaltningsloven § 3.
    """

    TOPIC: ClassVar[str] = "conflict_of_interest_recorded"
    LABEL_DA: ClassVar[str] = "Inhabilitet registreret"
    LABEL_EN: ClassVar[str] = "Conflict of interest recorded"

    staff: StaffRef
    kind: Code
    detail: Annotated[Text | None, Sealed()] = None


class ConflictOfInterestEnded(Event):
    """A conflict of interest no longer stands."""

    TOPIC: ClassVar[str] = "conflict_of_interest_ended"
    LABEL_DA: ClassVar[str] = "Inhabilitet ophørt"
    LABEL_EN: ClassVar[str] = "Conflict of interest ended"

    conflict: Annotated[EntryRef, Refers(to=("ConflictOfInterestRecorded",))]
    reason: Annotated[Text, Sealed()]


EVENTS: tuple[type[Event], ...] = (
    AccessGranted,
    AccessEnded,
    BreakGlassOpened,
    BreakGlassReviewed,
    CaseRestricted,
    RestrictionReviewed,
    ConflictOfInterestRecorded,
    ConflictOfInterestEnded,
)
