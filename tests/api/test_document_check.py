"""The regular check: every document, what it says, what it records, and how it leaves; by hand and by the worker."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Generator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from api import document_check, document_watch
from api.document_bodies import DocumentMetadata
from api.document_check import DocumentCheck, Tally
from api.document_filing import Filer
from api.document_watch import check_once, daily_check
from api.drafting import Commit, Fact
from api.json_log import JsonLines
from api.opening import Place
from api.principals import Principal
from api.recording import CaseRecorder, NewPerson, Recorded, StaleVersion
from domain.case_file import CaseFile
from domain.documents import key_for
from domain.events.retention import PersonalDataErased
from ledger.errors import LedgerUnavailable
from ledger.keys import key_commitment
from ledger.mapper import read_clear
from ledger.requests import Answer, Request
from ledger.store import Ledger
from tests.api.service import Inside, environment

LETTER = b"Canary-Brev-4711 " * 30
WHO = Principal("u-90", "caseworker", "Eksempelkommune", "case-work")
HOURS_AGO = 2 * document_check.ORPHAN_AFTER_SECONDS


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _aged(*paths: Path) -> None:
    """Let files have been written some hours ago."""
    then = time.time() - HOURS_AGO
    for path in paths:
        os.utime(path, (then, then))


class Cases:
    """Cases of one ledger with documents in them."""

    def __init__(self, place: Place, ledger: Ledger) -> None:
        self.place, self.ledger = place, ledger
        self.filer = Filer(ledger, CaseRecorder(ledger), place.documents(ledger))
        self.lines: list[str] = []

    def open(self) -> UUID:
        """Open a case with a mother."""
        person = NewPerson("parent-A", "mother", "Alma Eksempel")
        commit = Commit((), str(uuid4()), b"open")
        moment = self.ledger.now()
        recorder = CaseRecorder(self.ledger)
        return asyncio.run(recorder.open_case(WHO, None, "smaaboernsteam_001", [person], moment, commit)).case

    def file(self, case: UUID, content: bytes = LETTER, **said: Any) -> Recorded:
        """File bytes in a case as it stands."""
        return asyncio.run(self._file(case, content, self.version(case), **said))

    async def _file(self, case: UUID, content: bytes, expected: int, **said: Any) -> Recorded:
        known = DocumentMetadata.model_validate(
            {"document": "letter-1", "direction": "out", "theme": "decision"} | said
        )
        return await self.filer.file_bytes(WHO, case, expected, known, "a/b", _pieces(content), (str(uuid4()), b""))

    def version(self, case: UUID) -> int:
        """Return the version of a case."""
        return len(self.ledger.read_stream(case))

    def checks(self, case: UUID) -> list[tuple[str, int, bool, bool]]:
        """Return every check on record of a case."""
        entries = map(read_clear, self.ledger.read_stream(case))
        data = [entry.data for entry in entries if entry.topic == "document_checked"]
        return [(d["document"], d["version"], d["present"], d["matches"]) for d in data]

    def files(self, case: UUID) -> list[Path]:
        """Return the sealed files of a case."""
        folder = self.place.home / "content" / str(self.ledger.id) / str(case)
        return sorted(folder.iterdir()) if folder.exists() else []

    def check(self) -> Tally:
        """Check every document."""
        self.lines.clear()
        return DocumentCheck(self.ledger, self.place.documents(self.ledger), self.lines.append).run()


@pytest.fixture
def place(simulated: Place, tmp_path: Path) -> Place:
    """The place of an empty ledger, with a home and a share."""
    (tmp_path / "share").mkdir()
    return replace(simulated, home=tmp_path / "home", document_folder=tmp_path / "share")


@pytest.fixture
def cases(place: Place) -> Generator[Cases]:
    """An open ledger to file documents in."""
    with place.ledger() as ledger:
        yield Cases(place, ledger)


@pytest.fixture
def checking(place: Place) -> Inside:
    """The command line over the same ledger."""
    variables = environment(place.conninfo, place.home)
    return Inside(variables | {"CASELEDGER_DOCUMENT_FOLDER": str(place.document_folder)})


def test_a_ledger_without_documents_is_well(checking: Inside) -> None:
    """Nothing filed is nothing missing."""
    assert checking.done("documents", "check") == "0 documents: 0 present, 0 missing, 0 changed\n"
    assert "exit code 1" in checking.done("documents", "check", "--help")


def test_documents_that_are_there_are_well(cases: Cases, checking: Inside) -> None:
    """Exit code 0; the first check of each goes on record, a second one at once does not."""
    first, second = cases.open(), cases.open()
    cases.file(first)
    cases.file(first)
    cases.file(second)
    for _ in range(2):
        assert checking.done("documents", "check") == "3 documents: 3 present, 0 missing, 0 changed\n"
        assert cases.checks(first) == [("letter-1", 1, True, True), ("letter-1", 2, True, True)]
        assert cases.checks(second) == [("letter-1", 1, True, True)]


def test_missing_and_changed_documents_are_named_by_ids_alone(cases: Cases, checking: Inside) -> None:
    """Exit code 1, one line for each, and each on record; put right again, that is on record too."""
    case = cases.open()
    for document in ("here", "gone", "other"):
        cases.file(case, document=document)
    names = {row.data["document"]: row.data["reference"] for row in _filed(cases, case)}
    paths = {path.name: path for path in cases.files(case)}
    gone, other = paths[names["gone"]], paths[names["other"]]
    kept = other.read_bytes()
    gone.unlink()
    other.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    result = checking("documents", "check")
    assert (result.returncode, result.stderr) == (1, "")
    assert result.stdout.splitlines() == [
        f"missing: case {case} document gone version 1",
        f"changed: case {case} document other version 1",
        "3 documents: 1 present, 1 missing, 1 changed",
    ]
    assert cases.checks(case) == [("here", 1, True, True), ("gone", 1, False, False), ("other", 1, True, False)]
    other.write_bytes(kept)
    assert checking("documents", "check").stdout.splitlines()[-1] == "3 documents: 2 present, 1 missing, 0 changed"
    assert cases.checks(case)[3:] == [("other", 1, True, True)]


def _filed(cases: Cases, case: UUID) -> list[Any]:
    entries = map(read_clear, cases.ledger.read_stream(case))
    return [entry for entry in entries if entry.topic == "document_filed"]


def test_a_check_a_month_old_is_made_again(cases: Cases, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the record shows that somebody keeps looking."""
    case = cases.open()
    cases.file(case)
    for repeat_after, checks in ((timedelta(days=30), 1), (timedelta(days=30), 1), (timedelta(0), 2)):
        monkeypatch.setattr(document_check, "REPEAT_AFTER", repeat_after)
        cases.check()
        assert len(cases.checks(case)) == checks


