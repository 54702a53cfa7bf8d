"""Forms sent after the session had ended: what was typed waits, sealed, until its writer has signed in again.

The key is in a cookie of the browser that sent the form and nowhere else; here lies only what nobody can read, in
memory and for half an hour. It opens for the person the form was given out to, at the address it was sent to.
"""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from time import monotonic

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Request

from api.sign_in.answers import KEPT_FORM, KEPT_SECONDS
from api.sign_in.forms import read_form
from api.sign_in.identity import ForeignRequest
from api.uploads import Upload
from ledger.keys import KeyStore

MOST_KEPT = 50
FILE_GONE = "fil_mangler"
"""Says of a form that waits that a file was chosen in it, which no form keeps."""

_NONCE = 12
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class _Kept:
    sealed: bytes
    until: float


class KeptForms:
    """The forms of one process that wait for their writers. ``clock`` is monotonic, in seconds."""

    def __init__(self, keys: KeyStore, clock: Callable[[], float] = monotonic) -> None:
        self._keys, self._clock = keys, clock
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()

    def __len__(self) -> int:
        """Return how many forms wait."""
        return len(self._kept)

    def owner(self, staff: str, path: str) -> str:
        """Return what a form given out carries as ``ejer``: for whom and which address it is, and that it is ours."""
        owner = self._keys.digest("form owner", f"{staff}\0{path}".encode()).hex()
        return f"{owner}.{self._mark(owner)}"

    def _mark(self, owner: str) -> str:
        return self._keys.digest("form given out", owner.encode()).hex()

    async def keep(self, request: Request) -> str | None:
        """Keep the form of a request whose session has ended; returns the secret for its cookie, None for no form.

        Only what one of our own pages sent counts, and only with the mark of somebody it was given out to.
        """
        if request.method != "POST":
            return None
        upload = Upload(kept=False)
        try:
            form = await read_form(request, upload)
        except ForeignRequest:
            return None
        owner, _, mark = form.get("ejer", "").partition(".")
        if not compare_digest(mark.encode(), self._mark(owner).encode()):
            return None
        typed = {name: form.getlist(name) for name in form if name not in ("csrf", FILE_GONE)}
        if upload.name is not None:
            typed[FILE_GONE] = ["ja"]
        return self._seal(request.url.path, orjson.dumps({"path": request.url.path, "typed": typed}))

    def _seal(self, path: str, content: bytes) -> str:
        secret, nonce = os.urandom(_KEY_BYTES), os.urandom(_NONCE)
        name = sha256(secret).digest()
        sealed = nonce + AESGCM(secret).encrypt(nonce, content, path.encode())
        self._kept[name] = _Kept(sealed, self._clock() + KEPT_SECONDS)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return urlsafe_b64encode(secret).decode()

    def take(self, request: Request, staff: str) -> Mapping[str, Sequence[str]] | None:
        """Return what somebody typed at this address before their session ended, once; None where nothing waits."""
        try:
            secret = urlsafe_b64decode(request.cookies.get(KEPT_FORM, ""))
        except (Base64Error, ValueError):
            return None
        kept = self._kept.get(sha256(secret).digest())
        if kept is None or len(secret) != _KEY_BYTES:
            return None
        path = request.url.path
        try:
            content = AESGCM(secret).decrypt(kept.sealed[:_NONCE], kept.sealed[_NONCE:], path.encode())
        except InvalidTag:
            return None
        del self._kept[sha256(secret).digest()]
        typed: dict[str, list[str]] = orjson.loads(content)["typed"]
        owner = (typed.get("ejer") or [""])[0]
        own = compare_digest(owner.encode(), self.owner(staff, path).encode())
        return typed if own and kept.until >= self._clock() else None
