"""The measures of a case as municipalities report them to the national statistics, and every one left out, with why.

One row is a legal basis of a decision that grants support, for a child: the child, a parent with custody, from when
support began to when a decision ended it. Nothing is passed over in silence: what cannot be reported is named.
Source: BEK 1502 of 2021, annex 2 (delivery L201) [M]; the codes of measures are the municipality's to give.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from domain.custody import birth_of, children, custody_holders
from domain.decision_kinds import ends_support, grants_support
from domain.entries import Entry
from domain.events.decision import DecisionMade
from domain.events.enrolment import InterventionStarted
from domain.known import Known, many
from domain.release import law_of
from domain.time import copenhagen_day

Reason = Literal[
    "case_closed_to_reader",
    "case_erased",
    "begun_without_decision",
    "not_begun",
    "no_legal_basis",
    "no_code_for_legal_basis",
    "no_child_born",
    "child_without_number",
    "no_parent",
    "parent_without_number",
]
"""Why something is left out."""


@dataclass(frozen=True, slots=True)
class Reported:
    """A measure as reported: numbers of child and parent, name and code of the measure, its days; ``ended`` if it has.

    ``entry`` is the version of the decision.
    """

    entry: int
    child: str
    parent: str
    measure: str
    code: str
    started: date
    ended: date | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What is not reported of a case: the entry it is about, of which child, and why."""

    entry: int
    child: str | None
    reason: Reason


def measures_of(
    known: Known, parents: Mapping[str, str], numbers: Mapping[str, str], codes: Mapping[str, str]
) -> Iterator[Reported | LeftOut]:
    """Yield the measures of a case, reported or left out, in the order decided.

    ``parents`` are the roles of the grown-ups of the case by reference, ``numbers`` the civil registration numbers by
    reference of those who have one, ``codes`` those of measures by legal basis.
    """
    decisions = known.of(DecisionMade)
    granting = [decision for decision in decisions if grants_support(decision)]
    for begun in known.of(InterventionStarted):
        if not any(decision.happened <= begun.happened for decision in granting):
            yield LeftOut(begun.version, None, "begun_without_decision")
    for decision in granting:
        yield from _of_decision(known, decision, decisions, parents, numbers, codes)


def _of_decision(
    known: Known,
    decision: Entry,
    decisions: tuple[Entry, ...],
    parents: Mapping[str, str],
    numbers: Mapping[str, str],
    codes: Mapping[str, str],
) -> Iterator[Reported | LeftOut]:
    """Yield the measures of one decision: each legal basis for each child."""
    later = [one for one in decisions if one.happened > decision.happened and _replaces(one, decision)]
    ended = later[0].happened if later else None
    started = _started(known, decision, later[0] if later else None)
    born = [child for child in children(known) if child in (many(decision.data.get("about")) or children(known))]
    bases = [law_of(basis) for basis in many(decision.data.get("legal_basis"))]
    if started is None:
        yield LeftOut(decision.version, None, "not_begun")
        return
    if not born or not bases:
        yield LeftOut(decision.version, None, "no_legal_basis" if born else "no_child_born")
        return
    for child in born:
        holders = custody_holders(known, max(started.happened, _birth(known, child).happened), child)
        parent = next((ref for ref in (*holders, *parents) if ref in numbers), None)
        for number, basis in enumerate(bases, start=1):
            reason = _missing(child, parent, basis, bool(holders or parents), numbers, codes)
            if reason is not None or parent is None:
                yield LeftOut(decision.version, child, reason or "no_parent")
                continue
            yield Reported(
                entry=decision.version,
                child=numbers[child],
                parent=numbers[parent],
                measure=f"{decision.version}-{number}",
                code=codes[basis],
                started=copenhagen_day(max(started.happened, decision.happened)),
                ended=None if ended is None else copenhagen_day(ended),
            )


def _missing(
    child: str, parent: str | None, basis: str, has_parent: bool, numbers: Mapping[str, str], codes: Mapping[str, str]
) -> Reason | None:
    """Return what keeps a measure from being reported; None where nothing does."""
    if child not in numbers:
        return "child_without_number"
    if parent is None:
        return "parent_without_number" if has_parent else "no_parent"
    return None if basis in codes else "no_code_for_legal_basis"


def _started(known: Known, decision: Entry, ending: Entry | None) -> Entry | None:
    """Return what began the support of a decision: the first start after it, else the support that ran already."""
    starts = [one for one in known.of(InterventionStarted) if ending is None or one.happened < ending.happened]
    return next((one for one in starts if one.happened >= decision.happened), starts[-1] if starts else None)


def _replaces(later: Entry, decision: Entry) -> bool:
    return ends_support(later) or later.data.get("replaces") == decision.data["decision"]


def _birth(known: Known, child: str) -> Entry:
    found = birth_of(known, child)
    assert found is not None
    return found
