"""Where the vectors of others are: beside the project, or where CASELEDGER_VECTORS points."""

import os
from pathlib import Path

import pytest

OWN_LOG = Path(__file__).parents[2] / "vectors" / "own-1000leaf"
SHARED = Path(os.environ.get("CASELEDGER_VECTORS") or Path(__file__).parents[4] / "shared" / "vectors")


def own_entries() -> list[bytes]:
    """Return the published entries of our own log: its bundles hold u16 lengths and entries."""
    found: list[bytes] = []
    for name in ("000", "001", "002", "003.p/232"):
        content = (OWN_LOG / "tile" / "entries" / name).read_bytes()
        while content:
            length = int.from_bytes(content[:2], "big")
            found.append(content[2 : 2 + length])
            content = content[2 + length :]
    return found


needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the vectors of other logs are not beside the project; CASELEDGER_VECTORS names them"
)
