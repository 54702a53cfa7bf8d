"""Fixtures of the tests of views and their making anew."""

from collections.abc import Generator

import pytest

from api.opening import Place
from ledger.store import Ledger
from tests.replay.rebuilding import followed


@pytest.fixture
def opened(stories: Place) -> Generator[Ledger]:
    """The ledger of the six stories, its view up to date."""
    followed(stories)
    with stories.ledger() as ledger:
        yield ledger
