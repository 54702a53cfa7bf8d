"""What a reviewer would point out about the terms of consents and the content of what was shared."""

from collections.abc import Iterator
from datetime import timedelta

from domain.calendar import plus_months
from domain.consents import support_givers
from domain.entries import Entry
from domain.events.administration import CaseOpened
from domain.events.child import ChildBorn, DueDateRevised, PregnancyRegistered
from domain.events.consent import ConsentGiven, DisclosureMade
from domain.events.correction import EntryCorrected
from domain.findings.base import Check, Finding
from domain.inquiry import Inquiry
from domain.known import many
from domain.time import read_day, start_of

SHARING = ("disclosure", "obtain_information", "video_recording")
SPOKEN = ("phone", "oral", "meeting", "video")
OTHER_PARENTS = ("father", "co_mother", "other_parent", "partner", "parent")
BEFORE_BIRTH = timedelta(days=28)
"""How long before the due date the house asks about the second holder of custody."""


def _without_end(inquiry: Inquiry) -> Iterator[Finding]:
    for given in inquiry.of(ConsentGiven):
        if given.data["kind"] in SHARING and given.data.get("valid_to") is None:
            yield Finding("CONSENT_WITHOUT_END", given.version, (), {"consent": given.data["consent"]})


def _over_a_year(inquiry: Inquiry) -> Iterator[Finding]:
    for given in inquiry.of(ConsentGiven):
        health = any(
            "sundhedslov" in str(law).casefold() or "SUL" in str(law) for law in many(given.data.get("legal_basis"))
        )
        last = given.data.get("valid_to")
        longest = plus_months(read_day(given.data["valid_from"]), 12)
        if health and (last is None or read_day(last) > longest):
            yield Finding("CONSENT_OVER_ONE_YEAR", given.version, (), {"consent": given.data["consent"]})


def _correction_not_told(inquiry: Inquiry) -> Iterator[Finding]:
    """What was passed on before it was corrected went out with the wrong value."""
    taken_back = {
        entry.data["annuls"]
        for entry in inquiry.known.entries
        if entry.topic == "entry_annulled" and not entry.withheld
    }
    for correction in _corrections(inquiry):
        corrected = inquiry.known.fact(correction.data["corrects"])
        if corrected is None or correction.version in taken_back or many(correction.data.get("told")):
            continue
        sent = [entry.version for entry in inquiry.of(DisclosureMade) if _went_out(entry, corrected, correction)]
        if sent:
            yield Finding("CORRECTION_NOT_TOLD", correction.version, tuple(sent), {"entry": corrected.version})


def _corrections(inquiry: Inquiry) -> Iterator[Entry]:
    for entry in inquiry.known.entries:
        if entry.topic == EntryCorrected.TOPIC and not entry.withheld and entry.happened <= inquiry.at:
            yield entry


def _went_out(sent: Entry, corrected: Entry, correction: Entry) -> bool:
    """Whether a disclosure may have held a value: recorded before, about someone the entry is about, or unnamed."""
    about = {
        str(person) for field in ("about", "subject", "child", "person") for person in many(corrected.data.get(field))
    }
    named = {str(person) for person in many(sent.data.get("about"))}
    return (
        corrected.recorded_at <= sent.recorded_at < correction.recorded_at
        and bool(about)
        and (not named or bool(named & about))
    )


def _to_nobody(inquiry: Inquiry) -> Iterator[Finding]:
    for sent in inquiry.of(DisclosureMade):
        if sent.data.get("channel") in SPOKEN and sent.data.get("recipient_person") is None:
            yield Finding("RECIPIENT_PERSON_NOT_NAMED", sent.version)


def _second_holder_ahead(inquiry: Inquiry) -> Iterator[Finding]:
    """Custody may be joint from birth: ask while there is time."""
    dates = inquiry.of(PregnancyRegistered, DueDateRevised)
    if not dates or inquiry.of(ChildBorn):
        return
    near = start_of(read_day(dates[-1].data["due_date"]) - BEFORE_BIRTH)
    givers = set(support_givers(inquiry.known, inquiry.at))
    missing = [ref for ref, role in _people(inquiry) if role in OTHER_PARENTS and ref not in givers]
    if givers and missing:
        detail = {"missing": ", ".join(missing)}
        yield Finding("SECOND_HOLDER_EXPECTED", dates[-1].version, (), detail, arises_at=near)


def _people(inquiry: Inquiry) -> Iterator[tuple[str, str]]:
    for opened in inquiry.of(CaseOpened):
        for person in opened.data["persons"]:
            yield str(person["ref"]), str(person["role"])


CHECKS: tuple[Check, ...] = (
    Check("CONSENT_WITHOUT_END", "internal", "internal standard", "internal",
          "Samtykket {consent} til at dele eller indhente oplysninger har ingen slutdato.",
          "The consent {consent} to share or obtain information has no end.", _without_end),
    Check("CONSENT_OVER_ONE_YEAR", "statute", "sundhedsloven § 44", "M",
          "Samtykket {consent} efter sundhedsloven gælder længere end et år.",
          "The consent {consent} under the Health Act runs longer than a year.", _over_a_year),
    Check("CORRECTION_NOT_TOLD", "statute", "GDPR art. 19", "M",
          "Post {entry} er rettet, efter at oplysninger var videregivet, og det fremgår ikke, at modtagerne er underrettet.",
          "Entry {entry} was corrected after information had gone out, and nothing shows that the recipients were told.", _correction_not_told),
    Check("RECIPIENT_PERSON_NOT_NAMED", "normal", "offentlighedsloven § 13; Ombudsmanden 17/02658", "V",
          "Oplysninger er givet mundtligt, og det fremgår ikke, hvem der blev talt med.",
          "Information was given by word of mouth, and nothing shows who was spoken to.", _to_nobody),
    Check("SECOND_HOLDER_EXPECTED", "internal", "barnets lov § 32(2)", "M",
          "Fødslen er nær, og forældremyndigheden kan blive fælles: spørg {missing} om samtykke.",
          "Birth is near and custody may become joint: ask {missing} for consent.", _second_holder_ahead),
)  # fmt: skip
