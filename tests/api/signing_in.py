"""Signing in to a demonstration: a bearer token for the API, a session for pages."""


def bearer(url: str, staff: str = "u-90", purpose: str = "case-work") -> dict[str, str]:
    """Return the headers with which somebody of the demonstration asks the API."""
    del url
    return {"Authorization": f"Bearer {staff}", "Purpose": purpose}


def session(url: str, staff: str = "u-90") -> dict[str, str]:
    """Return the cookie with which somebody of the demonstration opens pages."""
    del url
    return {"caseledger": staff}
