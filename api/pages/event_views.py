"""What the page of one event shows: the event as the timeline words it, what became of it, what rests on it, proof."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from api import answers
from api.looks import Question
from api.pages.case_frame import CasePlace
from api.pages.language import _
from api.pages.texts import field_label
from api.pages.timeline import Item, actor_of, items_of, shown_entries, value_of
from api.pages.times import show_instant
from api.pages.values import Piece, Value, Words, label_of, words_of
from api.pages.views import address, erased_lines, event_place
from api.reading import CaseLook
from domain.entries import Entry
from domain.events import BY_TOPIC
from domain.events.base import reference_marks
from domain.events.consent import ConsentGiven, ConsentRefused, ConsentWithdrawn
from domain.events.decision import DecisionMade
from domain.known import many
from domain.register import ABOUT_ENTRIES, Correction, EntryHistory, target
from ledger.proof.records import Published

PROOF = "/bevis"
_CONSENTS = frozenset({ConsentGiven.TOPIC, ConsentRefused.TOPIC, ConsentWithdrawn.TOPIC})


@dataclass(frozen=True, slots=True)
class Step:
    """The event before or after in the order recorded."""

    address: str
    text: str


@dataclass(frozen=True, slots=True)
class Changed:
    """One correction: of which field, from what to what, by whom, why; ``in_force`` is false once it is annulled."""

    field: str
    old: Value
    new: Value
    by: Piece
    who: str
    recorded: str
    in_force: bool


@dataclass(frozen=True, slots=True)
class Referring:
    """An event that rests on this one: where it is, in which field it says so, and what was corrected since."""

    entry: Piece
    field: str
    recorded: str
    who: str
    since: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class ProofBox:
    """What proves the event: its place, the check of its bytes, the checkpoint that holds it, the proof as text."""

    fault: str | None
    position: int
    index: int
    root: tuple[str, ...]
    size: int | None
    stored: str | None
    text: str | None
    file: str
    command: str


@dataclass(frozen=True, slots=True)
class EventPage:
    """Everything the page of an event shows."""

    item: Item
    withheld: bool
    erased: tuple[str, ...]
    unreadable: bool
    concerns: Piece | None
    changed: tuple[Changed, ...]
    decisions: tuple[Referring, ...]
    others: tuple[Referring, ...]
    raw: str
    proof: ProofBox
    previous: Step | None
    following: Step | None


def event_label(version: int) -> str:
    """Return what the page of an event is called."""
    return _("Hændelse nr. %(version)s", version=version)


def place_of(version: int) -> CasePlace:
    """Return the place of an event among the pages of its case."""
    return CasePlace(f"/haendelser/{version}", "")


def event_address(case: UUID, version: int, question: Question) -> str:
    """Return the address of an event's page as of the instants of a question."""
    return address(f"{event_place(case)}{version}", question)


def linked_words(look: CaseLook, question: Question) -> Words:
    """Return the words of a case in which each entry leads to its own page."""
    shown = (entry.version for entry in shown_entries(look))
    return words_of(look, shown, event_place(look.file.case), address("", question))


def found_event(look: CaseLook, version: int) -> Entry | None:
    """Return the entry with a version; None where it was not on record, or had not happened, by the instants asked."""
    return next((entry for entry in shown_entries(look) if entry.version == version), None)


