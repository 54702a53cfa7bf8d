"""The pages of consents, disclosures and single events, over HTTP inside this process with real sessions."""

import re
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.log_publishing import signed_now
from api.pages.consent_matrix_views import Register, matrices
from api.pages.event_views import linked_words
from api.sign_in.local import LocalSignIn
from domain.entries import Entry
from domain.known import Known
from ledger.mapper import read_clear
from ledger.proof.entry_proofs import leaf_of
from ledger.proof.proof_files import read_proof
from ledger.store import Ledger
from tests.api.client import ALMA, ASTA, CANARY, Api, command, note
from tests.api.looks import look_at
from tests.api.signing_in import OWN_PAGE, signed_in
from tests.conftest import Server, Template, clone
from tests.story_entries import story_entries

LEADER, AUDITOR, STRANGER, ANALYST = "u-12", "u-95", "u-21", "u-96"
DECISION_DAY = "2024-08-21T07:00:00Z"
MEASURED, CORRECTING, DECIDED, SHARED, WITHDRAWN = 22, 30, 26, 18, 19


class Site:
    """The pages over the six stories, as several people open them."""

    def __init__(self, ledger: Ledger, clients: dict[str, TestClient]) -> None:
        self.ledger, self._clients = ledger, clients
        opened = {read_clear(row).data["number"]: row.stream for row in ledger.read_topic("case_opened")}
        self.cases = {str(number): f"/sager/{stream}" for number, stream in opened.items()}

    def answer(self, path: str, who: str = LEADER) -> Any:
        """Return the answer to somebody, without following where it leads."""
        return self._clients[who].get(path.format_map(self.cases), headers=OWN_PAGE, follow_redirects=False)

    def page(self, path: str, status: int = 200, who: str = LEADER) -> str:
        """Return a page that no cache keeps, with its status checked, as text with its markup."""
        answer = self.answer(path, who)
        assert answer.status_code == status, answer.text
        assert answer.headers["cache-control"] == "no-store"
        return unescape(answer.text)

    def words(self, path: str, status: int = 200, who: str = LEADER) -> str:
        """Return what a page says, without its markup, one blank between words."""
        return said(self.page(path, status, who))

    def look(self, html: str) -> dict[str, Any]:
        """Return the look that a page says it is on record as."""
        (position,) = re.findall(r"<footer.*?opslag (\d+)", html, re.DOTALL)
        (row,) = self.ledger.read_range(int(position), int(position))
        assert row.topic == "record_viewed"
        return dict(read_clear(row).data)


def said(html: str) -> str:
    """Return the text of markup, one blank between words."""
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


