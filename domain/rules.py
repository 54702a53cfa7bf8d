"""The rules a ledger has adopted, and which version of a rule a clock runs under.

A clock runs under the rule book in force when the entry that started it was recorded: adopting another rule book
never changes the past. Entries recorded before the first adoption are judged by that first one. Within a book, the
version counts whose validity holds the day of the anchor and whose readings are the chosen ones.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from domain.calendar import Calendar
from domain.rule_book import Rule, RuleBook
from domain.time import copenhagen_day


@dataclass(frozen=True, slots=True)
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

    def versions(self, rule: str) -> Iterator[Rule]:
        """Yield the versions of a rule that hold under the chosen readings."""
        for one in self.book.rule:
            if one.id == rule and all(self.reading(name) == value for name, value in one.when.items()):
                yield one


@dataclass(frozen=True)
class Rules:
    """All adoptions known, in the order recorded, and the calendar in force now."""

    adoptions: tuple[Adoption, ...]
    calendar: Calendar

    def ids(self, programme: str | None) -> tuple[str, ...]:
        """The rules that any adopted version of the statute or of a programme's book holds, in the order written."""
        found = {
            rule.id: None
            for adoption in self.adoptions
            if adoption.book.book.programme in (None, programme)
            for rule in adoption.book.rule
        }
        return tuple(found)

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
        """Return the version of a rule for something that happens, and is recorded, at an instant."""
        found = self.rule(rule, copenhagen_day(at), at)
        return None if found is None else found[0]

    def limit(self, rule: str, name: str, at: datetime) -> int | None:
        """Return a number of a rule (``per_week`` of a visit limit); None where the rule is not adopted."""
        found = self.current(rule, at)
        return None if found is None else found.limits.get(name)

    def setting(self, setting: str) -> str | None:
        """Return the chosen reading of a setting by the latest adoption that has it; None where none has."""
        for adoption in reversed(self.adoptions):
            reading = adoption.reading(setting)
            if reading is not None:
                return reading
        return None

    def in_force(self, recorded_at: datetime) -> tuple[Adoption, ...]:
        """Return of each book the last adoption on record by an instant, else its first."""
        chosen: dict[str, Adoption] = {}
        for adoption in self.adoptions:
            name = adoption.book.book.id
            if name not in chosen or adoption.recorded_at <= recorded_at:
                chosen[name] = adoption
        return tuple(chosen.values())
