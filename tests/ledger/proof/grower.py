"""A process of its own that grows tiles: ``python -m tests.ledger.proof.grower CONNINFO SIZE``; says when it begins."""

import sys

import psycopg

from ledger.proof.growing import grow
from ledger.store import WORKER_ROLE, conninfo_as

if __name__ == "__main__":
    with psycopg.connect(conninfo_as(sys.argv[1], WORKER_ROLE), autocommit=True) as own:
        sys.stdout.write("growing\n")
        sys.stdout.flush()
        grow(own, int(sys.argv[2]))
