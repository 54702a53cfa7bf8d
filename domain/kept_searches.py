"""The searches that a member of staff keeps, folded from the stream in which they were kept and let go."""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.entries import Entry
from domain.events.access import SearchDropped, SearchKept

MOST_KEPT = 20
"""How many searches one member of staff keeps at most."""


@dataclass(frozen=True, slots=True)
class KeptSearch:
    """A search as it was typed, and the name it is kept under."""

    name: str
    query: str


def kept_searches(entries: Iterable[Entry]) -> tuple[KeptSearch, ...]:
    """Return the searches kept after some entries, by name; entries whose texts cannot be read count for nothing."""
    found: dict[str, KeptSearch] = {}
    for entry in entries:
        name = entry.data.get("label")
        if not isinstance(name, str):
            continue
        if entry.topic == SearchKept.TOPIC:
            found[same_name(name)] = KeptSearch(name, str(entry.data["query"]))
        elif entry.topic == SearchDropped.TOPIC:
            found.pop(same_name(name), None)
    return tuple(found[name] for name in sorted(found))


def same_name(name: str) -> str:
    """Return what two names have in common that are one: capital letters do not tell them apart."""
    return name.casefold()
