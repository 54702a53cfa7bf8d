"""Traces as a collector receives them: how long things take, and nothing that anybody sent or that was recorded."""

import sys
import threading
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from gzip import decompress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from api.app import create_app
from api.opening import Place
from api.sign_in.local import LocalSignIn
from api.tracing import NAMES, ROUTE, leaving, traced
from ledger.settings import Settings
from ledger.spans import span
from ledger.store import Ledger
from tests.api.client import ALMA, ASTA, CANARY, note, talking_to
from tests.api.service import Inside, environment, log_lines, serving, until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
SENT = {
    "traceparent": f"00-{TRACE}-{PARENT}-01",
    "tracestate": f"vendor={CANARY}",
    "baggage": f"name={CANARY}",
    "User-Agent": CANARY,
}


@dataclass
class Collector:
    """What an OTLP receiver was sent."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list[bytes])

    @property
    def requests(self) -> list[Any]:
        """Everything received, decoded."""
        return [ExportTraceServiceRequest.FromString(body) for body in list(self.bodies)]

    def spans(self, name: str | None = None) -> list[Any]:
        """Return the spans received, or those of a name."""
        sent = [s for r in self.requests for rs in r.resource_spans for ss in rs.scope_spans for s in ss.spans]
        return [one for one in sent if name is None or one.name == name]


@contextmanager
def collecting() -> Generator[Collector]:
    """Run a receiver of traces (OTLP 1, protobuf over HTTP) on loopback."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.bodies.append(decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_address[1]}/v1/traces"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    """Return the attributes of a span or resource."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in pairs}


def traffic(place: Place, url: str) -> tuple[str, ...]:
    """Send a canary wherever something can be sent, and return what else must not leave."""
    with talking_to(url, place.conninfo) as api:
        case = api.open_case(note(CANARY), persons=[ALMA | {"full_name": f"Alma {CANARY}"}, ASTA])
        api.http.headers.update(SENT)
        assert api.commit(case, 2, note(CANARY)).status_code == 201
        assert api.post("/cases", {CANARY: CANARY}).status_code == 422
        answers = [
            api.get(f"/cases/{case}"),
            api.get(f"/cases/{CANARY}"),
            api.get(f"/{CANARY}"),
            api.get("/cases", limit=CANARY),
            api.http.request("LOCK", "/cases"),
            api.post("/people/search", {"name": CANARY}),
            api.http.post("/log-ind", data={"medarbejder": CANARY}),
            api.get(f"/static/{CANARY}"),
        ]
        assert {answer.status_code for answer in answers} >= {200, 404}
    return CANARY, case, "Alma", "Eksempel", "610199", "u-90", "parent-A", "smaaboernsteam"


@pytest.mark.slow
def test_nothing_that_was_sent_or_recorded_leaves_in_traces_or_log(simulated: Place, tmp_path: Path) -> None:
    """A collector gets times, route templates, outcomes, counts and positions; the log finds the trace."""
    with collecting() as collector:
        variables = environment(simulated.conninfo, simulated.home) | {"CASELEDGER_TRACES_URL": collector.url}
        with serving(variables, tmp_path / "errors.log") as service:
            secret = traffic(simulated, service.url)
            until(lambda: collector.spans("fold") and collector.spans("checkpoint"), "traces of the worker")
        everything, log = b"".join(collector.bodies), (tmp_path / "errors.log").read_bytes()
        for word in secret:
            assert word.encode() not in everything
            assert word.encode() not in log
        named = {key for one in collector.spans() for key in attributes(one.attributes)}
        assert named <= set(NAMES.values())
        assert not [one for one in collector.spans() if one.events or one.links or one.status.message]
        assert not [one for one in collector.spans() if one.trace_state]
        resources = [attributes(sent.resource.attributes) for one in collector.requests for sent in one.resource_spans]
        assert {key for one in resources for key in one} == {"service.name", "service.version"}
        check_what_is_told(collector)
        lines = [line for line in log_lines(tmp_path / "errors.log") if line["event"] == "request"]
        assert {line["trace"] for line in lines} == {one.trace_id.hex() for one in collector.spans() if one.kind == 2}


def check_what_is_told(collector: Collector) -> None:
    """Requests are named by their routes and continue the caller's trace; appends are inside of them."""
    requests = {one.span_id: one for one in collector.spans() if one.kind == 2}
    continued = [one for one in requests.values() if one.trace_id.hex() == TRACE]
    assert {one.parent_span_id.hex() for one in continued} == {PARENT}
    names = {one.name for one in requests.values()}
    assert {"POST /cases", "GET /cases/{case_id}", "GET none", "other /cases", "GET /static"} <= names
    assert {422, 404, 201} <= {attributes(one.attributes)["http.response.status_code"] for one in continued}
    appends = collector.spans("append")
    inside = [one for one in appends if one.parent_span_id in requests]
    assert [one for one in inside if attributes(one.attributes)["caseledger.outcome"] == "Appended"]
    assert all(attributes(one.attributes)["caseledger.events"] >= 1 for one in appends)
    assert {attributes(one.attributes)["caseledger.view"] for one in collector.spans("fold")} > {"case_state", "access"}
    assert all(attributes(one.attributes)["caseledger.size"] > 1 for one in collector.spans("checkpoint"))


