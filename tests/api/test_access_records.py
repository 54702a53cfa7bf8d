"""Looks on record: each read appends what was shown to whom and why, and without that record nothing is shown."""

from collections.abc import Callable, Generator
from typing import Any, LiteralString, cast

import orjson
import psycopg
import pytest

from tests.api.client import CANARY, Api, note, problem, talking_to
from tests.api.service import environment, serving
from tests.conftest import Server, Template, clone

pytestmark = pytest.mark.slow


def looks(api: Api, after: int) -> list[dict[str, Any]]:
    """Return the looks recorded after a position, each with its position; they are all that was recorded."""
    rows = api.query("SELECT position, topic, state FROM ledger.event WHERE position > %s ORDER BY position", after)
    assert {topic for _, topic, _ in rows} <= {"record_viewed"}
    return [orjson.loads(state)["data"] | {"position": position} for position, _, state in rows]


@pytest.mark.parametrize(("path", "what"), [("/cases/{case}", "case"), ("/cases/{case}/events", "events")])
def test_a_look_at_a_case_is_put_on_record(api: Api, case: str, path: str, what: str) -> None:
    """Who looked at what, why, and as of where, is the next entry of the ledger, and the answer names it."""
    before = api.size()
    shown = api.http.get(path.format(case=case), headers={"Purpose": "quality"}).json()
    (look,) = looks(api, before)
    assert look["position"] == shown["access_event"] == before + 1
    assert (look["viewer"], look["role"], look["organisation"]) == ("u-90", "caseworker", "Eksempelkommune")
    assert (look["what"], look["purpose"], look["cases"]) == (what, "quality", [case])
    assert look["as_of_position"] == shown["as_of_position"] == before


def test_a_look_at_the_past_says_as_of_when(api: Api, case: str) -> None:
    """The record holds both instants asked about and the position they come to."""
    opened = api.events(case)[0]
    instants = {"known_at": opened["recorded_at"], "valid_at": "2026-03-05T00:00:00.000000Z"}
    before = api.size()
    api.get(f"/cases/{case}", **instants)
    (look,) = looks(api, before)
    assert {name: look[name] for name in instants} == instants
    assert look["as_of_position"] < before


def test_a_look_at_the_list_names_the_cases_shown(api: Api, case: str) -> None:
    """Each page of the list is one look that names exactly the cases on it."""
    api.open_case()
    before = api.size()
    first = api.get("/cases", limit=2).json()
    second = api.get("/cases", limit=500, cursor=first["next"]).json()
    recorded = looks(api, before)
    assert [look["what"] for look in recorded] == ["case_list"] * 2
    assert [look["cases"] for look in recorded] == [[i["case"] for i in page["items"]] for page in (first, second)]
    assert [look["position"] for look in recorded] == [first["access_event"], second["access_event"]]


def test_each_look_is_one_record(api: Api, case: str) -> None:
    """Looking three times is three records, also when nothing has changed in between."""
    before = api.size()
    for _ in range(3):
        api.get(f"/cases/{case}")
    assert [look["position"] for look in looks(api, before)] == [before + 1, before + 2, before + 3]


@pytest.mark.parametrize("purpose", ["p" * 201, "\u00a0", "tab\x1fat the end\x1f", "\u0085"])
def test_a_purpose_is_one_line(api: Api, case: str, purpose: str) -> None:
    """A purpose that could not stand in the record is refused, and nothing is shown."""
    before = api.size()
    response = api.http.get(f"/cases/{case}", headers={b"Purpose": purpose.encode("latin-1")})
    assert response.status_code in (200, 400), response.text
    if response.status_code == 400 and "problem" in response.headers["content-type"]:
        problem(response, 400, "bad-request")
    assert api.size() == before + (response.status_code == 200)


@pytest.fixture(scope="module")
def guarded(
    server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[Api, str, Callable[[str], None]]]:
    """A service of its own with a case that holds a canary, and a way to change its database as superuser."""
    folder = tmp_path_factory.mktemp("guarded")
    for place in clone(server, simulated_template, folder / "home"):

        def change(statement: str, owner: str = place.owner) -> None:
            with psycopg.connect(owner, autocommit=True) as connection:
                connection.execute(cast(LiteralString, statement))

        with (
            serving(environment(place.conninfo, folder / "home"), folder / "errors.log") as service,
            talking_to(service.url, place.conninfo) as api,
        ):
            case = api.open_case(note(CANARY), persons=[{"ref": "parent-A", "role": "mother", "full_name": CANARY}])
            yield api, case, change


@pytest.mark.parametrize(
    ("stop", "go_on"),
    [
        pytest.param(
            "REVOKE EXECUTE ON FUNCTION ledger.append FROM caseledger_app",
            "GRANT EXECUTE ON FUNCTION ledger.append TO caseledger_app",
            id="right taken away",
        ),
        pytest.param(
            "ALTER TABLE ledger.event ADD CONSTRAINT no_looks CHECK (topic <> 'record_viewed') NOT VALID",
            "ALTER TABLE ledger.event DROP CONSTRAINT no_looks",
            id="looks not accepted",
        ),
    ],
)
def test_without_a_record_nothing_is_shown(
    guarded: tuple[Api, str, Callable[[str], None]], stop: str, go_on: str
) -> None:
    """When the look cannot be recorded the answer is 503 and holds no text, name or number of the case."""
    api, case, change = guarded
    assert CANARY in api.get(f"/cases/{case}/events").text
    change(stop)
    before = api.size()
    for path in ("/cases", f"/cases/{case}", f"/cases/{case}/events"):
        response = api.get(path)
        problem(response, 503, "unavailable")
        assert case not in response.text
        assert "smaaboernsteam" not in response.text
    assert api.get("/cases").headers["retry-after"]
    assert api.size() == before
    change(go_on)
    assert CANARY in api.get(f"/cases/{case}/events").text
