"""A witness (c2sp.org/tlog-witness): cosigns checkpoints of the logs it trusts, where each goes on from the last.

It remembers one checkpoint for each log, in a file of its own that is on disk before the cosignature is handed out. So
of two trees that are no continuation of each other it never cosigns but one, whoever shows them, in whatever order.
Knows no HTTP and no database.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes

from ledger.errors import LedgerError
from ledger.folders import locked, write_new, write_over
from ledger.proof.checkpoints import Checkpoint
from ledger.proof.merkle_proofs import ProofError, check_consistency
from ledger.proof.notes import (
    COSIGNATURE,
    COSIGNATURE_ML_DSA,
    ED25519,
    Note,
    NoteError,
    Signature,
    SigningKey,
    VerifierKey,
    encode,
    hashes,
    read_head,
    read_note,
    read_size,
    verified,
)

MAX_PROOF_LINES = 63
MAX_REFUSED = 100
"""How many refused checkpoints of one log and kind are kept: as evidence a few are enough, and a disk is finite."""
MAX_NAME_BYTES = 255
CLOCK_SECONDS = 300
LOG_KINDS = frozenset({ED25519, COSIGNATURE_ML_DSA})
NOTHING = sha256(b"").digest()
"""The root of the tree without leaves."""

_NAME, _KEYS, _LOGS = "name", "keys", "logs"
_KEY_FILES = {COSIGNATURE: "ed25519.key", COSIGNATURE_ML_DSA: "ml-dsa-44.key"}
_VKEYS, _LAST, _LOCK, _REFUSED = "vkeys", "checkpoint", "lock", "refused"


class WitnessMissing(LedgerError):
    """There is no witness in this folder, or something of it is missing or damaged."""


class NotALogKey(LedgerError):
    """A key is none that a log signs with: name+id+key, of the kinds 01 (Ed25519) or 06 (ML-DSA-44)."""


class Reason(Enum):
    """Why a checkpoint is not cosigned."""

    MALFORMED = "malformed"
    UNKNOWN_LOG = "unknown-log"
    NOT_SIGNED = "not-signed"
    OLD_IS_LARGER = "old-is-larger"
    OTHER_SIZE = "other-size"
    INCONSISTENT = "inconsistent"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file with a refused checkpoint that the log had signed, and the last one.

    Where it ``splits``, of the same size with another root, the two prove by themselves that the log told two stories.
    Otherwise a proof was missing or false, which may be the fault of whoever submitted a checkpoint that is public.
    """

    file: Path
    splits: bool


