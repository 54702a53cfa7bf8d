"""An issuer whose every token can be made by hand: a real HTTP server with discovery document and keys."""

import threading
from base64 import urlsafe_b64encode
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from typing import Any

import orjson
from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

AUDIENCE = "urn:eksempel:sager"


class AnyAlgorithm(JWSRegistry):
    """Everything the library can do, advisable or not."""

    def get_alg(self, name: str):
        """Return an algorithm by its name in a token."""
        return self.algorithms["Ed25519" if name == "EdDSA" else name]


def rsa(key_id: str = "rsa") -> RSAKey:
    """Return a new RSA key."""
    return RSAKey.generate_key(2048, {"kid": key_id})


def encoded(content: Any) -> str:
    """Return a part of a token."""
    raw = content if isinstance(content, bytes) else orjson.dumps(content)
    return urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass
class Issuer:
    """What an issuer publishes, how often it was asked, and the means to sign in its name."""

    url: str = ""
    keys: list[Key] = field(default_factory=list[Key])
    asked: int = 0
    identity_token: str | None = None
    failing: bool = False
    about: dict[str, Any] = field(default_factory=dict[str, Any])
    extra_keys: list[Any] = field(default_factory=list[Any])

    def documents(self) -> dict[str, Any]:
        """Return what is published, by path."""
        about = {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
        }
        public = [key.as_dict(private=False) for key in self.keys]
        return {"/.well-known/openid-configuration": about | self.about, "/keys": {"keys": [*self.extra_keys, *public]}}

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of a good token; None leaves one out."""
        now = int(time())
        good = {"iss": self.url, "aud": AUDIENCE, "sub": "u-90", "iat": now, "exp": now + 300}
        good |= {"roles": ["caseworker"], "organisation": "Eksempelkommune"}
        return {name: value for name, value in (good | changes).items() if value is not None}

    def token(self, key: Key | None = None, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """Return a token signed with a key, by default the first one published."""
        signer = key or self.keys[0]
        algorithm = {"RSA": "RS256", "EC": "ES256", "OKP": "Ed25519", "oct": "HS256"}[signer.key_type]
        head = {"alg": algorithm, "kid": signer.kid, "typ": "at+jwt"} | (header or {})
        head = {name: value for name, value in head.items() if value is not None}
        registry = AnyAlgorithm(strict_check_header=False)
        return jws.serialize_compact(head, orjson.dumps(self.claims(**changes)), signer, registry=registry)


@contextmanager
def issuing(*keys: Key) -> Generator[Issuer]:
    """Yield an issuer that publishes these keys over HTTP."""
    issuer = Issuer(keys=list(keys))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked += 1
            self.answer(issuer.documents().get(self.path))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer({"id_token": issuer.identity_token} if issuer.identity_token else None)

        def answer(self, document: Any) -> None:
            """Send a document, or that there is none."""
            self.send_response(500 if issuer.failing or document is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(orjson.dumps(document))

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()


def one_of_each() -> list[Key]:
    """Return a key of each kind that is accepted."""
    return [rsa(), ECKey.generate_key("P-256", {"kid": "ec"}), OKPKey.generate_key("Ed25519", {"kid": "okp"})]


def shared_secret(secret: bytes, key_id: str) -> OctKey:
    """Return a secret as a key."""
    return OctKey.import_key(secret, {"kid": key_id})
