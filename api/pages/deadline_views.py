"""What the page of a case's clocks shows: each duty, what started it, when it is due, how it stands and why."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.looks import Question
from api.pages.audit_words import CITATIONS
from api.pages.codes import word
from api.pages.deadline_words import CALENDARS, DEADLINES, LEVELS, MARKS, OPTIONS, ROLLS, SETTINGS
from api.pages.language import ENGLISH, _, language, ngettext
from api.pages.next_steps import Step, next_steps
from api.pages.times import show_due, show_instant, show_length, show_moment
from api.pages.values import Words, label_of, words_of
from api.pages.views import case_address, entry_address
from api.pages.warning_views import WarningLine, warned_text, warning_lines
from api.reading import CaseLook
from domain.deadlines import Deadline, late_by, status
from domain.entries import Entry
from domain.people import silenced
from domain.rule_book import Rule, Span
from domain.rules import Adoption, Rules
from domain.time import copenhagen_day, write_instant
from domain.warning import BROKEN, Warned, warned
from replay.questions import CaseQuestions, DueChange

RUNNING = ("warning", "open", "extended")
MET = ("met", "met_disputed")
GROUPS = (
    ("overskredet", "Overskredet", BROKEN),
    ("loeber", "Løber", RUNNING),
    ("overholdt", "Overholdt", MET),
    ("uden-virkning", "Uden virkning", ("superseded", "cancelled", "not_applicable", "not_started", "lapsed")),
)
"""The groups in which clocks are shown, in order: anchor, heading, statuses."""

TONES: Mapping[str, str] = {
    "breached": "error",
    "exceeded_with_preliminary": "error",
    "over_guideline": "warning",
    "warning": "warning",
    "extended": "warning",
    "met_disputed": "warning",
    "met": "success",
}
"""The colour beside the word of a status; any other has the plain one. A citizen's clock never has any but that."""

DUTIES = 3
"""How many of the duties that are due next are shown at the top of a case."""

CITIZEN, CITIZEN_HEADING = "borgerens", "Borgerens egne frister"
_SUBSECTION = re.compile(r"(§§? ?[0-9]+(?: [a-z])?)\(([0-9]+)\)(?:-\(([0-9]+)\))?")


@dataclass(frozen=True, slots=True)
class EntryLine:
    """An entry as a page names it: where it stands, what it is called, when it happened and was recorded."""

    address: str
    text: str
    happened: str
    reached: str | None
    recorded: str


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule as a page names it: the duty in plain words, how binding, its source, who checked that, how it counts."""

    duty: str
    level: str
    statute: bool
    citation: str
    version: str
    mark: str
    readings: tuple[str, ...] = ()
    counted: str | None = None


@dataclass(frozen=True, slots=True)
class ClockLine:
    """One clock. ``due_at`` is for machines; ``left`` says how much time there is, or by how much it is late.

    ``steps`` lead to the forms by which the duty would be done, of one that is not.
    """

    rule: RuleLine
    whom: str | None
    started: EntryLine | None
    begins: str
    not_before: str | None
    due: str
    due_at: str | None
    status: str
    tone: str
    left: str | None
    warned: str | None
    satisfied: EntryLine | None
    notes: tuple[tuple[str, EntryLine | None], ...]
    earlier: tuple[str, ...]
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class ClockGroup:
    """The clocks that stand alike."""

    anchor: str
    heading: str
    clocks: tuple[ClockLine, ...]


@dataclass(frozen=True, slots=True)
class BookLine:
    """An adopted rule book, with who approved it and what of it nobody has checked."""

    title: str
    approved: str
    unverified: int


@dataclass(frozen=True, slots=True)
class DeadlinesPage:
    """Everything the page of a case's clocks shows."""

    summary: str
    at: str
    groups: tuple[ClockGroup, ...]
    not_running: tuple[RuleLine, ...]
    switched_off: tuple[RuleLine, ...]
    books: tuple[BookLine, ...]
    warnings: tuple[WarningLine, ...]
    unwarned: int


