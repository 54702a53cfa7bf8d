"""The entries of a case as a timeline: as written, with every correction and annulment beside them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.pages.codes import ROLES, word
from api.pages.language import _
from api.pages.texts import OCCURRED_AT, field_label
from api.pages.times import show_instant, show_length, show_moment
from api.pages.values import (
    ERASED,
    NOT_GIVEN,
    NOT_SHOWN,
    UNREADABLE,
    Piece,
    Value,
    Words,
    is_technical,
    kinds_of_event,
    label_of,
    words_of,
)
from api.reading import CaseLook
from domain.entries import Entry
from domain.events.administration import CaseOpened, GateStopped
from domain.lateness import is_late, lag
from domain.recording import OF_ITS_OWN
from domain.register import ABOUT_ENTRIES, CORRECTED, Correction, EntryHistory, target
from domain.time import start_of, write_instant, write_moment
from ledger.mapper import REASON

LATE = "Efterregistreret"
CORRECTED_MARK = "Berigtiget"
ANNULLED_MARK = "Annulleret"
WITHOUT_GATE = "Registreret uden forudgående kontrol"
WITHHELD = "Flyttet væk: indholdet vises kun for revision"
RESTRICTED = "Rettet: det oprindelige vises kun for revision"

NOT_CORRECTED = OF_ITS_OWN | ABOUT_ENTRIES | {CaseOpened.TOPIC, GateStopped.TOPIC}
"""Topics of entries that the form for corrections does not take."""


@dataclass(frozen=True, slots=True)
class Change:
    """One correction as told beside the value it corrects; ``in_force`` is false once it is annulled.

    ``recorded`` is when and by whom.
    """

    version: int
    link: str | None
    recorded: str
    reason: str
    in_force: bool


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of an entry: ``struck`` are the values that hold no more, in order, ``value`` the one that does."""

    label: str
    value: Value
    struck: tuple[Value, ...] = ()
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the timeline, ready to be shown; ``happened_at`` is for machines.

    ``corrected_here`` says that the form for corrections takes it: others are ended or reviewed at pages of their own.
    """

    version: int
    label: str
    marks: tuple[str, ...]
    happened: Fact
    happened_at: str
    recorded: str
    recorded_at: str
    actor: str
    reached: str | None
    late_by: str | None
    annulled: Change | None
    facts: tuple[Fact, ...]
    technical: tuple[Fact, ...]
    corrected_here: bool


def items(look: CaseLook) -> tuple[Item, ...]:
    """Return all entries that belong on a page, in the order they happened as now known, then by version."""
    shown = shown_entries(look)
    return items_of(words_of(look, (entry.version for entry in shown)), look, shown)


def items_of(words: Words, look: CaseLook, entries: Iterable[Entry]) -> tuple[Item, ...]:
    """Return some entries of a look as shown, in the order given."""
    settled = {entry.version: entry for entry in look.effective}
    return tuple(
        _item(words, entry, settled.get(entry.version, entry), look.history.get(entry.version, EntryHistory()))
        for entry in entries
    )


def shown_entries(look: CaseLook) -> list[Entry]:
    """Return the entries that had happened by the instant asked about, as they were written.

    When a fact in force happened is judged with its corrections. What says something about another entry stands
    where that entry does, and the opening of the case always.
    """
    happened = {entry.version: entry.happened for entry in look.effective}
    cut = look.question.valid_at
    kept: dict[int, Entry] = {}
    for entry in look.entries:
        if _belongs(look, entry, happened, kept, cut):
            kept[entry.version] = entry
    return sorted(kept.values(), key=lambda entry: (happened.get(entry.version, entry.happened), entry.version))


def _belongs(
    look: CaseLook, entry: Entry, happened: dict[int, datetime], kept: dict[int, Entry], cut: datetime | None
) -> bool:
    if cut is None or entry.version == 1 or entry.version in happened:
        return True
    if entry.topic in ABOUT_ENTRIES:
        return target(entry) in kept
    past = look.history.get(entry.version)
    return bool(past and past.annulled) and start_of(entry.occurred_at) <= cut


def _item(words: Words, entry: Entry, settled: Entry, past: EntryHistory) -> Item:
    """Return an entry as shown; ``settled`` is the same entry with its corrections where it is in force."""
    return Item(
        version=entry.version,
        label=label_of(entry),
        marks=tuple(_marks(entry, past)),
        happened=fact_of(words, entry, OCCURRED_AT, past.corrections),
        happened_at=write_moment(settled.occurred_at),
        recorded=show_instant(entry.recorded_at),
        recorded_at=write_instant(entry.recorded_at),
        actor=actor_of(entry),
        reached=show_moment(entry.reached_at) if entry.reached_at else None,
        late_by=show_length(lag(entry)) if is_late(entry) else None,
        annulled=_annulled(words, past),
        facts=tuple(_facts(words, entry, past.corrections)),
        technical=tuple(_technical(words, entry)),
        corrected_here=entry.topic not in NOT_CORRECTED,
    )


def actor_of(entry: Entry) -> str:
    """Return who recorded an entry: id, role and organisation."""
    actor = entry.actor
    return f"{actor.id} ({word(ROLES, actor.role)})" + (f", {actor.organisation}" if actor.organisation else "")


def _marks(entry: Entry, past: EntryHistory) -> Iterable[str]:
    if past.annulled:
        yield ANNULLED_MARK
    if any(correction.in_force for correction in past.corrections):
        yield CORRECTED_MARK
    if is_late(entry):
        yield LATE
    if entry.withheld:
        yield WITHHELD
    if entry.restricted:
        yield RESTRICTED
    if entry.reported_without_gate:
        yield WITHOUT_GATE


def _annulled(words: Words, past: EntryHistory) -> Change | None:
    annulment = past.annulment
    if annulment is None:
        return None
    return _change(words, annulment.version, annulment.recorded_at, in_force=annulment.in_force)


def _change(words: Words, version: int, recorded_at: datetime, *, in_force: bool) -> Change:
    entry = words.entries.get(version)
    reason, recorded = _text(entry, "reason") if entry else _(NOT_SHOWN), show_instant(recorded_at)
    if entry is not None:
        recorded = _("%(when)s af %(who)s", when=recorded, who=actor_of(entry))
    return Change(version, words.reference(version).link, recorded, reason, in_force)


def _text(entry: Entry, name: str) -> str:
    """Return a text of an entry, or what became of it."""
    text = entry.data.get(name)
    return str(text) if text is not None else _unread(entry, name)


def _unread(entry: Entry, name: str) -> str:
    if name in entry.erased:
        return _(ERASED)
    if name in entry.unreadable:
        return _(UNREADABLE)
    return _(NOT_SHOWN if name in entry.sealed else NOT_GIVEN)


def _facts(words: Words, entry: Entry, corrections: Sequence[Correction]) -> Iterable[Fact]:
    for name in _names(entry, corrections):
        if not is_technical(entry.topic, name):
            yield fact_of(words, entry, name, corrections)
    if entry.reason is not None or REASON in entry.sealed:
        text = entry.reason if entry.reason is not None else _unread(entry, REASON)
        yield Fact(_("Begrundelse for registreringen"), Value((Piece(text),), missing=entry.reason is None))
    if entry.legal_basis:
        yield Fact(_("Hjemmel for registreringen"), Value(tuple(map(Piece, entry.legal_basis))))
    if entry.source:
        yield Fact(_("Oplysningens kilde"), Value((Piece(entry.source),)))


def _names(entry: Entry, corrections: Sequence[Correction]) -> list[str]:
    """Return the fields an entry has, has had or has lost, in the order of its class, unknown ones last."""
    present = {*entry.data, *entry.sealed, *entry.erased, *entry.unreadable, *(c.field for c in corrections)} - {
        REASON,
        OCCURRED_AT,
    }
    known = [name for name in kinds_of_event(entry.topic) if name in present]
    return known + sorted(present - set(known))


def fact_of(words: Words, entry: Entry, name: str, corrections: Sequence[Correction]) -> Fact:
    """Return a field with its chain of values: each correction in force strikes the value before it."""
    concerning = [correction for correction in corrections if correction.field == name]
    chain = [_written(words, entry, name)]
    for correction in concerning:
        if correction.in_force and not correction.unread and name not in entry.restricted:
            chain.append(value_of(words, entry, name, correction.new))
    changes = [_change(words, c.version, c.recorded_at, in_force=c.in_force) for c in concerning]
    return Fact(field_label(entry.topic, name), chain[-1], tuple(chain[:-1]), tuple(changes))


def _written(words: Words, entry: Entry, name: str) -> Value:
    """Return the value of a field as the entry was written."""
    if name == OCCURRED_AT:
        return Value((Piece(show_moment(entry.occurred_at)),))
    if name in entry.data:
        return value_of(words, entry, name, entry.data[name])
    return Value((Piece(_unread(entry, name)),), missing=True)


def value_of(words: Words, entry: Entry, name: str, value: Any) -> Value:
    """Return a value of a field of an entry as it is shown."""
    if entry.topic == CORRECTED and name == "field":
        corrected = words.entries.get(entry.data["corrects"])
        return Value((Piece(field_label(corrected.topic if corrected else entry.topic, str(value))),))
    return words.value(*words.about(entry, name), value)


def _technical(words: Words, entry: Entry) -> Iterable[Fact]:
    """Return what an entry holds for machines."""
    yield Fact(_("Hændelse i protokollen"), Value((Piece(str(entry.position)),)))
    yield Fact(_("Registrering"), Value((Piece(str(entry.commit)),)))
    for name in _names(entry, ()):
        if is_technical(entry.topic, name):
            yield Fact(field_label(entry.topic, name), value_of(words, entry, name, entry.data.get(name)))
    if entry.sealed:
        names = ", ".join(field_label(entry.topic, name) for name in entry.sealed if name != REASON)
        yield Fact(_("Forseglede felter"), Value((Piece(names or _("begrundelse for registreringen")),)))
