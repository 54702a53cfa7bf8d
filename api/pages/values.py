"""Values of facts as people read them: words for codes, names for persons, links for references."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

from api.pages.codes import ROLES, word, word_of_field
from api.pages.language import _, ngettext
from api.pages.texts import OCCURRED_AT
from api.pages.times import joined, show_moment
from api.reading import CaseLook, NamedPerson
from domain.entries import Entry
from domain.events import BY_TOPIC
from domain.events.base import reference_marks
from domain.events.catalogue import kind_of, wire_form
from domain.register import CORRECTED
from domain.time import copenhagen_day, read_moment

NOT_GIVEN = "ikke oplyst"
NONE = "ingen"
ERASED = "slettet"
UNREADABLE = "kan ikke læses: nøglen mangler"
NOT_SHOWN = "ikke vist"
NAME_ERASED = "navn slettet"
NAME_UNREADABLE = "navn kan ikke læses: nøglen mangler"

PERSON_FIELDS = frozenset(
    {
        "about", "against", "by", "child", "children", "given_by", "holders", "informant", "informed", "joint_with",
        "kept", "merged", "mother", "notifier", "on_behalf_of", "participants", "parties", "party", "person",
        "present", "ref", "refused_by", "representative", "represents", "requested_by", "sealed_for", "sibling",
        "subject", "subjects", "to", "unborn", "withdrawn_by",
    }
)  # fmt: skip
"""Fields whose codes may be persons of the case."""

HERE = "#v"
"""Where an entry stands on a page of all entries, before its version."""

_UNBORN = "unborn of "
_PERIOD = re.compile(r"P(?:([0-9]+)Y)?(?:([0-9]+)M)?(?:([0-9]+)W)?(?:([0-9]+)D)?")
_UNITS = (
    ("%(number)s år", "%(number)s år"),
    ("%(number)s måned", "%(number)s måneder"),
    ("%(number)s uge", "%(number)s uger"),
    ("%(number)s dag", "%(number)s dage"),
)
_LISTED = frozenset({"list of text", "reference", "person"})
_PERIOD_FIELDS = frozenset({"interval", "expected_duration"})


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a value; ``link`` is an address on the same page."""

    text: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """A value to show. ``listed`` values stand one below the other, ``missing`` ones are said not to be there."""

    pieces: tuple[Piece, ...]
    listed: bool = False
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """What is needed to put the values of one case into words.

    ``entries`` are those of the case by version, ``shown`` the versions that can be linked to: on the same page, or at
    ``place`` and the version, followed by ``query``.
    """

    persons: Mapping[str, NamedPerson]
    entries: Mapping[int, Entry]
    shown: frozenset[int] = field(default_factory=frozenset[int])
    place: str = HERE
    query: str = ""

    def person(self, ref: str) -> str | None:
        """Return a person by name and role; None for a reference the case does not know."""
        if ref.startswith(_UNBORN):
            parent = self.person(ref.removeprefix(_UNBORN))
            return _("ufødt barn af %(parent)s", parent=parent) if parent else None
        known = self.persons.get(ref)
        return f"{name_of(known)} ({word(ROLES, known.person.role)})" if known else None

    def reference(self, version: int) -> Piece:
        """Return an entry as a link to where it stands on the page."""
        entry = self.entries.get(version)
        if entry is None:
            return Piece(_("nr. %(version)s", version=version))
        day = show_moment(copenhagen_day(entry.occurred_at))
        text = f"{_('nr. %(version)s', version=version)} {label_of(entry)} {day}"
        return Piece(text, self.link(version)) if version in self.shown else Piece(f"{text} ({_('ikke vist her')})")

    def link(self, version: int) -> str:
        """Return where an entry stands."""
        return f"{self.place}{version}{self.query}"

    def value(self, topic: str, name: str, value: Any) -> Value:
        """Return the value of a field of an event as it is shown."""
        if value is None:
            return Value((Piece(_(NOT_GIVEN)),), missing=True)
        if value in ([], {}):
            return Value((Piece(_(NONE)),), missing=True)
        if isinstance(value, Mapping):
            pairs = cast(Mapping[str, Any], value).items()
            return Value(tuple(Piece(f"{key}: {self._plain(name, item)}") for key, item in pairs), listed=True)
        several = cast(Sequence[Any], value) if isinstance(value, list | tuple) else [value]
        kind = kind_of_field(topic, name)
        return Value(tuple(self._pieces(kind, name, several)), listed=kind in _LISTED and len(several) > 1)

    def about(self, entry: Entry, name: str) -> tuple[str, str]:
        """Return topic and field that a value belongs to: that of a correction is one of the entry corrected."""
        while entry.topic == CORRECTED and name in ("old", "new"):
            name, corrected = str(entry.data["field"]), self.entries.get(entry.data["corrects"])
            if corrected is None:
                break
            entry = corrected
        return entry.topic, name

    def _pieces(self, kind: str, name: str, values: Iterable[Any]) -> Iterable[Piece]:
        if kind == "reference":
            return [self.reference(int(version)) for version in values]
        if kind == "person":
            return [Piece(self.person(person["ref"]) or str(person["ref"])) for person in values]
        if kind in ("text", "list of text"):
            return [Piece(str(text)) for text in values]
        if "date" in kind:
            return [Piece(show_moment(read_moment(moment))) for moment in values]
        if "decimal" in kind:
            return [Piece(str(number).replace(".", ",")) for number in values]
        return [Piece(self._plain(name, value)) for value in values]

    def _plain(self, name: str, value: Any) -> str:
        """Return a code, a number or a yes or no."""
        if isinstance(value, bool):
            return _("Ja") if value else _("Nej")
        if not isinstance(value, str):
            return str(value)
        if name in _PERIOD_FIELDS:
            return show_period(value)
        return (self.person(value) if name in PERSON_FIELDS else None) or word_of_field(name, value)


