"""The HTTP API of approval: a decision is sent for approval, approved or returned by somebody else, or taken back."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import Field

from api import approval_examples, bodies, examples
from api.approving import Approver, SubmissionAct
from api.bodies import Body
from api.cases import case_id_of, problems, proven_receipt, receipt_of
from api.principals import acting
from api.rule_bodies import DecisionBody, Reasons
from api.rules_routes import act_of, outcome
from domain.events.approval import DecisionReturned, SubmissionWithdrawn
from domain.events.base import Code, StaffRef, Text
from ledger.store import Ledger

ACTING = (
    "malformed", "key-reused", "stale-version", "version-required", "not-found", "body-too-large", "wrong-media-type",
    "refused",
)  # fmt: skip
SubmissionPath = Annotated[int, Path(description="Version of the entry that sent it", ge=1, le=2**31 - 1)]


class SubmissionBody(DecisionBody):
    """A decision to send for approval, and who is to approve it: somebody, or whoever acts in a role."""

    approver: Annotated[StaffRef | None, Field(examples=["u-12"])] = None
    approver_role: Annotated[Code | None, Field(examples=["team_leader"])] = None


class ApprovalBody(Body):
    """What goes with an approval: remarks, and a reason for each stop that came since it was sent."""

    remarks: Annotated[Text | None, Field(description="Sealed")] = None
    overrides: Annotated[Reasons, Field(description="Code of the stop and the reason; sealed", default_factory=dict)]


class ReturnBody(Body):
    """Why a submission is returned."""

    reason: Annotated[Text, Field(description="What is to be put right; sealed")]


class WithdrawalBody(Body):
    """Why a submission is taken back."""

    reason: Annotated[Text | None, Field(description="Sealed")] = None


def create_approval_router(ledger: Ledger, approver: Approver) -> APIRouter:
    """Return the routes over one ledger."""
    router = APIRouter(tags=["approval"])
    _add_submission(router, ledger, approver)
    _add_answers(router, ledger, approver)
    return router


def _add_submission(router: APIRouter, ledger: Ledger, approver: Approver) -> None:
    @router.post(
        "/cases/{case_id}/submissions",
        status_code=201,
        summary="Send a decision for approval",
        responses=examples.RECEIPT | problems(*ACTING),
        openapi_extra=examples.request(SubmissionBody, approval_examples.SUBMISSION, versioned=True),
    )
    async def submit(request: Request) -> Response:
        """Put on record everything a decision will say, as it is to be approved; nothing is decided yet.

        It passes the gate of a decision, or is told what stands against it. A changed text is another submission.
        """
        commit, expected, raw = await act_of(request)
        body = bodies.parse(SubmissionBody, raw)
        sent = SubmissionAct(body.act(), body.approver, body.approver_role)
        case = case_id_of(request.path_params["case_id"])
        return await outcome(request, ledger, await approver.submit(acting(request), case, expected, sent, commit))

    @router.post(
        "/cases/{case_id}/submissions/{version}/withdrawal",
        status_code=201,
        summary="Take a submission back",
        responses=examples.RECEIPT | problems(*ACTING),
        openapi_extra=examples.request(WithdrawalBody, approval_examples.WITHDRAWAL, versioned=True),
    )
    async def withdraw(request: Request, version: SubmissionPath) -> Response:
        """Take back what one sent for approval, before it is answered."""
        commit, expected, raw = await act_of(request)
        withdrawn = SubmissionWithdrawn(submission=version, reason=bodies.parse(WithdrawalBody, raw).reason)
        case = case_id_of(request.path_params["case_id"])
        return receipt_of(await approver.withdraw(acting(request), case, expected, withdrawn, commit))


def _add_answers(router: APIRouter, ledger: Ledger, approver: Approver) -> None:
    @router.post(
        "/cases/{case_id}/submissions/{version}/approval",
        status_code=201,
        summary="Approve a submission",
        responses=examples.RECEIPT | problems(*ACTING),
        openapi_extra=examples.request(ApprovalBody, approval_examples.APPROVAL, versioned=True),
    )
    async def approve(request: Request, version: SubmissionPath) -> Response:
        """Approve exactly this submission and make its decision, together; the gate is passed again.

        Nobody approves what they prepared or sent; a submission is answered once.
        """
        commit, expected, raw = await act_of(request)
        body, case = bodies.parse(ApprovalBody, raw), case_id_of(request.path_params["case_id"])
        recorded = await approver.approve(
            acting(request), case, expected, version, body.remarks, body.overrides, commit
        )
        return await outcome(request, ledger, recorded)

    @router.post(
        "/cases/{case_id}/submissions/{version}/return",
        status_code=201,
        summary="Return a submission",
        responses=examples.RECEIPT | problems(*ACTING),
        openapi_extra=examples.request(ReturnBody, approval_examples.RETURN, versioned=True),
    )
    async def give_back(request: Request, version: SubmissionPath) -> Response:
        """Send a submission back to whoever prepared it, with the reason; nothing is decided."""
        commit, expected, raw = await act_of(request)
        returned = DecisionReturned(submission=version, reason=bodies.parse(ReturnBody, raw).reason)
        case = case_id_of(request.path_params["case_id"])
        recorded = await approver.give_back(acting(request), case, expected, returned, commit)
        return await proven_receipt(request, recorded)
