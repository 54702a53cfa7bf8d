"""``caseledger verify`` as a person or a program calls it: what it prints, its exit codes, what it refuses."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from time import time

import orjson
import pytest

from api.cli_verify import bar
from api.opening import Place
from ledger.proof.checkpoints import Checkpoint
from ledger.proof.notes import COSIGNATURE, Note, SigningKey
from ledger.proof.publisher import Publisher, default_origin
from ledger.proof.records import ProofRecords
from ledger.proof.signer import FileSigner
from ledger.store import Ledger
from tests.api.service import Inside, environment
from tests.ledger.samples import connected, unhindered
from tests.replay.scene import cosign_checkpoint

WITNESS = SigningKey.ed25519("witness.nabokommune.example", bytes(32), COSIGNATURE)
STRANGER = SigningKey.ed25519("somewhere.else", bytes(32))


@dataclass(frozen=True, slots=True)
class Auditor:
    """The command line over the six stories, which were published and cosigned once, and the auditor's own files."""

    command: Inside
    place: Place
    ledger: Ledger
    folder: Path

    def file(self, name: str, content: str | bytes) -> Path:
        """Return a file of the auditor's with some content."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    @property
    def size(self) -> int:
        """How many events there are."""
        return self.ledger.head().size

    @property
    def case(self) -> str:
        """The id of a case."""
        return str(self.ledger.read_topic("case_opened")[0].stream)


@pytest.fixture
def auditor(stories: Place, tmp_path: Path) -> Generator[Auditor]:
    """An auditor with the log's key, a policy and the newest checkpoint."""
    signer = FileSigner(tmp_path / "signer", time)
    with stories.ledger() as ledger, connected(stories) as connection:
        keys = signer.create(default_origin(ledger.id))
        publisher = Publisher(stories.conninfo, signer)
        publisher.publish()
        publisher.close()
        latest = ProofRecords(ledger).latest()
        assert latest is not None
        cosign_checkpoint(connection, latest.checkpoint.size, latest.checkpoint.text, int(time()), (WITNESS,))
        found = Auditor(Inside(environment(stories.conninfo, tmp_path / "home")), stories, ledger, tmp_path)
        found.file("kept", str(latest.note))
        found.file("log.vkey", "# the log\n" + "\n".join(map(str, keys)) + "\n")
        found.file("policy", f"log {keys[0]}\nwitness nabo {WITNESS.vkey}\nquorum nabo\n")
        yield found


def damage(auditor: Auditor, position: int) -> None:
    """Change a stored byte."""
    with connected(auditor.place) as connection, unhindered(connection, keep=True):
        connection.execute("UPDATE ledger.event SET state = state || ' ' WHERE position = %s", [position])


def test_a_person_reads_what_was_checked_against_what(auditor: Auditor) -> None:
    """Without key and policy the report says what that leaves open; with them it says what they have shown."""
    said = auditor.command.done("verify")
    assert said.startswith(f"INTACT: {auditor.size} events in ")
    assert "1 checkpoints, by keys from this database: give --log-key" in said
    assert "witnessed not checked: give --policy" in said
    said = auditor.command.done(
        "verify", "--log-key", auditor.folder / "log.vkey", "--policy", auditor.folder / "policy"
    )
    assert "by the key that was given" in said
    assert f"witnessed up to size {auditor.size}; 1 cosignatures checked" in said
    assert "the clock is simulated" in said


def test_a_key_may_be_given_as_text(auditor: Auditor) -> None:
    """Several times, too; a key that is not the log's is a fault, not a refusal."""
    keys = (auditor.folder / "log.vkey").read_text().split("\n")[1:3]
    assert auditor.command.done("verify", "--log-key", keys[0], "--log-key", keys[1]).startswith("INTACT")
    result = auditor.command("verify", "--log-key", str(STRANGER.vkey))
    assert result.returncode == 1
    assert "[log-key]" in result.stdout


def test_a_kept_checkpoint_spares_what_was_before_it(auditor: Auditor) -> None:
    """Nothing is new, and that is well; the report says from where it went on."""
    said = auditor.command.done("verify", "--since", auditor.folder / "kept")
    assert said.startswith(f"INTACT: 0 events recorded after the kept checkpoint of size {auditor.size}")


def test_one_case_alone(auditor: Auditor) -> None:
    """Its events are counted, and a fault of another case is not its own."""
    case = auditor.case
    damage(auditor, next(row.position for row in auditor.ledger.read_range(2, 200) if str(row.stream) != case))
    assert f"events of case {case}" in auditor.command.done("verify", "--case", case)
    assert auditor.command("verify").returncode == 1


