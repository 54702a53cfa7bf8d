"""The register of a case: what its entries amount to once corrections and annulments are applied, and in what order.

An entry is never changed. A correction or annulment is an entry of its own that refers to an earlier one by version.
Whatever is known is applied to the whole life of the entry, so the time asked about never decides whether a
correction counts: only which entries are handed in does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain.entries import Entry
from domain.time import Moment, read_moment

CORRECTED = "entry_corrected"
ANNULLED = "entry_annulled"
ABOUT_ENTRIES = frozenset({CORRECTED, ANNULLED})
"""Topics of entries that say something about another entry and are no facts of the case themselves."""

_FIXED = {CORRECTED: frozenset({"corrects", "field"}), ANNULLED: frozenset({"annuls"})}
"""What a correction or annulment is about stays as recorded: a wrong one is annulled and made anew."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One correction of an entry as it stands now.

    ``new`` is its value with corrections of the correction applied; None stands for no value. ``unread`` is true
    where the new value is sealed and was not unsealed for the reader. ``in_force`` is false once it is annulled.
    """

    version: int
    field: str
    old: Any
    new: Any
    recorded_at: datetime
    in_force: bool
    unread: bool


@dataclass(frozen=True, slots=True)
class Annulment:
    """An annulment of an entry; ``in_force`` is false once it is itself annulled."""

    version: int
    recorded_at: datetime
    in_force: bool


@dataclass(frozen=True, slots=True)
class EntryHistory:
    """What became of one entry.

    ``corrections`` stand in the order in which they count: of one field, the last one in force holds. ``annulment``
    is the one in force, else the latest.
    """

    corrections: tuple[Correction, ...] = ()
    annulment: Annulment | None = None

    @property
    def annulled(self) -> bool:
        """Whether the entry is left out of every answer."""
        return self.annulment is not None and self.annulment.in_force


@dataclass(frozen=True, slots=True)
class _Register:
    """All entries by version with their corrections applied, and what concerns each, in the order of the ledger."""

    settled: Mapping[int, Entry]
    annulled: frozenset[int]
    about: Mapping[int, tuple[int, ...]]


def order(entry: Entry) -> tuple[datetime, int]:
    """Return what entries about the same thing are ordered by: when it happened, then version."""
    return entry.happened, entry.version


def target(entry: Entry) -> int | None:
    """Return the version of the entry that a correction or annulment concerns; None for a fact, and where withheld.

    Raises KeyError where it is missing and ValueError where it is not an earlier entry.
    """
    if entry.topic not in ABOUT_ENTRIES or entry.withheld:
        return None
    version: int = entry.data["corrects" if entry.topic == CORRECTED else "annuls"]
    if not 0 < version < entry.version:
        raise ValueError(f"entry {entry.version} must refer to an earlier entry, not to {version}")
    return version


def effective(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the facts in force among the entries of one case, corrected, ordered by when they happened, then version.

    Corrections and annulments are applied and are not in the result; facts they leave out are not either, nor are
    those withheld from the reader.
    """
    record = tuple(entries)
    if any(entry.topic in ABOUT_ENTRIES for entry in record):
        return _in_force(record)
    return tuple(sorted((entry for entry in record if not entry.withheld), key=order))


