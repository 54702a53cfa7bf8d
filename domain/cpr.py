"""Reading CPR numbers and the replacement numbers given to people who have none.

Seventh digit and year together say the century. The check digit has not been binding since October 2007, so it is
told and never demanded. Source: CPR-kontoret, Personnummeret i CPR-systemet; lov om Det Centrale Personregister § 3.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Kind = Literal["cpr", "replacement"]

REMEDY = "write a CPR number or a replacement number as DDMMYY-SSSS; leave it out for somebody who has none"
REPLACEMENT_DAYS = 60
"""A replacement number has this much added to its day."""

_FORM = re.compile(r"([0-9]{6})[- ]?([0-9]{4})")
_WEIGHTS = (4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
_MODULUS = 11


@dataclass(frozen=True, slots=True)
class PersonNumber:
    """A number that can be somebody's: ten digits, its kind, the date it holds, and whether the check digit fits.

    ``born_on`` is the date of birth of a CPR number; that of a replacement number is the date it was coded with.
    """

    digits: str = field(repr=False)
    kind: Kind
    born_on: date = field(repr=False)
    check_digit_fits: bool


def read_person_number(text: str) -> PersonNumber:
    """Read a number with or without a hyphen or blank before its last four digits.

    Raises ValueError, with reason and remedy and without the number, for what is of another form or holds no date.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"must be ten digits: {REMEDY}")
    digits = match[1] + match[2]
    day, month, year = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    kind: Kind = "replacement" if day > REPLACEMENT_DAYS else "cpr"
    day -= REPLACEMENT_DAYS if kind == "replacement" else 0
    try:
        born_on = date(_century(int(digits[6]), year) + year, month, day)
    except ValueError:
        raise ValueError(f"must begin with a day that was in the calendar: {REMEDY}") from None
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=True))
    return PersonNumber(digits, kind, born_on, total % _MODULUS == 0)


def kind_of(text: str | None) -> Kind | None:
    """Return the kind of a number on record; None where there is none, or something that is no such number."""
    try:
        return None if text is None else read_person_number(text).kind
    except ValueError:
        return None


def _century(seventh: int, year: int) -> int:
    """Return the first year of the century that the seventh digit and the year within it stand for."""
    if seventh <= 3 or (seventh in (4, 9) and year >= 37):
        return 1900
    return 1800 if seventh in (5, 6, 7, 8) and year >= 58 else 2000
