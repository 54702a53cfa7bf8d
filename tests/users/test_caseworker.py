"""The ten stories of the caseworker, as seen in a browser on a desk and on a phone."""

import re
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ledger.document_systems import MAX_DOCUMENT_BYTES
from tests.api.browser import BROWSER, DESKTOP, PHONE, chromium, sign_in, words
from tests.api.client import Api, assessment, command, note
from tests.api.filing import LETTER, file
from tests.api.ruled import ruled
from tests.api.service import Service, until
from tests.conftest import Server, Template
from tests.users.caseworker_site import (
    CASEWORKER,
    CONSENT,
    LEADER,
    OF_S6,
    OTHER,
    Site,
    address,
    ago,
    check,
    choose,
    fill_consent,
    fill_time,
    register,
    shared,
    typed,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no browser: install chromium to see the pages in one"),
]
OPENED = "SELECT count(*) FROM ledger.event WHERE topic = 'case_opened'"


@pytest.fixture(scope="module")
def client(
    server: Server, stories_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[Service, Api]]:
    """A service over the six stories under the shipped rules, and a client of it."""
    with ruled(server, stories_template, tmp_path_factory.mktemp("caseworker"), CASEWORKER) as client:
        yield client


@pytest.fixture(scope="module")
def s6(client: tuple[Service, Api]) -> str:
    """The id of case S6."""
    found: dict[str, str] = {}

    def listed() -> bool:
        with client[1].acting_as(LEADER) as leader:
            found.update({item["state"]["number"]: item["case"] for item in leader.get("/cases").json()["items"]})
        return "S6" in found

    until(listed, "the case in the list")
    grant = {"role": "social_worker", "basis": "delegation", "case": found["S6"]}
    with client[1].acting_as(LEADER) as leader:
        assert leader.post(f"/staff/{OF_S6}/grants", grant).status_code == 201
    return found["S6"]


@pytest.fixture(scope="module")
def browser(s6: str) -> Generator[Browser]:
    """The browser, started after everything that needs an event loop of its own."""
    assert s6
    with chromium() as started:
        yield started


@pytest.fixture
def desk(browser: Browser, client: tuple[Service, Api]) -> Site:
    """The service on a desk."""
    return Site(browser, *client, "desktop", DESKTOP)


@pytest.fixture(params=["desktop", "phone"])
def site(request: pytest.FixtureRequest, browser: Browser, client: tuple[Service, Api]) -> Site:
    """The service on a desk and on a phone."""
    return Site(browser, *client, request.param, DESKTOP if request.param == "desktop" else PHONE)


def _refer(page: Page) -> None:
    fill_time(page, "happened", "04", "03", "2026", "09.40")
    choose(page, {"notifier_kind": "professional", "notifier_role": "midwife", "channel": "phone"})
    page.locator("#identity_known-0").check()
    page.fill("#concern", "Mor udebliver fra konsultationer.")
    choose(page, {"programme": "smaaboernsteam_001", "person1_rolle": "expectant_mother"})
    page.fill("#person1_navn", "Alma Eksempel")
    page.locator("#person1_om-0").check()


def test_caseworker_01_receives_a_referral(site: Site) -> None:
    """The receipt says number and deadline, to the hour; a second click or sending makes no second case."""
    before = site.api.query(OPENED)[0][0]
    with site.window() as page:
        page.context.clear_cookies()
        sign_in(page, CASEWORKER)
        page.get_by_role("link", name="Opret en ny sag").click()
        _refer(page)
        with page.expect_request(lambda one: one.method == "POST") as sent:
            page.get_by_role("button", name="Opret sagen").dblclick(no_wait_after=True)
        page.locator("#registreret").wait_for()
        receipt, text = page.url, words(page)
        assert re.search(r"Kvittering Sag \S+", text)
        assert "Senest 05-03-2026 kl. 09.40" in text
        assert "Senest 05-03-2026 ·" not in text
        assert re.search(r"Registreret \d\d-\d\d-\d{4} kl\. \d\d\.\d\d", text)
        site.keep(page, "01-receipt")
        form = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        again = page.request.post(sent.value.url, data=sent.value.post_data or "", headers=form)
        assert (again.status, again.url) == (200, receipt)
        page.get_by_role("link", name=re.compile("Bevis for nr")).first.click()
        page.get_by_role("heading", name="Bevis").wait_for()
    assert site.api.query(OPENED)[0][0] == before + 1


