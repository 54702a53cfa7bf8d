"""What a legal or audit reviewer does and sees: ten stories in a real browser, on a desk and on a phone."""

import csv
import re
from base64 import b64decode, b64encode
from collections.abc import Generator
from datetime import UTC, datetime
from io import BytesIO, StringIO
from pathlib import Path

import orjson
import pytest
from playwright.sync_api import Browser, Page
from pypdf import PdfReader

from tests.api.browser import BROWSER, chromium, overflow, picture, words
from tests.api.client import command, note
from tests.api.filing import file, filed
from tests.api.service import until
from tests.api.test_rules import DISCLOSURE, given, ok
from tests.conftest import Server, Template
from tests.users.reviewer_site import (
    AUDITOR,
    CASEWORKER,
    DECIDED,
    LEADER,
    OFFICER,
    OTHER,
    STRANGER,
    WIDTHS,
    Site,
    content,
    sites,
    taken,
)
from tests.verifier.bundles import files_of, put_together, verdict

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no browser: install chromium to see the pages in one"),
]

ASKED = {"kind": "own", "by": "parent-A", "about": "parent-A", "received_at": "2026-03-04"}
LATER = ("extended to 30 August", "typing error", "denies the visit", "accepts support", "nr. 29 ", "nr. 39 ")
"""What was recorded in S6 after its first decision of August."""


@pytest.fixture(scope="module")
def site(server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    """The service over the six stories."""
    yield from sites(server, simulated_template, tmp_path_factory.mktemp("reviewer"))


@pytest.fixture(scope="module")
def browser(site: Site) -> Generator[Browser]:
    """The browser, started after everything that needs an event loop of its own."""
    del site
    with chromium() as started:
        yield started


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest) -> str:
    """On a desk or on a phone."""
    return request.param


@pytest.fixture
def page(browser: Browser, site: Site, width: str) -> Generator[Page]:
    """A window in which the auditor has signed in."""
    with site.window(browser, width) as opened:
        yield opened


def seen(page: Page, name: str, width: str) -> str:
    """Keep a picture of a page, which must not be wider than its window, and return its words."""
    picture(page, f"reviewer-{name}-{width}")
    assert overflow(page) == 0
    return words(page)


def look_of(page: Page) -> int:
    """Return the number under which a page says it is on record."""
    return int(page.locator("footer [data-look]").get_attribute("data-look") or 0)


def paper(content: bytes) -> str:
    """Return the words of a PDF without blanks: lines break anywhere."""
    text = " ".join(one.extract_text() for one in PdfReader(BytesIO(content)).pages)
    return "".join(text.replace("\u200b", "").split())


def test_reviewer_01_known_at_view(page: Page, site: Site, width: str) -> None:
    """An address with number and instant opens the case as it was on record: no page of it knows what came later."""
    page.goto("/sager/S6?known_at=2024-08-21T09:00+02:00")
    text = seen(page, "01-known-at", width)
    assert "som den var registreret 21-08-2024 kl. 09.00" in text
    assert "26 af 39 hændelser var registreret." in text
    assert "13 hændelser er registreret senere; 1 af dem var hændt inden da" in text
    assert "Viser 26 af 26 hændelser" in text
    if width == "phone":
        return
    links = page.get_by_label("Sagens sider").get_by_role("link").evaluate_all("all => all.map(one => one.href)")
    past = [link for link in links if "known_at" in link and "#" not in link]
    assert len(past) >= 6
    for link in [*past, f"/sager?known_at={DECIDED}", f"{site.cases['S6']}/afgoerelser/26?known_at={DECIDED}"]:
        page.goto(link)
        assert not [word for word in LATER if word in words(page)], link
    assert not [
        word for word in LATER if "".join(word.split()) in paper(content(taken(page, "Hent som PDF med bevispakke")))
    ]
    page.goto(f"{site.cases['S6']}/haendelser/29?known_at={DECIDED}")
    assert "extended to 30 August" not in words(page)
    page.goto("/protokol?q=sag:S6 til:2024-08-21")
    assert "26 træf" in words(page)
    assert "nr. 27 " not in words(page)


