"""What a reviewer would point out about decisions, their hearing and the support they grant."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from domain.calendar import plus_months
from domain.consents import holders_consent, support_givers
from domain.custody import custody_holders
from domain.decision_kinds import ends_support, grants_support, sections_of, without_consent
from domain.decisions import delay_requests, hearing_checks, hearings_of, new_person_check, notified_parties, parties_of
from domain.decisions import unheard_facts as facts_after_hearing
from domain.entries import Entry
from domain.events.access import AccessRequestAnswered, AccessRequestReceived
from domain.events.assessment import ChildViewObtained, InvestigationCompleted, InvestigationOpened
from domain.events.child import ChildBorn, DueDateRevised, PregnancyRegistered
from domain.events.correction import EntryCorrected
from domain.events.decision import DecisionMade
from domain.events.enrolment import EnrolmentClosed
from domain.events.plan import PlanAdopted
from domain.events.referral import NotificationReassessed, ScreeningRecorded
from domain.events.visit import VisitHeld
from domain.findings.base import Check, Finding
from domain.inquiry import Inquiry
from domain.known import holds, many
from domain.time import copenhagen_day, read_day, start_of

NOTIFY_WITHIN = timedelta(days=14)
"""The house's own standard for sending a decision to every party."""


def decisions(inquiry: Inquiry) -> tuple[Entry, ...]:
    """Return the decisions made by the inquiry's instant."""
    return inquiry.of(DecisionMade)


def _early(inquiry: Inquiry) -> Iterator[Finding]:
    for decision in decisions(inquiry):
        for check in hearing_checks(inquiry.known, decision):
            if not check.ok:
                detail = {"days_early": check.days_early, "deadline": check.deadline.isoformat()}
                yield Finding(
                    "DECISION_BEFORE_HEARING_EXPIRED", decision.version, (check.hearing,), detail, str(check.hearing)
                )


def _unheard(inquiry: Inquiry) -> Iterator[Finding]:
    for decision in decisions(inquiry):
        for fact in facts_after_hearing(inquiry.known, decision):
            detail = {"decision": decision.data["decision"]}
            yield Finding("FACT_NOT_HEARD", fact.version, (decision.version,), detail, str(decision.version))


def _child_view(inquiry: Inquiry) -> Iterator[Finding]:
    for decision in decisions(inquiry):
        view = inquiry.known.fact(decision.data.get("child_view"))
        if view is None or view.topic != ChildViewObtained.TOPIC or view.happened > decision.happened:
            yield Finding("CHILD_VIEW_MISSING", decision.version)


def _competence(inquiry: Inquiry) -> Iterator[Finding]:
    for decision in decisions(inquiry):
        if decision.data.get("competence_ref") is None:
            yield Finding("COMPETENCE_MISSING", decision.version)


def _guidance(inquiry: Inquiry) -> Iterator[Finding]:
    for decision in decisions(inquiry):
        if decision.data.get("complaint_guidance") is not True and not decision.data.get("fully_favourable"):
            yield Finding("COMPLAINT_GUIDANCE_MISSING", decision.version)


def _purpose(inquiry: Inquiry) -> Iterator[Finding]:
    for decision in decisions(inquiry):
        missing = [name for name in ("purpose", "expected_duration") if not holds(decision, name)]
        if missing and grants_support(decision):
            yield Finding("PURPOSE_OR_DURATION_MISSING", decision.version, (), {"missing": ", ".join(missing)})


def _legal_basis(inquiry: Inquiry) -> Iterator[Finding]:
    for decision in decisions(inquiry):
        if not many(decision.data.get("legal_basis")):
            yield Finding("LEGAL_BASIS_MISSING", decision.version)


def _reasons(inquiry: Inquiry) -> Iterator[Finding]:
    for decision in decisions(inquiry):
        reasoned = holds(decision, "grounds") or decision.data.get("letter_hash") is not None
        refuses = not grants_support(decision)
        if refuses and not reasoned and not decision.data.get("fully_favourable"):
            yield Finding("DECISION_WITHOUT_REASONS", decision.version)


