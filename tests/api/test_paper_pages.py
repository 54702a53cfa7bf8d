"""The pages on which papers are made: what they say, and what they let happen, over HTTP with real sessions."""

import re
from collections.abc import Generator
from contextlib import ExitStack
from html import unescape
from io import BytesIO

import pytest
from pypdf import PdfReader

from tests.api.client import Api, Response, note
from tests.api.signing_in import OWN_PAGE
from tests.api.test_access_pages import look_in, page, recorded

AUDITOR, OFFICER, ANALYST = "u-95", "u-81", "u-96"
COURT = "ny:court:court"
HIDDEN = "canary-7f3a"


@pytest.fixture(scope="module")
def staff(api: Api) -> Generator[dict[str, Api]]:
    """A client for each of them."""
    with ExitStack() as stack:
        yield {who: stack.enter_context(api.acting_as(who)) for who in (AUDITOR, OFFICER, ANALYST)}


def hidden(html: str) -> list[tuple[str, str]]:
    """Return what the form of a page that changes something hides, each as often as it is there."""
    form = html.split('method="post"')[1].split("</form>")[0]
    return re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)


def send(client: Api, html: str, path: str, status: int, *typed: tuple[str, str]) -> Response:
    """Send the form of a page with what was typed."""
    fields: dict[str, list[str]] = {}
    for name, value in (*hidden(html), *typed):
        fields.setdefault(name, []).append(value)
    answer = client.http.post(path, data=fields, headers=OWN_PAGE)
    assert answer.status_code == status, answer.text
    return answer


def words_of(content: bytes) -> str:
    """Return the words of a PDF without blanks."""
    text = " ".join(one.extract_text() for one in PdfReader(BytesIO(content)).pages)
    return "".join(text.replace("\u200b", "").split())


def test_from_choosing_to_the_paper(api: Api, staff: dict[str, Api]) -> None:
    """Choose the court, leave out a paragraph and an entry, take one back, decide: the paper says so."""
    case = api.open_case(note(f"Først.\n{HIDDEN} <b>{{{{7*7}}}}</b>"), note("Andet"), note("Tredje"))
    path = f"/sager/{case}/udlevering"
    html = page(staff[AUDITOR], path)
    assert ("Hvem skal have sagen?" in html, "Gennemse posterne" in html) == (True, False)
    html = page(staff[AUDITOR], f"{path}?anmodning={COURT}&poster=1-3")
    assert "Tredje" not in html.split("Tidligere udleveringer")[0].split("Gennemse posterne")[1]
    assert recorded(api, look_in(html))["what"] == "production"
    marks = [("undtag", "2.content.2"), ("undtag", "3")]
    reason = ("hvorfor", "Om en anden <script>.")
    html = unescape(send(staff[AUDITOR], html, path, 200, *marks, ("kode", "TREDJE"), reason).text)
    assert html.count("Undtaget: TREDJE") == 2
    assert HIDDEN not in html
    kept = next(value for name, value in hidden(html) if name == "skjult" and value.startswith("nr. 3:"))
    html = unescape(send(staff[AUDITOR], html, path, 200, ("fjern", kept)).text)
    assert html.count("Undtaget: TREDJE") == 1
    answer = send(staff[AUDITOR], html, path, 303, ("handling", "udlever"), ("begrundelse", "Klagesag."))
    made = page(staff[AUDITOR], answer.headers["location"])
    assert "Retten får 2 poster helt og 1 delvist; 0 er undtaget." in made
    paper = staff[AUDITOR].http.get(f"{answer.headers['location']}.pdf", headers=OWN_PAGE)
    assert paper.headers["content-type"] == "application/pdf"
    assert HIDDEN not in words_of(paper.content)
    assert "Omenanden<script>." in words_of(paper.content)
    assert paper.content == staff[AUDITOR].http.get(f"{answer.headers['location']}.pdf", headers=OWN_PAGE).content
    data = staff[AUDITOR].http.get(f"{answer.headers['location']}.json", headers=OWN_PAGE)
    assert HIDDEN not in data.text
    assert answer.headers["location"] in page(staff[AUDITOR], path)