class Refused(Exception):
    """A checkpoint is not cosigned; ``size`` is the one cosigned last where it was not the one named.

    ``evidence`` is where it was kept now, since it contradicts the last one or was not proven to go on from it.
    """

    def __init__(self, reason: Reason, size: int | None = None) -> None:
        super().__init__(reason.value)
        self.reason, self.size = reason, size
        self.evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """What a log asks a witness: the size it believes was cosigned last, a proof from there, the checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    note: Note

    @property
    def checkpoint(self) -> Checkpoint:
        """Origin, size and root; lines that may follow them are passed over."""
        return Checkpoint(*read_head(self.note.text))


class Witness:
    """A witness in a folder of its own. The folder is its memory: it is never restored from a copy."""

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        self._folder, self._clock = folder, clock
        self._seen: list[SigningKey] = []

    def create(self, name: str) -> None:
        """Make the keys of a new witness; quiet where it is there already.

        Raises NoteError for a name that cannot be one, WitnessMissing where the folder holds another witness.
        """
        _key_of(name, COSIGNATURE, bytes(32))
        if len(name.encode()) > MAX_NAME_BYTES:
            raise NoteError(f"the name of a witness has at most {MAX_NAME_BYTES} bytes")
        with locked(self._folder / _LOCK):
            if (self._folder / _NAME).exists():
                if self._name() != name:
                    raise WitnessMissing("The folder holds a witness of another name: choose another folder.")
                return
            for file in _KEY_FILES.values():
                if not (self._folder / _KEYS / file).exists():
                    write_new(self._folder / _KEYS / file, token_bytes(32))
            write_new(self._folder / _NAME, name.encode())

    def vkeys(self) -> tuple[VerifierKey, ...]:
        """Return the keys it cosigns with; raises WitnessMissing."""
        return tuple(key.vkey for key in self._signing_keys())

    def trust(self, keys: Sequence[VerifierKey]) -> list[str]:
        """Trust keys of logs beside those trusted before; returns the origins they are of.

        Raises NotALogKey, and WitnessMissing where there is no witness.
        """
        self._name()
        for key in keys:
            if key.kind not in LOG_KINDS or len(key.name.encode()) > MAX_NAME_BYTES:
                raise NotALogKey
        origins = sorted({key.name for key in keys})
        for origin in origins:
            folder = self._log(origin)
            with locked(folder / _LOCK):
                known = dict.fromkeys((*self._trusted(origin), *(key for key in keys if key.name == origin)))
                write_over(folder / _VKEYS, "".join(f"{key}\n" for key in known).encode())
        return origins

    def origins(self) -> list[str]:
        """Return the origins of the logs that are trusted; raises WitnessMissing."""
        self._name()
        folders = (self._folder / _LOGS).glob(f"*/{_VKEYS}")
        return sorted(VerifierKey.read(path.read_text("utf-8").split("\n")[0]).name for path in folders)

    def latest(self, origin_hash: str) -> Note | None:
        """Return the last checkpoint of the log with this SHA-256 of its origin (64 hexadecimal digits).

        It bears the signatures of the log and of this witness. None where none was cosigned. Raises WitnessMissing.
        """
        return _read_last(self._folder / _LOGS / origin_hash)

    def add_checkpoint(self, body: bytes) -> tuple[Signature, ...]:
        """Cosign a checkpoint and return the cosignatures, after it was put on disk; raises Refused, WitnessMissing."""
        submission = read_submission(body)
        keys = self._trusted(submission.checkpoint.origin)
        if not keys:
            raise Refused(Reason.UNKNOWN_LOG)
        try:
            signed_by = verified(submission.note, keys)
        except NoteError:
            raise Refused(Reason.NOT_SIGNED) from None
        if not signed_by:
            raise Refused(Reason.NOT_SIGNED)
        by_log = [key.of(submission.note)[-1] for key in signed_by]
        return self._cosign(submission, Note(submission.note.text).signed(*by_log))

    def _cosign(self, submission: Submission, note: Note) -> tuple[Signature, ...]:
        """Compare with the last one and take its place, both under one lock."""
        folder = self._log(submission.checkpoint.origin)
        with locked(folder / _LOCK):
            last = _read_last(folder)
            try:
                _require_continuation(submission, last)
            except Refused as refused:
                refused.evidence = _keep(folder, refused, note, last)
                raise
            keys = self._signing_keys()
            time = _not_back(int(self._clock()), _time_of(last, keys))
            cosignatures = tuple(key.sign(note.text, time) for key in keys)
            write_over(folder / _LAST, str(note.signed(*cosignatures)).encode())
            return cosignatures

    def _log(self, origin: str) -> Path:
        return self._folder / _LOGS / sha256(origin.encode()).hexdigest()

    def _trusted(self, origin: str) -> list[VerifierKey]:
        try:
            return [VerifierKey.read(line) for line in (self._log(origin) / _VKEYS).read_text("utf-8").splitlines()]
        except FileNotFoundError:
            return []
        except (NoteError, ValueError):
            raise WitnessMissing("A file of trusted keys is damaged: add the keys of the log again.") from None

    def _name(self) -> str:
        try:
            return (self._folder / _NAME).read_text("utf-8")
        except (OSError, ValueError):
            raise WitnessMissing(
                "There is no witness in this folder: name its folder, or make one with `caseledger witness create`."
            ) from None

    def _signing_keys(self) -> list[SigningKey]:
        if not self._seen:
            name = self._name()
            try:
                seeds = {kind: (self._folder / _KEYS / file).read_bytes() for kind, file in _KEY_FILES.items()}
                self._seen = [_key_of(name, kind, seed) for kind, seed in seeds.items()]
            except (OSError, ValueError):
                raise WitnessMissing("A key of the witness is missing or damaged: restore it from escrow.") from None
        return self._seen


def read_submission(body: bytes) -> Submission:
    """Return a submission from the body of a request; raises Refused where it is none."""
    above, _, below = body.partition(b"\n\n")
    try:
        first, *lines = above.decode("ascii").split("\n")
        if not first.startswith("old ") or len(lines) > MAX_PROOF_LINES:
            raise Refused(Reason.MALFORMED)
        submission = Submission(read_size(first.removeprefix("old ")), tuple(hashes(lines)), read_note(below))
        read_head(submission.note.text)
        return submission
    except (NoteError, UnicodeDecodeError):
        raise Refused(Reason.MALFORMED) from None


def write_submission(old: int, proof: Iterable[bytes], note: Note) -> bytes:
    """Return the body of a request from its parts."""
    lines = [f"old {old}", *map(encode, proof)]
    return ("\n".join(lines) + f"\n\n{note}").encode()


def _require_continuation(submission: Submission, last: Note | None) -> None:
    """Raise Refused unless a checkpoint provably goes on from the last one."""
    new, old = submission.checkpoint, submission.old
    before = Checkpoint("", 0, NOTHING) if last is None else Checkpoint(*read_head(last.text))
    if old > new.size:
        raise Refused(Reason.OLD_IS_LARGER)
    if old != before.size:
        raise Refused(Reason.OTHER_SIZE, before.size)
    if new.size == 0 and new.root != NOTHING:
        raise Refused(Reason.INCONSISTENT)
    if old == 0:
        if submission.proof:
            raise Refused(Reason.INCONSISTENT)
        return
    try:
        check_consistency(old, new.size, before.root, new.root, submission.proof)
    except ProofError:
        raise Refused(Reason.INCONSISTENT) from None


def _keep(folder: Path, refused: Refused, note: Note, last: Note | None) -> Evidence | None:
    """Keep a signed checkpoint that does not go on from the last one; what is merely late or early proves nothing.

    Returns where; None where it is kept already, or enough of its kind are: of each kind by itself, so that nobody who
    has no key of the log can fill the place of what proves something.
    """
    splits = last is not None and _splits(read_head(last.text), read_head(note.text))
    if refused.reason is not Reason.INCONSISTENT and not splits:
        return None
    kind = "split" if splits else "unproven"
    path = folder / _REFUSED / f"{kind}-{sha256(note.text.encode()).hexdigest()}.json"
    if path.exists() or sum(1 for _ in path.parent.glob(f"{kind}-*.json")) >= MAX_REFUSED:
        return None
    content = {"reason": refused.reason.value, "refused": str(note), "cosigned": None if last is None else str(last)}
    write_new(path, json.dumps(content, indent=1, ensure_ascii=False).encode())
    return Evidence(path, splits)


def _splits(one: tuple[str, int, bytes], other: tuple[str, int, bytes]) -> bool:
    return one[1] == other[1] and one[2] != other[2]


def _read_last(folder: Path) -> Note | None:
    try:
        note = read_note((folder / _LAST).read_bytes())
        read_head(note.text)
        return note
    except FileNotFoundError:
        return None
    except NoteError:
        raise WitnessMissing("What the witness cosigned last is damaged: it must not go on under this name.") from None


def _time_of(last: Note | None, keys: Sequence[SigningKey]) -> int:
    if last is None:
        return 1
    times = [int.from_bytes(one.blob[:8], "big") for key in keys for one in key.vkey.of(last)]
    return max(times, default=1)


def _not_back(now: int, before: int) -> int:
    """Return the time to sign with: a clock that is set back a little stands still until it has caught up.

    One that was far ahead and is right again is followed: otherwise nothing would ever be signed with a true time.
    """
    return before if now < before <= now + CLOCK_SECONDS else max(now, 1)


def _key_of(name: str, kind: int, seed: bytes) -> SigningKey:
    return SigningKey.ml_dsa(name, seed) if kind == COSIGNATURE_ML_DSA else SigningKey.ed25519(name, seed, kind)
