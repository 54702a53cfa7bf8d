"""What a field offers to choose from: codes in words, and persons, entries, consents and decisions of the case."""

from collections.abc import Iterable
from typing import Any

from api.pages.codes import ROLES, word, word_of_field
from api.pages.language import _
from api.pages.times import show_day
from api.pages.values import kind_of_field
from api.pages.write_acts import REFUSED_SCOPE
from api.pages.write_fields import NEW, FieldView, Material, Option, Typed, asks_person, view_of
from api.pages.write_forms import FormField, Pick, WriteAct
from api.pages.write_words import CONSENT_STATUS
from domain.consents import consent_ids, consent_status, entries_of
from domain.entries import Entry
from domain.events import EVENTS
from domain.events.approval import DecisionSubmitted
from domain.events.assessment import InvestigationOpened
from domain.events.base import Event, reference_marks
from domain.events.consent import ConsentGiven, ConsentRefused
from domain.events.decision import DecisionMade, HearingSent
from domain.events.plan import PlanAdopted
from domain.handovers import Handover, open_handovers
from domain.known import Known, many
from domain.recording import OF_ITS_OWN
from domain.register import ABOUT_ENTRIES
from domain.time import copenhagen_day

ENTRIES_OFFERED = 200
NOT_RELIED_ON = OF_ITS_OWN | ABOUT_ENTRIES | {"case_opened", "person_joined", "gate_stopped"}
"""Topics of entries that no act rests on."""

EXPECTING = "expectant_mother"
PARENTS = frozenset({"mother", EXPECTING})


def options_of(act: WriteAct, field: FormField, material: Material) -> tuple[Option, ...]:
    """Return what a field offers; nothing where one types."""
    if field.pick is not None:
        return tuple(_picks(field.pick, material))
    if kind_of_field(act.event.TOPIC, field.name) == "reference":
        return tuple(_entries(act.event, field.name, material))
    found = list(_persons(material)) if asks_person(act, field) else []
    return (*found, *plain_options(act, field))


def plain_options(act: WriteAct, field: FormField) -> tuple[Option, ...]:
    """Return what a field offers in every case: yes and no, or its codes in words."""
    if kind_of_field(act.event.TOPIC, field.name) == "boolean":
        return (Option("ja", _("Ja")), Option("nej", _("Nej")))
    named = "scope" if field.name in (REFUSED_SCOPE, "recipients") else field.name
    return tuple(Option(code, word_of_field(named, code)) for code in field.choices)


def _persons(material: Material) -> Iterable[Option]:
    words = material.words
    for named in material.look.persons:
        yield Option(named.person.ref, words.person(named.person.ref) or named.person.ref)
    children = any(named.person.role == "child" for named in material.look.persons)
    for named in material.look.persons:
        if named.person.role == EXPECTING or (named.person.role in PARENTS and not children):
            ref = f"unborn of {named.person.ref}"
            yield Option(ref, words.person(ref) or ref)


def _entries(event: type[Event], name: str, material: Material) -> Iterable[Option]:
    """Yield the entries a field may name, the newest first; corrections and annulments only where it asks for them."""
    named = reference_marks(event)[name].to
    topics = {EVENTS[one].TOPIC for one in named}
    entries = material.look.entries if topics & ABOUT_ENTRIES else material.look.effective
    fitting = [entry for entry in entries if (entry.topic in topics if topics else entry.topic not in NOT_RELIED_ON)]
    newest = sorted(fitting, key=lambda entry: (entry.happened, entry.version), reverse=True)
    for entry in newest[:ENTRIES_OFFERED]:
        yield Option(str(entry.version), entry_words(material, entry))


def entry_words(material: Material, entry: Entry) -> str:
    """Return an entry as one line: number, name, day, and the beginning of its text."""
    text = next((entry.data[name] for name in _SAID if isinstance(entry.data.get(name), str)), "")
    line = material.words.reference(entry.version).text
    short = text if len(text) <= _SHORT else text[:_SHORT].rsplit(" ", 1)[0] + " …"
    return f"{line}: {short}" if short else line


_SAID = ("content", "summary", "observations", "concern", "text", "grounds", "conclusion", "view", "reason", "minutes")
_SHORT = 90


