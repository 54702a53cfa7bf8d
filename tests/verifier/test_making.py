"""Making bundles: the same bytes twice, told as far as the decision goes, still green after erasures and rotations."""

import base64
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from api.opening import Place
from domain.errors import Malformed, Refused
from ledger.errors import RecordDamaged
from ledger.proof.growing import SQL
from ledger.proof.notes import COSIGNATURE, SigningKey
from ledger.proof.records import ProofRecords
from ledger.proof.signer import FileSigner
from ledger.store import Ledger
from replay.bundle import NoSuchCase, NotProvenYet, Prepared, Wish, make_bundle
from tests.ledger.samples import connected, unhindered
from tests.verifier.bundles import Files, bundle_of, files_of, put_together, verdict
from tests.verifier.family import Family, family_in
from tests.verifier.test_verifier import INSIDE

OWN, OTHERS = "Alma-Eksempel-fortalte-4711", "Bent-Eksempel-fortalte-4712"


@pytest.fixture
def family(simulated: Place, simulated_ledger: Ledger, tmp_path: Path) -> Family:
    """A case of its own, published."""
    return family_in(simulated, simulated_ledger, tmp_path / "signer")


@pytest.fixture
def real_family(real: Place, ledger: Ledger, tmp_path: Path) -> Family:
    """The same in a ledger on the database's clock."""
    return family_in(real, ledger, tmp_path / "signer")


def told(files: Files) -> bytes:
    """Return everything that a bundle tells in clear, base64 undone."""
    found = bytearray()
    for name, content in files.items():
        found += content
        if name.startswith("events/"):
            event = orjson.loads(content)
            texts = [event.get("clear", ""), *(one.get("plaintext", "") for one in event.get("sealed", ()))]
            found += b"".join(map(base64.b64decode, texts))
    return bytes(found)


def manifest(files: Files) -> dict[str, Any]:
    """Return the manifest."""
    return orjson.loads(files["manifest.json"])


def event(files: Files, version: int) -> dict[str, Any]:
    """Return what a bundle holds of an entry."""
    return orjson.loads(files[f"events/{version:04}.json"])


def test_the_same_decision_gives_the_same_bytes(family: Family) -> None:
    """Also after others have recorded, looked and published: the checkpoint is the first that holds the entries."""
    family.note("parent-A", OWN)
    answer = family.answered()
    instant = family.ledger.now()
    first = family.bundle(answer, known_at=None)
    family.publish()
    assert bundle_of(family.ledger, Wish(family.case, answer=answer)).content == first.content
    upto = first.position
    family.note("parent-A", "later")
    family.publish()
    wish = Wish(family.case, instant, answer)
    again = [make_bundle(Prepared(family.ledger, wish, upto, family.ledger.now())).content for _ in range(2)]
    assert again[0] == again[1]
    assert bundle_of(family.ledger, Wish(family.case, answer=answer)).content != first.content


def test_only_what_the_decision_is_about_is_open(family: Family, tmp_path: Path) -> None:
    """The mother's text is there, the father's is not, nor is any name, and the bundle is proven."""
    own, others = family.note("parent-A", OWN), family.note("parent-B", OTHERS)
    bundle = family.bundle(family.answered())
    files = files_of(bundle.content)
    assert OWN.encode() in told(files)
    assert OTHERS.encode() not in told(files)
    assert b"Alma Eksempel" not in told(files)
    assert [set(one) for one in event(files, own)["sealed"]] == [{"plaintext", "salt"}]
    assert event(files, others).keys() == {"position", "version", "commitment", "withheld"}
    assert event(files, others)["withheld"] == "other_person"
    assert bundle.subjects == (family.file.persons["parent-A"].person,)
    found = verdict(tmp_path, bundle.content, "--log-key", family.key)
    assert (found.code, found.answer["counts"]["not_told"]) == (0, {"other_person": 1})


