"""What the API says of looks, and of a person's extract of them, as JSON values."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from domain.look_extract import Extract
from domain.looks import Look
from domain.time import write_instant

INSTANTS = ("looked_at", "known_at", "valid_at")
NOT_ALL = {
    "da": "Udskriften er ikke nødvendigvis fuldstændig: opslag kan være undtaget efter databeskyttelseslovens § 22, "
    "også uden at det må oplyses.",
    "en": "The extract may not be complete: look-ups may be withheld under section 22 of the Data Protection Act, also "
    "where that may not be said.",
}
"""Stands on every extract, so that its absence or presence tells nothing."""


def looks(found: Iterable[Look]) -> list[dict[str, Any]]:
    """Return looks for a reader who may know who looked."""
    return [_values(look) for look in found]


def _values(look: Look) -> dict[str, Any]:
    values: dict[str, Any] = {**asdict(look), "key": str(look.key)}
    for name in INSTANTS:
        values[name] = None if values[name] is None else write_instant(values[name])
    return values


def extract(found: Extract) -> dict[str, Any]:
    """Return an extract as the person may see it: how many looks are left out only as far as they are mentioned."""
    return {
        "items": [asdict(row) | {"looked_at": write_instant(row.looked_at)} for row in found.rows],
        "withheld_and_mentioned": found.mentioned,
        "note": dict(NOT_ALL),
    }
