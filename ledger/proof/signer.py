"""The signer: the log's keys, and a memory of what it signed last that lies outside the database.

It signs a checkpoint only where a proof shows that the tree it signed before is the beginning of this one, so neither a
database that was set back nor one that was rewritten gets a signature. What was signed is on disk before it
is handed out: whoever asks for the same checkpoint again, after a crash, gets the same bytes.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_bytes
from typing import Any, Protocol

from ledger.errors import LedgerError
from ledger.folders import flush_folder, locked, write_new, write_over
from ledger.proof.checkpoints import Checkpoint, read_checkpoint
from ledger.proof.merkle_proofs import ProofError, check_consistency
from ledger.proof.notes import COSIGNATURE_ML_DSA, ED25519, Note, NoteError, SigningKey, VerifierKey

KINDS = (ED25519, COSIGNATURE_ML_DSA)
"""The kinds of key that sign together."""

_KEYS, _STATE, _LAST, _LOCK = "keys", "state.json", "last-checkpoint", "lock"


class SignerRefused(LedgerError):
    """The signer does not sign: what it was shown does not continue what it signed before. Says what differs."""


class SignerMissing(LedgerError):
    """There is no signer in its folder, or not one of this ledger."""


class Signer(Protocol):
    """What signs the checkpoints of one log."""

    @property
    def vkeys(self) -> tuple[VerifierKey, ...]:
        """The keys it signs with now."""
        ...

    def last(self) -> Checkpoint | None:
        """Return what it signed last; None for nothing yet."""
        ...

    def sign(self, size: int, root: bytes, proof: Sequence[bytes]) -> Note:
        """Return a signed checkpoint; ``proof`` leads from the last one to it. Raises SignerRefused, SignerMissing."""
        ...


@dataclass(frozen=True, slots=True)
class SignerState:
    """The origin of the log and the ids of the keys that sign.

    ``leaving`` are those that end with the rotation; once they sign no more they are only still to be destroyed.
    """

    origin: str
    keys: tuple[str, ...]
    leaving: tuple[str, ...] = ()


class FileSigner:
    """A signer in a folder of its own: on another volume, or with its own process on another account."""

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        self._folder, self._clock = folder, clock

    def create(self, origin: str) -> tuple[VerifierKey, ...]:
        """Make keys for a new log and return them; quiet where there is a signer of that origin.

        Raises SignerMissing where the folder holds the signer of another log.
        """
        with locked(self._folder / _LOCK):
            if (self._folder / _STATE).exists():
                if self._state().origin != origin:
                    raise SignerMissing("The signer's folder holds the signer of another log: choose another folder.")
                return self.vkeys
            self._write_state(SignerState(origin, self._new_keys(origin)))
            return self.vkeys

    @property
    def origin(self) -> str:
        """The origin of the log; raises SignerMissing."""
        return self._state().origin

    @property
    def vkeys(self) -> tuple[VerifierKey, ...]:
        """The keys it signs with now; raises SignerMissing."""
        return tuple(key.vkey for key in self._signing_keys(self._state()))

    def last(self) -> Checkpoint | None:
        """Return what it signed last; None for nothing yet. Raises SignerMissing."""
        self._state()
        note = self._last_note()
        return None if note is None else read_checkpoint(str(note))[0]

    def sign(self, size: int, root: bytes, proof: Sequence[bytes]) -> Note:
        """Return a signed checkpoint; see Signer."""
        with locked(self._folder / _LOCK):
            state = self._settled(self._state())
            checkpoint = Checkpoint(state.origin, size, root)
            before = self._last_note()
            if before is not None:
                last = read_checkpoint(str(before))[0]
                _require_continuation(last, checkpoint, proof)
                if last == checkpoint:
                    return before
            now = int(self._clock())
            note = Note(checkpoint.text).signed(*(key.sign(checkpoint.text, now) for key in self._signing_keys(state)))
            write_over(self._folder / _LAST, str(note).encode())
            return note

    def begin_rotation(self) -> tuple[VerifierKey, ...]:
        """Make the keys that come next, and sign with both from now on; returns the new ones.

        One that was begun and not ended goes on with the keys it has made.
        """
        with locked(self._folder / _LOCK):
            state = self._settled(self._state())
            if not state.leaving:
                new = self._new_keys(state.origin)
                state = SignerState(state.origin, (*state.keys, *new), state.keys)
                self._write_state(state)
            return tuple(key.vkey for key in self._signing_keys(replace(state, keys=_staying(state))))

    def end_rotation(self) -> None:
        """Sign with the new keys only, and destroy the ones before; quiet where no rotation was begun."""
        with locked(self._folder / _LOCK):
            state = self._state()
            if state.leaving:
                ended = replace(state, keys=_staying(state))
                self._write_state(ended)
                self._settled(ended)

    def _settled(self, state: SignerState) -> SignerState:
        """Destroy keys that sign no more, which an end that was cut off may have left; returns the state then."""
        if not state.leaving or set(state.leaving) <= set(state.keys):
            return state
        for key in state.leaving:
            self._key_path(key).unlink(missing_ok=True)
        flush_folder(self._folder / _KEYS)
        settled = SignerState(state.origin, state.keys)
        self._write_state(settled)
        return settled

    def _new_keys(self, origin: str) -> tuple[str, ...]:
        return tuple(self._new_key(origin, kind) for kind in KINDS)

    def _new_key(self, origin: str, kind: int) -> str:
        seed = token_bytes(32)
        name = _key_of(origin, kind, seed).vkey.key_id.hex()
        write_new(self._key_path(name), bytes([kind]) + seed)
        return name

    def _key_path(self, key_id: str) -> Path:
        return self._folder / _KEYS / f"{key_id}.key"

    def _signing_keys(self, state: SignerState) -> list[SigningKey]:
        try:
            found = [self._key_path(key_id).read_bytes() for key_id in state.keys]
            keys = [_key_of(state.origin, content[0], content[1:]) for content in found]
        except (OSError, ValueError, IndexError):
            raise SignerMissing("A key of the signer is missing or damaged: restore its folder from escrow.") from None
        if [key.vkey.key_id.hex() for key in keys] != list(state.keys):
            raise SignerMissing("A key of the signer is not the one it was: restore its folder from escrow.")
        return keys

    def _state(self) -> SignerState:
        try:
            content: dict[str, Any] = json.loads((self._folder / _STATE).read_text("utf-8"))
            return SignerState(content["origin"], tuple(content["keys"]), tuple(content["leaving"]))
        except FileNotFoundError:
            raise SignerMissing("There is no signer in its folder: name its folder, or create one.") from None
        except (ValueError, KeyError, TypeError):
            raise SignerMissing("The signer's state is damaged: restore its folder from escrow.") from None

    def _write_state(self, state: SignerState) -> None:
        content = {"origin": state.origin, "keys": state.keys, "leaving": state.leaving}
        write_over(self._folder / _STATE, json.dumps(content, indent=1).encode())

    def _last_note(self) -> Note | None:
        try:
            return read_checkpoint((self._folder / _LAST).read_bytes())[1]
        except FileNotFoundError:
            return None
        except NoteError:
            raise SignerMissing("What the signer signed last is damaged: restore its folder from escrow.") from None


def _require_continuation(last: Checkpoint, new: Checkpoint, proof: Sequence[bytes]) -> None:
    """Raise SignerRefused unless a checkpoint is the last one or provably goes on from it."""
    if new.size < last.size:
        raise SignerRefused(f"The signer signed {last.size} entries before and is asked to sign {new.size}.")
    if new.size == last.size:
        if new.root != last.root:
            raise SignerRefused(f"The signer signed another root for {last.size} entries before.")
        return
    try:
        check_consistency(last.size, new.size, last.root, new.root, proof)
    except ProofError:
        raise SignerRefused(
            f"The tree of {new.size} entries is not one that the tree of {last.size} entries grew into."
        ) from None


def _staying(state: SignerState) -> tuple[str, ...]:
    return tuple(key for key in state.keys if key not in state.leaving)


def _key_of(origin: str, kind: int, seed: bytes) -> SigningKey:
    return SigningKey.ml_dsa(origin, seed) if kind == COSIGNATURE_ML_DSA else SigningKey.ed25519(origin, seed, kind)
