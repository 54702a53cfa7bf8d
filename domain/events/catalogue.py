"""What the event classes say about themselves: the wire form that is frozen, and the catalogue for readers."""

import inspect
from collections.abc import Mapping
from typing import Any, cast

from domain.events import GROUPS
from domain.events.base import TEXT_LIMIT, Event, reference_marks, sealed_marks

PROSE = frozenset({"title", "description"})
"""Parts of a JSON schema that do not change what is stored."""

NAMED_BY_READERS = frozenset({"properties", "$defs"})
"""Parts of a JSON schema whose keys are names of fields or types, not words of the schema language."""

INTRODUCTION = """\
# Events

Everything a ledger can hold, written from the event classes. A field marked `?` may be left out. *Sealed* fields are
stored encrypted under the key of the person in the field named after them, or under the case's own key. *Refers* means
the version of an earlier entry of the same case. Sources are for orientation: section numbers await the confirmation
of a lawyer.
"""


def trimmed(schema: Any) -> Any:
    """Return a JSON schema without the words that are only for readers."""
    if isinstance(schema, list):
        return [trimmed(item) for item in cast(list[Any], schema)]
    if not isinstance(schema, dict):
        return schema
    parts = cast(dict[str, Any], schema)
    return {key: _trimmed_part(key, part) for key, part in parts.items() if key not in PROSE}


def _trimmed_part(key: str, part: Any) -> Any:
    """Trim one part, keeping every name where the keys are names."""
    if key in NAMED_BY_READERS:
        return {name: trimmed(schema) for name, schema in part.items()}
    return trimmed(part)


def wire_form(event: type[Event]) -> dict[str, Any]:
    """Return the stored form of an event type: topic, version, fields, sealed fields and references."""
    schema = trimmed(event.model_json_schema())
    return {
        "topic": event.TOPIC,
        "version": event.VERSION,
        "fields": schema.get("properties", {}),
        "required": schema.get("required", []),
        "definitions": schema.get("$defs", {}),
        "sealed": {name: mark.of for name, mark in sealed_marks(event).items()},
        "references": {name: list(mark.to) for name, mark in reference_marks(event).items()},
    }


def catalogue_markdown() -> str:
    """Return the catalogue of all events as Markdown."""
    parts = [INTRODUCTION]
    for group, events in GROUPS.items():
        parts.append(f"## {group.capitalize()}\n")
        parts.extend(_section(event) for event in events)
    return "\n".join(parts)


def _section(event: type[Event]) -> str:
    """Return the part of the catalogue about one event."""
    form = wire_form(event)
    lines = [
        f"### {event.name()}",
        "",
        f"*{event.LABEL_EN}* ({event.LABEL_DA}), topic `{event.TOPIC}`, version {event.VERSION}.",
        "",
        inspect.getdoc(event) or "",
        "",
        "| field | type | note |",
        "|---|---|---|",
    ]
    return "\n".join(lines + [_row(name, form) for name in form["fields"]]) + "\n"


def _row(name: str, form: Mapping[str, Any]) -> str:
    """Return the table row of one field."""
    notes: list[str] = []
    if name in form["sealed"]:
        subject = form["sealed"][name]
        notes.append(f"sealed for `{subject}`" if subject else "sealed for the case")
    if name in form["references"]:
        notes.append("refers to " + (", ".join(form["references"][name]) or "any entry"))
    mark = "" if name in form["required"] else "?"
    return f"| `{name}`{mark} | {kind_of(form['fields'][name])} | {'; '.join(notes)} |"


def kind_of(schema: Mapping[str, Any]) -> str:
    """Return a short name for what a JSON schema allows; null is left out, because ``?`` says it."""
    if "anyOf" in schema:
        kinds = [kind_of(choice) for choice in schema["anyOf"] if choice.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    return _simple_kind(schema)


def _simple_kind(schema: Mapping[str, Any]) -> str:
    """Return the short name of a schema without alternatives."""
    kind = schema.get("format") or schema.get("type", "any JSON value without floats")
    if kind == "array":
        return f"list of {kind_of(schema['items'])}"
    if kind == "object" and "additionalProperties" in schema:
        return f"mapping of code to {kind_of(schema['additionalProperties'])}"
    if kind != "string":
        return str(kind)
    if schema.get("maxLength", 0) >= TEXT_LIMIT:
        return "text"
    return "code" if {"maxLength", "pattern"} & schema.keys() else "decimal text"
