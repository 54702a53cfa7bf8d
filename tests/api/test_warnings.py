"""Warnings as the worker gives them: on record before they leave, once, also with a mail server that fails."""

import threading
from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from api import mailing
from api.mailing import MailNotUsable, MailRoute, mail_route
from api.opening import Place
from api.principals import command_line_principal
from api.rule_adoption import adopt_shipped
from api.warning import Tally, Warner
from api.warning_watch import warning
from domain.events.referral import CaseAllocated
from domain.events.warning import WarningSent
from ledger.mapper import read_clear
from ledger.settings import Settings
from tests.api.mail_server import Mailbox, mail_server
from tests.api.service import Inside, environment
from tests.api.warned import Cases, route_to
from tests.conftest import BEGINS_AT

DUTY = "Vurdér, om barnets sundhed eller udvikling er i fare, og om der skal handles straks"


@pytest.fixture
def cases(simulated: Place) -> Generator[Cases]:
    """An open ledger under the shipped rules."""
    with simulated.ledger() as ledger:
        adopt_shipped(ledger, command_line_principal("test"), BEGINS_AT)
        yield Cases(simulated, ledger)


@pytest.fixture
def box() -> Generator[Mailbox]:
    """A mail server."""
    with mail_server() as running:
        yield running


def test_somebody_is_warned_once_on_the_page_and_by_mail(cases: Cases, box: Mailbox) -> None:
    """Given hours that are over, when two rounds look, then each channel warned once, and the mail names nobody."""
    case = cases.open(CaseAllocated(to="u-25", for_role="social_worker"))
    first, second = cases.round(box), cases.round(box)
    assert (first.page > 0, first.delivered, first.not_delivered) == (True, first.page, 0)
    assert second == Tally()
    assert cases.told(case) == [("sent", "page"), ("sent", "mail"), ("delivered", None)]
    ((to, mail),) = [one for one in box.received if "overskredet" in str(one[1]["Subject"])]
    text = mail.get_content()
    assert (to, mail["From"]) == ("u-25@kommune.example", "protokol@kommune.example")
    assert f"- {DUTY}" in text
    assert f"https://sager.eksempel.dk/sager/{case}/frister" in text
    assert not any(word in mail.as_string() + text for word in ("Alma", "Eksempel,", "Bo ", "S-"))


def test_without_a_mail_server_the_page_warns(cases: Cases) -> None:
    """Given no mail server in the settings, the page warns, and nothing says that a mail was tried."""
    case = cases.open()
    assert cases.round().delivered == 0
    assert cases.told(case) == [("sent", "page")]


@pytest.mark.parametrize(
    ("refuses", "reason"), [("RCPT TO", "recipient_refused"), ("MAIL FROM", "refused"), ("DATA", "refused")]
)
def test_a_refusal_says_so(cases: Cases, box: Mailbox, refuses: str, reason: str) -> None:
    """Given a mail server that refuses, then it is on record that the warning was not delivered, and why."""
    case = cases.open()
    box.refuses = refuses
    assert cases.round(box).delivered == 0
    assert cases.told(case)[1:] == [("sent", "mail"), ("not_delivered", reason)]


def test_a_server_that_is_down_is_tried_once_in_a_round_and_said_to_be_down(cases: Cases) -> None:
    """Given no server at the address, then each warning says so; it is not asked again for each case."""
    with mail_server() as gone:
        pass
    found = [cases.open(), cases.open()]
    assert cases.round(gone).delivered == 0
    for case in found:
        assert cases.told(case)[1:] == [("sent", "mail"), ("not_delivered", "server_unreachable")]
    assert cases.round(gone) == Tally()


