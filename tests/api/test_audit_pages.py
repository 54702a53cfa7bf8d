"""The pages of reviewers over HTTP with real sessions: decisions, comparisons, the log, checkpoints, people."""

import csv
import re
from collections.abc import Generator
from contextlib import ExitStack
from html import unescape
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zipfile import ZipFile

import orjson
import pytest

from api.principals import command_line_principal
from api.rule_adoption import adopt_shipped
from tests.api.client import Api, Response, command, note, talking_to
from tests.api.service import Service, environment, serving, until
from tests.api.signing_in import OWN_PAGE
from tests.conftest import Server, Template, clone

AUDITOR, LEADER, CASEWORKER, STRANGER, ANALYST = "u-95", "u-12", "u-25", "u-90", "u-96"
STAFF = (AUDITOR, LEADER, CASEWORKER, STRANGER, ANALYST)
DECIDED, LATER = "2024-08-21T07:00:00Z", "2024-12-01T12:00:00Z"
Clients = dict[str, Api]


@pytest.fixture(scope="module")
def staff(server: Server, stories_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Clients]:
    """A client for each of them, of a service over the six stories under the shipped rules."""
    folder: Path = tmp_path_factory.mktemp("reviewers")
    for place in clone(server, stories_template, folder / "home"):
        with place.ledger() as ledger:
            adopt_shipped(ledger, command_line_principal("test"), ledger.now())
        with (
            serving(environment(place.conninfo, folder / "home"), folder / "errors.log") as service,
            ExitStack() as stack,
        ):
            yield _ready(
                {who: stack.enter_context(talking_to(service.url, place.conninfo, who)) for who in STAFF}, service
            )


def _ready(clients: Clients, _service: Service) -> Clients:
    """Return the clients once the log is signed and the list has followed."""
    auditor = clients[AUDITOR]
    until(lambda: len(auditor.get("/cases").json()["items"]) == 6, "the list to follow")
    until(lambda: auditor.get("/log/checkpoint").status_code == 200, "a checkpoint")
    return clients


@pytest.fixture(scope="module")
def cases(staff: Clients) -> dict[str, str]:
    """The addresses of the cases by number."""
    items = staff[AUDITOR].get("/cases").json()["items"]
    return {item["state"]["number"]: f"/sager/{item['case']}" for item in items}


def page(client: Api, path: str, status: int = 200) -> str:
    """Return a page that no cache keeps, with its status checked, as text with its markup."""
    answer = client.http.get(path, headers=OWN_PAGE)
    assert answer.status_code == status, (answer.status_code, answer.headers, words(answer.text)[:2000])
    assert answer.headers["cache-control"] == "no-store"
    return unescape(answer.text)


def words(html: str) -> str:
    """Return the text of a page, one blank between words."""
    return " ".join(re.sub(r"<[^>]*>", " ", unescape(html)).split())


def look_of(client: Api, html: str) -> dict[str, Any]:
    """Return the look that a page says it is on record under."""
    (position,) = re.findall(r"<footer.*?opslag (\d+)", html, re.DOTALL)
    ((topic, state),) = client.query("SELECT topic, state FROM ledger.event WHERE position = %s", int(position))
    assert topic == "record_viewed"
    return orjson.loads(state)["data"]


def searched(text: str) -> str:
    """Return the address of a search of the log."""
    return f"/protokol?q={quote(text)}"


def test_a_dossier_answers_first_and_links_to_what_was_known_then(staff: Clients, cases: dict[str, str]) -> None:
    """The call the decider took comes first; the score relied on was corrected; links keep the instant."""
    html = page(staff[AUDITOR], f"{cases['S6']}/afgoerelser/26")
    text = words(html)
    first = text[text.index("Læs først") :]
    assert "Notat nåede frem til den, der traf afgørelsen, 20-08-2024 kl. 11.30 og stod ikke i registret" in first[:200]
    lamps = re.findall(r'badge-(\w+)">([\w ]+)</span> <a href="#\w+">([^<]+)', html)
    assert ("error", "nej", "Partshøring") in lamps
    assert ("success", "ja", "Hjemmel") in lamps
    assert len(lamps) == 8
    assert "Resultat: 4 → 3" in text
    assert "afgjort 2 dage før fristen" in text
    assert f'href="{cases["S6"]}?known_at={DECIDED}&nr=22#v22"' in html
    assert f'href="{cases["S6"]}?nr=29#v29"' in html
    seen = look_of(staff[AUDITOR], html)
    assert (seen["what"], seen["cases"]) == ("dossier", [cases["S6"].rpartition("/")[2]])


