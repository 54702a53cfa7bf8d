"""What is proven at once: the events whose commit waits a moment for a signed checkpoint that holds them.

A decision about somebody, a consent taken back, an erasure: whoever is affected can be given the proof with the
receipt, so that none of them can be made to vanish between two checkpoints. Everything else is signed seconds later.
"""

from collections.abc import Iterable

from domain.events.access import AccessRequestAnswered, LookupsWithheld, StaffNamesReleased
from domain.events.consent import ConsentWithdrawn
from domain.events.decision import AppealDecided, ComplaintReassessed, DecisionMade
from domain.events.retention import ErasureRejected, PersonalDataErased

PROVEN_AT_ONCE = frozenset(
    event.name()
    for event in (
        DecisionMade,
        ComplaintReassessed,
        AppealDecided,
        ConsentWithdrawn,
        AccessRequestAnswered,
        LookupsWithheld,
        StaffNamesReleased,
        PersonalDataErased,
        ErasureRejected,
    )
)
"""The names of those events."""


def is_proven_at_once(events: Iterable[str]) -> bool:
    """Whether a commit of events with these names is."""
    return not PROVEN_AT_ONCE.isdisjoint(events)
