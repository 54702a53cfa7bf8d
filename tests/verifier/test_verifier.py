"""The stand-alone verifier as its users run it: green on what is whole, and on nothing else; it names the place."""

import base64
import struct
import subprocess
import sys
import warnings
import zlib
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.proof.checkpoints import Checkpoint
from ledger.proof.notes import Note, SigningKey
from replay.bundle_zip import FIXED_TIME
from tests.verifier.bundles import VERIFIER, Files, changed, files_of, put_together, run, verdict
from tests.verifier.conftest import Made

FIRST, SECOND = "events/0001.json", "events/0002.json"


def loaded() -> ModuleType:
    """Return the verifier as a module, for what is asked thousands of times."""
    spec = spec_from_file_location("caseledger_verify", VERIFIER)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


INSIDE: Any = loaded()


def failing(content: bytes, *keys: str) -> str:
    """Return why the verifier, run inside this process, does not accept a bundle; fails where it does."""
    with pytest.raises(INSIDE.Failed) as refused:
        INSIDE.verify(content, [INSIDE.Key(key) for key in keys])
    return str(refused.value)


def careful(made: Made, files: Files, **lies: Any) -> str:
    """Return why a bundle that a careful forger put together again, hashes and counts and all, is not accepted."""
    return failing(put_together(files, **lies), *map(str, made.signer.vkeys))


def flipped(content: bytes, at: int = -20) -> bytes:
    """Return bytes with one bit changed."""
    changed_bytes = bytearray(content)
    changed_bytes[at] ^= 1
    return bytes(changed_bytes)


def zipped(files: Files, comment: bytes, **changes: Any) -> bytes:
    """Return files as a zip with whatever manifest they hold."""
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in files.items():
            info = ZipInfo(name, FIXED_TIME)
            info.compress_type, info.create_system, info.external_attr = ZIP_DEFLATED, 3, 0o100644 << 16
            for attribute, value in changes.items():
                setattr(info, attribute, value)
            archive.writestr(info, content)
        archive.comment = comment
    return out.getvalue()


def comment_of(content: bytes) -> bytes:
    """Return the comment of a zip."""
    with ZipFile(BytesIO(content)) as archive:
        return archive.comment


def test_a_whole_bundle_is_proven(made: Made, tmp_path: Path) -> None:
    """Nothing but the standard library, cryptography, the bundle and the log's key is needed; it says what it saw."""
    found = verdict(tmp_path, made.bundle.content, "--log-key", made.key)
    assert found.code == 0
    answer = found.answer
    assert answer["proven"] is True
    assert answer["counts"]["events"] == 29
    assert answer["counts"]["segments"]["opened"] == 7
    assert answer["links"] == 27
    assert answer["complete"] is True
    assert answer["size"] == made.bundle.size


def test_people_are_told_in_plain_words(made: Made, tmp_path: Path) -> None:
    """What was proven, what was not checked, and what no bundle proves."""
    path = tmp_path / "bundle.zip"
    path.write_bytes(made.bundle.content)
    command = [sys.executable, VERIFIER, path, "--log-key", made.key]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("OK: 29 of 29 entries stand unchanged in the log caseledger.local/")
    for words in ("28 told, 1 as fingerprints", "7 open and as recorded", "simulated clock", "Not checked: witnesses",
                  "Not proven by any bundle: that the entries are true"):  # fmt: skip
        assert words in done.stdout
    path.write_bytes(flipped(made.bundle.content, 5000))
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("NOT PROVEN: ")
    assert done.stderr.count("\n") == 1


def test_the_verifier_in_the_bundle_is_the_one_that_is_installed_alone(made: Made) -> None:
    """Byte for byte; so a user can compare them."""
    assert made.files["verify.py"] == VERIFIER.read_bytes()
    assert b"import replay" not in VERIFIER.read_bytes()
    assert not [line for line in VERIFIER.read_text().split("\n") if line.startswith(("from ledger", "from domain"))]


def test_the_log_key_comes_from_the_user(made: Made, tmp_path: Path) -> None:
    """Without one nothing is checked, though the bundle's policy holds the right one; another log's is of no use."""
    assert made.key.encode() in made.files["policy.txt"]
    without = verdict(tmp_path, made.bundle.content)
    assert without.code == 2
    assert "A key out of the bundle would prove nothing" in without.answer["unusable"]
    other = str(SigningKey.ed25519("ledger.eksempel.dk", bytes(32)).vkey)
    assert "none of your keys is of that log" in verdict(tmp_path, made.bundle.content, "--log-key", other).failed
    forged = str(SigningKey.ed25519(made.signer.origin, bytes(32)).vkey)
    assert "signed by none of the keys" in verdict(tmp_path, made.bundle.content, "--log-key", forged).failed


