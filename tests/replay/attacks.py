"""Every attack on the record that is tried: what the attacker has and does, who notices by which check, how soon."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from replay.verify_report import CHECKS
from tests.replay import attack_acts as acts
from tests.replay.scene import Notices, Scene

DATABASE, WITH_KEY = "the database, as superuser", "the database and the log's key"
REWRITTEN = {"kept": "kept-checkpoint", "stamp": "stamp", "signer": "signer", "witness": "witness"}
"""Who notices that something which was published is not what it was, whatever else was made to fit."""

PARTIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "anyone": ("`verify`", ""),
        "auditor": ("`verify` with the log's key and a policy", ""),
        "kept": ("`verify --since` a kept checkpoint", ""),
        "reader": ("whoever is shown it and asks for cosignatures", "at once"),
        "receipt": ("whoever has the receipt, with `verify --since` its checkpoint", ""),
        "append": ("the next append fails", "at once"),
        "worker": ("the worker, which compares tiles and head", "at the next checkpoint"),
        "signer": ("the signer, which remembers", "at the next checkpoint"),
        "witness": ("a witness, which remembers", "when it is next asked"),
        "stamp": ("whoever has a time stamp of a checkpoint", "stamped daily"),
        "operator": ("`erasure apply`, which puts it on record", ""),
    }
)
"""Who may notice, and how soon; where that is not said, when the command is next run."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack; ``notices`` are the parties that notice, each with its checks, and no others do.

    ``on`` is the state it is made in: the newest, or the backup after the third checkpoint.
    """

    name: str
    has: str
    does: str
    act: Callable[[Scene], object]
    notices: Notices
    on: str = "now"


def _of(**parties: str) -> Notices:
    return {party: frozenset(checks.split()) for party, checks in parties.items()}


ATTACKS: tuple[Attack, ...] = (
    Attack("event changed", DATABASE, "changes one byte of a text", acts.row_updated, _of(anyone="payload")),
    Attack(
        "event rewritten",
        DATABASE,
        "puts other facts into an event; digests, chain, head and tiles repaired",
        acts.row_rewritten,
        _of(anyone="checkpoint-root", **REWRITTEN),
    ),
    Attack(
        "event rewritten, tiles left",
        DATABASE,
        "the same, but the tiles still tell the old tree",
        acts.row_rewritten_without_tiles,
        _of(anyone="checkpoint-root tile", kept="checkpoint-root head inclusion tile", stamp="stamp", worker="worker"),
    ),
    Attack(
        "event deleted",
        DATABASE,
        "deletes an event",
        acts.row_deleted,
        _of(anyone="checkpoint-root commitment head position request tile version", stamp="stamp"),
    ),
    Attack(
        "event deleted, the rest renumbered",
        DATABASE,
        "deletes an event, numbers everything after it anew, repairs chain, head, tiles and idempotency keys",
        acts.row_deleted_and_renumbered,
        _of(anyone="checkpoint-root tile", auditor="witness-time", **REWRITTEN),
    ),
    Attack(
        "event inserted",
        DATABASE,
        "pushes an event in between, numbers everything after it anew, repairs all of it",
        acts.row_inserted,
        _of(anyone="checkpoint-root", auditor="witness-time", **REWRITTEN),
    ),
    Attack(
        "append bypassed",
        DATABASE,
        "inserts a well-made event at the end without the append function",
        acts.append_bypassed,
        _of(anyone="head", kept="head", append="append"),
    ),
    Attack(
        "end removed",
        DATABASE,
        "removes the last forty events, repairs the head and the idempotency keys",
        acts.truncate,
        _of(anyone="checkpoint-root tile", kept="checkpoint-root tile", stamp="stamp", worker="worker"),
    ),
    Attack(
        "end removed with its checkpoints",
        DATABASE,
        "the same, and removes every checkpoint, cosignature and tile that held them",
        acts.truncate_whole,
        _of(stamp="stamp", signer="signer", witness="witness"),
    ),
    Attack(
        "older backup restored",
        DATABASE,
        "sets the whole database back to a state that was once right",
        acts.nothing,
        _of(stamp="stamp", signer="signer", witness="witness"),
        on="backup",
    ),
    Attack(
        "rewritten, signatures forged",
        DATABASE,
        "rewrites an event and all checkpoints after it, with signature lines that do not fit",
        acts.rewrite_without_key,
        _of(anyone="checkpoint-signature", auditor="quorum", **REWRITTEN),
    ),
    Attack(
        "rewritten and signed anew",
        WITH_KEY,
        "rewrites an event and signs all checkpoints after it; cosignatures are lost",
        acts.rewrite_with_key,
        _of(auditor="quorum", **REWRITTEN),
    ),
    Attack(
        "rewritten, one witness bought",
        f"{WITH_KEY}, and the key of one of two witnesses",
        "the same, and cosigns with that key at the old times",
        acts.rewrite_with_one_witness,
        _of(auditor="quorum", **REWRITTEN),
    ),
    Attack(
        "rewritten with every key",
        f"{WITH_KEY}, and the keys of all witnesses",
        "the same, and cosigns with all of them",
        acts.rewrite_with_all_keys,
        _of(**REWRITTEN),
    ),
    Attack(
        "split view",
        WITH_KEY,
        "signs a second head of the newest size and shows it to somebody",
        acts.split_view,
        _of(reader="quorum", witness="witness"),
    ),
    Attack(
        "log replaced",
        DATABASE,
        "puts keys of its own on record and signs every checkpoint with them",
        acts.key_replaced,
        _of(auditor="log-key quorum", kept="log-key quorum"),
    ),
    Attack(
        "event added and removed between checkpoints",
        DATABASE,
        "removes an event before any checkpoint holds it",
        acts.added_and_removed,
        _of(),
    ),
    Attack(
        "event removed after its receipt",
        DATABASE,
        "removes an event whose author got its proof from a checkpoint on demand, with that checkpoint",
        acts.added_and_removed_with_receipt,
        _of(receipt="kept-checkpoint", signer="signer"),
    ),
    Attack(
        "event dated back",
        "the clock of the database",
        "records an event as of three weeks ago; log and witnesses sign as usual",
        acts.backdated,
        _of(auditor="witness-time", kept="witness-time"),
    ),
    Attack(
        "erasure faked",
        DATABASE,
        "removes the sealed bytes of an event that nobody decided to erase",
        acts.ciphertext_removed,
        _of(anyone="removed"),
    ),
    Attack(
        "key destroyed without a decision",
        "the key store and the erasure log",
        "destroys the key of a person, with a tombstone, and nothing on record",
        acts.tombstone_without_decision,
        _of(operator="erasure-log"),
    ),
    Attack(
        "ciphertext moved",
        DATABASE,
        "exchanges the sealed bytes of two events, with their lines in the segment tables",
        acts.ciphertext_moved,
        _of(anyone="commitment"),
    ),
    Attack("topic changed", DATABASE, "gives an event another topic", acts.topics_swapped, _of(anyone="commitment")),
    Attack(
        "streams exchanged",
        DATABASE,
        "exchanges the cases of two events of the same version",
        acts.streams_swapped,
        _of(anyone="commitment version"),
    ),
    Attack("author changed", DATABASE, "says that somebody else did it", acts.actor_changed, _of(anyone="commitment")),
    Attack(
        "idempotency key moved",
        DATABASE,
        "lets the key of a request point at another request's events",
        acts.request_moved,
        _of(anyone="request"),
    ),
    Attack(
        "fingerprint changed",
        DATABASE,
        "changes what a repeated request is compared with: an honest repeat is refused, nothing recorded changes",
        acts.fingerprint_changed,
        _of(),
    ),
    Attack(
        "checkpoint deleted",
        DATABASE,
        "deletes a checkpoint in the middle",
        acts.checkpoint_deleted,
        _of(anyone="cosignature", kept="cosignature"),
    ),
    Attack(
        "newest checkpoint deleted",
        DATABASE,
        "deletes the newest checkpoint and its cosignatures: the next one proves the same",
        acts.checkpoint_deleted_whole,
        _of(witness="witness"),
    ),
    Attack(
        "cosignature forged",
        DATABASE,
        "replaces the cosignatures of a witness",
        acts.cosignature_forged,
        _of(auditor="cosignature quorum", kept="cosignature quorum"),
    ),
    Attack(
        "tile changed",
        DATABASE,
        "changes a hash in a tile, so that proofs fail",
        acts.tile_changed,
        _of(anyone="tile", kept="kept-checkpoint", worker="worker"),
    ),
)


def threats_table() -> str:
    """Return the attacks as a table in Markdown."""
    return "".join(_lines())


def _lines() -> Iterator[str]:
    yield "| attack | the attacker has | and does | who notices, by which check, how soon |\n|---|---|---|---|\n"
    for attack in ATTACKS:
        noticed = "; ".join(_noticed(party, attack.notices[party]) for party in PARTIES if party in attack.notices)
        yield f"| {attack.name} | {attack.has} | {attack.does} | {noticed or '**nobody**: see below'} |\n"


def _noticed(party: str, checks: frozenset[str]) -> str:
    who, soon = PARTIES[party]
    by = ", ".join(f"`{check}`" for check in sorted(checks) if check in CHECKS)
    return f"{who}{f' by {by}' if by else ''}{f', {soon}' if soon else ''}"
