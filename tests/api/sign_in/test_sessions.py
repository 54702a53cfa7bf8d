"""Sessions of the pages: cookies, purposes, limits of time, forms, the way out, and where one lands."""

from http.cookies import SimpleCookie
from typing import Any, LiteralString

import httpx2
import psycopg
import pytest

from api.sign_in.forms import FORM_LIMIT
from api.sign_in.identity import SignInNotUsable
from api.sign_in.site import Site, is_loopback, local_path
from tests.api.sign_in.app import browsing, hidden
from tests.api.sign_in.conftest import Demonstration

COOKIE = "caseledger"
SESSION: LiteralString = "SELECT key, staff, roles, organisation, purpose FROM sign_in.session"


def rows(demonstration: Demonstration, statement: LiteralString = SESSION) -> list[tuple[Any, ...]]:
    """Ask the database of a demonstration, as its superuser."""
    with psycopg.connect(demonstration.place.conninfo) as connection:
        return connection.execute(statement).fetchall()


def signed_in(demonstration: Demonstration, staff: str = "u-90", onwards: str = "/side") -> httpx2.Response:
    """Sign in, take the purpose that is proposed, and return where that leads."""
    response = demonstration.log_in(staff, onwards)
    assert response.status_code == 303, response.text
    return chosen(demonstration, demonstration.browser.get(response.headers["location"]))


def chosen(demonstration: Demonstration, page: httpx2.Response, **changes: str) -> httpx2.Response:
    """Send the form for a purpose as it stands, with changes."""
    assert page.status_code == 200, page.text
    proposed = page.text.split('" checked')[0].rpartition('value="')[2]
    form = {"formaal": proposed, "videre": hidden(page, "videre"), "csrf": hidden(page, "csrf")}
    return demonstration.browser.post("/log-ind/formaal", data=form | changes)


def test_from_a_page_to_sign_in_and_back(demonstration: Demonstration) -> None:
    """A reader is sent to sign in, chooses a purpose, and lands on the page they wanted, with its query."""
    browser = demonstration.browser
    sent = browser.get("/side?known_at=2024-08-21T07:00:00Z&x=1")
    assert sent.status_code == 303
    page = browser.get(sent.headers["location"])
    assert "Kun demonstration: vælg en opdigtet medarbejder" in page.text
    onwards = hidden(page, "videre")
    landed = signed_in(demonstration, onwards=onwards)
    assert landed.headers["location"] == "/side?known_at=2024-08-21T07:00:00Z&x=1"
    found = browser.get("/side").json()
    assert (found["staff"], found["roles"], found["organisation"]) == ("u-90", ["caseworker"], "Eksempelkommune")
    assert (found["purpose"], found["via"]) == ("case-work", "session")


@pytest.mark.parametrize(
    ("staff", "purpose"),
    [
        ("u-12", "supervision"),
        ("u-95", "audit"),
        ("u-96", "statistics"),
        ("u-81", "access-request"),
        ("u-97", "operations"),
    ],
)
def test_the_role_proposes_the_purpose(demonstration: Demonstration, staff: str, purpose: str) -> None:
    """What is checked on the page is the default of the role."""
    signed_in(demonstration, staff)
    assert demonstration.browser.get("/side").json()["purpose"] == purpose


def test_without_purpose_no_page_opens(demonstration: Demonstration) -> None:
    """Who is signed in but has not said what for is asked first."""
    demonstration.log_in()
    sent = demonstration.browser.get("/side")
    assert (sent.status_code, sent.headers["location"]) == (303, "/log-ind/formaal?videre=/side")


def test_another_purpose_is_chosen_and_changed(demonstration: Demonstration) -> None:
    """Any purpose of the list can be chosen, at once or later; one that is not on it cannot."""
    browser = demonstration.browser
    page = browser.get(demonstration.log_in().headers["location"])
    assert chosen(demonstration, page, formaal="nysgerrighed").headers["location"].startswith("/log-ind/formaal")
    assert browser.get("/side").status_code == 303
    assert chosen(demonstration, page, formaal="emergency").headers["location"] == "/side"
    assert browser.get("/side").json()["purpose"] == "emergency"
    page = browser.get("/log-ind/formaal")
    assert 'value="emergency" checked' in page.text
    chosen(demonstration, page, formaal="quality")
    assert browser.get("/side").json()["purpose"] == "quality"


