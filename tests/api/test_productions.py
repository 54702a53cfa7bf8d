"""Handing out a case: decided on record, the same papers each time, nothing that is left out in them."""

import asyncio
import time
from collections.abc import Generator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from pypdf import PdfReader

from api.case_text import case_named
from api.drafting import Commit
from api.opening import Place
from api.principals import command_line_principal
from api.productions import Asked, Productions, Wanted
from api.reading import CaseReader
from api.recording import CaseRecorder
from ledger.proof.publisher import Publisher, default_origin
from ledger.proof.signer import FileSigner
from projections.board import Board
from tests.api.client import Api, Response, command, correction, errors, note, problem
from tests.api.service import Inside

LEADER, CASEWORKER, AUDITOR, OFFICER, ANALYST = "u-12", "u-90", "u-95", "u-81", "u-96"
HIDDEN = "hemmelig-canary"
REASON = "Om en, der ikke er part."
COURT = {"kind": "court", "by": "court", "about": ["parent-A", "child-A"], "received_at": "2026-03-05"}
TRICKS = "4. marts 2025 var en tirsdag\n#strong[fed] $x^2$ {{7*7}}\n= overskrift\n- punkt\nسلام 😀"


@pytest.fixture(scope="module")
def staff(api: Api) -> Generator[dict[str, Api]]:
    """A client for each of them."""
    with ExitStack() as stack:
        everybody = (LEADER, AUDITOR, OFFICER, ANALYST)
        yield {who: stack.enter_context(api.acting_as(who)) for who in everybody}


def decided(client: Api, case: str, key: str | None = None, **wanted: Any) -> Response:
    """Decide that a case goes to the court, but for what is wanted otherwise."""
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"asked": COURT} | wanted
    return client.post(f"/cases/{case}/productions", {k: v for k, v in body.items() if v is not None}, **headers)


def answer_of(response: Response) -> int:
    """Return the version of the answer that was recorded."""
    assert response.status_code == 201, response.text
    return response.json()["version"]


def handed_out(client: Api, case: str, version: int) -> dict[str, Any]:
    """Return what an answer hands out, as data."""
    response = client.get(f"/cases/{case}/productions/{version}")
    assert response.status_code == 200, response.text
    return response.json()


def paper(client: Api, case: str, version: int) -> bytes:
    """Return what an answer hands out, on paper."""
    response = client.get(f"/cases/{case}/productions/{version}.pdf")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/pdf"
    return response.content


def words_of(content: bytes) -> str:
    """Return the words of a PDF without blanks and places where lines may break."""
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
    return "".join(text.replace("\u200b", "").split())


def redacted(
    entry: int, field: str | None = None, paragraph: int | None = None, code: str = "TREDJE"
) -> dict[str, Any]:
    """Return a redaction."""
    return {"entry": entry, "field": field, "paragraph": paragraph, "code": code, "reason": REASON}


def test_what_is_left_out_is_nowhere_in_the_papers(api: Api, staff: dict[str, Api]) -> None:
    """An entry, a field and a paragraph, with corrections of them: a code and a reason stand there."""
    case = api.open_case(
        note(f"{HIDDEN}-entry"),
        note("Alma fortalte det."),
        note(f"Første afsnit.\n\n{HIDDEN}-afsnit\nTredje afsnit."),
        note(f"{HIDDEN}-old"),
    )
    fixed = correction(5, "content", f"{HIDDEN}-old", f"{HIDDEN}-new")
    assert api.commit(case, 5, fixed).status_code == 201
    places = [redacted(2), redacted(4, "content", 2), redacted(5, "content", code="KILDE")]
    version = answer_of(decided(staff[AUDITOR], case, redactions=places))
    found = handed_out(staff[AUDITOR], case, version)
    assert [(one["version"], one["told"]) for one in found["entries"]] == [
        (1, "whole"), (2, "withheld"), (3, "whole"), (4, "partly"), (5, "partly"), (6, "partly"),
    ]  # fmt: skip
    assert found["entries"][1] == {"version": 2, "position": found["entries"][1]["position"], "told": "withheld"}
    assert found["entries"][3]["data"]["content"] == "Første afsnit.\n\n[Undtaget: TREDJE]\nTredje afsnit."
    assert {one["version"] for one in found["verification"]["leaves"]} == {1, 2, 3, 4, 5, 6}
    content = paper(staff[AUDITOR], case, version)
    (attached,) = PdfReader(BytesIO(content)).attachments["evidence.json"]
    assert HIDDEN not in orjson.dumps(found).decode() + attached.decode() + words_of(content)
    for said in ("[Undtaget:TREDJE]", "[Undtaget:KILDE]", "Omen,derikkeerpart.", "side1af", "Undtagneoplysninger"):
        assert said in words_of(content), said
    assert f"{HIDDEN}-entry" in api.get(f"/cases/{case}/events/2").text


