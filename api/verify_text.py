"""What a verification says to a person: counts, root, clock, and every fault by its place."""

from collections.abc import Iterator

from replay.verify_report import Report, witness_times

SIMULATED = "SIMULATED CLOCK: a demonstration, its recorded times are not real"


def report_lines(report: Report) -> Iterator[str]:
    """Yield the lines of a verification report."""
    verdict = (
        "INTACT" if report.intact else "NOT INTACT" if report.events + report.since else "EMPTY: nothing was checked"
    )
    what = f"{report.events} events in {report.streams} streams"
    if report.stream is not None:
        what = f"{report.events} events of case {report.stream}"
    elif report.since:
        what = f"{report.events} events recorded after the kept checkpoint of size {report.since}"
    yield f"{verdict}: {what}, every stored payload hashed again"
    yield f"  payloads  {report.payload_bytes} bytes, {report.sealed_segments} sealed segments"
    if report.removed_segments:
        why = ", ".join(
            f"{number} after erasure of their {of}" for of, number in sorted(report.removed_segments.items())
        )
        yield f"  removed   {report.removed_segments.total()} sealed segments: {why}"
    if report.expired_looks:
        yield f"  expired   {report.expired_looks} look-ups, their content removed by an expiry on record"
    if report.root:
        yield f"  root      {report.root.hex()} at size {report.size}"
    yield f"  ledger    {report.ledger}"
    yield f"  clock     {SIMULATED if report.simulated else 'the database server'}"
    yield from _published_lines(report)
    for fault in report.faults:
        yield f"  FAULT     {fault}"
    if report.more_faults:
        yield f"  FAULT     and {report.more_faults} more"


def _published_lines(report: Report) -> Iterator[str]:
    """Yield what was published of what was checked, and what could not be checked for want of a key or policy."""
    if report.unpublished:
        yield f"  unsigned  {report.unpublished} events are in no checkpoint yet"
    if not report.checkpoints:
        return
    key = "the key that was given" if report.keys_given else "keys from this database: give --log-key to bring your own"
    yield f"  signed    {report.checkpoints} checkpoints, by {key}"
    if report.stream is not None:
        return
    if not report.policy_given:
        yield "  witnessed not checked: give --policy to say which witnesses you trust"
        return
    yield f"  witnessed up to size {report.witnessed}; {report.cosignatures} cosignatures checked"
    yield f"  times     {_TIMES[witness_times(report)]}"


_TIMES = {
    "exempt": "not held against those of witnesses: the clock is simulated",
    "checked": "held against those of witnesses, give or take five minutes",
    "not checked": "not held against those of witnesses",
}
