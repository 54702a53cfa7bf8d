"""Differences of a view between two instants or two rule books, each explained by what lies behind it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.entries import Entry
from domain.time import read_instant
from projections.view import CASE_STATE, CONSENTS, DEADLINES, FINDINGS, View
from replay.compare import (
    ANNULMENT,
    CORRECTION,
    ERASURE,
    LATE_ENTRY,
    NEW_EVENT,
    RULE_CHANGE,
    TIME_PASSED,
    Difference,
    Span,
    Turn,
    differences,
    reading,
)
from tests.domain.rules import CASE, entry, opened, rules
from tests.domain.test_any_facts import PROGRAMMES, facts

VIEWS = (CASE_STATE, DEADLINES, CONSENTS, FINDINGS)
FIRST, SECOND = read_instant("2025-06-01T12:00+02:00"), read_instant("2025-12-01T12:00+01:00")


def span(begins: int, clock: datetime | None = None, known_from: datetime = FIRST) -> Span:
    """Return a span under unchanged rules; with a clock both ends ask about the same instant in the world."""
    return Span(begins, known_from, clock or known_from, clock or SECOND, rules())


def kinds(found: Difference) -> list[str]:
    """Return the kinds of what lies behind a difference, those that merely stand in left out."""
    return [cause.kind for cause in found.causes if not cause.stands_in]


def without(entries: Sequence[Entry], found: Difference) -> list[Entry]:
    """Return the entries as if those behind a difference had never been recorded."""
    named = {cause.entry.version for cause in found.causes if cause.entry is not None}
    return [one for one in entries if one.version not in named]


@pytest.mark.parametrize("view", VIEWS, ids=[view.name for view in VIEWS])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(programme=st.sampled_from(PROGRAMMES), found=facts(), cut=st.integers(1, 12), shift=st.integers(0, 400))
def test_undoing_what_is_named_makes_every_difference_go_away(
    view: View, programme: str, found: list[Entry], cut: int, shift: int
) -> None:
    """Whatever was recorded: nothing is unexplained, and without the entries named each row is as it was before.

    Both ends ask about the same instant in the world, so nothing but entries can lie behind a difference.
    """
    entries = [opened(programme), *found]
    clock = SECOND - timedelta(days=shift)
    for one in differences(view, CASE, entries, span(cut, clock)):
        assert one.explained
        undone = reading(view, without(entries, one), rules(), clock).get(one.part)
        if one.changed:
            assert one.before is not None
            assert undone is not None
            assert {name: undone.get(name) for name in one.changed} == {n: one.before.get(n) for n in one.changed}
        else:
            assert (undone is None) is (one.before is None)


@pytest.mark.parametrize("view", VIEWS, ids=[view.name for view in VIEWS])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    programme=st.sampled_from(PROGRAMMES),
    found=facts(),
    cut=st.integers(0, 12),
    shift=st.integers(0, 400),
    ruled=st.booleans(),
)
def test_time_rules_and_entries_together_leave_nothing_unexplained(
    view: View, programme: str, found: list[Entry], cut: int, shift: int, ruled: bool
) -> None:
    """Whatever moves at once, each difference names what moved it, and no other row is named."""
    entries = [opened(programme), *found]
    known_from, later = SECOND - timedelta(days=shift), _rules_with("UND-24H", 48) if ruled else rules()
    adoption = replace(entry(1, "RuleBookAdopted", "2025-06-03T10:00+02:00"), position=50)
    both = replace(span(cut, known_from=known_from), turns=(Turn(later, adoption),) if ruled else ())
    walked = differences(view, CASE, entries, both)
    before = reading(view, entries[:cut], rules(), known_from)
    after = reading(view, entries, later, SECOND)
    assert [one.part for one in walked] == [p for p in sorted({*before, *after}) if before.get(p) != after.get(p)]
    assert all(one.explained and one.causes for one in walked)
    for one in walked:
        named = {cause.entry.version for cause in one.causes if cause.entry not in (None, adoption)}  # pyright: ignore
        assert all(version > cut for version in named)
        assert named or set(kinds(one)) <= {TIME_PASSED, RULE_CHANGE}


def received(version: int, happened: str, **more: Any) -> Entry:
    """Return a notification about the child."""
    return entry(version, "NotificationReceived", happened, about="child-A", identity_known=True, **more)


def assessed(version: int, happened: str, **more: Any) -> Entry:
    """Return its assessment within a day."""
    return entry(version, "NotificationAcuteAssessed", happened, notification=2, acute=False, **more)


def of_clock(found: Sequence[Difference], rule: str) -> Difference:
    """Return the difference of a clock."""
    return next(one for one in found if one.part.startswith(f"{rule}/"))


NOTIFIED = received(2, "2025-06-01T08:00+02:00")


def test_clock_that_comes_due_needs_no_event() -> None:
    """Open at the first instant, broken at the second, and nobody recorded a thing: time passed."""
    (found,) = [
        one
        for one in differences(DEADLINES, CASE, [opened(), NOTIFIED], span(2, known_from=NOTIFIED.recorded_at))
        if one.part.startswith("UND-24H/")
    ]
    assert found.before is not None
    assert found.after is not None
    assert (found.before["status"], found.after["status"], found.changed) == ("open", "breached", ("status",))
    assert kinds(found) == [TIME_PASSED]


def test_late_entry_is_told_from_a_new_event() -> None:
    """What had happened by the first instant and was recorded after it is late; what happened since is new."""
    late = replace(assessed(3, "2025-06-01T10:00+02:00"), recorded_at=read_instant("2025-06-03T10:00+02:00"))
    new = assessed(3, "2025-06-01T14:00+02:00")
    for one, kind in ((late, LATE_ENTRY), (new, NEW_EVENT)):
        found = of_clock(differences(DEADLINES, CASE, [opened(), NOTIFIED, one], span(2)), "UND-24H")
        assert kinds(found) == [kind]
        assert found.causes[0].entry == one
        assert {"satisfied_by", "satisfied_at", "status", "steps"} >= set(found.changed)


def test_correction_annulment_and_erasure_are_told_apart() -> None:
    """A clock that moves because its start was corrected, and clocks that go because their start did."""
    correction = entry(
        3, "EntryCorrected", "2025-06-03T10:00+02:00",
        corrects=2, field="occurred_at", old="2025-06-01T06:00:00.000000Z", new="2025-05-30T10:00:00.000000Z",
    )  # fmt: skip
    moved = of_clock(differences(DEADLINES, CASE, [opened(), NOTIFIED, correction], span(2, SECOND)), "UND-24H")
    assert kinds(moved) == [CORRECTION]
    annulment = entry(3, "EntryAnnulled", "2025-06-03T10:00+02:00", annuls=2)
    gone = of_clock(differences(DEADLINES, CASE, [opened(), NOTIFIED, annulment], span(2, SECOND)), "UND-24H")
    assert (gone.after, gone.changed, kinds(gone)) == (None, (), [ANNULMENT])
    erasure = entry(3, "PersonalDataErased", "2025-06-03T10:00+02:00", scope="case")
    erased = of_clock(differences(DEADLINES, CASE, [opened(), NOTIFIED, erasure], span(2, SECOND)), "UND-24H")
    assert (erased.after, kinds(erased)) == (None, [ERASURE])


def test_what_would_take_the_place_is_named_as_such() -> None:
    """A second assessment had no effect beside the first, and would have had the same without it."""
    entries = [opened(), NOTIFIED, assessed(3, "2025-06-01T10:00+02:00"), assessed(4, "2025-06-01T11:00+02:00")]
    found = of_clock(differences(DEADLINES, CASE, entries, span(2, SECOND)), "UND-24H")
    assert [(c.entry and c.entry.version, c.stands_in) for c in found.causes] == [(3, False), (4, True)]


def test_rules_that_change_are_named_with_their_adoption() -> None:
    """A draft under which the same entry gives another due date: the row differs by the rules alone."""
    changed = _rules_with("UND-24H", 48)
    adoption = replace(entry(1, "RuleBookAdopted", "2025-06-03T10:00+02:00"), position=50)
    walked = differences(
        DEADLINES, CASE, [opened(), NOTIFIED],
        Span(2, FIRST, SECOND, SECOND, rules(), (Turn(rules()), Turn(changed, adoption), Turn(changed))),
    )  # fmt: skip
    (found,) = walked
    assert found.part.startswith("UND-24H/")
    assert "due" in found.changed
    assert [(cause.kind, cause.entry) for cause in found.causes] == [(RULE_CHANGE, adoption)]


def _rules_with(rule: str, hours: int) -> Any:
    """Return the shipped rules with another number of hours in one rule."""
    shipped = rules()
    adoptions: list[Any] = []
    for adoption in shipped.adoptions:
        book = adoption.book
        changed = tuple(
            one.model_copy(update={"due": one.due.model_copy(update={"n": hours})})
            if one.id == rule and one.due
            else one
            for one in book.rule
        )
        adoptions.append(replace(adoption, book=book.model_copy(update={"rule": changed})))
    return replace(shipped, adoptions=tuple(adoptions))


def test_view_that_moves_by_itself_is_unexplained() -> None:
    """A fold that gives another answer each time is caught: without the entries named, the row is not as before."""
    ticks = count()

    def parts(_state: object, _rules: object, _at: object) -> dict[str, dict[str, Any]]:
        return {"row": {"n": next(ticks)}}

    (found,) = differences(replace(CONSENTS, parts=parts), CASE, [opened(), NOTIFIED], span(1, SECOND))
    assert not found.explained
