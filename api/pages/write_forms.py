"""What a form asks: fields of an event, and what the event's class cannot say about them."""

from dataclasses import dataclass
from enum import StrEnum

from domain.events.base import Event


class Pick(StrEnum):
    """Choices that follow from the case; ``MADE`` is an id that the form makes by itself."""

    MADE = "made"
    CONSENTS = "consents"
    INVESTIGATIONS = "investigations"
    DECISIONS = "decisions"
    HEARD = "heard"
    COMING = "coming"
    HANDOVERS = "handovers"


class Gate(StrEnum):
    """The gate an act passes unless it has been done already."""

    NONE = ""
    DECISION = "decision"
    DISCLOSURE = "disclosure"


@dataclass(frozen=True, slots=True)
class FormField:
    """A field asked for.

    ``choices`` are codes offered, ``other`` lets one type another. ``persons`` offers the persons of the case beside
    them. ``pick`` offers or makes what follows from the case. ``single`` asks for one where the event may hold several.
    ``more`` puts the field among what is seldom needed.
    """

    name: str
    needed: bool = False
    choices: tuple[str, ...] = ()
    other: bool = False
    persons: bool = False
    pick: Pick | None = None
    single: bool = False
    more: bool = False


@dataclass(frozen=True, slots=True)
class WriteAct:
    """An act with an address of its own: the event it records and what is asked for it.

    ``paper`` says that the paper it was signed on may be filed with it.
    """

    path: str
    group: str
    event: type[Event]
    fields: tuple[FormField, ...]
    gate: Gate = Gate.NONE
    paper: bool = False

    def field(self, name: str) -> FormField | None:
        """Return what the form says of a field; None for one it does not ask for."""
        return next((field for field in self.fields if field.name == name), None)
