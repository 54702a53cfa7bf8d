"""Purposes."""

PURPOSES = (
    "case-work",
    "supervision",
    "audit",
    "access-request",
    "complaint",
    "statistics",
    "quality",
    "emergency",
    "operations",
)


def default_purpose(role: str) -> str:
    """Return the usual purpose of a role."""
    return {"supervisor": "supervision", "auditor": "audit"}.get(role, "case-work")


def read_purpose(header: str) -> tuple[str, str | None]:
    """Return code and matter."""
    code, _, rest = header.partition(";")
    if code.strip() not in PURPOSES:
        raise ValueError(f"must be one of {', '.join(PURPOSES)}")
    return code.strip(), rest.partition('"')[2].rstrip('"') or None
