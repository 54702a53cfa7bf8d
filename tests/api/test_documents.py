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
from tests.api.filing import LETTER, Office, bytes_of, file, filed, link, offices
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


def entry(api: Api, case: str, version: int) -> dict[str, Any]:
    """Return one entry of a case."""
    return api.events(case)[version - 1]


def annulled(api: Api, case: str, version: int, annuls: int, kind: str) -> None:
    """Annul an entry."""
    fact = command("EntryAnnulled", {"annuls": annuls, "kind": kind, "reason": "Another family's."})
    response = api.commit(case, version, fact)
    assert response.status_code == 201, response.text


class TestFiling:
    """What filing puts on record, and what it refuses."""

    @pytest.mark.parametrize("size", [1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 17])
    def test_the_bytes_come_back_as_they_were_filed(self, api: Api, case: str, size: int) -> None:
        content = os.urandom(size)
        receipt = filed(file(api, case, 1, content))
        assert receipt["filed"]["size"] == size
        response = bytes_of(api, case)
        assert response.status_code == 200
        assert response.content == content

    def test_the_entry_commits_to_the_bytes_with_a_sealed_salt(self, api: Api, case: str) -> None:
        receipt = filed(file(api, case, 1, subjects=["parent-A"], received_or_sent_at="2026-03-03"))
        data = entry(api, case, 2)["data"]
        assert entry(api, case, 2)["sealed"] == ["salt"]
        commitment = sha256(bytes.fromhex(data["salt"]) + LETTER).hexdigest()
        assert data["commitment"] == receipt["filed"]["commitment"] == commitment
        assert (data["version"], data["size"], data["store"]) == (1, len(LETTER), "content")
        assert (data["media_type"], data["direction"], data["theme"]) == ("application/pdf", "out", "decision")
        assert (data["subjects"], data["received_or_sent_at"]) == (["parent-A"], "2026-03-03")
        (row,) = api.query("SELECT state FROM ledger.event WHERE position = %s", receipt["first_position"])
        assert data["salt"].encode() not in row[0]

    def test_the_receipt_says_where_the_document_is(self, api: Api, case: str) -> None:
        response = file(api, case, 1, document="report.v3_b")
        assert response.headers["location"] == f"/cases/{case}/documents/report.v3_b/1"
        assert response.headers["etag"] == '"2"'
        assert api.get(response.headers["location"]).content == LETTER

    def test_versions_count_by_themselves(self, api: Api, case: str) -> None:
        found = [filed(file(api, case, 1 + n, LETTER + bytes([n])))["filed"]["version"] for n in range(3)]
        assert found == [1, 2, 3]
        assert filed(file(api, case, 4, version=9))["filed"]["version"] == 9
        assert filed(file(api, case, 5))["filed"]["version"] == 10
        assert filed(file(api, case, 6, document="other"))["filed"]["version"] == 1
        assert [bytes_of(api, case, version=n + 1).content[-1] for n in range(3)] == [0, 1, 2]

    def test_a_number_is_used_once(self, office: Office, api: Api, case: str) -> None:
        filed(file(api, case, 1, version=1))
        assert errors(file(api, case, 2, version=1))[0][0] == "/version"
        annulled(api, case, 2, 2, "mistake")
        assert errors(file(api, case, 3, version=1))[0][0] == "/version"
        assert len(office.files(case)) == 1, "refused bytes are not left behind"
        data = entry(api, case, 2)["data"]
        again = api.commit(case, 3, command("DocumentFiled", data))
        assert errors(again)[0][0] == "/commands/0/data/version"

    @pytest.mark.parametrize(
        ("said", "field"),
        [
            ({"direction": "sideways"}, "/direction"),
            ({"direction": None}, "/direction"),
            ({"document": "../../etc/passwd"}, "/document"),
            ({"document": "010190-1234"}, "/document"),
            ({"version": "first"}, "/version"),
            ({"version": 0}, "/version"),
            ({"theme": " "}, "/theme"),
            ({"subjects": ["parent-A", "parent-Q"]}, "/subjects"),
            ({"received_or_sent_at": "yesterday"}, "/received_or_sent_at"),
            ({"received_or_sent_at": "2999-01-01"}, "/received_or_sent_at"),
            ({"direction": "internal", "received_or_sent_at": "2026-03-03"}, "/received_or_sent_at"),
            ({"for_entry": 17}, "/for_entry"),
            ({"derived_from": "letter-2"}, "/derived_from"),
            ({"name": "Alma Eksempel"}, "/name"),
            ({"theme": ["a", "b"]}, "/query"),
        ],
    )
    def test_what_is_wrong_is_named(
        self, office: Office, api: Api, case: str, said: dict[str, Any], field: str
    ) -> None:
        response = file(api, case, 1, **said)
        assert field in [place for place, _ in errors(response)]
        assert "Alma" not in response.text
        assert len(api.events(case)) == 1
        assert office.files(case) == []

    def test_an_empty_document_is_none(self, api: Api, case: str) -> None:
        assert errors(file(api, case, 1, b"")) == [("/body", "is empty: send the bytes of the document")]

    @pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "multipart/form-data", "nonsense", ""])
    def test_a_form_is_no_document(self, api: Api, case: str, media_type: str) -> None:
        problem(file(api, case, 1, media_type=media_type), 415, "wrong-media-type")

    def test_parameters_of_the_media_type_are_not_kept(self, api: Api, case: str) -> None:
        filed(file(api, case, 1, media_type="Text/Plain; name=alma-eksempel.txt"))
        assert entry(api, case, 2)["data"]["media_type"] == "text/plain"

    def test_too_many_bytes_are_refused(self, office: Office, api: Api, case: str) -> None:
        """With their length said before, and without: the body is not read to its end."""
        too_many = bytes(MAX_DOCUMENT_BYTES + 1)
        problem(file(api, case, 1, too_many), 413, "body-too-large")

        def unannounced() -> Generator[bytes]:
            yield from (too_many[at : at + 2**20] for at in range(0, len(too_many), 2**20))

        headers = {"Idempotency-Key": "k", "If-Match": '"1"', "Content-Type": "application/pdf"}
        place = f"/cases/{case}/documents?document=d&direction=in&theme=t"
        problem(api.http.post(place, content=unannounced(), headers=headers), 413, "body-too-large")
        assert office.files(case) == []
        assert len(api.events(case)) == 1

    def test_a_case_that_is_not_there_has_no_documents(self, office: Office, api: Api) -> None:
        unknown = str(UUID(int=4711))
        problem(file(api, unknown, 1), 404, "not-found")
        problem(link(api, unknown, 1, "letter.pdf"), 404, "not-found")
        problem(bytes_of(api, unknown), 404, "not-found")
        assert office.files(unknown) == []

    def test_keys_and_versions_are_required(self, api: Api, case: str) -> None:
        place = f"/cases/{case}/documents?document=d&direction=in&theme=t"
        problem(api.http.post(place, content=b"x", headers={"If-Match": '"1"'}), 400, "bad-request")
        problem(api.http.post(place, content=b"x", headers={"Idempotency-Key": "k"}), 428, "version-required")


