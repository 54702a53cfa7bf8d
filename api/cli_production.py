"""The command ``caseledger production``: what an answer hands out of a case as a file. Handlers import the rest."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from api.cli_bundle import read_number
from api.cli_dossier import read_file_name, write_look
from ledger.settings import Settings

if TYPE_CHECKING:
    from uuid import UUID

    from ledger.store import Ledger

Handler = Callable[[argparse.Namespace, Settings], int]


def add_production(add: Callable[[str, Handler, str], argparse.ArgumentParser], code: Callable[[str], str]) -> None:
    """Add the command; ``add`` takes name, handler and what it does, ``code`` reads an argument."""
    command = add("production", _production, "write what an answer to a request for access hands out, as JSON or PDF")
    command.add_argument("case", metavar="CASE", help="id or number of the case")
    command.add_argument("answer", type=read_number, metavar="ENTRY", help="the answer, by the version of its entry")
    command.add_argument("--purpose", type=code, default="access-request", help="goes on record (access-request)")
    command.add_argument(
        "-o", "--output", type=read_file_name, required=True, metavar="FILE", help="a new file, .json or .pdf"
    )


def _production(options: argparse.Namespace, settings: Settings) -> int:
    return write_look(options, settings, _made)


def _made(options: argparse.Namespace, ledger: "Ledger", case: "UUID") -> tuple[bytes, int]:
    """Return the bytes of the file and the position of the look."""
    import asyncio

    from api.paper import require_typst
    from api.principals import command_line_principal
    from api.production_pdf import production_pdf
    from api.productions import Productions
    from api.reading import CaseReader
    from api.recording import CaseRecorder
    from projections.board import Board

    on_paper = options.output.suffix == ".pdf"
    if on_paper:
        require_typst()
    reader = CaseReader(ledger, Board(ledger))
    maker = Productions(ledger, CaseRecorder(ledger, reader.door), reader)
    made = asyncio.run(maker.make(command_line_principal(options.purpose, internal=True), case, options.answer))
    return production_pdf(made) if on_paper else made.content, made.access_position
