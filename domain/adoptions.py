"""From the ledger's own entries to the rules in force: which books, calendars and readings were adopted, and when."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from domain.calendar import Calendar, read_holidays
from domain.entries import Entry
from domain.events.administration import RuleBookAdopted, RuleSettingsChosen
from domain.register import effective
from domain.rule_book import RuleBook, read_rule_book
from domain.rules import Adoption, Rules
from domain.time import EARLIEST

HOLIDAYS = "holidays"
"""Under this name a table of public holidays is adopted, the way a rule book is."""

TOPICS = frozenset({RuleBookAdopted.TOPIC, RuleSettingsChosen.TOPIC})
"""Topics of the entries that say which rules hold."""


class UnknownSetting(ValueError):
    """A reading was chosen for a setting that no adopted rule book has, or a value it does not offer."""


_MOST_BOOKS = 64
"""How many texts are kept as read: every question of the past needs the books of its day."""

_book_of = lru_cache(_MOST_BOOKS)(read_rule_book)


@lru_cache(_MOST_BOOKS)
def _calendar_of(text: str) -> Calendar:
    return Calendar(read_holidays(text))


@dataclass
class _Shelf:
    """The books in force while the adoptions are gone through."""

    calendar: Calendar
    adoptions: list[Adoption] = field(default_factory=list[Adoption])
    latest: dict[str, Adoption] = field(default_factory=dict[str, Adoption])

    def put(self, adoption: Adoption) -> None:
        """Let an adoption follow the earlier ones of its book."""
        self.adoptions.append(adoption)
        self.latest[adoption.book.book.id] = adoption


def adopted(entries: Iterable[Entry], calendar: Calendar) -> Rules:
    """Return the rules that adoptions on record amount to; ``calendar`` counts until one is adopted.

    A new holiday table or reading concerns clocks that entries start from then on, like a new rule book.
    """
    shelf = _Shelf(calendar)
    for entry in sorted(effective(entries), key=lambda entry: entry.position):
        if entry.topic == RuleBookAdopted.TOPIC:
            _adopt(shelf, entry)
        elif entry.topic == RuleSettingsChosen.TOPIC:
            _choose(shelf, entry)
    return Rules(tuple(shelf.adoptions), shelf.calendar)


def under_draft(rules: Rules, draft: RuleBook) -> Rules:
    """Return the rules as if a draft had been in force from the first adoption on, in place of its book's versions.

    Readings chosen of the book hold for the draft too where it offers them; the calendar is the one in force.
    """
    former = [one for one in rules.adoptions if one.book.book.id == draft.book.id]
    chosen: Mapping[str, str] = former[-1].readings if former else {}
    kept = {name: value for name, value in chosen.items() if _offered(draft, name, value)}
    since = min((one.recorded_at for one in rules.adoptions), default=EARLIEST)
    others = [one for one in rules.adoptions if one not in former]
    adoptions = sorted([Adoption(draft, rules.calendar, since, 0, kept), *others], key=lambda one: one.recorded_at)
    return Rules(tuple(adoptions), rules.calendar, rules.judged_at)


def check_readings(books: Iterable[RuleBook], readings: Mapping[str, str]) -> None:
    """Raise UnknownSetting unless every reading is one that a book offers."""
    settings = {setting.id: setting for book in books for setting in book.setting}
    for name, value in readings.items():
        if name not in settings:
            raise UnknownSetting(
                f"{name} is no setting of the rule book: choose one of {', '.join(settings) or 'none'}"
            )
        if not settings[name].accepts(value):
            raise UnknownSetting(f"{name} offers {', '.join(settings[name].options)}, not the value given")


def fingerprint(text: str) -> str:
    """Return the SHA-256 of a rule book's text, under which it is adopted, as hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def _adopt(shelf: _Shelf, entry: Entry) -> None:
    text: str = entry.data["text"]
    if entry.data["rule_book"] == HOLIDAYS:
        shelf.calendar = _calendar_of(text)
        _renew(shelf, entry, {})
        return
    book = _book_of(text)
    before = shelf.latest.get(book.book.id)
    earlier: Mapping[str, str] = before.readings if before else {}
    kept = {name: value for name, value in earlier.items() if _offered(book, name, value)}
    shelf.put(_adoption(shelf, entry, book, kept | dict(entry.data.get("settings") or {})))


def _choose(shelf: _Shelf, entry: Entry) -> None:
    _renew(shelf, entry, dict(entry.data["settings"]))


def _renew(shelf: _Shelf, entry: Entry, readings: Mapping[str, str]) -> None:
    """Adopt every book in force once more, with further readings or another calendar."""
    for adoption in tuple(shelf.latest.values()):
        offered = {name: value for name, value in readings.items() if _offered(adoption.book, name, value)}
        shelf.put(_adoption(shelf, entry, adoption.book, {**adoption.readings, **offered}))


def _adoption(shelf: _Shelf, entry: Entry, book: RuleBook, readings: Mapping[str, str]) -> Adoption:
    approved_by: str | None = entry.data.get("approved_by")
    return Adoption(book, shelf.calendar, entry.recorded_at, entry.position, readings, approved_by)


def _offered(book: RuleBook, name: str, value: str) -> bool:
    return any(setting.id == name and setting.accepts(value) for setting in book.setting)
