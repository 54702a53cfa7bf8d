"""What a page tells while it is read, in a real browser: what is new, how long is left; nothing moves meanwhile."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from playwright.sync_api import Browser, Page, Request

from tests.api.browser import BROWSER, chromium, picture, reading, sign_in, words
from tests.api.client import Api, note
from tests.api.conftest import Served
from tests.api.signing_in import OWN_PAGE

ANALYST, OFFICER = "u-96", "u-81"
DUE = "t => { const e = document.createElement('time'); e.dataset.due = t; document.querySelector('main').append(e); }"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no browser: install chromium")]


@pytest.fixture(scope="module")
def browser(api: Api) -> Generator[Browser]:
    """The browser, started after everything that needs an event loop of its own."""
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser, served: Served, case: str) -> Generator[Page]:
    """A window with the page of a case, listening."""
    with reading(browser, served.service.url) as window:
        with window.expect_request("**/nyt?*") as heard:
            sign_in(window, "u-90", f"/sager/{case}")
        assert heard.value.resource_type == "eventsource"
        yield window


def test_new_entries_are_told_and_nothing_moves(page: Page, api: Api, case: str) -> None:
    """So many, with a link; the page stays where it is, and of another case nothing is told."""
    api.open_case(note("another case"))
    page.evaluate("scrollTo(0, 200)")
    before = page.evaluate("[scrollY, document.documentElement.scrollHeight]")
    assert api.commit(case, 1, note("new-1"), note("new-2")).status_code == 201
    told = page.get_by_role("status").filter(has_text="nye hændelser")
    told.wait_for()
    assert told.inner_text() == "2 nye hændelser – vis"
    assert page.evaluate("[scrollY, document.documentElement.scrollHeight]") == before
    assert "new-1" not in words(page)
    picture(page, "live")
    assert api.commit(case, 3, note("new-3")).status_code == 201
    page.get_by_text("3 nye hændelser").wait_for()
    page.get_by_role("link", name="vis", exact=True).click()
    page.get_by_text("new-3").first.wait_for()
    assert page.get_by_role("status").filter(has_text="hændelse").count() == 0


def test_what_is_heard_is_a_look(page: Page, api: Api, case: str) -> None:
    """On record as such, of this case alone."""
    api.commit(case, 1, note("x"))
    page.get_by_text("1 ny hændelse").wait_for()
    rows = api.query("SELECT state FROM ledger.event WHERE topic = 'record_viewed' ORDER BY position DESC LIMIT 1")
    look = orjson.loads(rows[0][0])["data"]
    assert (look["what"], look["cases"]) == ("feed_board", [case])


def test_what_is_due_is_counted_down(page: Page) -> None:
    """In the words of the page's language, and on."""
    page.clock.install()
    page.reload()
    page.evaluate(DUE, (datetime.now(UTC) + timedelta(days=3, hours=1)).isoformat())
    page.evaluate(DUE, (datetime.now(UTC) - timedelta(hours=5, minutes=1)).isoformat())
    page.clock.run_for(31_000)
    assert page.locator(".left").all_inner_texts() == ["om 3 dage", "for 5 timer siden"]
    page.clock.run_for(24 * 3600 * 1000 + 31_000)
    assert page.locator(".left").first.inner_text() == "om 2 dage"


def test_a_page_of_the_past_hears_nothing(browser: Browser, served: Served, api: Api, case: str) -> None:
    """Nor does one of who may not follow along; without scripts there is the page as it is."""
    past = "?known_at=2025-01-01T00:00:00Z"
    asked: list[Request] = []
    with reading(browser, served.service.url) as window:
        window.on("request", lambda one: asked.append(one) if "/nyt" in one.url else None)
        sign_in(window, "u-90", f"/sager{past}")
        window.wait_for_timeout(500)
    assert [one.url for one in asked] == []
    with api.acting_as(OFFICER) as officer:
        assert 'id="live"' not in officer.http.get(f"/sager/{case}/opslag", headers=OWN_PAGE).text


def test_a_hidden_page_lets_go_and_comes_back(page: Page, api: Api, case: str) -> None:
    """After a minute out of sight it hears no more; seen again it tells what came meanwhile."""
    page.clock.install()
    page.reload()
    hide = "v => { Object.defineProperty(document, 'visibilityState', {value: v, configurable: true});" \
        " document.dispatchEvent(new Event('visibilitychange')); }"  # fmt: skip
    page.evaluate(hide, "hidden")
    page.clock.run_for(61_000)
    api.commit(case, 1, note("meanwhile"))
    page.wait_for_timeout(700)
    assert "ny hændelse" not in words(page)
    page.evaluate(hide, "visible")
    page.get_by_text("1 ny hændelse").wait_for()
