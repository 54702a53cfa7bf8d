"""Finding the ledger that the settings name: a server by address, or the embedded one of this machine."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time
from uuid import UUID, uuid4

from psycopg.conninfo import make_conninfo
from psycopg.errors import InsufficientPrivilege

from api.principals import command_line_principal
from ledger.content_store import ContentStore
from ledger.creation import connect_owner, create_database, create_ledger, drop_database
from ledger.document_systems import FolderSystem
from ledger.documents import Documents
from ledger.embedded import EmbeddedPostgres
from ledger.errors import MigrationError
from ledger.keys import FileKeyStore, file_keys
from ledger.migrations import migrate
from ledger.proof.publisher import Publisher, default_origin
from ledger.proof.signer import FileSigner
from ledger.proof.signer_socket import SocketSigner
from ledger.settings import Settings
from ledger.store import Ledger
from projections.installation import install

EMBEDDED_DATABASE = "caseledger"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ledger lies: address for work, address of the schema's owner, key stores, home, linked documents.

    ``signer_folder`` holds the signers of logs, ``home/signer`` where it is not set; a signer at a socket comes
    before it. ``log_origin`` is what a log that begins is called. With ``synchronous_standby`` nothing is signed that
    no such standby has; ``replica`` is the address of one from which streams are read.
    """

    conninfo: str
    owner: str
    keys: Callable[[UUID], FileKeyStore]
    home: Path = Path(".caseledger")
    document_folder: Path | None = None
    signer_folder: Path | None = None
    log_origin: str | None = None
    signer_socket: Path | None = None
    synchronous_standby: bool = False
    replica: str | None = None

    def migrate(self) -> list[str]:
        """Bring schema and views up to this version; returns the migrations applied, raises MigrationError."""
        try:
            with connect_owner(self.owner) as connection:
                applied = migrate(connection)
                install(connection)
                return applied
        except InsufficientPrivilege as error:
            raise MigrationError(
                "This login does not own the schema: name one that does in CASELEDGER_OWNER_URL."
            ) from error

    def create(self, name: str, begins_at: datetime | None) -> UUID:
        """Create the ledger and its views; raises LedgerExists."""
        ledger = create_ledger(
            self.owner, self.keys, name, actor=command_line_principal("create").actor, begins_at=begins_at
        )
        self.migrate()
        return ledger

    @contextmanager
    def ledger(self) -> Generator[Ledger]:
        """Open the ledger, and close it in the end; raises NoLedger."""
        ledger = Ledger(self.conninfo, self.keys, self.replica)
        try:
            yield ledger
        finally:
            ledger.close()

    def documents(self, ledger: Ledger) -> Documents:
        """Return the documents of the ledger: its content store under the home, and the document system set up."""
        content = ContentStore(self.home / "content" / str(ledger.id), ledger.keys)
        return Documents(content, FolderSystem(self.document_folder) if self.document_folder else None)

    def signer(self, ledger: UUID) -> FileSigner | SocketSigner:
        """Return the signer of a ledger's log; one in a folder may still have to be made."""
        if self.signer_socket:
            return SocketSigner(self.signer_socket)
        return FileSigner((self.signer_folder or self.home / "signer") / str(ledger), time)

    def publisher(self, ledger: UUID) -> Publisher:
        """Return what publishes the log of a ledger."""
        return Publisher(self.conninfo, self.signer(ledger), synchronous_standby=self.synchronous_standby)

    def origin(self, ledger: UUID) -> str:
        """Return what the log of a ledger is called where its signer is made."""
        return self.log_origin or default_origin(ledger)


@contextmanager
def throw_away(settings: Settings) -> Generator[Place]:
    """Yield an empty place with a database and keys of its own, and remove both in the end."""
    with TemporaryDirectory(prefix="caseledger-check-") as folder, opened(settings) as place:
        name = f"check_{uuid4().hex[:12]}"
        create_database(place.owner, name)
        try:
            conninfo = make_conninfo(place.owner, dbname=name)
            yield Place(conninfo, conninfo, file_keys(Path(folder)), Path(folder))
        finally:
            drop_database(place.owner, name)


@contextmanager
def opened(settings: Settings) -> Generator[Place]:
    """Yield where the ledger lies; an embedded server runs as long as somebody uses it."""
    home = settings.home.absolute()
    apart = settings.key_encryption_folder
    keys = file_keys(home, apart.absolute() if apart else None)
    signers = settings.signer_folder.absolute() if settings.signer_folder else None

    def place(conninfo: str, owner: str) -> Place:
        log = signers, settings.log_origin, settings.signer_socket
        standbys = settings.synchronous_standby, settings.replica_url
        return Place(conninfo, owner, keys, home, settings.document_folder, *log, *standbys)

    if settings.database_url:
        yield place(settings.database_url, settings.owner_url or settings.database_url)
        return
    with EmbeddedPostgres(home, binaries=settings.pg_bin) as server:
        create_database(server.conninfo("postgres"), EMBEDDED_DATABASE)
        conninfo = server.conninfo(EMBEDDED_DATABASE)
        yield place(conninfo, conninfo)
