"""The steering group's overview of a programme, remembered: enrolments, links between families, what was published.

One row per enrolment and per link, so that the numbers as of any day come from an index and no case is read.
"""

from datetime import datetime
from typing import Any

from domain.entries import Entry
from domain.events.meeting import SteeringOverviewPublished
from domain.events.people import SiblingLinked
from domain.rules import Rules
from domain.time import write_instant
from projections import case_state

TOPICS = case_state.TOPICS | {SiblingLinked.TOPIC, SteeringOverviewPublished.TOPIC}
"""Topics of the entries this question reads."""

CASE, ENROLMENT, SIBLING, PUBLISHED = "case", "enrolment", "sibling", "published"
"""The kinds of parts, as their names begin; the first says that there is a case, whatever it has come to."""


def fold(state: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    """Return the entries the overview rests on with one more taken in if it bears on it."""
    return case_state.keep(state, entry, TOPICS)


def parts(state: tuple[Entry, ...], _rules: Rules, at: datetime | None) -> dict[str, dict[str, Any]]:
    """Return that there is a case, its enrolments, its links to siblings' cases and the overviews published in it."""
    in_force = case_state.facts_of(state)
    if at is not None:
        in_force = [one for one in in_force if one.topic == "case_opened" or one.happened <= at]
    value = case_state.row(state) if at is None else case_state.derive(in_force)
    if value is None:
        return {}
    common = {"programme": value["programme"], "sort": value["number"]}
    found: dict[str, dict[str, Any]] = {CASE: common | {"status": ""}}
    for number, one in enumerate(value["enrolments"], start=1):
        found[f"{ENROLMENT}/{number}"] = common | {"enrolment": one["enrolment"], "status": one["status"]}
    for entry in in_force:
        if entry.topic == SiblingLinked.TOPIC and entry.data.get("case") is not None:
            found[f"{SIBLING}/{entry.version}"] = common | {"status": "", "case": str(entry.data["case"])}
        elif entry.topic == SteeringOverviewPublished.TOPIC:
            happened = write_instant(entry.happened)
            found[f"{PUBLISHED}/{entry.version}"] = common | {
                "status": "", "happened": happened, "counts": dict(entry.data["counts"]),
            }  # fmt: skip
    return found
