"""How something stands from which instant on, as long as nothing more goes on record: what time alone will change.

Written beside a remembered row, it lets the standing at any instant be looked up without working it out again.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from domain.time import EARLIEST, later, write_instant

TICK = timedelta(microseconds=1)
How = TypeVar("How")


@dataclass(frozen=True, slots=True)
class Standing(Generic[How]):
    """How something stands at first, and each later standing with the instant from which on it holds, in order."""

    first: How
    steps: tuple[tuple[datetime, How], ...] = ()


def standing(how: Callable[[datetime], How], turns: Iterable[datetime | None]) -> Standing[How]:
    """Return how something stands at every instant, by how it stands at one.

    ``turns`` are the instants at or right after which that may change; None stands for none.
    """
    instants = sorted({one for turn in turns if turn is not None for one in (turn, later(turn, TICK))})
    first = last = how(EARLIEST)
    steps: list[tuple[datetime, How]] = []
    for instant in instants:
        then = how(instant)
        if then != last:
            steps.append((instant, then))
            last = then
    return Standing(first, tuple(steps))


def as_values(found: Standing[str]) -> dict[str, Any]:
    """Return a standing as JSON values: ``status`` at first, and ``steps``, the latest first, where there are any."""
    steps = [[write_instant(instant), status] for instant, status in reversed(found.steps)]
    return {"status": found.first} | ({"steps": steps} if steps else {})


def step_then(values: Mapping[str, Any], at: datetime) -> list[Any] | None:
    """Return the step that holds at an instant: since when, which status, what else it says; None before the first."""
    instant = write_instant(at)
    return next((step for step in values.get("steps", ()) if step[0] <= instant), None)


def status_then(values: Mapping[str, Any], at: datetime) -> str:
    """Return the status at an instant from what ``as_values`` wrote."""
    step = step_then(values, at)
    return str(values["status"] if step is None else step[1])
