#!/usr/bin/env python3
"""Check an evidence bundle of a case ledger without its server: python caseledger_verify.py BUNDLE.zip --log-key KEY.

Needs Python 3.9 and the package cryptography. The key comes from you, never from the bundle. Format: docs/bundle.md.
"""

import argparse
import base64
import binascii
import hashlib
import json
import re
import struct
import sys
import zlib
from datetime import datetime, timedelta, timezone
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

try:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
except ImportError:  # an older package: such signatures are then reported as not checked
    MLDSA44PublicKey = None

FORMAT = "caseledger-bundle/1"
MAX_BUNDLE, MAX_FILE, MAX_WHOLE, MAX_MEMBERS = 200_000_000, 20_000_000, 400_000_000, 65_000
MAX_RATIO = 200
NAME = re.compile(
    r"README\.txt|manifest\.json|verify\.py|policy\.txt|checkpoint|checkpoints/\d{1,19}|consistency/\d{1,19}-\d{1,19}"
    r"|events/\d{4,9}\.json|proofs/\d{4,9}\.tlog-proof|stamps/\d{1,19}-\d{1,4}\.tsr", re.ASCII)  # fmt: skip
TOLD = {"position", "stream", "version", "topic", "recorded_at", "actor", "blind", "previous", "segments", "clear"}
HIDDEN = {"position", "version", "commitment", "withheld"}
ED25519, COSIGNATURE, ML_DSA = 1, 4, 6
KEY_BYTES = {ED25519: 32, COSIGNATURE: 32, ML_DSA: 1312}
CODE = re.compile(r"[a-z_]{1,40}")


class Failed(Exception):
    """The bundle does not prove what it says; the message names the place."""


class Unusable(Exception):
    """Called wrongly: nothing was checked."""


def need(holds, message):
    if not holds:
        raise Failed(message)


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def unbase64(text, where, length=None):
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise Failed(f"{where}: not base64") from None
    need(base64.b64encode(content).decode() == text, f"{where}: base64 in another than its one right form")
    need(length is None or len(content) == length, f"{where}: {len(content)} bytes where {length} belong")
    return content


# ---- the zip: members one after the other in order of name, the directory, its end; nothing before, between, after


def read_zip(raw):
    """Return the files of a bundle; every byte of the archive must be one that its content calls for."""
    tail = raw.rfind(b"PK\x05\x06", max(0, len(raw) - 300))
    need(tail >= 0 and len(raw) >= tail + 22, "the zip has no end: it is truncated, or not a bundle")
    end = struct.unpack("<4s4H2IH", raw[tail : tail + 22])
    count, length, start = end[4], end[5], end[6]
    comment = raw[tail + 22 :]
    need(end[1] == end[2] == 0 and end[3] == count and end[7] == len(comment), "the end of the zip is damaged")
    need(0 < count <= MAX_MEMBERS, "the zip holds no files, or too many")
    need(start + length == tail, "the zip is truncated, or holds bytes that belong to no file")
    files, at, place, whole = {}, start, 0, 0
    for _ in range(count):
        need(at + 46 <= tail, "the directory of the zip is cut short")
        entry = struct.unpack("<4s6H3I5H2I", raw[at : at + 46])
        method, crc, packed, size, name_length, offset = entry[4], *entry[7:11], entry[16]
        name = safe_name(raw[at + 46 : at + 46 + name_length])
        need(name not in files, f"{name}: is there twice")
        need(not files or name > list(files)[-1], f"{name}: is out of order")
        fixed = (0x314, 20, 0, method, 0, 33, crc, packed, size, len(name), 0, 0, 0, 0, 0o100644 << 16, place)
        need(
            method in (0, 8) and entry == (b"PK\x01\x02", *fixed) and offset == place,
            f"{name}: its directory entry is damaged",
        )
        need(size <= MAX_FILE and size <= max(2_000_000, packed * MAX_RATIO), f"{name}: is absurdly large: a zip bomb?")
        whole += size
        need(whole <= MAX_WHOLE, "the files are too large together")
        head = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, method, 0, 33, crc, packed, size, len(name), 0)
        begin = place + len(head) + len(name)
        need(raw[place:begin] == head + name.encode(), f"{name}: its local header is damaged")
        need(begin + packed <= start, f"{name}: is cut short")
        files[name] = unpack(raw[begin : begin + packed], method, size, crc, name)
        at, place = at + 46 + name_length, begin + packed
    need(at == tail and place == start, "the zip holds bytes that belong to no file")
    return files, comment


