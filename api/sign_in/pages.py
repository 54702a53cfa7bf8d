"""What both ways of signing in share on the pages: the session of a browser, its purpose, its forms, the way out."""

import asyncio
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.pages.frame import ENVIRONMENT
from api.sign_in.forms import read_form
from api.sign_in.identity import ForeignRequest, Form, Identity, NotSignedIn
from api.sign_in.sessions import ABSOLUTE, Sessions
from api.sign_in.site import Site, local_path
from api.uploads import Upload
from domain.purposes import PURPOSES, default_purpose
from ledger.store import Ledger

LOG_IN, LOG_OUT, PURPOSE = "/log-ind", "/log-ud", "/log-ind/formaal"
WAITING = "venter"


def show(template: str, status: int = 200, *, simulated: bool = False, **context: Any) -> Response:
    """Return a page of sign-in that no cache keeps."""
    html = ENVIRONMENT.get_template(f"sign_in/{template}").render(context | {"simulated": simulated})
    return Response(html, status, {"Cache-Control": "no-store"}, "text/html")


def log_in_address(onwards: str, page: str = LOG_IN, *, waiting: bool = False) -> str:
    """Return where people sign in who want to go on to a path of ours; ``waiting`` says that a form of theirs waits."""
    return f"{page}?videre={quote(local_path(onwards), safe='/')}" + (f"&{WAITING}=ja" if waiting else "")


class PageSignIn:
    """Sessions over HTTP for one ledger and site; ways of signing in build on it."""

    def __init__(self, ledger: Ledger, site: Site) -> None:
        self.site = site
        self.ledger = ledger
        self._sessions = Sessions(ledger)
        self._cookie = site.cookie("caseledger")

    async def of_session(self, request: Request) -> Identity:
        """Return who reads a page, with a purpose; raises NotSignedIn, ForeignRequest."""
        identity = await self._signed_in(request)
        if identity.purpose is None:
            raise NotSignedIn("no-purpose", "session")
        return identity

    async def require_form(self, request: Request, upload: Upload | None = None) -> Form:
        """Return what a form of ours sent; its file, where it may bring one, goes into ``upload``.

        Raises ForeignRequest for a request that no page of ours sent, or not in this session; NotSignedIn without one.
        """
        self.site.require_own_page(request)
        await self._signed_in(request)
        form = await read_form(request, upload)
        if not self._sessions.is_form_token(self._secret(request), form.get("csrf")):
            raise ForeignRequest("form-token")
        return form

    def form_token(self, request: Request) -> str:
        """Return what each form that changes something sends along as ``csrf``; raises NotSignedIn."""
        return self._sessions.form_token(self._secret(request))

    async def admit(self, request: Request, identity: Identity, onwards: str) -> Response:
        """Sign a person in: a session with a new id, and on to choosing a purpose. The browser's last session ends."""
        await asyncio.to_thread(self._sessions.close, self._secret(request))
        secret = await asyncio.to_thread(self._sessions.open, identity)
        response = RedirectResponse(log_in_address(onwards, PURPOSE), 303)
        self.set_cookie(response, self._cookie, secret, int(ABSOLUTE.total_seconds()))
        return response

    def set_cookie(self, response: Response, name: str, value: str, seconds: int) -> None:
        """Set a cookie that scripts and other sites' forms do not get, or remove it with 0 seconds."""
        response.set_cookie(name, value, seconds, path="/", secure=self.site.secure, httponly=True, samesite="lax")

    async def way_out(self) -> str | None:
        """Return where a person also signs out of the provider of their sign-in; None where there is none."""
        return None

    def shared_routes(self) -> APIRouter:
        """Return the routes of choosing a purpose and of signing out."""
        router = APIRouter(include_in_schema=False)

        @router.get(PURPOSE)
        async def ask_purpose(request: Request) -> Response:
            """Ask what the person looks at cases for."""
            identity = await self._signed_in(request)
            chosen = identity.purpose or default_purpose(identity.roles[0])
            return self.show(
                "purpose.html",
                identity=identity,
                purposes=PURPOSES.values(),
                chosen=chosen,
                onwards=local_path(request.query_params.get("videre")),
                token=self.form_token(request),
            )

        @router.post(PURPOSE)
        async def choose_purpose(request: Request) -> Response:
            """Note the purpose and go on."""
            form = await self.require_form(request)
            purpose, onwards = form.get("formaal", ""), local_path(form.get("videre"))
            if purpose not in PURPOSES:
                return RedirectResponse(log_in_address(onwards, PURPOSE), 303)
            await asyncio.to_thread(self._sessions.choose_purpose, self._secret(request), purpose)
            return RedirectResponse(onwards, 303)

        @router.get(LOG_OUT)
        async def ask_log_out(request: Request) -> Response:
            """Offer to sign out, or tell that it is done."""
            try:
                identity = await self._signed_in(request)
            except NotSignedIn:
                return self.show("logged_out.html", way_out=await self.way_out())
            return self.show("log_out.html", identity=identity, token=self.form_token(request))

        @router.post(LOG_OUT)
        async def log_out(request: Request) -> Response:
            """End the session."""
            await self.require_form(request)
            await asyncio.to_thread(self._sessions.close, self._secret(request))
            response = RedirectResponse(LOG_OUT, 303)
            self.set_cookie(response, self._cookie, "", 0)
            return response

        return router

    def show(self, template: str, status: int = 200, **context: Any) -> Response:
        """Return a page of sign-in over this ledger."""
        return show(template, status, simulated=self.ledger.simulated, **context)

    async def _signed_in(self, request: Request) -> Identity:
        self.site.require_known_host(request)
        return await asyncio.to_thread(self._sessions.use, self._secret(request))

    def _secret(self, request: Request) -> str | None:
        return request.cookies.get(self._cookie)
