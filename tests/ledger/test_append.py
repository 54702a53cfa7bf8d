"""The one way in: every answer as a model predicts, one winner among many, time and order that never go back."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.errors import DatabaseError

from api.opening import Place
from ledger.errors import ClockGoesBack, ClocksApart, NotSimulated
from ledger.format import published_entry
from ledger.merkle import Frontier, leaf_hash
from ledger.requests import Answer, Appended, Conflict, InTheFuture, Malformed, Mismatched, NewEvent, Part, Request
from ledger.store import Ledger
from replay.verify import verify_ledger
from tests.ledger.samples import (
    LONG_AGO,
    append_around,
    appended,
    connected,
    fact,
    malformed_fact,
    one,
    rows_of,
    sealed_fact,
)

TOMORROW = datetime.now(UTC) + timedelta(days=1)
Prediction = tuple[Any, ...]


@dataclass
class Model:
    """What the ledger should hold and answer, in the plainest form."""

    log: list[tuple[UUID, int, NewEvent]]
    versions: dict[UUID, int] = field(default_factory=dict[UUID, int])
    keys: dict[bytes, tuple[bytes | None, int, int]] = field(default_factory=dict[bytes, tuple[bytes | None, int, int]])

    def answer(self, request: Request, malformed: bool) -> Prediction:
        """Take in a request and return what the ledger should answer."""
        sealed = any(part.expected is None and len(e.segments) > 86 for part in request.parts for e in part.events)
        if malformed or sealed:
            return (Malformed,)
        if request.key is not None and request.key in self.keys:
            fingerprint, first, last = self.keys[request.key]
            return (Appended, first, last, True) if fingerprint == request.fingerprint else (Mismatched,)
        for part in request.parts:
            version = self.versions.get(part.stream, 0)
            if part.expected not in (None, version):
                return (Conflict, part.stream, version)
        if request.happened is not None and request.happened > datetime.now(UTC):
            return (InTheFuture,)
        return self._append(request)

    def _append(self, request: Request) -> Prediction:
        first = len(self.log) + 1
        for part in request.parts:
            for event in part.events:
                self.versions[part.stream] = self.versions.get(part.stream, 0) + 1
                self.log.append((part.stream, self.versions[part.stream], event))
        if request.key is not None:
            self.keys[request.key] = (request.fingerprint, first, len(self.log))
        return (Appended, first, len(self.log), False)


def told(answer: Answer) -> Prediction:
    """Return an answer in the form in which the model predicts it."""
    match answer:
        case Appended(first, last, _, repeated):
            return (Appended, first, last, repeated)
        case Conflict(stream, version):
            return (Conflict, stream, version)
        case _:
            return (type(answer),)


def random_request(chance: random.Random, model: Model, streams: Sequence[UUID]) -> tuple[Request, bool]:
    """Return a request, good or bad in every way we know, and whether an event of it is malformed."""
    malformed = chance.random() < 0.04
    parts: list[Part] = []
    for stream in chance.sample(streams, chance.choice((1, 1, 1, 2, 3))):
        makers = chance.choices((fact, sealed_fact), (3, 1), k=chance.randint(1, 3))
        version = model.versions.get(stream, 0)
        expected = chance.choices((version, version + 1, max(0, version - 1), None), (80, 5, 5, 10))[0]
        parts.append(Part(stream, expected, tuple(make() for make in makers)))
    if malformed:
        last = parts[-1]
        parts[-1] = Part(last.stream, last.expected, (*last.events, malformed_fact()))
    key, fingerprint = None, None
    if chance.random() < 0.7:
        key = chance.choice(list(model.keys)) if model.keys and chance.random() < 0.3 else chance.randbytes(32)
        known = model.keys.get(key, (None,))[0]
        fingerprint = known if known is not None and chance.random() < 0.6 else chance.randbytes(32)
    happened = chance.choices((None, LONG_AGO, TOMORROW), (5, 5, 1))[0]
    return Request(tuple(parts), key, fingerprint, happened), malformed


async def append_all(ledger: Ledger, requests: Iterable[Request]) -> list[Answer]:
    """Append requests all at once and return their answers in order."""
    return await asyncio.gather(*(ledger.appender.append(request) for request in requests))


def test_every_answer_is_as_a_model_predicts_and_all_that_is_stored_hashes_again(real: Place, ledger: Ledger) -> None:
    """Random batches over ten streams are answered one by one as predicted; then every row, chain and root is right."""
    chance = random.Random(1)
    streams = [UUID(int=chance.getrandbits(128)) for _ in range(10)]
    genesis = ledger.read_page(0)[0]
    model = Model([(genesis.stream, 1, NewEvent(genesis.topic, genesis.blind, genesis.segments, genesis.state))])
    kinds: set[Prediction] = set()
    with asyncio.Runner() as runner:
        for _ in range(250):
            batch, predicted = list[Request](), list[Prediction]()
            for _ in range(chance.randint(1, 12)):
                request, malformed = random_request(chance, model, streams)
                batch.append(request)
                predicted.append(model.answer(request, malformed))
            answers = runner.run(append_all(ledger, batch))
            assert [told(answer) for answer in answers] == predicted
            kinds |= {(p[0], p[-1] if p[0] is Appended else None) for p in predicted}
    assert len(kinds) == 6  # appended, repeated, mismatched, conflict, in the future, malformed: each came up

    with connected(real) as connection:
        rows = rows_of(connection)
        frontier, batches = connection.execute(
            "SELECT frontier, (SELECT count(DISTINCT xmin::text) FROM ledger.event) FROM ledger.head"
        ).fetchall()[0]
    assert [(r.stream, r.version, r.topic, r.blind, r.segments, r.state) for r in rows] == [
        (stream, version, e.topic, e.blind, e.segments, e.state) for stream, version, e in model.log
    ]
    assert [row.position for row in rows] == list(range(1, len(model.log) + 1))
    assert all(earlier.recorded_at <= later.recorded_at for earlier, later in pairwise(rows))
    assert batches < len(model.keys)  # requests did share transactions
    tree = Frontier()
    for row in rows:
        tree.add(leaf_hash(published_entry(row.commitment)))
    assert frontier == b"".join(tree.hashes)
    assert ledger.head().root == tree.root()
    report = verify_ledger(ledger)
    assert report.intact
    assert report.streams == 1 + len(model.versions)


def test_two_requests_of_one_stream_in_one_batch_follow_each_other(ledger: Ledger) -> None:
    """A request sees what the one before it in the same batch has appended."""
    stream = uuid4()
    batch = [one(stream, 0), one(stream, 1), one(stream, 1), one(stream, 2)]
    assert [told(a) for a in asyncio.run(append_all(ledger, batch))] == [
        (Appended, 2, 2, False),
        (Appended, 3, 3, False),
        (Conflict, stream, 2),
        (Appended, 4, 4, False),
    ]


@pytest.mark.parametrize("place_of_conflict", [0, 1, 2])
def test_request_of_several_parts_is_all_or_nothing(ledger: Ledger, place_of_conflict: int) -> None:
    """One part decided on an old version keeps the others out, and the key stays free for the next attempt."""
    streams = [uuid4() for _ in range(3)]
    key = bytes(32)
    parts = [Part(stream, int(n == place_of_conflict), (fact(), fact())) for n, stream in enumerate(streams)]
    answer = ledger.append_now(Request(tuple(parts), key, key))
    assert told(answer) == (Conflict, streams[place_of_conflict], 0)
    assert ledger.read_streams(streams) == []
    assert ledger.find_request(key) is None
    good = Request(tuple(Part(stream, 0, (fact(), fact())) for stream in streams), key, key)
    assert told(ledger.append_now(good)) == (Appended, 2, 7, False)
    assert ledger.find_request(key) == (key, 2, 7)


@pytest.mark.parametrize("bad", ["malformed", "conflict", "future", "sealed at the end"])
def test_refused_request_fails_no_neighbour(ledger: Ledger, bad: str) -> None:
    """Whatever is wrong with one request of a batch, those before and after it are appended."""
    stream = uuid4()
    refused, expected = {
        "malformed": (one(stream, 0, fact(), malformed_fact()), Malformed),
        "conflict": (one(stream, 5), Conflict),
        "future": (Request((Part(stream, 0, (fact(),)),), happened=TOMORROW), InTheFuture),
        "sealed at the end": (one(stream, None, sealed_fact()), Malformed),
    }[bad]
    answers = asyncio.run(append_all(ledger, [one(uuid4(), 0), refused, one(uuid4(), 0), one(stream, 0)]))
    assert [type(answer) for answer in answers] == [Appended, expected, Appended, Appended]
    assert verify_ledger(ledger).intact


@pytest.mark.parametrize(
    "segments",
    [
        b"",
        b"\x00\x00",
        bytes(85),
        b"\x00\x01" + bytes(84),
        b"\x00\x02" + bytes(84),
        b"\x00\x01" + b"\xff" * 84,
        b"\xff\xff" + bytes(84),
    ],
)
def test_segment_table_that_does_not_describe_the_bytes_is_malformed(ledger: Ledger, segments: bytes) -> None:
    """Empty, short, long, overlong and plain wrong segment tables are answered, not stored."""
    event = fact()
    answer = ledger.append_now(one(uuid4(), 0, NewEvent(event.topic, event.blind, segments, event.state)))
    assert answer == Malformed()
    assert ledger.head().size == 1


@pytest.mark.parametrize("size", [2**31, 2**32 - 1])
def test_segment_of_enormous_length_is_malformed(ledger: Ledger, size: int) -> None:
    """A length beyond what PostgreSQL counts with is answered as malformed too."""
    event = fact()
    table = event.segments[:18] + size.to_bytes(4, "big") + event.segments[22:]
    answer = ledger.append_now(one(uuid4(), 0, NewEvent(event.topic, event.blind, table, event.state)))
    assert answer == Malformed()


def test_repeat_is_recognised_even_when_the_stream_has_moved_on(ledger: Ledger) -> None:
    """The same key and body get the first answer again, another body is told apart, and nothing is written."""
    stream, key = uuid4(), b"k" * 32
    first = appended(ledger.append_now(one(stream, 0, key=key)))
    appended(ledger.append_now(one(stream, 1)))
    again = appended(ledger.append_now(one(stream, 0, key=key)))
    assert (again.first_position, again.recorded_at, again.repeated) == (2, first.recorded_at, True)
    assert ledger.append_now(one(stream, 2, key=key, body=b"b" * 32)) == Mismatched()
    assert ledger.head().size == 3


def test_facts_from_the_future_are_answered_with_the_ledgers_time(ledger: Ledger) -> None:
    """A fact may have happened now but not later, compared with the ledger's clock."""
    request = one(uuid4(), 0)
    answer = ledger.append_now(Request(request.parts, happened=ledger.now() + timedelta(minutes=1)))
    assert isinstance(answer, InTheFuture)
    assert abs(answer.now - datetime.now(UTC)) < timedelta(minutes=1)
    appended(ledger.append_now(Request(request.parts, happened=ledger.now())))


