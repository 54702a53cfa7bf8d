"""Findings about the programmes: for each code a case that calls for it, and the same case put right."""

from datetime import timedelta
from itertools import chain

import pytest

from domain.entries import Entry
from domain.findings import (
    admission,
    detection,
    duties,
    early_effort,
    infants,
    instruments,
    package_status,
    packages,
    toddler_closing,
    toddler_team,
)
from domain.findings.catalogue import CHECKS, findings, level_of, pending
from domain.inquiry import Inquiry
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
    assessed,
    born,
    closed,
    codes,
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
from tests.domain.rules import case, entry, inquiry, rules

OWN = (
    admission,
    infants,
    toddler_team,
    toddler_closing,
    packages,
    package_status,
    early_effort,
    detection,
    instruments,
    duties,
)
EVERYONE = ["coordinator:u-1", "health_visitor:u-2", "social_worker:u-3", "family_consultant:u-4"]
SOS = ["social_worker:u-1", "section_coordinator:u-2", "coordinator:u-3", "primary_contact:u-4"]
BIRTHDAY = "2026-01-01T04:00+01:00"
SESSIONS = [visited(n, f"2025-02-{n + 3:02}T10:00+01:00", kind="session") for n in range(3, 11)]


def group_1(version: int = 2, happened: str = DAY) -> Entry:
    """Return an admission of target group 1."""
    return admitted(version, happened, target_group=1)


