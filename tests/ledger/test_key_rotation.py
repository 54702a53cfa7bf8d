"""Rotating, retiring and taking over: no key is lost at any point, and what is to be dead is dead."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Event
from uuid import UUID, uuid4

import pytest

from ledger.errors import EpochInUse, KeyErased, KeyMissing
from ledger.key_encryption import FileKeyEncryption
from ledger.key_files import read_wrapped
from ledger.keys import FileKeyStore, Rotation, file_keys
from tests.ledger.key_worker import LEDGER, NOW, first_key

ROOT = Path(__file__).parents[2]
NIL = UUID(int=0)

Keys = dict[UUID, bytes]


def at(home: Path) -> FileKeyStore:
    """Return the key store under a home as another process opens it."""
    return file_keys(home)(LEDGER)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of a key store with the ledger's key and three more."""
    store = at(tmp_path / "home")
    store.create_ledger_key()
    for _ in range(3):
        store.create()
    return tmp_path / "home"


def ids(home: Path) -> list[UUID]:
    """Return the ids of all keys that have a file."""
    return sorted(UUID(path.stem) for path in at(home).folder.glob("??/*.key"))


def keys_of(home: Path) -> Keys:
    """Return all keys as a fresh process reads them."""
    store = at(home)
    return {key: store.get(key) for key in ids(home)}


def epochs_of(home: Path) -> set[int]:
    """Return the epochs that keys are wrapped under."""
    return {read_wrapped(path.read_bytes()).epoch for path in at(home).folder.glob("??/*.key")}


def all_read(home: Path, keys: Keys) -> bool:
    """Whether a fresh process reads exactly these keys."""
    return keys_of(home) == keys


def dead(home: Path, keys: Iterable[UUID], message: str) -> bool:
    """Whether none of these keys can be read, for one reason, and none counts as erased."""
    store = at(home)
    for key in keys:
        with pytest.raises(KeyMissing, match=message) as told:
            store.get(key)
        assert not isinstance(told.value, KeyErased)
    return True


def test_a_rotation_wraps_every_key_anew_and_changes_none(home: Path) -> None:
    """The bytes of every file differ, the keys do not; the old epoch stays readable, and a repeat finds it all done."""
    keys, files = keys_of(home), {path: path.read_bytes() for path in home.rglob("*.key")}
    store = at(home)
    assert store.get(first_key(store)) in keys.values()
    assert store.rotate(1) == Rotation(epoch=2, rewrapped=4, left=0)
    assert epochs_of(home) == {2}
    assert all_read(home, keys)
    assert store.get(first_key(store)) in keys.values()
    assert all(path.read_bytes() != content for path, content in files.items())
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert not list(home.rglob("*.rewrapped"))
    assert store.rotate(1) == Rotation(epoch=2, rewrapped=0, left=0)
    assert store.encryption.epochs() == (1, 2)
    assert store.rotate(2) == Rotation(epoch=3, rewrapped=4, left=0)


def test_after_retiring_a_copy_from_before_the_rotation_is_dead(home: Path, tmp_path: Path) -> None:
    """Before, a restored copy opens; afterwards it says that its epoch was destroyed."""
    keys = keys_of(home)
    shutil.copytree(home / "keys", tmp_path / "old")
    at(home).rotate(1)
    present = shutil.copytree(home / "keys", tmp_path / "present")
    shutil.copytree(tmp_path / "old", home / "keys", dirs_exist_ok=True)
    assert all_read(home, keys)
    assert at(home).rotate(1) == Rotation(epoch=2, rewrapped=4, left=0)
    at(home).retire(1)
    assert all_read(home, keys)
    shutil.copytree(tmp_path / "old", home / "keys", dirs_exist_ok=True)
    assert dead(home, keys, "epoch 1, whose key-encryption key was destroyed")
    shutil.copytree(present, home / "keys", dirs_exist_ok=True)
    assert all_read(home, keys)