def test_without_a_decision_a_bundle_proves_and_tells_nothing(real_family: Family, tmp_path: Path) -> None:
    """Not even which kinds of entries there are: a fingerprint each, that whoever gets the entry can compare."""
    real_family.note("parent-A", OWN)
    bundle = real_family.bundle()
    files = files_of(bundle.content)
    assert OWN.encode() not in told(files)
    assert b"note_recorded" not in told(files)
    assert b"parent-A" not in told(files)
    assert manifest(files)["counts"]["not_told"] == {"no_access_decision": 2}
    assert bundle.grant is None
    found = verdict(tmp_path, bundle.content, "--log-key", real_family.key)
    assert (found.code, found.answer["counts"]["told"], found.answer["links"]) == (0, 0, 0)
    row = real_family.ledger.read_stream(real_family.case)[1]
    assert event(files, 2)["commitment"] == base64.b64encode(row.commitment).decode()


def test_no_name_of_a_file_says_anything_of_a_person(family: Family) -> None:
    """Numbers alone."""
    family.note("parent-A", OWN)
    names = " ".join(files_of(family.bundle(family.answered()).content))
    assert not {"parent", "S-77", "Eksempel", str(family.case)} & set(names.replace("/", " ").split())
    assert str(family.case) not in names


def test_a_partly_granting_answer_opens_only_what_is_named(family: Family, tmp_path: Path) -> None:
    """What such an answer leaves out stands in a text; so the entries it grants are named, or there is no bundle."""
    own = family.note("parent-A", OWN)
    family.note("parent-A", "left out")
    answer = family.answered(outcome="partly_granted")
    family.publish()
    with pytest.raises(Refused, match="name the entries it grants"):
        bundle_of(family.ledger, Wish(family.case, answer=answer))
    files = files_of(bundle_of(family.ledger, Wish(family.case, answer=answer, entries=frozenset({own}))).content)
    assert OWN.encode() in told(files)
    assert b"left out" not in told(files)


def test_a_selection_says_nothing_of_what_lies_between(family: Family, tmp_path: Path) -> None:
    """No commitment, version or count of others; what cannot be hidden is the number and the fingerprint before."""
    own = family.note("parent-A", OWN)
    secret = family.note("parent-B", OTHERS)
    later = family.note("parent-A", "later")
    answer = family.answered()
    bundle = family.bundle(answer, entries=frozenset({own, later}))
    files = files_of(bundle.content)
    assert [name for name in files if name.startswith("events/")] == [f"events/{v:04}.json" for v in (own, later)]
    assert manifest(files)["complete"] is False
    assert manifest(files)["counts"]["events"] == 2
    assert manifest(files)["position"] == event(files, later)["position"]
    assert bundle.version == later
    between = family.ledger.read_stream(family.case)[secret - 1]
    assert base64.b64encode(between.commitment).decode() == event(files, later)["previous"], "cannot be hidden"
    assert base64.b64encode(between.commitment) not in b"".join(c for n, c in files.items() if "events" not in n)
    assert "Der kan være huller, som ikke må" in files["README.txt"].decode().replace("\n", " ")
    found = verdict(tmp_path, bundle.content, "--log-key", family.key)
    assert (found.code, found.answer["complete"], found.answer["links"]) == (0, False, 0)
    as_whole = put_together(files, complete=True)
    assert "said to be complete" in verdict(tmp_path, as_whole, "--log-key", family.key).failed


@pytest.mark.parametrize("entries", [frozenset[int](), frozenset({0}), frozenset({2, 99})])
def test_entries_that_are_not_there_are_refused(family: Family, entries: frozenset[int]) -> None:
    """Rather than leaving them out without a word."""
    family.note("parent-A", OWN)
    with pytest.raises(Malformed, match="/entries"):
        family.bundle(family.answered(), entries=entries)


