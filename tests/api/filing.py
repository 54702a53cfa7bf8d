"""Filing documents over HTTP: what every test of documents says over and over again."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from api.opening import Place
from tests.api.client import JSON, Api, Response, command, talking_to
from tests.api.service import Inside, environment, serving
from tests.conftest import Server, Template, clone

PDF = "application/pdf"
LETTER = b"%PDF-1.7 The municipality has decided. Canary-Brev-4711\n" * 40


@dataclass(frozen=True, slots=True)
class Office:
    """A ledger of its own, the folders of its bytes, and its service where one runs."""

    place: Place
    home: Path
    share: Path
    log: Path

    @property
    def content(self) -> Path:
        """The folder of the content store."""
        return self.home / "content"

    @property
    def variables(self) -> dict[str, str]:
        """The environment of its commands."""
        return environment(self.place.conninfo, self.home) | {"CASELEDGER_DOCUMENT_FOLDER": str(self.share)}

    @property
    def command(self) -> Inside:
        """The command line over it."""
        return Inside(self.variables)

    def files(self, case: str | None = None) -> list[Path]:
        """Return the files of the content store, of one case or of all."""
        found = sorted(path for path in self.content.rglob("*") if path.is_file())
        return [path for path in found if case is None or path.parent.name == case]

    @contextmanager
    def serving(self) -> Generator[Api]:
        """Serve it, and talk to the service."""
        with serving(self.variables, self.log) as service, talking_to(service.url, self.place.conninfo) as api:
            yield api


def offices(server: Server, template: Template, folder: Path) -> Generator[Office]:
    """Yield a ledger with a home and a share of its own."""
    share = folder / "share"
    share.mkdir()
    for place in clone(server, template, folder / "home"):
        yield Office(place, folder / "home", share, folder / "errors.log")


def file(api: Api, case: str, at: int, /, content: bytes = LETTER, **said: Any) -> Response:
    """File bytes at a version of the case; ``key`` is the key of a repeat, ``media_type`` the type of the body."""
    headers = {
        "Idempotency-Key": said.pop("key", str(uuid4())),
        "If-Match": f'"{at}"',
        "Content-Type": said.pop("media_type", PDF),
    }
    parameters = {"document": "letter-1", "direction": "out", "theme": "decision"} | said
    return api.http.post(
        f"/cases/{case}/documents", params={k: v for k, v in parameters.items() if v is not None},
        content=content, headers=headers,
    )  # fmt: skip


def link(api: Api, case: str, at: int, /, reference: str, **said: Any) -> Response:
    """File a link at a version of the case."""
    body = {"document": "letter-1", "direction": "in", "theme": "report", "reference": reference, "media_type": PDF}
    return api.post(f"/cases/{case}/documents/links", body | said, version=at, Content_Type=JSON)


def bytes_of(api: Api, case: str, document: str = "letter-1", version: int = 1) -> Response:
    """Ask for the bytes of a document."""
    return api.http.get(f"/cases/{case}/documents/{document}/{version}")


def filed(response: Response) -> dict[str, Any]:
    """Return the receipt of a filing that must have been made."""
    assert response.status_code == 201, response.text
    return response.json()


def entry(api: Api, case: str, version: int) -> dict[str, Any]:
    """Return one entry of a case."""
    return api.events(case)[version - 1]


def annulled(api: Api, case: str, version: int, annuls: int, kind: str) -> None:
    """Annul an entry."""
    fact = command("EntryAnnulled", {"annuls": annuls, "kind": kind, "reason": "Another family's."})
    response = api.commit(case, version, fact)
    assert response.status_code == 201, response.text
