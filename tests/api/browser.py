"""A real browser, driven as a reader drives it. It is the machine's own: none is fetched."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.api.service import ROOT

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PICTURES = ROOT / ".screenshots"
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
WAIT_MS = 20_000
MOST_TABS = 40

REFERENCE = "e => e === null ? '' : e.id || e.getAttribute('href') || e.getAttribute('aria-label') || e.tagName"


@contextmanager
def chromium() -> Generator[Browser]:
    """Yield the browser. While it is there this thread counts as running an event loop: ``asyncio.run`` refuses."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def reading(browser: Browser, url: str, viewport: ViewportSize = DESKTOP) -> Generator[Page]:
    """Yield a window with cookies of its own onto a service."""
    context = browser.new_context(base_url=url, viewport=viewport, locale="da-DK")
    context.set_default_timeout(WAIT_MS)
    try:
        yield context.new_page()
    finally:
        context.close()


def sign_in(page: Page, staff: str, address: str = "/sager") -> None:
    """Sign in on the way to an address as people do: choose who one is, choose the usual purpose, land there."""
    page.goto(address)
    page.locator(f"#medarbejder-{staff}").check()
    page.get_by_role("button", name="Log ind").click()
    page.get_by_role("heading", name="Hvad er formålet?").wait_for()
    page.get_by_role("button", name="Fortsæt").click()
    page.wait_for_url(f"**{address}")


def words(page: Page) -> str:
    """Return the text of a page as it is seen, one blank between words."""
    return " ".join(page.locator("body").inner_text().split())


def tab_to(page: Page, place: str) -> list[str]:
    """Press the tab key until a place has the focus, and return the places passed, that one included."""
    passed: list[str] = []
    while not passed or passed[-1] != place:
        assert len(passed) < MOST_TABS, passed
        page.keyboard.press("Tab")
        passed.append(page.evaluate(f"({REFERENCE})(document.activeElement)"))
    return passed


def overflow(page: Page) -> int:
    """Return by how many pixels a page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def picture(page: Page, name: str) -> None:
    """Keep a picture of the whole page for people to look at."""
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
