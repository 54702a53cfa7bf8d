"""A file that a form brings along: it waits sealed, under a key that only this object has, until it is filed or let go.

Nothing of it is ever on a disk in clear, and at most one piece of it is in memory.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from hashlib import sha256
from struct import Struct
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.document_systems import MAX_DOCUMENT_BYTES

PIECE_BYTES = 2**20
BEGINNING_BYTES = 1024
_TAG_BYTES = 16
_NONCE = Struct(">4xQ")


class Upload:
    """One file of a form while its request is answered.

    ``name`` is what the browser calls it, None where none was chosen; ``beginning`` its first bytes. One that is not
    ``kept`` is only known to have been there.
    """

    def __init__(self, *, kept: bool = True) -> None:
        self.kept = kept
        self.name: str | None = None
        self.size = 0
        self.beginning = b""
        self.too_large = False
        self._digest = sha256()
        self._cipher = AESGCM(os.urandom(32))
        self._waiting, self._pieces = bytearray(), 0
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes, in hexadecimal digits."""
        return self._digest.hexdigest()

    def add(self, content: bytes) -> None:
        """Take the next bytes; what is more than a document may have is not taken, and told by ``too_large``."""
        self.size += len(content)
        self.too_large = self.too_large or self.size > MAX_DOCUMENT_BYTES
        if self.too_large:
            return
        self._digest.update(content)
        self.beginning += content[: BEGINNING_BYTES - len(self.beginning)]
        self._waiting += content
        while len(self._waiting) >= PIECE_BYTES:
            self._seal()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the bytes from the beginning, once all have come."""
        if self._file is not None:
            self._file.seek(0)
            for number in range(self._pieces):
                yield await asyncio.to_thread(self._opened, self._file, number)
        if self._waiting:
            yield bytes(self._waiting)

    def _seal(self) -> None:
        piece = bytes(self._waiting[:PIECE_BYTES])
        del self._waiting[:PIECE_BYTES]
        if self._file is None:
            self._file = TemporaryFile()  # noqa: SIM115 (closed on leaving)
        self._file.write(self._cipher.encrypt(_NONCE.pack(self._pieces), piece, None))
        self._pieces += 1

    def _opened(self, file: IO[bytes], number: int) -> bytes:
        return self._cipher.decrypt(_NONCE.pack(number), file.read(PIECE_BYTES + _TAG_BYTES), None)
