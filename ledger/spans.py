"""What takes time, for whoever follows it: spans with counts, codes and positions, told only where tracing is set up.

Every layer opens spans here, and none knows where they go; ``api/tracing.py`` sends them.
"""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

Fact = int | str


@dataclass(slots=True)
class Span:
    """Something under way: what kind of thing, what is known of it by now, and the trace that it belongs to.

    ``parent`` is the span of another service that asked for it, as a well-formed traceparent (W3C Trace Context).
    """

    name: str
    facts: dict[str, Fact] = field(default_factory=dict[str, Fact])
    parent: str | None = None
    trace: str | None = None


Follow = Callable[[Span], AbstractContextManager[None]]
"""Follows a span from its beginning to its end, when all its facts are known."""


def _unfollowed(_: Span) -> AbstractContextManager[None]:
    return nullcontext()


_follow: Follow = _unfollowed


def follow_by(follow: Follow | None) -> None:
    """Let all spans of this process be followed, or by None no longer."""
    global _follow
    _follow = follow or _unfollowed


@contextmanager
def span(name: str, parent: str | None = None, **facts: Fact) -> Generator[Span]:
    """Tell that something is under way; the facts of what is yielded are added to until it ends."""
    told = Span(name, facts, parent)
    with _follow(told):
        yield told
