"""What a reviewer would point out about the way into a programme: target group, recommendation, admission, start."""

from collections.abc import Iterator

from domain.calendar import completed_months
from domain.decision_kinds import grants_support
from domain.entries import Entry
from domain.events.assessment import InvestigationCompleted, InvestigationOpened
from domain.events.decision import DecisionMade
from domain.events.enrolment import AdmissionApproved
from domain.events.referral import RecommendationMade
from domain.findings.base import Check, Finding
from domain.findings.facts import (
    DETECTION,
    EARLY,
    INFANTS,
    PACKAGES,
    SOCIAL_WORKER,
    TEAM,
    by,
    decided_by,
    graded,
    limit,
    of_programme,
    roles,
    runs,
    youngest,
)
from domain.inquiry import Inquiry
from domain.known import holds, many
from domain.time import copenhagen_day

TARGET_AGES = {
    INFANTS: ("P000-TARGET-AGE", 24),
    TEAM: ("P001-TARGET-AGE", 36),
    PACKAGES: ("P002-TARGET-AGE", 36),
    EARLY: ("P003-TARGET-AGE", 24),
    DETECTION: ("P004-TARGET-AGE", 24),
}
"""The rule that says until which age a programme takes families in, and its number where no book is adopted."""

PRECONDITIONS = {
    "mental_illness": "illness_insight",
    "substance_misuse": "willing_to_stop",
    "subculture": "willing_to_build_network",
}
"""Which problem presupposes what (000 L14-21)."""

COMPETENCES = {DETECTION: {"health_visitor", SOCIAL_WORKER, "family_therapist"}, EARLY: {"psychologist"}}
TEAMS = {DETECTION: "P004-TEAM", EARLY: "P003-TEAM"}


def admissions(inquiry: Inquiry) -> list[Entry]:
    """Return the admissions to the case's own programme."""
    return [entry for entry in inquiry.of(AdmissionApproved) if entry.data["programme"] == inquiry.programme]


def recommendations(inquiry: Inquiry, kind: str = "admit") -> list[Entry]:
    """Return the recommendations of a kind to the case's own programme."""
    made = [entry for entry in inquiry.of(RecommendationMade) if entry.data["programme"] == inquiry.programme]
    return [entry for entry in made if (entry.data.get("kind") or "admit") == kind]


def _entered(inquiry: Inquiry) -> list[Entry]:
    """Return the admissions, or where there is none the starts of support."""
    return admissions(inquiry) or [run.start for run in runs(inquiry)]


def _months(birth: Entry, entry: Entry) -> int:
    return completed_months(copenhagen_day(birth.occurred_at), copenhagen_day(entry.occurred_at))


def _target_age(inquiry: Inquiry) -> Iterator[Finding]:
    if inquiry.programme not in TARGET_AGES:
        return
    rule, number = TARGET_AGES[inquiry.programme]
    highest = limit(inquiry, rule, "to_months", number)
    for entry in _entered(inquiry):
        birth = youngest(inquiry, entry.happened)
        if birth is not None and _months(birth, entry) >= highest:
            detail = {"months": _months(birth, entry), "limit": highest}
            yield graded(inquiry, rule, Finding("TARGET_AGE_EXCEEDED", entry.version, (birth.version,), detail))


@of_programme(INFANTS)
def _newborn(inquiry: Inquiry) -> Iterator[Finding]:
    highest = limit(inquiry, "P000-NEWBORN", "months", 3)
    for entry in _entered(inquiry):
        birth = youngest(inquiry, entry.happened)
        if birth is not None and _months(birth, entry) >= highest:
            detail = {"months": _months(birth, entry)}
            yield Finding("ENTERED_LONG_AFTER_BIRTH", entry.version, (birth.version,), detail)


