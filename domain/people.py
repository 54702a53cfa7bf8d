"""The people of a case at an instant: rights, representatives, protection, responsibility, and lives that ended."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from domain.custody import UNBORN, birth_of
from domain.deadlines import Deadline
from domain.entries import Entry
from domain.events.correction import EntryAnnulled, EntryCorrected
from domain.events.people import (
    DeathRecorded,
    PartyRecorded,
    PersonsMerged,
    PersonsUnmerged,
    PregnancyEnded,
    ProtectionEnded,
    ProtectionRecorded,
    RepresentativeAppointed,
    RepresentativeEnded,
)
from domain.events.referral import CaseAllocated
from domain.known import Known, many
from domain.time import end_of, read_day

HIDDEN_KINDS = frozenset({"wrong_person", "wrong_case", "unlawful"})
"""Kinds of annulment whose original is hidden at once from all but audit: it shows what is not this case's."""


def access_right(known: Known, person: str, at: datetime, child: str | None = None) -> str | None:
    """Return a person's standing as a party at an instant, for one child or for all; None where it is not on record."""
    fitting = [
        entry
        for entry in known.of(PartyRecorded)
        if entry.happened <= at and entry.data["person"] == person and entry.data.get("child") in (None, child)
    ]
    return str(fitting[-1].data["status"]) if fitting else None


@dataclass(frozen=True, slots=True)
class Representative:
    """Who speaks for someone, in which capacity, by which entry."""

    representative: str
    represents: tuple[str, ...]
    capacity: str
    entry: int


def representatives(known: Known, at: datetime) -> tuple[Representative, ...]:
    """Return who speaks for whom at an instant."""
    found: dict[tuple[str, tuple[str, ...]], Representative] = {}
    for entry in known.of(RepresentativeAppointed, RepresentativeEnded):
        if entry.happened > at:
            continue
        key = str(entry.data["representative"]), many(entry.data["represents"])
        if entry.topic == RepresentativeEnded.TOPIC:
            found.pop(key, None)
        elif _holds_until(entry, at):
            found[key] = Representative(*key, str(entry.data["capacity"]), entry.version)
    return tuple(found.values())


def _holds_until(entry: Entry, at: datetime) -> bool:
    until = entry.data.get("until")
    return until is None or at <= end_of(read_day(until))


def protections(known: Known, at: datetime) -> dict[str, frozenset[str]]:
    """Return whose name, address or existence is protected at an instant, with the kinds."""
    found: dict[str, set[str]] = {}
    for entry in known.of(ProtectionRecorded, ProtectionEnded):
        kinds = found.setdefault(str(entry.data["person"]), set())
        if entry.happened <= at and entry.topic == ProtectionRecorded.TOPIC and _holds_until(entry, at):
            kinds.add(str(entry.data["kind"]))
        elif entry.happened <= at:
            kinds.discard(str(entry.data["kind"]))
    return {person: frozenset(kinds) for person, kinds in found.items() if kinds}


def responsible(known: Known, at: datetime) -> dict[str, Entry]:
    """Return for each role the allocation that says who was responsible at an instant."""
    return {str(e.data["for_role"]): e for e in known.of(CaseAllocated) if e.happened <= at}


def same_person(known: Known) -> dict[str, str]:
    """Return for each merged reference the one that stands for it; a merge taken back is not in it."""
    found: dict[str, str] = {}
    for entry in known.of(PersonsMerged, PersonsUnmerged):
        if entry.topic == PersonsMerged.TOPIC:
            found[str(entry.data["merged"])] = str(entry.data["kept"])
        else:
            found.pop(str(entry.data["merged"]), None)
    return found


def hidden_versions(known: Known) -> frozenset[int]:
    """Return the entries whose original only audit may see: moved away as another's, or restricted by a correction.

    An annulment or correction that was itself annulled hides nothing.
    """
    about = [e for e in known.entries if e.topic in (EntryAnnulled.TOPIC, EntryCorrected.TOPIC)]
    taken_back = {e.data["annuls"] for e in about if e.topic == EntryAnnulled.TOPIC}
    found: set[int] = set()
    for entry in about:
        if entry.version in taken_back:
            continue
        if entry.topic == EntryAnnulled.TOPIC and entry.data.get("kind") in HIDDEN_KINDS:
            found.add(int(entry.data["annuls"]))
        if entry.topic == EntryCorrected.TOPIC and entry.data.get("restricted"):
            found.add(int(entry.data["corrects"]))
    return frozenset(found)


def silenced(known: Known, clocks: Iterable[Deadline], at: datetime) -> frozenset[tuple[str, int, int]]:
    """Return the clocks that must not remind anyone: about a person who died, or a pregnancy that ended."""
    dead = {str(e.data["person"]) for e in known.of(DeathRecorded) if e.happened <= at}
    ended = {str(e.data["person"]) for e in known.of(PregnancyEnded) if e.happened <= at}
    quiet = dead | {UNBORN + mother for mother in ended}
    stopped: set[tuple[str, int, int]] = set()
    for clock in clocks:
        trigger = known.fact(clock.trigger)
        about_pregnancy = trigger is not None and trigger.topic in ("pregnancy_registered", "due_date_revised")
        if clock.subject in quiet or (about_pregnancy and clock.subject in ended) or _of_dead_child(known, clock, dead):
            stopped.add(clock.key)
    return frozenset(stopped)


def _of_dead_child(known: Known, clock: Deadline, dead: set[str]) -> bool:
    """Whether a clock was started by the birth of a child who died."""
    return any((birth := birth_of(known, child)) is not None and birth.version == clock.trigger for child in dead)