@pytest.mark.slow
def test_a_collector_that_does_not_answer_holds_nothing_up(simulated: Place, tmp_path: Path) -> None:
    """The service answers, stops in time, and says in its log that something was not sent, without what."""
    variables = environment(simulated.conninfo, simulated.home)
    variables |= {"CASELEDGER_TRACES_URL": "http://127.0.0.1:9/v1/traces"}
    with serving(variables, tmp_path / "errors.log") as service:
        secret = traffic(simulated, service.url)
    log = (tmp_path / "errors.log").read_bytes()
    assert log_lines(tmp_path / "errors.log")
    assert not [word for word in secret if word.encode() in log]


def test_only_what_is_on_the_list_leaves() -> None:
    """Neither a fact of another name, nor a text that is no code, nor a path that is no template."""
    kept: Mapping[str, int | str] = {"view": "case_state", "events": 3, "route": "/cases/{case_id}", "status": 200}
    assert dict(leaving(dict(kept))) == {NAMES[name]: value for name, value in kept.items()}
    for name, value in (
        ("person", 1),
        ("view", "Alma Eksempel"),
        ("view", "a" * 81),
        ("error", "æ"),
        ("route", "/cases/Alma Eksempel"),
        ("route", "/sager/610199-0001?x=1"),
        ("method", ""),
    ):
        assert not dict(leaving({name: value}))


def test_every_route_has_a_template_that_may_leave(simulated_ledger: Ledger) -> None:
    """No route of the product is left out of traces for its form."""
    app = create_app(simulated_ledger, LocalSignIn(simulated_ledger, "127.0.0.1"))
    routers = [getattr(route, "original_router", None) for route in app.routes]
    paths = [str(getattr(route, "path", "none")) for router in routers if router for route in router.routes]
    assert len(paths) > 100
    assert not [path for path in paths if not ROUTE.fullmatch(path)]


def test_an_error_is_told_by_its_kind() -> None:
    """The type of an error leaves, never its message, nor where it came from."""
    with collecting() as collector:
        settings = Settings(traces_url=collector.url, log_origin="ledger.eksempel.dk/familie")
        with traced(settings), pytest.raises(ValueError, match=CANARY), span("append", events=1):
            raise ValueError(CANARY)
        (told,) = collector.spans()
        assert attributes(told.attributes) == {"caseledger.events": 1, "error.type": "ValueError"}
        (sent,) = collector.requests[0].resource_spans
        assert attributes(sent.resource.attributes)["service.namespace"] == "ledger.eksempel.dk/familie"
        assert CANARY.encode() not in collector.bodies[0]
        with span("append", events=2):
            pass  # followed no longer
        assert len(collector.spans()) == 1


def test_without_the_extra_it_is_said(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that cannot be followed stops the command in one line."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    command = Inside({**inside.variables, "CASELEDGER_TRACES_URL": "http://127.0.0.1:9/v1/traces"})
    assert "needs the extra" in command.refused("worker")[1]
