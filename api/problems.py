"""Errors over HTTP as problems (RFC 9457): what is wrong, where, and what to do. Never what was sent."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from api.door import Forbidden, NotKnown
from api.looks import LookNotRecorded
from api.principals import HeaderRefused
from api.reading import InstantInFuture
from api.recording import KeyReused, NoSuchCase, NotYetHappened, RecordingError, StaleVersion
from domain.errors import Malformed, Problem, Refused
from domain.events import BY_TOPIC
from domain.time import write_instant
from ledger.errors import ClocksApart, KeyErased, KeyMissing, LedgerError, LedgerUnavailable, RecordDamaged
from projections.following import ViewMadeAnew
from replay.bundle import NotProvenYet

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: status, title, and what a reader of the documentation is told."""

    status: int
    title: str
    explanation: str


KINDS: dict[str, Kind] = {
    "bad-request": Kind(400, "The request cannot be read", "Header, query or body are not of the form described."),
    "not-signed-in": Kind(
        401, "Nobody is signed in", "Send an access token of the identity provider: `Authorization: Bearer TOKEN`."
    ),
    "forbidden": Kind(
        403, "Not for you", "Your role, assignment or organisation does not open this. The attempt is on record."
    ),
    "foreign-request": Kind(
        403, "The request came from elsewhere", "Pages change something only when one of their own forms asks them to."
    ),
    "not-found": Kind(404, "Not found", "There is no such case or page, or there was none at the instant asked about."),
    "method-not-allowed": Kind(405, "Method not allowed", "Entries are added, never changed or removed."),
    "refused": Kind(409, "A gate stops the act", "The act is still to come and a rule stands against it."),
    "stale-version": Kind(
        412,
        "The version has moved on",
        "Read what happened since `If-Match`, decide again, send again with the new ETag.",
    ),
    "body-too-slow": Kind(
        408,
        "The body came too slowly",
        "It ends within twenty seconds, and one more for each 10,000 bytes. Nothing was done: send it again.",
    ),
    "document-erased": Kind(410, "The document was erased", "Its key was destroyed by a decision on record."),
    "body-too-large": Kind(
        413, "The body is too large", "A body holds at most one million bytes, a document fifty million."
    ),
    "wrong-media-type": Kind(
        415, "The body is of the wrong kind", "Send JSON as `Content-Type: application/json`, a document as its own."
    ),
    "misdirected": Kind(
        421, "The host name is not known here", "Requests name the host by one of the service's own names."
    ),
    "malformed": Kind(422, "The commit is malformed", "Each of `errors` names a field, the reason and the remedy."),
    "key-reused": Kind(
        422,
        "The idempotency key belongs to another request",
        "A repeat has the same body; anything else needs a new key.",
    ),
    "too-many-hits": Kind(
        422, "Too many people match", "Nobody is shown. Give more of the name, or the CPR or replacement number."
    ),
    "version-required": Kind(428, "If-Match is required", "Send the ETag of the version you decided on."),
    "too-many-requests": Kind(
        429, "Too many requests", "Each caller may send so many a minute, fewer where people are searched or sign in."
    ),
    "head-too-large": Kind(431, "Address and headers are too large", "Together they hold at most 32,000 bytes."),
    "damaged": Kind(
        500,
        "The record is not what was recorded",
        "Stored bytes were changed after they were recorded. `faults` name the places: tell the auditor.",
    ),
    "document-missing": Kind(
        500, "The document cannot be produced", "It was filed, but its bytes are not there: tell the archive."
    ),
    "document-changed": Kind(
        500, "The document is not the one that was filed", "Nothing of it is sent. Tell the archive and the auditor."
    ),
    "key-missing": Kind(
        500,
        "A key cannot be found",
        "The key store is not whole. Tell the operator: `caseledger keys check` says more.",
    ),
    "internal": Kind(500, "The server failed", "Nothing was half recorded. The incident is in the server's log."),
    "sign-in-unavailable": Kind(
        503, "The identity provider does not answer", "Whose the token is cannot be told. Nothing was done."
    ),
    "not-signed-yet": Kind(
        503,
        "No checkpoint holds it yet",
        "What is recorded is signed within seconds: ask again after `Retry-After`. If it stays so, no worker signs.",
    ),
    "overloaded": Kind(
        503, "Too many requests at once", "Nothing was done. Send the same request again after `Retry-After`."
    ),
    "unavailable": Kind(
        503, "The ledger does not answer", "Nothing is half recorded. Send the same request again with the same key."
    ),
}


