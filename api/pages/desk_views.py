"""What the boards of the supervisor's desk show: totals that lead to their lists, rows that lead to their events."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from api.desk_reading import DeskLook, Wanted
from api.looks import Question
from api.pages.codes import ROLES, word
from api.pages.deadline_views import (
    EntryLine,
    RuleLine,
    adoption_of,
    citation,
    rule_line,
    show_left,
    tone_of,
    unknown_rule,
)
from api.pages.deadline_words import DEADLINES, LEVELS
from api.pages.desk import APPROVALS, BREACHES, LEVEL, QUEUE, RESTRICTED, STATE, MenuLine, list_address
from api.pages.desk import DEADLINES as BOARD
from api.pages.desk import FINDINGS as FOUND
from api.pages.desk_rows import Beside, CaseLine
from api.pages.desk_words import BASES, COVERS, GAPS, LIVES, STANDS
from api.pages.finding_words import explained
from api.pages.language import _, ngettext
from api.pages.timeline import actor_of
from api.pages.times import show_due, show_instant
from api.pages.warning_views import warned_text
from domain.deadlines import Deadline, from_values, status
from domain.events.consent import DisclosureDenied, DisclosureMade, InformationObtained
from domain.findings.catalogue import CHECKS
from domain.findings.handling import finding_of
from domain.known import many
from domain.levels import LEVELS as EVERY_LEVEL
from domain.time import copenhagen_day, end_of, read_instant, start_of, write_instant
from projections.board_pages import BoardRows, Counts, Selection
from projections.boards import PartRow
from projections.view import CONSENTS
from projections.view import DEADLINES as CLOCKS
from projections.view import FINDINGS as FINDINGS_VIEW

STATUTE, EVERY = "statute", "alle"
BROKEN = ("breached", "exceeded_with_preliminary")
RUNNING = ("warning", "open", "extended")
STATUSES: Mapping[str, tuple[str, ...]] = {
    "overskredet": BROKEN,
    "vejledende": ("over_guideline",),
    "i-dag": RUNNING,
    "tre-dage": RUNNING,
    "loeber": RUNNING,
    "omstridt": ("met_disputed",),
    "overholdt": ("met", "met_disputed"),
    "udloebet": ("lapsed",),
}
"""Which statuses of clocks are shown under which heading; those due soon are bounded by when they are due as well."""

AUTHORITY_STANDS = tuple(name for name in STANDS if name != "udloebet")
CITIZEN_STANDS = ("loeber", "overholdt", "udloebet")
SOON = timedelta(days=3)
SHARED = (DisclosureMade.TOPIC, InformationObtained.TOPIC)
REFUSED = (DisclosureDenied.TOPIC,)
UNCOVERED = ("not_covered", "not_judged")


@dataclass(frozen=True, slots=True)
class Total:
    """A number that leads to its list; ``current`` where that list is shown."""

    label: str
    number: int
    address: str
    current: bool


@dataclass(frozen=True, slots=True)
class TotalLine:
    """A line of numbers that each lead to their list."""

    label: str
    totals: tuple[Total, ...]


@dataclass(frozen=True, slots=True)
class ClockRow:
    """A clock on the board."""

    case: CaseLine
    whom: str | None
    rule: RuleLine
    started: EntryLine | None
    due: str
    due_at: str | None
    status: str
    tone: str
    left: str | None
    late_known: str | None
    warned: str | None
    responsible_now: str
    responsible_then: str | None
    satisfied: EntryLine | None
    known_since: str | None


@dataclass(frozen=True, slots=True)
class BreachRow:
    """A disclosure on the board."""

    case: CaseLine
    entry: EntryLine | None
    who: str
    to: str
    basis: str
    then: str
    now: str
    tone: str
    gaps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding on the board, with what became of it."""

    case: CaseLine
    entry: EntryLine | None
    told: str
    code: str
    level: str
    statute: bool
    citation: str
    since: str
    state: str
    tone: str
    handle_by: str | None
    overdue: bool
    responsible: str


