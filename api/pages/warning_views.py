"""What pages say of warnings: each one with its channel and recipient, whether it arrived, and who opened it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.looks import Question
from api.pages.codes import word
from api.pages.language import ENGLISH, _, language
from api.pages.times import show_due, show_instant
from api.pages.views import address, case_address
from api.pages.warning_words import CHANNELS, NOT_DELIVERED, WARNED_OF
from domain.deadlines import Deadline
from domain.entries import Entry
from domain.known import Known
from domain.rules import Rules
from domain.warning import TOPICS, Warned, warned

NOT_SENT = "Varsel: ikke leveret (intet varsel sendt)"


@dataclass(frozen=True, slots=True)
class WarningLine:
    """A warning in words; ``attempt`` says which one it was where an earlier one failed, ``entry`` leads to it."""

    duty: str
    warned_of: str
    due: str
    sent: str
    entry: str
    channel: str
    recipient: str
    attempt: str | None
    outcome: str
    arrived: bool
    opened: str


@dataclass(frozen=True, slots=True)
class DayWarning:
    """A warning on the page of somebody's day that they have not opened yet: of which case, what it says."""

    number: str
    address: str
    text: str
    broken: bool


def warnings_among(entries: Iterable[Entry], at: datetime) -> tuple[Warned, ...]:
    """Return the warnings among the entries of a case, with what had happened by an instant."""
    return warned(Known(tuple(entry for entry in entries if entry.topic in TOPICS)), at)


def warning_lines(
    given: Iterable[Warned], rules: Rules, case: UUID, asked: Question, now_opened: Collection[int] = ()
) -> tuple[WarningLine, ...]:
    """Return the warnings of a case in words, the latest first; ``now_opened`` are those this very look opens."""
    lines = [_line(one, rules, case, asked, now_opened) for one in given]
    return tuple(reversed(lines))


def warned_text(clock: Deadline, given: Sequence[Warned], *, broken: bool) -> str | None:
    """Return in a line whether anybody was warned of a clock; None where nobody was and it is not broken.

    The best that is known counts: opened, else delivered, else why the last one was not.
    """
    own = [one for one in given if one.key == clock.key]
    if not own:
        return _(NOT_SENT) if broken else None
    opened = next((one for one in own if one.opened is not None), None)
    if opened is not None and opened.opened is not None:
        when = show_instant(opened.opened.happened)
        return _("Varsel: åbnet %(when)s af %(who)s", when=when, who=opened.recipient)
    arrived = next((one for one in own if one.arrived), None)
    if arrived is not None:
        return _("Varsel: leveret til %(who)s, ikke åbnet", who=arrived.recipient)
    return _("Varsel: ikke leveret (%(why)s)", why=_why(own[-1]))


def duty_of(rules: Rules, rule: str) -> str:
    """Return the duty of a rule in plain words, as last adopted; the rule's id where no book holds it any more."""
    versions = tuple(rules.all_versions(rule))
    if not versions:
        return rule
    return versions[-1].english if language() == ENGLISH else versions[-1].danish


def day_warning(one: Warned, rules: Rules, case: UUID, number: str) -> DayWarning:
    """Return a warning as the page of a day tells it."""
    broken = one.sent.data["level"] == "broken"
    told = {"duty": duty_of(rules, str(one.sent.data["rule"])), "due": show_due(one.due)}
    text = _("Fristen var %(due)s: %(duty)s.", **told) if broken else _("Fristen er %(due)s: %(duty)s.", **told)
    return DayWarning(number, f"{case_address(case)}/frister#varsler", text, broken)


def _line(one: Warned, rules: Rules, case: UUID, asked: Question, now_opened: Collection[int]) -> WarningLine:
    data = one.sent.data
    return WarningLine(
        duty=duty_of(rules, str(data["rule"])),
        warned_of=word(WARNED_OF, str(data["level"])),
        due=show_due(one.due),
        sent=show_instant(one.sent.happened),
        entry=address(f"{case_address(case)}/haendelser/{one.sent.version}", asked),
        channel=word(CHANNELS, str(data["channel"])),
        recipient=one.recipient,
        attempt=_("%(number)s. forsøg", number=one.attempt) if one.attempt > 1 else None,
        outcome=_outcome(one),
        arrived=one.arrived,
        opened=_opened(one, now_opened),
    )


def _outcome(one: Warned) -> str:
    if one.on_page:
        return _("leveret: står på siden fra %(when)s", when=show_instant(one.sent.happened))
    if one.delivered is not None:
        return _("leveret til mailserveren %(when)s", when=show_instant(one.delivered.happened))
    return _why(one)


def _why(one: Warned) -> str:
    return _("intet svar registreret") if one.failed is None else word(NOT_DELIVERED, str(one.failed.data["reason"]))


def _opened(one: Warned, now_opened: Collection[int]) -> str:
    if one.opened is not None:
        return show_instant(one.opened.happened)
    return _("nu, ved dette opslag") if one.sent.version in now_opened else _("ikke åbnet")
