"""Sign-in with the municipality's identity provider: bearer tokens for the API, code flow for the pages."""

from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.pages.language import _
from api.sign_in.bearers import Bearers
from api.sign_in.code_flow import LOGIN_SECONDS, Client, CodeFlow, LoginFailed
from api.sign_in.identity import ClaimMap, Identity, NotSignedIn, ProviderUnavailable, SignInNotUsable
from api.sign_in.pages import LOG_IN, WAITING, PageSignIn
from api.sign_in.provider import MAXIMUM_AGE_SECONDS, PAUSE_SECONDS, Provider, trustworthy
from api.sign_in.site import Site, local_path
from api.sign_in.tokens import Verifier
from ledger.settings import Settings
from ledger.store import Ledger

BEGIN = "/log-ind/begynd"
ANSWER = "/log-ind/svar"
"""Where the provider sends people back to: register ``CASELEDGER_PUBLIC_URL`` with this path there."""

_FAILED = {
    "not-begun": "Der gik for lang tid, eller browseren har ikke gemt den cookie, som log ind begyndte med.",
    "state": "Svaret hører ikke til det log ind, som denne browser begyndte sidst.",
    "foreign-issuer": "Svaret kom ikke fra kommunens login-tjeneste.",
    "refused": "Login-tjenesten afviste eller afbrød log ind.",
    "code": "Login-tjenesten tog ikke imod svaret. Det kan kun bruges én gang.",
    "nonce": "Svaret hører ikke til det log ind, som denne browser begyndte sidst.",
    "no-role": "Login-tjenesten giver dig ingen rolle her. Bed din leder om at få en tildelt.",
    "staff-id": "Login-tjenesten sendte ikke et medarbejder-id, der kan bruges. Sig det til den driftsansvarlige.",
}
_OTHERWISE = "Det, login-tjenesten sendte, kan ikke bruges. Sig det til den driftsansvarlige."


class OidcSignIn(PageSignIn):
    """Sign-in at one provider, over one ledger."""

    def __init__(
        self,
        ledger: Ledger,
        settings: Settings,
        *,
        maximum_age: float = MAXIMUM_AGE_SECONDS,
        pause: float = PAUSE_SECONDS,
    ) -> None:
        """Raises SignInNotUsable with what is wrong with the settings; the provider is not asked yet.

        ``maximum_age`` and ``pause`` in seconds: see Provider.
        """
        site = Site.at(settings.public_url)
        super().__init__(ledger, site)
        issuer, audience, client_id = _required(settings)
        self._provider = Provider(issuer, maximum_age=maximum_age, pause=pause)
        client = Client(client_id, f"{site.origin}{ANSWER}", _secret(settings))
        self._flow = CodeFlow(self._provider, client, ledger.keys)
        self._login_cookie = site.cookie("caseledger-login")
        self._claims = ClaimMap(
            settings.oidc_staff_claim,
            settings.oidc_roles_claim,
            settings.oidc_organisation_claim,
            settings.oidc_role_map,
        )
        self._bearers = Bearers(Verifier(issuer, audience, self._provider.key), self._claims)

    async def of_bearer(self, request: Request) -> Identity:
        """Return who sends a request to the API; raises NotSignedIn, ProviderUnavailable."""
        return await self._bearers.of(request)

    async def way_out(self) -> str | None:
        """Return where a person signs out of the provider, if it has such a page and answers."""
        try:
            return (await self._provider.published()).end_session_endpoint
        except ProviderUnavailable:
            return None

    def routes(self) -> APIRouter:
        """Return the routes of signing in and out."""
        router = self.shared_routes()

        @router.get(LOG_IN)
        async def log_in(request: Request) -> Response:
            """Offer the way to the provider: a link, since no form of ours may lead to another site."""
            onwards = quote(local_path(request.query_params.get("videre")), safe="/")
            return self.show("provider.html", onwards=onwards, waiting=WAITING in request.query_params)

        @router.get(BEGIN)
        async def begin(request: Request) -> Response:
            """Send a person to the provider."""
            try:
                address, login = await self._flow.begin(local_path(request.query_params.get("videre")))
            except ProviderUnavailable:
                return self._unavailable()
            response = RedirectResponse(address, 303)
            self.set_cookie(response, self._login_cookie, login, LOGIN_SECONDS)
            return response

        @router.get(ANSWER)
        async def answer(request: Request) -> Response:
            """Take a person back from the provider, once."""
            response = await self._answered(request)
            self.set_cookie(response, self._login_cookie, "", 0)
            return response

        return router

    async def _answered(self, request: Request) -> Response:
        try:
            login = request.cookies.get(self._login_cookie)
            claims, onwards = await self._flow.finish(login, request.query_params)
            identity = self._claims.identity(claims, "session")
        except ProviderUnavailable:
            return self._unavailable()
        except (LoginFailed, NotSignedIn) as error:
            status = 403 if error.code == "no-role" else 400
            return self.show("failed.html", status, text=_(_FAILED.get(error.code, _OTHERWISE)))
        return await self.admit(request, identity, onwards)

    def _unavailable(self) -> Response:
        response = self.show("failed.html", 503, text=_("Login-tjenesten svarer ikke. Prøv igen om lidt."))
        response.headers["Retry-After"] = "10"
        return response


def _required(settings: Settings) -> tuple[str, str, str]:
    """Return issuer, audience and client id; raises SignInNotUsable when one is missing or cannot be trusted."""
    issuer, audience, client_id = settings.oidc_issuer, settings.oidc_audience, settings.oidc_client_id
    if not (issuer and audience and client_id):
        raise SignInNotUsable(
            "Sign-in needs CASELEDGER_OIDC_ISSUER, CASELEDGER_OIDC_AUDIENCE and CASELEDGER_OIDC_CLIENT_ID."
        )
    if not trustworthy(issuer):
        raise SignInNotUsable("CASELEDGER_OIDC_ISSUER must be https; plain http is for loopback only.")
    if audience == client_id:
        raise SignInNotUsable(
            "CASELEDGER_OIDC_AUDIENCE must differ from CASELEDGER_OIDC_CLIENT_ID: identity tokens would open the API."
        )
    return issuer, audience, client_id


def _secret(settings: Settings) -> str | None:
    if settings.oidc_client_secret_file is None:
        return None
    try:
        secret = settings.oidc_client_secret_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        secret = ""
    if not secret:
        raise SignInNotUsable("CASELEDGER_OIDC_CLIENT_SECRET_FILE must name a readable file that holds the secret.")
    return secret
