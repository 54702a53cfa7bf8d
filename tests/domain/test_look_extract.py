"""The citizen's extract: whose data a look showed, and what the person is told of it."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from api import look_answers
from domain.entries import Entry
from domain.look_extract import Extract, ExtractRow, decisions_about, extract, joined_at
from domain.looks import Look
from domain.time import read_instant
from tests.domain.rules import case, entry

ASKED = "2026-03-04T10:00+01:00"
ALMA, CASE, OTHER_CASE = UUID(int=1), UUID(int=2), UUID(int=3)


def look(position: int, key: UUID = ALMA, **changes: Any) -> Look:
    """Return a look, at Alma's data unless told otherwise."""
    seen = Look(key, position, read_instant(ASKED), "u-90", "caseworker", "case-work", "case", persons=1)
    return replace(seen, **changes)


def withheld(version: int, *looks: int, mentioned: bool = True, person: str = "parent-A") -> Entry:
    """Return a decision that a person is not told of some looks."""
    data: dict[str, Any] = {
        "person": person,
        "looks": list(looks),
        "legal_basis": "databeskyttelsesloven § 22",
        "mentioned": mentioned,
    }
    return entry(version, "LookupsWithheld", ASKED, **data)


def released(version: int, *looks: int, person: str = "parent-A", request: int | None = None) -> Entry:
    """Return a decision that a person is told who looked; without looks it is about all of them."""
    data: dict[str, Any] = {"person": person, "ground": "needed_for_rights", "legal_basis": "C-579/21"}
    data |= {"looks": list(looks)} if looks else {}
    data |= {} if request is None else {"request": request}
    return entry(version, "StaffNamesReleased", ASKED, **data)


def told(looks: list[Look], *decisions: Entry, person: str = "parent-A", request: int | None = None) -> Extract:
    """Return the extract of a person."""
    return extract(looks, decisions_about(case(*decisions), person, request))


def test_date_purpose_role_and_category_without_a_name() -> None:
    """Given no decision, when the extract is made, then it tells when, why and in which role, and not who."""
    made = told([look(9, organisation="Eksempelkommune", what="findings_board")])
    instant = read_instant(ASKED)
    row = ExtractRow(9, instant, "case-work", "caseworker", "Eksempelkommune", "case_list", refused=False, staff=None)
    assert made == Extract((row,), 0, 0)
    assert "u-90" not in repr(look_answers.extract(made))


@pytest.mark.parametrize(
    ("what", "category"),
    [("case", "case_record"), ("events", "case_record"), ("dossier", "decisions"), ("something_new", "other")],
)
def test_what_was_shown_is_told_in_plain_categories(what: str, category: str) -> None:
    """Given a look of some kind, when it is told, then in a category that says nothing of how the program works."""
    assert told([look(9, what=what)]).rows[0].category == category


def test_a_look_that_was_refused_is_a_row() -> None:
    """Given a refusal, when the extract is made, then the attempt is told, and that nothing was shown."""
    assert [row.refused for row in told([look(9, refused=True)]).rows] == [True]


def test_a_released_name_stands_on_its_look_alone() -> None:
    """Given a release for one look, when the extract is made, then that row names who looked and no other does."""
    made = told([look(9, viewer="u-7"), look(8)], released(2, 9))
    assert [(row.position, row.staff) for row in made.rows] == [(9, "u-7"), (8, None)]
    assert made.with_names


def test_a_release_without_looks_is_about_all() -> None:
    """Given a release that names no look, when the extract is made, then every row names who looked."""
    assert [row.staff for row in told([look(9), look(8)], released(2)).rows] == ["u-90", "u-90"]


def test_a_release_for_a_request_holds_for_its_answer() -> None:
    """Given a release for one request, when an extract answers another or none, then nobody is named."""
    request = entry(
        2, "AccessRequestReceived", ASKED, kind="gdpr_art15", by="parent-A", about="parent-A", received_at=ASKED
    )
    decision = released(3, request=2)
    assert told([look(9)], request, decision, request=2).with_names
    assert not told([look(9)], request, decision).with_names
    assert not told([look(9)], request, decision, request=5).with_names


def test_what_is_withheld_is_left_out_and_counted_only_where_it_may_be() -> None:
    """Given looks withheld, when the extract is made, then they are gone, and counted where every decision allows."""
    looks = [look(position) for position in (9, 8, 7, 6)]
    made = told(looks, withheld(2, 9, 8), withheld(3, 8, 7, mentioned=False))
    assert [row.position for row in made.rows] == [6]
    assert (made.withheld, made.mentioned) == (3, 1)
    answer = look_answers.extract(made)
    assert (answer["withheld_and_mentioned"], answer["note"]) == (1, look_answers.extract(told(looks))["note"])
    assert "3" not in repr({**answer, "items": []})


def test_withholding_wins_over_naming() -> None:
    """Given both decisions about one look, when the extract is made, then the look is left out."""
    assert told([look(9)], withheld(2, 9), released(3, 9)).rows == ()


def test_a_decision_about_another_person_or_an_annulled_one_counts_for_nothing() -> None:
    """Given decisions that are not about this person, or not in force, when the extract is made, then all is told."""
    for decisions in (
        [withheld(2, 9, person="parent-B")],
        [released(2, 9, person="parent-B")],
        [withheld(2, 9), entry(3, "EntryAnnulled", ASKED, annuls=2)],
        [withheld(2, 4711)],
    ):
        made = told([look(9)], *decisions)
        assert ([row.staff for row in made.rows], made.withheld) == ([None], 0)


def test_a_decision_about_the_unborn_counts_for_the_child() -> None:
    """Given a decision from before birth, when the child's extract is made, then it counts."""
    born = entry(2, "ChildBorn", ASKED, child="child-A", mother="parent-A")
    assert told([look(9)], born, withheld(3, 9, person="unborn of parent-A"), person="child-A").rows == ()


def test_when_somebody_joined() -> None:
    """Given a case, when it is asked since when somebody is in it, then by any reference they have, or never."""
    joined = entry(2, "NoteRecorded", ASKED, informant="x", channel="y")
    roster = replace(joined, topic="person_joined", data={"ref": "child-B", "role": "child"}, position=17)
    found = case(roster)
    assert [joined_at(found, ref) for ref in ("parent-A", "child-B", "stranger")] == [1, 17, None]


def test_looks_for_a_reader_who_may_know() -> None:
    """Given a look, when it is answered as it is, then every field is JSON and names who looked and by what right."""
    (values,) = look_answers.looks([(look(9, known_at=read_instant(ASKED)), "assignment")])
    assert (values["staff"], values["relation"]) == ("u-90", "assignment")
    assert (values["known_at"], values["valid_at"]) == ("2026-03-04T09:00:00.000000Z", None)
