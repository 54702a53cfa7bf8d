"""What schemathesis must be told to send documents; it loads this file by SCHEMATHESIS_HOOKS."""

from typing import Any

import schemathesis


@schemathesis.serializer("application/pdf")
def pdf(_context: Any, value: Any) -> bytes:
    """Return the bytes of a document as they are, and anything else as text."""
    return value if isinstance(value, bytes) else str(value).encode()
