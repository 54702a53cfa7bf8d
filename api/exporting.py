"""Making releases for analysts: who may, under which pseudonyms, on record before anybody has the files."""

import asyncio
import shutil
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from errno import ENOSPC
from pathlib import Path
from uuid import UUID, uuid4, uuid5

from api.door import Door
from api.drafting import Commit
from api.looks import LookNotRecorded, Question
from api.principals import Principal
from api.reading import CaseReader
from api.recording import request_digests
from domain.authority import Act
from domain.entries import Draft
from domain.events.administration import Exported
from domain.events.base import Envelope, Event
from domain.events.retention import PersonalDataErased
from domain.time import write_instant
from ledger.erasure import ErasureRegister
from ledger.errors import KeyErased, KeyMissing
from ledger.folders import flush_folder, locked
from ledger.keys import key_commitment
from ledger.mapper import read_clear
from ledger.requests import Appended, Part, Request
from ledger.store import Ledger
from projections.board import Board
from replay.release import NOT_WRITTEN, ReleaseRefused, Wish, write_release
from replay.release_files import SUMS, files_in, sha256_of, write_sums
from replay.release_manifest import FORMAT, MANIFEST, manifest
from replay.release_rows import last_leaving
from replay.working import FORMAT as WORKING_FORMAT
from replay.working import write_working

WHAT, WORKING = "analyst_release", "working_files"


class FolderExists(Exception):
    """There is a folder of this name already: choose another, so that no release made before is mixed with this one."""

    def __str__(self) -> str:
        return str(self.__doc__)


@dataclass(frozen=True, slots=True)
class MadeRelease:
    """A release that was made: hash of its manifest, rows, position it shows, and where it stands on record."""

    sha256: str
    rows: int
    position: int
    exported_position: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class ReleaseWish:
    """What is wanted: name of the release (that of its position when None), as recorded by an instant, which tables."""

    release: str | None = None
    known_at: datetime | None = None
    tables: Collection[str] | None = None
    workers: int = 1


def make_release(
    ledger: Ledger, principal: Principal, wanted: ReleaseWish, folder: Path, notify: Callable[[int, int], None]
) -> MadeRelease:
    """Make a release in a new folder, which is there whole or not at all.

    One that was cut off leaves a folder beside, whose name begins with a dot; the next begins anew. Raises Forbidden,
    FolderExists, ReleaseRefused, LookNotRecorded and KeyMissing.
    """
    asyncio.run(Door(ledger).require(principal, Act.EXPORT_MAKE, WHAT))
    position = position_of(ledger, wanted.known_at)
    if wanted.known_at is None:
        position = last_leaving(ledger, position)
    wish = Wish(wanted.release or f"position-{position}", position, wanted.tables, wanted.workers)
    with new_folder(folder) as part:
        key, secret = _key(ledger, wish.release)
        content = write_release(ledger, wish, secret, part, notify)
        known_at = None if wanted.known_at is None else write_instant(wanted.known_at)
        (part / MANIFEST).write_bytes(manifest(ledger, wish, known_at, key, part, content))
        write_sums(part)
        sha256 = sha256_of(part / MANIFEST)
        size = sum(path.stat().st_size for path in files_in(part))
        event = Exported(
            what=WHAT,
            format=FORMAT,
            purpose=principal.purpose,
            recipient=wish.release,
            cases=(),
            sha256=sha256,
            size=size,
            as_of_position=position,
            known_at=wanted.known_at,
        )
        exported = put_on_record(ledger, principal, event)
    rows = sum(count for path, count in content.rows.items() if path.parent.name in ("events", "views"))
    return MadeRelease(sha256, rows, position, exported, len(content.unreadable))


def make_working_files(
    ledger: Ledger,
    principal: Principal,
    folder: Path,
    shares: int,
    known_at: datetime | None,
    notify: Callable[[int, int], None],
) -> MadeRelease:
    """Write working files into a new folder, as ``make_release`` does. No role may: whoever runs the machine does.

    Raises FolderExists, ReleaseRefused and LookNotRecorded.
    """
    position = position_of(ledger, known_at)
    with new_folder(folder) as part:
        rows = write_working(ledger, position, shares, part, notify)
        write_sums(part)
        sha256 = sha256_of(part / SUMS)
        event = Exported(
            what=WORKING,
            format=WORKING_FORMAT,
            purpose=principal.purpose,
            recipient=principal.id,
            cases=(),
            sha256=sha256,
            size=sum(path.stat().st_size for path in files_in(part)),
            as_of_position=position,
            known_at=known_at,
        )
        exported = put_on_record(ledger, principal, event)
    return MadeRelease(sha256, rows, position, exported, 0)


