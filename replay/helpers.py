"""Processes that fold shares beside the one that rebuilds; each takes what nobody else is folding."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import connection as pipes
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Self

from replay.shares import RebuildFailed, Share, fold_share

POLL_SECONDS = 0.5


class Helpers:
    """Up to so many processes, started at most once; whatever they are at when the block ends, they end with it."""

    def __init__(self, conninfo: str, shares: Sequence[Share], most: int) -> None:
        self._conninfo, self._shares, self._most = conninfo, shares, most
        self._processes: list[SpawnProcess] = []
        self._failures, self._failed = get_context("spawn").Pipe(duplex=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()
        self._failed.close()
        self._failures.close()

    def start(self) -> None:
        """Start the processes; does not wait until they are at work."""
        while len(self._processes) < self._most:
            process = get_context("spawn").Process(
                target=_help, args=(self._conninfo, self._shares, self._failed), daemon=True
            )
            process.start()
            self._processes.append(process)

    def wait(self, tell: Callable[[], None]) -> None:
        """Wait until they have folded what they took; raises what one of them did.

        What a process that is gone has left is not waited for.
        """
        self._most = len(self._processes)
        while any(process.is_alive() for process in self._processes) and not self._failures.poll():
            pipes.wait([*(process.sentinel for process in self._processes), self._failures], POLL_SECONDS)
            tell()
        if self._failures.poll():
            raise self._failures.recv()


def _help(conninfo: str, shares: Sequence[Share], failed: Connection) -> None:
    """Fold what nobody else folds of some shares, as long as the process that started this one lives."""
    parent = parent_process()
    with suppress(KeyboardInterrupt):
        try:
            for share in shares:
                if parent is not None and parent.is_alive():
                    fold_share(conninfo, share, wait=False)
        except RebuildFailed as error:
            failed.send(error)
