"""What a reviewer would point out against the text of the team with three packages (spaed_smaabarnsteam_002)."""

from collections.abc import Iterator
from datetime import timedelta

from domain.calendar import plus_months
from domain.entries import Entry
from domain.events.assessment import AssessmentRecorded
from domain.events.consent import ConsentRefused
from domain.events.control import ConsultationGiven
from domain.events.enrolment import EnrolmentClosed, PackageStarted
from domain.events.meeting import MeetingHeld, RelayLogOpened
from domain.events.visit import VisitHeld
from domain.findings.base import Check, Finding
from domain.findings.facts import (
    PACKAGES,
    Run,
    between,
    by,
    consent_in_force,
    family_present,
    limit,
    meetings,
    of_programme,
    roles,
    runs,
    youngest,
)
from domain.inquiry import Inquiry
from domain.known import holds, many
from domain.time import copenhagen_day, end_of, later
from domain.visits import INFANT, over_limit, visits

PREGNANCY, TODDLER = "pregnancy", "toddler"
STARTUP = "startup"
AGENDA = ("background", "relay_log", "team_information")
HOSPITAL = "hospital_effort"
ON_VIDEO = frozenset({"mim", "pc_era", "marte_meo"})
"""Instruments whose media is a video recording."""

NETWORK = frozenset({"network", "network_person", "relative"})
RELAY_LOG_WITHIN = timedelta(days=1)


def _over(inquiry: Inquiry, index: int, code: str) -> Iterator[Finding]:
    rule = inquiry.current("P002-VISIT-MAX")
    limits = [None if rule is None else rule.limits.get(name) for name in ("per_week", "per_day")]
    every_visit = inquiry.rules.setting("A25") == "all_visits"
    for over in over_limit(inquiry.known, *limits, every_visit=every_visit)[index]:
        detail = {"period": over.period, "value": over.value, "limit": over.limit}
        yield Finding(code, over.visit, (), detail, over.period)


@of_programme(PACKAGES)
def _over_week(inquiry: Inquiry) -> Iterator[Finding]:
    return _over(inquiry, 0, "VISITS_OVER_WEEKLY_LIMIT")


@of_programme(PACKAGES)
def _over_day(inquiry: Inquiry) -> Iterator[Finding]:
    return _over(inquiry, 1, "VISITS_OVER_DAILY_LIMIT")


@of_programme(PACKAGES)
def _stay(inquiry: Inquiry) -> Iterator[Finding]:
    for stay in visits(inquiry.known, "residential_stay"):
        yield Finding("STAY_OUTSIDE_HOME", stay.version)


@of_programme(PACKAGES)
def _package_age(inquiry: Inquiry) -> Iterator[Finding]:
    infants = limit(inquiry, "P002-PACKAGE-AGE", "infant_to_months", 12)
    windows = {INFANT: (0, infants), TODDLER: (infants, limit(inquiry, "P002-PACKAGE-AGE", "toddler_to_months", 36))}
    for start in inquiry.of(PackageStarted):
        package, birth = start.data["package"], youngest(inquiry, start.happened)
        if birth is not None and not _fits(start, birth, windows.get(package)):
            yield Finding("PACKAGE_OUTSIDE_AGE", start.version, (birth.version,), {"package": package})


def _fits(start: Entry, birth: Entry, window: tuple[int, int] | None) -> bool:
    """Whether a package begins within its age; the pregnancy package has none once the child is born."""
    day, birthday = copenhagen_day(start.occurred_at), copenhagen_day(birth.occurred_at)
    return window is not None and plus_months(birthday, window[0]) <= day < plus_months(birthday, window[1])


