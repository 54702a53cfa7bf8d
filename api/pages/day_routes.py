"""My day: the deadlines of the cases one holds, those with least time left first, and what waits for an answer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.approval_reading import ApprovalReader, CaseSubmission
from api.boards import BoardPage, Boards, Wish
from api.pages.approval_views import asked_of, submission_address
from api.pages.codes import ROLES, word
from api.pages.deadline_views import citation
from api.pages.language import _, language
from api.pages.receipt_views import due_text
from api.pages.rendering import MY_DAY, Pages
from api.pages.texts import field_label
from api.pages.times import show_instant, show_length
from api.pages.views import case_address
from api.pages.warning_views import DayWarning, day_warning
from api.pages.write_acts import BY_TOPIC, DECLINE
from api.pages.write_views import decision_terms
from api.pages.write_words import DONE, STATUS_WORDS
from api.principals import looking
from api.warning_opening import WaitingWarnings
from domain.authority import KIND_OF_ROLE, POWERS, Act, Extent
from domain.deadlines import Deadline, from_values, late_by, status
from domain.events import EVENTS
from domain.findings.handling import finding_of
from domain.handovers import Handover
from domain.rule_book import Rule
from domain.time import write_instant
from projections.board_pages import Selection
from projections.boards import PartRow
from projections.view import DEADLINES, FINDINGS

REVISED = Selection("RELIED_ON_CORRECTED_VALUE/", ("new", "confirmed"))
"""The findings that a decision rests on what was put right later, until somebody has dealt with them."""

MOST = 500
"""How many clocks are read; those that were met late are among them and are not shown."""

STANDING = ("open", "warning", "extended", "breached", "over_guideline", "exceeded_with_preliminary")
RED, AMBER = ("breached", "exceeded_with_preliminary"), ("warning", "over_guideline")


@dataclass(frozen=True, slots=True)
class DayLine:
    """One deadline: what is to be done in which case, until when, and where that is recorded."""

    number: str
    case: str
    duty: str
    citation: str
    due: str
    due_at: str | None
    left: str
    state: str
    colour: str
    write: str
    act: str
    names_act: bool


@dataclass(frozen=True, slots=True)
class HandoverLine:
    """A hand-over that waits, or was declined: what it says, and where one answers or tries again."""

    number: str
    case: str
    text: str
    declined: bool
    acts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ApprovalLine:
    """A decision sent for approval: what it says, how it stands, where it is; ``urgent`` where the reader is to act."""

    number: str
    case: str
    text: str
    link: str
    act: str
    urgent: bool


@dataclass(frozen=True, slots=True)
class RevisedLine:
    """A decision that rests on what was put right later: which, and what was put right, each with its address."""

    number: str
    case: str
    text: str
    fact: str


@dataclass(frozen=True, slots=True)
class DayPage:
    """The deadlines of a day, hand-overs that wait, decisions whose grounds were put right, warnings not opened yet.

    ``done`` says what the reader has just done in a case that is closed to them now.
    """

    now: str
    lines: tuple[DayLine, ...]
    further: bool
    late: int
    access: int
    done: str | None
    handovers: tuple[HandoverLine, ...]
    revised: tuple[RevisedLine, ...]
    approvals: tuple[ApprovalLine, ...] = ()
    warnings: tuple[DayWarning, ...] = ()


def create_day(pages: Pages, boards: Boards, approvals: ApprovalReader, waiting: WaitingWarnings) -> APIRouter:
    """Return the page of one's day."""
    router = APIRouter(include_in_schema=False)

    @router.get(MY_DAY)
    async def day(request: Request) -> Response:
        """Show what is due in the reader's cases, and what waits for them."""

        async def look() -> Response:
            principal = looking(request)
            asked = boards.asked(request, MOST, *DONE)
            await pages.door.require(principal, Act.CASE_WRITE, "my_day")
            handovers, sent = pages.door.index.handovers(principal.id), await approvals.concerning(principal)
            warnings = await asyncio.to_thread(waiting.of, principal)
            leads = POWERS[KIND_OF_ROLE[principal.role]][Act.CASE_WRITE] is Extent.ORGANISATION
            held_by = principal.id if leads else None  # others see no cases but those they hold or were granted
            wishes = [
                Wish(view, lambda _rules, _at, chosen=chosen: chosen, responsible=held_by)
                for view, chosen in ((DEADLINES, Selection(statuses=STANDING)), (FINDINGS, REVISED))
            ]
            named = [*(case for case, _ in (*handovers, *warnings)), *(one.case for one in sent)]
            found, revised = await boards.together(principal, asked, wishes, "my_day", named)
            page = day_page(found, pages.door.number)
            done = next((_(text) for name, text in DONE.items() if name in request.query_params), None)
            page = replace(
                page,
                done=done,
                handovers=tuple(_handover_line(case, one, principal.id, pages.door.number) for case, one in handovers),
                approvals=tuple(_approval_line(one, principal.id) for one in sent),
                revised=tuple(dict.fromkeys(_revised_line(row, pages.door.number) for row in revised.rows)),
                warnings=tuple(day_warning(one, found.rules, case, pages.door.number(case)) for case, one in warnings),
            )
            return pages.render(request, "day.html", page=page)

        return await pages.told(request, look)

    return router


