"""Pregnancy, birth and custody."""

from typing import Annotated, ClassVar

from domain.events.base import Code, Day, Event, PersonRef, Sealed, Text
from domain.events.fields import Gestation


class PregnancyRegistered(Event):
    """A pregnancy became known with its due date; windows before birth hang on that date.

    Source: barnets lov § 49(3); programme spaed_smaabarnsteam_002.
    """

    TOPIC: ClassVar[str] = "pregnancy_registered"
    LABEL_DA: ClassVar[str] = "Graviditet registreret"
    LABEL_EN: ClassVar[str] = "Pregnancy registered"

    person: PersonRef
    due_date: Day
    method: Code | None = None
    reason: Annotated[Text | None, Sealed(of="person")] = None


class DueDateRevised(Event):
    """The due date was moved; what hangs on it is computed anew and the former date stays visible."""

    TOPIC: ClassVar[str] = "due_date_revised"
    LABEL_DA: ClassVar[str] = "Termin ændret"
    LABEL_EN: ClassVar[str] = "Due date revised"

    person: PersonRef
    due_date: Day
    reason: Annotated[Text, Sealed(of="person")]
    source: Code | None = None


class ChildBorn(Event):
    """A child was born at the moment of this entry; age windows and the clocks after birth start.

    Source: programmes spaed_smaaboern_000 and smaaboernsteam_001.
    """

    TOPIC: ClassVar[str] = "child_born"
    LABEL_DA: ClassVar[str] = "Barnet født"
    LABEL_EN: ClassVar[str] = "Child born"

    child: PersonRef
    mother: PersonRef
    gestation: Gestation | None = None
    source: Code | None = None
    unborn: PersonRef | None = None


class CustodyRecorded(Event):
    """Who holds custody of a child was recorded; changes whose consent is needed and who is heard."""

    TOPIC: ClassVar[str] = "custody_recorded"
    LABEL_DA: ClassVar[str] = "Forældremyndighed registreret"
    LABEL_EN: ClassVar[str] = "Custody recorded"

    child: PersonRef
    holders: tuple[PersonRef, ...]
    kind: Code
    valid_from: Day | None = None
    source: Code | None = None


EVENTS: tuple[type[Event], ...] = (PregnancyRegistered, DueDateRevised, ChildBorn, CustodyRecorded)
