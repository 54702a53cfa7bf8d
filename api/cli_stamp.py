"""The command ``caseledger log stamp``: have the latest checkpoint stamped now."""

import argparse
from collections.abc import Callable

from ledger.settings import Settings

Handler = Callable[[argparse.Namespace, Settings], int]


def add_stamp(add: Callable[[str, Handler, str], argparse.ArgumentParser]) -> None:
    """Add the command to its group; ``add`` takes name, handler and what a command does."""
    add("stamp", _stamp, "have the latest checkpoint stamped by the time-stamp authority, and store the stamp")


def _stamp(_: argparse.Namespace, settings: Settings) -> int:
    from api.opening import opened
    from api.stamp_upkeep import stamp_latest
    from ledger.proof.stamping import NotStamped, authority_of

    authority = authority_of(settings)
    if authority is None:
        raise NotStamped("No time-stamp authority is set: set CASELEDGER_STAMP_URL and CASELEDGER_STAMP_ROOTS.")
    with opened(settings) as place:
        size, stamped = stamp_latest(place, authority)
    print(f"Checkpoint of {size} entries stamped at {stamped.stamped_at.isoformat()}.")
    return 0
