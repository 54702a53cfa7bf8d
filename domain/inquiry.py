"""A question about one case: what is known, under which rules, with the clock showing which instant."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import chain

from domain.disclosures import TwoCovers, covers
from domain.entries import Entry
from domain.events.base import Event
from domain.events.consent import DisclosureMade, InformationObtained
from domain.events.enrolment import EnrolmentClosed, InterventionStarted
from domain.known import Known
from domain.register import order
from domain.rules import Rules


@dataclass(frozen=True)
class Inquiry:
    """What an answer may rest on. ``at`` is the instant the clock shows, in UTC: only what had happened counts.

    ``known`` says what was recorded; it may reach beyond ``at`` (hindsight) or not.
    """

    known: Known
    rules: Rules
    at: datetime

    @cached_property
    def facts(self) -> tuple[Entry, ...]:
        """The facts in force that had happened, in the order in which they happened."""
        return self.known.happened_by(self.at)

    @cached_property
    def by_topic(self) -> Mapping[str, tuple[Entry, ...]]:
        """The facts that had happened, by topic, in the order in which they happened."""
        grouped: dict[str, list[Entry]] = {}
        for fact in self.facts:
            grouped.setdefault(fact.topic, []).append(fact)
        return {topic: tuple(facts) for topic, facts in grouped.items()}

    def among(self, topics: Collection[str]) -> tuple[Entry, ...]:
        """Return the facts of some topics that had happened, in the order in which they happened."""
        by_topic = self.by_topic
        found = [by_topic[topic] for topic in topics if topic in by_topic]
        if len(found) < 2:
            return found[0] if found else ()
        return tuple(sorted(chain.from_iterable(found), key=order))

    def of(self, *kinds: type[Event]) -> tuple[Entry, ...]:
        """Return the facts of some kinds that had happened, in the order in which they happened."""
        return self.by_topic.get(kinds[0].TOPIC, ()) if len(kinds) == 1 else self.among([kind.TOPIC for kind in kinds])

    @cached_property
    def covered(self) -> Sequence[tuple[Entry, TwoCovers]]:
        """How the disclosures that took place, and what was obtained, were covered, in the order they happened."""
        happened = self.of(DisclosureMade, InformationObtained)
        both = ((entry, covers(self.known, entry.version)) for entry in happened)
        return [(entry, found) for entry, found in both if found is not None]

    def supported(self, instant: datetime) -> bool:
        """Whether support was running at an instant: begun, and not closed since."""
        turns = [entry for entry in self.of(InterventionStarted, EnrolmentClosed) if entry.happened <= instant]
        return bool(turns) and turns[-1].topic == InterventionStarted.TOPIC

    @property
    def programme(self) -> str | None:
        """The programme this case is about; None before it is opened."""
        return self.known.programme
