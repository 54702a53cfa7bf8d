"""What the service says about itself: a description whose examples work, problems that explain themselves, no spans."""

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from api.app import create_app
from api.problems import KINDS
from api.sign_in.local import LocalSignIn
from ledger.store import Ledger
from tests.api.client import Api, note
from tests.api.erasing import OFFICER
from tests.api.filing import file

Operation = tuple[str, str, dict[str, Any]]

OPERATIONS = [
    ("get", "/cases"),
    ("post", "/cases"),
    ("get", "/cases/{case_id}"),
    ("post", "/cases/{case_id}/commits"),
    ("post", "/cases/{case_id}/persons"),
    ("get", "/cases/{case_id}/events"),
    ("get", "/cases/{case_id}/events/{version}"),
    ("get", "/events"),
    ("get", "/events/stream"),
    ("get", "/cases/{case_id}/deadlines"),
    ("get", "/cases/{case_id}/consents"),
    ("get", "/cases/{case_id}/findings"),
    ("get", "/cases/{case_id}/disclosures"),
    ("get", "/cases/{case_id}/decisions/{version}/dossier"),
    ("get", "/cases/{case_id}/people"),
    ("post", "/cases/{case_id}/moves"),
    ("get", "/cases/{case_id}/persons/{ref}/identity"),
    ("post", "/cases/{case_id}/persons/{ref}/identities"),
    ("get", "/cases/{case_id}/timemap"),
    ("get", "/cases/{case_id}/barometer"),
    ("get", "/caseload"),
    ("get", "/barometer"),
    ("get", "/consents"),
    ("post", "/searches"),
    ("get", "/deadlines"),
    ("get", "/findings"),
    ("get", "/disclosures"),
    ("post", "/cases/{case_id}/disclosures"),
    ("post", "/cases/{case_id}/decisions"),
    ("post", "/cases/{case_id}/submissions"),
    ("post", "/cases/{case_id}/submissions/{version}/approval"),
    ("post", "/cases/{case_id}/submissions/{version}/return"),
    ("post", "/cases/{case_id}/submissions/{version}/withdrawal"),
    ("post", "/cases/{case_id}/disclosures/check"),
    ("post", "/cases/{case_id}/decisions/check"),
    ("get", "/erasures"),
    ("get", "/cases/{case_id}/erasures"),
    ("post", "/cases/{case_id}/erasures"),
    ("post", "/cases/{case_id}/erasures/proposals"),
    ("post", "/cases/{case_id}/erasures/proposals/{version}/rejection"),
    ("get", "/cases/{case_id}/documents"),
    ("post", "/cases/{case_id}/documents"),
    ("post", "/cases/{case_id}/documents/links"),
    ("get", "/cases/{case_id}/documents/{document}/{version}"),
    ("get", "/break-glass"),
    ("get", "/cases/{case_id}/break-glass"),
    ("post", "/cases/{case_id}/break-glass"),
    ("post", "/cases/{case_id}/break-glass/{version}/review"),
    ("get", "/restrictions"),
    ("post", "/cases/{case_id}/restrictions"),
    ("post", "/cases/{case_id}/restrictions/{version}/review"),
    ("post", "/cases/{case_id}/conflicts-of-interest"),
    ("post", "/cases/{case_id}/conflicts-of-interest/{version}/end"),
    ("get", "/staff/{staff}/grants"),
    ("post", "/staff/{staff}/grants"),
    ("post", "/staff/{staff}/grants/end"),
    ("get", "/notices"),
    ("get", "/cases/{case_id}/access-events"),
    ("get", "/persons/{person}/access-events"),
    ("post", "/cases/{case_id}/look-extracts"),
    ("post", "/cases/{case_id}/look-withholdings"),
    ("post", "/cases/{case_id}/staff-name-releases"),
    ("get", "/log/checkpoint"),
    ("get", "/log/log.vkey"),
    ("get", "/log/tile/{path}"),
    ("get", "/checkpoints"),
    ("get", "/cases/{case_id}/events/{version}/proof"),
    ("post", "/cases/{case_id}/evidence-bundles"),
    ("post", "/cases/{case_id}/productions"),
    ("get", "/cases/{case_id}/productions/{version}"),
    ("get", "/cases/{case_id}/productions/{version}.pdf"),
    ("get", "/cases/{case_id}/look-extracts/{version}"),
    ("get", "/cases/{case_id}/look-extracts/{version}.pdf"),
    ("get", "/cases/{case_id}/decisions/{version}/dossier.pdf"),
    ("get", "/cases/{case_id}/compare"),
    ("get", "/compare"),
]
DOSSIERS = ("/cases/{case_id}/decisions/{version}/dossier", "/cases/{case_id}/decisions/{version}/dossier.pdf")
"""What the clock shows is when the decision was made."""