def safe_name(raw):
    try:
        name = raw.decode("ascii")
    except UnicodeDecodeError:
        raise Failed("a file of the zip has a name that no bundle has") from None
    need(NAME.fullmatch(name), f"{json.dumps(name[:80])}: a bundle has no file of this name")
    return name


def unpack(packed, method, size, crc, name):
    content = packed
    if method == 8:
        stream = zlib.decompressobj(-15)
        try:
            content = stream.decompress(packed, size + 1)
        except zlib.error:
            raise Failed(f"{name}: does not unpack") from None
        need(
            stream.eof and not stream.unused_data and not stream.unconsumed_tail, f"{name}: does not unpack to its size"
        )
    need(len(content) == size and zlib.crc32(content) == crc, f"{name}: its bytes were changed")
    return content


def read_json(content, where):
    def pairs(items):
        need(len({name for name, _ in items}) == len(items), f"{where}: a member is there twice")
        return dict(items)

    try:
        value = json.loads(content.decode("utf-8"), object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        raise Failed(f"{where}: is not JSON") from None
    need(isinstance(value, dict), f"{where}: is not a JSON object")
    return value


# ---- notes, checkpoints, keys


class Key:
    """A public key by name: name+id+base64(kind, key)."""

    def __init__(self, text):
        name, _, rest = text.partition("+")
        stated, _, coded = rest.partition("+")
        try:
            raw = base64.b64decode(coded, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if not name or not raw or KEY_BYTES.get(raw[0]) != len(raw) - 1:
            raise Unusable("a key must be a line such as NAME+1a2b3c4d+BASE64, as the log publishes it")
        self.text, self.name, self.kind, self.public = text, name, raw[0], raw[1:]
        self.id = sha(name.encode(), b"\n", raw)[:4]
        if self.id.hex() != stated:
            raise Unusable(f"the id of key {name} is not that of its bytes: it was copied wrongly")

    def check(self, checkpoint, blob):
        """Return the time of a signature in seconds, None for a kind without one; raises Failed where it is none."""
        wrong = Failed(f"the signature of {self.name} is not one of the key given ({self.id.hex()})")
        time, message = None, checkpoint.text
        if self.kind != ED25519:
            time, blob = int.from_bytes(blob[:8], "big"), blob[8:]
            message = b"cosignature/v1\ntime %d\n" % time + message
        if self.kind == ML_DSA:
            name, origin = self.name.encode(), checkpoint.origin.encode()
            message = b"subtree/v1\n\0" + bytes([len(name)]) + name + struct.pack(">Q", time) + bytes([len(origin)])
            message += origin + struct.pack(">QQ", 0, checkpoint.size) + checkpoint.root
        kind = MLDSA44PublicKey if self.kind == ML_DSA else Ed25519PublicKey
        try:
            kind.from_public_bytes(self.public).verify(blob, message)
        except (InvalidSignature, ValueError):
            raise wrong from None
        return time


class Checkpoint:
    """Origin, size and root of a log, and the signatures below: (name, id, blob)."""

    def __init__(self, raw, where):
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Failed(f"{where}: is not text") from None
        head, _, below = text.partition("\n\n")
        lines = head.split("\n")
        need(
            len(lines) == 3 and all(lines) and below.endswith("\n") and len(below) > 1,
            f"{where}: is no signed checkpoint",
        )
        need(re.fullmatch(r"[1-9][0-9]{0,18}", lines[1], re.ASCII), f"{where}: has no size")
        self.where, self.origin, self.size, self.text = where, lines[0], int(lines[1]), (head + "\n").encode()
        self.root = unbase64(lines[2], where, 32)
        need(len(self.origin.encode()) < 256, f"{where}: its origin is too long")
        self.signatures = []
        for line in below[:-1].split("\n"):
            words = line.split(" ")
            need(
                len(words) == 3 and words[0] == "\u2014" and words[1] and len(self.signatures) < 100,
                f"{where}: has a damaged signature line",
            )
            blob = unbase64(words[2], where)
            need(len(blob) > 4, f"{where}: has a damaged signature line")
            self.signatures.append((words[1], blob[:4], blob[4:]))

    def signed_by(self, keys):
        """Return the given keys that signed, each with its time; raises Failed where one of them did not really."""
        found = {}
        for key in keys:
            for name, key_id, blob in self.signatures:
                if (name, key_id) == (key.name, key.id) and (key.kind != ML_DSA or MLDSA44PublicKey):
                    found[key] = key.check(self, blob)
        return found

    def require(self, log_keys):
        """Check that the log signed, by a key that the user gave."""
        known = [key for key in log_keys if key.name == self.origin]
        need(known, f"{self.where}: is of the log {self.origin}, and none of your keys is of that log")
        try:
            found = self.signed_by(known)
        except Failed as error:
            raise Failed(f"{self.where}: {error}") from None
        told = "is signed by none of the keys you gave; where the log's key was replaced, get all its keys"
        need(any(key.kind == ED25519 for key in found), f"{self.where}: {told}")
        return found


# ---- the tree of RFC 9162


def node(left, right):
    return sha(b"\x01", left, right)


def root_by_path(index, size, leaf, path):
    """Return the root that a path leads to from a leaf (RFC 9162, 2.1.3.2); None where it has another length."""
    at, last, found = index, size - 1, leaf
    for one in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            found = node(one, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node(found, one)
        at, last = at >> 1, last >> 1
    return found if last == 0 else None


def consistent(old, new, path):
    """Whether a checkpoint is the beginning of another, larger one (RFC 9162, 2.1.4.2)."""
    steps = [old.root, *path] if old.size & (old.size - 1) == 0 else list(path)
    if not steps:
        return False
    at, last = old.size - 1, new.size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = steps[0]
    for one in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = node(one, first), node(one, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node(second, one)
        at, last = at >> 1, last >> 1
    return last == 0 and first == old.root and second == new.root


# ---- entries


def commitment_of(event, where):
    """Return the commitment of an entry, having hashed all that is told of it."""
    whole = isinstance(event.get("withheld"), str)
    need(set(event) == (HIDDEN if whole else TOLD | {"sealed"}), f"{where}: has other members than an entry has")
    for name in ("position", "version") if whole else ("position", "version", "recorded_at"):
        low = -(2**63) if name == "recorded_at" else 1
        need(type(event[name]) is int and low <= event[name] < 2**63, f"{where}: {name} is no such number")
    if whole:
        need(CODE.fullmatch(event["withheld"]), f"{where}: has no code for why it is not told")
        return unbase64(event["commitment"], where, 32)
    blind, previous = unbase64(event["blind"], where, 32), unbase64(event["previous"], where, 32)
    table = unbase64(event["segments"], where)
    check_segments(event, table, where)
    need(event["version"] > 1 or previous == bytes(32), f"{where}: the first entry of a case has none before it")
    need(isinstance(event["topic"], str), f"{where}: has no topic")
    header = blind + struct.pack(">q", event["recorded_at"]) + identifier(event["actor"], where) + previous + table
    place = (
        struct.pack(">q", event["position"]) + identifier(event["stream"], where) + struct.pack(">q", event["version"])
    )
    try:
        topic = event["topic"].encode()
    except UnicodeError:
        raise Failed(f"{where}: has no topic") from None
    return sha(b"caseledger/v1 leaf\0", place, sha(topic), sha(header))


def check_segments(event, table, where):
    """Check the clear part and each open text against the table that the commitment binds."""
    count = int.from_bytes(table[:2], "big")
    need(count > 0 and len(table) == 2 + 84 * count, f"{where}: its segment table is damaged")
    lines = list(struct.iter_unpack(">16sI32s32s", table[2:]))
    clear = unbase64(event["clear"], where)
    need(len(clear) == lines[0][1] and sha(clear) == lines[0][2], f"{where}: the clear part is not the one recorded")
    sealed = event["sealed"]
    need(isinstance(sealed, list) and len(sealed) == count - 1, f"{where}: not every sealed segment is accounted for")
    for number, (one, line) in enumerate(zip(sealed, lines[1:]), start=1):
        need(isinstance(one, dict), f"{where}: segment {number} is damaged")
        if set(one) == {"plaintext", "salt"}:
            salt, plaintext = unbase64(one["salt"], where, 32), unbase64(one["plaintext"], where)
            need(
                sha(b"caseledger/v1 pt\0", salt, plaintext) == line[3],
                f"{where}: the text of segment {number} is not the one recorded",
            )
        else:
            code = one.get("withheld", one.get("erased"))
            known = len(one) == 1 and isinstance(code, str) and CODE.fullmatch(code)
            need(known, f"{where}: segment {number} is neither open nor withheld nor erased")


def identifier(text, where):
    try:
        found = UUID(text)
    except (ValueError, AttributeError, TypeError):
        raise Failed(f"{where}: has a damaged id") from None
    need(str(found) == text, f"{where}: has a damaged id")
    return found.bytes


def check_proof(raw, event, made, checkpoint, keys, where):
    """Check that a proof leads from an entry to the checkpoint, and that the log signed the one in it."""
    text = raw.decode("utf-8", "replace")
    above, _, below = text.partition("\n\n")
    lines = above.split("\n")
    need(lines[0] == "c2sp.org/tlog-proof@v1" and 2 <= len(lines) <= 65, f"{where}: is no proof")
    need(lines[1] == f"index {event['position'] - 1}", f"{where}: is the proof of another entry")
    own = Checkpoint(below.encode(), where)
    need(own.text == checkpoint.text, f"{where}: is about another checkpoint")
    if own.signatures != checkpoint.checked:
        own.require(keys)
        checkpoint.checked = own.signatures
    path = [unbase64(line, where, 32) for line in lines[2:]]
    need(event["position"] <= checkpoint.size, f"{where}: the checkpoint is older than the entry")
    root = root_by_path(event["position"] - 1, checkpoint.size, sha(b"\0\x01", made), path)
    need(root == checkpoint.root, f"{where}: entry {event['version']} is not in the checkpoint as it stands here")


# ---- time stamps (RFC 3161): what a token is over, its time, and the signature of the certificate in it


def der(raw, at=0):
    """Return tag, content, and where the next value begins."""
    need(at + 2 <= len(raw), "is cut short")
    tag, length, at = raw[at], raw[at + 1], at + 2
    if length & 128:
        more = length & 127
        need(0 < more <= 4, "is damaged")
        length, at = int.from_bytes(raw[at : at + more], "big"), at + more
    need(at + length <= len(raw), "is cut short")
    return tag, raw[at : at + length], at + length


def parts(raw):
    found, at = [], 0
    while at < len(raw):
        tag, content, after = der(raw, at)
        found.append((tag, content, raw[at:after]))
        at = after
    return found


def stamp_time(token, text):
    """Return the time in a token over a checkpoint's text; raises Failed where it is over something else."""
    outer = parts(der(token)[1])
    need(len(outer) > 1, "is no time stamp")
    signed = parts(der(der(outer[1][2])[1] if outer[0][0] == 6 else parts(outer[1][1])[1][1])[1])
    info = parts(der(der(parts(signed[2][1])[1][1])[1])[1])
    imprint = parts(info[2][1])
    need(parts(imprint[0][1])[0][1] == bytes.fromhex("608648016503040201"), "is not over SHA-256")
    need(imprint[1][1] == sha(text), "is over something else than the checkpoint")
    return datetime.strptime(info[4][1].decode("ascii")[:14], "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)


# ---- policies (c2sp.org/tlog-policy)


def read_policy(raw):
    """Return witnesses by name, groups by name and the quorum; raises Unusable for what is no policy."""
    witnesses, groups, quorum = {}, {}, None
    for number, line in enumerate(raw.decode("utf-8", "replace").split("\n"), start=1):
        words = line.split()
        if not words or words[0].startswith("#") or words[0] == "log":
            continue
        if words[0] == "witness" and len(words) in (3, 4) and words[1] not in {**witnesses, **groups}:
            witnesses[words[1]] = Key(words[2])
        elif words[0] == "group" and len(words) > 3 and words[1] not in {**witnesses, **groups}:
            known = set(words[3:]) <= set(witnesses) | set(groups)
            many = {"all": str(len(words) - 3), "any": "1"}.get(words[2], words[2])
            if not known or not re.fullmatch(r"[1-9][0-9]{0,3}", many, re.ASCII) or int(many) > len(words) - 3:
                raise Unusable(f"policy, line {number}: a group needs a number and members named above")
            groups[words[1]] = (int(many), words[3:])
        elif words[0] == "quorum" and len(words) == 2 and quorum is None and words[1] in {"none", *witnesses, *groups}:
            quorum = words[1]
        else:
            raise Unusable(f"policy, line {number}: cannot be read")
    if quorum is None:
        raise Unusable("the policy has no quorum line")
    return witnesses, groups, quorum


def quorum_met(name, policy, signed):
    witnesses, groups, _ = policy
    if name in witnesses:
        return witnesses[name] in signed
    needed, members = groups[name]
    return sum(quorum_met(one, policy, signed) for one in members) >= needed


# ---- the whole


def verify(raw, keys, policy=None, kept=None):
    """Return what a bundle proves; raises Failed at the first thing that is not as it should be."""
    files, comment = read_zip(raw)
    manifest = check_manifest(files, comment)
    checkpoint = Checkpoint(files["checkpoint"], "checkpoint")
    signed = checkpoint.require(keys)
    checkpoint.checked = None
    head = {"size": checkpoint.size, "root": base64.b64encode(checkpoint.root).decode()}
    need(
        manifest.get("origin") == checkpoint.origin and manifest.get("checkpoint") == head,
        "manifest.json: tells of another checkpoint than the bundle holds",
    )
    report = {"signed_by": [f"{key.name}+{key.id.hex()}" for key in signed], "origin": checkpoint.origin, **head}
    report["not_checked"] = unchecked = []
    if any(key.kind == ML_DSA for key in keys):
        if MLDSA44PublicKey is None:
            unchecked.append("the ML-DSA signature: the package cryptography is too old for it")
        else:
            need(any(key.kind == ML_DSA for key in signed), "checkpoint: is not signed by the ML-DSA key you gave")
    report.update(check_entries(files, manifest, checkpoint, keys))
    check_ties(files, checkpoint, keys, report)
    check_witnesses(checkpoint, policy, report)
    check_kept(files, checkpoint, kept, keys, report)
    return report


def check_manifest(files, comment):
    """Check that the bundle is whole: every file as listed, every listed file there, the count of them at the end."""
    need("manifest.json" in files, "manifest.json: is missing")
    told = f"{FORMAT} {len(files)} {sha(files['manifest.json']).hex()}".encode()
    need(comment == told, "manifest.json: it, or the number of files, is not what the end of the zip tells")
    manifest = read_json(files["manifest.json"], "manifest.json")
    need(manifest.get("format") == FORMAT, "manifest.json: is of another format than this program knows")
    listed = manifest.get("files")
    need(isinstance(listed, dict), "manifest.json: lists no files")
    for name in sorted(set(files) - {"manifest.json"} | set(listed)):
        need(name in files, f"{str(name)[:80]}: is listed and missing")
        need(name in listed, f"{name}: is not listed in the manifest")
        told = {"size": len(files[name]), "sha256": sha(files[name]).hex()}
        need(listed[name] == told, f"{name}: is not the file that the manifest lists")
    for name in ("README.txt", "checkpoint", "policy.txt", "verify.py"):
        need(name in files, f"{name}: is missing")
    need(type(manifest.get("complete")) is bool, "manifest.json: does not say whether the bundle is complete")
    return manifest


def check_entries(files, manifest, checkpoint, keys):
    """Check every entry, its proof and its link to the one before; return what there is."""
    names = sorted((int(name[7:-5]), name) for name in files if name.startswith("events/"))
    need(names, "the bundle holds no entries: that proves nothing")
    proofs = {name for name in files if name.startswith("proofs/")}
    need(proofs == {f"proofs/{version:04}.tlog-proof" for version, _ in names}, "proofs: not one proof for each entry")
    counts = {"events": 0, "told": 0, "not_told": {}, "segments": {"opened": 0, "withheld": {}, "erased": 0}}
    before, before_made, before_told, links, stream = None, None, None, 0, manifest.get("case")
    for version, name in names:
        event = read_json(files[name], name)
        made = commitment_of(event, name)
        need(
            event["version"] == version and name == f"events/{version:04}.json",
            f"{name}: holds entry {event['version']}",
        )
        need(event.get("stream", stream) == stream, f"{name}: is of another case than the manifest names")
        need(
            not manifest["complete"] or version == (before["version"] + 1 if before else 1),
            f"{name}: the entry before it is missing, though the bundle is said to be complete",
        )
        if before:
            need(event["position"] > before["position"], f"{name}: stands before the entry it follows")
            late = before_told is None or "recorded_at" not in event or event["recorded_at"] >= before_told
            need(late, f"{name}: was recorded before an entry it follows")
            if version == before["version"] + 1 and "previous" in event:
                linked = unbase64(event["previous"], name, 32) == before_made
                need(linked, f"{name}: does not follow entry {before['version']} as it stands here")
                links += 1
        proof = f"proofs/{version:04}.tlog-proof"
        check_proof(files[proof], event, made, checkpoint, keys, proof)
        before, before_made, before_told = event, made, event.get("recorded_at", before_told)
        count(event, counts)
    need(manifest.get("counts") == counts, "manifest.json: counts something else than the bundle holds")
    need(manifest.get("position") == before["position"], "manifest.json: names another last position")
    told = {"case": stream, "complete": manifest["complete"], "counts": counts, "links": links}
    return {**told, "versions": [names[0][0], names[-1][0]], "simulated": manifest.get("simulated")}


def count(event, counts):
    counts["events"] += 1
    if "withheld" in event:
        counts["not_told"][event["withheld"]] = counts["not_told"].get(event["withheld"], 0) + 1
        return
    counts["told"] += 1
    segments = counts["segments"]
    for one in event["sealed"]:
        if "withheld" in one:
            segments["withheld"][one["withheld"]] = segments["withheld"].get(one["withheld"], 0) + 1
        else:
            segments["opened" if "plaintext" in one else "erased"] += 1


def check_ties(files, checkpoint, keys, report):
    """Check the other checkpoints, that each grew into the bundle's or out of it, and the time stamps over them."""
    heads = {checkpoint.size: checkpoint}
    for name in sorted(files):
        if name.startswith("checkpoints/"):
            other = Checkpoint(files[name], name)
            need(
                name == f"checkpoints/{other.size}" and other.size != checkpoint.size,
                f"{name}: holds another checkpoint",
            )
            need(other.origin == checkpoint.origin, f"{name}: is of another log")
            other.require(keys)
            old, new = sorted((other, checkpoint), key=lambda one: one.size)
            tie = f"consistency/{old.size}-{new.size}"
            need(
                tie in files and consistent(old, new, hashes(files[tie], tie)),
                f"{name}: is not shown to be of the same log",
            )
            heads[other.size] = other
    report["stamps"] = []
    for name in sorted(files):
        if name.startswith("stamps/"):
            size = int(name[7:-4].split("-")[0])
            need(size in heads, f"{name}: is over a checkpoint that is not here")
            try:
                time = stamp_time(files[name], heads[size].text)
            except (Failed, ValueError, IndexError, RecursionError) as error:
                raise Failed(f"{name}: {error if isinstance(error, Failed) else 'is no time stamp'}") from None
            report["stamps"].append({"size": size, "time": time.isoformat(), "file": name})
    if report["stamps"]:
        report["not_checked"].append(
            "who issued the time stamps: check each with `openssl ts -verify` and the issuer's certificate"
        )


def hashes(raw, where):
    return [unbase64(line, where, 32) for line in raw.decode("utf-8", "replace").split("\n")[:-1]]


def check_witnesses(checkpoint, policy, report):
    report["witnesses"] = []
    if policy is None:
        report["not_checked"].append("witnesses: give --policy to say whose signature you ask for")
        return
    try:
        signed = checkpoint.signed_by(policy[0].values())
    except Failed as error:
        raise Failed(f"checkpoint: {error}") from None
    need(
        policy[2] == "none" or quorum_met(policy[2], policy, signed),
        "checkpoint: too few of your witnesses have signed it",
    )
    for name, key in policy[0].items():
        if key in signed:
            report["witnesses"].append({"name": name, "time": signed[key]})


def check_kept(files, checkpoint, kept, keys, report):
    """Check that the checkpoint the user kept is of the same log and its beginning."""
    report["kept"] = None
    if kept is None:
        report["not_checked"].append("that the log is the one you saw before: give --checkpoint with one you kept")
        return
    need(kept.origin == checkpoint.origin, f"your checkpoint is of the log {kept.origin}, not {checkpoint.origin}")
    kept.require(keys)
    old, new = sorted((kept, checkpoint), key=lambda one: one.size)
    if old.size == new.size:
        need(
            old.root == new.root,
            "checkpoint: the log has shown you another one of the same size: keep both, they prove it",
        )
    else:
        tie = f"consistency/{old.size}-{new.size}"
        if tie not in files:
            report["not_checked"].append(
                f"your checkpoint of size {kept.size}: ask for a bundle made with --kept {kept.size}"
            )
            return
        need(
            consistent(old, new, hashes(files[tie], tie)),
            f"{tie}: the log you saw before is not the beginning of this one: keep both checkpoints",
        )
    report["kept"] = kept.size


def lines_of(report):
    """Return what was proven and what was not, in plain words."""
    counts, segments = report["counts"], report["counts"]["segments"]
    first, last = report["versions"]
    told, hidden = counts["told"], counts["events"] - counts["told"]
    yield f"OK: {counts['events']} of {counts['events']} entries stand unchanged in the log {report['origin']}."
    yield f"  log      size {report['size']}, root {report['root']}, signed by {', '.join(report['signed_by'])}"
    yield f"  case     {report['case']}, entries {first} to {last}"
    yield f"  entries  {told} told, {hidden} as fingerprints that tell nothing{codes(counts['not_told'])}"
    closed = f"{sum(segments['withheld'].values())} withheld{codes(segments['withheld'])}"
    yield f"  texts    {segments['opened']} open and as recorded, {closed}, {segments['erased']} erased"
    links = f"{report['links']} of {counts['events'] - 1} links from an entry to the one before it are shown"
    if not report["complete"]:
        yield "  chain    a selection: there may be other entries that are not mentioned"
    elif report["links"] == counts["events"] - 1:
        yield f"  chain    no entry is missing from 1 to {last}: {links}"
    else:
        yield f"  chain    {links}; the case of a fingerprint is shown by the entry after it alone"
    for one in report["witnesses"]:
        yield f"  witness  {one['name']} signed at {instant(one['time'])}"
    for one in report["stamps"]:
        yield f"  stamp    the log had size {one['size']} by {one['time']} ({one['file']})"
    if report["kept"]:
        yield f"  kept     your checkpoint of size {report['kept']} is of this same log"
    if report["simulated"]:
        yield "  NOTE     the log has a simulated clock: everything in it is fictional"
    for one in report["not_checked"]:
        yield f"Not checked: {one}."
    yield "Not proven by any bundle: that the entries are true, that everything was recorded, that there are no later"
    yield "entries, and who sat behind a login."


def instant(seconds):
    return (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=min(seconds, 2**37))).isoformat()


def codes(found):
    return f" ({', '.join(f'{name} {found[name]}' for name in sorted(found))})" if found else ""


def read_file(path, limit):
    try:
        with open(path, "rb") as file:
            raw = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise Unusable(f"{path}: cannot be read ({type(error).__name__})") from None
    if len(raw) > limit:
        raise Unusable(f"{path}: is larger than {limit} bytes")
    return raw


def read_keys(given):
    """Return the log's keys from the texts and files given."""
    found = []
    for one in given:
        is_key = re.fullmatch(r"[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}", one)
        lines = [one] if is_key else read_file(one, 1_000_000).decode("utf-8", "replace").split("\n")
        found += [Key(line.strip()) for line in lines if line.strip() and not line.startswith("#")]
    if not found:
        raise Unusable(
            "no key of the log: give --log-key with the key as the municipality publishes it, or a file with it. "
            "A key out of the bundle would prove nothing: whoever forges the one forges the other"
        )
    return found


def main(arguments=None):
    """Check a bundle; exit code 0: proven, 1: not, 2: called wrongly."""
    parser = argparse.ArgumentParser(prog="caseledger-verify", description="Check an evidence bundle of a case ledger.")
    parser.add_argument("bundle", metavar="BUNDLE.zip")
    parser.add_argument(
        "--log-key", action="append", default=[], metavar="KEY|FILE", help="the log's public key, from elsewhere"
    )
    parser.add_argument(
        "--policy", metavar="FILE", help="whose signatures as witnesses you ask for (c2sp.org/tlog-policy)"
    )
    parser.add_argument("--checkpoint", metavar="FILE", help="an earlier checkpoint of the log that you kept")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    options = parser.parse_args(arguments)
    code, answer = 0, {}
    try:
        keys = read_keys(options.log_key)
        policy = read_policy(read_file(options.policy, 1_000_000)) if options.policy else None
        kept = Checkpoint(read_file(options.checkpoint, 1_000_000), "your checkpoint") if options.checkpoint else None
        answer = verify(read_file(options.bundle, MAX_BUNDLE), keys, policy, kept)
    except Failed as error:
        code, answer = 1, {"failed": str(error)}
    except Unusable as error:
        code, answer = 2, {"unusable": str(error)}
    except (MemoryError, Exception) as error:  # whatever a forged bundle provokes: not green, and no stack trace
        code, answer = 1, {"failed": f"the bundle cannot be read ({type(error).__name__})"}
    if options.json:
        print(json.dumps({"proven": code == 0, **answer}))
    elif code == 0:
        print("\n".join(lines_of(answer)))
    else:
        print({1: "NOT PROVEN: ", 2: "caseledger-verify: "}[code] + next(iter(answer.values())), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
