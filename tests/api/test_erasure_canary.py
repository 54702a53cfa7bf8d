"""A marker in every sealed field of one person: on no disk in clear before erasure, in no answer after it."""

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.api.client import ALMA, Api, command
from tests.api.erasing import UNLAWFUL, Colleagues, answered, erase, open_case, said_by
from tests.api.filing import Office, file, filed, offices
from tests.conftest import Server, Template

MARK = "Kanariefugl-Eksempel-8150"
OTHERS = "Rødkælk-Eksempel-8151"
NUMBER, WRITTEN = "6101998150", "610199-8150"
PIECE = 2**22
BENT: dict[str, Any] = {
    "ref": "parent-B",
    "role": "father",
    "full_name": f"Bent {MARK}",
    "identifier": NUMBER,
}


@pytest.fixture(scope="module")
def office(server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Office]:
    """A ledger of its own."""
    yield from offices(server, simulated_template, tmp_path_factory.mktemp("canary"))


def holding(paths: Iterable[Path], *marks: bytes) -> list[Path]:
    """Return the files that hold one of some marks; a file that goes away meanwhile holds none."""
    found: list[Path] = []
    for path in paths:
        try:
            with path.open("rb") as file_:
                tail = b""
                while piece := file_.read(PIECE):
                    if any(mark in tail + piece for mark in marks):
                        found.append(path)
                        break
                    tail = piece[-256:]
        except (FileNotFoundError, IsADirectoryError):
            continue
    return found


def database_files(server: Server, api: Api) -> list[Path]:
    """Return the files of the ledger's own database and the write-ahead log, all that is in memory written out."""
    with psycopg.connect(api.database, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    ((oid,),) = api.query("SELECT oid FROM pg_database WHERE datname = current_database()")
    data = server.postgres.data
    paths = [*(data / "base" / str(oid)).rglob("*"), *(data / "pg_wal").rglob("*"), *(data / "global").rglob("*")]
    assert any(path.parent.name == "pg_wal" for path in paths)
    return [path for path in paths if path.is_file()]


def tables(api: Api) -> bytes:
    """Return every row of every table and view of the ledger's database, as text."""
    names = api.query(
        "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'v') AND n.nspname IN ('ledger', 'view', 'search', 'sign_in', 'proof', 'public')"
    )
    assert len(names) > 5
    dumped = bytearray()
    with psycopg.connect(api.database, autocommit=True) as connection:
        for (name,) in names:
            with connection.cursor().copy(f"COPY (SELECT * FROM {name}) TO STDOUT".encode()) as copy:
                for row in copy:
                    dumped += row
    return bytes(dumped)


def answers(api: Api, case: str) -> dict[str, str]:
    """Return what every question about a case, every board and page and a search tell those who may ask."""
    described = api.get("/openapi.json").json()["paths"]
    paths = [path for path, methods in described.items() if "get" in methods]
    paths.remove("/events/stream")  # what it tells, the pages of the same feed tell too
    assert len(paths) > 12
    named = {
        "document": "letter-1",
        "programme": "smaaboernsteam_001",
        "staff": "u-90",
        "ref": "parent-B",
        "path": "0/000",
    }
    named["person"] = api.get(f"/cases/{case}").json()["persons"][0]["person"]
    asked = {"/persons/{person}/access-events": f"?case={case}"}
    filled = [path.format(case_id=case, version=1, **named) + asked.get(path, "") for path in paths]
    recorded = api.events(case)[-1]["recorded_at"]
    texts: dict[str, str] = {}
    for staff in ("u-90", "u-12", "u-95", "u-81"):
        with api.acting_as(staff) as other:
            for path in [*filled, "/sager", f"/sager/{case}", "/healthz", "/readyz"]:
                texts[f"{staff} {path}"] = other.get(path).text
            for path in (f"/cases/{case}", f"/cases/{case}/events", f"/sager/{case}", "/cases", "/sager"):
                texts[f"{staff} {path} then"] = other.get(path, known_at=recorded).text
            for body in ({"identifier": NUMBER}, {"name": f"Bent {MARK}"}):
                texts[f"{staff} {body.keys()}"] = other.post("/searches", body).text
    return texts


def marked_case(api: Api) -> str:
    """Open a case in which everything sealed for one person holds the mark."""
    case = open_case(api, said_by("parent-B", f"Text {MARK}"), answered(2), persons=[ALMA, BENT])
    complaint = {"decision": "d-1", "received_at": "2026-03-04", "channel": "mail", "by": "parent-B", "text": MARK}
    corrected = {"corrects": 2, "field": "text", "old": MARK, "new": f"{MARK} new", "reason": OTHERS}
    facts = [
        command("ComplaintReceived", complaint),
        command("AppealDecided", {"decision": "d-1", "outcome": "upheld", "grounds": OTHERS}),
        command("EntryCorrected", corrected),
    ]
    response = api.post(f"/cases/{case}/commits", {"commands": facts, "reason": OTHERS}, version=3)
    assert response.status_code == 201, response.text
    filed(file(api, case, 6, MARK.encode() * 500, subjects="parent-B"))
    return case


@pytest.mark.slow
def test_the_marks_of_an_erased_person_are_nowhere(server: Server, office: Office) -> None:
    """Sealed wherever they lie, in clear only in answers; erased, in no answer; keys never in the database's files."""
    with office.serving() as api, office.place.ledger() as ledger:
        colleagues = Colleagues(ledger, office, api)
        case = marked_case(api)
        marks = MARK.encode(), OTHERS.encode(), MARK.encode().hex().encode(), OTHERS.encode().hex().encode()
        marks = *marks, NUMBER.encode(), WRITTEN.encode()
        keys = [path.read_bytes() for path in (office.home / "keys").rglob("*.key")]
        assert len(keys) >= 4
        on_disk = [path for path in office.home.rglob("*") if path.is_file()]
        assert sum(path.suffix == ".key" for path in on_disk) == len(keys)
        assert holding([*on_disk, office.log, server.postgres.log], *marks) == []
        assert holding(database_files(server, api), *marks, *keys) == []
        dumped = tables(api)
        assert not any(mark in dumped for mark in (*marks, *(key.hex().encode() for key in keys)))
        before = answers(api, case)
        told = [path for path, text in before.items() if any(mark in text for mark in (MARK, NUMBER, WRITTEN))]
        assert {path.partition(" ")[0] for path in told} == {"u-90", "u-12", "u-95"}
        assert len(told) >= 15, "else the search proves nothing"
        proposal = colleagues.propose(case, **UNLAWFUL)
        response = erase(api, case, proposal, proposal)
        assert response.status_code == 201, response.text
        office.command.done("erasure", "remove-ciphertext")
        after = answers(api, case)
        assert [p for p, text in after.items() if any(mark in text for mark in (MARK, NUMBER, WRITTEN))] == []
        assert after.keys() == before.keys()
        assert OTHERS in after[f"u-90 /cases/{case}/events"], "what was said by others is still read"
        shown = office.command.done("case", "show", case, "--purpose", "test")
        assert MARK not in shown
        on_disk = [path for path in office.home.rglob("*") if path.is_file()]
        assert holding([*on_disk, office.log, server.postgres.log], *marks) == []
        assert holding(database_files(server, api), *marks, *keys) == []
        dumped = tables(api)
        assert not any(mark in dumped for mark in (*marks, *(key.hex().encode() for key in keys)))
        gone = colleagues.key_files(case, "parent-B")
        assert [path.name for path in on_disk if path in gone] == []
        assert office.files(case) == []
