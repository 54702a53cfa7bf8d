"""Reading request bodies: strict JSON within limits, typed commands, every problem named by JSON pointer."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from math import inf, isfinite
from typing import Annotated, Any, NoReturn, TypeVar, cast

import orjson
from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import ClientDisconnect

from api.drafting import Fact
from api.problems import ProblemError
from api.recording import NewPerson
from domain.errors import Malformed, Problem
from domain.events import EVENTS
from domain.events.base import Code, Event, MomentField, Text
from domain.events.fields import Identifier, NewPersonRef
from domain.time import Moment

MAX_BODY_BYTES = 1_000_000
MAX_COMMANDS = 100
MAX_INTEGER = 2**53 - 1
NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
_DOUBTFUL = re.compile(rb"\\u|[0-9]{16}|[0-9][.eE]")
"""What a JSON text holds wherever one of its values may not be kept as it is: an escape, many digits, a fraction."""
MOST_DIGITS = 4


class Body(BaseModel):
    """What a request sends: strict, nothing unknown."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)


class Command(Body):
    """One fact to record."""

    event: Annotated[str, Field(description="Name of the event", examples=["NoteRecorded"])]
    data: Annotated[dict[str, Any], Field(description="Its fields, see docs/events.md")]
    occurred_at: Annotated[MomentField | None, Field(description="When it happened; absent: as the commit says")] = None
    reached_at: Annotated[
        MomentField | None, Field(description="When it came to the municipality's knowledge; absent: at once")
    ] = None
    source: Annotated[Code | None, Field(description="Where the fact comes from")] = None


class CommitBody(Body):
    """1..100 facts that are recorded together or not at all."""

    commands: Annotated[tuple[Command, ...], Field(min_length=1, max_length=MAX_COMMANDS)]
    occurred_at: Annotated[MomentField | None, Field(description="When the facts happened, unless they say so")] = None
    reason: Annotated[Text | None, Field(description="Why this is recorded; sealed")] = None
    legal_basis: Annotated[tuple[Code, ...], Field(max_length=20)] = ()


class PersonBody(Body):
    """A person to register."""

    ref: Annotated[NewPersonRef, Field(description="Reference within the case", examples=["parent-A"])]
    role: Annotated[Code, Field(examples=["mother"])]
    full_name: Annotated[Text, Field(description="Sealed under the person's own key", examples=["Alma Eksempel"])]
    identifier: Annotated[
        Identifier | None, Field(description="CPR or replacement number, DDMMYY-SSSS; sealed. The unborn have none")
    ] = None


class CaseBody(Body):
    """A case to open, with its persons and, if known, first facts."""

    programme: Annotated[Code, Field(examples=["smaaboernsteam_001"])]
    number: Annotated[
        Code | None, Field(description="The municipality's case number; absent: the ledger gives one")
    ] = None
    persons: Annotated[tuple[PersonBody, ...], Field(max_length=50)] = ()
    occurred_at: Annotated[MomentField, Field(description="When the case was opened")]
    commands: Annotated[tuple[Command, ...], Field(max_length=MAX_COMMANDS)] = ()
    reason: Annotated[Text | None, Field(description="Why the case is opened; sealed")] = None
    legal_basis: Annotated[tuple[Code, ...], Field(max_length=20)] = ()


class JoinBody(Body):
    """A person to register and to add to a case."""

    person: PersonBody
    occurred_at: MomentField
    reason: Text | None = None
    legal_basis: Annotated[tuple[Code, ...], Field(max_length=20)] = ()


BodyKind = TypeVar("BodyKind", bound=Body)


