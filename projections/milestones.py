"""Milestones in the life of a long case: where it stood at them, so that nobody folds it from the beginning.

A milestone is an instant. Its row holds the case as folded from all that had happened by then, and which entries are
about what happened from there to the next one. So where the case stood at any instant is the milestone before it and a
few hundred entries, however long the case. Late entries, corrections and annulments give other rows to the milestones
that they move, and leave the rest alone. A case of less than two stretches has none.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from operator import attrgetter
from typing import Any

from domain.entries import Entry, clear
from domain.register import ABOUT_ENTRIES, effective, target
from domain.rules import Rules
from domain.time import LATEST, write_instant
from projections import case_state
from projections.case_fold import opened, resumed, saved, take_in, value_of
from projections.case_state import Kept

TOPICS = case_state.TOPICS
"""Topics of the entries this question reads."""

STRETCH = 256
"""How many facts lie between two milestones when the second is set; later ones may come to be among them."""

BEGINNING = datetime.min.replace(tzinfo=UTC)
"""The first milestone of every case: nothing had happened."""

INSTANT = timedelta(microseconds=1)
"""Between two instants so far apart there is no other."""

NO_END = 2**63 - 1
"""Later than the last version there can be."""

_at, _happened = attrgetter("at"), attrgetter("happened")


@dataclass(frozen=True, slots=True)
class _Milestone:
    """An instant, the case as folded by then, and the value remembered of it."""

    at: datetime
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Passed:
    """The milestones of a case in order, and how many of its entries they were last set by."""

    milestones: tuple[_Milestone, ...]
    counted: int
    rows: dict[str, dict[str, Any]]


def fold(state: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    """Return the entries that where a case stands rests on, with one more and with the milestones it sets or moves."""
    kept = case_state.fold(state, entry)
    if kept is not state and isinstance(kept, Kept):
        kept.along = _passed(state, kept)
    return kept


def parts(state: tuple[Entry, ...], _rules: Rules, _at: datetime | None) -> dict[str, dict[str, Any]]:
    """Return a row per milestone, named by its instant; none of a short case. They answer for every instant at once."""
    passed = state.along if isinstance(state, Kept) else None
    return passed.rows if isinstance(passed, _Passed) else {}


def instant_of(part: str) -> datetime:
    """Return the instant of the milestone whose row has a name."""
    return datetime.fromisoformat(part)


def runs_of(value: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return the versions, first and last, between which the entries from a milestone to the next one stand."""
    after: int | None = value.get("after")
    runs = [(first, last) for first, last in value["entries"]]
    return runs if after is None else [*runs, (after + 1, NO_END)]


def state_after(at: datetime, value: dict[str, Any], entries: Iterable[Entry], valid_at: datetime) -> dict[str, Any]:
    """Return where a case stood at an instant, from the milestone before it and the entries of its stretch."""
    since = (fact for fact in effective(map(clear, entries)) if at < fact.happened <= valid_at)
    return value_of(take_in(resumed(value["case"]), since))


def _passed(state: tuple[Entry, ...], kept: Kept) -> _Passed | None:
    """Return the milestones of a case from those before its last entry; None of a short one, or one not opened."""
    before = state.along if isinstance(state, Kept) else None
    if before is None and len(kept) < 2 * STRETCH:
        return None
    case = opened(kept.facts)
    if case is None:
        return None
    if not isinstance(before, _Passed) or before.milestones[0].value["case"] != saved(case):
        return _set(kept, _Passed((_Milestone(BEGINNING, {"case": saved(case)}),), 0, {}), 0, LATEST)
    changed = _changed(case_state.facts_of(state), kept.facts)
    overdue, last = len(kept) - before.counted >= STRETCH, before.milestones[-1]
    if changed is not None and (kept[-1].topic in ABOUT_ENTRIES or changed[0] <= last.at):
        place = bisect_left(before.milestones, changed[0], key=_at) - 1
        return _set(kept, before, place, LATEST if overdue else changed[1])
    return _set(kept, before, len(before.milestones) - 1, LATEST) if overdue else before


