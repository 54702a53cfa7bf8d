"""What a reviewer would point out about the way to a decision: hearing, competence, acute danger, statements by phone."""

from collections.abc import Iterator, Mapping

from domain.custody import custody_holders
from domain.decision_kinds import against_a_party, is_placement, sections_of, without_consent
from domain.decisions import notified_parties, parties_of
from domain.entries import Entry
from domain.events.access import AccessRequestReceived
from domain.events.assessment import InvestigationCompleted, InvestigationOpened
from domain.events.base import Event
from domain.events.consent import ConsentWithdrawn
from domain.events.decision import ComplaintReceived, DecisionMade, DecisionNotified, HearingSent
from domain.events.plan import PlanAdopted
from domain.events.referral import NoteRecorded, NotificationAcuteAssessed
from domain.findings.base import Check, Finding
from domain.inquiry import Inquiry
from domain.known import holds
from domain.time import copenhagen_day, read_day

ACTS_OF_STATEMENTS: Mapping[str, type[Event]] = {
    "withdrawal": ConsentWithdrawn,
    "access_request": AccessRequestReceived,
    "complaint": ComplaintReceived,
}
"""What must follow a note that someone took back a consent, asked for access or complained."""


def _unheard_party(inquiry: Inquiry) -> Iterator[Finding]:
    for decision in inquiry.of(DecisionMade):
        if not against_a_party(decision) or decision.data.get("hearing_exception") is not None:
            continue
        heard = {
            str(hearing.data["party"])
            for hearing in inquiry.of(HearingSent)
            if hearing.data["decision_ref"] == decision.data["decision"] and hearing.happened <= decision.happened
        }
        holders = custody_holders(inquiry.known, decision.happened)
        missing = [party for party in parties_of(inquiry.known, decision, holders) if party not in heard]
        if missing or not heard:
            yield Finding("HEARING_MISSING", decision.version, (), {"missing": ", ".join(missing) or "-"})


def _competence_expired(inquiry: Inquiry) -> Iterator[Finding]:
    for decision in inquiry.of(DecisionMade):
        until = decision.data.get("competence_until")
        if until is not None and copenhagen_day(decision.occurred_at) > read_day(until):
            yield Finding("COMPETENCE_EXPIRED", decision.version, (), {"until": until})


def _plan_before(inquiry: Inquiry) -> Iterator[Finding]:
    plans = inquiry.of(PlanAdopted)
    for decision in inquiry.of(DecisionMade):
        placed = is_placement(decision) and without_consent(decision)
        if placed and not any(plan.happened <= decision.happened for plan in plans):
            yield Finding("PLAN_BEFORE_PLACEMENT_MISSING", decision.version)


def _alternatives(inquiry: Inquiry) -> Iterator[Finding]:
    for decision in inquiry.of(DecisionMade):
        if (without_consent(decision) or is_placement(decision)) and not holds(decision, "alternatives"):
            yield Finding("ALTERNATIVES_NOT_STATED", decision.version)


def _investigation_not_told(inquiry: Inquiry) -> Iterator[Finding]:
    """Opening an investigation is itself a decision, of which the parties are told."""
    for opened in inquiry.of(InvestigationOpened):
        decided = [entry for entry in inquiry.of(DecisionMade) if _opens_investigation(entry)]
        if not any(notified_parties(inquiry.known, str(entry.data["decision"])) for entry in decided):
            yield Finding("INVESTIGATION_NOT_NOTIFIED", opened.version)


def _opens_investigation(decision: Entry) -> bool:
    kinds = (str(decision.data.get("kind") or ""), str(decision.data["outcome"]))
    return any("investigat" in kind for kind in kinds) or "§ 20" in sections_of(decision)


def _views(inquiry: Inquiry) -> Iterator[Finding]:
    for completed in inquiry.of(InvestigationCompleted):
        if not holds(completed, "views"):
            yield Finding("INVESTIGATION_WITHOUT_VIEWS", completed.version)


