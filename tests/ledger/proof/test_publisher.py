"""Publishing: one root for one size whatever crashes, and no signature for a ledger that is not what it was."""

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from api.opening import Place
from ledger.proof.growing import TreeBroken
from ledger.proof.log_signer import require_signer
from ledger.proof.notes import Note, VerifierKey, verified
from ledger.proof.publisher import Publisher, default_origin, ledger_of
from ledger.proof.records import ProofRecords
from ledger.proof.signer import FileSigner, SignerMissing, SignerRefused
from ledger.store import Ledger
from tests.ledger.samples import appended, connected, fact, one, unhindered, wait_until

SET_BACK = (
    "DELETE FROM ledger.event WHERE position > {size}",
    "UPDATE ledger.head SET size = {size}, root = (SELECT root FROM kept), frontier = (SELECT frontier FROM kept)",
    "DELETE FROM proof.checkpoint WHERE size > {size}",
    "DELETE FROM proof.tile",
)


@pytest.fixture
def signer(tmp_path: Path, ledger: Ledger) -> FileSigner:
    """The signer of the ledger's log."""
    signer = FileSigner(tmp_path / "signer", lambda: 1_700_000_000.0)
    signer.create(default_origin(ledger.id))
    return signer


@pytest.fixture
def publisher(real: Place, signer: FileSigner) -> Generator[Publisher]:
    """What publishes it."""
    with closing(Publisher(real.conninfo, signer)) as publisher:
        yield publisher


@pytest.fixture
def records(ledger: Ledger) -> ProofRecords:
    """What is published."""
    return ProofRecords(ledger)


def append(ledger: Ledger, count: int = 1) -> int:
    """Append events to a stream of their own; returns the last position."""
    return appended(ledger.append_now(one(ledger.id, None, *(fact() for _ in range(count))))).last_position


class Crashing:
    """A signer that signs, and whose caller dies before it stores anything."""

    def __init__(self, signer: FileSigner) -> None:
        self._signer = signer
        self.vkeys, self.last = signer.vkeys, signer.last
        self.signed: list[str] = []

    def sign(self, size: int, root: bytes, proof: Sequence[bytes]) -> Note:
        """Sign, and fail as if the process had ended."""
        self.signed.append(str(self._signer.sign(size, root, proof)))
        raise KeyboardInterrupt


def test_a_checkpoint_is_of_the_head(ledger: Ledger, publisher: Publisher, records: ProofRecords) -> None:
    """Of all that is on record, by the keys that are put on record with the first; nothing new gives none."""
    append(ledger, 5)
    head = ledger.head()
    assert publisher.publish() == head.size
    assert publisher.publish() is None
    latest = records.latest()
    assert latest is not None
    assert (latest.checkpoint.size, latest.checkpoint.root) == (head.size, head.root)
    keys = records.keys_at(head.size)
    assert len(keys) == 2
    assert set(verified(latest.note, keys)) == set(keys)
    append(ledger)
    assert publisher.publish() == head.size + 1
    assert [published.checkpoint.size for published in records.after(0)] == [head.size, head.size + 1]
    assert ledger_of(ledger.conninfo) == ledger.id


def test_a_crash_between_signing_and_storing_gives_the_same_bytes_later(
    real: Place, ledger: Ledger, signer: FileSigner, publisher: Publisher, records: ProofRecords
) -> None:
    """Nothing is stored by the run that crashed; the next one stores what was signed, byte for byte."""
    append(ledger, 3)
    crashing = Crashing(signer)
    with closing(Publisher(real.conninfo, crashing)) as dying, pytest.raises(KeyboardInterrupt):
        dying.publish()
    assert records.latest() is None
    size = publisher.publish()
    assert [(one.checkpoint.size, str(one.note)) for one in records.after(0)] == [(size, crashing.signed[0])]


def test_after_such_a_crash_more_may_be_on_record(
    real: Place, ledger: Ledger, signer: FileSigner, publisher: Publisher, records: ProofRecords
) -> None:
    """The size that was signed and not stored is passed over, since the tree goes on from it."""
    append(ledger, 3)
    with closing(Publisher(real.conninfo, Crashing(signer))) as dying, pytest.raises(KeyboardInterrupt):
        dying.publish()
    size = append(ledger, 300)
    assert publisher.publish() == size
    assert [published.checkpoint.size for published in records.after(0)] == [size]


def test_a_database_that_was_set_back_gets_no_signature(
    real: Place, ledger: Ledger, publisher: Publisher, records: ProofRecords
) -> None:
    """Neither as it was then, nor with other events on top up to the same size, nor beyond it."""
    append(ledger, 10)
    publisher.publish()
    with connected(real) as owner:
        owner.execute("CREATE TABLE public.kept AS SELECT size, root, frontier FROM ledger.head")
        ((kept,),) = owner.execute("SELECT size FROM public.kept").fetchall()
        size = append(ledger, 10)
        assert publisher.publish() == size
        with unhindered(owner, keep=True):
            for statement in SET_BACK:
                owner.execute(statement.format(size=kept).replace("kept", "public.kept").encode())
    assert ledger.head().size == kept
    assert publisher.publish() is None, "the checkpoint of that size is stored still"
    append(ledger)
    with pytest.raises(SignerRefused, match=f"signed {size} entries before and is asked to sign {kept + 1}"):
        publisher.publish()
    append(ledger, 9)
    with pytest.raises(SignerRefused, match="another root"):
        publisher.publish()
    append(ledger, 100)
    with pytest.raises(SignerRefused, match="not one that the tree"):
        publisher.publish()
    assert [published.checkpoint.size for published in records.after(0)] == [kept]


