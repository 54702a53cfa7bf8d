"""Rounds, medians and the table: what every measurement here has in common."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from statistics import median, quantiles

ROUNDS = 5
LATEST = Path(__file__).parent / "latest.json"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: ours against a peer in the same run. ``ratio`` is ours / peer; ``aim`` is a ratio."""

    name: str
    ours: float
    peer: float
    unit: str
    ratio: float
    aim: float
    better: str


@dataclass(frozen=True, slots=True)
class Load:
    """What a load measured: operations per second, 95th percentile and median of their durations in milliseconds."""

    rate: float
    p95: float
    p50: float


def load(durations: Sequence[float], elapsed: float) -> Load:
    """Return the measure of operations that took ``durations`` seconds each, ``elapsed`` in all."""
    twentieths = quantiles(durations, n=20) if len(durations) > 1 else [0.0] * 19
    return Load(len(durations) / elapsed, twentieths[-1] * 1000, twentieths[9] * 1000)


def interleaved(runs: dict[str, Callable[[], Load]], rounds: int = ROUNDS) -> dict[str, Load]:
    """Run all contenders in turn, several rounds, and return the median of each."""
    seen: dict[str, list[Load]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            seen[name].append(run())
    return {name: Load(*map(median, zip(*map(astuple, loads), strict=True))) for name, loads in seen.items()}


def compare(name: str, ours: float, peer: float, unit: str, aim: float, better: str = "higher") -> Figure:
    """Return the figure for a pair of medians."""
    return Figure(name, round(ours, 3), round(peer, 3), unit, round(ours / peer, 3), aim, better)


def report(figures: list[Figure], seconds: float, latest: Path = LATEST) -> None:
    """Print the table and write it beside the programs."""
    width = max(len(figure.name) for figure in figures)
    print(f"{'':{width}}  {'ours':>12} {'peer':>12} {'ratio':>8} {'aim':>7}")
    for f in figures:
        met = f.ratio >= f.aim if f.better == "higher" else f.ratio <= f.aim
        numbers = f"{f.ours:>12,.1f} {f.peer:>12,.1f} {f.ratio:>8.2f} {f.aim:>7.2f}"
        print(f"{f.name:{width}}  {numbers}  {f.unit}{'' if met else ', short of aim'}")
    latest.write_text(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n")
    print(f"{len(figures)} figures in {seconds:.0f} s, Python {sys.version.split()[0]}; written to {latest.name}")


def now() -> float:
    """Return a clock for durations, in seconds."""
    return time.perf_counter()
