"""Cases with deadlines that are over, and rounds of warnings over them."""

import asyncio
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from api.drafting import Commit, Fact
from api.mailing import MailRoute
from api.opening import Place
from api.principals import Principal
from api.recording import CaseRecorder, NewPerson
from api.warning import Tally, Warner
from domain.events.base import Event
from domain.events.referral import NotificationReceived
from ledger.mapper import read_clear
from ledger.store import Ledger
from projections.follower import Follower
from projections.view import DEADLINES
from tests.api.mail_server import Mailbox
from tests.following import catch_up

WHO = Principal("u-90", "caseworker", "Eksempelkommune", "case-work")


def route_to(box: Mailbox) -> MailRoute:
    """Return the way to a mail server."""
    to = "{staff}@kommune.example"
    return MailRoute("127.0.0.1", box.port, "protokol@kommune.example", to, "https://sager.eksempel.dk")


@dataclass
class Cases:
    """Cases of one ledger with notifications in them, and rounds of warnings over them."""

    place: Place
    ledger: Ledger

    def open(self, *events: Event, days_ago: float = 2) -> UUID:
        """Open a case in which a notification came some days ago, and wait for the remembered deadlines."""
        now = self.ledger.now()
        received = now - timedelta(days=days_ago)
        notification = NotificationReceived(
            notifier_kind="private", identity_known=True, channel="phone", about=("child-A",), received_at=received
        )
        facts = (Fact(notification, received), *(Fact(event, now) for event in events))
        persons = [NewPerson("parent-A", "mother", "Alma Eksempel"), NewPerson("child-A", "child", "Bo Eksempel")]
        commit = Commit(facts, str(uuid4()), b"open")
        recorder = CaseRecorder(self.ledger)
        opening = recorder.open_case(WHO, None, "smaaboernsteam_001", persons, received, commit)
        case = asyncio.run(opening).case
        self.follow()
        return case

    def follow(self) -> None:
        """Bring the remembered deadlines up to date."""
        with closing(Follower(self.place.conninfo, DEADLINES)) as follower:
            catch_up(follower)

    def round(self, box: Mailbox | None = None, leaders: dict[str, str] | None = None) -> Tally:
        """Warn once, of the deadlines as they are on record now."""
        self.follow()
        return Warner(self.ledger, route_to(box) if box else None, leaders or {}, {}).round()

    def told(self, case: UUID) -> list[tuple[str, Any]]:
        """Return what is on record of a case about the 24 hours of its notification, and what became of it."""
        entries = [read_clear(row) for row in self.ledger.read_stream(case)]
        about = {one.version for one in entries if one.data.get("rule") == "UND-24H"}
        return [
            (one.topic.removeprefix("warning_"), one.data.get("channel") or one.data.get("reason"))
            for one in entries
            if one.topic.startswith("warning_") and (one.version in about or one.data.get("warning") in about)
        ]