def deadlines_page(
    look: CaseLook, questions: CaseQuestions, at: datetime, opened: Collection[int] = (), *, records: bool
) -> DeadlinesPage:
    """Return the clocks of a case as they stand at an instant, by what the look found on record.

    ``opened`` are the warnings that the look itself opens, ``unwarned`` counts broken clocks nobody was warned of.
    ``records`` says that the reader may record in the case now, and is led to what is to be done.
    """
    clocks, changes = questions.deadlines(at), questions.due_changes()
    quiet = silenced(questions.record, clocks, at)
    given = warned(questions.record, at)
    told = _Telling(look, questions.rules, at, words_of(look, ()), given, records)
    own = [clock for clock in clocks if not clock.citizen]
    lines = {clock.key: told.clock(clock, changes.get(clock.key, ()), silent=clock.key in quiet) for clock in clocks}
    groups = [ClockGroup(anchor, _(name), _in(own, statuses, lines, at)) for anchor, name, statuses in GROUPS]
    theirs = tuple(lines[clock.key] for clock in clocks if clock.citizen)
    groups.append(ClockGroup(CITIZEN, _(CITIZEN_HEADING), theirs))
    started = {clock.rule for clock in clocks}
    without = [one for one in _timed(questions.rules, questions.record.programme) if one.id not in started]
    off = [one for one in without if not any(held.versions(one.id) for held in questions.rules.adoptions)]
    return DeadlinesPage(
        summary=" · ".join(_counts(groups)) or _("Ingen frister er sat i gang."),
        at=show_instant(at),
        groups=tuple(group for group in groups if group.clocks),
        not_running=tuple(rule_line(one, None) for one in without if one not in off),
        switched_off=tuple(rule_line(one, None) for one in off),
        books=tuple(books(questions.rules, questions.record.programme)),
        warnings=warning_lines(given, questions.rules, look.file.case, look.question, opened),
        unwarned=sum(clock.key not in quiet and _is_unwarned(clock, given, at) for clock in own),
    )


@dataclass(frozen=True, slots=True)
class NextDuties:
    """The duties of the municipality that are due next, and how many are broken."""

    lines: tuple[ClockLine, ...]
    broken: int


def next_duties(look: CaseLook, questions: CaseQuestions, at: datetime, *, records: bool) -> NextDuties:
    """Return the clocks that run out next at an instant, the earliest first and those without a number last.

    None is among them that must not remind anyone.
    """
    clocks = questions.deadlines(at)
    quiet = silenced(questions.record, clocks, at)
    own = [clock for clock in clocks if not clock.citizen and clock.key not in quiet]
    running = [clock for clock in own if status(clock, at) in RUNNING]
    told = _Telling(look, questions.rules, at, words_of(look, ()), warned(questions.record, at), records)
    first = sorted(running, key=lambda clock: (clock.due is None, clock.extended_to or clock.due or at))[:DUTIES]
    broken = sum(status(clock, at) in BROKEN for clock in own)
    return NextDuties(tuple(told.clock(one, (), silent=False) for one in first), broken)


def _is_unwarned(clock: Deadline, given: Sequence[Warned], at: datetime) -> bool:
    return status(clock, at) in BROKEN and not any(one.key == clock.key for one in given)


def rule_line(rule: Rule, adoption: Adoption | None) -> RuleLine:
    """Return a rule as a page names it; with the adoption it ran under also the readings that were used."""
    mark = _(MARKS[rule.verification])
    return RuleLine(
        duty=rule.english if language() == ENGLISH else rule.danish,
        level=word(LEVELS, rule.level),
        statute=rule.level == "statute",
        citation=citation(rule.citation),
        version=_("regel %(rule)s, version %(version)s", rule=rule.id, version=rule.version),
        mark=mark,
        readings=() if adoption is None else tuple(_readings(rule, adoption)),
        counted=None if adoption is None or rule.due is None else _counted(rule.due),
    )


def _counted(due: Span) -> str | None:
    """Return in which unit and by which calendar a rule counts; None where no number forward from the start is given.

    A clock is extended or falls away by an event; it never stands still.
    """
    if due.n is None or due.n < 1:
        return None
    how = {"hours": _("også nat, weekend og helligdag"), "counted_days": word(CALENDARS, due.calendar)}
    return _(
        "Tælles: %(length)s, %(how)s; uden pauser",
        length=_length(due.unit, due.n),
        how=how.get(due.unit, word(ROLLS, due.roll)),
    )


def _length(unit: str, number: int) -> str:
    match unit:
        case "hours":
            return ngettext("%(number)s time i træk", "%(number)s timer i træk", number)
        case "counted_days":
            return ngettext("%(number)s hverdag", "%(number)s hverdage", number)
        case "days":
            return ngettext("%(number)s dag", "%(number)s dage", number)
        case "weeks":
            return ngettext("%(number)s uge", "%(number)s uger", number)
        case _:
            return ngettext("%(number)s måned", "%(number)s måneder", number)


