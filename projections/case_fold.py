"""A case while it is being folded: what each fact of it, in the order in which they happened, makes of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.entries import Entry
from domain.known import many
from domain.steering import heading
from domain.time import write_moment

ENROLMENT_STATUSES = ("none", "referred", "recommended", "admitted", "running", "closing", "closed")
"""The way of one enrolment; it may skip statuses and never goes back."""

_MADE, _NOTIFIED, _APPEALED, _APPEAL_DECIDED, _REPLACED = range(5)
"""How far a decision has come."""


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
class Case:
    """A case while it is being folded.

    ``packages`` holds the enrolments in which a package was started, in the order of the latest start in each. The
    dictionaries of persons, of who is responsible, of children and of assessments go out with values, so they are
    replaced and never changed.
    """

    number: str
    programme: str
    persons: dict[str, str]
    responsible: dict[str, str] = field(default_factory=dict[str, str])
    enrolments: list[_Enrolment] = field(default_factory=list[_Enrolment])
    packages: list[_Enrolment] = field(default_factory=list[_Enrolment])
    children: dict[str, Any] = field(default_factory=dict[str, Any])
    due_date: str | None = None
    screening: str | None = None
    hours_per_week: int | str | None = None
    assessments: dict[str, Any] = field(default_factory=dict[str, Any])
    decisions: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])


def opened(facts: Sequence[Entry]) -> Case | None:
    """Return the case as it is opened, before any fact is folded; None where none of the facts opens it."""
    opening = next((fact for fact in facts if fact.topic == "case_opened"), None)
    if opening is None:
        return None
    persons = {person["ref"]: person["role"] for person in opening.data["persons"]}
    return Case(opening.data["number"], opening.data["programme"], persons)


def take_in(case: Case, facts: Iterable[Entry]) -> Case:
    """Return the case with facts folded that happened after those it was folded from.

    Raises KeyError or ValueError for a fact that lacks what it must hold.
    """
    for fact in facts:
        handler = HANDLERS.get(fact.topic)
        if handler is not None:
            handler(case, fact)
    return case


def _enrolment_of(case: Case, entry: Entry, *, begins: bool) -> _Enrolment | None:
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


def _reach(case: Case, entry: Entry, status: str, *, begins: bool) -> None:
    """Move the enrolment an event belongs to forward to a status."""
    enrolment = _enrolment_of(case, entry, begins=begins)
    if enrolment is not None:
        enrolment.reach(status)


def _referral_made(case: Case, entry: Entry) -> None:
    if entry.data["programme"] == case.programme:
        _reach(case, entry, "referred", begins=True)


def _recommendation_made(case: Case, entry: Entry) -> None:
    kind = entry.data.get("kind") or "admit"
    if entry.data["programme"] != case.programme:
        return
    if kind == "admit":
        _reach(case, entry, "recommended", begins=True)
    elif kind == "close":
        _reach(case, entry, "closing", begins=False)


def _admission_approved(case: Case, entry: Entry) -> None:
    if entry.data["programme"] == case.programme:
        _reach(case, entry, "admitted", begins=True)


def _intervention_started(case: Case, entry: Entry) -> None:
    """Begin support, or take it up again in an enrolment that was closed."""
    enrolment = _enrolment_of(case, entry, begins=True)
    if enrolment is not None and enrolment.status == "closed":
        enrolment.status = "running"
    elif enrolment is not None:
        enrolment.reach("running")


def _meeting_held(case: Case, entry: Entry) -> None:
    if entry.data["type"] == "final_follow_up":
        _reach(case, entry, "closing", begins=False)


def _enrolment_closed(case: Case, entry: Entry) -> None:
    _reach(case, entry, "closed", begins=False)


def _phase_entered(case: Case, entry: Entry) -> None:
    phase: int = entry.data["phase"]
    enrolment = _enrolment_of(case, entry, begins=True)
    if enrolment is not None:
        enrolment.phase = phase


def _package_started(case: Case, entry: Entry) -> None:
    package: str = entry.data["package"]
    enrolment = _enrolment_of(case, entry, begins=True)
    if enrolment is not None:
        enrolment.package, enrolment.period = package, entry.data.get("period")
        case.packages = [*(other for other in case.packages if other is not enrolment), enrolment]


def _person_joined(case: Case, entry: Entry) -> None:
    case.persons = case.persons | {entry.data["ref"]: entry.data["role"]}


def _case_allocated(case: Case, entry: Entry) -> None:
    case.responsible = case.responsible | {entry.data["for_role"]: ", ".join(many(entry.data["to"]))}


def _child_born(case: Case, entry: Entry) -> None:
    case.children = case.children | {entry.data["child"]: {"born": write_moment(entry.occurred_at)}}


def _due_date(case: Case, entry: Entry) -> None:
    case.due_date = entry.data["due_date"]


def _screening_recorded(case: Case, entry: Entry) -> None:
    case.screening = entry.data["outcome"]


def _support_level_set(case: Case, entry: Entry) -> None:
    case.hours_per_week = entry.data["hours_per_week"]


def _assessment_recorded(case: Case, entry: Entry) -> None:
    result = {"instrument": entry.data["instrument"], "score": entry.data.get("score")}
    if entry.data.get("assessment") is not None:
        case.assessments = case.assessments | {entry.data["assessment"]: result}


def _decision_made(case: Case, entry: Entry) -> None:
    decision: str = entry.data["decision"]
    _decide(case, decision, _MADE, "made")
    replaced: str | None = entry.data.get("replaces")
    if replaced is not None and replaced != decision:
        _decide(case, replaced, _REPLACED, "replaced")


def _decision_notified(case: Case, entry: Entry) -> None:
    _decide(case, entry.data["decision"], _NOTIFIED, "notified")


def _complaint_received(case: Case, entry: Entry) -> None:
    _decide(case, entry.data["decision"], _APPEALED, "appealed")


def _appeal_decided(case: Case, entry: Entry) -> None:
    _decide(case, entry.data["decision"], _APPEAL_DECIDED, entry.data["outcome"])


def _decide(case: Case, decision: str, rank: int, status: str) -> None:
    """Move a decision forward to a status; of several outcomes of an appeal the last one holds."""
    if rank >= case.decisions.get(decision, (rank, ""))[0]:
        case.decisions[decision] = (rank, status)


HANDLERS: Mapping[str, Callable[[Case, Entry], None]] = {
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


def value_of(case: Case) -> dict[str, Any]:
    """Return the case as JSON values."""
    latest = case.enrolments[-1] if case.enrolments else _NO_ENROLMENT
    current = next((one.package for one in reversed(case.packages) if one.status != "closed"), None)
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


def saved(case: Case) -> dict[str, Any]:
    """Return all there is to a case as JSON values, from which ``resumed`` goes on; later facts do not change them."""
    kept = {name: getattr(case, name) for name in _KEPT_AS_THEY_ARE}
    enrolments = [[one.id, one.status, one.phase, one.package, one.period] for one in case.enrolments]
    places = {id(one): place for place, one in enumerate(case.enrolments)}
    packages = [places[id(one)] for one in case.packages]
    decisions = {decision: list(standing) for decision, standing in case.decisions.items()}
    return kept | {"enrolments": enrolments, "packages": packages, "decisions": decisions}


def resumed(values: Mapping[str, Any]) -> Case:
    """Return the case that ``saved`` was given."""
    enrolments = [_Enrolment(*one) for one in values["enrolments"]]
    return Case(
        **{name: values[name] for name in _KEPT_AS_THEY_ARE},
        enrolments=enrolments,
        packages=[enrolments[place] for place in values["packages"]],
        decisions={decision: (rank, status) for decision, (rank, status) in values["decisions"].items()},
    )


_KEPT_AS_THEY_ARE = (
    "number",
    "programme",
    "persons",
    "responsible",
    "children",
    "due_date",
    "screening",
    "hours_per_week",
    "assessments",
)
