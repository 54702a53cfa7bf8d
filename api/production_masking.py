"""What of a case goes out to one recipient: entries with what is left out taken away, and a list of that.

What the record itself closes to the recipient is left out whatever was chosen: the data of others, protected names and
addresses, what was moved away or erased. It is judged now.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from api.pages.timeline import shown_entries
from api.reading import CaseLook, NamedPerson
from domain.entries import Entry
from domain.evidence import (
    ABOUT_ACCESS,
    KEY_MISSING,
    NOT_DECIDED,
    OTHER_PERSON,
    PROTECTED,
    WITHHELD_ENTRY,
    Teller,
    Telling,
)
from domain.exemptions import ERASED, EXEMPTIONS, MOVED, OUTSIDE, UNREADABLE
from domain.production import REASON, Redaction, spread, text_of, without_paragraphs
from domain.register import as_of, history

HIDDEN_NAME = "[navn undtaget]"
_OF_TEXTS = {NOT_DECIDED: OUTSIDE, OTHER_PERSON: "TREDJE", PROTECTED: "ADRESSE", KEY_MISSING: UNREADABLE}
_OF_ENTRIES = _OF_TEXTS | {PROTECTED: "HEMMELIG", WITHHELD_ENTRY: MOVED}
"""The exemption for each reason by which the record closes a text, or a whole entry."""

Sealing = Mapping[int, tuple[tuple[UUID, tuple[str, ...]], ...]]
"""For each entry the keys of its sealed segments with the names of the fields in them."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One place that is left out, by code; ``reason`` is what was written of it, empty where the record closes it."""

    version: int
    position: int
    field: str | None
    paragraph: int | None
    code: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HandedOut:
    """What goes out: the case as the recipient may see it, what is left out and told of, and what is only counted."""

    look: CaseLook
    left_out: tuple[LeftOut, ...]
    counted: int
    selected: int

    @property
    def partly(self) -> bool:
        """Whether anything is left out."""
        return bool(self.left_out or self.counted)

    @property
    def whole(self) -> frozenset[int]:
        """The entries of which nothing is left out."""
        return frozenset(entry.version for entry in self.look.entries) - {one.version for one in self.left_out}


def marker(code: str) -> str:
    """Return what stands in the place of what is left out."""
    return f"[Undtaget: {code}]"


def selected_entries(look: CaseLook, versions: Iterable[int] | None) -> tuple[Entry, ...]:
    """Return the entries of a case as of the instants asked about, or those of them that are named, by version."""
    named = None if versions is None else frozenset(versions)
    shown = (entry for entry in shown_entries(look) if named is None or entry.version in named)
    return tuple(sorted(shown, key=lambda entry: entry.version))


def handed_out(
    look: CaseLook, entries: Sequence[Entry], teller: Teller, sealing: Sealing, redactions: Sequence[Redaction]
) -> HandedOut:
    """Return what of some entries of a case goes out."""
    places = spread(redactions, look.entries)
    told, left_out, counted = list[Entry](), list[LeftOut](), 0
    for entry in entries:
        telling = teller.telling(entry.version, tuple(key for key, _ in sealing[entry.version]))
        code, reason = _closed(entry, telling, places)
        if code is None:
            shown, parts = _masked(entry, telling, sealing[entry.version], places)
            told.append(shown)
            left_out += parts
        elif EXEMPTIONS[code].mentioned and not (code == OUTSIDE and entry.topic in ABOUT_ACCESS):
            left_out.append(LeftOut(entry.version, entry.position, None, None, code, reason))
        else:
            counted += 1
    return HandedOut(_look(look, tuple(told), left_out, teller), tuple(left_out), counted, len(entries))


def _closed(entry: Entry, telling: Telling, places: Mapping[tuple[int, str | None], Any]) -> tuple[str | None, str]:
    """Return by which code a whole entry is left out, and the reason written; what somebody chose comes first."""
    chosen = places.get((entry.version, None))
    if chosen is not None:
        return chosen.code, chosen.reason
    return (None, "") if telling.code is None else (_OF_ENTRIES.get(telling.code, OUTSIDE), "")


def _masked(
    entry: Entry,
    telling: Telling,
    sealing: Sequence[tuple[UUID, tuple[str, ...]]],
    places: Mapping[tuple[int, str | None], Any],
) -> tuple[Entry, list[LeftOut]]:
    """Return an entry without what is left out of it, and what that is."""
    closed = {
        name: LeftOut(entry.version, entry.position, name, None, _OF_TEXTS.get(code, OUTSIDE))
        for (_, names), code in zip(sealing, telling.segments, strict=True)
        if code is not None
        for name in names
    }
    for code, names in ((ERASED, entry.erased), (UNREADABLE, entry.unreadable)):
        closed |= {name: LeftOut(entry.version, entry.position, name, None, code) for name in names}
    texts: dict[str, str] = {}
    found = list(closed.values())
    for (version, name), chosen in places.items():
        if version != entry.version or name is None or name in closed:
            continue
        if isinstance(chosen, Redaction):
            closed[name] = _left_out(entry, name, None, chosen)
            found.append(closed[name])
        else:
            texts[name] = without_paragraphs(text_of(entry, name), {n: marker(one.code) for n, one in chosen.items()})
            found += [_left_out(entry, name, number, one) for number, one in sorted(chosen.items())]
    return _without(entry, frozenset(closed), texts), found


def _left_out(entry: Entry, name: str, paragraph: int | None, chosen: Redaction) -> LeftOut:
    return LeftOut(entry.version, entry.position, name, paragraph, chosen.code, chosen.reason)


def _without(entry: Entry, names: frozenset[str], texts: Mapping[str, str]) -> Entry:
    """Return an entry without some fields, and with other texts in some."""
    data = {name: texts.get(name, value) for name, value in entry.data.items() if name not in names}
    sealed = (*entry.sealed, *sorted(names - {*entry.sealed}))
    reason = None if REASON in names else texts.get(REASON, entry.reason)
    return replace(entry, data=data, sealed=sealed, reason=reason, erased=(), unreadable=(), restricted=())


def _look(look: CaseLook, told: tuple[Entry, ...], left_out: Iterable[LeftOut], teller: Teller) -> CaseLook:
    """Return the case as the recipient may see it; a field that is left out is told without its corrections."""
    gone = {(one.version, one.field) for one in left_out if one.paragraph is None}
    past = {
        version: replace(one, corrections=tuple(c for c in one.corrections if (version, c.field) not in gone))
        for version, one in history(told).items()
    }
    persons = tuple(_person(one, teller) for one in look.persons)
    return replace(look, entries=told, effective=as_of(told, look.question.valid_at), history=past, persons=persons)


def _person(named: NamedPerson, teller: Teller) -> NamedPerson:
    return NamedPerson(named.person, named.full_name if teller.may_name(named.person.ref) else HIDDEN_NAME)
