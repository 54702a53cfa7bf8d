"""Faults at random moments of every step: nothing promised is lost, nothing is there twice, the ledger is intact.

``make kills`` does the same a thousand times.
"""

import random
from collections.abc import Generator, Sequence
from dataclasses import replace
from uuid import uuid4

import pytest

from api.opening import Place
from tests.check import check_ledger
from tests.faults.__main__ import tried
from tests.faults.disk import NOT_HERE
from tests.faults.faults import FAULTS, Hurt, World, moments, survive, worlds
from tests.faults.steps import STEPS
from tests.ledger.samples import connected, one, unhindered

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world() -> Generator[World]:
    """A world that faults may happen to."""
    with worlds() as made:
        yield made


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_lost_or_doubled(world: World, fault: str) -> None:
    """Each fault hits a step chosen by chance; the seed stands in the message of a failure."""
    cases = [(step, name) for step, name in moments(world) if name == fault]
    if not cases:
        pytest.skip(NOT_HERE)
    seed = uuid4().int % 1_000_000
    tally = tried(world, cases, points=1, seconds=20, seed=seed)
    assert not tally.harmed, f"python -m tests.faults --seed {seed}"
    assert tally.survived.total() > 0


def _all_of_it(_place: Place, _number: int, told: Sequence[str]) -> list[str]:
    return list(told)


def test_a_broken_promise_is_noticed(world: World) -> None:
    """A step that promises what it does not do is harm, and so is an event that was changed behind the ledger."""
    promising = replace(STEPS["append"], lost=_all_of_it)
    with pytest.raises(Hurt, match="promised and not there"):
        survive(world, promising, "two workers", 1001, random.Random(1))
    world.renew()
    with world.place.ledger() as ledger:
        ledger.append_now(one(uuid4(), 0))
    check_ledger(world.place)
    with connected(world.place) as owner, unhindered(owner, keep=True):
        owner.execute("UPDATE ledger.event SET blind = sha256(blind) WHERE position = 2")
    with pytest.raises(AssertionError, match="commitment"):
        check_ledger(world.place)
    world.forget()
