"""Restoring backups from before an erasure: nobody reads what was erased, and the erasure log puts it on record."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg.conninfo import conninfo_to_dict

from ledger.errors import KeyMissing
from ledger.keys import file_keys
from tests.api.client import CANARY, Api, command, note
from tests.api.erasing import (
    OFFICER,
    RETENTION,
    UNLAWFUL,
    Colleagues,
    answered,
    erase,
    erasures,
    kept_long_enough,
    open_case,
    said_by,
)
from tests.api.filing import Office, bytes_of, file, filed, offices
from tests.api.service import Inside, until
from tests.conftest import Server, Template

pytestmark = pytest.mark.slow

SENT: dict[str, Any] = {
    "to": "daycare", "basis": "law", "consents": [], "data_categories": ["social"], "documents": [],
    "purpose": "To plan", "legal_basis": "x",
}  # fmt: skip
ASKED = said_by("parent-B", CANARY), answered(2)


@dataclass(frozen=True, slots=True)
class Erased:
    """A ledger after erasures and its backup from before: one case of which a person was erased, one erased whole."""

    office: Office
    backup: Office
    old_keys: Path
    one: str
    whole: str
    decided: dict[str, dict[str, Any]]


@pytest.fixture
def office(server: Server, simulated_template: Template, tmp_path: Path) -> Generator[Office]:
    """A ledger of its own."""
    yield from offices(server, simulated_template, tmp_path)


@contextmanager
def backed_up(server: Server, office: Office) -> Generator[Office]:
    """Yield the office over a copy of its database as it is now; nobody may be connected to it."""
    name = server.create(str(conninfo_to_dict(office.place.conninfo)["dbname"]))
    conninfo = server.postgres.conninfo(name)
    try:
        yield replace(office, place=replace(office.place, conninfo=conninfo, owner=conninfo))
    finally:
        server.drop(name)


@pytest.fixture
def erased(server: Server, office: Office, tmp_path: Path) -> Generator[Erased]:
    """The ledger, its backup, and the key folder of then."""
    with office.serving() as api:
        one = open_case(api, *ASKED, note("Kept."))
        whole = open_case(api, *ASKED, command("DisclosureMade", SENT))
        filed(file(api, whole, 4))
        assert api.commit(whole, 5, *kept_long_enough()).status_code == 201
        until(lambda: on_board(api) >= {one, whole}, "both are on the board")
        assert found(api) == {one, whole}
    old_keys = shutil.copytree(office.home / "keys", tmp_path / "old" / "keys")
    with backed_up(server, office) as backup:
        with office.serving() as api, office.place.ledger() as ledger:
            colleagues = Colleagues(ledger, office, api)
            for case, said in ((one, UNLAWFUL), (whole, RETENTION)):
                proposal = colleagues.propose(case, **said)
                assert erase(api, case, proposal, proposal).status_code == 201
            decided = {key: data for case in (one, whole) for key, data in erasures_of(api, case).items()}
        yield Erased(office, backup, old_keys, one, whole, decided)


def on_board(api: Api) -> set[str]:
    """Return the cases on the board."""
    return {row["case"] for row in api.get("/cases", limit=500).json()["items"]}


def found(api: Api) -> set[str]:
    """Return the cases in which somebody with the father's number is found."""
    response = api.post("/searches", {"identifier": "610199-0002"})
    assert response.status_code == 200, response.text
    return {hit["case"] for hit in response.json()["hits"]}


def erasures_of(api: Api, case: str) -> dict[str, dict[str, Any]]:
    """Return what the erasures of a case say, by the key that was destroyed."""
    return {e["data"]["key"]: e["data"] for e in api.events(case) if e["event"] == "PersonalDataErased"}


def nobody_reads(api: Api, erased: Erased) -> None:
    """Check that no answer holds what was erased, and that other texts are read."""
    for case in (erased.one, erased.whole):
        for path in (f"/cases/{case}", f"/cases/{case}/events", f"/cases/{case}/people", f"/sager/{case}"):
            text = api.get(path).text
            assert CANARY not in text
            assert "Bent Eksempel" not in text
        assert api.events(case)[1]["erased"] == ["text"]
    assert api.events(erased.one)[3]["data"]["content"] == "Kept."
    assert bytes_of(api, erased.whole).status_code == 410
    assert "Alma Eksempel" in api.get(f"/cases/{erased.one}").text


