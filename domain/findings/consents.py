"""What a reviewer would point out about consents, and about what was passed on or taken in on them."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from domain.consents import consent_ids, consent_status, periods, support_givers
from domain.custody import children, custody_holders, one_person
from domain.disclosures import CONSENT, COVERED, EMERGENCY, LAW, NOT_COVERED, Cover, holds_law
from domain.entries import Entry
from domain.events.assessment import InvestigationOpened
from domain.events.child import ChildBorn, CustodyRecorded
from domain.events.consent import ConsentGiven, DisclosureMade, InformationObtained
from domain.events.control import ConsultationGiven, MinutesDistributed, SupervisionHeld
from domain.events.enrolment import InterventionStarted
from domain.events.meeting import MeetingHeld, RelayLogOpened
from domain.findings.base import Check, Finding
from domain.inquiry import Inquiry
from domain.known import many
from domain.withdrawals import gone_out

EXPIRES_WITHIN = timedelta(days=30)
MEETING, WARDS = "professional_meeting_without_parents", ("hospital", "ward", "maternity", "sygehus", "føde")


def _second_holder(inquiry: Inquiry) -> Iterator[Finding]:
    """Joint custody, and support began or went on while a holder had not consented, or has still not."""
    for record in inquiry.of(CustodyRecorded):
        holders = tuple(record.data["holders"])
        if len(holders) < 2:
            continue
        missing = {one for at in _reviewed_at(inquiry, record) for one in _without_consent(inquiry, holders, at)}
        if missing:
            now = set(_without_consent(inquiry, holders, inquiry.at))
            detail = {"missing": ", ".join(sorted(missing)), "still": "yes" if missing & now else "no"}
            yield Finding("CONSENT_SECOND_CUSTODY_HOLDER_MISSING", record.version, (), detail)


def _reviewed_at(inquiry: Inquiry, record: Entry) -> Iterator[datetime]:
    """Yield when a record of custody was looked at: once support ran under it, and now while it is the latest."""
    child = record.data["child"]
    later = [
        e.happened for e in inquiry.of(CustodyRecorded) if e.data["child"] == child and e.happened > record.happened
    ]
    until = min(later, default=None)
    begun = [entry.happened for entry in inquiry.of(InterventionStarted)]
    if inquiry.supported(record.happened):
        yield record.happened
    yield from (at for at in begun if at > record.happened and (until is None or at < until))
    if until is None:
        yield inquiry.at


def _without_consent(inquiry: Inquiry, holders: tuple[str, ...], at: datetime) -> tuple[str, ...]:
    """Return which holders had no consent to support in force at an instant, where anybody had one."""
    givers = set(support_givers(inquiry.known, at))
    return tuple(one for one in holders if givers and givers.isdisjoint(one_person(inquiry.known, one)))


def _custody_unknown(inquiry: Inquiry) -> Iterator[Finding]:
    for child in children(inquiry.known):
        births = [e for e in inquiry.of(ChildBorn) if e.data["child"] == child]
        started = bool(inquiry.of(InterventionStarted))
        if births and started and not custody_holders(inquiry.known, inquiry.clock, child):
            yield Finding("CUSTODY_UNKNOWN", births[0].version)


def _after_withdrawal(inquiry: Inquiry) -> Iterator[Finding]:
    for entry, both in inquiry.covered:
        if both.by_record_then.answer == COVERED and both.by_all_facts.answer == NOT_COVERED:
            yield _uncovered("DISCLOSURE_AFTER_WITHDRAWAL", entry, both.by_all_facts)


def _not_covered(inquiry: Inquiry) -> Iterator[Finding]:
    for entry, both in inquiry.covered:
        never = both.by_record_then.answer == NOT_COVERED == both.by_all_facts.answer
        if never and entry.data["basis"] == CONSENT:
            yield _uncovered("DISCLOSURE_NOT_COVERED", entry, both.by_all_facts)


def _covered_afterwards(inquiry: Inquiry) -> Iterator[Finding]:
    """A consent put on record later does not undo that the register held none when the disclosure was recorded."""
    for entry, both in inquiry.covered:
        if both.by_record_then.answer == NOT_COVERED and both.by_all_facts.answer == COVERED:
            yield _uncovered("DISCLOSURE_COVERED_AFTERWARDS", entry, both.by_record_then)


def _uncovered(code: str, entry: Entry, cover: Cover) -> Finding:
    return Finding(code, entry.version, (), {"gaps": ", ".join(sorted({gap.reason for gap in cover.gaps}))})


def _overridden(inquiry: Inquiry) -> Iterator[Finding]:
    """What the gate said when the disclosure was made stands, whatever is recorded later."""
    for entry in inquiry.of(DisclosureMade):
        gates = many(entry.data.get("overridden_gates"))
        if gates:
            yield Finding("DISCLOSURE_GATE_OVERRIDDEN", entry.version, (), {"gaps": ", ".join(map(str, gates))})


def _no_basis(inquiry: Inquiry) -> Iterator[Finding]:
    """Anything but consent and emergency rests on a law, whatever the sender calls it."""
    for entry in inquiry.of(DisclosureMade, InformationObtained):
        basis = entry.data["basis"]
        claims_law = basis == LAW or (entry.topic == DisclosureMade.TOPIC and basis not in (CONSENT, EMERGENCY))
        if claims_law and not holds_law(entry.data):
            yield Finding("DISCLOSURE_BASIS_NOT_STATED", entry.version)


def _emergency(inquiry: Inquiry) -> Iterator[Finding]:
    for entry in inquiry.of(DisclosureMade):
        if entry.data["basis"] == EMERGENCY and not holds_law(entry.data):
            yield Finding("DISCLOSURE_IN_EMERGENCY", entry.version)


def _other_person(inquiry: Inquiry) -> Iterator[Finding]:
    """A professional meeting without the parents is discussed with the consent of each who is a subject."""
    subjects = {
        str(person): entry.version
        for entry in inquiry.of(InvestigationOpened)
        for person in many(entry.data.get("subject"))
    }
    adults = {person: version for person, version in subjects.items() if person not in children(inquiry.known)}
    for meeting in _professional_meetings(inquiry):
        givers = set(_givers(inquiry, MEETING, meeting))
        missing = sorted(person for person in adults if person not in givers)
        if givers and missing:
            rests_on = tuple(sorted({adults[person] for person in missing}))
            yield Finding("CONSENT_OTHER_PERSON_MISSING", meeting.version, rests_on, {"missing": ", ".join(missing)})


def _professional_meetings(inquiry: Inquiry) -> Iterator[Entry]:
    types = ["meeting_1_professional"]
    if inquiry.rules.setting("A16") == "start_up_only":
        types.append("team_ad_hoc")
    for entry in inquiry.of(MeetingHeld):
        if entry.data["type"] in types and not entry.data.get("parents_present"):
            yield entry


def _givers(inquiry: Inquiry, kind: str, meeting: Entry) -> Iterator[str]:
    """Yield who had a consent of a kind in force at a meeting, which for ad hoc ones must name them."""
    for consent in consent_ids(inquiry.known):
        found = consent_status(inquiry.known, consent, meeting.happened)
        named = meeting.data["type"] != "team_ad_hoc" or "meeting:team_ad_hoc" in found.scope
        if named and found.in_force and found.given is not None and found.given.data["kind"] == kind:
            yield str(found.given.data["given_by"])


def _meeting_without(inquiry: Inquiry) -> Iterator[Finding]:
    if inquiry.programme != "smaaboernsteam_001":
        return
    for meeting in _professional_meetings(inquiry):
        kinds = [MEETING] if meeting.data["type"] == "team_ad_hoc" else [MEETING, "disclosure"]
        missing = [kind for kind in kinds if not any(True for _ in _givers(inquiry, kind, meeting))]
        if missing:
            yield Finding("MEETING_WITHOUT_CONSENT", meeting.version, (), {"missing": ", ".join(missing)})


def _hospital(inquiry: Inquiry) -> Iterator[Finding]:
    if inquiry.programme != "smaaboernsteam_001":
        return
    for birth in inquiry.of(ChildBorn):
        found = [consent_status(inquiry.known, consent, birth.happened) for consent in consent_ids(inquiry.known)]
        asked = [one for one in found if one.entry is not None and _for_ward(inquiry, one.consent)]
        if asked and not any(one.in_force for one in asked):
            yield Finding("HOSPITAL_CONSENT_NOT_IN_FORCE", birth.version, (), {"status": asked[-1].status})


def _for_ward(inquiry: Inquiry, consent: str) -> bool:
    given = [entry for entry in inquiry.of(ConsentGiven) if entry.data["consent"] == consent]
    return any(ward in str(item).casefold() for entry in given for item in entry.data["scope"] for ward in WARDS)


def _expiring(inquiry: Inquiry) -> Iterator[Finding]:
    for consent in consent_ids(inquiry.known):
        for period in periods(inquiry.known, consent)[-1:]:
            ends = period.ends
            if ends is not None and period.ended_by is None:
                detail, since = {"consent": consent}, ends - EXPIRES_WITHIN
                yield Finding("CONSENT_EXPIRES_SOON", period.begun_by, (), detail, arises_at=since, ends_at=ends)


def _relay_log(inquiry: Inquiry) -> Iterator[Finding]:
    for log in inquiry.of(RelayLogOpened):
        if not consent_status(inquiry.known, log.data["consent"], log.happened).in_force:
            yield Finding("RELAY_LOG_WITHOUT_CONSENT", log.version)


def _recipient_not_told(inquiry: Inquiry) -> Iterator[Finding]:
    withdrawals: dict[int, set[int]] = {}
    untold: dict[int, set[str]] = {}
    for consent in consent_ids(inquiry.known):
        for row in gone_out(inquiry.known, consent, inquiry.at):
            if row.untold:
                version = row.disclosure.version
                withdrawals.setdefault(version, set()).update(one.version for one in row.withdrawals)
                untold.setdefault(version, set()).update(row.untold)
    for version in withdrawals:
        detail = {"recipients": ", ".join(sorted(untold[version]))}
        yield Finding("RECIPIENT_NOT_TOLD", version, tuple(sorted(withdrawals[version])), detail)


def _minutes(inquiry: Inquiry) -> Iterator[Finding]:
    for sent in inquiry.of(MinutesDistributed):
        if not sent.data["filed"]:
            yield Finding("MINUTES_NOT_FILED", sent.version)


def _supervision(inquiry: Inquiry) -> Iterator[Finding]:
    for held in inquiry.of(SupervisionHeld):
        if held.data["external"] and not held.data["anonymised"] and not held.data.get("basis"):
            yield Finding("SUPERVISION_IDENTIFIABLE", held.version)


def _consultation(inquiry: Inquiry) -> Iterator[Finding]:
    for given in inquiry.of(ConsultationGiven):
        if not given.data["anonymous"] and not given.data.get("basis"):
            yield Finding("CONSULTATION_IDENTIFIABLE", given.version)


def _obtained(inquiry: Inquiry) -> Iterator[Finding]:
    for entry, both in inquiry.covered:
        obtained = entry.topic == InformationObtained.TOPIC and entry.data["basis"] not in (CONSENT, LAW)
        if obtained and both.by_all_facts.answer == NOT_COVERED:
            yield Finding("INFORMATION_WITHOUT_BASIS", entry.version)


CHECKS: tuple[Check, ...] = (
    Check("CONSENT_SECOND_CUSTODY_HOLDER_MISSING", "statute", "barnets lov § 32(2); forældreansvarsloven § 3", "M",
          "Fælles forældremyndighed: støtten løb uden samtykke fra {missing} (mangler stadig: {still}).",
          "Joint custody: consent to support is missing from {missing}.", _second_holder),
    Check("CUSTODY_UNKNOWN", "normal", "barnets lov § 32(2)", "M",
          "Barnet får støtte, men det fremgår ikke, hvem der har forældremyndigheden.",
          "The child receives support, but nothing shows who holds custody.", _custody_unknown),
    Check("DISCLOSURE_AFTER_WITHDRAWAL", "statute", "forvaltningsloven § 28", "V",
          "Samtykket svigter som grundlag, når alle oplysninger tages med ({gaps}); et andet grundlag er ikke angivet.",
          "By all facts the consent fails as a basis ({gaps}); no other basis is stated.", _after_withdrawal),
    Check("DISCLOSURE_NOT_COVERED", "statute", "forvaltningsloven § 28", "V",
          "Samtykket dækker ikke videregivelsen ({gaps}); et andet grundlag er ikke angivet.",
          "The consent does not cover the disclosure ({gaps}); no other basis is stated.", _not_covered),
    Check("DISCLOSURE_GATE_OVERRIDDEN", "must", "internal standard", "internal",
          "Videregivelsen er gennemført med en begrundelse, selv om kontrollen standsede den ({gaps}): lederen vurderer den.",
          "The disclosure was made with a reason although its gate stood against it ({gaps}): the supervisor assesses it.", _overridden),
    Check("DISCLOSURE_COVERED_AFTERWARDS", "normal", "forvaltningsloven § 28", "V",
          "Da videregivelsen blev registreret, var den ikke dækket ({gaps}); det, der dækker den, er først registreret senere.",
          "When the disclosure was recorded it was not covered ({gaps}); what covers it was recorded only later.", _covered_afterwards),
    Check("DISCLOSURE_IN_EMERGENCY", "normal", "forvaltningsloven § 28", "M",
          "Oplysninger er videregivet i en nødsituation, uden at loven er angivet: angiv den bagefter.",
          "Information was passed on in an emergency without naming the law: name it afterwards.", _emergency),
    Check("DISCLOSURE_BASIS_NOT_STATED", "statute", "forvaltningsloven § 28", "V",
          "Videregivelsen hviler ikke på samtykke, og loven er ikke angivet.",
          "The disclosure does not rest on consent, and the law is not named.", _no_basis),
    Check("CONSENT_OTHER_PERSON_MISSING", "must", "001 L132; GDPR art. 4(11)", "V",
          "En person drøftes uden selv at have samtykket: {missing}.",
          "A person is discussed without their own consent: {missing}.", _other_person),
    Check("MEETING_WITHOUT_CONSENT", "must", "001 L132", "seed",
          "Fag-fagligt møde uden samtykke ({missing}).",
          "A professional meeting without consent ({missing}).", _meeting_without),
    Check("HOSPITAL_CONSENT_NOT_IN_FORCE", "must", "001 L149", "seed",
          "Samtykket til kontakt med fødeafdelingen gjaldt ikke ved fødslen ({status}).",
          "The consent to contact the maternity ward was not in force at birth ({status}).", _hospital),
    Check("CONSENT_EXPIRES_SOON", "internal", "internal standard", "internal",
          "Samtykket {consent} udløber inden for 30 dage.",
          "The consent {consent} expires within 30 days.", _expiring),
    Check("RELAY_LOG_WITHOUT_CONSENT", "must", "002 L47-54", "seed",
          "Stafetloggen er oprettet uden et gældende samtykke.",
          "The relay log was opened without a consent in force.", _relay_log),
    Check("RECIPIENT_NOT_TOLD", "normal", "GDPR art. 19", "M",
          "Samtykket er trukket tilbage; det fremgår ikke, at {recipients} har fået det at vide.",
          "The consent was withdrawn; nothing shows that {recipients} was told.", _recipient_not_told),
    Check("MINUTES_NOT_FILED", "must", "offentlighedsloven § 15; 001 L141", "V",
          "Referatet er sendt ud, men ikke journaliseret.",
          "The minutes were sent out but not filed.", _minutes),
    Check("SUPERVISION_IDENTIFIABLE", "must", "forvaltningsloven § 28; 001 L75", "V",
          "En genkendelig sag er drøftet med en ekstern supervisor uden angivet grundlag.",
          "An identifiable case was taken to an outside supervisor without a stated basis.", _supervision),
    Check("CONSULTATION_IDENTIFIABLE", "must", "forvaltningsloven § 28; 002 L14", "V",
          "En genkendelig familie er drøftet i konsultativ bistand uden angivet grundlag.",
          "An identifiable family was discussed in a consultation without a stated basis.", _consultation),
    Check("INFORMATION_WITHOUT_BASIS", "statute", "retssikkerhedsloven §§ 11 a and 11 c", "V",
          "Oplysninger er indhentet uden angivet grundlag.",
          "Information was obtained without a stated basis.", _obtained),
)  # fmt: skip
