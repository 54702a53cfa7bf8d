"""The signer: what it refuses, what it repeats, and that no death of it gives two roots or loses a key."""

import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledger.proof.checkpoints import read_checkpoint
from ledger.proof.notes import COSIGNATURE_ML_DSA, ED25519, VerifierKey, read_note, verified
from ledger.proof.signer import FileSigner, SignerMissing, SignerRefused
from tests.ledger.proof.signer_worker import ORIGIN, proof, root

ROOT = Path(__file__).parents[3]
NOW = 1_700_000_000.0
KILLED_AFTER = {"create": 6, "sign": 3, "begin": 6, "end": 4}
"""How many of its file operations each action has at least: otherwise nothing was tried."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a signer that has signed a tree of 200 leaves."""
    at(tmp_path / "signer").create(ORIGIN)
    at(tmp_path / "signer").sign(200, root(200), [])
    return tmp_path / "signer"


def at(folder: Path) -> FileSigner:
    """Return the signer in a folder as another process opens it."""
    return FileSigner(folder, lambda: NOW)


def key_files(folder: Path) -> set[str]:
    """Return the names of the files of keys."""
    return {path.stem for path in folder.glob("keys/*.key")}


def test_a_new_signer_signs_with_both_kinds_of_key(tmp_path: Path) -> None:
    """Each key is named by the origin; the ML-DSA-44 signature holds the time; only the owner reads the files."""
    signer = at(tmp_path / "new")
    keys = signer.create(ORIGIN)
    assert [key.kind for key in keys] == [ED25519, COSIGNATURE_ML_DSA]
    assert {key.name for key in keys} == {signer.origin} == {ORIGIN}
    assert signer.last() is None
    note = signer.sign(3, root(3), [])
    assert verified(note, keys) == dict(zip(keys, (None, int(NOW)), strict=True))
    assert at(tmp_path / "new").last() == read_checkpoint(str(note))[0]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").rglob("*") if path.is_file()} == {0o600}
    assert at(tmp_path / "new").create(ORIGIN) == keys


def test_another_logs_folder_is_refused(folder: Path) -> None:
    """One signer is of one log."""
    with pytest.raises(SignerMissing, match="another log"):
        at(folder).create("ledger.eksempel.dk/other")


def test_without_a_signer_nothing_is_signed(tmp_path: Path) -> None:
    """A folder that is empty makes no keys by itself."""
    signer = at(tmp_path / "nothing")
    for ask in (lambda: signer.vkeys, signer.last, lambda: signer.sign(1, root(1), []), signer.begin_rotation):
        with pytest.raises(SignerMissing, match="no signer in its folder"):
            ask()
    assert key_files(tmp_path / "nothing") == set()


def test_the_same_checkpoint_again_is_the_same_bytes(folder: Path) -> None:
    """Also from another process, and at another time: the time that was signed first stays."""
    first = at(folder).sign(300, root(300), proof(200, 300))
    again = FileSigner(folder, lambda: NOW + 3600).sign(300, root(300), [])
    assert str(again) == str(first)


@pytest.mark.parametrize(
    ("size", "of", "proven", "reason"),
    [
        (199, 199, [], "signed 200 entries before and is asked to sign 199"),
        (0, 0, [], "asked to sign 0"),
        (200, 199, [], "another root for 200"),
        (300, 300, [], "not one that the tree of 200 entries grew into"),
        (300, 299, proof(200, 300), "not one that"),
        (300, 300, proof(200, 299), "not one that"),
        (300, 300, proof(199, 300), "not one that"),
        (300, 300, proof(200, 300)[:-1], "not one that"),
        (300, 300, [*proof(200, 300), bytes(32)], "not one that"),
        (300, 300, [b"short", *proof(200, 300)[1:]], "not one that"),
        (2**63, 300, proof(200, 300), "not one that"),
    ],
)
def test_what_does_not_go_on_is_refused(folder: Path, size: int, of: int, proven: list[bytes], reason: str) -> None:
    """Smaller, of another root, or not proven to have grown out of the last one; and nothing of it is remembered."""
    before = (folder / "last-checkpoint").read_bytes()
    with pytest.raises(SignerRefused, match=reason):
        at(folder).sign(size, root(of), proven)
    assert (folder / "last-checkpoint").read_bytes() == before
    at(folder).sign(300, root(300), proof(200, 300))


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[]", b'{"origin": 1}', b"\xff"])
@pytest.mark.parametrize("name", ["state.json", "last-checkpoint"])
def test_a_damaged_file_stops_it(folder: Path, name: str, content: bytes) -> None:
    """It says so in one line, whatever the file holds; nothing is signed on a guess."""
    (folder / name).write_bytes(content)
    with pytest.raises(SignerMissing, match="damaged"):
        at(folder).sign(300, root(300), proof(200, 300))


@pytest.mark.parametrize("content", [None, b"", b"\x01", b"\x01" + bytes(31), b"\x07" + bytes(32), b"\x01" + bytes(32)])
def test_a_damaged_key_stops_it(folder: Path, content: bytes | None) -> None:
    """Missing, cut off, of an unknown kind, or another one than it was."""
    path = sorted(folder.glob("keys/*.key"))[0]
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SignerMissing, match="restore its folder from escrow"):
        at(folder).sign(300, root(300), proof(200, 300))
    with pytest.raises(SignerMissing):
        assert at(folder).vkeys


