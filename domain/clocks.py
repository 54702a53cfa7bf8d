"""Which clocks run in a case: rules read as data, from the entry that starts a clock to what became of it.

Nothing here knows a rule by name. What the parts of a rule mean is told in ``docs/rule-books.md``.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from domain.calendar import CalendarError
from domain.deadlines import Deadline, plain_status
from domain.entries import Entry
from domain.events.access import DeadlineExtensionNotified
from domain.events.child import ChildBorn
from domain.events.enrolment import InterventionStarted
from domain.inquiry import Inquiry
from domain.known import counts_from, counts_until, many
from domain.patterns import anchor_of, earliest, first_match
from domain.rule_book import Pattern, Rule, Span
from domain.rules import Adoption, Rules
from domain.time import EARLIEST, EARLIEST_DAY, LATEST_DAY, Moment, copenhagen_day, end_of, read_day, start_of


def deadlines(inquiry: Inquiry, rules: Iterable[str] | None = None) -> tuple[Deadline, ...]:
    """Return every clock of a case from what had happened by the inquiry's instant, in the order they started.

    ``rules`` limits the answer; None takes the statute and the case's programme.
    """
    names = tuple(rules) if rules is not None else inquiry.rules.ids(inquiry.programme)
    found = [clock for name in names for clock in _kept_clocks(inquiry, name)]
    met = {(clock.rule, clock.trigger) for clock in found if plain_status(clock, EARLIEST) == "met"}
    settled = [_with_moot(clock, met, inquiry.rules) for clock in found]
    return tuple(sorted(settled, key=lambda clock: (clock.started, clock.trigger, clock.rule, clock.number)))


def clocks_of(inquiry: Inquiry, rules: Collection[str]) -> tuple[Deadline, ...]:
    """Return the clocks of some rules as they stand among all of the case, in the order they started."""
    own, mooting = inquiry.rules.ids(inquiry.programme), inquiry.rules.mooting
    among = {name for rule in rules for name in (rule, mooting.get(rule, rule)) if name in own}
    return tuple(clock for clock in deadlines(inquiry, among) if clock.rule in rules)


@dataclass(frozen=True, slots=True)
class _Start:
    """An entry that starts a clock under one version of a rule."""

    entry: Entry
    anchor: Moment
    rule: Rule
    adoption: Adoption

    @property
    def instant(self) -> datetime:
        """When the clock starts."""
        return start_of(self.anchor)

    @property
    def order(self) -> tuple[date, int]:
        """Which of several comes first: by day, because an awareness is often known only to the day."""
        return copenhagen_day(self.anchor), self.entry.version


def _kept_clocks(inquiry: Inquiry, name: str) -> tuple[Deadline, ...]:
    """Return the clocks of one rule, which do not hang on what the clock shows nor on how checks judge."""
    return inquiry.answer(("clocks", name), lambda: tuple(_clocks(inquiry, name)))


def _clocks(inquiry: Inquiry, name: str) -> Iterator[Deadline]:
    """Yield the clocks of one rule."""
    starts = [start for start in _starts(inquiry, name) if _late_enough(inquiry, start)]
    for start in starts:
        counted_instead = _superseding(inquiry, start, starts)
        for clock in _grid(inquiry, start):
            counts = counted_instead is None
            yield _kept_open(inquiry, start, clock) if counts else replace(clock, superseded_by=counted_instead)


def _starts(inquiry: Inquiry, name: str) -> Iterator[_Start]:
    """Yield each entry that starts a clock of a rule, under the version that holds for it."""
    for entry in inquiry.among(inquiry.rules.starting.get(name, ())):
        for adoption, rule in _versions(inquiry.rules, name, entry):
            pattern = first_match(rule.anchor, entry)
            anchor = anchor_of(pattern, entry) if pattern else None
            if anchor is None:
                continue
            chosen = inquiry.rules.rule(name, copenhagen_day(anchor), entry.recorded_at)
            if chosen is not None and chosen[0] is rule:
                yield _Start(entry, anchor, rule, adoption)
                break


def _late_enough(inquiry: Inquiry, start: _Start) -> bool:
    """Whether support that starts a clock began as long after the last birth as its rule asks for."""
    days = start.rule.late_entry_days
    if days is None or start.entry.topic != InterventionStarted.TOPIC:
        return True
    births = [counts_from(birth) for birth in inquiry.of(ChildBorn)]
    before = max((born for born in births if born <= start.instant), default=None)
    return before is not None and (copenhagen_day(start.anchor) - copenhagen_day(before)).days > days


def _versions(rules: Rules, name: str, entry: Entry) -> Iterator[tuple[Adoption, Rule]]:
    """Yield the versions of a rule that could hold for an entry, whatever day it is anchored on."""
    for adoption in rules.in_force(entry.recorded_at):
        for rule in adoption.versions(name):
            yield adoption, rule


def _superseding(inquiry: Inquiry, start: _Start, starts: Sequence[_Start]) -> int | None:
    """Return the trigger that counts instead of this one; None where this one counts."""
    if start.rule.start == "each" or len(starts) < 2:
        return None
    chosen = _CHOICES[start.rule.start](inquiry, start, starts)
    return None if chosen.entry.version == start.entry.version else chosen.entry.version


def _first(inquiry: Inquiry, start: _Start, starts: Sequence[_Start]) -> _Start:
    """Return the first of those about the same child in the chain that nothing settled in between."""
    chain = [one for one in starts if _about_the_same(inquiry, one.entry, start.entry)]
    closing = _ends_chain(start.rule)
    candidates = inquiry.among({pattern.topic for pattern in closing})
    ends = [counts_from(entry) for entry in candidates if first_match(closing, entry)]
    linked = [one for one in chain if not any(_between(end, one.instant, start.instant) for end in ends)]
    return min(linked, key=lambda one: one.order)


def _between(end: datetime, one: datetime, other: datetime) -> bool:
    return min(one, other) < end <= max(one, other)


def _ends_chain(rule: Rule) -> tuple[Pattern, ...]:
    """Return what closes a matter for good: the settling entries that do not answer one trigger only."""
    return tuple(pattern for pattern in rule.settled_by if pattern.refers is None and pattern.where)


def _latest(_inquiry: Inquiry, start: _Start, starts: Sequence[_Start]) -> _Start:
    """Return the latest of those about the same person."""
    person = start.entry.data.get("person")
    same = [one for one in starts if one.entry.data.get("person") == person]
    return max(same, key=lambda one: (one.entry.happened, one.entry.version))


def _birth_or_start(_inquiry: Inquiry, start: _Start, starts: Sequence[_Start]) -> _Start:
    """Return the birth where support had begun by then or has not begun, else the first start after it."""
    births = [one for one in starts if one.entry.topic == ChildBorn.TOPIC]
    begun = sorted((one for one in starts if one.entry.topic == InterventionStarted.TOPIC), key=lambda one: one.instant)
    if not births:
        return start
    birth = start if start in births else max(births, key=lambda one: one.instant)
    if not begun or begun[0].instant <= birth.instant:
        return birth
    return begun[0]


_CHOICES = {"first": _first, "latest": _latest, "birth_or_start": _birth_or_start}


def _about_the_same(inquiry: Inquiry, one: Entry, other: Entry) -> bool:
    """Whether two entries may concern the same child: they do unless each names children and none is shared."""
    children = {str(birth.data["child"]) for birth in inquiry.known.of(ChildBorn)}
    named = [
        {str(ref) for field in ("about", "subject") for ref in many(entry.data.get(field))} for entry in (one, other)
    ]
    first, second = (refs & children for refs in named)
    return not first or not second or bool(first & second)


def _grid(inquiry: Inquiry, start: _Start) -> Iterator[Deadline]:
    """Yield the clock of a start, or one clock per date of a fixed grid."""
    first = _clock(inquiry, start)
    yield first
    repeat = start.rule.repeat
    if repeat is None or first.due is None:
        return
    calendar, anchor, previous = start.adoption.calendar, copenhagen_day(first.due), first
    for number in range(1, repeat.times):
        try:
            due = end_of(calendar.plus(anchor, repeat.unit, repeat.n * number))
        except CalendarError:
            return
        clock = replace(first, number=number, due=due, not_before=previous.due, moot=False)
        previous = _outcome(inquiry, start, replace(clock, satisfied_by=None, satisfied_at=None))
        yield previous


def _clock(inquiry: Inquiry, start: _Start) -> Deadline:
    """Return the clock that an entry starts."""
    rule, entry = start.rule, start.entry
    due = _due(inquiry, start)
    clock = Deadline(
        rule=rule.id,
        rule_version=rule.version,
        book=start.adoption.book.book.id,
        book_version=start.adoption.book.book.version,
        level=rule.level,
        citizen=rule.audience == "citizen",
        in_hours=rule.in_hours,
        trigger=entry.version,
        number=0,
        subject=_subject(entry),
        started=start.instant,
        due=due,
        not_before=_beginning(start, rule.not_before),
        warn_at=_end(start, rule.warn),
        applicable=not any(entry.data.get(name) == value for name, value in rule.not_applicable_if.items()),
        running=all(entry.data.get(name) == value for name, value in rule.started_if.items()),
    )
    return _outcome(inquiry, start, clock)


def _subject(entry: Entry) -> str | None:
    """Return whom a clock is about, where its trigger names one person."""
    for field in ("child", "person", "subject", "about", "by", "to"):
        named = many(entry.data.get(field))
        if named:
            return str(named[0]) if len(named) == 1 else None
    return None


def _outcome(inquiry: Inquiry, start: _Start, clock: Deadline) -> Deadline:
    """Return the clock with what became of it."""
    rule, facts, trigger, started = start.rule, inquiry.of_topic, start.entry, clock.started
    satisfied = _satisfying(inquiry, start, clock.not_before)
    preliminary = earliest(rule.preliminary, facts, trigger, started)
    clock = replace(
        clock,
        satisfied_by=satisfied.version if satisfied else None,
        satisfied_at=counts_until(satisfied) if satisfied else None,
        preliminary=preliminary.version if preliminary and _in_time(preliminary, clock.due) else None,
    )
    cancelling = earliest(rule.until, facts, trigger, started)
    if cancelling is not None and _cancels(cancelling, clock):
        clock = replace(clock, cancelled_by=cancelling.version)
    return _fine(inquiry, start, clock, satisfied)


def _fine(inquiry: Inquiry, start: _Start, clock: Deadline, satisfied: Entry | None) -> Deadline:
    """Return the clock with what the law adds to time alone: fallen away, extended, disputed, not applicable."""
    rule, facts = start.rule, inquiry.of_topic
    settling = earliest(rule.settled_by, facts, start.entry, clock.started)
    if settling is not None and earliest(rule.resumed_by, facts, start.entry, clock.started) is None:
        clock = replace(clock, settled_by=settling.version)
    extension = _extension(inquiry.of(DeadlineExtensionNotified), clock)
    if extension is not None:
        clock = replace(
            clock, extended_by=extension.version, extended_to=end_of(read_day(extension.data["new_expected"]))
        )
    if not _concerned(inquiry, rule, clock):
        clock = replace(clock, moot=True)
    return replace(clock, dispute=_dispute(rule, clock, satisfied))


def _kept_open(inquiry: Inquiry, start: _Start, clock: Deadline) -> Deadline:
    """Return a clock that nothing makes late before an event: it ends with that one where that comes after its date."""
    if not start.rule.open_until or clock.due is None:
        return clock
    ending = inquiry.among({pattern.topic for pattern in start.rule.open_until})
    later = [entry for entry in ending if entry.happened > start.entry.happened]
    ends = [counts_from(entry) for entry in later if first_match(start.rule.open_until, entry)]
    end = min(ends, default=clock.satisfied_at)
    return clock if end is None else replace(clock, due=max(clock.due, end))


def _satisfying(inquiry: Inquiry, start: _Start, not_before: datetime | None) -> Entry | None:
    """Return what satisfies a clock; a closing after which it all begins again does not."""
    facts, undone = inquiry.of_topic, set[int]()
    while True:
        found = earliest(start.rule.satisfied_by, facts, start.entry, start.instant, not_before, undone)
        if found is None or not start.rule.unless_followed_by:
            return found
        if earliest(start.rule.unless_followed_by, facts, found, counts_from(found)) is None:
            return found
        undone.add(found.version)


def _in_time(entry: Entry, due: datetime | None) -> bool:
    return due is None or counts_until(entry) <= due


def _cancels(entry: Entry, clock: Deadline) -> bool:
    """Whether a closing ends a clock: at or before it is due, and before anything satisfied it."""
    closed = counts_from(entry)
    return (clock.due is None or closed <= clock.due) and (clock.satisfied_at is None or closed < clock.satisfied_at)


def _extension(notices: Sequence[Entry], clock: Deadline) -> Entry | None:
    """Return the last notice, sent by the due date, that an answer will take longer."""
    fitting = [
        entry
        for entry in notices
        if (entry.data["rule"], entry.data["trigger"]) == (clock.rule, clock.trigger) and _in_time(entry, clock.due)
    ]
    return fitting[-1] if fitting else None


def _concerned(inquiry: Inquiry, rule: Rule, clock: Deadline) -> bool:
    """Whether a duty concerns this family at all: the child was born, support was running by the due date."""
    if rule.after_birth_only:
        births = [counts_from(birth) for birth in inquiry.of(ChildBorn)]
        if not any(born <= clock.started for born in births):
            return False
    if rule.while_running and not inquiry.supported(clock.started):
        return False
    if rule.known_before and inquiry.known.begun > clock.started:
        return False
    if rule.running_by_due and clock.due is not None:
        return any(start.happened <= clock.due for start in inquiry.of(InterventionStarted))
    return True


def _dispute(rule: Rule, clock: Deadline, satisfied: Entry | None) -> str | None:
    """Return why a clock is met under one reading of its rule and not under a stricter one."""
    if satisfied is None:
        return None
    if (
        rule.by_role is not None
        and satisfied.actor.role != rule.by_role
        and satisfied.data.get("held_by") != rule.by_role
    ):
        return "role"
    strict = rule.warn is not None and rule.due is not None and rule.warn.unit == "counted_days" == rule.due.unit
    if strict and clock.warn_at is not None and counts_until(satisfied) > clock.warn_at:
        return "strict_count"
    return None


def _with_moot(clock: Deadline, met: set[tuple[str, int]], rules: Rules) -> Deadline:
    """Return a clock marked as without object where the duty it stands in for was met."""
    other = rules.mooting.get(clock.rule)
    return replace(clock, moot=True) if other is not None and (other, clock.trigger) in met else clock


def _due(inquiry: Inquiry, start: _Start) -> datetime | None:
    """Return the last instant in time; an event that makes the duty due at once moves it forward."""
    due = _end(start, start.rule.due)
    if due is None:
        return None
    bringing = inquiry.among({pattern.topic for pattern in start.rule.earlier_of})
    days = [copenhagen_day(counts_from(entry)) for entry in bringing if _caps(start, entry)]
    return min([due, *(end_of(day) for day in days)])


def _caps(start: _Start, entry: Entry) -> bool:
    return first_match(start.rule.earlier_of, entry) is not None and counts_until(entry) >= start.instant


def _end(start: _Start, span: Span | None) -> datetime | None:
    """Return the end of a span from the start of a clock; None where there is no span, or it leads to no date."""
    if span is None:
        return None
    if span.unit == "hours":
        return _hours_later(start, _number(start.adoption, span))
    day = _day(start, span)
    return None if day is None else end_of(day)


def _hours_later(start: _Start, n: int | None) -> datetime | None:
    try:
        return None if n is None else start.adoption.calendar.plus_hours(start.instant, n)
    except CalendarError:
        return None


def _beginning(start: _Start, span: Span | None) -> datetime | None:
    """Return 00:00 of the day a span from the start of a clock leads to."""
    day = _day(start, span) if span is not None else None
    return None if day is None else start_of(day)


def _day(start: _Start, span: Span) -> date | None:
    """Return the day a span leads to; None where its reading is off, or no calendar reaches so far."""
    try:
        day = _counted(start, span)
    except CalendarError:
        return None
    return day if day is not None and EARLIEST_DAY <= day <= LATEST_DAY else None


def _counted(start: _Start, span: Span) -> date | None:
    """Return the day a span leads to, rolled, with the days of grace the chosen reading adds; raises CalendarError."""
    calendar, anchor = start.adoption.calendar, copenhagen_day(start.anchor)
    n = _number(start.adoption, span)
    if span.field is not None:
        period = start.entry.data.get(span.field)
        day = calendar.plus_period(anchor, period) if isinstance(period, str) else None
    elif n is None or span.unit in ("hours", "decided"):
        day = None
    elif span.unit == "counted_days":
        day = calendar.nth_counted_day(anchor, n, span.calendar)
    else:
        day = calendar.plus(anchor, span.unit, n)
    if day is None:
        return None
    return calendar.plus(calendar.roll(day, span.roll), "days", _grace(start.adoption, span))


def _number(adoption: Adoption, span: Span) -> int | None:
    """Return the number of a span: its own, or the one chosen in a setting; None where that is off."""
    if span.setting is None:
        return span.n
    reading = adoption.reading(span.setting)
    return int(reading) if reading is not None and reading.isdecimal() else None


def _grace(adoption: Adoption, span: Span) -> int:
    reading = adoption.reading(span.grace) if span.grace else None
    return int(reading) if reading is not None and reading.isdecimal() else 0
