"""Making the schema of the remembered views, as its owner."""

from typing import Any

import psycopg

from ledger.queries import load_queries

INSTALL = load_queries("projections", "sql/install.sql")


def install(owner: psycopg.Connection[Any]) -> None:
    """Create what is missing of the view schema; quiet when all is there."""
    with owner.transaction():
        owner.execute("SELECT pg_advisory_xact_lock(1128485189)")
        owner.execute(INSTALL["install"])