def test_linked_documents_are_checked_too(cases: Cases, place: Place, checking: Inside) -> None:
    """Present, changed, gone; and where the whole share is away nothing is said on record about any of them."""
    share = place.document_folder
    assert share is not None
    (share / "Alma.pdf").write_bytes(LETTER)
    case = cases.open()
    body = {"document": "d", "direction": "in", "theme": "t", "reference": "Alma.pdf", "media_type": "a/b"}
    _link(cases, case, body)
    assert checking("documents", "check").returncode == 0
    away = share.rename(share.with_name("away"))
    result = checking("documents", "check")
    assert result.returncode == 1
    assert result.stdout.splitlines() == [
        "1 documents: 0 present, 0 missing, 0 changed", "1 not checked: the document system does not answer",
    ]  # fmt: skip
    assert len(cases.checks(case)) == 1
    away.rename(share)
    (share / "Alma.pdf").write_bytes(b"other")
    result = checking("documents", "check")
    assert result.stdout.splitlines()[0] == f"changed: case {case} document d version 1"
    (share / "Alma.pdf").unlink()
    assert checking("documents", "check").stdout.splitlines()[-1] == "1 documents: 0 present, 1 missing, 0 changed"
    assert [check[2:] for check in cases.checks(case)] == [(True, True), (True, False), (False, False)]


def _link(cases: Cases, case: UUID, body: dict[str, Any]) -> None:
    from api.bodies import parse
    from api.document_bodies import LinkBody

    raw = orjson.dumps(body)
    commit = Commit((), str(uuid4()), raw)
    asyncio.run(cases.filer.file_link(WHO, case, cases.version(case), parse(LinkBody, raw), commit))


def test_a_document_whose_key_is_gone_is_missing(cases: Cases, place: Place, checking: Inside) -> None:
    """Unless it was destroyed by decision: then it is rightly gone, as the erasure log says, and the record."""
    case = cases.open()
    cases.file(case, subjects=("parent-A",))
    file = CaseFile(case, tuple(map(read_clear, cases.ledger.read_stream(case))))
    key = key_for(file, ["parent-A"])
    assert key != file.key
    commitment = key_commitment(cases.ledger.keys.get(key)).hex()
    (path,) = (place.home / "keys").rglob(f"{key}.key")
    content = path.read_bytes()
    path.unlink()
    result = checking("documents", "check")
    assert (result.returncode, result.stdout.splitlines()[-1]) == (1, "1 documents: 0 present, 1 missing, 0 changed")
    path.write_bytes(content)
    cases.ledger.keys.destroy(key, cases.ledger.now())
    gone = ["1 documents: 0 present, 0 missing, 0 changed", "1 erased by decision"]
    assert checking.done("documents", "check").splitlines() == gone
    erased = PersonalDataErased(
        key=key, key_commitment=commitment, basis="GDPR art. 17", approved_by="u-1", subject="parent-A"
    )
    fact, commit = Fact(erased, cases.ledger.now()), Commit((), str(uuid4()), b"erase")
    recorder = CaseRecorder(cases.ledger)
    asyncio.run(recorder.perform(WHO, case, cases.version(case), commit, lambda _: [fact]))
    assert checking.done("documents", "check").splitlines() == gone