def _picks(pick: Pick, material: Material) -> Iterable[Option]:
    known = material.known
    match pick:
        case Pick.CONSENTS:
            return [_consent(material, one) for one in consent_ids(known)]
        case Pick.DECISIONS:
            return [_decision(entry) for entry in reversed(known.of(DecisionMade))]
        case Pick.HEARD:
            return [Option(ref, ref) for ref in _heard(known)]
        case Pick.COMING:
            made = {str(entry.data["decision"]) for entry in known.of(DecisionMade)}
            coming = {ref: _("%(ref)s, som er i høring", ref=ref) for ref in _heard(known)}
            coming |= {ref: _("%(ref)s, som har været sendt til godkendelse", ref=ref) for ref in _sent(known)}
            offered = [Option(ref, label) for ref, label in coming.items() if ref not in made]
            return [*offered, Option(NEW, _("En ny afgørelse"))]
        case Pick.INVESTIGATIONS:
            opened = reversed(known.of(InvestigationOpened))
            return [_investigation(material, entry) for entry in opened]
        case Pick.HANDOVERS:
            return [_handover(one) for one in open_handovers(material.look.entries) if one.declined is None]
        case Pick.MADE:
            return []


def _heard(known: Known) -> list[str]:
    return list(dict.fromkeys(str(entry.data["decision_ref"]) for entry in reversed(known.of(HearingSent))))


def _sent(known: Known) -> list[str]:
    """Return the decisions that were sent for approval, the latest first."""
    return list(dict.fromkeys(str(entry.data["decision"]) for entry in reversed(known.of(DecisionSubmitted))))


def _investigation(material: Material, entry: Entry) -> Option:
    about = ", ".join(material.words.person(str(ref)) or str(ref) for ref in many(entry.data["subject"]))
    day = show_day(copenhagen_day(entry.occurred_at))
    label = _("%(about)s, iværksat %(day)s (nr. %(version)s)", about=about, day=day, version=entry.version)
    return Option(str(entry.data["investigation"]), label)


def _handover(handover: Handover) -> Option:
    """Return a hand-over that waits, in words: who hands over to whom, and in which role."""
    label = _(
        "Fra %(by)s til %(to)s som %(role)s (nr. %(version)s)",
        by=handover.by,
        to=", ".join(handover.to),
        role=word(ROLES, handover.role),
        version=handover.entry.version,
    )
    return Option(str(handover.entry.version), label)


def _decision(entry: Entry) -> Option:
    day = show_day(copenhagen_day(entry.occurred_at))
    outcome = word_of_field("outcome", str(entry.data["outcome"]))
    label = _("%(outcome)s, %(day)s (nr. %(version)s)", outcome=outcome, day=day, version=entry.version)
    return Option(str(entry.data["decision"]), label)


def _consent(material: Material, consent: str) -> Option:
    """Return a consent in words: what it is about, to whom, from whom, and how it stands."""
    known = material.known
    terms = next(entry for entry in entries_of(known, consent))
    giver = str(terms.data.get("given_by") or terms.data.get("refused_by") or "")
    scope = ", ".join(word_of_field("scope", str(one)) for one in terms.data.get("scope") or ())
    status = word(CONSENT_STATUS, consent_status(known, consent, material.now).status)
    kind = word_of_field("kind", str(terms.data.get("kind") or ""))
    label = _(
        "%(kind)s til %(scope)s fra %(giver)s, %(status)s (%(consent)s)",
        kind=kind,
        scope=scope,
        giver=material.words.person(giver) or giver,
        status=status,
        consent=consent,
    )
    return Option(consent, label)


def next_id(prefix: str, used: Iterable[str]) -> str:
    """Return an id nobody has used in the case: a number with what it numbers."""
    taken = set(used)
    return next(f"{prefix}-{number}" for number in range(1, len(taken) + 2) if f"{prefix}-{number}" not in taken)


def _made(act: WriteAct, known: Known) -> dict[str, Any]:
    """Return the ids that the form makes by itself: of a consent, an investigation, the next version of the plan."""
    if act.event in (ConsentGiven, ConsentRefused):
        return {"consent": next_id("samtykke", consent_ids(known))}
    if act.event is InvestigationOpened:
        used = [str(one.data["investigation"]) for one in known.of(InvestigationOpened)]
        return {"investigation": next_id("undersoegelse", used)}
    if act.event is PlanAdopted:
        plans = known.of(PlanAdopted)
        latest = str(plans[-1].data["plan"]) if plans else "plan-1"
        return {"plan": latest, "version": 1 + max((int(one.data["version"]) for one in plans), default=0)}
    return {}


def made_ids(act: WriteAct, data: dict[str, Any], material: Material) -> dict[str, Any]:
    """Return the facts with the ids the form makes by itself: of a new consent, of a decision to come."""
    known = material.known
    made = _made(act, known)
    if made:
        return made | data
    for name in ("decision", "decision_ref"):
        if data.get(name) == NEW:
            used = [str(one.data["decision"]) for one in known.of(DecisionMade)]
            return data | {name: next_id("afgoerelse", [*used, *_heard(known), *_sent(known)])}
    return data


def shown(act: WriteAct, field: FormField, material: Material, typed: Typed, error: str | None = None) -> FieldView:
    """Return a field with what was typed."""
    return view_of(act, field, options_of(act, field, material), typed, error)
