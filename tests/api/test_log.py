"""The log over HTTP: checkpoint, tiles, keys and proofs, read as a stranger reads them, by whoever may."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.opening import Place
from api.sign_in.local import LocalSignIn
from domain.proof_at_once import PROVEN_AT_ONCE
from ledger.merkle import leaf_hash, root_of
from ledger.proof.checkpoints import Checkpoint, read_checkpoint
from ledger.proof.entry_proofs import leaf_of
from ledger.proof.notes import ED25519, NoteError, VerifierKey, verified
from ledger.proof.proof_files import read_proof
from ledger.proof.tiles import WIDTH, bundles_of, hashes_of, tiles_of
from ledger.store import Ledger
from tests.api.client import Api, Response, command, note, problem, talking_to
from tests.api.service import environment, serving, until
from tests.api.signing_in import signed_in
from tests.conftest import Server, Template, clone

DECISION = command("DecisionMade", {"decision": "dec-1", "outcome": "grant", "legal_basis": ["x"]})
CONSENT = command(
    "ConsentGiven",
    {
        "consent": "c-1", "kind": "disclosure", "given_by": "parent-A", "capacity": "self", "scope": ["social"],
        "form": "oral", "valid_from": "2026-03-04",
    },
)  # fmt: skip
WITHDRAWAL = command("ConsentWithdrawn", {"consent": "c-1", "withdrawn_by": "parent-A", "channel": "phone"})
NOBODY: list[str] = []


@pytest.fixture(scope="module")
def open_log(server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Api]:
    """A client of a service whose log is published."""
    folder = tmp_path_factory.mktemp("open")
    for place in clone(server, simulated_template, folder / "home"):
        variables = environment(place.conninfo, folder / "home") | {"CASELEDGER_PUBLISH_LOG": "true"}
        with serving(variables, folder / "errors.log") as service, talking_to(service.url, place.conninfo) as client:
            yield client


@pytest.fixture
def stranger(open_log: Api) -> Generator[httpx2.Client]:
    """Somebody who has not signed in anywhere."""
    with httpx2.Client(base_url=open_log.http.base_url, timeout=30) as client:
        yield client


def latest(client: httpx2.Client) -> Checkpoint:
    """Return the checkpoint that is published, its signatures by keys that are published beside it."""
    keys = list(map(VerifierKey.read, client.get("/log/log.vkey").text.splitlines()))
    checkpoint, read = read_checkpoint(client.get("/log/checkpoint").text)
    assert set(verified(read, keys)) == set(keys)
    return checkpoint


def signed(api: Api, seconds: float = 20) -> int:
    """Have everything on record signed now; returns the size."""
    size = api.size()
    api.query("SELECT pg_notify('caseledger_checkpoint_wanted', '')")
    asked = "SELECT max(size) FROM proof.checkpoint"
    until(lambda: (api.query(asked)[0][0] or 0) >= size, "a checkpoint", seconds)
    return api.query(asked)[0][0]


def extended(response: Response) -> tuple[Any, str]:
    """Return the proof of a receipt, read, and as it was sent."""
    assert response.status_code == 201, response.text
    sent = response.json()["proof"]
    return read_proof(sent), sent


class TestPublished:
    """A log that anybody may read."""

    def test_a_stranger_rebuilds_the_tree(self, open_log: Api, stranger: httpx2.Client) -> None:
        """From entries to leaves to tiles to the signed root, all over HTTP, and nothing is put on record by it."""
        for _ in range(6):
            open_log.open_case(*(note() for _ in range(60)))
        signed(open_log)
        before, checkpoint = open_log.size(), latest(stranger)
        leaves: list[bytes] = []
        for bundle in bundles_of(checkpoint.size):
            content = stranger.get(f"/log/tile/{bundle.path}").content
            entries = [content[at + 2 : at + 35] for at in range(0, len(content), 35)]
            assert len(entries) == bundle.width
            leaves += map(leaf_hash, entries)
        assert root_of(leaves) == checkpoint.root
        level_0 = [tile for tile in tiles_of(checkpoint.size) if tile.level == 0]
        tiles = [hashes_of(stranger.get(f"/log/tile/{tile.path}").content) for tile in level_0]
        assert [one for tile in tiles for one in tile] == leaves
        full = stranger.get("/log/tile/1/000.p/1")
        assert full.content == root_of(leaves[:WIDTH])
        assert open_log.size() == before

    def test_what_caches_are_told(self, stranger: httpx2.Client) -> None:
        """A tile never changes, a checkpoint is asked about each time, a refusal is not kept."""
        checkpoint, tile = stranger.get("/log/checkpoint"), stranger.get("/log/tile/0/000.p/1")
        assert checkpoint.headers["cache-control"] == "no-cache"
        assert checkpoint.headers["content-type"] == "text/plain; charset=utf-8"
        assert tile.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert tile.headers["content-type"] == "application/octet-stream"
        assert stranger.get("/log/tile/0/999").headers["cache-control"] == "no-store"

    @pytest.mark.parametrize(
        "path",
        [
            "0/0", "0/000.p/0", "0/000.p/256", "0/000.p/01", "00/000", "64/000", "-1/000", "0/x000/001", "entries/00",
            "entries/000.p/", "1/000/", "0/001/000", "data/000", "%2e%2e/checkpoint", "0/000.p/257", "0/x999/999",
            "63/000", "0/x999/x999/x999/x999/x999/x999/999", "",
        ],
    )  # fmt: skip
    def test_no_such_tile(self, stranger: httpx2.Client, path: str) -> None:
        """Another form of an address, and what the tree does not have, is not found, with a reason."""
        problem(stranger.get(f"/log/tile/{path}"), 404, "not-found")

    def test_a_tile_that_is_not_published_yet_is_not_there(self, open_log: Api, stranger: httpx2.Client) -> None:
        """What is on record and not signed is in no tile."""
        width = signed(open_log) % WIDTH
        if not width:
            open_log.open_case()
            width = signed(open_log) % WIDTH
        number = latest(stranger).size // WIDTH
        assert stranger.get(f"/log/tile/0/{number:03}.p/{width}").status_code == 200
        problem(stranger.get(f"/log/tile/0/{number:03}.p/{width + 1}"), 404, "not-found")

    def test_the_list_of_checkpoints_stays_closed(self, stranger: httpx2.Client) -> None:
        """Only the log itself is published."""
        problem(stranger.get("/checkpoints"), 401, "not-signed-in")


class TestClosed:
    """A log that is not published."""

    PATHS = ("/log/checkpoint", "/log/log.vkey", "/log/tile/0/000.p/1", "/checkpoints")

    @pytest.mark.parametrize(("staff", "status"), [("u-95", 200), ("u-81", 200), ("u-12", 403), ("u-90", 403)])
    def test_audit_and_data_protection_read_it(self, api: Api, staff: str, status: int) -> None:
        """Without a purpose, and without a record unless it is refused."""
        api.open_case()
        signed(api)
        with api.acting_as(staff) as client:
            client.http.headers.pop("Purpose", None)
            before = api.size()
            answers = [client.get(path) for path in self.PATHS]
            assert [answer.status_code for answer in answers] == [status] * len(self.PATHS)
            assert api.size() - before == (0 if status == 200 else len(self.PATHS))
        if status == 200:
            assert answers[2].headers["cache-control"] == "private, max-age=31536000, immutable"

    def test_checkpoints_come_in_pages(self, api: Api) -> None:
        """In order, each as it was signed, until there is none after the last."""
        for _ in range(3):
            extended(api.commit(api.open_case(), 1, DECISION))
        with api.acting_as("u-95") as auditor:
            sizes: list[int] = []
            after: int | None = 0
            while after is not None:
                page = auditor.get("/checkpoints", after=after, limit=2).json()
                sizes += [item["size"] for item in page["items"]]
                for item in page["items"]:
                    checkpoint = read_checkpoint(item["note"])[0]
                    assert (checkpoint.size, checkpoint.root.hex()) == (item["size"], item["root"])
                after = page["next"]
            assert sizes == sorted(set(sizes))
            assert len(sizes) >= 3
            problem(auditor.get("/checkpoints", after=-1), 400, "bad-request")
            problem(auditor.get("/checkpoints", limit=0), 400, "bad-request")


class TestReceipts:
    """Some commits are answered with their proof."""

    @pytest.mark.parametrize("fact", [DECISION, WITHDRAWAL], ids=["decision", "withdrawal"])
    def test_a_decision_comes_with_its_proof(self, api: Api, fact: dict[str, Any]) -> None:
        """It holds for the last entry, under the log's Ed25519 key alone, and a repeat brings the same one."""
        case = api.open_case(CONSENT)
        key = f"key-{case}"
        first = api.commit(case, 2, fact, Idempotency_Key=key)
        proof, sent = extended(first)
        position = first.json()["last_position"]
        assert proof.index == position - 1
        (commitment,) = api.query("SELECT commitment FROM ledger.event WHERE position = %s", position)[0]
        proof.check(leaf_hash(b"\x01" + commitment))
        assert len(proof.note.signatures) == 1
        with api.acting_as("u-95") as auditor:
            keys = list(map(VerifierKey.read, auditor.get("/log/log.vkey").text.splitlines()))
        assert [key.kind for key in verified(proof.note, keys)] == [ED25519]
        assert api.commit(case, 2, fact, Idempotency_Key=key).json()["proof"] == sent

    def test_other_commits_come_without(self, api: Api, case: str) -> None:
        """Nothing is asked for them, so nothing tells a note from a visit."""
        answer = api.commit(case, 1, note())
        assert answer.json()["proof"] is None

    def test_a_decision_in_an_opening_counts_too(self, api: Api) -> None:
        """Whatever address the commit came to."""
        opening = {"programme": "smaaboernsteam_001", "occurred_at": "2026-03-04T09:30:00+01:00"}
        extended(api.post("/cases", opening | {"persons": NOBODY, "commands": [DECISION]}))

    def test_without_a_worker_it_is_null_at_once(self, simulated_ledger: Ledger) -> None:
        """Nobody publishes: the commit is recorded all the same."""
        local = LocalSignIn(simulated_ledger, "127.0.0.1")
        with TestClient(create_app(simulated_ledger, local)) as client:
            signed_in(client)
            opening = {"programme": "smaaboernsteam_001", "occurred_at": "2026-03-04T09:30:00+01:00"}
            body = opening | {"persons": NOBODY, "commands": [DECISION]}
            answer = client.post("/cases", json=body, headers={"Idempotency-Key": "k-1"})
            assert (answer.status_code, answer.json()["proof"]) == (201, None)
            place = f"/cases/{answer.json()['case']}/events/2/proof"
            later = client.get(place)
            assert (later.status_code, later.headers["retry-after"]) == (503, "2")
            assert later.json()["type"] == "/problems/not-signed-yet"

    def test_what_is_proven_at_once(self) -> None:
        """Decisions, withdrawals, erasures: adding to it is a decision of its own."""
        assert {"DecisionMade", "ConsentWithdrawn", "PersonalDataErased"} < PROVEN_AT_ONCE
        assert len(PROVEN_AT_ONCE) == 9


