"""What the page of disclosures shows: what went out to whom, and how it was covered by the register then and by now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from api.pages.case_frame import CONSENTS
from api.pages.codes import DATA_CATEGORIES, word
from api.pages.consent_history_views import anchor_of, bearing
from api.pages.consent_words import (
    ALL,
    BASES,
    CHANGED,
    FILTERS,
    MADE,
    RULES,
    STATUSES_THEN,
    TO_TELL,
    UNCOVERED,
    VERDICTS,
    code_text,
    consent_name,
    gap_text,
    recipient,
)
from api.pages.event_views import linked_words
from api.pages.language import _
from api.pages.timeline import Item, items_of
from api.pages.times import show_day, show_instant, show_moment
from api.pages.values import Piece, Words
from api.pages.views import address, case_address
from api.reading import CaseLook
from domain.consents import ConsentStatus, consent_ids, consent_status, entries_of
from domain.disclosures import CONSENT, COVERED, EMERGENCY, Cover, TwoCovers, covers, disclosures, holds_law
from domain.entries import Entry
from domain.events.consent import ConsentGiven, DisclosureDenied, InformationObtained
from domain.known import Known, many
from domain.time import read_day
from domain.withdrawals import GoneOut, gone_out

GOOD, DOUBT, BAD, NEUTRAL = "success", "warning", "error", "info"
GRAVITY = {
    "denied": NEUTRAL,
    "consent": GOOD,
    "law": GOOD,
    "emergency": DOUBT,
    "afterwards": DOUBT,
    "other_basis": DOUBT,
    "no_consent": BAD,
    "no_basis": BAD,
}
"""How grave what a disclosure comes to is, as one of the four kinds of badge."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a disclosure comes to by all facts known, in words and as one of the four kinds of badge."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class CoverLine:
    """Whether a disclosure was covered, on which basis, and what was missing."""

    covered: bool
    basis: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConsentUsed:
    """A consent that a disclosure names: which giving of it was in force then, and how it stood by then and by now."""

    name: str
    address: str
    given: Piece | None
    edition: str
    then: str
    now: str
    differs: bool


def stood(found: ConsentStatus) -> str:
    """Return how a consent stood when something went out on it, with since when where it had ended by then."""
    text = word(STATUSES_THEN, found.status)
    if found.status not in ("withdrawn", "refused") or found.entry is None:
        return text
    happened, recorded = show_moment(found.entry.occurred_at), show_instant(found.entry.recorded_at)
    return _("%(status)s %(happened)s (registreret %(recorded)s)", status=text, happened=happened, recorded=recorded)


@dataclass(frozen=True, slots=True)
class ToldLine:
    """A recipient who must be told of a withdrawal, and the event that shows it; None where nothing does."""

    recipient: str
    told: Piece | None


@dataclass(frozen=True, slots=True)
class EndedConsent:
    """A consent that ended after, or before, something had gone out on it, and who was told."""

    code: str
    name: str
    made: str
    withdrawals: tuple[Piece, ...]
    told: tuple[ToldLine, ...]


@dataclass(frozen=True, slots=True)
class DocumentOut:
    """A version of a document that went out, with the salted checksum of its bytes; None where that is withheld."""

    piece: Piece
    checksum: str | None = None


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One disclosure: ``item`` is it as the timeline words it, ``address`` its own page, ``anchor`` its place here."""

    version: int
    address: str
    anchor: str
    item: Item
    stopped: bool
    recipients: str
    what: str
    verdict: Verdict
    then: CoverLine
    now: CoverLine
    differs: bool
    consents: tuple[ConsentUsed, ...]
    names: frozenset[str]
    documents: tuple[DocumentOut, ...]
    overridden: tuple[str, ...]
    rule: str
    ended: tuple[EndedConsent, ...]
    untold: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Part of a page to choose: how many it shows, where that is told, and whether it is the one chosen."""

    label: str
    number: int | None
    address: str
    current: bool


@dataclass(frozen=True, slots=True)
class DisclosuresPage:
    """Everything the page of disclosures shows; ``found`` are those of the filter, ``total`` how many there are."""

    found: tuple[Disclosure, ...]
    total: int
    choices: tuple[Choice, ...]
    uncovered: int
    changed: int
    untold: int
    consents: str


def disclosures_page(look: CaseLook, known: Known, at: datetime, chosen: str) -> DisclosuresPage:
    """Return what the page shows of the disclosures that had happened at an instant, by everything ``known``."""
    everything = tuple(found_disclosures(linked_words(look, look.question), look, bearing(known), at))
    by_filter = {code: [one for one in everything if _belongs(one, code)] for code in FILTERS}
    path = case_address(look.file.case)
    return DisclosuresPage(
        found=tuple(by_filter[chosen]),
        total=len(everything),
        choices=tuple(
            Choice(
                _(label),
                len(by_filter[code]),
                address(f"{path}/delinger", look.question, vis=None if code == ALL else code),
                code == chosen,
            )
            for code, label in FILTERS.items()
        ),
        uncovered=len(by_filter[UNCOVERED]),
        changed=len(by_filter[CHANGED]),
        untold=len(by_filter[TO_TELL]),
        consents=address(path + CONSENTS.path, look.question),
    )


def found_disclosures(words: Words, look: CaseLook, known: Known, at: datetime) -> Iterator[Disclosure]:
    """Yield the disclosures that had happened at an instant, in the order in which they happened."""
    ended: dict[int, list[GoneOut]] = {}
    for consent in consent_ids(known):
        for row in gone_out(known, consent, at):
            ended.setdefault(row.disclosure.version, []).append(row)
    found = [entry for entry in disclosures(known) if entry.happened <= at]
    items = items_of(words, look, [look.entries[entry.version - 1] for entry in found])
    for entry, item in zip(found, items, strict=True):
        both = covers(known, entry.version)
        if both is not None:
            yield _disclosure(words, look, known, entry, item, both, ended.get(entry.version, ()))


