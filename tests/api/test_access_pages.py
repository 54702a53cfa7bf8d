"""The pages about access: what they say, and what they let happen, over HTTP with real sessions."""

import re
from collections.abc import Generator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from html import unescape
from threading import Thread
from typing import Any
from uuid import uuid4

import orjson
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.opening import Place
from api.pages.access_views import QUEUE
from api.pages.access_words import CLOSED
from api.pages.desk import RESTRICTED
from api.sign_in.local import LocalSignIn
from tests.api.client import CANARY, Api, Response, command, note
from tests.api.signing_in import OWN_PAGE, signed_in

LEADER, CASEWORKER, OTHER, AUDITOR, OFFICER, ANALYST = "u-12", "u-90", "u-25", "u-95", "u-81", "u-96"


@pytest.fixture
def staff(api: Api) -> Generator[dict[str, Api]]:
    """A client for each of them."""
    with ExitStack() as stack:
        everybody = (LEADER, CASEWORKER, OTHER, AUDITOR, OFFICER, ANALYST)
        yield {who: stack.enter_context(api.acting_as(who)) for who in everybody}


def page(client: Api, path: str, status: int = 200) -> str:
    """Return a page that no cache keeps, with its status checked, as text with its markup."""
    answer = client.http.get(path, headers=OWN_PAGE)
    assert answer.status_code == status, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return unescape(answer.text)


def send(client: Api, html: str, action: str, **typed: str) -> Response:
    """Send the form of a page with an action, with what it hides and what was typed."""
    form = html.split(f'action="{action}"')[1].split("</form>")[0]
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    return client.http.post(action, data=hidden | typed, headers=OWN_PAGE)


def look_in(html: str) -> int:
    """Return the number under which a page says it is on record."""
    return int(re.findall(r"<footer.*?opslag (\d+)", html, re.DOTALL)[0])


def recorded(api: Api, position: int) -> dict[str, Any]:
    """Return the look at a position."""
    ((topic, state),) = api.query("SELECT topic, state FROM ledger.event WHERE position = %s", position)
    assert topic == "record_viewed"
    return orjson.loads(state)["data"]


def emergencies(api: Api, case: str) -> int:
    """Return how many emergency accesses to a case are on record."""
    statement = "SELECT count(*) FROM ledger.event WHERE stream = %s AND topic = 'break_glass_opened'"
    return api.query(statement, case)[0][0]


def opened(other: Api, case: str, reason: str = "Barnet er alene hjemme") -> None:
    """Open a case in an emergency from its 403 page."""
    action = f"/sager/{case}/noedadgang"
    answer = send(other, page(other, f"/sager/{case}", 403), action, begrundelse=reason)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/sager/{case}")


