"""The walk-through of docs/analysts.md: each cell is run over a release of the cases it names, and shows what it says.

``CASELEDGER_FREEZE=1`` writes the shown results anew.
"""

import asyncio
import os
import re
from pathlib import Path
from typing import Any

import duckdb

from api.exporting import ReleaseWish, make_release
from api.opening import Place
from api.principals import command_line_principal
from api.recording import CaseRecorder
from api.rule_adoption import adopt_shipped
from api.stories import load_stories, read_story
from projections.view import VIEWS
from replay.rebuild import rebuild_view
from tests.conftest import BEGINS_AT

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "analysts.md"
CELL = re.compile(r"```sql\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL)


def released(place: Place, folder: Path) -> Path:
    """Do what the page says before its first cell, and return the DuckDB file."""
    stories = [read_story(path) for path in sorted((ROOT / "docs" / "examples" / "waiting").glob("*.json"))]
    with place.ledger() as ledger:
        adopt_shipped(ledger, command_line_principal("create"), BEGINS_AT)
        asyncio.run(load_stories(CaseRecorder(ledger), stories))
        for view in VIEWS.values():
            rebuild_view(place.conninfo, view)
        principal = command_line_principal("statistics", internal=True)
        make_release(ledger, principal, ReleaseWish("waiting"), folder, lambda _done, _all: None)
    return folder / "release.duckdb"


def shown(names: list[str], rows: list[tuple[Any, ...]]) -> str:
    """Return a result as the page shows it."""
    lines = [names, *([_word(value) for value in row] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(names))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n" for line in lines
    )


def _word(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def test_every_cell_shows_what_the_page_says(simulated: Place, tmp_path: Path) -> None:
    """In order, in one session, read-only, with the clock of a machine in UTC."""
    with duckdb.connect(str(released(simulated, tmp_path / "release")), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")

        def run(cell: re.Match[str]) -> str:
            done = connection.execute(cell[1])
            assert done.description is not None
            result = shown([str(column[0]) for column in done.description], done.fetchall())
            return f"```sql\n{cell[1]}```\n\n```text\n{result}```\n"

        text = PAGE.read_text("utf-8")
        page = CELL.sub(run, text)
    if os.environ.get("CASELEDGER_FREEZE") == "1":
        PAGE.write_text(page, "utf-8")
    assert page == text
    assert len(CELL.findall(text)) == 7