@of_programme(PACKAGES)
def _not_renewed(inquiry: Inquiry) -> Iterator[Finding]:
    """Reading A10: whoever goes on after the three months starts a new period."""
    if inquiry.rules.setting("A10") != "new_period":
        return
    months = limit(inquiry, "P002-PERIOD", "months", 3)
    turns = inquiry.of(PackageStarted, EnrolmentClosed)
    for start in (turn for turn in turns if turn.data.get("package") in (INFANT, TODDLER)):
        last_day = plus_months(copenhagen_day(start.occurred_at), months)
        ends = end_of(last_day)
        following = next((turn.happened for turn in turns if turn.happened > start.happened), None)
        on = between(inquiry.of(VisitHeld), ends, following or inquiry.clock)[:1]
        late = later(ends, timedelta(days=limit(inquiry, "P002-PERIOD", "days", 14)))
        if on or following is None or following > late:
            detail = {"package": start.data["package"], "until": last_day.isoformat()}
            rests_on, since = tuple(visit.version for visit in on), min([late, *(visit.happened for visit in on)])
            yield Finding("PACKAGE_PERIOD_NOT_RENEWED", start.version, rests_on, detail, arises_at=since)


def _startups(inquiry: Inquiry, run: Run) -> list[Entry]:
    return between(meetings(inquiry, STARTUP), run.since, run.end(inquiry))


@of_programme(PACKAGES)
def _startup(inquiry: Inquiry) -> Iterator[Finding]:
    for run in runs(inquiry):
        if not _startups(inquiry, run):
            yield Finding("STARTUP_MEETING_MISSING", run.start.version)


@of_programme(PACKAGES)
def _agenda(inquiry: Inquiry) -> Iterator[Finding]:
    """An agenda kept as text alone is not looked into."""
    for meeting in meetings(inquiry, STARTUP):
        covered = set(many(meeting.data.get("agenda_items")))
        needed = {*AGENDA} if youngest(inquiry, meeting.happened) else {*AGENDA, HOSPITAL}
        if needed - covered and (covered or not holds(meeting, "agenda")):
            detail = {"missing": ", ".join(sorted(needed - covered))}
            yield Finding("STARTUP_AGENDA_INCOMPLETE", meeting.version, (), detail)


@of_programme(PACKAGES)
def _relay_log(inquiry: Inquiry) -> Iterator[Finding]:
    """Silent where the family refused the log."""
    opened = inquiry.of(RelayLogOpened)
    refused = [entry for entry in inquiry.of(ConsentRefused) if entry.data["kind"] == "relay_log"]
    for run in runs(inquiry):
        for meeting in _startups(inquiry, run)[:1]:
            answered = between([*opened, *refused], run.since, run.end(inquiry))
            if not answered:
                yield Finding(
                    "RELAY_LOG_NOT_OPENED", meeting.version, arises_at=later(meeting.happened, RELAY_LOG_WITHIN)
                )


@of_programme(PACKAGES)
def _video(inquiry: Inquiry) -> Iterator[Finding]:
    for meeting in meetings(inquiry, "internal_sos"):
        if not meeting.data.get("video_used") and not holds(meeting, "material"):
            yield Finding("SOS_WITHOUT_VIDEO", meeting.version)


@of_programme(PACKAGES)
def _video_consent(inquiry: Inquiry) -> Iterator[Finding]:
    used = [meeting for meeting in inquiry.of(MeetingHeld) if meeting.data.get("video_used")]
    kept = [e for e in inquiry.of(AssessmentRecorded) if e.data.get("media_hash") and e.data["instrument"] in ON_VIDEO]
    for entry in [*used, *kept]:
        if not consent_in_force(inquiry, "video_recording", entry.happened):
            yield Finding("VIDEO_WITHOUT_CONSENT", entry.version)


@of_programme(PACKAGES)
def _points(inquiry: Inquiry) -> Iterator[Finding]:
    waiting = timedelta(days=limit(inquiry, "P002-EXTERNAL-SOS", "days", 28))
    presented = [meeting for meeting in inquiry.of(MeetingHeld) if meeting.data.get("points_presented")]
    for meeting in meetings(inquiry, "external_sos"):
        told = any(other.happened >= meeting.happened for other in presented)
        if not told:
            yield Finding("POINTS_NOT_PRESENTED", meeting.version, arises_at=later(meeting.happened, waiting))


@of_programme(PACKAGES)
def _network(inquiry: Inquiry) -> Iterator[Finding]:
    for meeting in inquiry.of(MeetingHeld):
        private = roles(many(meeting.data.get("participants"))) & NETWORK
        agreed = consent_in_force(inquiry, "disclosure", meeting.happened, "network")
        if private and not family_present(inquiry, meeting) and not agreed:
            yield Finding("NETWORK_WITHOUT_PARENTS", meeting.version)