@dataclass(frozen=True, slots=True)
class DeskLine:
    """A page the desk leads to: what is there, and what waits there now; ``urgent`` where something is late."""

    address: str
    label: str
    about: str
    waits: str | None
    urgent: bool


WAITING: Wanted = {
    BOARD.path: (CLOCKS, lambda at: clocks_selected("overskredet", STATUTE, at, citizen=False)),
    BREACHES.path: (CONSENTS, lambda _at: breaches_selected("brud")),
    FOUND.path: (FINDINGS_VIEW, lambda _at: Selection(statuses=("new",), levels=(STATUTE,))),
}
"""What is counted on the first page of the desk."""


def desk_lines(menu: Iterable[MenuLine], look: DeskLook) -> tuple[DeskLine, ...]:
    """Return where the desk leads, with what waits there now."""
    waits = dict(_waiting(look))
    return tuple(DeskLine(one.address, one.label, one.about, *waits.get(one.address, (None, False))) for one in menu)


def _waiting(look: DeskLook) -> Iterator[tuple[str, tuple[str | None, bool]]]:
    """Yield what waits on a page, and whether it is late."""
    if look.counts is not None:
        late, uncovered, found = (look.counts[place.path] for place in (BOARD, BREACHES, FOUND))
        text = ngettext("%(number)s frist i loven er overskredet", "%(number)s frister i loven er overskredet", late)
        yield BOARD.address, (text, late > 0)
        text = ngettext("%(number)s videregivelse uden dækning", "%(number)s videregivelser uden dækning", uncovered)
        yield BREACHES.address, (text, uncovered > 0)
        text = ngettext(
            "%(number)s fund efter loven, som ingen har vurderet",
            "%(number)s fund efter loven, som ingen har vurderet",
            found,
        )
        yield FOUND.address, (text, found > 0)
    if look.approvals is not None:
        text = ngettext("%(number)s afgørelse venter på svar", "%(number)s afgørelser venter på svar", look.approvals)
        yield APPROVALS.address, (text, look.approvals > 0)
    if look.waiting is not None:
        text = ngettext("%(number)s venter på vurdering", "%(number)s venter på vurdering", look.waiting)
        old = ngettext("%(number)s for længe", "%(number)s for længe", look.climbed or 0)
        yield QUEUE.address, (f"{text}, {old}" if look.climbed else text, bool(look.climbed))
    if look.overdue is not None:
        text = ngettext(
            "%(number)s skulle have været gennemgået", "%(number)s skulle have været gennemgået", look.overdue
        )
        yield RESTRICTED.address, (text, look.overdue > 0)


def clocks_selected(stand: str, level: str | None, at: datetime, *, citizen: bool) -> Selection:
    """Return which clocks stand under a heading at an instant; None for every level."""
    ends = {"i-dag": f"{write_instant(end_of(copenhagen_day(at)))}~", "tre-dage": write_instant(at + SOON)}
    before = ends.get(stand)
    return Selection(
        statuses=STATUSES[stand],
        levels=(level,) if level else None,
        citizen=citizen,
        sort_from=write_instant(at) if before else None,
        sort_before=before,
    )


ClockCounts = Mapping[tuple[str, bool, str], int]
"""How many clocks there are under a heading, of citizens or of the authority, at a level."""


def clock_counts(rows: BoardRows) -> ClockCounts:
    """Return how many clocks there are under each heading; those of every level are read in one pass."""
    at = rows.moment.at
    bounds = [clocks_selected(stand, None, at, citizen=False) for stand in ("i-dag", "tre-dage")]
    spans = [text for text in (bounds[0].sort_from, *(one.sort_before for one in bounds)) if text is not None]
    within = {"i-dag": (1,), "tre-dage": (1, 2)}
    found: Counter[tuple[str, bool, str]] = Counter()
    for group, number in rows.counts(Selection(), "level", "citizen", spans).items():
        citizen = group.second == "true"
        for stand in CITIZEN_STANDS if citizen else AUTHORITY_STANDS:
            if group.status in STATUSES[stand] and group.span in within.get(stand, (group.span,)):
                found[stand, citizen, group.first] += number
    return found


