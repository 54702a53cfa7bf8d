"""What the rows of a foreign system mean: a map in TOML from columns to cases, people and events.

Form ``import-map/1``, documented in ``docs/import.md``. Nothing of what a row holds is repeated in a message.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from api.bodies import pointed
from domain.errors import Malformed, Problem
from domain.events import EVENTS
from domain.time import COPENHAGEN, Moment, read_moment

CASE, PERSON = "case", "person"
OPENING_FIELDS = frozenset({"programme"})
PERSON_FIELDS = frozenset({"ref", "role", "full_name", "identifier"})
SEALED_AS_GIVEN = frozenset({"identifier", "full_name"})
CPR = re.compile(r"[0-9]{6}[- ]?[0-9]{4}")
Row = Mapping[str, Any]


class ImportMapError(Exception):
    """A map cannot be used; the message names file, place and reason."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Spec(_Part):
    """Where a value comes from: a column (nested members with dots between) or always the same ``value``.

    ``values`` translates, ``date`` reads a day or local time by strptime, ``number`` reads with comma or point,
    ``split`` makes a list. An empty column, or one that is not there, is no value.
    """

    column: str | None = None
    value: Any = None
    values: dict[str, Any] | None = None
    date: str | None = None
    number: bool = False
    split: str | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> "Spec":
        """Refuse a value from two places, or from none."""
        if (self.column is None) == (self.value is None):
            raise ValueError("needs either column or value")
        return self

    def read(self, row: Row) -> Any:
        """Return the value of a row; None for none. Raises ValueError with reason and remedy."""
        if self.column is None:
            return self.value
        found = _member(row, self.column)
        if found is None or found == "":
            return None
        if self.split is not None:
            return [self._one(part.strip()) for part in _text(found).split(self.split) if part.strip()]
        return self._one(found)

    def _one(self, found: Any) -> Any:
        if self.values is not None:
            if (text := _text(found)) not in self.values:
                raise ValueError("has a value that the map does not translate: add it under values")
            return self.values[text]
        if self.date is not None:
            return _local(_text(found), self.date)
        return _number(_text(found)) if self.number else found


class KindMap(_Part):
    """What one kind of row becomes: a new case, a person of one, or an event of the catalogue with its times."""

    act: str
    occurred_at: Spec
    reached_at: Spec | None = None
    registered_at: Spec | None = Field(default=None, description="When the foreign system says it was recorded there")
    data: dict[str, Spec] = Field(default_factory=dict[str, Spec])

    @model_validator(mode="after")
    def _known(self) -> "KindMap":
        """Refuse an act that is none, and fields that it does not have."""
        if self.act not in (CASE, PERSON) and self.act not in EVENTS:
            raise ValueError("act must be case, person or an event of docs/events.md")
        fields = {CASE: OPENING_FIELDS, PERSON: PERSON_FIELDS}.get(self.act) or EVENTS[self.act].model_fields.keys()
        if not self.data.keys() <= fields:
            raise ValueError("data names a field that the act does not have")
        return self


class ImportMap(_Part):
    """A whole map: the system's name, the columns with case, row id and kind, and what each kind becomes."""

    form: Literal["import-map/1"]
    source: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")
    id: str
    case: str
    kind: str
    delimiter: str = Field(default=";", min_length=1, max_length=1)
    encoding: Literal["utf-8", "utf-8-sig", "cp1252", "latin-1"] = "utf-8-sig"
    kinds: dict[str, KindMap] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a row says: act, case number and id there, claimed times, and the values of the act's fields."""

    act: str
    case: str
    id: str
    occurred_at: Moment
    reached_at: Moment | None
    registered_at: Moment | None
    data: Mapping[str, Any]