def test_an_epoch_that_is_needed_is_not_retired(home: Path, tmp_path: Path) -> None:
    """Neither the current one, nor one that a key still lies under, nor any while a file does not tell its own."""
    store, keys = at(home), keys_of(home)
    shutil.copytree(home / "keys", tmp_path / "old")
    with pytest.raises(EpochInUse, match="current"):
        store.retire(1)
    store.rotate(1)
    for epoch in (3, 0):
        with pytest.raises(EpochInUse, match=f"no epoch {epoch}; there are: 1, 2"):
            store.retire(epoch)
    path = next((tmp_path / "old").rglob(f"{first_key(store)}.key"))
    target = next((home / "keys").rglob(path.name))
    shutil.copy(path, target)
    with pytest.raises(EpochInUse, match="1 keys are wrapped under epoch 1"):
        store.retire(1)
    target.write_bytes(b"CL")
    with pytest.raises(EpochInUse, match="do not tell"):
        store.retire(1)
    assert store.rotate(1) == Rotation(epoch=2, rewrapped=0, left=1)
    shutil.copy(path, target)
    assert store.rotate(1) == Rotation(epoch=2, rewrapped=1, left=0)
    store.retire(1)
    with pytest.raises(EpochInUse, match="no epoch 1"):
        store.retire(1)
    assert all_read(home, keys)


def test_an_erased_key_that_came_back_does_not_hold_an_epoch(home: Path, tmp_path: Path) -> None:
    """It is removed instead of being wrapped anew, and retiring makes every copy of it worthless."""
    store = at(home)
    key = first_key(store)
    shutil.copytree(home / "keys", tmp_path / "old")
    store.destroy(key, NOW)
    shutil.copytree(tmp_path / "old", home / "keys", dirs_exist_ok=True)
    assert store.rotate(1).rewrapped == 3
    assert key not in ids(home)
    shutil.copytree(tmp_path / "old" / str(LEDGER) / key.hex[-2:], store.folder / key.hex[-2:], dirs_exist_ok=True)
    for other in set(ids(home)) - {key}:  # those of the same folder are under the old epoch again
        assert at(home).get(other)
    store.rotate(1)
    shutil.copy(next((tmp_path / "old").rglob(f"{key}.key")), store.folder / key.hex[-2:])
    store.retire(1)
    assert key not in ids(home)
    with pytest.raises(KeyErased):
        at(home).get(key)


def test_key_encryption_keys_older_than_the_record_are_refused(home: Path, tmp_path: Path) -> None:
    """Where an old copy of them was restored no epoch begins: it would have the number of one that is lost."""
    shutil.copytree(home / "key-encryption", tmp_path / "old")
    at(home).rotate(1)
    shutil.rmtree(home / "key-encryption")
    shutil.copytree(tmp_path / "old", home / "key-encryption")
    with pytest.raises(KeyMissing, match="Epoch 2 has begun, but its key-encryption key is not here"):
        at(home).rotate(2)
    assert at(home).encryption.epochs() == (1,)


def test_rotations_at_the_same_time_are_one(home: Path) -> None:
    """Whoever comes second waits, and finds everything done."""
    keys = keys_of(home)
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(FileKeyStore.rotate, [at(home) for _ in range(8)], [1] * 8))
    assert {one.epoch for one in done} == {2}
    assert sorted(one.rewrapped for one in done) == [0] * 7 + [4]
    assert all_read(home, keys)


def test_keys_made_used_and_destroyed_during_rotations_are_neither_lost_nor_brought_back(home: Path) -> None:
    """While epochs come and go, others make keys, read them and destroy some; in the end each is what it has to be."""
    made: Keys = {}
    erased: list[UUID] = []
    stop = Event()

    def work(number: int) -> None:
        store = at(home)
        for turn in count(number):
            if stop.wait(0.01):
                return
            key = store.create()
            value = store.get(key)
            assert at(home).get(key) == value
            if turn % 3 == 0:
                store.destroy(key, NOW)
                erased.append(key)
            else:
                made[key] = value

    before = keys_of(home)
    with ThreadPoolExecutor(3) as threads:
        working = [threads.submit(work, number) for number in range(3)]
        try:
            for epoch in range(1, 6):
                assert at(home).rotate(epoch).left == 0
                at(home).retire(epoch)
        finally:
            stop.set()
        for one in working:
            one.result()
    assert made
    assert erased
    assert all_read(home, before | made)
    assert not set(ids(home)) & set(erased)
    assert at(home).encryption.epochs() == (6,)
    assert len(at(home).erased()) == len(erased)


