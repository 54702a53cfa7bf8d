"""Signing in to a demonstration: a bearer token for the API, a session for pages."""

from functools import cache
from html import unescape
from typing import Any

import httpx2
from fastapi.testclient import TestClient

OWN_PAGE = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


@cache
def bearer(url: str, staff: str = "u-90", purpose: str = "case-work") -> dict[str, str]:
    """Return the headers with which somebody of the demonstration asks the API."""
    return _bearer(httpx2.post(f"{url.rstrip('/')}/demonstration/tokens/{staff}"), purpose)


@cache
def session(url: str, staff: str = "u-90", purpose: str = "case-work") -> dict[str, str]:
    """Return the cookie with which somebody of the demonstration opens pages."""
    with httpx2.Client(base_url=url, headers=OWN_PAGE, timeout=30) as browser:
        return _session(browser, staff, purpose)


def signed_in(client: TestClient, staff: str = "u-90", purpose: str = "case-work") -> None:
    """Let a client inside this process ask and open pages as somebody of the demonstration."""
    client.headers["host"] = "127.0.0.1"
    client.cookies.update(_session(client, staff, purpose))
    client.headers.update(_bearer(client.post(f"/demonstration/tokens/{staff}"), purpose))


def _bearer(answer: Any, purpose: str) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.text}", "Purpose": purpose}


def _session(browser: Any, staff: str, purpose: str) -> dict[str, str]:
    admitted = browser.post("/log-ind", data={"medarbejder": staff}, headers=OWN_PAGE, follow_redirects=False)
    assert admitted.status_code == 303, admitted.text
    page = browser.get(admitted.headers["location"], headers=OWN_PAGE)
    form = {"formaal": purpose, "csrf": unescape(page.text.split('name="csrf" value="')[1].split('"')[0])}
    chosen = browser.post("/log-ind/formaal", data=form, headers=OWN_PAGE, follow_redirects=False)
    assert chosen.status_code == 303, chosen.text
    return dict(browser.cookies)
