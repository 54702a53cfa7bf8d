"""What a real browser says about where a form was sent from, and what becomes of it."""

from collections.abc import Generator
from dataclasses import dataclass

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response
from playwright.sync_api import Browser

from api.sign_in.local import LocalSignIn
from tests.api.browser import BROWSER, chromium, reading
from tests.api.sign_in.app import address_of, listening, running, small_app
from tests.api.sign_in.conftest import sign_everybody_out
from tests.conftest import Server, Template, clone

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no browser: install chromium to see the pages in one")


@dataclass(frozen=True, slots=True)
class TwoSites:
    """A demonstration, another site on the same machine, and the demonstration's database."""

    own: str
    other: str
    database: str

    def signed_in(self) -> list[str]:
        """Return who is signed in."""
        with psycopg.connect(self.database) as connection:
            return [staff for (staff,) in connection.execute("SELECT staff FROM sign_in.session").fetchall()]


def sending(target: str) -> str:
    """Return a page that sends a form to sign in as soon as it is opened."""
    return (
        f"<form method=post action={target}/log-ind><input name=medarbejder value=u-12></form>"
        "<script>document.forms[0].submit()</script>"
    )


def add_sender(app: FastAPI, target: str) -> None:
    """Add such a page to an application."""

    @app.get("/send")
    async def send() -> Response:
        return HTMLResponse(sending(target))


@pytest.fixture(scope="module")
def sites(
    server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Generator[TwoSites]:
    """Two sites with the same page; the second is opened under another name than the first."""
    for place in clone(server, simulated_template, tmp_path_factory.mktemp("sites") / "home"):
        own, other = listening(), listening()
        target = address_of(own)
        foreign = FastAPI(telemetry={"auto_configure": False})
        add_sender(foreign, target)
        with place.ledger() as ledger:
            app = small_app(LocalSignIn(ledger, "127.0.0.1"))
            add_sender(app, target)
            with running(app, own), running(foreign, other):
                yield TwoSites(target, address_of(other), place.conninfo)


@pytest.fixture(scope="module")
def browser(sites: TwoSites) -> Generator[Browser]:
    """The browser, started after both sites."""
    with chromium() as started:
        yield started


def sent_from(browser: Browser, site: str) -> str:
    """Return the heading of the page to which the form of a site has led."""
    with reading(browser, site) as page:
        page.goto("/send")
        heading = page.get_by_role("heading", level=1)
        heading.wait_for()
        return heading.inner_text()


def test_a_form_of_our_own_page_signs_in(sites: TwoSites, browser: Browser) -> None:
    """The browser says same-origin, and the person is asked for a purpose."""
    sign_everybody_out(sites.database)
    assert sent_from(browser, sites.own) == "Hvad er formålet?"
    assert sites.signed_in() == ["u-12"]


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_form_of_another_site_does_not(sites: TwoSites, browser: Browser, name: str) -> None:
    """Neither from another port (same-site) nor from another name (cross-site)."""
    sign_everybody_out(sites.database)
    assert sent_from(browser, sites.other.replace("127.0.0.1", name)) == "Afvist"
    assert sites.signed_in() == []
