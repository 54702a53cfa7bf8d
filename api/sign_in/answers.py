"""What is answered to somebody who is not signed in, or whose request did not come from where it should."""

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from api import problems
from api.problems import ProblemError
from api.sign_in.identity import ForeignRequest, NotSignedIn, ProviderUnavailable
from api.sign_in.pages import LOG_IN, PURPOSE, log_in_address, show
from api.sign_in.site import START

REALM = "caseledger"
KEPT_FORM, KEPT_SECONDS = "kladde", 30 * 60
"""The cookie with the key to a form that was sent after its session had ended, and how long that waits."""

_REFUSED = {
    "cross-site": "The request was not sent by a page of this site.",
    "foreign-host": "A demonstration answers to 127.0.0.1 and localhost only.",
    "form-token": "The form was not given out in this session: open the page again.",
    "form": "The body is not a form of this site.",
    "form-too-large": "All texts of a form together take at most 2 MB: shorten them.",
}


def install(app: FastAPI) -> None:
    """Answer what sign-in raises: problems to the API, redirects and pages to people."""
    app.add_exception_handler(NotSignedIn, _not_signed_in)
    app.add_exception_handler(ForeignRequest, _foreign)
    app.add_exception_handler(ProviderUnavailable, _unavailable)


async def _not_signed_in(request: Request, error: Exception) -> Response:
    """Send a reader to sign in and back; tell a program how (RFC 6750, section 3: no code where no token was sent)."""
    if not isinstance(error, NotSignedIn):
        raise error
    if error.via == "session":
        onwards = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        page = PURPOSE if error.code == "no-purpose" else LOG_IN
        kept: str | None = getattr(request.state, "kept_form", None)
        back = request.method == "GET" or kept is not None
        address = log_in_address(onwards if back else START, page, waiting=kept is not None)
        answer = RedirectResponse(address, 303)
        if kept is not None:
            secure = request.url.scheme == "https"
            answer.set_cookie(
                KEPT_FORM, kept, KEPT_SECONDS, path="/sager", secure=secure, httponly=True, samesite="lax"
            )
        return answer
    response = problems.render(ProblemError("not-signed-in", str(error), code=error.code))
    reason = "" if error.code == "missing" else f', error="invalid_token", error_description="{error.code}"'
    response.headers["WWW-Authenticate"] = f'Bearer realm="{REALM}"{reason}'
    return response


async def _foreign(request: Request, error: Exception) -> Response:
    if not isinstance(error, ForeignRequest):
        raise error
    if "text/html" in request.headers.get("accept", ""):
        large = error.code == "form-too-large"
        return show("refused.html", 413 if large else 403, large=large)
    return problems.render(ProblemError("foreign-request", _REFUSED[error.code], code=error.code))


async def _unavailable(_: Request, error: Exception) -> Response:
    if not isinstance(error, ProviderUnavailable):
        raise error
    return problems.render(
        ProblemError("sign-in-unavailable", "The identity provider does not answer: try again soon.")
    )