def test_files_that_belong_to_no_document_are_counted(cases: Cases, checking: Inside) -> None:
    """A file left behind by a crash between file and append is harmless and counted, once it is an hour old."""
    case, other = cases.open(), cases.open()
    cases.file(case)
    (path,) = cases.files(case)
    left = path.with_name(uuid4().hex)
    left.write_bytes(b"sealed")
    lonely = path.parents[1] / str(other) / f"{uuid4().hex}.new"
    lonely.parent.mkdir()
    lonely.write_bytes(b"half")
    assert checking.done("documents", "check").count("\n") == 1
    _aged(left, lonely, path)
    assert checking.done("documents", "check").splitlines()[1:] == ["2 sealed files belong to no document"]
    assert left.exists(), "it is counted, never removed"


def test_a_refused_append_leaves_no_file(cases: Cases) -> None:
    """Stale by the time of the append: the sealed file is gone again."""
    case = cases.open()
    cases.file(case)
    with pytest.raises(StaleVersion):
        asyncio.run(cases._file(case, LETTER, 1))  # pyright: ignore[reportPrivateUsage]
    assert len(cases.files(case)) == 1
    assert cases.check().orphans == 0


@pytest.mark.parametrize("committed", [False, True])
def test_a_broken_line_to_the_database_keeps_the_file(
    cases: Cases, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    """Nobody knows whether the entry was appended: if it was, its document is there; if not, a file is counted."""
    case = cases.open()
    append = cases.ledger.appender.append

    async def broken(request: Request, instant: Any = None) -> Answer:
        if committed:
            await append(request, instant)
        raise LedgerUnavailable

    monkeypatch.setattr(cases.ledger.appender, "append", broken)
    with pytest.raises(LedgerUnavailable):
        cases.file(case)
    monkeypatch.undo()
    (path,) = cases.files(case)
    _aged(path)
    tally = cases.check()
    assert (tally.states["present"], tally.orphans) == ((1, 0) if committed else (0, 1))


def test_the_same_request_twice_at_once_is_one_document(cases: Cases) -> None:
    """Two bodies of one request arrive together: one entry, one file, and both get the same answer."""
    case = cases.open()
    said = DocumentMetadata(document="d", direction="in", theme="t")

    async def both() -> list[Recorded]:
        calls = [cases.filer.file_bytes(WHO, case, 1, said, "a/b", _pieces(LETTER), ("same", b"")) for _ in range(4)]
        return await asyncio.gather(*calls)

    answers = asyncio.run(both())
    assert len({answer.first_position for answer in answers}) == 1
    assert len(cases.files(case)) == 1
    assert cases.check().states["present"] == 1


def test_more_documents_than_fit_one_commit_are_all_recorded(cases: Cases, monkeypatch: pytest.MonkeyPatch) -> None:
    """A case with many documents takes several commits."""
    monkeypatch.setattr(document_check, "MOST_FACTS", 2)
    monkeypatch.setattr(document_check, "PAGE", 1)
    first, second = cases.open(), cases.open()
    for _ in range(5):
        cases.file(first)
    cases.file(second)
    assert cases.check().lines == ["6 documents: 6 present, 0 missing, 0 changed"]
    assert len(cases.checks(first)) == 5
    assert len(cases.checks(second)) == 1


def test_the_worker_checks_once_a_day(
    cases: Cases, place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A while after its start and then daily; what is wrong stands in the log by numbers; it stops when told to."""
    case = cases.open()
    cases.file(case)
    cases.files(case)[0].unlink()
    monkeypatch.setattr(document_watch, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(document_watch, "EVERY_SECONDS", 0.05)
    stop = threading.Event()
    thread = threading.Thread(target=daily_check(place), args=(stop,))
    thread.start()
    while not any("1 missing" in JsonLines().format(record) for record in caplog.records):
        time.sleep(0.05)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert cases.checks(case) == [("letter-1", 1, False, False)]


def test_a_check_that_cannot_be_made_is_one_line(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The worker goes on and tries again."""
    nowhere = replace(place, conninfo=f"host={place.home} dbname=none connect_timeout=2")
    assert not check_once(nowhere, threading.Event())
    lines = [orjson.loads(JsonLines().format(record)) for record in caplog.records if record.name == "caseledger"]
    assert [(line["event"], line["error"]) for line in lines] == [
        ("documents_not_checked", "ledger.errors.LedgerUnavailable")
    ]


def test_a_check_stops_between_cases(cases: Cases) -> None:
    """A worker that is to end does not go through the rest."""
    for _ in range(2):
        cases.file(cases.open())
    asked = iter([False, True, True])
    documents = cases.place.documents(cases.ledger)
    tally = DocumentCheck(cases.ledger, documents, print, lambda: next(asked)).run()
    assert sum(tally.states.values()) == 1
