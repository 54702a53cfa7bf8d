"""How long it takes from a commit until a witness on this machine has cosigned it; the peer is the aim itself."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from statistics import quantiles
from uuid import uuid4

from api.opening import Place
from benchmarks.append import clear_event
from benchmarks.measure import Figure, compare, now
from ledger.proof.growing import SQL
from ledger.proof.notes import VerifierKey
from ledger.proof.publisher import Publisher
from ledger.proof.records import ProofRecords
from ledger.proof.witness import Witness
from ledger.requests import Appended, Part, Request
from ledger.store import Ledger

AIM_BEAT, AIM_DEMAND = 6000.0, 250.0
"""Milliseconds at the worker's own pace, and where a checkpoint is asked for."""

AT_ITS_PACE, ON_DEMAND = 12, 60
PATIENCE_SECONDS = 30.0


def figures(place: Place, home: Path) -> list[Figure]:
    """Return both figures, with a worker and a witness in processes of their own."""
    with place.ledger() as ledger:
        with closing(Publisher(place.conninfo, place.signer(ledger.id))) as publisher:
            publisher.prepare(place.origin(ledger.id))
            publisher.publish()
        policy = home / "policy"
        records = ProofRecords(ledger)
        with _witness(home / "witness", records.vkeys(), policy) as key, _worker(place, home, policy):
            _cosigned(records, key, ledger.head().size)
            demanded = [_on_demand(ledger, records, key) for _ in range(ON_DEMAND)]
            paced = [_at_its_pace(ledger, records, key, Random(number)) for number in range(AT_ITS_PACE)]
    return [
        compare("commit to witnessed checkpoint, p95, aim", quantiles(paced, n=20)[-1], AIM_BEAT, "ms", 1.0, "lower"),
        compare("the same, asked for, p95, aim", quantiles(demanded, n=20)[-1], AIM_DEMAND, "ms", 1.0, "lower"),
    ]


@contextmanager
def _witness(folder: Path, vkeys: str, policy: Path) -> Generator[VerifierKey]:
    """Run a witness that trusts a log, and write the log's policy that asks for it; yields its Ed25519 key."""
    witness = Witness(folder, time.time)
    witness.create("witness.example/near")
    witness.trust([VerifierKey.read(line) for line in vkeys.splitlines()])
    command = [sys.executable, "-m", "api", "witness", "serve", "--folder", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            found = next(filter(None, (re.search(r"http://\S+?:\d+", line) for line in child.stdout or ())))
            lines = [f"witness near{number} {key} {found[0]}" for number, key in enumerate(witness.vkeys())]
            policy.write_text("\n".join([*lines, "quorum none", ""]))
            yield witness.vkeys()[0]
        finally:
            child.terminate()


@contextmanager
def _worker(place: Place, home: Path, policy: Path) -> Generator[None]:
    environment = {"CASELEDGER_DATABASE_URL": place.conninfo, "CASELEDGER_HOME": str(home)}
    environment |= {"CASELEDGER_WITNESS_POLICY": str(policy)}
    with (home / "worker.log").open("wb") as log:
        command = [sys.executable, "-m", "api", "worker"]
        with subprocess.Popen(command, env={**os.environ, **environment}, stdout=log, stderr=log) as child:
            try:
                yield
            finally:
                child.terminate()


def _on_demand(ledger: Ledger, records: ProofRecords, key: VerifierKey) -> float:
    size = _append(ledger)
    begun = now()
    ledger.query(SQL["ask"], [])
    _cosigned(records, key, size)
    return (now() - begun) * 1000


def _at_its_pace(ledger: Ledger, records: ProofRecords, key: VerifierKey, random: Random) -> float:
    time.sleep(random.uniform(0, 5))
    size, begun = _append(ledger), now()
    _cosigned(records, key, size)
    return (now() - begun) * 1000


def _append(ledger: Ledger) -> int:
    """Append one event and return its position."""
    stream = uuid4()
    answer = ledger.append_now(Request((Part(stream, 0, (clear_event(stream, 1),)),)))
    if not isinstance(answer, Appended):
        raise RuntimeError(f"not appended: {answer}")
    return answer.last_position


def _cosigned(records: ProofRecords, key: VerifierKey, size: int) -> None:
    """Wait until a witness has cosigned a size."""
    deadline = now() + PATIENCE_SECONDS
    while records.last_cosigned(key) < size:
        if now() > deadline:
            raise RuntimeError("no witness has cosigned in time")
        time.sleep(0.005)
