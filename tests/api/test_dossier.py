"""The dossier of a decision: its parts from the sixth story, and that making it again gives the same bytes."""

from collections.abc import Generator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from pypdf import PdfReader

from api.opening import Place
from api.principals import command_line_principal
from api.rule_adoption import adopt_shipped
from ledger.format import published_entry
from ledger.merkle import leaf_hash
from ledger.proof.merkle_proofs import check_inclusion
from ledger.proof.notes import decode
from tests.api.client import Api, command, note, problem, talking_to
from tests.api.service import Service, environment, serving, until
from tests.conftest import Server, Template, clone

AUDITOR, SUPERVISOR, CASEWORKER, STRANGER = "u-95", "u-12", "u-90", "u-21"
DECIDED, LATER = "2024-08-21T07:00:00Z", "2024-12-01T12:00:00Z"
DECISION, NOTE, CORRECTION = 26, 29, 30


@dataclass(frozen=True, slots=True)
class Office:
    """A ledger with the six stories under the shipped rules, and where its service can be started."""

    place: Place
    home: Path
    log: Path
    case: str

    def dossier(self, api: Api, **query: str) -> bytes:
        """Return the bytes of a dossier of the sixth story."""
        response = api.get(f"/cases/{self.case}/decisions/{DECISION}/dossier", **query)
        assert response.status_code == 200, response.text
        assert int(response.headers["access-event"]) > 0
        return response.content

    def values(self, api: Api, **query: str) -> dict[str, Any]:
        """Return a dossier of the sixth story."""
        return orjson.loads(self.dossier(api, **query))


@pytest.fixture(scope="module")
def office(server: Server, stories_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Office]:
    """A ledger of its own."""
    folder = tmp_path_factory.mktemp("dossier")
    for place in clone(server, stories_template, folder / "home"):
        with place.ledger() as ledger:
            adopt_shipped(ledger, command_line_principal("test"), ledger.now())
            opened = {row.stream: row for row in ledger.read_topic("case_opened")}
            (case,) = [
                str(one) for one, row in opened.items() if ledger.mapper.to_domain_event(row).data["number"] == "S6"
            ]
        yield Office(place, folder / "home", folder / "errors.log", case)


@pytest.fixture(scope="module")
def service(office: Office) -> Generator[Service]:
    """A service over it, whose log is signed."""
    with serving(environment(office.place.conninfo, office.home), office.log) as running:
        yield running


@pytest.fixture(scope="module")
def auditor(office: Office, service: Service) -> Generator[Api]:
    """A client of whoever may see everything."""
    with talking_to(service.url, office.place.conninfo, AUDITOR) as client:
        until(lambda: office.values(client)["verification"]["checkpoint"], "a checkpoint that holds the case")
        yield client


def versions(rows: list[dict[str, Any]]) -> list[int]:
    """Return the versions of some rows."""
    return [row["version"] for row in rows]


def test_what_was_known_is_told_from_what_was_not(office: Office, auditor: Api) -> None:
    """A, B and C: the call of 20 August had reached the municipality and was not on record; the score was corrected."""
    found = office.values(auditor, known_at=LATER)
    assert (found["decision"], found["entry"], found["instant"]) == ("dec-6", DECISION, "2024-08-21T07:00:00.000000Z")
    assert versions(found["known"]) == list(range(1, DECISION + 1))
    assert all(row["recorded_at"] <= found["instant"] for row in found["known"])
    (missing,) = found["not_yet_recorded"]
    assert (missing["version"], missing["event"], missing["received_by"]) == (NOTE, "NoteRecorded", "u-25")
    assert missing["by_decider"] is (found["decided_by"] == "u-25")
    assert missing["data"]["content"]
    (change,) = found["recorded_since"]["changes"]
    assert (change["version"], change["kind"], change["field"], change["old"], change["new"], change["in_force"]) == (
        CORRECTION, "correction", "score", 4, 3, True,
    )  # fmt: skip
    assert found["counts"] == {"known": 26, "reached_not_recorded": 1, "known_of_later": 0, "changed_since": 1}


def test_consents_deadlines_hearing_and_findings_are_as_they_were(office: Office, auditor: Api) -> None:
    """D, E, F and H: by both clocks, with citations, sent against decided on, each finding with what became of it."""
    found = office.values(auditor, known_at=LATER)
    statuses = {one["consent"]: (one["by_record_then"], one["by_all_facts"]) for one in found["consents"]}
    assert "in_force" in {then for then, _ in statuses.values()}
    assert "withdrawn" in {then for then, _ in statuses.values()}
    grouped = {f"{one['rule']}/{one['trigger']}": one["group"] for one in office.values(auditor)["deadlines"]}
    assert (grouped["UND-24H/2"], grouped["UND-24H/4"]) == ("broken", "met")
    assert set(grouped.values()) <= {"running", "met", "broken", "without_effect"}
    assert all(one["citation"] for one in office.values(auditor)["deadlines"])
    (sent,) = found["hearing"]["sent"]
    assert (sent["in_time"], sent["days_early"], sent["delay_requests"]) == (False, 2, [])
    assert sent["delay_requests_recorded_later"] == [NOTE]
    assert found["hearing"]["difference"]["entered_later"]
    assert {one["code"] for one in found["findings"]} >= {"DECISION_BEFORE_HEARING_EXPIRED", "COMPETENCE_MISSING"}
    assert all(one["state"] and one["citation"] for one in found["findings"])


