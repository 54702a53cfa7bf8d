"""A question about one case: what is known, under which rules, with the clock showing which instant."""

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import chain

from domain.answers import CLOCK, RECORD, Answers, ByTopic, Found
from domain.disclosures import TwoCovers, covers
from domain.entries import Entry
from domain.events.base import Event
from domain.events.consent import DisclosureMade, InformationObtained
from domain.events.enrolment import EnrolmentClosed, InterventionStarted
from domain.known import Known, grouped
from domain.register import order
from domain.rule_book import Rule
from domain.rules import Rules


@dataclass(frozen=True)
class Inquiry:
    """What an answer may rest on. ``at`` is the instant the clock shows, in UTC: only what had happened counts.

    ``known`` says what was recorded; it may reach beyond ``at`` (hindsight) or not. What is read is noted, so that
    ``answers`` can tell which of them stand when the case goes on. ``clock`` is ``at`` unnoted: only to leave out facts
    that had not happened, which the topics read stand for.
    """

    known: Known
    rules: Rules
    clock: datetime
    answers: Answers = field(default_factory=Answers, compare=False, repr=False)

    @property
    def at(self) -> datetime:
        """The instant the clock shows, in UTC."""
        self.known.notes.reads.add(CLOCK)
        return self.clock

    @property
    def facts(self) -> tuple[Entry, ...]:
        """The facts in force that had happened, in the order in which they happened."""
        self.known.notes.reads.add(RECORD)
        return self._happened

    @cached_property
    def _happened(self) -> tuple[Entry, ...]:
        return self.known.happened_by(self.clock)

    @cached_property
    def by_topic(self) -> ByTopic:
        """The facts that had happened, by topic, in the order in which they happened; notes nothing."""
        return grouped(self._happened)

    def of_topic(self, topic: str) -> tuple[Entry, ...]:
        """Return the facts of a topic that had happened, in the order in which they happened."""
        self.known.notes.reads.add(topic)
        return self.by_topic.get(topic, ())

    def among(self, topics: Collection[str]) -> tuple[Entry, ...]:
        """Return the facts of some topics that had happened, in the order in which they happened."""
        found = [facts for topic in topics if (facts := self.of_topic(topic))]
        if len(found) < 2:
            return found[0] if found else ()
        return tuple(sorted(chain.from_iterable(found), key=order))

    def of(self, *kinds: type[Event]) -> tuple[Entry, ...]:
        """Return the facts of some kinds that had happened, in the order in which they happened."""
        return self.of_topic(kinds[0].TOPIC) if len(kinds) == 1 else self.among([kind.TOPIC for kind in kinds])

    def current(self, rule: str) -> Rule | None:
        """Return the version of a rule for something that happens at the instant asked about, as judged."""
        return self.answers.note_rule(self.rules, rule, self.clock, self.known.notes)

    @cached_property
    def epochs(self) -> tuple[tuple["Inquiry", datetime | None], ...]:
        """The same question by each set of readings and limits in force as entries were recorded, and until when."""
        recorded = [entry.recorded_at for entry in self.known.on_record]
        judging = self.rules.epochs(min(recorded), max(recorded))
        ends = (*(rules.judged_at for rules in judging[1:]), None)
        return tuple((self._judged_by(rules), until) for rules, until in zip(judging, ends, strict=True))

    def _judged_by(self, rules: Rules) -> "Inquiry":
        judging = replace(self, rules=rules)
        vars(judging).update(_happened=self._happened, by_topic=self.by_topic)
        return judging

    def answer(self, question: Hashable, work: Callable[[], Found]) -> Found:
        """Return the answer to a question about the case, worked out only where the earlier one does not stand."""
        return self.answers.answer(question, self.known.notes, work)

    @property
    def covered(self) -> Sequence[tuple[Entry, TwoCovers]]:
        """How the disclosures that took place, and what was obtained, were covered, in the order they happened."""
        return self.answer("covered", self._covered)

    def _covered(self) -> Sequence[tuple[Entry, TwoCovers]]:
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
