"""Who has looked over HTTP: at a case, at a person of it, by those who look after it, and their own looks too."""

from collections.abc import Generator
from contextlib import ExitStack
from typing import Any

import orjson
import pytest

from tests.api.client import ALMA, ASTA, CANARY, Api, Response, command, note, problem

LEADER, CASEWORKER, OTHER, AUDITOR, OFFICER = "u-12", "u-90", "u-25", "u-95", "u-81"
Item = dict[str, Any]


@pytest.fixture(scope="module")
def staff(api: Api) -> Generator[dict[str, Api]]:
    """A client for each of them."""
    with ExitStack() as stack:
        everybody = (LEADER, CASEWORKER, OTHER, AUDITOR, OFFICER, "u-96")
        yield {who: stack.enter_context(api.acting_as(who)) for who in everybody}


def done(response: Response) -> dict[str, Any]:
    """Return the content of an answer that succeeded."""
    assert response.status_code in (200, 201), response.text
    return response.json()


def log(reader: Api, case: str, **parameters: str | int) -> dict[str, Any]:
    """Return who has looked at a case."""
    return done(reader.get(f"/cases/{case}/access-events", **parameters))


def log_of(reader: Api, case: str, person: str, **parameters: str | int) -> dict[str, Any]:
    """Return who has looked at a person's data in a case."""
    return done(reader.get(f"/persons/{person}/access-events", case=case, **parameters))


def told(answer: dict[str, Any], *names: str) -> list[tuple[Any, ...]]:
    """Return some members of each look of an answer."""
    return [tuple(item[name] for name in names) for item in answer["items"]]


def persons(api: Api, case: str) -> dict[str, str]:
    """Return the ids of the persons of a case by reference."""
    return {one["ref"]: one["person"] for one in done(api.get(f"/cases/{case}"))["persons"]}


def test_everything_about_a_look(api: Api, staff: dict[str, Api], case: str) -> None:
    """When, who in which role and office, by what relation, why, in which matter, at what, as of when, and refusals."""
    shown = done(api.http.get(f"/cases/{case}/events", headers={"Purpose": 'complaint; ref="S-2025-0412"'}))
    problem(staff[OTHER].get(f"/cases/{case}"), 403, "forbidden")
    found = log(staff[AUDITOR], case)
    refusal, look = found["items"]
    assert look == {
        "position": shown["access_event"],
        "looked_at": look["looked_at"],
        "staff": CASEWORKER,
        "role": "caseworker",
        "organisation": "Eksempelkommune",
        "relation": "assignment",
        "purpose": "complaint",
        "matter": "S-2025-0412",
        "what": "events",
        "as_of_position": shown["as_of_position"],
        "known_at": None,
        "valid_at": None,
        "refused": False,
        "refusal": None,
        "break_glass": False,
        "verdict": None,
    }
    assert (refusal["staff"], refusal["refused"], refusal["refusal"], refusal["relation"]) == (
        OTHER,
        True,
        "not_assigned",
        None,
    )
    assert found["summary"] == {"looks": 2, "people": 2, "refused": 1, "break_glass": 0, "after_closing": 0}
    assert (found["case"], found["person"], found["next"], found["expired_before"]) == (case, None, None, None)


def test_looking_at_the_log_is_on_record(api: Api, staff: dict[str, Api], case: str) -> None:
    """Each answer names the look it is, and the next one shows it, of auditors and data protection alike."""
    first = log(staff[AUDITOR], case)
    second = log(staff[OFFICER], case)
    third = log(staff[LEADER], case)
    assert told(third, "position", "what", "staff", "relation") == [
        (second["access_event"], "access_events", OFFICER, "role"),
        (first["access_event"], "access_events", AUDITOR, "role"),
    ]
    assert told(log(staff[AUDITOR], case), "staff", "relation")[0] == (LEADER, "organisation")


def test_who_may_know(api: Api, staff: dict[str, Api], case: str) -> None:
    """Whoever holds the case may not, nor an analyst; the refusal is on record, and nothing is said."""
    done(api.get(f"/cases/{case}"))
    mother = persons(api, case)["parent-A"]
    for who in (CASEWORKER, "u-96"):
        of_case = staff[who].get(f"/cases/{case}/access-events")
        of_person = staff[who].get(f"/persons/{mother}/access-events", case=case)
        assert [problem(one, 403, "forbidden")["reason"] for one in (of_case, of_person)] == ["role", "role"]
    assert [one[0] for one in told(log(staff[AUDITOR], case), "what")][:4] == ["access_events"] * 4