class TestClosed:
    """The page for somebody who is kept out."""

    def test_it_says_why_and_where_that_is_on_record(self, api: Api, staff: dict[str, Api]) -> None:
        """And offers the emergency door, with what it means."""
        html = page(staff[OTHER], f"/sager/{api.open_case(note(CANARY))}", 403)
        assert CLOSED["not_assigned"] in html
        assert "3 timer" in html
        assert 'maxlength="2000"' in html
        assert "Højst 2.000 tegn." in html
        look = recorded(api, look_in(html))
        assert (look["viewer"], look["refusal"], look["purpose"]) == (OTHER, "not_assigned", "case-work")
        assert CANARY not in html

    def test_a_restricted_case_can_be_opened_too(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """Restriction keeps out; an emergency opens."""
        restrict(staff[LEADER], case, LEADER)
        html = page(staff[OTHER], f"/sager/{case}", 403)
        assert CLOSED["restricted"] in html
        assert "/noedadgang" in html

    @pytest.mark.parametrize(
        ("who", "reason"),
        [(CASEWORKER, "conflict_of_interest"), (OFFICER, "role"), (ANALYST, "role")],
    )
    def test_the_emergency_door_is_not_offered_to_everybody(
        self, api: Api, staff: dict[str, Api], who: str, reason: str
    ) -> None:
        """Nor does it open for them when they knock: refused, and on record."""
        case = api.open_case()
        if reason == "conflict_of_interest":
            conflict = {"staff": who, "kind": "kinship"}
            assert api.post(f"/cases/{case}/conflicts-of-interest", conflict).status_code == 201
        html = page(staff[who], f"/sager/{case}", 403)
        assert CLOSED[reason] in html
        assert "<form" not in html
        form = {"csrf": token(staff[who]), "noegle": str(uuid4())}
        for typed in ("", "akut"):
            answer = staff[who].http.post(
                f"/sager/{case}/noedadgang", data=form | {"begrundelse": typed}, headers=OWN_PAGE
            )
            assert answer.status_code == 403
            assert recorded(api, look_in(unescape(answer.text)))["what"] == "break-glass.open"
        assert emergencies(api, case) == 0

    def test_a_role_without_a_list_is_told_so(self, staff: dict[str, Api]) -> None:
        """Data protection has no list of cases."""
        assert "Siden er ikke åben for dig" in page(staff[OFFICER], "/sager", 403)


def token(client: Api) -> str:
    """Return what forms of somebody's session carry."""
    return page(client, "/log-ud").split('name="csrf" value="')[1].split('"')[0]


def restrict(leader: Api, case: str, *allowed: str) -> None:
    """Restrict a case to some."""
    day = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()
    body = {"category": "high_profile", "allowed": list(allowed), "review_by": day, "reason": "r"}
    assert leader.post(f"/cases/{case}/restrictions", body).status_code == 201


class TestEmergency:
    """Opening a case from its 403 page."""

    def test_it_opens_the_case_and_says_so(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """The page then carries the red banner, and the look is marked."""
        opened(staff[OTHER], case)
        html = page(staff[OTHER], f"/sager/{case}")
        assert re.search(r"Nødadgang til (kl\.|\d\d-\d\d-\d{4} kl\.) \d\d\.\d\d", html)
        assert 'href="#v2"' in html
        assert "Barnet er alene hjemme" in html
        assert recorded(api, look_in(html))["break_glass"] is True
        assert "Nødadgang til" not in page(api, f"/sager/{case}")
        past = page(staff[OTHER], f"/sager/{case}?valid_at=2026-03-05T00:00:00Z")
        assert "Nødadgang til" in past
        assert 'href="#v2"' not in past

    def test_a_double_click_opens_it_once(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """Four times at once, and again later, with the same form: one entry."""
        html = page(staff[OTHER], f"/sager/{case}", 403)
        answers: list[Response] = []
        clicks = [
            Thread(
                target=lambda: answers.append(send(staff[OTHER], html, f"/sager/{case}/noedadgang", begrundelse="nu"))
            )
            for _ in range(4)
        ]
        for click in clicks:
            click.start()
        for click in clicks:
            click.join()
        answers.append(send(staff[OTHER], html, f"/sager/{case}/noedadgang", begrundelse="nu"))
        answers.append(send(staff[OTHER], html, f"/sager/{case}/noedadgang", begrundelse="noget andet"))
        assert [answer.status_code for answer in answers] == [303] * 6
        assert emergencies(api, case) == 1

    @pytest.mark.parametrize(("typed", "said"), [("  ", "Skriv, hvorfor"), ("ø" * 2001, "2.001 tegn")])
    def test_what_cannot_be_taken_is_asked_for_again(
        self, api: Api, staff: dict[str, Api], case: str, typed: str, said: str
    ) -> None:
        """Beside the field and in the summary, with what was typed kept; nothing is opened."""
        html = page(staff[OTHER], f"/sager/{case}", 403)
        action = f"/sager/{case}/noedadgang"
        answer = send(staff[OTHER], html, action, begrundelse=typed)
        again = unescape(answer.text)
        assert answer.status_code == 422
        assert again.count(said) == 2
        assert "<title>Fejl: " in again
        assert 'href="#begrundelse"' in again
        assert typed.strip() in again
        assert emergencies(api, case) == 0
        assert send(staff[OTHER], again, action, begrundelse="nu").status_code == 303
        assert emergencies(api, case) == 1

    def test_only_our_own_form_opens_it(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """Without token, with another session's, from another site: refused."""
        action, form = f"/sager/{case}/noedadgang", {"begrundelse": "nu", "noegle": str(uuid4())}
        http = staff[OTHER].http
        foreign = {**OWN_PAGE, "Sec-Fetch-Site": "cross-site"}
        own = token(staff[OTHER])
        for csrf, headers in (("", OWN_PAGE), (token(api), OWN_PAGE), (own, foreign)):
            assert http.post(action, data=form | {"csrf": csrf}, headers=headers).status_code == 403
        assert http.post(action, data={"begrundelse": "nu", "csrf": own}, headers=OWN_PAGE).status_code == 403
        assert emergencies(api, case) == 0

    def test_holders_are_told_on_their_list(self, api: Api, staff: dict[str, Api]) -> None:
        """In one look that names the case; not those who do not hold it, and not on a list of the past."""
        case = api.open_case(number="S-TOLD")
        opened(staff[OTHER], case)
        html = page(api, "/sager")
        told = html.split('id="beskeder"')[1].split("</section>")[0]
        assert "u-25 (socialrådgiver)" in told
        line = next(one for one in told.split("<li>") if "S-TOLD" in one)
        assert "afventer gennemgang" in line
        assert case in recorded(api, look_in(html))["cases"]
        assert 'id="beskeder"' not in page(staff[LEADER], "/sager")
        assert 'id="beskeder"' not in page(api, "/sager?known_at=2026-03-05T00:00:00Z")


class TestReview:
    """The review queue."""

    def test_a_leader_judges_and_it_is_done(self, api: Api, staff: dict[str, Api]) -> None:
        """With the reason in clear and the look naming the case."""
        case, leader = api.open_case(number="S-JUDGED"), staff[LEADER]
        opened(staff[OTHER], case, "<b>akut</b> kald")
        html = page(leader, QUEUE)
        waiting = html.split('id="gennemgaaet"')[0]
        assert "S-JUDGED" in waiting
        assert case in recorded(api, look_in(html))["cases"]
        assert "&lt;b&gt;akut&lt;/b&gt; kald" in leader.http.get(QUEUE).text
        action = f"/sager/{case}/noedadgang/2/gennemgang"
        answer = send(leader, html, action, vurdering="no", begrundelse="intet kald registreret")
        assert (answer.status_code, answer.headers["location"]) == (303, QUEUE)
        waiting, judged = page(leader, QUEUE).split('id="gennemgaaet"')
        assert "S-JUDGED" not in waiting
        assert "ikke berettiget, u-12" in next(row for row in judged.split("<tr>") if "S-JUDGED" in row)
        again = send(leader, html, action, vurdering="no", begrundelse="intet kald registreret")
        assert again.status_code == 303
        late = send(leader, html, action, vurdering="yes", begrundelse="alligevel")
        assert late.status_code == 409
        assert "Vurderingen er ikke registreret" in late.text

    def test_what_is_missing_is_asked_for_beside_its_form(self, api: Api, staff: dict[str, Api]) -> None:
        """Choice and grounds, with what was typed kept in that form alone."""
        cases, leader = [api.open_case(), api.open_case()], staff[LEADER]
        for case in cases:
            opened(staff[OTHER], case)
        html = page(leader, QUEUE)
        action = f"/sager/{cases[0]}/noedadgang/2/gennemgang"
        answer = send(leader, html, action, begrundelse="KEPT")
        again = unescape(answer.text)
        assert answer.status_code == 422
        assert again.count("KEPT") == 1
        assert again.count("Vælg, om nødadgangen var berettiget.") == 2
        target = re.findall(r'<li><a href="#(vurdering-[^"]+)"', again)[0]
        assert f'id="{target}"' in again
        assert "Skriv begrundelsen." in send(leader, again, action, vurdering="yes").text
        assert send(leader, again, action, vurdering="yes", begrundelse="KEPT").status_code == 303

    def test_it_is_for_those_who_review(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """Others get neither queue, link nor verdict; a made-up entry is not found."""
        opened(staff[OTHER], case)
        assert QUEUE in page(staff[LEADER], "/ledelse")
        assert QUEUE not in page(api, "/sager")
        refusal = page(api, QUEUE, 403)
        assert recorded(api, look_in(refusal))["what"] == "break_glass_queue"
        form = {"csrf": token(api), "noegle": str(uuid4()), "vurdering": "yes", "begrundelse": "g"}
        for entry, status in (("2", 403), ("0", 404), ("x", 404), ("1" * 20, 404)):
            path = f"/sager/{case}/noedadgang/{entry}/gennemgang"
            assert api.http.post(path, data=form, headers=OWN_PAGE).status_code == status
        officer = staff[OFFICER]
        form["csrf"] = token(officer)
        answer = officer.http.post(f"/sager/{case}/noedadgang/1/gennemgang", data=form, headers=OWN_PAGE)
        assert answer.status_code == 422
        assert "Det kan ikke registreres" in answer.text


class TestLooks:
    """Who has looked."""

    def test_each_look_is_listed_with_what_it_was(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """Newest first: who, why, what, as of when, refused, in an emergency; and this look is on record."""
        page(api, f"/sager/{case}?known_at=2026-03-05T00:00:00Z", 404)
        api.get(f"/cases/{case}")
        opened(staff[OTHER], case)
        page(staff[OTHER], f"/sager/{case}")
        html = page(staff[AUDITOR], f"/sager/{case}/opslag")
        rows = html.split("<tbody>")[1].split("<tr>")[1:]
        assert [re.findall(r"<td[^>]*>(u-\d+)</td>", row)[0] for row in rows] == [OTHER, OTHER, CASEWORKER]
        assert "Nødadgang</span> sagens side" in rows[0]
        assert "Afvist: ikke tildelt" in rows[1]
        assert "3 opslag · 2 medarbejdere · 1 afvist · 1 med nødadgang · 0 efter lukning" in html
        look = recorded(api, look_in(html))
        assert (look["what"], look["cases"], look["viewer"]) == ("access_events", [case], AUDITOR)

    def test_long_lists_come_in_pages(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """The cursor leads on, and only for the case it was given out for."""
        for _ in range(53):
            api.get(f"/cases/{case}")
        first = page(staff[AUDITOR], f"/sager/{case}/opslag")
        following = re.findall(r'href="([^"]+)" rel="next"', first)[0]
        second = page(staff[AUDITOR], following)
        positions = [re.findall(r'class="number">(\d+)<', html) for html in (first, second)]
        assert [len(one) for one in positions] == [50, 3]
        joined = [int(position) for page_of in positions for position in page_of]
        assert joined == sorted(joined, reverse=True)
        page(staff[AUDITOR], following.replace(case, api.open_case()), 400)

    def test_it_is_for_those_who_may_see_it(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """Others are told why not, without the emergency door; the case page links to it for those who may."""
        html = page(api, f"/sager/{case}/opslag", 403)
        assert "Du kan ikke se, hvem der har set sagen" in html
        assert CLOSED["role"] in html
        assert "<form" not in html
        assert "/opslag" in page(staff[AUDITOR], f"/sager/{case}")
        assert "/opslag" not in page(api, f"/sager/{case}")
        page(staff[AUDITOR], f"/sager/{uuid4()}/opslag", 404)
        page(staff[AUDITOR], "/sager/x/opslag", 404)

    def test_a_list_that_may_not_be_whole_is_not_shown(self, stories: Place) -> None:
        """Nobody brings the view up to date here: 503 after a moment, with when to come back."""
        with stories.ledger() as ledger:
            case = ledger.read_topic("case_opened")[0].stream
            with TestClient(create_app(ledger, LocalSignIn(ledger, "127.0.0.1"))) as client:
                signed_in(client, AUDITOR)
                assert client.get(f"/sager/{case}").status_code == 200
                answer = client.get(f"/sager/{case}/opslag")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert "Derfor vises intet" in answer.text
        assert "<table" not in answer.text


class TestRestricted:
    """The restricted cases."""

    def test_a_leader_sees_those_they_look_after(self, api: Api, staff: dict[str, Api]) -> None:
        """With who may reach them and by when that is looked at again; others get no list."""
        case, leader = api.open_case(number="S-CLOSED"), staff[LEADER]
        restrict(leader, case, LEADER, OTHER)
        html = page(leader, RESTRICTED.address)
        row = next(one for one in html.split("<tr>") if "S-CLOSED" in one)
        assert f"{LEADER}, {OTHER}" in row
        assert "stor offentlig interesse" in row
        assert f"/sager/{case}" in row
        assert case in recorded(api, look_in(html))["cases"]
        officers = page(staff[OFFICER], RESTRICTED.address)
        assert "S-CLOSED" in officers
        assert f'/sager/{case}"' not in officers
        page(api, RESTRICTED.address, 403)


def test_a_case_without_access_says_the_same_as_any_other(api: Api, staff: dict[str, Api]) -> None:
    """Handed over meanwhile, the case is closed to the former holder, who is told so in words."""
    case = api.open_case(command("CaseAllocated", {"to": OTHER, "for_role": "social_worker"}))
    assert CLOSED["not_assigned"] in page(api, f"/sager/{case}", 403)


def test_a_view_of_the_past_says_what_is_judged_now(api: Api, case: str) -> None:
    """Permission, protection and what is withheld."""
    now = api.get(f"/cases/{case}/events").json()["items"][0]["recorded_at"]
    assert "afgøres af dine rettigheder i dag" in page(api, f"/sager/{case}?known_at={now}")
    assert "afgøres af dine rettigheder i dag" not in page(api, f"/sager/{case}")
