"""Opening a case from a referral: who it is about, who told, when it came, and what was said."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import TypeAdapter, ValidationError

from api.drafting import Fact
from api.pages import write_views
from api.pages.codes import PROGRAMMES, ROLES, word
from api.pages.kept_forms import KeptForms
from api.pages.language import _
from api.pages.rendering import Pages
from api.pages.times import Unreadable
from api.pages.views import CASES, case_address
from api.pages.write_acts import BY_PATH
from api.pages.write_doing import Doing, When, commit_of, read_times
from api.pages.write_fields import FieldView, Option, Typed, Widget, is_needed, question, text_of, view_of
from api.pages.write_forms import FormField
from api.pages.write_options import plain_options
from api.pages.write_reading import build, read_value
from api.pages.write_routes import KEPT_NOTE, SENT_BEFORE, Sent, read_sent, sent_of
from api.pages.write_views import FormPage
from api.principals import acting
from api.recording import KeyReused, NewPerson, NotYetHappened
from api.sign_in.identity import SignIn
from domain.authority import Act
from domain.errors import Malformed
from domain.events.base import Code, Event, Text
from domain.events.fields import Identifier
from domain.events.referral import NotificationReceived
from domain.time import write_moment

OPENING = f"{CASES}/ny"
PERSONS = 4
PERSON_ROLES = ("mother", "expectant_mother", "father", "parent", "child", "network")
REFERRAL = BY_PATH["underretning"]
ASKED = ("notifier_kind", "notifier_role", "identity_known", "channel", "concern")
"""What is asked of the referral itself; whom it is about is said beside the persons."""

_CODE, _TEXT, _NUMBER = TypeAdapter[str](Code), TypeAdapter[str](Text), TypeAdapter[str](Identifier)
_LETTERS = "ABCD"


@dataclass(frozen=True, slots=True)
class PersonView:
    """One person of the new case as typed."""

    number: int
    fields: tuple[FieldView, ...]
    about: FieldView


@dataclass(frozen=True, slots=True)
class Opening:
    """A new case as a form says it."""

    programme: str
    number: str | None
    persons: tuple[NewPerson, ...]
    event: Event
    when: When


class OpeningPages:
    """Answers for the form that opens a case."""

    def __init__(self, pages: Pages, doing: Doing, sign_in: SignIn, kept: KeptForms) -> None:
        self._pages, self._doing, self._sign_in, self._kept = pages, doing, sign_in, kept

    def routes(self) -> APIRouter:
        """Return the routes; they come before the page of a case."""
        router = APIRouter(include_in_schema=False)
        router.get(OPENING)(self.ask)
        router.post(OPENING)(self.take)
        return router

    async def ask(self, request: Request) -> Response:
        """Show the form, with what waits in it from before the session ended."""

        async def look() -> Response:
            await self._pages.door.require(acting(request), Act.CASE_OPEN, "open_case")
            waiting = self._kept.take(request, acting(request).id)
            sent = sent_of(waiting or {}, str(uuid4()), 0)
            return self._form(request, sent, {}, notes=() if waiting is None else (_(KEPT_NOTE),))

        return await self._pages.told(request, look)

    async def take(self, request: Request) -> Response:
        """Open the case and lead to its receipt, or ask again for what is missing."""
        sent = read_sent(await self._sign_in.require_form(request))

        async def look() -> Response:
            principal = acting(request)
            await self._pages.door.require(principal, Act.CASE_OPEN, "open_case")
            opening, errors = await self._read(sent.typed)
            if opening is None or errors:
                return self._form(request, sent, errors, 422)
            facts = (Fact(opening.event, opening.when.happened),)
            commit = commit_of(request.url.path, sent.key, sent.typed, facts)
            try:
                recorded = await self._doing.recorder.open_case(
                    principal, opening.number, opening.programme, opening.persons, opening.when.happened, commit
                )
            except KeyReused:
                return self._form(request, replace(sent, key=str(uuid4())), {}, 409, problem=_(SENT_BEFORE))
            except NotYetHappened:
                return self._form(request, sent, {"happened": _("Tidspunktet er ikke kommet endnu.")}, 422)
            except Malformed:
                return self._form(request, sent, {}, 422, problem=_("Det kan ikke registreres sådan. Ret værdien."))
            return RedirectResponse(f"{case_address(recorded.case)}/kvittering/{recorded.entries[-1][0]}", 303)

        return await self._pages.told(request, look)

    async def _read(self, typed: Typed) -> tuple[Opening | None, dict[str, str]]:
        """Return the case a form describes, and what is wrong by field."""
        errors: dict[str, str] = {}
        data: dict[str, Any] = {}
        for field in _asked():
            try:
                value = read_value(REFERRAL, field, plain_options(REFERRAL, field), typed)
                if value is not None:
                    data[field.name] = value
                elif is_needed(REFERRAL, field):
                    errors[field.name] = _("Svar på »%(question)s«.", question=question(REFERRAL, field).rstrip("?"))
            except Unreadable as error:
                errors[field.name] = str(error)
        programme = _first(typed, "programme")
        if programme not in PROGRAMMES:
            errors["programme"] = _("Vælg et program.")
        number = _checked(typed, "number", _CODE, errors)
        persons, about, unborn = _persons(typed, errors)
        when = read_times(NotificationReceived, typed, await self._doing.now(), errors)
        if not about and not any(name.startswith("person1") for name in errors):
            errors["person1_om-0"] = _("Sæt kryds ved mindst én person, henvendelsen handler om.")
        data |= {"about": about[0] if len(about) == 1 else about, "received_at": write_moment(when.happened)}
        data |= {"subject": unborn[0] if len(unborn) == 1 else unborn} if unborn else {}
        if errors:
            return None, errors
        event, wrong = build(NotificationReceived, data)
        return (None, wrong) if event is None else (Opening(programme, number, persons, event, when), {})

    def _form(
        self,
        request: Request,
        sent: Sent,
        errors: Mapping[str, str],
        status: int = 200,
        *,
        problem: str | None = None,
        notes: tuple[str, ...] = (),
    ) -> Response:
        typed, path = sent.typed, request.url.path
        options = tuple(Option(code, word(PROGRAMMES, code)) for code in PROGRAMMES)
        asked = [view_of(REFERRAL, one, plain_options(REFERRAL, one), typed, errors.get(one.name)) for one in _asked()]
        people = _person_views(typed, errors)
        first = (
            _select("programme", _("Program"), options, typed, errors, needed=True),
            _line("number", _("Sagsnummer"), typed, errors, _("Tomt: protokollen giver sagen et nummer.")),
        )
        every = [*first, *(one for view in people for one in (*view.fields, view.about))]
        page = FormPage(
            title=_("Opret sag"),
            action=path,
            version=0,
            key=sent.key,
            owner=self._kept.owner(acting(request).id, path),
            times=write_views.times(NotificationReceived, typed, errors),
            fields=tuple(asked),
            more=(),
            problem=problem,
            notes=notes,
        )
        wrong = [(one.anchor, one.error) for one in every if one.error] + page.errors
        return self._pages.render(request, "opening.html", status, page=page, first=first, people=people, wrong=wrong)


def _asked() -> list[FormField]:
    return [field for field in REFERRAL.fields if field.name in ASKED]


def _first(typed: Typed, name: str) -> str:
    return text_of((typed.get(name) or ("",))[0])


def _checked(typed: Typed, name: str, kind: TypeAdapter[str], errors: dict[str, str]) -> str | None:
    text = _first(typed, name)
    if not text:
        return None
    try:
        return kind.validate_python(text)
    except ValidationError:
        told = {
            "cpr": _("Skriv nummeret som DDMMÅÅ-SSSS, eller lad feltet stå tomt."),
            "navn": _("Navnet er for langt, eller det indeholder tegn, der ikke kan gemmes."),
        }
        errors[name] = told.get(name.rpartition("_")[2], _("Skriv på én linje uden særlige tegn."))
        return None


def _persons(typed: Typed, errors: dict[str, str]) -> tuple[tuple[NewPerson, ...], list[str], list[str]]:
    """Return the persons, the references of those the referral is about, and of their unborn children."""
    found: list[NewPerson] = []
    about: list[str] = []
    unborn: list[str] = []
    for number in range(1, PERSONS + 1):
        prefix = f"person{number}"
        role = _first(typed, f"{prefix}_rolle")
        name = _checked(typed, f"{prefix}_navn", _TEXT, errors)
        identifier = _checked(typed, f"{prefix}_cpr", _NUMBER, errors)
        ticked = bool(typed.get(f"{prefix}_om"))
        if not (role or name or identifier or ticked):
            if number == 1:
                errors[f"{prefix}_navn"] = _("Skriv mindst én person.")
            continue
        if role not in PERSON_ROLES:
            errors[f"{prefix}_rolle"] = _("Vælg, hvem person %(number)s er i sagen.", number=number)
        if name is None:
            errors.setdefault(f"{prefix}_navn", _("Skriv navnet på person %(number)s.", number=number))
            continue
        ref = f"{'child' if role == 'child' else 'parent' if role != 'network' else 'network'}-{_LETTERS[number - 1]}"
        found.append(NewPerson(ref, role, name, identifier))
        if ticked:
            about.append(ref)
            unborn += [f"unborn of {ref}"] if role == "expectant_mother" else []
    return tuple(found), about, unborn


def _person_views(typed: Typed, errors: Mapping[str, str]) -> tuple[PersonView, ...]:
    roles = tuple(Option(role, word(ROLES, role)) for role in PERSON_ROLES)
    found: list[PersonView] = []
    for number in range(1, PERSONS + 1):
        prefix = f"person{number}"
        needed = number == 1
        fields = (
            _select(f"{prefix}_rolle", _("Rolle i sagen"), roles, typed, errors, needed=needed),
            replace(_line(f"{prefix}_navn", _("Navn"), typed, errors), needed=needed),
            _line(f"{prefix}_cpr", _("Personnummer"), typed, errors, _("DDMMÅÅ-SSSS. Den ufødte har intet.")),
        )
        about = FieldView(
            f"{prefix}_om",
            _("Henvendelsen handler om personen"),
            Widget.BOXES,
            options=(Option("ja", _("Henvendelsen handler om personen")),),
            chosen=tuple(typed.get(f"{prefix}_om", ())),
            error=errors.get(f"{prefix}_om-0"),
        )
        found.append(PersonView(number, fields, about))
    return tuple(found)


def _select(
    name: str, label: str, options: tuple[Option, ...], typed: Typed, errors: Mapping[str, str], *, needed: bool
) -> FieldView:
    chosen = tuple(typed.get(name, ()))
    return FieldView(name, label, Widget.SELECT, options=options, chosen=chosen, error=errors.get(name), needed=needed)


def _line(name: str, label: str, typed: Typed, errors: Mapping[str, str], hint: str = "") -> FieldView:
    return FieldView(name, label, Widget.LINE, hint, typed=_first(typed, name), error=errors.get(name))
