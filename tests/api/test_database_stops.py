"""A database that dies while commits are in flight: honest answers, nothing half written, and the service goes on."""

import os
import shutil
import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from uuid import uuid4

import httpx2
import orjson
import pytest

from api.opening import Place
from ledger.creation import create_database
from ledger.embedded import EmbeddedPostgres
from ledger.keys import file_keys
from replay.verify import verify_ledger
from tests.api.client import CANARY, JSON, Api, note, problem, talking_to
from tests.api.service import environment, lives, serving, until
from tests.api.signing_in import bearer
from tests.conftest import BEGINS_AT

pytestmark = pytest.mark.slow

WRITERS = 4
LONGEST_SECONDS = 60


@dataclass
class Writer:
    """Records notes in a case of its own, one after the other, each with a key, until it is told to stop."""

    url: str
    case: str
    stop: threading.Event
    signed_in: dict[str, str]
    seconds: float = LONGEST_SECONDS
    version: int = 1
    recorded: dict[str, int] = field(default_factory=dict[str, int])
    open: list[tuple[str, bytes, int]] = field(default_factory=list[tuple[str, bytes, int]])
    refusals: list[httpx2.Response] = field(default_factory=list[httpx2.Response])
    strange: list[str] = field(default_factory=list[str])

    def send(self, client: httpx2.Client, key: str, body: bytes, version: int) -> httpx2.Response:
        """Send one commit."""
        headers = {"Idempotency-Key": key, "If-Match": f'"{version}"', "Content-Type": JSON}
        return client.post(f"/cases/{self.case}/commits", content=body, headers=headers)

    def run(self) -> None:
        """Send until the end; after a 503 send the same again, as the answer says."""
        end = monotonic() + self.seconds
        with httpx2.Client(base_url=self.url, timeout=30, headers=self.signed_in) as client:
            while not self.stop.is_set() and monotonic() < end:
                key, body = str(uuid4()), orjson.dumps({"commands": [note(f"{CANARY} {len(self.recorded)}")]})
                self.open.append((key, body, self.version))
                while not self.stop.wait(0.01) and monotonic() < end:
                    response = self.send(client, key, body, self.version)
                    if response.status_code == 503:
                        self.refusals.append(response)
                        continue
                    if response.status_code != 201:
                        self.strange.append(f"{response.status_code} {response.text}")
                        return
                    self.version = self.recorded[key] = response.json()["version"]
                    break


@dataclass(frozen=True)
class Mortal:
    """A service over a database server of its own that may be killed."""

    postgres: EmbeddedPostgres
    place: Place
    api: Api
    log: Path

    def kill(self) -> None:
        """Kill the database server and all that belongs to it, as a power cut would."""
        postmaster = int((self.postgres.data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        until(lambda: not lives(postmaster), "the database server is dead")

    def revive(self) -> None:
        """Start it again; it recovers from its own log."""
        self.postgres.start()


@pytest.fixture
def mortal(tmp_path: Path) -> Generator[Mortal]:
    """A service over a durable database server of its own."""
    home = Path(tempfile.mkdtemp(prefix="caseledger-tests-"))
    home.chmod(0o711)
    try:
        with EmbeddedPostgres(home) as postgres:
            create_database(postgres.conninfo("postgres"), "mortal")
            conninfo = postgres.conninfo("mortal")
            place = Place(conninfo, conninfo, file_keys(tmp_path))
            place.create("Mortal", BEGINS_AT)
            with (
                serving(environment(conninfo, tmp_path), tmp_path / "errors.log") as service,
                talking_to(service.url, conninfo) as api,
            ):
                yield Mortal(postgres, place, api, tmp_path / "errors.log")
    finally:
        shutil.rmtree(home)


def test_a_killed_database_loses_and_doubles_nothing(mortal: Mortal) -> None:
    """Twice killed amid commits: 503 and never 500, every key once in the ledger, intact, without a restart of ours."""
    api, stop = mortal.api, threading.Event()
    writers = [
        Writer(str(api.http.base_url), api.open_case(), stop, bearer(str(api.http.base_url))) for _ in range(WRITERS)
    ]
    threads = [threading.Thread(target=writer.run) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2):
            goal = sum(len(w.recorded) for w in writers) + 20
            until(lambda goal=goal: sum(len(w.recorded) for w in writers) >= goal, "commits flow")
            refused = sum(len(w.refusals) for w in writers)
            mortal.kill()
            until(lambda refused=refused: sum(len(w.refusals) for w in writers) > refused, "commits are refused")
            assert api.http.get("/healthz").status_code == 200
            mortal.revive()
        goal = sum(len(w.recorded) for w in writers) + 20
        until(lambda: sum(len(w.recorded) for w in writers) >= goal, "commits flow again by themselves")
    finally:
        stop.set()
        for thread in threads:
            thread.join(LONGEST_SECONDS)

    until(lambda: api.http.get("/readyz").status_code == 200, "reads work again by themselves", 10)
    assert [writer.strange for writer in writers] == [[]] * WRITERS
    for response in (response for writer in writers for response in writer.refusals):
        assert problem(response, 503, "unavailable")
        assert int(response.headers["retry-after"]) >= 1
    for writer in writers:
        for key, body, version in writer.open:
            again = writer.send(api.http, key, body, version)
            assert again.status_code == 201, again.text
            assert again.json()["version"] == writer.recorded.get(key, again.json()["version"])
        entries = api.query("SELECT version, topic FROM ledger.event WHERE stream = %s ORDER BY version", writer.case)
        assert [version for version, _ in entries] == list(range(1, len(entries) + 1))
        assert Counter(topic for _, topic in entries) == {"case_opened": 1, "note_recorded": len(writer.open)}
    with mortal.place.ledger() as ledger:
        report = verify_ledger(ledger)
    assert (report.intact, report.faults) == (True, [])
    until(lambda: api.get("/cases").json()["computed_to"] >= report.events, "the list catches up by itself", 15)
    assert CANARY not in mortal.log.read_text()


def test_a_database_that_is_away_is_said_to_be(mortal: Mortal) -> None:
    """Every address that needs the database says that it does not answer, and works when it is back."""
    api = mortal.api
    case = api.open_case(note(CANARY))
    mortal.kill()
    key = str(uuid4())
    questions: list[Callable[[], httpx2.Response]] = [
        lambda: api.commit(case, 2, note(CANARY), Idempotency_Key=key),
        lambda: api.post("/cases", {"programme": "smaaboernsteam_001", "occurred_at": "2026-03-04"}),
        lambda: api.get(f"/cases/{case}/events"),
        lambda: api.get("/cases"),
    ]
    with ThreadPoolExecutor(len(questions) + 1) as threads:
        readiness = threads.submit(api.http.get, "/readyz")
        for answer in [threads.submit(question) for question in questions]:
            response = answer.result()
            problem(response, 503, "unavailable")
            assert response.headers["retry-after"]
        assert readiness.result().status_code == 503
    mortal.revive()
    until(lambda: api.http.get("/readyz").status_code == 200, "reads work again by themselves", 10)
    answer = api.commit(case, 2, note(CANARY), Idempotency_Key=key)
    assert answer.status_code == 201, answer.text
    assert answer.headers["etag"] == '"3"'
    assert [e["event"] for e in api.events(case)] == ["CaseOpened", "NoteRecorded", "NoteRecorded"]