def _decide(page: Page, case: str) -> None:
    page.goto(f"{address(case)}/registrer/afgoerelse")
    page.get_by_role("button", name="Kontrollér, før du gemmer").click()
    summary = page.locator("#fejl")
    for missing in ("Begrundelse", "Hjemmel", "Hvad bygger afgørelsen på"):
        assert missing in summary.inner_text()
    choose(page, {"decision": "ny", "outcome": "grant"})
    page.fill("#measure", "familiebehandling")
    page.locator("#about-1").check()
    check(page, "legal_basis", "barnets lov § 32 stk. 1 nr. 5")
    page.fill("#grounds", "Fordi barnet trives dårligt.")
    page.get_by_role("group", name="Hvad bygger afgørelsen på?").get_by_label(re.compile("Kommer ofte")).check()
    page.get_by_role("button", name="Kontrollér, før du gemmer").click()
    page.get_by_role("heading", name="Kontrol før du gemmer").wait_for()


def test_caseworker_02_decides_on_it(site: Site) -> None:
    """Not without reason, law and facts; a sentence comes first, then the decision with what it rests on."""
    case = site.api.open_case(note("Kommer ofte for sent til sundhedsplejersken."))
    with site.window() as page:
        _decide(page, case)
        text = words(page)
        assert "Du er ved at træffe afgørelsen »bevilling« (familiebehandling)" in text
        assert "efter barnets lov § 32 stk. 1 nr. 5. Den bygger på 1 hændelse." in text
        site.keep(page, "02-gate")
        for field in page.locator('textarea[name^="grund_"]').all():
            field.fill("Barnet kan ikke vente.")
        page.get_by_role("button", name="Træf afgørelsen").click()
        page.wait_for_url("**/kvittering/*")
        page.goto(address(case))
        text = words(page)
        assert "Fordi barnet trives dårligt." in text
        assert "barnets lov § 32 stk. 1 nr. 5" in text
        page.goto(f"{address(case)}/afgoerelser")
        assert "bevilling" in words(page)
    events = [one["event"] for one in site.api.events(case)]
    assert events.count("DecisionMade") == 1


def test_caseworker_02_sends_it_to_be_approved(site: Site) -> None:
    """What was prepared waits in the leader's queue; nothing is decided, and the answer comes back to who sent it."""
    case = site.api.open_case(note("Kommer ofte for sent til sundhedsplejersken."))
    with site.window() as page:
        _decide(page, case)
        page.get_by_role("textbox", name=re.compile("Hvem skal godkende")).fill(CASEWORKER)
        for field in page.locator('textarea[name^="grund_"]').all():
            field.fill("Barnet kan ikke vente.")
        page.get_by_role("button", name="Send til godkendelse").click()
        page.locator("#fejl").wait_for()
        assert "ingen godkender det, de selv har forberedt" in page.locator("#fejl").inner_text()
        page.get_by_role("textbox", name=re.compile("Hvem skal godkende")).fill(LEADER)
        site.keep(page, "02-send")
        page.get_by_role("button", name="Send til godkendelse").dblclick(no_wait_after=True)
        page.locator("#registreret").wait_for()
        assert "Afgørelse sendt til godkendelse" in words(page)
        page.goto(f"{address(case)}/afgoerelser")
        page.get_by_role("link", name="nr. 3", exact=True).click()
        assert f"Sendt til {LEADER}" in words(page)
        assert page.get_by_role("button", name="Godkend afgørelsen").count() == 0
        site.keep(page, "02-sent")
    with site.window(LEADER) as page:
        page.goto("/ledelse/godkendelse")
        page.locator(f'a[href="{address(case)}/godkendelse/3"]').click()
        assert "Godkender du, træffes afgørelsen: »bevilling« (familiebehandling)" in words(page)
        page.get_by_label("Hvorfor sendes den tilbage").fill("Faderen er ikke hørt.")
        page.get_by_role("button", name="Send tilbage").click()
        page.get_by_text("Faderen er ikke hørt.").wait_for()
    events = [one["event"] for one in site.api.events(case)]
    assert events[2:] == ["DecisionSubmitted", "DecisionReturned"]
    with site.window() as page:
        page.goto("/min-dag")
        site.keep(page, "02-answer")
        page.locator(f'a[href="{address(case)}/godkendelse/3"]').click()
        assert "Faderen er ikke hørt." in words(page)
        page.get_by_role("link", name="Ret afgørelsen, og send den igen").click()
        assert page.locator("#grounds").input_value() == "Fordi barnet trives dårligt."
        page.get_by_role("button", name="Kontrollér, før du gemmer").click()
        page.get_by_role("heading", name="Kontrol før du gemmer").wait_for()
        assert "Den bygger på 1 hændelse." in words(page)