def test_a_dossier_of_the_past_holds_nothing_recorded_later(staff: Clients, cases: dict[str, str]) -> None:
    """The day after the decision neither the late note nor the correction was on record."""
    text = words(page(staff[AUDITOR], f"{cases['S6']}/afgoerelser/26?known_at=2024-08-22T12:00:00Z"))
    assert "som den var registreret 22-08-2024 kl. 14.00" in text
    assert "4 → 3" not in text
    assert "nr. 29" not in text
    assert "0 nået frem, men ikke registreret" in text


def test_a_consent_that_came_after_the_decision_is_called_by_its_own_name(
    staff: Clients, cases: dict[str, str]
) -> None:
    """Nobody had been asked then, so there is no person to name."""
    html = page(staff[AUDITOR], f"{cases['S2']}/afgoerelser/17")
    assert ">None<" not in html
    assert re.search(r">samtykke c-[a-z0-9-]+<", html)


@pytest.mark.parametrize(
    ("place", "status"),
    [
        ("afgoerelser/2", 404),
        ("afgoerelser/<script>", 404),
        ("afgoerelser/0", 404),
        ("afgoerelser/26?valid_at=2024-08-22T12:00:00Z", 400),
        ("afgoerelser/26?known_at=2019-01-01T00:00:00Z", 404),
        ("afgoerelser/26?known_at=2999-01-01T00:00:00Z", 400),
        ("afgoerelser/26?known_at=yesterday", 400),
        ("afgoerelser/26/dossier.pdf?known_at=yesterday", 400),
        ("afgoerelser/2/dossier.pdf", 404),
        ("sammenlign?from=2025-01-01T00:00:00Z&to=2024-01-01T00:00:00Z", 400),
        ("sammenlign?from=2999-01-01T00:00:00Z", 400),
        ("sammenlign?from=2024-01-01T00:00:00Z&view=everything", 400),
        ("sammenlign?from=2024-01-01T00:00:00Z&regler=statute@99", 400),
        ("sammenlign?fra=2024-01-01T00:00:00Z", 400),
    ],
)
def test_what_cannot_be_shown_is_told(staff: Clients, cases: dict[str, str], place: str, status: int) -> None:
    """No decision, an instant that cannot be, a misspelt parameter: a page that says so."""
    html = page(staff[AUDITOR], f"{cases['S6']}/{place}", status)
    assert "<h1>" in html
    assert "<script>" not in html


def test_decisions_are_listed_with_what_is_missing(staff: Clients, cases: dict[str, str]) -> None:
    """The latest first; as of before the second one there is one alone."""
    html = page(staff[AUDITOR], f"{cases['S6']}/afgoerelser")
    assert re.findall(r"afgoerelser/(\d+)\"", html.partition("<main")[2]) == ["38", "26", "14"]
    assert "nej: Kompetence, Partshøring, Barnets perspektiv, Klagevejledning" in words(html)
    assert look_of(staff[AUDITOR], html)["what"] == "decisions"
    past = page(staff[AUDITOR], f"{cases['S6']}/afgoerelser?known_at=2024-05-01T00:00:00Z")
    assert re.findall(r"afgoerelser/(\d+)\?", past.partition("<main")[2]) == ["14"]


@pytest.mark.parametrize("place", ["afgoerelser", "afgoerelser/26", "afgoerelser/26/dossier.pdf", "sammenlign"])
def test_a_case_closed_to_somebody_stays_closed(staff: Clients, cases: dict[str, str], place: str) -> None:
    """The refusal says so and is on record."""
    assert "Sagen er ikke åben for dig" in page(staff[STRANGER], f"{cases['S6']}/{place}", 403)


def sent(client: Api, html: str, answer: str) -> Response:
    """Send the form of a dossier's page for a bundle."""
    action = re.findall(r'action="([^"]*/bevispakke)"', html)[0]
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', html))
    return client.http.post(action, data=hidden | {"svar": answer}, headers=OWN_PAGE)


