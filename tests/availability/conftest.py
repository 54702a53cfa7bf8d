"""A cluster for the tests of one file, and ledgers in it."""

from collections.abc import Generator
from pathlib import Path

import pytest

from api.opening import Place
from ledger.creation import create_database
from ledger.keys import file_keys
from tests.availability.cluster import OWNER, Cluster, clusters
from tests.conftest import BEGINS_AT


@pytest.fixture(scope="module")
def cluster() -> Generator[Cluster]:
    """Two servers, of which one takes over when the other is gone."""
    with clusters() as made:
        yield made


def replicated(cluster: Cluster, database: str, home: Path) -> Place:
    """Create a ledger in the cluster whose checkpoints wait for the standby, and return its place."""
    create_database(cluster.address(cluster.leading(), "postgres"), database)
    cluster.execute(f"ALTER DATABASE {database} OWNER TO {OWNER}")
    conninfo = cluster.url(database)
    place = Place(conninfo, conninfo, file_keys(home), home, synchronous_standby=True)
    place.create("Replicated", BEGINS_AT)
    return place