def test_caseworker_03_records_consent(site: Site) -> None:
    """The cell turns green; no, not asked and run out look and are called differently, and none counts as another."""
    over = CONSENT | {
        "consent": "c-old",
        "scope": ["midwife"],
        "valid_to": "2026-03-05",
        "purpose": "Overgang til dagtilbud",
    }
    case = site.api.open_case(command("ConsentGiven", over))
    with site.window() as page:
        page.goto(f"{address(case)}/registrer/samtykke")
        fill_consent(page, ["daycare"], refused=["health_visitor"])
        for part, text in (("day", "31"), ("month", "12"), ("year", "2099")):
            page.fill(f"#valid_to_{part}", text)
        page.get_by_text("Flere oplysninger").click()
        page.fill("#interpreter", "tolk-7")
        register(page)
        assert "2 hændelser er registreret" in words(page)
        page.goto(f"{address(case)}/samtykker")
        table = page.get_by_role("table", name=re.compile("person og formål mod modtager")).first
        marks = {
            office: table.locator("tbody tr").first.locator("td").nth(number).inner_text()
            for number, office in enumerate(table.locator("thead th").all_inner_texts()[1:])
        }
        assert "Givet" in marks["dagtilbud"]
        assert "Nægtet" in marks["sundhedsplejerske"]
        assert "Udløbet" in marks["jordemoder"]
        classes = {
            word: page.locator(".legend .mark", has_text=word).first.get_attribute("class")
            for word in ("Givet", "Nægtet", "Udløbet", "Ikke spurgt")
        }
        assert len(set(classes.values())) == 4, classes
        text = words(page)
        assert "tolk-7" in text
        assert "31-12-2099" in text
        site.keep(page, "03-matrix")


def test_caseworker_03_files_the_signed_consent(site: Site, tmp_path: Path) -> None:
    """The paper that was signed goes on record with the consent; what is no paper is told beside its field."""
    case = site.api.open_case()
    paper, other = tmp_path / "Samtykke Alma.pdf", tmp_path / "Samtykke.docx"
    paper.write_bytes(LETTER)
    other.write_bytes(b"PK\x03\x04")
    with site.window() as page:
        page.goto(f"{address(case)}/registrer/samtykke")
        fill_consent(page, ["daycare"])
        page.set_input_files("#papir", other)
        page.get_by_role("button", name="Registrér", exact=True).click()
        assert "ikke PDF, PNG eller JPEG" in page.locator("#fejl").inner_text()
        page.locator('#fejl a[href="#papir"]').click()
        assert page.evaluate("document.activeElement.id") == "papir"
        site.keep(page, "03-no-paper")
        page.get_by_label("Det underskrevne papir").set_input_files(paper)
        site.keep(page, "03-form")
        register(page)
        assert "2 hændelser er registreret" in words(page)
        site.keep(page, "03-receipt")
        page.goto(f"{address(case)}/samtykker")
        assert "Uændret siden journaliseringen" in words(page)
        site.keep(page, "03-paper")
        with page.expect_download() as opened:
            page.get_by_role("link", name=re.compile("Åbn papiret")).click()
        assert opened.value.path().read_bytes() == LETTER
    given, filed = site.api.events(case)[1:]
    assert given["commit"] == filed["commit"]
    assert given["data"]["evidence"] == filed["data"]["commitment"]


