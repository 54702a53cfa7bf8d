"""Whether a case has been kept long enough, may be discarded at all, and has reached the archive whole."""

from collections.abc import Iterator
from datetime import datetime

from domain.case_file import ROSTER_TOPICS
from domain.entries import Entry
from domain.events import access, reach, retention, warning
from domain.events.administration import CaseOpened, GateStopped
from domain.events.child import ChildBorn
from domain.events.control import DocumentChecked
from domain.events.retention import ArchiveDelivered, RetentionClassAssigned
from domain.known import Known
from domain.stops import Stop
from domain.time import copenhagen_day, read_day

CHILD = "child"
"""The role of a person because of whom a case is a child's case."""

NO_FACTS = frozenset(event.TOPIC for event in (*retention.EVENTS, *reach.EVENTS, *warning.EVENTS)) | {
    GateStopped.TOPIC,
    DocumentChecked.TOPIC,
    access.RecordViewed.TOPIC,
    access.LookupsWithheld.TOPIC,
    access.StaffNamesReleased.TOPIC,
    access.LookupExtractMade.TOPIC,
    access.LookupsExpired.TOPIC,
    access.LookJudged.TOPIC,
}
"""Topics of entries about keeping, reaching and looking at the case, which the archive need not have."""


def retention_stops(known: Known, at: datetime) -> Iterator[Stop]:
    """Yield what stands against discarding a case at an instant."""
    assigned = [entry for entry in known.of(RetentionClassAssigned) if entry.happened <= at]
    if not assigned:
        yield Stop("NO_RETENTION_CLASS")
        return
    held = assigned[-1]
    yield from _class_stops(held, at)
    if held.data["archive"] or is_childs_case(known):
        yield from _archive_stops(known, at)


def is_childs_case(known: Known) -> bool:
    """Whether a case is about a child: one was born in it, or a person of it has that role. Such a case is kept."""
    return bool(known.of(ChildBorn)) or any(
        person["role"] == CHILD
        for entry in known.entries
        if entry.topic in ROSTER_TOPICS
        for person in (entry.data["persons"] if entry.topic == CaseOpened.TOPIC else [entry.data])
    )


def _class_stops(held: Entry, at: datetime) -> Iterator[Stop]:
    due = held.data.get("erase_not_before")
    if held.data.get("kle") is None:
        yield Stop("NO_KLE_CLASS", (held.version,))
    if held.data.get("council_decision") is None:
        yield Stop("NO_COUNCIL_DECISION", (held.version,))
    if due is None or read_day(due) > copenhagen_day(at):
        yield Stop("ERASURE_NOT_DUE", (held.version,), due)


def _archive_stops(known: Known, at: datetime) -> Iterator[Stop]:
    """The archive must have the case whole: a fact recorded after the last delivery is one that it lacks."""
    accepted = [
        entry.version
        for entry in known.of(ArchiveDelivered)
        if entry.happened <= at and read_day(entry.data["accepted_on"]) <= copenhagen_day(at)
    ]
    if not accepted:
        yield Stop("NO_ARCHIVE_RECEIPT")
        return
    delivered = max(accepted)
    later = tuple(e.version for e in known.entries if e.version > delivered and e.topic not in NO_FACTS)
    if later:
        yield Stop("NOT_ALL_DELIVERED", later)