def words_of(look: CaseLook, shown: Iterable[int], place: str = HERE, query: str = "") -> Words:
    """Return the words of a case; ``shown`` are the versions that can be linked to, at ``place``."""
    persons = {named.person.ref: named for named in look.persons}
    return Words(persons, {entry.version: entry for entry in look.entries}, frozenset(shown), place, query)


def name_of(named: NamedPerson) -> str:
    """Return the name of a person, or what became of it."""
    return named.full_name or _(NAME_UNREADABLE if named.unreadable else NAME_ERASED)


def label_of(entry: Entry) -> str:
    """Return what an entry is called."""
    return _(BY_TOPIC[entry.topic].LABEL_DA)


@cache
def kinds_of_event(topic: str) -> Mapping[str, str]:
    """Return the kind of each field of an event, in the order of its class: as the catalogue says, or finer.

    References to entries are ``reference``, the people a case was opened with ``person``, hashes ``hash``.
    """
    event = BY_TOPIC[topic]
    fields = wire_form(event)["fields"]
    kinds = {name: "hash" if "[0-9a-f]{64}" in str(schema) else kind_of(schema) for name, schema in fields.items()}
    kinds |= dict.fromkeys(reference_marks(event), "reference")
    return {name: "person" if kind == "list of CasePerson" else kind for name, kind in kinds.items()}


def kind_of_field(topic: str, name: str) -> str:
    """Return the kind of one field; what happened when is a date, and an unknown field is a code."""
    return "date-time or date" if name == OCCURRED_AT else kinds_of_event(topic).get(name, "code")


def is_technical(topic: str, name: str) -> bool:
    """Whether a field is there for machines: keys, identifiers, hashes."""
    kind = kind_of_field(topic, name)
    return kind == "hash" or "uuid" in kind or name == "sealed_for"


def show_period(text: str) -> str:
    """Return a period such as P6M, or two joined by two points, in words; anything else as it is."""
    return f" {_('til')} ".join(_one_period(part) for part in text.split(".."))


def _one_period(text: str) -> str:
    match = _PERIOD.fullmatch(text)
    if match is None or not any(match.groups()):
        return text
    counts = zip(match.groups(), _UNITS, strict=True)
    return joined(ngettext(one, many, int(count)) for count, (one, many) in counts if count)