def test_caseworker_03_is_told_of_a_paper_too_large(desk: Site, tmp_path: Path) -> None:
    """The answer reaches a browser that is still sending, and what was typed stands there."""
    case, paper = desk.api.open_case(), tmp_path / "stort.pdf"
    paper.write_bytes(b"%PDF-" + bytes(MAX_DOCUMENT_BYTES + 10_000_000))
    with desk.window() as page:
        page.goto(f"{address(case)}/registrer/samtykke")
        fill_consent(page, ["daycare"])
        page.set_input_files("#papir", paper)
        page.get_by_role("button", name="Registrér", exact=True).click()
        assert "Filen er større end 50 MB" in page.locator("#fejl").inner_text(timeout=30_000)
        assert page.locator("#purpose").input_value() == "Overgang til dagtilbud"
    assert len(desk.api.events(case)) == 1


def test_caseworker_04_withdraws_consent(site: Site) -> None:
    """Said 11.30, typed later: both times stand, what went out at 11.38 is red, and a new consent mends none of it."""
    case = site.api.open_case(
        command("ConsentGiven", CONSENT), shared("2026-03-06T11:10:00+01:00"), shared("2026-03-06T11:38:00+01:00")
    )
    with site.window() as page:
        page.goto(f"{address(case)}/registrer/samtykke-tilbagekaldt")
        choose(page, {"consent": "c-1", "withdrawn_by": "parent-A", "channel": "phone"})
        fill_time(page, "happened", "06", "03", "2026", "11.30")
        register(page)
        text = words(page)
        assert "Hændt 06-03-2026 kl. 11.30" in text
        assert re.search(rf"Registreret {ago():%d-%m-%Y} kl\. \d\d\.\d\d", text)
        red = page.locator("tr.red")
        assert red.count() == 1
        assert "11.38" in red.inner_text()
        assert "Underret modtageren om, at samtykket er tilbagekaldt: dagtilbud" in text
        site.keep(page, "04-withdrawn")
        receipt = page.url
        _share(page, case, "daycare", "social")
        assert "Der er intet samtykke i kraft" in words(page)
        page.goto(f"{address(case)}/registrer/samtykke")
        fill_consent(page, ["daycare"])
        register(page)
        page.goto(f"{address(case)}/delinger?vis=uden")
        bad = words(page)
        assert "06-03-2026 kl. 11.38" in bad
        assert "1 deling uden gyldigt grundlag" in bad
        page.goto(receipt)
        assert page.locator("tr.red").count() == 1
        page.get_by_role("link", name="Registrér, at modtageren er underrettet").click()
        check(page, "recipients", "daycare")
        register(page)
        page.goto(receipt)
        assert "Underret modtageren" not in words(page)


def _share(page: Page, case: str, to: str, category: str, basis: str = "consent") -> None:
    page.goto(f"{address(case)}/registrer/videregivelse")
    choose(page, {"to": to, "basis": basis})
    check(page, "about", "parent-A")
    check(page, "data_categories", category)
    page.fill("#documents", "Statusnotat")
    page.fill("#purpose", "Forberedelse af fødslen")
    page.get_by_role("button", name="Kontrollér, før du gemmer").click()
    page.get_by_role("heading", name="Kontrol før du gemmer").wait_for()


def test_caseworker_05_shares_with_the_maternity_ward(site: Site) -> None:
    """The gate says on what it rests, which data, and asks to confirm the recipient; the receipt has the checksum."""
    ward = CONSENT | {"scope": ["hospital_ward"], "purpose": "Forberedelse af fødslen"}
    case = site.api.open_case(command("ConsentGiven", ward))
    assert file(site.api, case, 2).status_code == 201
    with site.window() as page:
        _share(page, case, "hospital_ward", "social")
        text = words(page)
        assert "Modtagerens navn og arbejdssted er ikke bekræftet." in text
        assert "oplysninger om sociale forhold vedrørende" in text
        page.locator("#recipient_confirmed-0").check()
        page.get_by_role("group", name=re.compile("dokument", re.IGNORECASE)).get_by_role("checkbox").first.check()
        page.get_by_role("button", name="Kontrollér igen").click()
        expect(page.get_by_text("Kontrollen finder intet, der mangler.")).to_be_visible()
        site.keep(page, "05-gate")
        page.get_by_role("button", name="Giv oplysningerne videre").click()
        page.wait_for_url("**/kvittering/*")
        assert re.search(r"Dokumentets kontrolsum [0-9a-f]{64}", words(page))
        site.keep(page, "05-receipt")


