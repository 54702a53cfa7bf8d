"""Two municipalities on one server: everything that could lead from one to the other is tried, and refused."""

import shutil
import sys
from collections.abc import Generator
from pathlib import Path
from typing import LiteralString

import httpx2
import orjson
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.embedded import find_binaries
from tests.api.client import problem
from tests.api.installation import LEDGERS, Installation, installing, run
from tests.api.service import Inside, serving
from tests.api.sign_in.issuer import issuing, rsa
from tests.api.signing_in import OWN_PAGE, bearer, session
from tests.verifier.bundles import VERIFIER

pytestmark = pytest.mark.slow

OWNER = "CASELEDGER_OWNER_URL"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Generator[Installation]:
    """Odense and Aarhus, with the same case story."""
    with installing(tmp_path_factory.mktemp("installation")) as made:
        yield made


def case_of(installation: Installation, name: str) -> str:
    """Return the id of the case in a ledger, as its superuser sees it."""
    with installation.administrator(f"caseledger_{name}") as connection:
        query = "SELECT stream FROM ledger.event WHERE topic = 'case_opened' ORDER BY position DESC LIMIT 1"
        return str(connection.execute(query).fetchall()[0][0])


def id_of(installation: Installation, name: str) -> str:
    """Return the id of a ledger, as its superuser sees it."""
    with installation.administrator(f"caseledger_{name}") as connection:
        return str(connection.execute("SELECT ledger FROM ledger.head").fetchall()[0][0])


