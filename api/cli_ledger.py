"""The commands ``caseledger backup`` and those of an installation: ``ledger provision``, ``list`` and ``check``."""

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from ledger.settings import Settings

Handler = Callable[[argparse.Namespace, Settings], int]
Read = Callable[[Mapping[str, str]], Settings]


def add_installation(
    add: Callable[[str, Handler, str], argparse.ArgumentParser], port: Callable[[str], int], read: Read
) -> None:
    """Add the commands; ``add`` takes name, handler and what a command does, ``read`` makes settings of a file."""
    text = "make database, logins and settings of one more ledger, as the server's superuser (PGHOST, PGUSER)"
    provision = add("provision", _provision, text)
    provision.add_argument("name", metavar="NAME", help="what the ledger is called in this installation")
    provision.add_argument("--home", type=Path, required=True, metavar="DIR", help="folder of its keys")
    provision.add_argument(
        "--key-encryption-folder", type=Path, required=True, metavar="DIR", help="its folder on another volume"
    )
    provision.add_argument("--port", type=port, required=True, help="port that its service listens on")
    add("list", _list, "list the ledgers of this installation, one a line")
    add(
        "check",
        _checking(read),
        "check that the ledgers of this installation have nothing in common; exit code 1 if they do",
    )


def add_backup(add: Callable[[str, Handler, str], argparse.ArgumentParser]) -> None:
    """Add the command; ``add`` takes name, handler and what a command does."""
    backup = add("backup", _backup, "dump the database of this ledger, with a signed checkpoint and new documents")
    backup.add_argument(
        "folder", type=Path, metavar="FOLDER", help="folder of this ledger's backups; keys go elsewhere"
    )


def _backup(options: argparse.Namespace, settings: Settings) -> int:
    from api.backing_up import back_up
    from api.opening import opened

    with opened(settings) as place:
        made = back_up(place, options.folder.absolute(), settings.pg_bin)
    print(f"{made.size} entries in {made.dump.name}, signed in {made.checkpoint.name}; {made.documents} documents new.")
    return 0


def _provision(options: argparse.Namespace, settings: Settings) -> int:
    from api.installation import require_room, write
    from ledger.provisioning import provision

    require_room(settings.ledgers, options.name)
    made = provision("", options.name)
    folders = options.home.absolute(), options.key_encryption_folder.absolute()
    paths = write(settings.ledgers, options.name, made, *folders, options.port)
    print(f"Made the database {made.database}, closed to all but its logins {made.daily.role} and {made.owner.role}.")
    print("\n".join(map(str, paths)))
    return 0


def _list(_: argparse.Namespace, settings: Settings) -> int:
    from api.installation import names

    print("\n".join(names(settings.ledgers)))
    return 0


def _checking(read: Read) -> Handler:
    def check(_: argparse.Namespace, settings: Settings) -> int:
        from api.installation import installed, open_doors, shared

        ledgers = installed(settings.ledgers, read, os.environ)
        found = [*shared(ledgers), *open_doors(ledgers)]
        print("\n".join(found) if found else f"{len(ledgers)} ledgers, nothing in common.")
        return 1 if found else 0

    return check


def take_ledger(name: str, settings: Settings) -> None:
    """Let the settings of one ledger be those of this process and of every process that it starts."""
    from api.installation import chosen

    os.environ.update(chosen(settings.ledgers, name, os.environ))
