"""The log is published beside the views: signed soon, at once when wanted, once when nothing is new, never stopped."""

import shutil
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from time import time

import pytest

from api import log_upkeep
from api.log_upkeep import Pauses, published
from api.opening import Place
from ledger.proof.growing import SQL
from ledger.proof.notes import verified
from ledger.proof.publisher import Publisher, default_origin
from ledger.proof.records import ProofRecords
from ledger.proof.signer import FileSigner
from ledger.store import Ledger
from tests.ledger.samples import appended, connected, fact, one, unhindered, wait_until


@contextmanager
def running(place: Place) -> Generator[threading.Thread]:
    """Publish beside a test, as the worker does beside the views."""
    stop = threading.Event()
    thread = threading.Thread(target=published(place), args=(stop,))
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


def append(ledger: Ledger, count: int = 1) -> int:
    """Append events to a stream of their own; returns the last position."""
    request = one(ledger.id, None, *(fact() for _ in range(count)))
    return appended(ledger.append_now(request)).last_position


def complaint(caplog: pytest.LogCaptureFixture) -> str:
    """Return the reason of the last line that says nothing is signed; empty for none."""
    lines = [record for record in caplog.records if record.message == "log_not_signed"]
    return str(vars(lines[-1])["caseledger_fields"]["reason"]) if lines else ""


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test not wait for a minute."""
    monkeypatch.setattr(log_upkeep, "FIRST_PAUSE_SECONDS", 0.1)


def test_what_is_on_record_is_signed_and_appends_nothing(real: Place, ledger: Ledger) -> None:
    """A new log gets its signer, its keys on record and a checkpoint, and the ledger has no event more by it."""
    records, size = ProofRecords(ledger), append(ledger)
    with running(real):
        wait_until(records.latest)
    latest = records.latest()
    assert latest is not None
    assert (latest.checkpoint.size, latest.checkpoint.root) == (size, ledger.head().root)
    assert latest.checkpoint.origin == default_origin(ledger.id)
    keys = [key for key, announced in records.keys() if announced is None]  # noqa: SIM118
    assert set(verified(latest.note, keys)) == set(keys) == set(real.signer(ledger.id).vkeys)
    assert len(keys) == 2


def test_whoever_wants_a_checkpoint_gets_it_before_the_next_round(
    real: Place, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notification wakes the publisher; without one it waits for its round, and an idle round publishes nothing."""
    monkeypatch.setattr(log_upkeep, "EVERY_SECONDS", 3600.0)
    records = ProofRecords(ledger)
    with running(real):
        wait_until(records.latest)
        for _ in range(3):
            position = append(ledger)
            assert records.covering(position) is None
            ledger.query(SQL["ask"], [])
            wait_until(lambda position=position: records.covering(position), seconds=3)
        before = len(records.after(0))
        ledger.query(SQL["ask"], [])
        threading.Event().wait(0.3)
        assert len(records.after(0)) == before == 4


def test_rounds_come_by_themselves(real: Place, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to ask."""
    monkeypatch.setattr(log_upkeep, "EVERY_SECONDS", 0.2)
    records = ProofRecords(ledger)
    with running(real):
        wait_until(records.latest)
        position = append(ledger)
        wait_until(lambda: records.covering(position), seconds=5)


@pytest.mark.slow
def test_a_second_worker_waits_for_its_turn(real: Place, ledger: Ledger) -> None:
    """While another one publishes nothing is done here; when it has gone this one goes on."""
    records = ProofRecords(ledger)
    with closing(Publisher(real.conninfo, real.signer(ledger.id))) as other:
        assert other.has_turn()
        assert ledger.query(SQL["ask"], [])
        with running(real):
            threading.Event().wait(1.2)
            assert records.latest() is None
            other.close()
            wait_until(records.latest)
    wait_until(lambda: not ledger.query(SQL["ask"], []))


@pytest.mark.usefixtures("hurried")
def test_a_signer_that_is_gone_is_not_replaced(real: Place, ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    """Where keys are on record and the folder holds none, or another's, it says so and signs nothing."""
    records = ProofRecords(ledger)
    with running(real):
        wait_until(records.latest)
    folder, size = real.home / "signer" / str(ledger.id), append(ledger)
    shutil.move(folder, real.home / "apart")
    with running(real):
        wait_until(lambda: "no signer in its folder" in complaint(caplog))
        assert not list(folder.glob("keys/*"))
        FileSigner(folder, time).create(default_origin(ledger.id))
        wait_until(lambda: "none of the keys on record" in complaint(caplog))
        assert records.covering(size) is None
        shutil.rmtree(folder)
        shutil.move(real.home / "apart", folder)
        wait_until(lambda: records.covering(size))


@pytest.mark.usefixtures("hurried")
def test_a_ledger_that_was_rewritten_is_not_signed(
    real: Place, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    """The reason is in the log, without content, and once the ledger is as it was it goes on."""
    records, position = ProofRecords(ledger), append(ledger, 3)
    with connected(real) as owner:
        (kept,) = owner.execute("SELECT commitment FROM ledger.event WHERE position = %s", [position]).fetchall()[0]
        change = "UPDATE ledger.event SET commitment = %s WHERE position = %s"
        with unhindered(owner, keep=True):
            owner.execute(change, [bytes(32), position])
        with running(real):
            wait_until(lambda: "another root than the head" in complaint(caplog))
        assert records.latest() is None
        with unhindered(owner, keep=True):
            owner.execute(change, [kept, position])
            owner.execute("DELETE FROM proof.tile")
        with running(real):
            wait_until(records.latest)


def test_pauses_grow_to_a_minute() -> None:
    """And begin again when something went well."""
    pauses = Pauses()
    assert [pauses.next() for _ in range(6)] == [5, 10, 20, 40, 60, 60]
    pauses.over()
    assert pauses.next() == 5


def test_the_origin_that_is_set_is_used_once(real: Place, ledger: Ledger, tmp_path: Path) -> None:
    """It names the log where its signer is made; afterwards the signer keeps its own."""
    named = Place(real.conninfo, real.owner, real.keys, real.home, None, tmp_path / "signers", "ledger.eksempel.dk/x")
    for place in (named, Place(real.conninfo, real.owner, real.keys, real.home, None, tmp_path / "signers")):
        position = append(ledger)
        with running(place):
            wait_until(lambda position=position: ProofRecords(ledger).covering(position))
    assert {one.checkpoint.origin for one in ProofRecords(ledger).after(0)} == {"ledger.eksempel.dk/x"}