def test_a_case_that_is_too_long_is_handed_out_in_parts(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than in a zip that its readers cannot list."""
    family.note("parent-A", OWN)
    monkeypatch.setattr("replay.bundle.MOST_ENTRIES", 1)
    family.publish()
    with pytest.raises(Refused, match="at most 1 entries"):
        bundle_of(family.ledger, Wish(family.case))
    assert bundle_of(family.ledger, Wish(family.case, entries=frozenset({2}))).version == 2


def test_what_is_not_in_a_checkpoint_makes_no_bundle(family: Family) -> None:
    """Nothing goes out that cannot be proven."""
    family.note("parent-A", OWN)
    with pytest.raises(NotProvenYet, match="No checkpoint"):
        bundle_of(family.ledger, Wish(family.case))
    with pytest.raises(NoSuchCase):
        bundle_of(family.ledger, Wish(family.case), upto=1)


def test_a_record_that_was_changed_makes_no_bundle(family: Family) -> None:
    """What is not as it was recorded is not handed out as proof."""
    version = family.note("parent-A", OWN)
    family.publish()
    with connected(family.place) as connection, unhindered(connection, keep=True):
        connection.execute(
            "UPDATE ledger.event SET state = set_byte(state, 0, 65) WHERE stream = %s AND version = %s",
            [family.case, version],
        )
    with pytest.raises(RecordDamaged):
        bundle_of(family.ledger, Wish(family.case))


def test_an_erased_person_still_proves(family: Family, tmp_path: Path) -> None:
    """Their texts are gone, entries and hashes stay; bundles of the others and those made before stay green."""
    family.note("parent-A", OWN)
    theirs = family.note("parent-B", OTHERS)
    before = family.bundle(family.answered(by="parent-B", about="parent-B"))
    assert OTHERS.encode() in told(files_of(before.content))
    family.erase("parent-B")
    after = family.bundle(family.answered(by="parent-B", about="parent-B"))
    assert OTHERS.encode() not in told(files_of(after.content))
    assert event(files_of(after.content), theirs)["sealed"] == [{"erased": "key"}]
    others = family.bundle(family.answered())
    assert OWN.encode() in told(files_of(others.content))
    for bundle in (before, after, others):
        assert verdict(tmp_path, bundle.content, "--log-key", family.key).code == 0


def test_an_erased_case_still_proves(family: Family, tmp_path: Path) -> None:
    """Nothing is open in it any more, and every entry stands where it stood."""
    family.note("parent-A", OWN)
    answer = family.answered()
    family.erase(None)
    bundle = family.bundle(answer)
    files = files_of(bundle.content)
    assert OWN.encode() not in told(files)
    assert manifest(files)["counts"]["segments"]["opened"] == 0
    assert manifest(files)["counts"]["segments"]["erased"] > 0
    assert verdict(tmp_path, bundle.content, "--log-key", family.key).code == 0


def test_a_missing_key_is_said_to_be_missing(family: Family, tmp_path: Path) -> None:
    """It is not called erased."""
    own = family.note("parent-A", OWN)
    answer = family.answered()
    key = family.file.persons["parent-A"].key
    (path,) = (tmp_path / "home").rglob(f"{key}.key")
    path.unlink()
    bundle = family.bundle(answer)
    assert event(files_of(bundle.content), own)["sealed"] == [{"withheld": "key_missing"}]
    assert verdict(tmp_path, bundle.content, "--log-key", family.key).code == 0


def test_a_kept_checkpoint_is_shown_to_be_of_the_same_log(family: Family, tmp_path: Path) -> None:
    """Who kept a checkpoint sees that this log grew out of it; a rewritten one, or another, is found out."""
    kept = ProofRecords(family.ledger).latest()
    assert kept is not None
    path = tmp_path / "kept"
    path.write_text(str(kept.note))
    family.note("parent-A", OWN)
    size = kept.checkpoint.size
    options: list[Any] = ["--log-key", family.key, "--checkpoint", path]
    found = verdict(tmp_path, family.bundle(kept=size).content, *options)
    assert (found.code, found.answer["kept"]) == (0, size)
    without = verdict(tmp_path, bundle_of(family.ledger, Wish(family.case)).content, *options)
    assert (without.code, without.answer["kept"]) == (0, None)
    assert [one for one in without.answer["not_checked"] if f"--kept {size}" in one]
    key = next(key for key in _keys_in(family.signer, tmp_path) if key.vkey.kind == 1)
    text = f"{family.signer.origin}\n{size}\n{base64.b64encode(bytes(32)).decode()}\n"
    path.write_text(f"{text}\n{key.sign(text, 1)}")
    told_other = verdict(tmp_path, bundle_of(family.ledger, Wish(family.case, kept=size)).content, *options)
    assert "is not the beginning of this one: keep both" in told_other.failed
    with pytest.raises(Malformed, match="/kept"):
        bundle_of(family.ledger, Wish(family.case, kept=10**6))


def _keys_in(signer: FileSigner, folder: Path) -> list[SigningKey]:
    """Return the Ed25519 keys in a signer's folder: what somebody has who took it."""
    found = [path.read_bytes() for path in sorted((folder / "signer" / "keys").glob("*.key"))]
    return [SigningKey.ed25519(signer.origin, one[1:], one[0]) for one in found if one[0] == 1]


def test_a_rotated_key_is_asked_for(family: Family, tmp_path: Path) -> None:
    """A bundle from before verifies with the old key, one from after with the new; a file of both does for all."""
    old = family.key
    before = family.bundle()
    family.signer.begin_rotation()
    family.signer.end_rotation()
    new = family.key
    family.note("parent-A", OWN)
    with connected(family.place) as connection:
        connection.execute(SQL["write_key"], [new, before.size])
    after = family.bundle()
    both = tmp_path / "log.vkey"
    both.write_text(f"{old}\n{new}\n")
    assert verdict(tmp_path, before.content, "--log-key", old).code == 0
    assert "get all its keys" in verdict(tmp_path, after.content, "--log-key", old).failed
    assert "get all its keys" in verdict(tmp_path, before.content, "--log-key", new).failed
    for bundle in (before, after):
        assert verdict(tmp_path, bundle.content, "--log-key", both).code == 0


WITNESS = SigningKey.ed25519("witness.eksempel.dk", bytes(range(32)), COSIGNATURE)


def test_witnesses_count_by_the_users_policy(family: Family, tmp_path: Path) -> None:
    """A quorum that is met is told with its time, one that is not fails, a policy that cannot be read is named."""
    published = ProofRecords(family.ledger).latest()
    assert published is not None
    policy = tmp_path / "policy"
    policy.write_text(f"log {family.key}\nwitness w {WITNESS.vkey}\nquorum w\n")
    options: list[Any] = ["--log-key", family.key, "--policy", policy]
    plain = bundle_of(family.ledger, Wish(family.case))
    assert "too few of your witnesses" in verdict(tmp_path, plain.content, *options).failed
    line = str(WITNESS.sign(published.checkpoint.text, 1_772_000_000)).rstrip("\n")
    with connected(family.place) as connection:
        values = [published.checkpoint.size, WITNESS.vkey.name, WITNESS.vkey.key_id, 1_772_000_000, line]
        connection.execute(SQL["write_cosignature"], values)
    witnessed = bundle_of(family.ledger, Wish(family.case))
    found = verdict(tmp_path, witnessed.content, *options)
    assert found.answer["witnesses"] == [{"name": "w", "time": 1_772_000_000}]
    files = files_of(witnessed.content)
    letter = "A" if line[-12] != "A" else "B"
    forged = files["checkpoint"].replace(line.encode(), f"{line[:-12]}{letter}{line[-11:]}".encode())
    failed = verdict(tmp_path, put_together({**files, "checkpoint": forged}), *options).failed
    assert failed.startswith("checkpoint: the signature of witness.eksempel.dk")
    for text in ("", "quorum x\n", "witness w nonsense\nquorum w\n", f"group g 2 w\nquorum g\nlog {family.key}\n"):
        policy.write_text(text)
        assert verdict(tmp_path, plain.content, *options).code == 2


CONFIGURATION = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


def stamped(text: str, folder: Path) -> bytes:
    """Return a time stamp over a text, made by a time-stamp authority of our own."""
    folder.mkdir()
    (folder / "serial").write_text("01\n")
    (folder / "tsa.cnf").write_text(CONFIGURATION.format(folder=folder))
    (folder / "text").write_text(text)

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "tsa.pem", "-days", "3",
            "-subj", "/CN=Stempel Eksempel", "-addext", "extendedKeyUsage=critical,timeStamping")  # fmt: skip
    openssl("ts", "-query", "-data", "text", "-sha256", "-cert", "-out", "asked.tsq")
    openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "asked.tsq", "-signer", "tsa.pem", "-inkey", "key.pem",
            "-out", "token.tsr")  # fmt: skip
    openssl("ts", "-verify", "-data", "text", "-in", "token.tsr", "-CAfile", "tsa.pem")
    return (folder / "token.tsr").read_bytes()