@pytest.mark.parametrize("minutes", [-6, 6])
def test_clocks_far_apart_are_refused_by_the_database(real: Place, minutes: int) -> None:
    """The append function takes no caller whose clock is more than five minutes from the database's."""
    with connected(real, "caseledger_app") as connection:
        off, near = (datetime.now(UTC) + timedelta(minutes=minutes * part / 3) for part in (3, 2))
        with pytest.raises(DatabaseError, match="more than five minutes") as caught:
            append_around(connection, fact(), off)
        assert caught.value.sqlstate == "CL001"
        assert append_around(connection, fact(), near) == "appended"


def test_caller_is_told_that_clocks_are_apart(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a wrong clock is told so, and appends again once its clock is right."""

    class Late(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Late":
            return cls.fromtimestamp(datetime.now(UTC).timestamp() - 3600, tz)

    monkeypatch.setattr("ledger.appender.datetime", Late)
    with pytest.raises(ClocksApart):
        ledger.append_now(one(uuid4(), 0))
    monkeypatch.undo()
    appended(ledger.append_now(one(uuid4(), 0)))


def test_real_ledger_takes_no_instant(ledger: Ledger) -> None:
    """Only a simulated ledger lets the caller say what time it is."""
    with pytest.raises(NotSimulated):
        ledger.append_now(one(uuid4(), 0), LONG_AGO)
    assert ledger.head().size == 1


def test_simulated_clock_takes_instants_that_do_not_go_back(simulated_ledger: Ledger) -> None:
    """Instants are written as given, may be equal, and an earlier one is refused with both instants named."""
    ledger = simulated_ledger
    later = LONG_AGO + timedelta(days=1)
    for instant in (LONG_AGO, LONG_AGO, later):
        assert appended(ledger.append_now(one(uuid4(), 0), instant)).recorded_at == instant
    with pytest.raises(ClockGoesBack, match=r"2020-02-02 .* 2020-02-01 "):
        ledger.append_now(one(uuid4(), 0), LONG_AGO)
    assert ledger.head().recorded_at == later
    assert appended(ledger.append_now(one(uuid4(), 0))).recorded_at > later


def test_time_stands_still_rather_than_going_back(simulated_ledger: Ledger) -> None:
    """When the ledger's last time lies ahead of the clock, later events carry that time and not an earlier one."""
    ahead = datetime.now(UTC) + timedelta(days=400)
    appended(simulated_ledger.append_now(one(uuid4(), 0), ahead))
    assert appended(simulated_ledger.append_now(one(uuid4(), 0))).recorded_at == ahead
    assert simulated_ledger.now() == ahead


def test_requests_for_different_instants_may_wait_together(simulated_ledger: Ledger) -> None:
    """Tasks that append at once, each at its own instant, each get their own instant written."""
    instants = [LONG_AGO + timedelta(hours=n // 2) for n in range(20)]

    async def append_at_instants() -> list[Answer]:
        appender = simulated_ledger.appender
        return await asyncio.gather(*(appender.append(one(uuid4(), 0), instant) for instant in instants))

    assert [appended(answer).recorded_at for answer in asyncio.run(append_at_instants())] == instants
