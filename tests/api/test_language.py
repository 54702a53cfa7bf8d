"""The two languages of the pages: nothing untranslated, and the one chosen is kept."""

import re
from collections.abc import Generator, Sequence
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.pages.language import COOKIE
from api.sign_in.local import LocalSignIn
from ledger.store import Ledger
from tests.api import messages
from tests.api.messages import CODE, TEMPLATES, catalogue
from tests.api.service import ROOT
from tests.api.signing_in import OWN_PAGE, signed_in

PLACES = re.compile(r"%\((\w+)\)s")


@pytest.fixture
def client(simulated_ledger: Ledger) -> Generator[TestClient]:
    """A client inside this process, signed in."""
    with TestClient(create_app(simulated_ledger, LocalSignIn(simulated_ledger, "127.0.0.1"))) as client:
        signed_in(client)
        yield client


def known() -> set[str]:
    """Return the Danish texts of the catalogue."""
    return {text for one in catalogue() for text in forms(one.id) if text}


def test_every_text_has_an_english_one() -> None:
    """Of templates, of code, and of the tables of words."""
    shown = {text for path in (*TEMPLATES, *CODE) for text in messages.marked(path)} | set(messages.tabled())
    assert len(shown) > 900
    assert shown - known() == set()


def test_what_is_counted_is_counted_in_english() -> None:
    """Each pair of texts for one and for many is a pair in the catalogue: a single text is never found for it."""
    pairs = {tuple(forms(one.id)) for one in catalogue()}
    assert {pair for path in (*TEMPLATES, *CODE) for pair in messages.counted(path)} - pairs == set()


def test_every_english_text_is_whole() -> None:
    """None is empty or a guess, and each has the places of the Danish one."""
    for message in catalogue():
        if not message.id:
            continue
        danish, english = forms(message.id), forms(message.string)
        assert all(english), message.id
        assert not message.fuzzy, message.id
        for one, other in zip(danish, english, strict=True):
            assert set(PLACES.findall(one)) == set(PLACES.findall(other)), one


def forms(text: str | Sequence[str] | None) -> list[str]:
    """Return one text, or those for one and for many."""
    return [text] if isinstance(text, str) else [*(text or ())]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_says_anything_by_itself(path: Path) -> None:
    """Whatever a template says goes through the catalogue."""
    assert messages.unmarked_in_template(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.name)
def test_no_code_says_anything_by_itself(path: Path) -> None:
    """Nor a view; constants of a module are in the catalogue."""
    assert messages.unmarked_in_code(path.read_text("utf-8"), known() | messages.ASKED) == []


def test_an_untranslated_text_would_be_noticed() -> None:
    """In a template, in what is read out only, and in code."""
    template = '<p>{{ _("Sag") }}: åbn</p><a aria-label="Luk">{{ x }}</a>'
    assert messages.unmarked_in_template(template) == ["Luk", ": åbn"]
    source = 'def f(n):\n    """Sagen er lukket."""\n    return _("Sagen er åben") + f"Sagen er {n}" + "Intet ændret."'
    assert sorted(messages.unmarked_in_code(source, set())) == ["Intet ændret.", "Sagen er "]


def test_the_catalogue_is_plain_text() -> None:
    """Only the source of the catalogue is kept: it is compiled when first read."""
    assert not list((ROOT / "api" / "pages").rglob("*.mo"))


def test_a_language_is_kept_and_leads_back(client: TestClient) -> None:
    """Danish first; the switch sets a cookie that scripts do not see, and the page comes again in English."""
    danish = client.get("/sager?order=newest", headers=OWN_PAGE).text
    assert '<html lang="da">' in danish
    switch = unescape(re.findall(r'href="(/sprog/en[^"]*)"', danish)[0])
    answer = client.get(switch, headers=OWN_PAGE, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sager?order=newest")
    assert re.search(r"sprog=en; HttpOnly; Max-Age=\d+; Path=/; SameSite=lax", answer.headers["set-cookie"])
    english = client.get("/sager", headers=OWN_PAGE).text
    assert '<html lang="en">' in english
    assert "You are reading as u-90 (caseworker)" in english
    assert "There are no cases to show here." in english
    assert client.get("/log-ind/formaal", headers=OWN_PAGE).text.count("What is the purpose?") == 1
    client.cookies.delete(COOKIE)
    client.cookies[COOKIE] = "tlh"
    assert '<html lang="da">' in client.get("/sager", headers=OWN_PAGE).text


@pytest.mark.parametrize("onwards", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", ""])
def test_the_switch_leads_nowhere_else(client: TestClient, onwards: str) -> None:
    """It is no way to send somebody to another site."""
    answer = client.get("/sprog/en", params={"videre": onwards}, follow_redirects=False)
    assert answer.headers["location"] == "/"


def test_a_language_that_is_not_there_is_not_found(client: TestClient) -> None:
    """The cookie stays as it is."""
    answer = client.get("/sprog/xx", follow_redirects=False)
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers
