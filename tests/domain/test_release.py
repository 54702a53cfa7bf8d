"""What may leave in a release: every field is classified, as what it holds; codes and laws pass by their shape."""

from typing import Any

import pytest

from domain.events import BY_TOPIC
from domain.events.catalogue import wire_form
from domain.release import HIDDEN, code_of, law_of
from domain.release_fields import EVENT_FIELDS, LEFT_OUT_EVENTS
from domain.release_views import LEFT_OUT_VIEWS, VIEW_FIELDS
from projections.view import VIEWS

TYPES = {
    "number": {"integer"},
    "flag": {"boolean"},
    "decimal": {"integer", "string"},
    "id": {"uuid"},
    "day": {"date", "date-time"},
    "month": {"date"},
}
"""What the JSON schema of a field may say where its kind is no text."""


def types(schema: dict[str, Any]) -> tuple[set[str], bool]:
    """Return the types a schema allows, null aside, and whether there may be several values."""
    if "anyOf" in schema:
        found = [types(choice) for choice in schema["anyOf"] if choice.get("type") != "null"]
        return {one for names, _ in found for one in names}, any(many for _, many in found)
    if schema.get("type") == "array":
        return types(schema["items"])[0], True
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return {"integer" if isinstance(value, int) else "string" for value in values}, False
    return {str(schema.get("format") or schema.get("type"))}, False


def clear_fields(topic: str) -> dict[str, Any]:
    """Return the schemas of the fields of an event that are not sealed."""
    form = wire_form(BY_TOPIC[topic])
    return {name: schema for name, schema in form["fields"].items() if name not in form["sealed"]}


def test_every_event_has_a_place() -> None:
    """An event leaves or is left out, and not both."""
    assert not EVENT_FIELDS.keys() & LEFT_OUT_EVENTS.keys()
    assert EVENT_FIELDS.keys() | LEFT_OUT_EVENTS.keys() == BY_TOPIC.keys()


@pytest.mark.parametrize("topic", EVENT_FIELDS)
def test_every_field_of_an_event_has_a_place(topic: str) -> None:
    """A field that is new is classified before it leaves, and a sealed one never is."""
    named = list(EVENT_FIELDS[topic].names())
    assert sorted(named) == sorted(clear_fields(topic))


@pytest.mark.parametrize("topic", EVENT_FIELDS)
def test_a_field_leaves_as_what_it_holds(topic: str) -> None:
    """The kind fits the type, and a field that may hold several values leaves as a list."""
    fields = clear_fields(topic)
    for column in EVENT_FIELDS[topic].columns():
        found, many = types(fields[column.field])
        assert column.many == many, column.field
        assert found <= TYPES.get(column.kind, {"string", "integer"}), column.field


def test_every_view_has_a_place() -> None:
    """A view leaves or is left out; what it remembers is checked where it is exported."""
    assert VIEW_FIELDS.keys() | LEFT_OUT_VIEWS.keys() == VIEWS.keys()


@pytest.mark.parametrize("value", ["home_visit", "BL-136-24H", "2025-W02", "P6W", "39+5", "27.24.00", "score", "1", 5])
def test_codes_pass(value: object) -> None:
    """What looks like a code leaves as it is."""
    assert code_of(value) == str(value)


@pytest.mark.parametrize(
    "value", ["Alma Eksempel", "Alma", "010190-1234", "0101901234", "family of Eksempel", "", "tlf 12345678", "x" * 90]
)
def test_what_is_no_code_is_hidden(value: str) -> None:
    """A name, a number of a person or a sentence typed where a code belongs does not leave."""
    assert code_of(value) == HIDDEN


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("barnets lov § 32 stk. 1 nr. 5", "barnets lov § 32 stk. 1 nr. 5"),
        ("barnets lov § 24 (expectant parents; from memory)", "barnets lov § 24"),
        ("forvaltningsloven § 19", "forvaltningsloven § 19"),
        ("gdpr_art15", "gdpr_art15"),
        ("as agreed with Alma Eksempel", HIDDEN),
    ],
)
def test_laws_leave_without_what_is_written_after_them(value: str, left: str) -> None:
    """Of a legal basis the reference leaves."""
    assert law_of(value) == left