class Interrupted(FileKeyEncryption):
    """Key-encryption keys before whose first use somebody else rotates and retires the old epoch."""

    def __init__(self, home: Path) -> None:
        super().__init__(at(home).erasures.folder.parent)
        self.home = home

    def unwrap(self, epoch: int, wrapped: bytes) -> bytes:
        """Unwrap, after the first epoch has come to its end."""
        if at(self.home).encryption.current() == 1:
            at(self.home).rotate(1)
            at(self.home).retire(1)
        return super().unwrap(epoch, wrapped)


def test_a_key_that_is_rotated_while_it_is_read_is_read_again(home: Path) -> None:
    """Its file was read under an epoch that is destroyed before it is unwrapped: the new file opens."""
    (key, value), *_ = keys_of(home).items()
    store = at(home)
    assert FileKeyStore(store.folder, Interrupted(home), store.erasures).get(key) == value
    assert at(home).encryption.epochs() == (2,)


def test_a_file_that_does_not_tell_its_epoch_is_erased_all_the_same(home: Path) -> None:
    """Its tombstone says that nothing was known of it."""
    store = at(home)
    key = first_key(store)
    assert store.epoch(key) == 1
    (path,) = store.folder.glob(f"??/{key}.key")
    path.write_bytes(b"damaged")
    assert store.epoch(key) is None
    store.destroy(key, NOW)
    assert store.epoch(key) is None
    assert [(one.key, one.commitment, one.epoch) for one in store.erased()] == [(key, None, None)]


