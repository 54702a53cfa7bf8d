"""Warnings on pages: on the day of whoever was warned, among the deadlines of the case, on the board; opened once."""

import re
from collections.abc import Generator
from html import unescape
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.opening import Place
from api.principals import command_line_principal
from api.rule_adoption import adopt_shipped
from api.sign_in.local import LocalSignIn
from domain.events.referral import CaseAllocated
from domain.time import write_instant
from ledger.mapper import read_clear
from tests.api.mail_server import mail_server
from tests.api.signing_in import OWN_PAGE, signed_in
from tests.api.warned import Cases
from tests.conftest import BEGINS_AT

CASEWORKER, LEADER = "u-90", "u-12"
DUTY = "Vurdér, om barnets sundhed eller udvikling er i fare"


@pytest.fixture
def cases(simulated: Place) -> Generator[Cases]:
    """An open ledger under the shipped rules."""
    with simulated.ledger() as ledger:
        adopt_shipped(ledger, command_line_principal("test"), BEGINS_AT)
        yield Cases(simulated, ledger)


@pytest.fixture
def client(cases: Cases) -> Generator[TestClient]:
    """A client inside this process."""
    with TestClient(create_app(cases.ledger, LocalSignIn(cases.ledger, "127.0.0.1"))) as opened:
        yield opened


def seen_by(client: TestClient, cases: Cases, staff: str, address: str) -> str:
    """Return the words of a page as somebody reads them."""
    cases.follow()
    client.cookies.clear()
    signed_in(client, staff, "supervision" if staff == LEADER else "case-work")
    answer = client.get(address, headers=OWN_PAGE, follow_redirects=False)
    assert answer.status_code == 200, answer.text
    return " ".join(re.sub(r"<[^>]+>", " ", unescape(answer.text)).split())


def openings(cases: Cases, case: UUID) -> list[int]:
    """Return the warnings of a case that are on record as opened."""
    entries = map(read_clear, cases.ledger.read_stream(case))
    return [entry.data["warning"] for entry in entries if entry.topic == "warning_opened"]


@pytest.mark.slow
def test_a_warning_from_being_sent_to_being_opened(cases: Cases, client: TestClient) -> None:
    """Given a warning and a mail server that is down, its way is on every page, and opened when its recipient looks."""
    case = cases.open(CaseAllocated(to=CASEWORKER, for_role="social_worker"))
    page, before = f"/sager/{case}/frister", cases.ledger.now()
    assert "Varsel: ikke leveret (intet varsel sendt)" in seen_by(client, cases, LEADER, page)
    with mail_server() as gone:
        pass
    cases.round(gone)
    told = seen_by(client, cases, LEADER, page)
    assert f"Varsel: leveret til {CASEWORKER}, ikke åbnet" in told
    assert re.search(rf"Varsler.*Kanal.*Modtager.*Leveret.*Åbnet.*{DUTY}.* e-mail {CASEWORKER} Ikke leveret", told)
    assert "Ikke leveret mailserveren kunne ikke nås" in told
    assert re.search(rf"Min dag {CASEWORKER} leveret: står på siden fra .* ikke åbnet", told)
    assert openings(cases, case) == []
    day = seen_by(client, cases, CASEWORKER, "/min-dag")
    assert re.search(rf"Varsler Overskredet Fristen var .*: {DUTY}.*Se fristerne i sag", day)
    assert "nu, ved dette opslag" in seen_by(client, cases, CASEWORKER, page)
    once = openings(cases, case)
    assert once
    assert "Varsler Overskredet" not in seen_by(client, cases, CASEWORKER, "/min-dag")
    seen_by(client, cases, CASEWORKER, page)
    assert openings(cases, case) == once
    assert f"af {CASEWORKER}" in seen_by(client, cases, LEADER, page)
    assert re.search(rf"Varsel: åbnet .* af {CASEWORKER}", seen_by(client, cases, LEADER, "/ledelse/frister"))
    then = seen_by(client, cases, LEADER, f"{page}?known_at={write_instant(before)}")
    assert "intet varsel sendt" in then
    assert "Varsler (0)" in then


def test_a_look_at_the_past_opens_nothing(cases: Cases, client: TestClient) -> None:
    """Given a warning, when its recipient looks at an earlier instant, then it is not opened."""
    case = cases.open(CaseAllocated(to=CASEWORKER, for_role="social_worker"))
    cases.round()
    instant = write_instant(cases.ledger.now())
    seen_by(client, cases, CASEWORKER, f"/sager/{case}/frister?known_at={instant}")
    assert openings(cases, case) == []


@pytest.mark.slow
def test_the_leader_finds_warnings_of_cases_nobody_holds(cases: Cases, client: TestClient) -> None:
    """Given a case given to nobody whose unit has a leader, the warning stands on the leader's day until opened."""
    case = cases.open()
    cases.round(leaders={"Eksempelkommune": LEADER})
    assert "Varsler Overskredet" in seen_by(client, cases, LEADER, "/min-dag")
    seen_by(client, cases, LEADER, f"/sager/{case}/frister")
    assert "Varsler Overskredet" not in seen_by(client, cases, LEADER, "/min-dag")


def test_a_warning_is_no_lost_update(cases: Cases, client: TestClient) -> None:
    """Given a form that is being filled in when the worker warns, then it is recorded as if nothing had come."""
    case = cases.open(CaseAllocated(to=CASEWORKER, for_role="social_worker"))
    client.cookies.clear()
    signed_in(client, CASEWORKER, "case-work")
    address = f"/sager/{case}/registrer/notat"
    form = client.get(address, headers=OWN_PAGE).text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    cases.round()
    typed = hidden | {"informant": "parent-A", "channel": "phone", "content": "Ringede om besøget."}
    answer = client.post(address, data=typed, headers=OWN_PAGE, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    assert "kvittering" in answer.headers["location"]
