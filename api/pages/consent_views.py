"""What the page of consents shows: alarms first, then the matrices, each consent with its history, and custody."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from api.looks import Question
from api.pages.case_frame import CONSENTS, DISCLOSURES
from api.pages.codes import KINDS, word
from api.pages.consent_history_views import (
    MARK_OF_STATUS,
    TOPICS,
    History,
    anchor_of,
    bearing,
    entries_about,
    happened_by,
    history_of,
)
from api.pages.consent_matrix_views import Mark, Matrix, Register, changed_alone, matrices, since_of, unasked
from api.pages.consent_words import KNOWLEDGE, MARKS, NOT_ASKED, ONLY_CHANGED, THEN, consent_name
from api.pages.disclosure_views import BAD, Choice, Disclosure, found_disclosures
from api.pages.event_views import linked_words
from api.pages.filed_paper_views import FiledPaper, filed_papers
from api.pages.finding_words import explained
from api.pages.language import _, ngettext
from api.pages.texts import field_label
from api.pages.timeline import Fact, Item, fact_of, items_of
from api.pages.times import show_day, show_instant, show_moment
from api.pages.values import Piece, Value, Words
from api.pages.views import address, case_address, event_place
from api.reading import CaseLook
from domain.calendar import CalendarError, plus_months
from domain.consents import consent_ids, consent_status, holders_consent, missing_joint, support_givers
from domain.custody import children
from domain.documents import Filing
from domain.entries import Entry
from domain.events.child import CustodyRecorded
from domain.events.consent import ConsentGiven, ConsentWithdrawn
from domain.findings.base import Finding
from domain.findings.catalogue import pending
from domain.inquiry import Inquiry
from domain.known import Known, many
from domain.register import EntryHistory
from domain.time import read_day

TITLE = "Du ser samtykkerne, som vi kender dem i dag, ved siden af det, der var registreret %(when)s."
"""Stands above what is compared with the register then."""

TERMS = (
    "kind", "given_by", "refused_by", "capacity", "capacity_evidence", "on_behalf_of", "joint_with", "scope", "sources",
    "data_categories", "purpose", "purpose_code", "form", "language", "interpreter", "informed_with", "received_by",
    "valid_from", "valid_to", "legal_basis", "decision", "evidence",
)  # fmt: skip
"""The terms of a consent, in the order in which a reviewer asks for them."""

ASKED_FOR = ("language", "interpreter", "informed_with", "valid_to", "legal_basis", "evidence")
"""Terms that are told to be missing where a consent does not have them."""

EXPIRES = "CONSENT_EXPIRES_SOON"
NOTED = frozenset({EXPIRES, "CONSENT_WITHOUT_END", "CONSENT_OVER_ONE_YEAR", "RELAY_LOG_WITHOUT_CONSENT"})
"""Findings that are told beside the consent they are about."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that calls for a look, and each case of it with where it is told."""

    kind: str
    text: str
    lines: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """One consent with its terms, what was said about it, its history, and what went out on it."""

    anchor: str
    title: str
    code: str
    mark: Mark
    before: Mark | None
    missing: str | None
    notes: tuple[str, ...]
    terms: tuple[Fact, ...]
    unstated: tuple[str, ...]
    acts: tuple[Item, ...]
    history: History
    uses: tuple[Disclosure, ...]
    papers: tuple[FiledPaper, ...]


@dataclass(frozen=True, slots=True)
class CustodyLine:
    """A record of custody, and whether each holder consents to support."""

    child: str
    holders: str
    kind: str
    happened: str
    recorded: str
    entry: Piece


@dataclass(frozen=True, slots=True)
class ConsentsPage:
    """Everything the page of consents shows; ``since`` is the instant of knowledge it is compared with."""

    at: str
    alarms: tuple[Alarm, ...]
    choices: tuple[Choice, ...]
    since: str | None
    only_changed: bool
    changes: int
    matrices: tuple[Matrix, ...]
    legend: tuple[Mark, ...]
    unasked: tuple[str, ...]
    cards: tuple[Card, ...]
    custody: tuple[CustodyLine, ...]
    holders: str | None
    disclosures: str
    event_place: str
    query: str


