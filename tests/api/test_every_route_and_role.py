"""Every route asked by every role about cases they may and may not see: a mark in the texts shows where it may not.

The routes come from the description of the API and from the pages, so a new one is asked without anybody adding it.
"""

import re
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import orjson
import pytest

from api.examples import CASE_ID
from api.sign_in.local import PEOPLE
from domain.authority import KIND_OF_ROLE, Kind
from tests.api.client import ALMA, Api, Response, assessment, command, note
from tests.api.signing_in import OWN_PAGE

HOLDER, STRANGER = "u-90", "u-21"
READERS = {
    HOLDER,
    *(staff for staff, one in PEOPLE.items() if KIND_OF_ROLE[one.role] in (Kind.SUPERVISOR, Kind.AUDITOR)),
}
"""Who may see the texts of an ordinary case that the holder opened."""

OPENING = "/cases/{case_id}/break-glass"
"""The one act by which somebody gets in who may not: tests of its own do it."""

STREAM = "/events/stream"
"""It does not end by itself."""

PAGES = (
    "/", "/sager", "/sager/{case_id}", "/sager/{case_id}/haendelser/{version}", "/sager/{case_id}/samtykker",
    "/sager/{case_id}/delinger", "/min-dag", "/sager/ny", "/sager/{case_id}/registrer",
    "/sager/{case_id}/registrer/afgoerelse", "/sager/{case_id}/registrer/berigtigelse?nr=2",
    "/sager/{case_id}/kvittering/2", "/sager/{case_id}/udlevering", "/sager/{case_id}/bevispakke",
    "/sager/{case_id}/opslag/udtraek", "/sager/{case_id}/godkendelse/3",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Marked:
    """A case whose every text, name and number holds the mark, and the ids of what is in it."""

    mark: str
    case: str
    person: str

    def fill(self, path: str) -> str:
        """Return a path with the ids of this case in every place."""
        values = {
            "case_id": self.case, "person": self.person, "ref": "parent-A", "version": "3", "document": "letter-1",
            "programme": "smaaboernsteam_001", "staff": "u-24", "name": "forbidden", "path": "0/000",
        }  # fmt: skip
        return re.sub(r"\{(\w+)[^}]*\}", lambda found: values[found[1]], path)


@pytest.fixture(scope="module")
def everybody(api: Api) -> Generator[dict[str, Api]]:
    """A client for each of the demonstration's people."""
    with ExitStack() as stack:
        yield {staff: stack.enter_context(api.acting_as(staff)) for staff in PEOPLE}


def marked(api: Api) -> Marked:
    """Open a case full of marks."""
    mark = f"canary-Eksempel-{uuid4().hex[:8]}"
    case = api.open_case(
        note(mark, reached_at="2026-03-04T14:11:00+01:00"),
        command("DecisionMade", {"decision": "dec-1", "outcome": "grant", "grounds": mark, "legal_basis": ["x"]}),
        assessment(),
        command("ConsentGiven", {"consent": "c-1", "kind": "disclosure", "given_by": "parent-A", "capacity": "self",
                                 "scope": [mark], "form": "oral", "valid_from": "2026-03-04", "purpose": mark}),
        persons=[ALMA | {"full_name": f"Alma {mark}"}, {"ref": "child-A", "role": "child", "full_name": mark}],
        number=f"S-{mark}",
        reason=mark,
    )  # fmt: skip
    query = {"document": "letter-1", "direction": "in", "theme": "letter", "subjects": "parent-A"}
    headers = {"Idempotency-Key": str(uuid4()), "If-Match": '"5"', "Content-Type": "text/plain"}
    filed = api.http.post(f"/cases/{case}/documents", params=query, content=mark.encode(), headers=headers)
    assert filed.status_code == 201, filed.text
    person = api.get(f"/cases/{case}").json()["persons"][0]["person"]
    return Marked(mark, case, person)


@pytest.fixture(scope="module")
def ordinary(api: Api) -> Marked:
    """A case that its opener holds."""
    return marked(api)


@pytest.fixture(scope="module")
def restricted(api: Api, everybody: dict[str, Api]) -> Marked:
    """A case restricted to somebody who is nobody here."""
    case = marked(api)
    body = {"category": "c", "allowed": ["u-999"], "review_by": _soon(), "reason": case.mark}
    assert everybody["u-12"].post(f"/cases/{case.case}/restrictions", body).status_code == 201
    return case


def _soon() -> str:
    return (datetime.now(UTC) + timedelta(days=30)).date().isoformat()


def operations(api: Api) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and description of every operation of the API."""
    for path, methods in api.get("/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def answers(client: Api, about: Marked, asked: Api) -> Iterator[tuple[str, Response]]:
    """Ask every operation and page about a case, with each example as body and each version as decided on."""
    for method, path, operation in operations(asked):
        place = about.fill(path)
        if method == "get":
            bounds: dict[str, str | int] = {"seconds": 0} if path == STREAM else {}
            yield f"GET {path}", client.get(place, **bounds)
            yield f"GET {path}?known_at", client.get(place, known_at="2100-01-01T00:00:00Z", **bounds)
            continue
        if path == OPENING:
            continue
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        body = orjson.dumps(content.get("example", {})).replace(CASE_ID.encode(), about.case.encode())
        yield f"POST {path}", client.post(place, body, version=99)
    for path in PAGES:
        yield f"page {path}", client.http.get(about.fill(path), headers=OWN_PAGE)


def tells(response: Response, about: Marked) -> bool:
    """Whether an answer tells anything of a case: a text, a name, or that it is there."""
    whole = response.text + repr(dict(response.headers))
    return about.mark in whole or about.person in whole or (about.case in whole and about.case not in str(response.url))


@pytest.mark.parametrize("staff", sorted(PEOPLE))
def test_an_ordinary_case_is_told_to_those_who_may(
    api: Api, everybody: dict[str, Api], ordinary: Marked, staff: str
) -> None:
    """Texts, names and numbers come to holder, leader and audit alone; an analyst's boards name the case by its id."""
    told = {what for what, answer in answers(everybody[staff], ordinary, api) if ordinary.mark in answer.text}
    if staff in READERS:
        assert {"GET /cases/{case_id}", "GET /cases/{case_id}/events", "page /sager/{case_id}"} <= told
    elif PEOPLE[staff].role == "analyst":
        assert told <= {"GET /cases", "GET /consents", "GET /disclosures", "page /sager"}, (
            "boards hold numbers and codes, and no text"
        )
    else:
        assert told == set()


@pytest.mark.parametrize("staff", sorted(PEOPLE))
def test_a_restricted_case_is_told_to_nobody(
    api: Api, everybody: dict[str, Api], restricted: Marked, staff: str
) -> None:
    """Not its texts, not its number, not that it is on a list; who looks after access sees its id."""
    told = {what: answer for what, answer in answers(everybody[staff], restricted, api) if tells(answer, restricted)}
    by_id = {"data_protection": {"GET /restrictions"}, "administrator": {"GET /staff/{staff}/grants"}}
    overseen = by_id.get(PEOPLE[staff].role, set[str]())
    texts = {what for what, answer in told.items() if restricted.mark in answer.text}
    assert texts <= _of_oversight(staff), {what: told[what].text[:300] for what in texts}
    assert told.keys() <= overseen | _of_oversight(staff), list(told)


def _of_oversight(staff: str) -> set[str]:
    """Return where data protection sees why: the reasons of emergency access, restriction and erasure."""
    if PEOPLE[staff].role != "data_protection":
        return set()
    return {f"GET /cases/{{case_id}}/{part}" for part in ("erasures", "break-glass", "access-events")} | {
        f"GET /cases/{{case_id}}/{part}?known_at" for part in ("erasures", "access-events")
    }


@pytest.mark.parametrize("staff", sorted({STRANGER, "u-96", "u-97", "u-81"}))
def test_each_refusal_is_on_record(api: Api, everybody: dict[str, Api], ordinary: Marked, staff: str) -> None:
    """As many refused looks go on record as refusals are answered, and each answer names its own."""
    before = api.size()
    refusals = [answer for _, answer in answers(everybody[staff], ordinary, api) if answer.status_code == 403]
    rows = api.query("SELECT position, state FROM ledger.event WHERE position > %s AND topic = 'record_viewed'", before)
    refused = {position for position, state in rows if orjson.loads(state)["data"]["refused"]}
    named = {int(answer.headers["access-event"]) for answer in refusals if "access-event" in answer.headers}
    assert named <= refused
    assert len(refused) == len(refusals) > 10


def test_no_route_is_open_without_signing_in(api: Api, ordinary: Marked) -> None:
    """Whatever the API has answers 401 without a token, every page sends to sign-in, and neither writes anything."""
    before = api.size()
    with httpx2.Client(base_url=api.http.base_url, timeout=30) as stranger:
        for method, path, _ in operations(api):
            assert stranger.request(method, ordinary.fill(path)).status_code == 401, (method, path)
        stranger.cookies["caseledger"] = "0" * 64
        for path in PAGES:
            response = stranger.get(ordinary.fill(path), headers=OWN_PAGE)
            assert (response.status_code, response.headers["location"].partition("?")[0]) == (303, "/log-ind"), path
    assert api.size() == before


def test_a_session_does_not_open_the_api_nor_a_token_the_pages(api: Api, ordinary: Marked) -> None:
    """Each door has its own key: so no other site's form reaches the API with somebody's cookie."""
    assert api.http.cookies
    assert api.http.get(f"/cases/{ordinary.case}", headers={"Authorization": ""}).status_code == 401
    with api.acting_as(HOLDER) as other:
        other.http.cookies.clear()
        assert other.http.get(f"/sager/{ordinary.case}").status_code == 303


@pytest.mark.parametrize("place", ["case_id", "to", "case"])
def test_ids_of_other_cases_open_nothing(api: Api, everybody: dict[str, Api], ordinary: Marked, place: str) -> None:
    """In a path, as the other case of a move, as the case of a grant: nothing of it comes back or is changed."""
    stranger = everybody[STRANGER]
    own = stranger.open_case(note("own note"))
    written = api.query("SELECT count(*) FROM ledger.event WHERE stream = %s", ordinary.case)
    move = {"entries": [2], "to": ordinary.case, "to_version": 5, "kind": "wrong_case", "reason": "r"}
    sent = {
        "case_id": lambda: stranger.commit(ordinary.case, 5, note()),
        "to": lambda: stranger.post(f"/cases/{own}/moves", move, version=2),
        "case": lambda: stranger.post(
            "/staff/u-22/grants", {"role": "social_worker", "basis": "b", "case": ordinary.case}
        ),
    }
    response = sent[place]()
    assert response.status_code == 403
    assert ordinary.mark not in response.text
    assert api.query("SELECT count(*) FROM ledger.event WHERE stream = %s", ordinary.case) == written
