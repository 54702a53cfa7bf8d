"""Replicas: whole, without what opens them unless for escrow, and never in the place of something else."""

import shutil
import stat
from pathlib import Path

import pytest

from ledger.errors import KeyErased, KeyMissing
from ledger.key_copies import Copied, NotAReplica, copy_keys
from ledger.keys import FileKeyStore, file_keys
from tests.ledger.key_worker import LEDGER, NOW, first_key
from tests.ledger.test_key_rotation import all_read, at, ids, keys_of, killed


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of a key store with the ledger's key, two more, one that was erased, and two epochs."""
    store = at(tmp_path / "home")
    store.create_ledger_key()
    for _ in range(3):
        store.create()
    store.rotate(1)
    store.destroy(first_key(store), NOW)
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> FileKeyStore:
    """The key store."""
    return at(home)


def test_a_replica_holds_wrapped_keys_and_tombstones_and_nothing_that_opens_them(
    store: FileKeyStore, home: Path, tmp_path: Path
) -> None:
    """With the key-encryption keys beside it, it is the key store again."""
    replica = tmp_path / "replica"
    assert copy_keys(store, replica, with_encryption_keys=False) == Copied(keys=3, tombstones=1, epochs=0)
    assert {path.suffix for path in replica.rglob("*") if path.is_file()} == {".key", ".erased", ".json", ""}
    found = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in replica.rglob("*")}
    assert found == {(True, 0o700), (False, 0o600)}
    with pytest.raises(KeyMissing, match="key-encryption key of epoch 2 is not in"):
        at(replica).get(ids(home)[0])
    again = file_keys(replica, home / "key-encryption")(LEDGER)
    assert {key: again.get(key) for key in ids(replica)} == keys_of(home)


def test_a_replica_for_escrow_opens_by_itself(store: FileKeyStore, home: Path, tmp_path: Path) -> None:
    """It is a home of its own: every key, and what was erased stays erased."""
    replica, erased = tmp_path / "escrow", store.erased()[0].key
    assert copy_keys(store, replica, with_encryption_keys=True) == Copied(keys=3, tombstones=1, epochs=2)
    assert all_read(replica, keys_of(home))
    with pytest.raises(KeyErased):
        at(replica).get(erased)


def test_a_later_replica_replaces_an_earlier_one(store: FileKeyStore, home: Path, tmp_path: Path) -> None:
    """What was erased meanwhile is not in it any more, and nothing else is left of the earlier one."""
    replica = tmp_path / "replica"
    replica.mkdir()
    copy_keys(store, replica, with_encryption_keys=False)
    store.destroy(first_key(store), NOW)
    made = store.create()
    assert copy_keys(store, replica, with_encryption_keys=False) == Copied(keys=3, tombstones=2, epochs=0)
    assert ids(replica) == ids(home)
    assert made in ids(replica)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "replica"]


def test_nothing_but_a_replica_of_the_same_keys_is_replaced(store: FileKeyStore, home: Path, tmp_path: Path) -> None:
    """No other folder, no file, no other ledger's replica, and none of the other kind."""
    folder, file = tmp_path / "folder", tmp_path / "file"
    folder.mkdir()
    (folder / "letter.txt").write_text("kept")
    file.write_text("kept")
    copy_keys(store, tmp_path / "replica", with_encryption_keys=False)
    other = file_keys(home)(first_key(store))
    other.create_ledger_key()
    copy_keys(other, tmp_path / "other", with_encryption_keys=True)
    for place in ("folder", "file", "home", "home/keys", "other", "replica"):
        with pytest.raises(NotAReplica, match="nothing is overwritten"):
            copy_keys(store, tmp_path / place, with_encryption_keys=True)
    for taken in ("elsewhere.new", "elsewhere.before"):
        shutil.copytree(folder, tmp_path / taken)
        with pytest.raises(NotAReplica):
            copy_keys(store, tmp_path / "elsewhere", with_encryption_keys=True)
        assert (tmp_path / taken / "letter.txt").read_text() == "kept"
        shutil.rmtree(tmp_path / taken)
    assert [path.read_text() for path in (folder / "letter.txt", file)] == ["kept", "kept"]
    assert len(ids(tmp_path / "replica")) == 3


@pytest.mark.slow
def test_copying_killed_at_any_point_leaves_a_whole_replica(store: FileKeyStore, home: Path, tmp_path: Path) -> None:
    """The earlier or the new one, under the name or beside it; the next run clears up."""
    copy_keys(store, home / "replica", with_encryption_keys=True)
    earlier = keys_of(home)
    store.create()
    keys = keys_of(home)
    for copy in killed(home, "copy", tmp_path):
        standing = copy / "replica" if (copy / "replica").exists() else copy / "replica.before"
        assert keys_of(standing) in (earlier, keys)
        copy_keys(at(copy), copy / "replica", with_encryption_keys=True)
        assert all_read(copy / "replica", keys)
        assert sorted(path.name for path in copy.iterdir()) == ["key-encryption", "keys", "replica"]
