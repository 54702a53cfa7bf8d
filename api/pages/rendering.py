"""How a page is made: its frame, who reads, and what is told where there is nothing to show."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from fastapi import Request
from fastapi.responses import Response

from api.door import Door, Forbidden, NotKnown
from api.looks import LookNotRecorded
from api.pages import access_views, views
from api.pages.codes import ROLES, word
from api.pages.frame import ENVIRONMENT, page
from api.pages.language import _
from api.pages.times import show_instant
from api.principals import Principal, acting
from api.problems import KINDS, ProblemError, from_exception
from api.reading import InstantInFuture
from api.recording import RecordingError
from api.sign_in.identity import SignIn
from domain.authority import Act
from domain.errors import DomainError
from domain.purposes import PURPOSES
from domain.time import write_instant
from ledger.errors import LedgerError, RecordDamaged
from projections.following import ViewMadeAnew

CASE_CLOSED, PAGE_CLOSED = "Sagen er ikke åben for dig", "Siden er ikke åben for dig"
_SORRY = {
    "not-found": ("Sagen findes ikke", "Der er ingen sag på denne adresse, eller den var ikke registreret endnu."),
    "bad-request": (
        "Adressen kan ikke læses",
        "Begynd forfra på siden, og vælg tidspunktet der. I en adresse skrives det som 2024-08-21T07:00:00Z.",
    ),
    "malformed": ("Det kan ikke registreres", "Det, formularen gælder, er der ikke længere. Intet er ændret."),
    "stale-version": ("Sagen blev ændret imens", "Intet er registreret. Åbn siden igen, og prøv en gang til."),
    "unavailable": (
        "Protokollen svarer ikke",
        "Opslaget kunne ikke registreres, eller det, der skal vises, er ikke færdigt. Derfor vises intet. "
        "Prøv igen om lidt.",
    ),
    "document-erased": ("Dokumentet er slettet", "Dokumentet er slettet efter en beslutning, der står i sagen."),
    "document-missing": (
        "Dokumentet mangler",
        "Dokumentet er journaliseret, men filen er ikke, hvor den skal være. Intet udleveres. "
        "Sig det til den driftsansvarlige.",
    ),
    "document-changed": (
        "Dokumentet er ændret",
        "Filen er ikke den, der blev journaliseret. Intet udleveres. Sig det til den driftsansvarlige.",
    ),
    "internal": (
        "Protokollen kan ikke læses",
        "Det, der ligger i protokollen, kan ikke åbnes, som det blev registreret. Sig det til den driftsansvarlige.",
    ),
}
"""Heading and text for each kind of problem; any other is told like an internal one."""

_DAMAGED = (
    "Sagen er ændret siden den blev registreret",
    "Noget af det, der ligger i protokollen, er ikke det, der blev registreret. Sagen vises ikke. "
    "Sig det til revisionen.",
)
_MADE_ANEW = (
    "Listen er ved at blive dannet på ny",
    "Programmet er opdateret, og listen dannes på ny efter det. Den vises, når den er færdig. Prøv igen om lidt.",
)
LIVE, MY_DAY = "/nyt", "/min-dag"
DESK, DESK_LABEL = "/ledelse", "Ledelse"
_SECTIONS = (
    ((Act.BOARD_READ,), views.CASES, "Sager"),
    ((Act.CASE_WRITE,), MY_DAY, "Min dag"),
    ((Act.SEARCH,), "/soeg", "Søg person"),
    ((Act.BOARD_READ,), "/protokol", "Protokol"),
    ((Act.BOARD_READ,), "/sammenlign", "Sammenlign"),
    ((Act.LOG_READ,), "/kontrolpunkter", "Kontrolpunkter"),
    ((Act.LOOKS_READ, Act.EXPORT_MAKE), DESK, DESK_LABEL),
)
"""Where the main navigation leads those who may do one of some things."""


@dataclass(frozen=True, slots=True)
class Section:
    """A link in the header; ``current`` where the page itself is what it leads to."""

    address: str
    label: str
    current: bool


@dataclass(frozen=True, slots=True)
class Live:
    """Where a page of the present hears of what is new, and what the ledger's clock shows."""

    address: str
    now: str