def event_page(look: CaseLook, entry: Entry, published: Published | None, proof: str | None) -> EventPage:
    """Return what the page of an event shows; ``proof`` is its proof in the checkpoint ``published``, if any."""
    words = linked_words(look, look.question)
    (item,) = items_of(words, look, [entry])
    past = look.history.get(entry.version, EntryHistory())
    resting = tuple(_referring(words, look, entry, past))
    shown = sorted(shown_entries(look), key=lambda one: one.version)
    concerned = target(entry)
    return EventPage(
        item=item,
        withheld=entry.withheld,
        erased=erased_lines(look.erasures) if entry.erased else (),
        unreadable=bool(entry.unreadable),
        concerns=words.reference(concerned) if concerned is not None else None,
        changed=tuple(_changed(words, look, entry, one) for one in past.corrections),
        decisions=tuple(one for topic, one in resting if topic == DecisionMade.TOPIC),
        others=tuple(one for topic, one in resting if topic != DecisionMade.TOPIC),
        raw=_raw(entry, past),
        proof=_proof(look, entry, published, proof),
        previous=_step(look, [one for one in shown if one.version < entry.version][-1:]),
        following=_step(look, [one for one in shown if one.version > entry.version][:1]),
    )


def _step(look: CaseLook, found: Sequence[Entry]) -> Step | None:
    if not found:
        return None
    (entry,) = found
    text = _("nr. %(version)s %(label)s", version=entry.version, label=label_of(entry))
    return Step(event_address(look.file.case, entry.version, look.question), text)


def _changed(words: Words, look: CaseLook, entry: Entry, correction: Correction) -> Changed:
    by = look.entries[correction.version - 1]
    hidden = correction.unread or correction.field in entry.restricted
    unread = Value((Piece(_("vises ikke")),), missing=True)
    return Changed(
        field=field_label(entry.topic, correction.field),
        old=unread if hidden else value_of(words, entry, correction.field, correction.old),
        new=unread if hidden else value_of(words, entry, correction.field, correction.new),
        by=words.reference(correction.version),
        who=actor_of(by),
        recorded=show_instant(correction.recorded_at),
        in_force=correction.in_force,
    )


def _referring(words: Words, look: CaseLook, entry: Entry, past: EntryHistory) -> Iterator[tuple[str, Referring]]:
    """Yield what rests on an entry, by topic: facts in force that name it, or the consent it is about."""
    for other in sorted(look.effective, key=lambda one: one.version):
        fields = [name for name in _naming(other) if entry.version in many(other.data.get(name))]
        if (
            entry.topic in _CONSENTS
            and not entry.withheld
            and entry.data["consent"] in many(other.data.get("consents"))
        ):
            fields.append("consents")
        if fields and other.version != entry.version:
            yield other.topic, _one_referring(words, other, fields, past)


def _naming(entry: Entry) -> Iterable[str]:
    return () if entry.topic in ABOUT_ENTRIES else reference_marks(BY_TOPIC[entry.topic])


def _one_referring(words: Words, other: Entry, fields: Sequence[str], past: EntryHistory) -> Referring:
    """Return who rests on an entry, with the corrections and the annulment of it that came afterwards."""
    changes: list[Any] = [*past.corrections, *([past.annulment] if past.annulment else [])]
    since = [one.version for one in changes if one.in_force and one.recorded_at > other.recorded_at]
    return Referring(
        entry=words.reference(other.version),
        field=", ".join(dict.fromkeys(field_label(other.topic, name) for name in fields)),
        recorded=show_instant(other.recorded_at),
        who=actor_of(other),
        since=tuple(words.reference(version) for version in since),
    )


def _raw(entry: Entry, past: EntryHistory) -> str:
    return orjson.dumps(answers.entry(entry, past), option=orjson.OPT_INDENT_2).decode()


def _proof(look: CaseLook, entry: Entry, published: Published | None, text: str | None) -> ProofBox:
    root = "" if published is None else published.checkpoint.root.hex()
    return ProofBox(
        fault=next((fault.problem for fault in look.faults if fault.version == entry.version), None),
        position=entry.position,
        index=entry.position - 1,
        root=tuple(root[start : start + 8] for start in range(0, len(root), 8)),
        size=None if published is None else published.checkpoint.size,
        stored=None if published is None else show_instant(published.stored_at),
        text=text,
        file=f"{event_place(look.file.case)}{entry.version}{PROOF}",
        command=f"caseledger verify --case {look.file.case} --log-key log.vkey",
    )
