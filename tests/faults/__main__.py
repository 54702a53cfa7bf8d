"""Kill points by the thousand: ``python -m tests.faults --points 1000 --minutes 60``. Stops by itself.

Prints what survived, step by fault. Exit code 1 where anything was lost, doubled or not intact.
"""

import argparse
import random
import sys
import time
from collections import Counter

from api.serve import leave_by_exception_on_sigterm
from tests.faults.disk import NOT_HERE
from tests.faults.faults import FAULTS, Survived, World, moments, survive, worlds
from tests.faults.steps import STEPS, Step


class Tally:
    """Counts kill points tried and survived, and the promises that were kept; says what went wrong as it happens."""

    def __init__(self) -> None:
        self.tried: Counter[tuple[str, str]] = Counter()
        self.survived: Counter[tuple[str, str]] = Counter()
        self.promised = 0
        self.late = 0

    def add(self, step: str, fault: str, outcome: Survived) -> None:
        """Count one fault; one that came after the step's end is no kill point."""
        self.promised += outcome.promised
        self.late += not outcome.hit
        self.tried[step, fault] += outcome.hit
        self.survived[step, fault] += outcome.hit

    def harm(self, step: str, fault: str, number: int, error: Exception) -> None:
        """Count one that did harm."""
        self.tried[step, fault] += 1
        sys.stdout.write(f"HARM {step}, {fault}, run {number}: {type(error).__name__}: {str(error)[:400]}\n")
        sys.stdout.flush()

    @property
    def harmed(self) -> int:
        """How many did harm."""
        return self.tried.total() - self.survived.total()

    def lines(self) -> list[str]:
        """Return the table and what it adds up to."""
        rows = [f"{'':14}" + "".join(f"{fault:>17}" for fault in FAULTS)]
        for step in STEPS:
            cells = (f"{self.survived[step, fault]}/{self.tried[step, fault]}" for fault in FAULTS)
            rows.append(f"{step:14}" + "".join(f"{cell:>17}" for cell in cells))
        rows.append(f"kill points survived: {self.survived.total()} of {self.tried.total()}")
        rows.append(
            f"promises kept: {self.promised}; {self.harmed} faults did harm; {self.late} came too late to count"
        )
        return rows


def tried(world: World, cases: list[tuple[Step, str]], points: int, seconds: float, seed: int) -> Tally:
    """Try kill points until there are enough or the time is up."""
    chance, tally, end, number = random.Random(seed), Tally(), time.monotonic() + seconds, 0
    while tally.tried.total() < points and time.monotonic() < end:
        number += 1
        step, fault = chance.choice(cases)
        try:
            tally.add(step.name, fault, survive(world, step, fault, number, chance))
        except Exception as error:
            tally.harm(step.name, fault, number, error)
            world.postgres.start()
            world.forget()
    return tally


def main() -> int:
    """Read the arguments and try."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--points", type=int, default=1000, help="how many kill points (1000)")
    parser.add_argument("--minutes", type=float, default=90.0, help="after how many minutes to stop in any case (90)")
    parser.add_argument("--seed", type=int, default=0, help="which moments (0)")
    options = parser.parse_args()
    leave_by_exception_on_sigterm()
    with worlds() as world:
        if not world.small_disk:
            sys.stdout.write(f"disk full: not tried, {NOT_HERE}\n")
        tally = tried(world, moments(world), options.points, options.minutes * 60, options.seed)
    sys.stdout.write("\n".join(tally.lines()) + "\n")
    return 1 if tally.harmed or tally.tried.total() < options.points else 0


if __name__ == "__main__":
    sys.exit(main())
