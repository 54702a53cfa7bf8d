"""The house itself: whose names these are, what the lock holds, and that documents say what the code does."""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from api.cli import build_parser
from api.problems import KINDS
from ledger.settings import Settings

ROOT = Path(__file__).parents[1]
PACKAGES = ("domain", "ledger", "projections", "replay", "api")
README = (ROOT / "README.md").read_text("utf-8")
CLOCKS = re.compile(r"datetime\.now\(|utcnow|date\.today|time\.time\(|perf_counter")
STATEMENT = re.compile(r"""["'](SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|TRUNCATE|WITH)\s""")
STATEMENTS_THAT_STAY = {
    ("ledger/creation.py", "CREATE DATABASE {} TEMPLATE template0"),
    ("ledger/creation.py", "DROP DATABASE IF EXISTS {} WITH (FORCE)"),
    ("ledger/creation.py", "SELECT FROM pg_database WHERE datname = %s"),
    ("projections/installation.py", "SELECT pg_advisory_xact_lock(1128485189)"),
}


SECRETS = {
    "private key": re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "token": re.compile(
        rb"\b(eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}|gh[pousr]_\w{30,}|glpat-[\w-]{20,}|AKIA[0-9A-Z]{16})"
    ),
    "password in an address": re.compile(rb"[a-z][a-z0-9+]*://[^\s/:@\"'{}$<]+:[^\s/@\"'{}$<]+@"),
    "password": re.compile(
        rb"(?i)(password|secret|api_?key|token)[\"']?\s*[:=]\s*[\"'](?!eksempel)[^\s\"'{}$]{8,}[\"']"
    ),
}
"""What a secret looks like in a file. What begins with the surname of all fictional people is none."""


def tracked_files() -> list[Path]:
    """Return every file of the repository, also those not yet added, and none that it ignores."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    return [path for name in listed.decode().split("\0") if name and (path := ROOT / name).is_file()]


def commands(parser: argparse.ArgumentParser, prefix: str = "caseledger") -> Iterator[str]:
    """Yield every command a parser knows, in full."""
    groups: list[Any] = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]  # pyright: ignore
    if not groups:
        yield prefix
    for group in groups:
        for name, child in group.choices.items():
            yield from commands(child, f"{prefix} {name}")


@pytest.mark.parametrize("package", PACKAGES)
def test_no_other_distribution_claims_our_names(package: str) -> None:
    """Only this distribution installs a package of this name."""
    assert set(packages_distributions().get(package, ["caseledger"])) == {"caseledger"}


def test_lock_holds_hashes_and_no_address() -> None:
    """Every locked package has a hash, and no registry is named."""
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    pinned = re.findall(r"^[A-Za-z0-9._-]+(?:\[[a-z,]+\])?==", lock, re.MULTILINE)
    assert "://" not in lock
    assert len(pinned) > 30
    assert len(re.findall(r"^[A-Za-z0-9].*\\$", lock, re.MULTILINE)) == len(pinned)


def test_dependencies_point_one_way() -> None:
    """import-linter keeps the direction of the packages and the purity of the domain."""
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([linter, "--no-logo"], cwd=ROOT, capture_output=True, text=True, env={"PYTHONPATH": "."})
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("folder", ["domain", "projections", "replay"])
def test_no_clock_where_the_past_is_folded(folder: str) -> None:
    """What is folded again must not read a clock; waiting with a monotonic one is no clock."""
    read = [path for path in (ROOT / folder).rglob("*.py") if CLOCKS.search(path.read_text("utf-8"))]
    assert not read


def test_sql_lives_in_sql_files() -> None:
    """Statements stand in .sql files; the few that cannot are listed."""
    found = {
        (str(path.relative_to(ROOT)), line.strip())
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if STATEMENT.search(line)
    }
    unlisted = {
        (file, line)
        for file, line in found
        if not any(file == where and statement in line for where, statement in STATEMENTS_THAT_STAY)
    }
    assert not unlisted


def test_every_command_is_documented() -> None:
    """README's table names every command."""
    undocumented = [command for command in commands(build_parser()) if f"`{command}" not in README]
    assert not undocumented