def run(home: Path, action: str, kill_at: int) -> bool:
    """Let another process work on a key store; whether it came to its end before it was killed."""
    command = [sys.executable, "-m", "tests.ledger.key_worker", str(home), action, str(kill_at)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return ended.returncode == 0


def killed(home: Path, action: str, folder: Path) -> Iterator[Path]:
    """Yield copies of a home in which a process was killed before each of its file operations in turn."""
    for kill_at in range(1, 200):
        copy = shutil.copytree(home, folder / f"{action}-{kill_at}")
        if run(copy, action, kill_at):
            assert kill_at > 3
            return
        yield copy
    pytest.fail("never came to its end")


@pytest.mark.slow
def test_a_rotation_killed_at_any_point_loses_nothing_and_is_completed(home: Path, tmp_path: Path) -> None:
    """Every key reads at once, also what is made then; the next rotation completes it and leaves nothing behind."""
    keys = keys_of(home)
    seen: set[int] = set()
    for copy in killed(home, "rotate", tmp_path):
        seen.add(len(epochs_of(copy)))
        assert all_read(copy, keys)
        made = at(copy).create()
        more = keys | {made: at(copy).get(made)}
        gone = first_key(at(copy))
        at(copy).destroy(gone, NOW)
        del more[gone]
        assert not list(copy.rglob(f"{gone}.key")) + list(copy.rglob(f"{gone}.rewrapped"))
        assert at(copy).rotate(1).epoch == 2
        assert (epochs_of(copy), all_read(copy, more)) == ({2}, True)
        at(copy).retire(1)
        assert all_read(copy, more)
        assert not list(copy.rglob("*.rewrapped"))
    assert seen == {1, 2}


def test_retiring_killed_at_any_point_loses_nothing(home: Path, tmp_path: Path) -> None:
    """The old epoch is whole or destroyed, and no key needs it."""
    keys = keys_of(home)
    at(home).rotate(1)
    for copy in killed(home, "retire", tmp_path):
        assert all_read(copy, keys)
        if 1 in at(copy).encryption.epochs():
            at(copy).retire(1)
        else:
            at(copy).encryption.destroy(1)
        assert at(copy).encryption.epochs() == (2,)
        assert all_read(copy, keys)


def test_an_erasure_killed_at_any_point_is_repeated_or_done(home: Path, tmp_path: Path) -> None:
    """The key is whole or erased, the others are not touched, and a repeat ends it."""
    keys = keys_of(home)
    key = first_key(at(home))
    states: set[bool] = set()
    for copy in killed(home, "destroy", tmp_path):
        try:
            assert at(copy).get(key) == keys[key]
            states.add(True)
        except KeyErased:
            states.add(False)
        at(copy).destroy(key, NOW)
        assert all_read(copy, {one: value for one, value in keys.items() if one != key})
        assert [one.commitment is not None for one in at(copy).erased()] == [True]
    assert states == {True, False}


class TestTakingOver:
    """Stores of the first format: files of 32 raw bytes and no key-encryption keys."""

    @pytest.fixture
    def raw(self, tmp_path: Path) -> Path:
        """The home of such a store."""
        folder = tmp_path / "raw" / "keys" / str(LEDGER)
        for key in (NIL, *(uuid4() for _ in range(3))):
            (folder / key.hex[-2:]).mkdir(parents=True, exist_ok=True, mode=0o700)
            (folder / key.hex[-2:] / f"{key}.key").write_bytes(os.urandom(32))
        return tmp_path / "raw"

    def raw_keys(self, home: Path) -> Keys:
        """Return the keys as they lie in the files."""
        return {UUID(path.stem): path.read_bytes() for path in home.rglob("*.key")}

    def test_every_key_is_wrapped_when_the_store_is_first_opened(self, raw: Path) -> None:
        """Whatever is asked of it first; afterwards no file holds a key."""
        keys = self.raw_keys(raw)
        assert at(raw).get(first_key(at(raw))) in keys.values()
        assert epochs_of(raw) == {1}
        assert all_read(raw, keys)
        stored = b"".join(path.read_bytes() for path in (raw / "keys").rglob("*") if path.is_file())
        assert not any(key in stored for key in keys.values())
        assert not list(raw.rglob("*.rewrapped"))

    @pytest.mark.slow
    def test_killed_at_any_point_it_goes_on(self, raw: Path, tmp_path: Path) -> None:
        """The next process that opens the store finds every key."""
        keys = self.raw_keys(raw)
        for copy in killed(raw, "open", tmp_path):
            assert all_read(copy, keys)
            assert at(copy).encryption.epochs() == (1,)
            assert epochs_of(copy) == {1}

    def test_by_two_at_the_same_time_it_is_done_once(self, raw: Path) -> None:
        """One waits for the other."""
        keys = self.raw_keys(raw)
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(FileKeyStore.get, [at(raw) for _ in range(8)], [NIL] * 8))
        assert set(found) == {keys[NIL]}
        assert at(raw).encryption.epochs() == (1,)
        assert all_read(raw, keys)

    def test_an_old_copy_of_the_first_format_does_not_bring_an_erased_key_back(self, raw: Path, tmp_path: Path) -> None:
        """It is taken over under the current epoch, without what was erased since."""
        keys = self.raw_keys(raw)
        shutil.copytree(raw / "keys", tmp_path / "old")
        key = first_key(at(raw))
        at(raw).destroy(key, NOW)
        at(raw).rotate(1)
        shutil.rmtree(raw / "keys")
        shutil.copytree(tmp_path / "old", raw / "keys")
        with pytest.raises(KeyErased):
            at(raw).get(key)
        assert (ids(raw), epochs_of(raw)) == (sorted(keys.keys() - {key}), {2})

    def test_a_raw_file_in_a_wrapped_store_is_no_key(self, home: Path) -> None:
        """Nobody can slip a key of their own into it."""
        path = next((home / "keys").rglob(f"{first_key(at(home))}.key"))
        path.write_bytes(os.urandom(32))
        assert dead(home, [UUID(path.stem)], "damaged")

    def test_no_epoch_is_begun_where_wrapped_keys_are_found(self, home: Path) -> None:
        """A store without the mark of its format and without key-encryption keys stays as it is."""
        (at(home).folder / "format").unlink()
        shutil.rmtree(home / "key-encryption")
        assert dead(home, ids(home), "no key-encryption key in .* CASELEDGER_KEY_ENCRYPTION_FOLDER")
        assert at(home).encryption.epochs() == ()
