"""What sealing costs: segments of 600 bytes per second on one core, the look at the key's file included."""

import os
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.measure import Figure, Load, compare, interleaved, load, now
from ledger.keys import file_keys
from ledger.sealing import Place, seal, unseal

SUBJECTS = 500
SEGMENTS = 20_000
PLAINTEXT = os.urandom(600)
STREAM = UUID(int=1)
BARE = "AESGCM.encrypt of 600 bytes, one key"


def figures() -> list[Figure]:
    """Measure sealing and unsealing under the keys of many people: 40,000 a second where bare AES does 1.4 million."""
    with TemporaryDirectory() as folder:
        runs = _runs(Path(folder))
        found = interleaved(runs)
    return [
        compare(f"{name} vs {BARE}", found[name].rate, found[BARE].rate, "segments/s", 0.028)
        for name in runs
        if name != BARE
    ]


def _runs(home: Path) -> dict[str, Callable[[], Load]]:
    store = file_keys(home)(STREAM)
    keys = list(islice(cycle([store.create() for _ in range(SUBJECTS)]), SEGMENTS))
    places = [Place(STREAM, version, "note_recorded", 1, 1) for version in range(SEGMENTS)]
    sealed = [seal(store.get(key), key, place, PLAINTEXT) for key, place in zip(keys, places, strict=True)]
    cipher, nonce = AESGCM(bytes(32)), bytes(12)

    def sealing() -> None:
        for key, place in zip(keys, places, strict=True):
            seal(store.get(key), key, place, PLAINTEXT)

    def unsealing() -> None:
        for key, place, (segment, stored) in zip(keys, places, sealed, strict=True):
            unseal(store.get(key), segment, place, stored)

    def bare() -> None:
        for place in places:
            cipher.encrypt(nonce, PLAINTEXT, place.topic.encode())

    return {"seal": _timed(sealing), "unseal": _timed(unsealing), BARE: _timed(bare)}


def _timed(act: Callable[[], None]) -> Callable[[], Load]:
    def run() -> Load:
        begun = now()
        act()
        took = now() - begun
        return load([took / SEGMENTS] * SEGMENTS, took)

    return run
