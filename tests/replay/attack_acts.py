"""What attackers do to a ledger in the tests of attacks, each past every trigger."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from domain.case_file import CaseFile
from ledger.format import NIL, NO_COMMITMENT, StoredRow, commitment
from ledger.mapper import read_clear
from ledger.proof.checkpoints import Checkpoint
from ledger.proof.records import ProofRecords
from tests.ledger.samples import appended, fact, one
from tests.replay.scene import WITNESSES, Scene, cosign_checkpoint


def row_updated(scene: Scene) -> None:
    """Change one byte of a text."""
    scene.execute(
        "UPDATE ledger.event SET state = set_byte(state, length(state) - 1, get_byte(state, length(state) - 1) # 1)"
        " WHERE position = %s",
        scene.sealed().position,
    )


def row_rewritten(scene: Scene) -> None:
    """Put other facts into an event, with length, digest and everything that follows from them."""
    target, other = next(row for row in scene.rows[60:] if len(row.segments) == 86), fact(hours_per_week=99)
    scene.execute(
        "UPDATE ledger.event SET state = %s, segments = %s WHERE position = %s",
        other.state,
        other.segments,
        target.position,
    )
    scene.repair()


def row_rewritten_without_tiles(scene: Scene) -> None:
    """The same, the tiles left as they were."""
    target = next(row for row in scene.rows[60:] if len(row.segments) == 86)
    scene.execute("UPDATE ledger.event SET actor = %s WHERE position = %s", uuid4(), target.position)
    scene.repair(tiles=False)


def row_deleted(scene: Scene) -> None:
    """Delete an event."""
    scene.execute("DELETE FROM ledger.event WHERE position = %s", scene.sealed().position)


def row_deleted_and_renumbered(scene: Scene) -> None:
    """Delete an event, number everything after it anew, in its stream and in the ledger, and repair."""
    target = scene.sealed()
    scene.execute("DELETE FROM ledger.event WHERE position = %s", target.position)
    for column, condition in (
        ("position", f"position > {target.position}"),
        ("version", f"stream = '{target.stream}'"),
    ):
        after = f"{condition} AND {column} > {getattr(target, column)}"
        scene.execute(f"UPDATE ledger.event SET {column} = {column} + 1000000 WHERE {after}")
        scene.execute(f"UPDATE ledger.event SET {column} = {column} - 1000001 WHERE {column} > 1000000")
    for column in ("first_position", "last_position"):
        scene.execute(f"UPDATE ledger.request SET {column} = {column} - 1 WHERE {column} >= {target.position}")
    scene.repair()


def forged(scene: Scene, position: int, recorded_at: datetime) -> StoredRow:
    """Return a well-made event that was never appended, alone in its stream."""
    event = fact()
    row = StoredRow(
        position, uuid4(), 1, event.topic, recorded_at, NIL, event.blind, event.segments, event.state, bytes(32)
    )
    return replace(row, commitment=commitment(row, NO_COMMITMENT))


def insert(scene: Scene, row: StoredRow) -> None:
    """Insert a row around the append function."""
    values = [getattr(row, name) for name in StoredRow.__dataclass_fields__]
    scene.execute("INSERT INTO ledger.event VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", *values)


def row_inserted(scene: Scene) -> None:
    """Push an event in between, move everything after it, and repair."""
    at = scene.sealed().position
    scene.execute(f"UPDATE ledger.event SET position = position + 1000000 WHERE position >= {at}")
    scene.execute("UPDATE ledger.event SET position = position - 999999 WHERE position > 1000000")
    for column in ("last_position", "first_position"):
        scene.execute(f"UPDATE ledger.request SET {column} = {column} + 1 WHERE {column} >= {at}")
    insert(scene, forged(scene, at, scene.rows[at - 2].recorded_at))
    scene.repair()


def append_bypassed(scene: Scene) -> None:
    """Insert an event at the end, around the append function."""
    insert(scene, forged(scene, len(scene.rows) + 1, datetime.now(UTC)))


def truncate(scene: Scene) -> None:
    """Remove the last forty events, and repair what the append keeps."""
    upto = len(scene.rows) - 40
    scene.execute("DELETE FROM ledger.event WHERE position > %s", upto)
    scene.execute("DELETE FROM ledger.request WHERE last_position > %s", upto)
    scene.repair(tiles=False)


def truncate_whole(scene: Scene) -> None:
    """Remove the last forty events, and every checkpoint, cosignature and tile that holds them."""
    truncate(scene)
    scene.execute("DELETE FROM proof.cosignature WHERE size > %s", len(scene.rows))
    scene.execute("DELETE FROM proof.checkpoint WHERE size > %s", len(scene.rows))
    scene.repair()


def nothing(scene: Scene) -> None:
    """Change nothing: the state itself is the attack."""


def rewrite_without_key(scene: Scene) -> None:
    """Rewrite an event and all checkpoints after it, with signature lines that do not fit."""
    row_rewritten(scene)
    scene.resign(stolen=False)


def rewrite_with_key(scene: Scene) -> None:
    """Rewrite an event and sign all checkpoints after it anew."""
    row_rewritten(scene)
    scene.resign(stolen=True)


def rewrite_with_one_witness(scene: Scene) -> None:
    """Rewrite, sign and cosign with one of the two witnesses' keys."""
    row_rewritten(scene)
    scene.resign(stolen=True, cosign=1)


