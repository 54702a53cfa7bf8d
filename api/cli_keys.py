"""The commands ``caseledger keys``: rotate, retire, check, copy. Handlers import what they need themselves."""

import argparse
from collections.abc import Callable
from pathlib import Path

from ledger.settings import Settings

Handler = Callable[[argparse.Namespace, Settings], int]


def add_keys(add: Callable[[str, Handler, str], argparse.ArgumentParser]) -> None:
    """Add the commands to their group; ``add`` takes name, handler and what a command does."""
    add("rotate", _rotate, "begin a new epoch and wrap every key anew under its key-encryption key")
    retire = add("retire", _retire, "destroy the key-encryption key of an old epoch; older copies of the keys die")
    retire.add_argument("epoch", type=_epoch, metavar="EPOCH", help="number of the epoch")
    add("check", _check, "check that every key on record is here or was erased; exit code 1 if not")
    copy = add("copy", _copy, "write a replica of the wrapped keys and the erasure log to a folder")
    copy.add_argument("folder", type=Path, metavar="FOLDER", help="a new folder, or an earlier replica to replace")
    copy.add_argument(
        "--with-encryption-keys",
        action="store_true",
        help="for escrow: with the key-encryption keys, so that whoever has the folder can read everything",
    )


def _epoch(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 2**32:
        raise argparse.ArgumentTypeError("must be the number of an epoch, from 1")
    return int(text)


def _rotate(_: argparse.Namespace, settings: Settings) -> int:
    from api.key_rotation import rotate_keys
    from api.opening import opened
    from api.principals import command_line_principal

    with opened(settings) as place, place.ledger() as ledger:
        rotation = rotate_keys(ledger, place.keys(ledger.id), command_line_principal("rotate keys"))
    print(f"Epoch {rotation.epoch}: {rotation.rewrapped} keys wrapped anew.")
    if rotation.left:
        print(f"{rotation.left} keys do not open and were left: run `caseledger keys check`.")
    return 1 if rotation.left else 0


def _retire(options: argparse.Namespace, settings: Settings) -> int:
    from api.opening import opened

    with opened(settings) as place, place.ledger() as ledger:
        place.keys(ledger.id).retire(options.epoch)
    print(f"Epoch {options.epoch}: its key-encryption key is destroyed.")
    return 0


def _check(_: argparse.Namespace, settings: Settings) -> int:
    from api.key_check import check_keys
    from api.opening import opened

    with opened(settings) as place, place.ledger() as ledger:
        tally = check_keys(ledger, place.keys(ledger.id), print)
    print("\n".join(tally.lines))
    return 0 if tally.well else 1


def _copy(options: argparse.Namespace, settings: Settings) -> int:
    from api.opening import opened
    from ledger.key_copies import copy_keys

    with opened(settings) as place, place.ledger() as ledger:
        copied = copy_keys(
            place.keys(ledger.id), options.folder.absolute(), with_encryption_keys=options.with_encryption_keys
        )
    manner = f"with {copied.epochs}" if options.with_encryption_keys else "without"
    print(f"Copied {copied.keys} keys and {copied.tombstones} tombstones, {manner} key-encryption keys.")
    return 0
