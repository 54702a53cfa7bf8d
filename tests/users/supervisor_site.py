"""What a supervisor's browser is given: a service over the six stories, cases of their own, and where things stand."""

import asyncio
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from playwright.sync_api import Browser, Locator, Page, ViewportSize

from api.demonstration import prepare
from api.drafting import Commit, Fact
from api.exporting import put_on_record
from api.principals import command_line_principal
from api.recording import CaseRecorder
from api.rule_adoption import adopt_shipped
from domain.events.administration import Exported
from domain.events.reach import CaseRestricted
from domain.time import copenhagen_day, write_instant
from ledger.store import Ledger
from tests.api.browser import DESKTOP, PHONE, overflow, picture, reading, sign_in, words
from tests.api.client import Api, Response, command, note, talking_to
from tests.api.preparing import submit
from tests.api.service import Command, Inside, Service, environment, serving
from tests.conftest import BEGINS_AT, Server, Template, clone

LEADER, CASEWORKER, AUDITOR, OFFICER, ADMINISTRATOR = "u-12", "u-90", "u-95", "u-81", "u-97"
WINDOWS: dict[str, ViewportSize] = {"desktop": DESKTOP, "phone": PHONE}
EXPORT = Exported(
    what="events", format="parquet", purpose="statistics", recipient="analysis", cases=(), sha256="0" * 64
)
DECISION_DAY = "known_at=2024-08-21T07:00:00Z"
"""The morning of the decision in story S6."""


@dataclass(frozen=True, slots=True)
class Site:
    """A service over the six stories, its browser, and the addresses of the cases by number."""

    service: Service
    api: Api
    home: Path
    browser: list[Browser] = field(default_factory=list[Browser])
    cases: dict[str, str] = field(default_factory=dict[str, str])

    @contextmanager
    def reads(self, staff: str, window: str = "desktop", address: str = "/ledelse") -> Generator[Page]:
        """Yield a window in which somebody has signed in and gone to an address."""
        with reading(self.browser[0], self.service.url, WINDOWS[window]) as page:
            sign_in(page, staff, address)
            yield page

    def told(self, *words: str | Path) -> str:
        """Run a command over the same ledger and return what it said."""
        return Inside(environment(self.api.database, self.home)).done(*words)

    def warned(self, mail_port: int) -> None:
        """Let the worker's step warn of every deadline once, with a mail server on a port of this machine."""
        mail = {"SMTP": f"127.0.0.1:{mail_port}", "MAIL_FROM": "protokol@kommune.example"}
        mail |= {"MAIL_TO": "{staff}@kommune.example", "PUBLIC_URL": "https://sager.eksempel.dk"}
        named = {f"CASELEDGER_{name}": value for name, value in mail.items()}
        assert "warnings on pages" in Command(environment(self.api.database, self.home) | named).done(
            "warnings", "send"
        )

    def opened(self, number: str, *facts: dict[str, Any]) -> str:
        """Open a case of one's own under a number, wait until the lists know it, and return its id."""
        case = self.api.open_case(*facts, number=number)
        self.cases[number] = f"/sager/{case}"
        return case


@contextmanager
def site_of(server: Server, template: Template, folder: Path) -> Generator[Site]:
    """Yield a service over the six stories under the shipped rules, with a client who opens cases."""
    for place in clone(server, template, folder / "home"):
        with place.ledger() as ledger:
            adopt_shipped(ledger, command_line_principal("test"), BEGINS_AT)
        prepare(place, lambda _text: None)
        with place.ledger() as ledger:
            restricted = asyncio.run(_restrict_long_ago(ledger))
            put_on_record(ledger, command_line_principal("export", internal=True), EXPORT)
        with (
            serving(environment(place.conninfo, folder / "home"), folder / "errors.log") as service,
            talking_to(service.url, place.conninfo, CASEWORKER) as api,
            talking_to(service.url, place.conninfo, AUDITOR) as auditor,
        ):
            items = auditor.get("/cases").json()["items"]
            cases = {item["state"]["number"]: f"/sager/{item['case']}" for item in items}
            cases["S5"] = f"/sager/{restricted}"
            yield Site(service, api, folder / "home", cases=cases)


