"""Meetings, the steering group's overview and the shared log."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from domain.events.base import Code, Event, Sealed, StaffRef, Text, unchanged
from domain.events.fields import Codes, Hash, Whole


class MeetingHeld(Event):
    """A meeting took place; a final follow-up meeting moves the enrolment towards its closing.

    ``decisions`` holds what was agreed as codes with numbers, codes or yes and no, because later counts use it.
    Source: programmes smaaboernsteam_001 and spaed_smaabarnsteam_002.
    """

    TOPIC: ClassVar[str] = "meeting_held"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Møde afholdt"
    LABEL_EN: ClassVar[str] = "Meeting held"
    upcast_v1_v2 = staticmethod(unchanged)

    type: Code
    participants: Codes
    parents_present: bool | None = None
    parents_invited: bool | None = None
    agenda: Annotated[tuple[Text, ...] | None, Sealed()] = None
    decisions: Mapping[Code, bool | Whole | Code] | None = None
    outcome: Annotated[Text | None, Sealed()] = None
    minutes: Annotated[Text | None, Sealed()] = None
    minutes_by: StaffRef | None = None
    minutes_hash: Hash | None = None
    material: Annotated[Text | None, Sealed()] = None
    working_points: Annotated[tuple[Text, ...] | None, Sealed()] = None
    parents_view: Annotated[Text | None, Sealed()] = None
    enrolment: Code | None = None
    invited: Codes | None = None
    plans_presented: Codes | None = None
    agenda_template: Code | None = None
    agenda_items: Codes | None = None
    video_used: bool | None = None
    points_presented: bool | None = None
    job_centre_considered: bool | None = None


class SteeringOverviewPublished(Event):
    """The steering group saw how many families are on the way in, ongoing and on the way out; due twice a year.

    Source: programme smaaboernsteam_001.
    """

    TOPIC: ClassVar[str] = "steering_overview_published"
    LABEL_DA: ClassVar[str] = "Styregruppeoversigt"
    LABEL_EN: ClassVar[str] = "Steering overview published"

    meeting: Code
    counts: Mapping[Code, Whole]
    enrolments: Mapping[Code, Code]


class RelayLogOpened(Event):
    """A log shared between professions was opened; it rests on a consent.

    Source: programme spaed_smaabarnsteam_002.
    """

    TOPIC: ClassVar[str] = "relay_log_opened"
    LABEL_DA: ClassVar[str] = "Stafetlog oprettet"
    LABEL_EN: ClassVar[str] = "Relay log opened"

    log: Code
    consent: Code
    holder: StaffRef
    readers: Codes | None = None


EVENTS: tuple[type[Event], ...] = (MeetingHeld, SteeringOverviewPublished, RelayLogOpened)
