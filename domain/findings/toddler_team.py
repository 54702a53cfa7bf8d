"""What a reviewer would point out against the text of the toddler team (smaaboernsteam_001), phases 1 to 4."""

from collections.abc import Iterator
from datetime import date, timedelta

from domain.consents import consent_status
from domain.disclosures import CONSENT
from domain.entries import Entry
from domain.events.assessment import AssessmentRecorded
from domain.events.child import ChildBorn
from domain.events.consent import ConsentGiven, DisclosureMade
from domain.events.control import DocumentFiled, MinutesDistributed, SupervisionHeld
from domain.events.enrolment import DaycareContacted
from domain.events.meeting import MeetingHeld, SteeringOverviewPublished
from domain.events.referral import CaseAllocated, NotificationAcuteAssessed
from domain.events.visit import VisitHeld
from domain.findings.admission import admissions, recommendations
from domain.findings.base import Check, Finding
from domain.findings.facts import (
    CONSULTANT,
    COORDINATOR,
    SOCIAL_WORKER,
    TEAM,
    Run,
    agreed,
    between,
    by,
    consent_in_force,
    decided_by,
    limit,
    meetings,
    of_programme,
    roles,
    roles_known,
    runs,
    staff_in,
)
from domain.inquiry import Inquiry
from domain.known import holds, many
from domain.time import copenhagen_day, later, start_of
from domain.visits import cancelled, planned_first_visits, published_in, visits

MEETING_1, MEETING_2, PANEL, STEERING = (
    "meeting_1_professional",
    "meeting_2_with_parents",
    "visitation_panel",
    "steering_group",
)
AT_MEETING_1 = {"health_visitor", SOCIAL_WORKER, CONSULTANT, COORDINATOR}
WITH_MINUTES = (MEETING_1, MEETING_2, "follow_up", "final_follow_up")
FAMILY_SAID_NO = frozenset({"family", "parent", "parents"})
HOSPITAL_CONTACT = "hospital_contact"
LONGEST = 4
"""Over how many calendar years an effort for children under three can run."""

PROFESSIONAL_MEETING = "professional_meeting_without_parents"


@of_programme(TEAM)
def _reception(inquiry: Inquiry) -> Iterator[Finding]:
    for assessed in inquiry.of(NotificationAcuteAssessed):
        if len(set(many(assessed.data.get("participants")))) < 2:
            yield Finding("RECEPTION_WITHOUT_LEADER", assessed.version)


@of_programme(TEAM)
def _without_panel(inquiry: Inquiry) -> Iterator[Finding]:
    """Reading A2: the panel brings the case to the steering group."""
    if inquiry.rules.setting("A2") != "panel_then_steering_group":
        return
    for admission in admissions(inquiry):
        if not by(meetings(inquiry, PANEL), admission.happened):
            yield Finding("ADMITTED_WITHOUT_PANEL", admission.version)


@of_programme(TEAM)
def _not_by_steering_group(inquiry: Inquiry) -> Iterator[Finding]:
    for admission in admissions(inquiry):
        body = decided_by(admission)
        if body != STEERING:
            yield Finding("ADMITTED_NOT_BY_STEERING_GROUP", admission.version, (), {"body": body})


@of_programme(TEAM)
def _without_consents(inquiry: Inquiry) -> Iterator[Finding]:
    """Reading A15: the two consents of phase 1 stand before visitation in the text."""
    if inquiry.rules.setting("A15") != "before_visitation":
        return
    for admission in admissions(inquiry):
        kinds = ("disclosure", PROFESSIONAL_MEETING)
        missing = [kind for kind in kinds if not consent_in_force(inquiry, kind, admission.happened)]
        if missing:
            yield Finding("ADMITTED_WITHOUT_CONSENTS", admission.version, (), {"missing": ", ".join(missing)})


