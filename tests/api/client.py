"""A client of the API that knows what every test says over and over again."""

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2
import orjson
import psycopg

from tests.api.signing_in import bearer, session

CANARY = "canary-Eksempel-4711"
MARCH = "2026-03-04T14:10:00+01:00"
ALMA: dict[str, Any] = {"ref": "parent-A", "role": "mother", "full_name": "Alma Eksempel"}
ASTA: dict[str, Any] = {"ref": "child-A", "role": "child", "full_name": "Asta Eksempel", "identifier": "610199-0001"}
JSON = "application/json"

Response = httpx2.Response


def command(event: str, data: Mapping[str, Any], **envelope: Any) -> dict[str, Any]:
    """Return one fact as a request holds it."""
    return {"event": event, "data": dict(data), "occurred_at": MARCH, **envelope}


def note(content: str = "Called about the visit on Friday.", **envelope: Any) -> dict[str, Any]:
    """Return a note."""
    return command("NoteRecorded", {"informant": "parent-A", "channel": "phone", "content": content}, **envelope)


def assessment(score: int = 4, **envelope: Any) -> dict[str, Any]:
    """Return an assessment with a score in clear."""
    data = {"assessment": "a-1", "instrument": "adbb", "about": "child-A", "result_kind": "score", "score": score}
    return command("AssessmentRecorded", data, **envelope)


def correction(corrects: int, field: str, old: Any, new: Any) -> dict[str, Any]:
    """Return a correction of one field."""
    data = {"corrects": corrects, "field": field, "old": old, "new": new, "reason": "Typing error."}
    return command("EntryCorrected", {name: value for name, value in data.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Api:
    """Talks to one service, and looks into its database from the side."""

    http: httpx2.Client
    database: str
    side: list[psycopg.Connection[Any]] = field(default_factory=list[psycopg.Connection[Any]])

    @contextmanager
    def acting_as(self, staff: str) -> Generator["Api"]:
        """Yield a client of the same service that somebody else has signed in to."""
        with talking_to(str(self.http.base_url), self.database, staff) as other:
            yield other

    def post(self, path: str, body: Any, *, version: int | str | None = None, **headers: str | None) -> Response:
        """Send a body with a new key; underscores in names of ``headers`` are hyphens, None leaves a header out."""
        standard: dict[str, str | None] = {"Idempotency-Key": str(uuid4()), "Content-Type": JSON}
        if version is not None:
            standard["If-Match"] = f'"{version}"' if isinstance(version, int) else version
        standard |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name.encode(): value.encode() for name, value in standard.items() if value is not None}
        return self.http.post(path, content=body if isinstance(body, bytes) else orjson.dumps(body), headers=sent)

    def get(self, path: str, **parameters: str | int) -> Response:
        """Ask."""
        return self.http.get(path, params=parameters)

    def open_case(self, *commands: dict[str, Any], **changes: Any) -> str:
        """Open a case with a mother and a child and return its id."""
        body: dict[str, Any] = {
            "programme": "smaaboernsteam_001",
            "occurred_at": "2026-03-04T09:30:00+01:00",
            "persons": [ALMA, ASTA],
            "commands": list(commands),
        }
        response = self.post("/cases", body | changes)
        assert response.status_code == 201, response.text
        return response.json()["case"]

    def commit(
        self, case: str, version: int | str | None, *commands: dict[str, Any], **headers: str | None
    ) -> Response:
        """Record facts as one commit."""
        return self.post(f"/cases/{case}/commits", {"commands": list(commands)}, version=version, **headers)

    def events(self, case: str, **parameters: str | int) -> list[dict[str, Any]]:
        """Return the entries of a case, all pages of them."""
        response = self.get(f"/cases/{case}/events", limit=500, **parameters)
        assert response.status_code == 200, response.text
        assert response.json()["next"] is None
        return response.json()["items"]

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the database itself, as its superuser."""
        try:
            return self._connection().execute(statement.encode(), values).fetchall()
        except psycopg.OperationalError:  # the connection was from before the server ended
            return self._connection().execute(statement.encode(), values).fetchall()

    def _connection(self) -> psycopg.Connection[Any]:
        if not self.side or self.side[0].closed:
            self.side[:] = [psycopg.connect(self.database, autocommit=True)]
        return self.side[0]

    def written(self) -> int:
        """Return the number of events in the ledger that are not looks."""
        return self.query("SELECT count(*) FROM ledger.event WHERE topic <> 'record_viewed'")[0][0]

    def size(self) -> int:
        """Return the number of events in the ledger."""
        return self.query("SELECT size FROM ledger.head")[0][0]


@contextmanager
def talking_to(url: str, database: str, staff: str = "u-90") -> Generator[Api]:
    """Yield a client of a service, signed in as somebody, with a bearer token for the API and a session for pages."""
    with httpx2.Client(base_url=url, timeout=30, headers=bearer(url, staff), cookies=session(url, staff)) as http:
        api = Api(http, database)
        try:
            yield api
        finally:
            for connection in api.side:
                connection.close()


def problem(response: Response, status: int, kind: str) -> dict[str, Any]:
    """Return a problem, having checked that it is one, of this kind, and that it repeats nothing of the request."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found = response.json()
    assert found["type"] == f"/problems/{kind}"
    assert found["status"] == status
    assert found["title"]
    assert found["detail"]
    whole = response.text + repr(dict(response.headers))
    assert CANARY not in whole
    assert not re.search(r"Traceback|\.py\b|line \d+, in|Error:", whole), whole
    return found


def errors(response: Response, kind: str = "malformed") -> list[tuple[str, str]]:
    """Return place and detail of everything that is wrong with a malformed request."""
    found = problem(response, 422 if kind == "malformed" else 400, kind)["errors"]
    assert all(len(error["detail"]) > 8 for error in found), found
    assert all(re.fullmatch(r"(/([\w-]+|\(not shown\)))*", error["pointer"]) for error in found), found
    return [(error["pointer"], error["detail"]) for error in found]