def _without_consent(inquiry: Inquiry) -> Iterator[Finding]:
    for decision in decisions(inquiry):
        at, known = decision.happened, inquiry.known
        if not grants_support(decision) or without_consent(decision):
            continue
        consent = holders_consent(known, at)
        nobody = not consent.holders and not any(True for _ in support_givers(known, at))
        if nobody or consent.missing:
            detail = {"missing": ", ".join(consent.missing) or "-"}
            yield Finding("SUPPORT_WITHOUT_CONSENT", decision.version, (), detail)


def _without_investigation(inquiry: Inquiry) -> Iterator[Finding]:
    for decision in decisions(inquiry):
        looked = inquiry.of(InvestigationOpened, ScreeningRecorded)
        begun = any(entry.happened <= decision.happened for entry in looked if _looks_closer(entry))
        if grants_support(decision) and not begun:
            yield Finding("SUPPORT_WITHOUT_INVESTIGATION", decision.version)


def _looks_closer(entry: Entry) -> bool:
    return entry.topic == InvestigationOpened.TOPIC or entry.data["outcome"] in ("mapping", "investigation")


def _ended_without_decision(inquiry: Inquiry) -> Iterator[Finding]:
    made = decisions(inquiry)
    for closing in inquiry.of(EnrolmentClosed):
        ending = [entry for entry in made if ends_support(entry)]
        if any(grants_support(entry) for entry in made) and not ending:
            yield Finding("SUPPORT_ENDED_WITHOUT_DECISION", closing.version)


def _stay(inquiry: Inquiry) -> Iterator[Finding]:
    bases = [str(basis) for decision in decisions(inquiry) for basis in many(decision.data.get("legal_basis"))]
    decided = any("§ 32" in basis and ("nr. 6" in basis or "no. 6" in basis) for basis in bases)
    for visit in inquiry.of(VisitHeld):
        if visit.data["kind"] == "residential_stay" and not decided:
            yield Finding("STAY_WITHOUT_DECISION", visit.version)


def _delay_ignored(inquiry: Inquiry) -> Iterator[Finding]:
    for decision in decisions(inquiry):
        for hearing in hearings_of(inquiry.known, decision):
            checks = [one for one in hearing_checks(inquiry.known, decision) if one.hearing == hearing.version]
            for request in delay_requests(inquiry.known, hearing):
                if request.happened <= decision.happened and all(one.response is None for one in checks):
                    detail = {"on_record": "yes" if request.recorded_at <= decision.recorded_at else "no"}
                    rests_on = (hearing.version, request.version)
                    yield Finding("STATEMENT_REQUEST_IGNORED", decision.version, rests_on, detail, str(request.version))


def _access_pending(inquiry: Inquiry) -> Iterator[Finding]:
    answered = {entry.data["request"]: entry for entry in inquiry.of(AccessRequestAnswered)}
    for decision in decisions(inquiry):
        for request in inquiry.of(AccessRequestReceived):
            answer = answered.get(request.version)
            pending = answer is None or answer.happened > decision.happened
            if request.data["kind"] == "party_access" and request.happened <= decision.happened and pending:
                yield Finding(
                    "ACCESS_PENDING_AT_DECISION", decision.version, (request.version,), {}, str(request.version)
                )


def _basis_changed(inquiry: Inquiry) -> Iterator[Finding]:
    for decision in decisions(inquiry):
        for hearing in hearings_of(inquiry.known, decision):
            for entry in inquiry.of(InvestigationCompleted):
                if hearing.happened < entry.happened <= decision.happened:
                    yield Finding(
                        "BASIS_CHANGED_AFTER_HEARING",
                        decision.version,
                        (hearing.version, entry.version),
                        {},
                        str(entry.version),
                    )


def _corrected_later(inquiry: Inquiry) -> Iterator[Finding]:
    corrections = [entry for entry in inquiry.known.entries if entry.topic == EntryCorrected.TOPIC]
    for decision in decisions(inquiry):
        facts = set(many(decision.data.get("facts")))
        for correction in corrections:
            if correction.data["corrects"] in facts and correction.recorded_at > decision.recorded_at:
                detail = {"field": correction.data["field"], "fact": correction.data["corrects"]}
                yield Finding(
                    "RELIED_ON_CORRECTED_VALUE",
                    decision.version,
                    (correction.version,),
                    detail,
                    str(correction.version),
                )