def test_a_double_click_decides_once(api: Api, staff: dict[str, Api]) -> None:
    """The second one leads to the same decision."""
    case = api.open_case(note("x"))
    path = f"/sager/{case}/udlevering"
    html = page(staff[AUDITOR], f"{path}?anmodning={COURT}")
    first, second = (send(staff[AUDITOR], html, path, 303, ("handling", "udlever")) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("anmodning=ny:court:court&poster=x", "Skriv poster som 2-26, 30."),
        ("anmodning=ny:court:court&poster=2-99", "Sagen har ikke alle de poster på det tidspunkt."),
        ("anmodning=<script>", "Vælg på listen."),
        ("anmodning=99", "Vælg på listen."),
        ("anmodning=ny:party_access:parent-Z", "Vælg på listen."),
        ("poster=" + "9" * 5_000, "Skriv poster som 2-26, 30."),
    ],
)
def test_what_cannot_be_read_is_said_beside_it(api: Api, staff: dict[str, Api], query: str, said: str) -> None:
    """The page comes again with what is wrong, and nothing is written."""
    case = api.open_case(note("x"))
    written = api.written()
    html = page(staff[AUDITOR], f"/sager/{case}/udlevering?{query}", 422)
    assert (said in html, "<script>" in html) == (True, "<script>" in query and False)
    assert api.written() == written


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ([("undtag", "2")], "Vælg, efter hvilken kode det undtages."),
        ([("undtag", "2"), ("kode", "TREDJE")], "Skriv, hvorfor det undtages"),
        ([("undtag", "2"), ("kode", "TREDJE"), ("hvorfor", "x" * 100_000)], "Skriv, hvorfor det undtages"),
        ([("hvorfor", "\u202eomvendt")], "Markér det, der skal undtages."),
        ([("undtag", "2"), ("handling", "udlever")], "Noget er markeret: undtag det først"),
    ],
)
def test_half_a_form_decides_nothing(api: Api, staff: dict[str, Api], typed: list[tuple[str, str]], said: str) -> None:
    """What is missing is said, and what was typed is still there."""
    case = api.open_case(note("x"))
    path = f"/sager/{case}/udlevering"
    html = page(staff[AUDITOR], f"{path}?anmodning={COURT}")
    written = api.written()
    assert said in unescape(send(staff[AUDITOR], html, path, 422, *typed).text)
    assert api.written() == written


def test_a_person_sees_what_the_record_lets_them(api: Api, staff: dict[str, Api]) -> None:
    """Choosing a person shows at once what the case closes to them."""
    case = api.open_case(note("Alma fortalte det."))
    html = page(staff[AUDITOR], f"/sager/{case}/udlevering?anmodning=ny:gdpr_art15:parent-A")
    assert "Alma fortalte det." in html
    assert "poster er undtaget uden omtale" in html or "Undtaget:" in html or 'class="card-line"' in html


def test_who_may(api: Api, staff: dict[str, Api]) -> None:
    """Others are kept out of both, and find no link; what is not there is not found; the future is refused."""
    case = api.open_case(note("x"))
    for client in (api, staff[ANALYST]):
        page(client, f"/sager/{case}/udlevering", 403)
        page(client, f"/sager/{case}/udlevering/3", 403)
        page(client, f"/sager/{case}/opslag/udtraek", 403)
    assert "/udlevering" not in page(api, f"/sager/{case}")
    assert "/udlevering" in page(staff[AUDITOR], f"/sager/{case}")
    for place in ("2", "x", "99.pdf", "0"):
        page(staff[AUDITOR], f"/sager/{case}/udlevering/{place}", 404)
        page(staff[OFFICER], f"/sager/{case}/opslag/udtraek/{place}", 404)
    page(staff[AUDITOR], f"/sager/{case}/udlevering?known_at=2100-01-01T00:00:00Z", 400)
    page(staff[AUDITOR], f"/sager/{case}/udlevering?known_at=1980-01-01T00:00:00Z", 404)


def test_a_letter_to_the_citizen(api: Api, staff: dict[str, Api]) -> None:
    """Choose the person, make it, get the letter: it names no staff."""
    case = api.open_case(note("x"))
    api.get(f"/cases/{case}/events")
    path = f"/sager/{case}/opslag/udtraek"
    html = page(staff[OFFICER], path)
    assert "Vælg, hvem udskriften er til." in unescape(send(staff[OFFICER], html, path, 422).text)
    wrong = [("person", "parent-A"), ("fra_day", "31"), ("fra_month", "2"), ("fra_year", "2026")]
    assert "findes ikke i kalenderen" in unescape(send(staff[OFFICER], html, path, 422, *wrong).text)
    answer = send(staff[OFFICER], html, path, 303, ("person", "parent-A"))
    made = page(staff[OFFICER], answer.headers["location"])
    assert "Udskriften til mor (parent-A) viser" in made
    assert "u-90" not in made
    assert recorded(api, look_in(made))["what"] == "look_extract"
    letter = staff[OFFICER].http.get(f"{answer.headers['location']}.pdf", headers=OWN_PAGE)
    assert letter.headers["content-type"] == "application/pdf"
    assert "Hvemharsetoplysningeromdig" in words_of(letter.content)
    stranger = send(staff[OFFICER], page(staff[OFFICER], path), path, 422, ("person", "parent-Z"))
    assert "Vælg på listen." in unescape(stranger.text)
