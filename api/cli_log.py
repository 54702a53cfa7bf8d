"""The commands ``caseledger log``: export, checkpoint, vkey, rotate. Handlers import what they need themselves."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from ledger.settings import Settings

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
    print("The log is signed by new keys. Publish them where the first ones are published:")
    print("\n".join(map(str, keys)))
    return 0


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} of {total} entries" + ("\n" if done == total else ""))
