"""What a board of the past costs against the same board now: one page with its total, in a ledger of many cases.

Every case had one more event since then, which ended each of its rows. The rows are those that one real case is folded
to, written once per case with due dates of their own; folding as many cases would take the time of a rebuild.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg
from psycopg.conninfo import make_conninfo

from api.board_routes import HIDDEN
from api.boards import BoardAsked, Boards, Start, Wish
from api.conditions import Cursors
from api.door import Door
from api.looks import Question
from api.opening import Place
from api.principals import Principal, command_line_principal
from api.reading import CaseReader
from api.rule_adoption import adopt_shipped
from benchmarks.filling import OTHER_UNIT, STREAMS, UNIT, fill
from benchmarks.measure import Figure, Load, compare, interleaved, load, now
from domain.deadlines import STATUSES
from domain.entries import Draft
from domain.events.administration import CaseOpened
from domain.events.base import Actor, Envelope, Event
from domain.events.decision import DecisionMade
from domain.events.enrolment import InterventionStarted
from domain.events.referral import CaseAllocated, NotificationReceived
from domain.time import write_instant
from ledger.creation import create_database
from ledger.keys import file_keys
from ledger.proof.growing import grow
from ledger.requests import Appended, Part, Request
from ledger.store import Ledger
from projections.board import Board
from projections.board_pages import Selection
from projections.boards import PartRow, rows_at
from projections.follower import Follower
from projections.overview import enrolments_of
from projections.view import CASE_STATE, CASELOAD, DEADLINES, FINDINGS, View
from projections.view import VIEWS as EVERY_VIEW

CASES = 100_000
PAGE = 100
ASKED, ROUNDS = 2, 5
"""How often a board is asked for in a round, and how many rounds there are."""

VIEWS = (CASE_STATE, DEADLINES, FINDINGS, CASELOAD)
PARTS = 3
"""How many rows of a view each case has at most."""

PROGRAMME = "smaaboernsteam_001"
AUDITOR = Principal("u-95", "auditor", UNIT, "audit")
LEADER = Principal("u-12", "supervisor", UNIT, "supervision")
BEGINS, FIRST_DUE = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC)
SHOWN = tuple(status for status in STATUSES if status not in HIDDEN)
BOARDS: Mapping[str, Wish] = {
    "deadlines": Wish(DEADLINES, lambda _rules, _at: Selection(statuses=SHOWN)),
    "breached deadlines": Wish(DEADLINES, lambda _rules, _at: Selection(statuses=("breached",))),
    "findings": Wish(FINDINGS, lambda _rules, _at: Selection(statuses=("new",))),
    "caseload": Wish(CASELOAD, lambda rules, _at: enrolments_of(PROGRAMME, rules.setting("A17"))),
}


def figures(place: Place, home: Path) -> list[Figure]:
    """Measure every board for an auditor, who sees all cases, and for a leader, who sees half."""
    create_database(place.owner, "boards")
    conninfo = make_conninfo(place.owner, dbname="boards")
    own = Place(conninfo, conninfo, file_keys(home), home)
    own.create("Measured", BEGINS)
    with own.ledger() as ledger:
        march = filled(ledger, conninfo)
        return [*_boards(ledger, march), *_cases(ledger, march)]


def _boards(ledger: Ledger, march: datetime) -> Iterator[Figure]:
    boards = Boards(ledger, CaseReader(ledger, Board(ledger), Door(ledger)), Cursors(ledger.keys))

    def ask(principal: Principal, wish: Wish, known_at: datetime | None) -> Load:
        asked = BoardAsked(Question(known_at), Start(), PAGE, "")
        return _asking(lambda: boards.page(principal, asked, wish))

    for who in (AUDITOR, LEADER):
        for name, wish in BOARDS.items():
            runs = {
                "then": lambda who=who, wish=wish: ask(who, wish, march),
                "now": lambda who=who, wish=wish: ask(who, wish, None),
            }
            found = interleaved(runs, ROUNDS)
            title = f"board of {CASES:,} cases, {name}, {who.role}, past vs now, p50"
            yield compare(title, found["then"].p50, found["now"].p50, "ms", 1.3, "lower")


def _cases(ledger: Ledger, march: datetime) -> Iterator[Figure]:
    reader = CaseReader(ledger, Board(ledger), Door(ledger))

    def ask(known_at: datetime | None) -> Load:
        return _asking(lambda: reader.board(AUDITOR, Question(known_at), UUID(int=0), PAGE))

    found = interleaved({"then": lambda: ask(march), "now": lambda: ask(None)}, ROUNDS)
    title = f"list of {CASES:,} cases, past vs now, p50"
    yield compare(title, found["then"].p50, found["now"].p50, "ms", 1.3, "lower")


def _asking(question: Any) -> Load:
    async def run() -> Load:
        durations: list[float] = []
        await question()
        start = now()
        for _ in range(ASKED):
            begun = now()
            await question()
            durations.append(now() - begun)
        return load(durations, now() - start)

    return asyncio.run(run())


def filled(ledger: Ledger, conninfo: str) -> datetime:
    """Fill a ledger and its boards; returns an instant after every case was opened and before any went on."""
    begun = now()
    adopt_shipped(ledger, command_line_principal("measure", internal=True), BEGINS)
    samples = _samples(ledger, conninfo)
    fill(ledger, CASES)
    march = ledger.head().recorded_at
    opened = {row.stream: row.position for row in ledger.read_topic(CaseOpened.TOPIC)}
    went_on = _go_on(ledger, list(opened))
    with psycopg.connect(conninfo, autocommit=True) as owner:
        for view in VIEWS:
            _write(owner, view, samples[view.name], opened, went_on)
        owner.execute("UPDATE view.notification_tracking SET notification_id = (SELECT size FROM ledger.head)")
        owner.execute("VACUUM ANALYZE view.remembered_v1")
        owner.execute("VACUUM ANALYZE ledger.event")
        grow(owner, ledger.head().size)
    print(f"filled the boards of {CASES:,} cases in {now() - begun:.0f} s")
    return march


def _samples(ledger: Ledger, conninfo: str) -> Mapping[str, Sequence[PartRow]]:
    """Return the rows that one real case is folded to, by view."""
    received: dict[str, Any] = {"notifier_kind": "private", "identity_known": True, "channel": "phone"}
    case = uuid4()
    events: tuple[Event, ...] = (
        CaseOpened(number="S-1", programme=PROGRAMME, key=uuid4(), key_commitment="0" * 64, persons=()),
        NotificationReceived(**received, about=("child-A",), received_at=BEGINS),
        InterventionStarted(enrolment="enr-1"),
        DecisionMade(decision="dec-1", outcome="grant", legal_basis=("barnets lov § 32",)),
    )
    _append(ledger, [_part(ledger, case, 1, events, UNIT)])
    found: dict[str, Sequence[PartRow]] = {}
    for view in EVERY_VIEW.values():
        follower = Follower(conninfo, view)
        while follower.step():
            pass
        follower.close()
    for view in VIEWS:
        _, rows = rows_at(ledger, view, ledger.head().size)
        found[view.name] = rows[:PARTS]
    return found


def _go_on(ledger: Ledger, cases: Sequence[UUID]) -> Mapping[UUID, int]:
    """Record one more event in every case; returns where each stands."""
    found: dict[UUID, int] = {}
    for begin in range(0, len(cases), STREAMS):
        batch = cases[begin : begin + STREAMS]
        event = CaseAllocated(to="u-91", for_role="family_consultant")
        versions = {row.stream: row.version for row in ledger.read_streams(batch)}
        parts = [_part(ledger, case, versions[case] + 1, [event], OTHER_UNIT) for case in batch]
        first = _append(ledger, parts).first_position
        found |= {case: first + number for number, case in enumerate(batch)}
    return found


def _part(ledger: Ledger, case: UUID, version: int, events: Iterable[Event], unit: str) -> Part:
    envelope = Envelope(occurred_at=BEGINS, actor=Actor("u-99", "caseworker", unit), commit=uuid4())
    drafts = [Draft(case, number, event, envelope) for number, event in enumerate(events, start=version)]
    return Part(case, version - 1, tuple(map(ledger.mapper.to_new_event, drafts)))


def _append(ledger: Ledger, parts: Sequence[Part]) -> Appended:
    answer = ledger.append_now(Request(tuple(parts)))
    if not isinstance(answer, Appended):
        raise RuntimeError(f"not appended: {answer}")
    return answer


def _write(
    owner: psycopg.Connection[Any],
    view: View,
    samples: Sequence[PartRow],
    opened: Mapping[UUID, int],
    went_on: Mapping[UUID, int],
) -> None:
    """Write the rows of every case: those known until it went on, and those known since."""
    columns = "(view, generation, key, part, known_from, known_to, value)"
    copying = f"COPY view.remembered_v1 {columns} FROM STDIN"
    with owner.cursor() as cursor, cursor.copy(copying) as copy:  # pyright: ignore[reportCallIssue, reportArgumentType]
        for number, (case, position) in enumerate(opened.items()):
            for sample in samples:
                before, after = _values(sample.value, number)
                common = (view.name, 1, case, sample.part)
                if case != sample.case:
                    copy.write_row((*common, position, went_on[case], before))
                    copy.write_row((*common, went_on[case], None, after))


def _values(value: Mapping[str, Any], number: int) -> tuple[str, str]:
    """Return a row's value with a due date of its own, open before and in every second case met after."""
    text = orjson.dumps(value).decode()
    if value.get("due"):
        text = text.replace(value["due"], write_instant(FIRST_DUE + timedelta(minutes=number)))
    met = {**orjson.loads(text), "status": "met"} if number % 2 and value.get("due") else orjson.loads(text)
    met.pop("steps", None) if number % 2 and value.get("due") else None
    return text, orjson.dumps(met | {"moved": True}).decode()