def consents_page(
    look: CaseLook, question: Question, inquiry: Inquiry, chosen: str, filed: Sequence[tuple[Filing, str]] = ()
) -> ConsentsPage:
    """Return what the page shows; ``question`` is what the reader asked, which a comparison looks beyond.

    ``filed`` are the documents filed for consents, each with how its bytes stand.
    ``inquiry`` is the question to what the look holds: today's knowledge where it is compared with the register then.
    """
    words, path = linked_words(look, look.question), case_address(look.file.case)
    noted = [one for one in pending(inquiry, NOTED) if one.stands(inquiry.at)]
    known = happened_by(bearing(inquiry.known), inquiry.at)
    now = Register(words, known, inquiry.at)
    then = None
    if chosen != THEN and question.known_at is not None:
        then = Register(words, known.recorded_by(question.known_at), inquiry.at)
    shown = tuple(found_disclosures(words, look, known, inquiry.at))
    everything = matrices(now, then)
    codes = _ever(known)
    return ConsentsPage(
        at=show_instant(inquiry.at),
        alarms=tuple(_alarms(now, shown, noted, address(path + DISCLOSURES.path, look.question))),
        choices=tuple(_choices(path, question, chosen)),
        since=None if then is None or question.known_at is None else show_instant(question.known_at),
        only_changed=chosen == ONLY_CHANGED,
        changes=sum(cell.before is not None for one in everything for row in one.rows for cell in row.cells),
        matrices=changed_alone(everything) if chosen == ONLY_CHANGED else everything,
        legend=tuple(Mark(code, _(text)) for code, text in MARKS.items()),
        unasked=unasked(now, everything),
        cards=tuple(_card(look, now, then, code, noted, shown, filed) for code in codes),
        custody=tuple(_custody(now)),
        holders=_holders(now),
        disclosures=address(path + DISCLOSURES.path, look.question),
        event_place=event_place(look.file.case),
        query=address("", look.question),
    )


def asked_of(question: Question, chosen: str) -> Question:
    """Return what to look up for a page: with today's knowledge beside the register then, all that is on record."""
    if chosen == THEN or question.known_at is None:
        return question
    return Question(None, question.valid_at or question.known_at)


def _choices(path: str, question: Question, chosen: str) -> Iterator[Choice]:
    if question.known_at is not None:
        for code, label in KNOWLEDGE.items():
            place = address(path + CONSENTS.path, question, vis=None if code == THEN else code)
            yield Choice(_(label), None, place, code == chosen)


def _ever(known: Known) -> tuple[str, ...]:
    """Return every consent that was ever asked about, those whose entries were annulled too."""
    said = (entry for entry in known.entries if entry.topic in TOPICS and not entry.withheld)
    return tuple(dict.fromkeys((*consent_ids(known), *(str(entry.data["consent"]) for entry in said))))


def _alarms(
    register: Register, shown: Sequence[Disclosure], noted: Sequence[Finding], disclosures: str
) -> Iterator[Alarm]:
    uncovered = [one for one in shown if one.verdict.kind == BAD]
    if uncovered:
        text = ngettext(
            "%(number)s deling uden gyldigt samtykke eller andet grundlag",
            "%(number)s delinger uden gyldigt samtykke eller andet grundlag",
            len(uncovered),
        )
        yield Alarm("error", text, tuple(_use(one, disclosures, "; ".join(one.now.missing)) for one in uncovered))
    untold = [one for one in shown if one.untold]
    if untold:
        text = _("Trukket tilbage, men modtageren er ikke underrettet")
        yield Alarm("error", text, tuple(_use(one, disclosures, ", ".join(one.untold)) for one in untold))
    waiting = tuple(_waiting(register))
    if waiting:
        yield Alarm("warning", _("Afventer samtykke fra en anden"), waiting)
    soon = tuple(_expiring(register, noted))
    if soon:
        yield Alarm("warning", _("Udløber inden for 30 dage"), soon)


def _use(one: Disclosure, disclosures: str, detail: str) -> Piece:
    happened = ", ".join(piece.text for piece in one.item.happened.value.pieces)
    return Piece(f"{happened}, {one.recipients}: {detail}", f"{disclosures}#{one.anchor}")


def _waiting(register: Register) -> Iterator[Piece]:
    """Yield whose consent is missing: a second holder of custody's to support, or one that was asked for jointly."""
    known, at = register.known, register.at
    if any(True for _giver in support_givers(known, at)):
        missing = dict.fromkeys(one for child in children(known) for one in holders_consent(known, at, child).missing)
        for ref in missing:
            text = _("%(who)s har del i forældremyndigheden og har ikke samtykket til støtte", who=register.name(ref))
            yield Piece(text, "#foraeldremyndighed")
    for consent in consent_ids(known):
        for ref in missing_joint(known, consent, at):
            name = consent_name(register.words, known, consent)
            yield Piece(
                _("%(consent)s: %(who)s mangler", consent=name, who=register.name(ref)), anchor_of(known, consent)
            )


def _expiring(register: Register, noted: Sequence[Finding]) -> Iterator[Piece]:
    for one in noted:
        if one.code == EXPIRES and one.ends_at is not None:
            consent = str(one.detail["consent"])
            name = consent_name(register.words, register.known, consent)
            text = _("%(consent)s: gælder til %(when)s", consent=name, when=show_instant(one.ends_at))
            yield Piece(text, anchor_of(register.known, consent))