def test_reviewer_02_who_knew(page: Page, browser: Browser, site: Site, width: str) -> None:
    """Whatever way somebody looked, a row says who, when, as what, why, what was shown and as of when; refusals too."""
    number = f"S-2026-{width}"
    case = site.api.open_case(note("Alma ringede."), number=number)
    place = f"/sager/{case}"
    with site.api.acting_as(LEADER) as leader, site.api.acting_as(OTHER) as other:
        ok(leader.get(f"/cases/{case}/events"))
        assert other.post(f"/cases/{case}/break-glass", {"reason": "Barnet er alene."}).status_code == 201
        ok(other.get(f"/cases/{case}"))
    with site.window(browser, width, STRANGER) as closed:
        closed.goto(place)
        assert "Sagen er ikke åben for dig" in words(closed)
    until(lambda: number in site.api.get("/cases").text, "the case in the list")
    page.goto(f"/protokol?q=sag:{number}")
    taken(page, "Hent som CSV")
    page.goto("/soeg")
    page.get_by_label("Navn", exact=True).fill("Alma Eksempel")
    page.get_by_role("button", name="Søg").click()
    assert number in words(page)
    page.goto(f"{place}/bevispakke")
    taken(page, "Hent bevispakke", "button")
    now = page.goto(place) and look_of(page)
    page.get_by_label("Sagens sider").get_by_role("link", name="Hvem har set sagen").click()
    page.wait_for_url("**/opslag")
    text = seen(page, "02-looks", width)
    rows = page.locator("table.looks tbody tr").all_inner_texts()
    assert any(f"{now}" in row and AUDITOR in row and "revision" in row and "sagens side" in row for row in rows)
    for who, what in (
        (LEADER, "hændelser"), (OTHER, "Nødadgang"), (STRANGER, "Afvist"), (AUDITOR, "bevispakke"),
        (AUDITOR, "udtræk"), (AUDITOR, "søgning"),
    ):  # fmt: skip
        assert any(who in row and what.casefold() in row.casefold() for row in rows), (who, what, rows)
    assert "1 afvist" in text


def test_reviewer_03_prove_unchanged(page: Page, site: Site, width: str, tmp_path: Path) -> None:
    """The bundle of the case as it was holds on a machine with nothing of ours but the key."""
    page.goto("/kontrolpunkter")
    keys = page.locator("p.machine.text").all_inner_texts()
    options = [option for key in keys for option in ("--log-key", key)]
    page.goto(f"{site.cases['S6']}?known_at={DECIDED}")
    page.get_by_role("link", name="Hent bevispakke").click()
    page.wait_for_url("**/bevispakke?known_at=**")
    seen(page, "03-bundle", width)
    bundle = content(taken(page, "Hent bevispakke", "button"))
    files = files_of(bundle)
    assert {"README.txt", "verify.py", "checkpoint", "events/0026.json", "proofs/0026.tlog-proof"} <= set(files)
    assert "events/0027.json" not in files
    assert verdict(tmp_path, bundle, *options).answer["counts"]["events"] == 26
    assert verdict(tmp_path, bundle).code != 0


def test_reviewer_03_what_a_change_does(page: Page, site: Site, tmp_path: Path) -> None:
    """With the texts granted and a checkpoint kept from before: a changed byte is named, a removed event found out."""
    page.goto("/kontrolpunkter")
    keys = page.locator("p.machine.text").all_inner_texts()
    page.locator("details summary").click()
    (tmp_path / "kept").write_text(kept := page.locator("details pre").inner_text())
    options = [option for key in keys for option in ("--log-key", key)]
    case = site.api.open_case(note("Alma ringede."), command("AccessRequestReceived", ASKED))
    ok(site.api.commit(case, 3, command("AccessRequestAnswered", {"request": 3, "outcome": "granted"})))
    page.goto(f"/sager/{case}/bevispakke")
    page.get_by_label("Så langt svaret på aktindsigt rækker").check()
    page.get_by_label("Størrelsen på et kontrolpunkt").fill("999999")
    page.get_by_role("button", name="Hent bevispakke").click()
    assert "Skriv et tal, der ikke er større end pakkens eget kontrolpunkt." in words(page)
    page.get_by_label("Så langt svaret på aktindsigt rækker").check()
    page.get_by_label("Størrelsen på et kontrolpunkt").fill(kept.splitlines()[1])
    bundle = content(taken(page, "Hent bevispakke", "button"))
    files = files_of(bundle)
    assert any(name.startswith("consistency/") for name in files)
    held = verdict(tmp_path, bundle, *options, "--checkpoint", tmp_path / "kept")
    assert (held.code, held.answer["counts"]["told"]) == (0, 4), held
    told = orjson.loads(files["events/0002.json"])
    (sealed,) = told["sealed"]
    sealed["plaintext"] = b64encode(b64decode(sealed["plaintext"]).replace(b"Alma", b"Anna")).decode()
    changed = put_together({**files, "events/0002.json": orjson.dumps(told)})
    assert "events/0002" in verdict(tmp_path, changed, *options).failed
    missing = {name: one for name, one in files.items() if "/0002." not in name}
    assert verdict(tmp_path, put_together(missing), *options).code == 1


