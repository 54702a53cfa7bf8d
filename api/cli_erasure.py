"""The commands ``caseledger erasure``: carry out what was decided, and remove bytes nobody can open any more."""

import argparse
from collections.abc import Callable

from ledger.settings import Settings

Handler = Callable[[argparse.Namespace, Settings], int]


def add_erasure(add: Callable[[str, Handler, str], object]) -> None:
    """Add the commands to their group; ``add`` takes name, handler and help."""
    add("apply", _apply, "carry out every erasure on record again, as after a restore of older keys or files")
    add("remove-ciphertext", _remove, "as the schema's owner, remove the sealed bytes that nobody can open any more")


def _apply(_: argparse.Namespace, settings: Settings) -> int:
    from api.opening import opened
    from api.search_upkeep import forgetting
    from ledger.erasure import apply_erasures

    with opened(settings) as place, place.ledger() as ledger:
        done = apply_erasures(ledger, place.documents(ledger).content, [forgetting(ledger)])
    print(f"Destroyed {done.keys} keys, removed {done.files} files and the sealed bytes of {done.entries} entries.")
    return 0


def _remove(_: argparse.Namespace, settings: Settings) -> int:
    from api.ciphertext_removal import remove_ciphertext
    from api.opening import opened
    from api.principals import command_line_principal
    from api.search_upkeep import forgetting
    from ledger.creation import connect_owner
    from ledger.erasure import apply_erasures

    with opened(settings) as place, place.ledger() as ledger, connect_owner(place.owner) as owner:
        apply_erasures(ledger, place.documents(ledger).content, [forgetting(ledger)])
        removed = remove_ciphertext(ledger, owner, command_line_principal("remove ciphertext"), print)
    print(f"Removed the sealed bytes of {removed} entries.")
    return 0