class TestProofs:
    """The proof of one entry, for whoever reads the case."""

    def test_every_entry_is_proven_from_its_extra_data(self, api: Api) -> None:
        """The extra data lead to the leaf, the leaf to the signed root; each look is on record."""
        case = api.open_case(note(), note(), DECISION)
        with api.acting_as("u-95") as auditor:
            keys = list(map(VerifierKey.read, auditor.get("/log/log.vkey").text.splitlines()))
        before = api.size()
        for version in (1, 2, 3, 4):
            answer = api.get(f"/cases/{case}/events/{version}/proof")
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert answer.headers["cache-control"] == "no-store"
            proof = read_proof(answer.text)
            assert proof.extra is not None
            proof.check(leaf_of(proof.extra))
            assert set(verified(proof.note, keys)) == set(keys)
            (position,) = api.query(
                "SELECT position FROM ledger.event WHERE stream = %s AND version = %s", case, version
            )[0]
            assert (proof.index, int.from_bytes(proof.extra[:8], "big")) == (position - 1, position)
            look = "SELECT topic FROM ledger.event WHERE position = %s"
            assert api.query(look, int(answer.headers["access-event"])) == [("record_viewed",)]
        assert api.size() == before + 4

    def test_it_is_asked_for_and_waited_for(self, api: Api, case: str) -> None:
        """An entry recorded a moment ago is proven at once."""
        assert api.commit(case, 1, note()).status_code == 201
        assert api.get(f"/cases/{case}/events/2/proof").status_code == 200

    @pytest.mark.parametrize("version", ["0", "99", "-1", "x", str(2**63)])
    def test_no_such_entry(self, api: Api, case: str, version: str) -> None:
        """A version the case does not have is not found, what is no version a bad request."""
        status = 404 if version == "99" else 400
        problem(
            api.get(f"/cases/{case}/events/{version}/proof"), status, "not-found" if status == 404 else "bad-request"
        )

    def test_who_may_not_read_the_case_gets_no_proof(self, api: Api, case: str) -> None:
        """It is a look like any other: refused, on record, and with a purpose."""
        with api.acting_as("u-21") as other:
            problem(other.get(f"/cases/{case}/events/1/proof"), 403, "forbidden")
        answer = api.http.get(f"/cases/{case}/events/1/proof", headers={"Purpose": ""})
        assert answer.status_code == 400

    def test_of_what_is_withheld_only_the_place_is_proven(self, api: Api) -> None:
        """Its topic, and whose texts it holds, are withheld with it; audit is told."""
        case = api.open_case(note("of another family"))
        annulled = {"annuls": 2, "kind": "wrong_case", "reason": "Of another family."}
        answer = api.commit(case, 2, command("EntryAnnulled", annulled))
        assert answer.status_code == 201, answer.text
        told = read_proof(api.get(f"/cases/{case}/events/2/proof").text)
        assert told.extra is None
        with api.acting_as("u-95") as auditor:
            whole = read_proof(auditor.get(f"/cases/{case}/events/2/proof").text)
        assert whole.extra is not None
        whole.check(leaf_of(whole.extra))
        assert told.path == whole.path

    @pytest.mark.parametrize("cut", [0, 10, 33, 40])
    def test_extra_data_that_are_cut_off_lead_nowhere(self, api: Api, case: str, cut: int) -> None:
        """Neither to a leaf nor to an error of another kind."""
        proof = read_proof(api.get(f"/cases/{case}/events/1/proof").text)
        assert proof.extra is not None
        with pytest.raises(NoteError):
            leaf_of(proof.extra[:cut])


@pytest.mark.slow
def test_a_demonstration_publishes(stories: Place, tmp_path: Path) -> None:
    """`make run` shows its log to anybody."""
    with serving(environment(stories.conninfo, tmp_path / "home"), tmp_path / "log", "--demonstration") as service:
        until(lambda: httpx2.get(f"{service.url}/log/checkpoint", timeout=30).status_code == 200, "a checkpoint")
        with httpx2.Client(base_url=service.url, timeout=30) as client:
            assert latest(client).size > 100
