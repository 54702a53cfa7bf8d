"""Putting an entry right: the value it has, the one it should have, and why; or that it should not be there at all."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.drafting import Fact
from api.pages import write_views
from api.pages.case_frame import WRITE
from api.pages.kept_forms import KeptForms
from api.pages.language import _
from api.pages.rendering import CASE_CLOSED, Pages, case_of
from api.pages.texts import OCCURRED_AT, field_label
from api.pages.timeline import NOT_CORRECTED
from api.pages.times import Unreadable
from api.pages.values import Value, is_technical, kinds_of_event, label_of
from api.pages.views import CASES
from api.pages.write_acts import BY_TOPIC
from api.pages.write_doing import BOTH, KEEP, REPLACE, commit_of
from api.pages.write_fields import FieldView, Material, Typed, Widget, parts_typed, text_of
from api.pages.write_forms import FormField, Pick, WriteAct
from api.pages.write_options import options_of, shown
from api.pages.write_reading import as_typed, build, denial, read_value, read_when
from api.pages.write_routes import SENT_BEFORE, Sent, WritePages, items_of, only_noted, read_sent, sent_of
from api.pages.write_views import FormPage, Row
from api.principals import acting
from api.recording import KeyReused, NotYetHappened, StaleVersion
from api.sign_in.identity import SignIn
from domain.entries import Entry
from domain.errors import Malformed
from domain.events import BY_TOPIC as EVENT_OF
from domain.events.base import Event
from domain.events.correction import EntryAnnulled, EntryCorrected
from domain.events.referral import NoteRecorded
from domain.recording import FIXED_FIELDS
from domain.time import write_moment

CORRECT, ANNUL = "berigtigelse", "annullering"
REASON, HIDE = "begrundelse", "skjul"


@dataclass(frozen=True, slots=True)
class FieldChoice:
    """A field of an entry that can be put right, with the value it has."""

    address: str
    label: str
    value: Value


@dataclass(frozen=True, slots=True)
class Correcting:
    """A correction or annulment while its form is answered; ``field`` None: the entry is annulled."""

    request: Request
    case: UUID
    material: Material
    entry: Entry
    field: str | None
    sent: Sent

    @property
    def act(self) -> WriteAct:
        """What asks for the field: as its own form does."""
        name = self.field or ""
        known = BY_TOPIC.get(self.entry.topic)
        asked = known.field(name) if known else None
        if asked is None or asked.pick is Pick.MADE:
            asked = FormField(name)
        if asked.choices:
            asked = replace(asked, other=True)
        event = EVENT_OF[self.entry.topic]
        return WriteAct(known.path if known else "", "", event, (replace(asked, more=False),))


class CorrectionPages:
    """Answers for the forms that put entries right."""

    def __init__(self, pages: Pages, writing: WritePages, sign_in: SignIn, kept: KeptForms) -> None:
        self._pages, self._writing, self._sign_in, self._kept = pages, writing, sign_in, kept

    def routes(self) -> APIRouter:
        """Return the routes; they come before those of the other acts."""
        router = APIRouter(include_in_schema=False)
        for path in (CORRECT, ANNUL):
            router.get(f"{CASES}/{{case_id}}{WRITE.path}/{path}")(self.ask)
            router.post(f"{CASES}/{{case_id}}{WRITE.path}/{path}")(self.take)
        return router

    async def ask(self, request: Request, case_id: str) -> Response:
        """Show the form, or the fields of an entry to choose from."""
        case = case_of(case_id)
        if case is None:
            return self._pages.sorry(request, "not-found")

        async def look() -> Response:
            material = await self._writing.material(request, case)
            waiting = self._kept.take(request, acting(request).id)
            query: Typed = {name: request.query_params.getlist(name) for name in request.query_params}
            sent = sent_of(waiting or query, str(uuid4()), material.look.file.version)
            found = _correcting(request, case, material, sent)
            if found is None:
                return self._pages.sorry(request, "not-found")
            if found.field == "" and not _annuls(request):
                frame = self._writing.frame(request, material.look, _("Ret"))
                return self._pages.render(
                    request,
                    "correct_choose.html",
                    frame=frame,
                    fields=_choices(found),
                    entry=found.entry,
                    label=label_of(found.entry),
                )
            return self._form(_with_present_value(found) if waiting is None else found, {})

        return await self._pages.told(request, look, closed=CASE_CLOSED, emergency_in=case)

    async def take(self, request: Request, case_id: str) -> Response:
        """Record the correction or annulment, or ask again for what is missing."""
        form = await self._sign_in.require_form(request)
        case, sent = case_of(case_id), read_sent(form)
        if case is None:
            return self._pages.sorry(request, "not-found")

        async def look() -> Response:
            problem = None
            try:
                commit = commit_of(request.url.path, sent.key, sent.typed)
                before = await self._writing.doing.recorder.repeated(acting(request), commit)
                if before is not None:
                    return self._writing.done(request, before)
            except KeyReused:
                problem = _(SENT_BEFORE)
            material = await self._writing.material(request, case)
            found = _correcting(request, case, material, sent)
            if found is None or (found.field == "" and not _annuls(request)):
                return self._pages.sorry(request, "not-found")
            if problem:
                return self._form(replace(found, sent=replace(sent, key=str(uuid4()))), {}, 409, problem)
            return await self._take(found)

        return await self._pages.told(request, look, closed=CASE_CLOSED, emergency_in=case)

    async def _take(self, correcting: Correcting) -> Response:
        event, errors = _read(correcting)
        look = correcting.material.look
        if only_noted(look, correcting.sent.version):
            correcting = replace(correcting, sent=replace(correcting.sent, version=look.file.version))
        sent = correcting.sent
        if errors or event is None:
            return self._form(correcting, errors, 422)
        chosen = sent.choice in (KEEP, REPLACE, BOTH)
        if sent.version != look.file.version:
            return self._conflict(correcting, event)
        facts, reason = [Fact(event, correcting.material.now)], None
        theirs = look.file.entry(sent.against) if sent.against else None
        if chosen and theirs is not None:
            reason = write_views.chosen_text(theirs, sent.choice)
            if sent.choice == KEEP:
                content = f"{reason}\n\n{_not_recorded(correcting, event)}"
                who = acting(correcting.request).id
                note = NoteRecorded(informant=who, channel="digital", content=content, relates_to=theirs.version)
                facts = [Fact(note, correcting.material.now)]
        try:
            commit = commit_of(correcting.request.url.path, sent.key, sent.typed, tuple(facts), reason)
            recorded = await self._writing.doing.facts(
                acting(correcting.request), correcting.case, sent.version, commit
            )
        except StaleVersion:
            material = await self._writing.material(correcting.request, correcting.case)
            return self._conflict(replace(correcting, material=material), event)
        except Malformed as error:
            detail = denial("", error.problems[0].detail)
            return self._form(correcting, {correcting.field or REASON: detail}, 422)
        except NotYetHappened:
            return self._form(correcting, {correcting.field or REASON: _("Tidspunktet er ikke kommet endnu.")}, 422)
        return self._writing.done(correcting.request, recorded)

    def _form(
        self, correcting: Correcting, errors: Mapping[str, str], status: int = 200, problem: str | None = None
    ) -> Response:
        material, sent, entry = correcting.material, correcting.sent, correcting.entry
        path = correcting.request.url.path
        annuls = _annuls(correcting.request)
        title = _("Annullér") if annuls else _("Ret: %(field)s", field=field_label(entry.topic, correcting.field or ""))
        hidden = [("nr", str(entry.version)), *([] if annuls else [("felt", correcting.field or "")])]
        asked = [] if annuls else [_value_field(correcting, errors.get(correcting.field or ""))]
        reason = write_views.text_field(
            REASON, _("Begrundelse"), sent.typed, errors.get(REASON), write_views.hint("reason_correction")
        )
        page = FormPage(
            title=f"{title} – {material.words.reference(entry.version).text}",
            action=path,
            version=sent.version,
            key=sent.key,
            owner=self._kept.owner(acting(correcting.request).id, path),
            times=(),
            fields=(*asked, reason),
            more=(),
            hidden=tuple(hidden),
            lead=_annul_lead() if annuls else _old_lead(correcting),
            problem=problem,
        )
        frame = self._writing.frame(correcting.request, material.look, title)
        return self._pages.render(correcting.request, "write_form.html", status, frame=frame, page=page)

    def _conflict(self, correcting: Correcting, event: Event) -> Response:
        """Return the page with the other correction of the same field beside this one."""
        look, sent = correcting.material.look, correcting.sent
        changed = tuple(look.entries[sent.version :])
        theirs = next((one for one in reversed(changed) if _same(one, correcting)), None)
        compared = _compared(correcting, event, theirs) if theirs is not None else None
        hidden = [(name, value) for name, values in sent.typed.items() for value in values]
        hidden += [("noegle", sent.key), ("udgave", str(look.file.version))]
        return self._pages.render(
            correcting.request,
            "write_conflict.html",
            409,
            frame=self._writing.frame(correcting.request, look, _("Ret")),
            title=_("Ret"),
            action=correcting.request.url.path,
            hidden=hidden,
            against=theirs.version if theirs is not None else changed[-1].version,
            changed=items_of(look, changed),
            compared=compared,
            both=compared is None,
            paper=None,
        )


def _annuls(request: Request) -> bool:
    return request.url.path.endswith(f"/{ANNUL}")


def _correcting(request: Request, case: UUID, material: Material, sent: Sent) -> Correcting | None:
    """Return what is put right; None for an entry that is not there or has a page of its own."""
    number, name = (sent.typed.get("nr") or ("",))[0], (sent.typed.get("felt") or ("",))[0]
    version = int(number) if number.isdecimal() and len(number) < 10 else 0
    entry = next((one for one in material.look.effective if one.version == version), None)
    if entry is None or entry.topic in NOT_CORRECTED:
        return None
    if name and name not in _names(entry):
        return None
    return Correcting(request, case, material, entry, name, sent)


def _names(entry: Entry) -> list[str]:
    fixed = FIXED_FIELDS.get(entry.topic, frozenset[str]())
    fields = kinds_of_event(entry.topic)
    told = [name for name in fields if name not in fixed and not is_technical(entry.topic, name)]
    return [OCCURRED_AT, *(name for name in told if fields[name] != "object")]


def _present(entry: Entry, name: str) -> Any:
    return write_moment(entry.occurred_at) if name == OCCURRED_AT else entry.data.get(name)


def _choices(correcting: Correcting) -> list[FieldChoice]:
    entry, words = correcting.entry, correcting.material.words
    path = correcting.request.url.path
    return [
        FieldChoice(
            f"{path}?nr={entry.version}&felt={name}",
            field_label(entry.topic, name),
            words.value(entry.topic, name, _present(entry, name)),
        )
        for name in _names(entry)
        if name == OCCURRED_AT or entry.data.get(name) is not None
    ]


def _with_present_value(correcting: Correcting) -> Correcting:
    """Return the form with the value on record typed in."""
    if not correcting.field:
        return correcting
    field = correcting.act.fields[0]
    typed = as_typed(correcting.act, field, _present(correcting.entry, correcting.field))
    offered = {one.value for one in options_of(correcting.act, field, correcting.material)}
    if field.other and offered:
        others = [one for one in typed.get(field.name, []) if one not in offered]
        typed = {field.name: [one for one in typed.get(field.name, []) if one in offered]}
        typed |= {f"{field.name}_andet": ["\n".join(others)]} if others else {}
    return replace(correcting, sent=replace(correcting.sent, typed={**typed, **correcting.sent.typed}))


def _value_field(correcting: Correcting, error: str | None) -> FieldView:
    typed, name = correcting.sent.typed, correcting.field or ""
    label = _("Ny værdi: %(field)s", field=field_label(correcting.entry.topic, name))
    if name == OCCURRED_AT:
        return FieldView(name, label, Widget.MOMENT, parts=parts_typed(typed, name), error=error, needed=True)
    found = shown(correcting.act, correcting.act.fields[0], correcting.material, typed, error)
    return replace(found, label=label)


def _old_lead(correcting: Correcting) -> str:
    name = correcting.field or ""
    value = correcting.material.words.value(correcting.entry.topic, name, _present(correcting.entry, name))
    old = ", ".join(piece.text for piece in value.pieces)
    return _("Der står nu: »%(old)s«. Den værdi bliver stående gennemstreget ved siden af den nye.", old=old)


def _annul_lead() -> str:
    return _(
        "Annullér kun det, der slet ikke skulle have stået i sagen. Hændelsen bliver stående gennemstreget og tæller "
        "ikke mere."
    )


def _read(correcting: Correcting) -> tuple[Event | None, dict[str, str]]:
    """Return the correction or annulment as typed, and what is wrong with it."""
    typed, entry, name = correcting.sent.typed, correcting.entry, correcting.field or ""
    reason = text_of((typed.get(REASON) or ("",))[0])
    errors = {} if reason else {REASON: _("Skriv en begrundelse.")}
    if _annuls(correcting.request):
        event, wrong = build(EntryAnnulled, {"annuls": entry.version, "reason": reason})
        return event, errors or dict.fromkeys([REASON] if wrong else [], _("Skriv en begrundelse."))
    new: Any = None
    try:
        new = _new_value(correcting)
    except Unreadable as error:
        errors[name] = str(error)
    old = _present(entry, name)
    if name not in errors and new is None and (old is None or name in _needed_fields(entry)):
        errors[name] = _("Skriv den nye værdi.")
    if name not in errors and new is not None and new == old:
        errors[name] = _("Det er den værdi, der står i forvejen.")
    data = {"corrects": entry.version, "field": name, "old": old, "new": new, "reason": reason}
    event, wrong = build(EntryCorrected, {key: value for key, value in data.items() if value is not None})
    place = {"reason": REASON}
    return event, errors or {place.get(key, name): text for key, text in wrong.items()}


def _needed_fields(entry: Entry) -> set[str]:
    fields = EVENT_OF[entry.topic].model_fields
    return {OCCURRED_AT, *(name for name, info in fields.items() if info.is_required())}


def _new_value(correcting: Correcting) -> Any:
    typed, name = correcting.sent.typed, correcting.field or ""
    if name == OCCURRED_AT:
        moment = read_when(typed, name, correcting.material.now)
        return None if moment is None else write_moment(moment)
    act, field = correcting.act, correcting.act.fields[0]
    return read_value(act, field, options_of(act, field, correcting.material), typed)


def _not_recorded(correcting: Correcting, event: Event) -> str:
    """Return what was typed and is not recorded, for the note that says so."""
    topic, name = correcting.entry.topic, correcting.field or ""
    mine = event.model_dump(mode="json")
    told = write_views.mine_text(correcting.material.words, topic, {name: mine.get("new")})
    return f"{told}\n{_('Begrundelse')}: {mine['reason']}"


def _same(entry: Entry, correcting: Correcting) -> bool:
    """Whether an entry is about the same field of the same entry."""
    target = entry.data.get("corrects") or entry.data.get("annuls")
    return target == correcting.entry.version and entry.data.get("field", correcting.field) == correcting.field


def _compared(correcting: Correcting, event: Event, theirs: Entry) -> write_views.Comparison:
    words, topic, name = correcting.material.words, correcting.entry.topic, correcting.field or ""
    mine = event.model_dump(mode="json")

    def told(source: Mapping[str, Any], key: str) -> Value | None:
        if source.get(key) is None:
            return None
        return (
            words.value(topic, name, source[key]) if key == "new" else words.value("entry_corrected", key, source[key])
        )

    labels = {"new": field_label(topic, name), "reason": _("Begrundelse")}
    rows = tuple(
        Row(label, told(theirs.data, key), told(mine, key), theirs.data.get(key) != mine.get(key))
        for key, label in labels.items()
    )
    recorded = write_views.show_instant(theirs.recorded_at)
    return write_views.Comparison(theirs.version, write_views.who_of(theirs), recorded, rows)
