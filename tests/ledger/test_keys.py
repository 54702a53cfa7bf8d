"""The key store: files only their owner reads, on disk before use, gone when destroyed; another's is called so."""

import hmac
import os
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from errno import ENOSPC
from pathlib import Path
from uuid import UUID, uuid4

import orjson
import pytest

from api.opening import Place
from domain.entries import Draft
from domain.events.administration import PersonRegistered
from domain.events.base import Actor, Envelope
from ledger.erasures import Erasure
from ledger.errors import KeyErased, KeyMissing, LedgerError
from ledger.keys import FileKeyStore, file_keys, key_commitment
from ledger.requests import Part, Request
from ledger.store import Ledger
from tests.ledger.key_worker import LEDGER
from tests.ledger.samples import LONG_AGO, appended


@pytest.fixture
def store(tmp_path: Path) -> FileKeyStore:
    """A key store of its own with the ledger's key."""
    made = again(tmp_path)
    made.create_ledger_key()
    return made


def again(home: Path) -> FileKeyStore:
    """Return the key store under a home as another process opens it."""
    return file_keys(home)(LEDGER)


def key_file(folder: Path, key_id: UUID) -> Path:
    """Return the one file of a key."""
    (found,) = folder.rglob(f"{key_id}.key")
    return found


def tombstones(home: Path) -> list[Path]:
    """Return the files of the erasure log."""
    return sorted((home / "key-encryption" / str(LEDGER) / "erased").iterdir())


def test_key_is_32_random_bytes_in_a_private_file_that_does_not_hold_them(store: FileKeyStore, tmp_path: Path) -> None:
    """A key is named by an id of its own; its file is wrapped, readable by its owner only, as is its folder."""
    ids = [store.create() for _ in range(20)]
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for key_id in ids:
        path, key = key_file(tmp_path, key_id), store.get(key_id)
        assert len(key) == 32
        assert key not in everything
        assert path.read_bytes()[:8] == b"CLK1\0\0\0\x01"
        assert len(path.read_bytes()) == 8 + 8 + 16 + 32
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert path.parent.name == key_id.hex[-2:]
        assert again(tmp_path).get(key_id) == key
    assert len({store.get(key_id) for key_id in ids}) == 20
    assert not list(tmp_path.rglob("*.new"))


def test_everything_is_private_whatever_the_umask(tmp_path: Path) -> None:
    """A careless umask opens nothing: keys, key-encryption keys, tombstones, locks and their folders."""
    old = os.umask(0)
    try:
        store = again(tmp_path / "home")
        store.destroy(store.create(), LONG_AGO)
        store.create()
        store.rotate(1)
    finally:
        os.umask(old)
    found = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in (tmp_path / "home").rglob("*")}
    assert found == {(True, 0o700), (False, 0o600)}


def test_key_and_every_folder_made_for_it_are_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a key is made, its file, its name and the names of new folders are flushed: a power cut takes none."""
    flushed: list[Path] = []
    real_fsync = os.fsync

    def fsync(descriptor: int) -> None:
        flushed.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        real_fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    path = key_file(tmp_path, again(tmp_path).create())
    drafts = [flushed_path for flushed_path in flushed if flushed_path.suffix == ".new"]
    apart = tmp_path / "key-encryption" / str(LEDGER)
    assert [draft.parent for draft in drafts] == [apart, path.parents[1], path.parent]
    assert flushed.index(drafts[-1]) < len(flushed) - 1 - flushed[::-1].index(path.parent)
    assert {path.parent, path.parents[1], path.parents[2], apart, apart.parent, tmp_path} <= set(flushed)


def test_key_exists_on_disk_before_its_event_is_appended(ledger: Ledger, tmp_path: Path) -> None:
    """The file is there when the first event sealed with it goes in, and a second store reads that event with it."""
    key = ledger.keys.create()
    path = key_file(tmp_path, key)
    assert ledger.head().size == 1
    person = uuid4()
    commitment = key_commitment(file_keys(path.parents[3])(ledger.id).get(key)).hex()
    event = PersonRegistered(person=person, key=key, key_commitment=commitment, full_name="Asta")
    envelope = Envelope(occurred_at=LONG_AGO, actor=Actor("u-1", "adviser"), commit=uuid4())
    sealed = ledger.mapper.to_new_event(Draft(person, 1, event, envelope, {str(person): key}, key))
    appended(ledger.append_now(Request((Part(person, 0, (sealed,)),))))
    assert ledger.mapper.to_domain_event(ledger.read_stream(person)[0]).data["full_name"] == "Asta"


def test_destroyed_key_is_erased_for_good(store: FileKeyStore, tmp_path: Path) -> None:
    """After destroying, neither this store nor a new one knows the key, no file is left, and a repeat is quiet."""
    key, kept, unknown = store.create(), store.create(), uuid4()
    commitment = key_commitment(store.get(key))
    for gone in (key, key, unknown):
        store.destroy(gone, LONG_AGO)
    for reader in (store, again(tmp_path)):
        for gone in (key, unknown):
            with pytest.raises(KeyErased, match="erased by decision"):
                reader.get(gone)
        assert len(reader.get(kept)) == 32
        erasures = [Erasure(key, commitment, 1, LONG_AGO), Erasure(unknown, None, None, LONG_AGO)]
        assert sorted(reader.erased(), key=str) == sorted(erasures, key=str)
    assert not list(tmp_path.rglob(f"{key}.key"))


def test_tombstone_says_nothing_more(store: FileKeyStore, tmp_path: Path) -> None:
    """It holds the key's id, the commitment that is on record anyway, the epoch and the instant."""
    key = store.create()
    commitment = key_commitment(store.get(key)).hex()
    store.destroy(key, LONG_AGO)
    store.destroy(key, LONG_AGO + timedelta(days=1))
    (path,) = tombstones(tmp_path)
    told = {"epoch": 1, "erased_at": "2020-02-01T00:00:00.000000Z", "key": str(key), "key_commitment": commitment}
    assert orjson.loads(path.read_bytes()) == told


