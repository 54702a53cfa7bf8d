"""The way through a programme: admission, start, phases, packages and closing."""

from typing import Annotated, ClassVar, Literal

from domain.events.base import Code, Day, EntryRef, Event, Refers, Sealed, Text, unchanged
from domain.events.fields import Codes, TargetGroup, Whole


class AdmissionApproved(Event):
    """The body that decides admitted the family to a programme.

    Source: programmes spaed_smaaboern_000 and smaaboernsteam_001.
    """

    TOPIC: ClassVar[str] = "admission_approved"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Visiteret"
    LABEL_EN: ClassVar[str] = "Admission approved"
    upcast_v1_v2 = staticmethod(unchanged)

    programme: Code
    enrolment: Code | None = None
    meeting: Code | None = None
    target_group: TargetGroup | None = None
    config_version: Code | None = None
    decided_by: Code | None = None
    equal_to_placement: bool | None = None
    problem_codes: Codes | None = None
    preconditions_met: Codes | None = None
    preconditions_unmet: Codes | None = None


class InterventionStarted(Event):
    """Support began; starts the clock of the first follow-up and the programme's own clocks.

    Source: barnets lov § 95(2).
    """

    TOPIC: ClassVar[str] = "intervention_started"
    LABEL_DA: ClassVar[str] = "Indsats påbegyndt"
    LABEL_EN: ClassVar[str] = "Intervention started"

    enrolment: Code
    support: Annotated[Text | None, Sealed()] = None
    team: Codes | None = None
    place: Annotated[Text | None, Sealed()] = None


class PhaseEntered(Event):
    """The enrolment entered one of the five phases; phases may be skipped.

    Source: programme smaaboernsteam_001.
    """

    TOPIC: ClassVar[str] = "phase_entered"
    LABEL_DA: ClassVar[str] = "Fase påbegyndt"
    LABEL_EN: ClassVar[str] = "Phase entered"

    enrolment: Code
    phase: Literal[1, 2, 3, 4, 5]
    skipped: tuple[Literal[1, 2, 3, 4, 5], ...] | None = None


class PackageStarted(Event):
    """A package, or the next numbered period of it, began; the pregnancy package has no periods.

    Source: programme spaed_smaabarnsteam_002.
    """

    TOPIC: ClassVar[str] = "package_started"
    LABEL_DA: ClassVar[str] = "Pakkeforløb påbegyndt"
    LABEL_EN: ClassVar[str] = "Package started"

    enrolment: Code
    package: Literal["pregnancy", "infant", "toddler"]
    period: Whole | None = None


class DaycareContacted(Event):
    """Daycare was contacted, a place reserved or a child started there.

    ``identifiable`` says whether the child could be recognised, which is a disclosure that needs a ``basis``.
    Source: programmes smaaboernsteam_001 and opsporing_familietraening_004.
    """

    TOPIC: ClassVar[str] = "daycare_contacted"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Dagtilbud kontaktet"
    LABEL_EN: ClassVar[str] = "Daycare contacted"
    upcast_v1_v2 = staticmethod(unchanged)

    kind: Code
    place: Annotated[Text, Sealed()]
    start: Day | None = None
    enrolment: Code | None = None
    identifiable: bool | None = None
    basis: Code | None = None
    consents: Codes | None = None
    trained_in_method: bool | None = None


class EnrolmentClosed(Event):
    """The programme ended for this family, with a coded reason; its running programme clocks stop.

    Source: programme smaaboernsteam_001.
    """

    TOPIC: ClassVar[str] = "enrolment_closed"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Indsats afsluttet"
    LABEL_EN: ClassVar[str] = "Enrolment closed"
    upcast_v1_v2 = staticmethod(unchanged)

    enrolment: Code
    reason: Code
    next_measure: Annotated[Text | None, Sealed()] = None
    final_meeting: Annotated[EntryRef | None, Refers(to=("MeetingHeld",))] = None
    decided_by: Code | None = None
    next_measure_code: Code | None = None
    team_discussed: bool | None = None
    cross_professional: bool | None = None


EVENTS: tuple[type[Event], ...] = (
    AdmissionApproved,
    InterventionStarted,
    PhaseEntered,
    PackageStarted,
    DaycareContacted,
    EnrolmentClosed,
)
