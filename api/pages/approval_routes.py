"""The pages of approval over HTTP: the queue, and one submission with its answer, each look on record."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.approval_reading import ApprovalReader
from api.approving import Approver
from api.comparing import Compared, Comparer, Wanted
from api.drafting import Commit
from api.looks import NOW, Question
from api.pages import access_views, approval_views, desk
from api.pages.access_routes import SENT_BEFORE, form_key
from api.pages.approval_views import TEXT_LIMIT, AnswerForm, submission_address
from api.pages.approval_words import REFUSALS
from api.pages.case_frame import DECISIONS, CaseFrames
from api.pages.desk import Desk
from api.pages.language import _
from api.pages.rendering import CASE_CLOSED, Pages, case_of
from api.pages.views import CASES, case_address
from api.pages.write_views import OVERRIDE
from api.principals import acting, looking
from api.problems import ProblemError
from api.reading import CaseLook, CaseReader
from api.recording import KeyReused, Recorded, StaleVersion
from api.sign_in.identity import ForeignRequest, Form, SignIn
from domain.approvals import Submission, submission
from domain.authority import Act
from domain.errors import Refused
from domain.events.administration import GateStopped
from domain.events.approval import DecisionReturned, SubmissionWithdrawn
from replay.compare_boards import views_named

ANSWERED_SHOWN = 20
ENTRY = re.compile(r"[1-9][0-9]{0,8}")
PAGE = "approval_page"


@dataclass(frozen=True, slots=True)
class Typed:
    """An answer as typed: the version of the case its writer saw, remarks or a reason, and reasons to pass stops."""

    key: str
    version: int
    text: str
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])


Answer = Callable[[UUID, int, Typed], Awaitable[Response]]
"""Records an answer to the submission of a case that an entry made."""


class ApprovalPages:
    """Answers for the pages of approval of one ledger."""

    def __init__(
        self, pages: Pages, reader: CaseReader, approvals: ApprovalReader, approver: Approver, comparer: Comparer,
        sign_in: SignIn, places: Desk,
    ) -> None:  # fmt: skip
        self._pages, self._reader, self._approvals, self._approver = pages, reader, approvals, approver
        self._comparer, self._sign_in, self._desk, self._frames = comparer, sign_in, places, CaseFrames(pages)

    def routes(self) -> APIRouter:
        """Return the routes."""
        router, place = APIRouter(include_in_schema=False), f"{CASES}/{{case_id}}/godkendelse/{{version}}"
        router.get(desk.APPROVALS.address)(self.queue)
        router.get(place)(self.submission)
        router.post(f"{place}/godkend")(self.approve)
        router.post(f"{place}/retur")(self.give_back)
        router.post(f"{place}/tilbage")(self.withdraw)
        return router

    async def queue(self, request: Request) -> Response:
        """Show what waits for the reader's answer."""

        async def show() -> Response:
            principal = looking(request)
            found = await self._approvals.queue(principal, ANSWERED_SHOWN)
            cases = [one.case for one in (*found.waiting, *found.answered)]
            open_to = self._pages.door.among(principal, Act.CASE_READ, cases)
            page = approval_views.approvals_page(found, principal.id, open_to)
            menu = self._desk.menu(request, desk.APPROVALS)
            return self._pages.render(request, "approvals.html", page=page, desk=menu)

        return await self._pages.told(request, show)

    async def submission(self, request: Request, case_id: str, version: str) -> Response:
        """Show a submission as it was sent, with what came since."""
        if not ENTRY.fullmatch(version):
            return self._pages.sorry(request, "not-found")
        place = replace(DECISIONS, path=f"/godkendelse/{version}")

        async def show(case: UUID, asked: Question) -> Response:
            if asked.valid_at is not None:
                raise ProblemError("bad-request", "A submission is what was recorded: it takes known_at alone.")
            return await self._page(request, case, int(version), asked)

        return await self._frames.answer(request, case_id, place, show)

    async def approve(self, request: Request, case_id: str, version: str) -> Response:
        """Approve a submission and make its decision."""

        async def act(case: UUID, number: int, typed: Typed) -> Response:
            error = _too_long(typed.text)
            if error is not None:
                return await self._again(request, case, number, typed, 422, remarks=error)
            commit = _commit(request, typed)
            recorded = await self._approver.approve(
                acting(request), case, typed.version, number, typed.text or None, typed.reasons, commit
            )
            if recorded.entries[-1][2] == GateStopped.name():
                return await self._stopped(request, case, number, typed, recorded)
            return _receipt(recorded)

        return await self._answer(request, case_id, version, "bemaerkning", act)

    async def give_back(self, request: Request, case_id: str, version: str) -> Response:
        """Return a submission with the reason."""

        async def act(case: UUID, number: int, typed: Typed) -> Response:
            error = _too_long(typed.text) or (
                None if typed.text else _("Skriv, hvorfor afgørelsen sendes tilbage, og hvad der skal rettes.")
            )
            if error is not None:
                return await self._again(request, case, number, typed, 422, reason=error)
            returned = DecisionReturned(submission=number, reason=typed.text)
            await self._approver.give_back(acting(request), case, None, returned, _commit(request, typed))
            return RedirectResponse(submission_address(case, number), 303)

        return await self._answer(request, case_id, version, "begrundelse", act)

    async def withdraw(self, request: Request, case_id: str, version: str) -> Response:
        """Take a submission back."""

        async def act(case: UUID, number: int, typed: Typed) -> Response:
            withdrawn = SubmissionWithdrawn(submission=number)
            await self._approver.withdraw(acting(request), case, None, withdrawn, _commit(request, typed))
            return RedirectResponse(submission_address(case, number), 303)

        return await self._answer(request, case_id, version, "", act)

    async def _answer(self, request: Request, case_id: str, version: str, name: str, act: Answer) -> Response:
        """Take an answer; one that cannot be recorded is asked for again with what stands in the way."""
        form = await self._sign_in.require_form(request)
        case, typed = case_of(case_id), _read(form, name)
        if case is None or not ENTRY.fullmatch(version):
            return self._pages.sorry(request, "not-found")

        async def answered() -> Response:
            number = int(version)
            try:
                return await act(case, number, typed)
            except Refused as error:
                problem = _(REFUSALS[str(error)])
            except StaleVersion:
                problem = _(
                    "Sagen er ændret, siden du åbnede siden. Intet er registreret. Læs, hvad der er kommet til."
                )
            except KeyReused:
                problem = _(SENT_BEFORE)
            return await self._again(request, case, number, typed, 409, problem=problem)

        return await self._pages.told(request, answered, closed=CASE_CLOSED)

    async def _stopped(self, request: Request, case: UUID, number: int, typed: Typed, recorded: Recorded) -> Response:
        problem = _(
            "Intet er godkendt: kontrollen stoppede det, og det er registreret som nr. %(version)s. "
            "Skriv en grund, hvor den kan bruges, eller send afgørelsen tilbage.",
            version=recorded.entries[-1][0],
        )
        return await self._again(request, case, number, typed, 409, problem=problem, asked=True)

    async def _again(
        self, request: Request, case: UUID, number: int, typed: Typed, status: int, *, problem: str | None = None,
        remarks: str | None = None, reason: str | None = None, asked: bool = False,
    ) -> Response:  # fmt: skip
        """Return the page with what was typed and what is wrong; a form of its own, for the case as it stands now."""
        returning = request.url.path.endswith("/retur")
        form = AnswerForm(
            str(uuid4()),
            0,
            access_views.TextField("" if returning else typed.text, remarks),
            access_views.TextField(typed.text if returning else "", reason),
            problem,
        )
        return await self._page(request, case, number, NOW, form, typed.reasons, status, asked=asked)

    async def _page(
        self, request: Request, case: UUID, version: int, asked_of: Question, form: AnswerForm | None = None,
        reasons: Mapping[str, str] | None = None, status: int = 200, *, asked: bool = False,
    ) -> Response:  # fmt: skip
        principal = looking(request)
        look = await self._reader.case(principal, case, asked_of, PAGE)
        sent = submission(look.entries, version)
        if sent is None:
            raise ProblemError("not-found", "That entry sent no decision for approval.")
        now = look.as_of.at(self._pages.door.index.now)
        reading = await asyncio.to_thread(self._approver.reading, principal, look.entries, sent)
        page = approval_views.submission_page(
            look, sent, principal, now, reading, await self._compared(look, sent),
            replace(form or AnswerForm(str(uuid4()), 0), version=look.file.version),
            decides=case in self._pages.door.among(principal, Act.DECIDE, [case]),
            typed={f"{OVERRIDE}_{code}": [reason] for code, reason in (reasons or {}).items()},
            asked=asked,
        )  # fmt: skip
        label = _("Indstilling nr. %(version)s", version=version)
        place = replace(DECISIONS, path=f"/godkendelse/{version}")
        frame = self._frames.frame(request, case, place, asked_of, look.access_position, label)
        menu = self._frames.menu(request, case, asked_of, DECISIONS)
        shown = replace(frame, menu=menu, form=None)
        return self._pages.render(request, "approval.html", status, frame=shown, page=page, limit=TEXT_LIMIT)

    async def _compared(self, look: CaseLook, sent: Submission) -> Compared | None:
        """Return what the entries since have changed, up to the answer or as asked; None where nothing came."""
        begins = look.entries[sent.prepared_on - 1].recorded_at
        until = sent.answer.recorded_at if sent.answer else look.entries[-1].recorded_at
        if until <= begins:
            return None
        return await self._comparer.of(look, Wanted(views_named("all"), known_to=until, known_from=begins))


def _read(form: Form, name: str) -> Typed:
    """Return an answer as it was sent; raises ForeignRequest for what no form of ours sends."""
    version = form.get("udgave", "")
    if not ENTRY.fullmatch(version):
        raise ForeignRequest("form")
    prefix = f"{OVERRIDE}_"
    reasons = {one.removeprefix(prefix): form.get(one, "").strip() for one in form if one.startswith(prefix)}
    text = form.get(name, "").replace("\r\n", "\n").strip() if name else ""
    return Typed(form_key(form), int(version), text, {code: reason for code, reason in reasons.items() if reason})


def _too_long(text: str) -> str | None:
    if len(text) <= TEXT_LIMIT:
        return None
    return _("Teksten er for lang. Skriv den kortere.")


def _commit(request: Request, typed: Typed) -> Commit:
    body = urlencode({"text": typed.text, **typed.reasons})
    return Commit((), typed.key, f"{request.url.path}\n{body}".encode())


def _receipt(recorded: Recorded) -> Response:
    return RedirectResponse(f"{case_address(recorded.case)}/kvittering/{recorded.entries[-1][0]}", 303)
