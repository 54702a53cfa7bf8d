"""The witness over real HTTP: each status and body of the specification, and bodies of every wrong form."""

import signal
import socket
from base64 import b64encode
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic

import httpx2
import pytest

from ledger.proof.checkpoints import Checkpoint, read_checkpoint
from ledger.proof.notes import Note, SigningKey, read_note, verified
from ledger.proof.witness import write_submission
from tests.api.service import Inside, log_lines
from tests.api.witnesses import CLEAN, NAME, RunningWitness, created, witnessing
from tests.ledger.proof.logs import TIME, MemoryLog

SIZE = "text/x.tlog.size"
LOGS = [MemoryLog(f"ledger.eksempel.dk/{number}") for number in range(12)]
UNUSED = iter(LOGS)


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningWitness]:
    """A running witness that trusts both keys of some logs."""
    keys = [key.vkey for log in LOGS for key in log.keys]
    with witnessing(tmp_path_factory.mktemp("witness"), keys) as running:
        yield running


@pytest.fixture(scope="module")
def http(witness: RunningWitness) -> Generator[httpx2.Client]:
    """A client with one connection that is kept."""
    with httpx2.Client(base_url=witness.url, timeout=30) as client:
        yield client


@pytest.fixture
def log() -> MemoryLog:
    """A log of which nothing was cosigned."""
    return next(UNUSED)


def body(log: MemoryLog, old: int, new: int, note: Note | None = None, proof: list[bytes] | None = None) -> bytes:
    return write_submission(old, log.proof(old, new) if proof is None else proof, note or log.note(new))


def post(http: httpx2.Client, content: bytes) -> httpx2.Response:
    return http.post("/add-checkpoint", content=content)


def expect(response: httpx2.Response, status: int, text: str | None = None, kind: str | None = None) -> None:
    """Check status, body and type of an answer; none of them tells how the program works inside."""
    assert response.status_code == status, response.text
    assert text is None or response.text == text
    assert response.headers["content-type"] == (kind or "text/plain; charset=utf-8")
    assert "Traceback" not in response.text


def monitored(http: httpx2.Client, log: MemoryLog) -> httpx2.Response:
    return http.get(f"/{sha256(log.origin.encode()).hexdigest()}/checkpoint")


def test_a_log_is_cosigned_as_it_grows_and_monitors_see_the_same(
    http: httpx2.Client, witness: RunningWitness, log: MemoryLog
) -> None:
    expect(monitored(http, log), 404)
    old = 0
    for new in (1, 7, 7, 300):
        sent = log.note(new)
        response = post(http, body(log, old, new, sent))
        expect(response, 200)
        assert response.text.startswith("\N{EM DASH} ")
        note = read_note(f"{sent}{response.text}")
        assert len(verified(note, [*witness.vkeys, *(key.vkey for key in log.keys)])) == 4
        expect(monitored(http, log), 200, str(note))
        old = new


def test_sizes_that_do_not_fit(http: httpx2.Client, log: MemoryLog) -> None:
    expect(post(http, body(log, 3, 5)), 409, "0\n", SIZE)
    expect(post(http, body(log, 0, 50)), 200)
    expect(post(http, body(log, 0, 60)), 409, "50\n", SIZE)
    expect(post(http, body(log, 60, 60)), 409, "50\n", SIZE)
    expect(post(http, body(log, 20, 30)), 409, "50\n", SIZE)
    expect(post(http, body(log, 50, 49, proof=[])), 400)
    expect(post(http, body(log, 2**63 - 1, 60, proof=[])), 400)


