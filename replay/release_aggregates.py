"""Counts of a release per quarter, group and outcome, small cells hidden: what may be passed on to others.

Each subject (a rule, a kind of finding, an event type) is a table of its own. Its cells add up to its totals and to
nothing else that is told, so that what ``domain.suppression`` hides stays hidden.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from domain.release_fields import EVENT_FIELDS, IN_MONTHS
from domain.suppression import suppressed
from ledger.queries import load_queries
from replay.extras import extra
from replay.release_files import BOUNDS, write_rows

SQL = load_queries("replay", "sql/aggregates.sql")


@dataclass(frozen=True, slots=True)
class Counted:
    """A table of counts: the views it is made from, whether from all events too, and by what it is split in groups."""

    views: tuple[str, ...]
    of_events: bool = False
    group: str = "programme"


NEEDS: Mapping[str, Counted] = {
    "deadlines": Counted(("deadlines", "case_state")),
    "findings": Counted(("findings", "case_state")),
    "cases": Counted(("case_state",)),
    "recording": Counted(("case_state",), of_events=True, group="unit"),
    "compliance": Counted(("deadlines",), of_events=True, group="rules"),
}
"""The tables of counts."""

_Counts = dict[tuple[str, str], int]


class NoSuchCounts(Exception):
    """There are no such counts in this folder; the message says which there are."""


def write_aggregates(folder: Path, day: date) -> dict[Path, int]:
    """Write every table of counts whose views and events are in the folder, as of a day; returns the rows of each."""
    written: dict[Path, int] = {}
    events = [folder / "events" / f"{topic}.parquet" for topic in EVENT_FIELDS]
    for name, counted in NEEDS.items():
        views = {view: folder / "views" / f"{view}.parquet" for view in counted.views}
        if all(path.exists() for path in (*views.values(), *(events if counted.of_events else ()))):
            path = folder / "aggregates" / f"{name}_by_quarter.parquet"
            rows = _rows(name, views, events, day)
            write_rows(path, _schema(counted.group), rows)
            written[path] = len(rows)
    return written


def read_counts(folder: Path, name: str) -> list[dict[str, Any]]:
    """Return a table of counts of a release, needing nothing but its file; raises NoSuchCounts."""
    paths = {path.stem.removesuffix("_by_quarter"): path for path in sorted((folder / "aggregates").glob("*.parquet"))}
    if name not in paths:
        raise NoSuchCounts(f"there are no counts of {name} in this folder: there are {', '.join(paths) or 'none'}")
    return extra("pyarrow.parquet", "replay").read_table(str(paths[name])).to_pylist()


def _schema(group: str) -> dict[str, str]:
    return {"subject": "string", group: "string", "outcome": "string", "quarter": "string", "count": "int64"}


def _rows(name: str, views: Mapping[str, Path], events: list[Path], day: date) -> list[dict[str, Any]]:
    offered: dict[str, Any] = {view: str(path) for view, path in views.items()} | {
        "day": day,
        "events": [str(path) for path in events],
        "adopted": str(next(path for path in events if path.stem == "rule_book_adopted")),
        "coarse": sorted(IN_MONTHS),
    }
    values = {key: value for key, value in offered.items() if f"${key}" in SQL[name]}
    with extra("duckdb", "replay").connect(":memory:", config=BOUNDS) as connection:
        found: list[tuple[Any, ...]] = connection.execute(SQL[name], values).fetchall()
    counts: dict[str, _Counts] = defaultdict(dict)
    cases: dict[str, _Counts] = defaultdict(dict)
    for subject, group, outcome, quarter, counted, of_cases in found:
        counts[subject][f"{group}/{outcome}", quarter] = counted
        cases[subject][f"{group}/{outcome}", quarter] = of_cases
    group = NEEDS[name].group
    return [row for subject in sorted(counts) for row in table_of(subject, group, counts[subject], cases[subject])]


def table_of(subject: str, group: str, counts: _Counts, cases: _Counts) -> list[dict[str, Any]]:
    """Return the rows of one subject; no group or quarter stands for all of them, no count for a hidden cell."""
    shown = suppressed(counts, cases)
    rows: list[dict[str, Any]] = []
    for (row, quarter), count in sorted(shown.items(), key=lambda one: (one[0][0] or "", one[0][1] or "")):
        its_group, _, outcome = (None, "", None) if row is None else row.partition("/")
        rows.append({"subject": subject, group: its_group, "outcome": outcome, "quarter": quarter, "count": count})
    return rows