EXAMPLES: list[tuple[str, str, list[Entry], list[Entry]]] = [
    # the way in
    ("TARGET_AGE_EXCEEDED", EARLY, [born(happened="2023-03-10T04:00+01:00"), started(3, DAY)], [born(happened="2023-03-11T04:00+01:00"), started(3, DAY)]),
    ("ENTERED_LONG_AFTER_BIRTH", INFANTS, [born(happened="2024-12-10T04:00+01:00"), admitted(3)], [born(happened="2024-12-11T04:00+01:00"), admitted(3)]),
    ("PRECONDITION_NOT_MET", INFANTS, [admitted(preconditions_unmet=["illness_insight"])], [admitted(preconditions_met=["illness_insight"])]),
    ("PRECONDITION_NOT_ASSESSED", INFANTS, [recommended(problem_codes=["mental_illness"]), admitted(3, LATER)], [recommended(problem_codes=["mental_illness"]), admitted(3, LATER, preconditions_met=["illness_insight"])]),
    ("ADMITTED_WITHOUT_INVESTIGATION", TEAM, [admitted(programme=TEAM)], [entry(2, "InvestigationOpened", DAY, aware_since="2025-03-01", subject="child-A"), admitted(3, LATER, TEAM)]),
    ("ADMITTED_WITHOUT_RECOMMENDATION", TEAM, [recommended(programme=TEAM, kind="close"), admitted(3, LATER, TEAM)], [recommended(programme=TEAM), admitted(3, LATER, TEAM)]),
    ("RECOMMENDATION_NOT_BY_ADVISER", INFANTS, [entry(2, "RecommendationMade", DAY, role="midwife", programme=INFANTS, to="visitation_meeting")], [recommended()]),
    ("SUPPORT_STARTED_WITHOUT_DECISION", TEAM, [admitted(programme=TEAM, decided_by="steering_group"), started(3, LATER)], [decided(happened=DAY), started(3, LATER)]),
    ("TEAM_COMPETENCE_MISSING", EARLY, [started(2, team=["family_consultant:u-1"])], [started(2, team=["family_consultant:u-1", "psychologist:u-2"])]),
    ("TEAM_OF_ONE_PROFESSION", INFANTS, [started(2, team=["family_consultant:u-1", "family_consultant:u-2"])], [started(2, team=["family_consultant:u-1", "psychologist:u-2"])]),
    # 000
    ("WEEKLY_NOTE_MISSING", INFANTS, [started(3), closed(4)], [started(3, DAY), closed(4, "2025-03-14T10:00+01:00")]),
    ("WEEKLY_NOTE_WITHOUT_FAMILY", INFANTS, [noted(2, with_family=False)], [noted(2, with_family=True)]),
    ("VISITS_BELOW_WEEKLY", INFANTS, [started(2), visited(3, "2025-02-12T10:00+01:00"), closed(4, "2025-03-01T10:00+01:00")], [started(2), visited(3, "2025-02-12T10:00+01:00"), visited(4, "2025-02-19T10:00+01:00"), closed(5, "2025-03-01T10:00+01:00")]),
    ("FOLLOW_UP_NOT_BY_SOCIAL_WORKER", INFANTS, [born(), entry(3, "FollowUpHeld", DAY, role="family_consultant", kind="programme", progress="unclear")], [born(), followed_up(3)]),
    ("FOLLOW_UP_WITHOUT_STATUS", INFANTS, [started(2), noted(3, "2025-02-10T10:00+01:00"), followed_up(4), followed_up(5, LATER)], [started(2), noted(3, "2025-02-10T10:00+01:00"), followed_up(4), noted(5, "2025-03-14T10:00+01:00"), followed_up(6, LATER)]),
    ("SUFFICIENCY_NOT_ASSESSED", INFANTS, [followed_up(2)], [followed_up(2, support_sufficient=False)]),
    ("INSUFFICIENT_SUPPORT_UNCHANGED", INFANTS, [followed_up(2, support_sufficient=False), followed_up(3, LAST, support_sufficient=False)], [followed_up(2, support_sufficient=False), entry(3, "SupportLevelSet", LATER, enrolment="e-1", hours_per_week=20), followed_up(4, LAST, support_sufficient=False)]),
    ("COMPENSATING_CARE", INFANTS, [visited(2, help_kind=["compensating_practical"], content=["safety"])], [visited(2, help_kind=["teaching"], content=["safety"])]),
    ("HORIZON_PASSED_WITHOUT_PROGRESS", INFANTS, [born(), started(3), followed_up(4, LATER, "insufficient")], [born(), started(3), followed_up(4, LATER, "insufficient"), followed_up(5, LAST)]),
    ("CLOSED_WITHOUT_TRANSFER", INFANTS, [born(), started(3), closed(4, LATER, "age_limit")], [born(), started(3), closed(4, LATER, "age_limit", next_measure_code="family_consultant_support")]),
    # 001
    ("RECEPTION_WITHOUT_LEADER", TEAM, [entry(2, "NotificationAcuteAssessed", DAY, notification=1, danger=False, participants=["u-1"])], [entry(2, "NotificationAcuteAssessed", DAY, notification=1, danger=False, participants=["u-1", "u-2"])]),
    ("RECOMMENDED_TO_OTHER_BODY", TEAM, [recommended(programme=TEAM, to="visitation_meeting")], [recommended(programme=TEAM, to="visitation_panel")]),
    ("ADMITTED_NOT_BY_STEERING_GROUP", TEAM, [admitted(programme=TEAM)], [admitted(programme=TEAM, decided_by="steering_group")]),
    ("CONSENT_NOT_BY_ADVISER", TEAM, [consented(2, "professional_meeting_without_parents", role="coordinator")], [consented(2, "professional_meeting_without_parents")]),
    ("MEETING_1_BEFORE_HANDOVER", TEAM, [held(2, "meeting_1_professional"), entry(3, "CaseAllocated", LATER, to="u-1", for_role="coordinator")], [entry(2, "CaseAllocated", DAY, to="u-1", for_role="coordinator"), held(3, "meeting_1_professional", LATER)]),
    ("MEETING_1_INCOMPLETE", TEAM, [held(2, "meeting_1_professional", participants=["coordinator:u-1"])], [held(2, "meeting_1_professional", participants=EVERYONE)]),
    ("RULER_NOT_USED_AT_MEETING_1", TEAM, [held(2, "meeting_1_professional")], [held(2, "meeting_1_professional"), assessed(3, "trivselslinealen")]),
    ("MEETING_1_WITHOUT_TEMPLATE", TEAM, [held(2, "meeting_1_professional")], [held(2, "meeting_1_professional", sealed=["agenda"])]),
    ("MEETING_1_WITHOUT_AGREEMENTS", TEAM, [held(2, "meeting_1_professional")], [held(2, "meeting_1_professional", decisions={"visits_per_week": 2})]),
    ("PARENTS_NOT_INVITED", TEAM, [held(2, "meeting_2_with_parents")], [held(2, "meeting_2_with_parents", parents_invited=True)]),
    ("PLANS_NOT_PRESENTED", TEAM, [held(2, "meeting_2_with_parents")], [held(2, "meeting_2_with_parents", plans_presented=["child_plan", "job_plan"])]),
    ("MINUTES_NOT_ON_RECORD", TEAM, [held(2, "follow_up")], [held(2, "follow_up"), entry(3, "DocumentFiled", LATER, document="m", version=1, for_entry=2)]),
    ("HOSPITAL_CONTACT_NOT_DECIDED", TEAM, [admitted(2, "2024-12-01T10:00+01:00", TEAM), born(3)], [admitted(2, "2024-12-01T10:00+01:00", TEAM), held(3, "follow_up", "2024-12-05T10:00+01:00", decisions={"hospital_contact": "u-7"}), born(4)]),
    ("FIRST_VISITS_BELOW_PLAN", TEAM, [held(2, "discharge", decisions={"visits_first_days": 2}), visited(3, "2025-03-11T10:00+01:00")], [held(2, "discharge", decisions={"visits_first_days": 2}), visited(3, "2025-03-11T10:00+01:00"), entry(4, "VisitCancelled", "2025-03-12T10:00+01:00", kind="home_visit", planned_for="2025-03-12T10:00+01:00", by="family")]),
    ("DAYCARE_CONTACT_WITHOUT_COVER", TEAM, [entry(2, "DaycareContacted", DAY, kind="contact", identifiable=True)], [consented(2, "disclosure"), entry(3, "DaycareContacted", DAY, kind="contact", identifiable=True, basis="consent", consents=["c-2"])]),
    ("EXTRA_SUPERVISION_NOT_APPROVED", TEAM, [entry(2, "SupervisionHeld", DAY, supervisor_organisation="x", external=True, anonymised=True, extra=True)], [entry(2, "SupervisionHeld", DAY, supervisor_organisation="x", external=True, anonymised=True, extra=True, approved_by="steering_group")]),
    ("MANY_PEOPLE_IN_ONE_ROLE", TEAM, [started(2, team=["coordinator:u-1"]), entry(3, "CaseAllocated", DAY, to="u-9", for_role="coordinator")], [started(2, team=["coordinator:u-1"]), entry(3, "CaseAllocated", DAY, to="u-9", for_role="coordinator", substitute_for="u-1")]),
    ("STEERING_OVERVIEW_MISSING", TEAM, [started(2, "2024-11-04T09:00+01:00"), entry(3, "SteeringOverviewPublished", DAY, meeting="m")], [started(2, "2024-11-04T09:00+01:00"), entry(3, "SteeringOverviewPublished", DAY, meeting="m"), entry(4, "SteeringOverviewPublished", "2025-10-01T10:00+02:00", meeting="n")]),
    ("STEERING_MEETING_WITHOUT_COORDINATOR", TEAM, [held(2, "steering", participants=["department_head:u-1", "department_head:u-2"])], [held(2, "steering", participants=["department_head:u-1", "coordinator:u-2"])]),
    ("JOB_CENTRE_NOT_CONSIDERED", TEAM, [born(), started(3), closed(4)], [born(), started(3), held(4, "follow_up", job_centre_considered=True), closed(5)]),
    ("CLOSED_WITHOUT_TEAM_DISCUSSION", TEAM, [started(2), closed(3)], [started(2), closed(3, team_discussed=True)]),
    ("CLOSED_WITHOUT_FINAL_MEETING", TEAM, [started(), closed(4)], [started(), held(4, "final_follow_up"), closed(5)]),
    ("CLOSED_WITHOUT_RECOMMENDATION", TEAM, [started(2), recommended(3, DAY, TEAM), closed(4)], [started(2), recommended(3, DAY, TEAM, kind="close", to="steering_group"), closed(4)]),
    ("CLOSED_NOT_BY_STEERING_GROUP", TEAM, [started(2), closed(3)], [started(2), closed(3, decided_by="steering_group")]),
    ("CLOSED_WITHOUT_CROSS_PROFESSIONAL_ASSESSMENT", TEAM, [started(2), held(3, "final_follow_up", participants=["u-1"]), closed(4)], [started(2), held(3, "final_follow_up", participants=["u-1", "u-2"]), closed(4)]),
    ("CLOSING_REASON_NOT_OF_PROGRAMME", TEAM, [started(), closed(4, reason="moved")], [started(), closed(4)]),
    # 002
    ("VISITS_OVER_WEEKLY_LIMIT", PACKAGES, [package(2, "2025-03-03T08:00+01:00"), *(visited(n, f"2025-03-{10 + n % 7:02}T{8 + n // 7:02}:00+01:00") for n in range(3, 25))], [package(2, "2025-03-03T08:00+01:00"), *(visited(n, f"2025-03-{10 + n % 7:02}T{8 + n // 7:02}:00+01:00") for n in range(3, 24))]),
    ("VISITS_OVER_DAILY_LIMIT", PACKAGES, [package(2, "2025-03-03T08:00+01:00"), *(visited(n, f"2025-03-10T{5 + n:02}:00+01:00") for n in range(3, 7))], [package(2, "2025-03-03T08:00+01:00"), *(visited(n, f"2025-03-10T{5 + n:02}:00+01:00") for n in range(3, 6))]),
    ("STAY_OUTSIDE_HOME", PACKAGES, [visited(2, kind="residential_stay")], [visited(2)]),
    ("PACKAGE_OUTSIDE_AGE", PACKAGES, [born(), package(3, kind="toddler")], [born(), package(3)]),
    ("PACKAGE_PERIOD_NOT_RENEWED", PACKAGES, [package(2), visited(3, "2025-06-12T10:00+02:00"), closed(4, "2025-06-13T10:00+02:00")], [package(2), package(3, "2025-06-10T10:00+02:00", period=2), visited(4, "2025-06-12T10:00+02:00"), closed(5, "2025-06-13T10:00+02:00")]),
    ("STARTUP_MEETING_MISSING", PACKAGES, [started(2)], [held(2, "startup", "2025-02-01T10:00+01:00"), started(3)]),
    ("STARTUP_AGENDA_INCOMPLETE", PACKAGES, [held(2, "startup", agenda_items=["background", "relay_log", "team_information"])], [held(2, "startup", agenda_items=["background", "relay_log", "team_information", "hospital_effort"])]),
    ("RELAY_LOG_NOT_OPENED", PACKAGES, [held(2, "startup", "2025-02-01T10:00+01:00"), started(3)], [held(2, "startup", "2025-02-01T10:00+01:00"), started(3), entry(4, "ConsentRefused", DAY, consent="c", kind="relay_log", refused_by="parent-A", scope=["x"])]),
    ("SOS_WITHOUT_VIDEO", PACKAGES, [held(2, "internal_sos")], [held(2, "internal_sos", video_used=True)]),
    ("VIDEO_WITHOUT_CONSENT", PACKAGES, [held(2, "internal_sos", video_used=True)], [consented(2, "video_recording"), held(3, "internal_sos", video_used=True)]),
    ("POINTS_NOT_PRESENTED", PACKAGES, [held(2, "external_sos")], [held(2, "external_sos"), held(3, "status_relay_log", LATER, points_presented=True)]),
    ("NETWORK_WITHOUT_PARENTS", PACKAGES, [held(2, "external_sos", participants=["network", *SOS])], [held(2, "external_sos", participants=["network", "parent-A", *SOS])]),
    ("NOTIFICATION_DUTY_NOT_CONSIDERED", PACKAGES, [entry(2, "ConsultationGiven", DAY, recipient="x", anonymous=False)], [entry(2, "ConsultationGiven", DAY, recipient="x", anonymous=False, notification_duty_considered=True)]),
    ("STATUS_WITHOUT_INTERNAL_SOS", PACKAGES, [package(2), status_of_package(3, LATER)], [package(2), held(3, "internal_sos", "2025-03-15T10:00+01:00"), status_of_package(4, LATER)]),
    ("STATUS_WRITTEN_EARLY", PACKAGES, [package(2), status_of_package(3, LATER)], [package(2), status_of_package(3, "2025-05-25T10:00+02:00")]),
    ("STATUS_NOT_REVIEWED_WITH_FAMILY", PACKAGES, [status_of_package(2), held(3, "status_relay_log", LATER)], [status_of_package(2, reviewed_with_family=True), held(3, "status_relay_log", LATER)]),
    ("NEEDS_NOT_ASSESSED", PACKAGES, [status_of_package(2)], [status_of_package(2, needs_met=False)]),
    ("STATUS_MEETING_WITHOUT_STATUS", PACKAGES, [package(2), held(3, "status_relay_log", LATER), status_of_package(4, LAST)], [package(2), status_of_package(3), held(4, "status_relay_log", LATER)]),
    ("MEETING_WITHOUT_PARTICIPANTS", PACKAGES, [held(2, "external_sos", participants=SOS[:3])], [held(2, "external_sos", participants=SOS)]),
    # 003
    ("HOURS_ROSE", EARLY, [entry(2, "SupportLevelSet", DAY, enrolment="e-1", hours_per_week=8), entry(3, "SupportLevelSet", LATER, enrolment="e-1", hours_per_week="8.5")], [entry(2, "SupportLevelSet", DAY, enrolment="e-1", hours_per_week=8), entry(3, "AttentionRaised", "2025-03-15T10:00+01:00", about="child-A", severity="x"), entry(4, "SupportLevelSet", LATER, enrolment="e-1", hours_per_week=12)]),
    ("TEAM_NOT_FIXED", EARLY, [started(2, team=["family_consultant:u-4"]), visited(3, role="family_consultant", staff="u-8")], [started(2, team=["family_consultant:u-4"]), visited(3, role="family_consultant", staff="u-4")]),
    ("OUTSIDE_USUAL_DURATION", EARLY, [started(2), closed(3)], [started(2), closed(3, LAST)]),
    ("PROGRESS_NOT_DOCUMENTED", EARLY, [followed_up(2, progress="unclear"), visited(3, LATER)], [followed_up(2, progress="unclear"), closed(3, LATER)]),
    ("PROGRESS_NOT_PER_CHILD", EARLY, [born(), born(3, child="child-B"), followed_up(4, progress_by_child={"child-A": "sufficient"})], [born(), born(3, child="child-B"), followed_up(4, progress_by_child={"child-A": "sufficient", "child-B": "sufficient"})]),
    # 004
    ("VISITS_WITHOUT_SCREENING", DETECTION, [entry(2, "ReferralMade", DAY, programme="needs_based_visits", person="parent-A"), visited(3, LATER)], [entry(2, "ReferralMade", DAY, programme="needs_based_visits", person="parent-A"), entry(3, "ScreeningRecorded", DAY, outcome="no_further"), visited(4, LATER)]),
    ("SCREENING_WITHOUT_TRAINING", DETECTION, [entry(2, "ScreeningRecorded", DAY, outcome="programme_need")], [entry(2, "ScreeningRecorded", DAY, outcome="programme_need"), started(3, LATER)]),
    ("SESSIONS_OUTSIDE_RANGE", DETECTION, [started(2), *SESSIONS[:7], closed(11)], [started(2), *SESSIONS, closed(11)]),
    ("PLACE_NOT_RESERVED", DETECTION, [entry(2, "DaycareContacted", DAY, kind="started")], [entry(2, "DaycareContacted", DAY, kind="place_reserved"), entry(3, "DaycareContacted", LATER, kind="started")]),
    ("DAYCARE_NOT_TRAINED", DETECTION, [entry(2, "DaycareContacted", DAY, kind="started", trained_in_method=False)], [entry(2, "DaycareContacted", DAY, kind="started", trained_in_method=True)]),
    # examinations and instruments
    ("COMPETENCE_EXAMINATION_MISSING", INFANTS, [group_1()], [group_1(), ordered(3, LATER)]),
    ("COMPETENCE_EXAMINATION_AFTER_BIRTH", PACKAGES, [recommended(2, "2024-11-01T10:00+01:00", PACKAGES, measures_at_birth=True), born(3), ordered(4)], [recommended(2, "2024-11-01T10:00+01:00", PACKAGES, measures_at_birth=True), ordered(3, "2024-11-05T10:00+01:00"), born(4)]),
    ("ORDER_WITHOUT_QUESTION", PACKAGES, [ordered()], [ordered(sealed=["question"])]),
    ("PSYCHOLOGIST_NOT_AUTHORISED", INFANTS, [ordered(psychologist_authorised=False)], [ordered(psychologist_authorised=True)]),
    ("ASSESSMENT_OUTSIDE_INSTRUMENT_AGE", PACKAGES, [born(), adbb(3, "2025-02-28T10:00+01:00")], [born(), adbb(3, "2025-03-01T10:00+01:00")]),
    ("ASSESSMENT_WITHOUT_SCALE", PACKAGES, [adbb(2, DAY, scale_min=0, scale_max=32)], [adbb(2, DAY, scale_min=0, scale_max=32, cutoff=5)]),
    ("OBSERVER_NOT_CERTIFIED", PACKAGES, [adbb(2, DAY, certified=False)], [adbb(2, DAY, certified=True)]),
    ("SCORE_OUTSIDE_SCALE", TEAM, [assessed(2, "trivselslinealen", score=7)], [assessed(2, "trivselslinealen", score=5)]),
    ("CONTENT_NOT_OF_PACKAGE", PACKAGES, [package(2, kind="toddler"), visited(3, LATER, content=["dua_baby"])], [package(2), visited(3, LATER, content=["dua_baby"])]),
    # duties without a number
    ("DUTY_OPEN_AT_CLOSING", INFANTS, [admitted(2), started(3, DAY), closed(4)], [admitted(2), started(3, DAY), assessed(4, "resource_barrier_clarification"), closed(5)]),
]  # fmt: skip