class ProblemError(Exception):
    """A request is answered with a problem of one kind; ``extra`` are further members of the answer."""

    def __init__(self, kind: str, detail: str, errors: list[Problem] | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.errors, self.extra = kind, detail, errors, extra


_HEADERS = {503: {"Retry-After": "2"}}


def render(problem: ProblemError) -> Response:
    """Return the answer for a problem."""
    kind = KINDS[problem.kind]
    body: dict[str, Any] = {
        "type": f"/problems/{problem.kind}",
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        **problem.extra,
    }
    if problem.errors is not None:
        body["errors"] = [{"pointer": p.pointer, "detail": p.detail} for p in problem.errors]
    headers = dict(_HEADERS.get(kind.status, {}))
    if "access_event" in body:
        headers["Access-Event"] = str(body["access_event"])
    return Response(orjson.dumps(body), kind.status, headers, MEDIA_TYPE)


def from_exception(error: Exception) -> ProblemError:
    """Return the problem that tells a caller what an exception of ours means."""
    match error:
        case ProblemError():
            return error
        case Malformed():
            return ProblemError(
                "malformed", f"{len(error.problems)} thing(s) are wrong; nothing is written", error.problems
            )
        case StaleVersion():
            return _stale(error)
        case KeyReused():
            return ProblemError("key-reused", "This Idempotency-Key was used for a request with another body.")
        case NotYetHappened():
            now = write_instant(error.now)
            problem = Problem(
                "/commands", f"occurred_at lies after the ledger's own time {now}: record it when it has happened"
            )
            return ProblemError(
                "malformed", "A fact claims to have happened in the future; nothing is written", [problem]
            )
        case NoSuchCase() | NotKnown():
            return ProblemError("not-found", "There is no case with this id on record at that instant.")
        case Forbidden():
            return _forbidden(error)
        case InstantInFuture() | HeaderRefused():
            return ProblemError("bad-request", str(error))
        case Refused():
            return ProblemError("refused", str(error))
        case LookNotRecorded() | LedgerUnavailable() | ClocksApart() | ViewMadeAnew():
            return ProblemError(
                "unavailable", str(error) or "The look could not be put on record, so nothing is shown."
            )
        case RecordDamaged():
            return ProblemError("damaged", str(error), faults=list(error.faults))
        case NotProvenYet():
            return ProblemError("not-signed-yet", str(error))
        case KeyErased():
            return ProblemError("refused", KEY_ERASED)
        case KeyMissing():
            return ProblemError("key-missing", "Nothing is recorded: a key that is needed is not in the key store.")
        case _:
            return ProblemError("internal", "Nothing is half recorded. Tell the operator when this happened.")


KEY_ERASED = (
    "Nothing is recorded: the key that would seal this text was erased by decision. Record it without texts, in codes:"
    " that a recipient could not be told as `channel` instead of `impossible`."
)

REFUSALS = {
    "role": "Your role does not do this.",
    "role_ended": "Your role was ended in this ledger.",
    "unknown_role": "Your role is none that this ledger knows.",
    "not_assigned": "You are not assigned to this case. In an emergency you can open it for a few hours with a reason.",
    "restricted": "This case is restricted to the people named for it.",
    "conflict_of_interest": "A conflict of interest is on record for you in this case.",
}
"""What somebody is told who may not do something, by the reason."""


def _forbidden(error: Forbidden) -> ProblemError:
    detail = f"{REFUSALS[error.because]} The attempt is on record."
    return ProblemError("forbidden", detail, reason=error.because, access_event=error.access_position)


def _stale(error: StaleVersion) -> ProblemError:
    since = [
        {
            "version": entry.version,
            "event": BY_TOPIC[entry.topic].name(),
            "recorded_at": write_instant(entry.recorded_at),
            "actor": {"id": entry.actor.id, "role": entry.actor.role},
        }
        for entry in error.since
    ]
    detail = f"The case is at version {error.current}; {len(since)} entries have come since the version you named."
    return ProblemError("stale-version", detail, current_version=error.current, since=since)


def _from_framework(error: HTTPException) -> ProblemError:
    kinds = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large", 415: "wrong-media-type"}
    return ProblemError(
        kinds.get(error.status_code, "bad-request"), KINDS[kinds.get(error.status_code, "bad-request")].explanation
    )


def _from_validation(error: RequestValidationError) -> ProblemError:
    """Name parameters by place and reason; the input itself may hold personal data and is not repeated."""
    problems = [Problem("/" + "/".join(map(str, e["loc"])), str(e["msg"])) for e in error.errors()]
    return ProblemError("bad-request", "Header or query are not of the form described.", problems)


def _methods_of(routes: Iterable[BaseRoute], scope: Scope) -> set[str]:
    """Return all methods of an address, of which each route knows its own (RFC 9110, section 10.2.1)."""
    found: set[str] = set()
    for route in routes:
        router = getattr(route, "original_router", None)
        if isinstance(router, APIRouter):
            found |= _methods_of(router.routes, scope)
        elif isinstance(route, Route) and route.matches(scope)[0] != Match.NONE:
            found |= route.methods or set()
    return found


def install(app: FastAPI) -> None:
    """Answer every error of the application with a problem."""

    async def ours(request: Request, error: Exception) -> Response:
        problem = from_exception(error)
        if KINDS[problem.kind].status >= 500:
            request.state.failure = error  # the log names its type and place
        return render(problem)

    async def framework(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            return render(from_exception(error))
        response = render(_from_framework(error))
        response.headers.update(error.headers or {})
        if error.status_code == 405:
            response.headers["Allow"] = ", ".join(sorted(_methods_of(app.routes, request.scope)))
        return response

    async def validation(_: Request, error: Exception) -> Response:
        return render(_from_validation(error) if isinstance(error, RequestValidationError) else from_exception(error))

    for kind in (
        ProblemError,
        Malformed,
        Refused,
        RecordingError,
        NotKnown,
        Forbidden,
        HeaderRefused,
        InstantInFuture,
        LookNotRecorded,
        LedgerError,
    ):
        app.add_exception_handler(kind, ours)
    app.add_exception_handler(HTTPException, framework)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(Exception, ours)
