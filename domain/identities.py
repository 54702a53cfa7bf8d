"""Who a person is by their own stream: the name and number registered first, and those that came after."""

from collections.abc import Iterable

from domain.entries import Entry
from domain.events.administration import PersonIdentified, PersonRegistered

TOPICS = frozenset({PersonRegistered.TOPIC, PersonIdentified.TOPIC})
"""Topics of the entries that say who a person is."""


def latest(entries: Iterable[Entry], field: str) -> str | None:
    """Return the last ``full_name`` or ``identifier`` on record; None where there is none, or it was erased."""
    given = [entry.data[field] for entry in entries if entry.topic in TOPICS and field in entry.data]
    return given[-1] if given else None