@pytest.fixture(scope="module")
def site(server: Server, stories_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    """The pages over the six stories, everything on record signed."""
    folder = tmp_path_factory.mktemp("record-pages")
    for place in clone(server, stories_template, folder / "home"):
        with place.ledger() as ledger, ExitStack() as stack:
            signed_now(place, ledger)
            app = create_app(ledger, LocalSignIn(ledger, "127.0.0.1"))
            clients = {who: stack.enter_context(TestClient(app)) for who in (LEADER, AUDITOR, STRANGER, ANALYST)}
            for who, client in clients.items():
                signed_in(client, who)
            yield Site(ledger, clients)


class TestEvent:
    """One event: what it says, what became of it, what rests on it, its proof."""

    def test_old_and_new_value_and_the_decision_made_on_the_old_one(self, site: Site) -> None:
        html = site.page(f"{{S6}}/haendelser/{MEASURED}")
        assert re.search(r"<del>.{0,90}>4</span></del>\s*<ins>.{0,90}>3</span></ins>", html)
        text = said(html)
        assert "typing error; paper form shows 3" in text
        assert re.search(r"nr. 26 Afgørelse 21-08-2024.*?Ændret siden nr. 30 Berigtigelse", text)
        assert re.search(r"nr. 38 Afgørelse 12-03-2025.{0,120}nej", text)
        look = site.look(html)
        assert (look["what"], look["viewer"]) == ("event", LEADER)

    def test_as_it_was_then_nothing_was_corrected_and_links_keep_the_instant(self, site: Site) -> None:
        html = site.page(f"{{S6}}/haendelser/{MEASURED}?known_at={DECISION_DAY}")
        assert "<del>" not in html
        assert "som den var registreret 21-08-2024 kl. 09.00" in html
        assert f"/haendelser/{MEASURED + 1}?known_at={DECISION_DAY}" in html
        assert site.look(html)["known_at"].startswith("2024-08-21T07:00:00")
        gone = site.page(f"{{S6}}/haendelser/{CORRECTING}?known_at={DECISION_DAY}", 404)
        assert "ingen hændelse med det nummer" in gone
        assert "typing error" not in gone
        assert site.look(gone)["what"] == "event"

    def test_both_times_and_how_late(self, site: Site) -> None:
        text = site.words(f"{{S6}}/haendelser/{WITHDRAWN}")
        assert "Hændt 03-06-2024 kl. 13.15" in text
        assert "Registreret 06-06-2024 kl. 09.00 2 dage og 19 timer senere" in text
        assert "nr. 18 Videregivelse" in text

    def test_the_timeline_leads_there_and_one_event_leads_to_the_next(self, site: Site) -> None:
        html = site.page(f"{{S6}}?known_at={DECISION_DAY}")
        links = re.findall(r'class="place" href="(/sager/[^"]+/haendelser/\d+\?known_at=[^"]+)"', html)
        assert len(links) == 26
        walked, here = 0, "{S6}/haendelser/1"
        while here:
            found = re.findall(r'href="([^"]+)" rel="next"', site.page(here))
            walked, here = walked + 1, found[0] if found else ""
        assert walked == 39

    def test_the_proof_on_the_page_and_in_the_file_leads_to_the_signed_root(self, site: Site) -> None:
        html = site.page(f"{{S6}}/haendelser/{DECIDED}")
        (address,) = re.findall(r'href="([^"]+)" download', html)
        answer = site.answer(address)
        assert answer.headers["content-disposition"] == f'attachment; filename="haendelse-{DECIDED}.tlog-proof"'
        proof = read_proof(answer.text)
        assert proof.extra is not None
        proof.check(leaf_of(proof.extra))
        assert proof.checkpoint.root.hex() in said(html).replace(" ", "")
        assert answer.text.strip() in html
        (raw,) = [text for text in re.findall(r"<pre[^>]*>(.*?)</pre>", html, re.DOTALL) if text.startswith("{")]
        assert orjson.loads(raw)["version"] == DECIDED

    @pytest.mark.parametrize("version", ["0", "40", "x", "-1", "999999999999", "<script>", "{{7*7}}", "1" * 4000])
    def test_what_is_no_event_is_not_found(self, site: Site, version: str) -> None:
        for path in (f"{site.cases['S6']}/haendelser/{version}", f"{site.cases['S6']}/haendelser/{version}/bevis"):
            answer = site.answer(path.replace("{", "%7B").replace("}", "%7D"))
            assert answer.status_code == 404
            assert "<script>" not in answer.text
            assert "Traceback" not in answer.text

    def test_closed_to_whoever_may_not_read_the_case(self, site: Site) -> None:
        for who in (STRANGER, ANALYST):
            html = site.page(f"{{S6}}/haendelser/{MEASURED}", 403, who)
            assert "Sagen er ikke åben for dig" in html
            assert "Trivselslinealen" not in html
            assert site.look(html)["refusal"]
            assert site.answer(f"{{S6}}/haendelser/{MEASURED}/bevis", who).status_code == 403


def page(client: Api, path: str) -> str:
    """Return a page as text with its markup."""
    answer = client.http.get(path, headers=OWN_PAGE)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def drawings(markup: str) -> list[ElementTree.Element]:
    """Return the figures of a page, each of which must be well-formed by itself."""
    return [ElementTree.fromstring(text) for text in re.findall(r"<svg xmlns.*?</svg>", markup, re.DOTALL)]


def matrix(markup: str) -> str:
    """Return the matrices of a page of consents, without what explains their marks."""
    whole = markup.split('id="oversigt"')[1].split("</section>")[0]
    return re.sub(r'<ul class="legend".*?</ul>', "", whole, flags=re.DOTALL)


class TestConsents:
    """Alarms, the matrix, each consent on both clocks."""

    def test_the_alarms_come_first_and_lead_to_what_they_are_about(self, site: Site) -> None:
        html = site.page("{S6}/samtykker")
        alarms = html.split('id="oversigt"')[0]
        assert "1 deling uden gyldigt samtykke eller andet grundlag" in alarms
        assert "05-06-2024 kl. 10.20, dagtilbud: samtykket var trukket tilbage" in alarms
        assert "modtageren er ikke underrettet" in alarms
        assert f'href="{site.cases["S6"]}/delinger#d{SHARED}"' in alarms
        look = site.look(html)
        assert (look["what"], look["viewer"]) == ("consents", LEADER)
        assert "Ingen deling uden grundlag" in site.words("{S5}/samtykker")
        assert "Bent Eksempel (far) har del i forældremyndigheden og har ikke samtykket" in site.words("{S2}/samtykker")

    def test_an_end_that_is_near_is_told_until_it_has_come(self, site: Site) -> None:
        near = site.words("{S2}/samtykker?known_at=2025-08-20T10:00:00Z")
        assert "Udløber inden for 30 dage samtykke c-hospital fra Berta Eksempel" in near
        over = site.words("{S2}/samtykker?known_at=2025-09-01T10:00:00Z")
        assert "Udløber inden for 30 dage" not in over
        assert over.count("Udløbet 31-08-2025") == 3

    def test_the_register_then_and_what_is_known_today_side_by_side(self, site: Site) -> None:
        then = "{S6}/samtykker?known_at=2024-06-05T12:00:00Z"
        assert "mark-withdrawn" not in matrix(site.page(then))
        assert "trukket tilbage" not in said(site.page(then).split('id="oversigt"')[0])
        for choice in ("i-dag", "aendret"):
            html = site.page(f"{then}&vis={choice}")
            assert "4 felter er registreret anderledes siden 05-06-2024 kl. 14.00" in html
            cells = re.findall(r'<td[^>]* class="differs">(.*?)</td>', html, re.DOTALL)
            assert len(cells) == 4
            assert said(cells[0]).startswith("Trukket tilbage 03-06-2024")
            assert "Registret viste: Givet 10-04-2024" in said(cells[0])
            assert "known_at" not in site.look(html)
        assert "Småbørnsteam" in matrix(site.page(f"{then}&vis=i-dag"))
        assert "Småbørnsteam" not in matrix(site.page(f"{then}&vis=aendret"))
        assert "Intet felt er registreret anderledes siden" in site.words(
            f"{then[:-20]}2024-07-01T12:00:00Z&vis=aendret"
        )

    def test_what_was_said_after_the_instant_in_the_world_is_not_shown(self, site: Site) -> None:
        html = site.page("{S6}/samtykker?valid_at=2024-05-01T10:00:00Z")
        told = html.split("<main")[1].split("</main>")[0]
        assert "Samtykke givet nr. 9" in said(told)
        assert f"/haendelser/{WITHDRAWN}" not in told
        assert f"#d{SHARED}" not in told
        assert "mark-withdrawn" not in matrix(html)
        figure, _support = drawings(html)
        assert len([one for one in figure.iter() if one.attrib.get("class") == "recorded"]) == 1

    def test_the_choice_stays_when_another_instant_is_asked_about(self, site: Site) -> None:
        html = site.page("{S6}/samtykker?known_at=2024-06-05T12:00:00Z&vis=i-dag")
        assert '<input type="hidden" name="vis" value="i-dag">' in html
        typed = "known_at_day=6&known_at_month=6&known_at_year=2024&known_at_clock=8.00&vis=i-dag"
        answer = site.answer("{S6}/samtykker?" + typed)
        assert answer.status_code == 303
        assert answer.headers["location"].endswith("/samtykker?known_at=2024-06-06T06:00:00Z&vis=i-dag")

    def test_the_figure_says_what_the_table_says(self, site: Site) -> None:
        markup = site.answer("{S6}/samtykker").text
        figure, _support = drawings(markup)
        space = "{http://www.w3.org/2000/svg}"
        title, described = figure.find(f"{space}title"), figure.find(f"{space}desc")
        assert title is not None
        assert described is not None
        assert figure.attrib["aria-labelledby"].split() == [title.attrib["id"], described.attrib["id"]]
        assert figure.attrib["role"] == "img"
        assert "Fie Eksempel" in (title.text or "")
        drawn = [one.attrib["class"] for one in figure.iter(f"{space}rect")]
        assert drawn == ["stretch given", "stretch expired", "stretch given", "stretch withdrawn changed"]
        table = markup.split("Vis som tabel")[1].split("</details>")[0]
        rows = [said(unescape(row)) for row in re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)][1:]
        assert len(rows) == len(drawn)
        assert rows[3].endswith("Trukket tilbage 03-06-2024 kl. 13.15 fortsat ja")
        assert "Registreret 06-06-2024 kl. 09.00" in [one.text for one in figure.iter(f"{space}text")]

    def test_every_story_is_shown_without_dead_links_or_twice_used_places(self, site: Site) -> None:
        for number in site.cases:
            for path in ("samtykker", "delinger"):
                html = site.page(f"{{{number}}}/{path}")
                places = re.findall(r' id="([^"]+)"', html)
                assert len(places) == len(set(places))
                assert set(re.findall(r'href="#([^"]+)"', html)) <= {*places}
                assert "None" not in html
                assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son[a-z]+=", html)

    @pytest.mark.parametrize("path", ["samtykker", "delinger"])
    def test_bad_addresses_are_told_and_nothing_is_shown(self, site: Site, path: str) -> None:
        for query, status in {
            "known_at=2100-01-01T00:00:00Z": 400,
            "known_at=2019-01-01T00:00:00Z": 404,
            "known_at=x": 400,
            "vis=%3Cscript%3E": 400,
            "vis=%7B%7B7*7777%7D%7D": 400,
            "vis=" + "%E2%80%AE" * 20: 400,
            "vis=" + "x" * 4000: 400,
            "known_at=2100-01-01T00:00:00Z&vis=" + {"samtykker": "i-dag", "delinger": "uden"}[path]: 400,
            "known_at=2019-01-01T00:00:00Z&vis=" + {"samtykker": "i-dag", "delinger": "uden"}[path]: 404,
        }.items():
            text = site.page(f"{{S6}}/{path}?{query}", status)
            assert "toddler-team" not in text
            assert "<script>" not in text
            assert "54439" not in said(text.split("<main")[1].split("</main>")[0])
        for who in (STRANGER, ANALYST):
            html = site.page(f"{{S6}}/{path}", 403, who)
            assert "Sagen er ikke åben for dig" in html
            assert site.look(html)["refusal"]
        assert site.answer("/sager/x/" + path).status_code == 404


