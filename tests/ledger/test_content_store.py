"""The content store: what is sealed comes back at its own place only, whole or not at all, and is never overwritten."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from ledger.content_store import PIECE_BYTES, ContentMissing, ContentPlace, ContentStore
from ledger.document_systems import FolderSystem, SystemUnavailable
from ledger.documents import (
    CONTENT,
    LINKED,
    Claim,
    Commitment,
    DocumentChanged,
    DocumentMissing,
    Documents,
)
from ledger.errors import KeyMissing, SealBroken
from ledger.keys import FileKeyStore, file_keys
from tests.ledger.samples import LONG_AGO

PLACE = ContentPlace(UUID(int=1), "letter-1", 1)
CONTENT_BYTES = b"canary-Eksempel-4711 " * 100


@pytest.fixture
def keys(tmp_path: Path) -> FileKeyStore:
    """A key store."""
    return file_keys(tmp_path)(UUID(int=1))


@pytest.fixture
def store(tmp_path: Path, keys: FileKeyStore) -> ContentStore:
    """An empty content store."""
    return ContentStore(tmp_path / "content", keys)


def sealed(store: ContentStore, key: UUID, content: bytes = CONTENT_BYTES, place: ContentPlace = PLACE) -> str:
    """Seal bytes and return the name of their file."""
    draft = store.draft(place, key)
    draft.write(content)
    draft.keep()
    return draft.name


def opened(store: ContentStore, name: str, place: ContentPlace = PLACE) -> bytes:
    """Return what is sealed in a file."""
    return b"".join(store.read(place, name))


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES])
def test_bytes_of_any_length_come_back(store: ContentStore, keys: FileKeyStore, size: int) -> None:
    """At the edges of the pieces too, each piece no longer than a mebibyte, twice from the same reader."""
    content = os.urandom(size)
    reader = store.read(PLACE, sealed(store, keys.create(), content))
    pieces = list(reader)
    assert b"".join(pieces) == b"".join(reader) == content
    assert all(len(piece) <= PIECE_BYTES for piece in pieces)


def test_bytes_may_come_in_any_pieces(store: ContentStore, keys: FileKeyStore) -> None:
    """However they are handed in, they are sealed the same; a large one is cut."""
    content = os.urandom(2 * PIECE_BYTES + 99)
    for step in (1000, PIECE_BYTES, 10**9):
        draft = store.draft(PLACE, keys.create())
        for start in range(0, len(content), step):
            draft.write(content[start : start + step])
        draft.keep()
        assert draft.size == len(content)
        assert opened(store, draft.name) == content


def test_nothing_stands_in_clear(store: ContentStore, keys: FileKeyStore, tmp_path: Path) -> None:
    """The file holds neither bytes nor names, and only its owner may read it."""
    name = sealed(store, keys.create())
    (path,) = (path for path in (tmp_path / "content").rglob("*") if path.is_file())
    assert path.name == name
    assert path.stat().st_mode & 0o777 == 0o600
    assert {folder.stat().st_mode & 0o777 for folder in (path.parent, path.parents[1])} == {0o700}
    assert b"canary" not in path.read_bytes()
    assert b"letter-1" not in path.read_bytes()


@pytest.mark.parametrize(
    "place",
    [replace(PLACE, case=UUID(int=2)), replace(PLACE, document="letter-2"), replace(PLACE, version=2)],
    ids=["case", "document", "version"],
)
def test_a_file_opens_at_its_own_place_only(
    store: ContentStore, keys: FileKeyStore, tmp_path: Path, place: ContentPlace
) -> None:
    """The bytes of another case, document or version do not open, also under the same key."""
    name = sealed(store, keys.create())
    other = tmp_path / "content" / str(place.case) / name
    other.parent.mkdir(exist_ok=True)
    if not other.exists():
        other.write_bytes((tmp_path / "content" / str(PLACE.case) / name).read_bytes())
    with pytest.raises(SealBroken):
        opened(store, name, place)


def test_a_file_opens_under_its_own_name_only(store: ContentStore, keys: FileKeyStore, tmp_path: Path) -> None:
    """A file put in the place of another of the same document does not open: its key is made from its name."""
    key = keys.create()
    first, second = sealed(store, key), sealed(store, key)
    folder = tmp_path / "content" / str(PLACE.case)
    (folder / second).write_bytes((folder / first).read_bytes())
    with pytest.raises(SealBroken):
        opened(store, second)


def test_pieces_do_not_change_places(store: ContentStore, keys: FileKeyStore, tmp_path: Path) -> None:
    """Swapped, doubled or left out, no piece opens where it does not belong."""
    name = sealed(store, keys.create(), os.urandom(3 * PIECE_BYTES))
    path = tmp_path / "content" / str(PLACE.case) / name
    whole, length = path.read_bytes(), PIECE_BYTES + 16
    head, pieces = whole[:20], [whole[20 + n * length : 20 + (n + 1) * length] for n in range(3)]
    for order in ((1, 0, 2), (0, 2), (0, 1), (0, 0, 1, 2), (0, 1, 2, 2)):
        path.write_bytes(head + b"".join(pieces[n] for n in order))
        with pytest.raises(SealBroken):
            opened(store, name)


def test_without_its_key_nothing_opens(store: ContentStore, keys: FileKeyStore) -> None:
    """Destroying the key destroys the document."""
    key = keys.create()
    name = sealed(store, key)
    keys.destroy(key, LONG_AGO)
    with pytest.raises(KeyMissing):
        opened(store, name)
    with pytest.raises(KeyMissing):
        store.draft(PLACE, key)


@pytest.mark.parametrize("name", ["0" * 32, "../../keys/x", "", "letter-1", "\0"])
def test_a_name_that_leads_nowhere_is_missing(store: ContentStore, keys: FileKeyStore, name: str) -> None:
    """Also one that tries to lead out of the store."""
    sealed(store, keys.create())
    with pytest.raises(ContentMissing):
        opened(store, name)


def test_a_draft_stands_under_no_name(store: ContentStore, keys: FileKeyStore) -> None:
    """Until it is kept nobody finds it, and abandoned it leaves nothing behind."""
    draft = store.draft(PLACE, keys.create())
    draft.write(CONTENT_BYTES)
    assert list(store.names(PLACE.case)) == [f"{draft.name}.new"]
    draft.abandon()
    assert store.names(PLACE.case) == {}


def test_an_existing_file_is_not_overwritten(store: ContentStore, keys: FileKeyStore, tmp_path: Path) -> None:
    """Should a name come up twice, the second file is refused and the first stays."""
    draft = store.draft(PLACE, keys.create())
    draft.write(CONTENT_BYTES)
    path = tmp_path / "content" / str(PLACE.case) / draft.name
    path.write_bytes(b"first")
    with pytest.raises(FileExistsError):
        draft.keep()
    draft.abandon()
    assert path.read_bytes() == b"first"


def test_the_store_lists_cases_and_names(store: ContentStore, keys: FileKeyStore, tmp_path: Path) -> None:
    """Foreign folders are no cases; what was discarded is gone."""
    assert list(store.cases()) == []
    name = sealed(store, keys.create())
    (tmp_path / "content" / "lost+found").mkdir()
    assert list(store.cases()) == [PLACE.case]
    assert list(store.names(PLACE.case)) == [name]
    store.discard(PLACE.case, name)
    assert store.names(PLACE.case) == {}
    assert store.names(UUID(int=99)) == {}


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """An exported share with one document."""
    folder = tmp_path / "share"
    (folder / "2026").mkdir(parents=True)
    (folder / "2026" / "letter.pdf").write_bytes(CONTENT_BYTES)
    (tmp_path / "secret").write_bytes(b"outside")
    return folder


def test_the_share_is_read_by_relative_names(share: Path) -> None:
    """A name in the folder leads to its bytes."""
    assert FolderSystem(share).read("2026/letter.pdf") == CONTENT_BYTES
    assert FolderSystem(share).read("2026/other.pdf") is None


@pytest.mark.parametrize(
    "reference", ["../secret", "2026/../../secret", "/etc/passwd", "", ".", "..", "link", "inner/secret", "a\0b"]
)
def test_nothing_outside_of_the_share_is_read(share: Path, reference: str) -> None:
    """Neither upwards, nor absolute, nor through a symbolic link."""
    (share / "link").symlink_to(share.parent / "secret")
    (share / "inner").symlink_to(share.parent)
    before = len(os.listdir("/proc/self/fd"))
    assert FolderSystem(share).read(reference) is None
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_share_that_is_away_is_no_missing_document(tmp_path: Path) -> None:
    """Where the folder itself is not there, nothing is said about any document."""
    with pytest.raises(SystemUnavailable):
        FolderSystem(tmp_path / "nowhere").read("letter.pdf")


def test_a_claim_is_proven_or_refused(store: ContentStore, keys: FileKeyStore, share: Path) -> None:
    """Sealed or linked: the right bytes are handed out, others and none are told apart."""
    commitment = Commitment()
    commitment.add(CONTENT_BYTES)
    documents = Documents(store, FolderSystem(share))
    stored = Claim(PLACE, CONTENT, sealed(store, keys.create()), commitment.value, commitment.salt)
    linked = Claim(PLACE, LINKED, "x", commitment.value, commitment.salt, "2026/letter.pdf")
    for claim in (stored, linked):
        proven = documents.prove(claim)
        assert b"".join(proven.pieces) == CONTENT_BYTES
        assert proven.size == len(CONTENT_BYTES)
        for wrong in _changed(claim):
            with pytest.raises(DocumentChanged):
                documents.prove(wrong)
        with pytest.raises(DocumentMissing):
            documents.prove(replace(claim, salt=None))
    for claim in (replace(stored, store="elsewhere"), replace(linked, location=None), replace(linked, location="none")):
        assert documents.state(claim) == "missing"
    with pytest.raises(SystemUnavailable):
        Documents(store).state(linked)


def test_a_document_is_sealed_anew_for_another_place(store: ContentStore, keys: FileKeyStore, share: Path) -> None:
    """With the same salt and commitment, under another key; what is not proven is not carried along."""
    commitment, key, other = Commitment(), keys.create(), ContentPlace(UUID(int=2), "letter-7", 3)
    commitment.add(CONTENT_BYTES)
    documents = Documents(store)
    claim = Claim(PLACE, CONTENT, sealed(store, key), commitment.value, commitment.salt)
    moved = replace(claim, place=other, reference=documents.reseal(claim, other, keys.create()))
    keys.destroy(key, LONG_AGO)
    assert documents.state(moved) == "present"
    assert documents.state(claim) == "missing"
    with pytest.raises(DocumentMissing):
        documents.reseal(claim, other, keys.create())
    assert len(store.names(other.case)) == 1


def _changed(claim: Claim) -> Iterator[Claim]:
    yield replace(claim, commitment="00" * 32)
    yield replace(claim, salt="00" * 32)
    yield replace(claim, salt="no salt")


def test_a_stranger_opens_a_file_by_the_format_described(
    store: ContentStore, keys: FileKeyStore, tmp_path: Path
) -> None:
    """With the key and docs/documents.md alone, by the derivation of RFC 5869 of another implementation."""
    key_id, content = keys.create(), os.urandom(PIECE_BYTES + 5)
    name = sealed(store, key_id, content)
    stored = (tmp_path / "content" / str(PLACE.case) / name).read_bytes()
    assert stored[:20] == b"CLD1" + key_id.bytes
    info = b"caseledger/v1 content\x00" + bytes.fromhex(name)
    cipher = AESGCM(HKDFExpand(SHA256(), 32, info).derive(keys.get(key_id)))
    associated = b"caseledger/v1 content\x00" + PLACE.case.bytes + key_id.bytes
    associated += PLACE.version.to_bytes(8) + len(PLACE.document).to_bytes(2) + PLACE.document.encode()
    pieces = [stored[20 : 20 + PIECE_BYTES + 16], stored[20 + PIECE_BYTES + 16 :]]
    nonces = [bytes(7) + number.to_bytes(4) + bytes([number]) for number in (0, 1)]
    found = [cipher.decrypt(nonce, piece, associated) for nonce, piece in zip(nonces, pieces, strict=True)]
    assert b"".join(found) == content
