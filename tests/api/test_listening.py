"""HTTPS as it is served: over a real line with a certificate made here, and what is refused without one."""

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from api.opening import Place
from tests.api.service import Command, environment, serving

pytestmark = pytest.mark.slow

PASSWORD = b"eksempel"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate for loopback that signs itself, and its key."""

    certificate: Path
    key: Path
    locked_key: Path


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Files of a certificate valid for an hour."""
    folder = tmp_path_factory.mktemp("certificate")
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")]),
    )
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(hours=1)
        )
        .add_extension(names, critical=False)
        .sign(key, SHA256())
    )
    files = Certificate(folder / "certificate.pem", folder / "key.pem", folder / "locked.pem")
    files.certificate.write_bytes(made.public_bytes(Encoding.PEM))
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD))
    files.locked_key.write_bytes(locked)
    return files


def variables(place: Place, folder: Path, **settings: str | Path) -> dict[str, str]:
    """Return the environment of a service with some settings."""
    return environment(place.conninfo, folder / "home") | {
        f"CASELEDGER_{name.upper()}": str(v) for name, v in settings.items()
    }


def trusting(certificate: Certificate, newest: ssl.TLSVersion) -> ssl.SSLContext:
    """Return how a client speaks that trusts the certificate alone, and no version newer than it says."""
    context = ssl.create_default_context(cafile=str(certificate.certificate))
    context.maximum_version = newest
    return context


def outdated(certificate: Certificate) -> ssl.SSLContext:
    """Return how a client speaks that knows TLS 1.1 only, and would."""
    context = ssl.create_default_context(cafile=str(certificate.certificate))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.deprecated_call():
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def test_https_is_served_with_a_certificate(simulated: Place, tmp_path: Path, certificate: Certificate) -> None:
    """Pages and answers come over TLS 1.2 and 1.3, tell browsers to stay with it, and older versions are refused."""
    chosen = variables(simulated, tmp_path, tls_certificate=certificate.certificate, tls_key=certificate.key)
    with serving(chosen, tmp_path / "errors.log") as service:
        for newest in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with httpx2.Client(verify=trusting(certificate, newest)) as client:
                for path in ("/sager", "/cases", "/nothing"):
                    response = client.get(f"https://localhost:{service.port}{path}")
                    assert response.headers["strict-transport-security"].startswith("max-age=")
        with (
            socket.create_connection(("127.0.0.1", service.port), 10) as line,
            pytest.raises(ssl.SSLError, match=r"ALERT_PROTOCOL_VERSION|UNEXPECTED_EOF"),
        ):
            outdated(certificate).wrap_socket(line, server_hostname="localhost")
        assert Command(chosen).done("health", "--port", str(service.port)) == "The service answers.\n"
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"https://127.0.0.1:{service.port}/healthz")
        with pytest.raises(httpx2.TransportError):
            httpx2.get(f"http://127.0.0.1:{service.port}/healthz")


def test_other_names_reach_the_service_when_they_are_set(simulated: Place, tmp_path: Path) -> None:
    """Behind a server that people reach by another name, that name is let in beside those of loopback."""
    chosen = variables(simulated, tmp_path, host_names="sager.eksempel.example, ledger.eksempel.example")
    with serving(chosen, tmp_path / "errors.log") as service:
        for host, status in (("Ledger.Eksempel.example:443", 200), ("localhost", 200), ("eksempel.example", 421)):
            assert httpx2.get(f"{service.url}/healthz", headers={"Host": host}).status_code == status
        asking = Command(chosen | {"CASELEDGER_LISTEN_PORT": str(service.port)})
        assert asking.done("health") == "The service answers.\n"
    silent = asking("health")
    assert (silent.returncode, silent.stdout) == (1, "The service does not answer.\n")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_beyond_loopback_nothing_is_served_without_a_certificate(simulated: Place, tmp_path: Path, host: str) -> None:
    """One line names the settings."""
    code, line = Command(variables(simulated, tmp_path, listen_host=host)).refused("serve", "--port", "0")
    assert code == 1
    assert "CASELEDGER_TLS_CERTIFICATE" in line
    assert "127.0.0.1" in line


def test_beyond_loopback_the_names_must_be_known(simulated: Place, tmp_path: Path, certificate: Certificate) -> None:
    """One line names the setting."""
    files = {"tls_certificate": certificate.certificate, "tls_key": certificate.key}
    chosen = variables(simulated, tmp_path, listen_host="0.0.0.0", **files)
    code, line = Command(chosen).refused("serve", "--port", "0")
    assert code == 1
    assert "CASELEDGER_HOST_NAMES" in line


def test_unusable_files_are_one_line(simulated: Place, tmp_path: Path, certificate: Certificate) -> None:
    """A file that is missing, is no certificate, does not fit or asks for a password is named by its setting."""
    other = tmp_path / "other.pem"
    other.write_text("no certificate")
    for chosen, key in (
        (certificate.certificate, tmp_path / "nowhere.pem"),
        (certificate.certificate, other),
        (other, certificate.key),
        (certificate.certificate, certificate.certificate),
        (certificate.certificate, certificate.locked_key),
    ):
        command = Command(variables(simulated, tmp_path, tls_certificate=chosen, tls_key=key))
        code, line = command.refused("serve", "--port", "0")
        assert code == 1
        assert "CASELEDGER_TLS_KEY" in line
    code, line = Command(variables(simulated, tmp_path, tls_key=certificate.key)).refused("serve", "--port", "0")
    assert "go together" in line


@pytest.mark.parametrize(
    ("setting", "value"),
    [("listen_host", "localhost:80"), ("listen_host", "elsewhere.example"), ("requests_per_minute", "0")],
)
def test_settings_that_cannot_be_read_are_named(simulated: Place, tmp_path: Path, setting: str, value: str) -> None:
    """A malformed setting is one line with its name."""
    code, line = Command(variables(simulated, tmp_path, **{setting: value})).refused("serve", "--port", "0")
    assert code == 1
    assert f"CASELEDGER_{setting.upper()}" in line


def test_an_address_of_another_machine_is_one_line(simulated: Place, tmp_path: Path, certificate: Certificate) -> None:
    """An address that this machine does not have is said to be so, and not that the port is taken."""
    files = {"tls_certificate": certificate.certificate, "tls_key": certificate.key}
    chosen = variables(simulated, tmp_path, listen_host="192.0.2.1", host_names="sager.eksempel.example", **files)
    code, line = Command(chosen).refused("serve", "--port", "0")
    assert code == 1
    assert "CASELEDGER_LISTEN_HOST" in line
