"""Bodies of the acts that pass a gate: a disclosure, a decision."""

from typing import Annotated, Any

import orjson
from pydantic import Field, ValidationError

from api.acts import DecisionAct, DisclosureAct
from api.bodies import Body, pointed
from domain.disclosure_gate import Proposal
from domain.disclosures import CONSENT
from domain.errors import Malformed, Problem
from domain.events.base import Code, PersonRef, Text
from domain.events.decision import DecisionMade

Reasons = dict[Code, Text]
SET_BY_THE_LEDGER = frozenset(
    {"log_position", "log_root", "seen", "overridden_gates", "override_reason", "submission", "approved_by"}
)
"""Fields of a decision that follow from how it is made."""


class FiledDocument(Body):
    """A document filed in the case."""

    document: Annotated[Code, Field(description="Its id within the case", examples=["letter-1"])]
    version: Annotated[int, Field(ge=1, lt=10**9, description="Its version", examples=[1])]


class DisclosureBody(Body):
    """A disclosure about to be made. Without ``consents`` the gate looks for those that cover it.

    Those whom the documents are about count as named in ``about``.
    """

    to: Annotated[Code, Field(description="Recipient", examples=["daycare"])]
    data_categories: Annotated[tuple[Code, ...], Field(min_length=1, examples=[["social"]])]
    purpose: Annotated[Text, Field(description="What it is for; sealed")]
    about: Annotated[tuple[PersonRef, ...], Field(description="Whose data")] = ()
    basis: Annotated[Code, Field(description="consent, law or emergency")] = CONSENT
    legal_basis: Annotated[tuple[Code, ...], Field(max_length=20)] = ()
    consents: Annotated[tuple[Code, ...] | None, Field(description="Absent: those that cover it")] = None
    purpose_code: Code | None = None
    documents_filed: Annotated[tuple[FiledDocument, ...], Field(max_length=100, description="What goes out")] = ()
    documents: Annotated[tuple[Text, ...], Field(description="What goes out and is not filed; sealed")] = ()
    recipient_person: Annotated[Code | None, Field(description="Who receives it there, as a code")] = None
    recipient_confirmed: Annotated[bool, Field(description="The sender confirmed the recipient's name and office")] = (
        False
    )
    channel: Annotated[Code | None, Field(description="How it is passed on", examples=["phone"])] = None
    override_reason: Annotated[Text | None, Field(description="Why it is made all the same; sealed")] = None

    def act(self) -> DisclosureAct:
        """Return the act the body describes."""
        proposal = Proposal(
            to=self.to,
            about=self.about,
            data_categories=self.data_categories,
            basis=self.basis,
            purpose_code=self.purpose_code,
            legal_basis=self.legal_basis,
            consents=self.consents,
            recipient_person=self.recipient_person,
            recipient_confirmed=self.recipient_confirmed,
        )
        filed = tuple((one.document, one.version) for one in self.documents_filed)
        return DisclosureAct(proposal, self.purpose, self.documents, filed, self.channel, self.override_reason)


class DecisionBody(Body):
    """A decision about to be made: the fields of DecisionMade, and a reason for each gate it is to pass."""

    decision: Annotated[dict[str, Any], Field(description="Fields of DecisionMade, see docs/events.md")]
    overrides: Annotated[Reasons, Field(description="Code of the stop and the reason; sealed", default_factory=dict)]

    def act(self) -> DecisionAct:
        """Return the act the body describes; raises Malformed for what is no decision."""
        fixed = SET_BY_THE_LEDGER & self.decision.keys()
        if fixed:
            detail = "is set by the ledger: leave it out"
            raise Malformed([Problem(f"/decision/{name}", detail) for name in sorted(fixed)])
        try:
            made = DecisionMade.model_validate_json(orjson.dumps(self.decision))
        except ValidationError as error:
            raise Malformed(pointed(error, self.decision, "/decision")) from None
        return DecisionAct(made, self.overrides)
