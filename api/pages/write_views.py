"""What the forms show: pure functions from what is asked and typed to fields, sentences and comparisons."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.acts import CheckedDisclosure
from api.pages.codes import ROLES, word, word_of_field
from api.pages.deadline_views import citation
from api.pages.finding_words import explained
from api.pages.language import _, language, ngettext
from api.pages.texts import field_label
from api.pages.timeline import Item
from api.pages.times import show_clock, show_day, show_instant
from api.pages.values import Value, Words
from api.pages.write_acts import ACTS, label_of
from api.pages.write_fields import FieldView, Material, Typed, Widget, parts_typed
from api.pages.write_forms import FormField, Gate, Pick, WriteAct
from api.pages.write_options import shown
from api.pages.write_words import CHOICES, GAPS, GROUP_TITLES, HINTS, MOMENT_LABELS, TELLING
from domain.decision_gate import Stop
from domain.disclosure_gate import possible_bases
from domain.disclosures import Gap
from domain.entries import Entry
from domain.events.base import Event
from domain.findings.catalogue import CHECKS
from domain.known import many
from domain.time import copenhagen_day

HAPPENED, REACHED, ALREADY = "happened", "reached", "allerede"
APPROVER = "godkender"
OVERRIDE = "grund"
"""How the names of fields with a reason to pass a gate begin."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An act to choose."""

    address: str
    label: str


@dataclass(frozen=True, slots=True)
class ChoiceGroup:
    """Acts that belong together."""

    title: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Hindrance:
    """One thing that stands against an act; ``field`` is where a reason lets it pass, None where none does."""

    text: str
    source: str
    field: FieldView | None


