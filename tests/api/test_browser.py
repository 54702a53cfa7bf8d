"""The pages as a real browser makes them out, over a real server: what readers find there, and what they can do."""

import re
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from api.sign_in.local import PEOPLE
from tests.api.accessibility import violations
from tests.api.browser import BROWSER, DESKTOP, PHONE, chromium, overflow, picture, reading, sign_in, tab_to, words
from tests.api.client import Api
from tests.api.preparing import prepared
from tests.api.ruled import ruled
from tests.api.service import Service, log_lines, until
from tests.conftest import Server, Template

AUDITOR, CASEWORKER, LEADER = "u-95", "u-90", "u-12"
ROLES = sorted({person.role: person.staff for person in PEOPLE.values()}.values())
"""Somebody in every role."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no browser: install chromium to see the pages in one"),
]


@pytest.fixture(scope="module")
def client(
    server: Server, stories_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[Service, Api]]:
    """A service over the six stories under the shipped rules, and a client of it."""
    with ruled(server, stories_template, tmp_path_factory.mktemp("pages"), AUDITOR) as client:
        yield client


@pytest.fixture(scope="module")
def cases(client: tuple[Service, Api]) -> dict[str, str]:
    """The addresses of the cases by number."""
    found: dict[str, str] = {}

    def listed() -> bool:
        items = client[1].get("/cases").json()["items"]
        found.update({item["state"]["number"]: f"/sager/{item['case']}" for item in items})
        return "S6" in found

    until(listed, "the case in the list")
    return found


@pytest.fixture(scope="module")
def busy(client: tuple[Service, Api], cases: dict[str, str]) -> dict[str, str]:
    """The addresses of the cases, after one was opened in an emergency and another restricted."""
    day = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()
    allowed = [LEADER, AUDITOR, CASEWORKER]
    restriction = {"category": "high_profile", "allowed": allowed, "review_by": day, "reason": "Omtale i pressen."}
    with client[1].acting_as(CASEWORKER) as caseworker, client[1].acting_as(LEADER) as leader:
        reason = "Barnet er alene hjemme i aften, og den ansvarlige kan ikke træffes. " * 5
        opened = caseworker.post(f"{cases['S4'].replace('sager', 'cases')}/break-glass", {"reason": reason})
        restricted = leader.post(f"{cases['S3'].replace('sager', 'cases')}/restrictions", restriction)
        submitted = [prepared(caseworker) for _ in range(2)]
        reason = {"reason": "Faderen er ikke hørt."}
        returned = leader.post(f"/cases/{submitted[1]}/submissions/3/return", reason, version=3)
    assert (opened.status_code, restricted.status_code, returned.status_code) == (201, 201, 201)
    return cases | {name: f"/sager/{case}" for name, case in zip(("SENT", "RETURNED"), submitted, strict=True)}


@pytest.fixture(scope="module")
def browser(cases: dict[str, str]) -> Generator[Browser]:
    """The browser, started after everything that needs an event loop of its own."""
    with chromium() as started:
        yield started


@pytest.fixture
def auditor(browser: Browser, client: tuple[Service, Api]) -> Generator[Page]:
    """A window in which an auditor has signed in."""
    with reading(browser, client[0].url) as page:
        sign_in(page, AUDITOR)
        yield page


def test_form_leads_to_what_was_known_at_the_decision(auditor: Page, cases: dict[str, str]) -> None:
    """Day, month, year and clock as typed lead to the case as it was on record: 26 entries, not the later note."""
    auditor.goto(cases["S6"])
    known = auditor.get_by_role("group", name="Registreret senest")
    for label, typed in (("Dag", "21"), ("Måned", "8"), ("År", "2024"), ("Kl.", "09.00")):
        known.get_by_label(label).fill(typed)
    auditor.get_by_role("button", name="Vis").click()
    auditor.wait_for_url("**known_at=2024-08-21T07:00:00Z")
    text = words(auditor)
    assert "som den var registreret 21-08-2024 kl. 09.00" in text
    assert "Viser 26 af 26 hændelser" in text
    assert "13 hændelser er registreret senere; 1 af dem var hændt inden da" in text
    assert "Hvad du må se, afgøres af dine rettigheder i dag" in text
    assert "extended to 30 August" not in text
    assert "26 af 26 hændelser kontrolleret uændret" in text
    assert "Simuleret ur" in text
    assert len(re.findall(r'id="v[0-9]+"', auditor.content())) == 26


def test_present_shows_the_late_note_and_strikes_through_the_corrected_score(
    auditor: Page, cases: dict[str, str]
) -> None:
    """Now the note is there, marked as late, and the mistyped score stands struck through beside the right one."""
    auditor.goto(cases["S6"])
    assert "extended to 30 August" in words(auditor)
    assert "Efterregistreret" in words(auditor)
    assert re.search(r"<del>.{0,90}>4</span></del> <ins>.{0,90}>3</span></ins>", auditor.content())


def test_list_shows_every_case(auditor: Page) -> None:
    """The list names the six cases, each with a link."""
    assert re.findall(r">(S[1-6])</a>", auditor.content()) == ["S1", "S2", "S3", "S4", "S5", "S6"]


def test_the_policy_lets_the_style_sheet_in(browser: Browser, client: tuple[Service, Api]) -> None:
    """Under the content security policy the browser still asks for the style sheet, and nothing breaks the policy."""
    service, said = client[0], list[str]()

    def styles() -> int:
        return sum(line.get("route") == "/static" and line["status"] == 200 for line in log_lines(service.log))

    before = styles()
    with reading(browser, service.url) as page:
        page.on("console", lambda message: said.append(message.text))
        sign_in(page, AUDITOR)
        font = page.evaluate("getComputedStyle(document.body).fontFamily")
    until(lambda: styles() > before, "the style sheet was asked for", 10)
    assert "IBM Plex Sans" in font
    assert said == []


def test_emergency_from_the_closed_door_to_the_verdict(
    browser: Browser, client: tuple[Service, Api], cases: dict[str, str]
) -> None:
    """A caseworker without the case opens it with a reason; the leader reads the reason and judges."""
    url, address = client[0].url, cases["S5"]
    with reading(browser, url) as page:
        sign_in(page, CASEWORKER, address)
        assert "Sagen er ikke åben for dig" in words(page)
        picture(page, "closed")
        page.get_by_role("button", name="Åbn sagen").click()
        page.get_by_role("link", name="Skriv, hvorfor sagen skal åbnes nu.").click()
        assert page.evaluate("document.activeElement.id") == "begrundelse"
        picture(page, "closed-error")
        page.keyboard.type("Barnet er alene hjemme i aften.")
        page.get_by_role("button", name="Åbn sagen").dblclick(no_wait_after=True)
        page.get_by_role("heading", name="Sag S5").wait_for()
        assert re.search(r"Nødadgang til .*\d\d\.\d\d", words(page))
        picture(page, "emergency")
    opened = "SELECT count(*) FROM ledger.event WHERE stream = %s AND topic = 'break_glass_opened'"
    assert client[1].query(opened, address.rpartition("/")[2]) == [(1,)]
    with reading(browser, url) as page:
        sign_in(page, LEADER)
        page.get_by_role("navigation", name="Hovedmenu").get_by_role("link", name="Ledelse").click()
        page.get_by_role("link", name="Nødadgang").click()
        review = page.get_by_role("region", name=re.compile("Sag S5"))
        assert "Barnet er alene hjemme i aften." in review.inner_text()
        review.get_by_role("button", name="Registrér vurderingen").click()
        assert "Vælg, om nødadgangen var berettiget." in words(page)
        picture(page, "queue-error")
        page.get_by_role("link", name="Vælg, om nødadgangen var berettiget.").click()
        page.keyboard.press("Space")
        review.get_by_label("Begrundelse for vurderingen").fill("Vagten bekræfter opkaldet.")
        review.get_by_role("button", name="Registrér vurderingen").click()
        page.wait_for_url("**/ledelse/noedadgang")
        assert review.count() == 0
        assert "berettiget, u-12" in page.get_by_role("region", name="Gennemgået", exact=True).inner_text()
        picture(page, "queue")


def test_signing_in_with_the_keyboard_alone(browser: Browser, client: tuple[Service, Api]) -> None:
    """The skip link comes first, then what one chooses, then the button; no other step needs a pointer."""
    with reading(browser, client[0].url) as page:
        page.goto("/sager")
        assert tab_to(page, "BUTTON") == ["#indhold", "/sager", "medarbejder-u-90", "BUTTON"]
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Hvad er formålet?").wait_for()
        assert tab_to(page, "BUTTON") == ["#indhold", "/sager", "formaal-case-work", "BUTTON"]
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Sager", exact=True).wait_for()
        assert "Du læser som u-21" in words(page)
        tab_to(page, "#indhold")
        page.keyboard.press("Enter")
        page.wait_for_function("document.activeElement.id === 'indhold'")
        assert tab_to(page, "nummer") == ["/sager/ny", "nummer"]


@pytest.mark.parametrize(("name", "viewport"), [("phone", PHONE), ("desktop", DESKTOP)])
def test_no_page_is_wider_than_the_window_or_breaks_a_rule(
    browser: Browser, client: tuple[Service, Api], busy: dict[str, str], name: str, viewport: ViewportSize
) -> None:
    """On a phone and on a desk: wide tables scroll inside the page, the page itself does not, and all is accessible."""
    past = urlencode({"known_at": "2024-08-21T07:00:00Z"})
    addresses = {
        "list": "/sager",
        "case": busy["S6"],
        "past": f"{busy['S6']}?{past}",
        "looks": f"{busy['S6']}/opslag",
        "queue": "/ledelse/noedadgang",
        "restricted": "/ledelse/begraensede",
        "clocks": f"{busy['S6']}/frister",
        "case-barometer": f"{busy['S6']}/barometer",
        "desk": "/ledelse",
        "overdue": "/ledelse/frister",
        "breaches": "/ledelse/samtykkebrud",
        "findings": "/ledelse/fund",
        "caseload": "/ledelse/sager",
        "barometer": "/ledelse/barometer?spoergsmaal=plan&svar=no",
        "sample": f"/ledelse/stikproeve?procent=100&froe=1&maaned={datetime.now(UTC):%m-%Y}",
        "purpose": "/log-ind/formaal",
        "log-out": "/log-ud",
    }
    with reading(browser, client[0].url, viewport) as page:
        page.goto("/sager")
        wrong = {"log-in": faults(page)}
        picture(page, f"{name}-log-in")
        sign_in(page, LEADER)
        for what, address in addresses.items():
            page.goto(address)
            wrong[what] = faults(page)
            picture(page, f"{name}-{what}")
    with reading(browser, client[0].url, viewport) as page:
        sign_in(page, "u-22", busy["S6"])
        assert "Sagen er ikke åben for dig" in words(page)
        wrong["closed"] = faults(page)
        picture(page, f"{name}-closed")
    assert {what: found for what, found in wrong.items() if found} == {}


def faults(page: Page) -> list[str]:
    """Return what is wrong with a page: wider than its window, or what the accessibility checker finds."""
    wider = overflow(page)
    return violations(page) + ([f"{wider} pixels too wide"] if wider else [])


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("/protokol?q=foo:bar", "q"),
        ("{S6}?known_at_day=31&known_at_month=2", "known_at_day"),
        ("/sammenlign?from_day=31", "from_day"),
        ("/ledelse/stikproeve?procent=100&maaned=13-2026", "fejl"),
        ("/sager?program=x", "filter-fejl"),
    ],
)
def test_what_cannot_be_read_has_the_focus(
    browser: Browser, client: tuple[Service, Api], cases: dict[str, str], address: str, place: str
) -> None:
    """Who reads with their ears hears first what is wrong."""
    with reading(browser, client[0].url) as page:
        sign_in(page, LEADER)
        page.goto(address.format_map(cases))
        page.wait_for_function("place => document.activeElement.id === place", arg=place)


@pytest.mark.parametrize("address", ["/protokol", "{S6}/frister", "{S6}/samtykker", "{S6}/opslag", "/ledelse/fund"])
def test_nothing_of_a_list_is_out_of_sight_on_a_phone(
    browser: Browser, client: tuple[Service, Api], cases: dict[str, str], address: str
) -> None:
    """Each row is a card: every cell stands under its heading within the window. Counts and drawings may be wider."""
    with reading(browser, client[0].url, PHONE) as page:
        sign_in(page, LEADER)
        page.goto(address.format_map(cases))
        regions = page.locator(".table--responsive-scroll:visible", has=page.locator("table:not(.grid)"))
        assert regions.count()
        assert regions.evaluate_all("all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.ariaLabel)") == []
        heading = "e => getComputedStyle(e, '::before').content"
        cell = regions.first.locator("tbody td").first
        assert cell.evaluate(heading) == f'"{cell.get_attribute("data-label")}"'


ADDRESSES = (
    "/sager", "{S6}", "{S4}", "{S6}?known_at=2024-08-21T07:00:00Z&order=newest", "{S6}/opslag", "{S6}/udlevering",
    "{S6}/bevispakke", "{S6}/udlevering?anmodning=ny:court:court&poster=1-9", "{S6}/opslag/udtraek", "/sager/x",
    "{S6}?known_at_day=31&known_at_month=2", "/ledelse/noedadgang", "/ledelse/begraensede", "/log-ind/formaal",
    "/min-dag", "/sager/ny", "{S6}/registrer",
    "{S6}/registrer/samtykke", "{S6}/registrer/afgoerelse", "{S6}/registrer/berigtigelse?nr=20", "{S6}/kvittering/20",
    "{S6}/registrer/berigtigelse?nr=20&felt=summary",
    "{S6}/samtykker", "{S6}/samtykker?known_at=2024-06-05T12:00:00Z&vis=aendret", "{S2}/samtykker", "{S6}/delinger",
    "{S6}/haendelser/22", "{S6}/haendelser/99",
    "{S6}/frister", "{S6}/barometer", "/ledelse", "/ledelse/frister", "/ledelse/samtykkebrud", "/ledelse/sager",
    "/ledelse/barometer?spoergsmaal=plan&svar=no", "/ledelse/stikproeve?procent=100&maaned=13-2026",
    "{S6}/afgoerelser", "{S6}/afgoerelser/26", "{S6}/afgoerelser/26?known_at=2024-08-22T07:00:00Z", "{S6}/sammenlign",
    "{S6}/sammenlign?from=2024-08-21T07:00:00Z&view=all", "{S6}/sammenlign?from_day=31", "/sammenlign",
    "/sammenlign?from=2024-08-21T07:00:00Z&view=deadlines", "/protokol", "/protokol?q=handling:deling -rolle:system",
    "/protokol?q=foo:bar", "/kontrolpunkter?fra=1&til=2", "/soeg", "/sager?nummer=S6&status=running",
    "/sager?program=x", "/ledelse/overdragelse?fra=u-11", "/ledelse/godkendelse", "{SENT}/godkendelse/3",
    "{SENT}/afgoerelser", "{RETURNED}/godkendelse/3",
)  # fmt: skip
"""Every kind of page; S4 was opened in an emergency."""

VARYING = re.compile(r"[0-9a-f]*[0-9]+[0-9a-f]*|u-[0-9]+ \([^)]*\)")
"""What differs between two people who see the same page: who they are, the look's number, what lets a form through."""

