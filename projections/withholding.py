"""In which cases something is withheld from readers, so that boards of the past leave it out."""

from datetime import datetime
from typing import Any

from domain.entries import Entry
from domain.register import ABOUT_ENTRIES
from domain.rules import Rules
from domain.withheld import withholding_entries

TOPICS = ABOUT_ENTRIES
"""Topics of the entries this question reads."""


def fold(state: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    """Return the corrections and annulments of a case with one more."""
    return (*state, entry)


def parts(state: tuple[Entry, ...], _rules: Rules, _at: datetime | None) -> dict[str, dict[str, Any]]:
    """Return the versions of the entries that withhold something as the only part; none where nothing is withheld."""
    found = [entry.version for entry in withholding_entries(state)]
    return {"": {"by": found}} if found else {}
