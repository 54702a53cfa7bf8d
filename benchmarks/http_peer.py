"""The peer of the HTTP measurement: FastAPI with the stock recorder, one event a request, nothing else. A program."""

import sys
from typing import Any
from uuid import uuid4

import orjson
import uvicorn
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder
from fastapi import FastAPI
from pydantic import BaseModel

from benchmarks.append import stock_datastore

POOL = 40


class Command(BaseModel):
    """One fact as sent."""

    event: str
    occurred_at: str
    data: dict[str, Any]


class Body(BaseModel):
    """A request."""

    commands: list[Command]


def main() -> None:
    """Serve until killed; prints the port."""
    recorder = PostgresApplicationRecorder(stock_datastore(sys.argv[1], POOL), events_table_name="stock_http_events")
    recorder.create_table()
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False})

    @app.post("/events", status_code=201)
    def post(body: Body) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        event = body.commands[0]
        stored = StoredEvent(uuid4(), 1, event.event, orjson.dumps(event.data))
        return {"positions": recorder.insert_events([stored])}

    config = uvicorn.Config(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False)
    uvicorn.Server(config).run()


main()