def clock_number(counts: ClockCounts, level: str, stand: str, *, citizen: bool) -> int:
    """Return how many clocks there are under a heading at a level, or at every level."""
    return sum(
        n for (one, whose, how), n in counts.items() if (one, whose) == (stand, citizen) and level in (how, EVERY)
    )


def clock_totals(
    counts: ClockCounts, asked: Question, kept: Mapping[str, str | None], shown: tuple[str, str] | None
) -> tuple[TotalLine, ...]:
    """Return the numbers of the board by level, statute on top, then all together; each leads to its list.

    ``shown`` are the level and heading of the list on the page, None where it is of citizens' clocks.
    """

    def total(level: str, stand: str) -> Total:
        number = clock_number(counts, level, stand, citizen=False)
        place = list_address(BOARD, asked, [*kept.items(), (LEVEL, level), (STATE, stand)])
        return Total(_(STANDS[stand]), number, place, (level, stand) == shown)

    def line(level: str, label: str) -> TotalLine:
        return TotalLine(label, tuple(total(level, stand) for stand in AUTHORITY_STANDS))

    present = [level for level in EVERY_LEVEL if level == STATUTE or any(level == how for *_rest, how in counts)]
    return (*(line(level, word(LEVELS, level)) for level in present), line(EVERY, _("i alt")))


def citizen_totals(
    counts: ClockCounts, asked: Question, kept: Mapping[str, str | None], shown: str
) -> tuple[Total, ...]:
    """Return the numbers of citizens' own clocks; each leads to its list."""
    return tuple(
        Total(
            _(STANDS[stand]),
            clock_number(counts, EVERY, stand, citizen=True),
            list_address(BOARD, asked, [*kept.items(), ("borger", "1"), (STATE, stand)]),
            stand == shown,
        )
        for stand in CITIZEN_STANDS
    )


def clock_row(row: PartRow, near: Beside) -> ClockRow:
    """Return a clock as the board shows it."""
    clock, page = from_values(row.value), near.page
    rule = page.rules.as_adopted(clock.book, clock.book_version, clock.rule, clock.rule_version)
    how, then = status(clock, page.at), clock.due is not None and clock.due <= page.at
    return ClockRow(
        case=near.case(row.case, "/frister"),
        whom=clock.subject,
        rule=unknown_rule(clock) if rule is None else rule_line(rule, adoption_of(page.rules, clock)),
        started=near.entry(row.case, clock.trigger),
        due=_("intet tal i kilden") if clock.due is None else show_due(clock.due),
        due_at=write_instant(clock.extended_to or clock.due) if clock.due and how in RUNNING else None,
        status=word(DEADLINES, how),
        tone=tone_of(clock, page.at),
        left=show_left(clock, page.at),
        late_known=_late_known(clock, row, near),
        warned=warned_text(clock, near.warnings(row.case), broken=how in BROKEN),
        responsible_now=near.held_by(row.case, page.at),
        responsible_then=near.held_by(row.case, clock.due) if then and clock.due else None,
        satisfied=near.entry(row.case, clock.satisfied_by),
        known_since=show_instant(row.known_since) if row.known_since else None,
    )


def _late_known(clock: Deadline, row: PartRow, near: Beside) -> str | None:
    """Return that a clock had run out before the municipality, or its register, knew of what started it."""
    trigger = near.written(row.case, clock.trigger)
    if trigger is None or clock.due is None:
        return None
    if trigger.reached_at is not None and clock.due < start_of(trigger.reached_at):
        return _("Var udløbet, før kommunen fik kendskab til det")
    return _("Var udløbet, før det blev registreret") if clock.due < trigger.recorded_at else None


def breach_numbers(rows: BoardRows) -> Mapping[str, int]:
    """Return how many disclosures were covered, how many not, and how many were denied, in one pass."""
    found: Counter[str] = Counter()
    for group, number in rows.counts(Selection("disclosure/", events=(*SHARED, *REFUSED)), "event").items():
        found["denied" if group.first in REFUSED else group.status] += number
    found["brud"] = sum(found[one] for one in UNCOVERED)
    return found