def test_trees_that_do_not_fit_are_refused_and_the_operator_learns_of_each_once(
    http: httpx2.Client, witness: RunningWitness, log: MemoryLog
) -> None:
    before = len(log_lines(witness.log))
    fork = MemoryLog(log.origin, fork=40)
    expect(post(http, body(log, 0, 50, proof=[bytes(32)])), 422)
    expect(post(http, body(log, 0, 50)), 200)
    expect(post(http, body(fork, 50, 50, proof=[])), 422)
    expect(post(http, body(fork, 50, 50, proof=[])), 422)
    expect(post(http, body(fork, 50, 60)), 422)
    said = log_lines(witness.log)[before:]
    expected = [("checkpoint_not_proven", "warning"), ("log_split", "error"), ("checkpoint_not_proven", "warning")]
    assert [(line["event"], line["level"]) for line in said] == expected
    assert all((witness.folder / line["file"]).exists() for line in said)
    expect(post(http, body(log, 50, 60, proof=[])), 422)
    expect(post(http, body(log, 50, 50, proof=[bytes(32)])), 422)
    expect(post(http, body(log, 50, 60, proof=[bytes(32)] * 63)), 422)
    expect(post(http, body(log, 50, 60)), 200)


def test_an_empty_tree(http: httpx2.Client, log: MemoryLog) -> None:
    text = Checkpoint(log.origin, 0, bytes(32)).text
    expect(post(http, body(log, 0, 0, Note(text).signed(log.keys[0].sign(text, TIME)))), 422)
    expect(post(http, body(log, 0, 0)), 200)
    expect(post(http, body(log, 0, 5)), 200)


def test_signatures(http: httpx2.Client, log: MemoryLog) -> None:
    stranger, other = MemoryLog(log.origin, seed=90), MemoryLog("unknown.eksempel.dk/log")
    expect(post(http, body(other, 0, 5)), 404)
    expect(post(http, body(log, 0, 5, stranger.note(5))), 403)
    expect(post(http, body(log, 0, 5, Note(log.checkpoint(5).text, (log.note(6).signatures[0],)))), 403)
    true, false = log.note(5).signatures[0], log.note(6).signatures[0]
    expect(post(http, body(log, 0, 5, Note(log.checkpoint(5).text, (true, false)))), 403)
    expect(post(http, body(log, 0, 5, Note(log.checkpoint(5).text, (true,) * 101))), 400)
    many = [SigningKey.ed25519(f"stranger-{number}", bytes([number] * 32)) for number in range(17)]
    expect(post(http, body(log, 0, 5, log.note(5, *many, log.keys[0]))), 200)
    expect(post(http, body(log, 5, 5, Note(log.checkpoint(5).text, (true, true)))), 200)


HASH = b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("old", "lines"),
    [
        ("-1", []),
        ("00", []),
        ("01", []),
        ("9223372036854775808", []),
        ("9" * 400, []),
        ("0x1", []),
        ("", []),
        ("0", [b64encode(bytes(31)).decode()]),
        ("0", [b64encode(bytes(33)).decode()]),
        ("0", [HASH.rstrip("=")]),
        ("0", ["%%%"]),
        ("0", [HASH] * 64),
    ],
)
def test_what_is_no_submission(http: httpx2.Client, old: str, lines: list[str]) -> None:
    log = LOGS[-1]
    content = "\n".join([f"old {old}", *lines]) + f"\n\n{log.note(5)}"
    expect(post(http, content.encode()), 400)
    expect(monitored(http, log), 404)


@pytest.mark.parametrize("content", [b"", b"\0", b"old 0\n\n", b"\xff" * 100, b"old 0\n\n" + b"x" * 500_000])
def test_what_is_no_checkpoint(http: httpx2.Client, content: bytes) -> None:
    expect(post(http, content), 400)


@pytest.mark.slow
def test_bodies_have_limits_in_size_and_time(http: httpx2.Client, witness: RunningWitness) -> None:
    expect(post(http, b"x" * (512 * 1024 + 1)), 413)
    expect(post(http, b"x" * 5_000_000), 413)
    with socket.create_connection(("127.0.0.1", int(witness.url.rpartition(":")[2])), timeout=20) as slow:
        slow.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 10\r\n\r\nold")
        began = monotonic()
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")
        assert 5 < monotonic() - began < 15