def test_the_cookie_is_out_of_reach(demonstration: Demonstration) -> None:
    """HttpOnly, SameSite=Lax, for the whole site; over plain http on loopback without Secure and prefix."""
    header = demonstration.log_in().headers["set-cookie"]
    cookie = SimpleCookie(header)[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "lax", "/")
    assert (cookie["domain"], cookie["secure"]) == ("", "")
    assert len(cookie.value) == 64


def test_the_database_holds_no_cookie(demonstration: Demonstration) -> None:
    """What lies in the database opens no session."""
    secret = SimpleCookie(demonstration.log_in().headers["set-cookie"])[COOKIE].value
    [(key, *_)] = rows(demonstration)
    assert key.hex() != secret
    demonstration.browser.cookies.clear()
    stolen = demonstration.browser.get("/side", headers={"Cookie": f"{COOKIE}={key.hex()}"})
    assert stolen.headers["location"].startswith("/log-ind?")


def test_a_session_that_was_foisted_on_a_browser_is_not_taken_over(demonstration: Demonstration) -> None:
    """Sign-in gives a new id, whatever cookie was there; the old one is worth nothing afterwards."""
    signed_in(demonstration, "u-95")
    browser = demonstration.browser
    foisted = str(browser.cookies[COOKIE])
    signed_in(demonstration, "u-90")
    assert browser.cookies[COOKIE] != foisted
    assert browser.get("/side").json()["staff"] == "u-90"
    with browsing(demonstration.url) as attacker:
        assert attacker.get("/side", headers={"Cookie": f"{COOKIE}={foisted}"}).status_code == 303
        made_up = {"Cookie": f"{COOKIE}={'0' * 64}"}
        given = attacker.post("/log-ind", data={"medarbejder": "u-12"}, headers=made_up)
        assert SimpleCookie(given.headers["set-cookie"])[COOKIE].value != "0" * 64
        assert attacker.get("/side", headers=made_up).headers["location"].startswith("/log-ind?")
    assert [row[1] for row in rows(demonstration)] == ["u-90", "u-12"]


@pytest.mark.parametrize(
    "value",
    ["", "0" * 63, "0" * 64, "0" * 65, "G" * 64, "../../etc/passwd", '"', "é", "'; DELETE FROM sign_in.session"],
)
def test_garbled_cookies_open_nothing(demonstration: Demonstration, value: str) -> None:
    """What we never gave out leads to sign-in, for pages, forms and the way out alike."""
    signed_in(demonstration)
    headers = {b"Cookie": f"{COOKIE}={value}".encode()}
    with httpx2.Client(base_url=demonstration.url) as browser:
        assert browser.get("/side", headers=headers).headers["location"] == "/log-ind?videre=/side"
        sent = browser.post("/side", data={"note": "x"}, headers=headers | {b"Sec-Fetch-Site": b"same-origin"})
        assert sent.headers["location"] == "/log-ind?videre=/"
        assert browser.get("/log-ud", headers=headers).status_code == 200
    assert len(rows(demonstration)) == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sign_in.session SET expires_at = clock_timestamp() - interval '1 second'",
        "UPDATE sign_in.session SET last_used_at = clock_timestamp() - interval '30 minutes 1 second'",
    ],
)
def test_a_session_ends_by_itself(demonstration: Demonstration, change: LiteralString) -> None:
    """After eight hours, or half an hour without use, it opens nothing; the next sign-in removes the row."""
    signed_in(demonstration)
    assert demonstration.browser.get("/side").status_code == 200
    rows(demonstration, f"{change} RETURNING key")
    assert demonstration.browser.get("/side").headers["location"].startswith("/log-ind?")
    assert demonstration.browser.get("/log-ind/formaal").headers["location"].startswith("/log-ind?")
    demonstration.browser.cookies.clear()
    signed_in(demonstration, "u-95")
    assert [row[1] for row in rows(demonstration)] == ["u-95"]


def test_limits_of_a_session(demonstration: Demonstration) -> None:
    """Eight hours from sign-in, whatever the use; half an hour from the last use, which is noted each minute."""
    signed_in(demonstration)
    left: LiteralString = "SELECT extract(epoch FROM expires_at - created_at)::int FROM sign_in.session"
    assert rows(demonstration, left) == [(8 * 3600,)]
    used: LiteralString = "SELECT last_used_at > clock_timestamp() - interval '5 seconds' FROM sign_in.session"
    rows(
        demonstration, "UPDATE sign_in.session SET last_used_at = clock_timestamp() - interval '29 minutes' RETURNING 1"
    )
    assert demonstration.browser.get("/side").status_code == 200
    assert rows(demonstration, used) == [(True,)]
    assert rows(demonstration, left) == [(8 * 3600,)]
    rows(
        demonstration, "UPDATE sign_in.session SET last_used_at = clock_timestamp() - interval '50 seconds' RETURNING 1"
    )
    assert demonstration.browser.get("/side").status_code == 200
    assert rows(demonstration, used) == [(False,)], "most pages write nothing"