def test_a_bundle_is_handed_out_once_for_two_clicks(staff: Clients, cases: dict[str, str]) -> None:
    """A zip that proves every entry; the second click is the same request; that it left is on record."""
    client = staff[LEADER]
    html = page(client, f"{cases['S6']}/afgoerelser/26")
    made, again = sent(client, html, ""), sent(client, html, "")
    assert (made.status_code, made.headers["content-type"]) == (200, "application/zip"), made.text[:500]
    assert made.content == again.content
    assert "README.txt" in ZipFile(BytesIO(made.content)).namelist()
    assert int(made.headers["access-event"]) > 0
    count = "SELECT count(*) FROM ledger.event WHERE topic = 'exported'"
    assert client.query(count)[0][0] == 1
    assert sent(client, html, "26").status_code == 422, "no answer to a request for access"
    action = f"{cases['S6']}/bevispakke"
    assert client.http.post(action, data={"svar": ""}, headers=OWN_PAGE).status_code == 403, "a foreign form"


def test_a_dossier_on_paper_is_handed_out(staff: Clients, cases: dict[str, str]) -> None:
    """Through the page, to those who may make evidence."""
    pytest.importorskip("typst")
    answer = staff[LEADER].http.get(f"{cases['S6']}/afgoerelser/26/dossier.pdf", headers=OWN_PAGE)
    assert answer.status_code == 200
    assert answer.content.startswith(b"%PDF")
    assert "attachment" in answer.headers["content-disposition"]


def test_a_comparison_explains_each_difference(staff: Clients, cases: dict[str, str]) -> None:
    """The corrected score and the late note, each with its entry; time alone stands apart."""
    html = page(staff[AUDITOR], f"{cases['S6']}/sammenlign?from={DECIDED}&to={LATER}&view=all")
    text = words(html)
    assert re.search(r"\d+ forskelle, alle forklaret\.", text)
    assert "berigtigelse: nr. 30 Berigtigelse" in text
    assert "efterregistrering: nr. 29 Notat, hændt 20-08-2024 kl. 11.30, registreret 26-08-2024 kl. 08.20" in text
    assert "uden forklaring" not in text
    knowledge, _, time = text.partition("Fordi uret er gået")
    assert "tiden er gået" in time
    assert "Undersøgelser: a-6" in knowledge
    assert look_of(staff[AUDITOR], html)["what"] == "comparison"
    still = words(page(staff[AUDITOR], f"{cases['S6']}/sammenlign?from={DECIDED}&to={LATER}&view=all&uret=staar"))
    assert "Uret står stille 21-08-2024 kl. 09.00" in still
    assert "tiden er gået:" not in still


def test_a_comparison_offers_what_came_since_each_decision(staff: Clients, cases: dict[str, str]) -> None:
    """Without an instant it asks; the form leads to the canonical address; half a date is told."""
    html = page(staff[AUDITOR], f"{cases['S6']}/sammenlign")
    assert f'href="{cases["S6"]}/sammenlign?from={DECIDED}&view=all"' in html
    query = "from_day=21&from_month=8&from_year=2024&from_clock=9.00&view=findings"
    answer = staff[AUDITOR].http.get(f"{cases['S6']}/sammenlign?{query}", headers=OWN_PAGE, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"{cases['S6']}/sammenlign?from={DECIDED}&view=findings",
    )
    assert "dag og måned" in page(staff[AUDITOR], f"{cases['S6']}/sammenlign?from_month=8", 400)


def test_cases_are_compared_page_by_page(staff: Clients, cases: dict[str, str]) -> None:
    """Across the cases one may see, each row with its case."""
    html = page(staff[LEADER], f"/sammenlign?from={DECIDED}&view=deadlines")
    assert {number for number in cases if f'href="{cases[number]}">{number}</a>' in html} >= {"S1", "S6"}
    assert look_of(staff[LEADER], html)["what"] == "comparison_board"


def found(html: str) -> list[str]:
    """Return the cases and entries that a page of the log search lists."""
    return [f"{case}#v{entry}" for case, entry in re.findall(r'href="(/sager/[\w-]+)\?nr=(\d+)#v\2"', html)]


def test_the_log_is_searched_by_field_with_negation(staff: Clients, cases: dict[str, str]) -> None:
    """Uncovered disclosures, late entries, a role left out: each alone."""
    assert f"{cases['S6']}#v18" in found(page(staff[AUDITOR], searched("handling:deling dækning:nej sag:s6")))
    assert found(page(staff[AUDITOR], searched("handling:berigtigelse sag:S6"))) == [f"{cases['S6']}#v30"]
    late = found(page(staff[AUDITOR], searched("sen:ja sag:S6")))
    assert f"{cases['S6']}#v29" in late
    assert set(late).isdisjoint(found(page(staff[AUDITOR], searched("-sen:ja sag:S6"))))
    everything = set(found(page(staff[AUDITOR], searched("sag:S6"))))
    workers = set(found(page(staff[AUDITOR], searched("sag:S6 rolle:social_worker"))))
    others = set(found(page(staff[AUDITOR], searched("sag:S6 -rolle:socialrådgiver"))))
    assert workers
    assert (workers | others, workers & others) == (everything, set())