def _card(
    look: CaseLook,
    now: Register,
    then: Register | None,
    consent: str,
    noted: Sequence[Finding],
    shown: Sequence[Disclosure],
    filed: Sequence[tuple[Filing, str]],
) -> Card:
    about = entries_about(now.known, consent)
    terms = _terms(now, about, consent)
    kind = word(KINDS, str(terms.data.get("kind") or "")).capitalize()
    name, anchor = consent_name(now.words, now.known, consent), anchor_of(now.known, consent).removeprefix("#")
    mark = _mark(now, consent)
    before = None if then is None else _mark(then, consent)
    versions = {entry.version for entry in about}
    missing = missing_joint(now.known, consent, now.at)
    return Card(
        anchor=anchor,
        title=_("%(kind)s: %(name)s", kind=kind or _("Samtykke"), name=name),
        code=consent,
        mark=mark,
        before=before if before is not None and (before.code, before.entry) != (mark.code, mark.entry) else None,
        missing=", ".join(map(now.name, missing)) or None,
        notes=tuple(explained(one) for one in noted if one.entry in versions),
        terms=tuple(_facts(now.words, look, terms)),
        unstated=tuple(_unstated(terms)),
        acts=items_of(now.words, look, about),
        history=history_of(now.words, now.known, consent, now.at, _("Historik for %(name)s", name=name), anchor),
        uses=tuple(one for one in shown if consent in one.names),
        papers=filed_papers(look.file.case, look.question, filed, versions),
    )


def _terms(register: Register, about: Sequence[Entry], consent: str) -> Entry:
    """Return the entry that holds the terms of a consent as they are now: the last asked, in force if any is."""
    asked = [entry for entry in about if entry.data.get("consent") == consent and entry.topic != ConsentWithdrawn.TOPIC]
    in_force = [entry for entry in asked if register.known.fact(entry.version) is not None]
    return (in_force or asked or list(about))[-1]


def _mark(register: Register, consent: str) -> Mark:
    found = consent_status(register.known, consent, register.at)
    code = MARK_OF_STATUS[found.status]
    since = "" if found.entry is None or code == NOT_ASKED else since_of(found, found.entry, code)
    return Mark(code, _(MARKS[code]), since, entry=found.entry.version if found.entry is not None else None)


def _facts(words: Words, look: CaseLook, terms: Entry) -> Iterator[Fact]:
    """Yield the terms of a consent with their corrections, and how long the law lets it hold."""
    past = look.history.get(terms.version, EntryHistory())
    held = _held(terms) | {one.field for one in past.corrections}
    for name in TERMS:
        if name in held:
            yield fact_of(words, terms, name, past.corrections)
    limit = _legal_limit(terms)
    if limit is not None:
        yield Fact(_("Længst efter loven"), Value((Piece(limit),)))


def _held(terms: Entry) -> set[str]:
    return {*terms.data, *terms.sealed, *terms.erased, *terms.unreadable}


def _unstated(terms: Entry) -> Iterator[str]:
    """Yield the terms a reviewer asks for that a consent does not state."""
    if terms.topic == ConsentGiven.TOPIC:
        yield from (field_label(terms.topic, name) for name in ASKED_FOR if name not in _held(terms))


def _legal_limit(terms: Entry) -> str | None:
    """Return until when the law lets a consent hold at most; None where no such law is named.

    Source: sundhedsloven § 44.
    """
    health = any(
        "sundhedslov" in str(law).casefold() or "SUL" in str(law) for law in many(terms.data.get("legal_basis"))
    )
    if not health or terms.data.get("valid_from") is None:
        return None
    try:
        last = plus_months(read_day(terms.data["valid_from"]), 12)
    except CalendarError:
        return None
    return _("til %(day)s (sundhedsloven § 44: højst et år)", day=show_day(last))


def _custody(register: Register) -> Iterator[CustodyLine]:
    for entry in register.known.of(CustodyRecorded):
        if entry.happened <= register.at:
            yield CustodyLine(
                child=register.name(str(entry.data["child"])),
                holders=", ".join(register.name(str(one)) for one in many(entry.data["holders"])),
                kind=word(KINDS, str(entry.data.get("kind") or "")),
                happened=show_moment(entry.occurred_at),
                recorded=show_instant(entry.recorded_at),
                entry=register.words.reference(entry.version),
            )


def _holders(register: Register) -> str | None:
    """Return in a sentence whether everybody who holds custody has consented to support; None without a holder."""
    found = holders_consent(register.known, register.at)
    if not found.holders:
        return None
    if found.satisfied:
        return _("Alle indehavere af forældremyndigheden har samtykket til støtte.")
    return _("Samtykke til støtte mangler fra %(who)s.", who=", ".join(map(register.name, found.missing)))
