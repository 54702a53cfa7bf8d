"""The pages on which caseworkers record: the acts to choose from, their forms, what others did meanwhile, receipts."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.drafting import Commit, Fact
from api.looks import Question
from api.pages import write_views
from api.pages.approval_words import REFUSALS
from api.pages.case_frame import WRITE, CaseFrames, Frame
from api.pages.kept_forms import FILE_GONE, KeptForms
from api.pages.language import _
from api.pages.receipt_views import receipt_page
from api.pages.rendering import CASE_CLOSED, Pages, case_of
from api.pages.signed_papers import PAPER, choose_again, media_type_of, paper_field, paper_place, paper_problem, said_of
from api.pages.timeline import items
from api.pages.views import CASES, case_address
from api.pages.write_acts import BY_PATH, DECLINE, label_of
from api.pages.write_doing import (
    BOTH,
    KEEP,
    REPLACE,
    Doing,
    Filled,
    choice_facts,
    commit_of,
    decision_act,
    disclosure_act,
    domain_errors,
    filled,
    told_before,
)
from api.pages.write_fields import Material, Typed, first_of
from api.pages.write_forms import Gate, WriteAct
from api.pages.write_reading import said_before
from api.pages.write_sent import AGAIN, SEND, Sent, read_sent, sent_of
from api.pages.write_views import APPROVER, HAPPENED, FormPage, GateView
from api.pages.write_words import TELLING
from api.principals import acting, looking
from api.reading import CaseLook, CaseReader
from api.recording import KeyReused, NotYetHappened, Recorded, StaleVersion
from api.sign_in.identity import SignIn
from api.uploads import Upload
from domain.authority import Act
from domain.entries import Entry
from domain.errors import Malformed, Refused
from domain.events.administration import GateStopped
from domain.events.control import DocumentChecked
from domain.known import Known
from domain.warning import TOPICS as WARNINGS
from projections.boards import adopted_upto
from replay.questions import CaseQuestions

LEFT_BY = {"overdragelse": "overdraget", DECLINE: "afvist"}
"""Acts after which a case may be closed to who did them, and what the address of their day says then."""

SUBMISSION = "indstilling"
"""Names the submission whose texts a form begins with."""

STAFF = re.compile(r"[A-Za-z0-9._-]{1,80}")
NOTES = WARNINGS | {DocumentChecked.TOPIC}
"""Topics of entries that the worker puts on record by itself."""

SENT_BEFORE, KEPT_NOTE = TELLING["sent_before"], TELLING["kept"]


@dataclass(frozen=True, slots=True)
class Writing:
    """One form while it is answered: the request, the case as it stands, the act, what was sent."""

    request: Request
    case: UUID
    act: WriteAct
    material: Material
    sent: Sent


class WritePages:
    """Answers for the forms of one ledger."""

    def __init__(self, pages: Pages, doing: Doing, reader: CaseReader, sign_in: SignIn, kept: KeptForms) -> None:
        self._pages, self.doing, self._reader = pages, doing, reader
        self._sign_in, self._kept, self._frames = sign_in, kept, CaseFrames(pages)

    def routes(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(include_in_schema=False)
        router.get(f"{CASES}/{{case_id}}{WRITE.path}")(self.choose)
        router.get(f"{CASES}/{{case_id}}{WRITE.path}/{{act}}")(self.ask)
        router.post(f"{CASES}/{{case_id}}{WRITE.path}/{{act}}")(self.take)
        router.get(f"{CASES}/{{case_id}}/kvittering/{{entry}}")(self.receipt)
        return router

    async def choose(self, request: Request, case_id: str) -> Response:
        """Show what can be recorded in a case."""
        case = case_of(case_id)
        if case is None:
            return self._pages.sorry(request, "not-found")

        async def look() -> Response:
            seen = await self._look(request, case)
            groups = write_views.groups(case_address(case))
            return self._pages.render(request, "write_choose.html", frame=self.frame(request, seen), groups=groups)

        return await self._pages.told(request, look, closed=CASE_CLOSED, emergency_in=case)

    async def ask(self, request: Request, case_id: str, act: str) -> Response:
        """Show the form of an act, with what waits in it from before the session ended."""
        case, known = case_of(case_id), BY_PATH.get(act)
        if case is None or known is None:
            return self._pages.sorry(request, "not-found")

        async def look() -> Response:
            material = await self.material(request, case)
            waiting = self._kept.take(request, acting(request).id)
            version, key = material.look.file.version, str(uuid4())
            typed: Typed = {name: request.query_params.getlist(name) for name in request.query_params}
            if SUBMISSION in typed:
                typed = said_before(known, material, first_of(typed, SUBMISSION))
            if waiting is not None:
                sent = sent_of(waiting, str(uuid4()), version)
                writing = Writing(request, case, known, material, sent)
                errors = {PAPER: choose_again()} if FILE_GONE in waiting else {}
                return self.form(writing, errors, notes=(_(KEPT_NOTE),))
            return self.form(Writing(request, case, known, material, Sent(typed, key, version)), {})

        return await self._pages.told(request, look, closed=CASE_CLOSED, emergency_in=case)

    async def take(self, request: Request, case_id: str, act: str) -> Response:
        """Record what a form says, or ask again for what is missing; a form sent again leads to the same receipt."""
        case, known = case_of(case_id), BY_PATH.get(act)
        with Upload() as upload:
            takes = known is not None and self._takes_paper(known)
            form = await self._sign_in.require_form(request, upload if takes else None)
            if case is None or known is None:
                return self._pages.sorry(request, "not-found")
            sent = replace(read_sent(form), paper=upload if upload.name is not None else None)
            return await self._answer(request, case, known, sent)

    async def _answer(self, request: Request, case: UUID, known: WriteAct, sent: Sent) -> Response:
        """Answer a form that was sent, a repeat of one with what came of the first."""

        async def look() -> Response:
            try:
                before = await self.doing.recorder.repeated(acting(request), self._commit(request, sent))
            except KeyReused:
                before = None
                fresh = replace(sent, key=str(uuid4()))
                writing = Writing(request, case, known, await self.material(request, case), fresh)
                return self.form(writing, {}, 409, problem=_(SENT_BEFORE))
            if before is not None:
                return self.done(request, before)
            return await self._take(Writing(request, case, known, await self.material(request, case), sent))

        return await self._pages.told(request, look, closed=CASE_CLOSED, emergency_in=case)

    async def receipt(self, request: Request, case_id: str, entry: str) -> Response:
        """Show the receipt of what was recorded with an entry."""
        case = case_of(case_id)
        if case is None or not entry.isdecimal() or len(entry) > 9:
            return self._pages.sorry(request, "not-found")

        async def look() -> Response:
            seen = await self._reader.case(looking(request), case, Question(), "receipt_page")
            ledger = self.doing.ledger
            rules, now = await asyncio.to_thread(lambda: (adopted_upto(ledger), ledger.now()))
            questions = CaseQuestions(Known(tuple(seen.entries)), rules)
            clocks = await asyncio.to_thread(questions.deadlines, now)
            page = receipt_page(seen, int(entry), clocks, rules, now)
            if page is None:
                return self._pages.sorry(request, "not-found")
            frame = self.frame(request, seen, page.title)
            return self._pages.render(request, "receipt.html", frame=frame, page=page)

        return await self._pages.told(request, look, closed=CASE_CLOSED, emergency_in=case)

    async def _look(self, request: Request, case: UUID) -> CaseLook:
        return await self._reader.case(looking(request), case, Question(), "write_page", Act.CASE_WRITE)

    async def material(self, request: Request, case: UUID) -> Material:
        """Return what the forms of a case draw on, with the look on record."""
        return Material(await self._look(request, case), await self.doing.now())

    def frame(self, request: Request, seen: CaseLook, label: str | None = None) -> Frame:
        """Return the frame of a page on which one writes: always of the present."""
        found = self._frames.frame(request, seen.file.case, WRITE, Question(), seen.access_position, label)
        return replace(found, form=None)

    def form(
        self,
        writing: Writing,
        errors: Mapping[str, str],
        status: int = 200,
        *,
        gate: GateView | None = None,
        problem: str | None = None,
        notes: tuple[str, ...] = (),
        changed: tuple[Entry, ...] = (),
        again: tuple[Entry, ...] = (),
    ) -> Response:
        """Return the page of a form as it stands."""
        act, material, sent = writing.act, writing.material, writing.sent
        main, more = write_views.fields(act, material, sent.typed, errors)
        path = writing.request.url.path
        page = FormPage(
            title=label_of(act),
            action=path,
            version=sent.version,
            key=sent.key,
            owner=self._kept.owner(acting(writing.request).id, path),
            times=write_views.times(act.event, sent.typed, errors),
            fields=main,
            more=more,
            gated=act.gate,
            already=sent.already,
            gate=gate,
            approver=write_views.approver_field(act, sent.typed, errors),
            paper=paper_field(sent.paper, errors.get(PAPER)) if self._takes_paper(act) else None,
            problem=problem,
            notes=notes,
            changed=items_of(material.look, changed),
            again=items_of(material.look, again),
        )
        frame = self.frame(writing.request, material.look, page.title)
        return self._pages.render(writing.request, "write_form.html", status, frame=frame, page=page)

    def _commit(self, request: Request, sent: Sent, facts: tuple[Fact, ...] = (), reason: str | None = None) -> Any:
        place = request.url.path + (f"#{SEND}" if sent.step == SEND else "")
        place += f"#{sent.paper.digest}" if sent.paper is not None else ""
        return commit_of(place, sent.key, sent.typed, facts, reason)

    async def _take(self, writing: Writing) -> Response:
        if only_noted(writing.material.look, writing.sent.version):
            writing = _at_present(writing)
        sent, version = writing.sent, writing.material.look.file.version
        gated = writing.act.gate is not Gate.NONE and not sent.already
        if sent.version != version and gated:
            changed = tuple(writing.material.look.entries[sent.version :])
            return self.form(_at_present(writing), {}, 409, changed=changed)
        found = filled(writing.act, writing.material, sent.typed, acting(writing.request))
        if gated and sent.typed.get(f"{HAPPENED}_day", [""])[0].strip() and HAPPENED not in found_errors(found):
            early = _(
                "Det, der sker nu, har intet tidspunkt. Sæt kryds ved, at det allerede er sket, eller slet tiden."
            )
            return self.form(writing, found_errors(found) | {HAPPENED: early}, 422)
        unfit = paper_problem(sent.paper) if sent.paper is not None else None
        if unfit is not None:
            status = 413 if sent.paper is not None and sent.paper.too_large else 422
            return self.form(writing, found_errors(found) | {PAPER: unfit}, status)
        if not isinstance(found, Filled):
            return self.form(writing, found.errors, 422)
        if sent.version != version:
            return self._conflict(writing, found)
        if not gated and sent.step != AGAIN and not sent.choice:
            before = told_before(writing.act, writing.material, found, sent.typed, acting(writing.request).id)
            if before is not None:
                return self.form(writing, {}, 409, again=(before,))
        try:
            if gated:
                return await self._gated(writing, found)
            return await self._record(writing, found)
        except StaleVersion:
            again = replace(writing, material=await self.material(writing.request, writing.case))
            return self._conflict(again, found) if not gated else self.form(_at_present(again), {}, 409)
        except Malformed as error:
            return self.form(writing, domain_errors(writing.act, error), 422)
        except NotYetHappened:
            return self.form(writing, {HAPPENED: _("Tidspunktet er ikke kommet endnu.")}, 422)

    async def _record(self, writing: Writing, found: Filled) -> Response:
        """Record facts, or the choice made between them and what somebody else recorded."""
        sent, reason, facts = writing.sent, None, list(found.facts())
        theirs = writing.material.look.file.entry(sent.against) if sent.against else None
        if sent.choice in (KEEP, REPLACE, BOTH) and theirs is not None:
            reason = write_views.chosen_text(theirs, sent.choice)
            note = write_views.mine_text(writing.material.words, writing.act.event.TOPIC, found.data)
            staff = acting(writing.request).id
            facts = choice_facts(sent.choice, found, theirs.version, reason, note, staff)
        commit = self._commit(writing.request, sent, tuple(facts), reason)
        recorded = await self._recorded(writing, found, commit)
        if writing.act.path in LEFT_BY:
            await self._pages.door.require(acting(writing.request), Act.CASE_READ, "write_page")
        return self.done(writing.request, recorded, left=LEFT_BY.get(writing.act.path))

    async def _recorded(self, writing: Writing, found: Filled, commit: Commit) -> Recorded:
        """Record a commit, with the paper of the act where the form brought one."""
        sent, filer, principal = writing.sent, self.doing.filer, acting(writing.request)
        kind = None if sent.paper is None else media_type_of(sent.paper.beginning)
        if sent.paper is None or filer is None or kind is None:
            return await self.doing.facts(principal, writing.case, sent.version, commit)
        place = paper_place([fact.event for fact in commit.facts], writing.act.event)
        said = said_of(writing.material, found, sent.version + place)
        return await filer.file_paper(principal, writing.case, sent.version, said, kind, sent.paper.pieces(), commit)

    def _takes_paper(self, act: WriteAct) -> bool:
        return act.paper and self.doing.filer is not None

    async def _gated(self, writing: Writing, found: Filled) -> Response:
        """Show what the gate says, and do the act once that was seen; what stops it goes on record."""
        sent, principal = writing.sent, acting(writing.request)
        commit, asked = self._commit(writing.request, sent), sent.step in ("gem", SEND)
        if writing.act.gate is Gate.DECISION:
            decision = decision_act(found.events[0], sent.typed)
            stops = await self.doing.stops(principal, writing.material, decision)
            gate = write_views.decision_gate(writing.material, found.data, stops, sent.typed, asked=asked)
        else:
            disclosure = disclosure_act(writing.material, found.data, sent.typed)
            checked = self.doing.checked(writing.material, disclosure)
            gate = write_views.disclosure_gate(writing.material, checked, sent.typed, asked=asked)
        if not asked:
            return self.form(writing, {}, gate=gate)
        if writing.act.gate is Gate.DECISION and sent.step == SEND:
            error = _addressee_error(first_of(sent.typed, APPROVER).strip(), principal.id)
            if error is not None:
                return self.form(writing, {APPROVER: error}, 422, gate=gate)
            decision = decision_act(found.events[0], sent.typed)
            try:
                recorded = await self.doing.submit(principal, writing.case, sent.version, decision, sent.typed, commit)
            except Refused as refused:
                return self.form(writing, {}, 409, gate=gate, problem=_(REFUSALS[str(refused)]))
        elif writing.act.gate is Gate.DECISION:
            recorded = await self.doing.decide(
                principal, writing.case, sent.version, decision_act(found.events[0], sent.typed), commit
            )
        else:
            recorded = await self.doing.disclose(
                principal, writing.case, sent.version, disclosure_act(writing.material, found.data, sent.typed), commit
            )
        version, _position, event = recorded.entries[-1]
        if event != GateStopped.name():
            return self.done(writing.request, recorded)
        stopped = replace(sent, key=str(uuid4()), version=recorded.version)
        problem = _(
            "Intet er gjort: kontrollen stoppede det, og det er registreret som nr. %(version)s. "
            "Ret det, der mangler, eller skriv en grund, hvor den kan bruges.",
            version=version,
        )
        return self.form(replace(writing, sent=stopped), {}, 409, gate=gate, problem=problem)

    def _conflict(self, writing: Writing, found: Filled) -> Response:
        """Return the page that shows what others recorded meanwhile beside what was typed."""
        material, act, sent = writing.material, writing.act, writing.sent
        changed = tuple(material.look.entries[sent.version :])
        theirs = next((one for one in reversed(changed) if one.topic == act.event.TOPIC), None)
        compared = None
        if theirs is not None:
            names = list(dict.fromkeys([*found.data, *theirs.data]))
            compared = write_views.comparison(act, material, theirs, found.data, names)
        hidden = [(name, value) for name, values in sent.typed.items() for value in values]
        hidden += [("noegle", sent.key), ("udgave", str(material.look.file.version))]
        against = theirs.version if theirs is not None else changed[-1].version if changed else None
        frame = self.frame(writing.request, material.look, label_of(act))
        return self._pages.render(
            writing.request,
            "write_conflict.html",
            409,
            frame=frame,
            title=label_of(act),
            action=writing.request.url.path,
            hidden=hidden,
            against=against,
            changed=items_of(material.look, changed),
            compared=compared,
            both=True,
            paper=paper_field(sent.paper) if self._takes_paper(act) else None,
        )

    def done(self, request: Request, recorded: Recorded, *, left: str | None = None) -> Response:
        """Lead to the receipt; whoever may not read it any longer is led to their day, which says what was done."""
        if left is not None and not self._pages.door.among(acting(request), Act.CASE_READ, [recorded.case]):
            return RedirectResponse("/min-dag?" + urlencode({left: "ja"}), 303)
        return RedirectResponse(f"{case_address(recorded.case)}/kvittering/{recorded.entries[-1][0]}", 303)


def _addressee_error(staff: str, sender: str) -> str | None:
    """Return why a decision cannot be sent to somebody for approval; None where it can, or nobody is named."""
    if staff == sender:
        return _("Vælg en anden: ingen godkender det, de selv har forberedt.")
    if staff and not STAFF.fullmatch(staff):
        return _("Skriv ét id, for eksempel u-12.")
    return None


def found_errors(found: Any) -> dict[str, str]:
    """Return what is wrong with a form."""
    return {} if isinstance(found, Filled) else dict(found.errors)


def items_of(look: CaseLook, entries: tuple[Entry, ...]) -> tuple[Any, ...]:
    """Return entries as the timeline shows them."""
    versions = {entry.version for entry in entries}
    return tuple(item for item in items(look) if item.version in versions)


def only_noted(look: CaseLook, version: int) -> bool:
    """Whether nothing but the ledger's own notes came since a version: they change nothing that anybody writes."""
    since = look.entries[version:]
    return bool(since) and all(entry.topic in NOTES for entry in since)


def _at_present(writing: Writing) -> Writing:
    """Return a form as given out now: its writer is shown what has changed."""
    version = writing.material.look.file.version
    return replace(writing, sent=replace(writing.sent, version=version))
