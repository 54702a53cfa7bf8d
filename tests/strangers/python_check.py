# Runs where sigstore and proofbundle are installed: reads cases as JSON, answers for each whether it holds.
import base64
import json
import sys
from types import SimpleNamespace

from proofbundle.tlogproof import verify_tlog_proof
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore._internal.rekor.checkpoint import verify_checkpoint
from sigstore._internal.trust import Keyring
from sigstore.errors import VerificationError
from sigstore_models.common import v1


def d(text):
    return base64.b64decode(text)


def sigstore(case):
    key = v1.PublicKey(raw_bytes=base64.b64encode(d(case["spki"])), key_details=v1.PublicKeyDetails.PKIX_ED25519)
    proof = SimpleNamespace(
        log_index=case["index"],
        tree_size=case["size"],
        hashes=[d(one) for one in case["proof"]],
        root_hash=d(case["root"]),
        checkpoint=SimpleNamespace(envelope=case["note"]),
    )
    log = SimpleNamespace(key_id=d(case["key_id"]))
    inner = SimpleNamespace(inclusion_proof=proof, canonicalized_body=d(case["entry"]), log_id=log)
    entry = SimpleNamespace(_inner=inner)
    try:
        verify_checkpoint(Keyring([key]), entry)
        verify_merkle_inclusion(entry)
        return True
    except VerificationError:
        return False


def proofbundle(case):
    keys, needed = case["witnesses"], case["quorum"]
    found = verify_tlog_proof(
        case["file"], d(case["entry"]), case["log"], keys, threshold=needed, expected_origin=case["origin"]
    )
    return found["ok"]


CHECKS = {"sigstore": sigstore, "proofbundle": proofbundle}
json.dump([CHECKS[case["kind"]](case) for case in json.load(sys.stdin)], sys.stdout)
