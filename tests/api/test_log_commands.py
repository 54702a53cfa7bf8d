"""The commands ``caseledger log``: what they print, write and refuse, and that a rotation is completed, once."""

import os
import shutil
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from api import log_rotation
from api.log_publishing import signed_now
from api.log_rotation import PURPOSE, RotationOver, rotate_log_keys
from api.opening import Place
from api.principals import command_line_principal
from domain.events.administration import KeyRotated
from ledger.mapper import read_clear
from ledger.merkle import leaf_hash, root_of
from ledger.proof.checkpoints import Checkpoint, read_checkpoint
from ledger.proof.notes import Note, VerifierKey, verified
from ledger.proof.publisher import Publisher
from ledger.proof.records import ProofRecords
from ledger.proof.signer import FileSigner
from ledger.proof.tiles import bundles_of, tiles_of
from ledger.store import Ledger
from tests.api.service import Inside, environment
from tests.api.test_log_upkeep import append, running
from tests.ledger.samples import connected, unhindered

PRINCIPAL = command_line_principal("rotate log keys")


@pytest.fixture
def filled_ledger(real: Place, ledger: Ledger) -> Ledger:
    """A ledger of 700 events."""
    append(ledger, 700 - ledger.head().size)
    return ledger


@pytest.fixture
def command(real: Place) -> Inside:
    """The command line over it."""
    return Inside(environment(real.conninfo, real.home))