COMPARISONS = ("/cases/{case_id}/compare", "/compare")
"""Asked about two instants, the first of which must be named."""
OF_LOG = ("/log/checkpoint", "/log/log.vkey", "/log/tile/{path}", "/checkpoints")
"""About nobody: no purpose, no version, no instant."""

OF_LOOKS = tuple(
    f"/cases/{{case_id}}/{one}"
    for one in ("look-extracts", "look-withholdings", "staff-name-releases", "evidence-bundles", "productions")
)
"""About looks and what is handed out, which have no version."""

OF_ACCESS = (
    *("break-glass", "restrictions", "conflicts-of-interest", "grants", "notices"),
    *("access-events", "look-extracts", "look-withholdings", "staff-name-releases", "evidence-bundles"),
    "productions",
)
"""What is about access itself: of no instant in the world, and decided on whatever version there is."""
STREAM = "/events/stream"
"""It does not end by itself, so it is asked elsewhere."""

BOARDS = (
    "/cases", "/deadlines", "/findings", "/consents", "/disclosures", "/erasures", "/caseload", "/barometer", "/events",
    STREAM, "/compare", *OF_LOG,
)  # fmt: skip
TIMEMAP = "/cases/{case_id}/timemap"
ACTS = (
    "/cases/{case_id}/disclosures", "/cases/{case_id}/decisions", "/cases/{case_id}/moves",
    "/cases/{case_id}/erasures", "/cases/{case_id}/erasures/proposals",
    "/cases/{case_id}/erasures/proposals/{version}/rejection", "/cases/{case_id}/submissions",
    *(f"/cases/{{case_id}}/submissions/{{version}}/{how}" for how in ("approval", "return", "withdrawal")),
)  # fmt: skip
"""Acts pass a gate or need another case: what becomes of them, tests of their own look at."""

PROGRAMME = "smaaboernsteam_001"
DOCUMENTS = "/cases/{case_id}/documents"
LINKS = "/cases/{case_id}/documents/links"
"""A link needs a document behind it: tests of its own send the example."""

WITHOUT_INSTANT = {
    "/log/checkpoint": "a signed statement about the log as it is",
    "/log/log.vkey": "keys that check every checkpoint, whenever",
    "/log/tile/{path}": "a tile of a tree of some size never changes",
    "/checkpoints": "each names its own size and root, and is asked for by size",
    "/events/stream": "what comes has no past",
    "/compare": "it names two instants of its own",
    "/cases/{case_id}/compare": "it names two instants of its own",
    "/cases/{case_id}/productions/{version}": "the decision names its instants",
    "/cases/{case_id}/productions/{version}.pdf": "the decision names its instants",
    "/cases/{case_id}/look-extracts/{version}": "it tells of looks before it, whenever it is read",
    "/cases/{case_id}/look-extracts/{version}.pdf": "it tells of looks before it, whenever it is read",
    "/cases/{case_id}/events/{version}/proof": "a proof that an entry stands in the log holds at every later instant",
}
"""Questions that are as of no instant, and why."""

SEARCHES = "/searches"
"""What is searched for travels in a body, and the answer is about no single case."""

IDENTIFYING = "/cases/{case_id}/persons/{ref}/identities"
"""Decided on the version of a person."""


@pytest.fixture(scope="module")
def leader(api: Api) -> Generator[Api]:
    """A client for whom nearly everything is open."""
    with api.acting_as("u-12") as client:
        yield client


@pytest.fixture(scope="module")
def description(api: Api) -> dict[str, Any]:
    """The description of the API as the service gives it."""
    response = api.get("/openapi.json")
    assert response.status_code == 200
    return response.json()


def operations(description: dict[str, Any]) -> Iterator[Operation]:
    """Yield method, path and description of every operation."""
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def asks(method: str, path: str) -> bool:
    """Whether an operation only asks, and records nothing but the look."""
    return method == "get" or path.endswith("/check") or path == SEARCHES


