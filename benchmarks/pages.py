"""What the pages cost over HTTP, one asked for after the other, at 100,000 cases and for a case of 2,000 entries.

Each is measured against what its readers are promised, not against a peer. The bytes of a case's page are those that go
over the wire to a browser that takes compressed answers: cold with everything the page names, warm the page alone.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx2
import uvloop
from psycopg.conninfo import make_conninfo

from api.opening import Place
from benchmarks import boards
from benchmarks.filling import HOLDER, UNIT
from benchmarks.http import SERVE, serving
from benchmarks.http_load import TEXT
from benchmarks.measure import Figure, Load, compare, load, now
from benchmarks.users import CASEWORKER, REVIEWER, SUPERVISOR, User, browser, until_ready
from domain.entries import Draft
from domain.events.administration import CaseOpened, CasePerson, PersonRegistered
from domain.events.base import Actor, Envelope, Event
from domain.events.consent import ConsentGiven, DisclosureMade
from domain.events.decision import DecisionMade
from domain.events.referral import CaseAllocated, NoteRecorded, NotificationReceived
from domain.time import write_instant
from ledger.creation import create_database
from ledger.keys import file_keys, key_commitment
from ledger.requests import Appended, Part, Request
from ledger.store import Ledger

ENTRIES = 2_000
ROUND = 40
"""How many entries come between a consent with its disclosure and the next."""

LEAST, TIMES, SECONDS = 3, 20, 2.5
"""How often a page is asked for: at least, and at most unless that takes longer."""

READY_SECONDS = 240
AIM_P50, AIM_P95 = 300.0, 500.0
"""Milliseconds."""

COLD, WARM = 150.0, 30.0
"""Kilobytes."""

READERS = {CASEWORKER: "caseworker", SUPERVISOR: "supervisor", REVIEWER: "reviewer"}
BOARD_PAGES: Mapping[str, Sequence[str]] = {
    CASEWORKER: ("/min-dag", "/sager"),
    SUPERVISOR: (
        "/sager", "/ledelse/frister", "/ledelse/samtykkebrud", "/ledelse/fund", "/ledelse/sager", "/ledelse/barometer",
        "/protokol", "/protokol?q=handling:deling",
    ),
    REVIEWER: (
        "/sager", "/ledelse/frister", "/sammenlign?from={then}", "/protokol", "/protokol?q=sag:S-7",
        "/protokol?q=handling:deling", "/protokol?q=rolle:system", "/protokol?q=ansvarlig:u-90",
        "/protokol?q=handling:deling+d%C3%A6kning:nej",
    ),
}  # fmt: skip
"""Pages across all cases, by who asks for them."""

CASE_PAGES: Mapping[str, Sequence[str]] = {
    CASEWORKER: ("", "?nr=1000", "/frister", "/samtykker", "/delinger", "/haendelser/1000", "/registrer/notat"),
    REVIEWER: (
        "", "?order=newest", "?known_at={then}", "/afgoerelser", "/afgoerelser/4", "/opslag", "/barometer",
        "/sammenlign?from={then}",
    ),
}  # fmt: skip
"""Pages of one case, by who asks for them."""


def figures(place: Place, home: Path) -> list[Figure]:
    """Return time and bytes of the pages, in a ledger of many cases of which one is long."""
    create_database(place.owner, "pages")
    conninfo = make_conninfo(place.owner, dbname="pages")
    own = Place(conninfo, conninfo, file_keys(home), home)
    own.create("Measured", boards.BEGINS)
    with own.ledger() as ledger:
        boards.filled(ledger, conninfo)
        long = _long_case(ledger)
        then = write_instant(ledger.now())
        short = ledger.read_topic(CaseOpened.TOPIC)[1].stream
    with serving(own, home, SERVE) as port:
        return uvloop.run(_measured(port, long, short, then))


async def _measured(port: int, long: UUID, short: UUID, then: str) -> list[Figure]:
    await until_ready(port, READY_SECONDS)
    found = list[Figure]()
    for who, title in READERS.items():
        user = await browser(port, who)
        user.takes_gzip()
        paths = {f"{title}, {path}": path for path in BOARD_PAGES[who]}
        paths |= {f"{title}, long case {path}": f"/sager/{long}{path}" for path in CASE_PAGES.get(who, ())}
        for name, path in paths.items():
            taken = await _taken(user, path.format(then=quote(then)))
            found += _figures(name.strip().replace("{then}", "then"), taken)
        if user.record.errors:
            raise RuntimeError(f"not answered: {dict(user.record.errors)}")
    headers = (await browser(port, REVIEWER)).headers
    return [*found, *_bytes(port, {"short": short, "long": long}, headers)]


async def _taken(user: User, path: str) -> Load:
    """Return how long a page takes, asked for until it is warm and then some times."""
    await user.read(path, path)
    durations, start = list[float](), now()
    while len(durations) < LEAST or (len(durations) < TIMES and now() - start < SECONDS):
        begun = now()
        await user.read(path, path)
        durations.append(now() - begun)
    return load(durations, now() - start)


def _figures(name: str, taken: Load) -> Iterator[Figure]:
    yield compare(f"{name}, p50", taken.p50, AIM_P50, "ms", 1.0, "lower")
    yield compare(f"{name}, p95", taken.p95, AIM_P95, "ms", 1.0, "lower")


def _bytes(port: int, cases: Mapping[str, UUID], headers: Mapping[str, str]) -> Iterator[Figure]:
    """Yield the bytes of pages, alone and with the stylesheets, scripts and icons they name, each once."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as http:
        for name, case in cases.items():
            page = http.get(f"/sager/{case}")
            named = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text))
            warm = page.num_bytes_downloaded / 1000
            cold = warm + sum(http.get(one).num_bytes_downloaded for one in named) / 1000
            yield compare(f"bytes of the page of a {name} case, warm", warm, WARM, "kB", 1.0, "lower")
            yield compare(f"bytes of the page of a {name} case, cold", cold, COLD, "kB", 1.0, "lower")


