"""Boards over HTTP: pages that add up to their total, filters that refuse what they do not know, the yearly review."""

from collections.abc import Generator
from typing import Any

import orjson
import pytest

from api.conditions import Cursors
from api.principals import command_line_principal
from api.problems import ProblemError
from api.rule_adoption import adopt_shipped
from ledger.store import Ledger
from tests.api.client import CANARY, Api, Response, command, note, problem, talking_to
from tests.api.service import environment, serving, until
from tests.conftest import BEGINS_AT, Server, Template, clone

BOARDS = ("/deadlines", "/findings", "/consents", "/disclosures", "/barometer?question=plan", "/caseload?programme=x")
DECIDED: dict[str, Any] = {"decision": "dec-1", "outcome": "grant", "legal_basis": ["barnets lov § 32"]}


@pytest.fixture(scope="module")
def ruled(server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Api]:
    """A client for whom all is open, of a service whose ledger has adopted the shipped rules."""
    folder = tmp_path_factory.mktemp("boards")
    home = folder / "home"
    for place in clone(server, simulated_template, home):
        with place.ledger() as ledger:
            adopt_shipped(ledger, command_line_principal("test"), BEGINS_AT)
        with (
            serving(environment(place.conninfo, home), folder / "errors.log") as service,
            talking_to(service.url, place.conninfo, "u-12") as client,
        ):
            yield client


def ok(response: Response) -> dict[str, Any]:
    """Return the content of an answer that succeeded."""
    assert response.status_code in (200, 201), response.text
    return response.json()


def received(at: str) -> dict[str, Any]:
    """Return a notification."""
    data = {"notifier_kind": "private", "identity_known": True, "channel": "phone", "about": ["child-A"]}
    return command("NotificationReceived", data | {"received_at": at}, occurred_at=at)


def consent(name: str, **changes: Any) -> dict[str, Any]:
    """Return a consent to share social data of the child with daycare."""
    data: dict[str, Any] = {
        "consent": name, "kind": "disclosure", "given_by": "parent-A", "capacity": "custody_holder",
        "on_behalf_of": "child-A", "scope": ["daycare"], "data_categories": ["social"], "form": "oral",
        "valid_from": "2026-03-01",
    }  # fmt: skip
    return command("ConsentGiven", data | changes)


def pages(api: Api, path: str, limit: int, **parameters: str) -> list[dict[str, Any]]:
    """Return all pages of a board."""
    found = [ok(api.get(path, limit=limit, **parameters))]
    while found[-1]["next"] is not None:
        found.append(ok(api.get(path, limit=limit, cursor=found[-1]["next"], **parameters)))
    return found


def followed(api: Api, path: str, count: int, **parameters: str) -> None:
    """Wait until a board has so many rows of all its pages."""
    until(lambda: ok(api.get(path, **parameters))["total"] >= count, f"{path} to follow")


def test_pages_add_up_to_the_total_whatever_is_recorded_meanwhile(ruled: Api) -> None:
    """Each page is as of the first, with the same total, root and clock; every row comes once, the soonest first."""
    for day in range(1, 6):
        ruled.open_case(received(f"2026-03-0{day}T09:00:00+01:00"))
    followed(ruled, "/deadlines", 20)
    first = ok(ruled.get("/deadlines", limit=7))
    ruled.open_case(received("2026-03-02T10:00:00+01:00"))
    followed(ruled, "/deadlines", first["total"] + 1)
    found = [first]
    while found[-1]["next"] is not None:
        found.append(ok(ruled.get("/deadlines", limit=7, cursor=found[-1]["next"])))
    items = [item for page in found for item in page["items"]]
    assert len(items) == first["total"]
    assert len({(item["case"], item["rule"], item["trigger"], item["number"]) for item in items}) == len(items)
    dues = [item["due"] for item in items if item["due"] is not None]
    assert dues == sorted(dues)
    for name in ("total", "as_of_position", "root", "clock"):
        assert {page[name] for page in found} == {first[name]}
    for page in found:
        ((state,),) = ruled.query("SELECT state FROM ledger.event WHERE position = %s", page["access_event"])
        shown = orjson.loads(state)["data"]
        assert set(shown["cases"]) == {item["case"] for item in page["items"]}, "a look names what it shows, no more"
        assert shown["as_of_position"] == first["as_of_position"]


