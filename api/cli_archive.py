"""The command ``caseledger archive``: tables for an arkiveringsversion. Handlers import what they need themselves."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli_verify import progress_bar
from ledger.settings import Settings

if TYPE_CHECKING:
    from ledger.store import Ledger

Handler = Callable[[argparse.Namespace, Settings], int]
NAME = re.compile(r"AVID\.[A-ZÆØÅ]{2,4}\.[1-9][0-9]*\.1")


class NotApproved(Exception):
    """A real ledger is opened for the archive when somebody answers for it: name them with --approved-by."""


def add_archive(add: Callable[[str, Handler, str], argparse.ArgumentParser], code: Callable[[str], str]) -> None:
    """Add the command; ``add`` takes name, handler and what it does, ``code`` reads a short text."""
    command = add("archive", _archive, "write all cases, opened, as tables of an arkiveringsversion; it goes on record")
    command.add_argument("folder", type=_folder, metavar="DIR", help="folder to write, named such as AVID.KOM.17.1")
    command.add_argument("--index", action="store_true", help="write the index of files anew, after some were added")
    command.add_argument("--approved-by", type=code, metavar="STAFF", help="who answers for it; goes on record")


def _folder(text: str) -> Path:
    if not NAME.fullmatch(Path(text).name):
        raise argparse.ArgumentTypeError("must be named by the archive, such as AVID.KOM.17.1")
    return Path(text)


def _archive(options: argparse.Namespace, settings: Settings) -> int:
    from api.opening import opened
    from replay.archive import write_file_index

    if options.index:
        print(f"sha256 {write_file_index(options.folder, options.folder.name)}")
        return 0
    with opened(settings) as place, place.ledger() as ledger:
        if not ledger.simulated and options.approved_by is None:
            raise NotApproved(NotApproved.__doc__)
        return _write(options, ledger)


def _write(options: argparse.Namespace, ledger: "Ledger") -> int:
    from api.archiving import make_archive
    from api.principals import command_line_principal

    principal = command_line_principal("archive", internal=True)
    made = make_archive(ledger, principal, options.folder, options.approved_by, progress_bar())
    for table, rows in made.counts.rows.items():
        print(f"{table}: {rows} rows")
    if made.counts.replaced:
        print(f"{made.counts.replaced} characters that XML cannot hold were replaced by U+FFFD.")
    if made.counts.unreadable:
        print(f"{made.counts.unreadable} fields could not be opened: run `caseledger keys check` first.")
    print(f"As recorded at position {made.position}; on record at position {made.exported_position}.")
    return 1 if made.counts.unreadable else 0