def test_every_setting_is_documented() -> None:
    """README's table names every setting, and no other."""
    settings = {f"CASELEDGER_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"CASELEDGER_[A-Z_]+", README)) == settings


def test_readme_names_the_two_commands_that_the_makefile_has() -> None:
    """The two commands stand in README as they are, and CI calls the second."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "```\nmake run\nmake test\n```" in README
    assert re.search(r"^run:", makefile, re.MULTILINE)
    assert re.search(r"^test:", makefile, re.MULTILINE)
    assert "\nmake test\n" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_every_problem_has_an_explanation() -> None:
    """Each kind of problem tells what it means and what to do."""
    assert all(len(kind.explanation) > 20 and 400 <= kind.status < 600 for kind in KINDS.values())


def test_documents_name_tests_that_are_there() -> None:
    """Where a document says which test holds something in place, that test exists."""
    named = {
        name
        for page in (ROOT / "docs").rglob("*.md")
        for name in re.findall(r"`((?:tests|benchmarks)/[a-z0-9_/]+(?:\.[a-z]+)?/?)`", page.read_text("utf-8"))
    }
    assert len(named) > 10
    assert not [name for name in named if not (ROOT / name).exists()]


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([a-z][a-zA-Z0-9/_.-]+)\)", README))))
def test_links_of_readme_lead_somewhere(link: str) -> None:
    """README links to files that are there."""
    assert (ROOT / link).exists()


def test_no_secret_is_in_the_repository() -> None:
    """No file holds a private key, a token or a password; secrets come from the environment or from files."""
    files = tracked_files()
    assert len(files) > 100
    found = [
        f"{path.relative_to(ROOT)}: {kind}"
        for path in files
        for kind, pattern in SECRETS.items()
        if pattern.search(path.read_bytes())
    ]
    assert not found


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN " + "EC PRIVATE KEY-----",
        "token eyJ" + "hbGciOiJFZERTQSJ9.eyJ" + "zdWIiOiJ1LTkwIn0.c2lnbmF0dXJlLW9mLWl0",
        "postgresql://caseledger:" + "hemmelig@127.0.0.1/caseledger",
        "db_password" + ' = "correct-horse"',
        '"client_secret"' + ': "0123456789abcdef"',
    ],
)
def test_a_secret_would_be_noticed(text: str) -> None:
    """Each pattern finds what it is for."""
    assert any(pattern.search(text.encode()) for pattern in SECRETS.values())


def test_settings_do_not_print_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Printed settings hold no address of a database, which may hold a password, and no later secret either."""
    for name in Settings.model_fields:
        if re.search(r"_url$|secret|password|token", name):
            monkeypatch.setenv(f"CASELEDGER_{name.upper()}", "postgresql://u:" + "canary-4711@localhost/x")
    settings = Settings()
    assert settings.database_url is not None
    assert "canary-4711" not in repr(settings) + str(settings)


@pytest.mark.parametrize(
    ("report", "errors", "code", "said"),
    [
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}', "", 0, "1 packages, no known vulnerability"),
        ('{"dependencies": [{"name": "a", "skip_reason": "not found"}]}', "", 0, "not checked"),
        (
            '{"dependencies": [{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "not found"}]}',
            "",
            0,
            "not checked: b",
        ),
        (
            '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}]}',
            "",
            1,
            "a 1: X-1, mended in 2",
        ),
        ("", "requests.exceptions.ConnectionError: no route", 0, "not checked"),
        ("", "AssertionError: broken", 1, "pip-audit failed"),
    ],
)
def test_audit_does_not_call_unchecked_packages_safe(
    tmp_path: Path, report: str, errors: str, code: int, said: str
) -> None:
    """What pip-audit could not look up is said to be unchecked; a known vulnerability fails, and so does a crash."""
    stand_in = tmp_path / "pip-audit"
    stand_in.write_text(f"#!/bin/sh\nprintf '%s' '{report}'\nprintf '%s' '{errors}' >&2\n")
    stand_in.chmod(0o755)
    command = [sys.executable, ROOT / ".ci" / "audit", stand_in, ROOT / "requirements.lock"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode, said in result.stdout) == (code, True), result