def test_every_entry_can_be_proven(office: Office, auditor: Api) -> None:
    """J: the leaves are those of the stored rows, and each path leads from its leaf to the root that was signed."""
    found = office.values(auditor, known_at=LATER)["verification"]
    with office.place.ledger() as ledger:
        rows = ledger.read_streams(
            [ledger.read_range(found["position"], found["position"])[0].stream], found["position"]
        )
    leaves = {one["version"]: decode(one["leaf"]) for one in found["leaves"]}
    assert leaves == {row.version: leaf_hash(published_entry(row.commitment)) for row in rows}
    checkpoint = found["checkpoint"]
    assert {one["version"] for one in found["proofs"]} >= {DECISION}
    for proof in found["proofs"]:
        path = [decode(one) for one in proof["path"]]
        check_inclusion(proof["index"], checkpoint["size"], leaves[proof["version"]], path, decode(checkpoint["root"]))


@pytest.mark.slow
def test_same_bytes_after_looks_appends_and_a_restart(office: Office, service: Service, auditor: Api) -> None:
    """Asked with the same ``known_at`` nothing that came since is in it; without one, nothing but the case counts."""
    first, plain = office.dossier(auditor, known_at=LATER), office.dossier(auditor)
    with auditor.acting_as(SUPERVISOR) as leader:
        leader.open_case(note())
    assert office.dossier(auditor, known_at=LATER) == first
    assert office.dossier(auditor) == plain
    with (
        serving(environment(office.place.conninfo, office.home), office.log) as again,
        talking_to(again.url, office.place.conninfo, AUDITOR) as other,
    ):
        assert again.port != service.port
        assert office.dossier(other, known_at=LATER) == first
        version = office.values(auditor)["as_of_version"]
        commit = {"commands": [note()]}
        assert auditor.get(f"/cases/{office.case}").status_code == 200
        with other.acting_as(SUPERVISOR) as leader:
            assert leader.post(f"/cases/{office.case}/commits", commit, version=version).is_success
        assert office.dossier(other, known_at=LATER) == first
        assert office.dossier(other) != plain


def test_on_paper_it_comes_with_its_evidence(office: Office, auditor: Api) -> None:
    """The same bytes for the same instant, both files attached; who may not make bundles gets no paper."""
    path = f"/cases/{office.case}/decisions/{DECISION}/dossier.pdf"
    first, again = (auditor.get(path, known_at=LATER) for _ in range(2))
    assert first.status_code == 200, first.text
    assert (first.headers["content-type"], first.content) == ("application/pdf", again.content)
    attached = PdfReader(BytesIO(first.content)).attachments
    assert attached["dossier.json"] == [office.dossier(auditor, known_at=LATER)]
    assert attached["bevispakke.zip"][0].startswith(b"PK")
    problem(auditor.get(f"/cases/{office.case}/decisions/2/dossier.pdf"), 404, "not-found")
    problem(auditor.get(path, answer=2), 422, "malformed")
    with auditor.acting_as(CASEWORKER) as worker:
        case = worker.open_case(note())
        problem(worker.get(f"/cases/{case}/decisions/2/dossier.pdf"), 403, "forbidden")


def test_who_had_looked_is_told_to_those_who_may_know(office: Office, auditor: Api) -> None:
    """G: looks before the decision, the first one first; a case worker is told that they are withheld."""
    view = command("ChildViewObtained", {"method": "not_applicable_unborn", "reason": "x"})
    with auditor.acting_as(CASEWORKER) as worker:
        case = worker.open_case(note(), view)
        assert worker.get(f"/cases/{case}").is_success
        decision = {"decision": "d-1", "outcome": "grant", "legal_basis": ["x"], "child_view": 3, "facts": [2]}
        body = {"decision": decision, "overrides": {}}
        stopped = worker.post(f"/cases/{case}/decisions", body, version=3)
        overrides = dict.fromkeys(stopped.json()["stops"], "urgent") if stopped.status_code == 409 else {}
        version = stopped.json().get("current_version", 3)
        made = worker.post(f"/cases/{case}/decisions", body | {"overrides": overrides}, version=version)
        assert made.is_success, made.text
        entry = next(one["version"] for one in made.json()["entries"] if one["event"] == "DecisionMade")
        path = f"/cases/{case}/decisions/{entry}/dossier"
        own = worker.get(path).json()
    found = auditor.get(path).json()
    assert [(one["viewer"], one["what"], one["decider"]) for one in found["read_by"]] == [(CASEWORKER, "case", True)]
    assert found["basis"][0]["opened_by_decider"] == found["read_by"][0]["at"]
    assert (own["read_by"], own["basis"][0]["opened_by_decider"]) == (None, None)
    assert {"part": "read_by", "entry": None, "fields": [], "because": "role"} in own["withheld"]
    assert own["known"] == found["known"]


def test_it_is_for_a_decision_and_for_whoever_may_see_the_case(office: Office, auditor: Api) -> None:
    """Another entry has none; a stranger is refused on record; the decision is not on record before it was."""
    path = f"/cases/{office.case}/decisions"
    problem(auditor.get(f"{path}/2/dossier"), 404, "not-found")
    problem(auditor.get(f"{path}/{DECISION}/dossier", known_at="2024-08-01T00:00:00Z"), 404, "not-found")
    problem(auditor.get(f"{path}/{DECISION}/dossier", valid_at=LATER), 400, "bad-request")
    with auditor.acting_as(STRANGER) as stranger:
        problem(stranger.get(f"{path}/{DECISION}/dossier"), 403, "forbidden")
