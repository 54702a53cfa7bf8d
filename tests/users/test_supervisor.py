"""The ten stories of a supervisor, in a real browser: what she sees, on a desk and on a phone."""

import re
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.api.accessibility import violations
from tests.api.browser import BROWSER, chromium, words
from tests.api.client import command, note
from tests.api.mail_server import mail_server
from tests.api.service import ROOT
from tests.conftest import Server, Template
from tests.users.supervisor_site import (
    ADMINISTRATOR,
    CASEWORKER,
    DECISION_DAY,
    LEADER,
    OFFICER,
    Site,
    clocks,
    done,
    downloaded,
    given,
    goes,
    late,
    numbers,
    prepared,
    received,
    rows,
    sampled,
    shared,
    shown,
    site_of,
    written,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no browser: install chromium to see the pages in one"),
]
WINDOW = pytest.mark.parametrize("window", ["desktop", "phone"])


@pytest.fixture(scope="module")
def site(server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    """A service over the six stories, and the browser."""
    with site_of(server, simulated_template, tmp_path_factory.mktemp("supervisor")) as opened, chromium() as browser:
        opened.browser.append(browser)
        yield opened


@WINDOW
def test_supervisor_01_consent_breaches(site: Site, window: str) -> None:
    """Disclosures without cover at their instant, why and by whom; a consent given afterwards changes nothing."""
    number = f"S-BRUD-{window}"
    case = site.opened(number, shared([]))
    done(site.api.commit(case, 2, given("c-late")))
    with site.reads(LEADER, window) as page:
        page.get_by_role("link", name="Samtykkebrud").first.click()
        page.wait_for_url("**/ledelse/samtykkebrud")
        listed = rows(page)
        (known,) = (row for row in listed if row.startswith("S6 ") and "trukket tilbage" in row)
        assert "nr. 18 Videregivelse" in known
        assert "dagtilbud samtykke dækket ikke dækket samtykket var trukket tilbage" in known
        assert re.search(r"u-\d+", known)
        (late,) = (row for row in listed if row.startswith(number))
        assert "ikke dækket" in late
        assert CASEWORKER in late
        shown(page, f"{window}-supervisor-01")
        page.locator("tr", has_text=number).get_by_role("link", name=re.compile("Videregivelse")).click()
        page.wait_for_url(f"**/sager/{case}**")


@WINDOW
def test_supervisor_02_consent_history_of_a_family(site: Site, window: str) -> None:
    """The matrix as known then; as known today, with what the register said otherwise beside it."""
    with site.reads(LEADER, window, f"{site.cases['S6']}/samtykker") as page:
        now = words(page)
        then = goes(page, f"{site.cases['S6']}/samtykker?known_at=2024-06-05T12:00:00Z")
        assert "som den var registreret 05-06-2024 kl. 14.00" in then
        assert "Trukket tilbage 03-06-2024" not in then
        assert "Trukket tilbage" in now
        page.get_by_role("link", name=re.compile("ved i dag|ændret viden", re.I)).first.click()
        assert "Ændret viden" in words(page)
        assert "Registret viste:" in words(page)
        shown(page, f"{window}-supervisor-02")


@WINDOW
def test_supervisor_03_overdue_now_and_then(site: Site, window: str) -> None:
    """As of a day the numbers are the same each time, add up to their lists, and each row opens its event."""
    with site.reads(LEADER, window) as page:
        page.get_by_role("link", name="Frister").first.click()
        page.wait_for_url("**/ledelse/frister")
        address = f"/ledelse/frister?{DECISION_DAY}&niveau=alle"
        assert "som den var registreret 21-08-2024 kl. 09.00" in goes(page, address)
        first = numbers(page)
        assert first
        shown(page, f"{window}-supervisor-03")
        for place, number in first[::3] if window == "desktop" else first[:1]:
            assert "known_at=2024-08-21" in place
            page.goto(place)
            assert len(rows(page)) == number, place
        page.goto(address)
        assert numbers(page) == first
        page.locator("section[aria-labelledby=liste] tbody td a").first.click()
        page.wait_for_url("**/sager/*?known_at=2024-08-21*#v*")
        assert page.locator(page.url.partition("#")[2].join(("#", ""))).is_visible()


def test_supervisor_03_a_new_rule_leaves_last_summer_as_it_was(site: Site, tmp_path: Path) -> None:
    """With half the hours to assess a notification from today, the board of a day in August 2024 stays the same."""
    address = f"/ledelse/frister?{DECISION_DAY}&niveau=alle"
    with site.reads(LEADER, address=address) as page:
        before = numbers(page), rows(page)
        text = (ROOT / "domain/rule_books/statute.toml").read_text("utf-8")
        book = text.replace('version = "1"', 'version = "2"', 1).replace("n = 24,", "n = 12,", 1)
        (tmp_path / "statute.toml").write_text(
            book.replace('id = "UND-24H"\nversion = 1', 'id = "UND-24H"\nversion = 2')
        )
        assert "Adopted" in site.told("rules", "adopt", tmp_path / "statute.toml")
        page.goto(address)
        assert (numbers(page), rows(page)) == before


@WINDOW
def test_supervisor_04_no_warning_is_said_to_be_none(site: Site, window: str) -> None:
    """A broken deadline with no warning on record says that none was delivered, and what set it going."""
    with site.reads(LEADER, window, f"{site.cases['S6']}/frister") as page:
        broken = " ".join(page.locator("section[aria-labelledby=overskredet]").inner_text().split())
        assert "Varsel: ikke leveret" in broken
        assert "nr. 2 Underretning modtaget hændt 28-03-2024 kl. 16.30" in broken
        shown(page, f"{window}-supervisor-04")


@WINDOW
def test_supervisor_04_escalation_proof(site: Site, window: str) -> None:
    """Each warning of a broken deadline: when, how, to whom, delivered or not, opened or not; none is left out.

    On the desk the mail server is down, on the phone it is up.
    """
    number = f"S-VARSEL-{window}"
    case = site.opened(number, command("CaseAllocated", {"to": CASEWORKER, "for_role": "social_worker"}), late())
    with site.reads(LEADER, window, f"/sager/{case}/frister") as page:
        assert "Varsel: ikke leveret (intet varsel sendt)" in words(page)
        assert "Varsler (0)" in words(page)
    with mail_server() as box:
        if window == "phone":
            site.warned(box.port)
    if window == "desktop":
        site.warned(box.port)
    with site.reads(LEADER, window, f"/sager/{case}/frister") as page:
        broken = " ".join(page.locator("section[aria-labelledby=overskredet]").inner_text().split())
        assert f"Varsel: leveret til {CASEWORKER}, ikke åbnet" in broken
        assert re.search(r"Varslet.*Om.*Kanal.*Modtager.*Leveret.*Åbnet", words(page))
        told = [row for row in rows(page, "varsler") if "barnets sundhed" in row]
        (mail,) = (row for row in told if f"e-mail {CASEWORKER}" in row)
        (own,) = (row for row in told if f"Min dag {CASEWORKER}" in row)
        assert re.match(r"[0-9]{2}-[0-9]{2}-[0-9]{4} kl. [0-9.]+ ", mail)
        assert own.endswith("ikke åbnet")
        down = "Ikke leveret mailserveren kunne ikke nås"
        assert (down if window == "desktop" else "leveret til mailserveren") in mail
        page.locator("#varsler").scroll_into_view_if_needed()
        shown(page, f"{window}-supervisor-04-warnings")
        assert violations(page) == []
    assert len(box.received) == (0 if window == "desktop" else len({str(one["Subject"]) for _, one in box.received}))
    assert not any(number in one.as_string() for _, one in box.received)
    with site.reads(CASEWORKER, window, "/min-dag") as page:
        assert "Varsler" in words(page)
        shown(page, f"{window}-supervisor-04-day")
        assert violations(page) == []
        page.get_by_role("link", name=f"Se fristerne i sag {number}").first.click()
        page.wait_for_url(f"**/sager/{case}/frister#varsler")
    with site.reads(LEADER, window, f"/sager/{case}/frister") as page:
        assert re.search(rf"Varsel: åbnet [0-9-]+ kl. [0-9.]+ af {CASEWORKER}", words(page))


@WINDOW
def test_supervisor_05_approve_with_four_eyes(site: Site, window: str) -> None:
    """She sees it frozen with what came since, and approves just that; a case that moves on is read again first."""
    number = f"S-4EYES-{window}"
    case = prepared(site, number)
    with site.reads(LEADER, window) as page:
        page.get_by_role("link", name="Godkendelse").first.click()
        page.wait_for_url("**/ledelse/godkendelse")
        (line,) = (row for row in page.locator("tr", has_text=number).all_inner_texts() if CASEWORKER in row)
        assert "»bevilling« (familiebehandling)" in line
        shown(page, f"{window}-supervisor-05-queue")
        done(site.api.commit(case, 3, note("Ringede igen.")))
        page.locator("tr", has_text=number).get_by_role("link", name=re.compile("Læs og svar")).click()
        frozen, since = page.get_by_role("region", name="Hvad den bygger på"), page.get_by_role("region", name="Kommet")
        assert "Kommer ofte for sent" in frozen.inner_text()
        assert "Ringede igen." not in frozen.inner_text()
        assert "Ringede igen." in since.inner_text()
        shown(page, f"{window}-supervisor-05")
        done(site.api.commit(case, 4, note("Og en gang til.")))
        page.get_by_role("button", name="Godkend afgørelsen").click()
        assert "Sagen er ændret, siden du åbnede siden" in words(page)
        assert written(site, case, "DecisionMade") == []
        page.get_by_label("Bemærkning").fill("Følg op om en måned.")
        page.get_by_role("button", name="Godkend afgørelsen").dblclick(no_wait_after=True)
        page.locator("#registreret").wait_for()
        (made,), (approved,) = written(site, case, "DecisionMade"), written(site, case, "DecisionApproved")
        assert made["commit"] == approved["commit"]
        assert (made["data"]["prepared_by"], made["data"]["approved_by"]) == (CASEWORKER, LEADER)
        assert approved["data"] == {"submission": 3, "remarks": "Følg op om en måned."}
        text = goes(page, f"/sager/{case}/afgoerelser/{made['version']}")
        assert f"Forberedt af {CASEWORKER}" in text
        assert f"Godkendt af {LEADER}" in text
        page.goto(f"/sager/{case}/godkendelse/3")
        assert page.get_by_role("button", name="Godkend afgørelsen").count() == 0
        shown(page, f"{window}-supervisor-05-approved")


def test_supervisor_05_not_her_own_and_not_without_a_reason(site: Site) -> None:
    """What she sent herself has no button; nothing is returned without a reason, and then nothing is decided."""
    own, other = prepared(site, "S-EGEN-4", sender=LEADER), prepared(site, "S-RETUR-4")
    with site.reads(LEADER, address=f"/sager/{own}/godkendelse/3") as page:
        assert "Du har selv forberedt eller sendt afgørelsen" in words(page)
        assert page.get_by_role("button", name=re.compile("Godkend|Send tilbage")).count() == 0
        page.goto(f"/sager/{other}/godkendelse/3")
        page.get_by_role("button", name="Send tilbage").click()
        assert "Skriv, hvorfor afgørelsen sendes tilbage" in words(page)
        page.get_by_label("Hvorfor sendes den tilbage").fill("Faderen er ikke hørt.")
        page.get_by_role("button", name="Send tilbage").click()
        page.get_by_text("Faderen er ikke hørt.").wait_for()
        page.goto("/ledelse/godkendelse")
        assert (
            "sendt tilbage"
            in page.get_by_role("region", name="Besvaret").locator("tr", has_text="S-RETUR-4").inner_text()
        )
    assert written(site, other, "DecisionMade") == []


@WINDOW
def test_supervisor_06_emergency_queue(site: Site, window: str) -> None:
    """An emergency access waits for a verdict of somebody else; one's own cannot be judged."""
    number = f"S-NOED-{window}"
    case = site.opened(number)
    reason = {"reason": "Barnet er alene hjemme."}
    with site.api.acting_as("u-24") as other, site.api.acting_as(LEADER):
        done(other.post(f"/cases/{case}/break-glass", reason))
    with site.reads(LEADER, window, "/ledelse/noedadgang") as page:
        review = page.get_by_role("region", name=re.compile(f"Sag {number}"))
        assert "Barnet er alene hjemme." in review.inner_text()
        shown(page, f"{window}-supervisor-06")
        review.get_by_label("Ikke berettiget").check()
        review.get_by_label("Begrundelse for vurderingen").fill("Vagten kunne nås.")
        review.get_by_role("button", name=re.compile("Registrér")).click()
        page.wait_for_url("**/ledelse/noedadgang")
        assert f"ikke berettiget, {LEADER}" in page.locator("tr", has_text=number).inner_text()


def test_supervisor_06_nobody_reviews_their_own(site: Site) -> None:
    """A leader who opened a case that is restricted to others finds no form for it; data protection does."""
    case, day = site.opened("S-EGEN"), (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
    body = {"category": "staff_conflict", "allowed": [CASEWORKER], "review_by": day, "reason": "Vedrører lederen."}
    with site.api.acting_as(OFFICER) as officer, site.api.acting_as(LEADER) as leader:
        done(officer.post(f"/cases/{case}/restrictions", body))
        done(leader.post(f"/cases/{case}/break-glass", {"reason": "Ingen andre er på arbejde."}))
    for staff, forms in ((LEADER, 0), (OFFICER, 1)):
        with site.reads(staff, address="/ledelse/noedadgang") as page:
            review = page.get_by_role("region", name=re.compile("Sag S-EGEN"))
            assert review.get_by_role("button").count() == forms, staff


@WINDOW
def test_supervisor_07_access_sample(site: Site, window: str) -> None:
    """A share of a month's looks by a seed, exports and administrators among them; the seed gives the same again."""
    month = f"{datetime.now(UTC):%m-%Y}"
    with site.reads(LEADER, window, "/ledelse/stikproeve") as page:
        page.get_by_label("Procent").fill("50")
        page.get_by_label("Måned").fill(month)
        page.get_by_role("button", name="Træk stikprøven").click()
        page.wait_for_url("**froe=*")
        sentence = page.locator("p.answer").inner_text()
        assert re.search(r"\d+ opslag udtrukket.*50 %, frø \d+", sentence)
        first = sampled(page)
        assert first
        shown(page, f"{window}-supervisor-07")
        page.reload()
        assert sampled(page) == first


def test_supervisor_07_the_sample_leaves_out_neither_exports_nor_administrators(site: Site) -> None:
    """With every look of the month drawn, the administrator's refused look and the export are on the list."""
    with site.reads(ADMINISTRATOR, address="/ledelse") as page:
        goes(page, "/ledelse/frister")
    month = f"{datetime.now(UTC):%m-%Y}"
    with site.reads(OFFICER) as page:
        page.goto(f"/ledelse/stikproeve?procent=100&froe=1&maaned={month}")
        found = sampled(page)
        assert any(f"{ADMINISTRATOR} administrator" in row and "Afvist" in row for row in found)
        assert any("et udtræk: events (parquet)" in row for row in found)


@WINDOW
def test_supervisor_07_verdicts_and_paper(site: Site, window: str) -> None:
    """A look of a sample gets a verdict of somebody else, shown with the look; the sample goes out as a PDF."""
    number = f"S-SET-{window}"
    case = site.opened(number)
    with site.reads(CASEWORKER, window, f"/sager/{case}/frister"), site.reads(LEADER, window) as page:
        page.goto(f"/ledelse/stikproeve?procent=100&froe=1&maaned={datetime.now(UTC):%m-%Y}")
        looks = page.locator("table.looks tbody tr")
        own = looks.filter(has_text=re.compile(rf"{LEADER} teamleder|{LEADER}")).filter(has_text="Dit eget opslag")
        assert own.count() > 0
        assert own.get_by_role("button").count() == 0
        look = looks.filter(has_text=number).filter(has_text="frister").first
        place = str(look.get_attribute("id"))
        look.get_by_role("button", name=re.compile("Registrér vurderingen")).click()
        assert "Vælg en vurdering." in words(page)
        look = page.locator(f"#{place}")
        look.get_by_label(re.compile("Vurdering af opslag")).select_option("unjustified:own_circle")
        look.get_by_role("button", name=re.compile("Registrér vurderingen")).click()
        page.wait_for_url(f"**#{place}")
        verdict = f"Ikke berettiget: egen familie eller bekendte. {LEADER}"
        assert verdict in " ".join(page.locator(f"#{place}").inner_text().split())
        assert page.locator(f"#{place}").get_by_role("button").count() == 0
        shown(page, f"{window}-supervisor-07-verdicts")
        assert violations(page) == []
        papers = [downloaded(page, page.get_by_role("link", name=re.compile("PDF"))) for _ in range(2)]
        assert papers[0][:5] == b"%PDF-"
        assert papers[0] == papers[1]
        assert f"Stikprøve: {verdict}" in goes(page, f"/sager/{case}/opslag")
        shown(page, f"{window}-supervisor-07-looks")


@WINDOW
def test_supervisor_08_move_a_caseload(site: Site, window: str) -> None:
    """Several cases go to one receiver for one reason in one commit; each waits to be taken over, clocks run on."""
    leaving, receiver = f"u-7{len(window)}", "u-24"
    allocated = command("CaseAllocated", {"to": leaving, "for_role": "social_worker"})
    cases = {number: site.opened(number, allocated, received()) for number in (f"S-{n}-{window}" for n in (1, 2, 3))}
    with site.reads(LEADER, window, f"/ledelse/overdragelse?fra={leaving}") as page:
        before = {number: goes(page, f"/sager/{case}/frister") for number, case in cases.items()}
        assert f"{leaving} har 3 sager" in goes(page, f"/ledelse/overdragelse?fra={leaving}")
        page.get_by_role("button", name="Overdrag de valgte sager").click()
        assert "Skriv, hvem der skal overtage sagerne." in words(page)
        page.get_by_label(f"S-3-{window}").uncheck()
        page.get_by_label("Hvem overtager?").fill(receiver)
        page.get_by_label("Hvorfor").fill("Fratræder ved månedens udgang.")
        shown(page, f"{window}-supervisor-08")
        page.get_by_role("button", name="Overdrag de valgte sager").dblclick(no_wait_after=True)
        page.get_by_role("heading", name="2 sager venter på at blive overtaget").wait_for()
        assert f"{leaving} har 1 sag" in words(page)
        shown(page, f"{window}-supervisor-08-moved")
        for number, case in cases.items():
            now = goes(page, f"/sager/{case}/frister")
            assert clocks(now) == clocks(before[number])
    moved = [one for number in list(cases)[:2] for one in written(site, cases[number], "CaseAllocated")[1:]]
    assert len({one["commit"] for one in moved}) == 1
    assert [one["data"]["handover_note"] for one in moved] == ["Fratræder ved månedens udgang."] * 2
    with site.reads(receiver, window, f"/sager/{cases[f'S-1-{window}']}/registrer/overtagelse") as page:
        page.select_option("#allocation", index=1)
        page.get_by_role("group", name=re.compile("læst")).get_by_label("Ja").check()
        page.get_by_role("button", name="Registrér").click()
        page.wait_for_url("**/kvittering/*")
    with site.reads(LEADER, window, f"/ledelse/overdragelse?fra={leaving}") as page:
        assert "1 sag venter på at blive overtaget" in words(page)


def test_supervisor_08_a_caseload_is_never_half_moved(site: Site) -> None:
    """Where the receiver may not see one of the cases nothing is moved, and the page says which."""
    allocated = command("CaseAllocated", {"to": "u-79", "for_role": "social_worker"})
    first, second = site.opened("S-HALV-1", allocated), site.opened("S-HALV-2", allocated)
    with site.api.acting_as(LEADER) as leader:
        conflict = {"staff": "u-24", "kind": "kinship"}
        done(leader.post(f"/cases/{second}/conflicts-of-interest", conflict, version=2))
    with site.reads(LEADER, address="/ledelse/overdragelse?fra=u-79") as page:
        page.get_by_label("Hvem overtager?").fill("u-24")
        page.get_by_label("Hvorfor").fill("Sygdom.")
        page.get_by_role("button", name="Overdrag de valgte sager").click()
        assert "Intet er overdraget. u-24 må ikke se: S-HALV-2." in words(page)
        assert "u-79 har 2 sager" in words(page)
    assert [len(written(site, case, "CaseAllocated")) for case in (first, second)] == [1, 1]


@WINDOW
def test_supervisor_09_restricted_cases(site: Site, window: str) -> None:
    """Who may see them, who opened them, which review is overdue; renewed or lifted with a reason, never silently."""
    number = f"S-LUKKET-{window}"
    case, day = site.opened(number), (datetime.now(UTC) + timedelta(days=40)).date().isoformat()
    body = {"category": "high_profile", "allowed": [LEADER], "review_by": day, "reason": "Omtale i pressen."}
    with site.api.acting_as(LEADER) as leader:
        done(leader.post(f"/cases/{case}/restrictions", body))
    with site.reads(LEADER, window) as page:
        assert "skulle have været gennemgået" in words(page)
        page.get_by_role("link", name="Begrænsede sager").first.click()
        page.wait_for_url("**/ledelse/begraensede")
        late = page.locator("tr", has_text="S5").inner_text()
        assert "Overskredet" in late
        assert f"{LEADER}, u-45" in late
        shown(page, f"{window}-supervisor-09")
        review = page.get_by_role("region", name=re.compile(f"Sag {number}"))
        review.get_by_label("Ophæves nu").check()
        review.get_by_role("button", name=re.compile("Registrér")).click()
        assert "Skriv begrundelsen." in words(page)
        review.get_by_label("Begrundelse").fill("Omtalen er hørt op.")
        review.get_by_role("button", name=re.compile("Registrér")).click()
        page.wait_for_url("**/ledelse/begraensede")
        assert number not in words(page)
        page.locator("tr", has_text="S5").get_by_role("link", name=re.compile("Hvem har set")).click()
        assert "opslag" in words(page)
    ended = written(site, case, "RestrictionReviewed")
    assert [(one["data"]["renewed"], one["data"]["reason"]) for one in ended] == [(False, "Omtalen er hørt op.")]


def test_supervisor_09_overdue_restriction_stays_closed_until_renewed(site: Site) -> None:
    """A lapsed restriction neither opens the case by itself nor hides: it is renewed for ninety days with a reason."""
    with site.reads("u-24", address="/sager") as page:
        assert "Sagen er ikke åben for dig" in goes(page, site.cases["S5"])
    with site.reads(LEADER, address="/ledelse/begraensede") as page:
        review = page.get_by_role("region", name=re.compile("Sag S5"))
        review.get_by_label(re.compile("Fortsætter, gennemgås igen senest")).check()
        review.get_by_label("Begrundelse").fill("Truslerne står på.")
        review.get_by_role("button", name=re.compile("Registrér")).click()
        page.wait_for_url("**/ledelse/begraensede")
        assert "Overskredet" not in page.locator("tr", has_text="S5").inner_text()


@WINDOW
def test_supervisor_10_yearly_review(site: Site, window: str) -> None:
    """Questions of the yearly review answered by what is on record: never yes without an event behind it."""
    with site.reads(LEADER, window, "/ledelse/barometer") as page:
        assert "Ikke oplyst" in words(page) or "ikke oplyst" in words(page)
        shown(page, f"{window}-supervisor-10")
        said_yes = [one for one in numbers(page) if "svar=yes" in one[0]]
        for place, number in said_yes if window == "desktop" else said_yes[:1]:
            page.goto(place)
            assert len(rows(page)) == number
            for row in rows(page):
                assert re.search(r"Ja nr\. \d+", row), row
        text = goes(page, f"{site.cases['S6']}/barometer")
        assert re.search(r"\d+ ja · \d+ nej · \d+ ikke oplyst", text)
