"""The yearly review's questions, remembered per case: one row per question, with the entries behind its answer."""

from datetime import datetime
from typing import Any

from domain.barometer import Answer, standing_answers
from domain.entries import Entry
from domain.events.administration import CaseOpened
from domain.rules import Rules
from domain.standing import Standing
from domain.time import write_instant
from projections.case_views import inquiry_of


def parts(state: tuple[Entry, ...], rules: Rules, at: datetime | None) -> dict[str, dict[str, Any]]:
    """Return the answer to each question under its code; none before the case is opened."""
    inquiry = inquiry_of(state, rules, at)
    opening = next(iter(inquiry.known.of(CaseOpened)), None)
    if opening is None or (at is not None and opening.happened > at):
        return {}
    common = {"programme": str(opening.data["programme"]), "sort": str(opening.data["number"])}
    return {code: common | _values(found) for code, found in standing_answers(inquiry).items()}


def _values(found: Standing[Answer]) -> dict[str, Any]:
    """Return an answer as JSON values; each step holds its entries beside its answer."""
    steps = [[write_instant(instant), then.answer, list(then.entries)] for instant, then in reversed(found.steps)]
    first = {"status": found.first.answer, "entries": list(found.first.entries)}
    return first | ({"steps": steps} if steps else {})