def test_the_past_board_is_the_same_each_time(ruled: Api) -> None:
    """What was overdue on a past day does not change with what is recorded later; statuses are those of that day."""
    case = ruled.open_case(received("2026-03-04T09:00:00+01:00"))
    followed(ruled, "/deadlines", 1)
    recorded = ruled.events(case)[-1]["recorded_at"]
    until(
        lambda: case in {i["case"] for p in pages(ruled, "/deadlines", 500, known_at=recorded) for i in p["items"]},
        "the view to follow",
    )
    before = [page["items"] for page in pages(ruled, "/deadlines", 500, known_at=recorded, status="breached")]
    assessed = command(
        "NotificationAcuteAssessed", {"notification": 2, "danger": False, "participants": ["u-90"], "grounds": "g"}
    )
    ok(ruled.commit(case, 2, assessed))
    after = [page["items"] for page in pages(ruled, "/deadlines", 500, known_at=recorded, status="breached")]
    assert before == after
    assert any(item["case"] == case and item["rule"] == "UND-24H" for page in before for item in page)


def test_counts_of_statuses_add_up(ruled: Api) -> None:
    """The board of each status by itself, and together the board of all."""
    ruled.open_case(received("2026-03-04T09:00:00+01:00"))
    followed(ruled, "/deadlines", 5)
    now = ok(ruled.get("/deadlines", limit=1))["clock"]
    whole = ok(ruled.get("/deadlines", known_at=now))
    statuses = {item["status"] for page in pages(ruled, "/deadlines", 500, known_at=now) for item in page["items"]}
    assert len(statuses) > 1
    assert sum(ok(ruled.get("/deadlines", known_at=now, status=one))["total"] for one in statuses) == whole["total"]


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/deadlines", {"status": "late"}),
        ("/deadlines", {"level": "law"}),
        ("/deadlines", {"state": "new"}),
        ("/findings", {"status": "breached"}),
        ("/findings", {"state": "open"}),
        ("/consents", {"status": "given"}),
        ("/disclosures", {"status": "covered"}),
        ("/barometer", {"question": "weather"}),
        ("/barometer", {"answer": "no"}),
        ("/barometer", {"question": "plan", "answer": "maybe"}),
        ("/caseload", {}),
        ("/deadlines", {"limit": "501"}),
        ("/deadlines", {"cursor": CANARY}),
    ],
)
def test_a_filter_that_is_not_known_is_refused(ruled: Api, path: str, parameters: dict[str, str]) -> None:
    """It would find nothing, or everything; nothing is shown and no look is made."""
    before = ruled.size()
    problem(ruled.get(path, **parameters), 400, "bad-request")
    assert ruled.size() == before


def test_a_cursor_belongs_to_its_question(ruled: Api) -> None:
    """With another filter, on another board or with other characters it leads nowhere."""
    ruled.open_case(received("2026-03-04T09:00:00+01:00"))
    followed(ruled, "/deadlines", 2)
    cursor = ok(ruled.get("/deadlines", limit=1))["next"]
    ok(ruled.get("/deadlines", limit=1, cursor=cursor))
    problem(ruled.get("/deadlines", cursor=cursor, status="met"), 400, "bad-request")
    problem(ruled.get("/findings", cursor=cursor), 400, "bad-request")
    forged = cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")
    problem(ruled.get("/deadlines", cursor=forged), 400, "bad-request")


def test_a_cursor_belongs_to_its_ledger(ledger: Ledger, simulated_ledger: Ledger) -> None:
    """What another ledger gave out is refused."""
    cursor = Cursors(ledger.keys).write("place", "board")
    assert Cursors(ledger.keys).read(cursor, "board") == "place"
    with pytest.raises(ProblemError, match="not given out"):
        Cursors(simulated_ledger.keys).read(cursor, "board")


def test_consents_across_cases_then_and_as_known_now(ruled: Api) -> None:
    """As the register said then, and as it stood then by what is known now; each with its status."""
    case = ruled.open_case(consent("c-board"))
    recorded = ruled.events(case)[-1]["recorded_at"]
    taken = {"consent": "c-board", "withdrawn_by": "parent-A", "channel": "phone"}
    ok(ruled.commit(case, 2, command("ConsentWithdrawn", taken, occurred_at="2026-03-04T15:00:00+01:00")))

    def mine(**parameters: str) -> list[str]:
        found = pages(ruled, "/consents", 500, **parameters)
        return [item["status"] for page in found for item in page["items"] if item["case"] == case]

    until(lambda: mine() == ["withdrawn"], "the view to follow")
    assert mine(status="in_force") == []
    assert mine(known_at=recorded) == ["in_force"]
    assert mine(valid_at="2026-03-04T14:30:00+01:00") == ["in_force"]
    assert mine(valid_at="2026-03-04T15:00:00+01:00") == ["withdrawn"]


