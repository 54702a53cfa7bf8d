"""The compose file, as far as it can be checked without an engine: it parses, and what it names is there."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
NODES = ("north", "south")
MEMBERS = ("etcd-1", "etcd-2", "etcd-3")
READ = """
import orjson, sys
from patroni.config import Config
config = Config(sys.argv[1])
sys.stdout.buffer.write(orjson.dumps(config.copy(), default=str))
"""


def address(service: str) -> dict[str, Any]:
    """Return the parts of the address by which an application finds its database."""
    url = SERVICES[service]["environment"]["CASELEDGER_DATABASE_URL"]
    return conninfo_to_dict(url.replace("${CASELEDGER_PASSWORD}", "eksempel"))


def options(member: str) -> dict[str, str]:
    """Return the options of a member of etcd."""
    return dict(option.removeprefix("--").split("=", 1) for option in SERVICES[member]["command"])


def test_what_the_services_name_is_there() -> None:
    """Volumes are declared, mounted files exist, services depend on services, of the same profile or of none."""
    for name, service in SERVICES.items():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], mount
        for other in service.get("depends_on", []):
            assert set(SERVICES[other].get("profiles", [])) <= set(service.get("profiles", [])), (name, other)
    used = {mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])}
    assert set(COMPOSE["volumes"]) <= used


def test_the_application_finds_its_database() -> None:
    """One knows the server of the other service, the other both nodes, and takes the one that may be written."""
    assert f"port={address('application')['port']}" in SERVICES["database"]["command"]
    found = address("available")
    hosts = zip(found["host"].split(","), found["port"].split(","), strict=True)
    listening = [SERVICES[node]["environment"]["PATRONI_POSTGRESQL_LISTEN"] for node in NODES]
    assert [f"{host}:{port}" for host, port in hosts] == listening
    assert (found["target_session_attrs"], found["user"], found["dbname"]) == ("read-write", "caseledger", "caseledger")


@pytest.mark.parametrize("node", NODES)
def test_patroni_understands_its_node(node: str, tmp_path: Path) -> None:
    """File and variables together say who it is, where it listens, and that commits wait for the standby."""
    variables = {name: str(value) for name, value in SERVICES[node]["environment"].items()}
    file = ROOT / "docs" / "examples" / "availability" / "patroni.yaml"
    read = subprocess.run(
        [sys.executable, "-c", READ, file],
        env={**os.environ, **variables}, cwd=tmp_path, capture_output=True, check=True,
    )  # fmt: skip
    config = orjson.loads(read.stdout)
    assert (config["name"], config["scope"]) == (node, "caseledger")
    assert config["postgresql"]["listen"] == config["postgresql"]["connect_address"]
    assert config["postgresql"]["authentication"]["replication"]["username"] == "standby"
    assert sorted(config["etcd3"]["hosts"]) == sorted(options(member)["listen-client-urls"][7:] for member in MEMBERS)
    dynamic = config["bootstrap"]["dcs"]
    assert dynamic["synchronous_mode"] is True
    assert dynamic["postgresql"]["use_pg_rewind"] is True
    assert dynamic["loop_wait"] + 2 * dynamic["retry_timeout"] <= dynamic["ttl"]
    prepare = config["bootstrap"]["post_bootstrap"].split("/etc/caseledger/")[1]
    assert (file.parent / prepare).exists()


def test_the_members_of_etcd_know_each_other() -> None:
    """Each names all three, itself by its own address."""
    for member in MEMBERS:
        said = options(member)
        assert said["name"] == member
        peers = dict(peer.split("=", 1) for peer in said["initial-cluster"].split(","))
        assert set(peers) == set(MEMBERS)
        assert peers[member] == said["listen-peer-urls"] == said["initial-advertise-peer-urls"]
        assert said["listen-client-urls"] == said["advertise-client-urls"]


def test_no_two_services_of_a_profile_take_the_same_port() -> None:
    """All are on the host's network."""
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    listening = re.findall(r"(?:_LISTEN: |listen-\w+-urls=http://)127\.0\.0\.1:(\d+)|(?:_PORT: \"|\"port=)(\d+)", text)
    ports = ["".join(found) for found in listening]
    assert len(ports) == 13
    assert len(set(ports)) == len(ports)
