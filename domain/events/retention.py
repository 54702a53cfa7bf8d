"""How long a case is kept and how personal data leave it."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from domain.events.base import Code, Day, EntryRef, Event, PersonRef, Refers, Sealed, StaffRef, Text, unchanged
from domain.events.fields import Hash, LegalBasis, Offices, Whole

ErasureGround = Literal["retention", "misregistered", "unlawful"]
"""Why data are erased: kept long enough and handed to the archive, about the wrong person, or unlawfully collected."""

ErasureScope = Literal["case", "person", "entries"]
"""What is erased: the case and all persons in it, one person of it, or the texts of some entries."""


class RetentionClassAssigned(Event):
    """It was fixed whether the case goes to the archive and from which day it may be erased.

    ``kle`` is the municipality's subject group and action facet, ``council_decision`` the decision that documents of
    that class may be discarded. Source: order 183 of 26 January 2018.
    """

    TOPIC: ClassVar[str] = "retention_class_assigned"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Bevaring eller kassation fastsat"
    LABEL_EN: ClassVar[str] = "Retention class assigned"
    upcast_v1_v2 = staticmethod(unchanged)

    retention_class: Code
    rule_version: Code
    archive: bool
    erase_not_before: Day | None = None
    kle: Code | None = None
    council_decision: Code | None = None


class ArchiveDelivered(Event):
    """The case was handed to an archive, which confirmed it with a receipt.

    Source: arkivloven; order 128 of 12 February 2020.
    """

    TOPIC: ClassVar[str] = "archive_delivered"
    LABEL_DA: ClassVar[str] = "Afleveret til arkiv"
    LABEL_EN: ClassVar[str] = "Archive delivered"

    archive: Code
    receipt: Code
    accepted_on: Day


class LegalHoldChanged(Event):
    """Erasure was blocked, or a block was lifted, for a coded reason such as a complaint or a court case."""

    TOPIC: ClassVar[str] = "legal_hold_changed"
    LABEL_DA: ClassVar[str] = "Slettestop ændret"
    LABEL_EN: ClassVar[str] = "Legal hold changed"

    placed: bool
    reason: Code
    until: Day | None = None


class ErasureProposed(Event):
    """Somebody proposed to erase; nothing is erased before somebody else has decided it."""

    TOPIC: ClassVar[str] = "erasure_proposed"
    LABEL_DA: ClassVar[str] = "Sletning foreslået"
    LABEL_EN: ClassVar[str] = "Erasure proposed"

    ground: ErasureGround
    scope: ErasureScope
    legal_basis: LegalBasis
    reason: Annotated[Text, Sealed()]
    subject: PersonRef | None = None
    entries: Annotated[Annotated[tuple[EntryRef, ...], Field(min_length=1, max_length=500)] | None, Refers()] = None


class ErasureRejected(Event):
    """A proposal to erase was turned down; the data stay."""

    TOPIC: ClassVar[str] = "erasure_rejected"
    LABEL_DA: ClassVar[str] = "Sletning afvist"
    LABEL_EN: ClassVar[str] = "Erasure rejected"

    proposal: Annotated[EntryRef, Refers(to=("ErasureProposed",))]
    reason: Annotated[Text, Sealed()]


class PersonalDataErased(Event):
    """A key was destroyed and with it every text it sealed; entries, times and hashes stay.

    With ``entries`` instead of a key the sealed bytes of those entries are removed. ``key_epoch`` says under which
    key-encryption key the destroyed one was wrapped: backups that hold it die with that epoch. ``reapplied`` says that
    an erasure decided earlier was carried out once more after a restore.
    Source: general data protection regulation art. 17; the retention rules.
    """

    TOPIC: ClassVar[str] = "personal_data_erased"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Personoplysninger slettet"
    LABEL_EN: ClassVar[str] = "Personal data erased"
    upcast_v1_v2 = staticmethod(unchanged)

    key: UUID | None = None
    key_commitment: Hash | None = None
    basis: LegalBasis
    approved_by: StaffRef
    person: UUID | None = None
    subject: PersonRef | None = None
    evidence: Hash | None = None
    ground: ErasureGround | None = None
    scope: ErasureScope | None = None
    proposal: Annotated[EntryRef | None, Refers(to=("ErasureProposed",))] = None
    key_epoch: Whole | None = None
    entries: Annotated[Annotated[tuple[EntryRef, ...], Field(min_length=1)] | None, Refers()] = None
    reapplied: bool | None = None


class CiphertextRemoved(Event):
    """The sealed bytes of entries that nobody can open any more were removed from the database; hashes stay."""

    TOPIC: ClassVar[str] = "ciphertext_removed"
    LABEL_DA: ClassVar[str] = "Krypterede bytes fjernet"
    LABEL_EN: ClassVar[str] = "Ciphertext removed"

    erasure: Annotated[EntryRef, Refers(to=("PersonalDataErased",))]
    entries: Whole


class RecipientTold(Event):
    """Whoever had received data was told that they were corrected, erased, or rest on a consent that has ended.

    ``about`` is the correction, erasure or withdrawal. Source: general data protection regulation art. 19.
    """

    TOPIC: ClassVar[str] = "recipient_told"
    LABEL_DA: ClassVar[str] = "Modtager underrettet"
    LABEL_EN: ClassVar[str] = "Recipient told"

    about: Annotated[EntryRef, Refers(to=("EntryCorrected", "EntryAnnulled", "PersonalDataErased", "ConsentWithdrawn"))]
    recipients: Offices
    channel: Code | None = None
    impossible: Annotated[Text | None, Sealed()] = None


EVENTS: tuple[type[Event], ...] = (
    RetentionClassAssigned,
    ArchiveDelivered,
    LegalHoldChanged,
    ErasureProposed,
    ErasureRejected,
    PersonalDataErased,
    CiphertextRemoved,
    RecipientTold,
)
