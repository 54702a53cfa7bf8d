"""Verification of what was published: tiles, checkpoints, keys, cosignatures; one case; since a kept checkpoint."""

import os
import re
from collections.abc import Generator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from time import time
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from api.opening import Place
from ledger.format import NIL
from ledger.merkle import EMPTY_ROOT, Frontier
from ledger.proof.notes import COSIGNATURE, SigningKey
from ledger.proof.policies import NO_QUORUM, Party, Policy
from ledger.proof.publisher import Publisher, default_origin
from ledger.proof.records import ProofRecords
from ledger.proof.signer import FileSigner
from ledger.proof.tiles import subtree_from
from ledger.store import Ledger
from replay import verify_published, verify_walk
from replay.verify import NoSuchCase, Trust, verify_case, verify_ledger, verify_since
from replay.verify_kept import KeptCheckpoint, KeptRefused
from replay.verify_report import CHECKS
from replay.verify_tree import GrowingTree
from tests.ledger.samples import appended, connected, fact, one, opening, sealed_fact, unhindered
from tests.replay.scene import cosign_checkpoint

WITNESS = SigningKey.ed25519("witness.nabokommune.example", bytes(32), COSIGNATURE)
CASE = UUID(int=4711)


@dataclass(frozen=True, slots=True)
class Log:
    """A ledger with its signer, and a connection that may do anything to it."""

    place: Place
    ledger: Ledger
    signer: FileSigner
    connection: psycopg.Connection[Any]

    def record(self, streams: int = 1, *, publish: bool = True) -> int:
        """Record an event in each of so many new streams, and one in the case; returns the size then."""
        for _ in range(streams):
            appended(self.ledger.append_now(one(uuid4(), 0, fact(), fact())))
        appended(self.ledger.append_now(one(CASE, None, fact())))
        if publish:
            self.publish()
        return self.ledger.head().size

    def publish(self) -> None:
        """Make a checkpoint."""
        publisher = Publisher(self.place.conninfo, self.signer)
        publisher.publish()
        publisher.close()

    def kept(self, upto: int = 2**62) -> KeptCheckpoint:
        """Return the newest checkpoint up to a size, as an auditor keeps it."""
        published = ProofRecords(self.ledger).latest(upto)
        assert published is not None
        return KeptCheckpoint(published.checkpoint, published.note)

    def execute(self, statement: str, *values: Any) -> None:
        """Run a statement that passes every trigger."""
        with unhindered(self.connection, keep=True):
            self.connection.execute(statement.encode(), values)

    def checks(self, **trust: Any) -> set[str]:
        """Return which checks of a whole verification find something."""
        return set(verify_ledger(self.ledger, trust=Trust(**trust)).checks)


@pytest.fixture
def log(real: Place, tmp_path: Path) -> Generator[Log]:
    """A ledger with a case and two checkpoints."""
    with real.ledger() as ledger, connected(real) as connection:
        signer = FileSigner(tmp_path / "signer", time)
        signer.create(default_origin(ledger.id))
        made = Log(real, ledger, signer, connection)
        appended(ledger.append_now(one(CASE, 0, opening(), sealed_fact())))
        made.record(3)
        made.record(3)
        yield made


POLICY = Policy((), {"nabo": Party(WITNESS.vkey)}, {}, "nabo")


