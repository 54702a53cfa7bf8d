"""How long a dossier takes of cases of some, many and very many entries: as data, and on paper.

The peers are the aims: seconds that a reviewer waits without wondering. Growth is held against the number of entries.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from statistics import median
from uuid import UUID, uuid4

from api.dossier import DossierMaker, MadeDossier
from api.dossier_pdf import pdf_of
from api.drafting import Commit, Fact
from api.opening import Place
from api.principals import Principal
from api.production_pdf import production_pdf
from api.productions import Asked, Productions, Wanted
from api.reading import CaseReader
from api.recording import CaseRecorder, NewPerson
from benchmarks.bundle import WORDS
from benchmarks.measure import Figure, compare, now
from domain.case_file import CaseFile
from domain.events.base import Event
from domain.events.decision import DecisionMade
from domain.events.referral import NoteRecorded
from ledger.store import Ledger
from projections.board import Board
from projections.follower import Follower
from projections.view import ACCESS

ENTRIES = (50, 500, 2_400)
DATA_AIM, PAPER_AIM = {50: 100.0, 500: 500.0, 2_400: 2_500.0}, {50: 200.0, 500: 500.0, 2_400: 2_000.0}
HANDED_OUT_AIM = {50: 300.0, 500: 1_500.0, 2_400: 6_000.0}
TURNS = 3
WRITER = Principal("u-90", "social_worker", None, "measure", internal=True)


def figures(place: Place) -> list[Figure]:
    """Return the milliseconds of a dossier as data, and of setting it on paper, by the entries of its case."""
    found: list[Figure] = []
    with place.ledger() as ledger:
        maker = DossierMaker(ledger, CaseReader(ledger, Board(ledger)))
        for entries in ENTRIES:
            case = asyncio.run(_case(ledger, entries))
            _follow(place)
            made, data = zip(*(_made(maker, case, entries) for _ in range(TURNS)), strict=True)
            paper = median(_set(made[0]) for _ in range(TURNS))
            of = f"dossier of {entries} entries"
            found.append(compare(f"{of}, as data, aim", median(data), DATA_AIM[entries], "ms", 1.0, "lower"))
            found.append(compare(f"{of}, set on paper, aim", paper, PAPER_AIM[entries], "ms", 1.0, "lower"))
            handed = median(_handed_out(ledger, case) for _ in range(TURNS))
            aim = HANDED_OUT_AIM[entries]
            found.append(compare(f"{entries} entries handed out on paper, aim", handed, aim, "ms", 1.0, "lower"))
    return found


def _follow(place: Place) -> None:
    """Bring up to date who has looked, as a worker does."""
    follower = Follower(place.conninfo, ACCESS)
    while follower.step():
        pass
    follower.close()


async def _case(ledger: Ledger, entries: int) -> UUID:
    """Record a case of notes with a text each, and a decision that rests on some as its last entry."""
    recorder = CaseRecorder(ledger)
    person = NewPerson("parent-A", "mother", "Alma Eksempel")
    opened = await recorder.open_case(WRITER, f"D-{entries}", "smaaboernsteam_001", [person], ledger.now(), _commit())
    text = " ".join(WORDS * 5)
    events: list[Event] = [NoteRecorded(informant="parent-A", channel="phone", content=text)] * (entries - 2)
    decision = DecisionMade(decision="d-1", outcome="grant", legal_basis=("barnets lov § 32",), facts=(2, 3, 4))
    for first in range(0, len(events), 100):
        await _record(recorder, ledger, opened.case, events[first : first + 100])
    await _record(recorder, ledger, opened.case, [decision])
    return opened.case


async def _record(recorder: CaseRecorder, ledger: Ledger, case: UUID, events: Sequence[Event]) -> None:
    facts = [Fact(event, ledger.now()) for event in events]
    await recorder.perform(WRITER, case, None, _commit(), partial(_given, facts))


def _given(facts: Sequence[Fact], file: CaseFile) -> Sequence[Fact]:
    """Return the facts, whatever the case says."""
    del file
    return facts


def _commit() -> Commit:
    return Commit((), uuid4().hex, b"")


def _made(maker: DossierMaker, case: UUID, entries: int) -> tuple[MadeDossier, float]:
    begun = now()
    made = asyncio.run(maker.make(WRITER, case, entries))
    return made, (now() - begun) * 1000


def _set(made: MadeDossier) -> float:
    begun = now()
    pdf_of(made)
    return (now() - begun) * 1000


def _handed_out(ledger: Ledger, case: UUID) -> float:
    """Return the milliseconds from a decision to hand a case out to a court to its paper."""
    reader = CaseReader(ledger, Board(ledger))
    productions = Productions(ledger, CaseRecorder(ledger, reader.door), reader)
    wanted = Wanted(Asked("court", "court", None, ledger.now()))
    decided = asyncio.run(productions.decide(WRITER, case, wanted, _commit()))
    begun = now()
    production_pdf(asyncio.run(productions.make(WRITER, case, decided.version, proven=False)))
    return (now() - begun) * 1000
