"""Counts of a release per quarter, programme and outcome, small cells hidden: what may be passed on to others.

Each subject (a rule, a kind of finding) is a table of its own. Its cells add up to its totals and to nothing else that
is told, so that what ``domain.suppression`` hides stays hidden.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from domain.suppression import suppressed
from ledger.queries import load_queries
from replay.extras import extra
from replay.release_files import BOUNDS, write_rows

SQL = load_queries("replay", "sql/aggregates.sql")
NEEDS: Mapping[str, tuple[str, ...]] = {
    "deadlines": ("deadlines", "case_state"),
    "findings": ("findings", "case_state"),
    "cases": ("case_state",),
}
"""The views each table of counts is made from."""

SCHEMA = {"subject": "string", "programme": "string", "outcome": "string", "quarter": "string", "count": "int64"}
_Counts = dict[tuple[str, str], int]


def write_aggregates(folder: Path, day: date) -> dict[Path, int]:
    """Write every table of counts whose views are in the folder, as of a day; returns the rows of each."""
    written: dict[Path, int] = {}
    for name, views in NEEDS.items():
        paths = {view: folder / "views" / f"{view}.parquet" for view in views}
        if all(path.exists() for path in paths.values()):
            rows = _rows(name, {view: str(path) for view, path in paths.items()}, day)
            path = folder / "aggregates" / f"{name}_by_quarter.parquet"
            write_rows(path, SCHEMA, rows)
            written[path] = len(rows)
    return written


def _rows(name: str, paths: Mapping[str, str], day: date) -> list[dict[str, Any]]:
    values: dict[str, Any] = {**paths, "day": day} if "$day" in SQL[name] else dict(paths)
    with extra("duckdb", "replay").connect(":memory:", config=BOUNDS) as connection:
        found: list[tuple[Any, ...]] = connection.execute(SQL[name], values).fetchall()
    counts: dict[str, _Counts] = defaultdict(dict)
    cases: dict[str, _Counts] = defaultdict(dict)
    for subject, programme, outcome, quarter, counted, of_cases in found:
        counts[subject][f"{programme}/{outcome}", quarter] = counted
        cases[subject][f"{programme}/{outcome}", quarter] = of_cases
    return [row for subject in sorted(counts) for row in table_of(subject, counts[subject], cases[subject])]


def table_of(subject: str, counts: _Counts, cases: _Counts) -> list[dict[str, Any]]:
    """Return the rows of one subject; no programme or quarter stands for all of them, no count for a hidden cell."""
    shown = suppressed(counts, cases)
    rows: list[dict[str, Any]] = []
    for (row, quarter), count in sorted(shown.items(), key=lambda one: (one[0][0] or "", one[0][1] or "")):
        programme, _, outcome = (None, "", None) if row is None else row.partition("/")
        rows.append(
            {"subject": subject, "programme": programme, "outcome": outcome, "quarter": quarter, "count": count}
        )
    return rows