IN_ORDER = set[tuple[str, str]]()
"""Heads, middles and feet of pages that somebody was shown in the same language, and that broke no rule."""


def parts(language: str, html: str) -> set[tuple[str, str]]:
    """Return what stands before the middle of a page, the middle and what follows it, but for what varies."""
    return {(language, part) for part in re.split(r"<main|</main>", VARYING.sub("", html))}


@pytest.mark.parametrize(
    ("staff", "language", "viewport"),
    [
        *((staff, "da", DESKTOP) for staff in ROLES),
        (LEADER, "en", PHONE),
    ],
)
def test_every_page_is_accessible_to_every_role(
    browser: Browser,
    client: tuple[Service, Api],
    busy: dict[str, str],
    staff: str,
    language: str,
    viewport: ViewportSize,
) -> None:
    """Open or closed to them, on a desk, none breaks a rule of WCAG 2.2 AA; nor every third in English on a phone."""
    wrong: dict[str, list[str]] = {}
    with reading(browser, client[0].url, viewport) as page:
        sign_in(page, staff)
        page.goto(f"/sprog/{language}")
        assert page.locator("html").get_attribute("lang") == language
        for address in ADDRESSES if language == "da" else ADDRESSES[::3]:
            place = address.format_map(busy)
            page.goto(place)
            seen = parts(language, page.content())
            if not seen <= IN_ORDER:
                wrong[place] = faults(page)
                if not wrong[place]:
                    IN_ORDER.update(seen)
    assert {place: found for place, found in wrong.items() if found} == {}


