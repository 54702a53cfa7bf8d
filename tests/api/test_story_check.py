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


@pytest.mark.slow
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
    (lambda s: s["steps"][10]["data"].update(valid_to="2020-01-01"), "step 11 data valid_to must not be before"),
    (lambda s: s["rule_parameters"].update(hverdag="every-day"), "hverdag offers"),
    (lambda s: s["rule_parameters"].update(moon="full"), "moon is no setting"),
    (lambda s: s["expect"][0].update(colour="blue"), "expect E01 colour is not known"),
    (lambda s: s["expect"][0].update(due="2024-09-03T09:40:00Z"), "expect E01 due must have the offset of Copenhagen"),
    (lambda s: s["expect"][0].update(due=None, status=7), "expect E01 status"),
    (lambda s: [s["expect"][0].pop(key) for key in ("due", "status", "satisfied_by_step")], "needs at least one answer"),
    (lambda s: s["expect"].append(s["expect"][0]), "expect: id must not stand twice"),
    (lambda s: s.update(expect=[]), "expects nothing, so nothing could fail"),
    (lambda s: s.update(expect={"E01": 1}), "expect"),
    (lambda s: s.update(expect=[None]), "expect 1"),
    (lambda s: s.update(fictional=False), "fictional"),
    (lambda s: s.update(id=7), "id"),
    (lambda s: s["steps"][0].update(data=None), "step 1 data"),
    (lambda s: s["steps"][0].update(n=1.5), "step 1 n"),
    (lambda s: s["steps"][0].update(actor=" "), "step 1 actor"),
    (lambda s: s["steps"][0].update(occurred_at="2024-09-02T09:40:00+01:00"), "step 1 occurred_at must have the offset"),
    (lambda s: s["steps"][0]["data"].update(received_at="2024-09-02T09:40:00+01:00"), "must have the offset of Copenhagen"),
    (lambda s: s["persons"].append(s["persons"][0]), "persons: ref must not stand twice"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), BROKEN)
def test_a_broken_story_is_one_line(inside: Inside, tmp_path: Path, change: Change, said: str) -> None:
    """What cannot be checked is refused with place and reason before anything is said to pass."""
    _, line = inside.refused("story", "check", changed(tmp_path, "s1", change))
    assert said in line


ITEMS: list[tuple[str, dict[str, Any], str]] = [
    ("s6", {"kind": "deadline", "rule": "UND-24H", "trigger_step": 2, "due": None}, "answer: expected one, found nothing"),
    ("s6", {"kind": "deadline", "rule": "BFU-4M", "trigger_step": 1, "status": "cancelled"}, "status: expected cancelled"),
    ("s6", {"kind": "hearing_check", "decision_step": 25, "finding": None}, "found DECISION_BEFORE_HEARING_EXPIRED"),
    ("s6", {"kind": "hearing_check", "decision_step": 25, "finding": "CHILD_VIEW_MISSING"}, "found DECISION_BEFORE"),
    ("s6", {"kind": "hearing_check", "decision_step": 1, "ok": None}, "answer: expected one, found nothing"),
    ("s6", {"kind": "disclosure_check", "step": 17, "finding": None}, "found DISCLOSURE_AFTER_WITHDRAWAL"),
    ("s6", {"kind": "disclosure_check", "step": 1, "by_all_facts": "covered"}, "answer: expected one, found nothing"),
    ("s6", {"kind": "reassessment_check", "step": 1, "ok": False}, "answer: expected one, found nothing"),
    ("s6", {"kind": "visit_minutes", "step": 1, "minutes": None}, "answer: expected one, found nothing"),
    ("s6", {"kind": "dossier", "decision_step": 1, "later_corrections": []}, "answer: expected one, found nothing"),
    ("s6", {"kind": "duration", "rule": "UND-24H", "days": None}, "answer: expected one, found nothing"),
    ("s6", {"kind": "recurring", "rule": "UND-24H", "year": 2024, "held": 0}, "answer: expected one, found nothing"),
    ("s6", {"kind": "window", "rule": "UND-24H", "as_known_at": "2024-12-01T00:00:00+01:00", "not_before": None}, "answer: expected one"),
    ("s6", {"kind": "state", "path": "child-Q.born", "at": "2024-12-01T00:00:00+01:00", "value": False}, "answer: expected one"),
    ("s6", {"kind": "consent_status", "consent": "c-zz", "at": "2024-12-01T00:00:00+01:00", "status": "not_given"}, "answer: expected one"),
    ("s6", {"kind": "age_check", "child": "child-Q", "at": "2024-12-01", "months": None}, "answer: expected one"),
    ("s5", {"kind": "count", "what": "VisitHeld:session", "period": "whole", "min": 7, "max": 10, "status": "within"}, "min: expected 7, found 8"),
    ("s5", {"kind": "count", "what": "VisitHeld", "period": "whole", "limit": 21}, "limit: expected 21, found nothing"),
    ("s6", {"kind": "not_applicable", "rule": "UND-RECEIPT-6HV", "trigger_step": 1, "hypothetical_due": None}, "answer: expected one"),
]  # fmt: skip


