"""Key-encryption keys by epoch: the standard's own numbers, private files, and what was destroyed stays destroyed."""

import os
import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.erasures import ErasureLog
from ledger.errors import KeyErased, KeyMissing
from ledger.key_copies import KeysDoNotLeave, copy_keys
from ledger.key_encryption import FileKeyEncryption
from ledger.keys import FileKeyStore

CONTENT = bytes(range(48))


@pytest.fixture
def encryption(tmp_path: Path) -> FileKeyEncryption:
    """The first epoch of a ledger."""
    made = FileKeyEncryption(tmp_path / "apart")
    assert made.begin() == 1
    return made


def test_wrapping_is_that_of_the_standard(encryption: FileKeyEncryption) -> None:
    """RFC 3394, 4.6: 256 bits of key data under a key of 256 bits."""
    (encryption.folder / "00000001.kek").write_bytes(bytes(range(32)))
    data = bytes.fromhex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f")
    wrapped = "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"
    assert encryption.wrap(1, data).hex() == wrapped
    assert encryption.unwrap(1, bytes.fromhex(wrapped)) == data


def test_each_epoch_has_a_random_private_file(tmp_path: Path) -> None:
    """A careless umask opens nothing."""
    old = os.umask(0)
    try:
        encryption = FileKeyEncryption(tmp_path / "apart" / "ledger")
        assert [encryption.begin() for _ in range(3)] == [1, 2, 3]
    finally:
        os.umask(old)
    files = sorted(encryption.folder.iterdir())
    assert len({path.read_bytes() for path in files}) == len(files) == 3
    assert {(stat.S_IMODE(path.stat().st_mode), path.stat().st_size) for path in files} == {(0o600, 32)}
    assert stat.S_IMODE(encryption.folder.stat().st_mode) == 0o700
    assert (encryption.epochs(), encryption.current()) == ((1, 2, 3), 3)


def test_what_one_epoch_wrapped_no_other_opens(encryption: FileKeyEncryption) -> None:
    """Nor bytes that were changed or cut short."""
    wrapped = encryption.wrap(1, CONTENT)
    encryption.begin()
    assert encryption.unwrap(1, wrapped) == CONTENT
    for epoch, content in ((2, wrapped), (1, wrapped[:-1] + b"x"), (1, wrapped[:-8]), (1, wrapped[:9]), (1, b"")):
        with pytest.raises(KeyMissing, match="not the original"):
            encryption.unwrap(epoch, content)


def test_a_destroyed_epoch_is_gone_and_its_number_is_not_used_again(encryption: FileKeyEncryption) -> None:
    """Also when a copy of its file comes back: the message says destroyed, not lost."""
    wrapped = encryption.wrap(1, CONTENT)
    path = encryption.folder / "00000001.kek"
    copy = shutil.copy(path, encryption.folder.parent / "copy")
    encryption.begin()
    encryption.destroy(1)
    encryption.destroy(1)
    assert not path.exists()
    for _ in range(2):
        with pytest.raises(KeyMissing, match="epoch 1, whose key-encryption key was destroyed"):
            encryption.unwrap(1, wrapped)
        assert (encryption.epochs(), encryption.current()) == ((2,), 2)
        shutil.copy(copy, path)
    encryption.destroy(2)
    assert encryption.begin() == 3


def test_a_volume_that_is_not_there_is_named_with_its_setting(encryption: FileKeyEncryption) -> None:
    """A key that cannot be found is not one that was destroyed, and half a file is no key."""
    wrapped = encryption.wrap(1, CONTENT)
    (encryption.folder / "00000001.kek").write_bytes(bytes(31))
    with pytest.raises(KeyMissing, match=r"epoch 1 is not in .* Set CASELEDGER_KEY_ENCRYPTION_FOLDER"):
        encryption.unwrap(1, wrapped)
    shutil.rmtree(encryption.folder)
    with pytest.raises(KeyMissing, match=r"epoch 1 is not in .* Set CASELEDGER_KEY_ENCRYPTION_FOLDER"):
        encryption.wrap(1, CONTENT)
    with pytest.raises(KeyMissing, match=r"no key-encryption key in .* Set CASELEDGER_KEY_ENCRYPTION_FOLDER"):
        encryption.current()
    assert encryption.epochs() == ()


class Module:
    """Key-encryption keys that never leave it, with another cipher and a longer answer than the files have."""

    def __init__(self) -> None:
        self._keys: dict[int, AESGCM] = {}
        self._begun = 0

    def epochs(self) -> tuple[int, ...]:
        """Return the epochs that are not destroyed."""
        return tuple(self._keys)

    def current(self) -> int:
        """Return the last one."""
        return self._begun

    def begin(self) -> int:
        """Make a key."""
        self._begun += 1
        self._keys[self._begun] = AESGCM(os.urandom(32))
        return self._begun

    def wrap(self, epoch: int, content: bytes) -> bytes:
        """Encrypt, with the nonce in front."""
        nonce = os.urandom(12)
        return nonce + self._keys[epoch].encrypt(nonce, content, None)

    def unwrap(self, epoch: int, wrapped: bytes) -> bytes:
        """Decrypt; raises KeyMissing for a destroyed epoch and for what it did not encrypt."""
        if epoch not in self._keys:
            raise KeyMissing(f"Epoch {epoch} was destroyed.")
        try:
            return self._keys[epoch].decrypt(wrapped[:12], wrapped[12:], None)
        except InvalidTag:
            raise KeyMissing("It does not open.") from None

    def destroy(self, epoch: int) -> None:
        """Forget a key."""
        self._keys.pop(epoch, None)


def test_a_module_can_stand_behind_a_key_store(tmp_path: Path) -> None:
    """Everything works as with files, only that its keys cannot be copied for escrow."""
    module = Module()
    store = FileKeyStore(tmp_path / "keys" / "ledger", module, ErasureLog(tmp_path / "apart" / "erased"))
    store.create_ledger_key()
    kept, gone = store.create(), store.create()
    key = store.get(kept)
    shutil.copytree(store.folder, tmp_path / "old")
    store.destroy(gone, datetime(2020, 2, 1, tzinfo=UTC))
    assert store.rotate(1).rewrapped == 2
    store.retire(1)
    assert store.get(kept) == key
    assert copy_keys(store, tmp_path / "replica", with_encryption_keys=False).keys == 2
    with pytest.raises(KeysDoNotLeave):
        copy_keys(store, tmp_path / "escrow", with_encryption_keys=True)
    shutil.copytree(tmp_path / "old", store.folder, dirs_exist_ok=True)
    with pytest.raises(KeyMissing, match="Epoch 1 was destroyed"):
        store.get(kept)
    with pytest.raises(KeyErased):
        store.get(gone)
