"""Policies (c2sp.org/tlog-policy): which logs and witnesses are known, and which cosignatures are enough."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from ledger.proof.checkpoints import Checkpoint
from ledger.proof.notes import COSIGNATURE, COSIGNATURE_ML_DSA, ED25519, Note, NoteError, VerifierKey, verified

NO_QUORUM = "none"
MAX_LINES = 1000
COSIGNING = frozenset({COSIGNATURE, COSIGNATURE_ML_DSA})


class PolicyError(ValueError):
    """A policy file cannot be one; says which line."""


@dataclass(frozen=True, slots=True)
class Party:
    """A log or witness: its key, and where it is reached, if that is said."""

    vkey: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """So many of these witnesses or groups are enough."""

    needed: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Known logs, witnesses by name, groups by name, and whose cosignature is asked for."""

    logs: tuple[Party, ...]
    witnesses: Mapping[str, Party]
    groups: Mapping[str, Group]
    quorum: str

    def met_by(self, cosigners: Collection[VerifierKey]) -> bool:
        """Whether the cosignatures of these keys are enough."""
        return self.quorum == NO_QUORUM or self._witnessed(self.quorum, cosigners)

    def _witnessed(self, name: str, cosigners: Collection[VerifierKey]) -> bool:
        if name in self.witnesses:
            return self.witnesses[name].vkey in cosigners
        group = self.groups[name]
        return sum(self._witnessed(member, cosigners) for member in group.members) >= group.needed

    def cosigners(self, note: Note) -> dict[VerifierKey, int]:
        """Return the known witnesses that cosigned, each with its time; raises NoteError for a false one of theirs."""
        found = verified(note, (party.vkey for party in self.witnesses.values()))
        return {key: time for key, time in found.items() if time is not None}

    def check(self, checkpoint: Checkpoint, note: Note) -> dict[VerifierKey, int]:
        """Check that a known log of that origin signed and enough witnesses cosigned; returns these with their times.

        Raises NoteError.
        """
        logs = [party.vkey for party in self.logs if party.vkey.name == checkpoint.origin]
        if not verified(note, logs):
            raise NoteError("no known log signed the checkpoint")
        cosigners = self.cosigners(note)
        if not self.met_by(cosigners):
            raise NoteError("too few known witnesses cosigned the checkpoint")
        return cosigners

    def __str__(self) -> str:
        lines = [_line("log", str(party.vkey), party.url) for party in self.logs]
        lines += [_line("witness", name, str(party.vkey), party.url) for name, party in self.witnesses.items()]
        lines += [_line("group", name, str(one.needed), *one.members) for name, one in self.groups.items()]
        return "".join(f"{line}\n" for line in [*lines, f"quorum {self.quorum}"])


def read_policy(content: bytes) -> Policy:
    """Return a policy from its bytes; raises PolicyError that names the line."""
    if any((sign < 0x20 and sign not in b"\t\n") or sign == 0x7F for sign in content):
        raise PolicyError("a policy holds a control character")
    text = content.decode("utf-8", "surrogateescape")
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), start=1):
        words = [word for word in line.replace("\t", " ").split(" ") if word]
        try:
            if number > MAX_LINES:
                raise PolicyError("too many lines")
            if words and not words[0].startswith("#"):
                reader.add(*words)
        except (PolicyError, NoteError) as error:
            raise PolicyError(f"line {number}: {error}") from None
    return reader.policy()


class _Reader:
    """Takes the lines of a policy one by one."""

    def __init__(self) -> None:
        self._logs: list[Party] = []
        self._witnesses: dict[str, Party] = {}
        self._groups: dict[str, Group] = {}
        self._members: set[str] = set()
        self._quorum: str | None = None

    def add(self, kind: str, *words: str) -> None:
        """Take one line."""
        takes = {"log": self._log, "witness": self._witness, "group": self._group, "quorum": self._take_quorum}
        if kind not in takes:
            raise PolicyError(f"a line must begin with one of: {', '.join(takes)}")
        takes[kind](list(words))

    def policy(self) -> Policy:
        """Return what the lines add up to."""
        if self._quorum is None:
            raise PolicyError("a policy must have one quorum line")
        return Policy(tuple(self._logs), self._witnesses, self._groups, self._quorum)

    def _log(self, words: list[str]) -> None:
        if not 1 <= len(words) <= 2:
            raise PolicyError("log takes a verifier key and, if wished, an address")
        self._logs.append(self._party(words, frozenset({ED25519, COSIGNATURE_ML_DSA}), self._logs))

    def _witness(self, words: list[str]) -> None:
        if not 2 <= len(words) <= 3:
            raise PolicyError("witness takes a name, a verifier key and, if wished, an address")
        self._require_new(words[0])
        self._witnesses[words[0]] = self._party(words[1:], COSIGNING, self._witnesses.values())

    def _party(self, words: list[str], kinds: Collection[int], before: Iterable[Party]) -> Party:
        party = Party(VerifierKey.read(words[0]), words[1] if len(words) > 1 else None)
        if party.vkey.kind not in kinds:
            raise PolicyError("the verifier key is of a kind that does not fit")
        if any(party.vkey.public_key == one.vkey.public_key for one in before):
            raise PolicyError("the same key was given before")
        return party

    def _group(self, words: list[str]) -> None:
        if len(words) < 3:
            raise PolicyError("group takes a name, how many (all, any or a number) and its members")
        name, many, *members = words
        self._require_new(name)
        for member in members:
            if member not in chain(self._witnesses, self._groups) or member in self._members:
                raise PolicyError("a member must be defined above and be in no group yet")
            self._members.add(member)
        needed = {"all": len(members), "any": 1}.get(many) or (int(many) if many.isascii() and many.isdigit() else 0)
        if not 1 <= needed <= len(members):
            raise PolicyError("a group needs at least one and at most all of its members")
        self._groups[name] = Group(needed, tuple(members))

    def _take_quorum(self, words: list[str]) -> None:
        if len(words) != 1 or self._quorum is not None:
            raise PolicyError("there must be one quorum line with one name")
        if words[0] != NO_QUORUM and words[0] not in chain(self._witnesses, self._groups):
            raise PolicyError("the quorum must be none, or a witness or group defined above")
        self._quorum = words[0]

    def _require_new(self, name: str) -> None:
        if name == NO_QUORUM or name in chain(self._witnesses, self._groups):
            raise PolicyError("a name must be new, and not none")


def _line(*words: str | None) -> str:
    return " ".join(word for word in words if word is not None)