def about_access(path: str) -> bool:
    """Whether an operation is about access itself."""
    return any(part in OF_ACCESS for part in path.split("/"))


def ordinary(*apart: str) -> list[tuple[str, str]]:
    """Return the operations that need nothing but a case, without some."""
    return [(method, path) for method, path in OPERATIONS if path not in (*ACTS, *apart) and not about_access(path)]


def content_of(described: dict[str, Any]) -> dict[str, Any]:
    """Return the description of a body or answer: JSON, or the bytes of a document."""
    kinds = [kind for kind in described["content"] if kind != "*/*"]
    assert len(kinds) == 1
    return described["content"][kinds[0]]


def mother_of(api: Api, case: str) -> str:
    """Return the id of the first person of a case."""
    return api.get(f"/cases/{case}").json()["persons"][0]["person"]


def test_every_operation_is_described(description: dict[str, Any]) -> None:
    """Each path of the API is there, with a summary, a description and an id of its own."""
    found = {(method, path): operation for method, path, operation in operations(description)}
    assert sorted(found) == sorted(OPERATIONS)
    assert description["openapi"].startswith("3.1")
    assert all(operation["summary"] and operation["description"] for operation in found.values())
    assert len({operation["operationId"] for operation in found.values()}) == len(found)


def test_every_operation_shows_an_example(description: dict[str, Any]) -> None:
    """Each body and each answer has an example, and answers in cases carry their ETag."""
    for method, path, operation in operations(description):
        success = operation["responses"]["200" if asks(method, path) else "201"]
        assert content_of(success)["example"], path
        about_one = path != SEARCHES and (method == "post" or path not in BOARDS)
        about_one &= not about_access(path) or (method == "post" and path.startswith("/cases"))
        assert ("ETag" in success.get("headers", {})) == about_one, path
        if method == "post":
            assert operation["requestBody"]["required"] is True
            assert content_of(operation["requestBody"])["example"], path


def test_every_refusal_is_described_as_a_problem(description: dict[str, Any]) -> None:
    """Each status from 400 on is a problem of a known kind and status, with an example of each."""
    for method, path, operation in operations(description):
        answers = {status: answer for status, answer in operation["responses"].items() if status != "default"}
        refusals = {int(status): answer for status, answer in answers.items() if int(status) >= 400}
        assert list(operation["responses"]["default"]["content"]) == ["application/problem+json"]
        assert method == "post" or 422 not in refusals, "a question that cannot be read is a bad request"
        assert {400, 421, 429, 431, 500, 503} <= refusals.keys(), (method, path)
        assert method == "get" or {413, 415, 422} <= refusals.keys(), path
        assert path in (*BOARDS, SEARCHES) or 404 in refusals, path
        assert {401, 403} <= refusals.keys(), path
        versioned = not (asks(method, path) or path == "/cases" or about_access(path))
        assert not versioned or {412, 428} <= refusals.keys(), path
        for status, refusal in refusals.items():
            assert list(refusal["content"]) == ["application/problem+json"], (path, status)
            content = refusal["content"]["application/problem+json"]
            assert content["schema"]["required"] == ["type", "title", "status", "detail"]
            for name, example in content["examples"].items():
                assert KINDS[name].status == status == example["value"]["status"]
                assert example["value"]["type"] == f"/problems/{name}"


def test_the_headers_that_steer_are_described(description: dict[str, Any]) -> None:
    """Keys, versions and instants are among the parameters of the operations that take them."""
    for method, path, operation in operations(description):
        names = {p["name"] for p in operation.get("parameters", ())}
        past = method == "get" and path not in WITHOUT_INSTANT
        instants = {"known_at"} if path in DOSSIERS else {"known_at", "valid_at"}
        wanted = instants if past else set[str]() if asks(method, path) else {"Idempotency-Key"}
        wanted |= {"purpose"} if method == "get" and path not in OF_LOG else set()
        steered = not asks(method, path) and path not in ("/cases", *OF_LOOKS) and not path.startswith("/staff")
        wanted |= {"If-Match"} if steered else set()
        assert wanted <= names, path


