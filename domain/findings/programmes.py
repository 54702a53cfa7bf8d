"""What a reviewer would point out against the text of the programme a case is in."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from domain.calendar import iso_week, plus_months
from domain.courses import hours_per_week, number, standing
from domain.custody import birth_of, children
from domain.entries import Entry
from domain.events.assessment import AssessmentOrdered, AssessmentRecorded, InvestigationCompleted, InvestigationOpened
from domain.events.child import ChildBorn
from domain.events.control import AdoptionCaseRaised
from domain.events.enrolment import (
    AdmissionApproved,
    DaycareContacted,
    EnrolmentClosed,
    InterventionStarted,
    PackageStarted,
)
from domain.events.meeting import MeetingHeld
from domain.events.plan import FollowUpHeld, StatusNoteWritten
from domain.events.referral import NotificationAcuteAssessed
from domain.events.visit import AttentionRaised, SupportLevelSet, VisitHeld
from domain.findings.base import Check, Finding
from domain.inquiry import Inquiry
from domain.known import many
from domain.plausibility import outside_scale
from domain.time import copenhagen_day
from domain.visits import SESSION, over_limit, planned_first_visits, visits, weekly_notes

INFANTS, TEAM, PACKAGES, EARLY, DETECTION = (
    "spaed_smaaboern_000",
    "smaaboernsteam_001",
    "spaed_smaabarnsteam_002",
    "tidlig_indsats_003",
    "opsporing_familietraening_004",
)
FIRST_DAYS = 7
FKU = "parental_competence_investigation"
CLOSING_REASONS = ("not_at_risk", "low_complexity", "placement", "goals_reached")


def _of(inquiry: Inquiry, *topics: str) -> Iterator[Entry]:
    return (entry for entry in inquiry.facts if entry.topic in topics)


def _weekly(inquiry: Inquiry) -> Iterator[Finding]:
    if inquiry.programme != INFANTS:
        return
    for start in _of(inquiry, InterventionStarted.TOPIC):
        closed = [entry for entry in _of(inquiry, EnrolmentClosed.TOPIC) if entry.happened >= start.happened]
        end = copenhagen_day(closed[0].happened if closed else inquiry.at) - timedelta(days=7)
        first, last = iso_week(copenhagen_day(start.happened)), iso_week(end)
        for week in weekly_notes(inquiry.known, first, last).missing:
            yield Finding("WEEKLY_NOTE_MISSING", start.version, (), {"week": week}, week)


def _over(inquiry: Inquiry, index: int, code: str) -> Iterator[Finding]:
    if inquiry.programme != PACKAGES:
        return
    limits = [inquiry.rules.limit("P002-VISIT-MAX", name, inquiry.at) for name in ("per_week", "per_day")]
    for over in over_limit(inquiry.known, *limits)[index]:
        detail = {"period": over.period, "value": over.value, "limit": over.limit}
        yield Finding(code, over.visit, (), detail, over.period)


def _over_week(inquiry: Inquiry) -> Iterator[Finding]:
    return _over(inquiry, 0, "VISITS_OVER_WEEKLY_LIMIT")


def _over_day(inquiry: Inquiry) -> Iterator[Finding]:
    return _over(inquiry, 1, "VISITS_OVER_DAILY_LIMIT")


def _first_visits(inquiry: Inquiry) -> Iterator[Finding]:
    for meeting, planned in planned_first_visits(inquiry.known):
        end = meeting.happened + timedelta(days=FIRST_DAYS + 1)
        held = [visit for visit in visits(inquiry.known) if meeting.happened <= visit.happened <= end]
        if inquiry.at > end and len(held) < planned:
            yield Finding("FIRST_VISITS_BELOW_PLAN", meeting.version, (), {"planned": planned, "held": len(held)})


def _sessions(inquiry: Inquiry) -> Iterator[Finding]:
    low, high = (inquiry.rules.limit("P004-SESSIONS", name, inquiry.at) for name in ("minimum", "maximum"))
    if inquiry.programme != DETECTION:
        return
    held = len(visits(inquiry.known, SESSION))
    for closing in _of(inquiry, EnrolmentClosed.TOPIC):
        if standing(held, low, high) != "within":
            yield Finding("SESSIONS_OUTSIDE_RANGE", closing.version, (), {"held": held, "low": low, "high": high})


def _fku(inquiry: Inquiry) -> Iterator[Finding]:
    ordered = [
        entry
        for entry in _of(inquiry, AssessmentOrdered.TOPIC, AssessmentRecorded.TOPIC)
        if entry.data["instrument"] == FKU
    ]
    if inquiry.programme == INFANTS and not ordered:
        for admission in _of(inquiry, AdmissionApproved.TOPIC):
            group_1 = str(admission.data.get("target_group")) == "1"
            if admission.data.get("equal_to_placement") or group_1:
                yield Finding("COMPETENCE_EXAMINATION_MISSING", admission.version)
    if inquiry.programme == PACKAGES and not ordered:
        for raised in _of(inquiry, AdoptionCaseRaised.TOPIC):
            yield Finding("COMPETENCE_EXAMINATION_MISSING", raised.version)


def _stay_required(inquiry: Inquiry) -> Iterator[Finding]:
    stays = visits(inquiry.known, "residential_stay")
    if inquiry.programme == INFANTS and inquiry.rules.setting("A1") == "required" and not stays:
        for closing in _of(inquiry, EnrolmentClosed.TOPIC):
            yield Finding("STAY_REQUIRED_NOT_HELD", closing.version)


def _stay_in_packages(inquiry: Inquiry) -> Iterator[Finding]:
    if inquiry.programme == PACKAGES:
        for stay in visits(inquiry.known, "residential_stay"):
            yield Finding("STAY_OUTSIDE_HOME", stay.version)


def _preconditions(inquiry: Inquiry) -> Iterator[Finding]:
    for admission in _of(inquiry, AdmissionApproved.TOPIC):
        unmet = many(admission.data.get("preconditions_unmet"))
        if unmet:
            yield Finding("PRECONDITION_NOT_MET", admission.version, (), {"unmet": ", ".join(unmet)})


def _entry(inquiry: Inquiry) -> Iterator[Finding]:
    needed = {INFANTS: InvestigationCompleted.TOPIC, TEAM: InvestigationOpened.TOPIC}.get(inquiry.programme or "")
    if needed is None:
        return
    for admission in _of(inquiry, AdmissionApproved.TOPIC):
        if not any(entry.happened <= admission.happened for entry in _of(inquiry, needed)):
            yield Finding("ADMITTED_WITHOUT_INVESTIGATION", admission.version)


def _reception(inquiry: Inquiry) -> Iterator[Finding]:
    if inquiry.programme == TEAM:
        for assessed in _of(inquiry, NotificationAcuteAssessed.TOPIC):
            if len(set(many(assessed.data.get("participants")))) < 2:
                yield Finding("RECEPTION_WITHOUT_LEADER", assessed.version)


def _meeting_1(inquiry: Inquiry) -> Iterator[Finding]:
    needed = {"health_visitor", "social_worker", "family_consultant", "coordinator"}
    for meeting in _of(inquiry, MeetingHeld.TOPIC):
        if inquiry.programme == TEAM and meeting.data["type"] == "meeting_1_professional":
            present = {str(one).partition(":")[0] for one in many(meeting.data.get("participants"))}
            if needed - present:
                yield Finding(
                    "MEETING_1_INCOMPLETE", meeting.version, (), {"missing": ", ".join(sorted(needed - present))}
                )


def _ruler(inquiry: Inquiry) -> Iterator[Finding]:
    used = [e for e in _of(inquiry, AssessmentRecorded.TOPIC) if e.data["instrument"] == "trivselslinealen"]
    for meeting in _of(inquiry, MeetingHeld.TOPIC):
        if inquiry.programme == TEAM and meeting.data["type"] == "meeting_1_professional":
            day = copenhagen_day(meeting.happened)
            if not any(copenhagen_day(entry.happened) == day for entry in used):
                yield Finding("RULER_NOT_USED_AT_MEETING_1", meeting.version)


def _parents(inquiry: Inquiry) -> Iterator[Finding]:
    for meeting in _of(inquiry, MeetingHeld.TOPIC):
        if meeting.data["type"] == "meeting_2_with_parents":
            invited = (
                meeting.data.get("parents_present")
                or meeting.data.get("parents_invited")
                or meeting.data.get("invited")
            )
            if not invited:
                yield Finding("PARENTS_NOT_INVITED", meeting.version)


def _closing(inquiry: Inquiry) -> Iterator[Finding]:
    if inquiry.programme != TEAM:
        return
    for closing in _of(inquiry, EnrolmentClosed.TOPIC):
        meetings = [e for e in _of(inquiry, MeetingHeld.TOPIC) if e.data["type"] == "final_follow_up"]
        if not any(meeting.happened <= closing.happened for meeting in meetings):
            yield Finding("CLOSED_WITHOUT_FINAL_MEETING", closing.version)


def _closing_reason(inquiry: Inquiry) -> Iterator[Finding]:
    for closing in _of(inquiry, EnrolmentClosed.TOPIC):
        if inquiry.programme == TEAM and closing.data["reason"] not in CLOSING_REASONS:
            yield Finding("CLOSING_REASON_NOT_OF_PROGRAMME", closing.version, (), {"reason": closing.data["reason"]})


def _sos_order(inquiry: Inquiry) -> Iterator[Finding]:
    held = [entry for entry in _of(inquiry, MeetingHeld.TOPIC) if entry.data["type"] == "internal_sos"]
    starts = list(_of(inquiry, PackageStarted.TOPIC))
    for note in _of(inquiry, StatusNoteWritten.TOPIC):
        if inquiry.programme != PACKAGES or note.data["kind"] != "package_status":
            continue
        own = [
            e
            for e in starts
            if (e.data["package"], e.data.get("period")) == (note.data.get("package"), note.data.get("period"))
        ]
        begun = own[-1].happened if own else note.happened
        if not any(begun <= meeting.happened <= note.happened for meeting in held):
            yield Finding("STATUS_WITHOUT_INTERNAL_SOS", note.version)


def _reviewed(inquiry: Inquiry) -> Iterator[Finding]:
    for note in _of(inquiry, StatusNoteWritten.TOPIC):
        if note.data["kind"] == "package_status" and note.data.get("reviewed_with_family") is False:
            yield Finding("STATUS_NOT_REVIEWED_WITH_FAMILY", note.version)


def _package_age(inquiry: Inquiry) -> Iterator[Finding]:
    windows = {"infant": (0, 12), "toddler": (12, 36)}
    for start in _of(inquiry, PackageStarted.TOPIC):
        born = [birth for child in children(inquiry.known) if (birth := birth_of(inquiry.known, child)) is not None]
        window = windows.get(start.data["package"])
        if window is None or not born:
            continue
        day, birthday = copenhagen_day(start.occurred_at), copenhagen_day(born[-1].occurred_at)
        if not plus_months(birthday, window[0]) <= day < plus_months(birthday, window[1]):
            yield Finding("PACKAGE_OUTSIDE_AGE", start.version, (born[-1].version,), {"package": start.data["package"]})


def _hours_rose(inquiry: Inquiry) -> Iterator[Finding]:
    if inquiry.programme != EARLY or inquiry.rules.setting("A26") == "off" or not hours_per_week(inquiry.known):
        return
    levels = list(_of(inquiry, SupportLevelSet.TOPIC))
    for before, after in pairwise(levels):
        rose = number(after.data["hours_per_week"]) > number(before.data["hours_per_week"])
        noticed = [e for e in _of(inquiry, AttentionRaised.TOPIC) if before.happened <= e.happened <= after.happened]
        if rose and not noticed:
            yield Finding("HOURS_ROSE", after.version, (before.version,))


def _competences(inquiry: Inquiry) -> Iterator[Finding]:
    needed = {DETECTION: {"health_visitor", "social_worker", "family_therapist"}, EARLY: {"psychologist"}}
    for start in _of(inquiry, InterventionStarted.TOPIC):
        team = {str(member).partition(":")[0] for member in many(start.data.get("team"))}
        missing = needed.get(inquiry.programme or "", set[str]()) - team
        if team and missing:
            yield Finding("TEAM_COMPETENCE_MISSING", start.version, (), {"missing": ", ".join(sorted(missing))})


def _not_social_worker(inquiry: Inquiry) -> Iterator[Finding]:
    for held in _of(inquiry, FollowUpHeld.TOPIC):
        role = held.data.get("held_by") or held.actor.role
        born = any(birth.happened <= held.happened for birth in _of(inquiry, ChildBorn.TOPIC))
        if inquiry.programme == INFANTS and born and role != "social_worker":
            yield Finding("FOLLOW_UP_NOT_BY_SOCIAL_WORKER", held.version, (), {"role": role})


def _reserved(inquiry: Inquiry) -> Iterator[Finding]:
    contacts = list(_of(inquiry, DaycareContacted.TOPIC))
    for started in contacts:
        earlier = [e for e in contacts if e.data["kind"] == "place_reserved" and e.happened <= started.happened]
        if inquiry.programme == DETECTION and started.data["kind"] == "started" and not earlier:
            yield Finding("PLACE_NOT_RESERVED", started.version)


def _instrument_age(inquiry: Inquiry) -> Iterator[Finding]:
    low, high = (inquiry.rules.limit("I-ADBB-AGE", name, inquiry.at) or months for name, months in _ADBB_MONTHS)
    for assessed in _of(inquiry, AssessmentRecorded.TOPIC):
        if assessed.data["instrument"] != "adbb":
            continue
        if inquiry.programme == PACKAGES and inquiry.rules.setting("A8") == "accepted":
            continue
        birth = _child_of(inquiry, assessed)
        if birth is None:
            continue
        birthday, day = copenhagen_day(birth.occurred_at), copenhagen_day(assessed.occurred_at)
        if day < plus_months(birthday, low) or day > plus_months(birthday, high):
            detail = {"days": (day - birthday).days, "low": low, "high": high}
            yield Finding("ASSESSMENT_OUTSIDE_INSTRUMENT_AGE", assessed.version, (birth.version,), detail)


_ADBB_MONTHS = (("from_months", 2), ("to_months", 24))


def _child_of(inquiry: Inquiry, assessed: Entry) -> Entry | None:
    """Return the birth of the child an assessment is about, or of the only child of the case."""
    for person in many(assessed.data.get("about")):
        found = birth_of(inquiry.known, str(person))
        if found is not None:
            return found
    born = children(inquiry.known)
    return birth_of(inquiry.known, born[0]) if len(born) == 1 else None


def _scale(inquiry: Inquiry) -> Iterator[Finding]:
    for assessed in _of(inquiry, AssessmentRecorded.TOPIC):
        if outside_scale(dict(assessed.data)):
            yield Finding("SCORE_OUTSIDE_SCALE", assessed.version)


def _compensating(inquiry: Inquiry) -> Iterator[Finding]:
    for held in _of(inquiry, VisitHeld.TOPIC):
        if set(many(held.data.get("help_kind"))) >= {"compensating_practical"} and set(
            many(held.data.get("content"))
        ) & {"emotional_care", "safety"}:
            yield Finding("COMPENSATING_CARE", held.version)


CHECKS: tuple[Check, ...] = (
    Check("WEEKLY_NOTE_MISSING", "must", "000 L54", "seed",
          "Statusnotat mangler for uge {week}.", "The status note for week {week} is missing.", _weekly),
    Check("VISITS_OVER_WEEKLY_LIMIT", "must", "002 L132", "seed",
          "{value} besøg i uge {period}; højst {limit}.", "{value} visits in week {period}; at most {limit}.", _over_week),
    Check("VISITS_OVER_DAILY_LIMIT", "must", "002 L132", "seed",
          "{value} besøg den {period}; højst {limit}.", "{value} visits on {period}; at most {limit}.", _over_day),
    Check("FIRST_VISITS_BELOW_PLAN", "soft", "001 L150", "seed",
          "{held} besøg i de første dage efter hjemkomsten; aftalt var {planned}.",
          "{held} visits in the first days at home; {planned} were agreed.", _first_visits),
    Check("SESSIONS_OUTSIDE_RANGE", "normal", "004 L19", "seed",
          "Forløbet blev afsluttet efter {held} sessioner; teksten siger {low}-{high}.",
          "The course was closed after {held} sessions; the text says {low}-{high}.", _sessions),
    Check("COMPETENCE_EXAMINATION_MISSING", "must", "000 L35, L50; 002 L164-168", "seed",
          "Forældrekompetenceundersøgelse er obligatorisk og ikke bestilt.",
          "A parental competence examination is mandatory and was not ordered.", _fku),
    Check("STAY_REQUIRED_NOT_HELD", "must", "000 L35", "seed",
          "Ophold uden for hjemmet er valgt som krav og er ikke gennemført.",
          "A stay outside the home was chosen as required and did not take place.", _stay_required),
    Check("STAY_OUTSIDE_HOME", "normal", "002 L43", "seed",
          "Familien bor hjemme under forløbet; her er et døgnophold.",
          "The family lives at home during the course; here is a residential stay.", _stay_in_packages),
    Check("PRECONDITION_NOT_MET", "must", "000 L14-21", "seed",
          "Forudsætninger for målgruppen er ikke opfyldt: {unmet}.",
          "Preconditions of the target group are not met: {unmet}.", _preconditions),
    Check("ADMITTED_WITHOUT_INVESTIGATION", "normal", "000 L11-12; 001 L45", "seed",
          "Familien er visiteret uden den børnefaglige undersøgelse, programmet forudsætter.",
          "The family was admitted without the child investigation the programme presupposes.", _entry),
    Check("RECEPTION_WITHOUT_LEADER", "must", "001 L130", "seed",
          "Modtagelsen skal vurdere underretningen sammen med nærmeste leder; kun én deltog.",
          "Reception assesses the notification with the nearest leader; only one took part.", _reception),
    Check("MEETING_1_INCOMPLETE", "must", "001 L137", "seed",
          "På møde 1 manglede: {missing}.", "Missing at meeting 1: {missing}.", _meeting_1),
    Check("RULER_NOT_USED_AT_MEETING_1", "must", "001 L138", "seed",
          "Trivselslinealen er ikke brugt på møde 1.", "The wellbeing ruler was not used at meeting 1.", _ruler),
    Check("PARENTS_NOT_INVITED", "must", "001 L139", "seed",
          "Det fremgår ikke, at forældrene er inviteret til møde 2.",
          "Nothing shows that the parents were invited to meeting 2.", _parents),
    Check("CLOSED_WITHOUT_FINAL_MEETING", "must", "001 L165", "seed",
          "Indsatsen er afsluttet uden et fælles opfølgningsmøde.",
          "The effort was closed without a joint follow-up meeting.", _closing),
    Check("CLOSING_REASON_NOT_OF_PROGRAMME", "normal", "001 L167", "seed",
          "Afslutningsgrunden {reason} er ikke blandt programmets.",
          "The reason for closing, {reason}, is not among the programme's.", _closing_reason),
    Check("STATUS_WITHOUT_INTERNAL_SOS", "must", "002 L62-66", "seed",
          "Status er skrevet uden intern SOS i perioden.",
          "The status was written without an internal SOS in its period.", _sos_order),
    Check("STATUS_NOT_REVIEWED_WITH_FAMILY", "must", "002 L66", "seed",
          "Status er ikke gennemgået med familien.",
          "The status was not gone through with the family.", _reviewed),
    Check("PACKAGE_OUTSIDE_AGE", "must", "002 L109, L134", "seed",
          "Pakken {package} er begyndt uden for sin alder.",
          "The {package} package began outside its age.", _package_age),
    Check("HOURS_ROSE", "soft", "003 L21", "seed",
          "Timerne er sat op, uden at særlig opmærksomhed er registreret.",
          "Hours went up without special attention on record.", _hours_rose),
    Check("TEAM_COMPETENCE_MISSING", "normal", "003 L10; 004 L19", "seed",
          "Teamet mangler: {missing}.", "The team lacks: {missing}.", _competences),
    Check("FOLLOW_UP_NOT_BY_SOCIAL_WORKER", "must", "000 L54", "seed",
          "Opfølgningen skal holdes af socialrådgiveren; her {role}.",
          "The follow-up is the social worker's; here {role}.", _not_social_worker),
    Check("PLACE_NOT_RESERVED", "normal", "004 L20", "seed",
          "Barnet er begyndt i dagtilbud uden en reserveret plusplads.",
          "The child started in daycare without a reserved place.", _reserved),
    Check("ASSESSMENT_OUTSIDE_INSTRUMENT_AGE", "instrument", "vidensportal.dk, ADBB", "V",
          "Barnet var {days} dage; instrumentet bruges fra {low} til {high} måneder.",
          "The child was {days} days old; the instrument is for {low} to {high} months.", _instrument_age),
    Check("SCORE_OUTSIDE_SCALE", "instrument", "internal standard", "internal",
          "Scoren ligger uden for sin egen skala.", "The score lies outside its own scale.", _scale),
    Check("COMPENSATING_CARE", "must", "000 L46", "seed",
          "Kompenserende hjælp må kun være praktisk, aldrig omsorg og sikkerhed.",
          "Compensating help is practical only, never care and safety.", _compensating),
)  # fmt: skip
