"""The signed paper that comes with a consent: filed in the same commit, opened again proven, and what is refused."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest

from api.sign_in.forms import FORM_LIMIT
from api.uploads import PIECE_BYTES, Upload
from ledger.document_systems import MAX_DOCUMENT_BYTES
from tests.api.client import Api, Response, note
from tests.api.filing import Office, bytes_of, offices
from tests.api.signing_in import OWN_PAGE
from tests.api.writing import errors, hidden, page, parts, receipt, words, written
from tests.conftest import Server, Template

pytestmark = pytest.mark.slow

CASEWORKER, LEADER, STRANGER = "u-90", "u-12", "u-25"
CONSENT: dict[str, Any] = {
    "kind": "disclosure", "given_by": "parent-A", "capacity": "self", "scope": ["daycare", "gp"],
    "data_categories": ["social"], "purpose": "Overgang til dagtilbud", "form": "written",
}  # fmt: skip
PDF = b"%PDF-1.7\nUnderskrevet af Alma Eksempel. Canary-Papir-4711\n" * 40
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8
File = tuple[str, bytes]


@pytest.fixture(scope="module")
def office(server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Office]:
    """A ledger with documents."""
    yield from offices(server, simulated_template, tmp_path_factory.mktemp("papers"))


@pytest.fixture(scope="module")
def api(office: Office) -> Generator[Api]:
    """A client of the service over it."""
    with office.serving() as client:
        yield client


def form(case: str, act: str = "samtykke") -> str:
    """Return the address of a form."""
    return f"/sager/{case}/registrer/{act}"


def send(client: Api, path: str, given_out: Mapping[str, str], file: File | None, **typed: Any) -> Response:
    """Send the form of a consent with a file, None for one where none was chosen."""
    name, content = file or ("", b"")
    fields: dict[str, Any] = {**given_out, **CONSENT, **typed}
    files = {"papir": (name, content, "application/octet-stream")}
    return client.http.post(path, data=fields, files=files, headers=OWN_PAGE, follow_redirects=False)


def fill(client: Api, case: str, file: File | None, **typed: Any) -> Response:
    """Open the form of a consent and send it with a file."""
    return send(client, form(case), hidden(page(client, form(case))), file, **typed)


class TestFiling:
    """What goes on record."""

    @pytest.mark.parametrize(
        ("name", "content", "kind"),
        [
            ("samtykke.pdf", PDF, "application/pdf"),
            ("SCAN 1.PNG", PNG, "image/png"),
            ("נייר.jpg", JPEG, "image/jpeg"),
            ("stor.pdf", b"%PDF-" + os.urandom(2 * PIECE_BYTES + 17), "application/pdf"),
        ],
    )
    def test_the_paper_and_the_consent_are_one_commit(
        self, api: Api, office: Office, case: str, name: str, content: bytes, kind: str
    ) -> None:
        """The consent states the commitment as its evidence; the type is told by the bytes, the name is not kept."""
        text = words(receipt(api, fill(api, case, (name, content), refused_scope="midwife")))
        assert "3 hændelser er registreret" in text
        given, refused, filed = api.events(case)[1:]
        assert [one["event"] for one in (given, refused, filed)] == ["ConsentGiven", "ConsentRefused", "DocumentFiled"]
        assert len({one["commit"] for one in (given, refused, filed)}) == 1
        data = filed["data"]
        assert (data["media_type"], data["size"], data["direction"]) == (kind, len(content), "in")
        assert (data["for_entry"], data["subjects"], data["document"]) == (2, ["parent-A"], "samtykke-1-papir")
        assert given["data"]["evidence"] == data["commitment"]
        assert name not in str(filed)
        assert len(office.files(case)) == 1
        assert bytes_of(api, case, "samtykke-1-papir").content == content

    def test_the_page_of_consents_opens_it(self, api: Api, case: str) -> None:
        """What is opened is the file that was filed, for no browser to run, and the look is on record."""
        receipt(api, fill(api, case, ("papir.pdf", PDF)))
        html = page(api, f"/sager/{case}/samtykker")
        assert "Uændret siden journaliseringen, kontrolleret nu" in html
        assert "(PDF, 2 kB), journaliseret" in words(html)
        assert "HASH_WITHOUT_DOCUMENT" not in api.http.get(f"/cases/{case}/findings").text
        opened = api.http.get(f"/sager/{case}/dokumenter/samtykke-1-papir/1", headers=OWN_PAGE)
        assert (opened.status_code, opened.content) == (200, PDF)
        assert opened.headers["content-disposition"] == 'attachment; filename="samtykke-1-papir.v1.pdf"'
        assert opened.headers["access-event"].isdecimal()
        unknown = api.http.get(f"/sager/{case}/dokumenter/samtykke-1-papir/2", headers=OWN_PAGE)
        assert unknown.status_code == 404

    def test_without_a_paper_nothing_is_filed(self, api: Api, case: str) -> None:
        """A browser sends a part without a name where no file was chosen."""
        receipt(api, fill(api, case, None))
        assert written(api, case, "DocumentFiled") == []

    def test_sent_twice_it_is_one(self, api: Api, office: Office, case: str) -> None:
        """At the same time or later; another file under the same form is told apart, and leaves nothing behind."""
        given_out = hidden(page(api, form(case)))
        with ThreadPoolExecutor(4) as hands:
            sent = [hands.submit(send, api, form(case), given_out, ("papir.pdf", PDF)) for _ in range(4)]
            answers = [one.result() for one in sent]
        answers.append(send(api, form(case), given_out, ("papir.pdf", PDF)))
        assert len({answer.headers["location"] for answer in answers}) == 1
        other = send(api, form(case), given_out, ("papir.pdf", PDF + b"x"))
        assert other.status_code == 409
        assert "sendt før med et andet indhold" in unescape(other.text)
        assert send(api, form(case), given_out, None).status_code == 409
        assert len(written(api, case, "DocumentFiled")) == len(office.files(case)) == 1


class TestRefused:
    """What cannot be filed: nothing goes on record, nothing stays behind."""

    @pytest.mark.parametrize(
        ("name", "content", "said"),
        [
            ("papir.pdf", b"", "Filen er tom"),
            ("papir.pdf", b"PK\x03\x04 ordinary archive", "ikke PDF, PNG eller JPEG"),
            ("papir.pdf", b"<script>alert(1)</script>", "ikke PDF, PNG eller JPEG"),
            ("../../etc/papir.pdf", PDF, "Filens navn"),
            ("papir\u202efdp.exe", PDF, "Filens navn"),
            ("p" * 300 + ".pdf", PDF, "Filens navn"),
        ],
    )
    def test_a_bad_file_is_told_beside_its_field(
        self, api: Api, office: Office, case: str, name: str, content: bytes, said: str
    ) -> None:
        """In one message; what was typed stays."""
        answer = fill(api, case, (name, content))
        found = errors(answer)
        assert list(found) == ["papir"]
        assert said in found["papir"]
        assert "Overgang til dagtilbud" in unescape(answer.text)
        assert len(api.events(case)) == 1
        assert office.files(case) == []

    def test_what_else_is_missing_asks_for_the_file_again(self, api: Api, office: Office, case: str) -> None:
        """No page can keep a file that was chosen."""
        found = errors(fill(api, case, ("papir.pdf", PDF), purpose=""))
        assert set(found) == {"purpose", "papir"}
        assert found["papir"].startswith("Vælg filen igen")
        assert len(api.events(case)) == 1
        assert office.files(case) == []

    def test_a_file_too_large_is_refused_before_it_has_come(self, api: Api, office: Office, case: str) -> None:
        """The answer comes when the file begins: the bytes announced are never sent."""
        sent = in_parts({**hidden(page(api, form(case))), **CONSENT})
        head, text = halted(api, form(case), sent, MAX_DOCUMENT_BYTES + FORM_LIMIT + 1)
        assert head.startswith("HTTP/1.1 413 ")
        assert "Filen er større end 50 MB" in text
        assert "Overgang til dagtilbud" in text
        assert len(api.events(case)) == 1
        assert office.files(case) == []

    def test_a_file_that_grows_too_large(self, api: Api, office: Office, case: str) -> None:
        """Its length was not announced, and no more is read than may be filed."""
        body = in_parts({**hidden(page(api, form(case))), **CONSENT})

        def content() -> Iterator[bytes]:
            yield body
            for _ in range(51):
                yield bytes(10**6)

        headers = OWN_PAGE | {"Content-Type": "multipart/form-data; boundary=skel"}
        answer = api.http.post(form(case), content=content(), headers=headers)
        assert answer.status_code == 413
        assert "Filen er større end 50 MB" in unescape(answer.text)
        assert len(api.events(case)) == 1
        assert office.files(case) == []

    @pytest.mark.parametrize("what", ["token", "another site", "another form", "two files", "cut short", "no boundary"])
    def test_what_no_form_of_ours_sends(self, api: Api, office: Office, case: str, what: str) -> None:
        """A form in parts is held to the same as any other."""
        path = form(case, "besoeg" if what == "another form" else "samtykke")
        fields = {**hidden(page(api, path)), **CONSENT} | ({"csrf": "x"} if what == "token" else {})
        body = in_parts(fields) + PDF + b"\r\n--skel--\r\n"
        if what == "two files":
            body = in_parts(fields) + PDF + b"\r\n" + in_parts({}) + PDF + b"\r\n--skel--\r\n"
        boundary = "" if what == "no boundary" else "; boundary=skel"
        site = {"Sec-Fetch-Site": "cross-site"} if what == "another site" else {}
        headers = OWN_PAGE | site | {"Content-Type": f"multipart/form-data{boundary}"}
        cut = body[:-20] if what == "cut short" else body
        assert api.http.post(path, content=cut, headers=headers).status_code == 403
        assert len(api.events(case)) == 1
        assert office.files(case) == []

    def test_it_is_open_to_nobody_else(self, api: Api, case: str) -> None:
        """Whoever may not see the case opens none of its papers."""
        receipt(api, fill(api, case, ("papir.pdf", PDF)))
        with api.acting_as(STRANGER) as stranger:
            closed = stranger.http.get(f"/sager/{case}/dokumenter/samtykke-1-papir/1", headers=OWN_PAGE)
        assert closed.status_code == 403
        assert b"Canary-Papir" not in closed.content


def test_changed_bytes_are_never_handed_out(api: Api, office: Office, case: str) -> None:
    """The page of consents says so, and there is nothing to open."""
    receipt(api, fill(api, case, ("papir.pdf", PDF)))
    (path,) = office.files(case)
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    html = page(api, f"/sager/{case}/samtykker")
    assert "Ændret siden journaliseringen" in html
    assert "/dokumenter/" not in html
    opened = api.http.get(f"/sager/{case}/dokumenter/samtykke-1-papir/1", headers=OWN_PAGE)
    assert opened.status_code >= 400
    assert "Dokumentet er ændret" in unescape(opened.text)


@pytest.mark.parametrize(("choice", "entry"), [("begge", 3), ("behold", 3)])
def test_the_file_is_asked_for_again_beside_another_record(api: Api, case: str, choice: str, entry: int) -> None:
    """Recorded meanwhile by somebody else: the paper belongs to what is recorded by choice."""
    given_out = hidden(page(api, form(case)))
    assert api.commit(case, 1, note("Imens")).status_code == 201
    conflict = send(api, form(case), given_out, ("papir.pdf", PDF))
    html = unescape(conflict.text)
    assert conflict.status_code == 409
    assert "Vælg filen igen" in html
    assert written(api, case, "DocumentFiled") == []
    receipt(api, send(api, form(case), hidden(html), ("papir.pdf", PDF), valg=choice))
    assert [one["for_entry"] for one in written(api, case, "DocumentFiled")] == [entry]


def test_a_session_that_ended_keeps_the_words_and_not_the_file(api: Api, office: Office, case: str) -> None:
    """The form that waits says that the file must be chosen again."""
    with api.acting_as(CASEWORKER) as client:
        given_out, mine = hidden(page(client, form(case))), client.http.cookies["caseledger"]
        client.http.cookies.clear()
        answer = send(client, form(case), given_out, ("papir.pdf", PDF))
        assert answer.headers["location"].startswith("/log-ind")
        client.http.cookies.set("caseledger", mine)
        html = page(client, form(case))
        assert "Overgang til dagtilbud" in html
        assert "Du var logget ud" in html
        assert "Vælg filen igen" in html
        assert len(api.events(case)) == 1
        assert office.files(case) == []
        receipt(client, send(client, form(case), hidden(html), ("papir.pdf", PDF)))
        assert "Vælg filen igen" not in page(client, form(case))


def test_what_waits_comes_back_as_it_came() -> None:
    """Whatever the pieces it came in, and as often as it is asked for."""
    content = os.urandom(2 * PIECE_BYTES + 5)

    async def whole(pieces: AsyncIterator[bytes]) -> bytes:
        return b"".join([piece async for piece in pieces])

    with Upload() as upload:
        for start in range(0, len(content), 70_001):
            upload.add(content[start : start + 70_001])
        assert upload.size == len(content)
        for _ in range(2):
            assert asyncio.run(whole(upload.pieces())) == content


def test_the_time_of_the_paper_is_that_of_the_consent(api: Api, case: str) -> None:
    """Signed on a day, handed in later: the paper was received when the municipality came to know."""
    times = parts("happened", "04", "03", "2026") | parts("reached", "06", "03", "2026")
    receipt(api, fill(api, case, ("papir.pdf", PDF), **times))
    (filed,) = written(api, case, "DocumentFiled")
    assert filed["received_or_sent_at"] == "2026-03-06"


def in_parts(fields: Mapping[str, str | Sequence[str]]) -> bytes:
    """Return the beginning of a form in parts, up to where the bytes of its file begin."""
    told = ((name, one) for name, value in fields.items() for one in ([value] if isinstance(value, str) else value))
    said = "".join(
        f'--skel\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in told
    )
    file = 'Content-Disposition: form-data; name="papir"; filename="papir.pdf"\r\nContent-Type: application/pdf'
    return f"{said}--skel\r\n{file}\r\n\r\n".encode()


def halted(api: Api, path: str, begun: bytes, length: int) -> tuple[str, str]:
    """Announce a body, send only its beginning, and return the head and text of the answer."""
    place = urlsplit(str(api.http.base_url))
    cookies = "; ".join(f"{name}={value}" for name, value in api.http.cookies.items())
    told = {**OWN_PAGE, "Host": place.netloc, "Cookie": cookies, "Content-Length": str(length)}
    told["Content-Type"] = "multipart/form-data; boundary=skel"
    head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told.items()) + "\r\n"
    assert place.hostname is not None
    with socket.create_connection((place.hostname, place.port or 80), 10) as line:
        line.sendall(head.encode() + begun + PDF)
        answer = line.makefile("rb")
        found = b"".join(iter(answer.readline, b"\r\n")).decode()
        size = int(found.lower().split("content-length: ")[1].split("\r\n")[0])
        return found, unescape(answer.read(size).decode())
