"""What the pages show on which it is decided what is handed out: to whom a case goes, what of it, what is left out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from api.pages.access_views import TextField
from api.pages.codes import KINDS, ROLES, word, word_of_field
from api.pages.exemption_words import CODES
from api.pages.language import _, ngettext
from api.pages.texts import field_label
from api.pages.timeline import Fact, Item, items
from api.pages.times import Parts, parts_of, show_instant, show_moment
from api.pages.values import words_of
from api.pages.views import case_address
from api.production_masking import LeftOut
from api.productions import Preview, Produced
from api.reading import CaseLook
from domain.entries import Entry
from domain.exemptions import CHOSEN, EXEMPTIONS
from domain.production import (
    REASON,
    Redaction,
    paragraphs,
    selection_of,
    text_of,
    write_redaction,
    write_stretches,
)
from domain.purposes import PURPOSES
from domain.time import read_moment, write_instant

MOST_SHOWN = 300
"""How many entries one can go through on a page; more are handed out over the API or by the command."""

REASON_LABEL = "Begrundelse for registreringen"
NEW = "ny"
NOTHING_TYPED, NO_DAY = TextField(), Parts()


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose."""

    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """A value of an entry that can be left out: ``code`` says by what it is, ``key`` names it where it can be."""

    label: str
    text: str
    key: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class EntryCard:
    """An entry to go through."""

    version: int
    label: str
    happened: str
    recorded: str
    actor: str
    code: str | None
    places: tuple[PlaceLine, ...]