class TestTree:
    """The tree as verification builds it."""

    def test_it_is_the_tree_of_the_append_at_every_size(self) -> None:
        """Root and frontier are equal up to three rows of tiles; full rows come once and in order."""
        tree, frontier = GrowingTree(), Frontier()
        assert tree.root() == EMPTY_ROOT
        for size in range(1, 800):
            leaf = sha256(bytes([size % 256, size // 256])).digest()
            tree.add(leaf)
            frontier.add(leaf)
            assert (tree.size, tree.root(), tree.frontier()) == (size, frontier.root(), frontier.hashes)
        assert [(level, number) for level, number, _ in tree.filled] == [(0, 0), (0, 1), (0, 2)]
        assert [(level, number) for level, number, _ in tree.edge()] == [(0, 3), (1, 0)]

    def test_it_goes_on_from_tiles_at_any_size(self) -> None:
        """Begun anew at a size, from the rows of tiles of a larger tree, it is the same tree."""
        leaves = [sha256(str(number).encode()).digest() for number in range(70_000)]
        whole = GrowingTree()
        for leaf in leaves:
            whole.add(leaf)
        rows = {(level, number): hashes for level, number, hashes in [*whole.filled, *whole.edge()]}
        assert (1, 0) in rows
        for size in (1, 255, 256, 257, 511, 65_535, 65_536, 65_537, 69_999, 70_000):
            tree = GrowingTree.at(size, subtree_from(lambda level, number: rows[level, number]))
            for leaf in leaves[size:]:
                tree.add(leaf)
            assert (tree.size, tree.root(), tree.edge()) == (70_000, whole.root(), whole.edge())


class TestWholeLedger:
    """Tiles, checkpoints, keys and cosignatures against the events."""

    def test_what_was_published_is_counted(self, log: Log) -> None:
        """Checkpoints are counted, and so is what no checkpoint holds yet."""
        size = log.record(1, publish=False)
        report = verify_ledger(log.ledger)
        assert (report.intact, report.checkpoints, report.unpublished, report.size) == (True, 2, 3, size)
        assert report.as_json()["log_key"] == "from the database"

    def test_small_pages_and_a_short_memory_change_nothing(self, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
        """What precedes an event is asked for where it is not remembered; the report is the same."""
        for _ in range(3):
            log.record(2)
        whole = verify_ledger(log.ledger)
        monkeypatch.setattr(verify_walk, "PAGE", 2)
        monkeypatch.setattr(verify_walk, "REMEMBERED", 1)
        monkeypatch.setattr(verify_published, "AT_ONCE", 1)
        monkeypatch.setattr(verify_published, "COSIGNED_AT_ONCE", 1)
        assert verify_ledger(log.ledger) == whole
        monkeypatch.setattr(verify_walk, "PAGE_BYTES", 1)
        assert verify_ledger(log.ledger) == whole
        assert whole.intact

    def test_an_event_before_the_one_it_follows_is_named(self, log: Log) -> None:
        """A stream whose versions run against the order of positions is not a stream."""
        with unhindered(log.connection, keep=True):
            for old, new in ((1, 9), (2, 1), (9, 2)):
                log.connection.execute(
                    "UPDATE ledger.event SET version = %s WHERE stream = %s AND version = %s", [new, CASE, old]
                )
        assert {"version", "commitment"} <= log.checks()

    @pytest.mark.parametrize(
        ("change", "check"),
        [
            ("UPDATE proof.tile SET hashes = sha256(hashes)", "tile"),
            ("UPDATE proof.tile SET hashes = substr(hashes, 1, 32)", "tile"),
            ("DELETE FROM proof.tile", "tile"),
            ("INSERT INTO proof.tile VALUES (0, 7, sha256(''))", "tile"),
            ("INSERT INTO proof.tile VALUES (2, 0, sha256(''))", "tile"),
            ("UPDATE proof.checkpoint SET root = sha256(root)", "checkpoint-root"),
            ("UPDATE proof.checkpoint SET size = size + 100", "checkpoint-root"),
            ("UPDATE proof.checkpoint SET note = 'x'", "checkpoint-signature"),
            ("UPDATE proof.checkpoint SET note = replace(note, 'caseledger.local', 'other')", "checkpoint-signature"),
            (
                "UPDATE proof.checkpoint SET note = regexp_replace(note, '\\n[^\\n]*\\n$', E'\\n')",
                "checkpoint-signature",
            ),
            ("DELETE FROM proof.key", "checkpoint-signature"),
            ("UPDATE proof.key SET vkey = vkey || 'x'", "key"),
            ("UPDATE proof.key SET announced = 2", "key"),
            ("UPDATE ledger.head SET root = sha256(root)", "head"),
        ],
    )
    def test_what_does_not_fit_is_found(self, log: Log, change: str, check: str) -> None:
        """Each change is found by the check that is there for it."""
        log.execute(change)
        assert check in log.checks()

    def test_the_first_keys_are_those_the_auditor_brings(self, log: Log) -> None:
        """With them, or one of them, all is well and the report says so; any other key is not."""
        keys = log.signer.vkeys
        report = verify_ledger(log.ledger, trust=Trust(keys))
        assert (report.intact, report.as_json()["log_key"]) == (True, "given")
        assert not log.checks(log_keys=keys[:1])
        assert log.checks(log_keys=[WITNESS.vkey]) == {"log-key"}
        assert log.checks(log_keys=[*keys, WITNESS.vkey]) == {"log-key"}


def rotate(log: Log) -> int:
    """Replace the log's keys as the command does: announced, signed by both, then by the new ones; returns where."""
    new = log.signer.begin_rotation()
    log.record(1)
    event = fact("key_rotated", purpose="log-signing", old_key="a", new_key="b", keys=[str(key) for key in new])
    at = appended(log.ledger.append_now(one(log.ledger.id, None, event))).last_position
    log.execute("INSERT INTO proof.key SELECT unnest(%s::text[]), %s", [str(key) for key in new], at)
    return at


class TestRotation:
    """Keys that were announced by events."""

    def test_checkpoints_verify_with_the_keys_of_their_time(self, log: Log) -> None:
        """Three rotations later every checkpoint is still right, with the first keys alone given."""
        first = log.signer.vkeys
        for _ in range(3):
            rotate(log)
            log.publish()
            log.signer.end_rotation()
            log.record(2)
        report = verify_ledger(log.ledger, trust=Trust(first))
        assert (report.intact, report.checkpoints) == (True, 11)
        kept = log.kept(report.size - 1)
        assert verify_since(log.ledger, kept, trust=Trust(first)).intact

    def test_a_key_that_no_event_announces_is_named(self, log: Log) -> None:
        """An announcement that names another key, or stands elsewhere, announces nothing."""
        at = rotate(log)
        log.publish()
        assert not log.checks()
        log.execute("UPDATE proof.key SET announced = announced - 1 WHERE announced = %s", at)
        assert log.checks() == {"key"}
        kept = log.kept()
        assert "key" in verify_since(log.ledger, kept).checks

    def test_the_old_key_alone_does_not_go_on(self, log: Log, tmp_path: Path) -> None:
        """After an announcement the keys before it sign nothing alone, nor do the new ones begin alone."""
        rotate(log)
        log.signer.end_rotation()
        log.publish()
        assert log.checks() == {"checkpoint-signature"}


class TestWitnesses:
    """Cosignatures against a policy."""

    def cosign(self, log: Log, at: float | None = None) -> int:
        """Have the newest checkpoint cosigned, and return its size."""
        checkpoint = log.kept().checkpoint
        cosign_checkpoint(log.connection, checkpoint.size, checkpoint.text, int(at or time()), (WITNESS,))
        return checkpoint.size

    def test_without_a_policy_nothing_is_said_of_witnesses(self, log: Log) -> None:
        """Cosignatures of strangers prove nothing; the report says that they were not checked."""
        self.cosign(log)
        report = verify_ledger(log.ledger)
        assert (report.intact, report.cosignatures, report.witnessed) == (True, 0, 0)
        assert report.as_json()["witness_times"] == "not checked"

    def test_a_newer_checkpoint_waits_an_hour_for_its_witnesses(self, log: Log) -> None:
        """They are asked on a beat: what is younger than an hour is no fault, what is older is."""
        assert log.checks(policy=POLICY) == {"quorum"}
        size = self.cosign(log)
        newer = log.record()
        report = verify_ledger(log.ledger, trust=Trust(policy=POLICY))
        assert (report.intact, report.witnessed, report.cosignatures) == (True, size, 1)
        log.execute("UPDATE proof.checkpoint SET stored_at = now() - interval '61 minutes' WHERE size = %s", newer)
        (fault,) = verify_ledger(log.ledger, trust=Trust(policy=POLICY)).faults
        assert (fault.check, fault.position) == ("quorum", newer)

    def test_a_policy_that_asks_for_nobody_is_met(self, log: Log) -> None:
        """Without a quorum the newest checkpoint counts."""
        report = verify_ledger(log.ledger, trust=Trust(policy=replace(POLICY, quorum=NO_QUORUM)))
        assert (report.intact, report.witnessed) == (True, report.size)

    @pytest.mark.parametrize(
        "change",
        [
            "cosigned_at = cosigned_at + interval '1 second'",
            "line = 'x'",
            "size = (SELECT min(size) FROM proof.checkpoint)",
            "size = 1",
        ],
    )
    def test_a_cosignature_of_anything_else_is_named(self, log: Log, change: str) -> None:
        """Another time, another checkpoint, none at all, or no signature: each is a fault."""
        self.cosign(log)
        log.execute(f"UPDATE proof.cosignature SET {change}")
        assert "cosignature" in log.checks(policy=POLICY)

    def test_strangers_are_passed_over(self, log: Log) -> None:
        """What a witness signed that the policy does not name is neither counted nor checked."""
        self.cosign(log)
        log.execute("UPDATE proof.cosignature SET witness = 'somebody.else', line = 'x'")
        assert log.checks(policy=POLICY) == {"quorum"}

    @pytest.mark.parametrize(("late", "found"), [(-290, set[str]()), (290, set[str]()), (-400, {"witness-time"})])
    def test_events_lie_between_the_witnesses_times(self, log: Log, late: int, found: set[str]) -> None:
        """Five minutes are allowed; an event after the time of a witness that saw it is not."""
        self.cosign(log, time() + late)
        assert log.checks(policy=POLICY) == found

    def test_events_after_a_checkpoint_are_not_before_its_witness(self, log: Log) -> None:
        """An event recorded long before a witness saw the ledger without it was dated back."""
        self.cosign(log, time() + 400)
        log.record()
        (first, *_) = verify_ledger(log.ledger, trust=Trust(policy=POLICY)).faults
        assert (first.check, first.position) == ("witness-time", log.kept().checkpoint.size - 2)

    def test_a_simulated_ledger_is_exempt(self, simulated: Place, tmp_path: Path) -> None:
        """Its times are not real; the report says that they were not held against anybody's."""
        with simulated.ledger() as ledger, connected(simulated) as connection:
            signer = FileSigner(tmp_path / "signer", time)
            signer.create(default_origin(ledger.id))
            log = Log(simulated, ledger, signer, connection)
            log.record()
            self.cosign(log)
            report = verify_ledger(ledger, trust=Trust(policy=POLICY))
        assert (report.intact, report.cosignatures) == (True, 1)
        assert report.as_json()["witness_times"] == "exempt"


class TestSince:
    """From a checkpoint that was kept."""

    def test_only_what_is_new_is_gone_through(self, log: Log) -> None:
        """Events, checkpoints and bytes are counted from there on; at the end nothing is left and all is well."""
        kept = log.kept()
        size = log.record(4)
        report = verify_since(log.ledger, kept)
        assert (report.intact, report.events, report.streams, report.checkpoints) == (True, 9, 4, 1)
        assert (report.since, report.size, report.root) == (size - 9, size, log.ledger.head().root)
        nothing = verify_since(log.ledger, log.kept())
        assert (nothing.intact, nothing.events, nothing.root) == (True, 0, report.root)

    def test_an_old_event_that_is_built_upon_is_proven(self, log: Log) -> None:
        """Changed together with what follows it, it is not the one that the kept checkpoint holds."""
        kept = log.kept()
        log.record()
        log.execute(
            "UPDATE ledger.event SET commitment = sha256(commitment) WHERE stream = %s AND version ="
            " (SELECT max(version) - 1 FROM ledger.event WHERE stream = %s)",
            CASE,
            CASE,
        )
        found = verify_since(log.ledger, kept)
        assert {"inclusion", "commitment"} <= found.checks

    def test_old_bytes_are_left_to_the_whole_check(self, log: Log) -> None:
        """An old text that was damaged is none of what came after; only the whole check names it."""
        kept = log.kept()
        log.record()
        log.execute("UPDATE ledger.event SET state = state || ' ' WHERE position = 3")
        assert verify_since(log.ledger, kept).intact
        assert log.checks() == {"payload"}

    @pytest.mark.parametrize(
        ("change", "check"),
        [
            ("UPDATE proof.tile SET hashes = sha256(hashes) || substr(hashes, 33)", "kept-checkpoint"),
            ("DELETE FROM proof.tile", "tile"),
            ("UPDATE proof.tile SET hashes = substr(hashes, 1, 64)", "tile"),
            ("DELETE FROM ledger.event WHERE position = (SELECT max(size) FROM proof.checkpoint)", "position"),
            ("UPDATE ledger.event SET actor = gen_random_uuid()", "inclusion"),
            ("UPDATE ledger.event SET recorded_at = 'infinity'", "readable"),
        ],
    )
    def test_what_the_kept_checkpoint_rests_on_is_checked(self, log: Log, change: str, check: str) -> None:
        """Tiles that do not lead to its root, or a last event that is another: each is named, none stops it."""
        kept = log.kept()
        log.execute(change)
        report = verify_since(log.ledger, kept)
        assert check in report.checks
        assert not report.intact

    def test_a_foreign_checkpoint_is_refused(self, log: Log) -> None:
        """One line says why: the origin, the size, whose signature."""
        kept = log.kept()
        other = replace(kept.checkpoint, origin="somewhere.else")
        with pytest.raises(KeptRefused, match="of another log"):
            verify_since(log.ledger, KeptCheckpoint(other, kept.note))
        with pytest.raises(KeptRefused, match="signed by no key"):
            verify_since(log.ledger, KeptCheckpoint(kept.checkpoint, replace(kept.note, signatures=())))
        with pytest.raises(KeptRefused, match="forged"):
            verify_since(log.ledger, KeptCheckpoint(kept.checkpoint, replace(kept.note, text="x\n")))


class TestOneCase:
    """One stream alone."""

    def test_a_case_is_checked_with_its_place_in_the_tree(self, log: Log) -> None:
        """Its events are counted; those that no checkpoint holds yet are told apart."""
        log.record(1, publish=False)
        report = verify_case(log.ledger, CASE)
        assert (report.intact, report.events, report.unpublished, report.checkpoints) == (True, 5, 1, 1)
        assert report.as_json()["stream"] == str(CASE)

    def test_faults_of_others_are_not_its_own(self, log: Log) -> None:
        """A damaged event of another stream does not matter, one of its own does."""
        log.execute("UPDATE ledger.event SET state = state || ' ' WHERE stream <> %s", CASE)
        assert verify_case(log.ledger, CASE).intact
        log.execute("UPDATE ledger.event SET state = state || ' ' WHERE stream = %s AND version = 2", CASE)
        (fault,) = verify_case(log.ledger, CASE).faults
        assert (fault.check, fault.version) == ("payload", 2)

    @pytest.mark.parametrize(
        ("change", "check"),
        [
            ("UPDATE proof.tile SET hashes = sha256(hashes) || substr(hashes, 33)", "inclusion"),
            ("DELETE FROM proof.tile", "inclusion"),
            ("UPDATE proof.checkpoint SET root = sha256(root)", "checkpoint-root"),
            ("UPDATE proof.checkpoint SET note = 'x'", "checkpoint-signature"),
            ("DELETE FROM proof.key", "checkpoint-signature"),
        ],
    )
    def test_a_case_that_cannot_be_proven_is_named(self, log: Log, change: str, check: str) -> None:
        """Each link from the event to the signature is needed."""
        log.execute(change)
        assert check in verify_case(log.ledger, CASE).checks

    @pytest.mark.parametrize("nobody", [uuid4(), NIL])
    def test_nobodys_case_is_refused(self, log: Log, nobody: UUID) -> None:
        """An id that no case has is no empty case that is intact; the same goes for other streams."""
        appended(log.ledger.append_now(one(NIL, None, fact())))
        with pytest.raises(NoSuchCase):
            verify_case(log.ledger, nobody)


def test_the_documentation_says_what_the_code_does() -> None:
    """docs/verify.md lists each code with what it makes sure of, written anew with CASELEDGER_FREEZE=1."""
    page = Path(__file__).parents[2] / "docs" / "verify.md"
    begin, end = "<!-- written from replay/verify_report.py -->\n", "<!-- end -->"
    table = "".join(f"| `{check}` | {text} |\n" for check, text in CHECKS.items())
    head, _, rest = page.read_text("utf-8").partition(begin)
    if os.environ.get("CASELEDGER_FREEZE") == "1":
        page.write_text(
            f"{head}{begin}| check | makes sure that |\n|---|---|\n{table}{end}{rest.partition(end)[2]}", "utf-8"
        )
    assert table in page.read_text("utf-8")


def test_the_report_has_the_members_that_are_described(log: Log) -> None:
    """Programs read it: each member stands in docs/verify.md, and none is there that the report does not have."""
    page = (Path(__file__).parents[2] / "docs" / "verify.md").read_text("utf-8")
    log.execute("UPDATE ledger.event SET state = state || ' ' WHERE position = 3")
    report = verify_ledger(log.ledger).as_json()
    described = re.findall(r"^\| `(\w+)` \| (?:text|number|object|list|true)", page, re.MULTILINE)
    assert described == list(report)
    assert list(report["faults"][0]) == ["check", "position", "stream", "version", "problem"]
