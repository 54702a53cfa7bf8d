"""Readings: where a programme text can be read in two ways, each reading has an effect, and the default is as named."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from domain.clocks import deadlines
from domain.deadlines import status
from domain.entries import Entry
from domain.findings.catalogue import findings, level_of
from domain.inquiry import Inquiry
from domain.rules import Rules
from domain.steering import heading
from domain.time import copenhagen_day, read_instant
from ledger.shipped import RULE_BOOKS
from tests.domain.findings.given import (
    DAY,
    DETECTION,
    EARLY,
    END,
    INFANTS,
    LAST,
    LATER,
    PACKAGES,
    TEAM,
    adbb,
    admitted,
    born,
    closed,
    consented,
    decided,
    followed_up,
    held,
    noted,
    ordered,
    package,
    recommended,
    started,
    status_of_package,
    visited,
)
from tests.domain.rules import book, case, entry, inquiry, rules

Question = Callable[[Inquiry], Any]


@dataclass(frozen=True)
class Reading:
    """A case, a question to it, and the answer under each reading of one setting; the default comes first."""

    setting: str
    programme: str
    given: list[Entry]
    ask: Question
    answers: dict[str, Any]
    at: str = END


def found(*codes: str) -> Question:
    """Ask how often some codes are found."""
    return lambda asked: sum(1 for finding in findings(asked) if finding.code in codes)


def level(code: str) -> Question:
    """Ask how grave the findings of a code are."""
    return lambda asked: {level_of(finding) for finding in findings(asked) if finding.code == code}


def duty(rule: str) -> Question:
    """Ask whether a duty stood open at the closing."""
    return lambda asked: any(finding.detail.get("rule") == rule for finding in findings(asked))


def clocks(rule: str) -> Question:
    """Ask how the clocks of a rule that count stand, with the days on which they are due."""

    def ask(asked: Inquiry) -> list[tuple[str, str]]:
        counting = [clock for clock in deadlines(asked, [rule]) if clock.superseded_by is None]
        return [(status(c, asked.at), copenhagen_day(c.due).isoformat() if c.due else "-") for c in counting]

    return ask


def recommends(version: int, role: str) -> Entry:
    """Return a recommendation by a role."""
    return entry(version, "RecommendationMade", DAY, role=role, programme=TEAM, to="visitation_panel")


GROUP_1: dict[str, Any] = {"target_group": 1}
EQUAL: dict[str, Any] = {"equal_to_placement": True}
EXPECTED_AT_140 = entry(2, "PregnancyRegistered", "2025-01-10T10:00+01:00", person="parent-A", due_date="2025-07-28")
VISITS = [visited(n, f"2025-03-10T{5 + n:02}:00+01:00") for n in range(3, 6)]
"""Three home visits on one day."""

READINGS = [
    Reading("A1", INFANTS, [admitted(**GROUP_1), started(3, LATER), closed(4, LAST)], duty("P000-STAY"), {"possible": False, "required": True}),
    Reading("A2", TEAM, [admitted(programme=TEAM)], found("ADMITTED_WITHOUT_PANEL"), {"steering_group": 0, "panel_then_steering_group": 1}),
    Reading("A3", PACKAGES, [package(2, "2025-03-03T08:00+01:00"), *VISITS, visited(6, "2025-03-10T20:00+01:00")], found("VISITS_OVER_DAILY_LIMIT"), {"week_and_day": 1, "week_only": 0}),
    Reading("A4", TEAM, [born(), started(3, "2025-02-03T09:00+01:00")], clocks("P001-DAYCARE-3-4M"), {"birth_else_start": [("open", "2025-06-03")], "always_birth": [("open", "2025-05-01")]}, at=LAST),
    Reading("A5", INFANTS, [started(2, "2024-12-20T09:00+01:00"), born(3), followed_up(4, "2025-02-14T10:00+01:00")], clocks("P000-SW-6W"), {"last_held": [("breached", "2025-03-28")], "grid": [("met", "2025-02-19"), ("breached", "2025-04-02")]}, at=LAST),
    Reading("A6", INFANTS, [started(2), noted(3, "2025-02-05T10:00+01:00", period="2025-W06"), noted(4, "2025-02-14T10:00+01:00", period="2025-W07"), closed(5, "2025-02-17T10:00+01:00")], found("WEEKLY_NOTES_TOO_FAR_APART"), {"iso_week": 0, "seven_days": 1}),
    Reading("A6", INFANTS, [started(2), noted(3, "2025-02-09T10:00+01:00", period="2025-W07"), noted(4, "2025-02-16T10:00+01:00", period="2025-W08"), closed(5, "2025-02-17T10:00+01:00")], found("WEEKLY_NOTE_MISSING"), {"iso_week": 1, "seven_days": 0}),
    Reading("A7", INFANTS, [born(), started(3)], clocks("P000-END-2Y"), {"birthday": [("open", "2027-01-01")], "through_year": [("open", "2028-01-01")]}, at=LAST),
    Reading("A7", INFANTS, [born(happened="2023-02-01T04:00+01:00"), admitted(3)], found("TARGET_AGE_EXCEEDED"), {"birthday": 1, "through_year": 0}),
    Reading("A8", PACKAGES, [born(), adbb(3, "2025-02-01T10:00+01:00")], found("ASSESSMENT_OUTSIDE_INSTRUMENT_AGE"), {"finding": 1, "accepted": 0}),
    Reading("A9", EARLY, [entry(2, "AttentionRaised", DAY, about="parent-A", severity="x")], clocks("P003-FEEDBACK"), {"off": [("open", "-")], "24": [("breached", "2025-03-11")]}),
    Reading("A9", TEAM, [admitted(programme=TEAM)], clocks("P001-M1-QUICK"), {"off": [("open", "-")], "14": [("breached", "2025-03-24")]}),
    Reading("A10", PACKAGES, [package(2), visited(3, "2025-06-12T10:00+02:00")], found("PACKAGE_PERIOD_NOT_RENEWED"), {"new_period": 1, "status_only": 0}),
    Reading("A11", INFANTS, [admitted(target_group=2)], found("COMPETENCE_EXAMINATION_MISSING"), {"same_where_equal_to_placement": 0, "all_enrolments": 1}),
    Reading("A12", INFANTS, [admitted(target_group=2, **EQUAL)], found("COMPETENCE_EXAMINATION_MISSING"), {"equal_to_placement_or_group_1": 1, "group_1": 0}),
    Reading("A12", INFANTS, [admitted(target_group="1")], found("COMPETENCE_EXAMINATION_MISSING"), {"equal_to_placement_or_group_1": 1, "group_1": 1}),
    Reading("A13", INFANTS, [started(2, "2024-12-20T09:00+01:00"), born(3), followed_up(4, "2025-01-03T10:00+01:00")], clocks("P000-SW-FIRST-1W"), {"by_day_7": [("met", "2025-01-08")], "about_day_7": [("breached", "2025-01-10")]}),
    Reading("A14", INFANTS, [born(), started(3)], clocks("P000-SW-FIRST-1W"), {"not_applicable": [("not_applicable", "2025-01-08")], "from_start": [("not_applicable", "2025-01-08"), ("breached", "2025-02-10")]}),
    Reading("A14", INFANTS, [born(), started(3)], clocks("P000-SW-6W"), {"not_applicable": [("breached", "2025-03-17")], "from_start": []}),
    Reading("A15", TEAM, [admitted(programme=TEAM)], found("ADMITTED_WITHOUT_CONSENTS"), {"before_meeting_1": 0, "before_visitation": 1}),
    Reading("A16", TEAM, [held(2, "team_ad_hoc")], found("MEETING_WITHOUT_CONSENT"), {"start_up_only": 1, "ad_hoc_too": 0}),
    Reading("A17", TEAM, [], lambda asked: heading("recommended", asked.rules.setting("A17")), {"recommended_and_closing": "on_the_way_in", "admitted_and_closing": None}),
    Reading("A18", TEAM, [recommends(2, "midwife")], found("RECOMMENDATION_EXCEPTION_WITHOUT_REASON"), {"no": 0, "yes": 1}),
    Reading("A18", TEAM, [entry(2, "InvestigationOpened", "2025-03-01T10:00+01:00", aware_since="2025-03-01", subject="child-A"), recommends(3, "social_worker")], found("RECOMMENDATION_EXCEPTION_WITHOUT_REASON"), {"no": 0, "yes": 0}),
    Reading("A19", TEAM, [admitted(programme=TEAM, decided_by="steering_group"), started(3, LATER)], found("SUPPORT_STARTED_WITHOUT_DECISION"), {"two_decisions": 1, "one_decision": 0}),
    Reading("A19", TEAM, [decided(), started(3, LATER)], found("SUPPORT_STARTED_WITHOUT_DECISION"), {"two_decisions": 0, "one_decision": 0}),
    Reading("A20", PACKAGES, [EXPECTED_AT_140, package(3, "2025-03-05T10:00+01:00", "pregnancy")], clocks("P002-GA20"), {"20+0": [("open", "2025-07-28")], "19+0": [("met", "2025-07-28")]}, at=LAST),
    Reading("A21", PACKAGES, [EXPECTED_AT_140, package(3, "2025-07-30T10:00+02:00", "pregnancy"), born(4, "2025-08-02T10:00+02:00")], clocks("P002-GA20"), {"due_date": [("over_guideline", "2025-07-28")], "birth": [("met", "2025-08-02")]}),
    Reading("A21", PACKAGES, [EXPECTED_AT_140, package(3, "2025-07-30T10:00+02:00", "pregnancy")], clocks("P002-GA20"), {"due_date": [("over_guideline", "2025-07-28")], "birth": [("met", "2025-07-30")]}, at="2025-07-31T10:00+02:00"),
    Reading("A21", PACKAGES, [EXPECTED_AT_140, born(3, "2025-07-20T10:00+02:00")], clocks("P002-GA20"), {"due_date": [("over_guideline", "2025-07-28")], "birth": [("over_guideline", "2025-07-28")]}),
    Reading("A22", PACKAGES, [package(2), status_of_package(3, "2025-06-15T10:00+02:00")], clocks("P002-STATUS-3M"), {"0": [("breached", "2025-06-10")], "7": [("met", "2025-06-17")]}),
    Reading("A23", PACKAGES, [package(2), held(3, "status_relay_log", LATER), held(4, "external_sos", LAST)], found("STATUS_MEETING_BEFORE_EXTERNAL_SOS"), {"no": 0, "yes": 1}),
    Reading("A24", PACKAGES, [ordered(begins_on="2025-04-01")], clocks("P002-FKU-4M"), {"order": [("over_guideline", "2025-07-10")], "start": [("over_guideline", "2025-08-01")]}),
    Reading("A24", PACKAGES, [ordered()], clocks("P002-FKU-4M"), {"order": [("over_guideline", "2025-07-10")], "start": []}),
    Reading("A25", PACKAGES, [package(2, "2025-03-03T08:00+01:00"), *VISITS, visited(6, "2025-03-10T20:00+01:00", kind="session")], found("VISITS_OVER_DAILY_LIMIT"), {"team_home_visits": 0, "all_visits": 1}),
    Reading("A25", PACKAGES, [package(2, "2025-03-03T08:00+01:00"), *VISITS, visited(6, "2025-03-10T08:00+01:00", staff="u-2")], found("VISITS_OVER_DAILY_LIMIT"), {"team_home_visits": 0, "all_visits": 1}),
    Reading("A25", PACKAGES, [package(2, "2025-03-03T08:00+01:00"), *VISITS, visited(6, "2025-03-10T20:00+01:00", role="health_visitor")], found("VISITS_OVER_DAILY_LIMIT"), {"team_home_visits": 0, "all_visits": 1}),
    Reading("A26", EARLY, [entry(2, "SupportLevelSet", DAY, enrolment="e-1", hours_per_week=8), entry(3, "SupportLevelSet", LATER, enrolment="e-1", hours_per_week=9)], found("HOURS_ROSE"), {"note": 1, "off": 0}),
    Reading("A27", DETECTION, [started(2), closed(3)], level("SESSIONS_OUTSIDE_RANGE"), {"as_rules": {"normal"}, "as_plans": {"soft"}}),
]  # fmt: skip

NUMBERED = [f"{reading.setting}/{number}" for number, reading in enumerate(READINGS)]
CASES = [(reading, option) for reading in READINGS for option in reading.answers]
NAMED = [f"{number}={option}" for number, reading in zip(NUMBERED, READINGS, strict=True) for option in reading.answers]


@pytest.mark.parametrize(("reading", "option"), CASES, ids=NAMED)
def test_a_reading_has_its_effect(reading: Reading, option: str) -> None:
    """Given one case, when one reading is chosen, then the answer is that reading's."""
    asked = inquiry(*reading.given, at=reading.at, programme=reading.programme, **{reading.setting: option})
    answer = reading.ask(asked)
    expected = reading.answers[option]
    assert (answer[: len(expected)] if isinstance(answer, list) and expected else answer) == expected


