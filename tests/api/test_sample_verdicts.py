"""Verdicts on looks of a sample: by somebody else, once, shown wherever the look is, and on paper."""

import re
from collections.abc import Generator
from contextlib import closing
from datetime import UTC, datetime
from html import unescape
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.principals import command_line_principal
from api.rule_adoption import adopt_shipped
from api.sign_in.local import LocalSignIn
from domain.events.referral import CaseAllocated
from domain.time import write_instant
from projections.follower import Follower
from projections.view import ACCESS
from tests.api.signing_in import OWN_PAGE, signed_in
from tests.api.warned import Cases
from tests.conftest import BEGINS_AT, Server, Template, clone
from tests.following import catch_up

pytestmark = pytest.mark.slow

CASEWORKER, LEADER, OFFICER, AUDITOR = "u-90", "u-12", "u-81", "u-95"
WHOLE_MONTH = f"procent=100&froe=1&maaned={datetime.now(UTC):%m-%Y}"
SAMPLE = "/ledelse/stikproeve"


class Sampled:
    """A ledger in which a caseworker has looked at a case, and a client of its pages."""

    def __init__(self, cases: Cases, client: TestClient) -> None:
        self.cases, self.client = cases, client
        self.begins = cases.ledger.head().size
        self.case: UUID = cases.open(CaseAllocated(to=CASEWORKER, for_role="social_worker"))
        for path in ("frister", "samtykker"):
            self.seen(CASEWORKER, f"/sager/{self.case}/{path}")
        self.upto = cases.ledger.head().size

    @property
    def address(self) -> str:
        """Where the sample of everything stands."""
        return f"{SAMPLE}?{WHOLE_MONTH}&indtil={self.upto}"

    def enter(self, staff: str) -> None:
        """Sign somebody in."""
        with closing(Follower(self.cases.place.conninfo, ACCESS)) as follower:
            catch_up(follower)
        self.client.cookies.clear()
        purpose = {CASEWORKER: "case-work", LEADER: "supervision"}.get(staff, "audit")
        signed_in(self.client, staff, purpose)

    def html(self, staff: str, address: str) -> str:
        """Return a page as somebody is given it."""
        self.enter(staff)
        answer = self.client.get(address, headers=OWN_PAGE, follow_redirects=False)
        assert answer.status_code == 200, answer.text
        return unescape(answer.text)

    def seen(self, staff: str, address: str) -> str:
        """Return the words of a page as somebody reads them."""
        return " ".join(re.sub(r"<[^>]+>", " ", self.html(staff, address)).split())

    def look(self, html: str, viewer: str = CASEWORKER) -> int:
        """Return the first look of somebody's in a sample."""
        found = re.findall(rf'<tr id="opslag-(\d+)"><th scope="row">[^<]*</th><td[^>]*>{viewer}</td>', html)
        return next(int(one) for one in found if int(one) > self.begins)

    def verdict(self, look: int, at: datetime | None) -> tuple[str, str, str] | None:
        """Return the verdict on a look as the API tells it of an instant (None: now)."""
        self.enter(LEADER)
        asked = {} if at is None else {"known_at": write_instant(at)}
        answer = self.client.get(f"/cases/{self.case}/access-events", params=asked)
        assert answer.status_code == 200, answer.text
        (found,) = [item["verdict"] for item in answer.json()["items"] if item["position"] == look]
        return None if found is None else (found["verdict"], found["grounds"], found["by"])

    def judged(self, html: str, look: int, choice: str, key: str | None = None) -> int:
        """Send a verdict and return the status."""
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))
        sent = hidden | {"opslag": str(look), "vurdering": choice, "noegle": key or str(uuid4())}
        answer = self.client.post(f"{SAMPLE}/vurdering", data=sent, headers=OWN_PAGE, follow_redirects=False)
        if answer.status_code == 303:
            assert answer.headers["location"].endswith(f"#opslag-{look}")
        return answer.status_code


@pytest.fixture(scope="module")
def site(
    server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[Cases, TestClient]]:
    """An open ledger under the shipped rules and a client inside this process."""
    for place in clone(server, simulated_template, tmp_path_factory.mktemp("verdicts") / "home"):
        with place.ledger() as ledger:
            adopt_shipped(ledger, command_line_principal("test"), BEGINS_AT)
            with TestClient(create_app(ledger, LocalSignIn(ledger, "127.0.0.1"))) as client:
                yield Cases(place, ledger), client


@pytest.fixture
def sampled(site: tuple[Cases, TestClient]) -> Sampled:
    """A caseworker has looked at a case of their own."""
    return Sampled(*site)


def test_a_verdict_is_shown_wherever_the_look_is(sampled: Sampled) -> None:
    """Given a look, when a leader judges it, then the sample, who has looked and the API say so, as of then alone."""
    html = sampled.html(LEADER, sampled.address)
    look, before = sampled.look(html), sampled.cases.ledger.now()
    assert sampled.judged(html, look, "justified:works_in_case") == 303
    told = rf"Berettiget: arbejder med sagen\. {LEADER} \("
    page = sampled.seen(LEADER, sampled.address)
    assert re.search(told, page)
    assert re.search(r"Vurderinger: [1-9]\d* berettiget", page)
    assert re.search("Stikprøve: " + told, sampled.seen(LEADER, f"/sager/{sampled.case}/opslag"))
    assert [sampled.verdict(look, at) for at in (None, before)] == [("justified", "works_in_case", LEADER), None]


