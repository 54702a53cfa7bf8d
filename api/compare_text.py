"""Comparisons as text for the command line: what moved, and why."""

from collections.abc import Iterator, Mapping
from typing import Any

from api.comparing import MOVES, Compared, Tally, ViewDifference
from domain.events import BY_TOPIC
from domain.time import COPENHAGEN, INSTANT, read_instant
from replay.compare import (
    ANNULMENT,
    CORRECTION,
    ERASURE,
    KINDS,
    LATE_ENTRY,
    NEW_EVENT,
    RULE_CHANGE,
    TIME_PASSED,
    Cause,
    Difference,
)

WORDS: Mapping[str, str] = {
    NEW_EVENT: "new event",
    LATE_ENTRY: "late entry",
    CORRECTION: "correction",
    ANNULMENT: "annulment",
    RULE_CHANGE: "rule change",
    ERASURE: "erasure",
    TIME_PASSED: "time passed",
}
MOVE_WORDS: Mapping[str, str] = {
    "due_earlier": "are due earlier",
    "due_later": "are due later",
    "broken_now": "are broken now and were not",
    "broken_no_more": "were broken and are not",
}
_NOTHING = "nothing"


def heading(found: Compared) -> str:
    """Return the line about what is compared."""
    span, names = found.ends.span, ", ".join(view.name for view in found.wanted.views)
    if found.wanted.draft is not None:
        book = found.wanted.draft.book
        return (
            f"{names} as known at {_instant(span.known_from)} (position {span.begins}): the rules adopted, "
            f"against the draft of {book.id} version {book.version}"
        )
    shown = f", the clock showing {_instant(span.clock_to)}" if found.wanted.valid_at is not None else ""
    begin, end = f"{_instant(span.known_from)} (position {span.begins})", _instant(found.wanted.known_to)
    return f"{names} as known at {begin} and at {end} (position {found.ends.ends}){shown}"


def lines(item: ViewDifference) -> Iterator[str]:
    """Yield the lines about one difference."""
    found = item.found
    yield f"{item.view} {found.part or '-'} of case {found.case}: {_what(found)}"
    for name in found.changed:
        before, after = (found.before or {}).get(name), (found.after or {}).get(name)
        yield f"    {name}: {_value(before)} -> {_value(after)}"
    for cause in found.causes:
        yield f"    {_cause(cause)}"
    if not found.explained:
        yield "    UNEXPLAINED: without what is named here the row would not be as before"


def summary(tally: Tally) -> Iterator[str]:
    """Yield the lines that end a comparison."""
    total = tally.explained + tally.unexplained
    kinds = ", ".join(f"{tally.kinds[kind]} {WORDS[kind]}" for kind in KINDS if tally.kinds[kind])
    told = f"{total} differences in {tally.cases} cases, {tally.explained} explained, {tally.unexplained} unexplained"
    yield told + (f"; behind them {kinds}" if kinds else "")
    moves = ", ".join(f"{tally.moves[move]} {MOVE_WORDS[move]}" for move in MOVES if tally.moves[move])
    if moves:
        yield f"of the clocks {moves}"
    if tally.renamed:
        yield f"{tally.renamed} rows are the same and name another version of the rules"
    if tally.erased:
        yield f"{tally.erased} cases were erased in between: their rows are gone, and nothing is shown of them"


def _what(found: Difference) -> str:
    if found.before is None:
        return "is there now, was not before" + _status(found.after)
    return "was there before, is not now" + _status(found.before) if found.after is None else "is not as it was"


def _status(value: Mapping[str, Any] | None) -> str:
    return f" ({value['status']})" if value and "status" in value else ""


def _cause(cause: Cause) -> str:
    entry = cause.entry
    if entry is None:
        return f"because {WORDS[cause.kind]}" + (": the draft" if cause.kind == RULE_CHANGE else "")
    happened = _instant(entry.happened)
    told = f"{WORDS[cause.kind]}: entry {entry.version}, {BY_TOPIC[entry.topic].name()} at position {entry.position}"
    word = "would also, without those," if cause.stands_in else "because"
    return f"{word} {told}, happened {happened}, recorded {_instant(entry.recorded_at)}"


def _instant(instant: Any) -> str:
    return instant.astimezone(COPENHAGEN).isoformat(" ", "seconds")


def _value(value: Any) -> str:
    if isinstance(value, str) and INSTANT.fullmatch(value):
        return _instant(read_instant(value))
    return _NOTHING if value is None or value == [] else str(value)
