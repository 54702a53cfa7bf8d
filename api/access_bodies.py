"""Bodies of the acts about access."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.bodies import Body
from domain.events.base import Code, Day, Instant, StaffRef, Text


class EmergencyBody(Body):
    """Why a case must be opened at once."""

    reason: Annotated[Text, Field(description="What makes it urgent; sealed", examples=["Child alone at home tonight"])]


class VerdictBody(Body):
    """Whether an emergency access was justified."""

    justified: bool
    grounds: Annotated[Text | None, Field(description="Why; sealed")] = None


class RestrictionBody(Body):
    """Who alone may reach a case, and until when that is looked at again."""

    category: Annotated[Code, Field(examples=["high_profile"])]
    allowed: Annotated[tuple[StaffRef, ...], Field(min_length=1, max_length=50, examples=[["u-22", "u-80"]])]
    review_by: Annotated[Day, Field(description="At most 90 days ahead", examples=["2026-06-01"])]
    reason: Annotated[Text, Field(description="Sealed")]


class RestrictionReviewBody(Body):
    """What becomes of a restriction."""

    renewed: Annotated[bool, Field(description="false lifts it")]
    reason: Annotated[Text, Field(description="Sealed")]
    review_by: Annotated[Day | None, Field(description="Required where it is renewed")] = None
    allowed: Annotated[tuple[StaffRef, ...] | None, Field(min_length=1, max_length=50)] = None


class ConflictBody(Body):
    """Who must not reach a case, and why."""

    staff: StaffRef
    kind: Annotated[Code, Field(examples=["kinship"])]
    detail: Annotated[Text | None, Field(description="Sealed")] = None


class ReasonBody(Body):
    """A reason."""

    reason: Annotated[Text, Field(description="Sealed")]


class GrantBody(Body):
    """What is granted to somebody in a role: one case, an organisation, or with neither the role itself."""

    role: Annotated[Code, Field(examples=["caseworker"])]
    basis: Annotated[Code, Field(description="Why, as a code", examples=["substitute"])]
    case: Annotated[UUID | None, Field(strict=False)] = None
    organisation: Code | None = None
    until: Annotated[Instant | None, Field(description="When it ends by itself")] = None


class GrantEndBody(Body):
    """What ends: exactly what was granted, or with neither case nor organisation the role itself."""

    role: Annotated[Code, Field(examples=["caseworker"])]
    basis: Annotated[Code, Field(description="Why, as a code", examples=["left"])]
    case: Annotated[UUID | None, Field(strict=False)] = None
    organisation: Code | None = None
