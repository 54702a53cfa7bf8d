"""Recording over HTTP: opening a case, adding facts and people, and what comes back of it."""

from typing import Any
from uuid import UUID

import pytest

from tests.api.client import ALMA, MARCH, Api, assessment, command, correction, note, problem


def test_a_case_is_opened_at_an_address_of_its_own(api: Api) -> None:
    """POST /cases answers 201 with the version as ETag and where the case is found."""
    body = {"programme": "smaaboernsteam_001", "occurred_at": MARCH, "persons": [ALMA], "commands": [note()]}
    response = api.post("/cases", body)
    receipt = response.json()
    assert response.status_code == 201
    assert response.headers["etag"] == '"2"'
    assert response.headers["location"] == f"/cases/{receipt['case']}"
    assert response.headers["cache-control"] == "no-store"
    assert [(e["version"], e["event"]) for e in receipt["entries"]] == [(1, "CaseOpened"), (2, "NoteRecorded")]
    assert receipt["last_position"] - receipt["first_position"] == 2, "two entries and one person registered"
    assert api.get(response.headers["location"]).json()["case"] == receipt["case"]


def test_a_case_shows_its_people_its_state_and_its_proof(api: Api) -> None:
    """GET /cases/{id} names the people, the version as ETag and what was checked to show it."""
    case = api.open_case(assessment(3), number="S-2026-0042")
    response = api.get(f"/cases/{case}")
    shown = response.json()
    assert response.headers["etag"] == '"2"'
    assert response.headers["cache-control"] == "no-store"
    assert [(p["ref"], p["role"], p["full_name"]) for p in shown["persons"]] == [
        ("parent-A", "mother", "Alma Eksempel"),
        ("child-A", "child", "Asta Eksempel"),
    ]
    assert shown["state"]["number"] == "S-2026-0042"
    assert shown["state"]["assessments"] == {"a-1": {"instrument": "adbb", "score": 3}}
    assert (shown["proof"]["unchanged"], shown["proof"]["entries_checked"], shown["proof"]["faults"]) == (True, 2, [])
    assert shown["proof"]["simulated_clock"] is True


def test_a_case_without_number_gets_one(api: Api, case: str) -> None:
    """The ledger numbers a case after its id when nobody else does."""
    assert api.get(f"/cases/{case}").json()["state"]["number"] == f"S-{UUID(case).hex[:8].upper()}"


def test_each_commit_moves_the_version_on_by_its_facts(api: Api, case: str) -> None:
    """The ETag of one answer is the If-Match of the next request."""
    first = api.commit(case, 1, note(), note())
    assert (first.status_code, first.headers["etag"]) == (201, '"3"')
    second = api.commit(case, first.headers["etag"], note())
    assert (second.status_code, second.headers["etag"]) == (201, '"4"')
    assert second.json()["first_position"] > first.json()["last_position"]
    assert api.get(f"/cases/{case}").headers["etag"] == '"4"'
    assert [e["version"] for e in api.events(case)] == [1, 2, 3, 4]


def test_an_entry_comes_back_as_it_was_sent(api: Api, case: str) -> None:
    """Data, both times, reason, legal basis and source of a fact are kept; the actor comes from the sign-in."""
    fact = note("Wants to be called after 16.", reached_at="2026-03-05", source="phone")
    body = {"commands": [fact], "reason": "Telephone call", "legal_basis": ["barnets lov § 30"]}
    recorded = api.post(f"/cases/{case}/commits", body, version=1).json()
    entry = api.events(case)[1]
    assert entry["event"] == "NoteRecorded"
    assert entry["data"] == fact["data"]
    assert entry["sealed"] == ["content", "@reason"]
    assert (entry["occurred_at"], entry["reached_at"]) == ("2026-03-04T13:10:00.000000Z", "2026-03-05")
    assert (entry["reason"], entry["legal_basis"], entry["source"]) == ("Telephone call", ["barnets lov § 30"], "phone")
    assert entry["actor"] == {"id": "u-90", "role": "caseworker", "organisation": "Eksempelkommune"}
    assert (entry["commit"], entry["recorded_at"]) == (recorded["commit"], recorded["recorded_at"])
    assert entry["recorded_late"] is True


def test_facts_of_one_commit_may_refer_to_each_other(api: Api, case: str) -> None:
    """A fact may name an earlier one of its own commit by the version it will have."""
    sent = command(
        "HearingSent", {"decision_ref": "d-1", "party": "parent-A", "documents": ["draft"], "deadline": "2026-03-20"}
    )
    related = note()
    related["data"]["relates_to"] = 2
    assert api.commit(case, 1, sent, related).status_code == 201
    assert api.events(case)[2]["data"]["relates_to"] == 2