def test_a_verdict_stands_unless_it_was_unclear(sampled: Sampled) -> None:
    """Given an unclear verdict, another may follow; after any other none may, not by another leader either."""
    html = sampled.html(LEADER, sampled.address)
    look = sampled.look(html)
    assert sampled.judged(html, look, "unclear:viewer_asked") == 303
    assert sampled.judged(html, look, "unjustified:own_circle") == 303
    assert sampled.judged(html, look, "justified:works_in_case") == 409
    html = sampled.html(OFFICER, sampled.address)
    assert sampled.judged(html, look, "justified:works_in_case") == 409
    assert "Ikke berettiget: egen familie eller bekendte" in sampled.seen(LEADER, sampled.address)


def test_a_second_click_is_one_verdict(sampled: Sampled) -> None:
    """Given the same form sent twice, then there is one verdict, and the same form with another is refused."""
    html, key = sampled.html(LEADER, sampled.address), str(uuid4())
    look, before = sampled.look(html), sampled.cases.ledger.head().size
    assert [sampled.judged(html, look, "justified:technical", key) for _ in range(2)] == [303, 303]
    assert sampled.judged(html, look, "unjustified:by_mistake", key) == 409
    rows = sampled.cases.ledger.read_range(before + 1, sampled.cases.ledger.head().size)
    assert sum(row.topic == "look_judged" for row in rows) == 1


def test_nobody_judges_their_own(sampled: Sampled) -> None:
    """Given a leader's own look, then there is no form for it, a verdict on it is refused, and somebody else may."""
    sampled.seen(LEADER, f"/sager/{sampled.case}/frister")
    sampled.upto = sampled.cases.ledger.head().size
    html = sampled.html(LEADER, sampled.address)
    own = sampled.look(html, LEADER)
    assert f'for="vurdering-{own}"' not in html
    assert "Dit eget opslag: en anden skal vurdere det." in html
    assert sampled.judged(html, own, "justified:works_in_case") == 409
    html = sampled.html(OFFICER, sampled.address)
    assert sampled.judged(html, own, "justified:leads_or_supervises") == 303


def test_auditors_read_and_do_not_judge(sampled: Sampled) -> None:
    """Given an auditor, then the sample has no forms for them, and a verdict is refused."""
    html = sampled.html(LEADER, sampled.address)
    look = sampled.look(html)
    read = sampled.html(AUDITOR, sampled.address)
    assert "Registrér vurderingen" not in read
    token = re.search(r'name="csrf" value="([^"]+)"', sampled.html(AUDITOR, f"/sager/{sampled.case}/bevispakke"))
    assert token is not None
    sent = {"csrf": token[1], "noegle": str(uuid4()), "opslag": str(look), "vurdering": "justified:technical"}
    month = {"procent": "100", "froe": "1", "maaned": f"{datetime.now(UTC):%m-%Y}", "indtil": str(sampled.upto)}
    assert sampled.client.post(f"{SAMPLE}/vurdering", data=sent | month, headers=OWN_PAGE).status_code == 403


def test_what_is_no_verdict_is_asked_for_again(sampled: Sampled) -> None:
    """Given no verdict of ours, or no look of the sample, then nothing is recorded and the page says what is wrong."""
    html, before = sampled.html(LEADER, sampled.address), sampled.cases.ledger.head().size
    look = sampled.look(html)
    for choice in ("", "justified", "justified:own_circle", "<script>", "x" * 100_000):
        assert sampled.judged(html, look, choice) == 422
    assert sampled.judged(html, 1, "justified:technical") == 409
    rows = sampled.cases.ledger.read_range(before + 1, sampled.cases.ledger.head().size)
    assert not any(row.topic == "look_judged" for row in rows)


def test_the_paper_is_the_same_each_time(sampled: Sampled) -> None:
    """Given a sample with a verdict, then its PDF has the same bytes again, also after later verdicts, and its data."""
    typst = pytest.importorskip("typst")
    assert typst
    html = sampled.html(LEADER, sampled.address)
    assert sampled.judged(html, sampled.look(html), "justified:stood_in") == 303
    page = sampled.html(LEADER, sampled.address)
    (place,) = re.findall(r'href="(/ledelse/stikproeve\.pdf[^"]+)"', page)
    first = sampled.client.get(place, headers=OWN_PAGE)
    assert (first.status_code, first.headers["content-type"]) == (200, "application/pdf")
    other = next(int(one) for one in re.findall(r'id="vurdering-(\d+)"', page))
    assert sampled.judged(page, other, "unclear:passed_on") == 303
    assert sampled.client.get(place, headers=OWN_PAGE).content == first.content
    assert b"stikproeve.json" in first.content
    (later,) = re.findall(r'href="(/ledelse/stikproeve\.pdf[^"]+)"', sampled.html(LEADER, sampled.address))
    assert sampled.client.get(later, headers=OWN_PAGE).content != first.content
