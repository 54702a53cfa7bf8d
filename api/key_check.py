"""The restore drill: does every key that the ledger has on record lie in the key store, or was it erased?

A key is recognised by the commitment that was recorded when it was made, so that a store which opens but is another's
is noticed. What is checked is only ever an id and a digest.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.case_file import ROSTER_TOPICS
from domain.entries import Entry
from domain.events import BY_TOPIC
from domain.events.retention import PersonalDataErased
from ledger.errors import KeyErased, KeyMissing
from ledger.format import StoredRow
from ledger.keys import FileKeyStore, key_commitment
from ledger.mapper import read_clear
from ledger.queries import load_queries
from ledger.store import Ledger

SQL = load_queries("ledger", "sql/keys.sql")
PAGE = 500
STATES = ("live", "erased", "missing", "strange")

COMMITTED = frozenset(
    topic
    for topic, event in BY_TOPIC.items()
    if {"key", "key_commitment"} <= event.model_fields.keys() and event is not PersonalDataErased
)
"""Events with which a key begins to be used."""


@dataclass
class KeyTally:
    """How many keys were found in each state, and how many files of erased keys had come back and were removed."""

    states: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATES, 0))
    swept: int = 0

    @property
    def well(self) -> bool:
        """Whether every key is here or was erased."""
        return not self.states["missing"] and not self.states["strange"]

    @property
    def lines(self) -> list[str]:
        """The closing lines."""
        counts = ", ".join(f"{self.states[state]} {state}" for state in STATES)
        swept = [f"{self.swept} erased keys had come back and were removed"] if self.swept else []
        return [*swept, f"{sum(self.states.values())} keys on record: {counts}"]


@dataclass
class _Claim:
    """What is on record of a key: where first, and the commitments to it."""

    position: int
    commitments: set[str] = field(default_factory=set[str])


def check_keys(ledger: Ledger, keys: FileKeyStore, say: Callable[[str], None]) -> KeyTally:
    """Check every key on record; ``say`` is told of each that is missing or strange.

    Files of erased keys are removed first. A key whose erasure is on record must not be here any more.
    """
    tally = KeyTally(swept=keys.sweep())
    erased = {UUID(entry.data["key"]) for entry in entries_of(ledger, [PersonalDataErased.TOPIC])}
    for key, claim in _claims(ledger).items():
        state, reason = _state(keys, key, claim, on_record=key in erased)
        tally.states[state] += 1
        if state in ("missing", "strange"):
            say(f"{state}: key {key}, on record at position {claim.position}: {reason}")
    return tally


def _state(keys: FileKeyStore, key: UUID, claim: _Claim, *, on_record: bool) -> tuple[str, str]:
    """Return the state of a key and what a reader should know about it."""
    try:
        found = keys.get(key)
    except KeyErased as error:
        return "erased", str(error)
    except KeyMissing as error:
        return ("erased" if on_record else "missing"), str(error)
    if on_record:
        return "strange", "Its erasure is on record, but it is here: destroy it."
    if claim.commitments - {key_commitment(found).hex()}:
        return "strange", "It is not the key that was recorded."
    return "live", ""


def _claims(ledger: Ledger) -> dict[UUID, _Claim]:
    """Return every key on record."""
    claims: dict[UUID, _Claim] = {}
    for entry in entries_of(ledger, sorted(COMMITTED | ROSTER_TOPICS)):
        for key, commitment in _keys_of(entry):
            claim = claims.setdefault(key, _Claim(entry.position))
            claim.commitments |= {commitment} - {None}
    return claims


def _keys_of(entry: Entry) -> Iterator[tuple[UUID, Any]]:
    """Yield the keys that an entry names, each with the commitment to it or None."""
    if "key" in entry.data:
        yield UUID(entry.data["key"]), entry.data.get("key_commitment")
    for person in entry.data.get("persons", ()) if entry.topic in ROSTER_TOPICS else ():
        yield UUID(person["key"]), None


def entries_of(ledger: Ledger, topics: list[str]) -> Iterator[Entry]:
    """Yield the entries of some topics in clear, holding a page of them at a time."""
    after = 0
    while page := [StoredRow(*row) for row in ledger.query(SQL["read_topics_page"], [topics, after, PAGE])]:
        yield from map(read_clear, page)
        after = page[-1].position
