"""Field types the groups share: people, counts, hashes, periods and values without floats."""

from typing import Annotated, Any, cast

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, StringConstraints

from domain.cpr import read_person_number
from domain.events.base import TEXT_LIMIT, Code, PersonRef, StaffRef, Text, read_number, refuse_nul

CASE_SUBJECT = "case"
"""Stands where a person reference is expected and means that the case's own key seals the field."""


def _not_reserved(ref: str) -> str:
    """Refuse the reference that means the case itself."""
    if ref == CASE_SUBJECT:
        raise ValueError("is reserved: it stands for the case itself")
    return ref


def _plain_text(text: str) -> str:
    """Return a text that can be stored as it is."""
    if len(text) > TEXT_LIMIT:
        raise ValueError("must not hold a text longer than the limit for free text")
    refuse_nul(text)
    return text


def without_floats(value: object) -> object:
    """Return a JSON value with whole floats as integers and other floats as decimal text, at any depth."""
    if isinstance(value, dict):
        return {_plain_text(str(key)): without_floats(item) for key, item in cast(dict[Any, Any], value).items()}
    if isinstance(value, list | tuple):
        return [without_floats(item) for item in cast(list[Any], value)]
    if isinstance(value, str):
        return _plain_text(value)
    if value is None or isinstance(value, bool):
        return value
    return read_number(value)


def _normal_identifier(text: str) -> str:
    return read_person_number(text).digits


Identifier = Annotated[Text, AfterValidator(_normal_identifier)]
"""A CPR or replacement number, kept as ten digits. Always sealed; the unborn have none."""

People = PersonRef | Annotated[tuple[PersonRef, ...], Field(min_length=1)]
"""One person of the case, or a list of them."""

Offices = Code | Annotated[tuple[Code, ...], Field(min_length=1)]
"""One office or body, or a list of them."""

Staff = StaffRef | Annotated[tuple[StaffRef, ...], Field(min_length=1)]
"""One member of staff, or a list of them."""

NewPersonRef = Annotated[PersonRef, AfterValidator(_not_reserved)]
"""A reference given to a person who enters a case."""

Codes = tuple[Code, ...]
"""A list of codes, in the order given."""

LegalBasis = Code | Annotated[tuple[Code, ...], Field(min_length=1)]
"""One law reference or a list of them."""

Whole = Annotated[int, Field(ge=0, lt=10**9)]
"""A count; never negative."""

Position = Annotated[int, Field(ge=1, le=2**53 - 1, description="Position in the ledger, counted from 1")]
"""A position in the ledger."""

TargetGroup = Whole | Code
"""Number of the target group in the programme text, or its code where the programme does not number them."""

Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 as 64 lower-case hexadecimal digits."""

Interval = Annotated[
    str,
    StringConstraints(min_length=3, pattern=r"^P([0-9]{1,3}Y)?([0-9]{1,3}M)?([0-9]{1,3}W)?([0-9]{1,4}D)?$"),
    Field(description="ISO 8601 period of whole days or longer, P6W"),
]
"""A period the calendar can add: years, months, weeks and days (ISO 8601, ``P6W``)."""

Gestation = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{1,2}(\+[0-6])?$"),
    Field(description="Completed weeks and days of pregnancy, 39+5"),
]
"""Completed weeks of pregnancy, with days where known (``39+5``)."""

Plain = Annotated[JsonValue, BeforeValidator(without_floats)]
"""Any JSON value without floats."""
