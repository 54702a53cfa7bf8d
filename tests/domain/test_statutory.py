"""Measures as reported to the national statistics: from when to when, for whom, and what is left out, with why."""

from datetime import date

from domain.entries import Entry
from domain.statutory import LeftOut, Reported, measures_of
from tests.domain.findings.given import born, decided, started
from tests.domain.rules import case, entry

LAW, OTHER = "barnets lov § 32 stk. 1 nr. 5", "barnets lov § 32 stk. 1 nr. 2"
NUMBERS = {"child-A": "6101990001", "parent-A": "6101990003"}
PARENTS = {"parent-A": "mother"}
GRANT = decided(3, "2025-02-01T10:00+01:00", legal_basis=[LAW])
START = started(4, "2025-02-03T09:00+01:00")
END = decided(5, "2025-06-01T10:00+02:00", decision="d-2", outcome="end", legal_basis=["barnets lov § 99"])


def found(*entries: Entry, numbers: dict[str, str] = NUMBERS) -> list[Reported | LeftOut]:
    """Return what is reported of a case with these entries, and what is left out."""
    return list(measures_of(case(*entries), PARENTS, numbers, {LAW: "123"}))


def test_a_measure_runs_from_the_start_of_support_to_the_decision_that_ends_it() -> None:
    """Closing an enrolment ends no measure; a decision does, and so does one that takes the place of another."""
    closed = entry(5, "EnrolmentClosed", "2025-05-01T09:00+02:00", enrolment="e-1", reason="not_at_risk")
    running = Reported(3, "6101990001", "6101990003", "3-1", "123", date(2025, 2, 3), None)
    assert found(born(), GRANT, START) == found(born(), GRANT, START, closed) == [running]
    (ended,) = found(born(), GRANT, START, END)
    assert isinstance(ended, Reported)
    assert ended.ended == date(2025, 6, 1)
    replaced = decided(5, "2025-04-01T10:00+02:00", decision="d-2", replaces="d", legal_basis=[LAW])
    assert [(one.entry, one.started, one.ended) for one in found(born(), GRANT, START, replaced)
            if isinstance(one, Reported)] == [
        (3, date(2025, 2, 3), date(2025, 4, 1)), (5, date(2025, 4, 1), None)]  # fmt: skip


def test_what_cannot_be_reported_is_named_with_the_reason() -> None:
    """Of each decision, and of support that no decision lies behind."""
    assert found(born(), started(3)) == [LeftOut(3, None, "begun_without_decision")]
    assert found(born(), GRANT) == [LeftOut(3, None, "not_begun")]
    assert found(GRANT, START) == [LeftOut(3, None, "no_child_born")]
    assert found(born(), GRANT, END, started(6, "2025-07-01T09:00+02:00")) == [LeftOut(3, None, "not_begun")]
    child, parent = NUMBERS.items()
    assert found(born(), GRANT, START, numbers=dict([parent])) == [LeftOut(3, "child-A", "child_without_number")]
    assert found(born(), GRANT, START, numbers=dict([child])) == [LeftOut(3, "child-A", "parent_without_number")]
    two = decided(3, "2025-02-01T10:00+01:00", legal_basis=[LAW, OTHER])
    reported, left_out = found(born(), two, START)
    assert isinstance(reported, Reported)
    assert left_out == LeftOut(3, "child-A", "no_code_for_legal_basis")
    assert list(measures_of(case(born(), GRANT, START), {}, dict([child]), {LAW: "1"})) == [
        LeftOut(3, "child-A", "no_parent")
    ]
