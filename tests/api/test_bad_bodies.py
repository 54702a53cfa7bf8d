"""Bodies that cannot be kept exactly are refused before anything is decided: nothing is written, nothing repeated."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from tests.api.client import ALMA, CANARY, JSON, MARCH, Api, errors, note, problem
from tests.api.conftest import Served

COMMIT = orjson.dumps({"commands": [note(CANARY)]})
HEAD = b'{"commands":[{"event":"NoteRecorded","occurred_at":"2026-03-04","data":'
TAIL = b"}]}"


def with_data(data: bytes) -> bytes:
    """Return a commit whose data are these bytes."""
    return HEAD + data + TAIL


def noted(content: bytes) -> bytes:
    """Return a commit of a note with these bytes as JSON text."""
    return with_data(b'{"informant":"parent-A","channel":"phone","content":"' + content + b'"}')


def scored(score: bytes) -> bytes:
    """Return a commit of an assessment with these bytes as its score."""
    data = b'{"instrument":"adbb","about":"child-A","result_kind":"score","score":' + score + b"}"
    return with_data(data).replace(b"NoteRecorded", b"AssessmentRecorded")


@pytest.fixture(params=["/cases", "/cases/{case}/commits", "/cases/{case}/persons"])
def path(request: pytest.FixtureRequest, case: str) -> str:
    """Each address that takes a body."""
    return request.param.format(case=case)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"' + CANARY.encode(), id="cut off"),
        pytest.param(b'{"commands": [' + CANARY.encode() + b"]}", id="bare word"),
        pytest.param(b'{"commands": [],}', id="comma too many"),
        pytest.param(b"{'commands': []}", id="single quotes"),
        pytest.param(b'\xef\xbb\xbf{"commands": []}', id="byte order mark"),
        pytest.param(b'{"commands": "\xff\xfe"}', id="no UTF-8"),
        pytest.param('{"commands": []}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"a": "\xed\xa0\x80"}', id="surrogate in UTF-8"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": [-Infinity]}', id="infinity"),
        pytest.param(b'{"reason": "' + CANARY.encode() + b'", "reason": "other"}', id="key twice"),
        pytest.param(b'{"a": [{"b": 1, "\\u0062": 2}]}', id="key twice, once escaped"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="nested without end"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="objects without end"),
    ],
)
def test_what_is_no_exact_json_cannot_be_read(api: Api, path: str, body: bytes) -> None:
    """Bytes that are no JSON, or JSON that two readers would read differently, are a bad request."""
    before = api.size()
    problem(api.post(path, body, version=1), 400, "bad-request")
    assert api.size() == before


@pytest.mark.parametrize("depth", [150, 250, 300, 500, 900, 990, 3000])
@pytest.mark.parametrize("place", ["data", "body"])
def test_nesting_is_refused_at_every_depth(api: Api, case: str, depth: int, place: str) -> None:
    """However deep a body is nested, the answer is a refusal and never a failure of the server."""
    before = api.size()
    nested = b'{"a":' * depth + b'"' + CANARY.encode() + b'"' + b"}" * depth
    response = api.post(f"/cases/{case}/commits", with_data(nested) if place == "data" else nested, version=1)
    assert response.status_code in (400, 422), response.text
    problem(response, response.status_code, {400: "bad-request", 422: "malformed"}[response.status_code])
    assert api.size() == before


@pytest.mark.parametrize("value", [b"[]", b'"text"', b"7", b"null", b"true"])
def test_a_body_is_an_object(api: Api, path: str, value: bytes) -> None:
    """JSON that is no object is malformed."""
    before = api.size()
    problem(api.post(path, value, version=1), 422, "malformed")
    assert api.size() == before


@pytest.mark.parametrize("media_type", [None, "", "text/plain", "application/xml", "multipart/form-data", "json"])
def test_another_media_type_is_refused(api: Api, path: str, media_type: str | None) -> None:
    """A body has to say that it is JSON."""
    before = api.size()
    problem(api.post(path, COMMIT, version=1, Content_Type=media_type), 415, "wrong-media-type")
    assert api.size() == before


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_the_media_type_of_json_may_have_parameters(api: Api, case: str, media_type: str) -> None:
    """What counts is the type, not how it is written."""
    assert api.commit(case, 1, note(), Content_Type=media_type).status_code == 201


BIG = 10_000_000


def in_one_piece() -> bytes:
    """Ten million bytes with their length in front."""
    return noted(b"x" * BIG)


def in_chunks() -> Iterator[bytes]:
    """Ten million bytes whose length nobody says."""
    yield HEAD + b'{"content":"'
    for _ in range(BIG // 100_000):
        yield b"x" * 100_000
    yield b'"}' + TAIL


@pytest.mark.parametrize("make", [in_one_piece, in_chunks])
def test_a_body_of_ten_million_bytes_is_too_large(
    api: Api, path: str, make: Callable[[], bytes | Iterator[bytes]]
) -> None:
    """More than a million bytes are refused, whether the length is announced or not, and the service goes on."""
    before = api.size()
    headers = {"Idempotency-Key": "big", "If-Match": '"1"', "Content-Type": JSON}
    response = api.http.post(path, content=make(), headers=headers)
    problem(response, 413, "body-too-large")
    assert api.size() == before
    assert api.http.get("/healthz").text == "ok\n"


def test_a_body_of_just_a_million_bytes_is_read(api: Api, case: str) -> None:
    """The limit is the one that is told: ten texts of 90,000 characters are recorded, and a longer text is not."""
    assert api.commit(case, 1, *[note("x" * 90_000)] * 10).status_code == 201
    found = errors(api.commit(case, 11, note("x" * 100_001)))
    assert [pointer for pointer, _ in found] == ["/commands/0/data/content"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        pytest.param(noted(CANARY.encode() + b"\\u0000"), "/commands/0/data/content", id="NUL in a text"),
        pytest.param(noted(CANARY.encode() + b"\\ud800"), "/commands/0/data/content", id="high surrogate"),
        pytest.param(noted(b"\\udc00" + CANARY.encode()), "/commands/0/data/content", id="low surrogate"),
        pytest.param(noted(b"\\udc00\\ud800"), "/commands/0/data/content", id="pair the wrong way round"),
        pytest.param(with_data(b'{"\\u0000":1}'), "/commands/0/data", id="NUL in a key"),
        pytest.param(with_data(b'{"\\ud800":1}'), "/commands/0/data", id="surrogate in a key"),
        pytest.param(with_data(b'{"\\ud800":{"\\u0000":1}}'), "/commands/0/data", id="below a broken key"),
        pytest.param(scored(b"9007199254740992"), "/commands/0/data/score", id="2^53"),
        pytest.param(scored(b"-9007199254740993"), "/commands/0/data/score", id="below -2^53"),
        pytest.param(scored(b"1e400"), "/commands/0/data/score", id="beyond every number"),
        pytest.param(scored(b"-1e999"), "/commands/0/data/score", id="below every number"),
        pytest.param(scored(b"123456789012.123456"), "/commands/0/data/score", id="more digits than are kept"),
        pytest.param(scored(b"0.1000000000000000055511151231257827"), "/commands/0/data/score", id="long fraction"),
        pytest.param(scored(b"0.0000001"), "/commands/0/data/score", id="too fine"),
        pytest.param(scored(b"1000000000000"), "/commands/0/data/score", id="too large"),
        pytest.param(scored(b"9" * 5000), "/commands/0/data/score", id="five thousand digits"),
        pytest.param(scored(b"1e-99999999999999999999"), "/commands/0/data/score", id="endless exponent"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_place(api: Api, case: str, body: bytes, pointer: str) -> None:
    """Characters no database holds and numbers no reader keeps are named by place, never changed in silence."""
    before = api.size()
    found = errors(api.post(f"/cases/{case}/commits", body, version=1))
    assert pointer in [place for place, _ in found]
    assert api.size() == before


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"37.5", "37.5"),
        (b"0.000001", "0.000001"),
        (b"123456789.123456", "123456789.123456"),
        (b"4.0", 4),
        (b"2e1", 20),
    ],
)
def test_numbers_are_kept_as_they_are_written(api: Api, case: str, sent: bytes, kept: str | int) -> None:
    """A fraction is stored digit by digit, a whole number as one."""
    assert api.post(f"/cases/{case}/commits", scored(sent), version=1).status_code == 201
    assert api.events(case)[1]["data"]["score"] == kept


@pytest.mark.parametrize("count", [0, 101])
def test_a_commit_holds_one_to_a_hundred_facts(api: Api, case: str, count: int) -> None:
    """No fact is nothing to record, and more than a hundred are more than one commit."""
    before = api.size()
    found = errors(api.commit(case, 1, *[note(CANARY)] * count))
    assert [pointer for pointer, _ in found] == ["/commands"]
    assert api.size() == before


def test_a_hundred_facts_are_one_commit(api: Api, case: str) -> None:
    """The limit itself is allowed."""
    assert api.commit(case, 1, *[note()] * 100).headers["etag"] == '"101"'


def test_what_was_refused_is_not_in_the_log(api: Api, served: Served, case: str) -> None:
    """The log of the service holds neither what was sent nor a stack trace, whatever came before this."""
    for body in (COMMIT[:-9], noted(CANARY.encode() + b"\\u0000"), with_data(b'{"' + CANARY.encode() + b'": 1}')):
        assert api.post(f"/cases/{case}/commits", body, version=1).status_code in (400, 422)
    said = served.service.log.read_text()
    assert CANARY not in said
    assert "Traceback" not in said


OPENING: dict[str, Any] = {"programme": "smaaboernsteam_001", "occurred_at": MARCH, "persons": [ALMA]}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"not_a_field": CANARY}, "/not_a_field"),
        ({"recorded_at": "2020-01-01T00:00:00Z"}, "/recorded_at"),
        ({"occurred_at": "2026-03-04T09:30:00"}, "/occurred_at"),
        ({"occurred_at": "4. marts 2026 " + CANARY}, "/occurred_at"),
        ({"occurred_at": None}, "/occurred_at"),
        ({"programme": ""}, "/programme"),
        ({"programme": " " + CANARY}, "/programme"),
        ({"number": CANARY + "\nS-2"}, "/number"),
        ({"persons": [ALMA, {**ALMA, "full_name": CANARY}]}, "/persons/1/ref"),
        ({"persons": [{**ALMA, "ref": "case"}]}, "/persons/0/ref"),
        ({"persons": [{**ALMA, "ref": ""}]}, "/persons/0/ref"),
        ({"persons": [{**ALMA, "full_name": ""}]}, "/persons/0/full_name"),
        ({"persons": [{"ref": CANARY}]}, "/persons/0/full_name"),
        ({"persons": [ALMA] * 51}, "/persons"),
        ({"legal_basis": [CANARY] * 21}, "/legal_basis"),
        ({"reason": ""}, "/reason"),
    ],
)
def test_an_opening_names_what_is_wrong_with_it(api: Api, change: dict[str, Any], pointer: str) -> None:
    """Each field of the body that opens a case is checked before anything of it is recorded."""
    before = api.size()
    found = errors(api.post("/cases", OPENING | change))
    assert any(place.startswith(pointer) for place, _ in found), found
    assert api.size() == before
