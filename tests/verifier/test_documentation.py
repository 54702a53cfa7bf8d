"""The worked example of docs/bundle.md: its bytes lead to its hashes, and the verifier agrees with both."""

import ast
import json
import re
from typing import Any

from domain import evidence
from replay.bundle_zip import write_bundle
from tests.verifier.bundles import ROOT, VERIFIER
from tests.verifier.test_verifier import INSIDE, failing

PAGE = (ROOT / "docs" / "bundle.md").read_text("utf-8")
EVENT = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0]
PROOF = re.findall(r"```\n(c2sp\.org/tlog-proof@v1\n.*?)```", PAGE, re.DOTALL)[0]
KEY = re.findall(r"`(ledger\.eksempel\.dk/familie\+\S+)`", PAGE)[0]


def hashes() -> dict[str, str]:
    """Return the hashes of the table by what they are of."""
    return dict(re.findall(r"^\| (\S+) \| `([0-9a-f]{64})` \|$", PAGE, re.MULTILINE))


def test_the_example_leads_to_its_hashes() -> None:
    """Commitment, leaf and root follow from the bytes on the page."""
    event: dict[str, Any] = json.loads(EVENT)
    made = INSIDE.commitment_of(event)
    leaf = INSIDE.sha(b"\0\1", made)
    path = [INSIDE.unbase64(line) for line in PROOF.partition("\n\n")[0].split("\n")[2:]]
    root = INSIDE.root_by(1, 3, leaf, path)
    found = {"commitment": made, "leaf": leaf, "root": root, "hash(topic)": INSIDE.sha(event["topic"].encode())}
    assert {name: one.hex() for name, one in found.items()} == {name: hashes()[name] for name in found}


def test_the_example_makes_a_bundle_that_is_proven() -> None:
    """Put into a zip as the page says."""
    checkpoint = PROOF.partition("\n\n")[2].encode()
    files = {
        "README.txt": b"",
        "checkpoint": checkpoint,
        "events/0002.json": EVENT.encode(),
        "policy.txt": b"",
        "proofs/0002.tlog-proof": PROOF.encode(),
        "verify.py": b"",
    }
    origin, size, root = checkpoint.decode().split("\n")[:3]
    counts: dict[str, Any] = {"events": 1, "told": 1, "not_told": {}}
    counts["segments"] = {"opened": 1, "withheld": {}, "erased": 0}
    said: dict[str, Any] = {"origin": origin, "case": json.loads(EVENT)["stream"], "position": 2, "complete": False}
    said |= {"checkpoint": {"size": int(size), "root": root}, "counts": counts}
    report = INSIDE.verify(write_bundle(files, said), [INSIDE.Key(KEY)])
    assert report["counts"]["events"] == 1
    assert "said to be complete" in failing(write_bundle(files, said | {"complete": True}), KEY)


def test_the_verifier_is_python_that_old_machines_read() -> None:
    """The syntax of Python 3.9, and nothing imported but the standard library and cryptography."""
    tree = ast.parse(VERIFIER.read_text("utf-8"), feature_version=(3, 9))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert {name.split(".")[0] for name in imported} <= {
        "__future__", "argparse", "base64", "collections", "contextlib", "cryptography", "datetime", "hashlib", "io",
        "json", "re", "struct", "sys", "typing", "uuid", "zipfile", "zlib",
    }  # fmt: skip


def test_every_code_is_documented() -> None:
    """Whoever reads a code finds on the page what it stands for."""
    codes = ("NO_ACCESS_DECISION", "NOT_DECIDED", "OTHER_PERSON", "PROTECTED", "WITHHELD_ENTRY", "KEY_MISSING")
    assert all(f"| `{getattr(evidence, code)}` |" in PAGE for code in codes)