def test_reviewer_04_trace_a_decision(page: Page, site: Site, width: str) -> None:
    """What the decision rests on leads to the text of that day, and another link to what has come since."""
    page.goto(site.cases["S6"])
    page.get_by_label("Sagens sider").get_by_role("link", name="Afgørelser").click()
    page.get_by_role("link", name="nr. 26", exact=True).click()
    page.get_by_role("link", name="Hvad afgørelsen hviler på").first.click()
    text = seen(page, "04-dossier", width)
    assert "Partshøring" in text
    assert "2024-08-23" not in text
    assert "23.59.59" not in text
    dossier = page.url.partition("#")[0]
    basis = page.get_by_role("region", name="Oplysninger, afgørelsen hviler på, som de var registreret da")
    basis.get_by_role("link", name="nr. 22 Måling registreret").click()
    page.wait_for_url(f"**known_at={DECIDED}&nr=22#v22")
    relied = page.locator("#v22")
    assert re.search(r"Resultat\s*4", relied.inner_text())
    assert relied.locator("del").count() == 0
    page.goto(dossier)
    page.get_by_role("link", name="Se, hvad der er kommet til siden").click()
    since = seen(page, "04-since", width)
    assert "Resultat: 4" in since
    assert "Resultat: 3" in since
    assert "nr. 29" in since


def test_reviewer_05_correction(page: Page, site: Site, width: str) -> None:
    """The mistyped score stands struck through beside the right one, with reason, both times and who wrote each."""
    page.goto(site.cases["S6"])
    entry = page.locator("#v22")
    for media in ("screen", "print"):
        page.emulate_media(media=media)
        text = " ".join(entry.inner_text().split())
        assert entry.locator("del").inner_text().split()[-1] == "4"
        assert entry.locator("ins").inner_text().split()[-1] == "3"
        assert "registreret 18-06-2024 kl. 14.00 af u-61 (koordinator)" in text
        assert "02-09-2024 kl. 10.00 af u-61 (koordinator)" in text
        assert "typing error; paper form shows 3" in text
    page.emulate_media(media="screen")
    entry.get_by_role("link", name="nr. 22", exact=True).click()
    assert "Berigtigelser af hændelsen" in seen(page, "05-correction", width)


def test_reviewer_05_another_childs_value_is_not_kept_on_show(page: Page, browser: Browser, site: Site) -> None:
    """A value of the wrong child is corrected with its original restricted: caseworkers see that, not the value."""
    case = site.api.open_case(note("Et andet barns forhold: canary-4711."))
    wrong = {"corrects": 2, "field": "content", "old": "Et andet barns forhold: canary-4711.", "new": "Ringede."}
    fact = command("EntryCorrected", wrong | {"reason": "forkert barn", "restricted": True})
    assert site.api.commit(case, 2, fact).status_code == 201
    with site.window(browser, "desk", CASEWORKER) as caseworker:
        caseworker.goto(f"/sager/{case}")
        assert "canary-4711" not in caseworker.content()
        assert "Rettet: det oprindelige vises kun for revision" in words(caseworker)
    page.goto(f"/sager/{case}")
    assert "forkert barn" in words(page)


