"""``caseledger keys``, and what readers are told of a text whose key was erased, and of one whose key is missing."""

import asyncio
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.drafting import Commit, Fact
from api.key_rotation import epoch_on_record, rotate_keys
from api.opening import Place
from api.principals import Principal, command_line_principal
from api.recording import CaseRecorder
from api.sign_in.local import LocalSignIn
from domain.case_file import CaseFile
from domain.events.administration import KeyRotated
from domain.events.retention import PersonalDataErased
from ledger.keys import FileKeyStore, key_commitment
from ledger.mapper import read_clear
from ledger.store import Ledger
from tests.api.client import JSON, note
from tests.api.service import Inside, environment
from tests.api.signing_in import signed_in

CLOCK = "2026-02-04T14:10:00+01:00"

LEADER = Principal("u-12", "supervisor", "Eksempelkommune", "supervision")


@pytest.fixture
def opened(stories: Place) -> Generator[Ledger]:
    """A ledger that holds the six case stories."""
    with stories.ledger() as ledger:
        yield ledger


@pytest.fixture
def keys(stories: Place, opened: Ledger) -> FileKeyStore:
    """Its keys, as another process opens them."""
    return stories.keys(opened.id)


@pytest.fixture
def browser(stories: Place, opened: Ledger) -> Generator[TestClient]:
    """A client of the service over it."""
    with TestClient(create_app(opened, LocalSignIn(opened, "127.0.0.1"), stories.documents(opened))) as client:
        signed_in(client, "u-12")
        yield client


def case_of(ledger: Ledger, number: str = "S6") -> CaseFile:
    """Return a case by its number."""
    opening = next(row for row in ledger.read_topic("case_opened") if read_clear(row).data["number"] == number)
    return CaseFile(opening.stream, tuple(map(read_clear, ledger.read_stream(opening.stream))))


def key_path(keys: FileKeyStore, key: UUID) -> Path:
    """Return the file of a key."""
    (path,) = keys.folder.rglob(f"{key}.key")
    return path


def rotations(ledger: Ledger) -> list[tuple[Any, ...]]:
    """Return the rotations on record."""
    found = [read_clear(row).data for row in ledger.read_stream(ledger.id) if row.topic == KeyRotated.TOPIC]
    return [(data["purpose"], data["old_key"], data["new_key"]) for data in found]


class TestRotating:
    """``keys rotate`` and ``keys retire``."""

    def test_a_rotation_is_on_record_and_readers_notice_nothing(
        self, filled: Inside, opened: Ledger, keys: FileKeyStore
    ) -> None:
        """Texts read as before, in a process that was at work meanwhile and in new ones; the ledger stays intact."""
        show = ("case", "show", "S6", "--purpose", "audit")
        case = case_of(opened)
        before = [opened.mapper.to_domain_event(row) for row in opened.read_stream(case.case)]
        assert filled.done("keys", "rotate") == "Epoch 2: 22 keys wrapped anew.\n"
        assert rotations(opened) == [("key-encryption", "1", "2")]
        assert filled.done("keys", "retire", "1") == "Epoch 1: its key-encryption key is destroyed.\n"
        assert keys.encryption.epochs() == (2,)
        assert [opened.mapper.to_domain_event(row) for row in opened.read_stream(case.case)] == before
        assert "extended to 30 August" in filled.done(*show)
        assert filled.done("verify").startswith("INTACT")
        assert filled.done("keys", "rotate").startswith("Epoch 3:")
        assert rotations(opened) == [("key-encryption", "1", "2"), ("key-encryption", "2", "3")]

    def test_a_rotation_that_did_not_get_on_record_is_completed(
        self, filled: Inside, opened: Ledger, keys: FileKeyStore
    ) -> None:
        """Killed between keys and ledger, the next run begins no further epoch and records the one there is."""
        keys.rotate(1)
        assert filled.done("keys", "rotate") == "Epoch 2: 0 keys wrapped anew.\n"
        assert rotations(opened) == [("key-encryption", "1", "2")]

    def test_of_two_at_the_same_time_one_is_recorded(self, stories: Place, opened: Ledger) -> None:
        """Both say which epoch it is now."""

        async def both() -> list[int]:
            who = command_line_principal("test")
            acts = (asyncio.to_thread(rotate_keys, opened, stories.keys(opened.id), who) for _ in range(2))
            return [rotation.epoch for rotation in await asyncio.gather(*acts)]

        epochs = asyncio.run(both())
        recorded = rotations(opened)
        assert max(epochs) == epoch_on_record(opened.read_stream(opened.id)) == len(recorded) + 1
        assert len(set(recorded)) == len(recorded)

    def test_what_is_not_to_be_retired_is_refused(self, filled: Inside, keys: FileKeyStore) -> None:
        """The current epoch, one that is not there, and what is no epoch at all: nothing is destroyed."""
        for epoch, code, reason in (
            ("1", 1, "current"),
            ("7", 1, "no epoch 7"),
            ("0", 2, "EPOCH"),
            ("old", 2, "EPOCH"),
        ):
            left, line = filled.refused("keys", "retire", epoch)
            assert (left, reason in line) == (code, True), line
        assert keys.encryption.epochs() == (1,)

    def test_a_key_that_does_not_open_is_left_and_named(
        self, filled: Inside, opened: Ledger, keys: FileKeyStore
    ) -> None:
        """The others are rotated, and the old epoch cannot be retired before the key is mended."""
        path = key_path(keys, case_of(opened).key)
        whole = path.read_bytes()
        path.write_bytes(whole[:-1])
        result = filled("keys", "rotate")
        assert (result.returncode, "1 keys do not open" in result.stdout) == (1, True)
        assert "1 keys are wrapped under epoch 1" in filled.refused("keys", "retire", "1")[1]
        path.write_bytes(whole)
        assert filled.done("keys", "rotate").startswith("Epoch 3:")
        filled.done("keys", "retire", "1")


