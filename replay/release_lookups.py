"""What codes and rules of a release mean: event types, rules with their books, and what was left out."""

from pathlib import Path
from typing import Any

from domain.events import BY_TOPIC
from domain.release_fields import EVENT_FIELDS, LEFT_OUT_EVENTS
from domain.release_views import LEFT_OUT_VIEWS
from domain.rules import Rules
from replay.release_files import write_rows

EVENT_TYPES = {"topic": "string", "version": "int64", "danish": "string", "english": "string", "left_out": "string"}
RULES = {
    "rule": "string",
    "rule_version": "int64",
    "book": "string",
    "book_version": "string",
    "programme": "string",
    "adopted_at_position": "int64",
    "kind": "string",
    "level": "string",
    "danish": "string",
    "english": "string",
    "citation": "string",
}
FIELDS = {"table": "string", "field": "string", "leaves_as": "string"}


def write_lookups(folder: Path, rules: Rules) -> dict[Path, int]:
    """Write what explains the tables of a release; returns the rows of each."""
    written: dict[Path, int] = {}
    for name, schema, rows in (
        ("event_types", EVENT_TYPES, _event_types()),
        ("rules", RULES, _rules(rules)),
        ("fields", FIELDS, _fields()),
    ):
        path = folder / "lookups" / f"{name}.parquet"
        write_rows(path, schema, rows)
        written[path] = len(rows)
    return written


def _event_types() -> list[dict[str, Any]]:
    return [
        {
            "topic": topic,
            "version": event.VERSION,
            "danish": event.LABEL_DA,
            "english": event.LABEL_EN,
            "left_out": LEFT_OUT_EVENTS.get(topic),
        }
        for topic, event in sorted(BY_TOPIC.items())
    ]


def _rules(rules: Rules) -> list[dict[str, Any]]:
    """Return every rule of every adoption, in the order adopted: which held when is told by positions."""
    return [
        {
            "rule": rule.id,
            "rule_version": rule.version,
            "book": adoption.book.book.id,
            "book_version": adoption.book.book.version,
            "programme": adoption.book.book.programme,
            "adopted_at_position": adoption.position,
            "kind": rule.kind,
            "level": str(rule.level),
            "danish": rule.danish,
            "english": rule.english,
            "citation": rule.citation,
        }
        for adoption in rules.adoptions
        for rule in adoption.book.rule
    ]


def _fields() -> list[dict[str, Any]]:
    """Return how each field of each event leaves, the fields that do not among them."""
    found: list[dict[str, Any]] = []
    for topic, fields in sorted(EVENT_FIELDS.items()):
        found += [{"table": topic, "field": one.field, "leaves_as": one.kind} for one in fields.columns()]
        found += [{"table": topic, "field": name, "leaves_as": None} for name in fields.out.split()]
    found += [{"table": view, "field": None, "leaves_as": None} for view in sorted(LEFT_OUT_VIEWS)]
    return found
