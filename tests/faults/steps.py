"""The steps that may be cut off, each as what is prepared, what is done, and what must be true afterwards.

What is done may be done again: whoever was cut off runs the same code, which is how the product recovers too.
"""

import asyncio
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

import psycopg

from api.drafting import Commit, Fact
from api.erasing import Eraser, carrying_out
from api.exporting import FolderExists, ReleaseWish, make_release
from api.key_rotation import epoch_on_record, rotate_keys
from api.log_publishing import signed_now
from api.opening import Place
from api.principals import Principal, command_line_principal
from api.recording import CaseRecorder, NewPerson
from domain.events.retention import ErasureProposed, PersonalDataErased
from ledger.errors import KeyErased
from ledger.mapper import read_clear
from ledger.proof.records import ProofRecords
from ledger.requests import Appended, NewEvent
from ledger.store import WORKER_ROLE, Ledger, conninfo_as
from projections.follower import Follower
from projections.view import FOLLOW, VIEWS, AnyView
from replay.rebuild import rebuild_view
from tests.conftest import BEGINS_AT
from tests.following import catch_up
from tests.ledger.samples import fact, one, opening
from tests.replay.rebuilding import tracked
from tests.replay.releasing import quiet

Tell = Callable[[str], None]
"""Says what the caller was promised: it must be there whatever happens next."""

STREAMS, PER_STREAM = 4, 4
OPERATOR = command_line_principal("statistics", internal=True)
WORKER = Principal("u-90", "caseworker", None, "case-work", internal=True)
OFFICER = Principal("u-81", "data_protection", None, "supervision", internal=True)
TABLES = ("case_opened", "case_state")


@dataclass(frozen=True, slots=True)
class Step:
    """A step: its ``work``, told the number of the run, and what is checked before and after it is done again.

    ``lost`` returns what was promised and is not there.
    """

    name: str
    prepare: Callable[[Place, int], None]
    work: Callable[[Place, int, Tell], None]
    lost: Callable[[Place, int, Sequence[str]], list[str]]
    settled: Callable[[Place, int], None]


def _key(number: int, what: object) -> bytes:
    return sha256(f"{number} {what}".encode()).digest()


def _stream(number: int, stream: int) -> UUID:
    return uuid5(NAMESPACE_URL, f"{number} {stream}")


def nothing(place: Place, number: int) -> None:
    """Prepare nothing."""


def _event(index: int) -> NewEvent:
    return opening() if index == 0 else fact(hours_per_week=index)


def _append(place: Place, number: int, tell: Tell) -> None:
    async def append(ledger: Ledger) -> None:
        for index in range(PER_STREAM):
            keys = [(stream, f"{stream}/{index}") for stream in range(STREAMS)]
            requests = [one(_stream(number, s), None, _event(index), key=_key(number, name)) for s, name in keys]
            for (_, name), answer in zip(
                keys, await asyncio.gather(*map(ledger.appender.append, requests)), strict=True
            ):
                assert isinstance(answer, Appended), answer
                tell(name)

    with place.ledger() as ledger:
        asyncio.run(append(ledger))


def _appends_lost(place: Place, number: int, told: Sequence[str]) -> list[str]:
    with place.ledger() as ledger:
        return [name for name in told if ledger.find_request(_key(number, name)) is None]


def _appends_settled(place: Place, number: int) -> None:
    with place.ledger() as ledger:
        for stream in range(STREAMS):
            versions = [row.version for row in ledger.read_stream(_stream(number, stream))]
            assert versions == list(range(1, PER_STREAM + 1)), versions


def _grow(place: Place, number: int) -> None:
    """Append a few cases."""
    _append(place, number, lambda _: None)


def _publish(place: Place, number: int, tell: Tell) -> None:
    with place.ledger() as ledger:
        tell(str(signed_now(place, ledger).published.checkpoint.size))


def _checkpoints_lost(place: Place, number: int, told: Sequence[str]) -> list[str]:
    with place.ledger() as ledger:
        sizes = {published.checkpoint.size for published in ProofRecords(ledger).after(0, 100_000)}
    return [size for size in told if int(size) not in sizes]


def _published(place: Place, number: int) -> None:
    with place.ledger() as ledger:
        assert ProofRecords(ledger).covering(ledger.head().size) is not None


def _follow(place: Place, number: int, tell: Tell) -> None:
    for view in VIEWS.values():
        _catch_up(place, view)
        tell(view.name)


def _catch_up(place: Place, view: AnyView) -> None:
    with _turn(place, view):
        follower = Follower(place.conninfo, view)
        try:
            catch_up(follower)
        finally:
            follower.close()


@contextmanager
def _turn(place: Place, view: AnyView) -> Generator[None]:
    """Wait for the turn that followers of a view take."""
    with psycopg.connect(conninfo_as(place.conninfo, WORKER_ROLE), autocommit=True) as connection:
        while not connection.execute(FOLLOW["try_follow"], [view.name]).fetchall()[0][0]:
            time.sleep(0.01)
        yield


def _nothing_lost(place: Place, number: int, told: Sequence[str]) -> list[str]:
    """Return nothing: views commit without waiting for the disk, and a crash may set them back, to follow anew."""
    return []


def _behind(place: Place, name: str) -> bool:
    with place.ledger() as ledger:
        head = ledger.head().size
    return tracked(place, VIEWS[name]) < head  # pyright: ignore[reportArgumentType]


