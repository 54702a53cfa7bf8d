"""What a form says: from what was typed to facts, with every field that cannot be used named with why."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from api.pages.language import _
from api.pages.times import Parts, Unreadable, moment_parts, read_moment_parts, read_parts, show_instant
from api.pages.values import kind_of_field
from api.pages.write_fields import (
    Material,
    Option,
    Typed,
    Widget,
    first_of,
    is_needed,
    parts_typed,
    question,
    takes_several,
    text_of,
    widget_of,
)
from api.pages.write_forms import FormField, Pick, WriteAct
from api.pages.write_options import options_of
from api.pages.write_words import DENIALS
from domain.events.approval import DecisionSubmitted
from domain.events.base import TEXT_LIMIT, Event
from domain.known import many
from domain.time import Moment, read_moment, start_of, write_moment


@dataclass(frozen=True, slots=True)
class Answered:
    """What a form says: the facts by field, and what is wrong by field."""

    data: dict[str, Any]
    errors: dict[str, str]


def answered(act: WriteAct, material: Material, typed: Typed) -> Answered:
    """Return what a form says, with every field that cannot be used named with why."""
    data: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for field in act.fields:
        try:
            value = read_value(act, field, options_of(act, field, material), typed)
        except Unreadable as error:
            errors[field.name] = str(error)
            continue
        if value is not None:
            data[field.name] = value
        elif is_needed(act, field):
            errors[field.name] = _needed(act, field)
    return Answered(data, errors)


def _needed(act: WriteAct, field: FormField) -> str:
    return _("Svar på »%(question)s«.", question=question(act, field).rstrip("?"))


def read_value(act: WriteAct, field: FormField, options: Sequence[Option], typed: Typed) -> Any:
    """Return the value of a field as a request would hold it, None for none; raises Unreadable."""
    widget = widget_of(act, field, options)
    if field.pick is Pick.MADE:
        return None
    if widget in (Widget.DAY, Widget.MOMENT):
        return _read_moment(act, field, typed)
    values = [text_of(value) for value in typed.get(field.name, ()) if text_of(value)]
    if widget is Widget.YES_NO:
        return _chosen(values, {"ja": True, "nej": False})
    if widget in (Widget.SELECT, Widget.BOXES):
        return _read_choice(act, field, options, values, text_of(first_of(typed, f"{field.name}_andet")))
    if not values:
        return None
    if widget is Widget.LINES:
        return [line.strip() for line in values[0].split("\n") if line.strip()]
    return _read_plain(act, field.name, values[0])


def _chosen(values: Sequence[str], known: Mapping[str, Any]) -> Any:
    if not values:
        return None
    if values[0] not in known:
        raise Unreadable(_("Vælg en af mulighederne."))
    return known[values[0]]


def _read_moment(act: WriteAct, field: FormField, typed: Typed) -> str | None:
    parts = parts_typed(typed, field.name)
    kind = kind_of_field(act.event.TOPIC, field.name)
    if kind == "date-time":
        instant = read_parts(parts)
        return None if instant is None else write_moment(instant)
    if kind == "date":
        parts = Parts(parts.day, parts.month, parts.year)
    moment = read_moment_parts(parts)
    return None if moment is None else write_moment(moment)


def _read_choice(act: WriteAct, field: FormField, options: Sequence[Option], values: Sequence[str], other: str) -> Any:
    offered = {option.value for option in options}
    if any(value not in offered for value in values):
        raise Unreadable(_("Vælg en af mulighederne."))
    found = list(values)
    if field.other:
        found += [line.strip() for line in other.split("\n") if line.strip()]
    if not found:
        return None
    kept: list[Any] = [int(one) for one in found] if _is_entry(act, field) else found
    several = takes_several(act.event, field.name) and not field.single
    if not several:
        if len(kept) > 1:
            raise Unreadable(_("Vælg én mulighed, eller skriv en anden."))
        return kept[0]
    may_be_alone = "or list" in kind_of_field(act.event.TOPIC, field.name)
    return kept[0] if may_be_alone and len(kept) == 1 else kept


def _is_entry(act: WriteAct, field: FormField) -> bool:
    return kind_of_field(act.event.TOPIC, field.name) == "reference"


def _read_plain(act: WriteAct, name: str, text: str) -> Any:
    kind = kind_of_field(act.event.TOPIC, name)
    if kind == "text":
        if len(text) > TEXT_LIMIT:
            raise Unreadable(
                _(
                    "Teksten er på %(length)s tegn; der er plads til %(limit)s. Gør den kortere.",
                    length=_count(len(text)),
                    limit=_count(TEXT_LIMIT),
                )
            )
        return text
    if kind == "integer":
        if not text.isdecimal():
            raise Unreadable(_("Skriv et helt tal."))
        return int(text)
    if "decimal" in kind:
        number = text.replace(".", "").replace(",", ".") if "," in text else text
        return int(number) if number.lstrip("-").isdecimal() and number.isascii() else number
    if "integer" in kind and text.isdecimal():
        return int(text)
    return text


def _count(number: int) -> str:
    return f"{number:,}".replace(",", ".")


def build(event: type[Event], data: Mapping[str, Any]) -> tuple[Event | None, dict[str, str]]:
    """Return the event of some facts, or None and what is wrong by field."""
    try:
        return event.model_validate_json(json.dumps(data)), {}
    except ValidationError as error:
        found: dict[str, str] = {}
        for one in error.errors(include_url=False, include_input=False):
            name = str(one["loc"][0]) if one["loc"] else ""
            found.setdefault(name, denial(one["type"], one["msg"]))
        return None, found


def denial(kind: str, message: str) -> str:
    """Return why a value cannot be kept, in Danish."""
    for beginning, text in DENIALS.items():
        if beginning in message:
            return _(text)
    match kind:
        case "string_too_long":
            return _("Det er for langt her. Gør det kortere.")
        case "string_pattern_mismatch":
            return _("Skriv på én linje uden særlige tegn.")
        case "missing":
            return _("Udfyld feltet.")
        case _:
            return _("Det kan ikke registreres sådan. Ret værdien.")


def read_when(typed: Typed, name: str, now: datetime) -> Moment | None:
    """Return when something happened or became known, None for now; raises Unreadable, also for what lies ahead."""
    moment = read_moment_parts(parts_typed(typed, name))
    if moment is not None and start_of(moment) > now:
        raise Unreadable(
            _(
                "Tidspunktet er ikke kommet endnu: protokollens ur viser %(now)s. Skriv, hvornår det skete.",
                now=show_instant(now),
            )
        )
    return moment


def said_before(act: WriteAct, material: Material, version: str) -> dict[str, list[str]]:
    """Return what one would have typed for a decision sent for approval; nothing where there is none."""
    entries = material.known.of(DecisionSubmitted)
    entry = next((one for one in entries if str(one.version) == version), None)
    found: dict[str, list[str]] = {}
    if entry is not None:
        for field in act.fields:
            found |= _with_others(field, as_typed(act, field, entry.data.get(field.name)))
    return found


def _with_others(field: FormField, typed: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return what was typed with values that are not offered where one types another."""
    values = typed.get(field.name, [])
    others = [one for one in values if one not in field.choices] if field.other and field.choices else []
    if not others:
        return typed
    return {field.name: [one for one in values if one in field.choices], f"{field.name}_andet": ["\n".join(others)]}


def as_typed(act: WriteAct, field: FormField, value: Any) -> dict[str, list[str]]:
    """Return what one would have typed for a value on record."""
    if value is None:
        return {}
    kind = kind_of_field(act.event.TOPIC, field.name)
    if isinstance(value, bool):
        return {field.name: ["ja" if value else "nej"]}
    if "date" in kind:
        parts = moment_parts(read_moment(str(value)))
        return {f"{field.name}_{part}": [getattr(parts, part)] for part in ("day", "month", "year", "clock")}
    values = list(map(str, many(value)))
    if "decimal" in kind:
        values = [one.replace(".", ",") for one in values]
    offered = set(field.choices)
    lines = takes_several(act.event, field.name) and not offered and kind in ("list of text",)
    return {field.name: ["\n".join(values)] if lines else values}
