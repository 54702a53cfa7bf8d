"""Warnings about clocks: given to somebody, delivered or not, opened. The ledger's own record of what it did."""

from typing import Annotated, ClassVar, Literal

from domain.events.base import Code, EntryRef, Event, Instant, Refers, StaffRef
from domain.events.fields import Whole

WarningLevel = Literal["soon", "broken"]
"""Whether the time for the duty runs out soon, or has run out."""

WarningChannel = Literal["page", "mail"]
"""Where somebody is warned: on the page of their day, or by e-mail."""


class WarningSent(Event):
    """Somebody was to be warned of a clock that runs out or has run out: on record before the warning leaves.

    ``rule``, ``trigger`` and ``number`` name the clock, ``due`` is its last instant at that time. ``attempt`` counts
    from 1 for each recipient. On the page it is there from then on; what became of an e-mail is an event of its own.
    """

    TOPIC: ClassVar[str] = "warning_sent"
    LABEL_DA: ClassVar[str] = "Varsel afsendt"
    LABEL_EN: ClassVar[str] = "Warning sent"

    rule: Code
    trigger: Annotated[EntryRef, Refers()]
    number: Whole
    due: Instant
    level: WarningLevel
    channel: WarningChannel
    recipient: StaffRef
    attempt: Whole


class WarningDelivered(Event):
    """The mail server took a warning over for its recipient."""

    TOPIC: ClassVar[str] = "warning_delivered"
    LABEL_DA: ClassVar[str] = "Varsel leveret"
    LABEL_EN: ClassVar[str] = "Warning delivered"

    warning: Annotated[EntryRef, Refers(to=("WarningSent",))]


class WarningNotDelivered(Event):
    """A warning did not reach its recipient, or nobody knows whether it did, for a coded reason."""

    TOPIC: ClassVar[str] = "warning_not_delivered"
    LABEL_DA: ClassVar[str] = "Varsel ikke leveret"
    LABEL_EN: ClassVar[str] = "Warning not delivered"

    warning: Annotated[EntryRef, Refers(to=("WarningSent",))]
    reason: Code


class WarningOpened(Event):
    """The recipient of a warning was shown the deadlines it is about; on record once."""

    TOPIC: ClassVar[str] = "warning_opened"
    LABEL_DA: ClassVar[str] = "Varsel åbnet"
    LABEL_EN: ClassVar[str] = "Warning opened"

    warning: Annotated[EntryRef, Refers(to=("WarningSent",))]


EVENTS: tuple[type[Event], ...] = (WarningSent, WarningDelivered, WarningNotDelivered, WarningOpened)
