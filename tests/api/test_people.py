"""Who is in a case, moving entries to the case they belong to, and the steering group's overview, over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.client import CANARY, Api, Response, assessment, command, errors, note, problem
from tests.api.service import until

SECRET = "seen by the other family's window"
ALLOCATED = {"to": ["u-25", "u-90"], "for_role": "social_worker"}


def ok(response: Response) -> dict[str, Any]:
    """Return the content of an answer that succeeded."""
    assert response.status_code in (200, 201), response.text
    return response.json()


def test_people_with_rights_protection_and_responsibility(api: Api) -> None:
    """One answer says who is who, as of any instant."""
    case = api.open_case(
        command("CaseAllocated", ALLOCATED),
        command("PartyRecorded", {"person": "parent-A", "status": "party", "child": "child-A"}),
        command("ProtectionRecorded", {"person": "parent-A", "kind": "address", "against": ["parent-B"]}),
        command("CustodyRecorded", {"child": "child-A", "holders": ["parent-A"], "kind": "sole"}),
        command("ChildBorn", {"child": "child-A", "mother": "parent-A"}),
    )
    answer = ok(api.get(f"/cases/{case}/people"))
    mother, child = answer["persons"]
    assert (mother["full_name"], mother["standing_per_child"]) == (
        "Alma Eksempel",
        [{"child": "child-A", "standing": "party"}],
    )
    assert mother["protected"] == [{"kind": "address", "against": ["parent-B"], "entry": 4}]
    assert child["born_on"] == "2026-03-04"
    assert answer["custody"] == [{"child": "child-A", "holders": ["parent-A"], "kind": "sole", "entry": 5}]
    assert [(one["staff"], one["taken_over"]) for one in answer["responsible"]] == [("u-25, u-90", True)]
    before = ok(api.get(f"/cases/{case}/people", valid_at="2026-03-04T09:40:00+01:00"))
    assert before["responsible"] == []


def move(to: str, version: int, *entries: int, **changes: Any) -> dict[str, Any]:
    """Return a move of entries."""
    body = {"entries": list(entries), "to": to, "to_version": version, "kind": "wrong_case", "reason": CANARY}
    return body | changes


def test_entries_move_to_the_case_they_belong_to(api: Api) -> None:
    """Withheld here, recorded there under that case's keys and persons, in one request, and once."""
    here = api.open_case(note(SECRET), note("stays"), assessment(score=3))
    there = api.open_case(persons=[{"ref": "parent-X", "role": "mother", "full_name": "Xenia Eksempel"}])
    body = move(there, 1, 2, 4, persons={"parent-A": "parent-X", "child-A": "child-X"})
    key = str(uuid4())
    first = ok(api.post(f"/cases/{here}/moves", body, version=4, Idempotency_Key=key))
    assert [entry["event"] for entry in first["entries"]] == ["EntryAnnulled", "EntryAnnulled"]
    assert ok(api.post(f"/cases/{here}/moves", body, version=4, Idempotency_Key=key)) == first
    left, came = api.events(here), api.events(there)
    assert [entry["withheld"] for entry in left] == [False, True, False, True, False, False]
    assert [left[index]["data"]["moved_to"] for index in (4, 5)] == [there, there]
    assert [entry["event"] for entry in came] == ["CaseOpened", "NoteRecorded", "AssessmentRecorded"]
    assert (came[1]["data"]["informant"], came[1]["data"]["content"]) == ("parent-X", SECRET)
    assert (came[2]["data"]["about"], came[2]["data"]["score"]) == ("child-X", 3)
    assert came[1]["occurred_at"] == left[1]["occurred_at"]
    findings = ok(api.get(f"/cases/{here}/findings"))["items"]
    assert "WRONG_PERSON_NOT_ASSESSED" in {item["code"] for item in findings}


