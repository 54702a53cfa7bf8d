"""Signing in at a real OpenID Connect provider: the whole way, and what becomes of answers that are not one's own."""

from collections.abc import Generator
from http.cookies import SimpleCookie
from pathlib import Path
from time import sleep, time
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

import httpx2
import psycopg
import pytest
from joserfc.jwk import RSAKey

from api.sign_in.identity import SignInNotUsable
from api.sign_in.oidc import ANSWER, OidcSignIn
from ledger.settings import Settings
from ledger.store import Ledger
from tests.api.sign_in import provider
from tests.api.sign_in.app import OWN_PAGE, address_of, browsing, hidden, listening, running, small_app
from tests.api.sign_in.conftest import Login, settings
from tests.api.sign_in.issuer import Issuer, issuing, rsa

LOGIN_COOKIE = "caseledger-login"
FAILED = "Log ind lykkedes ikke"


def sessions(login: Login) -> list[str]:
    """Return who is signed in, from the database."""
    with psycopg.connect(login.place.conninfo) as connection:
        return [staff for (staff,) in connection.execute("SELECT staff FROM sign_in.session").fetchall()]


def altered(address: str, **changes: str | None) -> str:
    """Return an address with other parameters; None leaves one out."""
    parts = urlsplit(address)
    query = {name: value for name, value in (dict(parse_qsl(parts.query)) | changes).items() if value is not None}
    return urlunsplit(parts._replace(query=urlencode(query)))


def refused(login: Login, response: httpx2.Response, status: int = 400) -> str:
    """Return the page that tells of a failed sign-in, having checked that nobody was signed in."""
    assert response.status_code == status, response.text
    assert FAILED in response.text
    assert "caseledger=" not in str(response.headers.get_list("set-cookie"))
    assert sessions(login) == []
    assert login.browser.get("/side").headers["location"].startswith("/log-ind?")
    return response.text


def test_the_whole_way(login: Login) -> None:
    """From a page to the provider, back, a purpose, and the page; the claims are those of the provider."""
    sent = login.browser.get("/side")
    assert sent.headers["location"] == "/log-ind?videre=/side"
    offered = login.browser.get(sent.headers["location"])
    assert '<a class="button button-primary" href="/log-ind/begynd?videre=/side">' in offered.text
    begun = login.browser.get("/log-ind/begynd?videre=/side")
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert begun.headers["location"].startswith(f"{login.issuer}/auth?")
    assert (asked["response_type"], asked["code_challenge_method"]) == (["code"], ["S256"])
    assert asked["redirect_uri"] == [f"{login.url}{ANSWER}"]
    back = provider.signed_in_at_provider(begun.headers["location"], "u-90")
    admitted = login.browser.get(back)
    assert (admitted.status_code, admitted.headers["location"]) == (303, "/log-ind/formaal?videre=/side")
    assert LOGIN_COOKIE not in login.browser.cookies
    page = login.browser.get(admitted.headers["location"])
    form = {"formaal": "case-work", "videre": hidden(page, "videre"), "csrf": hidden(page, "csrf")}
    landed = login.browser.post("/log-ind/formaal", data=form)
    assert landed.headers["location"] == "/side"
    found = login.browser.get("/side").json()
    assert (found["staff"], found["roles"], found["organisation"]) == ("u-90", ["caseworker"], "Eksempelkommune")
    assert (found["purpose"], found["via"]) == ("case-work", "session")


