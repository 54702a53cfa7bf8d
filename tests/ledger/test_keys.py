"""The key store: files only their owner reads, on disk before use, gone when destroyed; another's is called so."""

import hmac
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from api.opening import Place
from domain.entries import Draft
from domain.events.administration import PersonRegistered
from domain.events.base import Actor, Envelope
from ledger.errors import KeyMissing, LedgerError
from ledger.keys import FileKeyStore, file_keys, key_commitment
from ledger.requests import Part, Request
from ledger.store import Ledger
from tests.ledger.samples import LONG_AGO, appended


@pytest.fixture
def store(tmp_path: Path) -> FileKeyStore:
    """A key store of its own with the ledger's key."""
    made = FileKeyStore(tmp_path / "keys" / "ledger")
    made.create_ledger_key()
    return made


def key_file(folder: Path, key_id: UUID) -> Path:
    """Return the one file of a key."""
    (found,) = folder.rglob(f"{key_id}.key")
    return found


def test_key_is_a_private_file_of_32_bytes(store: FileKeyStore, tmp_path: Path) -> None:
    """A key is random, named by an id of its own, and readable by its owner only, as is its folder."""
    ids = [store.create() for _ in range(20)]
    for key_id in ids:
        path = key_file(tmp_path, key_id)
        assert path.read_bytes() == store.get(key_id)
        assert len(store.get(key_id)) == 32
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert path.parent.name == key_id.hex[-2:]
    assert len({store.get(key_id) for key_id in ids}) == 20
    assert not list(tmp_path.rglob("*.new"))


def test_key_is_private_whatever_the_umask(tmp_path: Path) -> None:
    """A careless umask opens nothing."""
    old = os.umask(0)
    try:
        store = FileKeyStore(tmp_path / "keys")
        path = key_file(tmp_path, store.create())
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_key_and_every_folder_made_for_it_are_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a key is made, its file, its name and the names of new folders are flushed: a power cut takes none."""
    flushed: list[Path] = []
    real_fsync = os.fsync

    def fsync(descriptor: int) -> None:
        flushed.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        real_fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    store = FileKeyStore(tmp_path / "keys" / "ledger")
    path = key_file(tmp_path, store.create())
    drafts = [flushed_path for flushed_path in flushed if flushed_path.suffix == ".new"]
    assert len(drafts) == 1  # its name while it is being written
    assert flushed.index(drafts[0]) < len(flushed) - 1 - flushed[::-1].index(path.parent)
    assert {path.parent, path.parents[1], path.parents[2], tmp_path} <= set(flushed)


def test_key_exists_on_disk_before_its_event_is_appended(ledger: Ledger, tmp_path: Path) -> None:
    """The file is there when the first event sealed with it goes in, and a second store reads that event with it."""
    key = ledger.keys.create()
    path = key_file(tmp_path, key)
    assert ledger.head().size == 1
    person = uuid4()
    event = PersonRegistered(
        person=person, key=key, key_commitment=key_commitment(path.read_bytes()).hex(), full_name="Asta"
    )
    envelope = Envelope(occurred_at=LONG_AGO, actor=Actor("u-1", "adviser"), commit=uuid4())
    sealed = ledger.mapper.to_new_event(Draft(person, 1, event, envelope, {str(person): key}, key))
    appended(ledger.append_now(Request((Part(person, 0, (sealed,)),))))
    assert ledger.mapper.to_domain_event(ledger.read_stream(person)[0]).data["full_name"] == "Asta"


def test_destroyed_key_is_missing_for_good(store: FileKeyStore, tmp_path: Path) -> None:
    """After destroying, neither this store nor a new one knows the key, no file is left, and a repeat is quiet."""
    key, kept = store.create(), store.create()
    store.get(key)
    store.destroy(key)
    store.destroy(key)
    store.destroy(uuid4())
    for reader in (store, FileKeyStore(tmp_path / "keys" / "ledger")):
        with pytest.raises(KeyMissing, match="erased"):
            reader.get(key)
        assert len(reader.get(kept)) == 32
    assert not list(tmp_path.rglob(f"{key}*"))


def test_key_that_was_never_here_is_missing(store: FileKeyStore) -> None:
    """An unknown id is an error that says what may be the matter."""
    with pytest.raises(KeyMissing, match="not in the key store"):
        store.get(uuid4())


def test_digest_is_keyed_and_separated_by_purpose(store: FileKeyStore, tmp_path: Path) -> None:
    """A digest is the HMAC under the ledger's own key, differs by purpose, and is the same for every opened store."""
    digest = store.digest("idempotency key", b"content")
    ledger_key = key_file(tmp_path, UUID(int=0)).read_bytes()
    assert digest == hmac.digest(ledger_key, b"idempotency key\x00content", "sha256")
    assert digest != store.digest("request fingerprint", b"content")
    assert digest == FileKeyStore(tmp_path / "keys" / "ledger").digest("idempotency key", b"content")


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
    stores = [FileKeyStore(tmp_path / "keys") for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(FileKeyStore.create_ledger_key, stores))
    assert len({store.digest("test", b"") for store in stores}) == 1
    assert not list(tmp_path.rglob("*.new"))
