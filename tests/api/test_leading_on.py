"""No page leads its reader to one that turns them away: into cases, to forms, to the start."""

import re
from html import unescape
from urllib.parse import quote

import pytest

from api.sign_in.local import PEOPLE
from tests.api.client import Api, note
from tests.api.signing_in import OWN_PAGE

ANALYST, AUDITOR, DATA_PROTECTION, LEADER = "u-96", "u-95", "u-81", "u-12"
START = "/"
NUMBER = "S-lead"


@pytest.fixture(scope="module")
def case(api: Api) -> str:
    """A case with a note."""
    made = api.open_case(note("Called about the visit."), number=NUMBER)
    return f"/sager/{made}"


def page(api: Api, path: str, status: int = 200) -> str:
    """Return a page as text with its markup."""
    answer = api.http.get(path, headers=OWN_PAGE)
    assert answer.status_code == status, (path, answer.status_code)
    return unescape(answer.text)


def links(html: str, start: str) -> list[str]:
    """Return where a page leads to among the addresses that begin so."""
    return [one.partition("#")[0] for one in re.findall(r'href="([^"]+)"', html) if one.startswith(start)]


def test_a_page_of_the_past_leads_to_what_was_recorded_since(api: Api, case: str) -> None:
    """The instant asked about is where the comparison begins."""
    then = re.findall(r'registreret <time datetime="([^"]+)"', page(api, case))[-1]
    html = page(api, f"{case}?known_at={quote(then)}")
    [leads] = links(html, f"{case}/sammenlign")
    assert "from=" in leads
    assert "Adressen kan ikke læses" not in page(api, leads)


def test_only_what_the_form_takes_leads_to_a_correction(api: Api, case: str) -> None:
    """The opening of a case has none; the note has."""
    leads = links(page(api, case), f"{case}/registrer/berigtigelse")
    assert leads == [f"{case}/registrer/berigtigelse?nr=2"]
    page(api, leads[0])


@pytest.mark.parametrize("path", [f"/sager?nummer={NUMBER}", "/protokol"])
def test_who_reads_no_case_is_led_into_none(api: Api, case: str, path: str) -> None:
    """An analyst sees which cases there are and what was recorded, and no way in."""
    assert links(page(api, path), case)
    with api.acting_as(ANALYST) as analyst:
        html = page(analyst, path)
        assert NUMBER in html
        assert not links(html, "/sager/")
        assert not links(html, "/soeg")


@pytest.mark.parametrize("staff", sorted(PEOPLE))
def test_the_navigation_and_the_start_are_open_to_their_reader(api: Api, staff: str) -> None:
    """Whoever may see anything lands there; who may see nothing is told so."""
    with api.acting_as(staff) as reader:
        first = reader.http.get(START, headers=OWN_PAGE)
        assert first.status_code == 307
        html = reader.http.get(first.headers["location"], headers=OWN_PAGE)
        menu = re.findall(r'<a class="nav-link" href="([^"]+)"', html.text)
        assert (html.status_code == 200) is bool(menu), (staff, menu)
        for path in menu:
            page(reader, path)
