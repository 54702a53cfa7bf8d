"""What a reviewer would point out about the record itself: late entries, breaches, and what nobody handled."""

from collections.abc import Iterator
from datetime import timedelta

from domain.entries import Entry
from domain.events.access import DataBreachDetected, DataBreachReported
from domain.events.assessment import InvestigationOpened
from domain.events.consent import ConsentWithdrawn
from domain.events.correction import EntryAnnulled
from domain.events.decision import DecisionMade
from domain.events.people import CaseReceived, IncomingMaterialAssessed
from domain.events.referral import NotificationReceived, ScreeningRecorded
from domain.findings.base import Check, Finding
from domain.inquiry import Inquiry
from domain.known import counts_from, counts_until, many
from domain.lateness import LATE_AFTER, lag
from domain.register import ABOUT_ENTRIES
from domain.time import copenhagen_day
from domain.withheld import HIDDEN_KINDS

REPEATED = 3
WITHIN = timedelta(days=365)
READ_WITHIN = timedelta(days=7)
"""The house's own standards: how many notifications in how long call for a look, how soon material is read."""

_NO_FACTS = ABOUT_ENTRIES | {"case_opened", "person_joined"}


def _late(inquiry: Inquiry) -> Iterator[Finding]:
    rule = inquiry.current("LATE-RECORDING")
    hours = None if rule is None else rule.limits.get("hours")
    threshold = LATE_AFTER if hours is None else timedelta(hours=hours)
    for entry in inquiry.facts:
        if entry.topic not in _NO_FACTS and (waited := lag(entry)) >= threshold:
            days = (copenhagen_day(entry.recorded_at) - copenhagen_day(entry.occurred_at)).days
            detail = {"lag_hours": round(waited.total_seconds() / 3600, 2), "lag_days": days}
            yield Finding("LATE_RECORDING", entry.version, (), detail)


def _repeated(inquiry: Inquiry) -> Iterator[Finding]:
    received = inquiry.of(NotificationReceived)
    acts = inquiry.of(ScreeningRecorded, InvestigationOpened, DecisionMade)
    for index, last in enumerate(received[REPEATED - 1 :]):
        first = received[index]
        acted = any(first.happened <= act.happened <= last.happened for act in acts)
        if last.happened - first.happened <= WITHIN and not acted:
            rests_on = tuple(entry.version for entry in received[index : index + REPEATED - 1])
            yield Finding("REPEATED_NOTIFICATIONS", last.version, rests_on, {"number": REPEATED})


def _material(inquiry: Inquiry) -> Iterator[Finding]:
    read = {entry.data["material"] for entry in inquiry.of(IncomingMaterialAssessed)}
    for entry in inquiry.of(CaseReceived):
        if entry.version not in read:
            yield Finding("INCOMING_MATERIAL_NOT_READ", entry.version, arises_at=entry.happened + READ_WITHIN)


def _without_gate(inquiry: Inquiry) -> Iterator[Finding]:
    for entry in inquiry.facts:
        if entry.reported_without_gate:
            yield Finding("REPORTED_WITHOUT_GATE", entry.version)


def _awareness(inquiry: Inquiry) -> Iterator[Finding]:
    """Both facts of a breach may have been on record before anyone said they were aware of it."""
    for breach in inquiry.of(DataBreachDetected):
        about = inquiry.known.fact(breach.data.get("about"))
        if about is None:
            continue
        consents = set(many(about.data.get("consents")))
        ends = [
            entry
            for entry in inquiry.of(ConsentWithdrawn)
            if entry.data["consent"] in consents and entry.happened <= about.happened
        ]
        seen = max([about.recorded_at, *(entry.recorded_at for entry in ends)])
        if ends and seen < counts_from(breach):
            reports = _reports(inquiry, breach, "Datatilsynet")
            late = min((counts_until(report) for report in reports), default=inquiry.at) - seen > timedelta(hours=72)
            detail = {"since": copenhagen_day(seen).isoformat(), "late": "yes" if late else "no"}
            yield Finding("AWARENESS_MAY_BE_EARLIER", breach.version, tuple(entry.version for entry in ends), detail)


def _reports(inquiry: Inquiry, breach: Entry, to: str) -> list[Entry]:
    return [
        entry
        for entry in inquiry.of(DataBreachReported)
        if entry.data["breach"] == breach.version and to in many(entry.data["to"])
    ]


def _not_told(inquiry: Inquiry) -> Iterator[Finding]:
    for breach in inquiry.of(DataBreachDetected):
        if not _reports(inquiry, breach, "data_subject"):
            yield Finding("BREACH_PERSON_NOT_TOLD", breach.version)


def _wrong_person(inquiry: Inquiry) -> Iterator[Finding]:
    assessed = {entry.data.get("about") for entry in inquiry.of(DataBreachDetected)}
    for entry in inquiry.known.entries:
        moved = entry.topic == EntryAnnulled.TOPIC and entry.data.get("kind") in HIDDEN_KINDS
        if moved and not assessed & {entry.version, entry.data["annuls"]}:
            yield Finding("WRONG_PERSON_NOT_ASSESSED", entry.version, (entry.data["annuls"],))


CHECKS: tuple[Check, ...] = (
    Check("LATE_RECORDING", "internal", "offentlighedsloven § 13 (no number)", "V",
          "Registreret {lag_hours} timer, efter at oplysningen nåede kommunen.",
          "Recorded {lag_hours} hours after it reached the municipality.", _late),
    Check("REPEATED_NOTIFICATIONS", "normal", "barnets lov § 136(1); FOB 2014-19", "V",
          "{number} underretninger inden for et år, uden at der er screenet, undersøgt eller truffet afgørelse.",
          "{number} notifications within a year without screening, investigation or decision.", _repeated),
    Check("INCOMING_MATERIAL_NOT_READ", "internal", "barnets lov § 132; FOB 2014-19", "V",
          "Materiale fra en anden kommune er ikke gennemgået.",
          "Material from another municipality has not been read.", _material),
    Check("REPORTED_WITHOUT_GATE", "internal", "internal standard", "internal",
          "Handlingen er registreret bagefter, uden den kontrol, der skulle gå forud.",
          "The act was recorded afterwards, without the check that comes before it.", _without_gate),
    Check("AWARENESS_MAY_BE_EARLIER", "statute", "GDPR art. 33", "V",
          "Oplysningerne om bruddet var registreret allerede {since}. Regnet derfra er de 72 timer overskredet: {late}.",
          "The facts of the breach were on record already on {since}. Counted from there the 72 hours are exceeded: {late}.", _awareness),
    Check("BREACH_PERSON_NOT_TOLD", "normal", "GDPR art. 34", "M",
          "Det fremgår ikke, at den registrerede er underrettet om bruddet, eller hvorfor ikke.",
          "Nothing shows that the person concerned was told of the breach, or why not.", _not_told),
    Check("WRONG_PERSON_NOT_ASSESSED", "statute", "GDPR art. 33", "V",
          "En post stod på en forkert person eller sag. Vurdér, om det er et brud på persondatasikkerheden.",
          "An entry stood on the wrong person or case. Assess whether that is a breach of data protection.", _wrong_person),
)  # fmt: skip
