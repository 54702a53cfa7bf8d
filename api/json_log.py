"""The log: one JSON object a line on standard error. It holds what somebody chose to name, never a message or a value.

Standard logging with a formatter of its own: a library for structured logs would add a dependency and import time, and
could not do more about the records of other libraries, whose messages may hold addresses, texts or names.
"""

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

LOGGER = logging.getLogger("caseledger")
FIELDS = "caseledger_fields"
PACKAGES = ("domain", "ledger", "projections", "replay", "api")


def configure() -> None:
    """Send the log of this process to standard error as JSON: all of ours, and of libraries what is a warning."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    LOGGER.setLevel(logging.INFO)


def log(event: str, level: int = logging.INFO, **fields: Any) -> None:
    """Write one line: a fixed name of what happened, and fields that are codes, counts or ids; None is left out."""
    LOGGER.log(level, event, extra={FIELDS: fields})


def failure(error: BaseException) -> dict[str, str]:
    """Return type and place of an error and of what caused it: the last line of our own code, no message, no value."""
    cause = error.__cause__
    named = {"error": _kind(error), "at": _place(error.__traceback__)}
    return named | ({"cause": _kind(cause)} if cause else {})


class JsonLines(logging.Formatter):
    """Turns a record into its line; of a record that is not ours only logger, place and type of error are told."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its end."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
        }
        fields: dict[str, Any] | None = getattr(record, FIELDS, None)
        if fields is None:
            line |= {"event": "library", "logger": record.name, "at": f"{record.module}:{record.lineno}"}
        else:
            line |= {"event": record.msg} | {name: value for name, value in fields.items() if value is not None}
        if record.exc_info and record.exc_info[1]:
            line |= failure(record.exc_info[1])
        return orjson.dumps(line).decode()


def _kind(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__name__}".removeprefix("builtins.")


def _place(trace: TracebackType | None) -> str:
    """Return module and line of the last frame in our own code, or of the last frame at all."""
    place, ours = "unknown", False
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", Path(trace.tb_frame.f_code.co_filename).stem))
        is_ours = module.partition(".")[0] in PACKAGES
        if is_ours or not ours:
            place, ours = f"{module}:{trace.tb_lineno}", is_ours
        trace = trace.tb_next
    return place
