"""Asking witnesses: real witnesses over real HTTP, and ones that lie, dawdle, or have forgotten."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import psycopg
import pytest

from api import json_log
from api.opening import Place
from api.witness_upkeep import asking_on_the_beat, say, witnessing
from ledger.proof.asking import NoAnswer
from ledger.proof.notes import COSIGNATURE, SigningKey, VerifierKey, verified
from ledger.proof.policies import read_policy
from ledger.proof.witness import read_submission, write_submission
from ledger.proof.witnessing import (
    LogSetBack,
    Outcome,
    WitnessAddress,
    Witnessing,
    WitnessPolicyError,
    WitnessRefused,
    addresses,
    read_witness_policy,
)
from ledger.settings import Settings
from tests.api.service import ROOT, Inside, environment
from tests.api.witnesses import CLEAN, RunningWitness, beside
from tests.api.witnesses import witnessing as running_witness
from tests.ledger.proof.logs import MemoryLog
from tests.ledger.proof.published import PublishedLedger, published
from tests.ledger.samples import wait_until

pytestmark = pytest.mark.slow

LIAR = SigningKey.ed25519("liar.eksempel.dk/w", bytes(range(32)), COSIGNATURE)
Answering = Callable[[bytes], tuple[int, str, bytes]]
SIZE = "text/x.tlog.size"


@pytest.fixture
def log(real: Place, tmp_path: Path) -> Generator[PublishedLedger]:
    """A ledger of which a first checkpoint is published."""
    with published(real, tmp_path / "signer") as opened:
        opened.grow(3)
        yield opened


@pytest.fixture
def witness(log: PublishedLedger, tmp_path: Path) -> Generator[RunningWitness]:
    """A running witness that trusts the log."""
    with running_witness(tmp_path / "witness", log.log_keys) as running:
        yield running


def asking(log: PublishedLedger, clock: Callable[[], float] = time.time) -> Witnessing:
    return Witnessing(log.records, log.place.conninfo, clock)


def address(witness: RunningWitness) -> WitnessAddress:
    return WitnessAddress(witness.url, witness.vkeys)


def cosigners(log: PublishedLedger, *keys: VerifierKey) -> dict[VerifierKey, int | None]:
    latest = log.records.latest()
    assert latest is not None
    return verified(log.records.cosigned(latest), keys)


@contextmanager
def answering(answer: Answering, shown: bytes = b"") -> Generator[WitnessAddress]:
    """Run something that says it is a witness and answers as it is told."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.give(*answer(self.rfile.read(int(self.headers["Content-Length"]))))

        def do_GET(self) -> None:
            self.give(200 if shown else 404, "text/plain", shown)

        def give(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield WitnessAddress(f"http://127.0.0.1:{server.server_address[1]}", (LIAR.vkey,))
        finally:
            server.shutdown()
            serving.join()


def test_each_checkpoint_is_cosigned_and_stored(log: PublishedLedger, witness: RunningWitness) -> None:
    size = 4
    for events in (0, 1, 5, 0, 300):
        size += events
        if events:
            log.grow(events)
        assert asking(log).ask(address(witness)) == (size, None)
        assert set(cosigners(log, *witness.vkeys)) == set(witness.vkeys)
        assert [log.records.last_cosigned(key) for key in witness.vkeys] == [size, size]


def test_the_latest_witnessed_checkpoint_is_the_one_with_a_quorum(
    log: PublishedLedger, witness: RunningWitness
) -> None:
    lines = [*witness.policy_lines(), f"witness absent {LIAR.vkey}", "group both all w4 w6", "group any2 2 both absent"]
    quorum = {name: read_policy("\n".join([*lines, f"quorum {name}"]).encode()) for name in ("w4", "both", "any2")}
    assert log.records.witnessed(quorum["both"]) is None
    asking(log).ask(address(witness))
    first = log.records.latest()
    assert log.records.witnessed(quorum["both"]) == first
    second = log.grow()
    assert log.records.witnessed(quorum["both"]) == first
    assert log.records.witnessed(read_policy(b"quorum none")) == second
    asking(log).ask(WitnessAddress(witness.url, witness.vkeys[:1]))
    assert log.records.witnessed(quorum["w4"]) == second
    assert log.records.witnessed(quorum["both"]) == first
    assert log.records.witnessed(quorum["any2"]) is None


def test_a_false_cosignature_in_the_database_counts_as_none(log: PublishedLedger, witness: RunningWitness) -> None:
    asking(log).ask(address(witness))
    size, key = log.grow().checkpoint.size, witness.vkeys[0]
    policy = read_policy("\n".join([*witness.policy_lines(), "quorum w4"]).encode())
    with psycopg.connect(log.place.owner, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO proof.cosignature SELECT %s, witness, key_id, cosigned_at, line FROM proof.cosignature"
            " WHERE key_id = %s",
            [size, key.key_id],
        )
    found = log.records.witnessed(policy)
    assert found is not None
    assert found.checkpoint.size < size


def test_a_witness_that_cosigned_more_than_there_is_is_an_alarm(
    log: PublishedLedger, witness: RunningWitness, caplog: pytest.LogCaptureFixture
) -> None:
    ahead = MemoryLog(log.signer.origin)
    Inside(CLEAN).done("witness", "add", str(ahead.keys[0].vkey), "--folder", witness.folder)
    body = write_submission(0, [], ahead.note(50, ahead.keys[0]))
    assert httpx2.post(f"{witness.url}/add-checkpoint", content=body).status_code == 200
    outcome = asking(log).ask_all([address(witness)])[0]
    assert isinstance(outcome.error, LogSetBack)
    # What it shows was signed by a key that is none of this log's: perhaps it lies.
    assert (outcome.error.cosigned, outcome.error.latest, outcome.error.shown) == (50, 4, False)
    say(outcome)
    assert fields(caplog) == [("log_set_back", "ERROR")]


def fields(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.getMessage(), record.levelname) for record in caplog.records if record.name == json_log.LOGGER.name]