def test_a_leader_reads_the_log_of_the_own_organisation(api: Api, staff: dict[str, Api]) -> None:
    """Not of a case that is another's, neither by case nor by person; data protection may."""
    case = api.open_case(command("CaseAllocated", {"to": CASEWORKER, "for_role": "social_worker", "unit": "South"}))
    mother = persons(api, case)["parent-A"]
    problem(staff[LEADER].get(f"/cases/{case}/access-events"), 403, "forbidden")
    problem(staff[LEADER].get(f"/persons/{mother}/access-events", case=case), 403, "forbidden")
    mine = api.open_case()
    problem(staff[LEADER].get(f"/persons/{mother}/access-events", case=mine), 404, "not-found")
    assert log_of(staff[OFFICER], case, mother)["summary"]["refused"] == 2


def test_the_relation_is_that_of_the_day(api: Api, staff: dict[str, Api]) -> None:
    """Whoever held the case then is told as that, also after it was handed over; emergency access as what it was."""
    case = api.open_case(command("CaseAllocated", {"to": CASEWORKER, "for_role": "social_worker"}))
    other = staff[OTHER]
    done(api.get(f"/cases/{case}"))
    problem(other.get(f"/cases/{case}"), 403, "forbidden")
    done(other.post(f"/cases/{case}/break-glass", {"reason": "night call"}))
    done(other.get(f"/cases/{case}"))
    handover = {"to": OTHER, "for_role": "social_worker", "from_staff": CASEWORKER}
    done(api.commit(case, 3, command("CaseAllocated", handover)))
    done(other.commit(case, 4, command("HandoverAccepted", {"allocation": 4, "summary_read": True})))
    problem(api.get(f"/cases/{case}"), 403, "forbidden")
    found = log(staff[AUDITOR], case)
    assert told(found, "staff", "relation", "refusal", "break_glass") == [
        (CASEWORKER, None, "not_assigned", False),
        (OTHER, "break_glass", None, True),
        (OTHER, None, "not_assigned", False),
        (CASEWORKER, "assignment", None, False),
    ]
    assert found["summary"] == {"looks": 4, "people": 2, "refused": 2, "break_glass": 1, "after_closing": 0}


def test_looks_at_one_person(api: Api, staff: dict[str, Api], case: str) -> None:
    """Those that name the person or nobody; not one that showed another person of the case alone."""
    ids = persons(api, case)
    own = done(api.get(f"/cases/{case}/persons/parent-A/identity"))["access_event"]
    child = done(api.get(f"/cases/{case}/persons/child-A/identity"))["access_event"]
    listed = done(api.get("/cases", limit=500))["access_event"]
    of_mother, of_child = (log_of(staff[AUDITOR], case, ids[ref]) for ref in ("parent-A", "child-A"))
    assert of_mother["person"] == ids["parent-A"]
    assert [item["position"] for item in of_mother["items"]][:2] == [listed, own]
    assert [item["position"] for item in of_child["items"]][:2] == [listed, child]
    assert child not in [item["position"] for item in of_mother["items"]]
    assert own not in [item["position"] for item in of_child["items"]]
    assert of_mother["summary"]["looks"] == len(of_mother["items"]) == 3
    everything = [item["position"] for item in log(staff[AUDITOR], case)["items"]]
    assert {own, child, listed, of_mother["access_event"], of_child["access_event"]} <= set(everything)


def test_a_person_counts_from_when_they_joined(api: Api, staff: dict[str, Api]) -> None:
    """A list of cases from before shows nobody who came later; an id of nobody there is not found."""
    case = api.open_case(persons=[ALMA])
    done(api.get("/cases", limit=500))
    done(api.post(f"/cases/{case}/persons", {"person": ASTA, "occurred_at": "2026-03-05"}, version=1))
    later = done(api.get("/cases", limit=500))["access_event"]
    ids = persons(api, case)
    assert [item["position"] for item in log_of(staff[AUDITOR], case, ids["child-A"])["items"]][1:] == [later]
    assert len(log_of(staff[AUDITOR], case, ids["parent-A"])["items"]) == 3
    stranger = "00000000-0000-4000-8000-000000000001"
    problem(staff[AUDITOR].get(f"/persons/{stranger}/access-events", case=case), 404, "not-found")
    problem(staff[AUDITOR].get(f"/persons/{ids['child-A']}/access-events"), 400, "bad-request")
    problem(staff[AUDITOR].get("/persons/x/access-events", case=case), 400, "bad-request")
    problem(staff[AUDITOR].get(f"/persons/{stranger}/access-events", case=stranger), 404, "not-found")


