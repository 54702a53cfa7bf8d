"""Evidence bundles over HTTP and on the command line: by whom, from which decision, on record before they leave."""

import asyncio
import base64
import time
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest

from api.evidence import WAIT_SECONDS, EvidenceMaker
from api.opening import Place
from api.principals import command_line_principal
from api.reading import CaseReader
from ledger.proof.publisher import Publisher, default_origin
from ledger.proof.signer import FileSigner
from ledger.store import Ledger
from projections.board import Board
from replay.bundle import NotProvenYet, Wish
from tests.api.client import CANARY, Api, Response, command, errors, note, problem
from tests.api.erasing import OFFICER, SUPERVISOR, open_case
from tests.api.filing import Office, offices
from tests.api.service import Inside
from tests.conftest import Server, Template
from tests.verifier.bundles import case_named, files_of, verdict, version_of
from tests.verifier.family import family_in

AUDITOR, CASEWORKER, STRANGER = "u-95", "u-90", "u-21"
ASKED = {"kind": "own", "by": "parent-A", "about": "parent-A", "received_at": "2026-03-04"}


@pytest.fixture(scope="module")
def office(server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Office]:
    """A ledger of its own."""
    yield from offices(server, simulated_template, tmp_path_factory.mktemp("evidence"))


@pytest.fixture(scope="module")
def served(office: Office) -> Generator[Api]:
    """A client of the service over it."""
    with office.serving() as api:
        yield api


@pytest.fixture(scope="module")
def officer(served: Api) -> Generator[Api]:
    """A client for the data protection officer."""
    with served.acting_as(OFFICER) as client:
        yield client


def publish(place: Place, home: Path) -> str:
    """Sign the ledger as it stands, and return the log's key."""
    with place.ledger() as ledger:
        signer = FileSigner(home / "signer" / str(ledger.id), time.time)
        signer.create(default_origin(ledger.id))
    publisher = Publisher(place.conninfo, signer)
    try:
        publisher.publish()
    finally:
        publisher.close()
    return str(signer.vkeys[0])


def decided(api: Api, outcome: str = "granted") -> str:
    """Open a case with a text of the mother's and one of the father's, asked for and answered as entries 4 and 5."""
    father = {"informant": "parent-B", "channel": "phone", "content": f"{CANARY} said"}
    case = open_case(api, note("Alma told this."), command("NoteRecorded", father))
    assert api.commit(case, 3, command("AccessRequestReceived", ASKED)).status_code == 201
    answer = command("AccessRequestAnswered", {"request": 4, "outcome": outcome})
    assert api.commit(case, 4, answer).status_code == 201
    return case


