"""Bundles for tests: made from a published ledger, taken apart, put together again otherwise, and checked."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID
from zipfile import ZipFile

import cryptography
import orjson

from api.opening import Place
from domain.events.administration import CaseOpened
from ledger.mapper import read_clear
from ledger.proof.publisher import Publisher, default_origin
from ledger.proof.signer import FileSigner
from ledger.store import Ledger
from replay.bundle import Bundle, Prepared, Wish, make_bundle
from replay.bundle_zip import MANIFEST, write_bundle

ROOT = Path(__file__).parents[2]
VERIFIER = ROOT / "verifier" / "caseledger_verify.py"
PACKAGES = Path(cryptography.__file__).parents[1]
ALWAYS = 2**62

Files = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the verifier said: exit code, and its answer."""

    code: int
    answer: dict[str, Any]

    @property
    def failed(self) -> str:
        """Why the bundle is not proven."""
        assert self.code == 1, self
        return self.answer["failed"]


def published(place: Place, ledger: Ledger, folder: Path) -> FileSigner:
    """Sign the ledger as it stands with a signer in a folder, and return the signer."""
    signer = FileSigner(folder, time.time)
    signer.create(default_origin(ledger.id))
    publisher = Publisher(place.conninfo, signer)
    try:
        publisher.publish()
    finally:
        publisher.close()
    return signer


def case_named(ledger: Ledger, number: str) -> UUID:
    """Return the case with a number."""
    rows = ledger.read_topic(CaseOpened.TOPIC)
    return next(row.stream for row in rows if read_clear(row).data["number"] == number)


def version_of(ledger: Ledger, case: UUID, topic: str, which: int = 0) -> int:
    """Return the version of one entry of a topic of a case."""
    return [row.version for row in ledger.read_stream(case) if row.topic == topic][which]


def bundle_of(ledger: Ledger, wish: Wish, upto: int = ALWAYS) -> Bundle:
    """Return a bundle as the ledger stands."""
    return make_bundle(Prepared(ledger, wish, upto, ledger.now()))


def vkey_of(signer: FileSigner) -> str:
    """Return the log's Ed25519 key as it is published."""
    return str(signer.vkeys[0])


def files_of(content: bytes) -> Files:
    """Return the files of a bundle."""
    with ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def put_together(files: Mapping[str, bytes], **changes: Any) -> bytes:
    """Return files as a bundle whose manifest lists them as they are, as a careful forger would; ``changes`` lie."""
    said = {name: value for name, value in orjson.loads(files[MANIFEST]).items() if name not in ("format", "files")}
    return write_bundle({name: content for name, content in files.items() if name != MANIFEST}, said | changes)


def changed(files: Mapping[str, bytes], name: str, change: Callable[[dict[str, Any]], object]) -> Files:
    """Return files with one JSON file changed."""
    value = orjson.loads(files[name])
    change(value)
    return {**files, name: orjson.dumps(value)}


def verdict(folder: Path, content: bytes, *options: str | Path) -> Verdict:
    """Run the verifier as a process of its own that finds nothing but the standard library and cryptography."""
    bundle = folder / f"{sha256(content).hexdigest()[:16]}.zip"
    bundle.write_bytes(content)
    return run(folder, bundle, *options)


def run(folder: Path, bundle: Path, *options: str | Path) -> Verdict:
    """Run the verifier on a file; its answer must be JSON, and nothing may stand beside it."""
    alone = folder / "alone"
    alone.mkdir(exist_ok=True)
    program = alone / VERIFIER.name
    program.write_bytes(VERIFIER.read_bytes())
    for name in ("cryptography", "cffi", "_cffi_backend"):
        for found in PACKAGES.glob(f"{name}*"):
            if not (alone / found.name).exists() and not found.name.endswith("-info"):
                os.symlink(found, alone / found.name)
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.append({str(alone)!r}); import {VERIFIER.stem} as v; sys.exit(v.main())"]  # fmt: skip  # noqa: E501
    words = [*command, str(bundle), "--json", *map(str, options)]
    done = subprocess.run(words, cwd=alone, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == "", done.stderr
    return Verdict(done.returncode, json.loads(done.stdout))
