"""The worker keeps the search index up to date where the keys are, and leaves it alone where they are not."""

import threading
from pathlib import Path

import pytest

from api import search_upkeep
from api.opening import Place
from api.search_upkeep import kept_up
from ledger.keys import file_keys
from tests.ledger.samples import connected, wait_until
from tests.ledger.test_search_index import record


def test_the_index_follows_without_a_search(real: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """People are taken in now and then, also after the database was away."""
    monkeypatch.setattr(search_upkeep, "EVERY_SECONDS", 0.05)
    stop = threading.Event()
    upkeep = threading.Thread(target=kept_up(real), args=(stop,))
    with real.ledger() as ledger, connected(real) as side:
        side.execute("REVOKE USAGE ON SCHEMA search FROM caseledger_app")
        upkeep.start()
        try:
            record(ledger, ("Alma Eksempel", None))
            side.execute("GRANT USAGE ON SCHEMA search TO caseledger_app")
            wait_until(lambda: side.execute("SELECT FROM search.token").rowcount == 2)
        finally:
            stop.set()
            upkeep.join()


def test_without_keys_there_is_nothing_to_keep_up(
    real: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A worker beside which no key store lies goes on without the index, and without complaint."""
    monkeypatch.setattr(search_upkeep, "EVERY_SECONDS", 0.01)
    elsewhere = Place(real.conninfo, real.owner, file_keys(tmp_path / "elsewhere"))
    upkeep = threading.Thread(target=kept_up(elsewhere), args=(threading.Event(),))
    upkeep.start()
    upkeep.join(20)
    assert not upkeep.is_alive()
    assert capsys.readouterr().err == ""


def test_what_fails_again_and_again_is_said_once(
    real: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log names the kind of failure, once, and nothing of the record."""
    monkeypatch.setattr(search_upkeep, "EVERY_SECONDS", 0.01)
    with connected(real) as side:
        side.execute("DROP SCHEMA search CASCADE")
        stop = threading.Event()
        upkeep = threading.Thread(target=kept_up(real), args=(stop,))
        upkeep.start()
        wait_until(lambda: not stop.wait(0.5))
        stop.set()
        upkeep.join()
    assert capsys.readouterr().err.count("the search index could not be brought up to date (UndefinedTable)") == 1