def test_other_addresses_and_methods(http: httpx2.Client) -> None:
    expect(http.get("/add-checkpoint"), 405)
    expect(http.post(f"/{'0' * 64}/checkpoint"), 405)
    for path in ("/", "/checkpoint", f"/{'0' * 64}/checkpoint", f"/{'A' * 64}/checkpoint", "/..%2f/checkpoint"):
        expect(http.get(path), 404)


def test_one_connection_carries_many_requests(witness: RunningWitness) -> None:
    connection = HTTPConnection("127.0.0.1", int(witness.url.rpartition(":")[2]), timeout=20)
    connection.connect()
    first = connection.sock
    for _ in range(3):
        connection.request("POST", "/add-checkpoint", body=b"nonsense")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (400, b"malformed\n")
        assert connection.sock is first
    connection.close()


def test_of_submissions_at_once_one_wins(witness: RunningWitness, log: MemoryLog) -> None:
    bodies = [body(log, 0, size) for size in range(1, 9)]

    def submit(content: bytes) -> httpx2.Response:
        return httpx2.post(f"{witness.url}/add-checkpoint", content=content, timeout=30)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(submit, bodies))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    won = 1 + [answer.status_code for answer in answers].index(200)
    assert {answer.text for answer in answers if answer.status_code == 409} == {f"{won}\n"}


@pytest.mark.slow
def test_killed_between_answers_it_goes_on_from_what_it_answered(tmp_path: Path) -> None:
    log = MemoryLog()
    fork = MemoryLog(fork=1)
    keys, old = [key.vkey for key in log.keys], 0
    for _ in range(3):
        with witnessing(tmp_path, keys) as running, ThreadPoolExecutor(1) as pool:
            sizes: list[int] = []

            def grow(url: str = running.url, size: int = old, sizes: list[int] = sizes) -> None:
                while True:
                    content = body(log, size, size + 1)
                    if httpx2.post(f"{url}/add-checkpoint", content=content, timeout=30).status_code != 200:
                        return
                    size += 1
                    sizes.append(size)

            growing = pool.submit(grow)
            while len(sizes) < 20 and not growing.done():
                pass
            running.process.send_signal(signal.SIGKILL)
            running.process.wait(20)
            assert isinstance(growing.exception(30), httpx2.HTTPError)
        with witnessing(tmp_path, keys) as running:
            origin = sha256(log.origin.encode()).hexdigest()
            kept = read_checkpoint(httpx2.get(f"{running.url}/{origin}/checkpoint").content)[0]
            assert kept.size - sizes[-1] in (0, 1)  # remembered and not answered is no harm; the other way is
            assert kept == log.checkpoint(kept.size)
            content = body(fork, kept.size, kept.size, proof=[])
            assert httpx2.post(f"{running.url}/add-checkpoint", content=content).status_code == 422
            old = kept.size


def test_the_commands_say_what_is_wrong(tmp_path: Path) -> None:
    command = Inside(CLEAN)
    nowhere = tmp_path / "nowhere"
    assert "no witness in this folder" in command.refused("witness", "vkey", "--folder", nowhere)[1]
    assert "no witness in this folder" in command.refused("witness", "serve", "--folder", nowhere)[1]
    created(tmp_path / "w", [])
    assert "another name" in command.refused("witness", "create", "other", "--folder", tmp_path / "w")[1]
    assert "name+id+key" in command.refused("witness", "add", "nonsense", "--folder", tmp_path / "w")[1]
    key = command.done("witness", "vkey", "--folder", tmp_path / "w").splitlines()[0]
    assert key.startswith(f"{NAME}+")
    assert "kinds 01" in command.refused("witness", "add", key, "--folder", tmp_path / "w")[1]
    serve = ("witness", "serve", "--folder", tmp_path / "w")
    assert "only HTTPS" in command.refused(*serve, "--host", "0.0.0.0")[1]
    assert command.refused(*serve, "--host", "witness.eksempel.dk")[0] == 2
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "is taken" in command.refused(*serve, "--port", port)[1]