@of_programme(TEAM)
def _consent_by(inquiry: Inquiry) -> Iterator[Finding]:
    for given in inquiry.of(ConsentGiven):
        role = given.actor.role
        if given.data["kind"] == PROFESSIONAL_MEETING and role != SOCIAL_WORKER:
            yield Finding("CONSENT_NOT_BY_ADVISER", given.version, (), {"role": role})


@of_programme(TEAM)
def _handover(inquiry: Inquiry) -> Iterator[Finding]:
    handed = [entry for entry in inquiry.of(CaseAllocated) if entry.data["for_role"] == COORDINATOR]
    for meeting in meetings(inquiry, MEETING_1):
        if not by(handed, meeting.happened):
            yield Finding("MEETING_1_BEFORE_HANDOVER", meeting.version)


@of_programme(TEAM)
def _meeting_1(inquiry: Inquiry) -> Iterator[Finding]:
    """Silent where members of staff are named without their roles."""
    for meeting in meetings(inquiry, MEETING_1):
        people = many(meeting.data.get("participants"))
        missing = sorted(AT_MEETING_1 - roles(people))
        if missing and (roles_known(people) or not people):
            yield Finding("MEETING_1_INCOMPLETE", meeting.version, (), {"missing": ", ".join(missing)})


@of_programme(TEAM)
def _ruler(inquiry: Inquiry) -> Iterator[Finding]:
    used = [e for e in inquiry.of(AssessmentRecorded) if e.data["instrument"] == "trivselslinealen"]
    days = {copenhagen_day(entry.happened) for entry in used}
    for meeting in meetings(inquiry, MEETING_1):
        if copenhagen_day(meeting.happened) not in days:
            yield Finding("RULER_NOT_USED_AT_MEETING_1", meeting.version)


@of_programme(TEAM)
def _template(inquiry: Inquiry) -> Iterator[Finding]:
    for meeting in meetings(inquiry, MEETING_1):
        if not any(holds(meeting, name) for name in ("agenda_template", "agenda", "agenda_items")):
            yield Finding("MEETING_1_WITHOUT_TEMPLATE", meeting.version)


@of_programme(TEAM)
def _agreements(inquiry: Inquiry) -> Iterator[Finding]:
    for meeting in meetings(inquiry, MEETING_1):
        if not agreed(meeting) and not any(holds(meeting, name) for name in ("outcome", "minutes")):
            yield Finding("MEETING_1_WITHOUT_AGREEMENTS", meeting.version)


@of_programme(TEAM)
def _parents(inquiry: Inquiry) -> Iterator[Finding]:
    for meeting in meetings(inquiry, MEETING_2):
        if not any(meeting.data.get(name) for name in ("parents_present", "parents_invited", "invited")):
            yield Finding("PARENTS_NOT_INVITED", meeting.version)


@of_programme(TEAM)
def _plans(inquiry: Inquiry) -> Iterator[Finding]:
    for meeting in meetings(inquiry, MEETING_2):
        if not meeting.data.get("plans_presented") and not holds(meeting, "minutes"):
            yield Finding("PLANS_NOT_PRESENTED", meeting.version)


@of_programme(TEAM)
def _minutes(inquiry: Inquiry) -> Iterator[Finding]:
    """Minutes sent out and not filed are another finding."""
    waiting = timedelta(days=limit(inquiry, "P001-MINUTES", "days", 14))
    documents = {entry.data.get("for_entry") for entry in inquiry.of(DocumentFiled)}
    sent = {entry.data["meeting"] for entry in inquiry.of(MinutesDistributed)}
    for meeting in meetings(inquiry, *WITH_MINUTES):
        here = meeting.version in documents | sent or any(holds(meeting, name) for name in ("minutes", "minutes_hash"))
        if not here:
            yield Finding("MINUTES_NOT_ON_RECORD", meeting.version, arises_at=later(meeting.happened, waiting))