def citation(text: str) -> str:
    """Return a source as Danish lawyers write it: § 136, stk. 2, nr. 1; in English as it stands."""
    if language() == ENGLISH:
        return text

    def told(found: re.Match[str]) -> str:
        section, first, last = found.groups()
        return f"{section}, stk. {first}" + (f"-{last}" if last else "")

    parts = (
        CITATIONS.get(part) or _SUBSECTION.sub(told, part).replace(" and ", " og ").replace(" no. ", ", nr. ")
        for part in text.split("; ")
    )
    return "; ".join(parts)


def show_left(clock: Deadline, at: datetime) -> str | None:
    """Return how much time is left of a running clock, or by how much it is or was late; None for neither."""
    late = late_by(clock, at)
    if late is not None:
        length = show_length(late)
        return _("%(length)s for sent", length=length) if clock.satisfied_at else _("%(length)s over", length=length)
    end = clock.extended_to or clock.due
    if status(clock, at) not in RUNNING or end is None:
        return None
    if clock.in_hours:
        return _("%(length)s tilbage", length=show_length(end - at))
    days = (copenhagen_day(end) - copenhagen_day(at)).days
    return ngettext("%(number)s dag tilbage", "%(number)s dage tilbage", days) if days else _("udløber i dag")


def tone_of(clock: Deadline, at: datetime) -> str:
    """Return the colour of a clock's status: a citizen's own is never red."""
    return "plain" if clock.citizen else TONES.get(status(clock, at), "plain")


def books(rules: Rules, programme: str | None) -> Iterator[BookLine]:
    """Yield the adopted rule books of the statute and a programme, the last adoption of each."""
    for adoption in {one.book.book.id: one for one in rules.adoptions}.values():
        book = adoption.book.book
        if book.programme in (None, programme):
            who = adoption.approved_by
            approved = _("godkendt af %(who)s", who=who) if who else _("ikke godkendt af nogen jurist")
            yield BookLine(
                _("%(title)s, version %(version)s", title=book.title, version=book.version),
                approved,
                len({rule.id for rule in adoption.book.unverified}),
            )


def adoption_of(rules: Rules, clock: Deadline) -> Adoption | None:
    """Return the adoption of the rule book a clock ran under."""
    named = (clock.book, clock.book_version)
    return next((one for one in reversed(rules.adoptions) if (one.book.book.id, one.book.book.version) == named), None)


@dataclass(frozen=True, slots=True)
class _Telling:
    """Puts the clocks of one look into words."""

    look: CaseLook
    rules: Rules
    at: datetime
    words: Words
    given: Sequence[Warned]
    records: bool

    def clock(self, clock: Deadline, changes: Sequence[DueChange], *, silent: bool) -> ClockLine:
        """Return a clock in words; a silent one must not remind anyone."""
        rule = self.rules.as_adopted(clock.book, clock.book_version, clock.rule, clock.rule_version)
        adoption = adoption_of(self.rules, clock)
        how = status(clock, self.at)
        return ClockLine(
            rule=unknown_rule(clock) if rule is None else rule_line(rule, adoption),
            whom=None if clock.subject is None else self.whom(clock.subject),
            started=self.entry(clock.trigger),
            begins=show_instant(clock.started),
            not_before=None if clock.not_before is None else show_due(clock.not_before),
            due=_("intet tal i kilden") if clock.due is None else show_due(clock.due),
            due_at=None if clock.due is None or how not in RUNNING else write_instant(clock.extended_to or clock.due),
            status=word(DEADLINES, how),
            tone=tone_of(clock, self.at),
            left=show_left(clock, self.at),
            warned=warned_text(clock, self.given, broken=how in BROKEN and not silent),
            satisfied=None if clock.satisfied_by is None else self.entry(clock.satisfied_by),
            notes=tuple(self.notes(clock, silent=silent)),
            earlier=tuple(map(_earlier, changes[:-1])),
            steps=self.steps(rule, clock) if rule is not None and how in (*BROKEN, *RUNNING) and not silent else (),
        )

    def steps(self, rule: Rule, clock: Deadline) -> tuple[Step, ...]:
        """Return where a duty of the municipality is recorded as done: its forms, with what the rule asks of them."""
        if not self.records or clock.satisfied_by is not None or clock.citizen:
            return ()
        return next_steps(rule, self.words.entries.get(clock.trigger), case_address(self.look.file.case))

    def whom(self, subject: str) -> str:
        """Return whom a clock is about, or which entry where it is about what was recorded."""
        if subject.isdecimal() and int(subject) in self.words.entries:
            entry = self.words.entries[int(subject)]
            return f"{_('nr. %(version)s', version=entry.version)} {label_of(entry)}"
        return self.words.person(subject) or subject

    def notes(self, clock: Deadline, *, silent: bool) -> Iterator[tuple[str, EntryLine | None]]:
        """Yield what else is to be said of a clock, with the entry that says it."""
        if clock.extended_to is not None and clock.extended_by is not None:
            text = _("Forlængelse meddelt; svar ventes senest %(day)s", day=show_due(clock.extended_to))
            yield text, self.entry(clock.extended_by)
        if clock.preliminary is not None:
            yield _("Foreløbigt opfyldt"), self.entry(clock.preliminary)
        if clock.cancelled_by is not None or clock.settled_by is not None:
            yield _("Bortfaldet"), self.entry(clock.cancelled_by or clock.settled_by or 0)
        if clock.superseded_by is not None:
            yield _("Fristen regnes i stedet fra"), self.entry(clock.superseded_by)
        if status(clock, self.at) == "met_disputed":
            yield _("Overholdt efter den valgte læsning, men ikke efter en strengere"), None
        if silent:
            yield _("Minder ingen: personen er død, eller graviditeten er ophørt"), None

    def entry(self, version: int) -> EntryLine | None:
        """Return an entry of the case in words; None where it is not on record for this reader."""
        entry = self.words.entries.get(version)
        return None if entry is None else entry_line(entry, self.look.file.case, self.look.question)


