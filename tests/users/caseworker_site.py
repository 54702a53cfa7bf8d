"""What the stories of the caseworker do over and over: windows, cases of their own, forms filled in."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Page, ViewportSize

from tests.api.accessibility import violations
from tests.api.browser import overflow, picture, reading
from tests.api.client import Api, command
from tests.api.service import Service
from tests.api.signing_in import session
from tests.api.writing import parts

CASEWORKER, OTHER, LEADER, OF_S6 = "u-90", "u-22", "u-12", "u-25"
COPENHAGEN = ZoneInfo("Europe/Copenhagen")
CONSENT: dict[str, Any] = {
    "consent": "c-1", "kind": "disclosure", "given_by": "parent-A", "capacity": "self", "scope": ["daycare"],
    "form": "oral", "valid_from": "2026-03-04", "data_categories": ["social"],
}  # fmt: skip
SHARED: dict[str, Any] = {
    "to": "daycare", "basis": "consent", "consents": ["c-1"], "data_categories": ["social"],
    "documents": ["Statusnotat"], "purpose": "Overgang", "about": "parent-A",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Site:
    """The service as people at one kind of window see it."""

    browser: Browser
    service: Service
    api: Api
    name: str
    viewport: ViewportSize

    @contextmanager
    def window(self, staff: str = CASEWORKER) -> Generator[Page]:
        """Yield a window in which somebody has signed in."""
        with reading(self.browser, self.service.url, self.viewport) as page:
            cookies = session(self.service.url, staff)
            page.context.add_cookies(
                [{"name": name, "value": value, "url": self.service.url} for name, value in cookies.items()]
            )
            page.set_default_timeout(6000)
            yield page

    def keep(self, page: Page, story: str) -> None:
        """Keep a picture of a page that fits its window and, on a desk, breaks no rule of accessibility."""
        assert overflow(page) == 0, story
        assert self.name != "desktop" or violations(page) == [], story
        picture(page, f"{self.name}-caseworker-{story}")


def ago(**length: float) -> datetime:
    """Return how late it was some time ago, in Copenhagen and whole minutes."""
    return (datetime.now(COPENHAGEN) - timedelta(**length)).replace(second=0, microsecond=0)


def typed(moment: datetime) -> tuple[str, str, str, str]:
    """Return a time as somebody types it: day, month, year, clock."""
    return f"{moment.day}", f"{moment.month}", f"{moment.year}", f"{moment:%H.%M}"


def fill_time(page: Page, name: str, *said: str) -> None:
    """Type a time."""
    for field, text in parts(name, *said).items():
        page.fill(f"#{field}", text)


def check(page: Page, name: str, *values: str) -> None:
    """Tick boxes of a field."""
    for value in values:
        page.locator(f'input[name="{name}"][value="{value}"]').check()


def choose(page: Page, chosen: Mapping[str, str]) -> None:
    """Choose from lists."""
    for name, value in chosen.items():
        page.select_option(f"#{name}", value)


def register(page: Page) -> None:
    """Send a form and see its receipt."""
    page.get_by_role("button", name="Registrér", exact=True).click()
    page.wait_for_url("**/kvittering/*")


def shared(occurred_at: str, **changes: Any) -> dict[str, Any]:
    """Return a disclosure that was made, as the API takes it."""
    return command("DisclosureMade", SHARED | changes, occurred_at=occurred_at)


def address(case: str) -> str:
    """Return where a case is."""
    return f"/sager/{case}"


def fill_consent(page: Page, scope: Sequence[str], refused: Sequence[str] = ()) -> None:
    """Fill in a consent of the mother to what the offices are told."""
    choose(page, {"kind": "disclosure", "given_by": "parent-A", "capacity": "self", "form": "oral"})
    check(page, "scope", *scope)
    check(page, "refused_scope", *refused)
    check(page, "data_categories", "social")
    page.fill("#purpose", "Overgang til dagtilbud")