def test_the_log_is_searched_on_both_clocks(staff: Clients, cases: dict[str, str]) -> None:
    """What happened on 20 August and was recorded on the 26th is found by either, each alone."""
    late = f"{cases['S6']}#v29"
    assert late in found(page(staff[AUDITOR], searched("sag:S6 hændt_fra:2024-08-20 hændt_til:20-08-2024")))
    assert late in found(page(staff[AUDITOR], searched("sag:S6 fra:2024-08-26 til:2024-08-26")))
    assert late not in found(page(staff[AUDITOR], searched("sag:S6 fra:2024-08-20 til:2024-08-25")))
    assert found(page(staff[AUDITOR], searched("til:2019-01-01"))) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("foo:bar", "Feltet »foo« kendes ikke"),
        ("handling:ukendt", "Handlingen »ukendt« kendes ikke"),
        ("Alma Eksempel", "»Alma« er ikke et felt med en værdi"),
        ("handling:", "er ikke et felt med en værdi"),
        ("sen:måske", "er ja eller nej"),
        ("fra:igår", "skal være en dag"),
        ("fra:2025-02-30", "skal være en dag"),
        ("-fra:2025-01-01", "kan ikke nægtes"),
        ("<script>alert(1)</script>", "»<script>alert(1)</script>« er ikke et felt"),
        ("{{7*7}}", "»{{7*7}}« er ikke et felt"),
        ("\u202egnitset", "er ikke et felt"),
        ("x" * 2_000, "Søgningen er for lang"),
    ],
)
def test_a_search_that_is_not_understood_is_refused(staff: Clients, text: str, told: str) -> None:
    """Never left aside; what was typed stays and is shown as it is."""
    html = staff[AUDITOR].http.get(searched(text), headers=OWN_PAGE)
    assert html.status_code == 400
    assert told in unescape(html.text)
    assert "<script>alert" not in html.text
    assert "»49«" not in html.text


def test_an_export_holds_exactly_what_the_pages_list(staff: Clients) -> None:
    """All pages together, newest first, as CSV and as JSON lines; each part of it is on record."""
    client, query = staff[AUDITOR], "rolle:social_worker"
    html = page(client, searched(query))
    links = re.findall(r'href="(/protokol/udtraek\.\w+\?[^"]+)"', html)
    listed, following = found(html), html
    while leads := re.findall(r'href="(/protokol\?[^"]*cursor=[^"]+)"', following):
        following = page(client, leads[0])
        listed += found(following)
    assert len(listed) > 50
    as_csv, as_lines = (client.http.get(link, headers=OWN_PAGE) for link in links)
    rows = list(csv.DictReader(StringIO(as_csv.text.removeprefix("\ufeff"))))
    lines = [orjson.loads(line) for line in as_lines.text.splitlines()]
    assert [f"/sager/{row['case']}#v{row['version']}" for row in rows] == listed
    assert [int(row["position"]) for row in rows] == [line["position"] for line in lines]
    assert {line["role"] for line in lines} == {"social_worker"}
    statement = "SELECT count(*) FROM ledger.event WHERE topic = 'record_viewed' AND position(%s in state) > 0"
    assert client.query(statement, b'"what":"log_export"')[0][0] == 2


def test_the_log_shows_each_reader_the_cases_open_to_them(staff: Clients, cases: dict[str, str]) -> None:
    """A caseworker without cases finds nothing; nor does an export hold more."""
    assert found(page(staff[AUDITOR], "/protokol"))
    mine = set(found(page(staff[STRANGER], "/protokol")))
    assert not any(one.startswith(cases["S6"]) for one in mine)
    exported = staff[STRANGER].http.get("/protokol/udtraek.jsonl", headers=OWN_PAGE).text
    assert cases["S6"].rpartition("/")[2] not in exported


