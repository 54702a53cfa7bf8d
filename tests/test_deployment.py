"""What runs the product elsewhere says what the product understands: image, compose files, units."""

import configparser
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ledger.settings import Settings
from tests.test_settings_page import misfit

ROOT = Path(__file__).parents[1]
CONTAINERFILE = ROOT / "Containerfile"
COMPOSE = (ROOT / "docker-compose.yml", ROOT / "docs" / "examples" / "compose" / "ledgers.yml")
UNITS = sorted((ROOT / "docs" / "examples" / "systemd").iterdir())
SETTINGS = {f"CASELEDGER_{name.upper()}" for name in Settings.model_fields}
ASKED_FOR = "CASELEDGER_PASSWORD"
"""What the addresses of a compose file are made with; no setting."""
EXTRAS = ("pdf", "replay", "traces")


def instructions(path: Path = CONTAINERFILE) -> list[tuple[str, str]]:
    """Return the instructions of an image's definition, continued lines joined."""
    lines = re.sub(r"\\\n", " ", path.read_text("utf-8")).splitlines()
    words = [line.partition(" ") for line in lines if line.strip() and not line.startswith("#")]
    return [(name, rest.strip()) for name, _, rest in words]


def values(name: str) -> list[str]:
    """Return what every instruction of a kind says."""
    return [rest for found, rest in instructions() if found == name]


def services(path: Path) -> dict[str, dict[str, Any]]:
    """Return the services of a compose file."""
    return yaml.safe_load(path.read_text("utf-8"))["services"]