def _changed(before: Sequence[Entry], after: Sequence[Entry]) -> tuple[datetime, datetime] | None:
    """Return the instants from and until which facts in force differ; None where they are the same."""
    same, most = 0, min(len(before), len(after))
    if len(after) > most and (most == 0 or after[most - 1] is before[-1]):
        same = most
    while same < most and before[same] is after[same]:
        same += 1
    ends = 0
    while ends < most - same and before[-ends - 1] is after[-ends - 1]:
        ends += 1
    differing = [*before[same : len(before) - ends], *after[same : len(after) - ends]]
    return (min(map(_happened, differing)), max(map(_happened, differing))) if differing else None


def _set(kept: Kept, before: _Passed, place: int, until: datetime) -> _Passed:
    """Return milestones set anew from a place on, up to one that ``until`` and all before it leave as it was."""
    stale = before.milestones[place:]
    known = {one.at: number for number, one in enumerate(stale)}
    instants, entries = _instants(kept.facts, [one.at for one in stale]), _Entries(kept)
    found, case = list(before.milestones[:place]), resumed(stale[0].value["case"])
    for at, (begin, end) in zip(instants, _stretches(kept.facts, instants), strict=True):
        there = saved(case)
        number = known.get(at)
        if at >= until and number is not None and stale[number].value["case"] == there:
            return _with_rows((*found, *stale[number:]), before.counted)
        facts = kept.facts[begin:end]
        take_in(case, facts)
        found.append(_Milestone(at, {"case": there, "entries": entries.about(facts)}))
    found[-1].value["after"] = kept[-1].version
    return _with_rows(tuple(found), len(kept))


def _with_rows(milestones: tuple[_Milestone, ...], counted: int) -> _Passed:
    return _Passed(milestones, counted, {write_instant(one.at): one.value for one in milestones})


def _stretches(facts: Sequence[Entry], instants: Sequence[datetime]) -> list[tuple[int, int]]:
    """Return which facts happened after each instant and by the next one, as begin and end."""
    begins = [bisect_right(facts, at, key=_happened) for at in instants]
    return list(pairwise([*begins, len(facts)]))


def _instants(facts: Sequence[Entry], instants: list[datetime]) -> list[datetime]:
    """Return instants with those between them at which too many facts are divided.

    Where facts happened at one instant, what was just before it is a milestone too: there is nothing between the two.
    """
    found = set(instants)
    for begin, end in _stretches(facts, instants):
        for number in range(begin + STRETCH, end - STRETCH + 1, STRETCH):
            at = facts[number - 1].happened
            found.add(at)
            if at in (facts[number - 2].happened, facts[number].happened):
                found.add(at - INSTANT)
    return sorted(found)


class _Entries:
    """Where the entries about each fact stand among those kept."""

    def __init__(self, kept: Sequence[Entry]) -> None:
        self._kept = kept
        self._places = {entry.version: place for place, entry in enumerate(kept)}
        self._about: dict[int, list[int]] = {}
        facts: dict[int, int] = {}
        for entry in kept:
            if entry.topic in ABOUT_ENTRIES:
                concerned = target(entry) or 0
                fact = facts[entry.version] = facts.get(concerned, concerned)
                self._about.setdefault(fact, []).append(entry.version)

    def about(self, facts: Sequence[Entry]) -> list[list[int]]:
        """Return all entries about some facts as runs of those kept, each by the versions of its first and last."""
        versions = (number for fact in facts for number in (fact.version, *self._about.get(fact.version, ())))
        runs: list[list[int]] = []
        for place in sorted(self._places[version] for version in versions):
            if runs and runs[-1][1] == place - 1:
                runs[-1][1] = place
            else:
                runs.append([place, place])
        return [[self._kept[first].version, self._kept[last].version] for first, last in runs]
