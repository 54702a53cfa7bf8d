"""The command ``caseledger bundle``: an evidence bundle of a case as a file. Handlers import what they need."""

import argparse
import os
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ledger.settings import Settings

Handler = Callable[[argparse.Namespace, Settings], int]
MOST_ENTRIES = 100_000


class FileExists(Exception):
    """There is a file of this name already: choose another, so that no bundle handed out before is lost."""

    def __str__(self) -> str:
        return str(self.__doc__)


def add_bundle(
    add: Callable[[str, Handler, str], argparse.ArgumentParser],
    instant: Callable[[str], datetime],
    code: Callable[[str], str],
) -> None:
    """Add the command; ``add`` takes name, handler and what it does, ``instant`` and ``code`` read an argument."""
    command = add(
        "bundle", _bundle, "make an evidence bundle of a case; without --answer it tells nothing of the entries"
    )
    command.add_argument("case", metavar="CASE", help="id or number of the case")
    command.add_argument("--known-at", type=instant, metavar="T", help="as recorded by this instant (now)")
    command.add_argument(
        "--answer", type=read_number, metavar="ENTRY", help="the answer that gives access, by its version"
    )
    command.add_argument("--entries", type=_entries, metavar="3,7-9", help="only these, and no word of any others")
    command.add_argument(
        "--kept", type=read_number, metavar="SIZE", help="size of a checkpoint the recipient has already"
    )
    command.add_argument("--purpose", type=code, default="access-request", help="goes on record (access-request)")
    command.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE.zip", help="file to write; a new one"
    )


def read_number(text: str) -> int:
    """Read the number of an entry or size; raises ArgumentTypeError."""
    if not re.fullmatch(r"[1-9][0-9]{0,17}", text, re.ASCII):
        raise argparse.ArgumentTypeError("must be a whole number from 1 on")
    return int(text)


def _entries(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        if not re.fullmatch(r"[1-9][0-9]{0,8}(-[1-9][0-9]{0,8})?", part, re.ASCII):
            raise argparse.ArgumentTypeError("must name entries such as 3,7-9")
        first, _, last = part.partition("-")
        if int(last or first) - int(first) > MOST_ENTRIES:
            raise argparse.ArgumentTypeError("must name at most 100000 entries")
        found |= set(range(int(first), int(last or first) + 1))
    if not found:
        raise argparse.ArgumentTypeError("must name a stretch from the lower to the higher number")
    return frozenset(found)


def _bundle(options: argparse.Namespace, settings: Settings) -> int:
    import asyncio

    from api.case_text import NoCase, case_named
    from api.door import NotKnown
    from api.evidence import EvidenceMaker
    from api.opening import opened
    from api.principals import command_line_principal
    from api.reading import CaseReader
    from projections.board import Board
    from replay.bundle import Wish

    if options.output.exists():
        raise FileExists
    with opened(settings) as place, place.ledger() as ledger:
        maker = EvidenceMaker(ledger, CaseReader(ledger, Board(ledger)))
        case = case_named(ledger, options.case)
        wish = Wish(case, options.known_at, options.answer, options.entries, options.kept)
        try:
            made = asyncio.run(maker.make(command_line_principal(options.purpose, internal=True), wish))
        except NotKnown:
            raise NoCase from None
    write_new(options.output, made.bundle.content)
    print(f"{options.output}: {len(made.bundle.content)} bytes, sha256 {made.bundle.sha256}")
    print(f"Proven by the checkpoint of size {made.bundle.size}; on record at position {made.exported_position}.")
    return 0


def write_new(path: Path, content: bytes) -> None:
    """Write a new file that only its owner can read, whole or not at all; raises FileExists and OSError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise FileExists from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink()
        raise