def test_what_is_withheld_is_not_found_by_what_it_says(staff: Clients) -> None:
    """An entry moved away is found by its kind and not by its recipient; audit finds it by both."""
    client = staff[LEADER]
    made = {
        "to": ["police"],
        "purpose": "x",
        "basis": "law",
        "legal_basis": ["barnets lov § 133"],
        "channel": "phone",
        "consents": [],
        "documents": [],
    }
    case = client.open_case(note(), command("DisclosureMade", made | {"data_categories": ["social"]}))
    number = client.get(f"/cases/{case}").json()["state"]["number"]
    before = page(client, searched(f"sag:{number} modtager:police"))
    assert found(before) == [f"/sager/{case}#v3"]
    annulled = command("EntryAnnulled", {"annuls": 3, "kind": "wrong_person", "reason": "Another child's."})
    assert client.commit(case, 3, annulled).status_code == 201
    assert found(page(client, searched(f"sag:{number} modtager:police"))) == []
    assert found(page(client, searched(f"sag:{number} handling:deling"))) == [f"/sager/{case}#v3"]
    assert found(page(staff[AUDITOR], searched(f"sag:{number} modtager:police"))) == [f"/sager/{case}#v3"]


def test_checkpoints_are_listed_and_one_is_shown_to_grow_out_of_another(staff: Clients) -> None:
    """The proof is made and checked on the spot; sizes that are none are asked for again; not for everybody."""
    client = staff[AUDITOR]
    html = page(client, "/kontrolpunkter")
    sizes = [int(size) for size in re.findall(r'href="/kontrolpunkter/(\d+)"', html)]
    assert sizes == sorted(sizes, reverse=True)
    until(lambda: len(re.findall(r'href="/kontrolpunkter/\d+"', page(client, "/kontrolpunkter"))) > 1, "another one")
    first, *_, last = sorted(map(int, re.findall(r'href="/kontrolpunkter/(\d+)"', page(client, "/kontrolpunkter"))))
    held = words(page(client, f"/kontrolpunkter?fra={first}&til={last}"))
    assert f"Kontrolpunktet på {first} hændelser er begyndelsen af det på {last}" in held
    assert "Skriv, hvor mange hændelser" in page(client, "/kontrolpunkter?fra=<b>&til=99999999")
    note_text = client.http.get(f"/kontrolpunkter/{last}", headers=OWN_PAGE).text
    assert note_text.splitlines()[1] == str(last)
    page(client, "/kontrolpunkter/1x", 404)
    page(staff[STRANGER], "/kontrolpunkter", 403)


def test_people_are_found_without_their_names_in_an_address(staff: Clients, cases: dict[str, str]) -> None:
    """By whole parts of a name; both at once, nothing and half a number are told."""
    client = staff[AUDITOR]
    token = re.findall(r'name="csrf" value="([^"]*)"', page(client, "/soeg"))[0]

    def find(status: int, **typed: str) -> str:
        answer = client.http.post("/soeg", data={"csrf": token} | typed, headers=OWN_PAGE)
        assert answer.status_code == status, words(answer.text)
        return unescape(answer.text)

    html = find(200, navn="Fie eksempel")
    assert f'href="{cases["S6"]}">S6</a>' in html
    assert look_of(client, html)["what"] == "search_by_name"
    assert "Ingen i de sager" in find(200, navn="Findesikke")
    assert "ikke på begge" in find(422, navn="Fie", nummer="610199-0001")
    assert "ti cifre" in find(422, nummer="12")
    assert "Skriv mindst én hel del" in find(422, navn="!!")
    assert "for langt" in find(422, navn="x" * 100_000)


def test_the_list_is_narrowed_in_its_address(staff: Clients, cases: dict[str, str]) -> None:
    """By number, programme and status; the form for instants keeps it; a civil number does not belong there."""
    client = staff[AUDITOR]

    def listed(query: str) -> list[str]:
        return re.findall(r'<th scope="row"><a href="[^"]*">(S\d)</a>', page(client, f"/sager?{query}"))

    assert listed("nummer=s6") == ["S6"]
    assert listed("program=smaaboernsteam_001") == ["S2", "S6"]
    assert listed("program=smaaboernsteam_001&status=closed") == ["S2"]
    assert listed(f"program=smaaboernsteam_001&known_at={DECIDED}&valid_at={DECIDED}") == ["S6"]
    assert listed("ansvarlig=nobody") == []
    assert 'type="hidden" name="program" value="smaaboernsteam_001"' in page(
        client, "/sager?program=smaaboernsteam_001"
    )
    assert "Personnumre hører ikke til i en adresse" in page(client, "/sager?nummer=610199-0001", 400)
    assert "Vælg program og status fra listerne" in page(client, "/sager?program=<script>", 400)
    assert "for langt" in page(client, f"/sager?ansvarlig={'x' * 5_000}", 400)
