"""Who is signed in to the pages: rows in the database, found by the digest of what a browser's cookie holds.

A session ends half an hour after its last use, eight hours after sign-in, or when the person signs out. Roles are those
that were granted at sign-in.
"""

import hmac
import re
from datetime import timedelta
from hashlib import sha256
from secrets import token_hex

from api.sign_in.identity import Identity, NotSignedIn
from ledger.queries import load_queries
from ledger.store import Ledger

SQL = load_queries("api", "sql/sign_in.sql")
IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=8)
_SECRET = re.compile(r"[0-9a-f]{64}")


class Sessions:
    """The sessions of one ledger. Every method but ``form_token`` asks the database and raises LedgerUnavailable."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def open(self, identity: Identity) -> str:
        """Begin a session, without purpose yet, and return its secret for the cookie; removes those that have ended."""
        secret = token_hex(32)
        self._ledger.query(SQL["remove_expired"], {"idle": IDLE})
        values = {"staff": identity.staff, "roles": list(identity.roles), "organisation": identity.organisation}
        self._ledger.query(SQL["open_session"], {"key": _key(secret), "absolute": ABSOLUTE} | values)
        return secret

    def use(self, secret: str | None) -> Identity:
        """Return whose session it is and note its use; raises NotSignedIn when it has ended or never was."""
        rows = self._ledger.query(SQL["use_session"], {"key": _key(secret), "idle": IDLE})
        if not rows:
            raise NotSignedIn("no-session", "session")
        staff, roles, organisation, purpose = rows[0]
        return Identity(staff, tuple(roles), organisation, purpose, "session")

    def choose_purpose(self, secret: str | None, purpose: str) -> None:
        """Note what the person looks at cases for from now on."""
        self._ledger.query(SQL["choose_purpose"], {"key": _key(secret), "purpose": purpose})

    def close(self, secret: str | None) -> None:
        """End a session; quiet when there is none."""
        if secret is not None and _SECRET.fullmatch(secret):
            self._ledger.query(SQL["close_session"], {"key": _key(secret)})

    def form_token(self, secret: str | None) -> str:
        """Return what forms of this session carry; nobody without the cookie and our key can make it."""
        return self._ledger.keys.digest("csrf", _key(secret)).hex()

    def is_form_token(self, secret: str | None, token: object) -> bool:
        """Whether a form was given out in this session."""
        return isinstance(token, str) and hmac.compare_digest(token.encode(), self.form_token(secret).encode())


def _key(secret: str | None) -> bytes:
    """Return the key of a cookie's secret; raises NotSignedIn for what we never gave out."""
    if secret is None or not _SECRET.fullmatch(secret):
        raise NotSignedIn("no-session", "session")
    return sha256(bytes.fromhex(secret)).digest()
