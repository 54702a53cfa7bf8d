"""A second implementation, from docs/bundle.md alone: hashes only, no line shared with the program or its verifier."""

import json
import struct
from base64 import b64decode
from hashlib import sha256
from io import BytesIO
from uuid import UUID
from zipfile import ZipFile

import pytest

from tests.verifier.bundles import changed, put_together
from tests.verifier.conftest import Made


def h(*parts: bytes) -> bytes:
    """Return the hash over bytes one after the other."""
    return sha256(b"".join(parts)).digest()


def roots(content: bytes) -> list[bool]:
    """Return for each entry of a bundle whether it leads to the root of the bundle's checkpoint."""
    bundle = ZipFile(BytesIO(content))
    origin, size, root = bundle.read("checkpoint").decode().split("\n")[:3]
    found: list[bool] = []
    for name in (n for n in bundle.namelist() if n.startswith("events/")):
        e = json.loads(bundle.read(name))
        if "withheld" in e:
            c = b64decode(e["commitment"])
        else:
            table = b64decode(e["segments"])
            assert h(b64decode(e["clear"])) == table[22:54]
            for n, s in enumerate(e["sealed"], start=1):
                line = table[2 + 84 * n : 86 + 84 * n]
                if "plaintext" in s:
                    assert h(b"caseledger/v1 pt\0", b64decode(s["salt"]), b64decode(s["plaintext"])) == line[52:]
            time, actor = struct.pack(">q", e["recorded_at"]), UUID(e["actor"]).bytes
            header = b64decode(e["blind"]) + time + actor + b64decode(e["previous"]) + table
            place = struct.pack(">q", e["position"]) + UUID(e["stream"]).bytes + struct.pack(">q", e["version"])
            c = h(b"caseledger/v1 leaf\0", place, h(e["topic"].encode()), h(header))
        above, _, below = bundle.read(f"proofs/{e['version']:04}.tlog-proof").decode().partition("\n\n")
        assert below.split("\n")[:3] == [origin, size, root]
        at, last, node = e["position"] - 1, int(size) - 1, h(b"\0\1", c)
        for sibling in map(b64decode, above.split("\n")[2:]):
            if at & 1 or at == last:
                node = h(b"\1", sibling, node)
                while at and not at & 1:
                    at, last = at >> 1, last >> 1
            else:
                node = h(b"\1", node, sibling)
            at, last = at >> 1, last >> 1
        found.append(last == 0 and node == b64decode(root))
    return found


def test_a_second_implementation_agrees(made: Made) -> None:
    """Whoever knows the format and SHA-256 comes to the same root, entry by entry."""
    assert roots(made.bundle.content) == [True] * 29


def test_a_second_implementation_sees_what_was_changed(made: Made) -> None:
    """Another time leads elsewhere, in that entry alone."""
    later = put_together(changed(made.files, "events/0003.json", lambda e: e.update(recorded_at=e["recorded_at"] + 1)))
    assert roots(later) == [n != 3 for n in range(1, 30)]
    with pytest.raises(AssertionError):
        roots(put_together(changed(made.files, "events/0003.json", lambda e: e.update(clear="e30="))))
