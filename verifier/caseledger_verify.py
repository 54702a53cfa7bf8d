#!/usr/bin/env python3
"""Check an evidence bundle of a case ledger without its server: caseledger_verify.py BUNDLE.zip --log-key KEY.

Needs Python 3.9 and the package cryptography. The key comes from you, never from the bundle. Format: docs/bundle.md.
"""

from __future__ import annotations

import argparse
import json
import re
import struct
import sys
import zlib
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from io import BytesIO
from typing import Any
from uuid import UUID
from zipfile import BadZipFile, ZipFile, ZipInfo

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

try:
    from cryptography.hazmat.primitives.asymmetric import mldsa
except ImportError:  # an older package: signatures of this kind are then reported as not checked
    mldsa = None

FORMAT = "caseledger-bundle/1"
MAX_BUNDLE, MAX_FILE, MAX_WHOLE, MAX_MEMBERS, MAX_RATIO = 200_000_000, 20_000_000, 400_000_000, 65_000, 200
NAME = re.compile(
    r"README\.txt|manifest\.json|verify\.py|policy\.txt|checkpoint|checkpoints/[0-9]{1,19}|events/[0-9]{4,9}\.json"
    r"|consistency/[0-9]{1,19}-[0-9]{1,19}|proofs/[0-9]{4,9}\.tlog-proof|stamps/[0-9]{1,19}-[0-9]{1,4}\.tsr"
)
HIDDEN = {"position", "version", "commitment", "withheld"}
CLEAR = {"topic", "recorded_at", "actor", "blind", "previous", "segments", "clear", "sealed"}
TOLD = {"position", "stream", "version", *CLEAR}
ED25519, COSIGNATURE, ML_DSA = 1, 4, 6
KEY_BYTES = {ED25519: 32, COSIGNATURE: 32, ML_DSA: 1312}
BROKEN = (BadZipFile, EOFError, NotImplementedError, OverflowError, RuntimeError, ValueError, struct.error, zlib.error)
CODE = re.compile(r"[a-z_]{1,40}")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
NO_KEY = (
    "no key of the log: give --log-key with the key as the municipality publishes it, or a file with it. "
    "A key out of the bundle would prove nothing: whoever forges the one forges the other"
)
Object = dict[str, Any]


class Failed(Exception):
    """The bundle does not prove what it says; the message names the place."""


class Unusable(Exception):
    """Called wrongly: nothing was checked."""


def need(holds: object, message: str) -> None:
    """Raise Failed unless something holds."""
    if not holds:
        raise Failed(message)


def is_a(value: Any, kind: type) -> bool:
    """Whether a value of JSON is of a kind."""
    return isinstance(value, kind)


@contextmanager
def at(place: str) -> Generator[None, None, None]:
    """Let failures name a place."""
    try:
        yield
    except Failed as error:
        raise Failed(f"{place}: {error}") from None


def sha(*parts: bytes) -> bytes:
    """Return the SHA-256 of bytes one after the other."""
    return sha256(b"".join(parts)).digest()


def unbase64(text: Any, length: int | None = None) -> bytes:
    """Return the bytes of base64 in its one right form."""
    try:
        content = b64decode(text, validate=True)
    except (ValueError, TypeError):
        raise Failed("holds something that is not base64") from None
    need(b64encode(content).decode() == text, "holds base64 in another than its one right form")
    need(length is None or len(content) == length, f"holds {len(content)} bytes where {length} belong")
    return content


