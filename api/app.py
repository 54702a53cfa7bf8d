"""The web application over one open ledger."""

from importlib.metadata import version
from importlib.resources import as_file, files

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.telemetry import TelemetryConfig

from api import problems
from api.cases import create_router
from api.conditions import Cursors
from api.documents import create_documents_router
from api.erasure_routes import create_erasure_router
from api.pages.routes import create_pages
from api.people_routes import create_people_router
from api.problems import KINDS, ProblemError
from api.reading import CaseReader
from api.recording import CaseRecorder
from api.rules_routes import create_rules_router
from ledger.documents import Documents
from ledger.errors import LedgerError
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


def create_app(ledger: Ledger, documents: Documents | None = None) -> FastAPI:
    """Return the application: API, pages, health, explanations of problems; without documents none are served."""
    app = FastAPI(
        title="caseledger",
        version=version("caseledger"),
        summary="Event-sourced, audit-grade case ledger",
        telemetry=NO_TELEMETRY,
        redoc_url=None,
        docs_url=None,
    )
    reader = CaseReader(ledger, Board(ledger))
    cursors = Cursors(ledger.keys)
    problems.install(app)
    recorder = CaseRecorder(ledger)
    app.include_router(create_router(recorder, reader, cursors))
    app.include_router(create_rules_router(ledger, recorder, reader))
    app.include_router(create_people_router(ledger, recorder, reader, documents))
    content = None if documents is None else documents.content
    app.include_router(create_erasure_router(ledger, recorder, reader, content))
    if documents is not None:
        app.include_router(create_documents_router(ledger, recorder, reader, documents))
    app.include_router(create_pages(reader, cursors, simulated=ledger.simulated))
    _add_health(app, ledger)
    _add_explanations(app)
    with as_file(files("api").joinpath("pages/static")) as static:
        app.mount("/static", StaticFiles(directory=static))
    return app


def _add_health(app: FastAPI, ledger: Ledger) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        """The process answers."""
        return PlainTextResponse("ok\n")

    @app.get("/readyz", include_in_schema=False)
    def readyz() -> Response:
        """The database answers too."""
        try:
            return PlainTextResponse(f"ok, {ledger.head().size} events\n")
        except LedgerError:
            return PlainTextResponse("the ledger does not answer\n", 503)


def _add_explanations(app: FastAPI) -> None:
    @app.get("/problems/{name}", include_in_schema=False)
    async def explain(name: str) -> Response:
        """What a kind of problem means and what to do about it."""
        if name not in KINDS:
            raise ProblemError("not-found", "There is no such kind of problem.")
        kind = KINDS[name]
        return PlainTextResponse(f"{kind.status} {kind.title}\n\n{kind.explanation}\n")
