"""Traces by OpenTelemetry, to a collector of the operator's own: how long things take, and nothing about anybody.

What a span may carry is a closed list below. No messages of errors, no addresses, and nothing that libraries would tell
of themselves: there is no global provider that they could find.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from ledger.errors import LedgerError
from ledger.settings import Settings
from ledger.spans import Fact, Follow, Span, follow_by

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import SpanContext

STOP_MILLISECONDS = 2000
CODE = re.compile(r"[A-Za-z0-9_.:-]{1,80}", re.ASCII)
ROUTE = re.compile(r"(/([a-z0-9_.-]|\{[a-z_]+(:[a-z]+)?\})*)*|none", re.ASCII)
NAMES = {
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
    "error": "error.type",
    "outcome": "caseledger.outcome",
    "events": "caseledger.events",
    "position": "caseledger.position",
    "size": "caseledger.size",
    "view": "caseledger.view",
}
"""Every fact that leaves, by its name in a trace (OpenTelemetry semantic conventions where there is one)."""


class NotTraced(LedgerError):
    """CASELEDGER_TRACES_URL needs the extra `traces`: install caseledger[traces], or unset it."""


@contextmanager
def traced(settings: Settings) -> Generator[None]:
    """Send the spans of this process to ``traces_url`` until the end; nothing is sent where it is not set.

    A collector that does not answer holds nothing up: what waits too long is dropped. Raises NotTraced.
    """
    if settings.traces_url is None:
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise NotTraced from error
    with following(OTLPSpanExporter(endpoint=settings.traces_url), settings.log_origin):
        yield


@contextmanager
def following(exporter: "SpanExporter", origin: str | None = None) -> Generator[None]:
    """Send the spans of this process through an exporter until the end; ``origin`` tells ledgers apart."""
    provider = _provider(exporter, origin)
    follow_by(_follower(provider))
    try:
        yield
    finally:
        follow_by(None)
        provider.force_flush(STOP_MILLISECONDS)
        provider.shutdown()


def _provider(exporter: "SpanExporter", origin: str | None) -> "TracerProvider":
    """Return a provider whose resource is made here: the library's own would name host, command line and user."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = {"service.name": "caseledger", "service.version": version("caseledger")}
    provider = TracerProvider(
        resource=Resource(named | ({"service.namespace": origin} if origin else {})), shutdown_on_exit=False
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _follower(provider: "TracerProvider") -> Follow:
    from opentelemetry.trace import NonRecordingSpan, SpanKind, set_span_in_context

    tracer = provider.get_tracer("caseledger")

    @contextmanager
    def follow(told: Span) -> Generator[None]:
        context = set_span_in_context(NonRecordingSpan(_remote(told.parent))) if told.parent else None
        kind = SpanKind.SERVER if told.name == "request" else SpanKind.INTERNAL
        opened = tracer.start_as_current_span(
            told.name, context, kind, record_exception=False, set_status_on_exception=False
        )
        with opened as current:
            told.trace = f"{current.get_span_context().trace_id:032x}"
            try:
                yield
            except BaseException as error:
                told.facts["error"] = type(error).__name__
                raise
            finally:
                facts = dict(leaving(told.facts))
                current.set_attributes(facts)
                if "http.route" in facts:
                    current.update_name(f"{facts['http.request.method']} {facts['http.route']}")

    return follow


def leaving(facts: dict[str, Fact]) -> Generator[tuple[str, Fact]]:
    """Yield what of some facts may leave: numbers, codes and route templates under the names above; no other text."""
    for name, value in facts.items():
        pattern = ROUTE if name == "route" else CODE
        if name in NAMES and (isinstance(value, int) or pattern.fullmatch(value)):
            yield NAMES[name], value


def _remote(parent: str) -> "SpanContext":
    """Return the span that asked for this one; its tracestate and baggage, which may hold any text, are left."""
    from opentelemetry.trace import SpanContext, TraceFlags

    _, trace, span, flags = parent.split("-")
    return SpanContext(int(trace, 16), int(span, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16) & 1))