def _not_notified(inquiry: Inquiry) -> Iterator[Finding]:
    for decision in decisions(inquiry):
        holders = custody_holders(inquiry.known, decision.happened)
        sent = notified_parties(inquiry.known, str(decision.data["decision"]))
        missing = [party for party in parties_of(inquiry.known, decision, holders) if party not in sent]
        if missing or not sent:
            detail = {"missing": ", ".join(missing) or "-"}
            since = decision.happened + NOTIFY_WITHIN
            yield Finding("DECISION_NOT_NOTIFIED", decision.version, (), detail, arises_at=since)


def _not_new(inquiry: Inquiry) -> Iterator[Finding]:
    for entry in inquiry.of(NotificationReassessed):
        check = new_person_check(inquiry.known, entry)
        if not check.ok:
            detail = {"person": check.new_person}
            yield Finding("REASSESSMENT_WITHOUT_NEW_PERSON", entry.version, check.parts, detail)


def _too_early(inquiry: Inquiry) -> Iterator[Finding]:
    dates = inquiry.of(PregnancyRegistered, DueDateRevised)
    born = inquiry.of(ChildBorn)
    for decision in decisions(inquiry):
        known_then = [entry for entry in dates if entry.recorded_at <= decision.recorded_at]
        before_birth = decision.data.get("kind") == "placement_prebirth" or "§ 49" in sections_of(decision)
        if not before_birth or not known_then or any(birth.happened <= decision.happened for birth in born):
            continue
        opens = plus_months(read_day(known_then[-1].data["due_date"]), -3)
        if copenhagen_day(decision.occurred_at) < opens:
            yield Finding("SECTION_49_TOO_EARLY", decision.version, (), {"opens": opens.isoformat()})


def _plan_not_revised(inquiry: Inquiry) -> Iterator[Finding]:
    plans: Sequence[Entry] = inquiry.of(PlanAdopted)
    for decision in decisions(inquiry):
        changed = "change" in str(decision.data["outcome"]) or decision.data.get("replaces") is not None
        due = plus_months(copenhagen_day(decision.occurred_at), 3)
        later = any(plan.happened >= decision.happened for plan in plans)
        if changed and decision.data.get("plan_needed") and not later:
            yield Finding("PLAN_NOT_REVISED", decision.version, arises_at=start_of(due + timedelta(days=1)))


