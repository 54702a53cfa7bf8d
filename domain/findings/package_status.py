"""What a reviewer would point out about the status of a package and its meetings (spaed_smaabarnsteam_002, L62-82)."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from domain.entries import Entry
from domain.events.enrolment import PackageStarted
from domain.events.plan import StatusNoteWritten
from domain.findings.base import Check, Finding
from domain.findings.facts import (
    PACKAGES,
    between,
    family_present,
    meetings,
    of_programme,
    roles,
    roles_known,
)
from domain.findings.packages import period_start
from domain.inquiry import Inquiry
from domain.known import many
from domain.time import later

EARLY = timedelta(weeks=10)
"""Before this a status is early: the house's own number."""

INTERNAL, EXTERNAL, STATUS = "internal_sos", "external_sos", "status_relay_log"

ADVISER = ("social_worker", "family_adviser", "referrer")
CONTACT = ("primary_contact", "family_consultant")
COORDINATOR = ("coordinator", "team_coordinator")
SECTION = ("section_coordinator",)
TAKING_PART: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    EXTERNAL: {
        "family_adviser": ADVISER,
        "section_coordinator": SECTION,
        "team_coordinator": COORDINATOR,
        "primary_contact": CONTACT,
    },
    STATUS: {"family_adviser": ADVISER, "team_coordinator": COORDINATOR, "primary_contact": CONTACT},
}
"""Who takes part in which meeting, each with the roles that stand for it (L68-82)."""


def _notes(inquiry: Inquiry) -> list[Entry]:
    return [note for note in inquiry.of(StatusNoteWritten) if note.data["kind"] == "package_status"]


def _own_period(inquiry: Inquiry, note: Entry) -> Entry:
    """Return the start of the period a status is about; the note itself where that is not on record."""
    named = note.data.get("package"), note.data.get("period")
    starts = [e for e in inquiry.of(PackageStarted) if (e.data["package"], e.data.get("period")) == named]
    return starts[-1] if starts else note


@of_programme(PACKAGES)
def _without_sos(inquiry: Inquiry) -> Iterator[Finding]:
    held = meetings(inquiry, INTERNAL)
    versions = {meeting.version for meeting in held}
    for note in _notes(inquiry):
        begun = _own_period(inquiry, note).happened
        if note.data.get("based_on_entry") not in versions and not between(held, begun, note.happened):
            yield Finding("STATUS_WITHOUT_INTERNAL_SOS", note.version)


@of_programme(PACKAGES)
def _reviewed(inquiry: Inquiry) -> Iterator[Finding]:
    """Where nothing is said, the status meeting held after it calls for the review."""
    held = meetings(inquiry, STATUS)
    for note in _notes(inquiry):
        reviewed = note.data.get("reviewed_with_family")
        if reviewed is False or (reviewed is None and any(meeting.happened > note.happened for meeting in held)):
            yield Finding("STATUS_NOT_REVIEWED_WITH_FAMILY", note.version)


@of_programme(PACKAGES)
def _early(inquiry: Inquiry) -> Iterator[Finding]:
    """A status comes after the three months: one from their first weeks says little about them."""
    for note in _notes(inquiry):
        begun = _own_period(inquiry, note)
        if begun.version != note.version and note.happened < later(begun.happened, EARLY):
            yield Finding("STATUS_WRITTEN_EARLY", note.version, (begun.version,), {"weeks": EARLY.days // 7})


@of_programme(PACKAGES)
def _needs(inquiry: Inquiry) -> Iterator[Finding]:
    for note in _notes(inquiry):
        if note.data.get("needs_met") is None:
            yield Finding("NEEDS_NOT_ASSESSED", note.version)


@of_programme(PACKAGES)
def _without_status(inquiry: Inquiry) -> Iterator[Finding]:
    for meeting in meetings(inquiry, STATUS):
        start = period_start(inquiry, meeting)
        if start is not None and not between(_notes(inquiry), start.happened, meeting.happened):
            yield Finding("STATUS_MEETING_WITHOUT_STATUS", meeting.version, (start.version,))


@of_programme(PACKAGES)
def _external_first(inquiry: Inquiry) -> Iterator[Finding]:
    """Reading A23: the external SOS stands before the meeting with the family."""
    if inquiry.rules.setting("A23") != "yes":
        return
    for meeting in meetings(inquiry, STATUS):
        start = period_start(inquiry, meeting)
        if start is not None and not between(meetings(inquiry, EXTERNAL), start.happened, meeting.happened):
            yield Finding("STATUS_MEETING_BEFORE_EXTERNAL_SOS", meeting.version, (start.version,))


@of_programme(PACKAGES)
def _taking_part(inquiry: Inquiry) -> Iterator[Finding]:
    """Roles are only missed where everyone stands with one, and nobody where no participant is named."""
    for meeting in meetings(inquiry, *TAKING_PART):
        people, needed = many(meeting.data.get("participants")), TAKING_PART[meeting.data["type"]]
        missing = [name for name, named in needed.items() if roles_known(people) and not roles(people) & set(named)]
        if people and meeting.data["type"] == STATUS and not family_present(inquiry, meeting):
            missing.append("family")
        if missing:
            yield Finding("MEETING_WITHOUT_PARTICIPANTS", meeting.version, (), {"missing": ", ".join(missing)})


CHECKS: tuple[Check, ...] = (
    Check("STATUS_WITHOUT_INTERNAL_SOS", "must", "002 L62-66", "seed",
          "Der er skrevet status, men det fremgår ikke, at der har været intern SOS i perioden.",
          "The status was written; nothing shows an internal SOS in its period.", _without_sos),
    Check("STATUS_NOT_REVIEWED_WITH_FAMILY", "must", "002 L66", "seed",
          "Det fremgår ikke, at status er gennemgået med familien forud for statusmødet.",
          "Nothing shows that the status was gone through with the family before the status meeting.", _reviewed),
    Check("STATUS_WRITTEN_EARLY", "soft", "002 L132, L154", "seed",
          "Status er skrevet i pakkens første {weeks} uger; teksten lægger den efter de tre måneder.",
          "The status was written in the first {weeks} weeks of the package; the text puts it after the three months.", _early),
    Check("NEEDS_NOT_ASSESSED", "normal", "002 L39", "seed",
          "Det fremgår ikke af status, om barnets omsorgs- og udviklingsbehov dækkes i tilstrækkelig grad.",
          "The status does not show whether the child's needs of care and development are met sufficiently.", _needs),
    Check("STATUS_MEETING_WITHOUT_STATUS", "must", "002 L65-66", "seed",
          "Statusmødet er holdt, uden at der forinden er skrevet en status i perioden.",
          "The status meeting was held without a status written before it in the period.", _without_status),
    Check("STATUS_MEETING_BEFORE_EXTERNAL_SOS", "must", "002 L68-82", "seed",
          "Statusmødet er holdt, uden at der forinden har været ekstern SOS i perioden.",
          "The status meeting was held without an external SOS before it in the period.", _external_first),
    Check("MEETING_WITHOUT_PARTICIPANTS", "must", "002 L68-82", "seed",
          "På mødet manglede: {missing}.", "Missing at the meeting: {missing}.", _taking_part),
)  # fmt: skip
