"""Where a case stands: enrolments, package, children, assessments and decisions.

Reads the clear part only, so the answer is the same for every reader and for a projector without keys. Nothing in the
value depends on the present instant: what does (ages) is a function of the value and the instant asked about.
Statuses and their order: programmes smaaboernsteam_001 and spaed_smaabarnsteam_002.
"""

from bisect import bisect
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.calendar import plus_months
from domain.courses import Quantity, number
from domain.entries import Entry, clear
from domain.known import many
from domain.register import ABOUT_ENTRIES, amended, effective, order, target
from domain.rules import Rules
from domain.steering import heading
from domain.time import copenhagen_day, read_moment, start_of, write_moment

ENROLMENT_STATUSES = ("none", "referred", "recommended", "admitted", "running", "closing", "closed")
"""The way of one enrolment; it may skip statuses and never goes back."""

_MADE, _NOTIFIED, _APPEALED, _APPEAL_DECIDED, _REPLACED = range(5)
"""How far a decision has come."""

INFANT_UNTIL = 12
TODDLER_UNTIL = 36
"""Ages in months at which the infant and the toddler package end."""


@dataclass(slots=True)
class _Enrolment:
    """One run through the programme while it is being folded; ``id`` is None until an event names it."""

    id: str | None
    status: str = "none"
    phase: int | None = None
    package: str | None = None
    period: int | None = None

    def reach(self, status: str) -> None:
        """Move to a status unless a later one was reached already."""
        self.status = max(self.status, status, key=ENROLMENT_STATUSES.index)


_NO_ENROLMENT = _Enrolment(None)


@dataclass(slots=True)
class _Case:
    """The case while it is being folded, by the first ``folded`` of its facts.

    ``packages`` holds every package started, in order, with its enrolment. The dictionaries of persons, of who is
    responsible, of children and of assessments go out with values, so they are replaced and never changed.
    """

    number: str
    programme: str
    persons: dict[str, str]
    responsible: dict[str, str] = field(default_factory=dict[str, str])
    enrolments: list[_Enrolment] = field(default_factory=list[_Enrolment])
    packages: list[tuple[_Enrolment, str]] = field(default_factory=list[tuple[_Enrolment, str]])
    children: dict[str, Any] = field(default_factory=dict[str, Any])
    due_date: str | None = None
    screening: str | None = None
    hours_per_week: int | str | None = None
    assessments: dict[str, Any] = field(default_factory=dict[str, Any])
    decisions: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])
    folded: int = 0


class _Kept(tuple[Entry, ...]):
    """Entries in ledger order that carry the facts in force among them, so that one more need not settle all anew.

    ``case`` is the case folded from the first of these facts. It goes on to the state after this one where that only
    adds facts at the end; asked again, this state folds its facts from the beginning.
    """

    facts: tuple[Entry, ...]
    case: _Case | None = None