def test_caseworker_05_no_sharing_passes_by_the_gate_unseen(site: Site) -> None:
    """Over the API it is stopped or marked; by a law nobody names it needs a reason, which the leader sees."""
    case = site.api.open_case()
    asked = {"to": "hospital_ward", "basis": "consent", "data_categories": ["social"], "documents": ["Statusnotat"],
             "purpose": "Fødsel", "about": ["parent-A"], "recipient_confirmed": True}  # fmt: skip
    stopped = site.api.post(f"/cases/{case}/disclosures", asked, version=1)
    assert stopped.status_code == 409, stopped.text
    assert site.api.commit(case, 2, shared("2026-03-06T11:10:00+01:00")).status_code == 201
    with site.window() as page:
        page.goto(address(case))
        assert "Handling standset" in words(page)
        page.goto(f"{address(case)}/delinger")
        text = words(page)
        assert "Uden gyldigt samtykke" in text
        assert re.search("uden forudgående kontrol", text, re.IGNORECASE)
        _share(page, case, "hospital_ward", "social", basis="law")
        page.locator("#recipient_confirmed-0").check()
        page.get_by_role("button", name="Giv oplysningerne videre").click()
        page.get_by_text("Intet er gjort: kontrollen stoppede det").wait_for()
        page.locator("#grund").fill("Fødslen er gået i gang.")
        page.get_by_role("button", name="Giv oplysningerne videre").click()
        page.wait_for_url("**/kvittering/*")
    with site.window(LEADER) as page:
        page.goto("/ledelse/samtykkebrud")
        rows = page.get_by_role("row").filter(has=page.locator(f'a[href*="{case}"]'))
        assert rows.count() >= 2
        assert "Fødslen er gået i gang." not in words(page)
        page.goto(f"{address(case)}/delinger")
        assert "Fødslen er gået i gang." in words(page)


def test_caseworker_06_logs_a_visit_four_days_late(site: Site, s6: str) -> None:
    """It is called late, keeps its own time, moves the deadlines, and is in no page as of before it was recorded."""
    then, text = ago(days=4, minutes=3), f"Rolig kontakt ved {site.name}."
    with site.window(OF_S6) as page:
        page.goto(f"{address(s6)}/registrer/besoeg")
        choose(page, {"kind": "home_visit"})
        page.locator("#about-0").check()
        page.fill("#duration_min", "60")
        page.fill("#observations", text)
        fill_time(page, "happened", *typed(then + timedelta(days=5)))
        page.get_by_role("button", name="Registrér", exact=True).click()
        assert "Tidspunktet er ikke kommet endnu" in page.locator("#fejl").inner_text()
        fill_time(page, "happened", *typed(then))
        register(page)
        receipt = words(page)
        assert "efterregistreret (4 dage)" in receipt
        assert f"Hændt {then:%d-%m-%Y} kl. {then:%H.%M}" in receipt
        assert page.get_by_role("heading", name="Frister").count() == 1
        site.keep(page, "06-late")
        page.goto(address(s6))
        assert text in words(page)
        page.goto(f"{address(s6)}?known_at={(then + timedelta(days=2)):%Y-%m-%dT%H:%M:%S}Z")
        assert "som den var registreret" in words(page)
        assert text not in words(page)


def test_caseworker_07_corrects_a_mistake(site: Site) -> None:
    """Not without a reason; the old value stays struck through everywhere, and who decided on it is told."""
    decision = {"decision": "d-1", "outcome": "grant", "legal_basis": "barnets lov § 32", "facts": [2]}
    case = site.api.open_case(assessment(7), command("DecisionMade", decision))
    with site.window() as page:
        page.goto(f"{address(case)}/registrer/berigtigelse?nr=2&felt=score")
        page.fill("#score", "4")
        page.get_by_role("button", name="Registrér", exact=True).click()
        page.locator("#fejl").wait_for()
        page.fill("#begrundelse", "Forkert barn")
        register(page)
        assert "truffet af u-90" in words(page)
        site.keep(page, "07-receipt")
        page.goto(f"{address(case)}/registrer/berigtigelse?nr=2&felt=score")
        page.fill("#score", "5")
        page.fill("#begrundelse", "Tastefejl i rettelsen")
        register(page)
        for path in ("", "/haendelser/2"):
            page.goto(address(case) + path)
            page.emulate_media(media="print")
            struck = page.locator("del").all_inner_texts()
            assert any("7" in one for one in struck), (path, struck)
            assert "Forkert barn" in words(page)
            page.emulate_media(media="screen")
        page.goto("/min-dag")
        told = page.get_by_role("region", name="Rettet, efter at der blev truffet afgørelse")
        assert "bygger på nr. 2" in told.locator(f'li:has(a[href*="{case}"])').first.inner_text()


