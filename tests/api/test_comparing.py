"""Comparing two instants, or the rules and a draft: over HTTP and on the command line, each look on record."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from api.opening import Place
from ledger.shipped import shipped_text
from tests.api.client import Api, assessment, command, correction, note, problem
from tests.api.erasing import RETENTION, SUPERVISOR, erase, kept_long_enough, propose
from tests.api.service import ROOT, Inside

DECIDED, LATER = "2024-08-21T09:00+02:00", "2024-12-01T12:00+01:00"


def lines(said: str) -> list[dict[str, object]]:
    """Return what a command printed as JSON, one object a line."""
    return [orjson.loads(line) for line in said.splitlines()]


def compared(api: Api, place: str, query: dict[str, str]) -> tuple[list[dict[str, Any]], int]:
    """Return what differs, all pages of it, and how many cases were erased."""
    items: list[dict[str, Any]] = []
    erased, cursor = 0, {}
    while True:
        response = api.get(place, **query, **cursor)
        assert response.status_code == 200, response.text
        answer = response.json()
        assert answer["unexplained"] == 0
        items, erased = items + answer["items"], erased + answer["erased_cases"]
        if answer.get("next") is None:
            return items, erased
        cursor = {"cursor": answer["next"]}


def test_what_came_after_a_decision_is_explained(filled: Inside) -> None:
    """The sixth story: the late note, the corrected score and the thirty days that passed, each named for its row."""
    said = filled.done("replay", "compare", "--from", DECIDED, "--to", LATER, "--case", "S6", "--view", "all")
    assert "assessments: {'a-6': {'instrument': 'trivselslinealen', 'score': 4}} -> " in said
    assert "because correction: entry 30, EntryCorrected at position 82" in said
    assert "findings STATEMENT_REQUEST_IGNORED/26/29 of case" in said
    assert "because late entry: entry 29, NoteRecorded at position 76, happened 2024-08-20 11:30:00+02:00" in said
    assert said.splitlines()[-1] == (
        "24 differences in 1 cases, 24 explained, 0 unexplained; "
        "behind them 3 new event, 3 late entry, 2 correction, 17 time passed"
    )


def test_knowledge_alone_is_compared_where_the_clock_stands_still(filled: Inside) -> None:
    """With the instant in the world fixed no time passes between the two, and what is left came by entries."""
    fixed = ("--from", DECIDED, "--to", LATER, "--valid-at", DECIDED, "--case", "S6", "--view", "all", "--json")
    head, *found, counts = lines(filled.done("replay", "compare", *fixed))
    assert head["clock_from"] == head["clock_to"] == "2024-08-21T07:00:00.000000Z"
    kinds = {cause["kind"] for one in found for cause in one["because"]}  # pyright: ignore
    assert kinds == {"late_entry", "correction"}
    assert (counts["unexplained"], counts["explained"]) == (0, len(found))


def test_all_cases_are_gone_through_with_every_look_on_record(filled: Inside, stories: Place) -> None:
    """The board over all stories is explained whole; the look names just the cases that were shown."""
    with stories.ledger() as ledger:
        before = ledger.head().size
    *_, counts = lines(filled.done("replay", "compare", "--from", DECIDED, "--view", "all", "--json"))
    assert (counts["cases"], counts["unexplained"]) == (6, 0)
    with stories.ledger() as ledger:
        (look,) = ledger.read_range(before + 1, ledger.head().size)
        assert look.topic == "record_viewed"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Name a first instant with --from"),
        (("--from", DECIDED, "--rules", "x.toml"), "Name a first instant with --from"),
        (("--from", LATER, "--to", DECIDED), "The first instant lies after the second"),
        (("--from", "2999-01-01T00:00Z"), "from lies after the ledger's own time"),
        (("--from", DECIDED, "--view", "who"), "view must be one of deadlines, findings, consents, case_state, all"),
        (("--from", DECIDED, "--case", "S99"), "There is no such case"),
        (("--rules", "/nowhere.toml"), "/nowhere.toml: there is no such file"),
    ],
)
def test_a_comparison_that_cannot_be_made_says_why(filled: Inside, words: tuple[str, ...], said: str) -> None:
    """One line that names what is wrong."""
    assert said in filled.refused("replay", "compare", *words)[1]


def draft(folder: Path, text: str) -> Path:
    """Return a file with a rule book."""
    path = folder / "draft.toml"
    path.write_text(text, "utf-8")
    return path


def test_what_if_shows_which_clocks_a_draft_would_move(filled: Inside, stories: Place, tmp_path: Path) -> None:
    """Under a draft that doubles the hours of one duty, just its clocks differ, and nothing but looks is written."""
    filled.done("rules", "adopt", ROOT / "domain" / "rule_books" / "statute.toml")
    text = shipped_text("statute").replace('due = { n = 24, unit = "hours" }', 'due = { n = 480, unit = "hours" }', 1)
    with stories.ledger() as ledger:
        before = ledger.head().size
    said = filled.done("rules", "what-if", draft(tmp_path, text))
    with stories.ledger() as ledger:
        assert {row.topic for row in ledger.read_range(before + 1, ledger.head().size)} == {"record_viewed"}
    told = [line for line in said.splitlines() if line.startswith("deadlines ")]
    assert told
    assert "against the draft of statute version" in told[0]
    assert all(line.startswith("deadlines UND-24H/") for line in told[1:])
    assert "status: breached -> met" in said
    assert said.count("because rule change: the draft") == len(told) - 1
    assert "of the clocks 5 are due later, 1 were broken and are not" in said
    same = filled.done("rules", "what-if", draft(tmp_path, shipped_text("statute")), "--json")
    assert lines(same)[-1]["differences"] == 0


def test_a_malformed_draft_is_refused_by_field_and_reason(filled: Inside, tmp_path: Path) -> None:
    """The line, the rule, the field and what is wrong with it; a holiday table is no draft."""
    text = shipped_text("statute").replace('unit = "hours" }', 'unit = "hours", colour = 7 }', 1)
    code, said = filled.refused("rules", "what-if", draft(tmp_path, text))
    assert code == 1
    assert "colour" in said
    assert "line " in said
    _, said = filled.refused("rules", "what-if", draft(tmp_path, shipped_text("holidays")))
    assert "is a holiday table, not a rule book" in said


@pytest.mark.parametrize("path", ["/cases/{case}/compare", "/compare"])
def test_over_http_each_difference_names_its_entries(api: Api, path: str) -> None:
    """A score that was corrected since, in the case and on the board; who may not see the case sees nothing of it."""
    case = api.open_case(note(), assessment())
    since = api.events(case)[-1]["recorded_at"]
    assert api.post(f"/cases/{case}/commits", {"commands": [correction(3, "score", 4, 2)]}, version=3).is_success
    place = path.format(case=case)
    items, _ = compared(api, place, {"from": since, "view": "case_state"})
    (found,) = [item for item in items if item["case"] == case]
    assert found["changed"] == ["assessments"]
    assert (found["because"][0]["kind"], found["because"][0]["version"]) == ("correction", 4)
    with api.acting_as("u-21") as stranger:
        if "cases" in place:
            problem(stranger.get(place, **{"from": since}), 403, "forbidden")
        else:
            assert case not in str(compared(stranger, place, {"from": since, "view": "case_state"}))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({}, "from is required"),
        ({"from": "2024-08-21T09:00:00 02:00"}, "%2B"),
        ({"from": "2024-08-21T09:00:00"}, "from must be an instant with offset"),
        ({"from": "2999-01-01T00:00:00Z"}, "from lies after"),
        ({"from": "2020-02-01T00:00:00Z", "to": "2020-01-01T00:00:00Z"}, "from and to"),
        ({"from": "2020-01-01T00:00:00Z", "view": "x"}, "view must be one of"),
        ({"from": "2020-01-01T00:00:00Z", "known_at": "2020-01-01T00:00:00Z"}, "known are from, to, view"),
    ],
)
def test_a_request_that_cannot_be_answered_says_why(api: Api, case: str, query: dict[str, str], said: str) -> None:
    """Every instant is checked, and a parameter nobody knows is refused."""
    for place in ("/compare", f"/cases/{case}/compare"):
        assert said in problem(api.get(place, **query), 400, "bad-request")["detail"]


def test_pages_of_a_board_join_to_the_whole(api: Api) -> None:
    """Page by page every case comes once; a cursor of another question is refused."""
    for _ in range(3):
        api.open_case(note())
    query: dict[str, str | int] = {"from": "2020-01-01T00:00:00Z", "view": "case_state"}
    whole = [item["case"] for item in api.get("/compare", **query).json()["items"]]
    paged, cursor = list[str](), None
    while cursor != "":
        page = api.get("/compare", **query, limit=2, **({"cursor": cursor} if cursor else {})).json()
        paged += [item["case"] for item in page["items"]]
        cursor = page["next"] or ""
    assert paged[: len(whole)] == whole
    first = api.get("/compare", **query, limit=1).json()["next"]
    problem(api.get("/compare", **(query | {"view": "consents"}), cursor=first), 400, "bad-request")


def test_what_was_withheld_since_is_no_difference_but_to_audit(api: Api) -> None:
    """An entry found to be unlawful is out of sight at both ends; audit sees that it was there."""
    case = api.open_case(note(), assessment())
    since = api.events(case)[-1]["recorded_at"]
    annulled = command("EntryAnnulled", {"annuls": 3, "reason": "x", "kind": "unlawful"})
    assert api.post(f"/cases/{case}/commits", {"commands": [annulled]}, version=3).is_success
    query = {"from": since, "view": "case_state"}
    for place in (f"/cases/{case}/compare", "/compare"):
        assert case not in {item["case"] for item in compared(api, place, query)[0]}
        with api.acting_as("u-95") as auditor:
            (found,) = [item for item in compared(auditor, place, query)[0] if item["case"] == case]
        assert [cause["kind"] for cause in found["because"]] == ["annulment"]


def test_of_a_case_erased_whole_nothing_is_shown_but_that_it_was(api: Api) -> None:
    """Its rows at the first instant are gone too: what is erased is judged now."""
    case = api.open_case(note(), assessment(), *kept_long_enough())
    since = api.events(case)[-1]["recorded_at"]
    query = {"from": since, "view": "case_state"}
    before = compared(api, "/compare", query)[1]
    proposal = propose(api, case, 5, SUPERVISOR, **RETENTION)
    assert proposal.is_success, proposal.text
    assert erase(api, case, 6, proposal.json()["version"]).is_success
    with api.acting_as("u-95") as auditor:
        for place in (f"/cases/{case}/compare", "/compare"):
            assert case not in {item["case"] for item in compared(auditor, place, query)[0]}
        assert auditor.get(f"/cases/{case}/compare", **query).json()["erased_cases"] == 1
    assert compared(api, "/compare", query)[1] == before + 1
