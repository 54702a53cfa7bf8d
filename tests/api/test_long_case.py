"""The page of a case too long for one page: shown in parts, each entry to be found, and all of them counted."""

import re
from html import unescape

import pytest

from api.pages.course import PART, part_of
from tests.api.accessibility import violations
from tests.api.browser import DESKTOP, PHONE, chromium, overflow, picture, reading, sign_in, words
from tests.api.client import Api, correction, note
from tests.api.signing_in import OWN_PAGE
from tests.domain.rules import entry

ENTRIES = 450
LAST = 451
"""A correction of the second entry, recorded last."""

TEXT = "Called about the visit on Friday."


@pytest.fixture
def case(api: Api) -> str:
    """A case of 450 entries, an hour apart, and a correction."""
    made = api.open_case()
    for first in range(2, ENTRIES + 1, 50):
        notes = [note(TEXT, occurred_at=_hour(n)) for n in range(first, min(first + 50, ENTRIES + 1))]
        answer = api.commit(made, first - 1, *notes)
        assert answer.status_code == 201, answer.text
    answer = api.commit(made, ENTRIES, correction(2, "channel", "phone", "meeting"))
    assert answer.status_code == 201, answer.text
    return f"/sager/{made}"


def _hour(number: int) -> str:
    return f"2026-03-{5 + number // 24:02}T{number % 24:02}:00:00+01:00"


def page(api: Api, path: str, status: int = 200) -> str:
    """Return a page as text with its markup."""
    answer = api.http.get(path, headers=OWN_PAGE)
    assert answer.status_code == status, answer.text
    return unescape(answer.text)


def shown(html: str) -> list[int]:
    """Return the entries that stand on a page, in order."""
    return [int(version) for version in re.findall(r'<li id="v(\d+)"', html)]


def leading(html: str, text: str) -> str | None:
    """Return where the first link of a text leads."""
    found = re.findall(rf'href="([^"]+)">{text}<', html)
    return found[0] if found else None


def test_the_parts_hold_everything_once_and_lead_on(api: Api, case: str) -> None:
    """Forward by "Vis nyere" from the oldest, keeping instants and order; each part says which it is."""
    until = "?valid_at=2026-04-01T00:00:00Z"
    for start, step, back in ((until, "Vis nyere", "Vis ældre"), (f"{until}&order=newest", "Vis ældre", "Vis nyere")):
        seen, at, before = list[int](), f"{case}{start}", None
        for number in (1, 2, 3):
            html = page(api, at)
            assert f"Del {number} af 3" in html
            assert f"Viser {len(shown(html))} af {LAST} hændelser" in html
            assert f"{LAST} af {LAST} hændelser kontrolleret uændret" in html
            assert (leading(html, back) is None) is (before is None)
            if before is not None:
                assert shown(page(api, leading(html, back) or "")) == before
            before, following = shown(html), leading(html, step)
            seen += before
            assert (following is None) is (number == 3)
            at = following or ""
            assert not following or ("valid_at=2026" in at and ("order=newest" in at) is ("order" in start))
        assert sorted(seen) == list(range(1, LAST + 1))


@pytest.mark.parametrize("order", ["", "&order=newest"])
def test_a_link_to_an_entry_lands_where_it_stands(api: Api, case: str, order: str) -> None:
    """Also from one part to another: the correction is told beside what it corrects, and either leads to the other."""
    for version in (1, 199, 201, 400, 450):
        assert version in shown(page(api, f"{case}?nr={version}{order}"))
    html = page(api, f"{case}?nr=2{order}")
    links = set(re.findall(r'href="([^"]*#v451)"', html))
    here = "#v451" if LAST in shown(html) else f"{case}?nr=451{order}#v451"
    assert here in links
    dead = {link for link in re.findall(r'href="#v(\d+)"', html) if int(link) not in shown(html)}
    assert not dead


def test_an_entry_that_is_not_there_is_said_not_to_be(api: Api, case: str) -> None:
    """Not on record then, or no number at all."""
    html = page(api, f"{case}?nr=9999")
    assert "Nr. 9999 er ikke blandt de hændelser, siden viser." in html
    assert "Del 1 af 3" in html
    for wrong in ("x", "-1", "<script>", "{{7*7}}", "²", "1" * 100_000):
        assert "<script>" not in page(api, f"{case}?nr={wrong[:2_000]}", 400).split("<main")[-1]


@pytest.mark.slow
def test_a_part_is_a_page_for_everybody(api: Api, case: str) -> None:
    """A link lands at its entry, no part is wider than the window, and nothing stands in anybody's way."""
    with chromium() as browser:
        for name, size in (("desk", DESKTOP), ("phone", PHONE)):
            with reading(browser, str(api.http.base_url), size) as shown_page:
                sign_in(shown_page, "u-90")
                shown_page.goto(f"{case}?nr=300#v300")
                assert 0 <= shown_page.evaluate("document.getElementById('v300').getBoundingClientRect().top") < 100
                assert (overflow(shown_page), violations(shown_page)) == (0, [])
                shown_page.get_by_role("link", name="Vis nyere").first.click()
                shown_page.wait_for_url("**#forloeb")
                assert "Del 3 af 3" in words(shown_page)
                picture(shown_page, f"long-case-{name}")


def test_parts_have_edges_where_they_should() -> None:
    """No empty part after a full one, none before the first."""
    for count, parts in ((1, 1), (PART, 1), (PART + 1, 2), (2 * PART, 2), (2 * PART + 1, 3)):
        last = part_of([entry(n, "NoteRecorded", "2026-03-04T10:00+01:00") for n in range(1, count + 1)], count)
        assert (last.number, last.parts, last.after, last.absent) == (parts, parts, None, None)
        assert len(last.entries) == count - (parts - 1) * PART
    assert part_of((), 5).absent == 5