@of_programme(TEAM)
def _hospital_contact(inquiry: Inquiry) -> Iterator[Finding]:
    """Silent where the family came in after the birth."""
    named = [entry for entry in inquiry.of(CaseAllocated) if entry.data["for_role"] == HOSPITAL_CONTACT]
    decided = [meeting for meeting in inquiry.of(MeetingHeld) if HOSPITAL_CONTACT in agreed(meeting)]
    for birth in inquiry.of(ChildBorn):
        entered = by([*admissions(inquiry), *(run.start for run in runs(inquiry))], birth.happened)
        if entered and not by([*named, *decided], birth.happened):
            yield Finding("HOSPITAL_CONTACT_NOT_DECIDED", birth.version)


@of_programme(TEAM)
def _first_visits(inquiry: Inquiry) -> Iterator[Finding]:
    """Visits are offered: one the family declined is not missing."""
    span = timedelta(days=limit(inquiry, "P001-FIRST-VISITS", "days", 7) + 1)
    for meeting, planned in planned_first_visits(inquiry.known):
        end = later(meeting.happened, span)
        held = len(between(visits(inquiry.known), meeting.happened, end))
        missed = between(cancelled(inquiry.known), meeting.happened, end)
        declined = sum(1 for visit in missed if visit.data.get("by") in FAMILY_SAID_NO or visit.data.get("no_show"))
        if held + declined < planned:
            detail = {"planned": planned, "held": held, "declined": declined}
            yield Finding("FIRST_VISITS_BELOW_PLAN", meeting.version, (), detail, arises_at=end)


@of_programme(TEAM)
def _daycare(inquiry: Inquiry) -> Iterator[Finding]:
    told = [entry for entry in inquiry.of(DisclosureMade) if "daycare" in str(entry.data["to"])]
    for contact in inquiry.of(DaycareContacted):
        if contact.data.get("identifiable") and not _covered(inquiry, contact) and not by(told, contact.happened):
            yield Finding("DAYCARE_CONTACT_WITHOUT_COVER", contact.version)


def _covered(inquiry: Inquiry, contact: Entry) -> bool:
    """Whether a contact names a basis that holds: another than consent, or a consent in force."""
    basis = contact.data.get("basis")
    named = [str(consent) for consent in many(contact.data.get("consents"))]
    if basis == CONSENT:
        return any(consent_status(inquiry.known, consent, contact.happened).in_force for consent in named)
    return basis is not None


@of_programme(TEAM)
def _supervision(inquiry: Inquiry) -> Iterator[Finding]:
    for held in inquiry.of(SupervisionHeld):
        if held.data.get("extra") and held.data.get("approved_by") != STEERING:
            yield Finding("EXTRA_SUPERVISION_NOT_APPROVED", held.version)


@of_programme(TEAM)
def _continuity(inquiry: Inquiry) -> Iterator[Finding]:
    for run in runs(inquiry):
        for role, name, most in ((COORDINATOR, "coordinators", 1), (CONSULTANT, "consultants", 3)):
            most = limit(inquiry, "P001-CONTINUITY", name, most)
            number = len(_seen(inquiry, run, role))
            if number > most:
                detail = {"role": role, "number": number, "limit": most}
                yield Finding("MANY_PEOPLE_IN_ONE_ROLE", run.start.version, (), detail, role)


def _seen(inquiry: Inquiry, run: Run, role: str) -> set[str]:
    """Return who has met the family or held the case in a role during a course; substitutes do not count."""
    since, end = run.since, run.end(inquiry)
    allotted = between(inquiry.of(CaseAllocated), since, end)
    lasting = [e for e in allotted if e.data["for_role"] == role and not e.data.get("substitute_for")]
    found = {str(one) for entry in lasting for one in many(entry.data["to"])}
    for meeting in between(meetings(inquiry, *WITH_MINUTES), since, end):
        found |= staff_in(many(meeting.data.get("participants")), role)
    held = between(inquiry.of(VisitHeld), since, end)
    found |= {visit.actor.id for visit in held if visit.actor.role == role}
    return found | staff_in(many(run.start.data.get("team")), role)