def test_caseworker_08_two_people_edit(site: Site) -> None:
    """The second sees who wrote what and when, both side by side, and what is chosen goes on record."""
    choice = "Begge: registrér også min" if site.name == "phone" else "Erstat: min gælder i stedet"
    case = site.api.open_case()
    path = f"{address(case)}/registrer/besoeg"
    with site.window() as mine, site.window(LEADER) as theirs:
        for page, text in ((mine, "Rolig kontakt."), (theirs, "Urolig kontakt.")):
            page.goto(path)
            choose(page, {"kind": "home_visit"})
            page.locator("#about-1").check()
            page.fill("#duration_min", "60")
            page.fill("#observations", text)
        register(theirs)
        mine.get_by_role("button", name="Registrér", exact=True).click()
        mine.get_by_role("heading", name="De to udgaver").wait_for()
        text = words(mine)
        assert re.search(r"Ændret af u-12 \(leder\) .*\d\d\.\d\d", text)
        row = mine.get_by_role("row").filter(has_text="Urolig kontakt.")
        assert "Rolig kontakt." in row.inner_text()
        assert mine.get_by_role("button", name=re.compile("^(Begge|Erstat|Behold):")).count() == 3
        site.keep(mine, "08-conflict")
        mine.get_by_role("button", name=choice).click()
        mine.wait_for_url("**/kvittering/*")
        mine.goto(address(case))
        text = words(mine)
        assert "Urolig kontakt." in text
        assert "Rolig kontakt." in text
        assert re.search(r"Registreret samtidig med nr\. \d+ af u-12", text)


def test_caseworker_09_my_day(site: Site) -> None:
    """Deadlines of all kinds by time left, counting down; only an event with its own time makes one go."""
    received = {"notifier_kind": "professional", "identity_known": True, "channel": "phone", "about": "child-A",
                "received_at": ago(hours=2).isoformat()}  # fmt: skip
    born = ago(days=2).isoformat()
    case = site.api.open_case(
        command("NotificationReceived", received, occurred_at=received["received_at"]),
        command("AdmissionApproved", {"programme": "spaed_smaaboern_000", "enrolment": "e-1"}, occurred_at=born),
        command("InterventionStarted", {"enrolment": "e-1"}, occurred_at=born),
        command("ChildBorn", {"child": "child-A", "mother": "parent-A"}, occurred_at=born),
        programme="spaed_smaaboern_000",
        number=f"DAG-{site.name}",
    )
    with site.window() as page:
        page.goto("/min-dag")
        rows = page.get_by_role("row").filter(has_text=f"DAG-{site.name}")
        expect(rows.first).to_be_visible()
        due = page.locator("table.my-day time").evaluate_all("all => all.map(one => one.dateTime)")
        assert due == sorted(due)
        assert len(due) > 1
        for duty in ("en uge efter fødslen", "Send kvittering", "Hold første opfølgning"):
            expect(rows.filter(has_text=duty)).to_have_count(1)
        hours = rows.filter(has_text="Vurdér, om barnets sundhed")
        assert re.search(r"\d\d-\d\d-\d{4} kl\. \d\d\.\d\d", hours.inner_text())
        assert "om 21 timer" in hours.inner_text()
        assert page.locator("main input, main select, main textarea").count() == 0
        site.keep(page, "09-day")
        hours.get_by_role("link", name=re.compile("Registrér: Underretning vurderet akut")).click()
        page.locator("#danger-1").check()
        page.fill("#participants", "u-12")
        page.fill("#grounds", "Ingen akut fare.")
        register(page)
        assert "Afsluttet frist" in words(page)
        page.goto("/min-dag")
        assert rows.filter(has_text="Vurdér, om barnets sundhed").count() == 0
        page.goto(f"{address(case)}/frister")
        assert "Overholdt" in words(page)