def day_page(board: BoardPage, number: Callable[[UUID], str]) -> DayPage:
    """Return what the page of a day shows of deadlines."""
    waiting = [row for row in board.rows if from_values(row.value).satisfied_at is None]
    lines = tuple(_line(row, board, number) for row in waiting)
    late = sum(line.colour == "error" for line in lines)
    further = board.following is not None
    return DayPage(show_instant(board.at), lines, further, late, board.access_position, None, (), ())


def _handover_line(case: UUID, one: Handover, reader: str, number: Callable[[UUID], str]) -> HandoverLine:
    address, role = case_address(case), word(ROLES, one.role)
    names = {"by": one.by, "to": ", ".join(one.to), "role": role, "when": show_instant(one.entry.recorded_at)}
    acts: tuple[tuple[str, str], ...] = ()
    if one.declined is not None:
        names["when"] = show_instant(one.declined.recorded_at)
        text = _("%(to)s afviste %(when)s at overtage sagen som %(role)s. Du har den stadig.", **names)
        reason = f"{address}/haendelser/{one.declined.version}"
        acts = (reason, _("Læs hvorfor")), (f"{address}/registrer/overdragelse", _("Overdrag til en anden"))
    elif reader in one.to:
        text = _("%(by)s vil overdrage sagen til dig som %(role)s (%(when)s). %(by)s har den, til du svarer.", **names)
        acts = (
            (f"{address}/registrer/overtagelse?allocation={one.entry.version}", _("Overtag sagen")),
            (f"{address}/registrer/{DECLINE}?annuls={one.entry.version}", _("Afvis overdragelse")),
        )
    else:
        text = _("Du har overdraget sagen til %(to)s som %(role)s (%(when)s). Du har den, til der er svaret.", **names)
    return HandoverLine(number(case), address, text, one.declined is not None, acts)


def _approval_line(one: CaseSubmission, reader: str) -> ApprovalLine:
    sent, address = one.submission, case_address(one.case)
    link = submission_address(one.case, sent.entry.version)
    names = {"what": decision_terms(sent.entry.data), "who": sent.entry.actor.id, "to": asked_of(sent)}
    names["when"] = show_instant((sent.answer or sent.entry).recorded_at)
    if sent.answer is None and reader not in sent.own:
        text, act = _("%(who)s beder om din godkendelse af %(what)s (sendt %(when)s).", **names), _("Læs og svar")
    elif sent.answer is None:
        text, act = _("%(what)s venter på godkendelse hos %(to)s (sendt %(when)s).", **names), _("Se indstillingen")
    elif sent.state == "returned":
        names["who"] = sent.answer.actor.id
        text, act = _("%(who)s sendte %(what)s tilbage %(when)s.", **names), _("Læs hvorfor, og ret")
    else:
        names["who"] = sent.answer.actor.id
        text, act = _("%(who)s godkendte %(what)s %(when)s. Afgørelsen er truffet.", **names), _("Se afgørelsen")
    urgent = sent.state == "returned" or (sent.answer is None and reader not in sent.own)
    return ApprovalLine(one.number, address, text, link, act, urgent)


def _revised_line(row: PartRow, number: Callable[[UUID], str]) -> RevisedLine:
    found, address = finding_of(row.value), case_address(row.case)
    text = _(
        "Afgørelsen (nr. %(decision)s) bygger på nr. %(fact)s. Dér er »%(field)s« rettet bagefter. "
        "Vurdér, om den skal tages op igen.",
        decision=found.entry,
        fact=found.detail["fact"],
        field=field_label("", str(found.detail["field"])),
    )
    there = f"{address}/haendelser/"
    return RevisedLine(number(row.case), f"{there}{found.entry}", text, f"{there}{found.detail['fact']}")


def _line(row: PartRow, board: BoardPage, number: Callable[[UUID], str]) -> DayLine:
    clock = from_values(row.value)
    rule = board.rules.as_adopted(clock.book, clock.book_version, clock.rule, clock.rule_version)
    state = status(clock, board.at)
    path, act = _done_by(clock, rule)
    address = case_address(row.case)
    return DayLine(
        number=number(row.case),
        case=address,
        duty=clock.rule if rule is None else rule.danish if language() == "da" else rule.english,
        citation=citation(rule.citation) if rule else "",
        due=due_text(clock),
        due_at=write_instant(clock.due) if clock.due is not None and clock.due > board.at else None,
        left=time_left(clock, board.at),
        state=word(STATUS_WORDS, state),
        colour="error" if state in RED else "warning" if state in AMBER else "info",
        write=f"{address}/registrer{path}",
        act=act or _("Registrér"),
        names_act=bool(act),
    )


def time_left(clock: Deadline, at: datetime) -> str:
    """Return how long there is left of a deadline, or by how much it is passed."""
    late = late_by(clock, at)
    if late is not None:
        return _("%(length)s over", length=show_length(late))
    if clock.due is None:
        return ""
    return _("%(length)s tilbage", length=show_length(max(clock.due, at) - at))


def _done_by(clock: Deadline, rule: Rule | None) -> tuple[str, str]:
    """Return where what meets a deadline is recorded: the end of the address, and what that is called if known."""
    for pattern in rule.satisfied_by if rule else ():
        topic = EVENTS[pattern.event].TOPIC
        if topic in BY_TOPIC:
            refers = f"?{pattern.refers}={clock.trigger}" if pattern.refers else ""
            return f"/{BY_TOPIC[topic].path}{refers}", _(EVENTS[pattern.event].LABEL_DA)
    return "", ""
