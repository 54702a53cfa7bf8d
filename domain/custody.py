"""Who holds custody of a child, as recorded, and which persons are the same before and after birth."""

from datetime import datetime

from domain.entries import Entry
from domain.events.child import ChildBorn, CustodyRecorded
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


def one_person(known: Known, ref: str) -> frozenset[str]:
    """Return every reference that means this person: a child is the unborn of its mother as well."""
    refs = {ref}
    for birth in known.of(ChildBorn):
        before = str(birth.data.get("unborn") or UNBORN + birth.data["mother"])
        if ref in (birth.data["child"], before):
            refs |= {str(birth.data["child"]), before}
    return frozenset(refs)