def _belongs(one: Disclosure, code: str) -> bool:
    if code == UNCOVERED:
        return one.verdict.kind == BAD
    if code == CHANGED:
        return one.differs
    return code == ALL or bool(one.untold)


def _disclosure(
    words: Words,
    look: CaseLook,
    known: Known,
    entry: Entry,
    item: Item,
    both: TwoCovers,
    ended: Sequence[GoneOut],
) -> Disclosure:
    inbound = entry.topic == InformationObtained.TOPIC
    then = known.recorded_by(entry.recorded_at)
    named = tuple(map(str, many(entry.data.get("consents"))))
    rows = tuple(_ended(words, known, row) for row in ended)
    return Disclosure(
        version=entry.version,
        address=words.link(entry.version),
        anchor=f"d{entry.version}",
        item=item,
        stopped=entry.topic == DisclosureDenied.TOPIC,
        recipients=", ".join(recipient(str(one)) for one in many(entry.data.get("obtained_from" if inbound else "to"))),
        what=", ".join(word(DATA_CATEGORIES, str(one)) for one in many(entry.data.get("data_categories"))),
        verdict=_verdict(entry, both),
        then=_cover(words, known, both.by_record_then),
        now=_cover(words, known, both.by_all_facts),
        differs=both.by_record_then.answer != both.by_all_facts.answer,
        consents=tuple(_used(words, look, known, then, one, entry) for one in named),
        names=frozenset(named),
        documents=tuple(_documents(words, known, entry)),
        overridden=tuple(code_text(str(code)) for code in many(entry.data.get("overridden_gates"))),
        rule=word(RULES, entry.topic),
        ended=rows,
        untold=tuple(dict.fromkeys(line.recipient for row in rows for line in row.told if line.told is None)),
    )


def verdict_code(entry: Entry, both: TwoCovers) -> str:
    """Return what a disclosure comes to: red only where neither a consent nor a law that is named carries it."""
    if entry.topic == DisclosureDenied.TOPIC:
        return "denied"
    then, now = both.by_record_then, both.by_all_facts
    if now.answer != COVERED:
        if now.basis != CONSENT:
            return "no_basis"
        return "other_basis" if holds_law(entry.data) else "no_consent"
    if then.answer != COVERED:
        return "afterwards"
    if now.basis == CONSENT:
        return "consent"
    return "emergency" if now.basis == EMERGENCY and not holds_law(entry.data) else "law"


def _verdict(entry: Entry, both: TwoCovers) -> Verdict:
    code = verdict_code(entry, both)
    return Verdict(word(VERDICTS, code), GRAVITY[code])


def _cover(words: Words, known: Known, found: Cover) -> CoverLine:
    missing = dict.fromkeys(gap_text(words, known, gap) for gap in found.gaps)
    return CoverLine(found.answer == COVERED, word(BASES, found.basis), tuple(missing))


def _used(words: Words, look: CaseLook, known: Known, then: Known, consent: str, entry: Entry) -> ConsentUsed:
    was, now = consent_status(then, consent, entry.happened), consent_status(known, consent, entry.happened)
    given = was.given or now.given
    return ConsentUsed(
        name=consent_name(words, known, consent),
        address=address(f"{case_address(look.file.case)}{CONSENTS.path}", look.question) + anchor_of(known, consent),
        given=words.reference(given.version) if given is not None else None,
        edition=_edition(known, was if was.given is not None else now),
        then=stood(was),
        now=stood(now),
        differs=was.status != now.status,
    )


def _edition(known: Known, found: ConsentStatus) -> str:
    """Return which giving of a consent one is, and for how long it was given; empty for none."""
    if found.given is None:
        return ""
    givings = [one.version for one in entries_of(known, found.consent) if one.topic == ConsentGiven.TOPIC]
    number = givings.index(found.given.version) + 1 if found.given.version in givings else 1
    begins = show_day(read_day(found.given.data["valid_from"]))
    ends = found.given.data.get("valid_to")
    if ends is None:
        return _("udgave %(number)s, gælder fra %(begins)s uden slutdato", number=number, begins=begins)
    last = show_day(read_day(ends))
    return _("udgave %(number)s, gælder fra %(begins)s til %(ends)s", number=number, begins=begins, ends=last)


def _documents(words: Words, known: Known, entry: Entry) -> Iterator[DocumentOut]:
    """Yield the versions of documents that went out; of one that is withheld only where it was filed."""
    filed = {one.version: one for one in known.entries}
    for version in many(entry.data.get("documents_filed")):
        data = filed[version].data
        if "document" in data:
            text = _("%(document)s, version %(version)s", document=data["document"], version=data["version"])
            yield DocumentOut(Piece(text, words.link(version) if version in words.shown else None), data["commitment"])
        else:
            yield DocumentOut(words.reference(version))


def _ended(words: Words, known: Known, row: GoneOut) -> EndedConsent:
    return EndedConsent(
        code=row.consent,
        name=consent_name(words, known, row.consent),
        made=word(MADE, row.made) if row.made else _("Samtykket udløb siden"),
        withdrawals=tuple(words.reference(one.version) for one in row.withdrawals),
        told=tuple(
            ToldLine(recipient(office), words.reference(told) if told is not None else None)
            for office, told in row.told
        ),
    )
