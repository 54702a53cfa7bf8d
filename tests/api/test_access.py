"""Who reaches a case over HTTP: assignment, organisation, restriction, conflict, emergency access, grants, notices."""

from collections.abc import Generator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from tests.api.client import CANARY, Api, Response, command, errors, note, problem

LEADER, CASEWORKER, OTHER, AUDITOR, OFFICER, ADMINISTRATOR = "u-12", "u-90", "u-25", "u-95", "u-81", "u-97"


@pytest.fixture
def staff(api: Api) -> Generator[dict[str, Api]]:
    """A client for each of them."""
    with ExitStack() as stack:
        everybody = (LEADER, CASEWORKER, OTHER, AUDITOR, OFFICER, ADMINISTRATOR, "u-61", "u-96")
        yield {who: stack.enter_context(api.acting_as(who)) for who in everybody}


def refused(response: Response, reason: str) -> int:
    """Return where a refusal stands, having checked that it is one and says why."""
    found = problem(response, 403, "forbidden")
    assert found["reason"] == reason
    assert response.headers["access-event"] == str(found["access_event"])
    return found["access_event"]


def done(response: Response) -> dict[str, Any]:
    """Return the content of an answer that succeeded."""
    assert response.status_code in (200, 201), response.text
    return response.json()


def recorded(api: Api, position: int) -> dict[str, Any]:
    """Return the look at a position."""
    ((topic, state),) = api.query("SELECT topic, state FROM ledger.event WHERE position = %s", position)
    assert topic == "record_viewed"
    return orjson.loads(state)["data"]


def test_without_signing_in_nothing_is_shown(api: Api, case: str) -> None:
    """Neither case nor list nor act: 401 with what to send, and nothing written."""
    before = api.size()
    for token in ("", "Bearer", "Bearer x.y.z", "Basic dTpw", "bearer"):
        headers = {"Authorization": token}
        for path in (f"/cases/{case}", "/cases", "/deadlines", "/break-glass"):
            answer = api.http.get(path, headers=headers)
            problem(answer, 401, "not-signed-in")
            assert answer.headers["www-authenticate"].startswith("Bearer")
        problem(api.post("/cases", {}, Authorization=token), 401, "not-signed-in")
    assert api.size() == before


def test_a_purpose_is_asked_for(api: Api, case: str) -> None:
    """Without one, or with an unknown one, 400 says which there are; nothing is shown or recorded."""
    before = api.size()
    for headers in ({"Purpose": ""}, {"Purpose": "curiosity"}, {"Purpose": "CASE-WORK"}):
        found = problem(api.http.get(f"/cases/{case}", headers=headers), 400, "bad-request")
        assert "case-work" in found["detail"]
    request = api.http.build_request("GET", f"/cases/{case}")
    del request.headers["Purpose"]
    assert "Purpose" in problem(api.http.send(request), 400, "bad-request")["detail"]
    assert api.size() == before


def test_purpose_and_matter_go_on_record(api: Api, case: str) -> None:
    """The code and the matter it belongs to, beside whose data were shown."""
    shown = done(api.http.get(f"/cases/{case}", headers={"Purpose": 'access-request; ref="S-2025-0412"'}))
    look = recorded(api, shown["access_event"])
    assert (look["purpose"], look["matter"]) == ("access-request", "S-2025-0412")
    assert look["subjects"] == [person["person"] for person in shown["persons"]]


def test_a_colleague_who_does_not_hold_the_case_is_kept_out(api: Api, staff: dict[str, Api]) -> None:
    """To read, to write, to list, by version and by key: refused, on record, and nothing of the case is said."""
    case = api.open_case(note(CANARY), number="S-4711-CANARY")
    other = staff[OTHER]
    for path in ("", "/events", "/deadlines", "/consents", "/findings", "/people", "/documents", "/documents/d/1"):
        look = recorded(api, refused(other.get(f"/cases/{case}{path}"), "not_assigned"))
        assert (look["viewer"], look["cases"], look["refused"], look["refusal"]) == (
            OTHER,
            [case],
            True,
            "not_assigned",
        )
    for version in (1, 2, 99):
        refused(other.commit(case, version, note()), "not_assigned")
    listed = other.get("/cases", limit=500).text
    assert case not in listed
    assert "4711-CANARY" not in listed
    assert case in api.get("/cases", limit=500).text
    assert CANARY not in other.get(f"/sager/{case}").text
    assert other.get(f"/sager/{case}").status_code == 403


