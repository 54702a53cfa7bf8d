"""Fields of a form: how each is asked is read from its event's class."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache, cached_property

from api.pages.language import _
from api.pages.texts import field_label
from api.pages.times import Parts
from api.pages.values import PERSON_FIELDS, Piece, Words, kind_of_field, words_of
from api.pages.views import entry_address
from api.pages.write_acts import REFUSED_SCOPE
from api.pages.write_forms import FormField, Pick, WriteAct
from api.pages.write_words import HINTS, QUESTIONS
from api.reading import CaseLook
from domain.events.base import Event
from domain.events.catalogue import wire_form
from domain.known import Known

NEW = "ny"
NO_PARTS = Parts()


class Widget(StrEnum):
    """How a field is asked."""

    TEXT = "text"
    LINE = "line"
    LINES = "lines"
    SELECT = "select"
    BOXES = "boxes"
    YES_NO = "yes_no"
    DAY = "day"
    MOMENT = "moment"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a field."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class LinkedWords(Words):
    """The words of a case on a page that does not show its entries: references lead to the page of the case."""

    case: str = ""

    def reference(self, version: int) -> Piece:
        """Return an entry as a link to where it stands in the case."""
        there = Words(self.persons, self.entries, frozenset({version}))
        return Piece(there.reference(version).text, entry_address(self.case, version))


def linked_words(look: CaseLook) -> LinkedWords:
    """Return the words of a case for a page of its own beside the case's."""
    words = words_of(look, ())
    return LinkedWords(words.persons, words.entries, case=str(look.file.case))


@dataclass(frozen=True)
class Material:
    """What the forms of a case draw on: the case as its writer sees it now, and the ledger's time."""

    look: CaseLook
    now: datetime

    @cached_property
    def known(self) -> Known:
        """The case as it is on record."""
        return Known(tuple(self.look.entries))

    @cached_property
    def words(self) -> Words:
        """The words of the case."""
        return linked_words(self.look)


Typed = Mapping[str, Sequence[str]]
"""What was typed, all values of each name."""


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field as shown: what is asked, what was typed, and what is wrong with it."""

    name: str
    label: str
    widget: Widget
    hint: str = ""
    options: tuple[Option, ...] = ()
    chosen: tuple[str, ...] = ()
    typed: str = ""
    parts: Parts = NO_PARTS
    other: str | None = None
    error: str | None = None
    needed: bool = False
    more: bool = False

    @property
    def described(self) -> str:
        """The ids of what is said beside the field: its hint and what is wrong."""
        said = (f"{self.name}_hint" if self.hint else "", f"{self.name}_error" if self.error else "")
        return " ".join(filter(None, said))

    @property
    def anchor(self) -> str:
        """The id of the first place where something is typed."""
        if self.widget in (Widget.DAY, Widget.MOMENT):
            return f"{self.name}_day"
        return f"{self.name}-0" if self.widget in (Widget.BOXES, Widget.YES_NO) and self.options else self.name


@cache
def takes_several(event: type[Event], name: str) -> bool:
    """Whether a field can hold a list."""
    return name == REFUSED_SCOPE or '"array"' in json.dumps(wire_form(event)["fields"].get(name, {}))


@cache
def is_required(event: type[Event], name: str) -> bool:
    """Whether an event cannot be without a field."""
    return name in event.model_fields and event.model_fields[name].is_required()


def is_needed(act: WriteAct, field: FormField) -> bool:
    """Whether the form asks for an answer."""
    if field.name in ("valid_from", "consents") or field.pick is Pick.MADE:
        return False
    return field.needed or is_required(act.event, field.name)


def widget_of(act: WriteAct, field: FormField, options: Sequence[Option]) -> Widget:
    """Return how a field is asked."""
    kind = kind_of_field(act.event.TOPIC, field.name)
    several = takes_several(act.event, field.name) and not field.single
    if kind == "boolean":
        return Widget.YES_NO
    if kind == "date":
        return Widget.DAY
    if "date-time" in kind:
        return Widget.MOMENT
    if kind == "text":
        return Widget.TEXT
    if kind == "reference" or options:
        return Widget.BOXES if several else Widget.SELECT
    return Widget.LINES if several else Widget.LINE


def asks_person(act: WriteAct, field: FormField) -> bool:
    """Whether a field names persons of the case."""
    bounded = '"maxLength": 80' in json.dumps(wire_form(act.event)["fields"].get(field.name, {}))
    return field.persons or (field.name in PERSON_FIELDS and bounded and not field.choices and not field.other)


def parts_typed(typed: Typed, name: str) -> Parts:
    """Return what was typed for a time."""
    return Parts(*(first_of(typed, f"{name}_{part}") for part in ("day", "month", "year", "clock")))


def first_of(typed: Typed, name: str) -> str:
    values = typed.get(name) or ("",)
    return values[0]


def text_of(value: str) -> str:
    """Return a text as it is kept: lines as Unix ends them, nothing blank around."""
    return value.replace("\r\n", "\n").strip()


def question(act: WriteAct, field: FormField) -> str:
    """Return what a form asks for a field."""
    asked = QUESTIONS.get(f"{act.path}.{field.name}")
    return _(asked) if asked else field_label(act.event.TOPIC, field.name)


def view_of(
    act: WriteAct, field: FormField, options: tuple[Option, ...], typed: Typed, error: str | None = None
) -> FieldView:
    """Return a field that offers some options, with what was typed."""
    widget = widget_of(act, field, options)
    hint = HINTS.get("to_staff" if act.event.TOPIC == "case_allocated" and field.name == "to" else field.name, "")
    return FieldView(
        field.name,
        question(act, field),
        widget,
        _(hint) if hint else "",
        options,
        tuple(filter(None, typed.get(field.name, ()))),
        first_of(typed, field.name),
        parts_typed(typed, field.name),
        first_of(typed, f"{field.name}_andet") if field.other and options else None,
        error,
        is_needed(act, field),
        field.more,
    )