def decoded(raw: bytes) -> str:
    """Return text in UTF-8."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Failed("is not text") from None


class Archive:
    """A zip read as any tool reads it; that it is packed as bundles are is a question of its own, asked last."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.files: dict[str, bytes] = {}
        need(0 < raw.count(b"PK\x01\x02") <= 2 * MAX_MEMBERS, "the zip holds no files, or too many: is it truncated?")
        try:
            with ZipFile(BytesIO(raw)) as archive:
                self.members, self.comment = archive.infolist(), archive.comment
                need(len(self.members) <= MAX_MEMBERS, "the zip holds too many files")
                need(sum(one.file_size for one in self.members) <= MAX_WHOLE, "the zip unpacks to too much")
                for one in self.members:
                    self.files[one.filename] = self.content(archive, one)
        except BROKEN:
            raise Failed("the zip cannot be read: it is truncated, or not a bundle") from None

    def content(self, archive: ZipFile, one: ZipInfo) -> bytes:
        """Return the bytes of a file, never more than it says to have."""
        name, size = one.filename, one.file_size
        need(NAME.fullmatch(name), f"{json.dumps(name[:80])}: no file of a bundle has this name")
        with at(name):
            need(name not in self.files, "is there twice")
            need(size <= MAX_FILE and size <= max(2_000_000, one.compress_size * MAX_RATIO), "is absurdly large")
            try:
                with archive.open(one) as file:
                    content = file.read(size + 1)
            except BROKEN:
                raise Failed("does not unpack: its bytes were changed") from None
            need(len(content) == size, "is cut short")
        return content

    def is_as_made(self) -> bool:
        """Whether each byte is one that the files call for: in order of name, nothing before, between or behind."""
        files, directory = b"", b""
        for one in sorted(self.members, key=lambda each: each.filename):
            name, sizes = one.filename.encode(), (one.CRC, one.compress_size, one.file_size)
            same = struct.pack("<5H3I2H", 20, 0, one.compress_type, 0, 33, *sizes, len(name), 0)
            directory += b"PK\x01\x02\x14\x03" + same + struct.pack("<3H2I", 0, 0, 0, 0o100644 << 16, len(files)) + name
            files += b"PK\x03\x04" + same + name
            files += self.raw[len(files) : len(files) + one.compress_size]
        counts = len(self.members), len(self.members), len(directory), len(files), len(self.comment)
        return self.raw == files + directory + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, *counts) + self.comment


def read_json(raw: bytes) -> Object:
    """Return a JSON object in which no member is there twice."""

    def once(items: list[tuple[str, Any]]) -> Object:
        need(len({name for name, _ in items}) == len(items), "has a member twice")
        return dict(items)

    try:
        value = json.loads(raw.decode(), object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise Failed("is not JSON") from None
    need(isinstance(value, dict), "is not a JSON object")
    return value


class Key:
    """A public key by name: name+id+base64 of kind and key (c2sp.org/signed-note)."""

    def __init__(self, text: str) -> None:
        found = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})", text)
        try:
            raw = b64decode(found[3], validate=True) if found else b""
        except ValueError:
            raw = b""
        if not found or not raw or KEY_BYTES.get(raw[0]) != len(raw) - 1:
            raise Unusable("a key must be a line such as NAME+1a2b3c4d+BASE64, as the log publishes it")
        self.name, self.kind, self.public = found[1], raw[0], raw[1:]
        self.id = sha(self.name.encode(), b"\n", raw)[:4]
        if self.id.hex() != found[2]:
            raise Unusable(f"the id of key {self.name} is not that of its bytes: it was copied wrongly")

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}"

    def check(self, checkpoint: Checkpoint, blob: bytes) -> int:
        """Return the time of a signature over a checkpoint in seconds, 0 for a kind without one."""
        time, message = 0, checkpoint.text
        if self.kind != ED25519:
            time, blob = int.from_bytes(blob[:8], "big"), blob[8:]
            message = b"cosignature/v1\ntime %d\n" % time + message
        if self.kind == ML_DSA:
            name, origin = self.name.encode(), checkpoint.origin.encode()
            message = b"subtree/v1\n\0" + struct.pack(">B", len(name)) + name + struct.pack(">Q", time)
            message += (
                struct.pack(">B", len(origin)) + origin + struct.pack(">QQ", 0, checkpoint.size) + checkpoint.root
            )
        kind = mldsa.MLDSA44PublicKey if self.kind == ML_DSA and mldsa else Ed25519PublicKey
        try:
            kind.from_public_bytes(self.public).verify(blob, message)
        except (InvalidSignature, ValueError):
            raise Failed(f"the signature of {self} is not one of this key") from None
        return time