@of_programme(TEAM)
def _overviews(inquiry: Inquiry) -> Iterator[Finding]:
    """Asked only of calendar years through which the support ran from beginning to end."""
    needed = limit(inquiry, "P001-STEERING-2PY", "per_year", 2)
    for run in runs(inquiry):
        first = copenhagen_day(run.start.happened).year + 1
        last = copenhagen_day(run.closing.happened).year if run.closing else copenhagen_day(inquiry.at).year + 1
        for year in range(first, min(last, first + LONGEST)):
            held = len(published_in(inquiry.known.of(SteeringOverviewPublished), year))
            if held < needed:
                detail = {"year": year, "held": held, "needed": needed}
                start, over = run.start.version, start_of(date(year + 1, 1, 1))
                yield Finding("STEERING_OVERVIEW_MISSING", start, (), detail, str(year), arises_at=over)


@of_programme(TEAM)
def _steering_meeting(inquiry: Inquiry) -> Iterator[Finding]:
    for meeting in meetings(inquiry, "steering"):
        people = many(meeting.data.get("participants"))
        if roles_known(people) and COORDINATOR not in roles(people):
            yield Finding("STEERING_MEETING_WITHOUT_COORDINATOR", meeting.version)


@of_programme(TEAM)
def _recommended_to(inquiry: Inquiry) -> Iterator[Finding]:
    for recommendation in recommendations(inquiry):
        if not {PANEL, STEERING} & set(many(recommendation.data["to"])):
            detail = {"to": ", ".join(many(recommendation.data["to"]))}
            yield Finding("RECOMMENDED_TO_OTHER_BODY", recommendation.version, (), detail)