class Pages:
    """Makes the pages over one ledger; ``simulated`` puts the notice of a simulated clock on each of them."""

    def __init__(self, door: Door, sign_in: SignIn, *, simulated: bool) -> None:
        self.door = door
        self._sign_in = sign_in
        self._simulated = simulated

    def render(self, request: Request, template: str, status: int = 200, **context: Any) -> Response:
        """Return a page that no cache keeps: what it shows is personal."""
        principal, token = acting(request), self._sign_in.form_token(request)
        everywhere = {
            "reader": _reader(principal),
            "sections": self._sections(principal, request.url.path),
            "simulated": self._simulated,
            "token": token,
            "live": self._live(request, principal, status),
        }
        html = ENVIRONMENT.get_template(template).render(everywhere | context)
        return page(request, html, status, token)

    def _live(self, request: Request, principal: Principal, status: int) -> Live | None:
        """Return where a page hears of what is recorded after it; None for the past, and for who may not hear."""
        asked_past = any(name in request.query_params for name in views.LEGENDS)
        if request.method != "GET" or status != 200 or asked_past or not self.door.allows(principal, Act.BOARD_READ):
            return None
        _root, *parts = request.url.path.split("/")
        if parts[0] not in (views.CASES[1:], MY_DAY[1:]):
            return None
        case = case_of(parts[1]) if len(parts) > 1 else None
        return Live(LIVE if case is None else f"{LIVE}?sag={case}", write_instant(self.door.index.now))

    async def told(
        self,
        request: Request,
        look: Callable[[], Awaitable[Response]],
        form: views.Form | None = None,
        closed: str = PAGE_CLOSED,
        emergency_in: UUID | None = None,
    ) -> Response:
        """Return a page, or one that tells why there is none.

        ``closed`` is its heading where the reader is kept out, ``emergency_in`` the case to open in an emergency then.
        """
        try:
            return await look()
        except InstantInFuture as error:
            clock = _("Tidspunktet er ikke kommet endnu: protokollens ur viser %(now)s.", now=show_instant(error.now))
            if form is not None and error.parameter in {field.name for field in form.fields}:
                return self.render(request, "as_of.html", 400, form=views.with_error(form, error.parameter, clock))
            return self.sorry(request, "bad-request")
        except RecordDamaged as error:
            title, text = _DAMAGED
            return self.render(request, "damaged.html", 500, title=_(title), text=_(text), faults=error.faults)
        except Forbidden as error:
            return self._closed(request, error, closed, emergency_in)
        except ViewMadeAnew:
            return self.sorry(request, "unavailable", form, _MADE_ANEW)
        except (NotKnown, LookNotRecorded, LedgerError, RecordingError, DomainError, ProblemError) as error:
            return self.sorry(request, from_exception(error).kind, form)

    def sorry(
        self, request: Request, kind: str, form: views.Form | None = None, told: tuple[str, str] | None = None
    ) -> Response:
        """Return the page for a problem, with its own heading and text or those told.

        It tells of the present where an instant was asked about.
        """
        title, text = told or _SORRY.get(kind, _SORRY["internal"])
        asked_past = form is not None and any(name in request.query_params for name in views.LEGENDS)
        now = form.action if form is not None and asked_past else None
        response = self.render(request, "sorry.html", KINDS[kind].status, title=_(title), text=_(text), now=now)
        if response.status_code == 503:
            response.headers["Retry-After"] = "2"
        return response

    def _closed(self, request: Request, error: Forbidden, title: str, case: UUID | None) -> Response:
        """Return the page for somebody who is kept out, with the emergency door where there is one for them."""
        emergency = None
        if case is not None and self.door.among(acting(request), Act.BREAK_GLASS_OPEN, [case]):
            emergency = access_views.EmergencyForm(access_views.emergency_address(case), str(uuid4()))
        told = access_views.closed(_(title), error.because, error.access_position)
        return self.render(request, "closed.html", 403, page=told, emergency=emergency)

    def _sections(self, principal: Principal, path: str) -> list[Section]:
        open_to = [
            (address, label)
            for acts, address, label in _SECTIONS
            if any(self.door.allows(principal, act) for act in acts)
        ]
        return [Section(address, _(label), address == path) for address, label in open_to]

    def start(self, request: Request) -> str:
        """Return where a reader begins: the first place open to them, else the cases, which say why not."""
        return next((one.address for one in self._sections(acting(request), "")), views.CASES)


def case_of(text: str) -> UUID | None:
    """Return the case an address names; None for what is no id."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _reader(principal: Principal) -> str:
    """Return who reads, as shown on every page."""
    who = f"{principal.id} ({word(ROLES, principal.role)})"
    purpose = _(PURPOSES[principal.purpose].label_da)
    return ", ".join(filter(None, (who, principal.organisation))) + f" · {_('formål')}: {purpose}"