async def _restrict_long_ago(ledger: Ledger) -> UUID:
    """Restrict the case of story S5 so that its review is overdue, which no door lets pass today; return its id."""
    recorder, principal = CaseRecorder(ledger), command_line_principal("operations", internal=True)
    recorder.door.index.refresh()
    case = next(case for case, reach in recorder.door.index.cases.items() if reach.number == "S5")
    allowed, day = (LEADER, "u-45"), copenhagen_day(ledger.now()) - timedelta(days=3)
    restricted = CaseRestricted(category="high_risk", allowed=allowed, review_by=day, reason="Trusler mod personalet.")
    commit = Commit((), "restrict S5", b"restrict S5")
    await recorder.perform(principal, case, None, commit, lambda _file: [Fact(restricted, ledger.now())])
    return case


def done(response: Response) -> dict[str, Any]:
    """Return what an act that must succeed answers."""
    assert response.status_code in (200, 201), response.text
    return response.json()


def goes(page: Page, address: str) -> str:
    """Go to an address and return the words there."""
    page.goto(address)
    return words(page)


def shown(page: Page, name: str) -> None:
    """Keep a picture of a page, which must not be wider than its window."""
    assert overflow(page) == 0, name
    picture(page, name)


def rows(page: Page, place: str = "liste") -> list[str]:
    """Return the rows of a list as text."""
    listed = page.locator(f"section[aria-labelledby={place}] table tbody tr")
    return [" ".join(row.split()) for row in listed.all_inner_texts()]


def sampled(page: Page) -> list[str]:
    """Return the looks of a sample as text."""
    return [" ".join(row.split()) for row in page.locator("table.looks tbody tr").all_inner_texts()]


def numbers(page: Page) -> list[tuple[str, int]]:
    """Return where the numbers above a list lead, each with its number, zero left out."""
    links = page.locator("td.number a, ul.totals a").all()
    found = ((str(link.get_attribute("href")), re.findall(r"[0-9]+", link.inner_text())) for link in links)
    return [(address, int(number[0])) for address, number in found if number != ["0"]]


def shared(consents: list[str], **changes: Any) -> dict[str, Any]:
    """Return that something social about the mother went to the daycare, reported afterwards."""
    data = {"to": "daycare", "basis": "consent", "consents": consents, "data_categories": ["social"]}
    data |= {"about": ["parent-A"], "documents": ["Statusnotat"], "purpose": "samarbejde"}
    return command("DisclosureMade", data | changes)


def given(consent: str) -> dict[str, Any]:
    """Return a consent of the mother's to pass on what is social about herself to the daycare."""
    data = {"consent": consent, "kind": "disclosure", "given_by": "parent-A", "capacity": "self", "scope": ["daycare"]}
    return command("ConsentGiven", data | {"data_categories": ["social"], "form": "oral", "valid_from": "2026-03-04"})


def prepared(site: Site, number: str, sender: str = CASEWORKER) -> str:
    """Open a case under a number, in which somebody sends a decision for approval, entry 3; return its id."""
    case = site.opened(number, note("Kommer ofte for sent til sundhedsplejersken."))
    with site.api.acting_as(sender) as who:
        done(submit(who, case))
    return case


def received() -> dict[str, Any]:
    """Return a notification about the child, which sets clocks going."""
    data = {"notifier_kind": "private", "identity_known": True, "channel": "phone", "about": ["child-A"]}
    return command("NotificationReceived", data | {"received_at": "2026-03-04T14:00:00+01:00"})


def late() -> dict[str, Any]:
    """Return a notification that came two days ago and should have been assessed within 24 hours."""
    at = write_instant(datetime.now(UTC) - timedelta(days=2))
    data = {"notifier_kind": "private", "identity_known": True, "channel": "phone", "about": ["child-A"]}
    return command("NotificationReceived", data | {"received_at": at}, occurred_at=at)


def downloaded(page: Page, link: Locator) -> bytes:
    """Return the file a link leads to."""
    with page.expect_download() as download:
        link.click()
    return Path(download.value.path()).read_bytes()


def clocks(text: str) -> list[str]:
    """Return the deadlines on a page, by which each duty is due."""
    return re.findall(r"[0-9]{2}-[0-9]{2}-[0-9]{4} kl. [0-9.]+ regnet fra [0-9]{2}-[0-9]{2}-[0-9]{4} kl. [0-9.]+", text)


def written(site: Site, case: str, event: str) -> list[dict[str, Any]]:
    """Return the entries of a case that record one event, as an auditor reads them."""
    with site.api.acting_as(AUDITOR) as auditor:
        return [one for one in auditor.events(case) if one["event"] == event]
