"""The child's plan, follow-ups and status notes."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from domain.events.base import Code, Day, EntryRef, Event, PersonRef, Refers, Sealed, Text, unchanged
from domain.events.fields import Codes, Hash, Interval, Offices, People, Whole


class PlanAdopted(Event):
    """The child's plan was written or revised; satisfies the three months after a decision that needs one.

    Source: barnets lov § 91.
    """

    TOPIC: ClassVar[str] = "plan_adopted"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Barnets plan udarbejdet"
    LABEL_EN: ClassVar[str] = "Plan adopted"
    upcast_v1_v2 = staticmethod(unchanged)

    plan: Code
    version: Whole
    goals: Annotated[tuple[Text, ...], Sealed()]
    custody_involved: bool | None = None
    children: People | None = None
    document_hash: Hash | None = None
    family_wishes: Annotated[Text | None, Sealed()] = None


class FollowUpHeld(Event):
    """Progress was followed up; the kind says for the programme, for the statute, or for both joined by ``+``.

    ``progress_by_child`` and ``goal_progress`` say it per child and per goal of the plan, in the codes of ``progress``.
    Source: barnets lov § 95; programme spaed_smaaboern_000.
    """

    TOPIC: ClassVar[str] = "follow_up_held"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Opfølgning"
    LABEL_EN: ClassVar[str] = "Follow-up held"
    upcast_v1_v2 = staticmethod(unchanged)

    kind: Code
    participants: Codes
    progress: Code
    summary: Annotated[Text | None, Sealed()] = None
    prognosis_short: Annotated[Text | None, Sealed()] = None
    prognosis_long: Annotated[Text | None, Sealed()] = None
    next_step: Annotated[Text | None, Sealed()] = None
    enrolment: Code | None = None
    support_sufficient: bool | None = None
    based_on_entries: Annotated[tuple[EntryRef, ...] | None, Refers(to=("StatusNoteWritten",))] = None
    held_by: Code | None = None
    progress_by_child: Mapping[PersonRef, Code] | None = None
    goal_progress: Mapping[Code, Code] | None = None


class FollowUpScheduleDecided(Event):
    """The municipality decided how often to follow up and told the family why.

    Source: barnets lov § 95(3)-(5).
    """

    TOPIC: ClassVar[str] = "follow_up_schedule_decided"
    LABEL_DA: ClassVar[str] = "Tilrettelæggelse af opfølgning besluttet"
    LABEL_EN: ClassVar[str] = "Follow-up schedule decided"

    interval: Interval
    informed: tuple[PersonRef, ...]
    grounds: Annotated[Text | None, Sealed()] = None
    dates: tuple[Day, ...] | None = None


class StatusNoteWritten(Event):
    """A short status was written: for a week, for a period of a package, or as feedback on an attention.

    ``period`` is an ISO week (``2025-W16``) for a weekly note and a number for a package. ``adjustment`` says whether
    an attention calls for other support.
    Source: programmes spaed_smaaboern_000, spaed_smaabarnsteam_002 and tidlig_indsats_003.
    """

    TOPIC: ClassVar[str] = "status_note_written"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Statusnotat"
    LABEL_EN: ClassVar[str] = "Status note written"
    upcast_v1_v2 = staticmethod(unchanged)

    kind: Code
    to: Offices | None = None
    period: Whole | Code | None = None
    package: Literal["pregnancy", "infant", "toddler"] | None = None
    based_on: Code | None = None
    reviewed_with_family: bool | None = None
    attention: Annotated[EntryRef | None, Refers(to=("AttentionRaised",))] = None
    enrolment: Code | None = None
    about: People | None = None
    text: Annotated[Text | None, Sealed(of="about")] = None
    based_on_entry: Annotated[EntryRef | None, Refers(to=("MeetingHeld",))] = None
    with_family: bool | None = None
    needs_met: bool | None = None
    adjustment: Code | None = None


EVENTS: tuple[type[Event], ...] = (PlanAdopted, FollowUpHeld, FollowUpScheduleDecided, StatusNoteWritten)
