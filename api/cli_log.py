"""The commands ``caseledger log`` and ``caseledger signer``. Handlers import what they need themselves."""

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from time import time
from typing import TYPE_CHECKING

from ledger.settings import ORIGIN_PATTERN, Settings

if TYPE_CHECKING:
    from ledger.proof.signer import FileSigner

Handler = Callable[[argparse.Namespace, Settings], int]


def add_log(add: Callable[[str, Handler, str], argparse.ArgumentParser], staff: Callable[[str], str]) -> None:
    """Add the commands to their group; ``add`` takes name, handler and what a command does, ``staff`` reads an id."""
    export = add("export", _export, "write the log as static files: checkpoint, tiles, entries, keys")
    export.add_argument(
        "folder", type=Path, metavar="DIR", help="a new folder, or an earlier export to bring up to date"
    )
    add("checkpoint", _checkpoint, "sign everything on record now and print the checkpoint")
    add("vkey", _vkey, "print the keys that check the log's signatures, one a line; the last ones sign now")
    rotate = add("rotate", _rotate, "let the log be signed by new keys; old checkpoints stay as they are")
    rotate.add_argument("--approved-by", type=staff, metavar="STAFF", help="who approved it")


def add_signer(command: argparse.ArgumentParser) -> None:
    """Add the options of ``caseledger signer``."""
    command.set_defaults(handler=_signer)
    command.add_argument("--folder", type=Path, required=True, metavar="DIR", help="folder of its keys and its memory")
    command.add_argument("--origin", type=_origin, metavar="ORIGIN", help="make keys for a new log of this name first")
    acts = command.add_mutually_exclusive_group(required=True)
    acts.add_argument("--socket", type=Path, metavar="PATH", help="answer at this socket until stopped")
    acts.add_argument("--begin-rotation", action="store_true", help="make the next keys and sign with both")
    acts.add_argument("--end-rotation", action="store_true", help="sign with the new keys only, destroy the old ones")


def _origin(text: str) -> str:
    if not re.fullmatch(ORIGIN_PATTERN, text):
        raise argparse.ArgumentTypeError("must be an address without scheme, such as ledger.eksempel.dk/familie")
    return text


def _signer(options: argparse.Namespace, _: Settings) -> int:
    from ledger.proof.signer import FileSigner

    signer = FileSigner(options.folder.absolute(), time)
    if options.origin:
        signer.create(options.origin)
    if options.begin_rotation:
        signer.begin_rotation()
    elif options.end_rotation:
        signer.end_rotation()
    print("\n".join(map(str, signer.vkeys)), flush=True)
    if options.socket:
        _answer(signer, options.socket.absolute())
    return 0


def _answer(signer: "FileSigner", path: Path) -> None:
    import signal
    import threading

    from ledger.proof.signer_socket import serve_signer

    stop = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda _number, _frame: stop.set())
    try:
        serve_signer(signer, path, stop)
    except OSError as error:
        sys.exit(f"caseledger: PATH cannot be listened at: {error.strerror or error}; choose a short path of your own")


def _export(options: argparse.Namespace, settings: Settings) -> int:
    from api.opening import opened
    from ledger.proof.exporting import export_log
    from ledger.proof.records import ProofRecords

    with opened(settings) as place, place.ledger() as ledger:
        try:
            done = export_log(ProofRecords(ledger), options.folder.absolute(), _progress)
        except OSError as error:
            sys.exit(f"caseledger: DIR cannot be written: {error.strerror}; choose a folder of your own")
    print(f"Exported {done.size} entries: {done.files} files are new.")
    return 0


def _checkpoint(_: argparse.Namespace, settings: Settings) -> int:
    from api.log_publishing import signed_now
    from api.opening import opened
    from ledger.proof.records import ProofRecords

    with opened(settings) as place, place.ledger() as ledger:
        signing = signed_now(place, ledger)
        note = ProofRecords(ledger).cosigned(signing.published)
    if signing.by_worker:
        sys.stderr.write("The worker has made it.\n")
    sys.stdout.write(str(note))
    return 0


def _vkey(_: argparse.Namespace, settings: Settings) -> int:
    from api.opening import opened
    from ledger.proof.exporting import NothingSigned
    from ledger.proof.records import ProofRecords

    with opened(settings) as place, place.ledger() as ledger:
        keys = ProofRecords(ledger).vkeys()
    if not keys:
        raise NothingSigned
    sys.stdout.write(keys)
    return 0


def _rotate(options: argparse.Namespace, settings: Settings) -> int:
    from api.log_rotation import rotate_log_keys
    from api.opening import opened
    from api.principals import command_line_principal

    with opened(settings) as place, place.ledger() as ledger:
        keys = rotate_log_keys(place, ledger, command_line_principal("rotate log keys"), options.approved_by)
    if settings.signer_socket:
        sys.stderr.write("Now run `caseledger signer --folder DIR --end-rotation` on the signer's account.\n")
    print("The log is signed by new keys. Publish them where the first ones are published:")
    print("\n".join(map(str, keys)))
    return 0


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} of {total} entries" + ("\n" if done == total else ""))
