"""What may no longer be shown: entries that were another's, and values that were wrong about someone.

An ordinary correction stays readable beside what it corrects. What stood on the wrong person or case, or was unlawfully
collected, is out of sight from the moment that is recorded, in views of the past as well: only audit sees the original.
Source: general data protection regulation art. 5, 16 and 18.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from domain.entries import Entry
from domain.register import ANNULLED, CORRECTED, effective

HIDDEN_KINDS = frozenset({"wrong_person", "wrong_case", "unlawful"})
"""Kinds of annulment that withhold the original."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """Versions of the entries withheld whole, and the values that stand in place of those withheld in others.

    ``values`` names fields by version; None stands for a value that is left out.
    """

    entries: frozenset[int] = frozenset()
    values: Mapping[int, Mapping[str, Any]] = field(default_factory=dict[int, Mapping[str, Any]])

    def __bool__(self) -> bool:
        return bool(self.entries or self.values)


def withheld(entries: Iterable[Entry]) -> Withheld:
    """Return what is withheld by everything on record of a case now, whatever instant is asked about."""
    record = sorted(entries, key=lambda entry: entry.version)
    standing = withholding_entries(record)
    moved = {entry.data["annuls"] for entry in standing if _moves(entry)}
    values: dict[int, dict[str, Any]] = {}
    for correction in (entry for entry in standing if _restricts(entry)):
        for version, fields in _restricted(record, correction).items():
            values.setdefault(version, {}).update(fields)
    return Withheld(frozenset(moved), values)


def withholding_entries(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the annulments and corrections in force that withhold an entry, or a value of one."""
    record = tuple(entries)
    taken_back = frozenset(entry.data["annuls"] for entry in record if entry.topic == ANNULLED)
    withholding = (entry for entry in record if _moves(entry) or _restricts(entry))
    return tuple(entry for entry in withholding if entry.version not in taken_back)


def without(entries: Iterable[Entry], what: Withheld) -> tuple[Entry, ...]:
    """Return the entries as a reader may see them now; one withheld whole keeps its place and nothing else."""
    return tuple(_shown(entry, what) for entry in entries)


def _moves(entry: Entry) -> bool:
    return entry.topic == ANNULLED and entry.data.get("kind") in HIDDEN_KINDS


def _restricts(entry: Entry) -> bool:
    return entry.topic == CORRECTED and bool(entry.data.get("restricted"))


def _restricted(record: list[Entry], correction: Entry) -> Mapping[int, dict[str, Any]]:
    """Return which values of which entries one restricted correction withholds: the original and all on the way.

    When something happened is no value of that kind.
    """
    concerned, name = int(correction.data["corrects"]), str(correction.data["field"])
    if name == "occurred_at":
        return {}
    now = next((fact for fact in effective(record) if fact.version == concerned), None)
    final = now.data.get(name) if now is not None else correction.data.get("new")
    family = _family(record, concerned, name)
    return {concerned: {name: final}} | {version: {"old": None, "new": final} for version in family}


def _family(record: list[Entry], concerned: int, name: str) -> frozenset[int]:
    """Return the corrections of one field of an entry, and the corrections of those."""
    found: set[int] = set()
    for entry in record:
        if entry.topic == CORRECTED:
            about = entry.data["corrects"], entry.data["field"]
            if about == (concerned, name) or (about[0] in found and about[1] == "new"):
                found.add(entry.version)
    return frozenset(found)


def _shown(entry: Entry, what: Withheld) -> Entry:
    if entry.version in what.entries:
        nothing = replace(entry, data={}, sealed=(), erased=(), unreadable=())
        return replace(nothing, reason=None, source=None, legal_basis=(), withheld=True)
    values = what.values.get(entry.version)
    if values is None:
        return entry
    data = {name: value for name, value in (dict(entry.data) | dict(values)).items() if value is not None}
    return replace(entry, data=data, restricted=tuple(sorted(values)))
