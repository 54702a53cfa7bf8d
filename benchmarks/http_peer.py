"""The peers of the HTTP measurement, one event a request and nothing else. A program.

``stock`` is FastAPI with the stock recorder, ``insert`` an asynchronous FastAPI endpoint that does one INSERT.
"""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import uvicorn
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel

from benchmarks.append import stock_datastore

POOL = 40
INSERT_POOL = 8
"""As many connections as ours reads with; more made it slower."""

NO_TELEMETRY: Any = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}


class Command(BaseModel):
    """One fact as sent."""

    event: str
    occurred_at: str
    data: dict[str, Any]


class Body(BaseModel):
    """A request."""

    commands: list[Command]


def stock(conninfo: str) -> FastAPI:
    """Return FastAPI with the stock recorder in threads, as its recorder wants it."""
    recorder = PostgresApplicationRecorder(stock_datastore(conninfo, POOL), events_table_name="stock_http_events")
    recorder.create_table()
    app = FastAPI(telemetry=NO_TELEMETRY)

    @app.post("/events", status_code=201)
    def post(body: Body) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        event = body.commands[0]
        stored = StoredEvent(uuid4(), 1, event.event, orjson.dumps(event.data))
        return {"positions": recorder.insert_events([stored])}

    return app


def insert(conninfo: str) -> FastAPI:
    """Return FastAPI whose one endpoint inserts a row and commits it."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS bare_http_events (position bigserial PRIMARY KEY, stream uuid, topic text,"
            " state bytea)"
        )
    pool = AsyncConnectionPool(
        conninfo, min_size=INSERT_POOL, max_size=INSERT_POOL, open=False, kwargs={"autocommit": True}
    )

    @asynccontextmanager
    async def opened(_app: FastAPI) -> AsyncGenerator[None]:
        async with pool:
            yield

    app = FastAPI(telemetry=NO_TELEMETRY, lifespan=opened)

    @app.post("/events", status_code=201)
    async def post(body: Body) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        event = body.commands[0]
        statement = "INSERT INTO bare_http_events (stream, topic, state) VALUES (%s, %s, %b) RETURNING position"
        async with pool.connection() as connection:
            found = await connection.execute(statement, [uuid4(), event.event, orjson.dumps(event.data)])
            row = await found.fetchone()
        return {"position": row and row[0]}

    return app


def main() -> None:
    """Serve until killed; the port comes last."""
    conninfo, kind, port = sys.argv[1:]
    app = {"stock": stock, "insert": insert}[kind](conninfo)
    config = uvicorn.Config(app, host="127.0.0.1", port=int(port), log_level="warning", access_log=False)
    uvicorn.Server(config).run()


main()