BY_READING: list[tuple[str, str, str, str, list[Entry]]] = [
    ("RECOMMENDATION_EXCEPTION_WITHOUT_REASON", TEAM, "A18", "yes", [recommended(programme=TEAM)]),
    ("WEEKLY_NOTES_TOO_FAR_APART", INFANTS, "A6", "seven_days", [started(2), noted(3, "2025-02-12T10:00+01:00"), closed(4, "2025-02-14T10:00+01:00")]),
    ("ADMITTED_WITHOUT_PANEL", TEAM, "A2", "panel_then_steering_group", [admitted(programme=TEAM)]),
    ("ADMITTED_WITHOUT_CONSENTS", TEAM, "A15", "before_visitation", [admitted(programme=TEAM)]),
    ("STATUS_MEETING_BEFORE_EXTERNAL_SOS", PACKAGES, "A23", "yes", [package(2), held(3, "status_relay_log", LATER), held(4, "external_sos", LAST)]),
]  # fmt: skip
"""Codes that exist under one reading only: found under it, and quiet under the default."""

PUT_RIGHT: list[tuple[str, str, str, str, list[Entry]]] = [
    ("RECOMMENDATION_EXCEPTION_WITHOUT_REASON", TEAM, "A18", "yes", [recommended(programme=TEAM, sealed=["exception_reason"])]),
    ("WEEKLY_NOTES_TOO_FAR_APART", INFANTS, "A6", "seven_days", [started(2), noted(3, "2025-02-10T10:00+01:00"), closed(4, "2025-02-14T10:00+01:00")]),
    ("ADMITTED_WITHOUT_PANEL", TEAM, "A2", "panel_then_steering_group", [held(2, "visitation_panel"), admitted(3, LATER, TEAM)]),
    ("ADMITTED_WITHOUT_CONSENTS", TEAM, "A15", "before_visitation", [consented(2, "disclosure"), consented(3, "professional_meeting_without_parents"), admitted(4, DAY, TEAM)]),
    ("STATUS_MEETING_BEFORE_EXTERNAL_SOS", PACKAGES, "A23", "yes", [package(2), held(3, "external_sos", LATER), held(4, "status_relay_log", LAST)]),
]  # fmt: skip
"""The same codes under the same reading, with the one thing put right."""


