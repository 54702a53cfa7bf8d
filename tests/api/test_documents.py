"""Documents over HTTP: the bytes come back, proven to be those filed, or nothing does and a problem says why."""

import os
from collections.abc import Generator
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import psycopg
import pytest

from api.problems import KINDS
from ledger.content_store import PIECE_BYTES
from ledger.document_systems import MAX_DOCUMENT_BYTES
from tests.api.client import Api, Response, command, correction, errors, note, problem
from tests.api.filing import LETTER, Office, annulled, bytes_of, entry, file, filed, link, offices
from tests.api.service import complaints
from tests.conftest import Server, Template


@pytest.fixture(scope="module")
def office(server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Office]:
    """A ledger with documents."""
    yield from offices(server, simulated_template, tmp_path_factory.mktemp("office"))


@pytest.fixture(scope="module")
def api(office: Office) -> Generator[Api]:
    """A client of the service over it."""
    with office.serving() as client:
        yield client


class TestHandingOut:
    """Nothing is sent before the look is on record, and nothing that is not proven."""

    def test_the_look_is_on_record_before_the_bytes_leave(self, api: Api, case: str) -> None:
        filed(file(api, case, 1))
        before = api.size()
        headers = {"Purpose": "complaint"}
        assert api.http.get(f"/cases/{case}/documents/letter-1/1", headers=headers).content == LETTER
        (row,) = api.query("SELECT topic, state FROM ledger.event WHERE position > %s", before)
        data = orjson.loads(row[1])["data"]
        assert (row[0], data["what"], data["purpose"], data["cases"]) == (
            "record_viewed", "document:2", "complaint", [case],
        )  # fmt: skip

    def test_the_look_is_at_those_whom_it_is_about(self, api: Api, case: str) -> None:
        filed(file(api, case, 1, subjects=["child-A"]))
        before = api.size()
        answer = bytes_of(api, case)
        (state,) = api.query("SELECT state FROM ledger.event WHERE position > %s", before)
        persons = {one["ref"]: one["person"] for one in api.get(f"/cases/{case}").json()["persons"]}
        assert orjson.loads(state[0])["data"]["subjects"] == [persons["child-A"]]
        assert answer.headers["access-event"] == str(before + 1)

    def test_no_browser_makes_anything_of_it_but_a_file(self, api: Api, case: str) -> None:
        filed(file(api, case, 1, b"<script>alert(1)</script>", media_type="text/html"))
        headers = bytes_of(api, case).headers
        assert headers["content-type"] == "application/octet-stream"
        assert headers["content-disposition"] == 'attachment; filename="letter-1.v1.bin"'
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "sandbox" in headers["content-security-policy"]

    @pytest.mark.parametrize("place", ["letter-1/2", "letter-2/1", "..%2f..%2fkeys/1", "letter-1/0"])
    def test_what_was_never_filed_is_not_found(self, api: Api, case: str, place: str) -> None:
        filed(file(api, case, 1))
        problem(api.http.get(f"/cases/{case}/documents/{place}"), 404, "not-found")

    def test_parameters_that_are_not_known_are_refused(self, api: Api, case: str) -> None:
        filed(file(api, case, 1))
        problem(api.get(f"/cases/{case}/documents/letter-1/1", knownat="2026-01-01T00:00:00Z"), 400, "bad-request")

    def test_there_are_no_bytes_before_they_were_filed(self, api: Api, case: str) -> None:
        filed(file(api, case, 1))
        opened, recorded = (entry["recorded_at"] for entry in api.events(case))
        path = f"/cases/{case}/documents/letter-1/1"
        problem(api.get(path, known_at=opened), 404, "not-found")
        problem(api.get(path, valid_at="2026-03-04T08:00:00Z"), 404, "not-found")
        response = api.get(path, known_at=recorded)
        assert (response.status_code, response.headers["known-at"]) == (200, recorded)
        assert int(response.headers["as-of-position"]) < int(response.headers["access-event"])

    def _refused(self, response: Response, status: int, kind: str) -> dict[str, Any]:
        found = problem(response, status, kind)
        assert "Canary-Brev" not in response.text
        return found

    @pytest.mark.parametrize("at", [0, 8, 20, 40, -1])
    def test_a_changed_file_is_not_handed_out(self, office: Office, api: Api, case: str, at: int) -> None:
        filed(file(api, case, 1))
        (path,) = office.files(case)
        content = bytearray(path.read_bytes())
        content[at] ^= 1
        path.write_bytes(content)
        kinds = {"document-changed", "document-missing"} if at == 8 else {"document-changed"}
        response = bytes_of(api, case)
        self._refused(response, 500, response.json()["type"].rpartition("/")[2])
        assert response.json()["type"].rpartition("/")[2] in kinds, "another key's id leads to no key"
        assert response.json()["entry"] == 2

    @pytest.mark.parametrize("keep", [0, 10, 20, 300, PIECE_BYTES + 16 + 20])
    def test_a_file_cut_short_is_not_handed_out(self, office: Office, api: Api, case: str, keep: int) -> None:
        """Also at the end of a piece: the last piece says that it is the last."""
        filed(file(api, case, 1, LETTER * 600))
        (path,) = office.files(case)
        path.write_bytes(path.read_bytes()[:keep])
        self._refused(bytes_of(api, case), 500, "document-changed")

    def test_a_file_that_is_gone_is_a_problem(self, office: Office, api: Api, case: str) -> None:
        filed(file(api, case, 1))
        office.files(case)[0].unlink()
        self._refused(bytes_of(api, case), 500, "document-missing")

    def test_another_documents_file_does_not_open(self, office: Office, api: Api, case: str) -> None:
        """Neither that of another case nor that of another version of the same case opens in its place."""
        filed(file(api, case, 1, LETTER + b"1"))
        filed(file(api, case, 2, LETTER + b"2"))
        other = api.open_case()
        filed(file(api, other, 1))
        first, second = office.files(case)
        (foreign,) = office.files(other)
        kept = first.read_bytes(), second.read_bytes()
        first.write_bytes(kept[1])
        second.write_bytes(kept[0])
        for version in (1, 2):
            self._refused(bytes_of(api, case, version=version), 500, "document-changed")
        first.write_bytes(foreign.read_bytes())
        (first.parent / foreign.name).write_bytes(foreign.read_bytes())
        assert {bytes_of(api, case, version=v).status_code for v in (1, 2)} == {500}
        assert bytes_of(api, other).content == LETTER

    def test_a_changed_entry_is_told_before_any_byte(self, api: Api, case: str) -> None:
        """Who changes the commitment in the database, to fit other bytes, has changed what was recorded."""
        receipt = filed(file(api, case, 1))
        old, new = receipt["filed"]["commitment"], sha256(b"other").hexdigest()
        with psycopg.connect(api.database, autocommit=True) as owner:
            owner.execute("ALTER TABLE ledger.event DISABLE TRIGGER USER")
            (state,) = owner.execute(
                "SELECT state FROM ledger.event WHERE position = %s", [receipt["first_position"]]
            ).fetchall()[0]
            changed = bytes(state).replace(old.encode(), new.encode())
            owner.execute(
                "UPDATE ledger.event SET state = %s WHERE position = %s", [changed, receipt["first_position"]]
            )
            owner.execute("ALTER TABLE ledger.event ENABLE TRIGGER USER")
        self._refused(bytes_of(api, case), 500, "damaged")

    @pytest.mark.parametrize("kind", ["wrong_person", "wrong_case", "unlawful"])
    def test_what_was_moved_away_is_not_handed_out(self, api: Api, case: str, kind: str) -> None:
        filed(file(api, case, 1))
        annulled(api, case, 2, 2, kind)
        self._refused(bytes_of(api, case), 404, "not-found")
        assert api.get(f"/cases/{case}/documents").json()["items"] == []

    def test_what_belongs_to_an_entry_moved_away_is_not_handed_out(self, api: Api, case: str) -> None:
        api.commit(case, 1, note())
        filed(file(api, case, 2, for_entry=2))
        assert bytes_of(api, case).status_code == 200
        annulled(api, case, 3, 2, "wrong_person")
        self._refused(bytes_of(api, case), 404, "not-found")

    def test_a_mistake_stays_readable_and_is_marked(self, api: Api, case: str) -> None:
        filed(file(api, case, 1))
        annulled(api, case, 2, 2, "mistake")
        assert bytes_of(api, case).content == LETTER
        assert api.get(f"/cases/{case}/documents").json()["items"][0]["in_force"] is False

    def test_the_list_names_every_version(self, api: Api, case: str) -> None:
        filed(file(api, case, 1, subjects=["parent-A", "child-A"]))
        filed(file(api, case, 2, direction="in", received_or_sent_at="2026-03-01", for_entry=1))
        filed(file(api, case, 3, document="redacted", derived_from="letter-1", direction="internal"))
        api.commit(case, 4, correction(2, "theme", "decision", "hearing"))
        answer = api.get(f"/cases/{case}/documents").json()
        assert [(i["document"], i["version"], i["entry"]) for i in answer["items"]] == [
            ("letter-1", 1, 2), ("letter-1", 2, 3), ("redacted", 1, 4),
        ]  # fmt: skip
        first, second, third = answer["items"]
        assert first["subjects"] == ["parent-A", "child-A"]
        assert first["theme"] == "hearing"
        assert (second["received_or_sent_at"], second["for_entry"]) == ("2026-03-01", 1)
        assert third["derived_from"] == "letter-1"
        assert first["check"] == {"state": "not_checked", "checked_at": None, "entry": None}

    def test_the_list_can_be_asked_about_the_past(self, api: Api, case: str) -> None:
        before = entry(api, case, 1)["recorded_at"]
        filed(file(api, case, 1))
        assert api.get(f"/cases/{case}/documents", known_at=before).json()["items"] == []

    @pytest.mark.parametrize("name", ["commitment", "reference", "store", "size", "media_type", "subjects", "version"])
    def test_where_the_bytes_lie_is_not_corrected(self, api: Api, case: str, name: str) -> None:
        filed(file(api, case, 1, subjects=["parent-A"]))
        old = entry(api, case, 2)["data"][name]
        new = {"size": 7, "version": 7, "subjects": ["child-A"], "commitment": "ab" * 32}.get(name, "else")
        assert errors(api.commit(case, 2, correction(2, name, old, new)))[0][0] == "/commands/0/data/field"

    @pytest.mark.parametrize("kind", ["document-missing", "document-changed", "document-erased"])
    def test_the_problems_are_explained(self, kind: str) -> None:
        assert KINDS[kind].status in (410, 500)


