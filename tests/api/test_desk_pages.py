"""The supervisor's desk and the clocks of a case: numbers that add up to their lists, as of any day, for who may."""

import re
from collections.abc import Generator
from datetime import UTC, datetime
from html import unescape
from urllib.parse import quote

import orjson
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.demonstration import prepare
from api.exporting import put_on_record
from api.pages.deadline_views import citation
from api.pages.desk import DESK_PLACES
from api.pages.overview_views import QUESTION
from api.principals import command_line_principal
from api.rule_adoption import adopt_shipped
from api.sign_in.local import LocalSignIn
from domain.barometer import QUESTIONS
from domain.events.administration import Exported
from ledger.store import Ledger
from projections.look_sample import TOPICS, WHOLE, Draw, drawn
from tests.api.signing_in import OWN_PAGE, signed_in
from tests.conftest import BEGINS_AT, Server, Template, clone

DECISION_DAY = "known_at=2024-08-21T07:00:00Z"
THIS_MONTH = f"{datetime.now(UTC):%m-%Y}"


@pytest.fixture(scope="module")
def ledger(server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Ledger]:
    """The demonstration: the six stories under the shipped rules, all views up to date."""
    for place in clone(server, simulated_template, tmp_path_factory.mktemp("desk") / "home"):
        with place.ledger() as fresh:
            adopt_shipped(fresh, command_line_principal("test"), BEGINS_AT)
        prepare(place, lambda _text: None)
        with place.ledger() as opened:
            yield opened


@pytest.fixture(scope="module")
def client(ledger: Ledger) -> Generator[TestClient]:
    """A client inside this process."""
    with TestClient(create_app(ledger, LocalSignIn(ledger, "127.0.0.1"))) as opened:
        yield opened


@pytest.fixture
def leader(client: TestClient) -> TestClient:
    """The client, signed in as a supervisor."""
    client.cookies.clear()
    signed_in(client, "u-12", "supervision")
    return client


def page(client: TestClient, address: str, status: int = 200) -> str:
    """Return a page as text with its markup."""
    answer = client.get(address, headers=OWN_PAGE, follow_redirects=False)
    assert answer.status_code == status, answer.text
    return unescape(answer.text)


def cases(client: TestClient) -> dict[str, str]:
    """Return the addresses of the cases by number."""
    found = re.findall(r'<th scope="row"><a href="(/sager/[^"]+)">(\w+)</a>', page(client, "/sager"))
    return {number: address for address, number in found}


def rows(html: str) -> list[str]:
    """Return the rows of the list of a board as text."""
    listed = html.split('id="liste"')[1]
    return [words(row) for row in re.findall(r"<tr>\s*<th scope=\"row\">.*?</tr>", listed, re.DOTALL)]