@pytest.mark.parametrize(("code", "programme", "wrong", "right"), EXAMPLES, ids=[row[0] for row in EXAMPLES])
def test_a_code_is_found_and_is_quiet(code: str, programme: str, wrong: list[Entry], right: list[Entry]) -> None:
    """Given a case that calls for it the finding is there; given the same case put right it is not."""
    assert code in codes(wrong, programme)
    assert code not in codes(right, programme)


@pytest.mark.parametrize(("code", "programme", "setting", "option", "wrong"), BY_READING)
def test_a_code_of_one_reading_is_found_under_it_alone(
    code: str, programme: str, setting: str, option: str, wrong: list[Entry]
) -> None:
    """Under the default reading nothing is wrong with the same case."""
    assert code in codes(wrong, programme, **{setting: option})
    assert code not in codes(wrong, programme)


@pytest.mark.parametrize(("code", "programme", "setting", "option", "right"), PUT_RIGHT)
def test_a_code_of_one_reading_is_quiet_once_put_right(
    code: str, programme: str, setting: str, option: str, right: list[Entry]
) -> None:
    """The reading alone makes no finding."""
    assert code not in codes(right, programme, **{setting: option})


def test_every_code_has_an_example_of_both_answers() -> None:
    """No check about a programme stands without a case that calls for it and one that does not."""
    own = {check.code for module in OWN for check in module.CHECKS}
    plain, by_reading, put_right = ({row[0] for row in rows} for rows in (EXAMPLES, BY_READING, PUT_RIGHT))
    assert own == plain | by_reading
    assert by_reading == put_right
    assert all(wrong and right for _, _, wrong, right in EXAMPLES)


