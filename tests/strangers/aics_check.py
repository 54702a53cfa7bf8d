# Runs where aics-tlog is installed: reads cases as JSON, answers for each whether it holds.
import base64
import json
import sys

from aics_tlog import leaf_hash, parse_note, parse_vkey, verify_checkpoint, verify_consistency, verify_inclusion


def d(text):
    return base64.b64decode(text)


def checkpoint(case):
    keys = [parse_vkey(one) for one in case["witnesses"]]
    log, origin = parse_vkey(case["log"]), case["origin"]
    return verify_checkpoint(parse_note(case["note"]), log, keys, case["quorum"], expected_origin=origin).ok


def inclusion(case):
    proof = [d(one) for one in case["proof"]]
    return verify_inclusion(leaf_hash(d(case["entry"])), case["index"], case["size"], proof, d(case["root"]))


def consistency(case):
    proof = [d(one) for one in case["proof"]]
    return verify_consistency(case["old"], case["size"], d(case["old_root"]), d(case["root"]), proof)


CHECKS = {"checkpoint": checkpoint, "inclusion": inclusion, "consistency": consistency}


def holds(case):
    try:
        return CHECKS[case["kind"]](case)
    except ValueError:
        return False


json.dump([holds(case) for case in json.load(sys.stdin)], sys.stdout)