def words(html: str) -> str:
    """Return the text of some markup, one blank between words."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def numbers(html: str) -> list[tuple[str, int]]:
    """Return the addresses that the numbers of a board lead to, each with its number."""
    cells = re.findall(r'<td[^>]* class="number[^"]*">\s*<a href="([^"]+)"[^>]*>(\d+)', html)
    chips = re.findall(r'<li><a href="([^"]+)"[^>]*><strong>(\d+)</strong>', html)
    return [(address, int(number)) for address, number in (*cells, *chips)]


def look(ledger: Ledger, html: str) -> dict[str, object]:
    """Return the look that a page says it is."""
    (position,) = re.findall(r"<footer.*?opslag (\d+)", html, re.DOTALL)
    (row,) = ledger.read_range(int(position), int(position))
    return orjson.loads(row.state)["data"]


def steps_of(html: str) -> list[str]:
    """Return the forms that the clocks of a case lead to."""
    return re.findall(r'<a class="line" href="([^"]+)">Registrér: ', html)


class TestClocksOfACase:
    """One case's clocks, each with its rule, what started it and how it stands."""

    def test_a_broken_clock_tells_all_about_itself(self, ledger: Ledger, leader: TestClient) -> None:
        html = page(leader, f"{cases(leader)['S6']}/frister")
        broken = words(html.split('id="overskredet"')[1].split("</section>")[0])
        assert "Vurdér, om barnets sundhed eller udvikling er i fare" in broken
        assert "lov · barnets lov § 136, stk. 2 regel UND-24H, version 1 · delvist efter hukommelsen" in broken
        assert "nr. 2 Underretning modtaget hændt 28-03-2024 kl. 16.30" in broken
        assert "29-03-2024 kl. 16.30 regnet fra 28-03-2024 kl. 16.30" in broken
        assert "overskredet 17 timer for sent Varsel: ikke leveret" in broken
        assert "nr. 3 Underretning vurderet akut hændt 30-03-2024 kl. 10.00 registreret" in broken
        assert "Overholdt efter den valgte læsning" not in broken
        assert look(ledger, html)["what"] == "deadlines"

    def test_citizens_clocks_stand_apart_and_are_never_red(self, leader: TestClient) -> None:
        html = page(leader, f"{cases(leader)['S6']}/frister")
        theirs = html.split('id="borgerens"')[1].split("</section>")[0]
        assert "Partens frist for at klage" in theirs or "APPEAL-4W" in theirs
        assert "badge-error" not in theirs
        assert "APPEAL-4W" not in html.split('id="borgerens"')[0]

    def test_what_is_not_computed_is_listed_with_who_approved_the_rules(self, leader: TestClient) -> None:
        html = words(page(leader, f"{cases(leader)['S6']}/frister").split('id="uden-ur"')[1])
        assert "Slået fra ved den valgte læsning" in html
        assert "Lovbestemte frister og pligter, version 1: ikke godkendt af nogen jurist" in html

    def test_an_open_duty_leads_to_its_form_with_what_is_settled_filled_in(self, leader: TestClient) -> None:
        every = cases(leader)
        steps = {step for case in every.values() for step in steps_of(page(leader, f"{case}/frister"))}
        assert steps
        assert all("/registrer/" in step for step in steps)
        for step in sorted(steps):
            page(leader, step)
        filled = next(step for step in sorted(steps) if "?" in step)
        name, value = filled.split("?")[1].split("&")[0].split("=")
        form = page(leader, filled)
        assert re.search(
            rf'name="{name}"[^>]*value="{value}"[^>]*(?:checked|selected)|value="{value}"[^>]*selected', form
        )
        (now,) = {case for case in every.values() if f"{case}/registrer" in filled}
        assert steps_of(page(leader, f"{now}/frister?known_at={datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")) == []

    def test_who_only_reads_is_led_to_no_form(self, client: TestClient) -> None:
        client.cookies.clear()
        signed_in(client, "u-95", "audit")
        assert {step for case in cases(client).values() for step in steps_of(page(client, f"{case}/frister"))} == set()

    def test_the_past_is_told_as_it_stood_and_links_keep_the_instant(self, leader: TestClient) -> None:
        html = page(leader, f"{cases(leader)['S6']}/frister?{DECISION_DAY}")
        assert "som den var registreret 21-08-2024 kl. 09.00" in html
        assert "nr. 32" not in html
        assert re.search(rf'href="/sager/[^"]+\?{DECISION_DAY}&nr=2#v2"', html)
        assert re.search(r'<time datetime="([^"]+)" data-due="\1">', html)

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("barnets lov § 5(3)-(4)", "barnets lov § 5, stk. 3-4"),
            ("forvaltningsloven §§ 22 and 24", "forvaltningsloven §§ 22 og 24"),
            ("barnets lov § 32(1) no. 6", "barnets lov § 32, stk. 1, nr. 6"),
            ("the rule named", "den nævnte regel"),
            ("internal standard; GDPR art. 32", "intern standard; GDPR art. 32"),
            ("000 L35, L50", "000 L35, L50"),
        ],
    )
    def test_sources_are_written_as_danish_lawyers_do(self, text: str, shown: str) -> None:
        assert citation(text) == shown


