"""What a reviewer would point out against the text of the infant and toddler effort (spaed_smaaboern_000)."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise

from domain.calendar import completed_months, iso_week, plus_months, week_start, weeks
from domain.entries import Entry
from domain.events.child import ChildBorn
from domain.events.decision import DecisionMade
from domain.events.plan import FollowUpHeld, StatusNoteWritten
from domain.events.visit import SupportLevelSet, VisitHeld
from domain.findings.base import Check, Finding
from domain.findings.facts import (
    INFANTS,
    SOCIAL_WORKER,
    Run,
    between,
    by,
    limit,
    of_programme,
    runs,
    youngest,
)
from domain.inquiry import Inquiry
from domain.known import holds, many
from domain.time import copenhagen_day, later, read_instant, start_of
from domain.visits import HOME_VISIT, WEEKLY, weekly_notes

FAMILY_CONSULTANT_SUPPORT = "family_consultant_support"
A_WEEK = timedelta(days=7)
LONGEST = timedelta(weeks=4 * 52)
"""How long weeks are counted: from early pregnancy through the third year of life no effort lasts longer."""

AHEAD = timedelta(weeks=8)
"""How far ahead weeks are told of while support runs, so that time alone brings the finding of each."""


@of_programme(INFANTS)
def _weekly(inquiry: Inquiry) -> Iterator[Finding]:
    if inquiry.rules.setting("A6") == "seven_days":
        return
    for run in runs(inquiry):
        first, last = iso_week(copenhagen_day(run.start.happened)), iso_week(_last_week(inquiry, run))
        for week in weekly_notes(inquiry.known, first, last).missing:
            yield Finding("WEEKLY_NOTE_MISSING", run.start.version, (), {"week": week}, week, arises_at=_over(week))


def _last_week(inquiry: Inquiry, run: Run) -> date:
    """Return a day of the last week that is over before the support ends, or that is told of ahead while it runs."""
    end = later(inquiry.at, AHEAD) if run.closing is None else run.closing.happened
    return copenhagen_day(min(end, later(run.start.happened, LONGEST))) - A_WEEK


def _over(week: str) -> datetime:
    """Return when a week is over."""
    return start_of(week_start(week) + A_WEEK)


@of_programme(INFANTS)
def _seven_days(inquiry: Inquiry) -> Iterator[Finding]:
    """Reading A6: two notes, and the start and the first of them, are at most seven days apart."""
    if inquiry.rules.setting("A6") != "seven_days":
        return
    most = limit(inquiry, "P000-WEEKLY-NOTE", "max_days", 7)
    for run in runs(inquiry):
        notes = between(_notes(inquiry), run.start.happened, run.end(inquiry))
        days = [copenhagen_day(entry.occurred_at) for entry in (run.start, *notes)]
        end = date.max if run.closing is None else copenhagen_day(run.closing.happened)
        for before, after in pairwise([*days, end]):
            if (after - before).days > most:
                detail = {"since": before.isoformat(), "most": most}
                late = start_of(before + timedelta(days=most + 1))
                start, key = run.start.version, before.isoformat()
                yield Finding("WEEKLY_NOTES_TOO_FAR_APART", start, (), detail, key, arises_at=late)


def _notes(inquiry: Inquiry) -> list[Entry]:
    return [note for note in inquiry.of(StatusNoteWritten) if note.data["kind"] == WEEKLY]


@of_programme(INFANTS)
def _without_family(inquiry: Inquiry) -> Iterator[Finding]:
    for note in _notes(inquiry):
        if note.data.get("with_family") is False:
            yield Finding("WEEKLY_NOTE_WITHOUT_FAMILY", note.version)


@of_programme(INFANTS)
def _few_visits(inquiry: Inquiry) -> Iterator[Finding]:
    """Silent where single visits are not kept in this case at all."""
    held = inquiry.of(VisitHeld)
    least = limit(inquiry, "P000-VISIT-MIN-1W", "per_week", 1)
    for run in runs(inquiry):
        own = between(held, run.start.happened, run.end(inquiry))
        if not any(visit.data["kind"] == HOME_VISIT for visit in own):
            continue
        visited = Counter(week for visit in own for week in _weeks_of(visit))
        for week in _whole_weeks(inquiry, run):
            if visited[week] < least:
                yield Finding("VISITS_BELOW_WEEKLY", run.start.version, (), {"week": week}, week, arises_at=_over(week))


def _weeks_of(visit: Entry) -> Iterator[str]:
    """Yield the ISO weeks a visit lay in: more than one for a stay."""
    first = last = copenhagen_day(visit.occurred_at)
    if visit.data.get("started") and visit.data.get("ended"):
        first, last = (copenhagen_day(read_instant(visit.data[name])) for name in ("started", "ended"))
    return weeks(iso_week(first), iso_week(last))


def _whole_weeks(inquiry: Inquiry, run: Run) -> Iterator[str]:
    return weeks(iso_week(copenhagen_day(run.start.happened) + A_WEEK), iso_week(_last_week(inquiry, run)))


@of_programme(INFANTS)
def _not_social_worker(inquiry: Inquiry) -> Iterator[Finding]:
    births = inquiry.of(ChildBorn)
    for held in inquiry.of(FollowUpHeld):
        role = held.data.get("held_by") or held.actor.role
        if by(births, held.happened) and role != SOCIAL_WORKER:
            yield Finding("FOLLOW_UP_NOT_BY_SOCIAL_WORKER", held.version, (), {"role": role})


@of_programme(INFANTS)
def _without_status(inquiry: Inquiry) -> Iterator[Finding]:
    notes = inquiry.of(StatusNoteWritten)
    for run in runs(inquiry):
        held = between(inquiry.of(FollowUpHeld), run.start.happened, run.end(inquiry))
        for before, follow_up in pairwise([run.start, *held]):
            own = between(notes, before.happened, follow_up.happened)
            if not own and not many(follow_up.data.get("based_on_entries")):
                yield Finding("FOLLOW_UP_WITHOUT_STATUS", follow_up.version, (before.version,))


@of_programme(INFANTS)
def _sufficiency(inquiry: Inquiry) -> Iterator[Finding]:
    for held in inquiry.of(FollowUpHeld):
        if held.data.get("support_sufficient") is None:
            yield Finding("SUFFICIENCY_NOT_ASSESSED", held.version)


@of_programme(INFANTS)
def _insufficient(inquiry: Inquiry) -> Iterator[Finding]:
    """Support found insufficient at one follow-up is changed, or decided upon, before the next."""
    changes = inquiry.of(SupportLevelSet, DecisionMade)
    for before, after in pairwise(inquiry.of(FollowUpHeld)):
        twice = [held.data.get("support_sufficient") for held in (before, after)] == [False, False]
        if twice and not between(changes, before.happened, after.happened):
            yield Finding("INSUFFICIENT_SUPPORT_UNCHANGED", after.version, (before.version,))


@of_programme(INFANTS)
def _compensating(inquiry: Inquiry) -> Iterator[Finding]:
    for held in inquiry.of(VisitHeld):
        compensating = "compensating_practical" in many(held.data.get("help_kind"))
        if compensating and {"emotional_care", "safety"} & set(many(held.data.get("content"))):
            yield Finding("COMPENSATING_CARE", held.version)


@of_programme(INFANTS)
def _horizon(inquiry: Inquiry) -> Iterator[Finding]:
    follow_ups = inquiry.of(FollowUpHeld)
    for birth in inquiry.of(ChildBorn):
        horizon = start_of(plus_months(copenhagen_day(birth.occurred_at), 12))
        running = any(_runs_over(run, horizon) for run in runs(inquiry))
        last = by(follow_ups, horizon)[-1:]
        if running and last and last[0].data["progress"] == "insufficient":
            yield Finding("HORIZON_PASSED_WITHOUT_PROGRESS", birth.version, (last[0].version,), arises_at=horizon)


def _runs_over(run: Run, instant: datetime) -> bool:
    """Whether support begun before an instant is not closed by then."""
    return run.start.happened < instant and (run.closing is None or run.closing.happened > instant)


@of_programme(INFANTS)
def _transfer(inquiry: Inquiry) -> Iterator[Finding]:
    end = inquiry.current("P000-END-2Y")
    months = end.due.n if end is not None and end.due is not None and end.due.n else 24
    for run in runs(inquiry):
        closing = run.closing
        birth = youngest(inquiry, closing.happened) if closing is not None else None
        if closing is None or birth is None:
            continue
        aged = completed_months(copenhagen_day(birth.occurred_at), copenhagen_day(closing.occurred_at)) >= months
        if (aged or closing.data["reason"] == "age_limit") and not _transferred(closing):
            yield Finding("CLOSED_WITHOUT_TRANSFER", closing.version, (birth.version,))


def _transferred(closing: Entry) -> bool:
    """Whether a closing names family-consultant support, or a next measure that only its text tells."""
    code = closing.data.get("next_measure_code")
    return code == FAMILY_CONSULTANT_SUPPORT or (code is None and holds(closing, "next_measure"))


CHECKS: tuple[Check, ...] = (
    Check("WEEKLY_NOTE_MISSING", "must", "000 L54", "seed",
          "Statusnotat mangler for uge {week}.", "The status note for week {week} is missing.", _weekly),
    Check("WEEKLY_NOTES_TOO_FAR_APART", "must", "000 L54", "seed",
          "Der gik mere end {most} dage fra {since} uden et nyt statusnotat.",
          "More than {most} days went by from {since} without another status note.", _seven_days),
    Check("WEEKLY_NOTE_WITHOUT_FAMILY", "must", "000 L54", "seed",
          "Den ugentlige opfølgning er holdt uden familien.",
          "The weekly follow-up was held without the family.", _without_family),
    Check("VISITS_BELOW_WEEKLY", "soft", "000 L33", "seed",
          "Der er ikke registreret besøg i uge {week}.", "No visit is on record for week {week}.", _few_visits),
    Check("FOLLOW_UP_NOT_BY_SOCIAL_WORKER", "must", "000 L54", "seed",
          "Opfølgningen skal holdes af socialrådgiveren; her er den holdt af {role}.",
          "The follow-up is the social worker's; here {role}.", _not_social_worker),
    Check("FOLLOW_UP_WITHOUT_STATUS", "must", "000 L54", "seed",
          "Det fremgår ikke, at der er kommet en status fra fagpersonerne siden forrige opfølgning.",
          "Nothing shows a status from the professionals since the follow-up before.", _without_status),
    Check("SUFFICIENCY_NOT_ASSESSED", "normal", "000 L5", "seed",
          "Det fremgår ikke, om støtten er vurderet som fuldt ud tilstrækkelig.",
          "Nothing shows whether the support was judged fully sufficient.", _sufficiency),
    Check("INSUFFICIENT_SUPPORT_UNCHANGED", "must", "000 L5, L54", "seed",
          "Støtten er for anden gang vurderet som utilstrækkelig, uden at den er ændret imens.",
          "The support was judged insufficient a second time and was not changed meanwhile.", _insufficient),
    Check("COMPENSATING_CARE", "must", "000 L46", "seed",
          "Kompenserende hjælp må kun være praktisk, aldrig følelsesmæssig omsorg og sikkerhed.",
          "Compensating help is practical only, never emotional care and safety.", _compensating),
    Check("HORIZON_PASSED_WITHOUT_PROGRESS", "normal", "000 L29", "seed",
          "Barnet er fyldt 1 år, og den seneste opfølgning viste ikke tilstrækkelig udvikling. Vurdér, om indsatsen fortsat er den rette.",
          "The child has turned one, and the last follow-up showed too little progress. Assess whether this effort is still the right one.", _horizon),
    Check("CLOSED_WITHOUT_TRANSFER", "soft", "000 L54", "seed",
          "Indsatsen er afsluttet ved aldersgrænsen, men det fremgår ikke, at familien er udsluset til familiekonsulentstøtte.",
          "The effort was closed at the age limit; nothing shows a transfer to family-consultant support.", _transfer),
)  # fmt: skip