@pytest.mark.parametrize("keys", ["present", "old"])
def test_what_only_the_erasure_log_knows_is_put_on_record_again(erased: Erased, keys: str) -> None:
    """At once erased texts are closed; `apply` records each, as far as it is known, and everything derived follows."""
    office = erased.backup
    if keys == "old":
        shutil.copytree(erased.old_keys, office.home / "keys", dirs_exist_ok=True)
    with office.serving() as api:
        nobody_reads(api, erased)
        assert "1 erased" in office.command.done("documents", "check")
        assert on_board(api) >= {erased.one, erased.whole}
        assert [erasures_of(api, case) for case in (erased.one, erased.whole)] == [{}, {}]
        said = office.command.done("erasure", "apply").splitlines()
        assert said[0] == "Recorded 4 erasures that only the erasure log knew of."
        assert said[1].startswith("Destroyed ")
        nobody_reads(api, erased)
        again = {key: data for case in (erased.one, erased.whole) for key, data in erasures_of(api, case).items()}
        assert again.keys() == erased.decided.keys()
        for key, data in again.items():
            kept = ("scope", "subject", "person", "key_commitment", "key_epoch")
            assert {name: data.get(name) for name in kept} == {n: erased.decided[key].get(n) for n in kept}
            assert (data["reapplied"], data["basis"], data.get("ground")) == (True, ["erasure log"], None)
            assert data["approved_by"].startswith("os:")
        assert [path for key in again for path in (office.home / "keys").rglob(f"{key}.key")] == []
        until(lambda: erased.whole not in on_board(api), "the case erased whole leaves the board")
        assert erased.one in on_board(api)
        assert found(api) == set()
        assert [one["told_by"] for one in erasures(api, erased.whole)["recipients"]] == [None]
        with api.acting_as(OFFICER) as officer:
            assert erased.whole in {item["case"] for item in officer.get("/erasures").json()["items"]}
        for case, what in ((erased.whole, "Hele sagen er slettet"), (erased.one, "oplysninger (parent-B) er slettet")):
            page = api.get(f"/sager/{case}").text
            assert what in page
            assert "Afgørelsen gik tabt; sletningen er registreret igen" in page
        assert [one["reapplied"] for one in erasures(api, erased.one)["erasures"]] == [True]
        size = api.written()
        assert office.command.done("erasure", "apply").startswith("Destroyed 0 keys")
        assert api.written() == size
    assert office.command.done("verify").startswith("INTACT")
    views = office.command.done("replay", "verify").splitlines()
    assert all(line.endswith("equal row for row") for line in views), views
    assert ", 0 missing, 0 strange" in office.command.done("keys", "check")


def test_a_backup_of_database_and_keys_dies_with_its_epoch(erased: Erased, tmp_path: Path) -> None:
    """Once the epoch is retired the old key folder opens nothing, also without the erasure log; the present one all."""
    command_line = erased.office.command
    assert "keys wrapped anew" in command_line.done("keys", "rotate")
    command_line.done("keys", "retire", "1")
    assert command_line.done("case", "show", erased.one, "--purpose", "test").count("Kept.") == 1
    checked = command_line.done("keys", "check")
    assert ", 4 erased, 0 missing, 0 strange" in checked
    ledgers = [path for path in (erased.office.home / "key-encryption").iterdir() if path.is_dir()]
    shutil.copytree(erased.office.home / "key-encryption", tmp_path / "apart")
    for ledger in ledgers:
        shutil.rmtree(tmp_path / "apart" / ledger.name / "erased")
        (tmp_path / "apart" / ledger.name / "erased").mkdir()
    variables = erased.backup.variables | {
        "CASELEDGER_HOME": str(erased.old_keys.parent),
        "CASELEDGER_KEY_ENCRYPTION_FOLDER": str(tmp_path / "apart"),
    }
    died = "wrapped under epoch 1, whose key-encryption key was destroyed"
    assert died in Inside(variables)("keys", "check").stderr
    with erased.office.place.ledger() as ledger:
        dead = file_keys(erased.old_keys.parent, tmp_path / "apart")(ledger.id)
    keys = [UUID(path.stem) for path in erased.old_keys.rglob("*.key")]
    assert len(keys) >= 7
    for key in keys:
        with pytest.raises(KeyMissing, match=died):
            dead.get(key)
