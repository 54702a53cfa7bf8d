"""Where a case stands: enrolments, package, children, assessments and decisions.

Reads the clear part only, so the answer is the same for every reader and for a projector without keys. Nothing in the
value depends on the present instant: what does (ages) is a function of the value and the instant asked about.
Statuses and their order: programmes smaaboernsteam_001 and spaed_smaabarnsteam_002.
"""

from bisect import bisect
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from domain.calendar import plus_months
from domain.courses import Quantity, number
from domain.entries import Entry, clear
from domain.register import ABOUT_ENTRIES, amended, effective, order, target
from domain.rules import Rules
from domain.time import copenhagen_day, read_moment, start_of
from projections.case_fold import HANDLERS, Case, opened, take_in, value_of

INFANT_UNTIL = 12
TODDLER_UNTIL = 36
"""Ages in months at which the infant and the toddler package end."""


class Kept(tuple[Entry, ...]):
    """Entries in ledger order that carry the facts in force among them, so that one more need not settle all anew.

    ``case`` is the case folded from the first ``folded`` of these facts. It goes on to the state after this one where
    that only adds facts at the end; asked again, this state folds its facts from the beginning. ``along`` is what a
    view keeps beside them.
    """

    facts: tuple[Entry, ...]
    case: Case | None = None
    folded: int = 0
    along: object = None


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


def _with(state: tuple[Entry, ...], entry: Entry) -> Kept:
    """Return the entries with one more. A fact takes its place among those in force: nothing refers to it yet."""
    kept, facts = Kept((*state, entry)), facts_of(state)
    if entry.topic in ABOUT_ENTRIES:
        kept.facts = amended(facts, kept, entry)
    elif entry.withheld:
        kept.facts = facts
    elif facts and order(facts[-1]) > order(entry):
        place = bisect(facts, order(entry), key=order)
        kept.facts = (*facts[:place], entry, *facts[place:])
    else:
        kept.facts = (*facts, entry)
        if isinstance(state, Kept):
            kept.case, kept.folded, state.case = state.case, state.folded, None
    return kept


def facts_of(state: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Return the facts in force among the entries kept, in the order in which they happened."""
    return state.facts if isinstance(state, Kept) else effective(state)


def row(state: tuple[Entry, ...]) -> dict[str, Any] | None:
    """Return the remembered value, made of JSON values only; None before the case is opened."""
    if not isinstance(state, Kept):
        return derive(effective(state))
    if state.case is None:
        state.case, state.folded = opened(state.facts), 0
    if state.case is None:
        return None
    case, state.case = state.case, None
    value = value_of(take_in(case, state.facts[state.folded :]))
    state.case, state.folded = case, len(state.facts)
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
    case = opened(entries)
    return None if case is None else value_of(take_in(case, entries))


def nothing_known() -> dict[str, Any]:
    """Return where a case stands before anything of it is on record."""
    return value_of(Case(number="", programme="", persons={}))


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


TOPICS: frozenset[str] = frozenset(HANDLERS) | {"case_opened"} | ABOUT_ENTRIES
"""Topics of the entries this question reads."""
