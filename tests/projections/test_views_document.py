"""What docs/views.md says: its list of views is the registry, and its example is followed, asked and made anew."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from api.opening import Place
from domain.events.visit import VisitHeld
from ledger.mapper import read_clear
from projections.view import VIEWS

DOCUMENT = (Path(__file__).parents[2] / "docs" / "views.md").read_text("utf-8")
MARCH = datetime(2025, 3, 1, tzinfo=UTC)


def test_every_view_is_listed_and_no_other() -> None:
    """The table names the views in the order of the registry."""
    table = DOCUMENT.partition("## The views")[2].partition("\n\n`timeline`")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(VIEWS)


def test_the_example_works_as_written(stories: Place) -> None:
    """The module and what is done with it, word for word: as many visits as are on record, now and in March."""
    module, use = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    with stories.ledger() as ledger:
        names: dict[str, Any] = {"conninfo": stories.conninfo, "ledger": ledger, "march": MARCH}
        for text in (module, use):
            exec(compile(text, "docs/views.md", "exec"), names)
        held = [read_clear(row) for row in ledger.read_topic(VisitHeld.TOPIC)]
    assert names["visits_now"] == len(held) > names["visits_then"]
    assert names["visits_then"] == sum(visit.recorded_at <= MARCH for visit in held)
    assert names["comparison"].rows > 10
