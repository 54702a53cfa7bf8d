"""One check of everything a ledger holds, to be run after each step of a test that breaks something."""

from api.key_check import KeyTally, check_keys
from api.opening import Place
from projections.view import VIEWS
from replay.rebuild import verify_view
from replay.verify import Report, verify_ledger


def check_ledger(place: Place) -> Report:
    """Check a ledger as ``verify``, ``replay verify all`` and ``keys check`` do, and return what the first has seen.

    Order, streams, leaves, root, requests and all that was published; every view, among them that of the access
    records, folded anew and equal row for row; every key on record. Fails on whatever is not as it must be.
    """
    complaints: list[str] = []
    with place.ledger() as ledger:
        report = verify_ledger(ledger)
        keys: KeyTally = check_keys(ledger, place.keys(ledger.id), complaints.append)
    assert report.intact, [str(fault) for fault in report.faults]
    assert keys.well, complaints
    for view in VIEWS.values():
        compared = verify_view(place.conninfo, view)
        assert compared.sound, compared
    return report