def test_time_stamps_say_by_when_the_log_had_that_size(family: Family, tmp_path: Path) -> None:
    """Over the bundle's checkpoint, over the last one before it and the first one after it, tied to it by proofs."""
    sizes: list[int] = []
    for n in range(3):
        family.note("parent-A", f"{OWN}-{n}")
        sizes.append(family.publish() or 0)
    records = ProofRecords(family.ledger)
    upto = family.ledger.read_stream(family.case)[-2].position
    for n, size in enumerate(sizes):
        found = records.latest(size)
        assert found is not None
        token = stamped(found.checkpoint.text, tmp_path / f"tsa-{n}")
        with connected(family.place) as connection:
            connection.execute(SQL["write_stamp"], [size, datetime.now(UTC) + timedelta(seconds=n), token])
    bundle = bundle_of(family.ledger, Wish(family.case), upto)
    files = files_of(bundle.content)
    assert bundle.size == sizes[1]
    assert {f"checkpoints/{sizes[0]}", f"consistency/{sizes[0]}-{sizes[1]}"} <= files.keys()
    found_whole = verdict(tmp_path, bundle.content, "--log-key", family.key)
    assert [one["size"] for one in found_whole.answer["stamps"]] == sizes[:2]
    name = f"stamps/{sizes[1]}-1.tsr"
    swapped = {**files, name: files[f"stamps/{sizes[0]}-1.tsr"]}
    assert f"{name}: is over something else" in verdict(tmp_path, put_together(swapped), "--log-key", family.key).failed
    for junk in (b"", b"0" * 50, files[name][:100], b"\x30\x84\xff\xff\xff\xff"):
        assert name in verdict(tmp_path, put_together({**files, name: junk}), "--log-key", family.key).failed
    tie = f"consistency/{sizes[0]}-{sizes[1]}"
    untied = put_together({**files, tie: b""})
    assert "not shown to be of the same log" in verdict(tmp_path, untied, "--log-key", family.key).failed