def test_tombstone_is_on_disk_before_the_key_goes(
    store: FileKeyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the tombstone cannot be written, the key stays: an erasure is never half forgotten."""
    key = store.create()

    def full(*_: object) -> None:
        raise OSError(ENOSPC, "no space")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            store.destroy(key, LONG_AGO)
    assert len(again(tmp_path).get(key)) == 32
    assert tombstones(tmp_path) == []


def test_a_restored_folder_does_not_bring_an_erased_key_back(store: FileKeyStore, tmp_path: Path) -> None:
    """Reading removes the file again; a sweep removes all of them at once, and no others."""
    keys = [store.create() for _ in range(4)]
    shutil.copytree(tmp_path / "keys", tmp_path / "old")
    for key in keys[:3]:
        store.destroy(key, LONG_AGO)
    shutil.copytree(tmp_path / "old", tmp_path / "keys", dirs_exist_ok=True)
    reader = again(tmp_path)
    path = key_file(tmp_path / "keys", keys[0])
    with pytest.raises(KeyErased):
        reader.get(keys[0])
    assert not path.exists()
    assert reader.sweep() == 2
    assert reader.sweep() == 0
    assert len(reader.get(keys[3])) == 32


def test_no_key_is_used_without_the_erasure_log(store: FileKeyStore, tmp_path: Path) -> None:
    """A log that is not there may name the key: reading and making keys fail, saying which setting to look at."""
    key = store.create()
    (tmp_path / "key-encryption" / str(LEDGER) / "erased").rename(tmp_path / "elsewhere")
    for act in (lambda: again(tmp_path).get(key), store.create):
        with pytest.raises(KeyMissing, match=r"erasure log .* CASELEDGER_KEY_ENCRYPTION_FOLDER") as told:
            act()
        assert not isinstance(told.value, KeyErased)


def test_the_ledgers_own_key_is_not_erased(store: FileKeyStore) -> None:
    """Without it no repeated request would be recognised."""
    with pytest.raises(ValueError, match="own key"):
        store.destroy(UUID(int=0), LONG_AGO)
    assert store.digest("purpose", b"")


def test_key_that_was_never_here_is_missing_not_erased(store: FileKeyStore) -> None:
    """An unknown id is an error that says what may be the matter."""
    with pytest.raises(KeyMissing, match="not in the key store") as told:
        store.get(uuid4())
    assert not isinstance(told.value, KeyErased)


@pytest.mark.parametrize("length", [0, 7, 8, 9, 32, 63])
def test_a_truncated_file_is_missing_not_erased(store: FileKeyStore, tmp_path: Path, length: int) -> None:
    """Half a file is never half a key, nor one that was erased; the others stay readable."""
    key, kept = store.create(), store.create()
    path = key_file(tmp_path, key)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(KeyMissing, match="replica") as told:
        again(tmp_path).get(key)
    assert not isinstance(told.value, KeyErased)
    assert len(again(tmp_path).get(kept)) == 32


def test_files_that_were_swapped_are_noticed(store: FileKeyStore, tmp_path: Path) -> None:
    """A key opens under its own id only."""
    one, other = store.create(), store.create()
    paths = key_file(tmp_path, one), key_file(tmp_path, other)
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, reversed(contents), strict=True):
        path.write_bytes(content)
    for key in (one, other):
        with pytest.raises(KeyMissing, match="name of another"):
            again(tmp_path).get(key)


def test_the_keys_of_another_ledger_do_not_open(store: FileKeyStore, tmp_path: Path) -> None:
    """A key folder under the key-encryption keys of another ledger reads as missing."""
    key = store.create()
    other = file_keys(tmp_path)(UUID(int=1))
    other.create_ledger_key()
    (other.folder / key.hex[-2:]).mkdir(exist_ok=True)
    shutil.copy(key_file(store.folder, key), other.folder / key.hex[-2:])
    with pytest.raises(KeyMissing, match="not the original"):
        other.get(key)


def test_a_key_that_another_process_destroyed_is_not_served_from_memory(store: FileKeyStore, tmp_path: Path) -> None:
    """Nor one whose file was removed or replaced by hand."""
    key, other = store.create(), store.create()
    before = store.get(key), store.get(other)
    again(tmp_path).destroy(key, LONG_AGO)
    with pytest.raises(KeyErased):
        store.get(key)
    path = key_file(tmp_path, other)
    path.rename(tmp_path / "aside")
    with pytest.raises(KeyMissing, match="not in the key store"):
        store.get(other)
    (tmp_path / "aside").rename(path)
    assert store.get(other) == before[1]
    path.write_bytes(b"damaged")
    with pytest.raises(KeyMissing, match="damaged"):
        store.get(other)


def test_digest_is_keyed_and_separated_by_purpose(store: FileKeyStore, tmp_path: Path) -> None:
    """A digest is the HMAC under the ledger's own key, differs by purpose, and is the same for every opened store."""
    digest = store.digest("idempotency key", b"content")
    assert digest == hmac.digest(store.get(UUID(int=0)), b"idempotency key\x00content", "sha256")
    assert digest != store.digest("request fingerprint", b"content")
    assert digest == again(tmp_path).digest("idempotency key", b"content")


def test_key_of_a_chosen_id_is_made_once(store: FileKeyStore) -> None:
    """The first key stays; one that was destroyed is not made again."""
    key = uuid4()
    store.ensure(key)
    made = store.get(key)
    store.ensure(key)
    assert store.get(key) == made
    store.destroy(key, datetime.now(UTC))
    with pytest.raises(KeyErased):
        store.ensure(key)


def test_ledger_key_is_made_once(store: FileKeyStore) -> None:
    """Making the ledger's key again keeps the first one."""
    before = store.digest("purpose", b"")
    store.create_ledger_key()
    assert store.digest("purpose", b"") == before


def test_commitment_to_a_key_recognises_it(store: FileKeyStore) -> None:
    """The digest logged when a key is made fits that key and no other."""
    one, other = store.get(store.create()), store.get(store.create())
    assert key_commitment(one) == key_commitment(bytes(one)) != key_commitment(other)
    assert key_commitment(bytes(32)).hex() == "00f77484f866b4d66847e36ee2f3fbe000e07d6c92eff48434b285ffa2e0cd71"


def test_another_home_is_named_when_the_ledger_is_opened(real: Place, tmp_path: Path) -> None:
    """With the keys of another ledger or none, opening fails at once and says which folder and which setting."""
    with pytest.raises(LedgerError, match=rf"{tmp_path}/elsewhere/keys/.* set CASELEDGER_HOME"):
        Ledger(real.conninfo, file_keys(tmp_path / "elsewhere"))


def test_first_key_of_the_ledger_is_kept_when_two_make_one(tmp_path: Path) -> None:
    """Two processes that create a ledger together end with one key: the first is never replaced."""
    stores = [again(tmp_path) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(FileKeyStore.create_ledger_key, stores))
    assert len({store.digest("test", b"") for store in stores}) == 1
    assert stores[0].encryption.epochs() == (1,)
    assert not list(tmp_path.rglob("*.new"))


def test_another_volume_is_named_when_the_ledger_is_opened(real: Place, tmp_path: Path) -> None:
    """Without its key-encryption keys a ledger does not open, makes no new ones, and says which setting is wrong."""
    with pytest.raises(KeyMissing, match="CASELEDGER_KEY_ENCRYPTION_FOLDER"):
        Ledger(real.conninfo, file_keys(tmp_path / "home", tmp_path / "elsewhere"))
    assert not (tmp_path / "elsewhere").exists()