def test_access_follows_the_allocation(api: Api, staff: dict[str, Api]) -> None:
    """Handed over, both have it until it is taken over; then only the new holder."""
    case = api.open_case(command("CaseAllocated", {"to": CASEWORKER, "for_role": "social_worker"}))
    handover = {"to": OTHER, "for_role": "social_worker", "from_staff": CASEWORKER}
    done(api.commit(case, 2, command("CaseAllocated", handover)))
    done(staff[OTHER].get(f"/cases/{case}"))
    done(api.get(f"/cases/{case}"))
    done(staff[OTHER].commit(case, 3, command("HandoverAccepted", {"allocation": 3, "summary_read": True})))
    refused(api.get(f"/cases/{case}"), "not_assigned")
    refused(api.get(f"/cases/{case}", known_at="2026-03-05T00:00:00Z"), "not_assigned")
    assert done(staff[OTHER].get(f"/cases/{case}"))["version"] == 4


def test_audit_writes_nothing(api: Api, staff: dict[str, Api], case: str) -> None:
    """An auditor reads every case and is refused every act."""
    auditor = staff[AUDITOR]
    done(auditor.get(f"/cases/{case}/events"))
    written = api.written()
    refused(auditor.post("/cases", {"programme": "p", "occurred_at": "2026-03-04"}), "role")
    refused(auditor.commit(case, 1, note()), "role")
    refused(auditor.post(f"/cases/{case}/break-glass", {"reason": "r"}), "role")
    refused(auditor.post(f"/cases/{case}/restrictions", _restriction("u-95")), "role")
    refused(
        auditor.http.post(
            f"/cases/{case}/documents",
            params={"document": "d", "direction": "in", "theme": "t"},
            content=b"x",
            headers={"Idempotency-Key": "k", "If-Match": '"1"', "Content-Type": "text/plain"},
        ),
        "role",
    )
    assert api.written() == written


class TestEmergency:
    """Break-glass: opens at once, is told, and is judged by somebody else."""

    def test_it_opens_the_case_and_says_so(self, api: Api, staff: dict[str, Api]) -> None:
        """For three hours, with the reason sealed; each look and entry made with it is marked."""
        case, other = api.open_case(), staff[OTHER]
        refused(other.get(f"/cases/{case}"), "not_assigned")
        receipt = done(other.post(f"/cases/{case}/break-glass", {"reason": CANARY}))
        opened = done(other.get(f"/cases/{case}/events"))
        look = recorded(api, opened["access_event"])
        assert (look["break_glass"], look["viewer"]) == (True, OTHER)
        entry = opened["items"][-1]
        assert (entry["event"], entry["data"]["reason"], entry["version"]) == (
            "BreakGlassOpened",
            CANARY,
            receipt["version"],
        )
        ((state,),) = api.query("SELECT state FROM ledger.event WHERE stream = %s AND version = 2", case)
        assert CANARY.encode() not in state
        done(other.commit(case, 2, note()))
        refused(other.post(f"/cases/{case}/decisions", {"decision": DECISION}, version=3), "not_assigned")

    def test_it_is_for_cases_that_are_closed(self, api: Api, case: str) -> None:
        """Whoever has the case needs none; without a reason there is none."""
        problem(api.post(f"/cases/{case}/break-glass", {"reason": "r"}), 409, "refused")
        assert errors(api.post(f"/cases/{case}/break-glass", {})) == [("/reason", "is missing: it is required")]

    def test_holder_is_told_and_somebody_else_reviews(self, api: Api, staff: dict[str, Api]) -> None:
        """The holder sees it in the notices, the leader in the queue; the verdict ends both."""
        case, other, leader = api.open_case(), staff[OTHER], staff[LEADER]
        entry = done(other.post(f"/cases/{case}/break-glass", {"reason": "night call"}))["version"]

        def told() -> list[dict[str, Any]]:
            return [one for one in done(api.get("/notices"))["items"] if one["case"] == case]

        def queued() -> list[dict[str, Any]]:
            return [one for one in done(leader.get("/break-glass"))["items"] if one["case"] == case]

        assert [(one["staff"], one["running"]) for one in told()] == [(OTHER, True)]
        assert [(one["level"], one["entry"]) for one in queued()] == [("supervisor", entry)]
        assert done(leader.get(f"/cases/{case}/break-glass"))["items"][0]["reason"] == "night call"
        refused(api.get("/break-glass"), "role")
        verdict = f"/cases/{case}/break-glass/{entry}/review"
        refused(api.post(verdict, {"justified": True}), "role")
        refused(other.post(verdict, {"justified": True}), "role")
        done(leader.post(verdict, {"justified": False, "grounds": "no night call on record"}))
        assert queued() == []
        assert [one["justified"] for one in told()] == [False]
        problem(leader.post(verdict, {"justified": True}), 409, "refused")
        opened = api.events(case)[1]["recorded_at"]
        waited = done(leader.get("/break-glass", known_at=opened))["items"]
        assert [(one["entry"], one["justified"]) for one in waited if one["case"] == case] == [(entry, None)]
        then = done(leader.get(f"/cases/{case}/break-glass", known_at=opened))["items"]
        assert [one["justified"] for one in then] == [None], "the verdict came later"
        told_then = done(api.get("/notices", known_at=opened))["items"]
        assert [(one["running"], one["justified"]) for one in told_then if one["case"] == case] == [(True, None)]
        before = done(leader.get("/break-glass", known_at=api.events(case)[0]["recorded_at"]))["items"]
        assert case not in {one["case"] for one in before}
        finished = done(leader.get("/break-glass", waiting="false"))["items"]
        assert [one["reviewed_by"] for one in finished if one["case"] == case] == [LEADER]

    def test_nobody_reviews_their_own(self, api: Api, staff: dict[str, Api]) -> None:
        """Not even a leader."""
        leader = staff[LEADER]
        case = api.open_case(command("CaseAllocated", {"to": OTHER, "for_role": "social_worker", "unit": "South"}))
        entry = done(leader.post(f"/cases/{case}/break-glass", {"reason": "r"}))["version"]
        refused(leader.post(f"/cases/{case}/break-glass/{entry}/review", {"justified": True}), "not_assigned")
        done(staff[OFFICER].post(f"/cases/{case}/break-glass/{entry}/review", {"justified": True}))
        assert errors(staff[OFFICER].post(f"/cases/{case}/break-glass/1/review", {"justified": True}))


