"""Between a program and PostgreSQL: passes everything on until it is told to lose a request, or an answer."""

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

Lost = Literal["request", "answer"]
CHUNK = 65536
PORT = 5432


@dataclass
class _Pair:
    """A connection of a client and the one to the server that belongs to it."""

    client: socket.socket
    server: socket.socket
    lose: Lost | None = None

    def close(self) -> None:
        """End both, so that each side notices."""
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class Proxy:
    """Listens in a folder as PostgreSQL does and passes on to the server that listens in another."""

    def __init__(self, folder: Path, server_folder: str) -> None:
        self.folder = folder
        self._server = f"{server_folder}/.s.PGSQL.{PORT}"
        self._listening = socket.socket(socket.AF_UNIX)
        self._lock = threading.Lock()
        self._pairs: list[_Pair] = []
        self.losses = 0

    def __enter__(self) -> Self:
        """Listen."""
        self._listening.bind(str(self.folder / f".s.PGSQL.{PORT}"))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Listen no more and end every connection."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.end()

    def lose(self, what: Lost) -> None:
        """Lose the next request of each connection there is, or the next answer to it; the connection is cut with it.

        A lost request has never reached the server, a lost answer is to one that has. Later connections are whole.
        """
        with self._lock:
            self.losses = 0
            for pair in self._pairs:
                pair.lose = what

    def end(self) -> None:
        """End every connection."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listening.accept()[0]
                server = socket.socket(socket.AF_UNIX)
                pair = _Pair(client, server)
                try:
                    server.connect(self._server)
                except OSError:
                    pair.close()
                    continue
                with self._lock:
                    self._pairs.append(pair)
                for ends in ((client, server, "request"), (server, client, "answer")):
                    threading.Thread(target=self._pass_on, args=(pair, *ends), daemon=True).start()

    def _pass_on(self, pair: _Pair, source: socket.socket, target: socket.socket, carries: Lost) -> None:
        with suppress(OSError):
            while content := source.recv(CHUNK):
                if pair.lose == carries:
                    self.losses += 1
                    break
                target.sendall(content)
        pair.close()
