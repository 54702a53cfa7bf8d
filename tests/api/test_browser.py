"""The pages as a real browser makes them out, over a real server: what a reader finds on them at an instant."""

import re
import shutil
import subprocess
from collections.abc import Generator
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import pytest

from tests.api.service import Service, environment, log_lines, serving, until
from tests.conftest import Server, Template, clone

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no browser: install chromium to see the pages in one")


@pytest.fixture(scope="module")
def pages(server: Server, stories_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    """A service over the six stories."""
    folder = tmp_path_factory.mktemp("pages")
    for place in clone(server, stories_template, folder / "home"):
        with serving(environment(place.conninfo, folder / "home"), folder / "errors.log") as service:
            yield service


@pytest.fixture(scope="module")
def decided(pages: Service) -> str:
    """The address of the case that goes wrong."""
    found: dict[str, str] = {}

    def listed() -> bool:
        items = httpx2.get(f"{pages.url}/cases").json()["items"]
        found.update({item["state"]["number"]: f"{pages.url}/sager/{item['case']}" for item in items})
        return "S6" in found

    until(listed, "the case in the list")
    return found["S6"]


def seen(address: str, profile: Path) -> str:
    """Return the document that the browser has made of a page."""
    assert BROWSER is not None
    command = [BROWSER, *QUIET, f"--user-data-dir={profile}", "--dump-dom", address]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def words(document: str) -> str:
    """Return the text of a document, one blank between words."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", document.partition("<body")[2])).split())


def test_form_leads_to_what_was_known_at_the_decision(decided: str, tmp_path: Path) -> None:
    """Day, month, year and clock as typed lead to the case as it was on record: 26 entries, not the later note."""
    typed = {"known_at_day": "21", "known_at_month": "8", "known_at_year": "2024", "known_at_clock": "09.00"}
    document = seen(f"{decided}?{urlencode(typed)}", tmp_path)
    text = words(document)
    assert "som den var registreret 21-08-2024 kl. 09.00" in text
    assert "Viser 26 af 26 hændelser" in text
    assert "13 hændelser er registreret senere; 1 af dem var hændt inden da" in text
    assert "extended to 30 August" not in text
    assert "26 af 26 hændelser kontrolleret uændret" in text
    assert "Simuleret ur" in text
    assert len(re.findall(r'id="v[0-9]+"', document)) == 26


def test_present_shows_the_late_note_and_strikes_through_the_corrected_score(decided: str, tmp_path: Path) -> None:
    """Now the note is there, marked as late, and the mistyped score stands struck through beside the right one."""
    document = seen(decided, tmp_path)
    assert "extended to 30 August" in words(document)
    assert "Efterregistreret" in words(document)
    assert re.search(r"<del>.{0,90}>4</span></del> <ins>.{0,90}>3</span></ins>", document)


def test_list_shows_every_case(pages: Service, tmp_path: Path) -> None:
    """The list names the six cases, each with a link."""
    document = seen(f"{pages.url}/sager", tmp_path)
    assert re.findall(r">(S[1-6])</a>", document) == ["S1", "S2", "S3", "S4", "S5", "S6"]


def test_the_policy_lets_the_style_sheet_in(decided: str, pages: Service, tmp_path: Path) -> None:
    """Under the content security policy of the pages the browser still asks for the style sheet, and gets it."""

    def styles() -> int:
        return sum(line.get("route") == "/static" and line["status"] == 200 for line in log_lines(pages.log))

    before = styles()
    seen(decided, tmp_path)
    until(lambda: styles() > before, "the style sheet was asked for", 10)