def _restriction(*allowed: str, days: int = 60) -> dict[str, Any]:
    day = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
    return {"category": "high_profile", "allowed": list(allowed), "review_by": day, "reason": "r"}


class TestRestriction:
    """Only those named, with a day by which it is looked at again."""

    def test_those_not_named_are_kept_out(self, api: Api, staff: dict[str, Api]) -> None:
        """Holder, auditor and analyst lose the case, in lists too; those named have it."""
        case, leader = api.open_case(note(CANARY), number="S-RESTRICTED"), staff[LEADER]
        done(leader.post(f"/cases/{case}/restrictions", _restriction(LEADER, OTHER)))
        for who in (CASEWORKER, AUDITOR):
            refused(staff[who].get(f"/cases/{case}"), "restricted")
            assert case not in staff[who].get("/cases", limit=500).text
        assert case not in staff["u-96"].get("/findings").text
        done(staff[OTHER].get(f"/cases/{case}"))
        done(leader.get(f"/cases/{case}"))
        listed = done(leader.get("/restrictions"))["items"]
        assert [(one["allowed"], one["overdue"]) for one in listed if one["case"] == case] == [([LEADER, OTHER], False)]

    def test_it_is_reviewed_and_lifted(self, api: Api, staff: dict[str, Api]) -> None:
        """Renewed with other people, then lifted; a day too far ahead, or none, is refused."""
        case, leader = api.open_case(), staff[LEADER]
        entry = done(leader.post(f"/cases/{case}/restrictions", _restriction(LEADER)))["version"]
        problem(leader.post(f"/cases/{case}/restrictions", _restriction(LEADER)), 409, "refused")
        review = f"/cases/{case}/restrictions/{entry}/review"
        assert errors(leader.post(review, {"renewed": True, "reason": "r"}))[0][0] == "/review_by"
        renewed = {name: value for name, value in _restriction(LEADER, CASEWORKER).items() if name != "category"}
        done(leader.post(review, renewed | {"renewed": True}))
        done(api.get(f"/cases/{case}"))
        done(leader.post(review, {"renewed": False, "reason": "r"}))
        moments = [one["recorded_at"] for one in leader.events(case)]
        then = [done(leader.get("/restrictions", known_at=at))["items"] for at in moments]
        allowed = [[one["allowed"] for one in items if one["case"] == case] for items in then]
        assert allowed == [[], [[LEADER]], [[LEADER, CASEWORKER]], []]
        assert errors(leader.post(review, {"renewed": False, "reason": "r"}))
        assert errors(leader.post(f"/cases/{case}/restrictions", _restriction(LEADER, days=91)))[0][0] == "/review_by"

    def test_data_protection_looks_after_it(self, api: Api, staff: dict[str, Api]) -> None:
        """It may lift a restriction that keeps everybody out, and never reads the case."""
        case = api.open_case()
        entry = done(staff[LEADER].post(f"/cases/{case}/restrictions", _restriction("u-999")))["version"]
        refused(staff[LEADER].get(f"/cases/{case}"), "restricted")
        refused(staff[OFFICER].get(f"/cases/{case}"), "role")
        done(staff[OFFICER].post(f"/cases/{case}/restrictions/{entry}/review", {"renewed": False, "reason": "r"}))
        done(staff[LEADER].get(f"/cases/{case}"))

    def test_no_correction_opens_it(self, api: Api, staff: dict[str, Api]) -> None:
        """Whoever may write in the case cannot annul the restriction."""
        case, leader = api.open_case(), staff[LEADER]
        done(leader.post(f"/cases/{case}/restrictions", _restriction(LEADER)))
        answer = leader.commit(case, 2, command("EntryAnnulled", {"annuls": 2, "reason": "r"}))
        assert errors(answer)[0][0] == "/commands/0/data/annuls"