def test_an_event_that_was_changed_after_its_tile_was_made_changes_nothing_signed(
    real: Place, ledger: Ledger, publisher: Publisher
) -> None:
    """Before its tile was made it is noticed at once: the head has another root."""
    first = append(ledger, 3)
    change = "UPDATE ledger.event SET commitment = sha256('') WHERE position = %s"
    with connected(real) as owner, unhindered(owner, keep=True):
        owner.execute(change, [first])
    with pytest.raises(TreeBroken, match="another root than the head"):
        publisher.publish()


def test_a_head_that_was_changed_is_noticed(real: Place, ledger: Ledger, publisher: Publisher) -> None:
    """Of a size that was signed, and of one that was not."""
    append(ledger, 3)
    size = publisher.publish()
    change = "UPDATE ledger.head SET root = sha256('')"
    with connected(real) as owner:
        ((kept,),) = owner.execute("SELECT root FROM ledger.head").fetchall()
        with unhindered(owner, keep=True):
            owner.execute(change)
        with pytest.raises(TreeBroken, match=f"checkpoint of {size} entries"):
            publisher.publish()
        with unhindered(owner, keep=True):
            owner.execute("UPDATE ledger.head SET root = %s", [kept])
        append(ledger)
        with unhindered(owner, keep=True):
            owner.execute(change)
        with pytest.raises(TreeBroken, match="than the head"):
            publisher.publish()


def test_a_tile_that_was_changed_is_noticed(real: Place, ledger: Ledger, publisher: Publisher) -> None:
    """The tree of the tiles is compared with the head, and a missing tile is named."""
    append(ledger, 300)
    publisher.publish()
    append(ledger)
    with connected(real) as owner:
        with unhindered(owner, keep=True):
            owner.execute("UPDATE proof.tile SET hashes = overlay(hashes PLACING '\\xff00' FROM 3) WHERE level = 1")
        with pytest.raises(TreeBroken, match="than the head"):
            publisher.publish()
        with unhindered(owner, keep=True):
            owner.execute("DELETE FROM proof.tile WHERE level = 1")
        with pytest.raises(TreeBroken, match="Tile 1/0 is missing"):
            publisher.publish()


def test_one_publisher_has_its_turn(real: Place, signer: FileSigner) -> None:
    """The second one has none until the first has gone; each keeps the one it has."""
    first, second = Publisher(real.conninfo, signer), Publisher(real.conninfo, signer)
    assert (first.has_turn(), second.has_turn()) == (True, False)
    assert (first.has_turn(), second.has_turn()) == (True, False)
    first.close()
    wait_until(second.has_turn)
    second.close()


def test_whose_signer_it_is(ledger: Ledger, publisher: Publisher, signer: FileSigner, tmp_path: Path) -> None:
    """It is made for a log without keys alone, never beside one that has some, and never taken from another log."""
    fresh = FileSigner(tmp_path / "fresh", lambda: 1.0)
    require_signer(fresh, [], "ledger.eksempel.dk/new")
    assert fresh.origin == "ledger.eksempel.dk/new"
    append(ledger)
    publisher.publish()
    on_record: list[VerifierKey] = ProofRecords(ledger).keys_at(1)
    require_signer(signer, on_record, "whatever")
    with pytest.raises(SignerMissing, match="none of the keys on record"):
        require_signer(fresh, on_record, "whatever")
    with pytest.raises(SignerMissing, match="no signer in its folder"):
        require_signer(FileSigner(tmp_path / "empty", lambda: 1.0), on_record, "whatever")


@pytest.mark.parametrize("table", ["checkpoint", "key"])
def test_what_is_published_stays(real: Place, ledger: Ledger, publisher: Publisher, table: str) -> None:
    """Checkpoints and keys are changed and removed by nobody; a second root for a size is impossible."""
    append(ledger)
    size = publisher.publish()
    with connected(real) as owner:
        column = "note" if table == "checkpoint" else "vkey"
        for statement in (
            f"UPDATE proof.{table} SET {column} = ''",
            f"DELETE FROM proof.{table}",
            f"TRUNCATE proof.{table} CASCADE",
        ):
            with pytest.raises(psycopg.DatabaseError, match="is refused"):
                owner.execute(statement.encode())
        with pytest.raises(psycopg.errors.UniqueViolation):
            owner.execute("INSERT INTO proof.checkpoint (size, root, note) VALUES (%s, sha256(''), '')", [size])