def breach_totals(
    numbers: Mapping[str, int], asked: Question, kept: Mapping[str, str | None], shown: str
) -> tuple[Total, ...]:
    """Return how many disclosures were covered and how many not; each number leads to its list."""
    order = ("brud", *UNCOVERED, "covered", "denied")
    return tuple(
        Total(
            _("uden dækning i alt") if name == "brud" else word(COVERS, name),
            numbers[name],
            list_address(BREACHES, asked, [*kept.items(), (STATE, name)]),
            name == shown,
        )
        for name in order
    )


def breaches_selected(stand: str) -> Selection:
    """Return which disclosures are listed."""
    if stand == "denied":
        return Selection("disclosure/", events=REFUSED)
    return Selection("disclosure/", UNCOVERED if stand == "brud" else (stand,), events=SHARED)


def breach_row(row: PartRow, near: Beside) -> BreachRow:
    """Return a disclosure as the board shows it."""
    value, version = row.value, int(row.part.partition("/")[2])
    written = near.written(row.case, version)
    refused = value["event"] in REFUSED
    now = "denied" if refused else str(value["by_all_facts"] or "not_judged")
    return BreachRow(
        case=near.case(row.case),
        entry=near.entry(row.case, version),
        who="–" if written is None else actor_of(written),
        to=_recipients(value["to"]),
        basis=word(BASES, str(value["basis"] or "none")),
        then=word(COVERS, "denied" if refused else str(value["by_record_then"] or "not_judged")),
        now=word(COVERS, now),
        tone={"not_covered": "error", "not_judged": "warning", "covered": "success"}.get(now, "plain"),
        gaps=tuple(word(GAPS, gap) for gap in value["gaps"] if gap != "denied"),
    )


def _recipients(to: Any) -> str:
    return ", ".join(word(ROLES, str(one)) for one in many(to)) or "–"


def finding_number(counts: Counts, level: str, state: str) -> int:
    """Return how many findings stand so at a level, or at every level."""
    return sum(n for group, n in counts.items() if group.status == state and level in (group.first, EVERY))


def finding_totals(
    counts: Counts, asked: Question, kept: Mapping[str, str | None], shown: tuple[str, str]
) -> tuple[TotalLine, ...]:
    """Return how many findings there are by level and state, statute on top; each number leads to its list."""

    def total(level: str, state: str) -> Total:
        number = finding_number(counts, level, state)
        place = list_address(FOUND, asked, [*kept.items(), (LEVEL, level), (STATE, state)])
        return Total(word(LIVES, state), number, place, (level, state) == shown)

    present = [level for level in EVERY_LEVEL if level == STATUTE or any(group.first == level for group in counts)]
    named: Sequence[tuple[str, str]] = [*((level, word(LEVELS, level)) for level in present), (EVERY, _("i alt"))]
    return tuple(TotalLine(label, tuple(total(level, state) for state in LIVES)) for level, label in named)


def finding_row(row: PartRow, near: Beside) -> FindingRow:
    """Return a finding as the board shows it."""
    found, value = finding_of(row.value), row.value
    check = CHECKS[found.code]
    handle_by = None if value["handle_by"] is None else read_instant(value["handle_by"])
    state, overdue = str(value["state"]), handle_by is not None and handle_by < near.page.at
    return FindingRow(
        case=near.case(row.case),
        entry=near.entry(row.case, found.entry),
        told=explained(found),
        code=found.code,
        level=word(LEVELS, str(value["level"])),
        statute=value["level"] == STATUTE,
        citation=citation(check.citation),
        since=show_instant(read_instant(value["since"])),
        state=word(LIVES, state),
        tone={"new": "warning", "confirmed": "error", "remedied": "success"}.get(state, "plain"),
        handle_by=None if handle_by is None else show_due(handle_by),
        overdue=overdue,
        responsible=near.held_by(row.case, near.page.at),
    )
