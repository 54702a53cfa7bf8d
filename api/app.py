"""The web application over one open ledger."""

from collections.abc import Awaitable, Callable
from importlib.metadata import version
from importlib.resources import as_file, files

from fastapi import Depends, FastAPI, Request
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.telemetry import TelemetryConfig

from api import problems
from api.access_acts import AccessKeeper
from api.access_reading import AccessReader
from api.access_routes import create_access_router
from api.approval_reading import ApprovalReader
from api.approval_routes import create_approval_router
from api.approving import Approver
from api.board_routes import create_board_router
from api.boards import Boards
from api.caseload_moving import CaseloadMover
from api.cases import create_router
from api.compare_routes import create_compare_router
from api.comparing import Comparer
from api.conditions import Cursors
from api.document_filing import Filer
from api.document_reading import DocumentReader
from api.documents import create_documents_router
from api.door import Door
from api.dossier import DossierMaker
from api.dossier_paper import PaperMaker
from api.dossier_routes import create_dossier_router
from api.erasure_routes import create_erasure_router
from api.evidence import EvidenceMaker
from api.evidence_routes import create_evidence_router
from api.feed import Feed
from api.feed_routes import create_feed_router
from api.health import HealthReader
from api.health_routes import create_health_router
from api.identity_routes import create_identity_router
from api.log_routes import create_log_router, create_proof_router
from api.log_searching import LogSearcher
from api.look_extracts import LookExtracts
from api.look_log import LookLog
from api.look_routes import create_look_router
from api.mementos import TimeGate, create_timemap_router, places_of
from api.metrics import RequestMetrics
from api.pages import design, frame, language
from api.pages.access_routes import AccessPages
from api.pages.approval_routes import ApprovalPages
from api.pages.caseload_move_routes import CaseloadMovePages
from api.pages.checkpoint_routes import CheckpointPages
from api.pages.compare_routes import ComparePages
from api.pages.correction_routes import CorrectionPages
from api.pages.day_routes import create_day
from api.pages.deadline_routes import create_deadline_pages
from api.pages.desk_routes import DeskPages
from api.pages.document_routes import create_document_pages
from api.pages.dossier_routes import DossierPages
from api.pages.extract_routes import ExtractPages
from api.pages.kept_forms import KeptForms
from api.pages.live_routes import create_live_pages
from api.pages.log_routes import LogPages
from api.pages.opening_routes import OpeningPages
from api.pages.person_routes import PersonPages
from api.pages.production_routes import ProductionPages
from api.pages.record_routes import RecordPages
from api.pages.rendering import Pages
from api.pages.restricted_routes import RestrictedPages
from api.pages.routes import create_pages
from api.pages.sample_routes import SamplePages
from api.pages.write_doing import Doing
from api.pages.write_routes import WritePages
from api.people_routes import create_people_router
from api.problems import KINDS, ProblemError
from api.production_routes import create_production_router
from api.productions import Productions
from api.proving import Prover
from api.reading import CaseReader
from api.recording import CaseRecorder
from api.review_routes import create_review_router
from api.rules_routes import create_rules_router
from api.search_routes import create_search_router
from api.search_shelf import SearchShelf
from api.searching import Searcher
from api.sign_in import answers
from api.sign_in.identity import NotSignedIn, SignIn
from api.warning_opening import WaitingWarnings, WarningOpener
from ledger.documents import Documents
from ledger.store import Ledger
from projections.board import Board

NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""The framework would otherwise emit spans with full addresses by itself, or when a variable asks it to."""


def create_app(
    ledger: Ledger,
    sign_in: SignIn,
    documents: Documents | None = None,
    *,
    publish_log: bool = False,
    health: HealthReader | None = None,
) -> FastAPI:
    """Return the application: API, pages, health, explanations of problems; without documents none are served.

    API routes answer bearer tokens alone, pages the cookie of a session alone. Where the log is published anybody reads
    it.
    """
    app = FastAPI(
        title="caseledger",
        version=version("caseledger"),
        summary="Event-sourced, audit-grade case ledger",
        telemetry=NO_TELEMETRY,
        redoc_url=None,
        docs_url=None,
    )
    door = Door(ledger)
    door.index.refresh()  # all cases are gone through once, before anybody waits for it
    reader, recorder = CaseReader(ledger, Board(ledger), door), CaseRecorder(ledger, door)
    cursors = Cursors(ledger.keys)
    boards = Boards(ledger, reader, cursors)
    problems.install(app)
    answers.install(app)
    searcher = Searcher(ledger, reader)
    app.state.prover = prover = Prover(ledger)
    app.state.feed = feed = Feed(ledger, reader)
    bearer = _bearer(ledger, sign_in)
    content = None if documents is None else documents.content
    comparer = Comparer(ledger, reader)
    dossiers, evidence = DossierMaker(ledger, reader), EvidenceMaker(ledger, reader)
    productions = Productions(ledger, recorder, reader)
    approver = Approver(ledger, recorder)
    routers = [
        create_router(recorder, reader, cursors),
        create_rules_router(ledger, recorder, reader),
        create_approval_router(ledger, approver),
        create_board_router(boards),
        create_review_router(ledger, reader, boards),
        create_dossier_router(dossiers, PaperMaker(dossiers, evidence)),
        create_compare_router(ledger, comparer, cursors),
        create_people_router(ledger, recorder, reader, documents),
        create_access_router(ledger, recorder, reader),
        create_look_router(ledger, recorder, reader, cursors),
        create_identity_router(ledger, recorder, reader),
        create_search_router(searcher),
        create_erasure_router(ledger, recorder, reader, content),
        create_proof_router(ledger, reader, prover),
        create_evidence_router(evidence),
        create_production_router(productions),
        create_feed_router(ledger, feed, cursors, bearer),
        create_timemap_router(reader),
    ]
    filer = handing = None
    if documents is not None:
        filer, handing = Filer(ledger, recorder, documents), DocumentReader(ledger, reader, documents)
        routers.append(create_documents_router(ledger, reader, filer, handing))
    app.add_middleware(TimeGate, places=places_of(routers))
    for router in routers:
        app.include_router(router, dependencies=[Depends(bearer)])
    log_router = create_log_router(prover.records, door, published=publish_log)
    app.include_router(log_router, dependencies=[] if publish_log else [Depends(bearer)])
    pages = Pages(door, sign_in, simulated=ledger.simulated)
    keeper, lists, looks = AccessKeeper(ledger, recorder), AccessReader(ledger, reader), LookLog(ledger, reader)
    kept, doing, desk = KeptForms(ledger.keys), Doing(ledger, recorder, filer), DeskPages(pages, ledger, reader, boards)
    approvals, shelf = ApprovalReader(ledger, reader), SearchShelf(ledger, door)
    writing, session = WritePages(pages, doing, reader, sign_in, kept), _session(ledger, sign_in, kept)
    page_routers = [
        OpeningPages(pages, doing, sign_in, kept).routes(),  # before the pages of cases: /sager/ny is none
        CorrectionPages(pages, writing, sign_in, kept).routes(),
        writing.routes(),
        create_pages(pages, ledger, reader, cursors, shelf),
        create_day(pages, boards, approvals, WaitingWarnings(ledger, door)),
        AccessPages(pages, keeper, lists, looks, cursors, sign_in, desk.desk).routes(),
        RestrictedPages(pages, keeper, lists, sign_in, desk.desk).routes(),
        create_deadline_pages(pages, ledger, reader, WarningOpener(ledger, recorder)),
        desk.routes(),
        ApprovalPages(pages, reader, approvals, approver, comparer, sign_in, desk.desk).routes(),
        CaseloadMovePages(pages, CaseloadMover(ledger, reader, recorder), sign_in, desk.desk).routes(),
        SamplePages(pages, ledger, reader, desk.desk, sign_in).routes(),
        DossierPages(pages, ledger, reader, dossiers, evidence, sign_in).routes(),
        ComparePages(pages, ledger, reader, comparer, cursors).routes(),
        CheckpointPages(pages, ledger, prover.records, cursors).routes(),
        LogPages(pages, ledger, LogSearcher(ledger, reader), cursors, shelf, sign_in).routes(),
        RecordPages(pages, ledger, reader, prover, handing).routes(),
        PersonPages(pages, searcher, sign_in).routes(),
        ProductionPages(pages, productions, sign_in).routes(),
        ExtractPages(pages, LookExtracts(ledger, recorder), sign_in).routes(),
        create_live_pages(feed, session),
        *([] if handing is None else [create_document_pages(pages, handing)]),
    ]
    for router in page_routers:
        app.include_router(router, dependencies=[Depends(session)])
    app.include_router(sign_in.routes())
    app.include_router(language.routes())
    app.add_middleware(language.InLanguage)
    app.state.requests = requests = RequestMetrics()
    app.include_router(create_health_router(ledger, health or HealthReader(ledger), requests))
    _add_explanations(app)
    _add_files(app)
    return app


def _add_files(app: FastAPI) -> None:
    """Serve what pages load, compressed: the same for everybody, so its size tells nothing."""
    if design.stylesheet() is not None:
        app.mount(frame.DESIGN, GZipMiddleware(StaticFiles(directory=design.FOLDER)))
    with as_file(files("api").joinpath("pages/static")) as static:
        app.mount("/static", GZipMiddleware(StaticFiles(directory=static)))


def _bearer(ledger: Ledger, sign_in: SignIn) -> Callable[[Request], Awaitable[None]]:
    """Return what finds out who sends a request to the API, before anything else of it is looked at."""

    async def signed_in(request: Request) -> None:
        request.state.identity = await sign_in.of_bearer(request)
        request.state.actor = ledger.mapper.actor_reference(request.state.identity.staff)

    return signed_in


def _session(ledger: Ledger, sign_in: SignIn, kept: KeptForms | None = None) -> Callable[[Request], Awaitable[None]]:
    """Return what finds out who opens a page; whoever is not signed in is sent to do so.

    What they typed in a form waits for them where it is ``kept``.
    """

    async def signed_in(request: Request) -> None:
        try:
            request.state.identity = await sign_in.of_session(request)
        except NotSignedIn:
            request.state.kept_form = None if kept is None else await kept.keep(request)
            raise
        request.state.actor = ledger.mapper.actor_reference(request.state.identity.staff)

    return signed_in


def _add_explanations(app: FastAPI) -> None:
    @app.get("/problems/{name}", include_in_schema=False)
    async def explain(name: str) -> Response:
        """What a kind of problem means and what to do about it."""
        if name not in KINDS:
            raise ProblemError("not-found", "There is no such kind of problem.")
        kind = KINDS[name]
        return PlainTextResponse(f"{kind.status} {kind.title}\n\n{kind.explanation}\n")
