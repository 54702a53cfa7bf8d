"""The steering group's overview of a programme: how many families are on the way in, ongoing and on the way out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.entries import Entry
from domain.events.meeting import SteeringOverviewPublished
from domain.events.people import SiblingLinked
from domain.register import effective, order
from domain.steering import ON_THE_WAY_IN, ON_THE_WAY_OUT, ONGOING, heading
from ledger.mapper import read_clear
from ledger.store import Ledger
from projections.boards import PartRow

COUNTED = (ON_THE_WAY_IN, ONGOING, ON_THE_WAY_OUT)
"""The headings under which families are counted."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """One enrolment under a heading."""

    case: UUID
    enrolment: str | None
    status: str
    heading: str


@dataclass(frozen=True, slots=True)
class Overview:
    """Families by heading, the enrolments behind the numbers, and the overviews published before.

    A family with several cases, or several enrolments under a heading, counts once there.
    """

    families: Mapping[str, int]
    enrolments: tuple[Enrolled, ...]
    published: tuple[Entry, ...]


def overview(
    ledger: Ledger, rows: Iterable[PartRow], programme: str, position: int, reading: str | None = None
) -> Overview:
    """Return the overview of a programme from remembered case states, as known at a position.

    ``reading`` is that of A17: what counts as on the way in.
    """
    own = [row for row in rows if row.value["programme"] == programme]
    enrolled = [one for row in own for one in _enrolled(row.case, row.value, reading)]
    families = _families(ledger, position)
    counts = {
        name: len({families.get(one.case, one.case) for one in enrolled if one.heading == name}) for name in COUNTED
    }
    cases = {row.case for row in own}
    published = [
        entry for entry in _in_force(ledger, SteeringOverviewPublished.TOPIC, position) if entry.stream in cases
    ]
    return Overview(counts, tuple(enrolled), tuple(sorted(published, key=order)))


def _enrolled(case: UUID, state: Mapping[str, Any], reading: str | None) -> Iterable[Enrolled]:
    for one in state["enrolments"]:
        under = heading(one["status"], reading)
        if under in COUNTED:
            yield Enrolled(case, one["enrolment"], one["status"], under)


def _families(ledger: Ledger, position: int) -> Mapping[UUID, UUID]:
    """Return for each case linked to a sibling's the case that stands for the family."""
    family: dict[UUID, UUID] = {}
    for entry in _in_force(ledger, SiblingLinked.TOPIC, position):
        if entry.data.get("case") is not None:
            one, other = _head(family, entry.stream), _head(family, UUID(entry.data["case"]))
            family[max(one, other)] = min(one, other)
    return {case: _head(family, case) for case in family}


def _head(family: Mapping[UUID, UUID], case: UUID) -> UUID:
    while family.get(case, case) != case:
        case = family[case]
    return case


def _in_force(ledger: Ledger, topic: str, position: int) -> tuple[Entry, ...]:
    """Return the entries of a topic in force at a position, corrected, from all cases."""
    cases = {row.stream for row in ledger.read_topic(topic, position)}
    record: dict[UUID, list[Entry]] = {case: [] for case in cases}
    for stored in ledger.read_streams(list(cases), position):
        record[stored.stream].append(read_clear(stored))
    return tuple(entry for entries in record.values() for entry in effective(entries) if entry.topic == topic)