class Checkpoint:
    """Origin, size and root of a log, and the signatures below (c2sp.org/tlog-checkpoint)."""

    def __init__(self, raw: bytes) -> None:
        head, _, below = decoded(raw).partition("\n\n")
        lines, signed = head.split("\n"), below.split("\n")
        need(
            len(lines) == 3 and all(lines) and signed.pop() == "" and 0 < len(signed) <= 100, "is no signed checkpoint"
        )
        need(re.fullmatch(r"[1-9][0-9]{0,18}", lines[1]) and len(lines[0].encode()) < 256, "has no size or origin")
        self.origin, self.size, self.root, self.text = (
            lines[0],
            int(lines[1]),
            unbase64(lines[2], 32),
            f"{head}\n".encode(),
        )
        self.signatures: list[tuple[str, bytes]] = []
        for line in signed:
            words = line.split(" ")
            need(len(words) == 3 and words[0] == "\u2014" and words[1], "has a damaged signature line")
            self.signatures.append((words[1], unbase64(words[2])))

    def signed_by(self, keys: Sequence[Key]) -> dict[Key, int]:
        """Return the given keys that signed, each with its time; raises Failed where one is said to and did not."""
        found: dict[Key, int] = {}
        for key in keys:
            for name, blob in self.signatures:
                if (name, blob[:4]) == (key.name, key.id) and (key.kind != ML_DSA or mldsa):
                    found[key] = key.check(self, blob[4:])
        return found

    def require(self, keys: Sequence[Key]) -> dict[Key, int]:
        """Check that the log signed, by keys that the user gave."""
        known = [key for key in keys if key.name == self.origin]
        need(known, f"is of the log {self.origin}, and none of your keys is of that log")
        found = self.signed_by(known)
        missing = "is signed by none of the keys you gave; where the log's key was replaced, get all its keys"
        need(any(key.kind == ED25519 for key in found), missing)
        return found


def sides(place: int, last: int, steps: int) -> list[bool] | None:
    """Return for each step of a path to the root whether what is joined stands left (RFC 9162, 2.1.3.2 and 2.1.4.2).

    None for a path of another length than the tree calls for.
    """
    found: list[bool] = []
    for _ in range(steps):
        if last == 0:
            return None
        left = bool(place & 1) or place == last
        while left and not place & 1 and place:
            place, last = place >> 1, last >> 1
        found.append(left)
        place, last = place >> 1, last >> 1
    return found if last == 0 else None


