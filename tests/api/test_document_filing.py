"""Filing documents over HTTP: what goes on record, what is refused and named, and that a repeat is one document."""

import os
from collections.abc import Generator
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest

from ledger.content_store import PIECE_BYTES
from ledger.document_systems import MAX_DOCUMENT_BYTES
from tests.api.client import Api, errors, note, problem
from tests.api.filing import LETTER, Office, annulled, bytes_of, entry, file, filed, link, offices
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