def test_the_cookie_of_the_way_is_short_lived(login: Login) -> None:
    """Ten minutes, out of reach of scripts; neither it nor the address holds the verifier."""
    response = login.browser.get("/log-ind/begynd")
    cookie = SimpleCookie(response.headers["set-cookie"])[LOGIN_COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"], cookie["path"]) == (True, "lax", "600", "/")
    secret = cookie.value.split(".")[1]
    assert secret not in response.headers["location"]


def test_a_person_who_has_no_role_here_stays_out(login: Login) -> None:
    """The provider knows them, we do not: a page says whom to ask."""
    assert "ingen rolle" in refused(login, login.browser.get(login.back("u-99")), 403)


def test_a_person_whose_id_is_an_address_stays_out(login: Login) -> None:
    """An e-mail address would go on record for ever."""
    text = refused(login, login.browser.get(login.back("karla@eksempel.dk")))
    assert "medarbejder-id" in text
    assert "karla" not in text


def test_a_browser_that_did_not_begin_is_not_signed_in(login: Login) -> None:
    """An attacker's answer, opened in another browser, signs nobody in as the attacker."""
    back = login.back("u-95")
    with browsing(login.url) as victim:
        assert FAILED in victim.get(back).text
        victim.get("/log-ind/begynd")
        response = victim.get(back)
        assert response.status_code == 400
        assert FAILED in response.text
        assert "caseledger" not in victim.cookies
    assert sessions(login) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "0" * 64},
        {"state": ""},
        {"state": None},
        {"state": "é"},
        {"iss": "https://andre.eksempel.dk"},
        {"code": None},
        {"code": "made-up"},
        {"error": "access_denied"},
    ],
)
def test_an_altered_answer_signs_nobody_in(login: Login, changes: dict[str, str | None]) -> None:
    """Another state, issuer, code or an error; afterwards the true answer comes too late."""
    back = login.back()
    refused(login, login.browser.get(altered(back, **changes)))
    refused(login, login.browser.get(back))


def test_a_code_works_once(login: Login) -> None:
    """Played again, with the cookie of the way restored, the provider takes it no more."""
    back = login.back()
    cookie = f"{LOGIN_COOKIE}={login.browser.cookies[LOGIN_COOKIE]}"
    assert login.browser.get(back).status_code == 303
    with browsing(login.url) as thief:
        response = thief.get(back, headers={"Cookie": cookie})
        assert response.status_code == 400
        assert "kun bruges én gang" in response.text
        assert "caseledger" not in thief.cookies
    assert sessions(login) == ["u-90"]


@pytest.mark.parametrize("name", ["onwards", "started", "secret"])
def test_an_altered_cookie_signs_nobody_in(login: Login, name: str) -> None:
    """State binds every part of the cookie: where one goes, when it began, whose it is."""
    back = login.back()
    started, secret, onwards = str(login.browser.cookies[LOGIN_COOKIE]).split(".")
    made_up = {"onwards": "L3NhZ2Vy", "started": str(int(started) - 1), "secret": "0" * 64}[name]
    parts = {"started": started, "secret": secret, "onwards": onwards} | {name: made_up}
    with browsing(login.url) as browser:
        response = browser.get(back, headers={"Cookie": f"{LOGIN_COOKIE}={'.'.join(parts.values())}"})
    refused(login, response)


@pytest.mark.parametrize("onwards", ["//eksempel.dk", "/\\eksempel.dk", "https://eksempel.dk"])
def test_nobody_comes_back_to_another_site(login: Login, onwards: str) -> None:
    """What was no path of ours when the way began leads to the start at its end."""
    admitted = login.browser.get(login.back(onwards=onwards))
    assert admitted.headers["location"] == "/log-ind/formaal?videre=/"


def test_signing_out_names_the_providers_way_out(login: Login) -> None:
    """The session ends here; the page says where to end the other one."""
    page = login.browser.get(login.browser.get(login.back()).headers["location"])
    login.browser.post("/log-ud", data={"csrf": hidden(page, "csrf")})
    assert sessions(login) == []
    assert f'href="{login.issuer}/session/end"' in login.browser.get("/log-ud").text


def test_a_program_of_the_provider_is_known_by_its_token(login: Login) -> None:
    """A real access token opens the API; it opens no page."""
    headers = {"Authorization": f"Bearer {provider.program_token(login.issuer)}"}
    me = httpx2.get(f"{login.url}/me", headers=headers)
    assert me.status_code == 200, me.text
    assert (me.json()["staff"], me.json()["roles"]) == ("program", ["auditor"])
    assert httpx2.get(f"{login.url}/side", headers=headers).status_code == 303