def test_the_barometer_counts_and_lists(ruled: Api) -> None:
    """Each question adds up to the number of cases; the list by a question holds those counted, with their entries."""
    programme = "tidlig_indsats_003"
    view = command("ChildViewObtained", {"method": "observation", "reason": "r", "child": "child-A"})
    seen = ruled.open_case(view, command("DecisionMade", DECIDED | {"child_view": 2}), programme=programme)
    unseen = ruled.open_case(command("DecisionMade", DECIDED), programme=programme)
    ruled.open_case(note(), programme=programme)

    def sums(**parameters: str) -> dict[str, dict[str, Any]]:
        answer = ok(ruled.get("/barometer", programme=programme, **parameters))
        assert (answer["items"], answer["total"]) == ([], 0)
        return {one["question"]: one for one in answer["questions"]}

    until(lambda: sums()["child_involved"]["not_stated"] + sums()["child_involved"]["yes"] == 2, "the view to follow")
    found = sums()
    assert {name: found["child_involved"][name] for name in ("yes", "no", "not_stated")} == {
        "yes": 1, "no": 1, "not_stated": 1,
    }  # fmt: skip
    assert {one["yes"] + one["no"] + one["not_stated"] for one in found.values()} == {3}
    listed = ok(ruled.get("/barometer", programme=programme, question="child_involved"))
    assert {(item["case"], item["answer"], tuple(item["entries"])) for item in listed["items"]} >= {
        (seen, "yes", (2, 3)),
        (unseen, "no", (2,)),
    }
    no = ok(ruled.get("/barometer", programme=programme, question="child_involved", answer="no"))
    assert ([item["case"] for item in no["items"]], no["total"]) == ([unseen], 1)
    opened = ruled.events(seen)[0]["recorded_at"]
    before = ok(ruled.get("/barometer", programme=programme, known_at=opened))["questions"][0]
    assert before["yes"] + before["no"] + before["not_stated"] == 1


def test_the_barometer_of_a_case_says_what_is_remembered(ruled: Api) -> None:
    """Every answer with words and source; the same that the board lists."""
    case = ruled.open_case(received("2026-03-04T09:00:00+01:00"), command("DecisionMade", DECIDED))
    answer = ok(ruled.get(f"/cases/{case}/barometer"))
    said = {item["question"]: (item["answer"], item["entries"]) for item in answer["items"]}
    assert said["notifications_assessed"] == ("no", [2])
    assert said["child_involved"] == ("no", [3])
    assert all(item["text"]["da"].endswith("?") and item["citation"] for item in answer["items"])

    def remembered(question: str) -> list[tuple[str, list[int]]]:
        found = pages(ruled, "/barometer", 500, question=question)
        items = [item for page in found for item in page["items"] if item["case"] == case]
        return [(item["answer"], item["entries"]) for item in items]

    for question, expected in said.items():
        until(lambda: remembered(question) == [expected], f"the view to follow: {question}")  # noqa: B023
    then = ok(ruled.get(f"/cases/{case}/barometer", valid_at="2026-03-05T08:00:00+01:00"))
    assert {item["answer"] for item in then["items"] if item["question"] == "notifications_assessed"} == {"not_stated"}


def test_a_board_shows_only_cases_one_may_see(ruled: Api) -> None:
    """Totals too: a caseworker's boards are about the cases they hold."""
    with ruled.acting_as("u-90") as holder:
        case = holder.open_case(received("2026-03-04T09:00:00+01:00"))
        until(lambda: ok(holder.get("/deadlines"))["total"] > 0, "the view to follow")
        for path in ("/deadlines", "/findings", "/barometer"):
            answer = ok(holder.get(path, **({"question": "plan"} if path == "/barometer" else {})))
            assert {item["case"] for item in answer["items"]} <= {case}
            assert answer["total"] == len(answer["items"])