@dataclass(frozen=True, slots=True)
class GateView:
    """What a gate says before the act: the sentence of what is about to be done, and what stands against it."""

    sentence: str
    hindrances: tuple[Hindrance, ...]
    rests_on: tuple[str, ...] = ()
    laws: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether nothing stands against it."""
        return not self.hindrances


@dataclass(frozen=True, slots=True)
class Row:
    """One field as somebody else recorded it and as it was typed here."""

    label: str
    theirs: Value | None
    mine: Value | None
    differs: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """What somebody else recorded meanwhile of the same kind, beside what was typed."""

    version: int
    who: str
    when: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class FormPage:
    """A form: ``times`` and ``fields`` are asked, ``more`` is seldom needed, ``hidden`` goes along.

    ``again`` is what the same person recorded in the same words just before: it is asked whether it happened twice.
    """

    title: str
    action: str
    version: int
    key: str
    owner: str
    times: tuple[FieldView, ...]
    fields: tuple[FieldView, ...]
    more: tuple[FieldView, ...]
    hidden: tuple[tuple[str, str], ...] = ()
    lead: str = ""
    gated: Gate = Gate.NONE
    already: bool = False
    gate: GateView | None = None
    approver: FieldView | None = None
    paper: FieldView | None = None
    problem: str | None = None
    notes: tuple[str, ...] = ()
    changed: tuple[Item, ...] = ()
    again: tuple[Item, ...] = ()

    @property
    def errors(self) -> list[tuple[str, str]]:
        """What is wrong, each with the place to mend it."""
        every = (*self.times, *self.fields, *self.more, *filter(None, [self.approver, self.paper]))
        return [(field.anchor, field.error) for field in every if field.error]

    @property
    def more_open(self) -> bool:
        """Whether something stands among what is seldom needed."""
        return any(field.error or field.chosen or field.typed or any(_texts(field)) for field in self.more)


def _texts(field: FieldView) -> tuple[str, ...]:
    parts = field.parts
    return parts.day, parts.month, parts.year, field.other or ""


def groups(case_address: str) -> tuple[ChoiceGroup, ...]:
    """Return the acts to choose from."""
    return tuple(
        ChoiceGroup(
            _(title),
            tuple(Choice(f"{case_address}/registrer/{act.path}", label_of(act)) for act in ACTS if act.group == group),
        )
        for group, title in GROUP_TITLES.items()
    )


def is_received(event: type[Event]) -> bool:
    """Whether what counts is when it came to the municipality."""
    return event.moment_field() == "received_at"


def times(event: type[Event], typed: Typed, errors: Mapping[str, str], *, alone: bool = False) -> tuple[FieldView, ...]:
    """Return the fields that ask when; only one where happening and reaching the municipality are the same."""
    received = is_received(event)
    label = MOMENT_LABELS["received" if received else HAPPENED]
    hint = _("Tomt betyder nu. Kendes kun dagen, så lad klokkeslættet stå tomt.")
    happened = _time(HAPPENED, _(label), hint, typed, errors)
    if received or alone:
        return (happened,)
    hint = _("Tomt betyder samtidig med, at det skete.")
    return happened, _time(REACHED, _(MOMENT_LABELS[REACHED]), hint, typed, errors)


def _time(name: str, label: str, hint: str, typed: Typed, errors: Mapping[str, str]) -> FieldView:
    return FieldView(name, label, Widget.MOMENT, hint, parts=parts_typed(typed, name), error=errors.get(name))


def fields(
    act: WriteAct, material: Material, typed: Typed, errors: Mapping[str, str]
) -> tuple[tuple[FieldView, ...], tuple[FieldView, ...]]:
    """Return the fields of an act, and those that are seldom needed."""
    every = [shown(act, one, material, typed, errors.get(one.name)) for one in act.fields if not _is_made(one)]
    return tuple(one for one in every if not one.more), tuple(one for one in every if one.more)


def _is_made(field: FormField) -> bool:
    return field.pick is Pick.MADE


def approver_field(act: WriteAct, typed: Typed, errors: Mapping[str, str]) -> FieldView | None:
    """Return the field that asks who is to approve a decision; None for another act."""
    if act.gate is not Gate.DECISION:
        return None
    hint = _("Medarbejderens id, for eksempel u-12. Tomt betyder teamlederen.")
    values = typed.get(APPROVER) or ("",)
    return FieldView(APPROVER, _("Hvem skal godkende?"), Widget.LINE, hint, typed=values[0], error=errors.get(APPROVER))


def text_field(name: str, label: str, typed: Typed, error: str | None = None, hint: str = "") -> FieldView:
    """Return a field for a text that the form asks for by itself."""
    values = typed.get(name) or ("",)
    return FieldView(name, label, Widget.TEXT, hint, typed=values[0], error=error, needed=True)


def decision_gate(material: Material, data: Mapping[str, Any], stops: Iterable[Stop], typed: Typed, *,
                  asked: bool) -> GateView:  # fmt: skip
    """Return what the gate before a decision says; ``asked``: reasons were asked for before."""
    hindrances = {stop.finding.code: hindrance(stop, typed, asked=asked) for stop in stops}
    return GateView(decision_sentence(material, data), tuple(hindrances.values()), _rests_on(material, data))


def hindrance(stop: Stop, typed: Typed, *, asked: bool) -> Hindrance:
    """Return what stands against a decision, with where to write a reason to pass it; ``asked``: asked for before."""
    check, code = CHECKS[stop.finding.code], stop.finding.code
    field = None
    if stop.overridable:
        name = f"{OVERRIDE}_{code}"
        values = typed.get(name) or ("",)
        missing = _("Skriv en grund, eller ret det, der mangler.") if asked and not values[0].strip() else None
        field = text_field(name, _("Grund til at træffe afgørelsen alligevel"), typed, missing)
    return Hindrance(explained(stop.finding), citation(check.citation), field)


def _rests_on(material: Material, data: Mapping[str, Any]) -> tuple[str, ...]:
    versions = [*many(data.get("facts")), *many(data.get("hearing")), *many(data.get("child_view"))]
    return tuple(material.words.reference(int(version)).text for version in dict.fromkeys(versions))


def decision_sentence(material: Material, data: Mapping[str, Any]) -> str:
    """Return a decision about to be made as one sentence."""
    about = ", ".join(material.words.person(str(ref)) or str(ref) for ref in many(data.get("about")))
    facts = len(many(data.get("facts")))
    return _(
        "Du er ved at træffe afgørelsen %(terms)s om %(about)s efter %(law)s. Den bygger på %(facts)s.",
        terms=decision_terms(data),
        about=about,
        law=", ".join(map(str, many(data.get("legal_basis")))),
        facts=ngettext("%(number)s hændelse", "%(number)s hændelser", facts),
    )


def decision_terms(data: Mapping[str, Any]) -> str:
    """Return how a decision comes out, with the measure in brackets."""
    measure = f" ({data['measure']})" if data.get("measure") else ""
    return f"»{word_of_field('outcome', str(data['outcome']))}«{measure}"


def disclosure_gate(material: Material, checked: CheckedDisclosure, typed: Typed, *, asked: bool) -> GateView:
    """Return what the gate before a disclosure says: what it would rest on, law first, and what is missing."""
    proposal, answer = checked.proposal, checked.answer
    words = material.words
    sentence = _(
        "Du er ved at give %(to)s oplysninger om %(categories)s vedrørende %(about)s.",
        to=word_of_field("to", proposal.to),
        categories=", ".join(word_of_field("data_categories", one) for one in proposal.data_categories),
        about=", ".join(words.person(one) or one for one in proposal.about),
    )
    kept = [Hindrance(gap_text(material, gap), "", None) for gap in answer.protected]
    reason = None
    if answer.gaps:
        values = typed.get(OVERRIDE) or ("",)
        missing = _("Skriv en grund, eller ret det, der mangler.") if asked and not values[0].strip() else None
        label = _("Grund til at give oplysningerne videre alligevel (lederen får det at se)")
        reason = text_field(OVERRIDE, label, typed, missing)
    gaps = [Hindrance(gap_text(material, gap), "", None) for gap in answer.gaps[:-1]]
    gaps += [Hindrance(gap_text(material, gap), "", reason) for gap in answer.gaps[-1:]]
    laws = [
        f"{basis.citation}: {basis.danish if language() == 'da' else basis.english}"
        for basis in possible_bases(proposal)
    ]
    rests = [words.reference(version).text for version in answer.consent_entries]
    return GateView(sentence, (*kept, *gaps), tuple(rests), tuple(laws) if answer.gaps else ())


def gap_text(material: Material, gap: Gap) -> str:
    """Return what a disclosure lacks, with whom and what it concerns."""
    person = material.words.person(gap.person) or gap.person if gap.person else None
    concerns = [gap.consent, person, word_of_field("data_categories", gap.category) if gap.category else None]
    named = ", ".join(one for one in concerns if one)
    text = _(GAPS[gap.reason]) if gap.reason in GAPS else gap.reason
    return f"{text} ({named})" if named else text


def comparison(
    act: WriteAct, material: Material, theirs: Entry, data: Mapping[str, Any], names: Sequence[str]
) -> Comparison:
    """Return what somebody else recorded beside what was typed, field by field."""
    words, topic = material.words, act.event.TOPIC

    def told(source: Mapping[str, Any], name: str) -> Value | None:
        return words.value(topic, name, source[name]) if source.get(name) is not None else None

    rows = [
        Row(
            field_label(topic, name), told(theirs.data, name), told(data, name), theirs.data.get(name) != data.get(name)
        )
        for name in names
        if theirs.data.get(name) is not None or data.get(name) is not None
    ]
    return Comparison(theirs.version, who_of(theirs), show_instant(theirs.recorded_at), tuple(rows))


def who_of(entry: Entry) -> str:
    """Return who recorded an entry."""
    return f"{entry.actor.id} ({word(ROLES, entry.actor.role)})"


def chosen_text(entry: Entry, choice: str) -> str:
    """Return what goes on record about a choice between two accounts of the same, in Danish like the case."""
    day = show_day(copenhagen_day(entry.recorded_at))
    return TELLING["choice"] % {
        "version": entry.version,
        "who": entry.actor.id,
        "day": day,
        "clock": show_clock(entry.recorded_at),
        "choice": CHOICES[choice],
    }


def mine_text(words: Words, topic: str, data: Mapping[str, Any]) -> str:
    """Return what was typed and not recorded, one field a line, for the note that says so."""

    def told(name: str) -> str:
        return ", ".join(piece.text for piece in words.value(topic, name, data[name]).pieces)

    return "\n".join(f"{field_label(topic, name)}: {told(name)}" for name in data if data[name] is not None)


def hint(name: str) -> str:
    """Return a hint by its name."""
    return _(HINTS[name])
