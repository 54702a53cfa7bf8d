"""Whatever bytes come in the places that are read by hand: the documented refusal, never an error of the server's."""

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.proof.tiles import read_path
from tests.api.client import Api, problem
from tests.api.conftest import Served
from tests.api.signing_in import bearer
from verifier.caseledger_verify import Failed, Unusable, verify

VISIBLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=300)
BASE64 = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=", max_size=120)
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def one_case(api: Api) -> str:
    """A case that nothing is added to."""
    return api.open_case()


@few
@given(st.text(max_size=200) | BASE64)
def test_no_cursor_but_one_given_out_is_taken(api: Api, cursor: str) -> None:
    """Text of any kind, and what has the letters of a cursor."""
    response = api.get("/cases", cursor=cursor)
    if cursor:
        problem(response, 400, "bad-request")


@few
@given(VISIBLE | st.tuples(BASE64, BASE64, BASE64).map(".".join))
def test_no_token_but_one_made_for_us_is_taken(served: Served, token: str) -> None:
    """Text of any kind, and what has the parts of a token."""
    problem(_with(served, token), 401, "not-signed-in")


@few
@given(st.data())
def test_no_changed_letter_leaves_a_token_valid(served: Served, data: st.DataObject) -> None:
    """Anywhere in a token but in its last letter, some bits of which say nothing."""
    token = bearer(served.service.url)["Authorization"].removeprefix("Bearer ")
    at = data.draw(st.integers(0, len(token) - 2))
    other = data.draw(st.sampled_from("AZaz09-_.").filter(lambda letter: letter != token[at]))
    problem(_with(served, token[:at] + other + token[at + 1 :]), 401, "not-signed-in")


def _with(served: Served, token: str) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}", "Purpose": "case-work"}
    return httpx2.get(f"{served.service.url}/cases", headers=headers, timeout=30)


@few
@given(VISIBLE)
def test_a_condition_is_one_etag(api: Api, one_case: str, condition: str) -> None:
    """Whatever is sent as If-Match: understood as a version that is old, or refused."""
    response = api.commit(one_case, condition)
    assert response.status_code in (400, 412, 422), response.text
    assert "/problems/" in response.text


@given(st.text(max_size=60) | st.from_regex(r"(entries/|[0-9]{1,2}/)(x?[0-9]{3}/){0,3}[0-9]{1,4}(\.p/[0-9]{1,4})?"))
def test_an_address_of_a_tile_is_its_only_one(path: str) -> None:
    """What is read as the address of a tile is written the same way again."""
    tile = read_path(path)
    assert tile is None or tile.path == path


@few
@given(st.binary(max_size=2000) | st.binary(max_size=200).map(lambda rest: b"PK\x03\x04" + rest))
def test_no_bytes_break_the_verifier(content: bytes) -> None:
    """It says that they are no bundle."""
    with pytest.raises((Failed, Unusable)):
        verify(content, [])