@pytest.mark.parametrize("reading", READINGS, ids=NUMBERED)
def test_the_first_reading_named_is_the_default(reading: Reading) -> None:
    """Nothing chosen is as good as the default chosen."""
    default = next(iter(reading.answers))
    plain = inquiry(*reading.given, at=reading.at, programme=reading.programme)
    chosen = inquiry(*reading.given, at=reading.at, programme=reading.programme, **{reading.setting: default})
    assert reading.ask(plain) == reading.ask(chosen)
    settings = [setting for name in RULE_BOOKS for setting in book(name).setting if setting.id == reading.setting]
    assert {setting.default for setting in settings} == {default}


def test_every_reading_of_every_programme_is_tested() -> None:
    """Each option of each ambiguity has a case, and at least one of them tells the readings apart."""
    settings = [s for name in RULE_BOOKS for s in book(name).setting if re.fullmatch(r"A[0-9]+", s.id)]
    for setting in settings:
        rows = [reading for reading in READINGS if reading.setting == setting.id]
        tested = {option for reading in rows for option in reading.answers}
        assert set(setting.options) <= tested, setting.id
        assert len(tested) > 1, setting.id
        assert any(_differ(reading) for reading in rows), setting.id


def _differ(reading: Reading) -> bool:
    answers = list(reading.answers.values())
    return any(answer != answers[0] for answer in answers[1:])