def rewrite_with_all_keys(scene: Scene) -> None:
    """Rewrite, sign and cosign with every key there is."""
    row_rewritten(scene)
    scene.resign(stolen=True, cosign=len(WITNESSES))


def split_view(scene: Scene) -> None:
    """Sign a second head of the newest size and show it to somebody, the database left as it is."""
    size = len(scene.rows)
    note = scene.thief().sign(size, bytes(32), [])
    scene.shown = Checkpoint(scene.outside.remembered.origin, size, bytes(32)), note


def added_and_removed(scene: Scene) -> None:
    """Remove an event that no checkpoint holds yet."""
    _add(scene)
    _remove_last(scene)


def added_and_removed_with_receipt(scene: Scene) -> None:
    """Remove an event whose author has its proof, with the checkpoint that was made for it."""
    at = _add(scene)
    scene.publish()
    published = ProofRecords(scene.ledger).covering(at)
    assert published is not None
    scene.receipt = ProofRecords(scene.ledger).proof(at, published)
    _remove_last(scene)
    scene.execute("DELETE FROM proof.checkpoint WHERE size >= %s", at)
    scene.repair()


def _add(scene: Scene) -> int:
    return appended(scene.ledger.append_now(one(uuid4(), 0, key=bytes(32)))).last_position


def _remove_last(scene: Scene) -> None:
    scene.execute("DELETE FROM ledger.event WHERE position = (SELECT max(position) FROM ledger.event)")
    scene.execute("DELETE FROM ledger.request WHERE key = %s", bytes(32))
    scene.repair(tiles=False)


def backdated(scene: Scene) -> None:
    """Set the clock back for one event, then let everybody sign it as usual."""
    at = _add(scene)
    scene.execute(
        "UPDATE ledger.event SET recorded_at = %s WHERE position = %s", datetime.now(UTC) - timedelta(days=21), at
    )
    scene.repair()
    scene.publish()
    latest = ProofRecords(scene.ledger).latest()
    assert latest is not None
    now = int(datetime.now(UTC).timestamp())
    cosign_checkpoint(scene.connection, at, latest.checkpoint.text, now)
    scene.outside = replace(scene.outside, remembered=latest.checkpoint)


def ciphertext_removed(scene: Scene) -> None:
    """Remove the sealed bytes of an event that nobody decided to erase."""
    scene.execute(
        "UPDATE ledger.event SET state = substr(state, 1, substr(segments, 19, 4)::int) WHERE position = %s",
        scene.sealed().position,
    )


def tombstone_without_decision(scene: Scene) -> None:
    """Destroy the key of a person, with a tombstone, and no decision on record."""
    opening = scene.ledger.read_topic("case_opened")[0]
    file = CaseFile(opening.stream, (read_clear(opening),))
    key = next(iter(file.persons.values())).key
    scene.removed_key = key
    scene.ledger.keys.destroy(key, datetime.now(UTC))


