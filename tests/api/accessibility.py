"""What axe-core finds wrong with a page: the rules of WCAG 2.2, levels A and AA, and its best practices."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from api.pages.design import NotInstalled
from tests.npm import installed

SOURCE = Path(__file__).parents[1] / "accessibility_checker"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice")
CHECK = "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})"


@cache
def checker() -> str:
    """Return axe-core, installed from its lock; skips the test when the registry does not answer."""
    try:
        folder = installed(SOURCE)
    except NotInstalled as error:
        pytest.skip(f"the accessibility checker of these tests is not here: {error}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")


def violations(page: Page) -> list[str]:
    """Return what is wrong with a page as it stands: the rule, and the place of each element that breaks it."""
    page.evaluate(checker())
    found: dict[str, Any] = page.evaluate(CHECK, TAGS)
    return [f"{rule['id']}: {node['target']}" for rule in found["violations"] for node in rule["nodes"]]