def test_a_late_entry_within_the_week_has_its_follow_up_a_week_after_birth() -> None:
    """Support begun on the sixth day is concerned by the first week under both readings."""
    given = [born(), started(3, "2025-01-06T09:00+01:00")]
    for option in ("not_applicable", "from_start"):
        asked = inquiry(*given, at="2025-01-07T10:00+01:00", programme=INFANTS, A14=option)
        assert clocks("P000-SW-FIRST-1W")(asked) == [("open", "2025-01-08")]
        assert clocks("P000-SW-6W")(asked) == []


def test_six_weeks_run_only_while_the_effort_does() -> None:
    """A statutory follow-up after the transfer starts no clock of the programme."""
    given = [born(), started(3, "2025-01-02T09:00+01:00"), closed(4), followed_up(5, LAST)]
    asked = inquiry(*given, at=END, programme=INFANTS)
    assert [stands for stands, _ in clocks("P000-SW-6W")(asked)] == ["not_applicable"]


def test_another_reading_changes_no_finding_about_the_past() -> None:
    """Hours that rose before the choice are judged as then, those that rose after it as chosen."""
    rose = [
        entry(version, "SupportLevelSet", f"2025-0{version}-10T10:00+01:00", enrolment="e-1", hours_per_week=version)
        for version in (2, 3, 4)
    ]
    chosen = read_instant("2025-03-20T10:00+01:00")
    before, after = rules(), rules(A26="off")
    later_on = tuple(replace(one, recorded_at=chosen) for one in after.adoptions)
    both = Rules((*before.adoptions, *later_on), before.calendar)
    known = case(*rose, programme=EARLY)

    def about(adopted: Rules) -> list[int]:
        asked = Inquiry(known, adopted, read_instant(END))
        return [one.entry for one in findings(asked) if one.code == "HOURS_ROSE"]

    assert (about(before), about(after), about(both)) == ([3, 4], [], [3])


