"""A real ledger served with sign-in at a real provider, as a municipality runs it: from login to the record."""

import socket
from collections.abc import Generator
from dataclasses import dataclass
from uuid import uuid4

import httpx2
import orjson
import psycopg
import pytest

from api.sign_in.oidc import ANSWER
from tests.api.service import Command, Service, environment, serving
from tests.api.sign_in import provider
from tests.api.sign_in.app import OWN_PAGE, hidden
from tests.api.sign_in.conftest import ROLE_MAP
from tests.conftest import Server, Template, clone

OPENING = {
    "programme": "smaaboernsteam_001",
    "occurred_at": "2026-03-04",
    "persons": [{"ref": "parent-A", "role": "mother", "full_name": "Alma Eksempel"}],
}


@dataclass(frozen=True, slots=True)
class Municipality:
    """A ledger with a real clock, the service over it, and the provider its staff sign in at."""

    service: Service
    issuer: str
    conninfo: str
    variables: dict[str, str]


@pytest.fixture(scope="module")
def municipality(
    server: Server, real_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Municipality]:
    """A service over an empty ledger with a real clock."""
    provider.install()
    folder = tmp_path_factory.mktemp("municipality")
    secret = folder / "secret"
    secret.write_text(provider.SECRET)
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    for place in clone(server, real_template, folder / "home"):
        with provider.providing(f"{url}{ANSWER}") as issuer:
            variables = environment(place.conninfo, folder / "home") | {
                "CASELEDGER_PUBLIC_URL": url,
                "CASELEDGER_OIDC_ISSUER": issuer,
                "CASELEDGER_OIDC_AUDIENCE": provider.AUDIENCE,
                "CASELEDGER_OIDC_CLIENT_ID": "pages",
                "CASELEDGER_OIDC_CLIENT_SECRET_FILE": str(secret),
                "CASELEDGER_OIDC_ROLE_MAP": ROLE_MAP,
            }
            port = url.rpartition(":")[2]
            with serving(variables, folder / "errors.log", "--port", port) as service:
                yield Municipality(service, issuer, place.conninfo, variables)


@pytest.fixture
def browser(municipality: Municipality) -> Generator[httpx2.Client]:
    """A browser in which u-90 has signed in at the provider, and chosen what for."""
    with httpx2.Client(base_url=municipality.service.url, headers=OWN_PAGE, timeout=30) as browser:
        begun = browser.get("/log-ind/begynd", params={"videre": "/sager"})
        back = browser.get(provider.signed_in_at_provider(begun.headers["location"], "u-90"))
        page = browser.get(back.headers["location"])
        form = {"formaal": "case-work", "videre": "/sager", "csrf": hidden(page, "csrf")}
        assert browser.post("/log-ind/formaal", data=form).headers["location"] == "/sager"
        yield browser


def test_a_program_of_the_auditors_reads_and_does_not_write(municipality: Municipality) -> None:
    """Its token comes from the provider; what its role may not do is refused, on record, under its own id."""
    token = provider.program_token(municipality.issuer)
    headers = {"Authorization": f"Bearer {token}", "Purpose": "audit", "Idempotency-Key": str(uuid4())}
    with httpx2.Client(base_url=municipality.service.url, headers=headers, timeout=30) as program:
        listed = program.get("/cases")
        assert listed.status_code == 200, listed.text
        refused = program.post("/cases", json=OPENING)
        assert (refused.status_code, refused.json()["reason"]) == (403, "role")
    with psycopg.connect(municipality.conninfo) as connection:
        ((state,),) = connection.execute(
            "SELECT state FROM ledger.event WHERE position = %s", [refused.json()["access_event"]]
        ).fetchall()
    look = orjson.loads(state)["data"]
    assert (look["viewer"], look["role"], look["refused"]) == ("program", "auditor", True)


def test_somebody_who_signed_in_at_the_provider_sees_the_pages(browser: httpx2.Client) -> None:
    """The list is theirs, with role, unit and purpose; no notice of a simulated clock stands there."""
    page = browser.get("/sager")
    assert page.status_code == 200
    assert "u-90 (sagsbehandler), Eksempelkommune" in page.text
    assert "Simuleret ur" not in page.text


def test_there_is_no_way_in_without_the_provider(municipality: Municipality) -> None:
    """Neither the fictional people nor their tokens exist here, and the command line shows no texts."""
    url = municipality.service.url
    assert httpx2.post(f"{url}/demonstration/tokens/u-90").status_code == 404
    assert "medarbejder" not in httpx2.get(f"{url}/log-ind", headers=OWN_PAGE).text
    sent = httpx2.post(f"{url}/log-ind", data={"medarbejder": "u-90"}, headers=OWN_PAGE)
    assert sent.status_code == 405
    code, line = Command(municipality.variables).refused("case", "show", "S-1", "--purpose", "operations")
    assert code == 1
    assert "read after signing in" in line


def test_without_sign_in_a_real_ledger_is_not_served(municipality: Municipality) -> None:
    """One line says which setting is missing."""
    bare = {name: value for name, value in municipality.variables.items() if not name.startswith("CASELEDGER_OIDC")}
    code, line = Command(bare).refused("serve", "--port", "0")
    assert code == 1
    assert "CASELEDGER_OIDC_ISSUER" in line