@dataclass(frozen=True, slots=True)
class RedactionLine:
    """What has been chosen to be left out; ``kept`` is how the form carries it on."""

    id: str
    kept: str
    where: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class MadeLine:
    """An earlier decision to hand something out."""

    address: str
    text: str


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed on the page, and what is wrong with it."""

    request: str = ""
    entries: str = ""
    redactions: tuple[Redaction, ...] = ()
    marked: frozenset[str] = frozenset()
    code: str = ""
    reason: TextField = NOTHING_TYPED
    grounds: str = ""
    received: Parts = NO_DAY
    errors: tuple[tuple[str, str], ...] = ()
    present: bool = False


@dataclass(frozen=True, slots=True)
class ProductionPage:
    """Everything the page shows on which it is decided what is handed out."""

    action: str
    requests: tuple[Option, ...]
    new: bool
    received: Parts
    typed: Typed
    entries: str
    known_at: str
    valid_at: str
    cards: tuple[EntryCard, ...]
    too_many: int
    counted: str | None
    redactions: tuple[RedactionLine, ...]
    codes: tuple[Option, ...]
    made: tuple[MadeLine, ...]
    key: str


def production_address(case: UUID | str, version: int | None = None) -> str:
    """Return where it is decided what is handed out, or where one decision is."""
    return f"{case_address(case)}/udlevering" + ("" if version is None else f"/{version}")


def production_page(found: Preview, typed: Typed, chosen: Sequence[Entry], key: str) -> ProductionPage:
    """Return what the page shows; ``chosen`` are the entries that would go out."""
    look = found.look
    shown = chosen[:MOST_SHOWN] if found.out else ()
    counted = found.out.counted if found.out else 0
    return ProductionPage(
        action=production_address(look.file.case),
        requests=tuple(_requests(found, typed.request)),
        new=typed.request.startswith(NEW),
        received=typed.received if is_filled(typed.received) else _day(found),
        typed=typed,
        entries=write_stretches(entry.version for entry in chosen),
        known_at=write_instant(look.question.known_at or found.now),
        valid_at=write_instant(look.question.valid_at) if look.question.valid_at else "",
        cards=tuple(_cards(found, shown)),
        too_many=len(chosen) if len(chosen) > MOST_SHOWN else 0,
        counted=_counted(counted) if counted else None,
        redactions=tuple(_redaction(look, n, one) for n, one in enumerate(typed.redactions)),
        codes=tuple(Option(code, f"{code}: {_(CODES[code])}", code == typed.code) for code in CHOSEN),
        made=tuple(_made(look, one) for one in reversed(found.made)),
        key=key,
    )


def is_filled(parts: Parts) -> bool:
    """Whether anything of a day was typed."""
    return any((parts.day, parts.month, parts.year))


def _day(found: Preview) -> Parts:
    return parts_of(found.now)


def _counted(number: int) -> str:
    return ngettext(
        "%(number)s post er undtaget uden omtale: på papiret er den kun talt med.",
        "%(number)s poster er undtaget uden omtale: på papiret er de kun talt med.",
        number,
    )


def _requests(found: Preview, chosen: str) -> Iterable[Option]:
    """Yield whom a case can go to: those who have asked, then those of whom no request is on record."""
    words = words_of(found.look, ())
    for one in reversed(found.requests):
        who = words.person(str(one.data["by"])) or word_of_field("by", str(one.data["by"]))
        kind, day = word(KINDS, str(one.data["kind"])), show_moment(read_moment(one.data["received_at"]))
        label = _("nr. %(version)s, %(day)s: %(who)s, %(kind)s", version=one.version, day=day, who=who, kind=kind)
        yield Option(str(one.version), label, chosen == str(one.version))
    persons = [(named.person.ref, words.person(named.person.ref)) for named in found.look.persons]
    fresh = [(f"{NEW}:court:court", _("retten"), "court")]
    fresh += [
        (f"{NEW}:{kind}:{ref}", who or ref, kind) for kind in ("party_access", "gdpr_art15") for ref, who in persons
    ]
    for value, who, kind in fresh:
        label = _("Ny anmodning: %(who)s, %(kind)s", who=who, kind=word(KINDS, kind))
        yield Option(value, label, chosen == value)


def _cards(found: Preview, chosen: Sequence[Entry]) -> Iterable[EntryCard]:
    shown = {entry.version: entry for entry in chosen}
    left_out: dict[tuple[int, str | None, int | None], LeftOut] = {
        (one.version, one.field, one.paragraph): one for one in (found.out.left_out if found.out else ())
    }
    told = {entry.version for entry in found.out.look.entries} if found.out else set[int]()
    for item in sorted(items(found.look), key=lambda one: one.version):
        entry = shown.get(item.version)
        if entry is None:
            continue
        whole = left_out.get((item.version, None, None))
        code = whole.code if whole else None if item.version in told else "HEMMELIG"
        yield EntryCard(
            version=item.version,
            label=item.label,
            happened=" ".join(piece.text for piece in item.happened.value.pieces),
            recorded=item.recorded,
            actor=item.actor,
            code=code,
            places=() if code else tuple(_places(item, entry, left_out)),
        )


def _places(
    item: Item, entry: Entry, left_out: Mapping[tuple[int, str | None, int | None], LeftOut]
) -> Iterable[PlaceLine]:
    """Yield the values of an entry, a text of several paragraphs one by one."""
    names = {field_label(entry.topic, name): name for name in entry.data}
    if entry.reason is not None:
        names[_(REASON_LABEL)] = REASON
    for fact in item.facts:
        name = names.get(fact.label)
        parts = paragraphs(text_of(entry, name)) if name else ()
        gone = left_out.get((entry.version, name, None)) if name else None
        if gone is None and len(parts) > 1:
            for number, part in enumerate(parts, start=1):
                one = left_out.get((entry.version, name, number))
                label = _("%(field)s, afsnit %(number)s", field=fact.label, number=number)
                yield PlaceLine(label, part, None if one else f"{entry.version}.{name}.{number}", one and one.code)
        else:
            key = f"{entry.version}.{name}" if name and gone is None else None
            yield PlaceLine(fact.label, _text(fact), key, gone.code if gone else None)


def _text(fact: Fact) -> str:
    return ", ".join(piece.text for piece in fact.value.pieces)


def _redaction(look: CaseLook, number: int, one: Redaction) -> RedactionLine:
    return RedactionLine(f"fjern-{number}", write_redaction(one), _where(look, one), one.code, one.reason)


def _where(look: CaseLook, one: Redaction | LeftOut) -> str:
    version = one.entry if isinstance(one, Redaction) else one.version
    topic = look.file.entries[version - 1].topic if version <= len(look.file.entries) else ""
    number = _("nr. %(version)s", version=version)
    if one.field is None:
        return _("%(number)s, hele posten", number=number)
    field = _(REASON_LABEL) if one.field == REASON else field_label(topic, one.field)
    if one.paragraph is None:
        return f"{number}, {field}"
    return f"{number}, " + _("%(field)s, afsnit %(number)s", field=field, number=one.paragraph)


def _made(look: CaseLook, answer: Entry) -> MadeLine:
    selection = selection_of(answer)
    text = _(
        "Nr. %(version)s, %(when)s af %(who)s: poster %(entries)s",
        version=answer.version,
        when=show_instant(answer.recorded_at),
        who=answer.actor.id,
        entries=write_stretches(selection.entries),
    )
    return MadeLine(production_address(look.file.case, answer.version), text)


@dataclass(frozen=True, slots=True)
class LeftOutLine:
    """A place that is left out: where, by which code and provision, why."""

    where: str
    code: str
    meaning: str
    provision: str
    reason: str


@dataclass(frozen=True, slots=True)
class ProducedPage:
    """Everything the page of one decision shows."""

    sentence: str
    facts: tuple[tuple[str, str], ...]
    left_out: tuple[LeftOutLine, ...]
    counted: str | None
    signed: bool
    paper: str
    data: str


def produced_page(made: Produced, case: UUID) -> ProducedPage:
    """Return what the page of a decision shows."""
    values, look = made.values, made.out.look
    asked, chosen, by = values["request"], values["selection"], values["answer"]["decided_by"]
    who = words_of(look, ()).person(asked["by"]) or word_of_field("by", asked["by"])
    told = {kind: sum(one["told"] == kind for one in values["entries"]) for kind in ("whole", "partly", "withheld")}
    who = f"{who[:1].upper()}{who[1:]}"
    sentence = _("%(who)s får %(whole)s poster helt og %(partly)s delvist; %(withheld)s er undtaget.", who=who, **told)
    purpose = PURPOSES.get(chosen["purpose"])
    facts = (
        (_("Anmodning"), f"{_('nr. %(version)s', version=asked['version'])}, {word(KINDS, asked['kind'])}"),
        (_("Poster"), chosen["entries"]),
        (_("Registreret senest"), show_moment(read_moment(chosen["known_at"]))),
        (_("Hændt senest"), show_moment(read_moment(chosen["valid_at"])) if chosen["valid_at"] else _("uden grænse")),
        (_("Besluttet"), show_instant(made.recorded_at)),
        (_("Af"), f"{by['staff']} ({word(ROLES, by['role'])})"),
        (_("Formål"), _(purpose.label_da) if purpose else chosen["purpose"]),
        (_("Gennemset i opslag"), str(chosen["access_event"])),
    )
    place = production_address(case, made.version)
    return ProducedPage(
        sentence=sentence,
        facts=facts,
        left_out=tuple(_left_out(look, one) for one in made.out.left_out),
        counted=_counted(made.out.counted) if made.out.counted else None,
        signed=values["verification"]["checkpoint"] is not None,
        paper=f"{place}.pdf",
        data=f"{place}.json",
    )


def _left_out(look: CaseLook, one: LeftOut) -> LeftOutLine:
    provision = EXEMPTIONS[one.code].provision
    reason = one.reason or _("følger af det, der er registreret")
    return LeftOutLine(_where(look, one), one.code, _(CODES[one.code]), provision, reason)


def read_day_parts(typed: Mapping[str, str], name: str) -> Parts:
    """Return a day as typed in three fields."""
    return Parts(*(typed.get(f"{name}_{part}", "") for part in ("day", "month", "year")))
