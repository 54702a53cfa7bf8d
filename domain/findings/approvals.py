"""What a reviewer would point out about approval: somebody who approved what they had prepared themselves."""

from collections.abc import Iterator

from domain.approvals import Submission
from domain.events.approval import DecisionApproved, DecisionSubmitted
from domain.events.decision import DecisionMade
from domain.findings.base import Check, Finding
from domain.inquiry import Inquiry


def _self_approved(inquiry: Inquiry) -> Iterator[Finding]:
    for approval in inquiry.of(DecisionApproved):
        sent = inquiry.known.fact(approval.data["submission"])
        if sent is not None and sent.topic == DecisionSubmitted.TOPIC and approval.actor.id in Submission(sent).own:
            yield Finding("SELF_APPROVED", approval.version, (sent.version,), {"staff": approval.actor.id})
    for decision in inquiry.of(DecisionMade):
        approver = decision.data.get("approved_by")
        if approver is not None and approver == decision.data.get("prepared_by"):
            yield Finding("SELF_APPROVED", decision.version, (), {"staff": approver})


CHECKS: tuple[Check, ...] = (
    Check("SELF_APPROVED", "internal", "internal standard", "internal",
          "{staff} har godkendt en afgørelse, som {staff} selv har forberedt eller sendt til godkendelse.",
          "{staff} approved a decision that {staff} had prepared or sent for approval.", _self_approved),
)  # fmt: skip