def ciphertext_moved(scene: Scene) -> None:
    """Exchange the sealed bytes of two events, with their lines in the segment tables."""
    one_, other = scene.sealed(), scene.sealed(1)
    for to, source in ((one_, other), (other, one_)):
        scene.execute(
            "UPDATE ledger.event SET state = %s, segments = %s WHERE position = %s",
            source.state,
            source.segments,
            to.position,
        )


def topics_swapped(scene: Scene) -> None:
    """Give an event another topic."""
    scene.execute("UPDATE ledger.event SET topic = 'note_recorded' WHERE position = %s", scene.sealed().position)


def streams_swapped(scene: Scene) -> None:
    """Exchange the streams of two events of the same version."""
    first = scene.sealed()
    other = next(row for row in scene.rows if row.version == first.version and row.stream != first.stream)
    for row, stream in ((first, NIL), (other, first.stream), (first, other.stream)):
        scene.execute("UPDATE ledger.event SET stream = %s WHERE position = %s", stream, row.position)


def actor_changed(scene: Scene) -> None:
    """Say that somebody else did it."""
    scene.execute("UPDATE ledger.event SET actor = %s WHERE position = %s", uuid4(), scene.sealed().position)


def request_moved(scene: Scene) -> None:
    """Let an idempotency key point at another request's events."""
    scene.execute(
        "UPDATE ledger.request SET first_position = first_position + 5, last_position = last_position + 5"
        " WHERE first_position = (SELECT min(first_position) FROM ledger.request WHERE first_position > 20)"
    )


def fingerprint_changed(scene: Scene) -> None:
    """Change what a repeated request is compared with, so that an honest repeat is refused."""
    scene.execute("UPDATE ledger.request SET fingerprint = sha256(fingerprint)")


def checkpoint_deleted(scene: Scene) -> None:
    """Delete a checkpoint in the middle."""
    scene.execute("DELETE FROM proof.checkpoint WHERE size = %s", scene.outside.kept.checkpoint.size)


def checkpoint_deleted_whole(scene: Scene) -> None:
    """Delete the newest checkpoint and its cosignatures."""
    for table in ("cosignature", "checkpoint"):
        scene.execute(f"DELETE FROM proof.{table} WHERE size = (SELECT max(size) FROM proof.checkpoint)")


def cosignature_forged(scene: Scene) -> None:
    """Replace the cosignature of a witness by one it did not make."""
    line = str(WITNESSES[1].sign(Checkpoint("elsewhere", 1, bytes(32)).text, 1)).rstrip("\n")
    scene.execute("UPDATE proof.cosignature SET line = %s WHERE witness = %s", line, WITNESSES[1].vkey.name)


def key_replaced(scene: Scene) -> None:
    """Make a log of one's own: other keys on record, every checkpoint signed with them, cosignatures removed."""
    thief = scene.thief()
    thief.begin_rotation()
    thief.end_rotation()
    scene.execute("DELETE FROM proof.cosignature")
    scene.execute("DELETE FROM proof.key")
    for vkey in thief.vkeys:
        scene.execute("INSERT INTO proof.key VALUES (%s, NULL)", str(vkey))
    for published in ProofRecords(scene.ledger).after(0):
        note = thief.sign(published.checkpoint.size, published.checkpoint.root, _proof(scene, published.checkpoint))
        scene.execute("UPDATE proof.checkpoint SET note = %s WHERE size = %s", str(note), published.checkpoint.size)


def _proof(scene: Scene, checkpoint: Checkpoint) -> list[bytes]:
    before = ProofRecords(scene.ledger).latest(checkpoint.size - 1)
    return [] if before is None else ProofRecords(scene.ledger).consistency(before.checkpoint.size, checkpoint.size)


def tile_changed(scene: Scene) -> None:
    """Change a hash in a row of tiles, so that proofs fail."""
    scene.execute("UPDATE proof.tile SET hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1) WHERE level = 0")