def _danger(inquiry: Inquiry) -> Iterator[Finding]:
    for assessed in inquiry.of(NotificationAcuteAssessed):
        if assessed.data["danger"] and not holds(assessed, "acute_action"):
            yield Finding("DANGER_WITHOUT_ACTION", assessed.version)


def _statements(inquiry: Inquiry) -> Iterator[Finding]:
    """A note that says a right was used is not the same as the entry that makes it count."""
    for note in inquiry.of(NoteRecorded):
        kind = ACTS_OF_STATEMENTS.get(str(note.data.get("statement_kind")))
        day = copenhagen_day(note.occurred_at)
        if kind is not None and not any(copenhagen_day(act.occurred_at) >= day for act in inquiry.of(kind)):
            yield Finding("STATEMENT_NOT_ACTED_ON", note.version, (), {"kind": note.data["statement_kind"]})


def _without_guidance(inquiry: Inquiry) -> Iterator[Finding]:
    for sent in inquiry.of(DecisionNotified):
        if sent.data.get("complaint_guidance") is not True and not sent.data.get("fully_favourable"):
            yield Finding("NOTIFIED_WITHOUT_GUIDANCE", sent.version, (), {"decision": sent.data["decision"]})


CHECKS: tuple[Check, ...] = (
    Check("HEARING_MISSING", "statute", "forvaltningsloven § 19", "V",
          "Afgørelsen går en part imod, og det fremgår ikke, at {missing} er hørt, eller hvorfor ikke.",
          "The decision goes against a party, and nothing shows that {missing} was heard, or why not.", _unheard_party),
    Check("COMPETENCE_EXPIRED", "statute", "ulovbestemt: kompetence og delegation", "M",
          "Delegationen, som afgørelsen henviser til, gjaldt til {until}.",
          "The delegation the decision refers to was valid until {until}.", _competence_expired),
    Check("PLAN_BEFORE_PLACEMENT_MISSING", "statute", "barnets lov § 91", "V",
          "Ved anbringelse uden samtykke skal barnets plan foreligge før afgørelsen.",
          "With placement without consent the child's plan comes before the decision.", _plan_before),
    Check("ALTERNATIVES_NOT_STATED", "normal", "ulovbestemt: proportionalitet", "M",
          "Det fremgår ikke, om mindre indgribende støtte er overvejet.",
          "Nothing shows whether less intrusive support was considered.", _alternatives),
    Check("INVESTIGATION_NOT_NOTIFIED", "statute", "barnets lov § 20(1); 001 L130", "V",
          "Undersøgelsen er sat i gang, og det fremgår ikke, at forældrene har fået afgørelsen om den.",
          "The investigation was opened, and nothing shows that the parents were sent the decision on it.", _investigation_not_told),
    Check("INVESTIGATION_WITHOUT_VIEWS", "statute", "barnets lov § 22", "V",
          "Undersøgelsen skal gengive forældremyndighedsindehaverens og barnets holdning; det fremgår ikke.",
          "The investigation states the view of the custody holder and of the child; nothing shows it.", _views),
    Check("DANGER_WITHOUT_ACTION", "statute", "barnets lov § 136(2)", "M",
          "Barnet blev vurderet at være i fare, og det fremgår ikke, hvad der straks blev gjort.",
          "The child was assessed to be in danger, and nothing shows what was done at once.", _danger),
    Check("STATEMENT_NOT_ACTED_ON", "must", "offentlighedsloven § 13; FOB 2017-8", "V",
          "Et notat siger, at nogen har brugt en ret ({kind}), men den er ikke registreret, så den virker.",
          "A note says that someone used a right ({kind}), but it was not recorded so that it counts.", _statements),
    Check("NOTIFIED_WITHOUT_GUIDANCE", "statute", "forvaltningsloven § 25", "V",
          "Afgørelsen {decision} er sendt uden klagevejledning og giver ikke fuldt medhold: klagefristen løber ikke.",
          "The decision {decision} was sent without guidance and does not succeed in full: the time to complain does not run.", _without_guidance),
)  # fmt: skip