def test_paper_tells_as_of_when_and_under_which_look(auditor: Page, cases: dict[str, str]) -> None:
    """Printed, a page of the past keeps its banner and its number and leaves out what leads elsewhere."""
    auditor.goto(f"{cases['S6']}?known_at=2024-08-21T07:00:00Z")
    auditor.emulate_media(media="print")
    text = words(auditor)
    assert "som den var registreret 21-08-2024 kl. 09.00" in text
    assert re.search(r"registreret som opslag \d+", text)
    assert "Simuleret ur" in text
    for left_out in ("Hovedmenu", "Sagens sider", "Brødkrumme"):
        assert auditor.get_by_label(left_out).is_hidden(), left_out
    assert auditor.get_by_role("button", name="Vis").count() == 0
    assert "English" not in text


@pytest.mark.parametrize(
    ("breaking", "rule"),
    [
        ("document.documentElement.removeAttribute('lang')", "html-has-lang"),
        ("document.querySelector('label').remove()", "label"),
        ("document.querySelector('.form-hint').style.color = '#bbb'", "color-contrast"),
        ("document.querySelector('main').remove()", "landmark-one-main"),
    ],
)
def test_a_broken_page_fails_the_check(auditor: Page, breaking: str, rule: str) -> None:
    """The checker finds what was broken on purpose on a page in order."""
    assert violations(auditor) == []
    auditor.evaluate(breaking)
    assert rule in {one.partition(":")[0] for one in violations(auditor)}