def test_signing_out_ends_the_session(demonstration: Demonstration) -> None:
    """The row and the cookie are gone; a copy of the cookie opens nothing; looking at the page does not sign out."""
    signed_in(demonstration)
    browser = demonstration.browser
    copy = str(browser.cookies[COOKIE])
    page = browser.get("/log-ud")
    assert browser.get("/side").status_code == 200
    out = browser.post("/log-ud", data={"csrf": hidden(page, "csrf")})
    assert (out.status_code, out.headers["location"]) == (303, "/log-ud")
    assert COOKIE not in browser.cookies
    assert "Du er logget ud" in browser.get("/log-ud").text
    assert rows(demonstration) == []
    assert browser.get("/side", headers={"Cookie": f"{COOKIE}={copy}"}).headers["location"].startswith("/log-ind?")


def test_a_form_of_ours_is_taken(demonstration: Demonstration) -> None:
    """With the session's token, from our own page."""
    signed_in(demonstration)
    token = demonstration.browser.get("/side").json()["csrf"]
    sent = demonstration.browser.post("/side", data={"note": "Æ & ø", "csrf": token})
    assert (sent.status_code, sent.text) == (200, "Æ & ø")
    for headers in ({"Origin": "null"}, {"Origin": demonstration.url}):
        sent = demonstration.browser.post("/side", data={"note": "x", "csrf": token}, headers=headers)
        assert sent.status_code == 200


def test_a_browser_without_fetch_metadata_shows_its_origin(demonstration: Demonstration) -> None:
    """Older browsers send Origin alone; it must be ours."""
    signed_in(demonstration)
    token, cookie = demonstration.browser.get("/side").json()["csrf"], demonstration.browser.cookies[COOKIE]
    with httpx2.Client(base_url=demonstration.url, cookies={COOKIE: str(cookie)}) as old:
        form = {"note": "x", "csrf": token}
        assert old.post("/side", data=form, headers={"Origin": demonstration.url}).status_code == 200
        assert old.post("/side", data=form).status_code == 403
        for origin in (
            "null",
            "https://eksempel.dk",
            demonstration.url + "0",
            demonstration.url.replace("http", "https"),
        ):
            assert old.post("/side", data=form, headers={"Origin": origin}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://eksempel.dk"},
        {"Sec-Fetch-Site": ""},
    ],
)
@pytest.mark.parametrize("path", ["/side", "/log-ind/formaal", "/log-ud", "/log-ind"])
def test_other_sites_send_no_forms(demonstration: Demonstration, headers: dict[str, str], path: str) -> None:
    """Even with the right token and cookie, a request that another page sent changes nothing."""
    signed_in(demonstration)
    browser = demonstration.browser
    before = rows(demonstration)
    token = browser.get("/side").json()["csrf"]
    form = {"note": "x", "formaal": "audit", "medarbejder": "u-12", "csrf": token}
    refused = browser.post(path, data=form, headers=headers)
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers
    assert "Intet er ændret" in refused.text
    assert rows(demonstration) == before


@pytest.mark.parametrize("token", [None, "", "0" * 64, "é"])
@pytest.mark.parametrize("path", ["/side", "/log-ind/formaal", "/log-ud"])
def test_a_form_without_its_token_is_refused(demonstration: Demonstration, token: str | None, path: str) -> None:
    """No token, or one that was not given out."""
    signed_in(demonstration)
    form = {"note": "x", "formaal": "audit"} | ({} if token is None else {"csrf": token})
    assert demonstration.browser.post(path, data=form).status_code == 403
    assert demonstration.browser.get("/side").json()["purpose"] == "case-work"


def test_a_token_of_another_session_is_refused(demonstration: Demonstration) -> None:
    """Neither that of somebody else, nor that of one's own last session."""
    signed_in(demonstration)
    last = demonstration.browser.get("/side").json()["csrf"]
    signed_in(demonstration)
    with browsing(demonstration.url) as other:
        page = other.get(other.post("/log-ind", data={"medarbejder": "u-95"}).headers["location"])
        for token in (last, hidden(page, "csrf")):
            assert demonstration.browser.post("/side", data={"note": "x", "csrf": token}).status_code == 403