class TestChecking:
    """``keys check``, the restore drill."""

    def test_everything_on_record_is_here(self, filled: Inside) -> None:
        """The keys of six cases and fifteen persons."""
        assert filled.done("keys", "check") == "21 keys on record: 21 live, 0 erased, 0 missing, 0 strange\n"

    def test_erased_missing_and_strange_are_told_apart(
        self, filled: Inside, opened: Ledger, keys: FileKeyStore
    ) -> None:
        """A tombstone is well; a lost key, and a key that is not the one recorded, are not."""
        case = case_of(opened)
        erased, lost, strange = case.key, *list(case.keys().values())[:2]
        keys.destroy(erased, opened.now())
        assert filled.done("keys", "check").endswith("20 live, 1 erased, 0 missing, 0 strange\n")
        key_path(keys, lost).unlink()
        result = filled("keys", "check")
        assert result.returncode == 1
        assert f"missing: key {lost}, on record at position" in result.stdout
        path = key_path(keys, strange)
        path.unlink()
        wrapped = keys.encryption.wrap(1, strange.bytes + bytes(32))
        path.write_bytes(b"CLK1\0\0\0\1" + wrapped)
        lines = filled("keys", "check").stdout.splitlines()
        assert f"strange: key {strange}, on record at position" in "".join(lines)
        assert lines[-1] == "21 keys on record: 18 live, 1 erased, 1 missing, 1 strange"

    def test_an_old_store_that_was_restored_is_swept(
        self, filled: Inside, opened: Ledger, keys: FileKeyStore, tmp_path: Path
    ) -> None:
        """What was erased since does not stay, and the check says how much had come back."""
        key = case_of(opened).key
        shutil.copytree(keys.folder, tmp_path / "old")
        keys.destroy(key, opened.now())
        shutil.copytree(tmp_path / "old", keys.folder, dirs_exist_ok=True)
        said = filled.done("keys", "check").splitlines()
        assert said == [
            "1 erased keys had come back and were removed",
            "21 keys on record: 20 live, 1 erased, 0 missing, 0 strange",
        ]
        assert not list(keys.folder.rglob(f"{key}.key"))

    def test_an_erasure_on_record_is_enough_and_binds(self, filled: Inside, opened: Ledger, keys: FileKeyStore) -> None:
        """A key whose erasure the ledger knows is not missing, and one that is here all the same is strange."""
        case = case_of(opened)
        ref, key = next(iter(case.keys().items()))
        event = PersonalDataErased(
            key=key, key_commitment=key_commitment(keys.get(key)).hex(), basis="x", approved_by="u-1", subject=ref
        )
        fact, commit = Fact(event, opened.now()), Commit((), str(uuid4()), b"erase")
        recorder = CaseRecorder(opened)
        asyncio.run(recorder.perform(LEADER, case.case, case.version, commit, lambda _: [fact]))
        result = filled("keys", "check")
        assert (result.returncode, "Its erasure is on record, but it is here" in result.stdout) == (1, True)
        key_path(keys, key).unlink()
        assert filled.done("keys", "check").endswith("20 live, 1 erased, 0 missing, 0 strange\n")

    def test_without_the_other_volume_the_line_names_its_setting(self, stories: Place, tmp_path: Path) -> None:
        """Nothing is called missing or erased, and no key-encryption key is made in the wrong place."""
        variables = environment(stories.conninfo, tmp_path / "home")
        elsewhere = Inside(variables | {"CASELEDGER_KEY_ENCRYPTION_FOLDER": str(tmp_path / "elsewhere")})
        code, line = elsewhere.refused("keys", "check")
        assert (code, "CASELEDGER_KEY_ENCRYPTION_FOLDER" in line) == (1, True)
        assert not (tmp_path / "elsewhere").exists()

    def test_the_other_volume_may_lie_anywhere(self, stories: Place, tmp_path: Path) -> None:
        """The setting says where."""
        (tmp_path / "home" / "key-encryption").rename(tmp_path / "volume")
        variables = environment(stories.conninfo, tmp_path / "home")
        there = Inside(variables | {"CASELEDGER_KEY_ENCRYPTION_FOLDER": str(tmp_path / "volume")})
        assert there.done("keys", "check").endswith("21 live, 0 erased, 0 missing, 0 strange\n")


