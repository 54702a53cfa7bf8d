"""The registry of all events, by the name used in stories and requests and by the topic stored."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from domain.events import (
    access,
    administration,
    approval,
    assessment,
    child,
    consent,
    control,
    correction,
    decision,
    enrolment,
    meeting,
    people,
    plan,
    reach,
    referral,
    retention,
    visit,
    warning,
)
from domain.events.base import Event

GROUPS: Mapping[str, tuple[type[Event], ...]] = MappingProxyType(
    {
        "referral": referral.EVENTS,
        "consent": consent.EVENTS,
        "visit": visit.EVENTS,
        "assessment": assessment.EVENTS,
        "decision": decision.EVENTS,
        "approval": approval.EVENTS,
        "plan": plan.EVENTS,
        "meeting": meeting.EVENTS,
        "enrolment": enrolment.EVENTS,
        "child": child.EVENTS,
        "people": people.EVENTS,
        "control": control.EVENTS,
        "correction": correction.EVENTS,
        "access": access.EVENTS,
        "reach": reach.EVENTS,
        "warning": warning.EVENTS,
        "retention": retention.EVENTS,
        "administration": administration.EVENTS,
    }
)
"""The events of each group, in the order of the catalogue."""


class UnknownEvent(LookupError):
    """A stored topic or version that this program does not know, for example written by a newer one."""


def index_by_topic(events: Iterable[type[Event]]) -> Mapping[str, type[Event]]:
    """Return the events by topic; raises TypeError for a topic that is missing, inherited or used twice."""
    by_topic: dict[str, type[Event]] = {}
    for event in events:
        if not vars(event).get("TOPIC"):
            raise TypeError(f"{event.__name__} declares no TOPIC of its own")
        if event.TOPIC in by_topic:
            raise TypeError(f"{event.__name__} and {by_topic[event.TOPIC].__name__} have the same TOPIC")
        by_topic[event.TOPIC] = event
    return MappingProxyType(by_topic)


BY_TOPIC: Mapping[str, type[Event]] = index_by_topic(event for group in GROUPS.values() for event in group)
"""Every event by its stored topic."""

EVENTS: Mapping[str, type[Event]] = MappingProxyType({event.name(): event for event in BY_TOPIC.values()})
"""Every event by its name."""


def upcast(topic: str, version: int, data: dict[str, Any]) -> dict[str, Any]:
    """Return stored data in the form of the newest version of its event; raises UnknownEvent.

    Each step is a static method ``upcast_v1_v2`` of the event, applied in order.
    """
    event = BY_TOPIC.get(topic)
    if event is None:
        raise UnknownEvent(f"no event has the topic {topic!r}")
    if not 1 <= version <= event.VERSION:
        raise UnknownEvent(f"{topic} has versions 1 to {event.VERSION}, not {version}")
    for step in range(version, event.VERSION):
        data = getattr(event, f"upcast_v{step}_v{step + 1}")(data)
    return data
