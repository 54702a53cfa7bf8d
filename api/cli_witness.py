"""The commands ``caseledger witness``: create, add, vkey, serve. No database. Handlers import what they need."""

import argparse
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.settings import Settings

if TYPE_CHECKING:
    from ledger.proof.witness import Witness

Handler = Callable[[argparse.Namespace, Settings], int]


def add_witness(add: Callable[[str, Handler, str], argparse.ArgumentParser]) -> None:
    """Add the commands to their group; ``add`` takes name, handler and what a command does."""
    create = add("create", _create, "make the keys of a new witness")
    create.add_argument("name", metavar="NAME", help="its name, an address without scheme: witness.eksempel.dk/w1")
    trust = add("add", _add, "trust a log by its verifier keys; keys of a log that is known come beside the others")
    trust.add_argument("vkeys", nargs="+", metavar="VKEY", help="a line of the log's log.vkey")
    vkey = add("vkey", _vkey, "print the verifier keys of the witness, for the policies of logs")
    serve = add("serve", _serve, "cosign checkpoints of the logs that are trusted")
    serve.add_argument("--host", type=_address, default="127.0.0.1", help="address to listen on (127.0.0.1)")
    serve.add_argument("--port", type=_port, default=8100, help="port to listen on; 0 takes a free one (8100)")
    for command in (create, trust, vkey, serve):
        command.add_argument(
            "--folder", type=Path, required=True, metavar="DIR", help="folder of the witness: its keys and its memory"
        )


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise argparse.ArgumentTypeError("must be an IP address of this machine") from None


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError("must be a port number from 0 to 65535")
    return int(text)


def _witness(options: argparse.Namespace) -> "Witness":
    import time

    from ledger.proof.witness import Witness

    return Witness(options.folder.absolute(), time.time)


def _create(options: argparse.Namespace, _: Settings) -> int:
    witness = _witness(options)
    witness.create(options.name)
    print("\n".join(map(str, witness.vkeys())))
    return 0


def _add(options: argparse.Namespace, _: Settings) -> int:
    from ledger.proof.notes import VerifierKey

    for origin in _witness(options).trust([VerifierKey.read(text) for text in options.vkeys]):
        print(f"Trusts {origin}.")
    return 0


def _vkey(options: argparse.Namespace, _: Settings) -> int:
    print("\n".join(map(str, _witness(options).vkeys())))
    return 0


def _serve(options: argparse.Namespace, settings: Settings) -> int:
    from api.witness_service import serve_witness

    serve_witness(_witness(options), settings, options.host, options.port)
    return 0
