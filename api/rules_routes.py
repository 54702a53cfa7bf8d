"""The HTTP API of clocks, consents, findings and gates: of one case, and across cases."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import bodies, examples, rule_answers, rule_examples
from api.acts import Gatekeeper, check_disclosure, decision_answer
from api.cases import KnownAt, Purpose, ValidAt, answer_json, case_id_of, place_of, problems, proven_receipt
from api.conditions import etag, expected_version, idempotency_key, question, refuse_unknown_parameters
from api.drafting import Commit
from api.looks import Question
from api.principals import Principal, acting, looking
from api.problems import ProblemError
from api.reading import CaseLook, CaseReader
from api.recording import CaseRecorder, Recorded
from api.rule_bodies import DecisionBody, DisclosureBody
from domain.authority import Act
from domain.events.administration import GateStopped
from domain.findings.handling import lives
from domain.known import Known
from domain.people import silenced
from domain.rules import Rules
from domain.warning import warned
from ledger.mapper import read_clear
from ledger.store import Ledger
from projections.boards import adopted_upto
from replay.questions import CaseQuestions

MOST_ROWS = 1000
ASKING = ("malformed", "not-found", "body-too-large", "wrong-media-type")


@dataclass(frozen=True, slots=True)
class Asked:
    """A case as one reader sees it, with the questions to it and the instant the clock shows."""

    look: CaseLook
    questions: CaseQuestions
    at: datetime

    @property
    def known(self) -> Known:
        """What was on record as of the instant asked about."""
        return self.questions.record

    @property
    def frame(self) -> dict[str, Any]:
        """What every answer says of itself."""
        return rule_answers.frame(self.look, self.at)

    def answer(self, content: dict[str, Any]) -> Response:
        """Return an answer about the case, with its version as ETag."""
        return answer_json(content, {"ETag": etag(self.look.file.version)})


def create_rules_router(ledger: Ledger, recorder: CaseRecorder, reader: CaseReader) -> APIRouter:
    """Return the routes over one ledger."""
    router = APIRouter(tags=["rules"])
    _add_case_routes(router, ledger, reader)
    _add_acts(router, ledger, recorder, reader)
    return router


async def asked_case(
    ledger: Ledger,
    reader: CaseReader,
    request: Request,
    case_id: str,
    what: str,
    *more: str,
    act: Act = Act.CASE_READ,
) -> Asked:
    """Return a case for a question, with the look on record; raises ProblemError for a misspelt parameter."""
    refuse_unknown_parameters(request, "known_at", "valid_at", *more)
    known_at, valid_at = request.query_params.get("known_at"), request.query_params.get("valid_at")
    asked = question(known_at, valid_at)
    return await ask_case(ledger, reader, looking(request), case_id_of(case_id), asked, what, act)


async def ask_case(
    ledger: Ledger, reader: CaseReader, principal: Principal, case: UUID, asked: Question, what: str, act: Act
) -> Asked:
    """Return a case for a question as of the instants asked about, with the look on record; raises as the reader."""
    return await questions_to(ledger, await reader.case(principal, case, asked, what, act))


async def questions_to(ledger: Ledger, look: CaseLook) -> Asked:
    """Return the questions to a case that was looked up, with the clock at the instant asked about."""
    rules, now = await asyncio.to_thread(lambda: (adopted_upto(ledger, look.position), ledger.now()))
    at = look.question.valid_at or look.question.known_at or now
    return Asked(look, CaseQuestions(Known(tuple(look.entries)), rules), at)


def _add_case_routes(router: APIRouter, ledger: Ledger, reader: CaseReader) -> None:
    @router.get(
        "/cases/{case_id}/deadlines",
        summary="Read a case's clocks",
        responses=rule_examples.DEADLINES | problems("not-found"),
    )
    async def read_deadlines(
        request: Request, case_id: str, known_at: KnownAt = None, valid_at: ValidAt = None, purpose: Purpose = None
    ) -> Response:
        """Every clock of the case: what started and satisfied it, how it stands, and the due dates it has had."""
        del known_at, valid_at, purpose
        asked = await asked_case(ledger, reader, request, case_id, "deadlines")
        return asked.answer(asked.frame | await asyncio.to_thread(_deadlines, asked))

    @router.get(
        "/cases/{case_id}/consents",
        summary="Read a case's consents",
        responses=rule_examples.CONSENTS | problems("not-found"),
    )
    async def read_consents(
        request: Request, case_id: str, known_at: KnownAt = None, valid_at: ValidAt = None, purpose: Purpose = None
    ) -> Response:
        """Every consent and its history, whose is missing, and how each disclosure was covered on both clocks."""
        del known_at, valid_at, purpose
        asked = await asked_case(ledger, reader, request, case_id, "consents")
        return asked.answer(
            asked.frame
            | {
                "consents": rule_answers.consents(asked.known, asked.at),
                "support": rule_answers.holders(asked.questions.holders_consent(asked.at)),
                "disclosures": rule_answers.uses(asked.known, asked.at),
            }
        )

    @router.get(
        "/cases/{case_id}/disclosures",
        summary="Read a case's disclosures",
        responses=rule_examples.DISCLOSURES | problems("not-found"),
    )
    async def read_disclosures(
        request: Request, case_id: str, known_at: KnownAt = None, valid_at: ValidAt = None, purpose: Purpose = None
    ) -> Response:
        """Every disclosure, and what was obtained, with how it was covered by the register then and by all facts."""
        del known_at, valid_at, purpose
        asked = await asked_case(ledger, reader, request, case_id, "disclosures")
        return asked.answer(asked.frame | {"items": rule_answers.uses(asked.known, asked.at)})

    @router.get(
        "/cases/{case_id}/findings",
        summary="Read a case's findings",
        responses=rule_examples.FINDINGS | problems("not-found"),
    )
    async def read_findings(
        request: Request, case_id: str, known_at: KnownAt = None, valid_at: ValidAt = None, purpose: Purpose = None
    ) -> Response:
        """What a careful reader would point out, with what became of each finding."""
        del known_at, valid_at, purpose
        asked = await asked_case(ledger, reader, request, case_id, "findings")
        found = await asyncio.to_thread(asked.questions.findings, asked.at)
        with_lives = lives(found, asked.known, asked.at)
        return asked.answer(asked.frame | {"items": [rule_answers.life(one, asked.at) for one in with_lives]})


def _deadlines(asked: Asked) -> dict[str, Any]:
    """Return the clocks of a case, those that must not remind anyone marked."""
    clocks = asked.questions.deadlines(asked.at)
    changes = asked.questions.due_changes()
    quiet, given = silenced(asked.known, clocks, asked.at), warned(asked.known, asked.at)
    items = [
        rule_answers.deadline(clock, asked.questions.rules, asked.at)
        | {"silenced": clock.key in quiet, "due_dates": rule_answers.due_changes(changes.get(clock.key, ()))}
        | {"warnings": [rule_answers.warning(one) for one in given if one.key == clock.key]}
        for clock in clocks
    ]
    return {"items": items, "rule_books": _books(asked.questions.rules)}


def _books(rules: Rules) -> list[dict[str, Any]]:
    """Return the rule books the answer rests on, with what is not verified in them."""
    latest = {adoption.book.book.id: adoption for adoption in rules.adoptions}
    return [
        {
            "rule_book": name,
            "version": adoption.book.book.version,
            "adopted_at_position": adoption.position,
            "approved_by": adoption.approved_by,
            "readings": dict(adoption.readings),
            "unverified_rules": sorted({rule.id for rule in adoption.book.unverified}),
        }
        for name, adoption in latest.items()
    ]


def _add_acts(router: APIRouter, ledger: Ledger, recorder: CaseRecorder, reader: CaseReader) -> None:
    gatekeeper = Gatekeeper(ledger, recorder)
    gate_problems = (
        "malformed", "key-reused", "stale-version", "version-required", "not-found", "body-too-large",
        "wrong-media-type", "refused",
    )  # fmt: skip

    @router.post(
        "/cases/{case_id}/disclosures",
        status_code=201,
        summary="Make a disclosure through its gate",
        responses=examples.RECEIPT | problems(*gate_problems),
        openapi_extra=examples.request(DisclosureBody, examples.DISCLOSURE, versioned=True),
    )
    async def disclose(request: Request) -> Response:
        """Make a disclosure, or be told what is missing; a stop, and an override with its reason, go on record."""
        commit, expected, raw = await act_of(request)
        act = bodies.parse(DisclosureBody, raw).act()
        recorded = await gatekeeper.disclose(acting(request), _case(request), expected, act, commit)
        return await outcome(request, ledger, recorded)

    @router.post(
        "/cases/{case_id}/decisions",
        status_code=201,
        summary="Make a decision through its gate",
        responses=examples.RECEIPT | problems(*gate_problems),
        openapi_extra=examples.request(DecisionBody, examples.DECISION, versioned=True),
    )
    async def decide(request: Request) -> Response:
        """Make a decision bound to the ledger's position and root, or be told what stands against it."""
        commit, expected, raw = await act_of(request)
        act = bodies.parse(DecisionBody, raw).act()
        recorded = await gatekeeper.decide(acting(request), _case(request), expected, act, commit)
        return await outcome(request, ledger, recorded)

    @router.post(
        "/cases/{case_id}/disclosures/check",
        summary="Ask the gate before a disclosure",
        responses=rule_examples.DISCLOSURE_GATE | problems(*ASKING),
        openapi_extra=examples.request(DisclosureBody, examples.DISCLOSURE, keyed=False),
    )
    async def ask_before_disclosure(request: Request, case_id: str) -> Response:
        """May this be shared, with whom, on whose consent: what the gate would say, with nothing done."""
        act = bodies.parse(DisclosureBody, await bodies.read_body(request)).act()
        asked = await asked_case(ledger, reader, request, case_id, "disclosure_gate")
        return asked.answer(asked.frame | rule_answers.gate(check_disclosure(asked.look.file, act, asked.at)))

    @router.post(
        "/cases/{case_id}/decisions/check",
        summary="Ask the gate before a decision",
        responses=rule_examples.DECISION_GATE | problems(*ASKING),
        openapi_extra=examples.request(DecisionBody, examples.DECISION, keyed=False),
    )
    async def ask_before_decision(request: Request, case_id: str) -> Response:
        """What would stand against this decision, with nothing done."""
        act = bodies.parse(DecisionBody, await bodies.read_body(request)).act()
        asked = await asked_case(ledger, reader, request, case_id, "decision_gate")
        found = await asyncio.to_thread(decision_answer, asked.look.file, act, ledger, acting(request))
        return asked.answer(asked.frame | {"open": not found, "stops": rule_answers.stops(found)})


async def act_of(request: Request) -> tuple[Commit, int, bytes]:
    """Return the empty commit of an act, the version it was decided on, and its body."""
    key, expected = idempotency_key(request), expected_version(request)
    raw = await bodies.read_body(request)
    return Commit((), key, place_of(request) + raw), expected, raw


def _case(request: Request) -> UUID:
    return case_id_of(request.path_params["case_id"])


async def outcome(request: Request, ledger: Ledger, recorded: Recorded) -> Response:
    """Answer with the receipt of an act, or with the problem of one that was stopped, the same for every repeat."""
    version, position, event = recorded.entries[-1]
    if event != GateStopped.name():
        return await proven_receipt(request, recorded)
    stopped = await asyncio.to_thread(stop_at, ledger, position)
    detail = "Nothing was done; the stop is on record. Put right what is missing, or give a reason where one may pass."
    raise ProblemError("refused", detail, stops=stopped, entry=version, current_version=recorded.version)


def stop_at(ledger: Ledger, position: int) -> list[str]:
    """Return what stopped an act, from the entry that says so."""
    return list(read_clear(ledger.read_range(position, position)[0]).data["findings"])