@pytest.mark.parametrize(
    ("code", "programme", "wrong"),
    [(code, programme, wrong) for code, programme, wrong, _ in EXAMPLES],
    ids=[row[0] for row in EXAMPLES],
)
def test_another_programme_is_not_judged_by_this_text(code: str, programme: str, wrong: list[Entry]) -> None:
    """The same facts in a case of another programme call for nothing that only this text asks."""
    own = {
        check.code
        for module in (infants, toddler_team, toddler_closing, packages, package_status, early_effort, detection)
        for check in module.CHECKS
    }
    other = EARLY if programme != EARLY else TEAM
    assert code not in own or code not in codes(wrong, other)


@pytest.mark.parametrize(("code", "programme", "wrong", "right"), EXAMPLES, ids=[row[0] for row in EXAMPLES])
def test_every_finding_names_entries_that_are_there(
    code: str, programme: str, wrong: list[Entry], right: list[Entry]
) -> None:
    """Each speaks in both languages and rests on entries of the case."""
    asked = inquiry(*wrong, at=END, programme=programme)
    versions = {one.version for one in wrong}
    for found in (found for found in findings(asked) if found.code == code):
        assert {found.entry, *found.rests_on} <= versions
        assert all("{" not in CHECKS[code].explain(found, language) for language in ("da", "en"))