def flow(ledger: Ledger, issuer: Issuer, public_url: str | None = None) -> Generator[httpx2.Client]:
    """Yield a browser of an application that signs people in at an issuer made by hand."""
    listener = listening()
    sign_in = OidcSignIn(ledger, settings(issuer.url, public_url=public_url or address_of(listener)), pause=0)
    with running(small_app(sign_in), listener), browsing(address_of(listener)) as browser:
        yield browser


@pytest.fixture
def issuer() -> Generator[Issuer]:
    """An issuer whose identity tokens are made by hand."""
    with issuing(rsa()) as made:
        yield made


@pytest.fixture
def public(module_ledger: Ledger, issuer: Issuer) -> Generator[httpx2.Client]:
    """A browser of an application behind https, which here is reached without."""
    yield from flow(module_ledger, issuer, "https://sager.eksempel.dk")


@pytest.fixture
def handmade(module_ledger: Ledger, issuer: Issuer) -> Generator[httpx2.Client]:
    """A browser of an application on loopback."""
    yield from flow(module_ledger, issuer)


def answered(
    browser: httpx2.Client, issuer: Issuer, key: RSAKey | None = None, kind: str = "JWT", **claims: Any
) -> httpx2.Response:
    """Begin, have the issuer answer with an identity token of these claims, and come back."""
    begun = browser.get("/log-ind/begynd", params={"videre": "/side"})
    asked = dict(parse_qsl(urlsplit(begun.headers["location"]).query))
    good: dict[str, Any] = {"aud": "pages", "nonce": asked["nonce"]}
    issuer.identity_token = issuer.token(key, {"typ": kind}, **(good | claims))
    name, _, value = begun.headers["set-cookie"].partition(";")[0].partition("=")
    return browser.get(ANSWER, params={"code": "c", "state": asked["state"]}, headers={"Cookie": f"{name}={value}"})


def test_https_cookies_are_bound_to_the_host(public: httpx2.Client, issuer: Issuer) -> None:
    """Behind https each cookie is Secure and has the prefix that allows no other host, path or scheme."""
    begun = public.get("/log-ind/begynd")
    assert "redirect_uri=https%3A%2F%2Fsager.eksempel.dk%2Flog-ind%2Fsvar" in begun.headers["location"]
    admitted = answered(public, issuer)
    assert admitted.status_code == 303, admitted.text
    given = [begun.headers["set-cookie"], *admitted.headers.get_list("set-cookie")]
    assert [cookie.partition("=")[0] for cookie in given] == [
        "__Host-caseledger-login",
        "__Host-caseledger",
        "__Host-caseledger-login",
    ]
    for cookie in given:
        assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


def test_behind_https_only_the_public_origin_sends_forms(public: httpx2.Client, issuer: Issuer) -> None:
    """The address people open counts, not the one that the proxy asks."""
    secret = SimpleCookie(answered(public, issuer).headers.get_list("set-cookie")[0])["__Host-caseledger"].value
    cookie = {"Cookie": f"__Host-caseledger={secret}"}
    token = hidden(public.get("/log-ind/formaal", headers=cookie), "csrf")
    form = {"note": "x", "csrf": token}
    with httpx2.Client(base_url=public.base_url) as old:
        for origin, status in ((str(public.base_url), 403), ("https://sager.eksempel.dk", 200)):
            assert old.post("/side", data=form, headers=cookie | {"Origin": origin}).status_code == status


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "0" * 64},
        {"nonce": None},
        {"nonce": 1},
        {"aud": "program"},
        {"aud": ["pages", "program"], "azp": "program"},
        {"exp": int(time()) - 3600},
        {"iss": "https://andre.eksempel.dk"},
        {"sub": None},
    ],
)
def test_an_identity_token_that_is_not_for_this_is_refused(
    handmade: httpx2.Client, issuer: Issuer, claims: dict[str, Any]
) -> None:
    """Of another sign-in, for another client, expired, of another issuer, about nobody."""
    response = answered(handmade, issuer, **claims)
    assert response.status_code == 400
    assert FAILED in response.text
    assert "caseledger" not in handmade.cookies