def test_what_hangs_together_moves_together(api: Api) -> None:
    """A reference to an entry that stays is refused; moved after the entry it refers to, it points to the new one."""
    received = {"notifier_kind": "private", "identity_known": True, "channel": "phone", "about": ["child-A"]}
    notification = command("NotificationReceived", received | {"received_at": "2026-03-04T14:00:00+01:00"})
    assessed = {"notification": 2, "danger": False, "participants": ["u-1", "u-2"], "grounds": CANARY}
    here = api.open_case(notification, command("NotificationAcuteAssessed", assessed))
    there = api.open_case(note())
    written = api.written()
    for entries in ((3,), (3, 2)):
        found = errors(api.post(f"/cases/{here}/moves", move(there, 2, *entries), version=3))
        assert [place for place, _ in found] == ["/entries/0"]
    assert api.written() == written
    ok(api.post(f"/cases/{here}/moves", move(there, 2, 2, 3), version=3))
    assert api.events(there)[3]["data"]["notification"] == 3


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"entries": [1]}, "/entries/0"),
        ({"entries": [99]}, "/entries/0"),
        ({"entries": []}, "/entries"),
        ({"to": "not-a-case"}, "/to"),
        ({"to": "00000000-0000-0000-0000-000000000000"}, "/to"),
        ({"to_version": 7}, "/to_version"),
        ({"kind": "duplicate"}, "/kind"),
        ({"colour": CANARY}, "/colour"),
    ],
)
def test_a_move_that_cannot_be_made_moves_nothing(api: Api, changes: dict[str, Any], place: str) -> None:
    """The field is named, and neither case has a new entry."""
    here, there = api.open_case(note()), api.open_case()
    written = api.written()
    found = errors(api.post(f"/cases/{here}/moves", move(there, 1, 2) | changes, version=2))
    assert [where for where, _ in found] == [place]
    assert api.written() == written


def test_nothing_moves_within_a_case_or_on_an_old_version(api: Api) -> None:
    """The case itself is no target; whoever decided on an old version is told."""
    here, there = api.open_case(note()), api.open_case()
    assert errors(api.post(f"/cases/{here}/moves", move(here, 2, 2), version=2))[0][0] == "/to"
    problem(api.post(f"/cases/{here}/moves", move(there, 1, 2), version=1), 412, "stale-version")
    problem(api.post(f"/cases/{uuid4()}/moves", move(there, 1, 2), version=1), 404, "not-found")


def test_the_overview_counts_families(api: Api) -> None:
    """Siblings' cases are one family; an enrolment is under one heading, and leaves it when it is closed."""
    programme = f"programme-{uuid4().hex[:8]}"
    started = command("InterventionStarted", {"enrolment": "enr-1"})
    one = api.open_case(started, programme=programme)
    linked = {"child": "child-A", "sibling": "child-B", "case": one}
    two = api.open_case(started, command("SiblingLinked", linked), programme=programme)
    counts = {"on_the_way_in": 0, "ongoing": 1, "on_the_way_out": 0}
    published = {"meeting": "steering-1", "counts": counts, "enrolments": {"enr-1": "ongoing"}}
    api.open_case(
        command("RecommendationMade", {"programme": programme, "to": "steering_group"}),
        command("SteeringOverviewPublished", published),
        programme=programme,
    )

    def overview(**parameters: str) -> dict[str, Any]:
        return ok(api.get("/caseload", programme=programme, **parameters))

    until(lambda: overview()["total"] == 3, "the view to follow")
    answer = overview()
    assert answer["families"] == {"on_the_way_in": 1, "ongoing": 1, "on_the_way_out": 0}
    assert {item["case"] for item in answer["items"] if item["heading"] == "ongoing"} == {one, two}
    assert overview(valid_at="2026-03-03T00:00:00Z")["items"] == []
    in_march = overview(valid_at="2026-03-05T00:00:00Z")
    assert [len(in_march["published_this_year"]), len(answer["published_this_year"])][0] == 1
    ok(
        api.commit(
            one,
            2,
            command("EnrolmentClosed", {"enrolment": "enr-1", "reason": "goals_reached", "next_measure": "none"}),
        )
    )
    until(lambda: overview()["total"] == 2, "the view to follow")
    assert overview()["families"]["ongoing"] == 1


def test_a_programme_nobody_is_in_is_not_an_empty_one(api: Api) -> None:
    """A misspelt name does not read as no families."""
    problem(api.get("/caseload", programme="smaaboernsteam_01"), 404, "not-found")
    problem(api.get("/caseload", programme="smaaboernsteam_001", knownat="2026-01-01T00:00:00Z"), 400, "bad-request")