def consent(name: str, *scope: str, **changes: Any) -> dict[str, Any]:
    """Return a consent of the mother's to pass on what is social about herself."""
    data = {"consent": name, "kind": "disclosure", "given_by": "parent-A", "capacity": "self", "scope": list(scope)}
    data |= {"data_categories": ["social"], "form": "oral", "valid_from": "2026-03-04", "purpose": "samarbejde"}
    return command("ConsentGiven", data | changes)


def shared(to: str, basis: str, *consents: str, **changes: Any) -> dict[str, Any]:
    """Return a disclosure of what is social about the mother, reported afterwards."""
    data = {"to": to, "basis": basis, "consents": list(consents), "data_categories": ["social"], "about": ["parent-A"]}
    return command("DisclosureMade", data | {"documents": ["note"], "purpose": "samarbejde"} | changes)


BEN: dict[str, Any] = {"ref": "parent-B", "role": "father", "full_name": "Ben Eksempel"}
REFUSAL = {"consent": "c-no", "kind": "disclosure", "refused_by": "parent-B", "capacity": "self", "scope": ["daycare"]}
NASTY = ("<script>alert(1)</script>", "{{7*7777}}", "#strong[x]", "\u202eעברית 🙂", "x" * 100_000)


class TestMarks:
    """What the stories do not hold: every mark, lawful sharing, texts that are anything but polite."""

    def test_the_seven_marks_stand_apart_by_text_and_shape(self, api: Api) -> None:
        soon, later = ((datetime.now(UTC) + timedelta(days=days)).date().isoformat() for days in (10, 60))
        case = api.open_case(
            consent("c-in", "daycare", "health_visitor", valid_to=soon),
            consent("c-old", "gp", valid_to="2026-06-01"),
            consent("c-later", "midwife", valid_from=later),
            command("ConsentRefused", REFUSAL),
            shared("health_visitor", "consent", "c-in"),
            command("ConsentWithdrawn", {"consent": "c-in", "withdrawn_by": "parent-A", "channel": "phone",
                                         "partial_scope": ["health_visitor"]}, occurred_at="2026-03-05T10:00:00+01:00"),
            shared("police", "law", legal_basis=["barnets lov § 133"]),
            shared("neighbour", "other"),
            persons=[ALMA, BEN, ASTA],
        )  # fmt: skip
        html = page(api, f"/sager/{case}/samtykker")
        cells = dict.fromkeys(re.findall(r'class="mark mark-(\w+)"><svg', matrix(html)))
        assert set(cells) == {"given", "refused", "not_asked", "withdrawn", "expired", "not_yet", "not_needed"}
        text = said(matrix(html))
        assert "Ikke nødvendigt (lov) 04-03-2026 sociale forhold (barnets lov § 133)" in text
        assert "Trukket tilbage 05-03-2026" in text
        assert "Udløbet 01-06-2026" in text
        assert "Delvist trukket tilbage" in html
        assert "Udløber inden for 30 dage" in html
        shapes = re.findall(r'class="mark mark-\w+">(<svg.*?</svg>)', html.split('class="legend"')[1].split("</ul>")[0])
        assert len(set(shapes)) == 7
        told = said(page(api, f"/sager/{case}/delinger"))
        assert "2 delinger" not in told
        assert "1 deling uden gyldigt grundlag" in told
        assert "Samtykke ikke nødvendigt: hviler på lov" in told
        assert "Grundlag ikke angivet" in told
        assert "Gik ud, før samtykket blev trukket tilbage" in told

    def test_a_consent_annulled_stays_in_its_history_and_nowhere_else(self, api: Api) -> None:
        case = api.open_case(consent("c-wrong", "daycare"))
        annulment = {"annuls": 2, "reason": "forkert formular"}
        assert api.commit(case, 2, command("EntryAnnulled", annulment)).status_code == 201
        html = page(api, f"/sager/{case}/samtykker")
        assert "Ingen er spurgt om samtykke i sagen" in html
        assert "Annulleret" in html
        assert "intet samtykke" in html
        (figure,) = drawings(html)
        assert len(figure.findall("{http://www.w3.org/2000/svg}rect")) == 1

    def test_texts_are_texts(self, api: Api) -> None:
        given = [consent(f"c-{number}", text[:60], purpose=text) for number, text in enumerate(NASTY)]
        sent = [shared(text[:60], "consent", f"c-{number}", purpose=text) for number, text in enumerate(NASTY)]
        case = api.open_case(*given, *sent, persons=[ALMA | {"full_name": NASTY[0]}, ASTA | {"full_name": NASTY[3]}])
        for path in ("samtykker", "delinger", "haendelser/2", "haendelser/6", "haendelser/11"):
            answer = api.http.get(f"/sager/{case}/{path}", headers=OWN_PAGE)
            assert answer.status_code == 200, answer.text
            assert "<script>" not in answer.text
            assert "54439" not in said(matrix(answer.text)) if path == "samtykker" else True
            drawings(answer.text)

    def test_an_erased_purpose_is_told_to_be_erased(self) -> None:
        def without(entry: Entry) -> Entry:
            data = {name: value for name, value in entry.data.items() if name != "purpose"}
            return replace(entry, data=data, sealed=("purpose",), erased=("purpose",))

        look = look_at(without(one) if one.topic == "consent_given" else one for one in story_entries("s6_goes_wrong"))
        known = Known(tuple(look.entries))
        found = matrices(Register(linked_words(look, look.question), known, known.entries[-1].recorded_at))
        assert {row.purpose for one in found for row in one.rows} == {"slettet"}

    def test_an_event_that_was_anothers_tells_nothing_of_itself(self, api: Api) -> None:
        case = api.open_case(note(CANARY))
        moved = command("EntryAnnulled", {"annuls": 2, "reason": "hører til en anden", "kind": "wrong_person"})
        assert api.commit(case, 2, moved).status_code == 201
        html = page(api, f"/sager/{case}/haendelser/2")
        assert "Hændelsen er flyttet væk" in html
        assert CANARY not in html
        with api.acting_as(AUDITOR) as auditor:
            assert CANARY in page(auditor, f"/sager/{case}/haendelser/2")