CHECKS: tuple[Check, ...] = (
    Check("RECEPTION_WITHOUT_LEADER", "must", "001 L130", "seed",
          "Modtagelsen skal vurdere underretningen sammen med nærmeste leder; kun én deltog.",
          "Reception assesses the notification with the nearest leader; only one took part.", _reception),
    Check("RECOMMENDED_TO_OTHER_BODY", "normal", "001 L57", "seed",
          "Rådgiveren indstiller til visitationsudvalget; her er indstillet til {to}.",
          "The adviser recommends to the visitation panel; here the recommendation went to {to}.", _recommended_to),
    Check("ADMITTED_WITHOUT_PANEL", "must", "001 L57", "seed",
          "Familien er visiteret til indsatsen, uden at visitationsudvalget har bragt sagen ind i styregruppen.",
          "The family was admitted without the visitation panel bringing the case to the steering group.", _without_panel),
    Check("ADMITTED_NOT_BY_STEERING_GROUP", "must", "001 L57, L131", "seed",
          "Det fremgår ikke, at styregruppen har godkendt familien; registreret er {body}.",
          "Nothing shows that the steering group approved the family; on record is {body}.", _not_by_steering_group),
    Check("ADMITTED_WITHOUT_CONSENTS", "must", "001 L132-133", "seed",
          "Ved visitationen manglede samtykke: {missing}.",
          "Missing consent at visitation: {missing}.", _without_consents),
    Check("CONSENT_NOT_BY_ADVISER", "normal", "001 L132", "seed",
          "Rådgiveren sikrer samtykket til opstartsmødet; her er det indhentet af {role}.",
          "The adviser secures the consent to the start-up meeting; here {role}.", _consent_by),
    Check("MEETING_1_BEFORE_HANDOVER", "must", "001 L57, L133", "seed",
          "Møde 1 er holdt, men det fremgår ikke, at sagen forinden er overdraget til koordinator.",
          "Meeting 1 was held; nothing shows that the case had been handed over to the coordinator.", _handover),
    Check("MEETING_1_INCOMPLETE", "must", "001 L137", "seed",
          "På møde 1 manglede: {missing}.", "Missing at meeting 1: {missing}.", _meeting_1),
    Check("RULER_NOT_USED_AT_MEETING_1", "must", "001 L138", "seed",
          "Det fremgår ikke, at Trivselslinealen er brugt på møde 1.",
          "Nothing shows that the wellbeing ruler was used at meeting 1.", _ruler),
    Check("MEETING_1_WITHOUT_TEMPLATE", "normal", "001 L138", "seed",
          "Det fremgår ikke, at møde 1 fulgte den fastlagte dagsordensskabelon.",
          "Nothing shows that meeting 1 followed the fixed agenda template.", _template),
    Check("MEETING_1_WITHOUT_AGREEMENTS", "must", "001 L139-141", "seed",
          "Det fremgår ikke, at der er lavet aftaler om samarbejdet på møde 1.",
          "Nothing shows that agreements about the cooperation were made at meeting 1.", _agreements),
    Check("PARENTS_NOT_INVITED", "must", "001 L139", "seed",
          "Det fremgår ikke, at forældrene er inviteret til møde 2.",
          "Nothing shows that the parents were invited to meeting 2.", _parents),
    Check("PLANS_NOT_PRESENTED", "must", "001 L139", "seed",
          "Det fremgår ikke, at de forskellige handleplaner er præsenteret og koordineret på møde 2.",
          "Nothing shows that the different plans were presented and coordinated at meeting 2.", _plans),
    Check("MINUTES_NOT_ON_RECORD", "must", "001 L141; offentlighedsloven § 15", "seed",
          "Det fremgår ikke, at kommunen har journaliseret referatet af mødet.",
          "Nothing shows that the municipality filed the minutes of the meeting.", _minutes),
    Check("HOSPITAL_CONTACT_NOT_DECIDED", "must", "001 L149", "seed",
          "Det fremgår ikke, at det før fødslen er besluttet, hvem der har kontakten til sygehuset.",
          "Nothing shows that it was decided before birth who has the contact with the hospital.", _hospital_contact),
    Check("FIRST_VISITS_BELOW_PLAN", "soft", "001 L150", "seed",
          "Der var aftalt {planned} besøg i de første dage efter hjemkomsten; {held} er holdt, og {declined} har familien afslået.",
          "{held} visits in the first days at home, and {declined} declined by the family; {planned} were agreed.", _first_visits),
    Check("DAYCARE_CONTACT_WITHOUT_COVER", "statute", "forvaltningsloven § 28; 001 L159", "V",
          "Dagtilbuddet er kontaktet om et barn, der kan genkendes, men det fremgår ikke, at der er samtykke eller anden hjemmel.",
          "Daycare was contacted about a child that can be recognised; nothing shows a consent or another legal basis.", _daycare),
    Check("EXTRA_SUPERVISION_NOT_APPROVED", "must", "001 L75", "seed",
          "Ekstra supervision skal godkendes af styregruppen; det fremgår ikke, at det er sket.",
          "Extra supervision must be approved by the steering group; nothing shows that it was.", _supervision),
    Check("MANY_PEOPLE_IN_ONE_ROLE", "soft", "001 L61", "seed",
          "Familien har mødt {number} personer i rollen {role}; teksten siger højst {limit}.",
          "The family has met {number} people in the role {role}; the text says at most {limit}.", _continuity),
    Check("STEERING_OVERVIEW_MISSING", "must", "001 L59", "seed",
          "I {year} har styregruppen set {held} oversigter; der skal være {needed}.",
          "In {year} the steering group saw {held} overviews; {needed} are due.", _overviews),
    Check("STEERING_MEETING_WITHOUT_COORDINATOR", "must", "001 L59", "seed",
          "Styregruppen og koordinator mødes om oversigten; her manglede koordinator.",
          "The steering group and the coordinator meet about the overview; here the coordinator was missing.", _steering_meeting),
)  # fmt: skip
