"""Rule books: what is malformed is refused with its line, and the shipped ones hold what the sources say."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from domain.rule_book import RuleBookError, read_rule_book
from ledger.shipped import RULE_BOOKS, shipped_text
from tests.domain.rules import book

LISTED: list[dict[str, Any]] = json.loads(
    Path(__file__).parents[1].joinpath("stories/rules.json").read_text(encoding="utf-8")
)
DOCUMENT = Path(__file__).parents[2] / "docs" / "rule-books.md"
SMALL = """\
[book]
id = "small"
version = "1"
title = "Small"
source = "test"

[[setting]]
id = "A1"
question = "Which?"
options = ["one", "two"]
default = "one"
citation = "test"

[[rule]]
id = "R-1"
version = 1
kind = "deadline"
level = "statute"
danish = "Gør det"
english = "Do it"
citation = "test"
verification = "V"
anchor = [{ event = "NotificationReceived" }]
due = { n = 24, unit = "hours" }
satisfied_by = [{ event = "NotificationAcuteAssessed", refers = "notification" }]
"""
BACKWARDS = "valid_from = 2025-01-01\nvalid_to = 2024-01-01\nanchor = [{ event"
SECOND = SMALL[SMALL.index("[[rule]]") :]


def test_a_small_rule_book_is_read() -> None:
    """What is well formed is read, defaults filled in."""
    (rule,) = read_rule_book(SMALL).rule
    assert (rule.id, rule.due and rule.due.n, rule.start, rule.in_hours) == ("R-1", 24, "each", True)


@pytest.mark.parametrize(
    ("change", "into", "line", "reason"),
    [
        ('id = "R-1"', 'id = "R-1', 15, "Illegal character|Unterminated|newline"),
        ("satisfied_by =", "satisfied_bye =", 25, "Extra inputs"),
        ('event = "NotificationReceived"', 'event = "NotificationSeen"', 23, "is no event of the catalogue"),
        ('refers = "notification"', 'refers = "notice"', 25, "notice is no field of NotificationAcuteAssessed"),
        ('level = "statute"', 'level = "grave"', 18, "'statute'"),
        ("version = 1\n", 'version = "one"\n', 16, "valid integer"),
        ('unit = "hours"', 'unit = "moons"', 24, "'hours'"),
        ("n = 24, ", "", 24, "needs n, or setting, or field"),
        ("n = 24, ", "n = 900000, ", 24, "more than a hundred years"),
        (
            'refers = "notification"',
            'at = "grounds"',
            25,
            "at must name a date, and grounds of NotificationAcuteAssessed",
        ),
        ('refers = "notification"', 'where = { danger = { over = "risk" } }', 25, "risk is no field"),
        (
            "anchor = [{ event",
            BACKWARDS,
            14,
            "valid_to must not lie",
        ),
        ('anchor = [{ event = "NotificationReceived" }]\n', "", 14, "due needs an anchor"),
        ('default = "one"', 'default = "three"', 7, "default must be one of options"),
        ('verification = "V"', 'verification = "V"\nwhen = { A2 = "one" }', 23, "A2 is no setting here"),
        ('verification = "V"', 'verification = "V"\nwhen = { A1 = "three" }', 23, "three is no option of setting A1"),
        ('source = "test"\n', "", 1, "Field required"),
    ],
)
def test_a_malformed_rule_book_is_refused_with_its_line(change: str, into: str, line: int, reason: str) -> None:
    """The line, the rule and the reason are named."""
    with pytest.raises(RuleBookError) as refused:
        read_rule_book(SMALL.replace(change, into, 1))
    assert re.search(reason, str(refused.value)), refused.value
    assert refused.value.line == line, refused.value


def test_versions_must_not_overlap() -> None:
    """Two versions of a rule for one day are refused; one after the other, or under other readings, they are not."""
    with pytest.raises(RuleBookError, match="line 28: rule R-1: is valid at the same time"):
        read_rule_book(f"{SMALL}\n{SECOND}")
    first = SMALL.replace("anchor =", "valid_to = 2023-12-31\nanchor =")
    later = SECOND.replace("anchor =", "valid_from = 2024-01-01\nanchor =")
    assert len(read_rule_book(f"{first}\n{later}").rule) == 2
    with pytest.raises(RuleBookError, match="same time"):
        read_rule_book(f"{first}\n{later.replace('2024-01-01', '2023-12-31')}")
    one = SMALL.replace("anchor =", 'when = { A1 = "one" }\nanchor =')
    other = SECOND.replace("anchor =", 'when = { A1 = "two" }\nanchor =')
    assert len(read_rule_book(f"{one}\n{other}").rule) == 2


@pytest.mark.parametrize("text", ["", "[book]\n", SMALL[: SMALL.index("[[rule]]")]])
def test_a_rule_book_without_rules_is_refused(text: str) -> None:
    """An empty rule book would let every deadline vanish."""
    with pytest.raises(RuleBookError):
        read_rule_book(text)


@pytest.mark.parametrize("name", RULE_BOOKS)
def test_every_shipped_rule_book_is_read(name: str) -> None:
    """Each names itself as its file does, and each rule speaks Danish and English and names its source."""
    read = book(name)
    assert read.book.id == name
    assert (read.book.programme == name) == (name != "statute")
    assert all(rule.danish != rule.english and rule.citation for rule in read.rule)


@pytest.mark.parametrize("listed", LISTED, ids=lambda listed: listed["id"])
def test_every_listed_rule_is_there(listed: dict[str, Any]) -> None:
    """Number, unit, validity and source of each listed rule are the shipped ones."""
    found = [rule for name in RULE_BOOKS for rule in book(name).rule if rule.id == listed["id"]]
    assert found
    rule = found[0]
    if isinstance(listed["n"], int) and listed["kind"] == "deadline" and rule.due is not None:
        assert rule.due.n == listed["n"]
        assert rule.due.unit == {"count_days": "counted_days"}.get(listed["unit"], listed["unit"])
        assert (rule.due.roll == "none") == (listed["roll_calendar"] == "none")
    if listed["until"] is not None and rule.due is not None:
        assert any(pattern.event == "EnrolmentClosed" for pattern in rule.until)
    assert str(rule.valid_from or "") == listed.get("valid_from", "")
    assert str(rule.valid_to or "") == listed.get("valid_to", "")
    assert (rule.verification == "M") >= ("M" in listed["verification"])


def test_every_ambiguity_is_a_setting() -> None:
    """A1 to A27 are there, the first ten with the defaults the sources propose."""
    settings = [setting for name in RULE_BOOKS for setting in book(name).setting]
    counted = Counter(setting.id for setting in settings)
    assert {f"A{number}" for number in range(1, 28)} <= counted.keys()
    defaults = {setting.id: setting.default for setting in settings}
    assert defaults["A1"] == "possible"
    assert defaults["A2"] == "steering_group"
    assert defaults["A3"] == "week_and_day"
    assert defaults["A4"] == "birth_else_start"
    assert defaults["A5"] == "last_held"
    assert defaults["A6"] == "iso_week"
    assert defaults["A7"] == "birthday"
    assert defaults["A8"] == "finding"
    assert defaults["A9"] == "off"
    assert defaults["A10"] == "new_period"


def test_under_every_reading_each_rule_has_one_version_a_day() -> None:
    """Whatever is chosen, a rule that is there by default is there, once."""
    for name in RULE_BOOKS:
        read = book(name)
        for setting in read.setting:
            for option in setting.options:
                chosen = {s.id: s.default for s in read.setting} | {setting.id: option}
                holding = [r for r in read.rule if all(chosen[s] == value for s, value in r.when.items())]
                assert {rule.id for rule in holding} == {rule.id for rule in read.rule}, (name, setting.id, option)


def test_the_document_names_every_setting_and_key() -> None:
    """What a municipality may change is documented."""
    text = DOCUMENT.read_text(encoding="utf-8")
    names = {setting.id for name in RULE_BOOKS for setting in book(name).setting}
    keys = {key for name in RULE_BOOKS for rule in book(name).rule for key in rule.model_fields_set}
    assert not [name for name in sorted(names | keys) if f"`{name}`" not in text]


def test_shipped_texts_are_utf_8_with_danish_letters() -> None:
    """Duties are written in Danish, not in ASCII."""
    assert any(letter in shipped_text("statute") for letter in "æøå")