@pytest.mark.parametrize(
    "headers", [{"Content-Type": "application/json"}, {"Content-Type": "text/plain"}, {"Content-Type": ""}]
)
def test_only_forms_are_read(demonstration: Demonstration, headers: dict[str, str]) -> None:
    """Another type of body is no form, nor is one that never ends or is no text; a program is told as a problem."""
    signed_in(demonstration)
    token = demonstration.browser.get("/side").json()["csrf"]
    body = f"note=x&csrf={token}".encode()
    sent = demonstration.browser.post("/side", content=body, headers=headers | {"Accept": "*/*"})
    assert (sent.status_code, sent.json()["type"], sent.json()["code"]) == (403, "/problems/foreign-request", "form")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert demonstration.browser.post("/side", content=body, headers=form).status_code == 200
    too_large = demonstration.browser.post("/side", content=body + b"&x=" + b"y" * FORM_LIMIT, headers=form)
    assert too_large.status_code == 413
    for wrong in (body + b"&x=%FF", body + b"&x=\xff", body + b"&a=1" * 201):
        assert demonstration.browser.post("/side", content=wrong, headers=form).status_code == 403


ELSEWHERE = [
    "//eksempel.dk",
    "/\\eksempel.dk",
    "\\\\eksempel.dk",
    "/%5c/../\\eksempel.dk",
    "https://eksempel.dk",
    "https:eksempel.dk",
    "javascript:alert(1)",
    "eksempel.dk",
    " /side",
    "/\t/eksempel.dk",
    "/\n/eksempel.dk",
    "/side\r\nSet-Cookie: a=b",
    "/sæger",
    "/" + "x" * 2001,
    "/log-ind?videre=/log-ind",
    "/log-ind/formaal",
    "/log-ud",
    "",
]


@pytest.mark.parametrize("onwards", ELSEWHERE)
def test_nobody_is_sent_elsewhere(demonstration: Demonstration, onwards: str) -> None:
    """Whatever stands in `videre` that is no path of ours leads to the start, at each step."""
    assert local_path(onwards) == "/"
    assert 'name="videre" value="/"' in demonstration.browser.get("/log-ind", params={"videre": onwards}).text
    sent = demonstration.log_in(onwards=onwards)
    assert sent.headers["location"] == "/log-ind/formaal?videre=/"
    page = demonstration.browser.get("/log-ind/formaal", params={"videre": onwards})
    assert 'name="videre" value="/"' in page.text
    assert chosen(demonstration, page, videre=onwards).headers["location"] == "/"


@pytest.mark.parametrize("path", ["/", "/sager", "/sager/1?known_at=2024-08-21T07:00:00Z#nr", "/a//b", "/log-indlaeg"])
def test_paths_of_ours_are_kept(path: str) -> None:
    """Any other local path is where somebody may land."""
    assert local_path(path) == path


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "sager.eksempel.dk",
        "http://sager.eksempel.dk",
        "http://127.0.0.1.eksempel.dk",
        "ftp://127.0.0.1",
        "https://sager.eksempel.dk/sti",
        "https://a:" + "b@sager.eksempel.dk",
        "https://",
        "https://[",
    ],
)
def test_a_site_without_https_is_refused(address: str | None) -> None:
    """One line names the setting."""
    with pytest.raises(SignInNotUsable, match="CASELEDGER_PUBLIC_URL"):
        Site.at(address)


def test_https_gives_the_cookie_its_prefix() -> None:
    """The prefix binds the cookie to this host and to https."""
    site = Site.at("https://Sager.Eksempel.dk:8443/")
    assert (site.origin, site.secure, site.cookie("caseledger")) == (
        "https://sager.eksempel.dk:8443",
        True,
        "__Host-caseledger",
    )
    local = Site.at("http://localhost:8000")
    assert (local.secure, local.cookie("caseledger")) == (False, "caseledger")


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("127.9.9.9", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("localhost.eksempel.dk", False),
        ("", False),
        (None, False),
    ],
)
def test_what_stays_on_this_machine(host: str | None, here: bool) -> None:
    """Loopback addresses and their one name."""
    assert is_loopback(host) == here


@pytest.mark.parametrize("role", ["caseledger_reader", "caseledger_worker"])
def test_sessions_are_the_applications_own(demonstration: Demonstration, role: LiteralString) -> None:
    """No other role reads who is signed in."""
    with (
        psycopg.connect(demonstration.place.conninfo, options=f"-c role={role}") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(SESSION)
