"""Bodies of handing out a case: to whom, which entries, without what."""

from typing import Annotated

from pydantic import Field

from api.bodies import Body
from domain.events.base import Code, EntryRef, Instant, MomentField, PersonRef, Text
from domain.production import MOST_ENTRIES, MOST_REDACTIONS


class AskedBody(Body):
    """A request for access that is not on record yet: it goes on record together with its answer."""

    kind: Annotated[Code, Field(description="What is asked for", examples=["court", "party_access", "gdpr_art15"])]
    by: Annotated[PersonRef, Field(description="Who asks, by the reference in the case; a court is `court`")]
    about: Annotated[
        tuple[PersonRef, ...] | None,
        Field(min_length=1, max_length=50, description="Whose data; None: a court's about everybody, else their own"),
    ] = None
    received_at: MomentField


class RedactionBody(Body):
    """A place that is left out: a whole entry, a field of one, or a paragraph of a text."""

    entry: Annotated[EntryRef, Field(description="The entry, by its version")]
    field: Annotated[Code | None, Field(description="None: the whole entry. `@reason`: why it was recorded")] = None
    paragraph: Annotated[int | None, Field(ge=1, le=99_999, description="Counted from 1; None: the field")] = None
    code: Annotated[Code, Field(description="Code of an exemption, see docs/production.md")]
    reason: Annotated[Text, Field(description="Why; the recipient reads it")]


class ProductionBody(Body):
    """What is handed out and to whom: by a request on record (``request``), or by one that is recorded now."""

    request: Annotated[EntryRef | None, Field(description="The request for access it answers, by its version")] = None
    asked: AskedBody | None = None
    known_at: Annotated[Instant | None, Field(description="As recorded by this instant; None: now")] = None
    valid_at: Annotated[Instant | None, Field(description="Of what had happened by this instant; None: all")] = None
    entries: Annotated[
        tuple[EntryRef, ...] | None, Field(min_length=1, max_length=MOST_ENTRIES, description="None: every entry")
    ] = None
    redactions: Annotated[tuple[RedactionBody, ...], Field(max_length=MOST_REDACTIONS)] = ()
    grounds: Annotated[Text | None, Field(description="Why it is decided so; sealed, and on the cover")] = None