def _in_force(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    register = _settle(entries)
    readable = (entry for entry in register.settled.values() if not entry.withheld)
    facts = (entry for entry in readable if entry.topic not in ABOUT_ENTRIES)
    return tuple(sorted((entry for entry in facts if entry.version not in register.annulled), key=order))


def amended(facts: Sequence[Entry], entries: Sequence[Entry], about: Entry) -> tuple[Entry, ...]:
    """Return the facts in force once a correction or annulment has come to those in force before it.

    ``entries`` are all on record of the case, that one among them. Only the fact it comes down to is settled anew.
    """
    concerns = {entry.version: target(entry) for entry in entries if entry.topic in ABOUT_ENTRIES}
    root = _root(concerns, about.version)
    family = [entry for entry in entries if _root(concerns, entry.version) == root]
    found = [*(fact for fact in facts if fact.version != root), *_in_force(family)]
    return tuple(sorted(found, key=order))


def _root(concerns: Mapping[int, int | None], version: int) -> int:
    """Return the version of the entry that a correction or annulment comes down to: no further one is of its kind."""
    further = concerns.get(version)
    while further is not None:
        version, further = further, concerns.get(further)
    return version


def as_of(entries: Iterable[Entry], valid_at: datetime | None) -> tuple[Entry, ...]:
    """Return the facts in force that had happened at an instant, equal counts; None asks for all of them."""
    return tuple(entry for entry in effective(entries) if valid_at is None or entry.happened <= valid_at)


def history(entries: Iterable[Entry]) -> Mapping[int, EntryHistory]:
    """Return what became of each entry that was ever corrected or annulled, by version."""
    register = _settle(entries)
    return {
        version: _history_of([register.settled[number] for number in about], register.annulled)
        for version, about in sorted(register.about.items())
        if version in register.settled
    }


def _settle(entries: Iterable[Entry]) -> _Register:
    """Apply every correction in force; references point backwards, so later entries are settled before earlier ones."""
    settled: dict[int, Entry] = {}
    annulled: set[int] = set()
    about: dict[int, list[int]] = {}
    for entry in sorted(entries, key=lambda entry: entry.version, reverse=True):
        concerning = [settled[version] for version in about.get(entry.version, ())]
        in_force = [other for other in concerning if other.version not in annulled]
        if any(other.topic == ANNULLED for other in in_force):
            annulled.add(entry.version)
        settled[entry.version] = _corrected(entry, in_force)
        concerned = target(entry)
        if concerned is not None:
            about.setdefault(concerned, []).append(entry.version)
    return _Register(settled, frozenset(annulled), {key: tuple(sorted(value)) for key, value in about.items()})


def _corrected(entry: Entry, in_force: Iterable[Entry]) -> Entry:
    """Return the entry with corrections applied in order; of several of one field the last one holds."""
    fixed = _FIXED.get(entry.topic, frozenset())
    for correction in sorted((other for other in in_force if other.topic == CORRECTED), key=order):
        if not _unread(correction) and correction.data["field"] not in fixed:
            entry = _apply(entry, correction)
    return entry


def _unread(correction: Entry) -> bool:
    """Return whether the new value is sealed and out of the reader's sight."""
    return "new" in correction.sealed and "new" not in correction.data


def _apply(entry: Entry, correction: Entry) -> Entry:
    """Return the entry with one field changed; a new value that is missing or null removes the field."""
    name: str = correction.data["field"]
    new: Any = correction.data.get("new")
    if name == "occurred_at" and name not in entry.data:
        return replace(entry, occurred_at=_moment(new, correction.version))
    data = {key: value for key, value in entry.data.items() if key != name}
    if new is not None:
        data[name] = new
    # A text that was absent when the entry was made and came with a correction is as secret as any other.
    secret = "new" in correction.sealed and name not in entry.sealed
    return replace(entry, data=data, sealed=(*entry.sealed, name) if secret else entry.sealed)


def _moment(value: Any, version: int) -> Moment:
    """Return a corrected moment; raises ValueError for anything but the text of an instant or a day."""
    if not isinstance(value, str):
        raise ValueError(f"entry {version} must give occurred_at as text")
    return read_moment(value)


def _history_of(about: list[Entry], annulled: frozenset[int]) -> EntryHistory:
    """Return the history of one entry from the settled entries that concern it."""
    corrections = sorted((entry for entry in about if entry.topic == CORRECTED), key=order)
    annulments = [_annulment(entry, annulled) for entry in about if entry.topic == ANNULLED]
    annulments.sort(key=lambda annulment: (annulment.in_force, annulment.version))
    return EntryHistory(
        corrections=tuple(_correction(entry, annulled) for entry in corrections),
        annulment=annulments[-1] if annulments else None,
    )


def _correction(entry: Entry, annulled: frozenset[int]) -> Correction:
    """Return a settled correction as it is shown."""
    return Correction(
        version=entry.version,
        field=entry.data["field"],
        old=entry.data.get("old"),
        new=entry.data.get("new"),
        recorded_at=entry.recorded_at,
        in_force=entry.version not in annulled,
        unread=_unread(entry),
    )


def _annulment(entry: Entry, annulled: frozenset[int]) -> Annulment:
    """Return an annulment as it is shown."""
    return Annulment(entry.version, entry.recorded_at, entry.version not in annulled)