@pytest.mark.parametrize("setting", ["CASELEDGER_DATABASE_URL", OWNER])
@pytest.mark.parametrize(("name", "other"), [LEDGERS, LEDGERS[::-1]])
def test_no_login_of_one_may_connect_to_the_database_of_the_other(
    installation: Installation, name: str, other: str, setting: str
) -> None:
    """Neither daily login nor owner: PostgreSQL refuses the connection itself, whatever role is asked for."""
    address = installation.address(name, setting)
    psycopg.connect(address).close()
    for options in ("", "-c role=caseledger_app", f"-c role=caseledger_{other}"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(make_conninfo(address, dbname=f"caseledger_{other}", options=options))


ATTEMPTS: list[LiteralString] = [
    "SET ROLE caseledger_aarhus",
    "SET ROLE caseledger_aarhus_owner",
    "SET SESSION AUTHORIZATION caseledger_aarhus",
    "GRANT caseledger_aarhus TO caseledger_odense",
    "GRANT caseledger_app TO caseledger_odense",
    "ALTER ROLE caseledger_aarhus PASSWORD 'eksempel'",
    "ALTER ROLE caseledger_app RENAME TO caseledger_gone",
    "ALTER DATABASE caseledger_aarhus OWNER TO caseledger_odense_owner",
    "ALTER DATABASE caseledger_aarhus SET timezone = 'Asia/Tokyo'",
    "CREATE DATABASE copied TEMPLATE caseledger_aarhus",
    "DROP DATABASE caseledger_aarhus",
    "DROP ROLE caseledger_app",
    "CREATE ROLE caseledger_intruder",
    "CREATE EXTENSION dblink",
    "CREATE EXTENSION postgres_fdw",
    "COPY (SELECT 1) TO '/tmp/caseledger-intruder'",
    "CREATE TABLE stolen (line text); COPY stolen FROM 'PG_VERSION'",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT pg_ls_dir('base')",
    "ALTER SYSTEM SET log_statement = 'all'",
]
"""What a login of Odense may try on the server that both ledgers lie on."""


@pytest.mark.parametrize("setting", ["CASELEDGER_DATABASE_URL", OWNER])
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_no_statement_leads_from_one_to_the_other(
    installation: Installation, setting: str, attempt: LiteralString
) -> None:
    """The server refuses each, also to the owner, for want of a right."""
    with (
        psycopg.connect(installation.address("odense", setting), autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(attempt)


@pytest.mark.parametrize("setting", ["CASELEDGER_DATABASE_URL", OWNER])
def test_nobody_gives_themselves_the_right_to_connect(installation: Installation, setting: str) -> None:
    """PostgreSQL answers such a grant with a warning; what counts is that nothing was granted."""
    with psycopg.connect(installation.address("odense", setting), autocommit=True) as connection:
        connection.execute("GRANT CONNECT ON DATABASE caseledger_aarhus TO PUBLIC")
        asked = "SELECT has_database_privilege('caseledger_aarhus', 'CONNECT')"
        assert connection.execute(asked).fetchone() == (False,)


@pytest.mark.parametrize("setting", ["CASELEDGER_DATABASE_URL", OWNER])
def test_what_the_other_does_is_neither_seen_nor_ended(installation: Installation, setting: str) -> None:
    """Statements and addresses of the other's sessions are hidden, and the sessions cannot be ended."""
    seen = "SELECT pid, query, client_addr::text FROM pg_stat_activity WHERE usename = 'caseledger_aarhus'"
    with (
        psycopg.connect(installation.address("aarhus"), autocommit=True) as other,
        psycopg.connect(installation.address("odense", setting), autocommit=True) as connection,
    ):
        other.execute("SELECT 'canary-Eksempel-4711'")
        assert connection.execute(seen).fetchall() == [(other.info.backend_pid, "<insufficient privilege>", None)]
        for function in ("pg_terminate_backend", "pg_cancel_backend"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT {function}({other.info.backend_pid})".encode())
        assert other.execute("SELECT 1").fetchone() == (1,)


def test_what_an_owner_hands_out_is_worth_nothing_elsewhere(installation: Installation) -> None:
    """An owner opens their own database only; the group roles, which all ledgers share, are not theirs to give."""
    with psycopg.connect(installation.address("odense", OWNER), autocommit=True) as owner:
        owner.execute("GRANT CONNECT ON DATABASE caseledger_odense TO caseledger_aarhus")
        try:
            assert installation.command("ledger", "check").stdout == (
                "The login of aarhus may connect to the database of odense.\n"
            )
        finally:
            owner.execute("REVOKE CONNECT ON DATABASE caseledger_odense FROM caseledger_aarhus")
        asked = "SELECT rolcreaterole, rolcreatedb, rolsuper FROM pg_roles WHERE rolname = current_user"
        assert owner.execute(asked).fetchone() == (False, False, False)
        admin = "SELECT count(*) FROM pg_auth_members WHERE admin_option AND member = current_user::regrole"
        assert owner.execute(admin).fetchone() == (0,)


def test_keys_of_one_open_nothing_of_the_other(installation: Installation, tmp_path: Path) -> None:
    """Neither by the wrong folder, nor by files put under the other's name."""
    mixed = installation.environment("odense", CASELEDGER_HOME=str(installation.home("aarhus")))
    line = Inside(mixed).refused("verify")[1]
    assert "is not this ledger's: set CASELEDGER_HOME" in line
    odense = id_of(installation, "odense")
    stolen = next((installation.home("aarhus") / "keys").iterdir())
    shutil.copytree(stolen, tmp_path / "keys" / odense)
    line = Inside(installation.environment("odense", CASELEDGER_HOME=str(tmp_path))).refused("verify")[1]
    assert "one of the two files is not the original" in line


def test_proofs_of_one_prove_nothing_of_the_other(installation: Installation, tmp_path: Path) -> None:
    """Aarhus refuses Odense's checkpoint, and Odense's bundle does not hold under Aarhus's key."""
    checkpoint = tmp_path / "checkpoint"
    checkpoint.write_text(installation.done("odense", "log", "checkpoint"))
    assert "INTACT" in installation.done("odense", "verify", "--since", checkpoint)
    assert "caseledger: " in installation.refused("aarhus", "verify", "--since", checkpoint)
    bundle = tmp_path / "bundle.zip"
    installation.done("odense", "bundle", case_of(installation, "odense"), "-o", bundle)
    for name, code in (("odense", 0), ("aarhus", 1)):
        key = tmp_path / f"{name}.vkey"
        key.write_text(installation.done(name, "log", "vkey"))
        checked = run(Path(sys.executable), VERIFIER, bundle, "--log-key", key, "--json")
        assert checked.returncode == code, checked
        assert orjson.loads(checked.stdout)["proven"] is (code == 0)


def test_the_signer_of_one_signs_nothing_of_the_other(installation: Installation, tmp_path: Path) -> None:
    """Odense's signer in the place of Aarhus's has none of the keys on record."""
    signer = next((installation.home("odense") / "signer").iterdir())
    shutil.copytree(signer, tmp_path / "signer" / id_of(installation, "aarhus"))
    variables = installation.environment("aarhus", CASELEDGER_SIGNER_FOLDER=str(tmp_path / "signer"))
    assert "none of the keys on record" in Inside(variables).refused("log", "checkpoint")[1]


def test_one_is_backed_up_and_restored_beside_the_other(installation: Installation, tmp_path: Path) -> None:
    """Odense's backup opens with Odense's keys alone, in a database that is closed too; Aarhus notices nothing."""
    before = installation.done("aarhus", "verify")
    said = installation.done("odense", "backup", tmp_path / "backup")
    dump, checkpoint = (next((tmp_path / "backup").glob(name)) for name in ("ledger-*.dump", "checkpoint-*"))
    assert dump.name in said
    assert dump.stat().st_mode & 0o077 == 0
    installation.provision("odense_ny", folder="odense")
    try:
        owner = installation.address("odense_ny", OWNER)
        restore = ("--clean", "--if-exists", "--no-owner", "--exit-on-error", "--dbname")
        done = run(find_binaries() / "pg_restore", *restore, owner, dump)
        assert done.returncode == 0, done.stderr
        assert "INTACT" in installation.done("odense_ny", "verify", "--since", checkpoint)
        assert "equal row for row" in installation.done("odense_ny", "replay", "rebuild", "case_state")
        stranger = installation.environment("odense_ny", CASELEDGER_HOME=str(installation.home("aarhus")))
        assert "is not this ledger's" in Inside(stranger).refused("verify")[1]
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(make_conninfo(installation.address("aarhus"), dbname="caseledger_odense_ny"))
        checked = installation.command("ledger", "check")
        assert (checked.returncode, checked.stdout.count("\n")) == (1, 1)
        assert checked.stdout.startswith("odense and odense_ny have a folder in common")
    finally:
        for name in ("odense_ny.env", "odense_ny.owner.env"):
            (installation.folder / "etc" / name).unlink()
    assert installation.done("aarhus", "verify") == before


def test_erasure_export_and_rotation_of_one_leave_the_other_as_it_is(
    installation: Installation, tmp_path: Path
) -> None:
    """Each command works on the ledger that was named; the other's database and keys stay byte for byte."""
    before = installation.done("aarhus", "verify"), bytes_of(installation.home("aarhus"))
    for words in (
        ("keys", "rotate"),
        ("keys", "retire", "1"),
        ("erasure", "apply"),
        ("erasure", "remove-ciphertext"),
        ("search", "rebuild"),
        ("replay", "rebuild"),
        ("replay", "export", tmp_path / "release", "--release", "r-1"),
        ("log", "export", tmp_path / "log"),
        ("keys", "check"),
        ("verify",),
    ):
        installation.done("odense", *words)
    assert (installation.done("aarhus", "verify"), bytes_of(installation.home("aarhus"))) == before
    installation.done("aarhus", "keys", "check")


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_installation_names_what_two_ledgers_share(installation: Installation, tmp_path: Path) -> None:
    """A ledger whose settings were copied from another's is named, setting by setting, without values."""
    assert installation.done_by_operator("ledger", "list").split() == sorted(LEDGERS)
    assert installation.done_by_operator("ledger", "check") == "2 ledgers, nothing in common.\n"
    copied = installation.file("kopi")
    shutil.copy(installation.file("odense"), copied)
    extra = "CASELEDGER_OIDC_AUDIENCE=urn:eksempel:odense\n"
    kept = installation.file("odense").read_text()
    try:
        for path in (copied, installation.file("odense")):
            path.write_text(path.read_text() + extra)
        checked = installation.command("ledger", "check")
    finally:
        copied.unlink()
        installation.file("odense").write_text(kept)
    assert checked.returncode == 1
    for what in ("(database)", "(login)", "CASELEDGER_LISTEN_PORT", "CASELEDGER_OIDC_AUDIENCE", "a folder in common"):
        assert what in checked.stdout
    secret = str(conninfo_to_dict(installation.address("odense"))["password"])
    assert secret not in checked.stdout + checked.stderr
    assert "urn:eksempel" not in checked.stdout


def test_a_ledger_is_named_once_and_by_a_file_that_others_cannot_read(installation: Installation) -> None:
    """Whatever could lead a command to another ledger than the one named is refused in one line."""
    assert "there are: aarhus, odense" in installation.refused("../etc/odense", "verify")
    assert "there are: aarhus, odense" in installation.refused("esbjerg", "verify")
    beside = Inside(installation.variables | {"CASELEDGER_DATABASE_URL": installation.address("aarhus")})
    line = beside.refused("--ledger", "odense", "verify")[1]
    assert "CASELEDGER_DATABASE_URL is set beside" in line
    assert "postgresql" not in line
    installation.file("odense").chmod(0o604)
    try:
        assert "open to others" in installation.refused("odense", "verify")
    finally:
        installation.file("odense").chmod(0o600)
    for name in ("app", "Odense", "odense_owner", "a-b", ""):
        asked = ("--home", "/h", "--key-encryption-folder", "/k", "--port", "1")
        assert "NAME must be" in installation.command.refused("ledger", "provision", name, *asked)[1]


@pytest.fixture(scope="module")
def services(installation: Installation) -> Generator[dict[str, str]]:
    """The addresses of both services, each with sign-in of its own, for the last tests: workers record and sign."""
    logs = [installation.folder / f"{name}.log" for name in LEDGERS]
    first, second = (installation.environment(name) for name in LEDGERS)
    with serving(first, logs[0]) as odense, serving(second, logs[1]) as aarhus:
        yield {"odense": odense.url, "aarhus": aarhus.url}


def test_who_is_signed_in_at_one_is_a_stranger_to_the_other(services: dict[str, str]) -> None:
    """Neither bearer token nor session of Odense is anything at Aarhus."""
    for name, status in (("odense", 200), ("aarhus", 401)):
        answer = httpx2.get(f"{services[name]}/cases", headers=bearer(services["odense"], "u-12", "supervision"))
        assert answer.status_code == status, answer.text
    cookies = session(services["odense"], "u-12", "supervision")
    for name, status in (("odense", 200), ("aarhus", 303)):
        answer = httpx2.get(f"{services[name]}/sager", headers=OWN_PAGE, cookies=cookies)
        assert answer.status_code == status, answer.text


def test_one_provider_and_two_audiences(installation: Installation, tmp_path: Path) -> None:
    """Where both municipalities sign in at the same provider, a token made out to Odense is refused at Aarhus."""
    with issuing(rsa()) as issuer:
        own = {"CASELEDGER_OIDC_ISSUER": issuer.url, "CASELEDGER_OIDC_CLIENT_ID": "pages-aarhus"}
        own |= {"CASELEDGER_OIDC_AUDIENCE": "urn:eksempel:aarhus", "CASELEDGER_PUBLIC_URL": "http://127.0.0.1:8002"}
        variables = installation.environment("aarhus", **own)
        with serving(variables, tmp_path / "errors.log") as service:
            for audience, status in (("urn:eksempel:aarhus", 200), ("urn:eksempel:odense", 401)):
                token = issuer.token(aud=audience, roles=["supervisor"])
                headers = {"Authorization": f"Bearer {token}", "Purpose": "supervision"}
                answer = httpx2.get(f"{service.url}/cases", headers=headers)
                assert answer.status_code == status, answer.text


def test_entries_and_cursors_of_one_are_unknown_to_the_other(
    installation: Installation, services: dict[str, str]
) -> None:
    """An id of Odense is nothing at Aarhus, and a place in Odense's list or feed no place in Aarhus's."""
    case = case_of(installation, "odense")
    headers = {name: bearer(services[name], "u-12", "supervision") for name in LEDGERS}
    assert httpx2.get(f"{services['odense']}/cases/{case}", headers=headers["odense"]).status_code == 200
    for path in (f"/cases/{case}", f"/cases/{case}/events", f"/cases/{case}/events/1"):
        problem(httpx2.get(f"{services['aarhus']}{path}", headers=headers["aarhus"]), 404, "not-found")
    assert "aarhus" not in installation.refused("aarhus", "case", "show", case, "--purpose", "audit")
    for path in ("/cases", "/events", "/findings"):
        given = httpx2.get(f"{services['odense']}{path}?limit=1", headers=headers["odense"])
        cursor = {"cursor": str(given.json()["next"]), "limit": "1"}
        assert httpx2.get(f"{services['odense']}{path}", params=cursor, headers=headers["odense"]).status_code == 200
        problem(httpx2.get(f"{services['aarhus']}{path}", params=cursor, headers=headers["aarhus"]), 400, "bad-request")