class TestCopying:
    """``keys copy``."""

    def test_a_replica_restores_a_lost_store(self, filled: Inside, keys: FileKeyStore, tmp_path: Path) -> None:
        """With the key-encryption keys, which are elsewhere; it replaces an earlier one and nothing else."""
        replica = tmp_path / "replica"
        said = "Copied 22 keys and 0 tombstones, without key-encryption keys.\n"
        assert [filled.done("keys", "copy", replica) for _ in range(2)] == [said, said]
        assert not list(replica.rglob("*.kek"))
        shutil.rmtree(keys.folder)
        assert filled.refused("keys", "check")[0] == 1
        shutil.copytree(replica / "keys", keys.folder.parent, dirs_exist_ok=True)
        assert filled.done("keys", "check").endswith("21 live, 0 erased, 0 missing, 0 strange\n")
        (tmp_path / "letters").mkdir()
        (tmp_path / "letters" / "one").write_text("kept")
        for folder in ("letters", "home", "home/keys"):
            assert "nothing is overwritten" in filled.refused("keys", "copy", tmp_path / folder)[1]
        assert (tmp_path / "letters" / "one").read_text() == "kept"

    def test_a_copy_for_escrow_is_a_home(self, filled: Inside, stories: Place, tmp_path: Path) -> None:
        """With the database alone it is enough to read everything."""
        escrow = tmp_path / "escrow"
        said = filled.done("keys", "copy", "--with-encryption-keys", escrow)
        assert said == "Copied 22 keys and 0 tombstones, with 1 key-encryption keys.\n"
        there = Inside(environment(stories.conninfo, escrow))
        assert there.done("keys", "check").endswith("21 live, 0 erased, 0 missing, 0 strange\n")
        assert filled.refused("keys", "copy", escrow)[0] == 1


@pytest.mark.parametrize("words", [(), ("rotate",), ("retire",), ("check",), ("copy",)], ids=" ".join)
def test_each_command_explains_itself(tmp_path: Path, words: tuple[str, ...]) -> None:
    """``--help`` says what a command does, without a database."""
    said = Inside(environment(f"host={tmp_path} dbname=none", tmp_path)).done("keys", *words, "--help")
    assert said.startswith(f"usage: {' '.join(['caseledger', 'keys', *words])} ")


class TestReading:
    """A lost key must not read as an erased one."""

    @pytest.fixture(params=["erased", "unreadable"])
    def gone(self, request: pytest.FixtureRequest, opened: Ledger, keys: FileKeyStore) -> str:
        """The keys of the case and of one person are gone, by decision or by a fault."""
        case = case_of(opened)
        for key in (case.key, case.persons["parent-F"].key):
            if request.param == "erased":
                keys.destroy(key, opened.now())
            else:
                key_path(keys, key).unlink()
        return request.param

    def test_the_api_says_which(self, browser: TestClient, opened: Ledger, gone: str) -> None:
        """Every field without its key is in one of the two lists, and no text is there."""
        items = browser.get(f"/cases/{case_of(opened).case}/events?limit=500").json()["items"]
        other = {"erased": "unreadable", "unreadable": "erased"}[gone]
        assert [item for item in items if item[other]] == []
        named = [item for item in items if item[gone]]
        assert len(named) > 10
        assert all(set(item[gone]) <= set(item["sealed"]) for item in named)
        assert not any(set(item[gone]) & item["data"].keys() for item in named)

    def test_the_pages_say_which(self, browser: TestClient, opened: Ledger, gone: str) -> None:
        """In Danish, for texts and for the name."""
        page = browser.get(f"/sager/{case_of(opened).case}").text
        lost = "kan ikke læses: nøglen mangler"
        words = {"erased": (">slettet<", "navn slettet"), "unreadable": (lost, f"navn {lost}")}[gone]
        others = {"erased": lost, "unreadable": "slettet"}[gone]
        assert all(word in page for word in words)
        assert others not in page

    def test_the_command_line_says_which(self, filled: Inside, gone: str) -> None:
        """For the name, and for each entry."""
        said = filled.done("case", "show", "S6", "--purpose", "audit")
        assert ("parent-F (erased)" in said) == (gone == "erased")
        assert ("parent-F (not readable: key missing)" in said) == (gone == "unreadable")
        assert ("NOT READABLE, key missing: " in said) == (gone == "unreadable")

    def test_nothing_is_recorded_in_clear_instead(self, browser: TestClient, opened: Ledger, gone: str) -> None:
        """A refusal where the key was erased, a fault of the store where it is missing; neither shows what was sent."""
        case = case_of(opened)
        body = {"commands": [{**note("Canary-4711"), "occurred_at": CLOCK}]}
        headers = {"Idempotency-Key": "k", "If-Match": f'"{case.version}"', "Content-Type": JSON}
        answer = browser.post(f"/cases/{case.case}/commits", content=orjson.dumps(body), headers=headers)
        expected = {"erased": (409, "/problems/refused"), "unreadable": (500, "/problems/key-missing")}[gone]
        assert (answer.status_code, answer.json()["type"]) == expected
        assert "Canary" not in answer.text
        assert case_of(opened).version == case.version
