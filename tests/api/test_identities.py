"""Who a person is: another name, a number given or replaced; what readers are shown and what is on record."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.client import ALMA, ASTA, CANARY, MARCH, Api, Response, errors, problem
from tests.api.test_access_records import looks

NUMBER = "640199-0004"


def person_of(api: Api, case: str, ref: str = "child-A") -> str:
    """Return the id of a person of a case."""
    return next(p["person"] for p in api.get(f"/cases/{case}").json()["persons"] if p["ref"] == ref)


def identify(
    api: Api, case: str, version: int | None, key: str | None = None, ref: str = "child-A", **said: Any
) -> Response:
    """Record an identity; ``occurred_at`` is given unless the call says otherwise."""
    body = {"occurred_at": MARCH} | said
    headers = {"Idempotency_Key": key} if key else {}
    return api.post(f"/cases/{case}/persons/{ref}/identities", body, version=version, **headers)


def identity(api: Api, case: str, ref: str = "child-A", **parameters: str) -> dict[str, Any]:
    """Return who a person of a case is."""
    response = api.get(f"/cases/{case}/persons/{ref}/identity", **parameters)
    assert response.status_code == 200, response.text
    assert response.headers["etag"] == f'"{response.json()["version"]}"'
    return response.json()


def test_the_latest_name_is_shown_and_the_first_stays_on_record(api: Api, case: str) -> None:
    """A new name is what every reader sees from then on; the past shows the name known then."""
    before = api.events(case)[0]["recorded_at"]
    response = identify(api, case, 1, full_name="Asta Prøve", because="changed_name")
    assert (response.status_code, response.headers["etag"]) == (201, '"2"')
    assert response.json()["version"] == 2
    names = [p["full_name"] for p in api.get(f"/cases/{case}").json()["persons"]]
    assert names == ["Alma Eksempel", "Asta Prøve"]
    assert [p["full_name"] for p in api.get(f"/cases/{case}/people").json()["persons"]] == names
    found = identity(api, case)
    assert (found["full_name"], found["identifier"]) == ("Asta Prøve", "6101990001")
    assert [said["full_name"] for said in found["history"]] == ["Asta Eksempel", "Asta Prøve"]
    assert [said["because"] for said in found["history"]] == [None, "changed_name"]
    past = identity(api, case, known_at=before)
    assert (past["full_name"], past["version"], len(past["history"])) == ("Asta Eksempel", 1, 1)


def test_a_child_born_gets_its_number(api: Api) -> None:
    """The unborn have none; a replacement number and a CPR number follow, each kept as ten digits."""
    case = api.open_case(persons=[ALMA, {"ref": "child-A", "role": "child", "full_name": "Unborn child"}])
    assert api.get(f"/cases/{case}").json()["persons"][1]["identifier_kind"] is None
    for version, number, kind, fits in ((1, "640199-0004", "replacement", False), (2, "010158 5018", "cpr", True)):
        assert identify(api, case, version, identifier=number).status_code == 201
        assert api.get(f"/cases/{case}").json()["persons"][1]["identifier_kind"] == kind
        found = identity(api, case)
        assert (found["identifier_kind"], found["check_digit_fits"]) == (kind, fits)
        assert (found["full_name"], found["identifier"]) == ("Unborn child", number.replace("-", "").replace(" ", ""))


def test_the_number_is_shown_only_where_it_is_asked_for(api: Api) -> None:
    """A case, its entries and its people say at most the kind."""
    case = api.open_case(persons=[ALMA | {"identifier": NUMBER}])
    for path in ("", "/events", "/people", "/deadlines", "/findings"):
        assert "0004" not in api.get(f"/cases/{case}{path}").text, path
    assert identity(api, case, "parent-A")["identifier"] == "6401990004"


def test_a_look_at_an_identity_names_the_person(api: Api, case: str) -> None:
    """The record of the look holds the case and whose number was shown."""
    person, before = person_of(api, case), api.size()
    shown = identity(api, case)
    (look,) = looks(api, before)
    assert (look["what"], look["cases"], look["subjects"]) == ("identity", [case], [person])
    assert (look["position"], look["as_of_position"]) == (shown["access_event"], before)


@pytest.mark.parametrize("path", ["/cases/{case}/persons/parent-Z/identity", "/cases/{other}/persons/child-A/identity"])
def test_nobody_is_not_shown(api: Api, case: str, path: str) -> None:
    """A reference or a case that is not there is not found, and nothing is on record of a look."""
    before = api.size()
    problem(api.get(path.format(case=case, other=uuid4())), 404, "not-found")
    problem(api.get(f"/cases/{case}/persons/child-A/identity", validat=MARCH), 400, "bad-request")
    assert api.size() == before


def test_a_repeat_is_recorded_once_and_an_old_version_not_at_all(api: Api, case: str) -> None:
    """The same request gets the same answer; another under its key, or one decided on less, is refused."""
    key = str(uuid4())
    first = identify(api, case, 1, key, full_name="Asta Prøve")
    written = api.written()
    again = identify(api, case, 1, key, full_name="Asta Prøve")
    assert (again.status_code, again.json()) == (first.status_code, first.json()) == (201, first.json())
    problem(identify(api, case, 1, key, full_name="Asta Fiktiv"), 422, "key-reused")
    assert problem(identify(api, case, 1, full_name="Asta Fiktiv"), 412, "stale-version")["current_version"] == 2
    problem(identify(api, case, None, full_name="Asta Fiktiv"), 428, "version-required")
    assert api.written() == written


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ({"identifier": CANARY}, "/identifier"),
        ({"identifier": "310299-0001"}, "/identifier"),
        ({"identifier": ""}, "/identifier"),
        ({"identifier": 6101990001}, "/identifier"),
        ({"full_name": ""}, "/full_name"),
        ({"full_name": "x" * 100_001}, "/full_name"),
        ({}, ""),
        ({"full_name": "A", "occurred_at": "2999-01-01"}, "/occurred_at"),
        ({"full_name": "A", "person": CANARY}, "/person"),
    ],
)
def test_what_is_no_identity_is_refused(api: Api, case: str, said: dict[str, Any], place: str) -> None:
    """Field, reason and remedy are named, the value is not, and nothing is written."""
    written = api.written()
    response = identify(api, case, 1, **said)
    assert [where for where, _ in errors(response)] == [place]
    assert "310299" not in response.text
    assert api.written() == written


@pytest.mark.parametrize(
    ("case", "ref"), [("00000000-0000-4000-8000-000000000001", "child-A"), ("{case}", "child-Z"), ("x", "child-A")]
)
def test_only_persons_of_a_case_have_identities(api: Api, case: str, ref: str) -> None:
    """A reference of nobody, or a case that is none, is not found."""
    real = api.open_case()
    written = api.written()
    problem(identify(api, case.format(case=real), 1, ref=ref, full_name="Asta Prøve"), 404, "not-found")
    assert api.written() == written


@pytest.mark.parametrize("number", ["NUMBER", "010199", "320199-0001", "0101990001\n"])
def test_every_door_checks_the_number(api: Api, case: str, number: str) -> None:
    """Opening a case and joining one refuse what is no number, as a new identity does."""
    asta, written = ASTA | {"identifier": number}, api.written()
    opening = {"programme": "p", "occurred_at": MARCH, "persons": [ALMA, asta]}
    joining = {"person": asta | {"ref": "child-B"}, "occurred_at": MARCH}
    for response, place in (
        (api.post("/cases", opening), "/persons/1/identifier"),
        (api.post(f"/cases/{case}/persons", joining, version=1), "/person/identifier"),
    ):
        ((where, detail),) = errors(response)
        assert where == place
        assert "DDMMYY-SSSS" in detail
        assert number not in response.text
    assert api.written() == written


def test_identities_are_sealed(api: Api, case: str) -> None:
    """Neither name nor number nor reason of a new identity lies in the database in clear."""
    texts = {"full_name": "Cleartext Prøve", "identifier": "650199-0005", "reason": "cleartext of a reason"}
    assert identify(api, case, 1, **texts).status_code == 201
    assert identity(api, case)["history"][1]["reason"] == texts["reason"]
    for text in (*texts.values(), "6501990005"):
        found = api.query("SELECT position FROM ledger.event WHERE position(%s::bytea IN state) > 0", text.encode())
        assert found == [], text
