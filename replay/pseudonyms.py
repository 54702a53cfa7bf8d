"""Pseudonyms of one release: HMAC-SHA-256 under its own random key, 64 bits of it in hexadecimal.

The same value has the same pseudonym everywhere in a release, and another one in the next. References within a case
are bound to it, so that two cases' ``parent-A`` have nothing in common. Without the key nobody can tell whose a
pseudonym is, also not by trying all values.
"""

import hmac
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

FORGET_AT = 200_000
"""How many pseudonyms are kept in memory before all are forgotten and made anew when needed."""


class Memory(dict[Any, Any]):
    """What a function has answered before; forgets everything when it has become large. None stays None."""

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        super().__init__({None: None})
        self._answer = answer

    def __missing__(self, question: Any) -> Any:
        if len(self) > FORGET_AT:
            self.clear()
            self[None] = None
        answer = self[question] = self._answer(question)
        return answer

    def all(self, questions: Iterable[Any]) -> list[Any]:
        """Return the answers to several questions, in order."""
        return list(map(self.__getitem__, questions))


class Pseudonyms:
    """Makes the pseudonyms of a release from its key.

    Of ids (16 bytes or text), of staff, of offices, and of references within a case (the case's id and the reference).
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.ids = Memory(lambda value: self._made(b"i", _id(value)))
        self.staff = Memory(lambda value: self._made(b"s", str(value).encode()))
        self.offices = Memory(lambda value: self._made(b"o", str(value).encode()))
        self.scoped = Memory(lambda value: self._made(b"r", _id(value[0]) + str(value[1]).encode()))

    def _made(self, kind: bytes, value: bytes) -> str:
        return kind.decode() + "-" + hmac.digest(self._key, kind + b"\0" + value, "sha256")[:8].hex()


def _id(value: Any) -> bytes:
    return value if isinstance(value, bytes) else UUID(str(value)).bytes
