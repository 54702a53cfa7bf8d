"""``story check`` and the ``rules`` commands: what passes, what fails with expected and found, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.api.service import STORY_FILES, Inside

ROOT = Path(__file__).parents[2]
BOOKS = ROOT / "domain" / "rule_books"
VECTORS = ROOT / "tests" / "stories" / "deadline_vectors.json"
Change = Callable[[dict[str, Any]], Any]


def changed(path: Path, story: str, change: Change) -> Path:
    """Write a story with one thing changed."""
    (source,) = [file for file in STORY_FILES if file.stem.startswith(story)]
    content = json.loads(source.read_text("utf-8"))
    change(content)
    target = path / source.name
    target.write_text(json.dumps(content), "utf-8")
    return target


def test_all_six_stories_pass_whole(inside: Inside) -> None:
    """Every expected answer is given; the throw-away ledger is not the one at hand."""
    lines = inside.done("story", "check", *STORY_FILES).splitlines()
    assert lines[-1] == "132 passed, 0 failed"
    assert len(lines) == 133
    assert all(line.endswith(": ok") for line in lines[:-1])
    assert "No rule book is adopted" in inside.done("rules", "list")


WRONG: list[tuple[str, str, dict[str, Any], str]] = [
    (
        "s1",
        "E01",
        {"due": "2024-09-03T09:41:00+02:00"},
        "due: expected 2024-09-03T09:41:00+02:00, found 2024-09-03T07:40:00",
    ),
    ("s1", "E10", {"late_by": "3 calendar days"}, "late_by: expected 3 calendar days, found 2 calendar days"),
    ("s1", "E12", {"status": "open"}, "status: expected open, found cancelled"),
    ("s1", "E13", {"written": 26}, "written: expected 26, found 25"),
    ("s2", "E10", {"steps": [24]}, "steps: expected [24], found [24, 50]"),
    ("s2", "E20", {"status": "withdrawn"}, "status: expected withdrawn, found in_force"),
    ("s2", "E23", {"value": 6}, "value: expected 6, found 5"),
    ("s2", "E24", {"step": 27}, "found: expected True, found False"),
    ("s2", "E25", {"values": [["2025-03-31T13:30:00+02:00", 3]]}, "values: expected"),
    ("s3", "E02", {"not_before": "2024-03-25"}, "not_before: expected 2024-03-25, found 2024-03-24"),
    ("s3", "E11", {"finding": "VISITS_OVER_DAILY_LIMIT"}, "finding: expected VISITS_OVER_DAILY_LIMIT, found nothing"),
    ("s4", "E05", {"hypothetical_due": "2026-01-07T23:59:59+01:00"}, "hypothetical_due: expected"),
    ("s4", "E06", {"ok": False}, "ok: expected False, found True"),
    ("s4", "E09", {"minutes": 600}, "minutes: expected 600, found 660"),
    ("s4", "E11", {"days": 271}, "days: expected 271, found 270"),
    ("s4", "E16", {"missing": ["parent-D"]}, "missing: expected"),
    ("s5", "E03", {"cancelled": []}, "cancelled: expected [], found"),
    ("s5", "E14", {"months": 8}, "months: expected 8, found 7"),
    ("s6", "E09", {"by_all_facts": "covered"}, "by_all_facts: expected covered, found not_covered"),
    ("s6", "E16", {"later_corrections": []}, "later_corrections: expected [], found [29]"),
    ("s6", "E17", {"days_early": 1}, "days_early: expected 1, found 2"),
    ("s6", "E22", {"value": 3}, "value: expected 3, found 4"),
    ("s6", "E24", {"occurred_but_not_yet_recorded": []}, "occurred_but_not_yet_recorded: expected [], found [23]"),
]


def test_a_wrong_expectation_tells_expected_and_found(inside: Inside, tmp_path: Path) -> None:
    """One line for each, whatever the kind; exit code 1."""
    for story in sorted({row[0] for row in WRONG}):
        rows = [row for row in WRONG if row[0] == story]

        def change(content: dict[str, Any], rows: list[Any] = rows) -> None:
            for _, item, values, _ in rows:
                next(one for one in content["expect"] if one["id"] == item).update(values)

        result = inside("story", "check", changed(tmp_path, story, change))
        assert result.returncode == 1, result
        failed = [line for line in result.stdout.splitlines() if not line.endswith(": ok")]
        assert failed[-1].endswith(f"passed, {len(rows)} failed"), result.stdout
        for _, item, _, said in rows:
            assert any(f" {item} " in line and said in line for line in failed), (item, failed)


BROKEN: list[tuple[Change, str]] = [
    (lambda s: s["expect"][0].update(rule="NO-SUCH-RULE"), "NO-SUCH-RULE is a rule of no adopted rule book"),
    (lambda s: s["expect"][0].update(kind="riddle"), "expect E01 kind must be one of"),
    (lambda s: s["expect"][0].update(trigger_step=99), "expect E01 trigger_step must be the number of a step"),
    (lambda s: s["expect"][0].pop("trigger_step"), "expect E01 trigger_step is missing"),
    (lambda s: s["expect"][4].update(as_of="tomorrow"), "expect E05 as_of is not an instant"),
    (lambda s: s["steps"][2]["data"].update(notification_step=9), "step 3 data/notification must be the number of an earlier step"),
    (lambda s: s["steps"][10]["data"].update(valid_to="2020-01-01"), "valid_to must not"),
    (lambda s: s["rule_parameters"].update(hverdag="every-day"), "hverdag offers"),
    (lambda s: s["rule_parameters"].update(moon="full"), "moon is no setting"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), BROKEN)
def test_a_broken_story_is_one_line(inside: Inside, tmp_path: Path, change: Change, said: str) -> None:
    """What cannot be checked is refused with place and reason before anything is said to pass."""
    _, line = inside.refused("story", "check", changed(tmp_path, "s1", change))
    assert said in line


def test_stories_under_another_reading_give_other_answers(inside: Inside, tmp_path: Path) -> None:
    """With the fixed grid the late follow-up of story 1 is no breach: a municipality sees what its choice changes."""
    book = tmp_path / "own.toml"
    text = (BOOKS / "spaed_smaaboern_000.toml").read_text("utf-8")
    book.write_text(
        text.replace('default = "last_held"', 'default = "grid"').replace('version = "1"', 'version = "2"', 1), "utf-8"
    )
    result = inside("story", "check", STORY_FILES[0], "--rules", book)
    assert result.returncode == 1
    assert "E10 deadline P000-SW-6W 30: answer: expected one, found nothing" in result.stdout


def test_vectors_and_rule_books_are_checked(inside: Inside, tmp_path: Path) -> None:
    """All pass; a wrong one fails with its line; a file of neither kind is one line."""
    assert inside.done("rules", "check", VECTORS) == "68 passed, 0 failed\n"
    wrong = tmp_path / "wrong.json"
    wrong.write_text(
        '[{"rule": "HOURS-24", "trigger": "2024-09-02T09:40:00+02:00", "due": "2024-09-03T09:40:01+02:00"}]', "utf-8"
    )
    result = inside("rules", "check", wrong)
    assert (result.returncode, result.stdout.splitlines()[-1]) == (1, "0 passed, 1 failed")
    assert "rule book statute version 1" in inside.done("rules", "check", BOOKS / "statute.toml")
    assert "holiday table dk-1" in inside.done("rules", "check", BOOKS / "holidays.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("[book]\nid = 3\n", "utf-8")
    assert f"{broken}, line 2" in inside.refused("rules", "check", broken)[1]
    for content in ("{}", "no json"):
        wrong.write_text(content, "utf-8")
        inside.refused("rules", "check", wrong)
    inside.refused("rules", "check", tmp_path / "absent.json")


def test_a_simulated_ledger_adopts_and_lists(inside: Inside) -> None:
    """What is in force is listed with what is unverified and the readings chosen."""
    inside.done("rules", "adopt", BOOKS / "holidays.toml")
    said = inside.done("rules", "adopt", BOOKS / "spaed_smaaboern_000.toml", "--set", "A5=grid")
    assert said.startswith("Adopted rule book spaed_smaaboern_000 version 1")
    inside.done("rules", "adopt", BOOKS / "statute.toml")
    listed = inside.done("rules", "list")
    assert "readings A5=grid" in listed
    assert "not approved by a lawyer" in listed
    assert "unverified: UND-24H" in listed


@pytest.mark.parametrize(
    ("choice", "said"), [("A5=sometimes", "A5 offers"), ("A99=x", "A99 is no setting"), ("A5", "SETTING=VALUE")]
)
def test_a_reading_nobody_offers_is_refused(inside: Inside, choice: str, said: str) -> None:
    """Nothing is adopted then."""
    assert said in inside.refused("rules", "adopt", BOOKS / "spaed_smaaboern_000.toml", "--set", choice)[1]
    assert "No rule book is adopted" in inside.done("rules", "list")


def test_a_real_ledger_wants_the_lawyers_name(real_command: Inside) -> None:
    """Without it nothing is adopted; with it, it is on record."""
    assert "--approved-by" in real_command.refused("rules", "adopt", BOOKS / "statute.toml")[1]
    real_command.done("rules", "adopt", BOOKS / "statute.toml", "--approved-by", "u-lawyer")
    assert "approved by u-lawyer" in real_command.done("rules", "list")
