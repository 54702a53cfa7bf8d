"""What the parts of a dossier's page have in common: names, instants, and links to entries as they were known then."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from api import dossier_words as words
from api.dossier_values import Values
from api.looks import Question
from api.pages import views
from api.pages.language import _
from api.pages.tables import BAD, GOOD, NOTE, Cell
from api.pages.texts import field_label
from api.pages.times import show_instant, show_moment
from api.pages.values import Words, label_of, words_of
from api.reading import CaseLook
from domain.entries import Entry
from domain.known import many
from domain.time import read_instant, read_moment

MARKS = {"yes": GOOD, "no": BAD, "not_stated": NOTE, "entered_later": BAD}


def at(value: str | datetime | None) -> str:
    """Return an instant in Copenhagen time; nothing for none."""
    if value is None:
        return ""
    return show_instant(read_instant(value) if isinstance(value, str) else value)


def when(value: str | None) -> str:
    """Return a moment, an instant or a day; nothing for none."""
    return "" if value is None else show_moment(read_moment(value))


def marked_answer(answer: str) -> tuple[str, str]:
    """Return an answer in a word, and how it is marked."""
    return _(words.ANSWERS[answer]), MARKS[answer]


class Sheet:
    """A dossier and the case it is of, as its reader sees them."""

    def __init__(self, look: CaseLook, values: Values) -> None:
        self.look, self.values = look, values
        self.instant = read_instant(values["instant"])
        self.entries: Mapping[int, Entry] = {entry.version: entry for entry in look.entries}
        self._case = look.file.case

    @cached_property
    def words(self) -> Words:
        """The words of the case."""
        return words_of(self.look, ())

    def person(self, ref: Any) -> str:
        """Return a person of the case by name and role, else the reference."""
        return self.words.person(str(ref)) or str(ref)

    def several(self, refs: Iterable[Any]) -> str:
        """Return persons of the case in a row; empty for none."""
        return ", ".join(map(self.person, refs))

    def link(self, version: int) -> str:
        """Return where an entry stands: as it was on record at the decision, or as asked where it came later."""
        entry = self.entries.get(version)
        known = entry is not None and entry.recorded_at <= self.instant
        asked = Question(self.instant if known else self.look.question.known_at)
        return views.entry_address(self._case, version, asked)

    def entry(self, version: int) -> Cell:
        """Return an entry by number and name, as a link to where it stands."""
        entry = self.entries.get(version)
        number = _("nr. %(version)s", version=version)
        return Cell(f"{number} {label_of(entry)}" if entry else number, self.link(version) if entry else None)

    def refers(self, versions: Any, nothing: str | None = None) -> list[Cell]:
        """Return the entries a field refers to."""
        return [self.entry(int(one)) for one in many(versions)] or [Cell(nothing or _("ikke oplyst"))]

    def label(self, name: str) -> str:
        """Return the name of a field of the decision."""
        return field_label("decision_made", name)

    def field(self, data: Mapping[str, Any], name: str, nothing: str | None = None) -> list[Cell]:
        """Return a field of the decision as it was on record when it was made."""
        if data.get(name) in (None, [], ()):
            lost = name in self.entries[self.values["entry"]].erased
            return [Cell(_("slettet") if lost else nothing or _("ikke oplyst"))]
        value = self.words.value("decision_made", name, data[name])
        return [Cell(piece.text) for piece in value.pieces]

    def of(self, *topics: str) -> list[Entry]:
        """Return the entries of some kinds that are in force as asked, in the order they happened."""
        return [entry for entry in self.look.effective if entry.topic in topics]