def test_a_rotation_has_both_sign_and_then_the_new_ones(folder: Path) -> None:
    """While it lasts four signatures stand below a checkpoint; in the end the old keys are gone."""
    old = at(folder).vkeys
    new = at(folder).begin_rotation()
    assert at(folder).begin_rotation() == new
    assert not set(old) & set(new)
    assert at(folder).vkeys == (*old, *new)
    both = at(folder).sign(300, root(300), proof(200, 300))
    assert set(verified(both, at(folder).vkeys)) == {*old, *new}
    at(folder).end_rotation()
    assert at(folder).vkeys == new
    assert key_files(folder) == {key.key_id.hex() for key in new}
    assert str(at(folder).sign(300, root(300), [])) == str(both), "what was signed is never signed again"
    later = at(folder).sign(400, root(400), proof(300, 400))
    assert set(verified(later, [*old, *new])) == set(new)
    at(folder).end_rotation()
    assert at(folder).vkeys == new


def test_many_ask_at_the_same_time(folder: Path) -> None:
    """Those who ask for one checkpoint get the same bytes; a larger one that came first refuses the smaller."""

    def ask(size: int) -> str | None:
        try:
            return str(at(folder).sign(size, root(size), proof(200, size)))
        except SignerRefused:
            return None

    with ThreadPoolExecutor(8) as threads:
        given = list(threads.map(ask, [300, 301] * 8))
    assert {note for note in given if note} <= {str(ask(300)), str(ask(301)), *filter(None, given)}
    for size in (300, 301):
        assert len({note for note in given if note and f"\n{size}\n" in note}) <= 1
    last = at(folder).last()
    assert last is not None
    assert last.size in (300, 301)


def run(folder: Path, action: str, kill_at: int) -> tuple[bool, str]:
    """Let another process work with a signer; whether it came to its end before it was killed, and what it gave out."""
    command = [sys.executable, "-m", "tests.ledger.proof.signer_worker", str(folder), action, str(kill_at)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=False, text=True)
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return ended.returncode == 0, ended.stdout


def killed(folder: Path, action: str, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Yield copies of a folder in which a process was killed before each of its file operations in turn."""
    for kill_at in range(1, 60):
        copy = tmp_path / f"{action}-{kill_at}"
        if folder.exists():
            shutil.copytree(folder, copy)
        ended, said = run(copy, action, kill_at)
        if ended:
            assert kill_at > KILLED_AFTER[action], kill_at
            return
        yield copy, said
    pytest.fail("never came to its end")


@pytest.mark.slow
def test_making_one_killed_at_any_point_is_made_by_the_next(tmp_path: Path) -> None:
    """Whole or absent; the keys that are told are those that sign."""
    for copy, _ in killed(tmp_path / "none", "create", tmp_path):
        keys = at(copy).create(ORIGIN)
        assert set(verified(at(copy).sign(1, root(1), []), keys)) == set(keys)


def test_signing_killed_at_any_point_gives_one_root(folder: Path, tmp_path: Path) -> None:
    """What was given out is what is remembered; the next one gives the same bytes, and never another root."""
    keys, seen = at(folder).vkeys, set[int]()
    for copy, said in killed(folder, "sign", tmp_path):
        last = at(copy).last()
        assert last is not None
        assert last.root == root(last.size)
        seen.add(last.size)
        assert not said
        note = at(copy).sign(300, root(300), proof(last.size, 300))
        assert set(verified(note, keys)) == set(keys)
        assert str(at(copy).sign(300, root(300), [])) == str(note)
        with pytest.raises(SignerRefused, match="another root"):
            at(copy).sign(300, root(299), [])
    assert seen == {200, 300}


@pytest.mark.slow
def test_beginning_a_rotation_killed_at_any_point_loses_no_key(folder: Path, tmp_path: Path) -> None:
    """The old keys sign whatever happened; the next run has new ones, which stay those it told."""
    old = at(folder).vkeys
    for copy, _ in killed(folder, "begin", tmp_path):
        assert set(old) <= set(at(copy).vkeys)
        assert set(old) <= set(verified(at(copy).sign(300, root(300), proof(200, 300)), old))
        new = at(copy).begin_rotation()
        assert len(set(new) - set(old)) == 2
        at(copy).end_rotation()
        assert at(copy).vkeys == new


def test_ending_a_rotation_killed_at_any_point_leaves_the_new_keys_alone(folder: Path, tmp_path: Path) -> None:
    """The new keys sign whatever happened, and at the latest the next signature destroys the old ones."""
    old, new = at(folder).vkeys, at(folder).begin_rotation()
    for copy, _ in killed(folder, "end", tmp_path):
        note = read_note(str(at(copy).sign(300, root(300), proof(200, 300))))
        signed: set[VerifierKey] = set(verified(note, [*old, *new]))
        assert signed in ({*old, *new}, set(new))
        if signed == set(new):
            assert key_files(copy) == {key.key_id.hex() for key in new}
        at(copy).end_rotation()
        assert at(copy).vkeys == new
        assert key_files(copy) == {key.key_id.hex() for key in new}