def ours() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the services that run our image."""
    for path in COMPOSE:
        yield from ((name, one) for name, one in services(path).items() if one.get("image") == "caseledger")


def test_the_image_runs_as_nobody_and_says_whether_it_is_well() -> None:
    """It ends as a numbered account that is not root, starts a command that exists, and asks /healthz."""
    assert instructions()[-1][0] == "CMD"
    user, group = values("USER")[-1].split(":")
    assert int(user) > 0
    assert int(group) > 0
    entry = json.loads(values("ENTRYPOINT")[0])
    assert entry == ["caseledger"]
    assert misfit(json.loads(values("CMD")[0])) is None
    (health,) = values("HEALTHCHECK")
    words = json.loads(health.partition("CMD ")[2])
    assert (words[0], misfit(words[1:])) == ("caseledger", None)
    for folder in json.loads(values("VOLUME")[0]):
        assert folder in values("RUN")[-1]


def test_the_image_is_made_of_what_is_there() -> None:
    """Base images have a version, stages exist, files that are copied are in the repository and not kept out."""
    stages = [line.partition(" AS ")[2] for line in values("FROM")]
    assert all(re.search(r":\d+[\w.-]*$", line.partition(" AS ")[0]) for line in values("FROM"))
    assert not values("ADD")
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split("\n")
    for words in (line.split() for line in values("COPY")):
        if words[0].startswith("--from="):
            assert words[0].partition("=")[2] in stages
            continue
        assert all((ROOT / name).exists() and name not in ignored for name in words[:-1])
    for name in (".git", ".venv*", ".caseledger", "*.env"):
        assert name in ignored
    assert set(re.findall(r"CASELEDGER_[A-Z_]+", CONTAINERFILE.read_text("utf-8"))) <= SETTINGS


def test_our_services_may_write_nowhere_but_in_their_volumes() -> None:
    """Each runs read-only, without capabilities, without new privileges, checks itself, and has no open port."""
    assert [name for name, _ in ours()] == ["application", "available", "odense", "aarhus"]
    for _, one in ours():
        assert one["read_only"] is True
        assert one["tmpfs"] == ["/tmp"]
        assert one["cap_drop"] == ["ALL"]
        assert one["security_opt"] == ["no-new-privileges:true"]
        assert one["healthcheck"]["test"] == ["CMD", "caseledger", "health"]
        assert "ports" not in one
        assert "privileged" not in one
        assert one.get("user") != "root"
        assert misfit(one.get("command", ["serve"])) is None
    assert misfit(["health"]) is None


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_a_compose_file_fits_together(path: Path) -> None:
    """Settings exist and can be read, volumes are declared, dependencies are there, images have a version."""
    content = yaml.safe_load(path.read_text("utf-8"))
    for one in content["services"].values():
        base = one.get("image") or one["build"]["dockerfile_inline"]
        assert base == "caseledger" or re.search(r":\d", base)
        assert set(one.get("depends_on", {})) <= set(content["services"])
        named = {volume.partition(":")[0] for volume in one.get("volumes", []) if volume[0] not in "./"}
        assert named <= set(content.get("volumes", {}))
        if "dockerfile" in one.get("build", {}):
            assert (path.parent / one["build"]["context"] / one["build"]["dockerfile"]).exists()
        variables = one.get("environment", {}).items()
        own = {name: str(value) for name, value in variables if name.startswith("CASELEDGER_") and name != ASKED_FOR}
        assert set(own) <= SETTINGS
        Settings.model_validate({name.removeprefix("CASELEDGER_").lower(): value for name, value in own.items()})


def test_two_ledgers_have_nothing_in_common_but_the_image() -> None:
    """Accounts, settings and folders of the example are each ledger's own."""
    first, second = services(COMPOSE[1]).values()
    for what in ("user", "env_file"):
        assert first[what] != second[what]
    assert not set(first["volumes"]) & set(second["volumes"])


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_commands_that_exist_as_an_account_of_its_own(path: Path) -> None:
    """Only the nightly work knows the owner, and no unit may write outside the ledger's folders."""
    unit: dict[str, list[str]] = {}
    for line in path.read_text("utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            unit.setdefault(line.partition("=")[0], []).append(line.partition("=")[2])
    if path.suffix == ".timer":
        assert path.with_suffix(".service") in UNITS
        return
    assert unit["User"] == unit["Group"] == ["caseledger_%i"]
    for line in unit["ExecStart"]:
        program, *words = line.split()
        assert (program, misfit(words)) == ("/opt/caseledger/bin/caseledger", None)
    assert ("/etc/caseledger/%i.owner.env" in unit["EnvironmentFile"]) is ("backup" in " ".join(unit["ExecStart"]))
    assert unit["ProtectSystem"] == ["strict"]
    assert all(folder.endswith("/%i") for folder in unit["ReadWritePaths"][0].split())
    assert (unit["NoNewPrivileges"], unit["CapabilityBoundingSet"]) == (["yes"], [""])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
def test_systemd_reads_the_units(tmp_path: Path) -> None:
    """It knows every directive; the program itself stands elsewhere here."""
    for path in UNITS:
        text = path.read_text("utf-8").replace("/opt/caseledger/bin/caseledger", "/bin/true")
        (tmp_path / path.name).write_text(text)
    for path in UNITS:
        name = path.name.replace("@", "@odense")
        (tmp_path / name).symlink_to(tmp_path / path.name)
        command = ["systemd-analyze", "verify", "--recursive-errors=no", tmp_path / name]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")


def locked(*wanted: str) -> subprocess.CompletedProcess[str]:
    """Run what cuts the lock down."""
    command = [sys.executable, ROOT / ".ci" / "locked", *wanted]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def needed_by(requirement: Requirement, seen: set[str]) -> set[str]:
    """Return the names of a distribution and of everything that it needs here, as installed."""
    name = canonicalize_name(requirement.name)
    for extra in ("", *requirement.extras):
        if f"{name}[{extra}]" in seen:
            continue
        seen.add(f"{name}[{extra}]")
        for line in requires(requirement.name) or []:
            next_one = Requirement(line)
            if next_one.marker is None or next_one.marker.evaluate({"extra": extra}):
                needed_by(next_one, seen)
    return {one.partition("[")[0] for one in seen}


def test_the_image_holds_what_the_product_needs_and_no_tools() -> None:
    """The part of the lock has every package that the installed ones ask for, and none to test with."""
    part = locked(f"caseledger[{','.join(EXTRAS)}]")
    assert part.returncode == 0, part.stderr
    names = {canonicalize_name(name) for name in re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==", part.stdout, re.M)}
    wanted = needed_by(Requirement(f"caseledger[{','.join(EXTRAS)}]"), set()) - {"caseledger"}
    assert wanted <= names
    assert not names & {"pytest", "playwright", "pyright", "schemathesis", "hypothesis", "ruff", "uv", "hatchling"}
    assert part.stdout.count("--hash=sha256:") > 2 * len(names)
    assert "hatchling==" in locked("hatchling").stdout
    refused = locked("no-such-package")
    assert (refused.returncode, refused.stdout) == (1, "")


@pytest.mark.slow
def test_the_wheel_of_the_image_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    """What the image installs is what the repository has: SQL, catalogues, templates, the stand-alone verifier."""
    pip = ["-m", "pip", "--python", sys.executable, "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    interpreter = shutil.which("python3") or sys.executable
    done = subprocess.run(
        [interpreter, *pip, "--wheel-dir", tmp_path, ROOT], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("caseledger-*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    folders = ("domain", "ledger", "projections", "replay", "api")
    listed = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(listed.stdout.split()) <= held
    assert "replay/caseledger_verify.py" in held
    entry = configparser.ConfigParser()
    entry.read_string(zipfile.ZipFile(wheel).read(next(n for n in held if n.endswith("entry_points.txt"))).decode())
    assert entry["console_scripts"]["caseledger"] == "api.cli:main"
