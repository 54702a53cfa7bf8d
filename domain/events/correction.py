"""How an entry is put right without being changed."""

from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from domain.events.base import Code, EntryRef, Event, PersonRef, Refers, Sealed, Text, unchanged
from domain.events.fields import Codes, Plain


class EntryCorrected(Event):
    """One field of an earlier entry was wrong; from now on its new value counts for the whole life of that entry.

    ``old`` and ``new`` have the type of the corrected field; an absent one means that there is no value.
    ``sealed_for`` is set by the ledger when the corrected field is sealed: the person whose key seals both values,
    or ``case``. Source: general data protection regulation art. 16 and 19.
    """

    TOPIC: ClassVar[str] = "entry_corrected"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Berigtigelse"
    LABEL_EN: ClassVar[str] = "Entry corrected"
    upcast_v1_v2 = staticmethod(unchanged)

    corrects: Annotated[EntryRef, Refers()]
    field: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=80)]
    old: Plain = None
    new: Plain = None
    reason: Annotated[Text, Sealed()]
    requested_by: PersonRef | None = None
    told: Codes | None = None
    sealed_for: Annotated[PersonRef | None, Field(description="Set by the ledger")] = None
    restricted: bool | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        """Refuse a correction that names neither a former nor a new value."""
        if self.old is None and self.new is None:
            raise ValueError("new or old must hold a value")
        return self

    def sealed_fields(self) -> dict[str, str | None]:
        """Return the declared sealed fields, and both values where the corrected field is sealed."""
        declared = super().sealed_fields()
        if self.sealed_for is None:
            return declared
        return declared | {"old": "sealed_for", "new": "sealed_for"}


class EntryAnnulled(Event):
    """An earlier entry should not have been made here; it leaves every answer and stays in the log."""

    TOPIC: ClassVar[str] = "entry_annulled"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Annulleret"
    LABEL_EN: ClassVar[str] = "Entry annulled"
    upcast_v1_v2 = staticmethod(unchanged)

    annuls: Annotated[EntryRef, Refers()]
    reason: Annotated[Text, Sealed()]
    moved_to: UUID | None = None
    kind: Code | None = None


EVENTS: tuple[type[Event], ...] = (EntryCorrected, EntryAnnulled)
