"""No fact that can be recorded stops a view: whatever a valid account holds, every rule and check gives an answer."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.clocks import deadlines
from domain.consents import consent_ids, consent_status, periods
from domain.deadlines import as_values, from_values, late_by, status
from domain.disclosures import covers, disclosures
from domain.entries import Entry
from domain.events import EVENTS
from domain.events.administration import EVENTS as ADMINISTRATION
from domain.events.base import Event
from domain.events.catalogue import wire_form
from domain.findings.catalogue import CHECKS, findings, pending
from domain.findings.handling import finding_of, life_values, lives, unhandled
from domain.inquiry import Inquiry
from domain.people import silenced
from domain.register import ABOUT_ENTRIES
from domain.time import read_instant
from projections.case_state import state_as_of, value_at_path
from replay.questions import CaseQuestions
from tests.domain.rules import calendar, case, entry, rules

PROGRAMMES = (
    "spaed_smaaboern_000",
    "smaaboernsteam_001",
    "spaed_smaabarnsteam_002",
    "tidlig_indsats_003",
    "opsporing_familietraening_004",
)
FACTS = [event for event in EVENTS.values() if event not in ADMINISTRATION and event.TOPIC != "record_viewed"]
PLAIN = [event for event in FACTS if event.TOPIC not in ABOUT_ENTRIES]
DAYS = ("0001-01-02", "1900-02-28", "2023-12-31", "2024-02-29", "2025-03-30", "2099-12-31", "9999-12-30")
WORDS = (
    "adbb", "support", "disclosure", "child-A", "parent-A", "unborn of parent-A", "c-1", "d-1", "e-1", "grant", "close",
    "home_visit", "session", "weekly_status", "package_status", "2025-W16", "P6W", "statutory", "meeting_1_professional",
    "wrong_person", "barnets lov § 32", "consent", "law", "x",
)  # fmt: skip


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return what a field may hold, by its schema; references point to the first entries."""
    if "anyOf" in schema:
        return st.one_of([values(one) for one in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        return st.lists(values(schema["items"]), min_size=schema.get("minItems", 0), max_size=3)
    if kind == "integer":
        return st.integers(schema.get("minimum", 0), 9)
    if kind == "object":
        return st.dictionaries(st.sampled_from(WORDS), st.integers(0, 30), max_size=2)
    if kind == "string":
        return text(schema)
    return {"boolean": st.booleans(), "null": st.none()}.get(str(kind), st.none())


def text(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    """Return a text of a form."""
    form, pattern = schema.get("format"), str(schema.get("pattern", ""))
    if schema.keys() == {"type"}:
        return st.just("4.5")
    if form == "date":
        return st.sampled_from(DAYS)
    if form == "date-time":
        return st.sampled_from([f"{day}T22:30:00.000000Z" for day in DAYS])
    if form == "uuid":
        return st.just("00000000-0000-0000-0000-000000000007")
    if "{64}" in pattern:
        return st.just("ab" * 32)
    if pattern.startswith("^P("):
        return st.sampled_from(["P6W", "P3M", "P999Y", "P0D", "P9999D"])
    if pattern.startswith("^[0-9]{1,2}"):
        return st.just("39+5")
    return st.just("score") if "a-z][a-z0-9_" in pattern else st.sampled_from(WORDS)


def fact_data(event: type[Event]) -> st.SearchStrategy[dict[str, Any]]:
    """Return valid facts of a kind, as they are stored."""
    form = wire_form(event)
    fields = {name: values(schema) for name, schema in form["fields"].items()}
    required = {name: fields[name] for name in fields if name in form["required"]}
    optional = {name: fields[name] for name in fields if name not in form["required"]}
    return st.fixed_dictionaries(required, optional=optional).map(drop_nothing)


def drop_nothing(data: dict[str, Any]) -> dict[str, Any]:
    """Return facts the way they are stored: what holds nothing is left out."""
    return {name: value for name, value in data.items() if value is not None}


@st.composite
def facts(draw: st.DrawFn) -> list[Entry]:
    """Return up to twelve facts in any order of happening; references may point anywhere before them."""
    found: list[Entry] = []
    for version in range(2, 2 + draw(st.integers(1, 12))):
        event = draw(st.sampled_from(FACTS if version > 2 else PLAIN))
        data = draw(fact_data(event))
        for name in ("corrects", "annuls"):
            if name in data:
                data[name] = draw(st.integers(2, version - 1))
        happened = f"2025-{draw(st.integers(1, 9)):02}-{draw(st.integers(1, 28)):02}T10:00+02:00"
        found.append(entry(version, event.name(), happened, recorded=f"2025-10-{version + 1:02}T10:00+02:00"))
        object.__setattr__(found[-1], "data", data)
    return found


@pytest.mark.parametrize("programme", PROGRAMMES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(entries=facts())
def test_every_question_has_an_answer(programme: str, entries: list[Entry]) -> None:
    """Clocks, findings, consents, covers, state and changes of due dates: all answer, and what is stored comes back."""
    known = case(*entries, programme=programme)
    at = read_instant("2026-01-01T10:00+01:00")
    inquiry = Inquiry(known, rules(), at)
    clocks = deadlines(inquiry)
    for clock in clocks:
        assert from_values(as_values(clock) | {"silenced": False}) == clock
        status(clock, at)
        late_by(clock, at)
    silenced(known, clocks, at)
    for life in lives((*pending(inquiry), *unhandled(lives(pending(inquiry), known, at))), known, at):
        again = finding_of(life_values(life))
        assert (again.code, again.entry, again.key, again.detail) == (
            life.finding.code,
            life.finding.entry,
            life.finding.key,
            life.finding.detail,
        )
        assert CHECKS[life.finding.code].explain(life.finding)
    for consent in consent_ids(known):
        consent_status(known, consent, at)
        periods(known, consent)
    for made in disclosures(known):
        covers(known, made.version)
    CaseQuestions(known, rules()).due_changes()
    value_at_path(state_as_of(known.entries, at), "enrolment.status", at)


def test_a_date_beyond_every_calendar_is_told_and_stops_nothing() -> None:
    """A due date of the year 1 leads before all calendars: the check says so, the clock has no window."""
    pregnant = entry(2, "PregnancyRegistered", "2025-01-02T10:00+01:00", person="parent-A", due_date="0001-01-05")
    made = entry(
        3, "DecisionMade", "2025-01-03T10:00+01:00", decision="d", outcome="grant", legal_basis=["barnets lov § 49"]
    )
    inquiry = Inquiry(case(pregnant, made), rules(), read_instant("2025-02-01T10:00+01:00"))
    (window,) = [clock for clock in deadlines(inquiry) if clock.rule == "BL49-NOT-BEFORE"]
    assert window.not_before is None
    assert "SECTION_49_TOO_EARLY" in {
        f.detail.get("check") for f in findings(inquiry) if f.code == "CHECK_NOT_POSSIBLE"
    }
    near = entry(2, "PregnancyRegistered", "2025-01-02T10:00+01:00", person="parent-A", due_date="2025-08-01")
    usual = Inquiry(case(near, made), rules(), read_instant("2025-02-01T10:00+01:00"))
    assert "CHECK_NOT_POSSIBLE" not in {f.code for f in findings(usual)}


def test_a_count_of_days_before_the_holiday_table_is_open() -> None:
    """The table begins in 1990: a duty of 1950 has no due date, and is not shown as broken."""
    first = calendar().holidays.first_year
    received = entry(2, "NotificationReceived", f"{first - 40}-05-02T10:00+01:00", identity_known=True, about="child-A")
    inquiry = Inquiry(case(received), rules(), read_instant("2025-02-01T10:00+01:00"))
    (receipt,) = [clock for clock in deadlines(inquiry) if clock.rule == "UND-RECEIPT-6HV"]
    assert (receipt.due, status(receipt, inquiry.at)) == (None, "open")
