"""When a case was closed, as was on record at the time: so that looks at it afterwards can be told."""

from collections.abc import Sequence

from domain.entries import Entry
from domain.events.enrolment import EnrolmentClosed
from projections.case_state import TOPICS, state_as_of


def closed_stretches(entries: Sequence[Entry]) -> tuple[tuple[int, int | None], ...]:
    """Return the stretches of positions in which every enrolment of a case was closed; None: it still is.

    ``entries`` are those of one case in the order recorded.
    """
    begun = next((n for n, entry in enumerate(entries) if entry.topic == EnrolmentClosed.TOPIC), len(entries))
    found: list[tuple[int, int | None]] = []
    for n in (n for n in range(begun, len(entries)) if entries[n].topic in TOPICS):
        closed, open_end = _is_closed(entries[: n + 1]), bool(found) and found[-1][1] is None
        if closed and not open_end:
            found.append((entries[n].position, None))
        elif open_end and not closed:
            found[-1] = (found[-1][0], entries[n].position)
    return tuple(found)


def _is_closed(entries: Sequence[Entry]) -> bool:
    enrolments = state_as_of(entries, None)["enrolments"]
    return bool(enrolments) and all(enrolment["status"] == "closed" for enrolment in enrolments)
