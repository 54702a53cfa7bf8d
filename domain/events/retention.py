"""How long a case is kept and how personal data leave it."""

from typing import ClassVar
from uuid import UUID

from domain.events.base import Code, Day, Event, PersonRef, StaffRef
from domain.events.fields import Hash, LegalBasis


class RetentionClassAssigned(Event):
    """It was fixed whether the case goes to the archive and from which day it may be erased."""

    TOPIC: ClassVar[str] = "retention_class_assigned"
    LABEL_DA: ClassVar[str] = "Bevaring eller kassation fastsat"
    LABEL_EN: ClassVar[str] = "Retention class assigned"

    retention_class: Code
    rule_version: Code
    archive: bool
    erase_not_before: Day | None = None


class LegalHoldChanged(Event):
    """Erasure was blocked, or a block was lifted, for a coded reason such as a complaint or a court case."""

    TOPIC: ClassVar[str] = "legal_hold_changed"
    LABEL_DA: ClassVar[str] = "Slettestop ændret"
    LABEL_EN: ClassVar[str] = "Legal hold changed"

    placed: bool
    reason: Code
    until: Day | None = None


class PersonalDataErased(Event):
    """A key was destroyed and with it every text it sealed; entries, times and hashes stay.

    Source: general data protection regulation art. 17; the retention rules.
    """

    TOPIC: ClassVar[str] = "personal_data_erased"
    LABEL_DA: ClassVar[str] = "Personoplysninger slettet"
    LABEL_EN: ClassVar[str] = "Personal data erased"

    key: UUID
    key_commitment: Hash
    basis: LegalBasis
    approved_by: StaffRef
    person: UUID | None = None
    subject: PersonRef | None = None
    evidence: Hash | None = None


EVENTS: tuple[type[Event], ...] = (RetentionClassAssigned, LegalHoldChanged, PersonalDataErased)