def test_a_grid_asks_nothing_of_the_time_before_the_support() -> None:
    """Its dates before the start of a late entry are of no concern."""
    given = [born(), started(3, "2025-03-03T09:00+01:00")]
    asked = inquiry(*given, at=LAST, programme=INFANTS, A5="grid")
    assert [stands for stands, _ in clocks("P000-SW-6W")(asked)][:3] == ["not_applicable", "breached", "open"]


def test_a_status_of_the_first_weeks_satisfies_and_is_told() -> None:
    """The text puts it after the three months and sets no last day: a finding, not a breach."""
    early = [package(2), status_of_package(3, LATER)]
    asked = inquiry(*early, at=END, programme=PACKAGES)
    assert clocks("P002-STATUS-3M")(asked) == [("met", "2025-06-10")]
    assert found("STATUS_WRITTEN_EARLY")(asked) == 1


@pytest.mark.parametrize(
    ("status_of", "expected"),
    [("none", None), ("referred", None), ("admitted", "on_the_way_in"), ("running", "ongoing"), ("closing", "on_the_way_out"), ("closed", "closed")],
)  # fmt: skip
def test_the_other_headings_are_the_same_under_both_readings(status_of: str, expected: str | None) -> None:
    """Only the recommendation is read in two ways."""
    readings = ("recommended_and_closing", "admitted_and_closing", None)
    assert {heading(status_of, reading) for reading in readings} == {expected}


def test_a_flagged_recommendation_makes_the_examination_a_duty() -> None:
    """Measures right after birth may be needed: before birth an examination is made; without the flag none is due."""
    asked = inquiry(recommended(2, DAY, PACKAGES, measures_at_birth=True), at=END, programme=PACKAGES)
    assert found("COMPETENCE_EXAMINATION_MISSING")(asked) == 1
    plain = inquiry(recommended(2, DAY, PACKAGES), at=END, programme=PACKAGES)
    assert found("COMPETENCE_EXAMINATION_MISSING")(plain) == 0


def test_a_consent_for_daycare_must_be_in_force() -> None:
    """Given afterwards it does not cover the contact."""
    contact = entry(2, "DaycareContacted", DAY, kind="contact", identifiable=True, basis="consent", consents=["c-3"])
    asked = inquiry(contact, consented(3, "disclosure", LATER), at=END, programme=TEAM)
    assert found("DAYCARE_CONTACT_WITHOUT_COVER")(asked) == 1