def test_a_witness_that_lost_its_memory_is_told_apart(
    log: PublishedLedger, witness: RunningWitness, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asking(log).ask(address(witness))
    log.grow(5)
    for path in witness.folder.glob("logs/*/checkpoint"):
        path.unlink()
    outcome = asking(log).ask_all([address(witness)])[0]
    assert (outcome.size, outcome.forgot) == (9, 0)
    say(outcome)
    assert fields(caplog) == [("witness_forgot", "ERROR")]


def true_line(body: bytes, at: float, key: SigningKey = LIAR) -> bytes:
    return str(key.sign(read_submission(body).note.text, int(at))).encode()


ANSWERS: dict[str, tuple[Answering, str]] = {
    "nothing": (lambda body: (200, "", b""), "no-cosignature"),
    "an empty line": (lambda body: (200, "", b"\n"), "false-cosignature"),
    "no text": (lambda body: (200, "", b"\xff\n"), "false-cosignature"),
    "half a line": (lambda body: (200, "", true_line(body, time.time())[:-1]), "no-cosignature"),
    "another name": (lambda body: (200, "", true_line(body, time.time()).replace(b"liar", b"lier")), "no-cosignature"),
    "another checkpoint": (
        lambda body: (200, "", true_line(body.replace(b"\n4\n", b"\n5\n"), time.time())),
        "false-cosignature",
    ),
    "the past": (lambda body: (200, "", true_line(body, time.time() - 400)), "clock"),
    "the future": (lambda body: (200, "", true_line(body, time.time() + 400)), "clock"),
    "the size that was sent": (lambda body: (409, SIZE, b"0\n"), "conflict-without-size"),
    "a negative size": (lambda body: (409, SIZE, b"-1\n"), "conflict-without-size"),
    "a size that is no text": (lambda body: (409, SIZE, b"\xff"), "conflict-without-size"),
    "a size of another type": (lambda body: (409, "text/plain", b"2\n"), "conflict-without-size"),
    "ever other sizes": (lambda body: (409, SIZE, b"2\n" if body.startswith(b"old 3") else b"3\n"), "conflict"),
    "inconsistent": (lambda body: (422, "", b""), "status-422"),
    "unknown": (lambda body: (404, "", b""), "status-404"),
    "elsewhere": (lambda body: (302, "", b""), "status-302"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_is_none_is_not_stored(log: PublishedLedger, name: str) -> None:
    answer, reason = ANSWERS[name]
    with answering(answer) as liar, pytest.raises(WitnessRefused) as refused:
        asking(log).ask(liar)
    assert refused.value.reason == reason
    assert cosigners(log, LIAR.vkey) == {}


def test_one_that_floods_or_dawdles_or_is_away_stops_no_other(log: PublishedLedger, witness: RunningWitness) -> None:
    def dawdle(_: bytes) -> tuple[int, str, bytes]:
        time.sleep(3)
        return 200, "", b""

    away = WitnessAddress("http://127.0.0.1:9", (LIAR.vkey,))
    with answering(dawdle) as slow, answering(lambda _: (200, "", b"x" * 600_000)) as flood:
        began = time.monotonic()
        outcomes = asking(log).ask_all([slow, flood, away, address(witness)], seconds=1)
        assert time.monotonic() - began < 2.5
    assert [type(outcome.error) for outcome in outcomes] == [NoAnswer, NoAnswer, NoAnswer, type(None)]
    assert outcomes[3].size == 4
    assert set(cosigners(log, LIAR.vkey, *witness.vkeys)) == set(witness.vkeys)


def test_a_key_that_is_missing_is_said_and_the_others_count(log: PublishedLedger, witness: RunningWitness) -> None:
    expected = WitnessAddress(witness.url, (*witness.vkeys, LIAR.vkey))
    with pytest.raises(WitnessRefused, match="key-missing"):
        asking(log).ask(expected)
    assert set(cosigners(log, *expected.keys)) == set(witness.vkeys)


POLICY = "witness {name} {key} {url}\nquorum none\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    "url",
    ["http://witness.eksempel.dk", "ftp://127.0.0.1", "https://user@w.dk", "https://w.dk?x=1", "https://", ""],
)
def test_a_policy_with_an_address_that_cannot_be_asked_is_refused(tmp_path: Path, url: str) -> None:
    path = write(tmp_path / "policy", POLICY.format(name="w", key=LIAR.vkey, url=url))
    with pytest.raises(WitnessPolicyError, match="needs an https address"):
        read_witness_policy(path)


def test_a_policy_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(WitnessPolicyError, match="cannot be read"):
        read_witness_policy(tmp_path / "nowhere")
    with pytest.raises(WitnessPolicyError, match=r"line 1: .*\.$"):
        read_witness_policy(write(tmp_path / "policy", "nonsense\n"))


def test_witnesses_near_and_far_are_told_apart(tmp_path: Path) -> None:
    other = SigningKey.ed25519("w", bytes(32), COSIGNATURE).vkey
    lines = [
        f"witness a {LIAR.vkey} http://[::1]:8100/",
        f"witness b {other} https://w.eksempel.dk/x",
        "quorum none",
    ]
    policy = read_witness_policy(write(tmp_path / "policy", "\n".join(lines)))
    assert addresses(policy, near=True) == [WitnessAddress("http://[::1]:8100", (LIAR.vkey,))]
    assert addresses(policy, near=False) == [WitnessAddress("https://w.eksempel.dk/x", (other,))]


def settings(**named: object) -> Settings:
    return Settings.model_validate(named)


def test_near_witnesses_are_asked_at_each_checkpoint(
    log: PublishedLedger, witness: RunningWitness, tmp_path: Path
) -> None:
    path = write(tmp_path / "policy", "\n".join([*witness.policy_lines(), "quorum none\n"]))
    with beside(witnessing(log.place, settings(witness_policy=path))):
        wait_until(lambda: len(cosigners(log, *witness.vkeys)) == 2)
        for _ in range(3):
            log.grow()
            wait_until(lambda: len(cosigners(log, *witness.vkeys)) == 2, seconds=3)


def test_far_witnesses_are_asked_on_the_beat_and_never_in_between(log: PublishedLedger) -> None:
    asked: list[tuple[float, int]] = []

    def answer(body: bytes) -> tuple[int, str, bytes]:
        asked.append((time.time(), read_submission(body).checkpoint.size))
        return 200, "", true_line(body, time.time())

    with answering(answer) as far, beside([asking_on_the_beat(log.place, [far], 2)]):
        for _ in range(8):
            log.grow()
            time.sleep(0.25)
        wait_until(lambda: len(asked) >= 3)  # the last one with nothing new
    assert all(at % 2 < 0.8 for at, _ in asked)
    assert asked[-1][1] == asked[-2][1]
    assert len({int(at / 2) for at, _ in asked}) == len(asked)


def test_the_worker_asks_as_its_settings_say(log: PublishedLedger, witness: RunningWitness, tmp_path: Path) -> None:
    path = write(tmp_path / "policy", "\n".join([*witness.policy_lines(), "quorum none\n"]))
    variables = environment(log.place.conninfo, tmp_path / "home") | {"CASELEDGER_WITNESS_POLICY": str(path)}
    with subprocess.Popen([sys.executable, "-m", "api", "worker"], env=variables, cwd=ROOT) as worker:
        wait_until(lambda: len(cosigners(log, *witness.vkeys)) == 2, seconds=30)
        log.grow()
        wait_until(lambda: len(cosigners(log, *witness.vkeys)) == 2, seconds=5)
        worker.terminate()
        assert worker.wait(20) == 0


def test_a_policy_that_cannot_be_used_is_an_error_in_the_log_and_stops_nothing_else(
    real: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert witnessing(real, settings()) == []
    assert witnessing(real, settings(witness_policy=tmp_path / "nowhere")) == []
    assert fields(caplog) == [("witness_policy_unusable", "ERROR")]


@pytest.mark.parametrize(
    ("error", "event", "level"),
    [
        (WitnessRefused("status-422"), "witness_refused", "ERROR"),
        (NoAnswer("ConnectError"), "witness_silent", "WARNING"),
        (ValueError("whatever it was"), "witnesses_not_asked", "ERROR"),
    ],
)
def test_what_calls_for_the_operator_is_said(
    error: Exception, event: str, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    say(Outcome(WitnessAddress("https://w.eksempel.dk", (LIAR.vkey,)), error=error))
    assert fields(caplog) == [(event, level)]
    assert "whatever" not in caplog.text