def entry_line(entry: Entry, case: UUID, asked: Question) -> EntryLine:
    """Return an entry as a page names it."""
    return EntryLine(
        address=entry_address(case, entry.version, asked),
        text=f"{_('nr. %(version)s', version=entry.version)} {label_of(entry)}",
        happened=show_moment(entry.occurred_at),
        reached=show_moment(entry.reached_at) if entry.reached_at else None,
        recorded=show_instant(entry.recorded_at),
    )


def unknown_rule(clock: Deadline) -> RuleLine:
    """Return the line of a rule that no adopted book holds any more."""
    version = _("regel %(rule)s, version %(version)s", rule=clock.rule, version=clock.rule_version)
    return RuleLine(clock.rule, word(LEVELS, clock.level), clock.level == "statute", "", version, "")


def _readings(rule: Rule, adoption: Adoption) -> Iterator[str]:
    """Yield the readings a rule ran under."""
    spans = [span for span in (rule.due, rule.not_before, rule.warn) if span]
    names = dict.fromkeys((*rule.when, *(name for span in spans for name in (span.setting, span.grace) if name)))
    for name in names:
        chosen = adoption.reading(name)
        if chosen is not None and name in SETTINGS:
            yield f"{_(SETTINGS[name])}: {word(OPTIONS, chosen)}"


def _earlier(change: DueChange) -> str:
    due = _("ingen dato") if change.due is None else show_due(change.due)
    return _("%(due)s, kendt siden %(when)s", due=due, when=show_instant(change.recorded_at))


def _in(
    clocks: Iterable[Deadline], statuses: Sequence[str], lines: Mapping[tuple[str, int, int], ClockLine], at: datetime
) -> tuple[ClockLine, ...]:
    """Return the lines of the clocks that stand in one of some ways: statute first, then the soonest due."""
    found = [clock for clock in clocks if status(clock, at) in statuses]
    found.sort(key=lambda clock: (clock.level != "statute", clock.due is None, clock.due or clock.started))
    return tuple(lines[clock.key] for clock in found)


def _timed(rules: Rules, programme: str | None) -> list[Rule]:
    """Return the rules of the statute and a programme that have a clock, each as last adopted."""
    found: dict[str, Rule] = {}
    for adoption in rules.adoptions:
        if adoption.book.book.programme in (None, programme):
            found |= {rule.id: rule for rule in adoption.book.rule if rule.due is not None or rule.not_before}
    return list(found.values())


def _counts(groups: Iterable[ClockGroup]) -> Iterator[str]:
    for group in groups:
        if group.clocks:
            yield f"{len(group.clocks)} {group.heading.lower()}"