class TestBoards:
    """Boards across cases."""

    def test_the_desk_says_what_waits_and_each_board_says_the_same(self, ledger: Ledger, leader: TestClient) -> None:
        before = ledger.head().size
        html = page(leader, "/ledelse")
        assert ledger.head().size == before + 1
        assert look(ledger, html)["what"] == "desk"
        for board, waits in {
            "frister": r"(\d+) frister i loven er overskredet",
            "samtykkebrud": r"(\d+) videregivelser? uden dækning",
            "fund?niveau=statute": r"(\d+) fund efter loven",
        }.items():
            (number,) = re.findall(waits, html)
            assert f"Viser {number} af {number}." in page(leader, f"/ledelse/{board}"), board

    @pytest.mark.parametrize("instants", ["", DECISION_DAY, "valid_at=2024-08-21T07:00:00Z"])
    @pytest.mark.parametrize("board", ["frister", "samtykkebrud", "fund"])
    def test_each_number_leads_to_a_list_that_adds_up_to_it(
        self, leader: TestClient, board: str, instants: str
    ) -> None:
        found = numbers(page(leader, f"/ledelse/{board}?{instants}"))
        assert found
        for address, number in found[:: max(1, len(found) // 6)]:
            assert (instants in address, len(rows(page(leader, address)))) == (True, min(number, 50)), address

    def test_a_day_of_the_past_gives_the_same_numbers_every_time(self, leader: TestClient) -> None:
        address = f"/ledelse/frister?{DECISION_DAY}&niveau=alle"
        first = page(leader, address)
        assert "som den var registreret 21-08-2024 kl. 09.00" in first
        assert numbers(first) == numbers(page(leader, address))
        assert numbers(first) != numbers(page(leader, "/ledelse/frister?niveau=alle"))

    def test_statute_comes_first_and_rows_lead_to_case_and_event(self, leader: TestClient) -> None:
        html = page(leader, "/ledelse/frister")
        levels = re.findall(r'<tr><th scope="row">([^<]+)</th><td[^>]* class="number', html)
        assert (levels[0], levels[-1]) == ("lov", "i alt")
        assert "Kommunens frister, lov: overskredet" in html
        assert all(" lov · " in row for row in rows(html))
        assert re.search(r'href="/sager/[^"]+/frister">S6</a>', html)
        assert re.search(r'href="/sager/[^"]+\?nr=2#v2">nr. 2 Underretning modtaget</a>', html)

    def test_a_sharing_after_withdrawal_is_a_breach_that_the_register_did_not_see(self, leader: TestClient) -> None:
        (row,) = rows(page(leader, "/ledelse/samtykkebrud?stand=not_covered"))
        assert row.startswith("S6 nr. 18 Videregivelse")
        assert "dagtilbud samtykke dækket ikke dækket samtykket var trukket tilbage" in row
        assert all("Videregivelse nægtet" not in one for one in rows(page(leader, "/ledelse/samtykkebrud")))

    def test_filters_stay_in_the_address_and_narrow_every_number(self, leader: TestClient) -> None:
        form = "known_at_day=21&known_at_month=8&known_at_year=2024&known_at_clock=9.00&valid_at_day="
        query = f"{form}&program=smaaboernsteam_001&ansvarlig=&niveau=alle&stand=loeber"
        answer = leader.get(f"/ledelse/frister?{query}", headers=OWN_PAGE, follow_redirects=False)
        place = "/ledelse/frister?known_at=2024-08-21T07:00:00Z&program=smaaboernsteam_001&niveau=alle&stand=loeber"
        assert (answer.status_code, answer.headers["location"]) == (303, place)
        everybody, held = (
            rows(page(leader, f"/ledelse/frister?niveau=alle{query}")) for query in ("", "&ansvarlig=u-11")
        )
        assert 0 < len(held) < len(everybody)
        assert all("u-11" in row for row in held)
        assert rows(page(leader, "/ledelse/fund?ansvarlig=u-nobody")) == []

    def test_an_instant_that_is_none_is_asked_for_again_with_the_filters_kept(self, leader: TestClient) -> None:
        html = page(leader, "/ledelse/fund?known_at_day=31&known_at_month=2&stand=new", 400)
        assert '<input type="hidden" name="stand" value="new">' in html

    def test_the_yearly_review_never_says_yes_without_an_event(self, leader: TestClient) -> None:
        for code in QUESTIONS:
            for row in rows(page(leader, f"/ledelse/barometer?{QUESTION}={code}&svar=yes")):
                assert re.fullmatch(r"S\d Ja nr\. .+", row), row
        of_case = words(page(leader, f"{cases(leader)['S6']}/barometer"))
        assert not re.search(r" Ja –", of_case)
        assert "2 ja · 7 nej · 1 ikke oplyst" in of_case

    def test_families_stand_under_their_programme_and_with_who_holds_them(self, leader: TestClient) -> None:
        html = page(leader, "/ledelse/sager")
        assert "Styregruppens overblik: 0 af 2 i år" in html
        held = dict(re.findall(r'ansvarlig=(u-\d+)"[^>]*>(\d+)<', html))
        assert held == {"u-11": "1", "u-23": "1"}
        assert [row[:2] for row in rows(page(leader, "/ledelse/sager?ansvarlig=u-23"))] == ["S3"]

    def test_each_board_is_one_look_that_names_the_cases_shown(self, ledger: Ledger, leader: TestClient) -> None:
        before = ledger.head().size
        html = page(leader, "/ledelse/frister")
        assert ledger.head().size == before + 1
        named = look(ledger, html)
        shown = {row.split()[0] for row in rows(html)}
        known = {address.rpartition("/")[2]: number for number, address in cases(leader).items()}
        assert {known[case] for case in re.findall(r"[0-9a-f-]{36}", str(named["cases"]))} == shown
        assert named["what"] == "deadlines_board"


class TestWhoMay:
    """The desk is open to those who look after cases, each page to those who may do what it is for."""

    @pytest.mark.parametrize(
        ("staff", "open_to"),
        [
            ("u-12", {place.path for place in DESK_PLACES}),
            ("u-96", {"/frister", "/samtykkebrud", "/fund", "/sager", "/barometer"}),
            ("u-81", {"/noedadgang", "/begraensede", "/stikproeve"}),
            ("u-97", set[str]()),
        ],
    )
    def test_what_is_offered_is_what_opens(self, client: TestClient, staff: str, open_to: set[str]) -> None:
        client.cookies.clear()
        signed_in(client, staff)
        desk = page(client, "/ledelse")
        for place in DESK_PLACES:
            assert (f'href="{place.address}"' in desk) == (place.path in open_to)
            page(client, place.address, 200 if place.path in open_to else 403)

    def test_an_analyst_is_led_to_no_case(self, client: TestClient) -> None:
        client.cookies.clear()
        signed_in(client, "u-96")
        assert 'href="/sager/' not in page(client, "/ledelse/frister?niveau=alle")

    def test_the_clocks_of_a_case_are_closed_to_who_may_not_read_it(self, client: TestClient) -> None:
        client.cookies.clear()
        signed_in(client, "u-12")
        address = cases(client)["S6"]
        client.cookies.clear()
        signed_in(client, "u-22")
        for path in ("/frister", "/barometer"):
            assert "Du er ikke tildelt sagen" in page(client, address + path, 403)


class TestSample:
    """A sample of looks that anybody can draw again."""

    def test_the_same_seed_gives_the_same_list(self, ledger: Ledger, leader: TestClient) -> None:
        asked = f"/ledelse/stikproeve?procent=50&maaned={THIS_MONTH}"
        answer = leader.get(asked, headers=OWN_PAGE, follow_redirects=False)
        assert answer.status_code == 303
        drawn_again = [page(leader, answer.headers["location"]) for _ in range(2)]
        first, second = (list(map(words, re.findall(r'<tr id="opslag.*?</tr>', html, re.S))) for html in drawn_again)
        assert first == second != []
        seed = re.findall(r"froe=(\d+)", answer.headers["location"])[0]
        assert look(ledger, drawn_again[0])["what"] == f"look_sample:50-{seed}"

    def test_all_is_drawn_from_administrators_and_exports_too(self, ledger: Ledger, client: TestClient) -> None:
        client.cookies.clear()
        signed_in(client, "u-97")
        assert client.get("/staff/u-22/grants").status_code == 200
        left = Exported(
            what="events", format="parquet", purpose="statistics", recipient="analysis", cases=(), sha256="0" * 64
        )
        put_on_record(ledger, command_line_principal("export", internal=True), left)
        size = ledger.head().size
        everything = Draw(datetime(2020, 1, 2, tzinfo=UTC), ledger.now(), WHOLE, "1", size)
        among, entries = drawn(ledger, everything)
        assert among == len(entries) == sum(len(ledger.read_topic(topic)) for topic in TOPICS)
        client.cookies.clear()
        signed_in(client, "u-81")
        html = page(client, f"/ledelse/stikproeve?procent=100&maaned={THIS_MONTH}&froe=1&indtil={size}")
        assert re.search(r"u-97</td><td[^>]*>administrator<", html)
        assert "et udtræk: events (parquet)" in words(html)
        assert re.search(r"(\d+) opslag udtrukket af \1:", html)

    def test_it_is_for_those_who_look_after_access(self, client: TestClient) -> None:
        client.cookies.clear()
        signed_in(client, "u-90")
        page(client, "/ledelse/stikproeve", 403)

    @pytest.mark.parametrize(
        ("query", "told"),
        [
            ("procent=0", "Skriv et helt tal fra 1 til 100."),
            ("procent=%C2%B2", "Skriv et helt tal fra 1 til 100."),
            ("froe=%3Cscript%3E", "højst ni cifre"),
            ("maaned=13-2026", "Skriv måned og år"),
            ("maaned=01-9999", "Skriv måned og år"),
        ],
    )
    def test_what_cannot_be_drawn_is_explained(self, leader: TestClient, query: str, told: str) -> None:
        answer = leader.get(f"/ledelse/stikproeve?{query}", headers=OWN_PAGE)
        assert answer.status_code == 400
        assert told in unescape(answer.text)
        assert "<script>" not in answer.text


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "{{7*7}}", "\u202eabc", "u-1 OR 1=1", "😀"])
def test_what_is_typed_into_a_filter_stays_text(leader: TestClient, text: str) -> None:
    answer = leader.get(f"/ledelse/fund?ansvarlig={quote(text)}&program={quote(text)}", headers=OWN_PAGE)
    assert answer.status_code == 200
    assert "<script>" not in answer.text
    assert ">49<" not in answer.text


@pytest.mark.parametrize(
    "address",
    ["/ledelse/frister?stand=sort", "/ledelse/fund?niveau=x", "/ledelse/sager?ansvarlig=" + "a" * 5_000,
     "/ledelse/frister?knownat=1", "/ledelse/barometer?spoergsmaal=x", "/ledelse/frister?cursor=x",
     "/ledelse/frister?known_at=2024"],
)  # fmt: skip
def test_an_address_that_means_nothing_is_told_so(leader: TestClient, address: str) -> None:
    assert "Adressen kan ikke læses" in page(leader, address, 400)


def test_before_the_ledger_began_there_is_nothing_and_the_future_is_told(leader: TestClient) -> None:
    assert "Viser 0 af 0." in page(leader, "/ledelse/frister?known_at=2000-01-01T00:00:00Z")
    assert "ikke kommet endnu" in page(leader, "/ledelse/frister?known_at=2100-01-01T00:00:00Z", 400)
