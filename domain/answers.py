"""What was answered about a case, and from what: one more entry calls anew only for the answers that rest on it.

While an answer is worked out, whatever it is read from is noted. As the case goes on, answers that anything noted has
changed under are let go; all others stand, because the same reading leads to the same answer.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import is_
from typing import Any, TypeVar

from domain.entries import Entry
from domain.register import ABOUT_ENTRIES
from domain.rule_book import Rule
from domain.rules import Rules

Note = str | int | tuple[datetime | None, str]
"""What was read: the facts of a topic, the entry of a version, or a rule as judged from an instant."""

CLOCK, RECORD = "*clock", "*record"
"""Notes of having read what the clock shows, and every entry there is."""

Found = TypeVar("Found")
ByTopic = Mapping[str, tuple[Entry, ...]]


class Notes:
    """What is read, noted in ``reads`` while an answer is worked out."""

    __slots__ = ("reads",)

    def __init__(self) -> None:
        self.reads: set[Note] = set()


@dataclass(frozen=True, slots=True)
class Basis:
    """What a case and the rules for it amount to at an instant: what every answer is read from.

    ``facts`` are all facts in force, ``happened`` those that had happened by then.
    """

    entries: Sequence[Entry]
    facts: ByTopic
    happened: ByTopic
    rules: Rules
    at: datetime


class Answers:
    """The answers about one case, as it goes on. Not to be shared by threads."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[frozenset[Note], Any]] = {}
        self._rules_read: dict[tuple[datetime | None, str], tuple[Rules, Rule | None]] = {}
        self._basis: Basis | None = None
        self._being_answered = 0

    def answer(self, question: Hashable, notes: Notes, work: Callable[[], Found]) -> Found:
        """Return the answer that stands, else work it out and keep it, unless that fails.

        What it is read from is noted for the answer it is part of, also where it fails: that one may not.
        """
        kept = self._kept.get(question)
        if kept is not None:
            if self._being_answered:
                notes.reads |= kept[0]
            return kept[1]
        around, notes.reads = notes.reads, set()
        self._being_answered += 1
        try:
            found = work()
            self._kept[question] = _shared(frozenset(notes.reads)), found
            return found
        finally:
            self._being_answered -= 1
            around |= notes.reads
            notes.reads = around

    def note_rule(self, rules: Rules, name: str, at: datetime, notes: Notes) -> Rule | None:
        """Return a rule as judged for what happens at an instant, and note what it was."""
        found, note = rules.current(name, at), (rules.judged_at, name)
        self._rules_read[note] = rules, found
        notes.reads.add(note)
        return found

    def follow(self, basis: Basis) -> None:
        """Let go of the answers that do not stand any more; of all unless the case has only gone on by one entry."""
        before, self._basis = self._basis, basis
        if before is None or not _goes_on(before, basis):
            self._kept.clear()
            self._rules_read.clear()
            return
        changed = _changed(before, basis)
        for note, (rules, found) in self._rules_read.items():
            if rules.current(note[1], basis.at) is not found:
                changed.add(note)
        for question in [question for question, kept in self._kept.items() if not kept[0].isdisjoint(changed)]:
            del self._kept[question]


@lru_cache(maxsize=16_384)
def _shared(reads: frozenset[Note]) -> frozenset[Note]:
    """Return the one set that many answers, of many cases, share: one for each would be most of the memory."""
    return reads


def _goes_on(before: Basis, after: Basis) -> bool:
    """Whether a case is the same under the same rules, with at most one more entry, recorded no earlier."""
    old, new = before.entries, after.entries
    return (
        before.rules.adoptions is after.rules.adoptions
        and before.rules.calendar is after.rules.calendar
        and len(old) <= len(new) <= len(old) + 1
        and all(map(is_, old, new))
        and (len(old) < 2 or old[-1].recorded_at <= new[-1].recorded_at)
    )


def _changed(before: Basis, after: Basis) -> set[Note]:
    """Return what reads otherwise than before; of a topic whose facts changed, every entry counts as changed."""
    changed: set[Note] = {RECORD} if len(before.entries) != len(after.entries) else set()
    if before.at != after.at:
        changed.add(CLOCK)
    amended = after.entries[-1].topic in ABOUT_ENTRIES
    for old, new in ((before.facts, after.facts), (before.happened, after.happened)):
        for topic in old.keys() | new.keys():
            was, now = old.get(topic, ()), new.get(topic, ())
            # What is corrected is made anew each time; only a correction makes it another, be it by 1 for true.
            if len(was) != len(now) or not (all(map(is_, was, now)) if amended else was == now):
                changed.add(topic)
                changed.update(entry.version for entry in (*was, *now))
    return changed