def root_by(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes | None:
    """Return the root that a path leads to from a leaf."""
    turns = sides(index, size - 1, len(path))
    for sibling, left in zip(path, turns or ()):
        leaf = sha(b"\x01", sibling, leaf) if left else sha(b"\x01", leaf, sibling)
    return None if turns is None else leaf


def grew(one: Checkpoint, other: Checkpoint, path: Sequence[bytes]) -> bool:
    """Whether the smaller of two checkpoints of different sizes is the beginning of the larger."""
    old, new = sorted((one, other), key=lambda each: each.size)
    steps = [old.root, *path] if old.size & (old.size - 1) == 0 else list(path)
    place, last = old.size - 1, new.size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    turns = sides(place, last, len(steps) - 1) if steps else None
    if turns is None:
        return False
    first = second = steps[0]
    for hash_, left in zip(steps[1:], turns):
        first = sha(b"\x01", hash_, first) if left else first
        second = sha(b"\x01", hash_, second) if left else sha(b"\x01", second, hash_)
    return first == old.root and second == new.root


def hashes(raw: bytes) -> list[bytes]:
    """Return 32-byte hashes from a line of base64 each."""
    return [unbase64(line, 32) for line in decoded(raw).split("\n")[:-1]]


def commitment_of(event: Object) -> bytes:
    """Return the commitment of an entry, having hashed all that is told of it."""
    hidden = "withheld" in event
    need(set(event) == (HIDDEN if hidden else TOLD), "has other members than an entry has")
    for name in ("position", "version"):
        need(type(event[name]) is int and 0 < event[name] < 2**63, f"{name} is no such number")
    if hidden:
        need(
            isinstance(event["withheld"], str) and CODE.fullmatch(event["withheld"]),
            "has no code for why it is not told",
        )
        return unbase64(event["commitment"], 32)
    need(type(event["recorded_at"]) is int and abs(event["recorded_at"]) < 2**63, "recorded_at is no time")
    need(isinstance(event["topic"], str) and event["topic"].isprintable(), "has no topic")
    table, previous = unbase64(event["segments"]), unbase64(event["previous"], 32)
    need(event["version"] > 1 or previous == bytes(32), "the first entry of a case has none before it")
    check_segments(event, table)
    time, actor = struct.pack(">q", event["recorded_at"]), identifier(event["actor"])
    header = unbase64(event["blind"], 32) + time + actor + previous + table
    place = struct.pack(">q", event["position"]) + identifier(event["stream"]) + struct.pack(">q", event["version"])
    return sha(b"caseledger/v1 leaf\0", place, sha(event["topic"].encode()), sha(header))


def check_segments(event: Object, table: bytes) -> None:
    """Check the clear part and each open text against the table that the commitment binds."""
    count, clear, sealed = int.from_bytes(table[:2], "big"), unbase64(event["clear"]), event["sealed"]
    need(count > 0 and len(table) == 2 + 84 * count, "its segment table is damaged")
    lines = list(struct.iter_unpack(">16sI32s32s", table[2:]))
    need((len(clear), sha(clear)) == lines[0][1:3], "the clear part is not the one recorded")
    need(is_a(sealed, list) and len(sealed) == count - 1, "not every sealed segment is accounted for")
    for number, one in enumerate(sealed, start=1):
        need(is_a(one, dict), f"segment {number} is damaged")
        if set(one) == {"plaintext", "salt"}:
            opened = sha(b"caseledger/v1 pt\0", unbase64(one["salt"], 32), unbase64(one["plaintext"]))
            need(opened == lines[number][3], f"the text of segment {number} is not the one recorded")
        else:
            code = one.get("withheld", one.get("erased"))
            told = len(one) == 1 and is_a(code, str) and CODE.fullmatch(code)
            need(told, f"segment {number} is neither open nor withheld nor erased")


def identifier(text: Any) -> bytes:
    """Return the bytes of an id."""
    try:
        found = UUID(text)
    except (ValueError, AttributeError, TypeError):
        raise Failed("has a damaged id") from None
    need(str(found) == text, "has a damaged id")
    return found.bytes


class Bundle:
    """A bundle while it is checked: files, manifest, checkpoint, the user's keys, and the report so far."""

    def __init__(self, raw: bytes, keys: Sequence[Key]) -> None:
        self.archive = Archive(raw)
        self.files, self.keys = self.archive.files, keys
        need("manifest.json" in self.files, "manifest.json: is missing")
        with at("manifest.json"):
            self.manifest = read_json(self.files["manifest.json"])
            need(self.manifest.get("format") == FORMAT, "is of another format than this program knows")
            need(type(self.manifest.get("complete")) is bool, "does not say whether the bundle is complete")
            identifier(self.manifest.get("case"))
        self.check_files()
        with at("checkpoint"):
            self.checkpoint = Checkpoint(self.files["checkpoint"])
            signed = self.checkpoint.require(keys)
        self.proven_signatures: object = None
        self.report: Object = {"origin": self.checkpoint.origin, "signed_by": [str(key) for key in signed]}
        self.unchecked: list[str] = []
        if any(key.kind == ML_DSA for key in keys) and mldsa:
            need(any(key.kind == ML_DSA for key in signed), "checkpoint: is not signed by the ML-DSA key you gave")
        elif not any(key.kind == ML_DSA for key in signed):
            self.unchecked.append("the log's ML-DSA signature: you gave no such key, or cryptography is too old for it")

    def check_files(self) -> None:
        """Check that every file is as listed, and every listed file there."""
        listed: Any = self.manifest.get("files")
        need(isinstance(listed, dict), "manifest.json: lists no files")
        needed = {"README.txt", "checkpoint", "policy.txt", "verify.py"}
        for name in sorted(set(self.files) - {"manifest.json"} | set(listed) | needed):
            with at(name[:80]):
                need(name in self.files, "is missing")
                need(name in listed, "is not listed in the manifest")
                told = {"size": len(self.files[name]), "sha256": sha(self.files[name]).hex()}
                need(listed[name] == told, "is not the file that the manifest lists")

    def check_entries(self) -> None:
        """Check every entry, its proof and its link to the one before; then what the manifest counts."""
        names = sorted((int(name[7:-5]), name) for name in self.files if name.startswith("events/"))
        need(names, "the bundle holds no entries: that proves nothing")
        proofs = {name for name in self.files if name.startswith("proofs/")}
        need(proofs == {f"proofs/{version:04}.tlog-proof" for version, _ in names}, "proofs: not one for each entry")
        links, before, counts = 0, (Object(), b""), Counts()
        for version, name in names:
            with at(name):
                event = read_json(self.files[name])
                made = commitment_of(event)
                need(event["version"] == version and name[7:-5] == f"{version:04}", f"holds entry {event['version']}")
                need(event.get("stream", self.manifest.get("case")) == self.manifest.get("case"), "is of another case")
                links += self.follows(event, *before)
            with at(f"proofs/{version:04}.tlog-proof"):
                self.check_proof(self.files[f"proofs/{version:04}.tlog-proof"], event, made)
            counts.add(event)
            before = ({"recorded_at": before[0].get("recorded_at"), **event}, made)
        with at("manifest.json"):
            head = {"size": self.checkpoint.size, "root": b64encode(self.checkpoint.root).decode()}
            same = self.manifest.get("checkpoint") == head and self.manifest.get("origin") == self.checkpoint.origin
            need(same, "tells of another checkpoint than the bundle holds")
            need(self.manifest.get("counts") == counts.told(), "counts something else than the bundle holds")
            need(self.manifest.get("position") == before[0]["position"], "names another last position")
        told = {name: self.manifest.get(name) for name in ("case", "complete", "counts", "simulated")}
        self.report.update(head, **told, links=links, versions=[names[0][0], names[-1][0]])

    def follows(self, event: Object, before: Object, made: bytes) -> bool:
        """Check that an entry follows the one before it; whether a link from it shows that."""
        next_one = event["version"] == before.get("version", 0) + 1
        need(
            next_one or not self.manifest["complete"],
            "the entry before it is missing, though the bundle is said to be complete",
        )
        if not before:
            return False
        need(event["position"] > before["position"], "stands before the entry it follows")
        since = before["recorded_at"]
        need(since is None or event.get("recorded_at", since) >= since, "was recorded before an entry it follows")
        linked = next_one and "previous" in event
        same = not linked or unbase64(event["previous"]) == made
        need(same, f"does not follow entry {before['version']} as it stands here")
        return linked

    def check_proof(self, raw: bytes, event: Object, made: bytes) -> None:
        """Check that a proof leads from an entry to the checkpoint, and that the log signed the one in it."""
        above, _, below = decoded(raw).partition("\n\n")
        lines = above.split("\n")
        need(lines[0] == "c2sp.org/tlog-proof@v1" and 2 <= len(lines) <= 65, "is no proof")
        need(lines[1] == f"index {event['position'] - 1}", "is the proof of another entry")
        own = Checkpoint(below.encode())
        need(own.text == self.checkpoint.text, "is about another checkpoint")
        if own.signatures != self.proven_signatures:
            own.require(self.keys)
            self.proven_signatures = own.signatures
        need(event["position"] <= own.size, "its checkpoint is older than the entry")
        path = [unbase64(line, 32) for line in lines[2:]]
        root = root_by(event["position"] - 1, own.size, sha(b"\0\x01", made), path)
        need(root == own.root, f"entry {event['version']} is not in the log as it stands here")

    def check_packing(self) -> None:
        """Check that this is the bundle as it was made, now that its entries are known to hold."""
        told = f"{FORMAT} {len(self.files)} {sha(self.files['manifest.json']).hex()}".encode()
        whole = self.archive.comment == told
        need(
            whole, "manifest.json: it, or the number of files, is not what the end of the zip tells: files are missing"
        )
        need(self.archive.is_as_made(), "the zip was packed anew, though its entries hold: ask for it as it was made")

    def check_ties(self, policy: Policy | None, kept: Checkpoint | None) -> None:
        """Check what else is signed: other checkpoints, time stamps, witnesses, and the checkpoint the user kept."""
        heads = {self.checkpoint.size: self.checkpoint}
        for name in (name for name in self.files if name.startswith("checkpoints/")):
            with at(name):
                other = Checkpoint(self.files[name])
                fits = other.size != self.checkpoint.size and name == f"checkpoints/{other.size}"
                need(fits and other.origin == self.checkpoint.origin, "holds another checkpoint, or one of another log")
                other.require(self.keys)
                need(self.tied(other), "is not shown to be of the same log")
                heads[other.size] = other
        self.report["stamps"] = [self.stamp(name, heads) for name in sorted(self.files) if name.startswith("stamps/")]
        if self.report["stamps"]:
            self.unchecked.append("who issued the time stamps: use `openssl ts -verify` and the issuer's certificate")
        with at("checkpoint"):
            self.report["witnesses"] = policy.check(self.checkpoint) if policy else []
        if not policy:
            self.unchecked.append("witnesses: give --policy to say whose signature you ask for")
        self.report["kept"] = kept.size if kept and self.is_ours(kept) else None
        if not kept:
            self.unchecked.append("that the log is the one you saw before: give --checkpoint with one you kept")

    def tied(self, other: Checkpoint) -> bool | None:
        """Whether a checkpoint of another size is of this same log; None where the bundle holds no proof of it."""
        old, new = sorted((other.size, self.checkpoint.size))
        path = self.files.get(f"consistency/{old}-{new}")
        return None if path is None else grew(other, self.checkpoint, hashes(path))

    def stamp(self, name: str, heads: dict[int, Checkpoint]) -> Object:
        """Return what a time stamp says."""
        size = int(name[7:-4].split("-")[0])
        with at(name):
            need(size in heads, "is over a checkpoint that is not here")
            try:
                time = stamp_time(self.files[name], heads[size].text)
            except (ValueError, IndexError):
                raise Failed("is no time stamp") from None
        return {"size": size, "time": time.isoformat(), "file": name}

    def is_ours(self, kept: Checkpoint) -> bool:
        """Whether the checkpoint that the user kept is shown to be of this log; raises Failed where it is not."""
        with at("your checkpoint"):
            need(kept.origin == self.checkpoint.origin, f"is of the log {kept.origin}")
            kept.require(self.keys)
            tied = kept.root == self.checkpoint.root if kept.size == self.checkpoint.size else self.tied(kept)
            need(
                tied is not False, "is not the beginning of this one: keep both, they prove that the log was rewritten"
            )
        if tied is None:
            self.unchecked.append(f"your checkpoint of size {kept.size}: ask for a bundle made with --kept {kept.size}")
        return tied is True


class Counts:
    """Entries and segments by what is told of them."""

    def __init__(self) -> None:
        self.entries, self.segments = Counter[str](), Counter[str]()
        self.opened = self.erased = 0

    def add(self, event: Object) -> None:
        """Count an entry."""
        self.entries[event.get("withheld", "")] += 1
        for one in event.get("sealed", ()):
            self.opened += "plaintext" in one
            self.erased += "erased" in one
            self.segments.update([one["withheld"]] if "withheld" in one else [])

    def told(self) -> Object:
        """Return the counts as a manifest tells them."""
        segments = {"opened": self.opened, "withheld": dict(self.segments), "erased": self.erased}
        told = self.entries.pop("", 0)
        events = told + sum(self.entries.values())
        return {"events": events, "told": told, "not_told": dict(self.entries), "segments": segments}


def parts(raw: bytes) -> list[tuple[int, bytes]]:
    """Return tag and content of each value of DER one after the other."""
    found: list[tuple[int, bytes]] = []
    while raw:
        length, begin = raw[1], 2
        if length & 128:
            begin += length & 127
            need(3 <= begin <= 6, "is damaged")
            length = int.from_bytes(raw[2:begin], "big")
        need(begin + length <= len(raw), "is cut short")
        found.append((raw[0], raw[begin : begin + length]))
        raw = raw[begin + length :]
    return found


def stamp_time(token: bytes, text: bytes) -> datetime:
    """Return the time in an RFC 3161 token or answer over a text; raises Failed where it is over something else."""
    outer = parts(parts(token)[0][1])
    content = outer if outer[0][0] == 6 else parts(outer[1][1])
    signed = parts(parts(content[1][1])[0][1])
    info = parts(parts(parts(parts(signed[2][1])[1][1])[0][1])[0][1])
    imprint = parts(info[2][1])
    need(parts(imprint[0][1])[0][1] == bytes.fromhex("608648016503040201"), "is not over SHA-256")
    need(imprint[1][1] == sha(text), "is over something else than the checkpoint")
    return datetime.strptime(info[4][1].decode("ascii")[:14], "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)


class Policy:
    """Whose signatures as witnesses are asked for (c2sp.org/tlog-policy)."""

    def __init__(self, raw: bytes) -> None:
        self.witnesses: dict[str, Key] = {}
        self.groups: dict[str, tuple[int, list[str]]] = {}
        self.quorum = ""
        for number, line in enumerate(raw.decode("utf-8", "replace").split("\n"), start=1):
            words = line.split()
            if words and not words[0].startswith("#") and words[0] != "log" and not self.takes(*words):
                raise Unusable(f"policy, line {number}: cannot be read")
        if not self.quorum:
            raise Unusable("the policy has no quorum line")

    def takes(self, kind: str, name: str = "", *more: str) -> bool:
        """Take one line; whether it could be read."""
        known = {*self.witnesses, *self.groups}
        if kind == "quorum" and not more and not self.quorum and name in {"none", *known}:
            self.quorum = name
        elif kind == "witness" and 1 <= len(more) <= 2 and name not in known:
            self.witnesses[name] = Key(more[0])
        elif kind == "group" and len(more) > 1 and name not in known and known.issuperset(more[1:]):
            many = {"all": str(len(more) - 1), "any": "1"}.get(more[0], more[0])
            if not re.fullmatch(r"[1-9][0-9]{0,3}", many) or int(many) >= len(more):
                return False
            self.groups[name] = (int(many), list(more[1:]))
        else:
            return False
        return True

    def check(self, checkpoint: Checkpoint) -> list[Object]:
        """Return the witnesses that signed, each with its time; raises Failed where they are too few."""
        signed = checkpoint.signed_by(list(self.witnesses.values()))
        need(self.quorum == "none" or self.met(self.quorum, signed), "too few of your witnesses have signed it")
        return [{"name": name, "time": signed[key]} for name, key in self.witnesses.items() if key in signed]

    def met(self, name: str, signed: dict[Key, int]) -> bool:
        """Whether a witness or group has signed."""
        if name in self.witnesses:
            return self.witnesses[name] in signed
        needed, members = self.groups[name]
        return sum(self.met(one, signed) for one in members) >= needed


def verify(raw: bytes, keys: Sequence[Key], policy: Policy | None = None, kept: Checkpoint | None = None) -> Object:
    """Return what a bundle proves; raises Failed at the first thing that is not as it should be."""
    bundle = Bundle(raw, keys)
    bundle.check_entries()
    bundle.check_ties(policy, kept)
    bundle.check_packing()
    return {**bundle.report, "not_checked": bundle.unchecked}


def lines_of(report: Object) -> Iterator[str]:
    """Yield what was proven and what was not, in plain words."""
    counts, segments, (first, last) = report["counts"], report["counts"]["segments"], report["versions"]
    told, every = counts["told"], counts["events"]
    if told:
        yield f"OK: {every} of {every} entries stand unchanged in the log {report['origin']}."
    else:
        yield f"OK: {every} fingerprints stand in the log {report['origin']}; the bundle tells nothing of the entries."
    yield f"  log      size {report['size']}, root {report['root']}, signed by {', '.join(report['signed_by'])}"
    yield f"  case     {report['case']}, entries {first} to {last}"
    yield f"  entries  {told} told, {every - told} as fingerprints that tell nothing{codes(counts['not_told'])}"
    closed = f"{sum(segments['withheld'].values())} withheld{codes(segments['withheld'])}"
    yield f"  texts    {segments['opened']} open and as recorded, {closed}, {segments['erased']} erased"
    links = f"{report['links']} of {every - 1} links from an entry to the one before it are shown"
    if not report["complete"]:
        yield "  chain    a selection: there may be other entries that are not mentioned"
    elif report["links"] == every - 1:
        yield f"  chain    no entry is missing from 1 to {last}: {links}"
    else:
        yield f"  chain    {links}; the case of a fingerprint is shown by the entry after it alone"
    for one in report["witnesses"]:
        yield f"  witness  {one['name']} signed at {(EPOCH + timedelta(seconds=min(one['time'], 2**37))).isoformat()}"
    for one in report["stamps"]:
        yield f"  stamp    says that the log had size {one['size']} by {one['time']} ({one['file']})"
    if report["kept"]:
        yield f"  kept     your checkpoint of size {report['kept']} is of this same log"
    if report["simulated"]:
        yield "  NOTE     the log has a simulated clock: everything in it is fictional"
    for one in report["not_checked"]:
        yield f"Not checked: {one}."
    yield "Not proven by any bundle: that the entries are true, that everything was recorded, that there are no later"
    yield "entries, and who sat behind a login."


def codes(found: dict[str, int]) -> str:
    """Return codes with how often each is there."""
    return f" ({', '.join(f'{name} {found[name]}' for name in sorted(found))})" if found else ""


def read_file(path: str, limit: int = 1_000_000) -> bytes:
    """Return the bytes of a file that the user named."""
    try:
        with open(path, "rb") as file:
            raw = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise Unusable(f"{path}: cannot be read ({type(error).__name__})") from None
    if len(raw) > limit:
        raise Unusable(f"{path}: is larger than {limit} bytes")
    return raw


def read_keys(given: Sequence[str]) -> list[Key]:
    """Return the log's keys from the texts and files given."""
    lines: list[str] = []
    for one in given:
        is_key = re.fullmatch(r"[^\s+]+\+[0-9a-f]{8}\+\S+", one)
        lines += [one] if is_key else read_file(one).decode("utf-8", "replace").split("\n")
    found = [Key(line.strip()) for line in lines if line.strip() and not line.startswith("#")]
    if not found:
        raise Unusable(NO_KEY)
    return found


def checked(options: argparse.Namespace) -> Object:
    """Return what the bundle that was named proves."""
    keys = read_keys(options.log_key)
    policy = Policy(read_file(options.policy)) if options.policy else None
    with at("your checkpoint"):
        kept = Checkpoint(read_file(options.checkpoint)) if options.checkpoint else None
    return verify(read_file(options.bundle, MAX_BUNDLE), keys, policy, kept)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a bundle; exit code 0: proven, 1: not, 2: called wrongly."""
    parser = argparse.ArgumentParser(prog="caseledger-verify", description="Check an evidence bundle of a case ledger.")
    parser.add_argument("bundle", metavar="BUNDLE.zip")
    parser.add_argument(
        "--log-key", action="append", default=[], metavar="KEY|FILE", help="the log's key, from elsewhere"
    )
    parser.add_argument("--policy", metavar="FILE", help="whose signatures as witnesses you ask for (tlog-policy)")
    parser.add_argument("--checkpoint", metavar="FILE", help="an earlier checkpoint of the log that you kept")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    options = parser.parse_args(arguments)
    code, answer = 0, Object()
    try:
        answer = checked(options)
    except Failed as error:
        code, answer = 1, {"failed": str(error)}
    except Unusable as error:
        code, answer = 2, {"unusable": str(error)}
    except Exception as error:  # whatever a forged bundle provokes: not green, and no stack trace
        code, answer = 1, {"failed": f"the bundle cannot be read ({type(error).__name__})"}
    if options.json:
        print(json.dumps({"proven": code == 0, **answer}))
    elif code:
        told = f"{'NOT PROVEN' if code == 1 else 'caseledger-verify'}: {next(iter(answer.values()))}"
        print(plain(told), file=sys.stderr)
    else:
        print("\n".join(map(plain, lines_of(answer))))
    return code


def plain(text: str) -> str:
    """Return text that says nothing to a terminal but its letters."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


if __name__ == "__main__":
    sys.exit(main())
