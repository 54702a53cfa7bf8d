"""What the pages about access show: pure functions from what was read to words and addresses."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

from api.access_reading import CaseReview, QueueLook
from api.look_log import LogLook
from api.pages.access_words import ADVICE, CLOSED, REFUSALS, RELATIONS, word_of_look
from api.pages.codes import ROLES, word
from api.pages.language import _, ngettext
from api.pages.times import show_clock, show_instant
from api.pages.values import ERASED, UNREADABLE
from api.pages.verdict_words import GROUNDS, VERDICTS
from api.pages.views import case_address
from api.reading import BoardLook, ToldOf
from domain.emergencies import CLIMBS_AFTER, LEVELS
from domain.look_verdicts import LookVerdictGiven
from domain.looks import Look
from domain.purposes import PURPOSES
from domain.reach import BREAK_GLASS_LASTS, CaseReach, Emergency
from domain.time import copenhagen_day, write_instant

QUEUE = "/ledelse/noedadgang"
TEXT_LIMIT = 2_000
"""Longest text of a form about access, in characters."""

HOURS = BREAK_GLASS_LASTS.seconds // 3600
DAYS_TO_JUDGE = CLIMBS_AFTER.days


@dataclass(frozen=True, slots=True)
class TextField:
    """A text of a form as typed, with what is wrong with it."""

    typed: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class EmergencyForm:
    """The form that opens a case in an emergency; ``key`` makes a second click the same request."""

    action: str
    key: str
    reason: TextField = TextField()
    limit: int = TEXT_LIMIT
    hours: int = HOURS


@dataclass(frozen=True, slots=True)
class Closed:
    """What somebody is told who is kept out: why, what they can do, and where the attempt is on record."""

    title: str
    reason: str
    advice: str
    access: int


@dataclass(frozen=True, slots=True)
class RunningEmergency:
    """The emergency access by which somebody is in a case: until when, and the entry with the reason."""

    until: str
    until_at: str
    entry: int


@dataclass(frozen=True, slots=True)
class Notice:
    """That somebody else opened a case of the reader's, and what became of the review."""

    number: str
    address: str
    who: str
    opened: str
    state: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict as typed, for one entry of a case, with what is wrong with it; ``choice`` is yes, no or nothing yet."""

    case: UUID
    entry: int
    choice: str = ""
    choice_error: str | None = None
    grounds: TextField = TextField()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """An emergency access in the review queue; ``climbed`` says that nobody judged it in time."""

    id: str
    number: str
    address: str | None
    who: str
    opened: str
    until: str
    level: str
    since: str
    verdict: str
    reason: str
    own: bool
    action: str
    key: str
    typed: Verdict
    climbed: bool


@dataclass(frozen=True, slots=True)
class QueuePage:
    """The review queue; ``days`` says how long a verdict may take before it climbs."""

    waiting: tuple[ReviewLine, ...]
    judged: tuple[ReviewLine, ...]
    problem: str | None
    errors: tuple[tuple[str, str], ...]
    limit: int
    access: int
    days: int


@dataclass(frozen=True, slots=True)
class LookLine:
    """One look at a case."""

    position: int
    when: str
    who: str
    role: str
    unit: str
    purpose: str
    what: str
    as_of: str
    relation: str
    refusal: str | None
    emergency: bool
    verdict: str | None = None


@dataclass(frozen=True, slots=True)
class LooksPage:
    """Who has looked at a case."""

    number: str
    address: str
    summary: str
    lines: tuple[LookLine, ...]
    expired_before: str | None
    following: str | None
    access: int


def looks_address(case: UUID) -> str:
    """Return the address of the page that says who has looked at a case."""
    return f"{case_address(case)}/opslag"


def emergency_address(case: UUID) -> str:
    """Return the address that opens a case in an emergency."""
    return f"{case_address(case)}/noedadgang"


def review_address(case: UUID, entry: int) -> str:
    """Return the address that takes the verdict on an emergency access."""
    return f"{emergency_address(case)}/{entry}/gennemgang"


def read_text(sent: str | None, missing: str) -> TextField:
    """Return a text as typed, with what is wrong with it; ``missing`` is said where there is none."""
    typed = (sent or "").replace("\r\n", "\n").strip()
    if not typed:
        return TextField(typed, missing)
    if len(typed) > TEXT_LIMIT:
        return TextField(
            typed,
            _(
                "Teksten er på %(length)s tegn; der er plads til %(limit)s. Gør den kortere.",
                length=_count(len(typed)),
                limit=_count(TEXT_LIMIT),
            ),
        )
    if "\0" in typed:
        return TextField(typed.replace("\0", ""), _("Teksten indeholdt et tegn, der ikke kan gemmes; det er fjernet."))
    return TextField(typed)


def _count(number: int) -> str:
    return f"{number:,}".replace(",", ".")


def read_verdict(case: UUID, entry: int, choice: str | None, grounds: str | None, missing: str) -> Verdict:
    """Return a verdict as typed, with what is wrong with it; ``missing`` is said where nothing was chosen."""
    text = read_text(grounds, _("Skriv begrundelsen."))
    if choice in ("yes", "no"):
        return Verdict(case, entry, choice, None, text)
    return Verdict(case, entry, "", missing, text)


def is_complete(verdict: Verdict) -> bool:
    """Whether nothing is wrong with a verdict."""
    return verdict.choice_error is None and verdict.grounds.error is None


def refused(verdict: Verdict) -> Verdict:
    """Return a verdict that came too late, or on one's own emergency access."""
    return replace(
        verdict, problem=_("Vurderingen er ikke registreret: nødadgangen er gennemgået før, eller det er din egen.")
    )