@pytest.mark.parametrize(("story", "item", "said"), ITEMS, ids=[f"{n}-{row[1]['kind']}" for n, row in enumerate(ITEMS)])
def test_what_is_not_there_is_no_answer(
    inside: Inside, tmp_path: Path, story: str, item: dict[str, Any], said: str
) -> None:
    """A question about nothing fails, whatever is expected; a finding that is raised is not none."""
    path = changed(tmp_path, story, lambda content: content.update(expect=[{"id": "E01", **item}]))
    result = inside("story", "check", path)
    assert result.returncode == 1, result
    assert said in result.stdout, result.stdout


def test_two_stories_of_one_name_are_refused(inside: Inside, tmp_path: Path) -> None:
    """They would be one case, and the second would be judged by the first."""
    again = changed(tmp_path, "s5", lambda _: None)
    assert "stands twice" in inside.refused("story", "check", again, again)[1]


def test_a_state_before_anything_is_on_record_is_the_empty_one(inside: Inside, tmp_path: Path) -> None:
    """Nobody was enrolled or born before the first step."""
    when = {"at": "2020-01-01T00:00:00+01:00", "known_at": "2020-01-01T00:00:00+01:00"}
    items = [
        {"id": "E01", "kind": "state", "path": "enrolment.status", "value": "none", **when},
        {"id": "E02", "kind": "state", "path": "child-F.born", "value": False, **when},
    ]
    path = changed(tmp_path, "s6", lambda content: content.update(expect=items))
    assert inside.done("story", "check", path).endswith("2 passed, 0 failed\n")


def test_a_reference_is_corrected_by_step(inside: Inside, tmp_path: Path) -> None:
    """A correction names steps, as every reference does, also of a correction of it."""
    steps: list[dict[str, Any]] = [
        step(1, "ChildViewObtained", {"method": "conversation", "reason": "x"}),
        step(2, "HearingSent", {"decision_ref": "d-1", "party": "parent-A", "documents": ["x"], "deadline": "2025-02-01"}),
        step(3, "NoteRecorded", {"informant": "parent-A", "channel": "phone", "content": "x", "relates_to": None}),
        step(4, "DecisionMade", {"decision": "d-1", "outcome": "refuse", "legal_basis": ["x"], "competence_ref": "d", "child_view": None, "complaint_guidance": True, "facts": [], "hearing": [2]}),
        step(5, "EntryCorrected", {"corrects_step": 4, "field": "facts", "old": [], "new": [2], "reason": "x"}),
        step(6, "EntryCorrected", {"corrects_step": 5, "field": "new", "old": [2], "new": [3], "reason": "x"}),
        step(7, "EntryCorrected", {"corrects_step": 4, "field": "child_view", "old": None, "new": 1, "reason": "x"}),
    ]  # fmt: skip
    expect = [{"id": "E01", "kind": "finding", "code": "FACT_NOT_HEARD", "step": 3}]
    path = tmp_path / "own.json"
    persons = [{"ref": "parent-A", "label": "Alma Eksempel", "role": "mother"}]
    content = {"schema": "case-story/1", "id": "own", "fictional": True, "programme": "smaaboernsteam_001"}
    path.write_text(json.dumps(content | {"persons": persons, "steps": steps, "expect": expect}), "utf-8")
    assert inside.done("story", "check", path).endswith("1 passed, 0 failed\n")
    steps[6]["data"]["new"] = 9
    path.write_text(json.dumps(content | {"persons": persons, "steps": steps, "expect": expect}), "utf-8")
    assert "step 7 data/new must be the number of an earlier step" in inside.refused("story", "check", path)[1]


def step(number: int, event: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return a step of a day in January."""
    at = f"2025-01-{number:02}T10:00:00+01:00"
    return {"n": number, "label": f"step {number}", "recorded_at": at, "occurred_at": at, "actor_role": "social_worker", "actor": "u-1", "event": event, "data": data}  # fmt: skip


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
