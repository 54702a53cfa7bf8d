"""An evidence bundle of a large case in a large log: how large it is, how long making and verifying it takes.

The peers are the aims: a megabyte, a second to make, a second to verify, in a process of its own as its users run it.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from uuid import UUID, uuid4

from api.drafting import Commit, Fact
from api.opening import Place
from api.principals import Principal
from api.recording import CaseRecorder, NewPerson
from benchmarks.filling import fill
from benchmarks.measure import Figure, compare, now
from domain.case_file import CaseFile
from domain.events.access import AccessRequestAnswered, AccessRequestReceived
from domain.events.base import Event
from domain.events.referral import NoteRecorded
from ledger.proof.publisher import Publisher, default_origin
from ledger.proof.signer import FileSigner
from ledger.store import Ledger
from replay.bundle import Bundle, Prepared, Wish, make_bundle

ENTRIES, CASES = 500, 50_000
TURNS = 5
BYTES_AIM, MILLISECONDS_AIM = 1_000_000.0, 1000.0
WRITER = Principal("u-90", "social_worker", None, "measure", internal=True)
VERIFIER = Path(__file__).parents[1] / "verifier" / "caseledger_verify.py"
WORDS = ("moren", "fortalte", "barnet", "sover", "bedre", "besøget", "fredag", "passer", "jordemoderens", "tid")


def figures(place: Place, home: Path) -> list[Figure]:
    """Return size, time to make and time to verify of a bundle of a case of so many entries."""
    with place.ledger() as ledger:
        fill(ledger, CASES)
        signer = FileSigner(home / "signer", time.time)
        signer.create(default_origin(ledger.id))
        case = asyncio.run(_case(ledger))
        publisher = Publisher(place.conninfo, signer)
        publisher.publish()
        publisher.close()
        made = [_made(ledger, case) for _ in range(TURNS)]
    bundle, making = made[0][0], median(taken for _, taken in made)
    path = home / "bundle.zip"
    path.write_bytes(bundle.content)
    checking = median(_verified(path, str(signer.vkeys[0])) for _ in range(TURNS))
    of = f"bundle of {ENTRIES} entries"
    return [
        compare(f"{of}, size, aim 1 MB", len(bundle.content), BYTES_AIM, "bytes", 1.0, "lower"),
        compare(f"{of}, making it, aim 1 s", making, MILLISECONDS_AIM, "ms", 1.0, "lower"),
        compare(f"{of}, verifying it, aim 1 s", checking, MILLISECONDS_AIM, "ms", 1.0, "lower"),
    ]


async def _case(ledger: Ledger) -> UUID:
    """Record a case of notes with a text each, and an answer that grants access to them."""
    recorder, chance = CaseRecorder(ledger), Random(1)
    person = NewPerson("parent-A", "mother", "Alma Eksempel")
    opened = await recorder.open_case(WRITER, "S-500", "smaaboernsteam_001", [person], ledger.now(), _commit())
    texts = [" ".join(chance.choices(WORDS, k=50)) for _ in range(ENTRIES - 3)]
    events: list[Event] = [NoteRecorded(informant="parent-A", channel="phone", content=text) for text in texts]
    events.append(AccessRequestReceived(kind="own", by="parent-A", about="parent-A", received_at=ledger.now()))
    events.append(AccessRequestAnswered(request=ENTRIES - 1, outcome="granted"))
    for first in range(0, len(events), 100):
        facts = [Fact(event, ledger.now()) for event in events[first : first + 100]]
        await recorder.perform(WRITER, opened.case, None, _commit(), partial(_given, facts))
    return opened.case


def _given(facts: Sequence[Fact], file: CaseFile) -> Sequence[Fact]:
    """Return the facts, whatever the case says."""
    del file
    return facts


def _commit() -> Commit:
    return Commit((), uuid4().hex, b"")


def _made(ledger: Ledger, case: UUID) -> tuple[Bundle, float]:
    """Return a bundle and the milliseconds that making it took."""
    begun = now()
    bundle = make_bundle(Prepared(ledger, Wish(case, answer=ENTRIES), 2**62, ledger.now()))
    return bundle, (now() - begun) * 1000


def _verified(path: Path, key: str) -> float:
    """Return the milliseconds that the verifier took, from start to end of its process."""
    begun = now()
    subprocess.run([sys.executable, VERIFIER, path, "--log-key", key], check=True, capture_output=True)
    return (now() - begun) * 1000
