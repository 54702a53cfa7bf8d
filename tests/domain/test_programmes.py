"""The table of facts in ``docs/programmes.md``: nothing is named that is not there, and nothing there is left out."""

import re
from pathlib import Path

import pytest

from domain.findings.catalogue import CHECKS
from ledger.shipped import RULE_BOOKS
from tests.domain.findings.test_programme_findings import OWN
from tests.domain.rules import book

TABLE = (Path(__file__).parents[2] / "docs" / "programmes.md").read_text(encoding="utf-8")
CODES = set(re.findall(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`", TABLE))
RULES = set(re.findall(r"`([A-Z0-9]+(?:-[A-Z0-9]+)+)`", TABLE))
ROWS = re.findall(r"^\| (P[0-9]{3}-[0-9]{2}.*) \|$", TABLE, re.MULTILINE)


def test_every_name_in_the_table_exists() -> None:
    """Each rule stands in a book and each finding in the catalogue."""
    shipped = {rule.id for name in RULE_BOOKS for rule in book(name).rule}
    assert sorted(RULES - shipped) == []
    assert sorted(CODES - CHECKS.keys()) == []


def test_every_rule_and_finding_of_the_programmes_stands_in_the_table() -> None:
    """A rule or a check that no fact of a text calls for has no place in these books."""
    programmes = {rule.id for name in RULE_BOOKS if name != "statute" for rule in book(name).rule}
    own = {check.code for module in OWN for check in module.CHECKS}
    assert sorted(programmes - RULES) == []
    assert sorted(own - CODES) == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split(" ")[0].rstrip(","))
def test_every_fact_has_its_rule(row: str) -> None:
    """Each fact that is computed or checked names lines, a mark and at least one rule."""
    _, lines, mark, rules, _ = (cell.strip() for cell in row.split("|"))
    assert lines.startswith("L")
    assert set(mark.split()) <= {"C", "E"}
    assert "`" in rules


@pytest.mark.parametrize("name", [name for name in RULE_BOOKS if name != "statute"])
def test_every_rule_cites_its_own_text(name: str) -> None:
    """A rule of a programme names lines of its document, or the source of an instrument."""
    number = name.rsplit("_", 1)[-1]
    for rule in book(name).rule:
        assert rule.id.startswith("I-") or re.search(rf"\b{number} L[0-9]", rule.citation), rule.id