def read_map(path: Path) -> ImportMap:
    """Read a map; raises ImportMapError with place and reason."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
        return ImportMap.model_validate(content)
    except OSError:
        raise ImportMapError(f"{path}: cannot be read") from None
    except UnicodeDecodeError:
        raise ImportMapError(f"{path}: is not written in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line [0-9]+, column [0-9]+|at end of document", str(error))
        raise ImportMapError(f"{path}: is no TOML {place[0] if place else ''}".strip()) from None
    except ValidationError as error:
        found = pointed(error, None)
        places = ["/".join(map(str, one["loc"])) for one in error.errors(include_input=False, include_context=False)]
        told = "; ".join(f"{place} {p.detail}".strip() for place, p in zip(places, found, strict=False))
        raise ImportMapError(f"{path}: {told}") from None


def claim_of(mapped: ImportMap, row: Row) -> Claim:
    """Return what a row says; raises Malformed with column, reason and remedy of everything that is wrong."""
    problems: list[Problem] = []
    kind = mapped.kinds.get(_cell(row, mapped.kind))
    if kind is None:
        raise Malformed([Problem(mapped.kind, "has a kind that the map does not know: add it under kinds")])
    case, number = (_identifier(row, column, problems) for column in (mapped.case, mapped.id))
    moments = {
        name: _moment(getattr(kind, name), row, problems) for name in ("occurred_at", "reached_at", "registered_at")
    }
    if moments["occurred_at"] is None and not problems:
        problems.append(Problem(_place(kind.occurred_at), "is missing: say when it happened"))
    data = {name: _value(name, spec, row, problems) for name, spec in kind.data.items()}
    if problems:
        raise Malformed(problems)
    kept = {name: value for name, value in data.items() if value is not None}
    occurred_at = cast(Moment, moments["occurred_at"])
    return Claim(kind.act, case, number, occurred_at, moments["reached_at"], moments["registered_at"], kept)


def column_of(mapped: ImportMap, row: Row, field: str) -> str:
    """Return the column that a field of a row's act comes from; the field itself where it comes from none."""
    if field == "case":
        return mapped.case
    kind = mapped.kinds.get(_cell(row, mapped.kind))
    spec = kind and (kind.occurred_at if field == "occurred_at" else kind.data.get(field))
    return _place(spec) if spec else field


def _place(spec: Spec) -> str:
    return spec.column or "value of the map"


def _identifier(row: Row, column: str, problems: list[Problem]) -> str:
    """Return a number that stands in clear for ever, so that it must not be somebody's."""
    text = _cell(row, column)
    if not re.fullmatch(r"[^\s](.{0,38}[^\s])?", text):
        problems.append(Problem(column, "is missing or too long: 1 to 40 characters, the same in every extract"))
    elif CPR.fullmatch(text):
        problems.append(Problem(column, "looks like a CPR number, which must not stand in clear: use another number"))
    return text


def _moment(spec: Spec | None, row: Row, problems: list[Problem]) -> Moment | None:
    if spec is None:
        return None
    try:
        found = spec.read(row)
        return None if found is None else read_moment(_text(found))
    except ValueError as error:
        problems.append(Problem(_place(spec), str(error)))
        return None


def _value(name: str, spec: Spec, row: Row, problems: list[Problem]) -> Any:
    try:
        value = spec.read(row)
    except ValueError as error:
        problems.append(Problem(_place(spec), str(error)))
        return None
    if name == "ref" and isinstance(value, str) and CPR.fullmatch(value):
        problems.append(
            Problem(_place(spec), "looks like a CPR number, which must not stand in clear: use another name")
        )
    return value


def _member(row: Row, path: str) -> Any:
    """Return a column, or a member of nested objects by names with dots between."""
    if path in row:
        return row[path]
    value: Any = row
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = cast(Mapping[str, Any], value).get(name)
    return value


def _cell(row: Row, column: str) -> str:
    """Return a column as text; empty where it holds none."""
    try:
        return _text(_member(row, column))
    except ValueError:
        return ""


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int | float):
        return str(value)
    raise ValueError("must be text or a number")


def _number(text: str) -> int | str:
    plain = text.replace(",", ".")
    if not re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", plain):
        raise ValueError("is not a number: write digits with at most one comma or point")
    return int(plain) if "." not in plain else plain


def _local(text: str, form: str) -> str:
    """Return a day, or a time of Copenhagen's clocks as an instant; refuses hours that were not, or were twice."""
    try:
        found = datetime.strptime(text, form)  # noqa: DTZ007 - the zone follows
    except ValueError:
        raise ValueError("is not a date of the form that the map names") from None
    if "%H" not in form:
        return found.date().isoformat()
    if found.tzinfo is not None:
        return found.isoformat()
    first, second = (found.replace(tzinfo=COPENHAGEN, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        raise ValueError("falls in the hour when the clocks are changed: give it with its offset, or the day alone")
    return first.isoformat()
