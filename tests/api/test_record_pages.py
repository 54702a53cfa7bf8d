"""The pages of consents, disclosures and single events, over HTTP inside this process with real sessions."""

import re
from collections.abc import Generator
from contextlib import ExitStack
from html import unescape
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.log_publishing import signed_now
from api.sign_in.local import LocalSignIn
from ledger.mapper import read_clear
from ledger.proof.entry_proofs import leaf_of
from ledger.proof.proof_files import read_proof
from ledger.store import Ledger
from tests.api.signing_in import OWN_PAGE, signed_in
from tests.conftest import Server, Template, clone

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
