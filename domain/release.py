"""What of the clear part may leave the ledger in a release for analysts, field by field.

The clear part holds no names and no texts; in law it is still pseudonymised data of a special category. Minimised for
statistics, as a data protection officer would ask (general data protection regulation art. 5(1)(c), 25 and 89):

* whatever points at a person, a member of staff, a place or a case is a pseudonym of the release;
* numbers of cases, names of documents, hashes, keys and whatever only identifies are left out;
* times of day are left out, days of birth, death and term become months; how long something took stays, in minutes;
* codes pass where they have the shape of a code, so that no name or number typed into one slips through;
* who looked at what, who somebody is and who may see what are no statistics and are left out whole.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["code", "law", "number", "decimal", "flag", "day", "month", "person", "local", "staff", "office", "id"]
"""How a value leaves: ``code``, ``law``, ``number``, ``decimal`` and ``flag`` as they are; ``day`` and ``month`` as
dates; ``person`` and ``local`` as pseudonyms within their case, ``staff``, ``office`` and ``id`` within the release."""

KINDS: tuple[Kind, ...] = (
    "code",
    "law",
    "number",
    "decimal",
    "flag",
    "day",
    "month",
    "person",
    "local",
    "staff",
    "office",
    "id",
)
PSEUDONYMS = frozenset[Kind]({"person", "local", "staff", "office", "id"})
"""Kinds that leave as pseudonyms."""

HIDDEN = "(hidden)"
"""Stands for a code that does not have the shape of one."""

_CODE = re.compile(r"(?:[a-z0-9][a-z0-9_.:/+=,-]{0,79}|[A-Z0-9][A-Z0-9_.-]{0,39})")
_LONG_NUMBER = re.compile(r"[0-9]{5}")
_LAW = re.compile(r"[a-zæøå.-]+(?: lov(?:en)?)? §§? ?[0-9]{1,3}[a-z]?(?: ?stk\. ?[0-9]{1,2})?(?: ?nr\. ?[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the name of the field and of the column, its kind, and whether it holds a list."""

    field: str
    name: str
    kind: Kind
    many: bool


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of an event, or of what a view remembers, by how they leave: names separated by blanks.

    ``*`` after a name says that it may hold several values. ``out`` names those that are left out. ``mappings`` are
    exported as lists of pairs, ``nested`` as lists of records, ``within`` as columns named after both.
    """

    code: str = ""
    law: str = ""
    number: str = ""
    decimal: str = ""
    flag: str = ""
    day: str = ""
    month: str = ""
    person: str = ""
    local: str = ""
    staff: str = ""
    office: str = ""
    id: str = ""
    out: str = ""
    mappings: Mapping[str, tuple[Kind, Kind]] = field(default_factory=dict[str, tuple[Kind, Kind]])
    nested: Mapping[str, "Fields"] = field(default_factory=dict[str, "Fields"])
    within: Mapping[str, "Fields"] = field(default_factory=dict[str, "Fields"])

    def columns(self) -> tuple[Column, ...]:
        """Return the columns of single values and of lists, in the order of the kinds."""
        return tuple(
            Column(name.rstrip("*"), name.rstrip("*"), kind, name.endswith("*"))
            for kind in KINDS
            for name in str(getattr(self, kind)).split()
        )

    def names(self) -> Iterator[str]:
        """Yield the name of every field that is classified, also of those left out."""
        yield from (column.field for column in self.columns())
        yield from self.out.split()
        yield from (*self.mappings, *self.nested, *self.within)


def code_of(value: object) -> str:
    """Return a code that may leave; HIDDEN for what does not have the shape of one or holds a long number."""
    text = str(value)
    return text if _CODE.fullmatch(text) and not _LONG_NUMBER.search(text) else HIDDEN


def law_of(value: object) -> str:
    """Return the reference to a law at the beginning of a legal basis, without what is written after it."""
    found = _LAW.match(str(value).strip())
    return found.group() if found else code_of(value)