@pytest.mark.parametrize("given_key", ["", "x", "name+00000000+AAAA", "no such file"])
def test_a_key_that_is_none_is_refused(made: Made, tmp_path: Path, given_key: str) -> None:
    """Called wrongly: exit code 2 and one line."""
    assert verdict(tmp_path, made.bundle.content, "--log-key", given_key).code == 2


def test_keys_may_lie_in_a_file(made: Made, tmp_path: Path) -> None:
    """As the log publishes them, one line each; the ML-DSA signature is then checked as well."""
    keys = tmp_path / "log.vkey"
    keys.write_text("".join(f"{key}\n" for key in made.signer.vkeys))
    found = verdict(tmp_path, made.bundle.content, "--log-key", keys)
    assert found.code == 0
    assert len(found.answer["signed_by"]) == 2
    assert not [one for one in found.answer["not_checked"] if "ML-DSA" in one]


def test_every_file_with_a_changed_byte_is_named(made: Made) -> None:
    """Whoever changes one file and nothing else is found out by its hash in the manifest."""
    whole, comment = made.files, comment_of(made.bundle.content)
    for name in whole:
        told = failing(zipped({**whole, name: flipped(whole[name])}, comment), made.key)
        assert told.startswith(f"{name}: "), (name, told)


def test_every_proving_file_with_a_changed_byte_is_named_though_the_manifest_is_repaired(made: Made) -> None:
    """Manifest and count are not signed; what they list is, byte by byte."""
    whole = made.files
    proving = [name for name in whole if name.startswith(("events/", "proofs/", "checkpoint"))]
    assert len(proving) == 2 * 29 + 1
    for name in proving:
        for at in (10, len(whole[name]) // 2, -3):
            told = careful(made, {**whole, name: flipped(whole[name], at)})
            reason_alone = b'"withheld"' in whole[name] and told.startswith("manifest.json: counts something else")
            assert name.split(".")[0].split("/")[-1] in told or reason_alone, (name, at, told)


@pytest.mark.parametrize(
    "member", ["position", "version", "recorded_at", "topic", "stream", "actor", "blind", "previous"]
)
def test_each_member_of_an_entry_is_bound(made: Made, member: str) -> None:
    """Place, time, actor, kind and chain: none can be told otherwise."""

    def otherwise(event: dict[str, Any]) -> None:
        value = event[member]
        text = value if isinstance(value, str) else ""
        event[member] = value + 1 if isinstance(value, int) else _other_text(member, text)

    told = careful(made, changed(made.files, "events/0003.json", otherwise))
    assert "0003" in told


def _other_text(member: str, text: str) -> str:
    if member in ("blind", "previous"):
        return base64.b64encode(bytes(32)).decode()
    return text.replace(text[0], "f" if text[0] != "f" else "e", 1)


def test_each_text_is_bound_by_its_salt(made: Made) -> None:
    """Another text with the right salt, the right text with another salt, a text told to be erased beside the table."""

    def opened(event: dict[str, Any]) -> bool:
        return any("plaintext" in one for one in event.get("sealed", ()))

    name = next(n for n in made.files if n.startswith("events/") and opened(orjson.loads(made.files[n])))

    def lie(member: str, event: dict[str, Any]) -> None:
        one = next(one for one in event["sealed"] if "plaintext" in one)
        raw = base64.b64decode(one[member])
        one[member] = base64.b64encode(flipped(raw)).decode()

    for member in ("plaintext", "salt"):
        told = careful(made, changed(made.files, name, partial(lie, member)))
        assert told == f"{name}: the text of segment 1 is not the one recorded"

    def swallow(event: dict[str, Any]) -> None:
        event["sealed"].pop()

    assert "accounted for" in careful(made, changed(made.files, name, swallow))

    def erase(event: dict[str, Any]) -> None:
        event["sealed"][0] = {"erased": "key"}

    assert "counts something else" in careful(made, changed(made.files, name, erase))


def test_proofs_cannot_be_swapped(made: Made) -> None:
    """Each proof is of its entry."""
    first, second = "proofs/0001.tlog-proof", "proofs/0002.tlog-proof"
    whole = made.files
    told = careful(made, {**whole, first: whole[second], second: whole[first]})
    assert told == f"{first}: is the proof of another entry"


def test_a_removed_entry_is_missed(made: Made) -> None:
    """In a whole bundle by the gap in the versions, whatever the manifest counts; its last one by the counts alone."""
    whole = {n: c for n, c in made.files.items() if not n.endswith(("/0007.json", "/0007.tlog-proof"))}
    assert careful(made, whole).startswith("events/0008.json: the entry before it is missing")
    counts = orjson.loads(made.files["manifest.json"])["counts"]
    assert careful(made, whole, counts=counts | {"events": 28}).startswith("events/0008.json")
    without_file = {n: c for n, c in made.files.items() if n != "events/0007.json"}
    told = failing(zipped(without_file, comment_of(made.bundle.content)), made.key)
    assert told == "events/0007.json: is missing"
    last = {n: c for n, c in made.files.items() if not n.endswith(("/0029.json", "/0029.tlog-proof"))}
    assert careful(made, last).startswith("manifest.json: counts something else")


def test_no_entries_are_no_proof(made: Made) -> None:
    """A bundle without entries is not green, though everything else in it is right."""
    none = {n: c for n, c in made.files.items() if not n.startswith(("events/", "proofs/"))}
    nothing: dict[str, Any] = {"opened": 0, "withheld": {}, "erased": 0}
    counts: dict[str, Any] = {"events": 0, "told": 0, "not_told": {}, "segments": nothing}
    assert careful(made, none, counts=counts) == "the bundle holds no entries: that proves nothing"


@pytest.mark.parametrize("part", [0, 1, 21, 22, 100, 0.3, 0.5, 0.9, 0.999, -1, -21, -200, -3000])
def test_a_truncated_bundle_is_not_green(made: Made, part: float) -> None:
    """Wherever it was cut off."""
    content = made.bundle.content
    at = int(len(content) * part) if isinstance(part, float) else part
    assert failing(content[:at], made.key)


@pytest.mark.parametrize(
    ("lie", "told"),
    [
        ({"position": 1}, "names another last position"),
        ({"case": "00000000-0000-0000-0000-000000000001"}, "is of another case"),
        ({"case": "\x1b[31mOK"}, "damaged id"),
        ({"complete": "yes"}, "does not say whether"),
        ({"counts": {"events": 30}}, "counts something else"),
        ({"counts": None}, "counts something else"),
        ({"checkpoint": {"size": 274, "root": "AAAA"}}, "another checkpoint"),
        ({"checkpoint": None}, "another checkpoint"),
        ({"origin": "ledger.eksempel.dk"}, "another checkpoint"),
    ],
)
def test_a_lying_manifest_is_caught(made: Made, lie: dict[str, Any], told: str) -> None:
    """Counts, place, case, root: each is compared with what was checked."""
    assert told in careful(made, made.files, **lie)


def test_a_manifest_that_lists_other_files_is_caught(made: Made) -> None:
    """A file that is listed and missing, and one that is there and not listed."""
    manifest = orjson.loads(made.files["manifest.json"])
    listed = manifest["files"]
    fewer = {name: one for name, one in listed.items() if name != SECOND}
    more = listed | {"events/0099.json": listed[SECOND]}
    for files, told in ((fewer, f"{SECOND}: is not listed"), (more, "events/0099.json: is missing")):
        forged = {**made.files, "manifest.json": orjson.dumps(manifest | {"files": files})}
        count = f"caseledger-bundle/1 {len(forged)} {INSIDE.sha(forged['manifest.json']).hex()}".encode()
        assert failing(zipped(dict(sorted(forged.items())), count), made.key).startswith(told)


def test_a_checkpoint_that_somebody_else_signed_is_not_the_logs(made: Made) -> None:
    """A forger's own log of the same name, and the checkpoint of another origin, signed rightly."""
    text = made.files["checkpoint"].decode().split("\n\n")[0] + "\n"
    forger = SigningKey.ed25519(made.signer.origin, bytes(32))
    forged = str(Note(text).signed(forger.sign(text, 1))).encode()
    assert "signed by none of the keys" in careful(made, {**made.files, "checkpoint": forged})
    other = Checkpoint("ledger.eksempel.dk", made.bundle.size, bytes(32))
    signed = str(Note(other.text).signed(SigningKey.ed25519(other.origin, bytes(32)).sign(other.text, 1))).encode()
    assert "is of the log ledger.eksempel.dk" in careful(made, {**made.files, "checkpoint": signed})


def test_every_proof_carries_the_logs_signature(made: Made) -> None:
    """A proof whose own checkpoint has a damaged signature is named."""
    name = "proofs/0005.tlog-proof"
    assert careful(made, {**made.files, name: flipped(made.files[name], -5)}).startswith(name)


@pytest.mark.parametrize(
    "name",
    ["../outside", "/etc/outside", "events/../../x.json", "events\\1.json", "C:x", "EVENTS/0001.json", "events/",
     "blå.txt", "events/1.json"],
)  # fmt: skip
def test_a_file_of_any_other_name_is_refused(made: Made, name: str) -> None:
    """No path leads outside, for no file has a name that could."""
    content = put_together({**made.files, "events/9999.json": b"x"})
    swapped = zipped({**made.files, name: b"x"}, comment_of(content))
    assert "name" in failing(swapped, made.key) or "out of order" in failing(swapped, made.key)


def test_a_name_that_is_there_twice_is_refused(made: Made) -> None:
    """Which of two files counts would depend on who reads the zip."""
    out = BytesIO()
    with ZipFile(out, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for content in (b"x", b"y"):
            info = ZipInfo("README.txt", FIXED_TIME)
            info.external_attr, info.create_system = 0o100644 << 16, 3
            archive.writestr(info, content)
    assert "README.txt: is there twice" in failing(out.getvalue(), made.key)


@pytest.mark.parametrize(
    "changes",
    [{"create_system": 0}, {"external_attr": 0o120777 << 16}, {"extra": b"\x01\x00\x00\x00"}, {"internal_attr": 1},
     {"date_time": (2026, 1, 1, 0, 0, 0)}],
)  # fmt: skip
def test_a_zip_packed_anew_is_refused_in_the_end(made: Made, changes: dict[str, Any]) -> None:
    """Links, extra fields, times: a bundle has none, so nothing can hide there. The entries are looked at first."""
    comment = comment_of(made.bundle.content)
    assert failing(zipped(made.files, comment, **changes), made.key).startswith("the zip was packed anew")
    forged = zipped({**made.files, SECOND: flipped(made.files[SECOND])}, comment, **changes)
    assert failing(forged, made.key).startswith(f"{SECOND}: ")
    assert "what the end of the zip tells" in failing(zipped(made.files, b"", **changes), made.key)


def test_bytes_that_belong_to_no_file_are_refused(made: Made) -> None:
    """Before, behind or between the files."""
    content = made.bundle.content
    assert failing(b"x" + content, made.key)
    assert failing(content + b"x", made.key)
    with ZipFile(BytesIO(content)) as archive:
        second = archive.infolist()[1].header_offset
    assert failing(content[:second] + b"xxxx" + content[second:], made.key)


def test_a_zip_bomb_costs_no_memory(made: Made, tmp_path: Path) -> None:
    """A file that claims to be small and is not, and one that is absurdly large and says so."""
    huge = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(huge.compress(bytes(1_000_000)) for _ in range(300)) + huge.flush()
    for claimed in (100, 300_000_000):
        name = b"README.txt"
        crc = zlib.crc32(bytes(100))
        fields = (0, 8, 0, 33, crc, len(packed), claimed, len(name), 0)
        local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, *fields) + name + packed
        central = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 0x314, 20, *fields, 0, 0, 0, 0o100644 << 16, 0) + name
        end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(central), len(local), 0)
        told = verdict(tmp_path, local + central + end, "--log-key", made.key).failed
        assert told.startswith("README.txt: is absurdly" if claimed > 100 else "manifest.json: is missing"), told


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"\x00" * 1000, b"not a zip at all" * 100])
def test_what_is_no_bundle_is_not_green(made: Made, tmp_path: Path, content: bytes) -> None:
    """Whatever it is: exit code 1 and one line."""
    assert verdict(tmp_path, content, "--log-key", made.key).failed