def test_a_wish_is_never_as_grave_as_a_duty() -> None:
    """What the texts say with gerne, kan, erfaring or about a team's steadiness is soft; what they say with skal is not."""
    levels = {check.code: check.level for module in OWN for check in module.CHECKS}
    assert sorted(code for code, level in levels.items() if level == "soft") == [
        "CLOSED_WITHOUT_TRANSFER",
        "CONTENT_NOT_OF_PACKAGE",
        "ENTERED_LONG_AFTER_BIRTH",
        "FIRST_VISITS_BELOW_PLAN",
        "HOURS_ROSE",
        "MANY_PEOPLE_IN_ONE_ROLE",
        "OUTSIDE_USUAL_DURATION",
        "STATUS_WRITTEN_EARLY",
        "TEAM_NOT_FIXED",
        "VISITS_BELOW_WEEKLY",
    ]


@pytest.mark.parametrize(
    ("code", "programme", "wrong"),
    [(code, programme, wrong) for code, programme, wrong, _ in EXAMPLES if programme == DETECTION],
)
def test_a_proposal_read_as_plans_is_soft(code: str, programme: str, wrong: list[Entry]) -> None:
    """Reading A27: under as_plans nothing of the proposal of 2016 is more than a note."""

    def level(reading: str) -> set[str]:
        asked = inquiry(*wrong, at=END, programme=programme, A27=reading)
        return {level_of(found) for found in findings(asked) if found.code == code}

    assert (level("as_rules"), level("as_plans")) == ({"normal"}, {"soft"})


