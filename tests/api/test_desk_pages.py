"""The supervisor's desk and the clocks of a case: numbers that add up to their lists, as of any day."""

import re
from collections.abc import Generator
from html import unescape

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.sign_in.local import LocalSignIn
from tests.api.signing_in import OWN_PAGE, signed_in
from tests.conftest import Server, Template, clone


@pytest.fixture(scope="module")
def leader(
    server: Server, stories_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Generator[TestClient]:
    """A supervisor at the desk of a ledger that holds the six stories."""
    for place in clone(server, stories_template, tmp_path_factory.mktemp("desk") / "home"):
        with (
            place.ledger() as ledger,
            TestClient(create_app(ledger, LocalSignIn(ledger, "127.0.0.1"))) as client,
        ):
            signed_in(client, "u-12", "supervision")
            yield client


def page(client: TestClient, address: str, status: int = 200) -> str:
    """Return a page as text with its markup."""
    answer = client.get(address, headers=OWN_PAGE, follow_redirects=False)
    assert answer.status_code == status, answer.text
    return unescape(answer.text)


@pytest.mark.parametrize(
    "address",
    [
        "/ledelse",
        "/ledelse/frister",
        "/ledelse/frister?niveau=alle&stand=loeber",
        "/ledelse/samtykkebrud",
        "/ledelse/fund",
        "/ledelse/sager",
        "/ledelse/barometer?spoergsmaal=plan&svar=no",
        "/ledelse/frister?known_at=2024-08-21T07:00:00Z&niveau=alle",
        "/ledelse/frister?valid_at=2024-08-21T07:00:00Z&niveau=alle",
        "/ledelse/frister?borger=1",
    ],
)
def test_x(leader, address):
    print(re.sub(r"<[^>]+>|\s+", " ", page(leader, address))[:300])