@of_programme(INFANTS)
def _unmet(inquiry: Inquiry) -> Iterator[Finding]:
    for admission in admissions(inquiry):
        unmet = many(admission.data.get("preconditions_unmet"))
        if unmet:
            yield Finding("PRECONDITION_NOT_MET", admission.version, (), {"unmet": ", ".join(unmet)})


@of_programme(INFANTS)
def _not_assessed(inquiry: Inquiry) -> Iterator[Finding]:
    for admission in admissions(inquiry):
        before = by(recommendations(inquiry), admission.happened)[-1:]
        told = [admission, *before]
        problems = {str(code) for entry in told for code in many(entry.data.get("problem_codes"))}
        assessed = {
            str(code)
            for entry in told
            for field in ("preconditions_met", "preconditions_unmet")
            for code in many(entry.data.get(field))
        }
        missing = sorted({PRECONDITIONS[problem] for problem in problems & PRECONDITIONS.keys()} - assessed)
        if missing:
            yield Finding("PRECONDITION_NOT_ASSESSED", admission.version, (), {"missing": ", ".join(missing)})


@of_programme(INFANTS, TEAM)
def _without_investigation(inquiry: Inquiry) -> Iterator[Finding]:
    infants = inquiry.programme == INFANTS
    needed = inquiry.of(InvestigationCompleted if infants else InvestigationOpened)
    for admission in admissions(inquiry):
        if not by(needed, admission.happened):
            found = Finding("ADMITTED_WITHOUT_INVESTIGATION", admission.version)
            yield graded(inquiry, "P000-GROUP-BFU" if infants else "P001-ENTRY-BFU", found)


@of_programme(INFANTS, TEAM)
def _without_recommendation(inquiry: Inquiry) -> Iterator[Finding]:
    for admission in admissions(inquiry):
        if not by(recommendations(inquiry), admission.happened):
            yield Finding("ADMITTED_WITHOUT_RECOMMENDATION", admission.version)


@of_programme(INFANTS)
def _not_by_adviser(inquiry: Inquiry) -> Iterator[Finding]:
    for recommendation in recommendations(inquiry):
        role = recommendation.actor.role
        if role != SOCIAL_WORKER:
            yield Finding("RECOMMENDATION_NOT_BY_ADVISER", recommendation.version, (), {"role": role})


@of_programme(TEAM)
def _exception(inquiry: Inquiry) -> Iterator[Finding]:
    """Reading A18: an exception to the rule that an adviser recommends on an investigation needs its reason."""
    if inquiry.rules.setting("A18") != "yes":
        return
    for recommendation in recommendations(inquiry):
        adviser = recommendation.actor.role == SOCIAL_WORKER
        investigated = by(inquiry.of(InvestigationOpened), recommendation.happened)
        if not (adviser and investigated) and not holds(recommendation, "exception_reason"):
            yield Finding("RECOMMENDATION_EXCEPTION_WITHOUT_REASON", recommendation.version)


@of_programme(INFANTS, TEAM, PACKAGES, EARLY)
def _without_decision(inquiry: Inquiry) -> Iterator[Finding]:
    """Reading A19: admission to a programme is no decision on support, or it is the steering group's."""
    decided = [entry for entry in inquiry.of(DecisionMade) if grants_support(entry)]
    if inquiry.programme == TEAM and inquiry.rules.setting("A19") == "one_decision":
        decided += [entry for entry in admissions(inquiry) if decided_by(entry) == "steering_group"]
    for run in runs(inquiry):
        if not by(decided, run.start.happened):
            yield Finding("SUPPORT_STARTED_WITHOUT_DECISION", run.start.version)


@of_programme(EARLY, DETECTION)
def _competences(inquiry: Inquiry) -> Iterator[Finding]:
    programme = str(inquiry.programme)
    for run in runs(inquiry):
        team = roles(many(run.start.data.get("team")))
        missing = sorted(COMPETENCES[programme] - team)
        if team and missing:
            found = Finding("TEAM_COMPETENCE_MISSING", run.start.version, (), {"missing": ", ".join(missing)})
            yield graded(inquiry, TEAMS[programme], found)