class TestRepeats:
    """A repeat gets the first answer; a refused request leaves no file."""

    def test_a_repeat_gets_the_first_answer_and_no_second_file(self, office: Office, api: Api, case: str) -> None:
        first = file(api, case, 1, key=f"repeat {case}".replace(" ", "-"))
        api.commit(case, 2, note())
        again = file(api, case, 1, key=f"repeat-{case}")
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["location"] == first.headers["location"]
        assert len(office.files(case)) == 1
        assert bytes_of(api, case).content == LETTER

    @pytest.mark.parametrize("change", [{"content": b"other"}, {"theme": "other"}, {"media_type": "image/png"}])
    def test_a_key_belongs_to_one_request(self, office: Office, api: Api, case: str, change: dict[str, Any]) -> None:
        filed(file(api, case, 1, key=f"once-{case}"))
        problem(file(api, case, 1, key=f"once-{case}", **change), 422, "key-reused")
        assert len(office.files(case)) == 1

    def test_a_stale_version_leaves_no_file(self, office: Office, api: Api, case: str) -> None:
        """The bytes were sealed before the append was refused; they are gone again, and the case is as it was."""
        api.commit(case, 1, note())
        assert problem(file(api, case, 1), 412, "stale-version")["current_version"] == 2
        assert office.files(case) == []
        assert len(api.events(case)) == 2

    def test_a_repeated_link_gets_the_first_answer_though_its_file_is_gone(
        self, office: Office, api: Api, case: str
    ) -> None:
        (office.share / "gone.pdf").write_bytes(LETTER)
        body = {"document": "d", "direction": "in", "theme": "t", "reference": "gone.pdf", "media_type": "a/b"}
        place = f"/cases/{case}/documents/links"
        first = api.post(place, body, version=1, Idempotency_Key=f"link-{case}")
        (office.share / "gone.pdf").unlink()
        again = api.post(place, body, version=1, Idempotency_Key=f"link-{case}")
        assert (again.status_code, again.json()) == (201, first.json())


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
        problem(api.get(f"/cases/{case}/documents/letter-1/1", known_at="2026-01-01T00:00:00Z"), 400, "bad-request")

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

    def test_a_filing_that_names_anothers_file_gets_nothing(self, office: Office, api: Api, case: str) -> None:
        """A fact recorded by hand may name any file, salt and commitment: the place in the seal is another."""
        filed(file(api, case, 1))
        data = entry(api, case, 2)["data"]
        other = api.open_case(command("DocumentFiled", data))
        self._refused(bytes_of(api, other), 500, "document-missing")
        (path,) = office.files(case)
        (path.parents[1] / other).mkdir(parents=True, exist_ok=True)
        (path.parents[1] / other / path.name).write_bytes(path.read_bytes())
        self._refused(bytes_of(api, other), 500, "document-changed")

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
    assert office.log.read_bytes() == b""
    assert {path.stat().st_mode & 0o077 for path in office.files(case)} == {0}


def test_a_document_of_one_person_goes_with_their_key(office: Office, api: Api, case: str) -> None:
    """With the key of the person gone their document cannot be opened, and that of the case still can."""
    filed(file(api, case, 1, subjects=["parent-A"], document="hers"))
    filed(file(api, case, 2, subjects=["parent-A", "child-A"], document="theirs"))
    persons = entry(api, case, 1)["data"]["persons"]
    key = UUID(next(person["key"] for person in persons if person["ref"] == "parent-A"))
    with office.place.ledger() as ledger:
        ledger.keys.destroy(key)
    with office.serving() as fresh:
        problem(bytes_of(fresh, case, "hers"), 500, "document-missing")
        assert bytes_of(fresh, case, "theirs").content == LETTER
        assert "salt" in entry(fresh, case, 2)["erased"]
