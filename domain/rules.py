"""The rules a ledger has adopted, and which version of a rule a clock runs under.

A clock runs under the rule book in force when the entry that started it was recorded: adopting another rule book
never changes the past. Entries recorded before the first adoption are judged by that first one. Within a book, the
version counts whose validity holds the day of the anchor and whose readings are the chosen ones.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property

from domain.calendar import Calendar
from domain.rule_book import Rule, RuleBook
from domain.time import copenhagen_day


@dataclass(frozen=True)
class Adoption:
    """A rule book as adopted: from when, with which calendar, and the readings chosen in place of the defaults."""

    book: RuleBook
    calendar: Calendar
    recorded_at: datetime
    position: int = 0
    readings: Mapping[str, str] = field(default_factory=dict[str, str])
    approved_by: str | None = None

    def reading(self, setting: str) -> str | None:
        """Return the reading of a setting; None where the book has no such setting."""
        known = next((one for one in self.book.setting if one.id == setting), None)
        return None if known is None else self.readings.get(setting, known.default)

    def versions(self, rule: str) -> tuple[Rule, ...]:
        """Return the versions of a rule that hold under the chosen readings."""
        return self._versions.get(rule, ())

    @cached_property
    def _versions(self) -> Mapping[str, tuple[Rule, ...]]:
        found: dict[str, tuple[Rule, ...]] = {}
        for one in self.book.rule:
            if all(self.reading(name) == value for name, value in one.when.items()):
                found[one.id] = (*found.get(one.id, ()), one)
        return found


@dataclass(frozen=True)
class Rules:
    """All adoptions known, in the order recorded, and the calendar in force now.

    ``judged_at`` says by the readings and limits of which instant checks judge; None: by those in force now.
    """

    adoptions: tuple[Adoption, ...]
    calendar: Calendar
    judged_at: datetime | None = None

    def as_adopted(self, book: str, version: str, rule: str, rule_version: int) -> Rule | None:
        """Return the rule a clock ran under, by the names it carries; None where no such version was adopted."""
        for adoption in reversed(self.adoptions):
            if (adoption.book.book.id, adoption.book.book.version) == (book, version):
                for one in adoption.versions(rule):
                    if one.version == rule_version:
                        return one
        return None

    def ids(self, programme: str | None) -> tuple[str, ...]:
        """The rules that any adopted version of the statute or of a programme's book holds, in the order written."""
        return self._ids.get(programme, self._ids[None])

    @cached_property
    def _ids(self) -> Mapping[str | None, tuple[str, ...]]:
        """The rules of the statute, with those of each programme that has a book of its own."""
        own: dict[str | None, dict[str, None]] = {None: {}}
        for programme in (None, *(adoption.book.book.programme for adoption in self.adoptions)):
            books = [one.book for one in self.adoptions if one.book.book.programme in (None, programme)]
            own[programme] = {rule.id: None for book in books for rule in book.rule}
        return {programme: tuple(found) for programme, found in own.items()}

    @cached_property
    def mooting(self) -> Mapping[str, str]:
        """The rules that are without object once another's duty is met, each with that other."""
        every = (one for adoption in reversed(self.adoptions) for one in reversed(adoption.book.rule))
        return {one.id: one.moot_if_met for one in every if one.moot_if_met}

    def every_id(self) -> frozenset[str]:
        """The rules of all adopted books."""
        return frozenset(rule.id for adoption in self.adoptions for rule in adoption.book.rule)

    def rule(self, rule: str, anchored: date, recorded_at: datetime) -> tuple[Rule, Adoption] | None:
        """Return the version of a rule for an anchor day of an entry recorded at an instant; None where none holds."""
        for adoption in self.in_force(recorded_at):
            found = next((one for one in adoption.versions(rule) if one.valid_on(anchored)), None)
            if found is not None:
                return found, adoption
        return None

    def all_versions(self, rule: str) -> Iterator[Rule]:
        """Yield every version of a rule in every adopted book."""
        return (one for adoption in self.adoptions for one in adoption.book.rule if one.id == rule)

    def current(self, rule: str, at: datetime) -> Rule | None:
        """Return the version of a rule for something that happens at an instant, as judged."""
        found = self.rule(rule, copenhagen_day(at), self.judged_at or at)
        return None if found is None else found[0]

    def limit(self, rule: str, name: str, at: datetime) -> int | None:
        """Return a number of a rule (``per_week`` of a visit limit); None where the rule is not adopted."""
        found = self.current(rule, at)
        return None if found is None else found.limits.get(name)

    def setting(self, setting: str) -> str | None:
        """Return the chosen reading of a setting, as judged, by the last adoption that has it; None where none has."""
        judging = self.adoptions if self.judged_at is None else self.in_force(self.judged_at)
        for adoption in reversed(judging):
            reading = adoption.reading(setting)
            if reading is not None:
                return reading
        return None

    def epochs(self, first: datetime, last: datetime) -> tuple["Rules", ...]:
        """Return the rules as judged from one instant to another: anew from each adoption in between on."""
        turns = sorted({one.recorded_at for one in self.adoptions if first < one.recorded_at <= last})
        return tuple(self._judging(turn) for turn in (first, *turns))

    def _judging(self, instant: datetime) -> "Rules":
        """Return the rules as judged at an instant, with what follows from the adoptions alone worked out once."""
        judging = replace(self, judged_at=instant)
        vars(judging).update({name: getattr(self, name) for name in _BY_ADOPTIONS})
        return judging

    def in_force(self, recorded_at: datetime) -> tuple[Adoption, ...]:
        """Return of each book the last adoption on record by an instant, else its first."""
        return self._in_force[bisect_right(self._recorded, recorded_at)]

    @cached_property
    def _recorded(self) -> tuple[datetime, ...]:
        return tuple(adoption.recorded_at for adoption in self.adoptions)

    @cached_property
    def _in_force(self) -> tuple[tuple[Adoption, ...], ...]:
        """What is in force once none, one, two ... of the adoptions are on record."""
        firsts: dict[str, Adoption] = {}
        for adoption in self.adoptions:
            firsts.setdefault(adoption.book.book.id, adoption)
        steps = [tuple(firsts.values())]
        for adoption in self.adoptions:
            firsts[adoption.book.book.id] = adoption
            steps.append(tuple(firsts.values()))
        return tuple(steps)

    @cached_property
    def starting(self) -> Mapping[str, frozenset[str]]:
        """The topics of the entries that may start a clock of a rule, in any adopted version of it."""
        found: dict[str, frozenset[str]] = {}
        for adoption in self.adoptions:
            for one in adoption.book.rule:
                found[one.id] = found.get(one.id, frozenset()) | {pattern.topic for pattern in one.anchor}
        return found

    @cached_property
    def dating(self) -> Mapping[str, frozenset[str]]:
        """The rules whose due dates an entry may bear on, by its topic: it starts a clock or moves it forward."""
        found: dict[str, frozenset[str]] = {}
        for adoption in self.adoptions:
            for one in adoption.book.rule:
                for pattern in (*one.anchor, *one.earlier_of):
                    found[pattern.topic] = found.get(pattern.topic, frozenset()) | {one.id}
        return found


_BY_ADOPTIONS = ("_recorded", "_in_force", "_ids", "mooting", "starting")
"""What follows from the adoptions alone, however checks judge."""