@of_programme(PACKAGES)
def _consultation(inquiry: Inquiry) -> Iterator[Finding]:
    for given in inquiry.of(ConsultationGiven):
        if not given.data["anonymous"] and not given.data.get("notification_duty_considered"):
            yield Finding("NOTIFICATION_DUTY_NOT_CONSIDERED", given.version)


def period_start(inquiry: Inquiry, entry: Entry) -> Entry | None:
    """Return the start of the period of a package in which something happened."""
    started = by(inquiry.of(PackageStarted), entry.happened)
    return started[-1] if started else None


CHECKS: tuple[Check, ...] = (
    Check("VISITS_OVER_WEEKLY_LIMIT", "must", "002 L132", "seed",
          "{value} besøg i uge {period}; højst {limit}.", "{value} visits in week {period}; at most {limit}.", _over_week),
    Check("VISITS_OVER_DAILY_LIMIT", "must", "002 L132", "seed",
          "{value} besøg den {period}; højst {limit}.", "{value} visits on {period}; at most {limit}.", _over_day),
    Check("STAY_OUTSIDE_HOME", "normal", "002 L43", "seed",
          "Familien bor hjemme under forløbet; her er et døgnophold.",
          "The family lives at home during the course; here is a residential stay.", _stay),
    Check("PACKAGE_OUTSIDE_AGE", "must", "002 L84, L109, L134", "seed",
          "Pakken {package} er begyndt uden for sin alder.",
          "The {package} package began outside its age.", _package_age),
    Check("PACKAGE_PERIOD_NOT_RENEWED", "normal", "002 L132, L154", "seed",
          "Pakken {package} varede til {until}; indsatsen fortsætter, uden at en ny periode er påbegyndt.",
          "The {package} package lasted until {until}; the effort goes on without a new period.", _not_renewed),
    Check("STARTUP_MEETING_MISSING", "must", "002 L47-54", "seed",
          "Indsatsen er begyndt, men det fremgår ikke, at der er holdt opstartsmøde.",
          "The effort began; nothing shows a start-up meeting.", _startup),
    Check("STARTUP_AGENDA_INCOMPLETE", "must", "002 L49-54", "seed",
          "Det fremgår ikke, at disse punkter blev gennemgået på opstartsmødet: {missing}.",
          "Nothing shows that the start-up meeting covered: {missing}.", _agenda),
    Check("RELAY_LOG_NOT_OPENED", "must", "002 L52", "seed",
          "Det fremgår ikke, at henviser har oprettet stafetlog.",
          "Nothing shows that the referrer opened a relay log.", _relay_log),
    Check("SOS_WITHOUT_VIDEO", "must", "002 L64", "seed",
          "Det fremgår ikke, at intern SOS tog udgangspunkt i aktuelle videooptagelser.",
          "Nothing shows that the internal SOS started from current video recordings.", _video),
    Check("VIDEO_WITHOUT_CONSENT", "must", "002 L64", "seed",
          "Der er brugt videooptagelser, men det fremgår ikke, at familien har samtykket til dem.",
          "Video was used; nothing shows a consent to video recording.", _video_consent),
    Check("POINTS_NOT_PRESENTED", "must", "002 L75", "seed",
          "Det fremgår ikke, at arbejdspunkterne fra ekstern SOS er præsenteret for familien.",
          "Nothing shows that the points of the external SOS were presented to the family.", _points),
    Check("NETWORK_WITHOUT_PARENTS", "statute", "forvaltningsloven §§ 27-28; 002 L74", "M",
          "Personer fra netværket deltog uden forældrene, og det fremgår ikke, at forældrene har samtykket til det.",
          "Persons of the network took part without the parents; nothing shows a consent to that.", _network),
    Check("NOTIFICATION_DUTY_NOT_CONSIDERED", "normal", "002 L14; barnets lov § 133", "M",
          "Teamet rådgav om en familie, der kan genkendes; det fremgår ikke, om underretningspligten er overvejet.",
          "The team advised about a family that can be recognised; nothing shows that the duty to notify was considered.", _consultation),
)  # fmt: skip
