"""The course of a case in parts, so that the page of a long one is as quick as that of a short one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil

from api.pages.timeline import Item, items_of, shown_entries
from api.pages.values import Words, words_of
from api.reading import CaseLook
from domain.entries import Entry

PART = 200
"""How many entries one part holds at most."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a course: which it is of how many, and the first entry of the parts beside it.

    ``absent`` is the entry asked for where the course does not hold it.
    """

    entries: tuple[Entry, ...]
    number: int
    parts: int
    before: int | None
    after: int | None
    absent: int | None


@dataclass(frozen=True, slots=True)
class _PartWords(Words):
    """The words of a case on a page of one part: other entries are linked to where they stand."""

    here: frozenset[int] = field(default_factory=frozenset[int])
    elsewhere: Callable[[int], str] = str

    def link(self, version: int) -> str:
        """Return where an entry stands: on this page or on that of its part."""
        return super(_PartWords, self).link(version) if version in self.here else self.elsewhere(version)


def course(look: CaseLook, *, newest_first: bool) -> list[Entry]:
    """Return the entries that belong on the page, in the order they happened as now known, then by version."""
    shown = shown_entries(look)
    return shown[::-1] if newest_first else shown


def part_of(entries: Sequence[Entry], version: int | None = None) -> Part:
    """Return the part that holds an entry; the first where none is asked for, or one that is not there."""
    place = next((at for at, entry in enumerate(entries) if entry.version == version), None)
    at, last = (place or 0) // PART, max(1, ceil(len(entries) / PART)) - 1
    return Part(
        entries=tuple(entries[at * PART : (at + 1) * PART]),
        number=at + 1,
        parts=last + 1,
        before=entries[(at - 1) * PART].version if at else None,
        after=entries[(at + 1) * PART].version if at < last else None,
        absent=version if place is None else None,
    )


def items_of_part(
    look: CaseLook, entries: Sequence[Entry], part: Part, elsewhere: Callable[[int], str]
) -> tuple[Item, ...]:
    """Return the entries of a part as shown; ``elsewhere`` returns where an entry of another part stands."""
    words = words_of(look, (entry.version for entry in entries))
    here = frozenset(entry.version for entry in part.entries)
    linked = _PartWords(words.persons, words.entries, words.shown, here=here, elsewhere=elsewhere)
    return items_of(linked, look, part.entries)
