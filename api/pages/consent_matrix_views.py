"""The matrix of consents: whose data, to whom, for what purpose; each place with how it stands and since when."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from api.pages.codes import DATA_CATEGORIES, KINDS, word
from api.pages.consent_history_views import MARK_OF_STATUS, anchor_of
from api.pages.consent_words import (
    EXPIRED,
    GIVEN,
    MARKS,
    NOT_ASKED,
    NOT_NEEDED,
    NOT_YET,
    WITHDRAWN,
    recipient,
)
from api.pages.language import _
from api.pages.times import show_day
from api.pages.values import ERASED, UNREADABLE, Words
from domain.consents import SUPPORT, ConsentStatus, consent_ids, consent_status, entries_of, missing_joint
from domain.custody import custody_holders, one_person
from domain.disclosures import CONSENT, holds_law
from domain.entries import Entry
from domain.events.consent import ConsentWithdrawn, DisclosureMade, InformationObtained
from domain.known import Known, many
from domain.time import copenhagen_day, read_day

MOST_LETTERS = 90
DISCLOSURE, OBTAIN = "disclosure", "obtain_information"
CHILD = "child"


@dataclass(frozen=True, slots=True)
class Mark:
    """How one consent stands: one of the seven marks, since when, about which data, and where more is told.

    ``entry`` is the version it follows from, ``note`` tells what else is missing.
    """

    code: str
    text: str
    since: str = ""
    data: str = ""
    address: str | None = None
    note: str | None = None
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of a matrix; ``before`` are the marks that stood there by the register then, where they differ."""

    marks: tuple[Mark, ...]
    before: tuple[Mark, ...] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """The places of one person's data and one purpose, one for each recipient."""

    ref: str
    person: str
    purpose: str
    cells: tuple[Cell, ...]

    @property
    def changed(self) -> bool:
        """Whether any of its places differs from what the register held then."""
        return any(cell.before is not None for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Consents of one kind: a row for each person and purpose, a column for each recipient."""

    kind: str
    title: str
    recipients: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def with_purpose(self) -> bool:
        """Whether any purpose is stated."""
        return any(row.purpose for row in self.rows)


@dataclass(frozen=True)
class Places:
    """The marks of one kind by person and purpose, then by recipient, in the order in which they came up."""

    marks: dict[tuple[str, str], dict[str, list[Mark]]] = field(
        default_factory=dict[tuple[str, str], dict[str, list[Mark]]]
    )

    def add(self, row: tuple[str, str], office: str | None, mark: Mark | None) -> None:
        """Put a mark in its place; a row, or a row and column, may stand without one."""
        cells = self.marks.setdefault(row, {})
        if office is not None:
            cells.setdefault(office, []).extend([mark] if mark else [])

    @property
    def offices(self) -> list[str]:
        """The recipients, in the order in which they came up."""
        return list(dict.fromkeys(office for cells in self.marks.values() for office in cells))


@dataclass(frozen=True, slots=True)
class Register:
    """What consents are read from: everything known at an instant, in the words of the case."""

    words: Words
    known: Known
    at: datetime

    def person(self, ref: str) -> str:
        """Return the one reference a person of the case stands under in the matrix."""
        same = one_person(self.known, ref)
        return next((one for one in self.words.persons if one in same), ref)

    def name(self, ref: str) -> str:
        """Return what a person is called."""
        return self.words.person(ref) or ref


def matrices(now: Register, then: Register | None = None) -> tuple[Matrix, ...]:
    """Return a matrix for each kind of consent; with ``then`` what differed by the register then is told."""
    found, before = _places(now), {} if then is None else _places(then)
    built = [_matrix(now, kind, found.get(kind, Places()), before.get(kind), then) for kind in {**found, **before}]
    return tuple(one for one in built if one.rows)


def changed_alone(found: Iterable[Matrix]) -> tuple[Matrix, ...]:
    """Return the rows of matrices in which something differs from what the register held then."""
    rows = [(one, tuple(row for row in one.rows if row.changed)) for one in found]
    return tuple(Matrix(one.kind, one.title, one.recipients, changed) for one, changed in rows if changed)


def _matrix(now: Register, kind: str, found: Places, before: Places | None, then: Register | None) -> Matrix:
    earlier = before or Places()
    offices = list(dict.fromkeys((*found.offices, *earlier.offices)))
    keys = dict.fromkeys((*found.marks, *earlier.marks))
    rows = [
        Row(
            person,
            now.name(person),
            purpose,
            tuple(_cell(found, earlier if then is not None else None, (person, purpose), one) for one in offices),
        )
        for person, purpose in keys
    ]
    return Matrix(kind, word(KINDS, kind).capitalize(), tuple(map(recipient, offices)), tuple(rows))


def _cell(found: Places, before: Places | None, row: tuple[str, str], office: str) -> Cell:
    marks = _marks_at(found, row, office)
    earlier = None if before is None else _marks_at(before, row, office)
    return Cell(marks, earlier if earlier is not None and _told(earlier) != _told(marks) else None)


def _marks_at(places: Places, row: tuple[str, str], office: str) -> tuple[Mark, ...]:
    found = places.marks.get(row, {}).get(office)
    return tuple(found) if found else (Mark(NOT_ASKED, _(MARKS[NOT_ASKED])),)


def _told(marks: Iterable[Mark]) -> list[tuple[str, str, int | None]]:
    return [(mark.code, mark.data, mark.entry) for mark in marks]


def _places(register: Register) -> dict[str, Places]:
    found: dict[str, Places] = {}
    for consent in consent_ids(register.known):
        asked = [one for one in entries_of(register.known, consent) if one.happened <= register.at and _is_asked(one)]
        if asked:
            terms = asked[-1]
            places = found.setdefault(str(terms.data["kind"]), Places())
            _add_consent(register, places, consent, terms)
    _add_holders(register, found)
    for entry in register.known.of(DisclosureMade, InformationObtained):
        if entry.happened <= register.at and entry.data["basis"] != CONSENT and holds_law(entry.data):
            _add_law(register, found, entry)
    return found


def _is_asked(entry: Entry) -> bool:
    return entry.topic != ConsentWithdrawn.TOPIC


def _add_consent(register: Register, places: Places, consent: str, terms: Entry) -> None:
    status = consent_status(register.known, consent, register.at)
    purpose = purpose_of(terms)
    missing = missing_joint(register.known, consent, register.at)
    place = anchor_of(register.known, consent)
    giver = register.person(str(terms.data.get("given_by") or terms.data.get("refused_by")))
    waiting = _("mangler samtykke fra %(who)s", who=", ".join(map(register.name, missing))) if missing else None
    for person in _whose(register, terms):
        said = None if person == giver else _("sagt af %(who)s", who=register.name(giver))
        note = "; ".join(filter(None, (said, waiting))) or None
        for office in map(str, many(terms.data["scope"])):
            code = mark_code(status, office)
            entry = _follows_from(register, status, office, code) or terms
            data = ", ".join(word(DATA_CATEGORIES, str(one)) for one in many(terms.data.get("data_categories")))
            mark = Mark(code, _(MARKS[code]), since_of(status, entry, code), data, place, note, entry.version)
            places.add((person, purpose), office, mark)


def mark_code(status: ConsentStatus, office: str) -> str:
    """Return how a consent stands for one recipient: taken back for this one, it is withdrawn here."""
    code = MARK_OF_STATUS[status.status]
    return WITHDRAWN if status.given is not None and code == GIVEN and office not in status.scope else code


def _whose(register: Register, terms: Entry) -> Iterator[str]:
    """Yield whose data a consent is about; of consent to support, who gives it. See ``speaks_for``."""
    own = str(terms.data.get("given_by") or terms.data.get("refused_by"))
    others = (
        ()
        if terms.data.get("capacity") == "self" or terms.data["kind"] == SUPPORT
        else many(terms.data.get("on_behalf_of"))
    )
    yield from dict.fromkeys(register.person(ref) for ref in (own, *map(str, others)))


def _follows_from(register: Register, status: ConsentStatus, office: str, code: str) -> Entry | None:
    """Return the entry that a mark follows from: for one recipient alone, the last that took the consent back."""
    if code != WITHDRAWN or status.status == "withdrawn":
        return status.entry
    said = entries_of(register.known, status.consent)
    partly = [one for one in said if one.happened <= register.at and office in many(one.data.get("partial_scope"))]
    return partly[-1] if partly else status.entry


def since_of(status: ConsentStatus, entry: Entry, code: str) -> str:
    """Return the day that goes with a mark: given, refused or taken back on, valid from, or the last day it held."""
    if status.given is not None and code in (EXPIRED, NOT_YET):
        return show_day(read_day(status.given.data["valid_to" if code == EXPIRED else "valid_from"]))
    return show_day(copenhagen_day(entry.occurred_at))


def purpose_of(entry: Entry) -> str:
    """Return the purpose of a consent or disclosure in at most some words, or what became of it; empty for none."""
    text = entry.data.get("purpose") or entry.data.get("purpose_code")
    if text is not None:
        short = " ".join(str(text).split())
        return short if len(short) <= MOST_LETTERS else short[: MOST_LETTERS - 1].rstrip() + "…"
    if "purpose" in entry.erased:
        return _(ERASED)
    return _(UNREADABLE) if "purpose" in entry.unreadable else ""


def _add_holders(register: Register, found: dict[str, Places]) -> None:
    """Add who holds custody to those who were asked about support, with nothing asked."""
    places = found.get(SUPPORT)
    if places is None:
        return
    asked, offices = {person for person, _purpose in places.marks}, places.offices
    for ref in custody_holders(register.known, register.at):
        person = register.person(ref)
        if person not in asked:
            places.add((person, next(iter(places.marks))[1]), None, None)
            for office in offices:
                places.add((person, next(iter(places.marks))[1]), office, None)


def _add_law(register: Register, found: dict[str, Places], entry: Entry) -> None:
    """Add what went out, or was obtained, on a law that is named: no consent is needed there."""
    inbound = entry.topic == InformationObtained.TOPIC
    places = found.setdefault(OBTAIN if inbound else DISCLOSURE, Places())
    law = ", ".join(map(str, many(entry.data.get("legal_basis"))))
    data = ", ".join(word(DATA_CATEGORIES, str(one)) for one in many(entry.data.get("data_categories")))
    day, place = show_day(copenhagen_day(entry.occurred_at)), register.words.link(entry.version)
    mark = Mark(NOT_NEEDED, _(MARKS[NOT_NEEDED]), day, data, place, law, entry.version)
    people = [register.person(str(ref)) for ref in many(entry.data.get("about"))] or [
        _("ikke angivet, hvis oplysninger")
    ]
    for person in dict.fromkeys(people):
        for office in map(str, many(entry.data.get("obtained_from" if inbound else "to"))):
            places.add((person, purpose_of(entry)), office, mark)


def unasked(register: Register, found: Iterable[Matrix]) -> tuple[str, ...]:
    """Return the grown-ups of the case whom no consent, refusal or law in the matrices is about."""
    told = {row.ref for one in found for row in one.rows}
    for consent in consent_ids(register.known):
        for entry in entries_of(register.known, consent):
            told |= {register.person(str(ref)) for ref in many(entry.data.get("on_behalf_of"))}
    grown = (named.person for named in register.words.persons.values() if named.person.role != CHILD)
    return tuple(register.name(one.ref) for one in grown if register.person(one.ref) not in told)
