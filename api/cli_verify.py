"""The command ``caseledger verify``: what is checked against what, a progress bar, a report for people or programs."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from ledger.settings import Settings

if TYPE_CHECKING:
    from ledger.proof.notes import VerifierKey
    from ledger.store import Ledger
    from replay.verify import Report, Trust

Handler = Callable[[argparse.Namespace, Settings], int]
BAR = 30


class NotReadable(Exception):
    """A file that was named cannot be read, or holds something else than it must."""


def add_verify(add: Callable[[str, Handler, str], argparse.ArgumentParser]) -> None:
    """Add the command; ``add`` takes name, handler and what a command does."""
    command = add(
        "verify", _verify, "hash every stored payload again and check all that was published; exit code 1 on a fault"
    )
    what = command.add_mutually_exclusive_group()
    what.add_argument("--case", type=_case, metavar="ID", help="only this case, each event with its place in the tree")
    what.add_argument("--since", type=Path, metavar="FILE", help="a checkpoint you kept: check it, and what came after")
    command.add_argument(
        "--log-key",
        action="append",
        default=[],
        metavar="KEY",
        help="a first key of the log, or a file of them, from elsewhere than this database",
    )
    command.add_argument("--policy", type=Path, metavar="FILE", help="the witnesses you trust, and how many of them")
    command.add_argument("--json", action="store_true", help="print the report as one JSON document")


def _case(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be the id of a case") from None


def _verify(options: argparse.Namespace, settings: Settings) -> int:
    import orjson

    from api.opening import opened
    from api.verify_text import report_lines

    trust, kept = _trust(options), None if options.since is None else _read(options.since, "--since")
    with opened(settings) as place, place.ledger() as ledger:
        report = _report(ledger, options.case, kept, trust)
    if options.json:
        print(orjson.dumps(report.as_json(), option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join(report_lines(report)))
    return 0 if report.intact else 1


def _report(ledger: "Ledger", case: UUID | None, kept: bytes | None, trust: "Trust") -> "Report":
    from replay.verify import verify_case, verify_ledger, verify_since
    from replay.verify_kept import KeptCheckpoint

    if case is not None:
        return verify_case(ledger, case, trust)
    if kept is not None:
        return verify_since(ledger, KeptCheckpoint.read(kept), progress_bar(), trust)
    return verify_ledger(ledger, progress_bar(), trust)


def _trust(options: argparse.Namespace) -> "Trust":
    from ledger.proof.policies import PolicyError, read_policy
    from replay.verify import Trust

    keys = tuple(key for text in options.log_key for key in _keys(text))
    try:
        policy = None if options.policy is None else read_policy(_read(options.policy, "--policy"))
    except PolicyError as error:
        raise NotReadable(f"The file given with --policy is no policy: {error}.") from None
    return Trust(keys, policy)


def _keys(text: str) -> "list[VerifierKey]":
    """Return the keys that an argument is, or that the file it names holds, one a line."""
    from ledger.proof.notes import NoteError, VerifierKey

    given = [text]
    if "+" not in text:
        given = [line.strip() for line in _read(Path(text), "--log-key").decode(errors="replace").splitlines()]
    try:
        keys = [VerifierKey.read(line) for line in given if line and not line.startswith("#")]
    except NoteError as error:
        raise NotReadable(f"What is given with --log-key is no key: {error}.") from None
    if not keys:
        raise NotReadable("The file given with --log-key holds no key.")
    return keys


def _read(path: Path, option: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise NotReadable(f"The file given with {option} cannot be read: {path}.") from None


def progress_bar(of: str = "events") -> Callable[[int, int], None]:
    """Return what draws on a terminal how far a check is, its rate and the time left; quiet elsewhere."""
    begun = time.monotonic()

    def draw(done: int, whole: int) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\r" + bar(done, whole, time.monotonic() - begun, of=of) + ("\n" if done >= whole else ""))
            sys.stderr.flush()

    return draw


def bar(done: int, whole: int, seconds: float, before: int = 0, of: str = "events") -> str:
    """Return one line of progress, always of the same width; ``before`` were done before the seconds began."""
    share = min(1.0, done / whole) if whole else 1.0
    rate = (done - before) / seconds if seconds > 0 else 0.0
    left = f"{max(0, whole - done) / rate:,.0f} s left" if rate else ""
    filled = "#" * int(share * BAR)
    return f"[{filled:<{BAR}}] {share:4.0%}  {done:,} of {whole:,} {of}  {rate:,.0f}/s  {left}".ljust(100)