def test_a_policy_travels_along(family: Family) -> None:
    """The log's own, or a plain one that knows its keys; it tells, and proves nothing."""
    assert files_of(family.bundle().content)["policy.txt"].decode().endswith("quorum none\n")
    prepared = Prepared(family.ledger, Wish(family.case), 2**62, family.ledger.now())
    assert files_of(make_bundle(prepared, "quorum none\n").content)["policy.txt"] == b"quorum none\n"


def test_fingerprints_alone_are_not_called_unchanged_entries(family: Family) -> None:
    """The first line says what there is: nothing that could be read."""
    report = INSIDE.verify(family.bundle().content, [INSIDE.Key(family.key)])
    first = next(iter(INSIDE.lines_of(report)))
    assert first.startswith("OK: 1 fingerprints stand in the log")
    assert first.endswith("tells nothing of the entries.")


def test_a_fingerprint_that_is_not_the_one_before_is_found_by_the_entry_after_it(
    family: Family, tmp_path: Path
) -> None:
    """Somebody else's entry in place of one that is withheld does not fit the chain."""
    family.note("parent-A", OWN)
    family.note("parent-B", OTHERS)
    family.note("parent-A", "later")
    elsewhere = Wish(family.case, answer=None)
    files = files_of(family.bundle(family.answered()).content)
    other = files_of(bundle_of(family.ledger, elsewhere).content)
    assert event(files, 3)["withheld"] == "other_person"
    swapped = event(files, 3) | {"commitment": event(other, 2)["commitment"], "position": event(files, 3)["position"]}
    forged = put_together({**files, "events/0003.json": orjson.dumps(swapped)})
    assert verdict(tmp_path, forged, "--log-key", family.key).failed.startswith("proofs/0003.tlog-proof")
    position = event(other, 2)["position"]
    earlier = swapped | {"position": position}
    moved = {
        **files,
        "events/0003.json": orjson.dumps(earlier),
        "proofs/0003.tlog-proof": other["proofs/0002.tlog-proof"],
    }
    assert "events/0003.json: stands before" in verdict(tmp_path, put_together(moved), "--log-key", family.key).failed
