"""A look at a record: who was shown what, or was refused it, when, and what for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.time import read_instant


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a case or at a person's data, named by its position in the ledger.

    ``key`` is the case or person by which it was asked for, ``persons`` how many people's data it showed, None where
    it does not say. ``refusal`` says why nothing was shown. ``known_at`` and ``valid_at`` are the instants asked about.
    """

    key: UUID
    position: int
    looked_at: datetime
    viewer: str
    role: str
    purpose: str
    what: str
    refused: bool = False
    break_glass: bool = False
    organisation: str | None = None
    matter: str | None = None
    refusal: str | None = None
    persons: int | None = None
    as_of_position: int | None = None
    known_at: datetime | None = None
    valid_at: datetime | None = None


def look_of(key: UUID, position: int, looked_at: datetime, values: Mapping[str, Any]) -> Look:
    """Return a look from what is remembered of it."""
    content: dict[str, Any] = {**values}
    for name in ("known_at", "valid_at"):
        content[name] = read_instant(values[name]) if name in values else None
    return Look(key, position, looked_at, **content)