def _followed(place: Place, number: int) -> None:
    assert not [name for name in VIEWS if _behind(place, name)]


def _grow_and_follow(place: Place, number: int) -> None:
    _grow(place, number)
    _follow(place, number, lambda _: None)


def _rebuild(place: Place, number: int, tell: Tell) -> None:
    view = list(VIEWS.values())[number % len(VIEWS)]
    compared = rebuild_view(place.conninfo, view)
    assert compared.sound, compared
    tell(view.name)


def _open_case_to_erase(place: Place, number: int) -> None:
    persons = [NewPerson("parent-A", "mother", "Alma Eksempel"), NewPerson("parent-B", "father", "Bent Eksempel")]
    name = f"case {number}"
    proposal = ErasureProposed(
        ground="unlawful", scope="person", legal_basis=("GDPR art. 17",), reason="Eksempel", subject="parent-B"
    )

    async def prepare(ledger: Ledger) -> None:
        recorder = CaseRecorder(ledger)
        opened = await recorder.open_case(
            WORKER, f"E-{number}", "smaaboernsteam_001", persons, BEGINS_AT, Commit((), name, name.encode())
        )
        commit = Commit((Fact(proposal, BEGINS_AT),), f"propose {number}", b"")
        await recorder.perform(WORKER, opened.case, opened.version, commit, lambda _: commit.facts)

    with place.ledger() as ledger:
        asyncio.run(prepare(ledger))


def _case_to_erase(ledger: Ledger, number: int) -> UUID:
    opened = map(read_clear, ledger.read_topic("case_opened"))
    return next(entry.stream for entry in opened if entry.data["number"] == f"E-{number}")


def _erase(place: Place, number: int, tell: Tell) -> None:
    with place.ledger() as ledger:
        case = _case_to_erase(ledger, number)
        eraser = Eraser(ledger, CaseRecorder(ledger), carrying_out(ledger, place.documents(ledger).content))
        commit = Commit((), f"erase {number}", b"")
        asyncio.run(eraser.decide(OFFICER, case, 2, 2, commit))
        tell(str(case))


def _erasures_lost(place: Place, number: int, told: Sequence[str]) -> list[str]:
    return [case for case in told if not _is_erased(place, number)]


def _is_erased(place: Place, number: int) -> bool:
    with place.ledger() as ledger:
        stream = [read_clear(row) for row in ledger.read_stream(_case_to_erase(ledger, number))]
        erasures = [entry for entry in stream if entry.topic == PersonalDataErased.TOPIC]
        if len(erasures) != 1:
            return False
        try:
            place.keys(ledger.id).get(UUID(str(erasures[0].data["key"])))
        except KeyErased:
            return True
        return False


def _erased(place: Place, number: int) -> None:
    assert _is_erased(place, number)


def _rotate(place: Place, number: int, tell: Tell) -> None:
    with place.ledger() as ledger:
        rotation = rotate_keys(ledger, place.keys(ledger.id), OPERATOR)
        assert not rotation.left
        tell(str(rotation.epoch))


def _epochs_lost(place: Place, number: int, told: Sequence[str]) -> list[str]:
    with place.ledger() as ledger:
        epoch = epoch_on_record(ledger.read_stream(ledger.id))
    return [one for one in told if int(one) > epoch]


def _rotated(place: Place, number: int) -> None:
    with place.ledger() as ledger:
        rotations = [read_clear(row).data for row in ledger.read_topic("key_rotated")]
        epochs = [int(data["new_key"]) for data in rotations if data["purpose"] == "key-encryption"]
    assert epochs == list(range(2, len(epochs) + 2)), epochs


def _folder(place: Place, number: int) -> Path:
    return place.home / f"release-{number}"


def _export(place: Place, number: int, tell: Tell) -> None:
    """Export when the worker has caught up: a crash may have set the view back, and a release waits for it."""
    _catch_up(place, VIEWS["case_state"])
    folder = _folder(place, number)
    with place.ledger() as ledger:
        try:
            make_release(ledger, OPERATOR, ReleaseWish(folder.name, tables=TABLES), folder, quiet)
        except FolderExists:
            return
    tell(folder.name)


def _exports_lost(place: Place, number: int, told: Sequence[str]) -> list[str]:
    return [name for name in told if not (_folder(place, number) / "manifest.json").exists()]


def _exported(place: Place, number: int) -> None:
    assert (_folder(place, number) / "manifest.json").exists()
    assert not list(place.home.glob(f".release-{number}.part"))
    with place.ledger() as ledger:
        made = [read_clear(row).data["recipient"] for row in ledger.read_topic("exported")]
    assert made.count(f"release-{number}") == 1, made


STEPS = {
    step.name: step
    for step in (
        Step("append", nothing, _append, _appends_lost, _appends_settled),
        Step("checkpoint", _grow, _publish, _checkpoints_lost, _published),
        Step("projection", _grow, _follow, _nothing_lost, _followed),
        Step("rebuild", _grow_and_follow, _rebuild, _nothing_lost, nothing),
        Step("erasure", _open_case_to_erase, _erase, _erasures_lost, _erased),
        Step("key rotation", _open_case_to_erase, _rotate, _epochs_lost, _rotated),
        Step("export", _grow_and_follow, _export, _exports_lost, _exported),
    )
}