def files(folder: Path) -> dict[str, bytes]:
    """Return the files of an export by path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def checked(folder: Path) -> Checkpoint:
    """Return the checkpoint of an export, having rebuilt its tree from the entries that lie beside it."""
    keys = list(map(VerifierKey.read, (folder / "log.vkey").read_text().splitlines()))
    checkpoint, note = read_checkpoint((folder / "checkpoint").read_bytes())
    assert verified(note, keys)
    leaves: list[bytes] = []
    for bundle in bundles_of(checkpoint.size):
        content = (folder / "tile" / bundle.path).read_bytes()
        leaves += [leaf_hash(content[at + 2 : at + 35]) for at in range(0, len(content), 35)]
    assert root_of(leaves) == checkpoint.root
    assert all((folder / "tile" / tile.path).exists() for tile in tiles_of(checkpoint.size))
    return checkpoint


class TestCheckpoint:
    """One checkpoint, now."""

    def test_it_is_made_here_where_nobody_publishes(self, command: Inside, filled_ledger: Ledger) -> None:
        """It is printed as it is stored, and a second one is the same."""
        said = command.done("log", "checkpoint")
        checkpoint, note = read_checkpoint(said)
        head = filled_ledger.head()
        assert (checkpoint.size, checkpoint.root) == (head.size, head.root)
        keys = list(map(VerifierKey.read, command.done("log", "vkey").splitlines()))
        assert [key.kind for key in keys] == [1, 6]
        assert set(verified(note, keys)) == set(keys)
        assert command.done("log", "checkpoint") == said

    def test_the_worker_is_asked_where_it_has_its_turn(
        self, command: Inside, real: Place, filled_ledger: Ledger
    ) -> None:
        """And that is said beside the checkpoint."""
        with running(real):
            command("log", "checkpoint")
            size = append(filled_ledger)
            result = command("log", "checkpoint")
        assert (result.returncode, result.stderr) == (0, "The worker has made it.\n")
        assert read_checkpoint(result.stdout)[0].size == size

    def test_without_anything_signed_there_are_no_keys(self, command: Inside, ledger: Ledger) -> None:
        """One line, with what to do."""
        code, line = command.refused("log", "vkey")
        assert (code, "caseledger log checkpoint" in line) == (1, True)
        assert ProofRecords(ledger).vkeys() == ""

    def test_a_signer_that_is_gone_is_not_replaced(self, command: Inside, real: Place, filled_ledger: Ledger) -> None:
        """Where keys are on record a new signer would not know what was signed."""
        command.done("log", "checkpoint")
        append(filled_ledger)
        shutil.rmtree(real.home / "signer")
        code, line = command.refused("log", "checkpoint")
        assert (code, "no signer in its folder" in line) == (1, True)


class TestExport:
    """Static files."""

    def test_a_stranger_rebuilds_the_tree_from_the_files(
        self, command: Inside, filled_ledger: Ledger, tmp_path: Path
    ) -> None:
        """Only what is new is written by a later run, and partial tiles of earlier sizes stay."""
        folder = tmp_path / "export"
        command.done("log", "checkpoint")
        assert command.done("log", "export", folder) == "Exported 700 entries: 9 files are new.\n"
        assert checked(folder).size == 700
        first = files(folder)
        assert command.done("log", "export", folder) == "Exported 700 entries: 0 files are new.\n"
        assert files(folder) == first
        append(filled_ledger, 100)
        command.done("log", "checkpoint")
        assert command.done("log", "export", folder).startswith("Exported 800 entries: 6 files")
        assert checked(folder).size == 800
        later = files(folder)
        assert all(later[name] == content for name, content in first.items() if name != "checkpoint")
        assert {"tile/0/002.p/188", "tile/0/002", "tile/0/003.p/32"} <= later.keys()
        assert (folder / "checkpoint").stat().st_mode & 0o044 == 0o044

    @pytest.mark.parametrize("files_before", range(1, 10))
    def test_an_export_that_was_cut_off_is_completed(
        self, command: Inside, filled_ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files_before: int
    ) -> None:
        """Whatever file it was cut off before."""
        del filled_ledger
        command.done("log", "checkpoint")
        folder, done, real_fsync = tmp_path / "export", 0, os.fsync

        def failing(descriptor: int) -> None:
            nonlocal done
            done += 1
            if done == 2 * files_before - 1:  # each file is flushed, and then its folder
                raise OSError(28, "No space left on device")
            real_fsync(descriptor)

        monkeypatch.setattr(os, "fsync", failing)
        code, line = command.refused("log", "export", folder)
        assert (code, "No space left" in line) == (1, True)
        monkeypatch.undo()
        assert not (folder / "checkpoint").exists()
        command.done("log", "export", folder)
        assert checked(folder).size == 700

    def test_another_logs_export_is_left_alone(
        self, command: Inside, real: Place, filled_ledger: Ledger, tmp_path: Path
    ) -> None:
        """By its keys, its checkpoint, a tile: each refused, and nothing is written."""
        command.done("log", "checkpoint")
        other = FileSigner(tmp_path / "other", lambda: 1.0)
        other.create("elsewhere.eksempel/log")
        note = str(other.sign(5, bytes(32), []))
        ours = ProofRecords(filled_ledger).latest()
        assert ours is not None
        size = ours.checkpoint.size
        forged = real.signer(filled_ledger.id).sign(size, ours.checkpoint.root, [])
        text = forged.text.replace(b64encode(ours.checkpoint.root).decode(), b64encode(bytes(32)).decode())
        for name, content, reason in (
            ("log.vkey", f"{other.vkeys[0]}\n", "keys of another log"),
            ("checkpoint", note, "another log"),
            ("checkpoint", "hello\n", "no checkpoint"),
            ("checkpoint", str(Note(text, forged.signatures)), "no checkpoint of this log"),
            ("tile/0/000", "x", "A tile in the folder"),
        ):
            folder = tmp_path / f"case-{reason[:6]}-{name.replace('/', '-')}"
            (folder / name).parent.mkdir(parents=True)
            (folder / name).write_text(content)
            code, line = command.refused("log", "export", folder)
            assert (code, reason in line) == (1, True), line
            assert files(folder) == {name: content.encode()}
            shutil.rmtree(folder)

    def test_a_log_that_was_set_back_does_not_overwrite_its_export(
        self, command: Inside, real: Place, filled_ledger: Ledger, tmp_path: Path
    ) -> None:
        """What is exported is larger than what is on record, or is no beginning of it."""
        command.done("log", "checkpoint")
        command.done("log", "export", tmp_path / "export")
        before = files(tmp_path / "export")
        append(filled_ledger, 10)
        command.done("log", "checkpoint")
        with connected(real) as owner, unhindered(owner, keep=True):
            owner.execute("UPDATE proof.tile SET hashes = decode(repeat('00', 64), 'hex') WHERE level = 1")
        code, line = command.refused("log", "export", tmp_path / "export")
        assert (code, "does not begin with" in line) == (1, True)
        assert files(tmp_path / "export") == before

    def test_a_folder_that_cannot_be_written_is_one_line(
        self, command: Inside, filled_ledger: Ledger, tmp_path: Path
    ) -> None:
        """And so is nothing signed yet."""
        del filled_ledger
        assert "Nothing of this log is signed" in command.refused("log", "export", tmp_path / "x")[1]
        command.done("log", "checkpoint")
        (tmp_path / "file").write_text("")
        code, line = command.refused("log", "export", tmp_path / "file")
        assert (code, "cannot be written" in line) == (1, True)


class Cut(Exception):
    """The run ends here."""


def cut_off(place: Place, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, name: str, *, after: bool) -> None:
    """Rotate, and let the run end before or after one of its steps."""
    owner = FileSigner if name in ("begin_rotation", "end_rotation") else log_rotation
    original: Callable[..., object] = getattr(owner, name)

    def ending(*arguments: object) -> object:
        if after:
            original(*arguments)
        raise Cut

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, ending)
        with pytest.raises(Cut):
            rotate_log_keys(place, ledger, PRINCIPAL, None)


def rotations(ledger: Ledger) -> list[tuple[int, KeyRotated]]:
    """Return position and content of the rotations on record."""
    rows = [(row.position, read_clear(row).data) for row in ledger.read_topic(KeyRotated.TOPIC)]
    return [(position, KeyRotated.model_validate(data, strict=False)) for position, data in rows]


def all_verify(ledger: Ledger) -> int:
    """Check every stored checkpoint by the keys of its time; returns how many there are."""
    records = ProofRecords(ledger)
    found = records.after(0)
    for published in found:
        keys = records.keys_at(published.checkpoint.size)
        assert len(keys) == 2
        assert set(keys) <= set(verified(published.note, keys))
    return len(found)


class TestRotating:
    """New keys sign, old checkpoints stand."""

    def test_three_rotations(self, command: Inside, real: Place, filled_ledger: Ledger) -> None:
        """Each is announced by an event that a checkpoint signed by both holds; every checkpoint verifies for ever."""
        records = ProofRecords(filled_ledger)
        generations: list[set[VerifierKey]] = []
        for turn in range(3):
            append(filled_ledger)
            said = command.done("log", "rotate", "--approved-by", "u-5").splitlines()
            signer = real.signer(filled_ledger.id)
            assert said[1:] == list(map(str, signer.vkeys))
            generations.append(set(signer.vkeys))
            position, event = rotations(filled_ledger)[turn]
            assert (event.purpose, event.approved_by) == (PURPOSE, "u-5")
            assert event.verification_keys == tuple(map(str, signer.vkeys))
            assert event.new_key == "+".join(str(signer.vkeys[0]).split("+")[:2])
            assert len(list((real.home / "signer").rglob("*.key"))) == 2
            both = records.covering(position)
            assert both is not None
            assert len(both.note.signatures) == 4
            append(filled_ledger)
            command.done("log", "checkpoint")
        assert len({key for keys in generations for key in keys}) == 6
        keys = records.keys()
        assert [announced for _, announced in keys] == [
            None,
            None,
            *(p for p, _ in rotations(filled_ledger) for _ in (1, 2)),
        ]
        assert [key.kind for key, _ in keys] == [1, 6] * 4
        assert command.done("log", "vkey").splitlines() == [str(key) for key, _ in keys]
        assert rotations(filled_ledger)[0][1].old_key == "+".join(str(keys[0][0]).split("+")[:2])
        assert all_verify(filled_ledger) >= 6
        latest = records.latest()
        assert latest is not None
        assert set(verified(latest.note, [key for key, _ in keys])) == generations[-1]

    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize(
        "name", ["begin_rotation", "_announce", "put_keys_on_record", "_require_both", "end_rotation"]
    )
    def test_cut_off_anywhere_it_is_completed(
        self, real: Place, filled_ledger: Ledger, monkeypatch: pytest.MonkeyPatch, name: str, *, after: bool
    ) -> None:
        """The log is published meanwhile, the event is there once, and the keys before are gone in the end."""
        cut_off(real, filled_ledger, monkeypatch, name, after=after)
        append(filled_ledger)
        with closing(Publisher(real.conninfo, real.signer(filled_ledger.id))) as publisher:
            assert publisher.has_turn()
            publisher.prepare(real.origin(filled_ledger.id))
            publisher.publish()
        ended = name == "end_rotation" and after
        if not ended:
            rotate_log_keys(real, filled_ledger, PRINCIPAL, None)
        assert len(rotations(filled_ledger)) == 1
        append(filled_ledger)
        signed_now(real, filled_ledger)
        assert all_verify(filled_ledger) >= 3
        assert len(list((real.home / "signer").rglob("*.key"))) == 2
        assert set(ProofRecords(filled_ledger).keys_at(2**62)) == set(real.signer(filled_ledger.id).vkeys)

    def test_beside_a_worker(self, command: Inside, real: Place, filled_ledger: Ledger) -> None:
        """The worker goes on publishing: by both keys, then by the new ones."""
        with running(real):
            command.done("log", "rotate")
            position = append(filled_ledger)
            command("log", "checkpoint")
        assert ProofRecords(filled_ledger).covering(position)
        assert all_verify(filled_ledger) >= 2

    def test_a_run_that_another_one_overtook_says_so(
        self, real: Place, filled_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It neither announces keys that sign no more nor rotates again."""
        begin = FileSigner.begin_rotation

        def overtaken(signer: FileSigner) -> tuple[VerifierKey, ...]:
            new = begin(signer)
            with monkeypatch.context() as patched:
                patched.setattr(FileSigner, "begin_rotation", begin)
                rotate_log_keys(real, filled_ledger, PRINCIPAL, None)
            return new

        with monkeypatch.context() as patched:
            patched.setattr(FileSigner, "begin_rotation", overtaken)
            with pytest.raises(RotationOver):
                rotate_log_keys(real, filled_ledger, PRINCIPAL, None)
        assert len(rotations(filled_ledger)) == 1

    def test_the_first_version_of_the_event_is_readable(self) -> None:
        """Rotations of other keys that were recorded before."""
        old = {"purpose": "search_index", "old_key": "a", "new_key": "b"}
        assert KeyRotated.model_validate(KeyRotated.upcast_v1_v2(old)).verification_keys is None
