"""Following along: pointers in the order of the ledger, of the cases one may see, on record, resumed without a gap."""

import random
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx2
import orjson
import pytest

from api.conditions import Cursors
from api.opening import Place
from ledger.keys import file_keys
from tests.api.client import CANARY, Api, Response, note, problem, talking_to
from tests.api.conftest import Served
from tests.api.service import environment, serving

Event = dict[str, str]


def page(api: Api, **parameters: str | int) -> dict[str, Any]:
    """Return a page of the feed."""
    response = api.get("/events", **parameters)
    assert response.status_code == 200, response.text
    return response.json()


def rest(api: Api, cursor: str | None = None, limit: int = 100) -> tuple[list[Event], str]:
    """Return everything after a cursor, page by page, and the cursor to go on from."""
    found: list[Event] = []
    while True:
        answer = page(api, limit=limit, **({"cursor": cursor} if cursor else {}))
        found += answer["items"]
        cursor = str(answer["next"])
        if answer["whole"]:
            return found, cursor


def received(response: Response) -> Iterator[tuple[str, Event | None]]:
    """Yield id and event of each message of a stream as it comes in; None for a sign of life."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "id" in fields:
            yield fields["id"], orjson.loads(fields["data"]) if "data" in fields else None
            fields = {}


def streaming(api: Api, cursor: str | None = None, **parameters: str | int) -> AbstractContextManager[Response]:
    """Open a stream from a cursor on."""
    headers = {"Last-Event-ID": cursor} if cursor else {}
    return api.http.stream("GET", "/events/stream", params={"seconds": 20, **parameters}, headers=headers, timeout=30)


def here(events: list[Event], case: str) -> list[int]:
    """Return the versions of a case that events point to, in their order."""
    return [int(one["subject"].partition("/")[2]) for one in events if one["subject"].startswith(case)]


def test_what_was_recorded_is_pointed_to_and_not_told(api: Api) -> None:
    """An event names its place, kind and times, and where to read it; nothing of what it says."""
    _, cursor = rest(api)
    case = api.open_case(note(CANARY))
    events, _ = rest(api, cursor)
    assert here(events, case) == [1, 2]
    told = events[-1]
    assert set(told) == {"specversion", "id", "source", "type", "subject", "time", "occurredat", "dataref"}
    assert (told["specversion"], told["type"]) == ("1.0", "dk.caseledger.note_recorded.v2")
    assert CANARY not in orjson.dumps(events).decode()
    entry = api.get(told["dataref"])
    assert entry.status_code == 200
    assert entry.json()["entry"]["position"] == int(told["id"])
    assert entry.json()["entry"]["data"]["content"] == CANARY


def test_pages_of_any_size_tell_the_same(api: Api) -> None:
    """In order, each once, whatever lies in between."""
    _, cursor = rest(api)
    cases = [api.open_case(note()) for _ in range(3)]
    by_one, _ = rest(api, cursor, 1)
    at_once, _ = rest(api, cursor)
    assert by_one == at_once
    assert [here(by_one, case) for case in cases] == [[1, 2]] * 3
    positions = [int(one["id"]) for one in by_one]
    assert positions == sorted(set(positions))


def test_others_cases_are_not_pointed_to(api: Api) -> None:
    """Nor is an empty page a look."""
    _, cursor = rest(api)
    case = api.open_case(note())
    with api.acting_as("u-21") as stranger:
        before = api.size()
        assert here(rest(stranger, cursor)[0], case) == []
        assert api.size() == before
    with api.acting_as("u-95") as auditor:
        assert here(rest(auditor, cursor)[0], case) == [1, 2]
    with api.acting_as("u-97") as administrator:
        problem(administrator.get("/events"), 403, "forbidden")


def test_a_page_is_on_record_before_it_leaves(api: Api) -> None:
    """With the cases it points to, and nobody's data."""
    _, cursor = rest(api)
    case = api.open_case(note())
    answer = page(api, cursor=cursor)
    look = api.query("SELECT convert_from(state, 'UTF8') FROM ledger.event WHERE position = %s", answer["access_event"])
    data = orjson.loads(look[0][0])["data"]
    assert (data["what"], data["cases"], data["subjects"]) == ("feed_board", [case], [])


