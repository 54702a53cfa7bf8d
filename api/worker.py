"""The worker: keeps the remembered views up to date, as a process of its own so that serving never waits for it.

It also runs what is to be done now and then, such as the check of documents.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType

import psycopg

from api import json_log
from projections.follower import Follower, OtherVersion
from projections.view import VIEWS, AnyView
from replay.rebuild import Progressed, RebuildFailed, RebuildInProgress, RebuildInterrupted, rebuild_view

RETRY_SECONDS = 1.0
TURN_SECONDS = 0.0002
"""How long a thread runs while others wait: a view that has much to fold does not hold up those that have little."""


def work(conninfo: str, parent: int | None = None, *beside: Callable[[threading.Event], None]) -> None:
    """Follow every view until SIGTERM or Ctrl-C; with ``parent``, also until that process is gone.

    What runs ``beside`` it does so until it is told to stop.
    """
    sys.setswitchinterval(TURN_SECONDS)
    stop, failures = threading.Event(), list[BaseException]()
    _stop_on_signals(stop)
    follows = [partial(_follow, conninfo, view) for view in VIEWS.values()]
    threads = [threading.Thread(target=_guarded, args=(run, stop, failures)) for run in (*follows, *beside)]
    for thread in threads:
        thread.start()
    while not stop.wait(RETRY_SECONDS):
        if parent is not None and _is_orphan(parent):
            stop.set()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit(1)  # the log has said why


def _guarded(run: Callable[[threading.Event], None], stop: threading.Event, failures: list[BaseException]) -> None:
    """Run until told to stop; what nobody expected, such as want of memory, stops all: another worker begins anew."""
    try:
        run(stop)
    except BaseException as error:
        failures.append(error)
        stop.set()
        json_log.log("worker_failed", logging.ERROR, **json_log.failure(error))


def _follow(conninfo: str, view: AnyView, stop: threading.Event) -> None:
    """Follow one view; start again after a lost connection, stop for good when the view cannot read an event.

    Where readers see rows of an older version of the view's code, those of this one are folded beside them first.
    """
    while not stop.is_set():
        try:
            follower = Follower(conninfo, view)
            try:
                follower.run(stop)
            finally:
                follower.close()
        except psycopg.OperationalError:
            stop.wait(RETRY_SECONDS)
            continue
        except OtherVersion as other:
            if other.found < other.own and _renewed(conninfo, view, stop):
                continue
            if other.found > other.own:
                remedy = "run the newer program"
                json_log.log("view_newer", logging.ERROR, view=view.name, version=other.found, remedy=remedy)
            return
        if not stop.is_set():
            remedy = f"caseledger replay verify {view.name}"
            json_log.log("view_stopped", logging.ERROR, view=view.name, remedy=remedy)
        return


def _renewed(conninfo: str, view: AnyView, stop: threading.Event) -> bool:
    """Fold a new version of a view and let readers see it; false where that cannot be done.

    Told to stop, it breaks off; the next worker goes on with what is folded. So it does where another is at it.
    """

    def go_on(_: Progressed) -> None:
        if stop.is_set():
            raise RebuildInterrupted

    try:
        comparison = rebuild_view(conninfo, view, go_on)
    except (RebuildInterrupted, RebuildInProgress, psycopg.OperationalError):
        stop.wait(RETRY_SECONDS)
        return True
    except RebuildFailed as error:
        json_log.log("view_not_renewed", logging.ERROR, view=view.name, **json_log.failure(error))
        return False
    json_log.log("view_renewed", view=view.name, version=comparison.version, rows=comparison.rows)
    return True


def _stop_on_signals(stop: threading.Event) -> None:
    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


def _is_orphan(parent: int) -> bool:
    return os.getppid() != parent