def _long_case(ledger: Ledger) -> UUID:
    """Record one case of many entries and its person; returns the case."""
    case, person, key = uuid4(), uuid4(), ledger.keys.create()
    commitment = key_commitment(ledger.keys.get(key)).hex()
    roster = (
        CasePerson(ref="parent-A", person=person, key=key, role="mother"),
        CasePerson(ref="child-A", person=person, key=key, role="child"),
    )
    opening = CaseOpened(
        number="S-long", programme=boards.PROGRAMME, key=key, key_commitment=commitment, persons=roster
    )
    named = PersonRegistered(person=person, key=key, key_commitment=commitment, full_name="Alma Lang Eksempel")
    parts = (_part(ledger, case, [opening, *_course()], key), _part(ledger, person, [named], key))
    answer = ledger.append_now(Request(parts))
    if not isinstance(answer, Appended):
        raise RuntimeError(f"not appended: {answer}")
    return case


def _course() -> Iterator[Event]:
    """Yield what happened in the long case after it was opened."""
    yield CaseAllocated(to=HOLDER, for_role="social_worker")
    yield NotificationReceived(
        notifier_kind="private", identity_known=True, channel="phone", received_at=datetime.now(UTC), about=("child-A",)
    )
    yield DecisionMade(decision="dec-1", outcome="grant", legal_basis=("barnets lov § 32",))
    for number in range(5, ENTRIES + 1):
        yield _step(number)


def _step(number: int) -> Event:
    consent = f"c-{number // ROUND}"
    if number % ROUND == 0:
        return ConsentGiven(
            consent=consent, kind="disclosure", given_by="parent-A", capacity="parent", scope=("daycare",),
            form="written", valid_from=boards.BEGINS.date(), data_categories=("health",),
        )  # fmt: skip
    if number % ROUND == 1:
        return DisclosureMade(
            to=("daycare",), basis="consent", consents=(consent,), data_categories=("health",), documents=("Notat",),
            purpose="Fælles møde om barnets trivsel",
        )  # fmt: skip
    return NoteRecorded(informant="parent-A", channel="phone", content=TEXT)


def _part(ledger: Ledger, stream: UUID, events: Sequence[Event], key: UUID) -> Part:
    actor, commit, begun = (
        Actor(HOLDER, "caseworker", UNIT),
        uuid4(),
        datetime.now(UTC) - timedelta(minutes=ENTRIES + 1),
    )
    drafts = [
        Draft(stream, version, event, Envelope(begun + timedelta(minutes=version), actor, commit), {}, key)
        for version, event in enumerate(events, start=1)
    ]
    return Part(stream, 0, tuple(map(ledger.mapper.to_new_event, drafts)))
