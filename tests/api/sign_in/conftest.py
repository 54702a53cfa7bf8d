"""Fixtures: an issuer whose tokens are made by hand, a real provider, and small applications that trust them."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import psycopg
import pytest

from api.opening import Place
from api.sign_in.local import LocalSignIn
from api.sign_in.oidc import ANSWER, OidcSignIn
from ledger.settings import Settings
from ledger.store import Ledger
from tests.api.sign_in import provider
from tests.api.sign_in.app import address_of, browsing, listening, running, small_app
from tests.api.sign_in.issuer import AUDIENCE, Issuer, issuing, one_of_each
from tests.conftest import Server, Template, clone

ROLE_MAP = '{"Sagsbehandler": "caseworker", "Revisor": "auditor"}'


def settings(issuer: str, **changes: Any) -> Settings:
    """Return settings of sign-in at an issuer."""
    chosen: dict[str, Any] = {
        "public_url": "http://127.0.0.1:8000",
        "oidc_issuer": issuer,
        "oidc_audience": AUDIENCE,
        "oidc_client_id": "pages",
    }
    return Settings(**(chosen | changes))


@dataclass(frozen=True, slots=True)
class Tokens:
    """An issuer and a service that trusts it."""

    issuer: Issuer
    http: httpx2.Client

    def me(self, token: str | None, **headers: str) -> httpx2.Response:
        """Ask who a token is about."""
        sent = headers if token is None else {"Authorization": f"Bearer {token}"} | headers
        return self.http.get("/me", headers=sent)

    def refusal(self, token: str | None, **headers: str) -> str:
        """Return why a token is refused, having checked the form of the refusal."""
        response = self.me(token, **headers)
        assert response.status_code == 401, response.text
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        challenge = response.headers["www-authenticate"]
        assert challenge.startswith('Bearer realm="caseledger"')
        assert (
            problem["code"] == "missing" or f'error="invalid_token", error_description="{problem["code"]}"' in challenge
        )
        assert token is None or token[:40] not in response.text
        return problem["code"]


@contextmanager
def trusting(ledger: Ledger, issuer: Issuer, *, chosen: Settings | None = None, **ages: float) -> Generator[Tokens]:
    """Yield a service over a ledger that trusts an issuer."""
    listener = listening()
    sign_in = OidcSignIn(ledger, chosen or settings(issuer.url), **ages)
    with running(small_app(sign_in), listener), httpx2.Client(base_url=address_of(listener), timeout=30) as http:
        yield Tokens(issuer, http)


@pytest.fixture(scope="module")
def module_ledger(
    server: Server, real_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Ledger]:
    """An open ledger on the database's clock for the tests of a module."""
    for place in clone(server, real_template, tmp_path_factory.mktemp("module") / "home"):
        with place.ledger() as opened:
            yield opened


@pytest.fixture(scope="module")
def tokens(module_ledger: Ledger) -> Generator[Tokens]:
    """An issuer with a key of each kind, and a service that trusts it."""
    with issuing(*one_of_each()) as issuer, trusting(module_ledger, issuer, pause=0) as service:
        yield service


@dataclass(frozen=True, slots=True)
class Login:
    """A real provider, and an application whose pages sign people in there."""

    issuer: str
    url: str
    place: Place
    browser: httpx2.Client

    def begin(self, onwards: str = "/side") -> str:
        """Go to sign in and return where the browser is sent."""
        response = self.browser.get("/log-ind/begynd", params={"videre": onwards})
        assert response.status_code == 303, response.text
        return response.headers["location"]

    def back(self, login: str = "u-90", onwards: str = "/side") -> str:
        """Sign in at the provider and return where the browser is sent back to."""
        return provider.signed_in_at_provider(self.begin(onwards), login)


@pytest.fixture(scope="module")
def provided(server: Server, real_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Login]:
    """Sign-in at the real provider over an empty ledger, for the tests of a module."""
    provider.install()
    folder = tmp_path_factory.mktemp("provided")
    secret = folder / "secret"
    secret.write_text(f"{provider.SECRET}\n")
    listener = listening()
    url = address_of(listener)
    for place in clone(server, real_template, folder / "home"):
        with provider.providing(f"{url}{ANSWER}") as issuer, place.ledger() as ledger:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("CASELEDGER_OIDC_ROLE_MAP", ROLE_MAP)
                chosen = settings(issuer, public_url=url, oidc_client_secret_file=secret)
            with running(small_app(OidcSignIn(ledger, chosen)), listener), browsing(url) as browser:
                yield Login(issuer, url, place, browser)


@pytest.fixture
def login(provided: Login) -> Generator[Login]:
    """Sign-in at the real provider where nobody is signed in, and a new browser."""
    sign_everybody_out(provided.place.conninfo)
    with browsing(provided.url) as browser:
        yield replace(provided, browser=browser)


def sign_everybody_out(database: str) -> None:
    """Remove every session of a ledger by the address of its database."""
    with psycopg.connect(database) as connection:
        connection.execute("DELETE FROM sign_in.session")


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A demonstration with sign-in without password."""

    url: str
    ledger: Ledger
    place: Place
    browser: httpx2.Client

    def log_in(self, staff: str = "u-90", onwards: str = "/side", **headers: str) -> httpx2.Response:
        """Choose a person."""
        return self.browser.post("/log-ind", data={"medarbejder": staff, "videre": onwards}, headers=headers)


@pytest.fixture(scope="module")
def demonstrated(
    server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Demonstration]:
    """A demonstration over an empty ledger with a simulated clock, for the tests of a module."""
    for place in clone(server, simulated_template, tmp_path_factory.mktemp("demonstration") / "home"):
        listener = listening()
        url = address_of(listener)
        with place.ledger() as ledger:
            sign_in = LocalSignIn(ledger, "127.0.0.1")
            with running(small_app(sign_in), listener), browsing(url) as browser:
                yield Demonstration(url, ledger, place, browser)


@pytest.fixture
def demonstration(demonstrated: Demonstration) -> Generator[Demonstration]:
    """A demonstration where nobody is signed in, and a new browser."""
    sign_everybody_out(demonstrated.place.conninfo)
    with browsing(demonstrated.url) as browser:
        yield replace(demonstrated, browser=browser)
