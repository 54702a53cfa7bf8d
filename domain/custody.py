"""Who holds custody of a child, as recorded, and which persons are the same before and after birth."""

from collections.abc import Mapping
from datetime import datetime

from domain.entries import Entry
from domain.events.child import ChildBorn, CustodyRecorded
from domain.events.people import PersonsMerged, PersonsUnmerged
from domain.known import Known

UNBORN = "unborn of "
"""A child before birth is referred to by its mother: ``unborn of parent-A``."""


def custody_record(known: Known, at: datetime, child: str | None = None) -> Entry | None:
    """Return the latest record of custody by an instant, of one child or of any; None where there is none."""
    records = [entry for entry in known.of(CustodyRecorded) if entry.happened <= at]
    fitting = [entry for entry in records if child is None or entry.data["child"] == child]
    return fitting[-1] if fitting else None


def custody_holders(known: Known, at: datetime, child: str | None = None) -> tuple[str, ...]:
    """Return who holds custody at an instant; nobody where it is not on record."""
    record = custody_record(known, at, child)
    return tuple(record.data["holders"]) if record else ()


def children(known: Known) -> tuple[str, ...]:
    """Return the children born in the case, in order of birth."""
    return tuple(dict.fromkeys(str(birth.data["child"]) for birth in known.of(ChildBorn)))


def birth_of(known: Known, child: str) -> Entry | None:
    """Return the birth of a child; None where it is not on record."""
    return next((birth for birth in known.of(ChildBorn) if birth.data["child"] == child), None)


def same_person(known: Known) -> Mapping[str, str]:
    """Return for each merged reference the one that stands for it; a merge taken back is not in it."""
    found: dict[str, str] = {}
    for entry in known.of(PersonsMerged, PersonsUnmerged):
        if entry.topic == PersonsMerged.TOPIC:
            found[str(entry.data["merged"])] = str(entry.data["kept"])
        else:
            found.pop(str(entry.data["merged"]), None)
    return found


def one_person(known: Known, ref: str) -> frozenset[str]:
    """Return every reference that means this person.

    A child is the unborn of its mother as well, and who was merged is who stands for them.
    """
    merged = same_person(known)
    refs = {ref, merged.get(ref, ref), *(one for one, kept in merged.items() if kept in (ref, merged.get(ref)))}
    for birth in known.of(ChildBorn):
        before = str(birth.data.get("unborn") or UNBORN + birth.data["mother"])
        if not refs.isdisjoint((birth.data["child"], before)):
            refs |= {str(birth.data["child"]), before}
    return frozenset(refs)
