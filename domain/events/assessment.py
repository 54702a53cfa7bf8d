"""Investigations, assessments with instruments and the child's own view."""

from typing import Annotated, ClassVar

from domain.events.base import (
    Code,
    Day,
    EntryRef,
    Event,
    Number,
    PersonRef,
    Refers,
    Sealed,
    StaffRef,
    Text,
    unchanged,
)
from domain.events.fields import Codes, Hash, LegalBasis, People, TargetGroup


class InvestigationOpened(Event):
    """A child investigation was opened; its four months run from ``aware_since``, not from the opening.

    Source: barnets lov §§ 20 and 26.
    """

    TOPIC: ClassVar[str] = "investigation_opened"
    LABEL_DA: ClassVar[str] = "Børnefaglig undersøgelse iværksat"
    LABEL_EN: ClassVar[str] = "Investigation opened"

    investigation: Code
    aware_since: Day
    legal_basis: LegalBasis
    subject: People
    decided_by: Code | None = None


class PreliminaryAssessmentRecorded(Event):
    """An investigation could not be finished in time and a preliminary assessment was written instead.

    Source: barnets lov § 20(3).
    """

    TOPIC: ClassVar[str] = "preliminary_assessment_recorded"
    LABEL_DA: ClassVar[str] = "Foreløbig vurdering"
    LABEL_EN: ClassVar[str] = "Preliminary assessment recorded"

    investigation: Code
    reason: Annotated[Text, Sealed()]
    expected_end: Day | None = None


class InvestigationCompleted(Event):
    """A child investigation ended in a reasoned conclusion; may make the first follow-up due the same day.

    ``measures_at_birth`` says of coming parents that measures right after birth may be needed.
    Source: barnets lov §§ 20, 22 and 95(2).
    """

    TOPIC: ClassVar[str] = "investigation_completed"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Børnefaglig undersøgelse afsluttet"
    LABEL_EN: ClassVar[str] = "Investigation completed"
    upcast_v1_v2 = staticmethod(unchanged)

    investigation: Code
    conclusion: Annotated[Text, Sealed()]
    target_group: TargetGroup | None = None
    support_proposed: Code | None = None
    views: Annotated[Text | None, Sealed()] = None
    topics: Codes | None = None
    measures_at_birth: bool | None = None


class AssessmentOrdered(Event):
    """An assessment of a person was ordered, for example of parental competence; ``begins_on`` is its first day.

    Source: programmes spaed_smaaboern_000 and spaed_smaabarnsteam_002.
    """

    TOPIC: ClassVar[str] = "assessment_ordered"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Undersøgelse bestilt"
    LABEL_EN: ClassVar[str] = "Assessment ordered"
    upcast_v1_v2 = staticmethod(unchanged)

    assessment: Code
    instrument: Code
    about: People
    mandatory: bool
    question: Annotated[Text | None, Sealed(of="about")] = None
    psychologist_authorised: bool | None = None
    due: Day | None = None
    begins_on: Day | None = None


class AssessmentRecorded(Event):
    """A result was recorded with the scale and cut-off used; a score outside its own scale is still a fact.

    Source: programme spaed_smaabarnsteam_002 for the instruments.
    """

    TOPIC: ClassVar[str] = "assessment_recorded"
    LABEL_DA: ClassVar[str] = "Måling registreret"
    LABEL_EN: ClassVar[str] = "Assessment recorded"

    instrument: Code
    about: People
    result_kind: Code
    assessment: Code | None = None
    score: Number | None = None
    scale_min: Number | None = None
    scale_max: Number | None = None
    cutoff: Number | None = None
    items: tuple[Number, ...] | None = None
    direction: Code | None = None
    variant: Code | None = None
    purpose: Code | None = None
    repeat_of: Annotated[EntryRef | None, Refers(to=("AssessmentRecorded",))] = None
    summary: Annotated[Text | None, Sealed(of="about")] = None
    prognosis_short: Annotated[Text | None, Sealed(of="about")] = None
    prognosis_long: Annotated[Text | None, Sealed(of="about")] = None
    instrument_version: Code | None = None
    performed_by: StaffRef | None = None
    certified: bool | None = None
    media_hash: Hash | None = None


class ChildViewObtained(Event):
    """The child's view was obtained, in a talk or by the other means that the reason explains.

    Source: barnets lov § 5(3)-(4).
    """

    TOPIC: ClassVar[str] = "child_view_obtained"
    LABEL_DA: ClassVar[str] = "Barnets perspektiv inddraget"
    LABEL_EN: ClassVar[str] = "Child's view obtained"

    method: Code
    reason: Annotated[Text, Sealed(of="child")]
    legal_basis: LegalBasis | None = None
    child: PersonRef | None = None
    without_parent: bool | None = None
    conducted_by: StaffRef | None = None
    view: Annotated[Text | None, Sealed(of="child")] = None


EVENTS: tuple[type[Event], ...] = (
    InvestigationOpened,
    PreliminaryAssessmentRecorded,
    InvestigationCompleted,
    AssessmentOrdered,
    AssessmentRecorded,
    ChildViewObtained,
)
