"""Time stamps: a real authority on this machine, what openssl makes of what we store, and answers that do not hold."""

import threading
import time
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rfc3161_client import decode_timestamp_response

from api.opening import Place
from api.stamp_upkeep import stamp_if_due, stamping
from ledger.proof.notes import Note
from ledger.proof.records import Stamp
from ledger.proof.stamping import Authority, NotStamped, authority_of, check_stamp, read_roots, stamp, store_stamp
from ledger.settings import Settings
from tests.api.service import Inside, environment
from tests.ledger.proof.published import PublishedLedger, published
from tests.ledger.proof.stamp_authority import (
    RunningAuthority,
    make_authority,
    needs_openssl,
    reply_to,
    stamp_authority,
)

pytestmark = needs_openssl
KIND = "application/timestamp-reply"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningAuthority]:
    """A time-stamp authority on this machine."""
    with stamp_authority(tmp_path_factory.mktemp("authority")) as authority:
        yield authority


@pytest.fixture
def authority(running: RunningAuthority) -> Generator[RunningAuthority]:
    """The authority, honest again after each test."""
    honest = running.change
    yield running
    running.change = honest


@pytest.fixture
def log(real: Place, tmp_path: Path) -> Generator[PublishedLedger]:
    """A ledger of which a first checkpoint is published."""
    with published(real, tmp_path / "signer") as opened:
        opened.grow(3)
        yield opened


def trusted(authority: RunningAuthority) -> Authority:
    return Authority(authority.url, read_roots(authority.root))


def stamped(log: PublishedLedger, authority: Authority, now: float | None = None) -> Stamp:
    latest = log.records.latest()
    assert latest is not None
    return stamp(latest, authority, lambda: time.time() if now is None else now)


def test_a_stamp_is_over_the_text_of_the_checkpoint_and_openssl_accepts_it(
    log: PublishedLedger, authority: RunningAuthority, real: Place
) -> None:
    assert stamp_if_due(real, trusted(authority))
    latest = log.records.latest()
    assert latest is not None
    stored = log.records.stamps(4)
    assert len(stored) == 1
    text = latest.checkpoint.text.encode()
    assert authority.accepts(stored[0].token, text)
    assert not authority.accepts(stored[0].token, text.replace(b"\n4\n", b"\n5\n"))
    assert check_stamp(stored[0].token, text, read_roots(authority.root)) == stored[0]
    assert abs(stored[0].stamped_at - datetime.now(UTC)) < timedelta(seconds=30)
    # What the authority sees is a hash: neither the origin nor the size of the ledger.
    assert log.signer.origin.encode() not in authority.queries[-1]


def test_it_holds_whatever_witnesses_sign_later(log: PublishedLedger, authority: RunningAuthority) -> None:
    found = stamped(log, trusted(authority))
    latest = log.records.latest()
    assert latest is not None
    cosigned = Note(latest.note.text).signed(*latest.note.signatures, *latest.note.signatures)
    assert authority.accepts(found.token, cosigned.text.encode())


def test_one_is_due_once_a_day(log: PublishedLedger, authority: RunningAuthority, real: Place) -> None:
    latest = log.records.latest()
    assert latest is not None
    answer = stamped(log, trusted(authority))
    store_stamp(real.conninfo, 4, Stamp(answer.token, datetime.now(UTC) - timedelta(hours=25)))
    asked = len(authority.queries)
    assert stamp_if_due(real, trusted(authority))
    assert len(authority.queries) == asked + 1
    assert stamp_if_due(real, trusted(authority))
    assert len(authority.queries) == asked + 1
    assert len(log.records.stamps(4)) == 2


