"""What findings say on pages holds words, not codes."""

import re
from collections.abc import Iterator

import pytest

from api.pages.finding_words import explained
from domain.findings.base import Finding
from domain.findings.catalogue import findings
from domain.inquiry import Inquiry
from domain.known import known
from domain.time import read_instant
from tests.domain.findings.given import END
from tests.domain.findings.test_findings import BOTH_WAYS
from tests.domain.rules import case, rules
from tests.story_entries import NAMES, story_entries

CODE = re.compile(r"\b[a-z]+(?:_[a-z0-9]+)+\b")


def _all() -> Iterator[Finding]:
    cases = [known(story_entries(name)) for name in NAMES]
    cases += [case(*wrong, programme=programme) for _, programme, wrong, _ in BOTH_WAYS]
    for one in cases:
        yield from findings(Inquiry(one, rules(), read_instant(END)))


def test_no_code_is_left_in_what_findings_say() -> None:
    """Of all cases at hand, in Danish."""
    said = {explained(one) for one in _all()}
    assert len(said) > 100
    assert sorted(text for text in said if CODE.search(text)) == []


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        (
            Finding("PURPOSE_OR_DURATION_MISSING", 2, (), {"missing": "purpose, expected_duration"}),
            "formål, forventet varighed",
        ),
        (Finding("RECOMMENDATION_NOT_BY_ADVISER", 2, (), {"role": "health_visitor"}), "sundhedsplejerske"),
    ],
)
def test_codes_are_said_in_words(finding: Finding, words: str) -> None:
    """Fields as forms name them, roles and the rest as pages do."""
    assert words in explained(finding)


def test_a_duty_is_said_in_plain_words() -> None:
    """Beside the code of its rule; of a rule that no shipped book holds there is the code alone."""
    broken = {"due": "2025-04-03"}
    said = explained(Finding("DEADLINE_BROKEN", 2, (), {"rule": "UND-24H"} | broken))
    assert "Fristen UND-24H »Vurdér, om barnets sundhed" in said
    assert "Fristen OWN-1, der" in explained(Finding("DEADLINE_BROKEN", 2, (), {"rule": "OWN-1"} | broken))


def test_days_are_as_danes_write_them() -> None:
    """Day, month and year."""
    assert "03-04-2025" in explained(Finding("DEADLINE_BROKEN", 2, (), {"rule": "R", "due": "2025-04-03"}))