@pytest.mark.parametrize("drips", [False, True], ids=["silent", "dripping"])
def test_a_slow_server_holds_nothing_up(
    cases: Cases, box: Mailbox, monkeypatch: pytest.MonkeyPatch, drips: bool
) -> None:
    """Given a server that says nothing, or never ends what it says, then it is left, and asked once for all cases."""
    monkeypatch.setattr(mailing, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(mailing, "MAIL_SECONDS", 0.6)
    box.waits, box.drips = (0.0, True) if drips else (1.0, False)
    found = [cases.open(), cases.open()]
    cases.round(box)
    for case in found:
        assert cases.told(case)[1:] == [("sent", "mail"), ("not_delivered", "no_answer")]
    assert box.connections == 1


def test_a_crash_between_sending_and_recording_is_seen(
    cases: Cases, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a worker that died when the mail had left, then the attempt is called interrupted and made again later."""
    case = cases.open()

    class Died(Exception):
        """The process is gone."""

    def dies(*_: Any, **__: Any) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(MailRoute, "send", dies)
        with pytest.raises(Died):
            cases.round(box)
    assert cases.told(case) == [("sent", "page"), ("sent", "mail")]
    cases.round(box)
    assert cases.told(case) == [("sent", "page"), ("sent", "mail")]
    monkeypatch.setattr("domain.warning.ABANDONED_AFTER", timedelta(0))
    monkeypatch.setattr("domain.warning.AGAIN_AFTER", (timedelta(0),) * 3)
    cases.round(box)
    cases.round(box)
    assert cases.told(case)[2:] == [("not_delivered", "interrupted"), ("sent", "mail"), ("delivered", None)]


def test_two_workers_warn_once(cases: Cases, box: Mailbox) -> None:
    """Given two workers that look at the same time, then one warning of each channel is given."""
    case = cases.open()
    with cases.place.ledger() as other:
        workers = [Warner(ledger, route_to(box), {}, {}) for ledger in (cases.ledger, other)]
        threads = [threading.Thread(target=one.round) for one in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(cases.told(case)) == [("delivered", None), ("sent", "mail"), ("sent", "page")]


def test_the_leader_of_the_unit_is_warned_where_nobody_has_the_case(cases: Cases) -> None:
    """Given a case that was given to nobody, then the leader of its unit is warned."""
    case = cases.open()
    cases.round(leaders={"Eksempelkommune": "u-12"})
    sent = [read_clear(row) for row in cases.ledger.read_stream(case) if row.topic == WarningSent.TOPIC]
    assert {one.data["recipient"] for one in sent} == {"u-12"}


def test_an_id_that_is_no_address_is_said_to_have_none() -> None:
    """An id with blanks or signs never becomes part of a mail's header."""
    route = MailRoute("127.0.0.1", 1, "a@b.example", "{staff}@kommune.example", "https://sager.eksempel.dk")
    assert route.send("os:root <x@y.example>", UUID(int=1), ["p"], broken=True) == "no_address"


def test_half_a_setting_is_refused_with_what_is_missing() -> None:
    """Given a mail server without addresses, then the settings say what goes with it."""
    with pytest.raises(MailNotUsable, match="CASELEDGER_MAIL_FROM"):
        mail_route(Settings(smtp="mail.example:25"))
    with pytest.raises(ValueError, match="mail_to"):
        Settings(mail_to="everybody@kommune.example")


def test_the_worker_looks_now_and_then(cases: Cases, box: Mailbox) -> None:
    """Given the worker's own step with a short beat, then it warns without being told, and stops when told."""
    case = cases.open()
    to, link = "{staff}@kommune.example", "https://sager.eksempel.dk"
    settings = Settings(
        smtp=f"127.0.0.1:{box.port}", mail_from="p@kommune.example", mail_to=to, public_url=link, warning_seconds=1
    )
    stop = threading.Event()
    thread = threading.Thread(target=warning(cases.place, settings), args=(stop,))
    thread.start()
    try:
        for _ in range(100):
            if len(cases.told(case)) == 3:
                break
            stop.wait(0.1)
    finally:
        stop.set()
        thread.join()
    assert cases.told(case) == [("sent", "page"), ("sent", "mail"), ("delivered", None)]


def test_by_hand(cases: Cases, tmp_path: Path) -> None:
    """`caseledger warnings send` does the same once and says what it did; a rebuild of the deadlines warns nobody."""
    case = cases.open()
    shell = Inside(environment(cases.place.conninfo, tmp_path / "home"))
    before = len(cases.ledger.read_stream(case))
    assert "differ" in shell.done("replay", "verify", "deadlines")
    assert len(cases.ledger.read_stream(case)) == before
    assert "warnings on pages, 0 mails delivered, 0 not delivered" in shell.done("warnings", "send")
    assert cases.told(case) == [("sent", "page")]
    assert replace(Tally(), page=0) == cases.round()