def test_nothing_is_due_before_the_first_checkpoint(real: Place, authority: RunningAuthority) -> None:
    asked = len(authority.queries)
    assert stamp_if_due(real, trusted(authority))
    assert len(authority.queries) == asked


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((500, KIND, None), "answers 500"),
        ((200, "text/html", None), "another type"),
        ((200, KIND, b""), "does not hold"),
        ((200, KIND, b"0" * 4000), "does not hold"),
        ((200, KIND, bytes.fromhex("30053003020102")), "does not hold"),
        ((200, KIND, b"0" * 200_000), "does not answer"),
    ],
    ids=["error", "page", "nothing", "noise", "rejection", "flood"],
)
def test_what_is_no_stamp_is_not_stored(
    log: PublishedLedger,
    authority: RunningAuthority,
    real: Place,
    change: tuple[int, str, bytes | None],
    message: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    status, kind, body = change
    authority.change = lambda answer: (status, kind, answer if body is None else body)
    with pytest.raises(NotStamped, match=message):
        stamped(log, trusted(authority))
    assert not stamp_if_due(real, trusted(authority))
    assert [record.getMessage() for record in caplog.records] == ["checkpoint_not_stamped"]
    assert log.records.stamps(4) == []


def test_the_answer_to_another_request_does_not_hold(log: PublishedLedger, authority: RunningAuthority) -> None:
    stamped(log, trusted(authority))
    earlier = reply_to(authority.folder, authority.queries[-1])
    authority.change = lambda _: (200, KIND, earlier)  # the same text, but another nonce
    with pytest.raises(NotStamped, match="does not hold"):
        stamped(log, trusted(authority))
    log.grow()
    with pytest.raises(NotStamped, match="does not hold"):
        stamped(log, trusted(authority))


def test_a_changed_byte_does_not_hold(log: PublishedLedger, authority: RunningAuthority) -> None:
    token = stamped(log, trusted(authority)).token
    latest = log.records.latest()
    assert latest is not None
    text, roots = latest.checkpoint.text.encode(), read_roots(authority.root)
    info = decode_timestamp_response(token).tst_info
    at = token.index(info.message_imprint.message)
    for place in (at, at + 31, len(token) - 1, len(token) // 2):
        changed = bytearray(token)
        changed[place] ^= 1
        try:
            found = check_stamp(bytes(changed), text, roots)
        except NotStamped:
            continue
        # Some bytes, such as those of a certificate's extra fields, are not covered; what is said must be the same.
        assert (found.stamped_at, place) == (info.gen_time, len(token) // 2)


def test_an_authority_that_nobody_chose_does_not_hold(
    log: PublishedLedger, authority: RunningAuthority, tmp_path: Path
) -> None:
    other = read_roots(make_authority(tmp_path / "other"))
    with pytest.raises(NotStamped, match="does not hold"):
        stamped(log, Authority(authority.url, other))


@pytest.mark.parametrize("apart", [-400, 400])
def test_a_clock_far_from_ours_does_not_hold(log: PublishedLedger, authority: RunningAuthority, apart: int) -> None:
    with pytest.raises(NotStamped, match="five minutes apart"):
        stamped(log, trusted(authority), time.time() + apart)


def test_an_authority_that_is_away_is_said(log: PublishedLedger, authority: RunningAuthority) -> None:
    with pytest.raises(NotStamped, match="does not answer"):
        stamped(log, Authority("http://127.0.0.1:9/tsa", read_roots(authority.root)))


def test_the_settings_go_together(running: RunningAuthority, tmp_path: Path, real: Place) -> None:
    def of(**named: object) -> Authority | None:
        return authority_of(Settings.model_validate(named))

    assert of() is None
    assert of(stamp_url=running.url, stamp_roots=running.root) is not None
    (tmp_path / "no.pem").write_text("nothing", "utf-8")
    for named, message in (
        ({"stamp_url": running.url}, "go together"),
        ({"stamp_roots": running.root}, "go together"),
        ({"stamp_url": "ftp://tsa", "stamp_roots": running.root}, "must be an http"),
        ({"stamp_url": running.url, "stamp_roots": tmp_path / "nowhere"}, "PEM"),
        ({"stamp_url": running.url, "stamp_roots": tmp_path / "no.pem"}, "PEM"),
    ):
        with pytest.raises(NotStamped, match=message):
            of(**named)
    assert stamping(real, Settings.model_validate({"stamp_url": running.url})) == []
    assert stamping(real, Settings.model_validate({})) == []


def test_it_runs_beside_the_worker_until_it_is_told_to_stop(real: Place, running: RunningAuthority) -> None:
    runners = stamping(real, Settings.model_validate({"stamp_url": running.url, "stamp_roots": running.root}))
    stop = threading.Event()
    threads = [threading.Thread(target=run, args=(stop,)) for run in runners]
    assert len(threads) == 1
    threads[0].start()
    stop.set()
    threads[0].join(10)
    assert not threads[0].is_alive()


def test_the_command_stamps_on_demand(
    log: PublishedLedger, authority: RunningAuthority, real: Place, tmp_path: Path
) -> None:
    place = environment(real.conninfo, tmp_path / "home")
    assert "No time-stamp authority" in Inside(place).refused("log", "stamp")[1]
    chosen = {"CASELEDGER_STAMP_URL": authority.url, "CASELEDGER_STAMP_ROOTS": str(authority.root)}
    command = Inside(place | chosen)
    for number in (1, 2):
        time.sleep(1.1 * (number - 1))  # a token holds whole seconds
        assert command.done("log", "stamp").startswith("Checkpoint of 4 entries stamped at ")
        assert len(log.records.stamps(4)) == number
