"""Figures for Prometheus, in its text format 0.0.4: counts, sizes and seconds by route and view, no id of anything.

Written by hand: what is told needs forty lines, and a client library would bring a registry of its own for the process.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from api.health import OK, Health, Standing

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the durations that are counted apart, in seconds."""

Sample = tuple[Mapping[str, str], float]
Figure = Callable[[Standing], float | None]


@dataclass(slots=True)
class Durations:
    """How many answers took how long: one count for each bound and one beyond, and the sum in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def take(self, seconds: float) -> None:
        """Count one answer."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


class RequestMetrics:
    """Counts the answers of this process since its start by method, route template and status."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, int], Durations] = {}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._requests.setdefault((method, route, status), Durations()).take(seconds)

    def lines(self) -> Iterator[str]:
        """Yield the durations as a histogram; its count is the number of requests."""
        name = "caseledger_request_seconds"
        yield from _heading(name, "histogram", "How long answers took, by route template and status.")
        for (method, route, status), durations in sorted(self._requests.copy().items()):
            labels = {"method": method, "route": route, "status": str(status)}
            counts, so_far = tuple(durations.counts), 0
            for bound, count in zip((*BOUNDS, "+Inf"), counts, strict=True):
                so_far += count
                yield _sample(f"{name}_bucket", labels | {"le": str(bound)}, so_far)
            yield _sample(f"{name}_sum", labels, round(durations.total, 6))
            yield _sample(f"{name}_count", labels, so_far)


def exposition(requests: RequestMetrics, health: Health, pool: Mapping[str, int]) -> str:
    """Return everything that is told, in the text format."""
    lines = [*requests.lines(), *_health_lines(health)]
    pool_samples = [({"what": name}, float(value)) for name, value in sorted(pool.items())]
    lines += _family("caseledger_database_pool", "gauge", "Connections for reading, and who waits.", pool_samples)
    return "\n".join(lines) + "\n"


def _health_lines(health: Health) -> Iterator[str]:
    yield from _family("caseledger_events_total", "counter", "Events on record.", [({}, health.size)])
    parts = {f"view:{name}": standing for name, standing in health.views.items()} | {"checkpoint": health.checkpoint}
    parts |= {"witnesses": health.witnesses} if health.witnesses else {}
    yield from _of_parts("caseledger_behind_events", "Events that a part has not taken in.", parts, lambda s: s.events)
    yield from _of_parts("caseledger_behind_seconds", "How long the first has waited.", parts, lambda s: s.seconds)
    yield from _of_parts("caseledger_part_ok", "1 within its limit, else 0.", parts, lambda s: int(s.state == OK))
    ages: dict[str, Standing] = {"checkpoint": health.checkpoint}
    yield from _of_parts("caseledger_checkpoint_age_seconds", "Age of the last checkpoint.", ages, lambda s: s.age)


def _of_parts(name: str, text: str, parts: Mapping[str, Standing], figure: Figure) -> Iterator[str]:
    found = [({"part": part}, value) for part, standing in parts.items() if (value := figure(standing)) is not None]
    return _family(name, "gauge", text, found)


def _family(name: str, kind: str, text: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield from _heading(name, kind, text)
    for labels, value in samples:
        yield _sample(name, labels, value)


def _heading(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _sample(name: str, labels: Mapping[str, str], value: float) -> str:
    escaped = {key: text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for key, text in labels.items()}
    inside = ",".join(f'{key}="{text}"' for key, text in escaped.items())
    return f"{name}{{{inside}}} {value}" if inside else f"{name} {value}"