def test_an_identity_token_of_another_key_or_type_is_refused(handmade: httpx2.Client, issuer: Issuer) -> None:
    """It is verified although it came from the provider itself; the good one is taken."""
    assert answered(handmade, issuer, rsa()).status_code == 400
    assert answered(handmade, issuer, kind="at+jwt").status_code == 400
    assert answered(handmade, issuer).status_code == 303


def test_an_answer_that_comes_late_is_refused(
    handmade: httpx2.Client, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way must be done in ten minutes, whatever the browser kept."""
    monkeypatch.setattr("api.sign_in.code_flow.LOGIN_SECONDS", 0)
    begun = handmade.get("/log-ind/begynd")
    asked = dict(parse_qsl(urlsplit(begun.headers["location"]).query))
    sleep(1.1)
    late = handmade.get(ANSWER, params={"code": "c", "state": asked["state"]})
    assert late.status_code == 400
    assert "for lang tid" in late.text


def test_while_the_provider_is_down_a_page_says_so(handmade: httpx2.Client, issuer: Issuer) -> None:
    """Both ends of the way, and the way out, which then has no link."""
    issuer.failing = True
    response = handmade.get("/log-ind/begynd")
    assert (response.status_code, response.headers["retry-after"]) == (503, "10")
    assert "svarer ikke" in response.text
    assert "Du er logget ud" in handmade.get("/log-ud", headers=OWN_PAGE).text
    issuer.failing = False
    assert handmade.get("/log-ind/begynd").status_code == 303
    issuer.identity_token = None
    begun = handmade.get("/log-ind/begynd")
    asked = dict(parse_qsl(urlsplit(begun.headers["location"]).query))
    assert handmade.get(ANSWER, params={"code": "c", "state": asked["state"]}).status_code == 503


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"oidc_issuer": "http://login.eksempel.dk"}, "CASELEDGER_OIDC_ISSUER must be https"),
        ({"oidc_issuer": "login.eksempel.dk"}, "CASELEDGER_OIDC_ISSUER must be https"),
        ({"oidc_issuer": None}, "Sign-in needs CASELEDGER_OIDC_ISSUER"),
        ({"oidc_audience": None}, "Sign-in needs"),
        ({"oidc_client_id": None}, "Sign-in needs"),
        ({"oidc_audience": "pages"}, "must differ"),
        ({"public_url": None}, "CASELEDGER_PUBLIC_URL"),
        ({"public_url": "http://sager.eksempel.dk"}, "CASELEDGER_PUBLIC_URL"),
        ({"oidc_client_secret_file": Path("/nowhere/secret")}, "CASELEDGER_OIDC_CLIENT_SECRET_FILE"),
    ],
)
def test_unusable_settings_are_one_line(module_ledger: Ledger, changes: dict[str, object], said: str) -> None:
    """What is missing or cannot be trusted is named, and nothing of the secret."""
    with pytest.raises(SignInNotUsable, match=said) as refusal:
        OidcSignIn(module_ledger, settings("https://login.eksempel.dk", **changes))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("value", ['{"Revisor": "king"}', "{", "[1]", '{"Revisor": 1}'])
def test_a_map_to_roles_that_are_not_ours_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """A typing error in the map would shut people out without a word."""
    monkeypatch.setenv("CASELEDGER_OIDC_ROLE_MAP", value)
    with pytest.raises(ValueError, match="oidc_role_map") as refusal:
        Settings()
    assert "king" not in str(refusal.value)
