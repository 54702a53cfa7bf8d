"""Keys and versions: what a request must carry, and what a repeat, a reuse and a stale version are answered."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.client import ALMA, CANARY, MARCH, Api, assessment, command, note, problem

OPENING: dict[str, Any] = {"programme": "smaaboernsteam_001", "occurred_at": MARCH, "persons": [ALMA]}
BO: dict[str, Any] = {"person": ALMA | {"ref": "child-B"}, "occurred_at": "2026-08-12"}


@pytest.fixture(params=["/cases", "/cases/{case}/commits", "/cases/{case}/persons"])
def address(request: pytest.FixtureRequest, case: str) -> tuple[str, dict[str, Any], int | None]:
    """Each address that records, with a body it accepts and the version it asks for."""
    body = {"/cases": OPENING, "/cases/{case}/persons": BO}.get(request.param, {"commands": [note()]})
    return request.param.format(case=case), body, None if request.param == "/cases" else 1


@pytest.mark.parametrize("key", [None, "", "two words", "k" * 256, "nøgle"])
def test_every_recording_needs_a_key(
    api: Api, address: tuple[str, dict[str, Any], int | None], key: str | None
) -> None:
    """Without a key of 1 to 255 visible characters nothing is recorded, since nobody could repeat it safely."""
    path, body, version = address
    before = api.size()
    response = api.post(path, body, version=version, Idempotency_Key=key)
    assert "Idempotency-Key" in problem(response, 400, "bad-request")["detail"]
    assert api.size() == before


@pytest.mark.parametrize("kind", ["commits", "persons"])
def test_a_recording_in_a_case_needs_the_version_decided_on(api: Api, case: str, kind: str) -> None:
    """Without If-Match nobody says which case they decided on."""
    before = api.size()
    body = BO if kind == "persons" else {"commands": [note(CANARY)]}
    assert "If-Match" in problem(api.post(f"/cases/{case}/{kind}", body), 428, "version-required")["detail"]
    assert api.size() == before


@pytest.mark.parametrize(
    "version", ["*", "1", 'W/"1"', '"1", "2"', "", '""', '"-1"', '"1.0"', '"x"', "'1'", f'"{"9" * 40}"', '"٣"']
)
def test_if_match_names_one_version(api: Api, case: str, version: str) -> None:
    """Anything but one strong ETag of ours is refused: a wildcard or a weak tag decides on nothing."""
    before = api.size()
    response = api.commit(case, version, note(CANARY))
    assert "If-Match" in problem(response, 400, "bad-request")["detail"]
    assert api.size() == before


@pytest.mark.parametrize("kind", ["commits", "persons"])
def test_a_stale_version_is_told_what_has_come_since(api: Api, case: str, kind: str) -> None:
    """Whoever decided on an old version is given the current one and the entries since, without their texts."""
    assert api.commit(case, 1, note(CANARY), assessment()).status_code == 201
    before = api.size()
    body = BO if kind == "persons" else {"commands": [note(CANARY)]}
    found = problem(api.post(f"/cases/{case}/{kind}", body, version=1), 412, "stale-version")
    assert found["current_version"] == 3
    assert [(e["version"], e["event"], e["actor"]["id"]) for e in found["since"]] == [
        (2, "NoteRecorded", "u-90"),
        (3, "AssessmentRecorded", "u-90"),
    ]
    assert api.size() == before


@pytest.mark.parametrize("version", [0, 2, 999_999_999])
def test_a_version_the_case_never_had_is_stale(api: Api, case: str, version: int) -> None:
    """A version before the first or after the last is none to decide on."""
    before = api.size()
    assert problem(api.commit(case, version, note()), 412, "stale-version")["current_version"] == 1
    assert api.size() == before


def test_a_repeat_gets_the_first_answer(api: Api, address: tuple[str, dict[str, Any], int | None]) -> None:
    """The same request with the same key has the same status, body and ETag, and is recorded once."""
    path, body, version = address
    key = str(uuid4())
    first = api.post(path, body, version=version, Idempotency_Key=key)
    assert first.status_code == 201
    after = api.size()
    for _ in range(3):
        again = api.post(path, body, version=version, Idempotency_Key=key)
        assert (again.status_code, again.content) == (201, first.content)
        for header in ("etag", "location", "content-type", "cache-control"):
            assert again.headers[header] == first.headers[header]
    assert api.size() == after


def test_a_repeat_after_others_have_recorded_gets_the_first_answer(api: Api, case: str) -> None:
    """A repeat is a repeat however far the case has moved on, whichever version it names."""
    key, sent = str(uuid4()), note()
    first = api.commit(case, 1, sent, Idempotency_Key=key)
    annulment = command("EntryAnnulled", {"annuls": 2, "reason": "Wrong case."})
    assert api.commit(case, 2, note(), annulment).status_code == 201
    after = api.size()
    for version in (1, 2, 4, 99):
        again = api.commit(case, version, sent, Idempotency_Key=key)
        assert (again.status_code, again.content, again.headers["etag"]) == (201, first.content, '"2"')
    assert api.size() == after


def test_a_repeat_that_could_not_be_decided_today_gets_the_first_answer(api: Api, case: str) -> None:
    """A person who has joined since, by this very request, does not stand in the way of its repeat."""
    key = str(uuid4())
    first = api.post(f"/cases/{case}/persons", BO, version=1, Idempotency_Key=key)
    for version in (1, 2):
        again = api.post(f"/cases/{case}/persons", BO, version=version, Idempotency_Key=key)
        assert (again.status_code, again.content) == (201, first.content)


@pytest.mark.parametrize("version", [1, 2, 7])
def test_a_key_belongs_to_one_body(api: Api, case: str, version: int) -> None:
    """Another body under a used key is refused, whether or not its version is the current one."""
    key = str(uuid4())
    assert api.commit(case, 1, note(), Idempotency_Key=key).status_code == 201
    before = api.size()
    problem(api.commit(case, version, note(CANARY), Idempotency_Key=key), 422, "key-reused")
    assert api.size() == before


def test_a_key_belongs_to_one_address(api: Api, case: str) -> None:
    """The same bytes sent to another case, or as another act, are another request."""
    key, other = str(uuid4()), api.open_case()
    assert api.commit(case, 1, note(), Idempotency_Key=key).status_code == 201
    before = api.size()
    problem(api.commit(other, 1, note(), Idempotency_Key=key), 422, "key-reused")
    problem(api.post("/cases", OPENING, Idempotency_Key=key), 422, "key-reused")
    problem(api.post(f"/cases/{case}/persons", BO, version=2, Idempotency_Key=key), 422, "key-reused")
    assert api.size() == before


def test_a_refused_request_does_not_use_up_its_key(api: Api, case: str) -> None:
    """After a refusal the same key may be sent with what was put right."""
    key = str(uuid4())
    problem(api.commit(case, 9, note(), Idempotency_Key=key), 412, "stale-version")
    problem(api.commit(case, 1, note(occurred_at="2999-01-01"), Idempotency_Key=key), 422, "malformed")
    assert api.commit(case, 1, note(), Idempotency_Key=key).headers["etag"] == '"2"'


def test_keys_are_not_stored_in_clear(api: Api, case: str) -> None:
    """A key may hold what identifies a person, so only a keyed digest of it is kept."""
    assert api.commit(case, 1, note(), Idempotency_Key=CANARY).status_code == 201
    everything = "SELECT 1 FROM ledger.request q WHERE position(%s::bytea IN q.key || q.fingerprint) > 0"
    assert api.query(everything, CANARY.encode()) == []