def test_pages_periods_and_the_past(api: Api, staff: dict[str, Api], case: str) -> None:
    """Page after page the same log, whoever looks meanwhile; between two instants; as it was on record."""
    looks = [done(api.get(f"/cases/{case}"))["access_event"] for _ in range(5)]
    auditor = staff[AUDITOR]
    first = log(auditor, case, limit=2)
    done(api.get(f"/cases/{case}"))
    second = log(auditor, case, limit=2, cursor=first["next"])
    third = log(auditor, case, limit=2, cursor=second["next"])
    pages = [[item["position"] for item in page["items"]] for page in (first, second, third)]
    assert pages == [looks[4:2:-1], looks[2:0:-1], looks[:1]]
    assert third["next"] is None
    assert first["summary"] == second["summary"] == third["summary"]
    assert first["summary"]["looks"] == 5
    at = {item["position"]: item["looked_at"] for page in (first, second, third) for item in page["items"]}
    period = log(auditor, case, since=at[looks[1]], until=at[looks[3]])
    assert [item["position"] for item in period["items"]] == looks[3:0:-1]
    assert (period["summary"]["looks"], period["since"], period["until"]) == (3, at[looks[1]], at[looks[3]])
    assert log(auditor, case, known_at=at[looks[1]])["summary"]["looks"] == 2
    assert log(auditor, case, valid_at=at[looks[1]])["summary"]["looks"] == 2
    for wrong in ({"since": "2026-03-04"}, {"until": "x"}, {"limit": 501}, {"validat": at[looks[1]]}, {"cursor": "x"}):
        problem(auditor.get(f"/cases/{case}/access-events", **wrong), 400, "bad-request")
    turned = {"since": at[looks[3]], "until": at[looks[1]]}
    assert "until" in problem(auditor.get(f"/cases/{case}/access-events", **turned), 400, "bad-request")["detail"]
    problem(auditor.get(f"/cases/{case}/access-events", cursor=first["next"], since=at[looks[1]]), 400, "bad-request")
    problem(auditor.get(f"/cases/{case}/access-events", known_at="2090-01-01T00:00:00Z"), 400, "bad-request")
    problem(auditor.get(f"/cases/{case}/access-events", known_at="2020-06-01T00:00:00Z"), 404, "not-found")


def test_looks_after_closing_are_counted(api: Api, staff: dict[str, Api]) -> None:
    """Those made once the last enrolment was closed, until support is taken up again."""
    case = api.open_case(command("InterventionStarted", {"enrolment": "e-1"}))
    done(api.get(f"/cases/{case}"))
    done(api.commit(case, 2, command("EnrolmentClosed", {"enrolment": "e-1", "reason": "goals_met"})))
    done(api.get(f"/cases/{case}"))
    done(api.get(f"/cases/{case}/events"))
    assert log(staff[AUDITOR], case)["summary"]["after_closing"] == 2
    done(api.commit(case, 3, command("InterventionStarted", {"enrolment": "e-1"})))
    done(api.get(f"/cases/{case}"))
    assert log(staff[AUDITOR], case)["summary"]["after_closing"] == 3, "the look at the log is one of them"


def test_a_purpose_is_asked_for_and_nothing_of_the_case_is_said(api: Api, staff: dict[str, Api]) -> None:
    """The log holds ids and codes only."""
    case = api.open_case(note(CANARY), persons=[ALMA | {"full_name": CANARY}])
    done(api.get(f"/cases/{case}/events"))
    auditor = staff[AUDITOR]
    request = auditor.http.build_request("GET", f"/cases/{case}/access-events")
    del request.headers["Purpose"]
    problem(auditor.http.send(request), 400, "bad-request")
    assert CANARY not in auditor.get(f"/cases/{case}/access-events").text


def test_the_record_of_a_look_at_a_person_names_the_person(api: Api, staff: dict[str, Api], case: str) -> None:
    """So that it is in that person's log, and not in another's."""
    ids = persons(api, case)
    position = log_of(staff[AUDITOR], case, ids["parent-A"])["access_event"]
    ((state,),) = api.query("SELECT state FROM ledger.event WHERE position = %s", position)
    look = orjson.loads(state)["data"]
    assert (look["what"], look["cases"], look["subjects"]) == ("access_events", [case], [ids["parent-A"]])
    assert position in [item["position"] for item in log_of(staff[OFFICER], case, ids["parent-A"])["items"]]
    assert position not in [item["position"] for item in log_of(staff[OFFICER], case, ids["child-A"])["items"]]