@of_programme(INFANTS)
def _professions(inquiry: Inquiry) -> Iterator[Finding]:
    needed = limit(inquiry, "P000-TEAM", "professions", 2)
    for run in runs(inquiry):
        team = roles(many(run.start.data.get("team")))
        if 0 < len(team) < needed:
            yield Finding("TEAM_OF_ONE_PROFESSION", run.start.version, (), {"number": len(team), "needed": needed})


CHECKS: tuple[Check, ...] = (
    Check("TARGET_AGE_EXCEEDED", "normal", "000 L9; 001 L22; 002 L18; 003 L4; 004 L6", "seed",
          "Barnet var {months} måneder, da familien kom med; målgruppen går til {limit} måneder.",
          "The child was {months} months old when the family came in; the target group ends at {limit} months.", _target_age),
    Check("ENTERED_LONG_AFTER_BIRTH", "soft", "000 L33", "seed",
          "Støtten er beskrevet for forældre, der lige har fået barn; her var barnet {months} måneder.",
          "The support is described for parents who have just had a child; here the child was {months} months old.", _newborn),
    Check("PRECONDITION_NOT_MET", "must", "000 L14-21", "seed",
          "Forudsætninger for målgruppen er ikke opfyldt: {unmet}.",
          "Preconditions of the target group are not met: {unmet}.", _unmet),
    Check("PRECONDITION_NOT_ASSESSED", "must", "000 L14-21", "seed",
          "Det fremgår ikke, om forudsætningerne for målgruppen er opfyldt: {missing}.",
          "Nothing shows whether the preconditions of the target group are met: {missing}.", _not_assessed),
    Check("ADMITTED_WITHOUT_INVESTIGATION", "normal", "000 L11-12; 001 L45", "seed",
          "Familien er visiteret til indsatsen uden den børnefaglige undersøgelse, som programmet forudsætter.",
          "The family was admitted without the child investigation the programme presupposes.", _without_investigation),
    Check("ADMITTED_WITHOUT_RECOMMENDATION", "must", "000 L60; 001 L57", "seed",
          "Familien er visiteret til indsatsen, men det fremgår ikke, at rådgiveren har indstillet den.",
          "The family was admitted; nothing shows a recommendation by the adviser.", _without_recommendation),
    Check("RECOMMENDATION_NOT_BY_ADVISER", "must", "000 L60", "seed",
          "Socialrådgiveren indstiller til visitationsmødet; her er det gjort af {role}.",
          "The social worker recommends to the visitation meeting; here {role}.", _not_by_adviser),
    Check("RECOMMENDATION_EXCEPTION_WITHOUT_REASON", "normal", "001 L53", "seed",
          "Som udgangspunkt indstiller rådgiveren på baggrund af en børnefaglig undersøgelse. Det fremgår ikke, hvorfor det er fraveget her.",
          "As a rule the adviser recommends on the basis of a child investigation. Nothing shows why this was departed from.", _exception),
    Check("SUPPORT_STARTED_WITHOUT_DECISION", "statute", "barnets lov § 32(1); 001 L57, L65", "V",
          "Støtten er begyndt, men det fremgår ikke, at der er truffet afgørelse om støtte efter § 32. Visitation til et program er ikke en afgørelse om støtte.",
          "Support began; nothing shows a decision on support under § 32. Admission to a programme is no such decision.", _without_decision),
    Check("TEAM_COMPETENCE_MISSING", "normal", "003 L10; 004 L19", "seed",
          "Teamet mangler: {missing}.", "The team lacks: {missing}.", _competences),
    Check("TEAM_OF_ONE_PROFESSION", "must", "000 L58", "seed",
          "Medarbejdergruppen skal være flerfaglig med mindst {needed} faggrupper; her er {number}.",
          "The staff are to be of several professions; here is {number} of at least {needed}.", _professions),
)  # fmt: skip
