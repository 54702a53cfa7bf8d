"""The commands ``caseledger erasure``: carry out what was decided, and remove bytes nobody can open any more."""

import argparse
from collections.abc import Callable

from ledger.settings import Settings

Handler = Callable[[argparse.Namespace, Settings], int]


def add_erasure(add: Callable[[str, Handler, str], object]) -> None:
    """Add the commands to their group; ``add`` takes name, handler and help."""
    add("apply", _apply, "carry out every erasure again, also those only the erasure log knows, as after a restore")
    add("remove-ciphertext", _remove, "as the schema's owner, remove the sealed bytes that nobody can open any more")


def _apply(_: argparse.Namespace, settings: Settings) -> int:
    from api.erasure_log import record_from_log
    from api.opening import opened
    from api.principals import command_line_principal
    from api.search_upkeep import forgetting
    from ledger.erasure import apply_erasures

    with opened(settings) as place, place.ledger() as ledger:
        keys = place.keys(ledger.id)
        returned = keys.sweep()
        recorded = record_from_log(ledger, keys, command_line_principal("erasure log", internal=True))
        done = apply_erasures(ledger, place.documents(ledger).content, [forgetting(ledger)])
    if recorded:
        print(f"Recorded {recorded} erasures that only the erasure log knew of.")
    keys_gone = done.keys + returned
    print(f"Destroyed {keys_gone} keys, removed {done.files} files and the sealed bytes of {done.entries} entries.")
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
        principal = command_line_principal("remove ciphertext", internal=True)
        removed = remove_ciphertext(ledger, owner, principal, print)
    print(f"Removed the sealed bytes of {removed} entries.")
    return 0