def closed(title: str, because: str, access: int) -> Closed:
    """Return what somebody is told who is kept out."""
    return Closed(title, _(CLOSED[because]), _(ADVICE[because]), access)


def running(reach: CaseReach, staff: str, at: datetime) -> RunningEmergency | None:
    """Return the emergency access somebody has to a case at an instant."""
    emergency = reach.emergency_of(staff, at)
    if emergency is None:
        return None
    same_day = copenhagen_day(emergency.until) == copenhagen_day(at)
    until = _("kl. %(clock)s", clock=show_clock(emergency.until)) if same_day else show_instant(emergency.until)
    return RunningEmergency(until, write_instant(emergency.until), emergency.entry)


def notices(look: BoardLook) -> tuple[Notice, ...]:
    """Return what a holder of cases is told of the emergency accesses of others, the latest first."""
    if look.told_at is None:
        return ()
    told = sorted(look.told, key=lambda one: one.emergency.opened_at, reverse=True)
    return tuple(_notice(one, look.told_at) for one in told)


def _notice(one: ToldOf, at: datetime) -> Notice:
    emergency = one.emergency
    states = [_("afventer gennemgang") if emergency.justified is None else _("gennemgået")]
    if at < emergency.until:
        states.append(_("løber til %(until)s", until=show_instant(emergency.until)))
    opened = show_instant(emergency.opened_at)
    return Notice(one.number, case_address(one.case), _who(emergency), opened, ", ".join(states))


def queue_page(look: QueueLook, staff: str, open_to: Collection[UUID], key: UUID, typed: Verdict | None) -> QueuePage:
    """Return the review queue for a member of staff.

    ``open_to`` are the cases they may read, ``typed`` a verdict that could not be taken. Each form gets a key of its
    own made from ``key``.
    """
    lines = [_review_line(one, staff, open_to, key, typed) for one in look.reviews]
    waiting = tuple(line for line, one in zip(lines, look.reviews, strict=True) if not one.review.done)
    judged = tuple(line for line, one in zip(lines, look.reviews, strict=True) if one.review.done)
    errors = tuple(error for line in waiting for error in _errors(line))
    problem = typed.problem if typed is not None else None
    return QueuePage(waiting, judged[::-1], problem, errors, TEXT_LIMIT, look.access_position, DAYS_TO_JUDGE)


