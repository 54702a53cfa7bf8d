"""What a verification says to a person: counts, root, clock, and every fault by its place."""

from collections.abc import Iterator

from replay.rebuild import Comparison
from replay.verify import Report

SIMULATED = "SIMULATED CLOCK: a demonstration, its recorded times are not real"


def report_lines(report: Report) -> Iterator[str]:
    """Yield the lines of a verification report."""
    verdict = "INTACT" if report.intact else "NOT INTACT" if report.events else "EMPTY: nothing was checked"
    yield f"{verdict}: {report.events} events in {report.streams} streams, every stored payload hashed again"
    yield f"  payloads  {report.payload_bytes} bytes, {report.sealed_segments} sealed segments"
    if report.removed_segments:
        why = ", ".join(
            f"{number} after erasure of their {of}" for of, number in sorted(report.removed_segments.items())
        )
        yield f"  removed   {report.removed_segments.total()} sealed segments: {why}"
    if report.expired_looks:
        yield f"  expired   {report.expired_looks} look-ups, their content removed by an expiry on record"
    yield f"  root      {report.root.hex()} at size {report.events}"
    yield f"  ledger    {report.ledger}"
    yield f"  clock     {SIMULATED if report.simulated else 'the database server'}"
    for fault in report.faults:
        yield f"  FAULT     {fault}"
    if report.more_faults:
        yield f"  FAULT     and {report.more_faults} more"


def comparison_line(comparison: Comparison, done: str) -> str:
    """Return the line about one view."""
    counted = f"{comparison.rows} rows of {comparison.keys} keys up to position {comparison.position}"
    if comparison.equal:
        return f"{comparison.view}: {done}, {counted}, equal row for row"
    place = f"; first at key {comparison.example[0]}, position {comparison.example[1]}" if comparison.example else ""
    return (
        f"{comparison.view}: {done}, {counted}, DIFFERENT: {comparison.missing} rows were missing, "
        f"{comparison.surplus} should not have been there{place}"
    )