@pytest.mark.parametrize(("method", "path"), [one for one in ordinary(DOCUMENTS, LINKS) if one[0] == "post"])
def test_every_example_of_a_body_is_accepted(leader: Api, description: dict[str, Any], method: str, path: str) -> None:
    """Whoever sends an example as it stands has recorded something."""
    example = description["paths"][path][method]["requestBody"]["content"]["application/json"]["example"]
    case = leader.open_case()
    place = path.format(case_id=case, ref="parent-A")
    response = leader.post(place, example, version=None if path == "/cases" else 1)
    assert response.status_code == (200 if asks(method, path) else 201), response.text


def _unlike(value: Any, schema: dict[str, Any], place: str = "") -> Iterator[str]:
    """Yield where an answer and the schema of it name different members, or hold different types."""
    kinds = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", type(None): "null"}
    if schema and kinds[type(value)] not in schema["type"]:
        yield f"{place}: {kinds[type(value)]}"
    elif isinstance(value, dict) and not place.endswith(("/state", "/data", "/detail")):
        members: dict[str, Any] = schema["properties"]
        yield from (f"{place}/{name}" for name in value.keys() ^ members.keys())  # pyright: ignore
        for name in value.keys() & members.keys():  # pyright: ignore
            yield from _unlike(value[name], members[name], f"{place}/{name}")
    elif isinstance(value, list):
        for item in value:  # pyright: ignore
            yield from _unlike(item, schema["items"], f"{place}/0")


@pytest.mark.parametrize(
    ("method", "path"), [one for one in ordinary(LINKS, TIMEMAP, STREAM, *OF_LOG[:3]) if "{version}" not in one[1]]
)
def test_every_answer_has_the_form_described(leader: Api, description: dict[str, Any], method: str, path: str) -> None:
    """Answers hold exactly the members of their schema, by name and type, and the example holds no others."""
    operation = description["paths"][path][method]
    status = "200" if asks(method, path) else "201"
    described = operation["responses"][status]["content"]["application/json"]
    case = leader.open_case(note(), note())
    place = path.format(case_id=case, ref="parent-A")
    parameters = {"programme": PROGRAMME} if path == "/caseload" else {}
    if path == DOCUMENTS:
        response = file(leader, case, 3)
        response = response if method == "post" else leader.get(place)
    elif method == "get":
        with leader.acting_as(OFFICER if path in ("/erasures", *OF_LOG) else "u-12") as asking:
            parameters |= {"from": "2020-01-02T00:00:00Z", "view": "consents"} if path in COMPARISONS else {}
            response = asking.get(place, **parameters)
    else:
        body = operation["requestBody"]["content"]["application/json"]["example"]
        response = leader.post(place, body, version=None if path == "/cases" else 1 if path == IDENTIFYING else 3)
    assert response.status_code == int(status), response.text
    assert list(_unlike(response.json(), described["schema"])) == []
    assert described["example"].keys() <= described["schema"]["properties"].keys()


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_problem_is_explained(api: Api, name: str) -> None:
    """The address in ``type`` leads to a text that says what is wrong and what to do."""
    response = api.get(f"/problems/{name}")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    assert response.text.startswith(f"{KINDS[name].status} {KINDS[name].title}\n\n")
    assert len(response.text) > len(KINDS[name].title) + 20


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/oauth2-redirect"])
def test_pages_that_load_foreign_scripts_are_off(api: Api, path: str) -> None:
    """The framework's own pages of documentation fetch scripts from elsewhere, so there are none."""
    assert api.get(path).status_code == 404


def test_the_service_does_not_say_what_it_runs_on(api: Api) -> None:
    """Answers do not name the server software."""
    assert "server" not in api.get("/healthz").headers


def test_health_needs_no_look(api: Api) -> None:
    """The process and the database answer for themselves, without personal data and without a record."""
    before = api.size()
    assert api.get("/healthz").text == "ok\n"
    ready = api.get("/readyz").json()
    assert (ready["ready"], ready["wrong"], ready["events"]) == (True, [], before)
    assert api.size() == before


def test_no_spans_metrics_or_logs_are_emitted(simulated_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the surroundings ask for, the framework's telemetry, which holds full addresses, is off."""
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    app = create_app(simulated_ledger, LocalSignIn(simulated_ledger, "127.0.0.1"))
    used: dict[str, Any] = vars(app)["_telemetry"]
    switches = {name: value for name, value in used.items() if isinstance(value, bool)}
    assert switches.keys() == {"tracing", "metrics", "logs", "operation_spans", "auto_configure"}
    assert not any(switches.values())
    assert not vars(app)["_native_telemetry"].enabled()
