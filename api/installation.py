"""Many ledgers in one installation: each has a file of settings, and nothing of one leads to another.

``NAME.env`` holds the settings of a ledger in the form that service managers and compose files read as well, and
``NAME.owner.env`` the address of its schema's owner, which the service itself never needs.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from dotenv import dotenv_values
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.errors import LedgerError
from ledger.provisioning import NAME_PATTERN, RESERVED, Login, Provisioned, may_enter
from ledger.settings import Settings

SETTING = "CASELEDGER_LEDGERS"
OF_OWNER = ".owner.env"
OTHERS = 0o007
PREFIX = "CASELEDGER_"


class NotInstalled(LedgerError):
    """There is no such ledger in this installation, or its file of settings is not usable."""


def is_name(text: str) -> bool:
    """Whether a ledger of an installation may be called so."""
    return re.fullmatch(NAME_PATTERN, text) is not None and RESERVED.isdisjoint(text.split("_"))


def names(folder: Path) -> list[str]:
    """Return what the ledgers of an installation are called, sorted; raises NotInstalled where there is no folder."""
    if not folder.is_dir():
        raise NotInstalled(f"There is no folder {folder}: make it, or set {SETTING}.")
    found = (path.name.removesuffix(".env") for path in folder.glob("*.env") if not path.name.endswith(OF_OWNER))
    return sorted(name for name in found if is_name(name))


def chosen(folder: Path, name: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of one ledger, and those of its owner where this account may read them.

    Raises NotInstalled: also where the environment names another ledger's settings beside, and where this account is
    not the one that the ledger's folder belongs to.
    """
    _require_alone(environment)
    if name not in names(folder):
        known = ", ".join(names(folder)) or "none"
        raise NotInstalled(f"There is no ledger of that name in {folder}; there are: {known}.")
    settings = _read(folder / f"{name}.env")
    _require_account(Path(settings.get("CASELEDGER_HOME", "")))
    owner = folder / f"{name}{OF_OWNER}"
    return settings | (_read(owner) if os.access(owner, os.R_OK) else {})


def _require_alone(environment: Mapping[str, str]) -> None:
    """Raise NotInstalled where the environment has settings of its own: they might be another ledger's."""
    for key, value in sorted(environment.items()):
        if key.startswith(PREFIX) and key != SETTING and value:
            raise NotInstalled(f"{key} is set beside the file of the ledger, which must say it all: unset it.")


def _read(path: Path) -> dict[str, str]:
    """Return what a file sets; raises NotInstalled, without what it says."""
    try:
        mode = path.stat().st_mode
        read = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotInstalled(f"{path} cannot be read: run the command as the account of that ledger.") from error
    if mode & OTHERS:
        raise NotInstalled(f"{path} holds a password and is open to others: run chmod o= on it.")
    strange = [name for name in read if not name.startswith(PREFIX)]
    if strange or SETTING in read:
        raise NotInstalled(f"{path} sets something else than settings of the ledger: take it out.")
    return {name: value for name, value in read.items() if value}


def _require_account(home: Path) -> None:
    """Raise NotInstalled for a home of none, and for one of another account: what a command writes must be its."""
    if not home.is_absolute():
        raise NotInstalled("CASELEDGER_HOME must be an absolute path in the file of a ledger.")
    if home.exists() and home.stat().st_uid != os.geteuid():
        raise NotInstalled(f"{home} belongs to another account: run the command as that one.")


def require_room(folder: Path, name: str) -> None:
    """Raise NotInstalled unless a ledger of this name can be written to the installation."""
    if not is_name(name):
        words = ", ".join(sorted(RESERVED))
        raise NotInstalled(f"NAME must be small letters and digits, parts joined by _, none of them {words}.")
    for suffix in (".env", OF_OWNER):
        if (folder / f"{name}{suffix}").exists():
            raise NotInstalled(f"{folder / f'{name}{suffix}'} is there: move it away to give the logins new passwords.")


