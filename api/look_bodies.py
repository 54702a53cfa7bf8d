"""Bodies of the acts about what a person is told of who has looked."""

from typing import Annotated, Literal

from pydantic import Field

from api.bodies import Body
from domain.events.base import EntryRef, Instant, PersonRef, Text
from domain.events.fields import LegalBasis, Position

Person = Annotated[PersonRef, Field(description="Whose data were looked at, by the reference in the case")]
Looks = Annotated[
    tuple[Position, ...], Field(min_length=1, max_length=500, description="Positions, as who has looked names them")
]
Request = Annotated[EntryRef | None, Field(description="The request for access that this belongs to, by its version")]


class ExtractBody(Body):
    """For whom an extract is made, and of which period; both ends are counted in."""

    person: Person
    since: Annotated[Instant | None, Field(description="None: from the first look-up that is kept")] = None
    until: Instant | None = None
    request: Request = None


class WithholdingBody(Body):
    """Which look-ups a person is not told of, and why."""

    person: Person
    looks: Looks
    legal_basis: Annotated[LegalBasis, Field(examples=["databeskyttelsesloven § 22, stk. 2"])]
    mentioned: Annotated[bool, Field(description="Whether the extract may count them")]
    reason: Annotated[Text, Field(description="The concrete assessment; sealed")]


class ReleaseBody(Body):
    """Of which look-ups a person is told who made them, and why."""

    person: Person
    ground: Literal["needed_for_rights", "outside_instruction"]
    legal_basis: Annotated[LegalBasis, Field(examples=["databeskyttelsesforordningen art. 15"])]
    reason: Annotated[Text, Field(description="The concrete assessment; sealed")]
    looks: Annotated[Looks | None, Field(description="None: all of them")] = None
    request: Request = None