def test_an_entry_rule_is_as_grave_as_its_programme_says() -> None:
    """The infants' text presupposes the investigation; the toddler team's asks for it as a rule."""

    def level(programme: str) -> list[str]:
        asked = inquiry(admitted(2, DAY, programme), at=END, programme=programme)
        return [level_of(found) for found in findings(asked) if found.code == "ADMITTED_WITHOUT_INVESTIGATION"]

    assert (level(INFANTS), level(TEAM)) == (["must"], ["normal"])


def test_the_record_of_a_stay_covers_its_weeks() -> None:
    """A stay over several weeks is one entry, and no week of it is without a visit."""
    first = visited(3, "2025-02-12T10:00+01:00")
    stay = visited(
        4,
        "2025-02-17T09:00+01:00",
        "residential_stay",
        started="2025-02-17T09:00+01:00",
        ended="2025-03-07T15:00+01:00",
    )
    closing = closed(5, "2025-03-10T10:00+01:00")
    assert "VISITS_BELOW_WEEKLY" not in codes([started(2), first, stay, closing], INFANTS)
    assert "VISITS_BELOW_WEEKLY" in codes([started(2), first, closing], INFANTS)


def test_nothing_is_said_where_single_visits_are_not_kept() -> None:
    """A case with status notes alone does not show that nobody came."""
    assert "VISITS_BELOW_WEEKLY" not in codes([started(2), noted(3), closed(4)], INFANTS)


