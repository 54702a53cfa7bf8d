"""Which address the pages are opened at, what that means for cookies, and where a request came from."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from fastapi import Request

from api.sign_in.identity import ForeignRequest, SignInNotUsable

START = "/"
"""Where people land who wanted to go nowhere in particular."""

PATH_LIMIT = 2000
_PATH = re.compile(rf"/(?![/\\])[\x21-\x5b\x5d-\x7e]{{0,{PATH_LIMIT}}}")
_OWN_PATHS = frozenset({"log-ind", "log-ud"})


def is_loopback(host: str | None) -> bool:
    """Whether a name or address never leaves this machine."""
    if host == "localhost":
        return True
    try:
        return host is not None and ip_address(host).is_loopback
    except ValueError:
        return False


def split_address(address: str) -> SplitResult:
    """Return an address taken apart; one that cannot be is empty."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def local_path(text: str | None) -> str:
    """Return a path of ours to go on to; the start for anything else, which might lead to another site."""
    if text is None or not _PATH.fullmatch(text) or re.split("[/?#]", text)[1] in _OWN_PATHS:
        return START
    return text


@dataclass(frozen=True, slots=True)
class Site:
    """The address people open, as an origin; None in a demonstration: any loopback name, any port."""

    origin: str | None

    @classmethod
    def at(cls, public_url: str | None) -> "Site":
        """Return the site at an address; raises SignInNotUsable unless it is an https origin, or http on loopback."""
        parts = split_address(public_url or "")
        secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
        bare = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
        if not (secure and bare and parts.hostname):
            raise SignInNotUsable(
                "CASELEDGER_PUBLIC_URL must be https://HOST without path; plain http is for loopback only."
            )
        return cls(f"{parts.scheme}://{parts.netloc.lower()}")

    @property
    def secure(self) -> bool:
        """Whether the site is reached over https."""
        return self.origin is not None and self.origin.startswith("https:")

    def cookie(self, name: str) -> str:
        """Return a cookie's full name: with the prefix that binds it to this host wherever https allows it."""
        return f"__Host-{name}" if self.secure else name

    def require_known_host(self, request: Request) -> None:
        """Raise ForeignRequest when a demonstration is asked by another name: that name may be made to point here."""
        if self.origin is None and not is_loopback(split_address(f"//{request.headers.get('host', '')}").hostname):
            raise ForeignRequest("foreign-host")

    def require_own_page(self, request: Request) -> None:
        """Raise ForeignRequest unless a browser says that one of our own pages sent the request.

        ``Sec-Fetch-Site`` decides where there is one; ``Origin`` may then be missing or hidden by a referrer policy.
        """
        self.require_known_host(request)
        sent_from, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        own = self.origin or f"http://{request.headers.get('host', '').lower()}"
        if sent_from is None and origin != own:
            raise ForeignRequest("cross-site")
        if sent_from is not None and (sent_from != "same-origin" or origin not in (None, "null", own)):
            raise ForeignRequest("cross-site")
