"""The service that a legal or audit reviewer walks through: the six stories, and cases of their own to write in."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Download, Page

from api.opening import Place
from api.principals import command_line_principal
from api.recording import CaseRecorder
from api.rule_adoption import adopt, adopt_shipped
from api.stories import load_stories, read_story, shipped_stories
from ledger.shipped import shipped_texts
from tests.api.browser import DESKTOP, PHONE, reading, sign_in
from tests.api.client import Api, talking_to
from tests.api.service import Service, environment, serving, until
from tests.conftest import BEGINS_AT, Server, Template, clone

AUDITOR, CASEWORKER, LEADER, OFFICER, STRANGER, OTHER = "u-95", "u-90", "u-12", "u-81", "u-22", "u-21"
WIDTHS = {"desk": DESKTOP, "phone": PHONE}
DECIDED = "2024-08-21T07:00:00Z"


@dataclass(frozen=True, slots=True)
class Site:
    """A running service, a client of it as the caseworker, and where the cases of the stories are."""

    place: Place
    service: Service
    api: Api
    cases: dict[str, str]

    @contextmanager
    def window(self, browser: Browser, width: str, staff: str = AUDITOR) -> Generator[Page]:
        """Yield a window of a width in which somebody has signed in."""
        with reading(browser, self.service.url, WIDTHS[width]) as page:
            sign_in(page, staff)
            yield page

    def edit_rules(self, book: str, version: str, *changes: tuple[str, str]) -> None:
        """Adopt another version of a rule book that comes with the program, changed as said."""
        text = next(one for one in shipped_texts().values() if f'id = "{book}"' in one)
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        with self.place.ledger() as ledger:
            adopt(ledger, command_line_principal("test"), text.replace(_version(text), f'version = "{version}"', 1))


def _version(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("version = "))


def sites(server: Server, template: Template, folder: Path) -> Generator[Site]:
    """Yield a service over the six stories, written under the shipped rules into a clone of an empty ledger.

    Its log is signed and its list has followed. Start no browser before: writing needs an event loop of its own.
    """
    for place in clone(server, template, folder / "home"):
        with place.ledger() as ledger:
            adopt_shipped(ledger, command_line_principal("test"), BEGINS_AT)
            asyncio.run(load_stories(CaseRecorder(ledger), [read_story(path) for path in shipped_stories()]))
        with (
            serving(environment(place.conninfo, folder / "home"), folder / "errors.log") as service,
            talking_to(service.url, place.conninfo, CASEWORKER) as api,
            api.acting_as(AUDITOR) as auditor,
        ):
            until(lambda: len(auditor.get("/cases").json()["items"]) == 6, "the list to follow")
            until(lambda: auditor.get("/log/checkpoint").status_code == 200, "a checkpoint")
            items = auditor.get("/cases").json()["items"]
            cases = {item["state"]["number"]: f"/sager/{item['case']}" for item in items}
            yield Site(place, service, api, cases)


def taken(page: Page, name: str, role: str = "link") -> Download:
    """Return what comes when a link or button is clicked that hands out a file."""
    with page.expect_download() as coming:
        page.get_by_role("link" if role == "link" else "button", name=name, exact=True).first.click()
    return coming.value


def content(download: Download) -> bytes:
    """Return the bytes of a file that was handed out."""
    return Path(download.path()).read_bytes()