def test_a_stay_is_required_only_where_that_reading_is_chosen() -> None:
    """The text says both; possible is the default, and required holds where the effort equals placement."""
    given = [group_1(), started(3, LATER), closed(4, LAST)]

    def open_duties(**readings: str) -> set[str]:
        asked = inquiry(*given, at=END, programme=INFANTS, **readings)
        return {found.detail["rule"] for found in findings(asked) if found.code == "DUTY_OPEN_AT_CLOSING"}

    assert "P000-STAY" not in open_duties()
    assert "P000-STAY" in open_duties(A1="required")


@pytest.mark.parametrize(
    ("variant", "happened", "found"),
    [
        ("0-11m", "2025-12-31T10:00+01:00", False),
        ("0-11m", "2026-01-02T10:00+01:00", True),
        ("1-2y", "2025-12-31T10:00+01:00", True),
        ("1-2y", "2026-01-02T10:00+01:00", False),
        ("unborn", "2026-01-02T10:00+01:00", False),
    ],
)
def test_a_version_of_an_instrument_has_an_age_of_its_own(variant: str, happened: str, found: bool) -> None:
    """The wellbeing ruler has national versions by age; a variant no rule is about has none."""
    ruler = assessed(3, "trivselslinealen", happened, variant=variant, score=3)
    assert ("ASSESSMENT_OUTSIDE_INSTRUMENT_AGE" in codes([born(), ruler], TEAM)) == found


@pytest.mark.parametrize(("variant", "found"), [("p", True), ("expectant_parents", False), (None, False)])
def test_mim_p_is_for_older_children(variant: str | None, found: bool) -> None:
    """The other versions of the method have no such limit."""
    mim = assessed(3, "mim", variant=variant)
    assert ("ASSESSMENT_OUTSIDE_INSTRUMENT_AGE" in codes([born(), mim], PACKAGES)) == found


def test_an_instrument_is_judged_the_same_in_every_programme() -> None:
    """The age of the ADBB is the instrument's, not the programme's."""
    for programme in (INFANTS, TEAM, PACKAGES, EARLY, DETECTION):
        late = [born(), adbb(3, "2027-01-02T10:00+01:00")]
        assert "ASSESSMENT_OUTSIDE_INSTRUMENT_AGE" in codes(late, programme, at="2027-02-01T00:00+01:00")


def test_a_duty_that_was_met_late_is_no_open_duty() -> None:
    """Before the closing is in time: no text gives a number."""
    given = [group_1(), started(3, LATER), closed(6, LAST)]
    late = [
        ordered(4, "2025-04-01T10:00+02:00"),
        assessed(5, "resource_barrier_clarification", "2025-04-02T10:00+02:00"),
    ]
    rows = list(chain(given, late))
    asked = inquiry(*rows, at=END, programme=INFANTS)
    assert not [found for found in findings(asked) if found.code == "DUTY_OPEN_AT_CLOSING"]


@pytest.mark.parametrize(("code", "programme", "wrong", "right"), EXAMPLES, ids=[row[0] for row in EXAMPLES])
@pytest.mark.parametrize("days", [0, 1, 20, 40])
def test_what_time_alone_brings_is_told_ahead(
    code: str, programme: str, wrong: list[Entry], right: list[Entry], days: int
) -> None:
    """What is found some weeks after the last entry is what was pending at that entry, and nothing else."""
    for given in (wrong, right):
        last = max(one.recorded_at for one in given)
        later = last + timedelta(days=days)
        record = case(*given, programme=programme)
        ahead = [found for found in pending(Inquiry(record, rules(), last)) if found.stands(later)]
        then = findings(Inquiry(record, rules(), later))
        own = {check.code for module in OWN for check in module.CHECKS}
        assert [f for f in ahead if f.code in own] == [f for f in then if f.code in own]
