"""Whether a signer is the one of a log: made only for a log that has no key on record yet."""

from collections.abc import Sequence

from ledger.proof.notes import VerifierKey
from ledger.proof.signer import FileSigner, Signer, SignerMissing


def require_signer(signer: Signer, on_record: Sequence[VerifierKey], origin: str) -> None:
    """Raise SignerMissing unless the signer has a key of those on record.

    Where none is on record, one that keeps its keys in a folder of ours is made with an origin. Never otherwise: a
    second signer would not know what the first one signed.
    """
    if not on_record:
        if isinstance(signer, FileSigner):
            signer.create(origin)
        return
    if not set(signer.vkeys) & set(on_record):
        raise SignerMissing("The signer has none of the keys on record: name the folder of this ledger's own signer.")