class TestLinks:
    """Documents that stay in the municipality's document system."""

    @pytest.fixture(autouse=True)
    def _share(self, office: Office) -> None:
        folder = office.share / "2026"
        folder.mkdir(exist_ok=True)
        (folder / "Alma Eksempel.pdf").write_bytes(LETTER)

    def test_a_link_is_verified_and_its_name_sealed(self, api: Api, case: str) -> None:
        receipt = filed(link(api, case, 1, "2026/Alma Eksempel.pdf"))
        found = entry(api, case, 2)
        assert found["data"]["place"] == "2026/Alma Eksempel.pdf"
        assert "place" in found["sealed"]
        assert found["data"]["store"] == "folder"
        assert "Alma" not in found["data"]["reference"]
        assert receipt["filed"]["size"] == len(LETTER)
        assert bytes_of(api, case).content == LETTER

    @pytest.mark.parametrize(
        "reference",
        [
            "2026/missing.pdf", "2026", "../secret.pdf", "2026/../../secret.pdf", "/etc/passwd", "./2026/x", "a//b",
            "symbolic.pdf", "out/secret.pdf", "2026/Alma Eksempel.pdf/", "fifo", "empty.pdf",
        ],
    )  # fmt: skip
    def test_a_link_that_leads_nowhere_is_refused(self, office: Office, api: Api, case: str, reference: str) -> None:
        """No way out of the folder is followed: no step upwards, no absolute name, no symbolic link."""
        secret = office.share.parent / "secret.pdf"
        secret.write_bytes(b"outside")
        (office.share / "empty.pdf").touch()
        for name, target in (("symbolic.pdf", secret), ("out", office.share.parent)):
            if not (office.share / name).is_symlink():
                (office.share / name).symlink_to(target)
        if not (office.share / "fifo").exists():
            os.mkfifo(office.share / "fifo")
        response = link(api, case, 1, reference)
        assert [place for place, _ in errors(response)] == ["/reference"]
        assert reference not in response.text
        assert len(api.events(case)) == 1

    def test_a_link_to_too_many_bytes_is_refused(self, office: Office, api: Api, case: str) -> None:
        with (office.share / "large.bin").open("wb") as large:
            large.truncate(MAX_DOCUMENT_BYTES + 1)
        problem(link(api, case, 1, "large.bin"), 413, "body-too-large")

    def test_a_linked_document_that_changed_is_not_handed_out(self, office: Office, api: Api, case: str) -> None:
        path = office.share / "changing.pdf"
        path.write_bytes(LETTER)
        filed(link(api, case, 1, "changing.pdf"))
        path.write_bytes(LETTER + b".")
        problem(bytes_of(api, case), 500, "document-changed")
        path.unlink()
        problem(bytes_of(api, case), 500, "document-missing")
        path.write_bytes(LETTER)
        assert bytes_of(api, case).content == LETTER

    def test_a_share_that_is_away_is_told_apart(self, office: Office, api: Api, case: str) -> None:
        (office.share / "there.pdf").write_bytes(LETTER)
        filed(link(api, case, 1, "there.pdf"))
        away = office.share.rename(office.share.with_name("away"))
        try:
            problem(bytes_of(api, case), 503, "unavailable")
            assert [place for place, _ in errors(link(api, case, 2, "there.pdf"))] == ["/reference"]
        finally:
            away.rename(office.share)

    def test_the_example_of_the_description_is_accepted(self, office: Office, api: Api, case: str) -> None:
        """Whoever sends the example of a link has filed one, where the document is."""
        described = api.get("/openapi.json").json()["paths"]["/cases/{case_id}/documents/links"]["post"]
        example = described["requestBody"]["content"]["application/json"]["example"]
        (office.share / example["reference"]).write_bytes(LETTER)
        filed(api.post(f"/cases/{case}/documents/links", example, version=1))


