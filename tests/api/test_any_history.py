"""Any history of commits, repeats and crashes, driven through the API: what was answered is there, once, in order."""

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from api.opening import Place
from ledger.creation import create_database, drop_database
from ledger.embedded import EmbeddedPostgres
from ledger.keys import file_keys
from tests.api.client import Api, Response, note, problem, talking_to
from tests.api.service import Service, environment, lives, serving, until
from tests.check import check_ledger
from tests.conftest import BEGINS_AT

pytestmark = pytest.mark.slow

HISTORIES, STEPS = 2, 8
MOMENT_SECONDS = 0.03


@dataclass
class Sent:
    """A commit as it was sent: it may be repeated, and then gets the same answer."""

    case: str
    version: int
    key: str
    text: str
    answer: int | None = None


@dataclass
class Recorded:
    """What a case must hold: its texts in order, behind the opening."""

    texts: list[str] = field(default_factory=list[str])

    @property
    def version(self) -> int:
        """The version of the case."""
        return 1 + len(self.texts)


class Histories(RuleBasedStateMachine):
    """A service over a ledger of its own, and what it must hold."""

    cases = Bundle("cases")
    commits = Bundle("commits")
    postgres: EmbeddedPostgres
    folder: Path

    def __init__(self) -> None:
        """Take a new ledger and serve it."""
        super().__init__()
        self.name = f"history_{uuid4().hex[:12]}"
        self.home = self.folder / self.name
        create_database(self.postgres.conninfo("postgres"), self.name)
        conninfo = self.postgres.conninfo(self.name)
        self.place = Place(conninfo, conninfo, file_keys(self.home), self.home)
        self.place.create("Histories", BEGINS_AT)
        self.expected: dict[str, Recorded] = {}
        self.running = ExitStack()
        self.start()

    def start(self) -> None:
        """Serve."""
        variables = environment(self.place.conninfo, self.home)
        self.service: Service = self.running.enter_context(serving(variables, self.folder / f"{self.name}.log"))
        self.api: Api = self.running.enter_context(talking_to(self.service.url, self.place.conninfo))

    def teardown(self) -> None:
        """Check everything once more, and leave nothing behind."""
        self.running.close()
        check_ledger(self.place)
        drop_database(self.postgres.conninfo("postgres"), self.name)

    def send(self, sent: Sent) -> Response:
        """Send a commit."""
        return self.api.commit(sent.case, sent.version, note(sent.text), Idempotency_Key=sent.key)

    def settle(self, sent: Sent, response: Response) -> None:
        """Take in the answer to a commit that must have been recorded, now or before."""
        assert response.status_code == 201, response.text
        version = response.json()["version"]
        if sent.answer is None:
            case = self.expected[sent.case]
            assert version == case.version + 1
            case.texts.append(sent.text)
            sent.answer = version
        assert version == sent.answer

    @rule(target=cases)
    def open_case(self) -> str:
        """A case is opened."""
        case = self.api.open_case()
        self.expected[case] = Recorded()
        return case

    @rule(target=commits, case=cases)
    def commit(self, case: str) -> Sent:
        """A fact is recorded."""
        sent = Sent(case, self.expected[case].version, str(uuid4()), f"Note {uuid4()}")
        self.settle(sent, self.send(sent))
        return sent

    @rule(sent=commits)
    def repeat(self, sent: Sent) -> None:
        """The same is sent again, as whoever had no answer does."""
        self.settle(sent, self.send(sent))

    @rule(sent=commits)
    def send_another_body_with_its_key(self, sent: Sent) -> None:
        """A key is used for something else: refused, and nothing is written."""
        response = self.send(Sent(sent.case, self.expected[sent.case].version, sent.key, "Something else"))
        problem(response, 422, "key-reused")

    @rule(case=cases, behind=st.integers(1, 3))
    def decide_on_an_old_version(self, case: str, behind: int) -> None:
        """Somebody has not seen the last entries: refused, and nothing is written."""
        stale = max(0, self.expected[case].version - behind)
        response = self.send(Sent(case, stale, str(uuid4()), "Stale"))
        assert response.status_code in (412, 422, 400), response.text

    @rule(target=commits, case=cases, moment=st.floats(0, MOMENT_SECONDS))
    def kill_the_service_amid_a_commit(self, case: str, moment: float) -> Sent:
        """The service is killed, started again, and asked again with the same key: recorded once."""
        sent = self.cut_off(case, moment, self.service.process.kill)
        self.running.close()
        self.start()
        self.settle(sent, self.send(sent))
        return sent

    @rule(target=commits, case=cases, moment=st.floats(0, MOMENT_SECONDS))
    def kill_the_database_amid_a_commit(self, case: str, moment: float) -> Sent:
        """The database is killed and started again; the service goes on by itself, and the commit is recorded once."""
        postmaster = int((self.postgres.data / "postmaster.pid").read_text().split()[0])
        sent = self.cut_off(case, moment, lambda: os.kill(postmaster, signal.SIGKILL))
        until(lambda: not lives(postmaster), "the database server is dead")
        self.postgres.start()
        until(lambda: self.api.http.get("/readyz").status_code == 200, "the service reads again")
        until(lambda: self.send(sent).status_code != 503, "the service writes again")
        self.settle(sent, self.send(sent))
        return sent

    def cut_off(self, case: str, moment: float, kill: object) -> Sent:
        """Send a commit and kill something a moment later; an answer that came all the same must be kept."""
        sent = Sent(case, self.expected[case].version, str(uuid4()), f"Note {uuid4()}")
        answers: list[Response] = []

        def send() -> None:
            with suppress(httpx2.HTTPError):
                answers.append(self.send(sent))

        sending = threading.Thread(target=send)
        sending.start()
        sending.join(moment)
        assert callable(kill)
        kill()
        sending.join()
        for answer in answers:
            if answer.status_code != 503:
                self.settle(sent, answer)
        return sent

    @invariant()
    def every_case_holds_what_was_answered(self) -> None:
        """No more, no less, in order."""
        for case, recorded in self.expected.items():
            notes = [entry for entry in self.api.events(case) if entry["event"] == "NoteRecorded"]
            assert [entry["data"]["content"] for entry in notes] == recorded.texts


@contextmanager
def machine() -> Generator[type[Histories]]:
    """Yield histories over a durable server of their own that may be killed."""
    home = Path(tempfile.mkdtemp(prefix="caseledger-tests-"))
    home.chmod(0o711)
    try:
        with EmbeddedPostgres(home / "server") as postgres:
            Histories.postgres, Histories.folder = postgres, home
            yield Histories
    finally:
        shutil.rmtree(home)


def test_any_history_is_kept_through_crashes() -> None:
    """A few histories by chance."""
    bounds = settings(
        max_examples=HISTORIES,
        stateful_step_count=STEPS,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
        database=None,
    )
    with machine() as histories:
        run_state_machine_as_test(histories, settings=bounds)
