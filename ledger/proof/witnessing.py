"""Asking witnesses to cosign what the log signed, and storing what they cosigned after checking it."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from itertools import repeat
from pathlib import Path
from typing import Any

import psycopg

from ledger.errors import LedgerError
from ledger.proof.asking import NoAnswer, Reply, ask, is_loopback, is_secure
from ledger.proof.checkpoints import read_checkpoint
from ledger.proof.growing import SQL
from ledger.proof.notes import NoteError, Signature, VerifierKey, read_signature, read_size, verified
from ledger.proof.policies import Policy, PolicyError, read_policy
from ledger.proof.records import ProofRecords, Published
from ledger.proof.witness import write_submission
from ledger.store import WORKER_ROLE, conninfo_as

ANSWER_SECONDS = 20.0
MAX_ANSWER_BYTES = 512 * 1024
CLOCK_SECONDS = 300
"""How far the time of a cosignature may be from ours: times in the record are judged by it."""
ATTEMPTS = 3
SIZE_KIND = "text/x.tlog.size"


class WitnessPolicyError(LedgerError):
    """The policy of witnesses cannot be used; says why."""


class WitnessRefused(Exception):
    """A witness did not cosign, or not as it must; ``reason`` is a code without content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LogSetBack(Exception):
    """A witness cosigned more entries than there are: the database was set back, or the witness lies.

    ``shown`` says that it showed a larger checkpoint that this log's own key signed: then it does not lie.
    """

    def __init__(self, cosigned: int, latest: int, *, shown: bool) -> None:
        super().__init__(cosigned, latest)
        self.cosigned, self.latest, self.shown = cosigned, latest, shown


@dataclass(frozen=True, slots=True)
class WitnessAddress:
    """Where a witness is reached, and the keys it cosigns with."""

    url: str
    keys: tuple[VerifierKey, ...]

    @property
    def name(self) -> str:
        """What it is called in the log."""
        return self.keys[0].name


@dataclass(frozen=True, slots=True)
class Outcome:
    """What asking one witness came to: a size that was cosigned, or what went wrong."""

    witness: WitnessAddress
    size: int | None = None
    error: Exception | None = None
    forgot: int | None = None


def read_witness_policy(path: Path) -> Policy:
    """Return the policy in a file; raises WitnessPolicyError where it cannot be used for asking its witnesses."""
    try:
        policy = read_policy(path.read_bytes())
    except OSError:
        raise WitnessPolicyError("CASELEDGER_WITNESS_POLICY names a file that cannot be read.") from None
    except PolicyError as error:
        raise WitnessPolicyError(f"The policy of witnesses cannot be one: {error}.") from None
    for name, party in policy.witnesses.items():
        if party.url is None or not is_secure(party.url):
            raise WitnessPolicyError(
                f"Witness {name} needs an https address in the policy; plain http is for witnesses on this machine."
            )
    return policy


def addresses(policy: Policy, *, near: bool) -> list[WitnessAddress]:
    """Return the witnesses of a policy on this machine (``near``) or elsewhere, each with all keys of its address."""
    found: dict[str, list[VerifierKey]] = {}
    for party in policy.witnesses.values():
        url = (party.url or "").rstrip("/")
        if is_loopback(url) == near:
            found.setdefault(url, []).append(party.vkey)
    return [WitnessAddress(url, tuple(keys)) for url, keys in found.items()]