def test_files_that_cannot_be_read_are_named(made: Made, tmp_path: Path) -> None:
    """The bundle, a policy, a kept checkpoint: exit code 2."""
    assert run(tmp_path, tmp_path / "none.zip", "--log-key", made.key).code == 2
    for option in ("--policy", "--checkpoint"):
        assert verdict(tmp_path, made.bundle.content, "--log-key", made.key, option, tmp_path / "none").code == 2


@pytest.mark.parametrize("name", [FIRST, "checkpoint", "proofs/0001.tlog-proof", "manifest.json"])
@pytest.mark.parametrize(
    "junk",
    [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"position": 1e999}', b"\n\n\n\n", b'{"a":1,"a":2}'],
)
def test_junk_in_place_of_a_file_is_refused_in_one_line(made: Made, name: str, junk: bytes) -> None:
    """Nothing that stands in a file leads to a stack trace."""
    files = {**made.files, name: junk}
    if name == "manifest.json":
        count = f"caseledger-bundle/1 {len(files)} {INSIDE.sha(junk).hex()}".encode()
        assert failing(zipped(files, count), made.key)
    else:
        assert careful(made, files)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_no_single_changed_byte_goes_unnoticed(made: Made, data: st.DataObject) -> None:
    """Anywhere in the archive, but for the bits that fill up the last byte of a packed file: they say nothing."""
    content = bytearray(made.bundle.content)
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    try:
        INSIDE.verify(bytes(content), [INSIDE.Key(made.key)])
    except INSIDE.Failed:
        return
    assert files_of(bytes(content)) == made.files


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_changed_byte_of_a_proving_file_goes_unnoticed_by_a_repaired_manifest(
    made: Made, data: st.DataObject
) -> None:
    """The forger repairs hashes and counts: what is signed stays signed."""
    names = [name for name in made.files if name.startswith(("events/", "proofs/"))] + ["checkpoint"]
    name = data.draw(st.sampled_from(names))
    content = bytearray(made.files[name])
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    assert careful(made, {**made.files, name: bytes(content)})