class TestDisclosures:
    """What went out, judged then and now."""

    def test_red_only_by_what_became_known_afterwards(self, site: Site) -> None:
        html = site.page("{S6}/delinger")
        text = said(html)
        assert "1 deling uden gyldigt grundlag" in text
        assert "Efter registret dengang dækket (samtykke)" in text
        assert "var trukket tilbage 03-06-2024 kl. 13.15 (registreret 06-06-2024 kl. 09.00)" in text
        assert "udgave 1, gælder fra 10-04-2024 til 09-04-2025" in text
        assert "Gik ud efter tilbagekaldelsen, men før den var registreret" in text
        assert "dagtilbud: ikke underrettet" in text
        assert "u-46 (familiekonsulent)" in text
        assert "status note v2" in text
        assert "forvaltningsloven § 28" in text
        assert f'href="{site.cases["S6"]}/haendelser/{SHARED}"' in html
        assert f'href="{site.cases["S6"]}/samtykker#c9"' in html
        before = site.words("{S6}/delinger?known_at=2024-06-05T12:00:00Z")
        assert "Uden gyldigt samtykke" not in before
        assert "Dækket af samtykke" in before

    def test_the_choice_is_in_the_address_and_counts_add_up(self, site: Site) -> None:
        html = site.page("{S5}/delinger?vis=uden")
        assert "Ingen delinger svarer til valget" in html
        assert re.search(r'aria-current="true">Uden gyldigt grundlag \(0\)', html)
        assert "Alle (2)" in html
        everything = site.words("{S5}/delinger")
        assert "Videregivelse afvist: dagtilbud" in everything
        assert "Standset: intet er sendt" in everything
        assert "Der er ikke registreret nogen deling" in site.words("{S1}/delinger")