def test_the_same_papers_each_time(api: Api, staff: dict[str, Api]) -> None:
    """Whatever is recorded afterwards, whoever asks, and in whatever language: the bytes are the first ones."""
    case = api.open_case(note(TRICKS))
    version = answer_of(decided(staff[AUDITOR], case))
    first = paper(staff[AUDITOR], case, version)
    assert api.commit(case, version, note("Senere.")).status_code == 201
    time.sleep(1.1)
    staff[AUDITOR].http.cookies["sprog"] = "en"
    try:
        assert paper(staff[AUDITOR], case, version) == first
    finally:
        del staff[AUDITOR].http.cookies["sprog"]
    assert paper(staff[OFFICER], case, version) == first
    found = words_of(first)
    for said in ("4.marts2025varentirsdag", "#strong[fed]$x^2${{7*7}}", "=overskrift", "-punkt", "[U+1F600]"):
        assert said in found, said
    assert "Senere" not in found


def test_it_says_of_itself_that_it_is_archivable_and_accessible(api: Api, staff: dict[str, Api]) -> None:
    """PDF/A-3a and PDF/UA-1, tagged, Danish, with a table of contents; its data as its source."""
    case = api.open_case(note("x"))
    reader = PdfReader(BytesIO(paper(staff[AUDITOR], case, answer_of(decided(staff[AUDITOR], case)))))
    root: Any = reader.trailer["/Root"]
    metadata = root["/Metadata"].get_data().decode()
    for said in ("<pdfaid:part>3</pdfaid:part>", "<pdfaid:conformance>A</pdfaid:conformance>", "<pdfuaid:part>1<"):
        assert said in metadata
    assert root["/MarkInfo"]["/Marked"]
    assert str(root["/Lang"]).startswith("da")
    assert [str(one.get_object()["/AFRelationship"]) for one in root["/AF"]] == ["/Source"]


def test_it_is_on_record_and_so_is_each_look(api: Api, staff: dict[str, Api]) -> None:
    """The request and its answer by whoever decided; the cover names the look in which it was gone through."""
    case = api.open_case(note("x"))
    version = answer_of(decided(staff[AUDITOR], case, entries=[1, 2]))
    topics = [event["event"] for event in api.events(case)]
    assert topics[-2:] == ["AccessRequestReceived", "AccessRequestAnswered"]
    answer = api.events(case)[-1]
    assert answer["actor"]["id"] == AUDITOR
    assert answer["data"]["outcome"] == "granted"
    assert answer["data"]["documents"][0].startswith("poster 1-2; registreret senest ")
    response = staff[AUDITOR].get(f"/cases/{case}/productions/{version}")
    ((state,),) = api.query("SELECT state FROM ledger.event WHERE position = %s", int(response.headers["access-event"]))
    assert orjson.loads(state)["data"]["what"] == "production"


def test_a_range_by_both_clocks(api: Api, staff: dict[str, Api]) -> None:
    """What was recorded or happened after the instants is not in it, and an entry not selected is not named."""
    case = api.open_case(
        note("tidlig", occurred_at="2026-03-04T10:00:00+01:00"), note("sen", occurred_at="2026-03-04T12:00:00+01:00")
    )
    version = answer_of(decided(staff[AUDITOR], case, valid_at="2026-03-04T11:00:00+01:00"))
    found = handed_out(staff[AUDITOR], case, version)
    assert ([one["version"] for one in found["entries"]], found["selection"]["entries"]) == ([1, 2], "1-2")
    refused = decided(staff[AUDITOR], case, valid_at="2026-03-04T11:00:00+01:00", entries=[3])
    assert errors(refused)[0][0] == "/entries"


def test_what_the_record_closes_stays_closed(api: Api, staff: dict[str, Api]) -> None:
    """Of another parent's data a party sees no name and no text, nor what was left out before."""
    father = {"ref": "parent-B", "role": "father", "full_name": "Bo Eksempel"}
    mother = {"ref": "parent-A", "role": "mother", "full_name": "Alma Eksempel"}
    told = command("NoteRecorded", {"informant": "parent-B", "channel": "phone", "content": HIDDEN})
    case = api.open_case(note("Alma fortalte det."), told, persons=[mother, father])
    asked = {"kind": "party_access", "by": "parent-A", "about": ["parent-A"], "received_at": "2026-03-05"}
    secret = redacted(2, code="POLITI") | {"reason": HIDDEN}
    first = answer_of(decided(staff[AUDITOR], case, asked=asked, redactions=[secret]))
    second = answer_of(decided(staff[AUDITOR], case, asked=asked))
    found = handed_out(staff[AUDITOR], case, second)
    assert HIDDEN not in orjson.dumps(found).decode()
    assert "Bo Eksempel" not in orjson.dumps(found).decode() + words_of(paper(staff[AUDITOR], case, second))
    assert (3, "TREDJE") in [(one["version"], one["code"]) for one in found["left_out"]]
    assert (first, "redactions", "UDENFOR") in [
        (one["version"], one["field"], one["code"]) for one in found["left_out"]
    ]