def test_a_commit_without_times_takes_that_of_the_whole(api: Api, case: str) -> None:
    """Facts that do not say when they happened happened when the commit says."""
    undated = {name: value for name, value in note().items() if name != "occurred_at"}
    body = {"commands": [undated, note(occurred_at="2026-02-01")], "occurred_at": "2026-02-14"}
    assert api.post(f"/cases/{case}/commits", body, version=1).status_code == 201
    assert [e["occurred_at"] for e in api.events(case)[1:]] == ["2026-02-14", "2026-02-01"]


def test_a_person_joins_a_case(api: Api, case: str) -> None:
    """A registered person is among the people of the case, by the name given, from the next version on."""
    person = {"ref": "child-B", "role": "child", "full_name": "Bo Eksempel", "identifier": "620199-0002"}
    response = api.post(f"/cases/{case}/persons", {"person": person, "occurred_at": "2026-08-12"}, version=1)
    assert (response.status_code, response.headers["etag"]) == (201, '"2"')
    assert [e["event"] for e in response.json()["entries"]] == ["PersonJoined"]
    shown = api.get(f"/cases/{case}").json()
    assert shown["persons"][2]["full_name"] == "Bo Eksempel"
    assert shown["state"]["persons"]["child-B"] == "child"
    about = note()
    about["data"]["informant"] = "child-B"
    assert api.commit(case, 2, about).status_code == 201


def test_a_reference_is_given_to_one_person_only(api: Api, case: str) -> None:
    """Nobody joins under a reference that somebody of the case has already."""
    before = api.written()
    response = api.post(f"/cases/{case}/persons", {"person": ALMA, "occurred_at": "2026-03-04"}, version=1)
    assert [e["pointer"] for e in problem(response, 422, "malformed")["errors"]] == ["/person/ref"]
    assert api.written() == before


def test_texts_and_names_are_not_stored_in_clear(api: Api) -> None:
    """Names, identifiers, notes and reasons are nowhere in the database; the answer holds them all the same."""
    texts = {"full_name": "Cleartext Eksempel", "identifier": "630199-0003"}
    case = api.open_case(note("cleartext of a note"), persons=[ALMA | texts], reason="cleartext of a reason")
    assert api.events(case)[1]["data"]["content"] == "cleartext of a note"
    for text in (*texts.values(), "6301990003", "cleartext of a note", "cleartext of a reason"):
        found = api.query("SELECT position FROM ledger.event WHERE position(%s::bytea IN state) > 0", text.encode())
        assert found == [], text


def test_a_correction_stands_beside_what_it_corrects(api: Api) -> None:
    """The entry stays as written, the state counts the new value, and both say so."""
    case = api.open_case(assessment(4))
    assert api.commit(case, 2, correction(2, "score", 4, 3)).status_code == 201
    entry = api.events(case)[1]
    assert entry["data"]["score"] == 4
    assert [(c["version"], c["field"], c["old"], c["new"], c["in_force"]) for c in entry["corrections"]] == [
        (3, "score", 4, 3, True)
    ]
    assert api.get(f"/cases/{case}").json()["state"]["assessments"]["a-1"]["score"] == 3


def test_a_correction_of_a_sealed_text_is_sealed_itself(api: Api) -> None:
    """The new text of a note is as secret as the note."""
    case = api.open_case(note("old cleartext words"))
    corrected = correction(2, "content", "old cleartext words", "new cleartext words")
    assert api.commit(case, 2, corrected).status_code == 201
    original, entry = api.events(case)[1:]
    assert original["corrections"][0]["new"] == "new cleartext words"
    assert {"old", "new"} <= set(entry["sealed"])
    assert api.query("SELECT 1 FROM ledger.event WHERE position('cleartext words'::bytea IN state) > 0") == []


def test_an_annulled_entry_leaves_the_state_and_stays_in_the_log(api: Api) -> None:
    """What should not have been recorded is out of every answer and still there to be seen."""
    case = api.open_case(assessment(4))
    annulment = command("EntryAnnulled", {"annuls": 2, "reason": "Belongs to another case."})
    assert api.commit(case, 2, annulment).status_code == 201
    assert api.get(f"/cases/{case}").json()["state"]["assessments"] == {}
    assert [e["annulled_by"] for e in api.events(case)] == [None, 3, None]


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("DecisionMade", {"decision": "d-1", "outcome": "grant", "legal_basis": ["barnets lov § 32"]}),
        (
            "DisclosureMade",
            {
                "to": "daycare",
                "basis": "consent",
                "consents": ["c-1"],
                "data_categories": ["social"],
                "documents": ["status note"],
                "purpose": "Meeting on Friday",
            },
        ),
    ],
)
def test_acts_with_a_gate_are_marked_when_reported_as_facts(
    api: Api, case: str, event: str, data: dict[str, Any]
) -> None:
    """A fact is never refused, but what passed no gate says so."""
    response = api.commit(case, 1, command(event, data), note())
    assert response.status_code == 201, response.text
    assert [e["reported_without_gate"] for e in api.events(case)] == [False, True, False]
