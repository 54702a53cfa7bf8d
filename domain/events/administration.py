"""The ledger's own facts: opening, people, rules, keys and export."""

from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, model_validator

from domain.events.base import CODE_PATTERN, Code, Event, Instant, Sealed, StaffRef, Text, refuse_nul, unchanged
from domain.events.fields import Codes, Hash, Identifier, NewPersonRef, Whole

RuleText = Annotated[str, StringConstraints(min_length=1, max_length=200_000), BeforeValidator(refuse_nul)]
"""The text of a rule book, in clear."""
VerifierKeyText = Annotated[
    str, StringConstraints(min_length=1, max_length=3000, pattern=CODE_PATTERN), BeforeValidator(refuse_nul)
]
"""A public key of the log in text form (vkey, c2sp.org/signed-note): one of ML-DSA-44 is longer than a code."""


class CasePerson(BaseModel):
    """A person of a case: the reference used there, who it is, whose key seals their texts, and the role."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    ref: NewPersonRef
    person: UUID
    key: UUID
    role: Code


class LedgerOpened(Event):
    """A ledger began; a simulated one holds fictional cases only."""

    TOPIC: ClassVar[str] = "ledger_opened"
    LABEL_DA: ClassVar[str] = "Protokol åbnet"
    LABEL_EN: ClassVar[str] = "Ledger opened"

    ledger: UUID
    title: Code
    simulated: bool
    municipality: Code | None = None


class CaseOpened(Event):
    """A case began with its number, programme, own key and people; always the first entry of the case."""

    TOPIC: ClassVar[str] = "case_opened"
    LABEL_DA: ClassVar[str] = "Sag oprettet"
    LABEL_EN: ClassVar[str] = "Case opened"

    number: Code
    programme: Code
    key: UUID
    key_commitment: Hash
    persons: tuple[CasePerson, ...]
    opened_because: Annotated[Text | None, Sealed()] = None

    @model_validator(mode="after")
    def _one_person_per_reference(self) -> Self:
        """Refuse two people under one reference."""
        refs = [person.ref for person in self.persons]
        if len(set(refs)) < len(refs):
            raise ValueError("persons must not hold the same ref twice")
        return self


class PersonRegistered(Event):
    """A person entered the register under an id and a key of their own; ``identifier`` is a CPR or substitute."""

    TOPIC: ClassVar[str] = "person_registered"
    LABEL_DA: ClassVar[str] = "Person registreret"
    LABEL_EN: ClassVar[str] = "Person registered"

    person: UUID
    key: UUID
    key_commitment: Hash
    full_name: Annotated[Text, Sealed(of="person")]
    identifier: Annotated[Identifier | None, Sealed(of="person")] = None


class PersonJoined(Event):
    """A registered person became part of an existing case, under a reference and in a role."""

    TOPIC: ClassVar[str] = "person_joined"
    LABEL_DA: ClassVar[str] = "Person tilknyttet sagen"
    LABEL_EN: ClassVar[str] = "Person joined"

    ref: NewPersonRef
    person: UUID
    key: UUID
    role: Code


class RuleBookAdopted(Event):
    """A version of the rules was adopted; its whole text is kept so that old answers can be computed again."""

    TOPIC: ClassVar[str] = "rule_book_adopted"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Regelsæt vedtaget"
    LABEL_EN: ClassVar[str] = "Rule book adopted"
    upcast_v1_v2 = staticmethod(unchanged)

    rule_book: Code
    version: Code
    text: RuleText
    sha256: Hash
    approved_by: StaffRef | None = None
    settings: dict[Code, Code] | None = None


class RuleSettingsChosen(Event):
    """Readings of the rule books in force were chosen; they hold for what is recorded from then on."""

    TOPIC: ClassVar[str] = "rule_settings_chosen"
    LABEL_DA: ClassVar[str] = "Fortolkning valgt"
    LABEL_EN: ClassVar[str] = "Rule settings chosen"

    settings: dict[Code, Code]
    approved_by: StaffRef | None = None


class KeyRotated(Event):
    """A key of the ledger was replaced by a new one; ``purpose`` says which, for example signing or wrapping.

    Of keys that sign the log, ``verification_keys`` are the new ones in full, to be checked with from then on.
    """

    TOPIC: ClassVar[str] = "key_rotated"
    VERSION: ClassVar[int] = 2
    LABEL_DA: ClassVar[str] = "Nøgle udskiftet"
    LABEL_EN: ClassVar[str] = "Key rotated"
    upcast_v1_v2 = staticmethod(unchanged)

    purpose: Code
    old_key: Code
    new_key: Code
    verification_key: Code | None = None
    approved_by: StaffRef | None = None
    verification_keys: tuple[VerifierKeyText, ...] | None = None


class GateStopped(Event):
    """An act that was still to come was stopped by a gate; ``act`` is the name of the event it would have been."""

    TOPIC: ClassVar[str] = "gate_stopped"
    LABEL_DA: ClassVar[str] = "Handling standset"
    LABEL_EN: ClassVar[str] = "Gate stopped an act"

    gate: Code
    act: Code
    findings: Codes
    decision: Code | None = None
    detail: Annotated[Text | None, Sealed()] = None


class PersonIdentified(Event):
    """A registered person has another name or number than before; what was registered first stays on record.

    A child born gets its number, someone changes name, a replacement number gives way to a real one.
    """

    TOPIC: ClassVar[str] = "person_identified"
    LABEL_DA: ClassVar[str] = "Person identificeret"
    LABEL_EN: ClassVar[str] = "Person identified"

    person: UUID
    full_name: Annotated[Text | None, Sealed(of="person")] = None
    identifier: Annotated[Identifier | None, Sealed(of="person")] = None
    because: Code | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        """Refuse an account that gives neither name nor number."""
        if self.full_name is None and self.identifier is None:
            raise ValueError("full_name or identifier must hold a value")
        return self


class Exported(Event):
    """Something left the ledger as a file; its hash and size in bytes tell later which one it was."""

    TOPIC: ClassVar[str] = "exported"
    LABEL_DA: ClassVar[str] = "Udtræk dannet"
    LABEL_EN: ClassVar[str] = "Exported"

    what: Code
    format: Code
    purpose: Code
    recipient: Code
    cases: tuple[UUID, ...]
    sha256: Hash
    size: Whole | None = None
    as_of_position: Whole | None = None
    known_at: Instant | None = None


EVENTS: tuple[type[Event], ...] = (
    LedgerOpened,
    CaseOpened,
    PersonRegistered,
    PersonIdentified,
    PersonJoined,
    RuleBookAdopted,
    RuleSettingsChosen,
    KeyRotated,
    GateStopped,
    Exported,
)
