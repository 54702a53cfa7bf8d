"""Caseworkers' forms as a real browser makes them out, on a desk and on a phone."""

import re
from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from tests.api.browser import BROWSER, DESKTOP, PHONE, chromium, picture, reading, sign_in, words
from tests.api.client import Api, command, note
from tests.api.ruled import ruled
from tests.api.service import Service
from tests.api.test_browser import faults
from tests.api.writing import parts
from tests.conftest import BEGINS_AT, Server, Template

CASEWORKER, LEADER = "u-90", "u-12"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no browser: install chromium to see the pages in one"),
]


@pytest.fixture(scope="module")
def client(
    server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[Service, Api]]:
    """A service whose ledger has adopted the shipped rules, and a client of it."""
    folder = tmp_path_factory.mktemp("writing-browser")
    with ruled(server, simulated_template, folder, CASEWORKER, BEGINS_AT) as client:
        yield client


@pytest.fixture(scope="module")
def case(client: tuple[Service, Api]) -> str:
    """The address of a case with a note, a consent and a disclosure on it."""
    given = {"consent": "c-1", "kind": "disclosure", "given_by": "parent-A", "capacity": "self", "scope": ["daycare"],
             "form": "oral", "valid_from": "2026-03-04", "data_categories": ["social"]}  # fmt: skip
    shared = {"to": "daycare", "basis": "consent", "consents": ["c-1"], "data_categories": ["social"],
              "documents": ["Statusnotat"], "purpose": "Overgang", "about": "parent-A"}  # fmt: skip
    facts = [
        note("Kommer ofte for sent til sundhedsplejersken."),
        command("ConsentGiven", given),
        command("DisclosureMade", shared, occurred_at="2026-03-06T11:10:00+01:00"),
        command("DisclosureMade", shared, occurred_at="2026-03-06T11:38:00+01:00"),
    ]
    return f"/sager/{client[1].open_case(*facts, number='S-2026-0007')}"


@pytest.fixture(scope="module")
def browser(case: str) -> Generator[Browser]:
    """The browser, started after everything that needs an event loop of its own."""
    assert case
    with chromium() as started:
        yield started


def fill_time(page: Page, name: str, *typed: str) -> None:
    """Type a time."""
    for field, text in parts(name, *typed).items():
        page.fill(f"#{field}", text)


@pytest.mark.parametrize(("name", "viewport"), [("desktop", DESKTOP), ("phone", PHONE)])
def test_a_caseworkers_day(
    browser: Browser, client: tuple[Service, Api], case: str, name: str, viewport: ViewportSize
) -> None:
    """A referral with its hour, an error one can follow, the gate before a decision, a consent taken back."""
    with reading(browser, client[0].url, viewport) as page:
        sign_in(page, CASEWORKER, "/sager/ny")
        page.get_by_role("button", name="Opret sagen").click()
        page.wait_for_function("document.activeElement.id === 'fejl'")
        wrong = {"error": faults(page)}
        picture(page, f"{name}-write-error")
        page.get_by_role("link", name="Svar på »Hvem henvender sig«.").click()
        assert page.evaluate("document.activeElement.id") == "notifier_kind"
        fill_time(page, "happened", "04", "03", "2026", "09.40")
        page.select_option("#notifier_kind", "professional")
        page.locator("#identity_known-0").check()
        page.select_option("#channel", "phone")
        page.fill("#concern", "Mor udebliver fra konsultationer.")
        page.select_option("#programme", "smaaboernsteam_001")
        page.select_option("#person1_rolle", "expectant_mother")
        page.fill("#person1_navn", "Alma Eksempel")
        page.locator("#person1_om-0").check()
        page.get_by_role("button", name="Opret sagen").dblclick(no_wait_after=True)
        # The second click breaks off the navigation of the first: what is waited for is the page, not its way there.
        page.locator("#registreret").wait_for()
        assert "Senest 05-03-2026 kl. 09.40" in words(page)
        wrong["receipt"] = faults(page)
        picture(page, f"{name}-write-receipt")
        page.goto("/min-dag")
        wrong["day"] = faults(page)
        picture(page, f"{name}-write-day")
        page.goto(f"{case}/registrer/afgoerelse")
        page.select_option("#decision", "ny")
        page.select_option("#outcome", "grant")
        page.fill("#measure", "familiebehandling")
        page.locator("#about-1").check()
        page.locator("#legal_basis-1").check()
        page.fill("#grounds", "Fordi barnet trives dårligt.")
        page.get_by_role("group", name="Hvad bygger afgørelsen på?").get_by_label(re.compile("Kommer ofte")).check()
        page.get_by_role("button", name="Kontrollér, før du gemmer").click()
        page.get_by_role("heading", name="Kontrol før du gemmer").wait_for()
        assert "Du er ved at træffe afgørelsen »bevilling« (familiebehandling)" in words(page)
        wrong["gate"] = faults(page)
        picture(page, f"{name}-write-gate")
        page.goto(f"{case}/registrer/samtykke-tilbagekaldt")
        page.select_option("#consent", "c-1")
        page.select_option("#withdrawn_by", "parent-A")
        page.select_option("#channel", "phone")
        fill_time(page, "happened", "06", "03", "2026", {"phone": "11.30"}.get(name, "11.31"))
        page.get_by_role("button", name="Registrér").click()
        page.wait_for_url("**/kvittering/*")
        assert "Underret modtageren om, at samtykket er tilbagekaldt: dagtilbud" in words(page)
        wrong["withdrawn"] = faults(page)
        picture(page, f"{name}-write-withdrawn")
        assert {what: found for what, found in wrong.items() if found} == {}


@pytest.mark.parametrize(("name", "viewport"), [("desktop", DESKTOP), ("phone", PHONE)])
def test_two_people_write_at_once(
    browser: Browser, client: tuple[Service, Api], case: str, name: str, viewport: ViewportSize
) -> None:
    """The second sees both versions side by side and chooses."""
    url, path = client[0].url, f"{case}/registrer/besoeg"
    with reading(browser, url, viewport) as mine, reading(browser, url, viewport) as theirs:
        for page, who, text in ((mine, CASEWORKER, f"Rolig, {name}."), (theirs, LEADER, f"Urolig, {name}.")):
            sign_in(page, who, path)
            page.select_option("#kind", "home_visit")
            page.locator("#about-1").check()
            page.fill("#duration_min", "60")
            page.fill("#observations", text)
        theirs.get_by_role("button", name="Registrér").click()
        theirs.wait_for_url("**/kvittering/*")
        theirs.go_back()
        theirs.wait_for_url(f"**{path}")
        theirs.go_forward()
        theirs.wait_for_url("**/kvittering/*")
        mine.get_by_role("button", name="Registrér").click()
        mine.get_by_role("heading", name="De to udgaver").wait_for()
        assert "Ændret af u-12 (leder)" in words(mine)
        assert faults(mine) == []
        picture(mine, f"{name}-write-conflict")
        mine.get_by_role("button", name="Begge: registrér også min").click()
        mine.wait_for_url("**/kvittering/*")
