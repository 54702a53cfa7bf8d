"""Support in practice: visits, sessions, hours of cover and what staff noticed."""

from typing import Annotated, ClassVar, Self

from pydantic import model_validator

from domain.events.base import (
    Code,
    Day,
    EntryRef,
    Event,
    Instant,
    Number,
    Refers,
    Sealed,
    StaffRef,
    Text,
    unchanged,
)
from domain.events.fields import Codes, People, Whole


class VisitHeld(Event):
    """A visit, session, night of cover or stay took place; counts toward visit limits and numbers of sessions.

    ``duration_min`` is in minutes. Source: programmes spaed_smaabarnsteam_002 and opsporing_familietraening_004.
    """

    TOPIC: ClassVar[str] = "visit_held"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Besøg afholdt"
    LABEL_EN: ClassVar[str] = "Visit held"
    upcast_v1_v2 = staticmethod(unchanged)

    kind: Code
    started: Instant | None = None
    ended: Instant | None = None
    duration_min: Whole | None = None
    number: Whole | None = None
    place: Annotated[Text | None, Sealed()] = None
    part_of: Code | None = None
    about: People | None = None
    observations: Annotated[Text | None, Sealed(of="about")] = None
    enrolment: Code | None = None
    staff: tuple[StaffRef, ...] | None = None
    present: Codes | None = None
    content: Codes | None = None
    help_kind: Codes | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        """Refuse a visit that ends before it starts."""
        if self.started is not None and self.ended is not None and self.ended < self.started:
            raise ValueError("ended must not be before started")
        return self


class VisitCancelled(Event):
    """A planned visit did not take place; it is not counted."""

    TOPIC: ClassVar[str] = "visit_cancelled"
    LABEL_DA: ClassVar[str] = "Besøg aflyst"
    LABEL_EN: ClassVar[str] = "Visit cancelled"

    kind: Code
    planned_for: Instant
    reason: Annotated[Text, Sealed()]
    by: Code | None = None
    no_show: bool | None = None
    enrolment: Code | None = None


class SupportLevelSet(Event):
    """The amount of support was fixed from the moment of this entry on; hours per week.

    ``attention`` names what called for the adjustment. Source: programme tidlig_indsats_003.
    """

    TOPIC: ClassVar[str] = "support_level_set"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Støtteomfang fastsat"
    LABEL_EN: ClassVar[str] = "Support level set"
    upcast_v1_v2 = staticmethod(unchanged)

    enrolment: Code
    hours_per_week: Number
    visits_per_week: Whole | None = None
    coverage: Code | None = None
    valid_from: Day | None = None
    attention: Annotated[EntryRef | None, Refers(to=("AttentionRaised",))] = None


class AttentionRaised(Event):
    """Staff noticed something that calls for special attention; feedback to the family's advisers is then due.

    Source: programme tidlig_indsats_003.
    """

    TOPIC: ClassVar[str] = "attention_raised"
    LABEL_DA: ClassVar[str] = "Særlig opmærksomhed"
    LABEL_EN: ClassVar[str] = "Attention raised"

    about: People
    severity: Code
    text: Annotated[Text, Sealed(of="about")]
    enrolment: Code | None = None


EVENTS: tuple[type[Event], ...] = (VisitHeld, VisitCancelled, SupportLevelSet, AttentionRaised)