class Witnessing:
    """Asks witnesses about the checkpoints of one ledger."""

    def __init__(self, records: ProofRecords, conninfo: str, clock: Callable[[], float]) -> None:
        self._records, self._conninfo, self._clock = records, conninfo, clock

    def ask_all(self, witnesses: Sequence[WitnessAddress], seconds: float = ANSWER_SECONDS) -> list[Outcome]:
        """Ask all witnesses at once to cosign the latest checkpoint; nothing where there is none or no witness."""
        if not witnesses or self._records.latest() is None:
            return []
        with ThreadPoolExecutor(len(witnesses)) as pool:
            return list(pool.map(self._outcome, witnesses, repeat(seconds)))

    def _outcome(self, witness: WitnessAddress, seconds: float) -> Outcome:
        try:
            size, forgot = self.ask(witness, seconds)
            return Outcome(witness, size=size, forgot=forgot)
        except Exception as error:  # whatever it was, it is this witness's alone
            return Outcome(witness, error=error)

    def ask(self, witness: WitnessAddress, seconds: float = ANSWER_SECONDS) -> tuple[int, int | None]:
        """Have one witness cosign the latest checkpoint; returns its size after storing what was signed.

        The second value is None, or a size smaller than what the witness cosigned before: it lost its memory. Raises
        WitnessRefused, LogSetBack, NoAnswer.
        """
        believed = old = self._last_cosigned(witness.keys)
        for _ in range(ATTEMPTS):
            published = self._latest()
            reply = self._submit(witness, old, published, seconds)
            if reply.status == 200:
                self._take(witness, published, reply.body)
                return published.checkpoint.size, old if old < believed else None
            if reply.status != 409:
                raise WitnessRefused(f"status-{reply.status}")
            old = self._named(witness, old, reply, seconds)
        raise WitnessRefused("conflict")

    def _submit(self, witness: WitnessAddress, old: int, published: Published, seconds: float) -> Reply:
        proof = self._records.consistency(old, published.checkpoint.size) if old else []
        body = write_submission(old, proof, published.note)
        return ask(f"{witness.url}/add-checkpoint", body, "text/plain", limit=MAX_ANSWER_BYTES, seconds=seconds)

    def _named(self, witness: WitnessAddress, old: int, reply: Reply, seconds: float) -> int:
        """Return the size that a witness says it cosigned last."""
        try:
            size = read_size(reply.body.decode("ascii").removesuffix("\n"))
        except (NoteError, UnicodeDecodeError):
            raise WitnessRefused("conflict-without-size") from None
        if reply.kind != SIZE_KIND or size == old:
            raise WitnessRefused("conflict-without-size")
        latest = self._latest().checkpoint.size  # of now: there may be a larger one since
        if size > latest:
            raise LogSetBack(size, latest, shown=self._shows(witness, size, seconds))
        return size

    def _shows(self, witness: WitnessAddress, size: int, seconds: float) -> bool:
        """Whether a witness can show a checkpoint of such a size that a key of this log signed."""
        keys = [key for key, _ in self._records.keys()]  # noqa: SIM118 - not a dictionary
        address = f"{witness.url}/{sha256(keys[0].name.encode()).hexdigest()}/checkpoint" if keys else ""
        try:
            checkpoint, note = read_checkpoint(ask(address, limit=MAX_ANSWER_BYTES, seconds=seconds).body)
            return checkpoint.size >= size and bool(verified(note, keys))
        except (NoAnswer, NoteError):
            return False

    def _take(self, witness: WitnessAddress, published: Published, body: bytes) -> None:
        """Store the cosignatures of known keys, all of them checked before the first is stored."""
        found = list(_cosignatures(witness, published.note.text, body))
        if not found:
            raise WitnessRefused("no-cosignature")
        if any(abs(time - self._clock()) > CLOCK_SECONDS for _, time in found):
            raise WitnessRefused("clock")
        rows = [
            (published.checkpoint.size, one.name, one.key_id, time, str(one).removesuffix("\n")) for one, time in found
        ]
        with psycopg.connect(conninfo_as(self._conninfo, WORKER_ROLE), autocommit=True) as connection:
            connection.cursor().executemany(SQL["write_cosignature"], rows)
        if len(found) < len(witness.keys):
            raise WitnessRefused("key-missing")

    def _latest(self) -> Published:
        latest = self._records.latest()
        if latest is None:
            raise WitnessRefused("no-checkpoint")
        return latest

    def _last_cosigned(self, keys: Iterable[VerifierKey]) -> int:
        return max(self._records.last_cosigned(key) for key in keys)


def _cosignatures(witness: WitnessAddress, text: str, body: bytes) -> Iterable[tuple[Signature, int]]:
    """Yield the cosignatures of known keys with their times, one of each key; raises WitnessRefused for a false one."""
    try:
        lines = body.decode().split("\n")
        if lines.pop() != "" or not lines:
            raise WitnessRefused("no-cosignature")
        signatures = [read_signature(line) for line in lines]
        for key in witness.keys:
            ours = [one for one in signatures if (one.name, one.key_id) == (key.name, key.key_id)]
            for one in ours[:1]:
                yield one, key.check(text, one) or 0
    except (NoteError, UnicodeDecodeError):
        raise WitnessRefused("false-cosignature") from None


def lock_witnessing(connection: psycopg.Connection[Any], turn: str) -> bool:
    """Whether this connection is now the one that asks those of a kind; it stays so until it is closed."""
    return bool(connection.execute(SQL["lock_witnessing"], [turn]).fetchall()[0][0])