def looks_page(look: LogLook, number: str, following: str | None) -> LooksPage:
    """Return who has looked at a case; ``following`` is the cursor of the next page."""
    counts = look.sums
    parts = [
        ngettext("%(number)s opslag", "%(number)s opslag", counts.looks),
        ngettext("%(number)s medarbejder", "%(number)s medarbejdere", counts.people),
        _("%(number)s afvist", number=counts.refused),
        _("%(number)s med nødadgang", number=counts.break_glass),
        _("%(number)s efter lukning", number=counts.after_closing),
    ]
    address = looks_address(look.case)
    return LooksPage(
        number=number,
        address=case_address(look.case),
        summary=" · ".join(parts),
        lines=tuple(look_line(one, relation, look.verdicts.get(one.position)) for one, relation in look.looks),
        expired_before=show_instant(look.expired_before) if look.expired_before else None,
        following=f"{address}?cursor={following}" if following else None,
        access=look.access_position,
    )


def _who(emergency: Emergency) -> str:
    return f"{emergency.staff} ({word(ROLES, emergency.role)})"


def _review_line(
    one: CaseReview, staff: str, open_to: Collection[UUID], key: UUID, typed: Verdict | None
) -> ReviewLine:
    emergency, level = one.review.emergency, one.review.level
    place = f"{one.case}-{emergency.entry}"
    is_typed = typed is not None and (typed.case, typed.entry) == (one.case, emergency.entry)
    return ReviewLine(
        id=place,
        number=one.number,
        address=case_address(one.case) if one.case in open_to else None,
        who=_who(emergency),
        opened=show_instant(emergency.opened_at),
        until=show_instant(emergency.until),
        level=word(ROLES, level) if level else "",
        since=show_instant(one.review.waiting_since) if one.review.waiting_since else "",
        verdict=_judged(emergency),
        reason=_reason(one),
        own=emergency.staff == staff,
        action=review_address(one.case, emergency.entry),
        key=str(uuid5(key, place)),
        typed=typed if is_typed and typed is not None else Verdict(one.case, emergency.entry),
        climbed=level == LEVELS[-1],
    )


def _judged(emergency: Emergency) -> str:
    if emergency.reviewed_at is None:
        return ""
    verdict = _("berettiget") if emergency.justified else _("ikke berettiget")
    return f"{verdict}, {emergency.reviewed_by} {show_instant(emergency.reviewed_at)}"


def _reason(one: CaseReview) -> str:
    """Return why a case was opened, or why that cannot be told."""
    if one.opening is None:
        return ""
    if "reason" in one.opening.erased:
        return _(ERASED)
    if "reason" in one.opening.unreadable:
        return _(UNREADABLE)
    return str(one.opening.data.get("reason", ""))


def _errors(line: ReviewLine) -> list[tuple[str, str]]:
    """Return what is wrong with a verdict as typed, each with the place of the field."""
    found = ((f"vurdering-{line.id}", line.typed.choice_error), (f"begrundelse-{line.id}", line.typed.grounds.error))
    return [(place, error) for place, error in found if error is not None]


def verdict_text(given: LookVerdictGiven) -> str:
    """Return a verdict on a look in words: what was found, why, by whom, when."""
    found = f"{word(VERDICTS, given.verdict)}: {word(GROUNDS, given.grounds)}"
    return f"{found}. {given.by} ({word(ROLES, given.role)}) {show_instant(given.at)}"


def look_line(look: Look, relation: str | None, given: LookVerdictGiven | None = None) -> LookLine:
    """Return a look in words; ``relation`` is through what the case was open then, ``given`` the verdict on it."""
    purpose = _(PURPOSES[look.purpose].label_da) if look.purpose in PURPOSES else look.purpose
    return LookLine(
        position=look.position,
        when=show_instant(look.looked_at),
        who=look.viewer,
        role=word(ROLES, look.role),
        unit=look.organisation or "–",
        purpose=f"{purpose} ({look.matter})" if look.matter else purpose,
        what=word_of_look(look.what),
        as_of=_as_of(look),
        relation=word(RELATIONS, relation) if relation else _("ingen"),
        refusal=word(REFUSALS, look.refusal or "") if look.refused else None,
        emergency=look.break_glass,
        verdict=None if given is None else verdict_text(given),
    )


def _as_of(look: Look) -> str:
    asked = (_("registreret senest"), look.known_at), (_("hændt senest"), look.valid_at)
    return ", ".join(f"{words} {show_instant(instant)}" for words, instant in asked if instant is not None) or _("nu")