def test_reviewer_06_consent_at_the_moment_of_sharing(page: Page, site: Site, width: str) -> None:
    """A disclosure says to whom, which bytes, on which giving of a consent, by which rule and by whom; or is red."""
    case = site.api.open_case(given())
    filed(file(site.api, case, 2, subjects=["child-A"]))
    body = DISCLOSURE | {"documents_filed": [{"document": "letter-1", "version": 1}], "purpose": "Indkøring"}
    ok(site.api.post(f"/cases/{case}/disclosures", body, version=3))
    checksum = site.api.events(case)[2]["data"]["commitment"]
    taken_back = command("ConsentWithdrawn", {"consent": "c-1", "withdrawn_by": "parent-A", "channel": "phone"})
    later = taken_back | {"occurred_at": datetime.now(UTC).isoformat()}
    assert site.api.commit(case, 4, later).status_code == 201
    page.goto(f"/sager/{case}/delinger")
    text = seen(page, "06-covered", width)
    for told in ("dagtilbud", "letter-1, version 1", checksum, "udgave 1", "forvaltningsloven § 28", CASEWORKER):
        assert told in text, told
    assert "dækket (samtykke)" in text
    assert "samtykke c-1" in text
    page.goto(f"{site.cases['S6']}/delinger")
    text = seen(page, "06-uncovered", width)
    assert "Uden gyldigt samtykke" in text
    assert "gjaldt; efter alt, vi ved: var trukket tilbage 03-06-2024 kl. 13.15" in text
    page.goto(f"{site.cases['S6']}/delinger?known_at=2024-06-05T12:00:00Z")
    text = words(page)
    assert "dækket (samtykke)" in text
    assert "trukket tilbage" not in text


def test_reviewer_07_deadline_as_it_stood(page: Page, site: Site, width: str) -> None:
    """The four months on 12 June and on 12 August: rule, start, calendar, answer; a new rule changes neither."""

    def asked(day: str) -> str:
        page.goto(f"{site.cases['S6']}/frister?known_at={day}T10:00:00Z")
        row = page.get_by_role("row").filter(has_text="Afslut den børnefaglige undersøgelse")
        return " ".join(row.filter(has_text="nr. 2 Underretning modtaget").first.inner_text().split())

    june, august = asked("2024-06-12"), asked("2024-08-12")
    seen(page, "07-deadline", width)
    for told in (
        "regel BFU-4M, version 1", "barnets lov § 20, stk. 3", "28-07-2024", "hændt 28-03-2024 kl. 16.30",
        "Tælles: 4 måneder, fristen flyttes ikke", "uden pauser",
    ):  # fmt: skip
        assert told in june, (told, june)
        assert told in august, (told, august)
    assert "46 dage tilbage" in june
    assert "overskredet" not in june
    assert "overskredet" in august
    assert "Varsel: ikke leveret" in august
    if width == "desk":
        changes = (
            ('id = "BFU-4M"\nversion = 1', 'id = "BFU-4M"\nversion = 2'),
            ("due = { n = 4, unit", "due = { n = 2, unit"),
            ("warn = { n = 3", "warn = { n = 1"),
        )
        site.edit_rules("statute", "2", *changes)
        assert (asked("2024-06-12"), asked("2024-08-12")) == (june, august)


def test_reviewer_08_search_the_log(page: Page, site: Site, width: str) -> None:
    """Terms and facets narrow, negation works, the address is the search, files hold the same set and are on record."""
    page.goto("/protokol")
    page.get_by_label("Søgning").fill("handling:deling modtager:fødegang fra:2025-01-01")
    page.get_by_role("button", name="Søg", exact=True).click()
    assert "1 træf" in words(page)
    address = page.url
    page.get_by_label("Søgning").fill("handling:deling")
    page.get_by_role("button", name="Søg", exact=True).click()
    everything = page.locator("table tbody tr").count()
    text = seen(page, "08-log", width)
    assert "Afgræns" in text
    page.get_by_role("link", name="uden Modtager: dagtilbud").click()
    assert 0 < page.locator("table tbody tr").count() < everything
    assert "-modtager" in page.get_by_label("Søgning").input_value()
    shown = page.locator("table tbody tr").all_inner_texts()
    rows = list(csv.DictReader(StringIO(content(taken(page, "Hent som CSV")).decode("utf-8-sig"))))
    lines = [orjson.loads(line) for line in content(taken(page, "Hent som JSON-linjer")).splitlines()]
    assert len(rows) == len(lines) == len(shown)
    page.goto(f"{site.cases['S2']}/opslag")
    assert page.locator("table.looks tbody tr").filter(has_text="udtræk").count() >= 2
    page.goto(address)
    assert page.get_by_label("Søgning").input_value() == "handling:deling modtager:fødegang fra:2025-01-01"
    assert "1 træf" in words(page)
    page.goto("/protokol?q=barnet græder")
    assert "Der søges ikke i tekster her" in words(page)