def write(folder: Path, name: str, made: Provisioned, home: Path, key_encryption: Path, port: int) -> tuple[Path, Path]:
    """Write the two files of a ledger, readable by this account alone, and return where they lie."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)  # whoever runs a command must find the names
    settings = {
        "CASELEDGER_DATABASE_URL": _url(made, made.daily),
        "CASELEDGER_HOME": str(home),
        "CASELEDGER_KEY_ENCRYPTION_FOLDER": str(key_encryption),
        "CASELEDGER_LISTEN_PORT": str(port),
    }
    paths = folder / f"{name}.env", folder / f"{name}{OF_OWNER}"
    for path, lines in zip(paths, (settings, {"CASELEDGER_OWNER_URL": _url(made, made.owner)}), strict=True):
        with open(path, "x", encoding="utf-8", opener=lambda file, flags: os.open(file, flags, 0o600)) as file:
            file.writelines(f"{setting}={value}\n" for setting, value in lines.items())
    return paths


def _url(made: Provisioned, login: Login) -> str:
    """Return an address without blanks, quotes or dollars, so that every reader of such files reads the same."""
    if made.host.startswith("/"):
        return f"postgresql://{login.role}:{login.password}@/{made.database}?host={made.host}&port={made.port}"
    host = f"[{made.host}]" if ":" in made.host else made.host
    return f"postgresql://{login.role}:{login.password}@{host}:{made.port}/{made.database}"


@dataclass(frozen=True, slots=True)
class Installed:
    """One ledger of an installation, as its file says."""

    name: str
    settings: Settings

    @property
    def place(self) -> dict[str, object]:
        """What of its database's address tells databases and logins apart."""
        parts = conninfo_to_dict(self.settings.database_url or "")
        return {name: parts.get(name, "") for name in ("host", "port", "dbname", "user")}

    @property
    def folders(self) -> list[Path]:
        """The folders that belong to this ledger alone."""
        own = self.settings
        named = (own.home, own.key_encryption_folder, own.document_folder, own.signer_folder, own.signer_socket)
        return [path.absolute() for path in named if path is not None]


def installed(
    folder: Path, read: Callable[[Mapping[str, str]], Settings], environment: Mapping[str, str]
) -> list[Installed]:
    """Return every ledger of an installation; ``read`` makes settings of a file. Raises NotInstalled."""
    _require_alone(environment)
    return [Installed(name, read(_read(folder / f"{name}.env"))) for name in names(folder)]


OWN: dict[str, Callable[[Installed], object]] = {
    "CASELEDGER_DATABASE_URL (database)": lambda one: one.settings.database_url and tuple(one.place.values())[:3],
    "CASELEDGER_DATABASE_URL (login)": lambda one: one.settings.database_url and one.place["user"],
    "CASELEDGER_LISTEN_PORT": lambda one: (one.settings.listen_host, one.settings.listen_port),
    "CASELEDGER_LOG_ORIGIN": lambda one: one.settings.log_origin,
    "CASELEDGER_OIDC_AUDIENCE": lambda one: one.settings.oidc_audience,
    "CASELEDGER_OIDC_CLIENT_ID": lambda one: one.settings.oidc_client_id,
    "CASELEDGER_PUBLIC_URL": lambda one: one.settings.public_url,
}
"""What no two ledgers may have in common, beside folders: a token made out to one would open the other."""


def shared(ledgers: list[Installed]) -> Iterator[str]:
    """Yield what two ledgers have in common that they must not; never a value."""
    for one, other in combinations(ledgers, 2):
        for setting, value in OWN.items():
            if value(one) and value(one) == value(other):
                yield f"{one.name} and {other.name} have the same {setting}."
        if any(a.is_relative_to(b) or b.is_relative_to(a) for a in one.folders for b in other.folders):
            yield f"{one.name} and {other.name} have a folder in common, or one inside the other's."


def open_doors(ledgers: list[Installed]) -> Iterator[str]:
    """Yield whose login may connect to whose database; raises LedgerUnavailable."""
    databases = {str(one.place["dbname"]): one.name for one in ledgers if one.settings.database_url}
    for one in ledgers:
        if one.settings.database_url:
            for database in may_enter(make_conninfo(one.settings.database_url), list(databases)):
                yield f"The login of {one.name} may connect to the database of {databases[database]}."