def test_cursors_of_elsewhere_are_refused(api: Api, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Forged, of another question, of another ledger."""
    keys = file_keys(tmp_path_factory.mktemp("elsewhere"))(uuid4())
    keys.create_ledger_key()
    elsewhere = Cursors(keys)
    other = api.get("/cases", limit=1).json()["next"]
    for cursor in ("x", "Kj8", "0" * 5000, other, elsewhere.write("1", "feed")):
        problem(api.get("/events", cursor=cursor), 400, "bad-request")
        problem(api.http.get("/events/stream", headers={"Last-Event-ID": cursor[:1000]}), 400, "bad-request")
    problem(api.get("/events/stream", **{"from": "yesterday"}), 400, "bad-request")
    problem(api.get("/events/stream", seconds=-1), 400, "bad-request")
    problem(api.get("/events", after=3), 400, "bad-request")
    problem(api.http.get("/events", headers={"Authorization": ""}), 401, "not-signed-in")


def test_the_feed_of_the_past_ends_there(api: Api) -> None:
    """As recorded by an instant, of what had happened by another."""
    _, cursor = rest(api)
    case = api.open_case(note(), note(occurred_at="2026-03-01T10:00:00+01:00"))
    known_at = api.events(case)[-1]["recorded_at"]
    api.commit(case, 3, note())
    assert here(page(api, cursor=cursor, known_at=known_at)["items"], case) == [1, 2, 3]
    then = page(api, cursor=cursor, valid_at="2026-03-02T10:00:00+01:00")["items"]
    assert here(then, case) == [3]


def test_one_entry_is_read_as_of_any_instant(api: Api, case: str) -> None:
    """It is not there before it was recorded."""
    entry = api.events(case)[0]
    assert api.get(f"/cases/{case}/events/1").json()["entry"] == entry
    problem(api.get(f"/cases/{case}/events/99"), 404, "not-found")
    problem(api.get(f"/cases/{uuid4()}/events/1"), 404, "not-found")


def test_a_stream_brings_what_is_there_and_what_comes(api: Api) -> None:
    """From now on, or from a cursor; it says when it lives, and ends in time."""
    case = api.open_case(note())
    with streaming(api, **{"from": "now"}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        messages = received(response)
        _, alive = next(messages)
        assert alive is None
        assert api.commit(case, 2, note()).status_code == 201
        cursor, event = next(message for message in messages if message[1])
        assert event is not None
        assert event["subject"] == f"{case}/3"
    with streaming(api, cursor, seconds=0) as response:
        assert [event for _, event in received(response) if event] == []


def test_a_reader_killed_anywhere_misses_nothing_and_does_nothing_twice(served: Served, api: Api) -> None:
    """It remembers the id of what it has dealt with and comes back with it, however often it dies."""
    case, chance = api.open_case(note()), random.Random(7)
    _, cursor = rest(api)

    def write() -> None:
        with talking_to(served.service.url, served.place.conninfo) as writer:
            for version in range(2, 62):
                assert writer.commit(case, version, note()).status_code == 201

    writing = threading.Thread(target=write)
    writing.start()
    done: list[int] = []
    deadline = monotonic() + 30
    while len(done) < 60 and monotonic() < deadline:
        survives = chance.randint(1, 12)
        with suppress(httpx2.HTTPError), streaming(api, cursor) as response:
            for number, (place, event) in enumerate(received(response)):
                if number >= survives or len(done) == 60:
                    break  # dead before this one was dealt with
                cursor = place
                done += here([event], case) if event else []
    writing.join(30)
    assert done == list(range(3, 63))


def test_nobody_follows_without_end(api: Api) -> None:
    """Ten at once, and another when one has ended."""
    with suppress(httpx2.HTTPError), httpx2.Client(base_url=api.http.base_url, headers=api.http.headers) as client:
        streams = [client.send(client.build_request("GET", "/events/stream?from=now"), stream=True) for _ in range(10)]
        try:
            assert {one.status_code for one in streams} == {200}
            problem(api.get("/events/stream", seconds=0), 429, "too-many-requests")
        finally:
            for one in streams:
                one.close()


@pytest.mark.slow
def test_a_service_that_stops_waits_for_no_reader(simulated: Place, tmp_path: Path) -> None:
    """Streams end first, so that nothing keeps a restart waiting."""
    with serving(environment(simulated.conninfo, tmp_path / "home"), tmp_path / "errors.log") as service:
        with talking_to(service.url, simulated.conninfo) as api, streaming(api) as response:
            messages = received(response)
            next(messages)
            began = monotonic()
            service.process.terminate()
            assert [event for _, event in messages if event] == []
            assert monotonic() - began < 3
        assert service.process.wait(5) is not None