def test_programs_read_one_document(auditor: Auditor) -> None:
    """It says whether all is well, and names each fault by its check and place; the exit code is the same."""
    report = orjson.loads(auditor.command.done("verify", "--json"))
    assert (report["intact"], report["events"], report["checkpoints"], report["faults"]) == (True, auditor.size, 1, [])
    damage(auditor, 102)
    result = auditor.command("verify", "--json")
    assert result.returncode == 1
    (fault,) = orjson.loads(result.stdout)["faults"]
    assert (fault["check"], fault["position"]) == ("payload", 102)


def note(auditor: Auditor, size: int, origin: str | None = None, key: SigningKey = STRANGER) -> str:
    """Return a checkpoint of any size, signed by anybody."""
    text = Checkpoint(origin or default_origin(auditor.ledger.id), size, bytes(32)).text
    return str(Note(text).signed(key.sign(text, 1)))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is no checkpoint"),
        (b"\xff\xfe", "is no checkpoint"),
        ("x" * 2_000_000, "is no checkpoint"),
        ("somewhere\n-1\nAAAA\n\n", "is no checkpoint"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused(auditor: Auditor, content: str | bytes, reason: str) -> None:
    """In one line, with exit code 1."""
    code, line = auditor.command.refused("verify", "--since", auditor.file("bad", content))
    assert code == 1
    assert reason in line
    assert len(line) < 300


def test_a_checkpoint_that_cannot_be_kept_of_this_log_is_refused(auditor: Auditor) -> None:
    """Of another log, of an empty ledger, signed by nobody known: each in one line, with exit code 1."""
    for content, reason in (
        (note(auditor, 5, "somewhere.else"), "another log"),
        (note(auditor, 5), "signed by no key"),
        (note(auditor, 0), "empty ledger"),
        (note(auditor, 5, key=SigningKey.ed25519(default_origin(auditor.ledger.id), bytes(32))), "signed by no key"),
    ):
        code, line = auditor.command.refused("verify", "--since", auditor.file("bad", content))
        assert code == 1
        assert reason in line


def test_a_checkpoint_larger_than_the_ledger_tells_of_a_loss(auditor: Auditor) -> None:
    """Signed by the log itself, it is no mistake of the auditor's: the line says what has happened."""
    folder = auditor.folder / "signer"
    (folder / "last-checkpoint").unlink()
    content = str(FileSigner(folder, time).sign(auditor.size + 1, bytes(32), []))
    code, line = auditor.command.refused("verify", "--since", auditor.file("bad", content))
    assert code == 1
    assert f"holds {auditor.size + 1} events, the ledger only {auditor.size}" in line
    assert "removed" in line


@pytest.mark.parametrize("option", ["--since", "--policy", "--log-key"])
def test_a_file_that_is_not_there_is_named(auditor: Auditor, option: str) -> None:
    """With the option it was given to."""
    code, line = auditor.command.refused("verify", option, auditor.folder / "nowhere")
    assert code == 1
    assert option in line


def test_other_bad_files_are_refused_in_one_line(auditor: Auditor) -> None:
    """A key that is none, a file without a key, a policy that is none, a case that nobody has."""
    for arguments, reason in (
        (["--log-key", "a+b+c"], "is no key"),
        (["--log-key", auditor.file("empty", "\n")], "holds no key"),
        (["--policy", auditor.file("bad", "log x\n")], "line 1"),
        (["--case", "00000000-0000-4000-8000-000000000000"], "no case with this id"),
    ):
        code, line = auditor.command.refused("verify", *arguments)
        assert code == 1
        assert reason in line


@pytest.mark.parametrize("arguments", [["--case", "S6"], ["--case", "x", "--since", "y"], ["--since"], ["--json", "x"]])
def test_wrong_calls_leave_with_two(auditor: Auditor, arguments: list[str]) -> None:
    """What cannot be meant is refused before anything is read."""
    assert auditor.command.refused("verify", *arguments)[0] == 2


def test_nothing_was_published_yet(filled: Inside, tmp_path: Path) -> None:
    """Then no checkpoint of this ledger can have been kept, and events are counted as unsigned."""
    assert "events are in no checkpoint yet" in filled.done("verify")
    text = Checkpoint("somewhere", 1, bytes(32)).text
    (tmp_path / "kept").write_text(str(Note(text).signed(STRANGER.sign(text, 1))))
    assert "has published no checkpoint" in filled.refused("verify", "--since", tmp_path / "kept")[1]


def test_the_bar_tells_rate_and_time_left() -> None:
    """Whatever was done, the line has one width, so that nothing of the last one stays."""
    line = bar(50_000, 200_000, 1.0)
    assert line.rstrip() == f"[{'#' * 7:<30}]  25%  50,000 of 200,000 events  50,000/s  3 s left"
    assert {len(bar(*at)) for at in ((0, 10, 0.0), (10, 10, 1.0), (12, 10, 1.0), (0, 0, 0.0))} == {100}