def _everywhere(folder: Path) -> Generator[tuple[Path, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path, path.read_bytes()


def test_neither_bytes_nor_names_stand_in_clear(office: Office, api: Api, case: str) -> None:
    """In no file under the home, in no row of the database, and not in the log."""
    (office.share / "Canary-Navn-4711.pdf").write_bytes(LETTER)
    filed(file(api, case, 1, subjects=["parent-A"]))
    filed(link(api, case, 2, "Canary-Navn-4711.pdf", document="letter-2", subjects=["parent-A"]))
    assert bytes_of(api, case).content == bytes_of(api, case, "letter-2").content == LETTER
    marks = [b"Canary-Brev-4711", b"Canary-Navn-4711", b"PDF-1.7 The municipality", sha256(LETTER).hexdigest().encode()]
    found = [path for path, content in _everywhere(office.home) if any(mark in content for mark in marks)]
    assert found == []
    for table, column in (("ledger.event", "state"), ("view.remembered_v1", "value::text"), ("ledger.request", "key")):
        for (content,) in api.query(f"SELECT {column} FROM {table}"):
            stored = content.encode() if isinstance(content, str) else bytes(content)
            assert not any(mark in stored for mark in marks), table
    assert not any(mark in office.log.read_bytes() for mark in marks)
    assert {line["event"] for line in complaints(office.log)} <= {"request"}
    assert {path.stat().st_mode & 0o077 for path in office.files(case)} == {0}


def test_a_document_of_one_person_goes_with_their_key(office: Office, api: Api, case: str) -> None:
    """With the key of the person gone their document cannot be opened, and that of the case still can."""
    filed(file(api, case, 1, subjects=["parent-A"], document="hers"))
    filed(file(api, case, 2, subjects=["parent-A", "child-A"], document="theirs"))
    persons = entry(api, case, 1)["data"]["persons"]
    key = UUID(next(person["key"] for person in persons if person["ref"] == "parent-A"))
    with office.place.ledger() as ledger:
        ledger.keys.destroy(key, ledger.now())
    with office.serving() as fresh:
        problem(bytes_of(fresh, case, "hers"), 410, "document-erased")
        assert bytes_of(fresh, case, "theirs").content == LETTER
        assert "salt" in entry(fresh, case, 2)["erased"]


class TestMoving:
    """A letter filed on the wrong case moves with its bytes, sealed anew where it belongs."""

    def move(self, api: Api, here: str, there: str, at: int, to_version: int) -> Response:
        """Move the letter of version 2."""
        body = {"entries": [2], "to": there, "to_version": to_version, "kind": "wrong_case", "reason": "Not theirs."}
        return api.post(f"/cases/{here}/moves", body, version=at)

    def test_the_bytes_are_there_and_no_longer_here(self, office: Office, api: Api, case: str) -> None:
        filed(file(api, case, 1))
        there = api.open_case()
        assert self.move(api, case, there, 2, 1).status_code == 201
        assert bytes_of(api, there).content == LETTER
        problem(bytes_of(api, case), 404, "not-found")
        assert len(office.files(there)) == 1

    def test_a_move_that_is_refused_leaves_no_file(self, office: Office, api: Api, case: str) -> None:
        filed(file(api, case, 1))
        there = api.open_case()
        filed(file(api, there, 1))
        assert errors(self.move(api, case, there, 2, 2))[0][0] == "/entries/0/version"
        assert errors(self.move(api, case, there, 2, 1))[0][0] == "/to_version"
        assert len(office.files(there)) == 1
        assert bytes_of(api, case).content == LETTER


@pytest.mark.parametrize("event", ["DocumentFiled", "DocumentChecked"])
def test_nobody_says_so_of_a_document_by_hand(api: Api, case: str, event: str) -> None:
    """What was filed, and that it is there, is put on record by the act alone."""
    filed(file(api, case, 1))
    data = entry(api, case, 2)["data"] | {"version": 7}
    checked = {"document": "letter-1", "version": 1, "present": True, "matches": True}
    fact = command(event, data if event == "DocumentFiled" else checked)
    before = api.written()
    assert errors(api.commit(case, 2, fact))[0][0] == "/commands/0/event"
    assert api.written() == before
