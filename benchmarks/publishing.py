"""The publisher in a process of its own, for measuring what runs beside it: ``python -m benchmarks.publishing``.

Takes the address of the database and the home; says so when the first checkpoint is there.
"""

import sys
import threading
from pathlib import Path
from time import sleep

from api.log_upkeep import published
from api.opening import Place
from ledger.keys import file_keys
from ledger.proof.records import ProofRecords


def main(conninfo: str, home: str) -> None:
    """Publish until terminated."""
    place = Place(conninfo, conninfo, file_keys(Path(home)), Path(home))
    threading.Thread(target=published(place), args=(threading.Event(),), daemon=True).start()
    with place.ledger() as ledger:
        records, size = ProofRecords(ledger), ledger.head().size
        while records.covering(size) is None:
            sleep(0.05)
        print("publishing", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