def test_reviewer_08_keep_a_search_under_a_name(browser: Browser, site: Site, width: str) -> None:
    """A search that was kept under a name is among the chosen searches next time, also on the first page."""
    name = f"Delinger på {width}"
    with site.window(browser, width) as page:
        page.goto("/protokol?q=handling:deling")
        page.get_by_text("Gem søgningen under et navn").click()
        page.get_by_label("Navn", exact=True).fill(name)
        page.get_by_role("button", name="Gem søgningen").click()
        assert page.get_by_role("link", name=name).get_attribute("aria-current") == "page"
        assert name in seen(page, "08-kept", width)
    with site.window(browser, width) as page:
        page.goto("/sager")
        seen(page, "08-kept-first-page", width)
        page.get_by_role("link", name=name).click()
        assert page.locator("#q").input_value() == "handling:deling"
        page.get_by_role("button", name=f"Fjern {name}").click()
        page.wait_for_load_state()
        assert page.get_by_role("link", name=name).count() == 0


def test_reviewer_09_produce_for_a_court(page: Page, site: Site, width: str) -> None:
    """A range is chosen, another's words are left out with code and reason; the paper says so, the same each time."""
    case = site.api.open_case(note("Først om Alma.\nOm naboen: canary-4711."), note("Andet"), note("Tredje"))
    page.goto(f"/sager/{case}/udlevering")
    page.get_by_label("Hvem skal have sagen?").select_option("ny:court:court")
    page.get_by_label("Hvilke poster?").fill("1-3")
    page.get_by_role("button", name="Vis, hvad der vil blive udleveret").click()
    assert "Nr. 4 Notat" not in words(page)
    page.locator("input[name=undtag][value='2.content.2']").check()
    page.get_by_label("Kode", exact=True).select_option("TREDJE")
    page.get_by_label("Hvorfor?").fill("Naboens forhold.")
    seen(page, "09-choose", width)
    page.get_by_role("button", name="Opdatér gennemsynet").click()
    assert "canary-4711" not in page.content()
    page.get_by_role("button", name="Registrér og dan papiret").click()
    page.wait_for_url(re.compile(r"/udlevering/\d+$"))
    assert "Naboens forhold." in seen(page, "09-made", width)
    first = content(taken(page, "Hent papiret (PDF)"))
    page.reload()
    assert content(taken(page, "Hent papiret (PDF)")) == first
    text = paper(first)
    assert "canary-4711" not in text
    assert "TREDJE" in text
    assert "Naboensforhold." in text
    assert re.search(r"[Ss]ide1af\d+", text)
    assert b"pdfaid" in first
    assert "canary-4711" in str(site.api.events(case)[1])


def test_reviewer_10_citizen_asks_who_looked(browser: Browser, site: Site, width: str) -> None:
    """A person and a period make a letter with dates, purposes, roles; names only by a decision; itself on record."""
    case = site.api.open_case(note("Alma ringede."))
    ok(site.api.get(f"/cases/{case}/events"))
    with site.window(browser, width, OFFICER) as page, site.api.acting_as(OFFICER) as officer:
        letter, text = _extract(page, case, width)
        assert "sagsbehandling" in text.casefold()
        assert CASEWORKER not in text
        assert CASEWORKER not in letter
        assert "Hvemharsetoplysningeromdig" in letter
        release = {
            "person": "parent-A",
            "ground": "needed_for_rights",
            "legal_basis": ["C-579/21"],
            "reason": "Klagesag",
        }
        ok(officer.post(f"/cases/{case}/staff-name-releases", release))
        letter, text = _extract(page, case, width)
        assert CASEWORKER in text
        assert CASEWORKER in letter
        page.goto(f"/sager/{case}/opslag")
        assert "udskrift" in words(page)
    with site.api.acting_as(AUDITOR) as auditor:
        assert [one["event"] for one in auditor.events(case)].count("LookupExtractMade") == 2


def _extract(page: Page, case: str, width: str) -> tuple[str, str]:
    """Make an extract for the mother on the page, and return the words of its letter and of its page."""
    page.goto(f"/sager/{case}/opslag/udtraek")
    page.get_by_label("Hvem er udskriften til?").select_option("parent-A")
    since = page.get_by_role("group", name="Fra dag (kan udelades)")
    for label, typed in (("Dag", "1"), ("Måned", "1"), ("År", "2026")):
        since.get_by_label(label).fill(typed)
    page.get_by_role("button", name="Dan udskriften").click()
    page.wait_for_url(re.compile(r"/udtraek/\d+$"))
    main = " ".join(page.locator("main").inner_text().split())
    seen(page, "10-extract", width)
    return paper(content(taken(page, "Hent brevet (PDF)"))), main