def position_of(ledger: Ledger, known_at: datetime | None) -> int:
    """Return the last position recorded by an instant (None: now); raises InstantInFuture and ReleaseRefused."""
    position = CaseReader(ledger, Board(ledger)).as_of(Question(known_at), ledger.head()).position
    if position == 0:
        raise ReleaseRefused("Nothing was on record by that instant: choose a later one.")
    return position


@contextmanager
def new_folder(folder: Path) -> Generator[Path]:
    """Yield an empty folder beside, which becomes the one named when all goes well.

    Raises FolderExists, and ReleaseRefused where the disk is full.
    """
    folder = folder.absolute()
    part, lock = (folder.with_name(f".{folder.name}.{what}") for what in ("part", "lock"))
    with locked(lock):
        if folder.exists():
            raise FolderExists
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        try:
            yield part
            part.rename(folder)
        except OSError as error:
            if error.errno != ENOSPC:
                raise
            raise ReleaseRefused(NOT_WRITTEN) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
        flush_folder(folder.parent)
        lock.unlink(missing_ok=True)


def put_on_record(ledger: Ledger, principal: Principal, event: Exported) -> int:
    """Put on record that files leave the ledger, once for the same files; returns where, raises LookNotRecorded."""
    return _recorded(ledger, principal, event, f"export {event.what} {event.recipient} {event.sha256}")


def _recorded(ledger: Ledger, principal: Principal, event: Event, name: str) -> int:
    """Record an event in the ledger's own stream, once under the same name; returns where, raises LookNotRecorded."""
    draft = Draft(ledger.id, 1, event, Envelope(occurred_at=ledger.now(), actor=principal.actor, commit=uuid4()))
    part = Part(ledger.id, None, (ledger.mapper.to_new_event(draft),))
    answer = ledger.append_now(Request((part,), *request_digests(ledger.keys, principal, Commit((), name, b""))))
    if not isinstance(answer, Appended):
        raise LookNotRecorded
    return answer.first_position


def _key(ledger: Ledger, release: str) -> tuple[UUID, bytes]:
    """Return the key of a release, made at random the first time; raises ReleaseRefused where it was destroyed."""
    key = _key_id(ledger, release)
    try:
        ledger.keys.ensure(key)
        return key, ledger.keys.get(key)
    except KeyErased:
        raise ReleaseRefused("The key of this release was destroyed: give the release another name.") from None


def _key_id(ledger: Ledger, release: str) -> UUID:
    return uuid5(ledger.id, f"release/{release}")


@dataclass(frozen=True, slots=True)
class ForgottenRelease:
    """A release whose key is gone: where that stands on record, whether it was so before.

    ``epoch`` is that of the key-encryption key with which the copies of it in backups die; None where none tells.
    """

    position: int
    already: bool
    epoch: int | None


def forget_release(ledger: Ledger, principal: Principal, release: str) -> ForgottenRelease:
    """Destroy the key of a release, so that nobody makes its pseudonyms again; on record before it is done.

    After a crash in between, and where a key has come back with a backup, the same call destroys it. Raises Forbidden,
    LookNotRecorded, and ReleaseRefused where there is no such release.
    """
    asyncio.run(Door(ledger).require(principal, Act.EXPORT_MAKE, WHAT))
    key = _key_id(ledger, release)
    on_record = key in ErasureRegister(ledger).now().keys
    secret, already = None, False
    try:
        secret = ledger.keys.get(key)
    except KeyErased:
        already = on_record
    except KeyMissing:
        if not on_record and not _was_made(ledger, release):
            raise ReleaseRefused(f"There is no release {release}: name it as it was when it was made.") from None
    epoch = ledger.keys.epoch(key)
    position = _erasure_of(ledger, key) if on_record else _decided(ledger, principal, release, secret)
    if not already:
        ledger.keys.destroy(key, ledger.now())
    return ForgottenRelease(position, already, epoch)


def _decided(ledger: Ledger, principal: Principal, release: str, secret: bytes | None) -> int:
    """Put on record that the key of a release is destroyed, as an erasure that a restore carries out again."""
    key = _key_id(ledger, release)
    event = PersonalDataErased(
        key=key,
        key_commitment=None if secret is None else key_commitment(secret).hex(),
        basis=f"release {release}",
        approved_by=principal.id,
        key_epoch=ledger.keys.epoch(key),
    )
    return _recorded(ledger, principal, event, f"forget {key}")


def _was_made(ledger: Ledger, release: str) -> bool:
    made = (read_clear(row).data for row in ledger.read_topic(Exported.TOPIC))
    return any((one["what"], one["recipient"]) == (WHAT, release) for one in made)


def _erasure_of(ledger: Ledger, key: UUID) -> int:
    erasures = map(read_clear, ledger.read_topic(PersonalDataErased.TOPIC))
    return next(entry.position for entry in erasures if entry.data.get("key") == str(key))