def test_caseworker_10_hands_over(site: Site) -> None:
    """The case is the sender's until the receiver takes it; a no with its reason leads back, a yes lets go."""
    case = site.api.open_case(command("CaseAllocated", {"to": [CASEWORKER], "for_role": "social_worker"}))
    with site.window() as mine, site.window(OTHER) as theirs:
        _hand_over(mine, case)
        mine.goto("/min-dag")
        assert "Du har den, til der er svaret." in words(mine)
        theirs.goto("/min-dag")
        waiting = theirs.locator(".alert", has=theirs.locator(f'a[href="{address(case)}"]'))
        assert "u-90 vil overdrage sagen til dig" in waiting.inner_text()
        site.keep(theirs, "10-handover")
        waiting.get_by_role("link", name=re.compile("Afvis")).click()
        theirs.get_by_role("button", name="Registrér", exact=True).click()
        assert "Hvorfor kan du ikke overtage sagen" in theirs.locator("#fejl").inner_text()
        theirs.fill("#reason", "Jeg er bror til faren.")
        theirs.get_by_role("button", name="Registrér", exact=True).click()
        theirs.wait_for_url("**/min-dag?afvist=ja")
        theirs.goto(address(case))
        assert "Sagen er ikke åben for dig" in words(theirs)
        mine.goto("/min-dag")
        back = mine.locator(".alert", has=mine.locator(f'a[href="{address(case)}"]'))
        assert "u-22 afviste" in back.inner_text()
        site.keep(mine, "10-declined")
        back.get_by_role("link", name=re.compile("Læs hvorfor")).click()
        assert "Jeg er bror til faren." in words(mine)
        _hand_over(mine, case)
        theirs.goto("/min-dag")
        theirs.locator(".alert", has=theirs.locator(f'a[href="{address(case)}"]')).get_by_role(
            "link", name=re.compile("Overtag")
        ).click()
        theirs.locator("#summary_read-0").check()
        register(theirs)
        mine.goto(address(case))
        assert "Sagen er ikke åben for dig" in words(mine)
        mine.goto("/min-dag")
        assert mine.locator(f'a[href="{address(case)}"]').count() == 0


def _hand_over(page: Page, case: str) -> None:
    page.goto(f"{address(case)}/registrer/overdragelse")
    page.fill("#to", OTHER)
    choose(page, {"for_role": "social_worker"})
    page.fill("#handover_note", "Familien har møde på fredag.")
    register(page)


def test_caseworker_10_opens_in_an_emergency(site: Site) -> None:
    """With a reason and for three hours that count down on every page; its holder is told; not in a conflict."""
    case, conflicted = (site.api.open_case() for _ in range(2))
    own = {"staff": OTHER, "kind": "kinship"}
    with site.api.acting_as(LEADER) as leader:
        assert leader.post(f"/cases/{conflicted}/conflicts-of-interest", own).status_code == 201
    with site.window(OTHER) as page:
        page.goto(address(case))
        page.get_by_role("button", name="Åbn sagen").click()
        page.get_by_role("link", name="Skriv, hvorfor sagen skal åbnes nu.").wait_for()
        page.fill("#begrundelse", "Barnet er alene hjemme i aften.")
        page.get_by_role("button", name="Åbn sagen").click()
        for path in ("", "/frister"):
            page.goto(address(case) + path)
            bar = page.locator(".alert-error").first
            assert re.search(
                r"Nødadgang til .*\d\d\.\d\d om (2 timer|1\d\d minutter)", " ".join(bar.inner_text().split())
            )
        site.keep(page, "10-emergency")
        page.goto(address(conflicted))
        assert "Sagen er ikke åben for dig" in words(page)
        assert page.get_by_role("button", name="Åbn sagen").count() == 0
    with site.window() as page:
        page.goto("/sager")
        told = page.get_by_role("region", name="Nødadgang til dine sager")
        assert "u-22" in told.locator(f'li:has(a[href*="{case}"])').inner_text()