def fold(state: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    """Return the entries the answer rests on, in ledger order, with one more taken in if it bears on the answer."""
    return keep(state, entry, TOPICS)


def keep(state: tuple[Entry, ...], entry: Entry, topics: Collection[str]) -> tuple[Entry, ...]:
    """Return the entries of some topics, and those about one of them, with one more if it is of these; clear parts."""
    if entry.topic in ABOUT_ENTRIES:
        bears = any(target(entry) == kept.version for kept in state)
    else:
        bears = entry.topic in topics
    return _with(state, clear(entry)) if bears else state


def _with(state: tuple[Entry, ...], entry: Entry) -> _Kept:
    """Return the entries with one more. A fact takes its place among those in force: nothing refers to it yet."""
    kept, facts = _Kept((*state, entry)), facts_of(state)
    if entry.topic in ABOUT_ENTRIES:
        kept.facts = amended(facts, kept, entry)
    elif entry.withheld:
        kept.facts = facts
    elif facts and order(facts[-1]) > order(entry):
        place = bisect(facts, order(entry), key=order)
        kept.facts = (*facts[:place], entry, *facts[place:])
    else:
        kept.facts = (*facts, entry)
        if isinstance(state, _Kept):
            kept.case, state.case = state.case, None
    return kept


def facts_of(state: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Return the facts in force among the entries kept, in the order in which they happened."""
    return state.facts if isinstance(state, _Kept) else effective(state)


def row(state: tuple[Entry, ...]) -> dict[str, Any] | None:
    """Return the remembered value, made of JSON values only; None before the case is opened."""
    if not isinstance(state, _Kept):
        return derive(effective(state))
    case, state.case = state.case or _opened(state.facts), None
    if case is None:
        return None
    value = _value(_folded(case, state.facts))
    state.case = case
    return value


def parts(state: tuple[Entry, ...], _rules: Rules, at: datetime | None) -> dict[str, dict[str, Any]]:
    """Return the remembered value as the only part of its case, as of an instant; none before the case is opened."""
    value = row(state) if at is None else state_as_of(state, at)
    return {} if value is None else {"": value}


def state_as_of(entries: Iterable[Entry], valid_at: datetime | None) -> dict[str, Any]:
    """Return where a case stood at an instant, by the entries handed in; None asks for all that has happened.

    What opened the case counts at every instant, since it says which case this is. Raises LookupError where the
    entries do not open it.
    """
    in_force = effective(_bearing(sorted(entries, key=lambda entry: entry.version)))
    value = derive([entry for entry in in_force if valid_at is None or _counts(entry, valid_at)])
    if value is None:
        raise LookupError("the case is not open")
    return value


def _bearing(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries that ``fold`` keeps of those in ledger order."""
    kept: dict[int, Entry] = {}
    for entry in entries:
        if target(entry) in kept if entry.topic in ABOUT_ENTRIES else entry.topic in TOPICS:
            kept[entry.version] = clear(entry)
    return list(kept.values())


def derive(entries: Sequence[Entry]) -> dict[str, Any] | None:
    """Return the value from the facts in force in the order in which they happened; None without a case opened.

    Raises KeyError or ValueError for a fact that lacks what it must hold.
    """
    case = _opened(entries)
    return None if case is None else _value(_folded(case, entries))


def _opened(facts: Sequence[Entry]) -> _Case | None:
    """Return the case as it is opened, before any fact is folded; None where none of the facts opens it."""
    opening = next((fact for fact in facts if fact.topic == "case_opened"), None)
    if opening is None:
        return None
    persons = {person["ref"]: person["role"] for person in opening.data["persons"]}
    return _Case(opening.data["number"], opening.data["programme"], persons)


def _folded(case: _Case, facts: Sequence[Entry]) -> _Case:
    """Return the case with the facts folded that it has not folded yet."""
    for fact in facts[case.folded :]:
        handler = _HANDLERS.get(fact.topic)
        if handler is not None:
            handler(case, fact)
    case.folded = len(facts)
    return case


def nothing_known() -> dict[str, Any]:
    """Return where a case stands before anything of it is on record."""
    return _value(_Case(number="", programme="", persons={}))


def expected_package(value: dict[str, Any], at: datetime) -> str | None:
    """Return the package that fits the age of the youngest child born by an instant; pregnancy where there is none.

    Ages in Copenhagen calendar months: infant under 12, toddler under 36, then None.
    """
    births = [read_moment(child["born"]) for child in value["children"].values()]
    born = [moment for moment in births if start_of(moment) <= at]
    if not born:
        return "pregnancy"
    birthday, today = copenhagen_day(max(born, key=start_of)), copenhagen_day(at)
    if today < plus_months(birthday, INFANT_UNTIL):
        return "infant"
    return "toddler" if today < plus_months(birthday, TODDLER_UNTIL) else None


def value_at_path(value: dict[str, Any], path: str, at: datetime) -> Any:
    """Return one answer by its path at an instant, for example ``enrolment.status`` or ``overview.enr-2``.

    Other paths: ``<child>.born``, ``assessment.<id>.score`` and ``decision.<id>.status``. What is not known of is None.
    Numbers come as numbers, also where decimals are kept as text. Raises ValueError for a path nobody can answer.
    """
    head, _, rest = path.partition(".")
    if path == "package.expected_by_age":
        return expected_package(value, at)
    if path == "enrolment.phase":
        return next((one["phase"] for one in reversed(value["enrolments"]) if one["phase"] is not None), None)
    if path in _PLAIN_PATHS:
        return value[head][rest]
    if path == "support.hours_per_week":
        return _number(value[head][rest])
    if head == "overview" and rest:
        return value["overview"].get(rest)
    if head == "assessment" and rest.endswith(".score"):
        return _number(value["assessments"].get(rest.removesuffix(".score"), {}).get("score"))
    if head == "decision" and rest.endswith(".status"):
        return value["decisions"].get(rest.removesuffix(".status"))
    if path.endswith(".born"):
        child = value["children"].get(path.removesuffix(".born"))
        return child is not None and start_of(read_moment(child["born"])) <= at
    raise ValueError(f"{path} is not a path of the case state")


_PLAIN_PATHS = frozenset({"enrolment.status", "package.current", "pregnancy.due_date", "screening.outcome"})


def _counts(entry: Entry, valid_at: datetime) -> bool:
    """Return whether an entry counts at an instant."""
    return entry.topic == "case_opened" or entry.happened <= valid_at


def _number(value: int | str | None) -> Quantity | None:
    return None if value is None else number(value)


def _enrolment_of(case: _Case, entry: Entry, *, begins: bool) -> _Enrolment | None:
    """Return the enrolment an event belongs to: the one it names, else the one running or being prepared.

    The first event to name an enrolment gives the one being prepared its id. Where there is none to belong to, the
    event begins one if it names it or ``begins`` says so.
    """
    named: str | None = entry.data.get("enrolment")
    if named is not None:
        known = next((enrolment for enrolment in case.enrolments if enrolment.id == named), None)
        if known is not None:
            return known
    current = _open_enrolment(case.enrolments)
    if current is not None and (named is None or current.id is None):
        current.id = current.id or named
        return current
    if named is None and not begins:
        return None
    case.enrolments.append(_Enrolment(named))
    return case.enrolments[-1]


def _open_enrolment(enrolments: list[_Enrolment]) -> _Enrolment | None:
    """Return the enrolment running, else the latest being prepared."""
    unclosed = [enrolment for enrolment in enrolments if enrolment.status != "closed"]
    running = [enrolment for enrolment in unclosed if enrolment.status in ("running", "closing")]
    return next(reversed(running or unclosed), None)


def _reach(case: _Case, entry: Entry, status: str, *, begins: bool) -> None:
    """Move the enrolment an event belongs to forward to a status."""
    enrolment = _enrolment_of(case, entry, begins=begins)
    if enrolment is not None:
        enrolment.reach(status)


def _referral_made(case: _Case, entry: Entry) -> None:
    if entry.data["programme"] == case.programme:
        _reach(case, entry, "referred", begins=True)


def _recommendation_made(case: _Case, entry: Entry) -> None:
    kind = entry.data.get("kind") or "admit"
    if entry.data["programme"] != case.programme:
        return
    if kind == "admit":
        _reach(case, entry, "recommended", begins=True)
    elif kind == "close":
        _reach(case, entry, "closing", begins=False)


def _admission_approved(case: _Case, entry: Entry) -> None:
    if entry.data["programme"] == case.programme:
        _reach(case, entry, "admitted", begins=True)


def _intervention_started(case: _Case, entry: Entry) -> None:
    """Begin support, or take it up again in an enrolment that was closed."""
    enrolment = _enrolment_of(case, entry, begins=True)
    if enrolment is not None and enrolment.status == "closed":
        enrolment.status = "running"
    elif enrolment is not None:
        enrolment.reach("running")


def _meeting_held(case: _Case, entry: Entry) -> None:
    if entry.data["type"] == "final_follow_up":
        _reach(case, entry, "closing", begins=False)


def _enrolment_closed(case: _Case, entry: Entry) -> None:
    _reach(case, entry, "closed", begins=False)


def _phase_entered(case: _Case, entry: Entry) -> None:
    phase: int = entry.data["phase"]
    enrolment = _enrolment_of(case, entry, begins=True)
    if enrolment is not None:
        enrolment.phase = phase


def _package_started(case: _Case, entry: Entry) -> None:
    package: str = entry.data["package"]
    enrolment = _enrolment_of(case, entry, begins=True)
    if enrolment is not None:
        enrolment.package, enrolment.period = package, entry.data.get("period")
        case.packages.append((enrolment, package))


def _person_joined(case: _Case, entry: Entry) -> None:
    case.persons = case.persons | {entry.data["ref"]: entry.data["role"]}


def _case_allocated(case: _Case, entry: Entry) -> None:
    case.responsible = case.responsible | {entry.data["for_role"]: ", ".join(many(entry.data["to"]))}


def _child_born(case: _Case, entry: Entry) -> None:
    case.children = case.children | {entry.data["child"]: {"born": write_moment(entry.occurred_at)}}


def _due_date(case: _Case, entry: Entry) -> None:
    case.due_date = entry.data["due_date"]


def _screening_recorded(case: _Case, entry: Entry) -> None:
    case.screening = entry.data["outcome"]


def _support_level_set(case: _Case, entry: Entry) -> None:
    case.hours_per_week = entry.data["hours_per_week"]


def _assessment_recorded(case: _Case, entry: Entry) -> None:
    result = {"instrument": entry.data["instrument"], "score": entry.data.get("score")}
    if entry.data.get("assessment") is not None:
        case.assessments = case.assessments | {entry.data["assessment"]: result}


def _decision_made(case: _Case, entry: Entry) -> None:
    decision: str = entry.data["decision"]
    _decide(case, decision, _MADE, "made")
    replaced: str | None = entry.data.get("replaces")
    if replaced is not None and replaced != decision:
        _decide(case, replaced, _REPLACED, "replaced")


def _decision_notified(case: _Case, entry: Entry) -> None:
    _decide(case, entry.data["decision"], _NOTIFIED, "notified")


def _complaint_received(case: _Case, entry: Entry) -> None:
    _decide(case, entry.data["decision"], _APPEALED, "appealed")


def _appeal_decided(case: _Case, entry: Entry) -> None:
    _decide(case, entry.data["decision"], _APPEAL_DECIDED, entry.data["outcome"])


def _decide(case: _Case, decision: str, rank: int, status: str) -> None:
    """Move a decision forward to a status; of several outcomes of an appeal the last one holds."""
    if rank >= case.decisions.get(decision, (rank, ""))[0]:
        case.decisions[decision] = (rank, status)


_HANDLERS: dict[str, Callable[[_Case, Entry], None]] = {
    "person_joined": _person_joined,
    "case_allocated": _case_allocated,
    "referral_made": _referral_made,
    "recommendation_made": _recommendation_made,
    "admission_approved": _admission_approved,
    "intervention_started": _intervention_started,
    "phase_entered": _phase_entered,
    "package_started": _package_started,
    "meeting_held": _meeting_held,
    "enrolment_closed": _enrolment_closed,
    "child_born": _child_born,
    "pregnancy_registered": _due_date,
    "due_date_revised": _due_date,
    "screening_recorded": _screening_recorded,
    "support_level_set": _support_level_set,
    "assessment_recorded": _assessment_recorded,
    "decision_made": _decision_made,
    "decision_notified": _decision_notified,
    "complaint_received": _complaint_received,
    "appeal_decided": _appeal_decided,
}

TOPICS: frozenset[str] = frozenset(_HANDLERS) | {"case_opened"} | ABOUT_ENTRIES
"""Topics of the entries this question reads."""


def _value(case: _Case) -> dict[str, Any]:
    """Return the case as JSON values."""
    latest = case.enrolments[-1] if case.enrolments else _NO_ENROLMENT
    current = next((package for enrolment, package in reversed(case.packages) if enrolment.status != "closed"), None)
    return {
        "number": case.number,
        "programme": case.programme,
        "persons": case.persons,
        "responsible": case.responsible,
        "enrolments": [_enrolment_value(enrolment) for enrolment in case.enrolments],
        "enrolment": {"id": latest.id, "status": latest.status, "phase": latest.phase},
        "overview": _overview(case.enrolments) if case.enrolments else {},
        "package": {"current": current},
        "children": case.children,
        "pregnancy": {"due_date": case.due_date},
        "screening": {"outcome": case.screening},
        "support": {"hours_per_week": case.hours_per_week},
        "assessments": case.assessments,
        "decisions": {decision: status for decision, (_, status) in case.decisions.items()},
    }


def _overview(enrolments: Iterable[_Enrolment]) -> dict[str, str]:
    """Return under which heading the enrolments that have a name stand."""
    named = ((enrolment.id, heading(enrolment.status, None)) for enrolment in enrolments)
    return {name: heading for name, heading in named if name is not None and heading is not None}


def _enrolment_value(enrolment: _Enrolment) -> dict[str, Any]:
    """Return one enrolment as JSON values."""
    return {
        "enrolment": enrolment.id,
        "status": enrolment.status,
        "phase": enrolment.phase,
        "package": enrolment.package,
        "period": enrolment.period,
        "overview": heading(enrolment.status, None),
    }
