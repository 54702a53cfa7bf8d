"""Sign-in without password: only over a demonstration, only on this machine, and tokens for the command line."""

import httpx2
import pytest

from api.sign_in.choice import sign_in_for
from api.sign_in.identity import SignInNotUsable
from api.sign_in.local import PEOPLE, LocalSignIn
from api.sign_in.oidc import OidcSignIn
from domain.authority import KIND_OF_ROLE, Kind
from ledger.errors import LedgerError
from ledger.store import Ledger
from tests.api.client import problem
from tests.api.sign_in.conftest import Demonstration, settings

FOREIGN_HOSTS = [
    "eksempel.dk",
    "eksempel.dk:8000",
    "127.0.0.1.eksempel.dk",
    "localhost.eksempel.dk",
    "10.0.0.1",
    "[::1",
]


def test_a_real_ledger_is_refused(ledger: Ledger) -> None:
    """Nobody walks into a real ledger without password; the refusal is one line."""
    with pytest.raises(SignInNotUsable, match="real clock") as refused:
        LocalSignIn(ledger, "127.0.0.1")
    assert isinstance(refused.value, LedgerError)
    assert "\n" not in str(refused.value)


def test_the_way_follows_from_ledger_and_settings(ledger: Ledger, simulated_ledger: Ledger) -> None:
    """A provider that is set up is used for any ledger; without one only a demonstration opens."""
    unset, given = settings("https://login.eksempel.dk", oidc_issuer=None), settings("https://login.eksempel.dk")
    assert isinstance(sign_in_for(simulated_ledger, unset, "127.0.0.1"), LocalSignIn)
    assert isinstance(sign_in_for(simulated_ledger, given, "127.0.0.1"), OidcSignIn)
    assert isinstance(sign_in_for(ledger, given, "127.0.0.1"), OidcSignIn)
    with pytest.raises(SignInNotUsable, match="set CASELEDGER_OIDC_ISSUER"):
        sign_in_for(ledger, unset, "127.0.0.1")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "sager.eksempel.dk", ""])
def test_another_machine_is_refused(simulated_ledger: Ledger, host: str) -> None:
    """It is made only for an address that other machines do not reach."""
    with pytest.raises(SignInNotUsable, match="listen on 127"):
        LocalSignIn(simulated_ledger, host)


def test_the_people_are_fictional_and_have_every_role() -> None:
    """Each kind of role can be tried; everybody is called Eksempel."""
    assert {KIND_OF_ROLE[person.role] for person in PEOPLE.values()} == set(Kind)
    assert all(person.name.endswith(" Eksempel") for person in PEOPLE.values())
    assert len({person.name for person in PEOPLE.values()}) == len(PEOPLE)


def test_the_page_lists_everybody_with_labels(demonstration: Demonstration) -> None:
    """One labelled choice each, in Danish, marked as a demonstration, without script or style of its own."""
    page = demonstration.browser.get("/log-ind")
    assert page.headers["cache-control"] == "no-store"
    assert '<html lang="da">' in page.text
    assert "Kun demonstration: vælg en opdigtet medarbejder" in page.text
    for person in PEOPLE.values():
        assert f'<label for="medarbejder-{person.staff}">' in page.text
        assert f'id="medarbejder-{person.staff}"' in page.text
        assert person.name in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text


@pytest.mark.parametrize("staff", ["", "u-1", "u-90 "])
def test_an_unknown_person_is_not_signed_in(demonstration: Demonstration, staff: str) -> None:
    """The page comes again and says what is missing."""
    response = demonstration.log_in(staff)
    assert response.status_code == 422
    assert "Vælg en medarbejder" in response.text
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_another_name_for_this_machine_is_refused(demonstration: Demonstration, host: str) -> None:
    """A foreign name that was made to point here opens nothing: no page, no sign-in, no token, no session."""
    signed = demonstration.log_in()
    token = demonstration.browser.post("/demonstration/tokens/u-90", headers={"Sec-Fetch-Site": "none"}).text
    headers = {"Host": host, "Origin": f"http://{host}"}
    browser = demonstration.browser
    for response in (
        browser.get("/log-ind", headers=headers),
        demonstration.log_in("u-95", "/side", **headers),
        browser.post("/demonstration/tokens/u-90", headers=headers),
        browser.get("/side", headers=headers),
        browser.get("/log-ud", headers=headers),
        browser.get("/me", headers=headers | {"Authorization": f"Bearer {token}"}),
    ):
        assert response.status_code == 403
        assert "set-cookie" not in response.headers
    assert signed.status_code == 303


def test_a_token_for_the_command_line(demonstration: Demonstration) -> None:
    """One request gives a token as plain text, and the API takes it."""
    given = httpx2.post(f"{demonstration.url}/demonstration/tokens/u-12")
    assert given.status_code == 200
    assert given.headers["content-type"] == "text/plain; charset=utf-8"
    assert given.headers["cache-control"] == "no-store"
    me = httpx2.get(f"{demonstration.url}/me", headers={"Authorization": f"Bearer {given.text}"}).json()
    assert (me["staff"], me["roles"], me["organisation"]) == ("u-12", ["supervisor"], "Eksempelkommune")
    assert (me["purpose"], me["via"]) == (None, "bearer")


def test_a_token_of_another_start_is_refused(demonstration: Demonstration) -> None:
    """The key lives as long as the service."""
    stranger = LocalSignIn(demonstration.ledger, "127.0.0.1").token(PEOPLE["u-90"])
    response = httpx2.get(f"{demonstration.url}/me", headers={"Authorization": f"Bearer {stranger}"})
    assert problem(response, 401, "not-signed-in")["code"] == "unknown-key"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_sites_get_no_token(demonstration: Demonstration, site: str) -> None:
    """A page of another site cannot ask for one; nobody can with GET."""
    response = httpx2.post(f"{demonstration.url}/demonstration/tokens/u-90", headers={"Sec-Fetch-Site": site})
    assert problem(response, 403, "foreign-request")["code"] == "cross-site"
    assert httpx2.get(f"{demonstration.url}/demonstration/tokens/u-90").status_code == 405


def test_a_token_for_nobody(demonstration: Demonstration) -> None:
    """An unknown id is a problem that names those there are."""
    response = httpx2.post(f"{demonstration.url}/demonstration/tokens/u-1")
    assert "u-90" in problem(response, 404, "not-found")["detail"]
