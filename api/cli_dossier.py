"""The command ``caseledger dossier``: everything about a decision as a file. Handlers import what they need."""

import argparse
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli_bundle import FileExists, read_number, write_new
from ledger.settings import Settings

if TYPE_CHECKING:
    from uuid import UUID

    from ledger.store import Ledger

Handler = Callable[[argparse.Namespace, Settings], int]
Make = Callable[[argparse.Namespace, "Ledger", "UUID"], tuple[bytes, int]]
"""Makes the bytes of a file about a case, and says where the look is on record."""

SUFFIXES = (".json", ".pdf")


def add_dossier(
    add: Callable[[str, Handler, str], argparse.ArgumentParser],
    instant: Callable[[str], datetime],
    code: Callable[[str], str],
) -> None:
    """Add the command; ``add`` takes name, handler and what it does, ``instant`` and ``code`` read an argument."""
    command = add("dossier", _dossier, "write the dossier of a decision as JSON, or as PDF with its evidence attached")
    command.add_argument("case", metavar="CASE", help="id or number of the case")
    command.add_argument("entry", type=read_number, metavar="ENTRY", help="the decision, by the version of its entry")
    command.add_argument("--known-at", type=instant, metavar="T", help="with what was recorded by this instant (now)")
    command.add_argument(
        "--answer", type=read_number, metavar="N", help="let the bundle in the PDF tell what this answer grants"
    )
    command.add_argument("--purpose", type=code, default="audit", help="goes on record (audit)")
    command.add_argument(
        "-o",
        "--output",
        type=read_file_name,
        required=True,
        metavar="FILE",
        help="a new file that ends in .json or .pdf",
    )


def read_file_name(text: str) -> Path:
    """Read the name of a file that ends in .json or .pdf; raises ArgumentTypeError."""
    if Path(text).suffix not in SUFFIXES:
        raise argparse.ArgumentTypeError("must end in .json or .pdf")
    return Path(text)


def write_look(options: argparse.Namespace, settings: Settings, make: Make) -> int:
    """Write what is made of a case to a new file, and say what it is and where the look is on record.

    Raises FileExists, OnlyByAddress and NoCase.
    """
    from hashlib import sha256

    from api.case_text import NoCase, OnlyByAddress, case_named
    from api.door import NotKnown
    from api.opening import opened

    if options.output.exists():
        raise FileExists
    with opened(settings) as place, place.ledger() as ledger:
        if not ledger.simulated:
            raise OnlyByAddress
        try:
            content, position = make(options, ledger, case_named(ledger, options.case))
        except NotKnown:
            raise NoCase from None
    write_new(options.output, content)
    print(f"{options.output}: {len(content)} bytes, sha256 {sha256(content).hexdigest()}")
    print(f"The look is on record at position {position}.")
    return 0


def _dossier(options: argparse.Namespace, settings: Settings) -> int:
    return write_look(options, settings, _made)


def _made(options: argparse.Namespace, ledger: "Ledger", case: "UUID") -> tuple[bytes, int]:
    """Return the bytes of the file and the position of the look."""
    import asyncio

    from api.dossier import DossierMaker
    from api.dossier_paper import PaperMaker
    from api.evidence import EvidenceMaker
    from api.principals import command_line_principal
    from api.reading import CaseReader
    from projections.board import Board

    principal, reader = command_line_principal(options.purpose, internal=True), CaseReader(ledger, Board(ledger))
    maker = DossierMaker(ledger, reader)
    if options.output.suffix == ".json":
        made = asyncio.run(maker.make(principal, case, options.entry, options.known_at))
        return made.content, made.access_position
    paper = PaperMaker(maker, EvidenceMaker(ledger, reader))
    done = asyncio.run(paper.make(principal, case, options.entry, options.known_at, options.answer))
    return done.content, done.access_position
