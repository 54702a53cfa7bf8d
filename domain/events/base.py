"""The frame every event stands in: immutable, strictly typed, with an explicit topic and declared sealed fields."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from re import fullmatch
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

from domain.time import Moment, read_day, read_instant, read_moment, utc, write_instant, write_moment

TEXT_LIMIT = 100_000
"""Longest free text in characters."""

NUMBER_LIMIT = 10**12
"""Numbers are smaller than this, so that every JSON reader keeps them exact."""

SMALLEST_STEP = Decimal("0.000001")
"""Numbers are multiples of this."""

CODE_PATTERN = r"^\S([^\n\r]*\S)?$"
"""One line without blanks at either end: codes are compared by equality."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """Marks a field that is stored encrypted for one data subject.

    ``of`` names a field of the same event that holds a person reference. Where it is None or holds anything but
    exactly one person of the case, the case's own key seals the field.
    """

    of: str | None = None


@dataclass(frozen=True, slots=True)
class Refers:
    """Marks a field that holds the version (or a list of versions) of earlier entries of the same case.

    ``to`` lists the event names that may stand there; empty means any.
    """

    to: tuple[str, ...] = ()


def _read_text(read: Callable[[str], Any], *kinds: type) -> BeforeValidator:
    """Return a validator that reads text with ``read``, takes datetimes to UTC and lets other ``kinds`` pass."""

    def validate(value: object) -> object:
        if isinstance(value, datetime):
            return utc(value)
        if isinstance(value, kinds):
            return value
        if not isinstance(value, str):
            raise ValueError("must be text")
        return read(value)

    return BeforeValidator(validate)


def refuse_nul(value: object) -> object:
    """Refuse the character PostgreSQL and most document formats cannot hold."""
    if isinstance(value, str) and "\x00" in value:
        raise ValueError("must not hold the character U+0000")
    return value


def read_number(value: object) -> int | str:
    """Keep whole numbers as integers and write others as decimal text, so that no float is ever stored.

    At most 12 digits before the point and 6 after it; more is refused rather than rounded.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("must be a number")
    if isinstance(value, str) and not fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", value):
        raise ValueError("must be a decimal number such as 37.5")
    if isinstance(value, int):
        if abs(value) >= NUMBER_LIMIT:
            raise ValueError("must have at most 12 digits")
        return value
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError("must be a finite number")
    if abs(number) >= NUMBER_LIMIT or number != number.quantize(SMALLEST_STEP):
        raise ValueError("must have at most 12 digits before the point and 6 after it")
    return int(number) if number == number.to_integral_value() else format(number.normalize(), "f")


Instant = Annotated[
    datetime, _read_text(read_instant, datetime), PlainSerializer(write_instant, return_type=str, when_used="json")
]
"""An instant with offset in JSON (``2026-03-04T14:00:00+01:00``), stored in UTC; naive ones are refused."""

MomentField = Annotated[
    Moment, _read_text(read_moment, datetime, date), PlainSerializer(write_moment, return_type=str, when_used="json")
]
"""An instant with offset, or a date where only the day is known."""

Day = Annotated[date, _read_text(read_day, date), Field(description="Copenhagen calendar date, 2026-03-04")]
Number = Annotated[int | str, BeforeValidator(read_number), Field(description="A number; decimals are stored as text")]
Code = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=CODE_PATTERN), BeforeValidator(refuse_nul)
]
"""A short clear value: a code, an identifier, the name of an office or a law. Never the name of a person."""

PersonRef = Annotated[
    str, StringConstraints(min_length=1, max_length=80, pattern=CODE_PATTERN), BeforeValidator(refuse_nul)
]
"""A person of the case by its reference there (``parent-A``), or ``unborn of parent-A`` before birth."""

StaffRef = Annotated[
    str, StringConstraints(min_length=1, max_length=80, pattern=CODE_PATTERN), BeforeValidator(refuse_nul)
]
"""A member of staff by an opaque id (``u-25``)."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=TEXT_LIMIT), BeforeValidator(refuse_nul)]
"""Free text. Always sealed."""

EntryRef = Annotated[int, Field(ge=1, le=2**31 - 1, description="Version of an earlier entry of the same case")]


class Event(BaseModel):
    """One fact. Subclasses declare ``TOPIC``, Danish and English labels and their fields; instances never change.

    Class attributes: ``TOPIC`` is the stored name and never changes, ``VERSION`` the version of the wire form,
    ``LABEL_DA`` and ``LABEL_EN`` what people are shown.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    TOPIC: ClassVar[str] = ""
    VERSION: ClassVar[int] = 1
    LABEL_DA: ClassVar[str] = ""
    LABEL_EN: ClassVar[str] = ""

    @classmethod
    def name(cls) -> str:
        """Return the name used in stories and requests: the class name."""
        return cls.__name__

    @classmethod
    def moment_field(cls) -> str | None:
        """Return the field that holds the moment clocks run from; None: ``occurred_at`` of the envelope."""
        return None

    def sealed_fields(self) -> dict[str, str | None]:
        """Return the fields to seal, each with the name of the field that holds its data subject (None: the case)."""
        return {name: mark.of for name, mark in sealed_marks(type(self)).items()}


def unchanged(data: dict[str, Any]) -> dict[str, Any]:
    """Return stored facts as they are: the upcaster of a version that only adds fields which may be left out."""
    return data


def sealed_marks(event: type[Event]) -> dict[str, Sealed]:
    """Return the sealed fields an event type declares."""
    return {
        name: mark for name, field in event.model_fields.items() for mark in field.metadata if isinstance(mark, Sealed)
    }


def reference_marks(event: type[Event]) -> dict[str, Refers]:
    """Return the fields of an event type that hold references to earlier entries."""
    return {
        name: mark for name, field in event.model_fields.items() for mark in field.metadata if isinstance(mark, Refers)
    }


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted or from whom a fact comes: opaque staff id, role at that time and organisational unit."""

    id: str
    role: str
    organisation: str | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every entry says about itself beside its facts.

    ``occurred_at`` is when it happened, ``reached_at`` when it came to the municipality's knowledge (None: at once),
    ``reason`` is free text and sealed, ``legal_basis`` lists law references, ``source`` names where a fact comes from.
    ``recorded_at`` is not here: the ledger sets it.
    """

    occurred_at: Moment
    actor: Actor
    commit: UUID
    reached_at: Moment | None = None
    legal_basis: tuple[str, ...] = ()
    reason: str | None = None
    source: str | None = None
    reported_without_gate: bool = False
