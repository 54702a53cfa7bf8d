"""What was on record of a case at some instant: the common currency of every rule, consent, decision and finding.

A question about the past is asked of ``Known`` cut to what was recorded by then. Facts come corrected, without those
annulled, in the order in which they happened.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, cast

from domain.answers import RECORD, ByTopic, Notes
from domain.entries import Entry
from domain.events import BY_TOPIC
from domain.events.administration import CaseOpened
from domain.events.base import Event
from domain.register import effective
from domain.time import Moment, end_of, read_moment, start_of


@dataclass(frozen=True)
class Known:
    """The entries of one case that were on record, in the order recorded; what is read of it is noted.

    ``on_record``, ``by_topic`` and ``happened_by`` note nothing: they are for what keeps the notes.
    """

    on_record: tuple[Entry, ...]
    notes: Notes = field(default_factory=Notes, compare=False, repr=False)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries on record, in the order recorded."""
        self.notes.reads.add(RECORD)
        return self.on_record

    @property
    def facts(self) -> tuple[Entry, ...]:
        """The facts in force, corrected, ordered by when they happened, then version."""
        self.notes.reads.add(RECORD)
        return self._facts

    @cached_property
    def _facts(self) -> tuple[Entry, ...]:
        return effective(self.on_record)

    @cached_property
    def _by_version(self) -> dict[int, Entry]:
        return {fact.version: fact for fact in self._facts}

    @cached_property
    def _recorded(self) -> dict[int, datetime]:
        return {entry.version: entry.recorded_at for entry in self.on_record}

    @cached_property
    def by_topic(self) -> ByTopic:
        """The facts in force by topic, in the order in which they happened."""
        return grouped(self._facts)

    @cached_property
    def _by_topics(self) -> dict[frozenset[str], tuple[Entry, ...]]:
        """The facts of some kinds, each set of kinds once it was asked about."""
        return {}

    @property
    def begun(self) -> datetime:
        """When the first entry was recorded, which stays the same as a case goes on; raises ValueError for none."""
        return min(self._recorded.values())

    @property
    def programme(self) -> str | None:
        """The programme this case is about; None before it is opened."""
        opening = next(iter(self.of(CaseOpened)), None)
        return None if opening is None else str(opening.data["programme"])

    def of(self, *kinds: type[Event]) -> tuple[Entry, ...]:
        """The facts in force of some kinds, in the order in which they happened."""
        if len(kinds) == 1:
            self.notes.reads.add(kinds[0].TOPIC)
            return self.by_topic.get(kinds[0].TOPIC, ())
        topics = frozenset(kind.TOPIC for kind in kinds)
        self.notes.reads |= topics
        if topics not in self._by_topics:
            self._by_topics[topics] = tuple(fact for fact in self._facts if fact.topic in topics)
        return self._by_topics[topics]

    def fact(self, version: int | None) -> Entry | None:
        """The fact in force with a version; None where there is none, or it was annulled."""
        if version is None:
            return None
        self.notes.reads.add(version)
        return self._by_version.get(version)

    def recorded(self, versions: Iterable[int]) -> list[datetime]:
        """When those of some entries that are on record were recorded."""
        asked = tuple(versions)
        self.notes.reads.update(asked)
        return [self._recorded[version] for version in asked if version in self._recorded]

    def recorded_by(self, instant: datetime) -> "Known":
        """What was on record at an instant, equal counts."""
        cut = tuple(entry for entry in self.on_record if entry.recorded_at <= instant)
        return self if len(cut) == len(self.on_record) else Known(cut, self.notes)

    def happened_by(self, instant: datetime) -> tuple[Entry, ...]:
        """The facts in force that had happened at an instant, equal counts."""
        return tuple(fact for fact in self._facts if fact.happened <= instant)


def grouped(facts: Iterable[Entry]) -> ByTopic:
    """Return facts by topic, in the order in which they come."""
    found: dict[str, list[Entry]] = {}
    for fact in facts:
        found.setdefault(fact.topic, []).append(fact)
    return {topic: tuple(same) for topic, same in found.items()}


def moment_of(entry: Entry) -> Moment:
    """Return the moment from which an entry starts or stops a clock: when it was received, available or known of.

    That is the field its kind names, as corrected, where it holds one; otherwise when it happened.
    """
    field = BY_TOPIC[entry.topic].moment_field()
    value = entry.data.get(field) if field else None
    return read_moment(value) if isinstance(value, str) else entry.occurred_at


def counts_from(entry: Entry) -> datetime:
    """Return the instant from which an entry's moment counts, in UTC: a day counts from its start."""
    return start_of(moment_of(entry))


def counts_until(entry: Entry) -> datetime:
    """Return the instant at which an entry's moment is over, in UTC: a day lasts to 23:59:59 in Copenhagen."""
    return end_of(moment_of(entry))


def holds(entry: Entry, field: str) -> bool:
    """Whether an entry has a value in a field, sealed or clear, read or not."""
    return entry.data.get(field) is not None or field in entry.sealed


def many(value: Any) -> tuple[Any, ...]:
    """Return a field that holds one thing or a list of them as a tuple; nothing is an empty one."""
    if value is None:
        return ()
    return tuple(cast(Iterable[Any], value)) if isinstance(value, list | tuple) else (value,)


def known(entries: Iterable[Entry]) -> Known:
    """Return what some entries of one case amount to; they may come in any order."""
    return Known(tuple(sorted(entries, key=lambda entry: entry.version)))
