"""How many requests are answered at a time: beyond that callers are told at once to come again, and the others go on.

Without a bound everybody waits for everybody: answers come later and later, callers give up and ask again, and what is
computed for those who have gone is computed for nobody.
"""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import ProblemError, render

ALWAYS = frozenset({"/healthz", "/readyz", "/metrics"})
"""What those who look after the service ask: when there is too much to do they have to know."""

STREAM = "text/event-stream"


class Capacity:
    """Answers 503 with ``Retry-After`` while ``most`` requests are under way; nothing of such a request is done.

    Whoever follows along takes a place until the first message alone: waiting costs nothing.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most
        self._under_way: set[object] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer that there are too many."""
        if scope["type"] != "http" or scope["path"] in ALWAYS:
            await self._app(scope, receive, send)
            return
        if len(self._under_way) >= self._most:
            refusal = ProblemError("overloaded", "Nothing was done. Send the same request again.")
            await render(refusal)(scope, receive, send)
            return
        place = object()
        self._under_way.add(place)

        async def watching(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_stream(message):
                self._under_way.discard(place)
            await send(message)

        try:
            await self._app(scope, receive, watching)
        finally:
            self._under_way.discard(place)


def _is_stream(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "").startswith(STREAM)
