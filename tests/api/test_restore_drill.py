"""The restore drill: a backup by PostgreSQL's own tools, and who notices that an older state came back."""

import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from api import json_log
from api.opening import Place
from api.witness_upkeep import witnessing
from ledger.embedded import find_binaries
from ledger.proof.signer import SignerRefused
from ledger.proof.witness import Witness
from ledger.proof.witnessing import LogSetBack, WitnessAddress, Witnessing, WitnessRefused
from ledger.settings import Settings
from tests.api.witnesses import RunningWitness, beside
from tests.api.witnesses import witnessing as running_witness
from tests.conftest import Server
from tests.ledger.proof.published import PublishedLedger, published
from tests.ledger.samples import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def witness(tmp_path: Path) -> Generator[RunningWitness]:
    """A running witness that trusts no log yet."""
    with running_witness(tmp_path / "witness", []) as running:
        yield running


def asked(log: PublishedLedger, witness: RunningWitness) -> tuple[int, int | None]:
    """Have the witness cosign the latest checkpoint."""
    asking = Witnessing(log.records, log.place.conninfo, time.time)
    return asking.ask(WitnessAddress(witness.url, witness.vkeys))


def run(program: str, *arguments: str | Path) -> None:
    result = subprocess.run(
        [find_binaries() / program, *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert result.returncode == 0, result.stderr


@contextmanager
def restored(server: Server, dump: Path, place: Place) -> Generator[Place]:
    """Yield the ledger as it was in a dump, in a database of its own, with the keys and folders of today."""
    name = server.create()
    conninfo = server.postgres.conninfo(name)
    try:
        run("pg_restore", "--exit-on-error", "--dbname", conninfo, dump)
        yield Place(conninfo, conninfo, place.keys, place.home)
    finally:
        server.drop(name)


@pytest.fixture
def older(server: Server, real: Place, witness: RunningWitness, tmp_path: Path) -> Generator[PublishedLedger]:
    """A ledger that was set back by three entries, which signer and witness have seen; ``old-signer`` is from then."""
    with published(real, tmp_path / "signer") as log:
        Witness(witness.folder, time.time).trust(log.log_keys)
        log.grow(5)
        assert asked(log, witness) == (6, None)
        run("pg_dump", "--format=custom", "--file", tmp_path / "dump", "--dbname", real.conninfo)
        shutil.copytree(tmp_path / "signer", tmp_path / "old-signer")
        log.grow(3)
        assert asked(log, witness) == (9, None)
    with restored(server, tmp_path / "dump", real) as place, published(place, tmp_path / "signer") as log:
        assert log.ledger.head().size == 6
        yield log


def test_the_signer_signs_nothing_that_does_not_go_on_from_what_it_signed(older: PublishedLedger) -> None:
    older.append(1)
    with pytest.raises(SignerRefused, match="signed 9 entries before and is asked to sign 7"):
        older.publisher.publish()
    older.append(2)
    with pytest.raises(SignerRefused, match="another root for 9 entries"):
        older.publisher.publish()
    older.append(1)
    with pytest.raises(SignerRefused, match="not one that the tree of 9 entries grew into"):
        older.publisher.publish()
    latest = older.records.latest()
    assert latest is not None
    assert latest.checkpoint.size == 6
    last = older.signer.last()
    assert last is not None
    assert last.size == 9  # what the record needs to be told: how much is lost, and the root it had


def test_the_witness_names_the_larger_size_and_shows_what_the_log_signed(
    older: PublishedLedger, witness: RunningWitness
) -> None:
    with pytest.raises(LogSetBack) as back:
        asked(older, witness)
    assert (back.value.cosigned, back.value.latest, back.value.shown) == (9, 6, True)


def test_the_alarm_is_in_the_log_of_the_worker(
    older: PublishedLedger, witness: RunningWitness, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    policy = tmp_path / "policy"
    policy.write_text("\n".join([*witness.policy_lines(), "quorum none\n"]), "utf-8")
    with beside(witnessing(older.place, Settings.model_validate({"witness_policy": policy}))):
        wait_until(lambda: "log_set_back" in caplog.messages)
    said = next(record for record in caplog.records if record.getMessage() == "log_set_back")
    fields = getattr(said, json_log.FIELDS)
    assert said.levelname == "ERROR"
    assert {name: fields[name] for name in ("cosigned", "size", "shown")} == {"cosigned": 9, "size": 6, "shown": True}
    assert "Restoring an older state" in fields["remedy"]


def test_where_the_signers_memory_was_set_back_too_only_the_witness_notices(
    older: PublishedLedger, witness: RunningWitness, tmp_path: Path
) -> None:
    with published(older.place, tmp_path / "old-signer") as fooled:
        fooled.grow(1)
        with pytest.raises(LogSetBack) as back:
            asked(fooled, witness)
        assert (back.value.cosigned, back.value.latest, back.value.shown) == (9, 7, True)
        fooled.grow(2)
        with pytest.raises(WitnessRefused, match="status-422"):
            asked(fooled, witness)
        fooled.grow(1)
        with pytest.raises(WitnessRefused, match="status-422"):
            asked(fooled, witness)
    assert len(list(witness.folder.glob("logs/*/refused/*.json"))) == 2


def test_the_newer_state_brought_back_goes_on_as_if_nothing_had_been(
    older: PublishedLedger, real: Place, witness: RunningWitness, tmp_path: Path
) -> None:
    with pytest.raises(LogSetBack):
        asked(older, witness)
    # The first step of the remedy: a newer backup or a replica has the lost entries; here it is the first database.
    with published(real, tmp_path / "signer") as newer:
        assert newer.grow(1).checkpoint.size == 10
        assert asked(newer, witness) == (10, None)


def test_the_restored_database_has_its_guards(older: PublishedLedger) -> None:
    with psycopg.connect(older.place.owner) as connection, pytest.raises(psycopg.Error, match="is refused"):
        connection.execute("DELETE FROM proof.checkpoint")
