"""Which way of signing in a ledger is served with."""

from api.sign_in.identity import SignIn
from api.sign_in.local import LocalSignIn
from api.sign_in.oidc import OidcSignIn
from ledger.settings import Settings
from ledger.store import Ledger


def sign_in_for(ledger: Ledger, settings: Settings, host: str) -> SignIn:
    """Return sign-in at the provider that is set up, else without password for a demonstration listening on ``host``.

    Raises SignInNotUsable where neither can be.
    """
    return OidcSignIn(ledger, settings) if settings.oidc_issuer else LocalSignIn(ledger, host)
