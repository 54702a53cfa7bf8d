"""Keeping searches of the log under names: on the pages, by a form that may be sent twice, and by one person alone."""

import re
from collections.abc import Generator
from html import unescape
from uuid import uuid4

import pytest

from domain.kept_searches import MOST_KEPT
from tests.api.client import Api, Response, talking_to
from tests.api.service import environment, serving
from tests.api.signing_in import OWN_PAGE
from tests.api.writing import hidden, page, words
from tests.conftest import Server, Template, clone

pytestmark = pytest.mark.slow

AUDITOR, LEADER, ADMINISTRATOR = "u-95", "u-12", "u-97"
KEPT = "/protokol/gemte"


@pytest.fixture(scope="module")
def service(server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Api]:
    """A client for the auditor, of a service over an empty ledger."""
    folder = tmp_path_factory.mktemp("kept")
    for place in clone(server, simulated_template, folder / "home"):
        with (
            serving(environment(place.conninfo, folder / "home"), folder / "errors.log") as running,
            talking_to(running.url, place.conninfo, AUDITOR) as api,
        ):
            yield api


@pytest.fixture
def auditor(service: Api) -> Api:
    """The client, once the auditor keeps nothing."""
    for name in map(unescape, kept(service)):
        drop(service, name)
    return service


@pytest.fixture
def before(auditor: Api) -> int:
    """How many events of kept searches there were before the test."""
    return len(events(auditor))


def keep(api: Api, name: str, query: str = "sen:ja", key: str | None = None) -> Response:
    """Send the form that keeps a search."""
    given_out = hidden(page(api, "/protokol?q=sen:ja")) | {"q": query, "navn": name}
    fields = given_out | ({"noegle": key} if key else {})
    return api.http.post(KEPT, data=fields, headers=OWN_PAGE, follow_redirects=False)


def drop(api: Api, name: str) -> None:
    """Send the form that lets a search go."""
    form = hidden(page(api, "/protokol")) | {"navn": name, "q": ""}
    answer = api.http.post(f"{KEPT}/fjern", data=form, headers=OWN_PAGE, follow_redirects=False)
    assert answer.status_code == 303


def kept(api: Api) -> dict[str, str]:
    """Return the searches that the page of the log names as one's own, with where they lead."""
    own = page(api, "/protokol").partition('id="gemte"')[2].partition("<h2")[0]
    return {name: link for link, name in re.findall(r'<a href="([^"]+)"[^>]*><bdi>(.*?)</bdi>', own)}


def events(api: Api) -> list[str]:
    """Return what is on record of kept searches."""
    rows = api.query("SELECT topic FROM ledger.event WHERE topic LIKE 'search_%%' ORDER BY position")
    return [topic for (topic,) in rows]


def test_a_search_is_kept_found_replaced_and_let_go(auditor: Api, before: int) -> None:
    """It is a chosen search next time, here and on the first page; one name stands for one search."""
    assert keep(auditor, " Sene \t poster ").status_code == 303
    assert kept(auditor) == {"Sene poster": "/protokol?q=sen%3Aja"}
    assert "Sene poster" in words(page(auditor, "/sager"))
    assert keep(auditor, "sene POSTER", "sen:nej").headers["location"] == "/protokol?q=sen%3Anej"
    assert kept(auditor) == {"sene POSTER": "/protokol?q=sen%3Anej"}
    drop(auditor, "sene poster")
    assert kept(auditor) == {}
    assert events(auditor)[before:] == ["search_kept", "search_kept", "search_dropped"]


def test_nothing_that_was_typed_is_in_clear(auditor: Api) -> None:
    """Name and search are sealed, and only who keeps them sees them."""
    keep(auditor, "canary-4711", "sag:canary-0815")
    rows = auditor.query("SELECT state FROM ledger.event WHERE topic = 'search_kept'")
    assert rows
    assert not any(b"canary" in bytes(state) for (state,) in rows)
    with auditor.acting_as(LEADER) as leader:
        assert "canary" not in page(leader, "/protokol") + page(leader, "/sager")


def test_a_form_sent_twice_keeps_it_once(auditor: Api, before: int) -> None:
    """A double click is one event; the same key for something else is refused."""
    key = str(uuid4())
    assert [keep(auditor, "Sene", key=key).status_code for _ in range(2)] == [303, 303]
    assert events(auditor)[before:] == ["search_kept"]
    assert keep(auditor, "Andet", key=key).status_code == 422
    assert events(auditor)[before:] == ["search_kept"]


@pytest.mark.parametrize(
    ("name", "query", "status", "said"),
    [
        ("", "sen:ja", 422, "Skriv et navn."),
        ("n" * 100_000, "sen:ja", 422, "højst have 80 tegn"),
        ("a\u202eb", "sen:ja", 422, "synlige tegn"),
        ("a\x00b", "sen:ja", 422, "synlige tegn"),
        ("Navn", "findesikke:ja", 400, ""),
        ("Navn", "", 422, "Skriv, hvad der søges efter"),
    ],
)
def test_bad_input_is_told_and_nothing_is_written(
    auditor: Api, before: int, name: str, query: str, status: int, said: str
) -> None:
    """The page says what is wrong with the name or the search."""
    answer = keep(auditor, name, query)
    assert answer.status_code == status, answer.text
    assert said in unescape(answer.text)
    assert events(auditor)[before:] == []


def test_markup_is_shown_as_it_was_typed(auditor: Api) -> None:
    """A name is text, whatever it holds."""
    for name in ("<script>alert(1)</script>", "{{7*7}}", "#strong[x]", "אבג", "👶"):
        assert keep(auditor, name).status_code == 303
    html = auditor.http.get("/protokol", headers=OWN_PAGE).text
    assert "<script>alert" not in html
    assert {"<script>alert(1)</script>", "{{7*7}}", "#strong[x]", "אבג", "👶"} <= kept(auditor).keys()


def test_a_foreign_form_and_a_role_without_the_log_keep_nothing(auditor: Api, before: int) -> None:
    """A form that was not given out in the session is refused; so is an administrator."""
    form = {"csrf": "x", "noegle": str(uuid4()), "q": "sen:ja", "navn": "n"}
    assert auditor.http.post(KEPT, data=form, headers=OWN_PAGE).status_code == 403
    with auditor.acting_as(ADMINISTRATOR) as administrator:
        token = hidden(page(administrator, "/log-ud"))["csrf"]
        refused = administrator.http.post(KEPT, data=form | {"csrf": token}, headers=OWN_PAGE)
        assert refused.status_code == 403
        assert "ikke" in words(unescape(refused.text))
    assert events(auditor)[before:] == []


def test_there_is_a_bound(auditor: Api) -> None:
    """One more than may be kept is refused in words; another search under a name in use is not."""
    for number in range(MOST_KEPT):
        assert keep(auditor, f"Nr. {number}").status_code == 303
    refused = keep(auditor, "En for meget")
    assert refused.status_code == 422
    assert "Fjern en først" in unescape(refused.text)
    assert keep(auditor, "Nr. 3", "sen:nej").status_code == 303
    assert len(kept(auditor)) == MOST_KEPT
