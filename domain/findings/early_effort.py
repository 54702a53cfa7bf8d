"""What a reviewer would point out against the text of the early effort (tidlig_indsats_003)."""

from collections.abc import Iterator
from itertools import pairwise

from domain.courses import WITHIN, duration, number
from domain.custody import birth_of, children
from domain.entries import Entry
from domain.events.enrolment import EnrolmentClosed
from domain.events.plan import FollowUpHeld
from domain.events.referral import CaseAllocated
from domain.events.visit import AttentionRaised, SupportLevelSet, VisitHeld
from domain.findings.base import Check, Finding
from domain.findings.facts import CONSULTANT, EARLY, Run, between, of_programme, runs, staff_in
from domain.inquiry import Inquiry
from domain.known import many
from domain.rule_book import Span
from domain.time import end_of

SUFFICIENT = "sufficient"
USUAL_MONTHS = (2, 12)


@of_programme(EARLY)
def _hours_rose(inquiry: Inquiry) -> Iterator[Finding]:
    """Reading A26: hours fall along the way; a rise that special attention explains is what L18 asks for."""
    if inquiry.rules.setting("A26") == "off":
        return
    noticed = inquiry.of(AttentionRaised)
    for before, after in pairwise(inquiry.of(SupportLevelSet)):
        rose = number(after.data["hours_per_week"]) > number(before.data["hours_per_week"])
        explained = after.data.get("attention") or between(noticed, before.happened, after.happened)
        if rose and not explained:
            yield Finding("HOURS_ROSE", after.version, (before.version,))


@of_programme(EARLY)
def _fixed_team(inquiry: Inquiry) -> Iterator[Finding]:
    """Silent where the team was not named at the start."""
    for run in runs(inquiry):
        named = staff_in(many(run.start.data.get("team")), CONSULTANT)
        if not named:
            continue
        strangers = {visit.actor.id: visit for visit in reversed(_own_visits(inquiry, run))}
        for person in sorted(strangers.keys() - named - _joined(inquiry)):
            yield Finding("TEAM_NOT_FIXED", strangers[person].version, (run.start.version,), {"person": person}, person)


def _own_visits(inquiry: Inquiry, run: Run) -> list[Entry]:
    held = between(inquiry.of(VisitHeld), run.start.happened, run.end(inquiry))
    return [visit for visit in held if visit.actor.role == CONSULTANT]


def _joined(inquiry: Inquiry) -> set[str]:
    """Return the family consultants to whom the case was given."""
    given = inquiry.of(CaseAllocated)
    return {str(one) for entry in given if entry.data["for_role"] == CONSULTANT for one in many(entry.data["to"])}


@of_programme(EARLY)
def _usual_duration(inquiry: Inquiry) -> Iterator[Finding]:
    rule = inquiry.current("P003-2-12M")
    spans = (rule.not_before, rule.due) if rule is not None else (None, None)
    low, high = (_months(span, usual) for span, usual in zip(spans, USUAL_MONTHS, strict=True))
    ran = duration(inquiry.known, inquiry.clock, low, high)
    if ran is None:
        return
    if ran.status != WITHIN:
        over = end_of(ran.not_after) if ran.end is None else None
        detail = {"since": ran.start.isoformat(), "low": low, "high": high}
        yield Finding("OUTSIDE_USUAL_DURATION", runs(inquiry)[-1].start.version, (), detail, arises_at=over)


def _months(span: Span | None, usual: int) -> int:
    return usual if span is None or span.n is None else span.n


@of_programme(EARLY)
def _no_progress(inquiry: Inquiry) -> Iterator[Finding]:
    """Support that goes on after a follow-up without progress, before another follow-up or the closing."""
    turns = inquiry.of(FollowUpHeld, EnrolmentClosed)
    going_on = inquiry.of(VisitHeld, SupportLevelSet)
    for turn, after in pairwise([*turns, None]):
        if turn is None or turn.topic != FollowUpHeld.TOPIC or _progresses(turn):
            continue
        until = inquiry.clock if after is None else after.happened
        later = [entry for entry in between(going_on, turn.happened, until) if entry.happened > turn.happened]
        if later:
            yield Finding("PROGRESS_NOT_DOCUMENTED", turn.version, (later[0].version,))


def _progresses(follow_up: Entry) -> bool:
    """Whether a follow-up shows progress of the family, and of each child it tells of."""
    by_child: dict[str, str] = follow_up.data.get("progress_by_child") or {}
    return all(progress == SUFFICIENT for progress in (follow_up.data["progress"], *by_child.values()))


@of_programme(EARLY)
def _per_child(inquiry: Inquiry) -> Iterator[Finding]:
    """Asked where several children are born, or where some of them are told of."""
    for held in inquiry.of(FollowUpHeld):
        born = [child for child in children(inquiry.known) if _born_by(inquiry, child, held)]
        told = held.data.get("progress_by_child")
        missing = sorted(set(born) - set(told or {}))
        if missing and (len(born) > 1 or told is not None):
            yield Finding("PROGRESS_NOT_PER_CHILD", held.version, (), {"missing": ", ".join(missing)})


def _born_by(inquiry: Inquiry, child: str, entry: Entry) -> bool:
    birth = birth_of(inquiry.known, child)
    return birth is not None and birth.happened <= entry.happened


CHECKS: tuple[Check, ...] = (
    Check("HOURS_ROSE", "soft", "003 L18, L21", "seed",
          "Timetallet er sat op, uden at der er registreret særlig opmærksomhed.",
          "Hours went up without special attention on record.", _hours_rose),
    Check("TEAM_NOT_FIXED", "soft", "003 L10", "seed",
          "{person} har besøgt familien uden at høre til det faste team.",
          "{person} visited the family without being of the fixed team.", _fixed_team),
    Check("OUTSIDE_USUAL_DURATION", "soft", "003 L21", "seed",
          "Varigheden af indsatsen, der begyndte {since}, ligger uden for erfaringen på {low} til {high} måneder.",
          "The duration of the effort begun on {since} lies outside the experience of {low} to {high} months.", _usual_duration),
    Check("PROGRESS_NOT_DOCUMENTED", "must", "003 L21", "seed",
          "Indsatsen fortsætter, selv om opfølgningen ikke dokumenterer udvikling hos familien og børnene.",
          "The effort goes on although the follow-up documents no development of the family and the children.", _no_progress),
    Check("PROGRESS_NOT_PER_CHILD", "normal", "003 L21", "seed",
          "Opfølgningen siger ikke noget om udviklingen hos: {missing}.",
          "The follow-up says nothing about the development of: {missing}.", _per_child),
)  # fmt: skip