CHECKS: tuple[Check, ...] = (
    Check("DECISION_BEFORE_HEARING_EXPIRED", "statute", "forvaltningsloven § 19", "V",
          "Afgørelsen blev truffet {days_early} dage før, partshøringens frist {deadline} var udløbet, uden svar.",
          "The decision came {days_early} days before the hearing's deadline {deadline} was over, without an answer.", _early),
    Check("FACT_NOT_HEARD", "statute", "forvaltningsloven § 19", "V",
          "Oplysningen indgår i afgørelsen {decision}, men blev registreret, efter at partshøringen var sendt. Vurdér, om parten kendte den, eller om den er til partens fordel.",
          "The decision {decision} rests on this fact, which was recorded after the hearing was sent. Assess whether the party knew it or is favoured by it.", _unheard),
    Check("CHILD_VIEW_MISSING", "statute", "barnets lov § 5(3)-(4)", "V",
          "Det fremgår ikke, at barnets perspektiv er inddraget før afgørelsen.",
          "Nothing shows that the child's view was obtained before the decision.", _child_view),
    Check("COMPETENCE_MISSING", "statute", "ulovbestemt: kompetence og delegation", "M",
          "Det fremgår ikke, efter hvilken delegation afgørelsen er truffet.",
          "Nothing shows by which delegation the decision was made.", _competence),
    Check("COMPLAINT_GUIDANCE_MISSING", "statute", "forvaltningsloven § 25", "V",
          "Afgørelsen er ikke ledsaget af klagevejledning, og den giver ikke fuldt medhold.",
          "The decision came without complaint guidance and does not succeed in full for the party.", _guidance),
    Check("PURPOSE_OR_DURATION_MISSING", "statute", "barnets lov § 32(3)", "V",
          "Afgørelsen om støtte mangler formål eller forventet varighed: {missing}.",
          "The decision on support lacks its purpose or expected duration: {missing}.", _purpose),
    Check("LEGAL_BASIS_MISSING", "statute", "forvaltningsloven § 24", "V",
          "Afgørelsen nævner ingen retsregel.", "The decision names no rule of law.", _legal_basis),
    Check("DECISION_WITHOUT_REASONS", "statute", "forvaltningsloven §§ 22 and 24", "V",
          "En afgørelse, der ikke giver fuldt medhold, mangler begrundelse.",
          "A decision that does not succeed in full for the party lacks its reasons.", _reasons),
    Check("SUPPORT_WITHOUT_CONSENT", "statute", "barnets lov § 32(2), §§ 37-39", "M",
          "Støtten er besluttet, uden at alle, hvis samtykke kræves, havde samtykket (mangler: {missing}), og uden hjemmel til støtte uden samtykke.",
          "Support was decided while consent was missing ({missing}), and no basis for support without consent is named.", _without_consent),
    Check("SUPPORT_WITHOUT_INVESTIGATION", "statute", "barnets lov § 32(4)", "V",
          "Støtten er besluttet, uden at en afdækning eller undersøgelse var sat i gang.",
          "Support was decided although no mapping or investigation had been started.", _without_investigation),
    Check("SUPPORT_ENDED_WITHOUT_DECISION", "normal", "barnets lov §§ 99-102", "M",
          "Indsatsen er afsluttet, uden at det fremgår, at støtten er ophørt ved en afgørelse.",
          "The effort was closed, but no decision shows that the support ended.", _ended_without_decision),
    Check("STAY_WITHOUT_DECISION", "statute", "barnets lov § 32(1) no. 6", "V",
          "Et ophold uden for hjemmet er en selvstændig støtte og kræver sin egen afgørelse.",
          "A stay outside the home is a measure of its own and needs its own decision.", _stay),
    Check("STATEMENT_REQUEST_IGNORED", "statute", "forvaltningsloven § 21", "V",
          "Parten henvendte sig om partshøringen, før afgørelsen blev truffet (registreret inden: {on_record}). Det kan være et krav om udsættelse.",
          "The party spoke about the hearing before the decision was made (on record by then: {on_record}). It may be a demand to wait.", _delay_ignored),
    Check("ACCESS_PENDING_AT_DECISION", "statute", "forvaltningsloven § 9 b", "V",
          "Der blev truffet afgørelse, mens en anmodning om partsaktindsigt var ubesvaret.",
          "The decision was made while a request for party access was unanswered.", _access_pending),
    Check("BASIS_CHANGED_AFTER_HEARING", "statute", "forvaltningsloven § 19", "V",
          "Undersøgelsen blev afsluttet efter partshøringen; parten er hørt om et andet grundlag.",
          "The investigation was completed after the hearing: the party was heard about another basis.", _basis_changed),
    Check("RELIED_ON_CORRECTED_VALUE", "normal", "retssikkerhedsloven § 10; GDPR art. 16", "M",
          "Afgørelsen bygger på post {fact}, hvis felt {field} senere er rettet. Vurdér, om sagen skal genoptages.",
          "The decision rests on entry {fact}, whose field {field} was corrected later. Assess whether to reopen it.", _corrected_later),
    Check("DECISION_NOT_NOTIFIED", "statute", "forvaltningsloven § 25; barnets lov § 3", "M",
          "Det fremgår ikke, at afgørelsen er meddelt alle parter: {missing}.",
          "Nothing shows that every party was sent the decision: {missing}.", _not_notified),
    Check("REASSESSMENT_WITHOUT_NEW_PERSON", "statute", "barnets lov § 137(1)", "V",
          "{person} har tidligere deltaget i sagen og kan ikke være den nye person i genvurderingen.",
          "{person} took part in the case before and cannot be the new person of the reassessment.", _not_new),
    Check("SECTION_49_TOO_EARLY", "statute", "barnets lov § 49(3)", "V",
          "Afgørelse om anbringelse ved fødslen kunne tidligst træffes {opens}.",
          "A decision on placement at birth could be made on {opens} at the earliest.", _too_early),
    Check("PLAN_NOT_REVISED", "statute", "barnets lov § 91", "V",
          "Støtten er ændret, men barnets plan er ikke revideret.",
          "The support was changed, but the child's plan was not revised.", _plan_not_revised),
)  # fmt: skip
