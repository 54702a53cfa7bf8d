"""``python -m tests.upgrades`` records the ledger of this program, to be upgraded by later ones."""

import sys
import tempfile
from pathlib import Path

from ledger.embedded import EmbeddedPostgres
from tests.conftest import Server
from tests.upgrades.shapes import record

if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="caseledger-shape-") as folder:
        Path(folder).chmod(0o711)
        with EmbeddedPostgres(Path(folder), durable=False) as postgres:
            sys.stdout.write(f"{record(Server(postgres))}\n")