class TestConflict:
    """A conflict of interest keeps out, also in an emergency."""

    def test_own_conflict_is_declared(self, api: Api, case: str) -> None:
        """From then on the case is closed, and the emergency door with it."""
        done(api.post(f"/cases/{case}/conflicts-of-interest", {"staff": CASEWORKER, "kind": "kinship"}))
        refused(api.get(f"/cases/{case}"), "conflict_of_interest")
        refused(api.commit(case, 2, note()), "conflict_of_interest")
        refused(api.post(f"/cases/{case}/break-glass", {"reason": "r"}), "conflict_of_interest")
        assert case not in api.get("/cases", limit=500).text

    def test_a_leader_records_and_ends_it(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """Another's conflict is the leader's to record, and to end."""
        about = {"staff": CASEWORKER, "kind": "neighbour", "detail": CANARY}
        refused(api.post(f"/cases/{case}/conflicts-of-interest", about | {"staff": OTHER}), "role")
        entry = done(staff[LEADER].post(f"/cases/{case}/conflicts-of-interest", about))["version"]
        ending = f"/cases/{case}/conflicts-of-interest/{entry}/end"
        refused(api.post(ending, {"reason": "r"}), "conflict_of_interest")
        done(staff[LEADER].post(ending, {"reason": "r"}))
        assert errors(staff[LEADER].post(ending, {"reason": "r"}))
        done(api.get(f"/cases/{case}"))


class TestGrants:
    """Access granted and ended by events."""

    def test_a_case_is_granted_and_ended(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """By a leader of the case, in the role named, and repeated with one answer."""
        role = "social_worker"
        grant = {"role": role, "basis": "substitute", "case": case}
        first = staff[LEADER].post(f"/staff/{OTHER}/grants", grant, Idempotency_Key=f"grant {case}".replace(" ", "-"))
        again = staff[LEADER].post(f"/staff/{OTHER}/grants", grant, Idempotency_Key=f"grant {case}".replace(" ", "-"))
        assert done(first) == done(again)
        done(staff[OTHER].get(f"/cases/{case}"))
        done(staff[LEADER].post(f"/staff/{OTHER}/grants/end", {"role": role, "basis": "back", "case": case}))
        refused(staff[OTHER].get(f"/cases/{case}"), "not_assigned")

        def granted(**parameters: str) -> set[str | None]:
            grants = done(staff[ADMINISTRATOR].get(f"/staff/{OTHER}/grants", **parameters))["grants"]
            return {one["case"] for one in grants}

        assert case in granted(known_at=done(first)["recorded_at"])
        assert case not in granted()
        assert granted(known_at="2020-06-01T00:00:00Z") == set()

    def test_only_those_who_may_grant(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """Nobody to themselves, no caseworker, no leader a role, no administrator a case."""
        grant = {"role": "caseworker", "basis": "b"}
        refused(api.post(f"/staff/{OTHER}/grants", grant | {"case": case}), "role")
        refused(staff[LEADER].post(f"/staff/{OTHER}/grants", grant), "role")
        refused(staff[ADMINISTRATOR].post(f"/staff/{OTHER}/grants", grant | {"case": case}), "role")
        problem(staff[LEADER].post(f"/staff/{LEADER}/grants", grant | {"case": case}), 409, "refused")
        problem(staff[ADMINISTRATOR].post(f"/staff/{ADMINISTRATOR}/grants", grant), 409, "refused")

    def test_a_role_is_ended_whatever_one_signs_in_with(self, api: Api, staff: dict[str, Api]) -> None:
        """Ended here, the role opens nothing; granted again it does. The grants can be read."""
        administrator, other = staff[ADMINISTRATOR], staff["u-61"]
        case = done(other.post("/cases", {"programme": "p", "occurred_at": "2026-03-04"}))["case"]
        role = {"role": "coordinator", "basis": "left"}
        done(administrator.post("/staff/u-61/grants/end", role))
        refused(other.get(f"/cases/{case}"), "role_ended")
        refused(other.get("/cases"), "role_ended")
        assert done(administrator.get("/staff/u-61/grants"))["ended_roles"] == [
            {"role": "coordinator", "organisation": None}
        ]
        done(administrator.post("/staff/u-61/grants", role))
        done(other.get(f"/cases/{case}"))
        refused(api.get("/staff/u-61/grants"), "role")


DECISION: dict[str, Any] = {
    "decision": "d", "outcome": "grant", "legal_basis": ["x"], "competence_ref": "c", "purpose": "p",
    "expected_duration": "P1M", "plan_needed": False, "hearing": [], "complaint_guidance": True,
}  # fmt: skip