def asked(client: Api, case: str, key: str | None = None, **body: Any) -> Response:
    """Ask for a bundle."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(f"/cases/{case}/evidence-bundles", {"answer": 5, **body}, **headers)


def recorded(api: Api, topic: str) -> list[tuple[int, dict[str, Any]]]:
    """Return position and facts of every entry of a topic, the last one first."""
    rows = api.query("SELECT position, state FROM ledger.event WHERE topic = %s ORDER BY position DESC", topic)
    return [(position, orjson.loads(state)["data"]) for position, state in rows]


def test_a_bundle_is_on_record_before_it_is_handed_out(
    office: Office, served: Api, officer: Api, tmp_path: Path
) -> None:
    """The answer is the bundle with its hash; the ledger tells who made it, for whom, and what left the house."""
    case = decided(served)
    key = publish(office.place, office.home)
    response = asked(officer, case)
    assert response.status_code == 201, response.text
    content, headers = response.content, response.headers
    assert headers["content-type"] == "application/zip"
    assert headers["content-digest"] == f"sha-256=:{base64.b64encode(sha256(content).digest()).decode()}:"
    assert headers["content-disposition"] == f'attachment; filename="bevispakke-{sha256(content).hexdigest()[:12]}.zip"'
    assert headers["cache-control"] == "no-store"
    assert headers["etag"] == '"5"'
    position, look = recorded(served, "record_viewed")[0]
    assert position == int(headers["access-event"])
    assert (look["what"], look["cases"], look["viewer"], len(look["subjects"])) == (
        "evidence_bundle",
        [case],
        OFFICER,
        1,
    )
    at, exported = recorded(served, "exported")[0]
    assert at < position
    assert exported["sha256"] == sha256(content).hexdigest()
    assert (exported["size"], exported["recipient"], exported["cases"]) == (len(content), "parent-A", [case])
    assert exported["format"] == "caseledger-bundle/1"
    assert verdict(tmp_path, content, "--log-key", key).code == 0
    texts = b"".join(files_of(content).values())
    assert base64.b64encode(b"Alma told")[:8] in texts
    assert CANARY.encode() not in b"".join(base64.b64decode(one) for one in _plaintexts(content))


def _plaintexts(content: bytes) -> list[str]:
    events = (orjson.loads(raw) for name, raw in files_of(content).items() if name.startswith("events/"))
    return [one["plaintext"] for event in events for one in event.get("sealed", ()) if "plaintext" in one]


def test_a_repeat_gets_the_same_bytes(office: Office, served: Api, officer: Api) -> None:
    """One export on record for one request, a look for each answer; another body under the key is refused."""
    case, key = decided(served), uuid4().hex
    publish(office.place, office.home)
    first = asked(officer, case, key)
    exports, looks = len(recorded(served, "exported")), len(recorded(served, "record_viewed"))
    second = asked(officer, case, key)
    assert first.content == second.content
    assert len(recorded(served, "exported")) == exports
    assert len(recorded(served, "record_viewed")) == looks + 1
    problem(asked(officer, case, key, entries=[2]), 422, "key-reused")
    assert asked(officer, case).content == first.content
    assert served.commit(case, 5, note()).status_code == 201
    publish(office.place, office.home)
    problem(asked(officer, case, key), 409, "refused")
    assert asked(officer, case, known_at="2100-01-01T00:00:00Z").status_code == 400
    instant = served.query("SELECT recorded_at FROM ledger.event WHERE stream = %s AND version = 5", case)[0][0]
    past = asked(officer, case, known_at=instant.isoformat())
    assert files_of(past.content).keys() == files_of(first.content).keys()
    assert recorded(served, "exported")[0][1]["known_at"] is not None


@pytest.mark.parametrize("staff", [CASEWORKER, STRANGER, "u-96", "u-97"])
def test_who_does_not_answer_requests_makes_no_bundle(office: Office, served: Api, staff: str) -> None:
    """Not even whoever holds the case and may read it; the refusal is on record."""
    case = decided(served)
    publish(office.place, office.home)
    with served.acting_as(staff) as client:
        problem(asked(client, case), 403, "forbidden")
    look = recorded(served, "record_viewed")[0][1]
    assert (look["what"], look["refused"], look["viewer"]) == ("evidence_bundle", True, staff)


@pytest.mark.parametrize("staff", [OFFICER, SUPERVISOR, AUDITOR])
def test_who_answers_for_access_makes_the_same_bundle(office: Office, served: Api, officer: Api, staff: str) -> None:
    """It is the recipient that counts: audit, which sees what is withheld, makes no other bundle."""
    case = decided(served)
    publish(office.place, office.home)
    with served.acting_as(staff) as client:
        assert asked(client, case).content == asked(officer, case).content


def test_a_restricted_case_is_closed_to_who_is_not_named(office: Office, served: Api, officer: Api) -> None:
    """A bundle opens texts, so data protection gets none of a case whose texts are closed to it."""
    case = decided(served)
    publish(office.place, office.home)
    soon = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    body = {"category": "c", "allowed": ["u-999"], "review_by": soon, "reason": "r"}
    with served.acting_as(SUPERVISOR) as leader:
        assert leader.post(f"/cases/{case}/restrictions", body).status_code == 201
    assert problem(asked(officer, case), 403, "forbidden")["reason"] == "restricted"


def test_what_gives_no_access_makes_no_bundle(office: Office, served: Api, officer: Api) -> None:
    """A refusal, an entry that is no answer, a partly granting answer without its entries, entries not there."""
    refusing, partly, granting = decided(served, "refused"), decided(served, "partly_granted"), decided(served)
    publish(office.place, office.home)
    written = served.written()
    problem(asked(officer, refusing), 409, "refused")
    problem(asked(officer, partly), 409, "refused")
    assert errors(asked(officer, granting, answer=2))[0][0] == "/answer"
    assert errors(asked(officer, granting, entries=[99]))[0][0] == "/entries"
    assert errors(asked(officer, granting, kept=10**9))[0][0] == "/kept"
    wrong: list[dict[str, Any]] = [{"answer": None}, {"answer": "5"}, {"entries": []}, {"unknown": 1}]
    for body in (*wrong, {"known_at": "2026-03-04"}):
        assert errors(asked(officer, granting, **body))
    problem(asked(officer, str(uuid4())), 404, "not-found")
    assert served.written() == written
    assert asked(officer, partly, entries=[2]).status_code == 201


def test_a_purpose_is_asked_for(office: Office, served: Api, officer: Api) -> None:
    """As for every look."""
    case = decided(served)
    publish(office.place, office.home)
    problem(officer.post(f"/cases/{case}/evidence-bundles", {"answer": 5}, Purpose="curiosity"), 400, "bad-request")


def test_without_a_checkpoint_nothing_leaves(stories: Place) -> None:
    """Two seconds are waited for one; then nothing is handed out, and nothing is on record as handed out."""
    with stories.ledger() as ledger:
        maker = EvidenceMaker(ledger, CaseReader(ledger, Board(ledger)))
        principal, case = command_line_principal("access-request", internal=True), case_named(ledger, "S4")
        size, begun = ledger.head().size, time.monotonic()
        with pytest.raises(NotProvenYet):
            asyncio.run(maker.make(principal, Wish(case)))
        assert WAIT_SECONDS <= time.monotonic() - begun < 2 * WAIT_SECONDS
        assert ledger.head().size == size


def test_a_checkpoint_that_comes_in_time_is_waited_for(stories: Place, tmp_path: Path) -> None:
    """The log is asked for one at once."""
    with stories.ledger() as ledger:
        maker = EvidenceMaker(ledger, CaseReader(ledger, Board(ledger)))

        async def both() -> int:
            making = asyncio.create_task(
                maker.make(command_line_principal("audit", internal=True), Wish(case_named(ledger, "S4")))
            )
            await asyncio.sleep(0.3)
            await asyncio.to_thread(publish, stories, tmp_path)
            return (await making).bundle.size

        assert asyncio.run(both()) > 0


def test_the_command_writes_a_bundle(filled: Inside, stories: Place, tmp_path: Path) -> None:
    """By number or id; told as the answer allows; into a new file that only its owner reads."""
    key = publish(stories, tmp_path / "home")
    with stories.ledger() as ledger:
        answer = version_of(ledger, case_named(ledger, "S4"), "access_request_answered")
    path = tmp_path / "s4.zip"
    said = filled.done("bundle", "S4", "--answer", str(answer), "-o", path)
    assert sha256(path.read_bytes()).hexdigest() in said
    assert "Proven by the checkpoint of size" in said
    assert path.stat().st_mode & 0o777 == 0o600
    found = verdict(tmp_path, path.read_bytes(), "--log-key", key)
    assert (found.code, found.answer["counts"]["segments"]["opened"]) == (0, 7)
    _, line = filled.refused("bundle", "S4", "-o", path)
    assert "There is a file of this name already" in line
    chosen = tmp_path / "chosen.zip"
    filled.done("bundle", "S4", "--answer", str(answer), "--entries", "3,7-9", "-o", chosen)
    assert verdict(tmp_path, chosen.read_bytes(), "--log-key", key).answer["counts"]["events"] == 4
    _, line = filled.refused("bundle", "S99", "-o", tmp_path / "x.zip")
    assert "There is no such case" in line
    _, line = filled.refused("bundle", "S4", "--answer", "1", "-o", tmp_path / "x.zip")
    assert "/answer" in line


@pytest.mark.parametrize("words", [("--entries", "0"), ("--entries", "3-"), ("--entries", "9-3"), ("--entries", "x"),
                                   ("--answer", "-1"), ("--answer", "1.5"), ("--known-at", "2024-08-21"),
                                   ("--kept", "0")])  # fmt: skip
def test_the_command_says_how_it_is_called(filled: Inside, tmp_path: Path, words: tuple[str, str]) -> None:
    """Exit code 2 and one line."""
    code, line = filled.refused("bundle", "S4", *words, "-o", tmp_path / "x.zip")
    assert code == 2
    assert words[0] in line


def test_a_real_ledger_opens_texts_on_the_command_line_by_decision_alone(
    real: Place, real_command: Inside, tmp_path: Path, ledger: Ledger
) -> None:
    """Without an answer the file tells nothing; the look and the export are on record all the same."""
    family = family_in(real, ledger, tmp_path / "signer")
    own = family.note("parent-A", CANARY)
    answer = family.answered()
    family.publish()
    for options, opened in (((), 0), (("--answer", str(answer)), 1)):
        path = tmp_path / f"{opened}.zip"
        real_command.done("bundle", str(family.case), *options, "-o", path)
        files = files_of(path.read_bytes())
        assert orjson.loads(files["manifest.json"])["counts"]["segments"]["opened"] == opened
        assert ("withheld" in orjson.loads(files[f"events/{own:04}.json"])) == (not opened)
    exports = [row for row in ledger.read_stream(ledger.id) if row.topic == "exported"]
    assert len(exports) == 2
