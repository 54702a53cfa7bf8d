"""Who has looked: one remembered row per look for each case it showed and each person whose data it showed.

A look stands in its viewer's stream, and is asked for by case and by person. What of it is clear is all there is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.entries import Entry
from domain.events.access import LookupsExpired, RecordViewed
from domain.known import many

TOPICS = frozenset({RecordViewed.TOPIC, LookupsExpired.TOPIC})
REMEMBERED = (
    "viewer",
    "role",
    "organisation",
    "purpose",
    "matter",
    "what",
    "refused",
    "refusal",
    "break_glass",
    "as_of_position",
    "known_at",
    "valid_at",
)
"""What is remembered of a look."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """Rows of a view that go: those known since a position or before, but for whatever is also about a key kept."""

    upto: int
    kept: tuple[UUID, ...]


def expiry(entry: Entry) -> Expiry | None:
    """Return which rows an entry lets go; None for one that lets none go."""
    if entry.topic != LookupsExpired.TOPIC:
        return None
    return Expiry(int(entry.data["upto"]), tuple(map(UUID, many(entry.data.get("kept")))))


def rows(look: Entry) -> Iterable[tuple[UUID, str, dict[str, Any]]]:
    """Yield the row of a look for each case and person, named by its position; none of a look without content.

    ``persons`` counts those whose data were shown; it is left out where the look does not say.
    """
    if look.topic != RecordViewed.TOPIC or not look.data:
        return ()
    value = {name: look.data[name] for name in REMEMBERED if look.data.get(name) is not None}
    if look.data.get("subjects") is not None:
        value["persons"] = len(look.data["subjects"])
    keys = dict.fromkeys((*many(look.data["cases"]), *many(look.data.get("subjects"))))
    return [(UUID(key), str(look.position), value) for key in keys]