def test_a_secret_place_is_only_counted(api: Api, staff: dict[str, Api]) -> None:
    """Neither its number nor its fingerprint is there."""
    case = api.open_case(note("x"), note(HIDDEN), note("y"))
    version = answer_of(decided(staff[AUDITOR], case, redactions=[redacted(3, code="POLITI")]))
    found = handed_out(staff[AUDITOR], case, version)
    assert (found["counted"], found["left_out"], found["selection"]["entries"]) == (1, [], "1-2, 4")
    assert 3 not in [one["version"] for one in (*found["entries"], *found["verification"]["leaves"])]
    assert "udennærmereomtale:1poster" in words_of(paper(staff[AUDITOR], case, version))


def test_no_bundle_tells_what_the_answer_leaves_out(api: Api, staff: dict[str, Api]) -> None:
    """A bundle by the same answer is made of entries that go out whole, and of no others."""
    case = api.open_case(note("x"), note(HIDDEN))
    version = answer_of(decided(staff[AUDITOR], case, redactions=[redacted(3, "content")]))
    limited = answer_of(decided(staff[AUDITOR], case, entries=[1, 2]))
    for answer, entries in ((version, [3]), (version, None), (limited, None), (limited, [3])):
        body = {"answer": answer, "entries": entries} if entries else {"answer": answer}
        found = problem(staff[AUDITOR].post(f"/cases/{case}/evidence-bundles", body), 409, "refused")
        assert "left out" in found["detail"] or "name the entries" in found["detail"]


def test_a_repeat_is_the_same_decision(api: Api, staff: dict[str, Api]) -> None:
    """The first answer comes back, and nothing more is written."""
    case = api.open_case(note("x"))
    first = answer_of(decided(staff[AUDITOR], case, key="the-same-key-" + case))
    written = api.written()
    assert answer_of(decided(staff[AUDITOR], case, key="the-same-key-" + case)) == first
    assert api.written() == written


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"redactions": [redacted(2, code="FRI")]}, "/redactions/0/code"),
        ({"redactions": [redacted(99)]}, "/redactions/0/entry"),
        ({"redactions": [redacted(2, "nix")]}, "/redactions/0/field"),
        ({"redactions": [redacted(2, "content", 9)]}, "/redactions/0/paragraph"),
        ({"redactions": [redacted(2), redacted(2)]}, "/redactions/1"),
        ({"redactions": [redacted(2) | {"reason": " "}]}, "/redactions/0/reason"),
        ({"entries": [99]}, "/entries"),
        ({"request": 2, "asked": None}, "/request"),
        ({"asked": COURT | {"about": ["parent-Z"]}}, "/asked"),
        ({"asked": None}, "/request"),
    ],
)
def test_what_is_not_there_cannot_be_named(
    api: Api, staff: dict[str, Api], wanted: dict[str, Any], pointer: str
) -> None:
    """Each mistake is named by its place, and nothing is written."""
    case = api.open_case(note("x"))
    written = api.written()
    assert errors(decided(staff[AUDITOR], case, **wanted))[0][0] == pointer
    assert api.written() == written


def test_who_may(api: Api, staff: dict[str, Api]) -> None:
    """Those who may make evidence bundles; an entry that hands nothing out is not found."""
    case = api.open_case(note("x"))
    for client in (api, staff[ANALYST]):
        problem(decided(client, case), 403, "forbidden")
    version = answer_of(decided(staff[LEADER], case))
    problem(api.get(f"/cases/{case}/productions/{version}"), 403, "forbidden")
    for other in (1, 2, 99):
        problem(staff[AUDITOR].get(f"/cases/{case}/productions/{other}"), 404, "not-found")


def test_command_writes_what_was_decided(filled: Inside, stories: Place, tmp_path: Path) -> None:
    """JSON and PDF once the log is signed; never over a file that is there, nor of an entry that hands nothing out."""
    with stories.ledger() as ledger:
        reader = CaseReader(ledger, Board(ledger))
        maker = Productions(ledger, CaseRecorder(ledger, reader.door), reader)
        wanted = Wanted(Asked("court", "court", None, ledger.now()))
        principal, commit = command_line_principal("audit", internal=True), Commit((), "key", b"body")
        version = asyncio.run(maker.decide(principal, case_named(ledger, "S6"), wanted, commit)).version
        signer = FileSigner(tmp_path / "home" / "signer" / str(ledger.id), time.time)
        signer.create(default_origin(ledger.id))
        publisher = Publisher(stories.conninfo, signer)
        publisher.publish()
        publisher.close()
    data, paper_file = tmp_path / "p.json", tmp_path / "p.pdf"
    assert "sha256" in filled.done("production", "S6", str(version), "-o", data)
    filled.done("production", "S6", str(version), "-o", paper_file)
    (attached,) = PdfReader(BytesIO(paper_file.read_bytes())).attachments["evidence.json"]
    assert attached == data.read_bytes()
    assert orjson.loads(attached)["verification"]["checkpoint"]["size"] > 0
    for words, said in (
        (("S6", str(version), "-o", data), "a file of this name already"),
        (("S6", "2", "-o", tmp_path / "x.pdf"), "no answer by which anything is handed out"),
        (("S99", "2", "-o", tmp_path / "x.json"), "no such case"),
    ):
        assert said in filled.refused("production", *words)[1]