async def read_body(request: Request) -> bytes:
    """Return the body; raises ProblemError for another media type or more than a million bytes, before reading on."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ProblemError("wrong-media-type", "Send the body as application/json.")
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > MAX_BODY_BYTES:
        raise ProblemError("body-too-large", f"Send at most {MAX_BODY_BYTES} bytes.")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise ProblemError("body-too-large", f"Send at most {MAX_BODY_BYTES} bytes.")
    except ClientDisconnect:
        raise ProblemError("bad-request", "The line broke before the whole body had come.") from None
    return bytes(body)


def parse(kind: type[BodyKind], body: bytes) -> BodyKind:
    """Return a body of one kind; raises ProblemError for what is no JSON, Malformed for what is not of the form."""
    value = strict_json(body)
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise Malformed(pointed(error, value)) from None


def facts(commands: tuple[Command, ...], default: Moment | None) -> tuple[Fact, ...]:
    """Return the facts of commands; raises Malformed with every problem of every command."""
    problems: list[Problem] = []
    found: list[Fact] = []
    for index, command in enumerate(commands):
        pointer = f"/commands/{index}"
        occurred_at = command.occurred_at or default
        if occurred_at is None:
            problems.append(Problem(f"{pointer}/occurred_at", "is missing: say when it happened"))
        event = _event(command, pointer, problems)
        if event is not None and occurred_at is not None:
            found.append(Fact(event, occurred_at, command.reached_at, command.source))
    if problems:
        raise Malformed(problems)
    return tuple(found)


def new_person(body: PersonBody) -> NewPerson:
    """Return the person a body describes."""
    return NewPerson(body.ref, body.role, body.full_name, body.identifier)


def _event(command: Command, pointer: str, problems: list[Problem]) -> Event | None:
    kind = EVENTS.get(command.event)
    if kind is None:
        problems.append(Problem(f"{pointer}/event", "is no event of the catalogue: see docs/events.md"))
        return None
    try:
        return kind.model_validate_json(orjson.dumps(command.data))
    except ValidationError as error:
        problems += pointed(error, command.data, f"{pointer}/data")
        return None


def pointed(error: ValidationError, value: Any, prefix: str = "") -> list[Problem]:
    """Return what is wrong with a JSON value as problems: place and reason, without the input."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    # A list with a broken item is said to be too short as well: leave that out.
    broken = {e["loc"][:depth] for e in found for depth in range(1, len(e["loc"]))}
    return [
        Problem(prefix + _pointer(value, e["loc"]), _reason(e["type"], e["msg"]))
        for e in found
        if e["type"] != "too_short" or e["loc"] not in broken
    ]


def _pointer(value: Any, place: tuple[int | str, ...]) -> str:
    """Return the JSON pointer (RFC 6901) of a place; branches of a choice between types are no part of it."""
    pointer = ""
    for number, part in enumerate(place, start=1):
        if isinstance(value, dict):
            members = cast(dict[str, Any], value)
            if part not in members and number < len(place):
                continue
            value = members.get(str(part))
        elif isinstance(value, list) and isinstance(part, int):
            items = cast(list[Any], value)
            value = items[part] if part < len(items) else None
        else:
            continue
        pointer += _step(part)
    return pointer


def _step(part: int | str) -> str:
    """Return one step of a pointer; a key that is no plain name, and might be a person's number, is not repeated."""
    if isinstance(part, str) and not (NAME.fullmatch(part) and sum(map(str.isdigit, part)) <= MOST_DIGITS):
        return "/(not shown)"
    return f"/{part}"


def _reason(kind: str, message: str) -> str:
    match kind:
        case "missing":
            return "is missing: it is required"
        case "extra_forbidden":
            return "is not known here: leave it out or check the spelling"
        case _:
            return message.removeprefix("Value error, ")


def strict_json(body: bytes) -> Any:
    """Return the JSON value of a body; refuses what is no JSON, and JSON that cannot be kept exactly.

    Raises ProblemError for bytes that are no JSON, doubled keys and endless nesting; Malformed for numbers beyond
    2^53, fractions with more digits than are kept, the character U+0000 and half a surrogate pair, each with its place.
    """
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_whole,
            parse_float=_fraction,
        )
        problems = list(_unkeepable(value, "")) if _DOUBTFUL.search(body) else []
    except UnicodeDecodeError:
        raise ProblemError("bad-request", "The body is not UTF-8.") from None
    except RecursionError:
        raise ProblemError("bad-request", "The body is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise ProblemError("bad-request", f"The body is no JSON: line {error.lineno}, column {error.colno}.") from None
    if problems:
        raise Malformed(problems)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ProblemError("bad-request", "The body has a key twice in one object: only one of them could count.")
    return found


def _whole(text: str) -> float | int:
    """Return a whole number; endless digits, which take long to read, as infinity."""
    return int(text) if len(text) <= len(str(-MAX_INTEGER)) else inf


def _fraction(text: str) -> float:
    """Return a number that is kept as it was written; infinity stands for one that cannot be."""
    number = float(text)
    try:
        return number if Decimal(repr(number)) == Decimal(text) else inf
    except InvalidOperation:
        return inf


def _no_constant(_: str) -> NoReturn:
    raise ProblemError("bad-request", "The body holds NaN or Infinity, which are no JSON.")


def _unkeepable(value: Any, pointer: str) -> Iterator[Problem]:
    match value:
        case dict():
            for key, content in cast(dict[str, Any], value).items():
                unnameable = list(_unkeepable(key, pointer))
                yield from unnameable or _unkeepable(content, pointer + _step(key))
        case list():
            for index, content in enumerate(cast(list[Any], value)):
                yield from _unkeepable(content, f"{pointer}/{index}")
        case str() if "\x00" in value:
            yield Problem(pointer, "must not hold the character U+0000")
        case str() if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            yield Problem(pointer, "must not hold half a surrogate pair")
        case int() if abs(value) > MAX_INTEGER:
            yield Problem(pointer, "must be a whole number below 2^53")
        case float() if not isfinite(value):
            yield Problem(pointer, "must be a number with fewer digits: this one cannot be kept exactly")
        case _:
            return
