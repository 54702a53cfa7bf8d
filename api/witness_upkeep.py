"""Witnesses are asked beside the worker: those on this machine at each checkpoint, those elsewhere on a fixed beat.

Never on demand: what leaves the machine must not tell a neighbour that a decision was just made.
"""

import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import psycopg

from api import json_log
from api.opening import Place
from ledger.proof.asking import NoAnswer
from ledger.proof.records import opened_records
from ledger.proof.witnessing import (
    LogSetBack,
    Outcome,
    WitnessAddress,
    Witnessing,
    WitnessPolicyError,
    WitnessRefused,
    addresses,
    lock_witnessing,
    read_witness_policy,
)
from ledger.settings import Settings
from ledger.store import WORKER_ROLE, conninfo_as

LOOK_SECONDS = 1.0
AGAIN_SECONDS = 5.0
Runner = Callable[[threading.Event], None]


def witnessing(place: Place, settings: Settings) -> list[Runner]:
    """Return what asks the witnesses of the policy until told to stop; nothing without a policy that can be used."""
    if settings.witness_policy is None:
        return []
    try:
        policy = read_witness_policy(settings.witness_policy)
    except WitnessPolicyError as error:
        json_log.log("witness_policy_unusable", logging.ERROR, remedy=str(error))
        return []
    near, far = addresses(policy, near=True), addresses(policy, near=False)
    runners = [asking_at_checkpoints(place, near)] if near else []
    return [*runners, asking_on_the_beat(place, far, settings.witness_beat_seconds)] if far else runners


def asking_at_checkpoints(place: Place, witnesses: list[WitnessAddress]) -> Runner:
    """Return what asks witnesses at once, and then at each new checkpoint."""

    def run(asking: _Asking, stop: threading.Event) -> None:
        asking.ask(witnesses)
        while not stop.is_set():
            if asking.wait():
                asking.ask(witnesses)

    return lambda stop: _in_turn(place, stop, "near", run)


def asking_on_the_beat(place: Place, witnesses: list[WitnessAddress], beat: float) -> Runner:
    """Return what asks witnesses at every multiple of so many seconds, whatever happened in between."""

    def run(asking: _Asking, stop: threading.Event) -> None:
        while not stop.wait(beat - time.time() % beat):
            asking.ask(witnesses)

    return lambda stop: _in_turn(place, stop, "far", run)


class _Asking:
    """One connection that listens for checkpoints, and what asks witnesses about them."""

    def __init__(self, connection: "psycopg.Connection[object]", witnessing: Witnessing) -> None:
        self._connection, self._witnessing = connection, witnessing

    def wait(self) -> bool:
        """Wait a moment for a checkpoint; returns whether there is a new one."""
        return bool(list(self._connection.notifies(timeout=LOOK_SECONDS, stop_after=1)))

    def ask(self, witnesses: list[WitnessAddress]) -> None:
        """Ask witnesses and say in the log what calls for the operator."""
        for outcome in self._witnessing.ask_all(witnesses):
            say(outcome)


def _in_turn(place: Place, stop: threading.Event, turn: str, run: "Callable[[_Asking, threading.Event], None]") -> None:
    """Run while it is this process's turn; begin again after whatever went wrong: the views must be followed on."""
    while not stop.is_set():
        try:
            with _asking(place, turn) as asking:
                if asking is not None:
                    run(asking, stop)
        except psycopg.OperationalError:
            pass  # the database is away, as whoever follows the views says
        except Exception as error:
            json_log.log("witnesses_not_asked", logging.ERROR, **json_log.failure(error))
        stop.wait(AGAIN_SECONDS)


@contextmanager
def _asking(place: Place, turn: str) -> Generator[_Asking | None]:
    address = conninfo_as(place.conninfo, WORKER_ROLE)
    with psycopg.connect(address, autocommit=True) as connection, opened_records(place.conninfo) as records:
        if not lock_witnessing(connection, turn):
            yield None
            return
        connection.execute("LISTEN caseledger_checkpoint")
        yield _Asking(connection, Witnessing(records, place.conninfo, time.time))


def say(outcome: Outcome) -> None:
    """Say in the log what a witness did that calls for the operator."""
    witness = outcome.witness.name
    if outcome.forgot is not None:
        json_log.log("witness_forgot", logging.ERROR, witness=witness, cosigned=outcome.forgot, size=outcome.size)
    match outcome.error:
        case LogSetBack() as back:
            json_log.log(
                "log_set_back",
                logging.ERROR,
                witness=witness,
                cosigned=back.cosigned,
                size=back.latest,
                shown=back.shown,
                remedy="docs/operations.md, Restoring an older state",
            )
        case WitnessRefused() as refused:
            json_log.log("witness_refused", logging.ERROR, witness=witness, reason=refused.reason)
        case NoAnswer() as silent:
            json_log.log("witness_silent", logging.WARNING, witness=witness, reason=str(silent))
        case None:
            pass
        case error:
            json_log.log("witnesses_not_asked", logging.ERROR, witness=witness, **json_log.failure(error))
