"""Bearer tokens: which are taken, which are refused and why, and what becomes of keys that come and go."""

import asyncio
import hmac
from collections.abc import Callable
from time import sleep, time
from typing import Any
from warnings import catch_warnings

import orjson
import pytest
from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from api.sign_in.identity import ProviderUnavailable
from api.sign_in.provider import OUTAGE_SECONDS, PAUSE_SECONDS, Provider
from ledger.store import Ledger
from tests.api.client import problem
from tests.api.sign_in.conftest import ROLE_MAP, Tokens, settings, trusting
from tests.api.sign_in.issuer import AUDIENCE, Issuer, encoded, issuing, one_of_each, rsa, shared_secret

Forged = Callable[[Issuer], str]

KARLA = {
    "staff": "u-90",
    "roles": ["caseworker"],
    "organisation": "Eksempelkommune",
    "purpose": None,
    "via": "bearer",
}


def signed_by(kid: str, **header: Any) -> Forged:
    """Return what makes a good token with the key of an id."""
    return lambda issuer: issuer.token(next(key for key in issuer.keys if key.kid == kid), header)


GOOD: dict[str, Forged] = {
    "RS256": signed_by("rsa"),
    "PS256": signed_by("rsa", alg="PS256"),
    "ES256": signed_by("ec"),
    "Ed25519": signed_by("okp"),
    "EdDSA": signed_by("okp", alg="EdDSA"),
    "no type": signed_by("rsa", typ=None),
    "JWT": signed_by("rsa", typ="JWT"),
    "media type": signed_by("rsa", typ="application/at+jwt"),
    "audiences": lambda i: i.token(aud=["urn:eksempel:andet", AUDIENCE]),
    "just expired": lambda i: i.token(exp=int(time()) - 30),
    "fraction": lambda i: i.token(exp=time() + 10.5),
    "almost valid": lambda i: i.token(nbf=int(time()) + 30, iat=int(time()) + 30),
    "no iat": lambda i: i.token(iat=None),
}


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_good_tokens_are_taken(tokens: Tokens, make: Forged) -> None:
    """Every accepted algorithm and type, several audiences, clocks half a minute apart."""
    response = tokens.me(make(tokens.issuer))
    assert response.status_code == 200, response.text
    assert response.json() == KARLA


def raw(header: Any, claims: Any, signature: bytes = b"0") -> str:
    """Return parts put together as they are."""
    return f"{encoded(header)}.{encoded(claims)}.{encoded(signature)}"


def unsigned(issuer: Issuer) -> str:
    """Return a token that says it needs no signature."""
    return raw({"alg": "none", "kid": "rsa", "typ": "at+jwt"}, issuer.claims(), b"")


def signed_text(issuer: Issuer, claims: dict[str, Any], old: bytes, new: bytes) -> str:
    """Return a well signed token whose claims no JSON library would write."""
    header = {"alg": "RS256", "kid": "rsa"}
    return jws.serialize_compact(header, orjson.dumps(claims).replace(old, new), issuer.keys[0], ["RS256"])


def signed_with_public_key(issuer: Issuer) -> str:
    """Return a token whose shared secret is the issuer's public key."""
    assert isinstance(issuer.keys[0], RSAKey)
    signed = raw({"alg": "HS256", "kid": "rsa", "typ": "at+jwt"}, issuer.claims(), b"").rstrip(".")
    return f"{signed}.{encoded(hmac.digest(issuer.keys[0].as_pem(private=False), signed.encode(), 'sha256'))}"


def altered(issuer: Issuer) -> str:
    """Return a token whose claims were changed after it was signed."""
    header, _, signature = issuer.token().split(".")
    return f"{header}.{encoded(issuer.claims(sub='u-95'))}.{signature}"


BAD: dict[str, tuple[str, Forged]] = {
    "alg none": ("bad-algorithm", unsigned),
    "alg None": ("bad-algorithm", lambda i: raw({"alg": "None", "kid": "rsa"}, i.claims(), b"")),
    "alg empty": ("bad-algorithm", lambda i: raw({"alg": "", "kid": "rsa"}, i.claims(), b"")),
    "alg missing": ("malformed", lambda i: raw({"kid": "rsa"}, i.claims())),
    "alg list": ("bad-algorithm", lambda i: raw({"alg": ["RS256"], "kid": "rsa"}, i.claims())),
    "public key as secret": ("bad-algorithm", signed_with_public_key),
    "HS256": ("bad-algorithm", lambda i: i.token(OctKey.generate_key(256, {"kid": "rsa"}))),
    "RS512": ("bad-algorithm", lambda i: i.token(header={"alg": "RS512"})),
    "ES256 under an RSA key": ("bad-algorithm", lambda i: i.token(ECKey.generate_key("P-256", {"kid": "rsa"}))),
    "other key, same id": ("bad-signature", lambda i: i.token(rsa("rsa"))),
    "other Ed25519, same id": ("bad-signature", lambda i: i.token(OKPKey.generate_key("Ed25519", {"kid": "okp"}))),
    "altered claims": ("bad-signature", altered),
    "altered signature": ("bad-signature", lambda i: i.token()[:-8] + "AAAAAAAA"),
    "no signature": ("bad-signature", lambda i: i.token().rpartition(".")[0] + "."),
    "unknown key": ("unknown-key", lambda i: i.token(rsa("stranger"))),
    "no key named": ("unknown-key", lambda i: i.token(header={"kid": None})),
    "kid list": ("unknown-key", lambda i: raw({"alg": "RS256", "kid": ["rsa"]}, i.claims())),
    "foreign issuer": ("foreign-issuer", lambda i: i.token(iss="https://andre.eksempel.dk")),
    "issuer with slash": ("foreign-issuer", lambda i: i.token(iss=i.url + "/")),
    "no issuer": ("foreign-issuer", lambda i: i.token(iss=None)),
    "identity token": ("wrong-audience", lambda i: i.token(aud="pages")),
    "no audience": ("wrong-audience", lambda i: i.token(aud=None)),
    "empty audience": ("wrong-audience", lambda i: i.token(aud=[])),
    "part of the audience": ("wrong-audience", lambda i: i.token(aud=AUDIENCE + ":a")),
    "expired": ("expired", lambda i: i.token(exp=int(time()) - 61)),
    "nbf": ("not-yet-valid", lambda i: i.token(nbf=int(time()) + 90)),
    "iat": ("not-yet-valid", lambda i: i.token(iat=int(time()) + 90)),
    "no exp": ("malformed", lambda i: i.token(exp=None)),
    "exp text": ("malformed", lambda i: i.token(exp="2030-01-01")),
    "exp true": ("malformed", lambda i: i.token(exp=True)),
    "exp huge": ("malformed", lambda i: signed_text(i, i.claims(exp=0), b'"exp":0', b'"exp":1e999')),
    "nbf text": ("malformed", lambda i: i.token(nbf="later")),
    "another type": ("wrong-type", lambda i: i.token(header={"typ": "secevent+jwt"})),
    "logout token": ("wrong-type", lambda i: i.token(header={"typ": "logout+jwt"})),
    "no subject": ("no-subject", lambda i: i.token(sub=None)),
    "empty subject": ("no-subject", lambda i: i.token(sub="")),
    "subject number": ("no-subject", lambda i: i.token(sub=90)),
    "e-mail address": ("staff-id", lambda i: i.token(sub="karla@eksempel.dk")),
    "long staff id": ("staff-id", lambda i: i.token(sub="u" * 81)),
    "two lines": ("staff-id", lambda i: i.token(sub="u-90\nu-95")),
    "blank first": ("staff-id", lambda i: i.token(sub=" u-90")),
    "control character": ("staff-id", lambda i: i.token(sub="u-\x0090")),
    "civil number": ("staff-id", lambda i: i.token(sub="0101011234")),
    "civil number with hyphen": ("staff-id", lambda i: i.token(sub="010101-1234")),
    "no role": ("no-role", lambda i: i.token(roles=None)),
    "roles of elsewhere": ("no-role", lambda i: i.token(roles=["Kantine", 7, None, {}])),
    "roles as object": ("no-role", lambda i: i.token(roles={"caseworker": True})),
    "two organisations": ("organisation", lambda i: i.token(organisation=["a", "b"])),
    "long organisation": ("organisation", lambda i: i.token(organisation="x" * 201)),
    "crit": ("malformed", lambda i: raw({"alg": "RS256", "kid": "rsa", "crit": ["b64"], "b64": False}, b"{}")),
    "well signed crit": ("malformed", lambda i: i.token(header={"crit": ["cty"], "cty": "x"})),
    "three letters": ("malformed", lambda _: "a.b.c"),
    "two parts": ("malformed", lambda _: "a.b"),
    "lists": ("malformed", lambda _: raw([1], [1])),
    "deep header": ("malformed", lambda _: raw(b"[" * 9000, {})),
    "deep claims": ("malformed", lambda _: raw({"alg": "RS256"}, b"[" * 9000)),
    "claims a number": ("malformed", lambda _: raw({"alg": "RS256", "kid": "rsa"}, 1)),
    "long": ("malformed", lambda _: "x" * 17_000),
}


@pytest.mark.parametrize(("code", "make"), BAD.values(), ids=BAD)
def test_bad_tokens_are_refused(tokens: Tokens, code: str, make: Forged) -> None:
    """Each refusal names one reason in the problem and in WWW-Authenticate, and repeats nothing of the token."""
    assert tokens.refusal(make(tokens.issuer)) == code


def test_no_token_gets_no_error_code(tokens: Tokens) -> None:
    """RFC 6750, section 3.1: who sent nothing is told how, not what was wrong."""
    response = tokens.me(None)
    assert problem(response, 401, "not-signed-in")["code"] == "missing"
    assert response.headers["www-authenticate"] == 'Bearer realm="caseledger"'


@pytest.mark.parametrize("header", ["Basic dTpw", "Bearer", "Bearer a b", "Bearer a, Bearer b", "bearer é"])
def test_other_authorization_is_malformed(tokens: Tokens, header: str) -> None:
    """Only one bearer token is read."""
    response = tokens.http.get("/me", headers=[(b"Authorization", header.encode("latin-1"))])
    assert problem(response, 401, "not-signed-in")["code"] == "malformed"


def test_two_headers_are_malformed(tokens: Tokens) -> None:
    """A good token beside another one is not chosen."""
    good = f"Bearer {tokens.issuer.token()}"
    response = tokens.http.get("/me", headers=[("Authorization", good), ("Authorization", good)])
    assert problem(response, 401, "not-signed-in")["code"] == "malformed"


def test_a_cookie_does_not_open_the_api(tokens: Tokens) -> None:
    """A token in the session's cookie, and a cookie of any kind, are nothing to the API."""
    assert tokens.refusal(None, Cookie=f"caseledger={tokens.issuer.token()}") == "missing"


def test_a_token_does_not_open_a_page(tokens: Tokens) -> None:
    """Pages ask for a session, whatever token comes along."""
    response = tokens.http.get("/side?a=1", headers={"Authorization": f"Bearer {tokens.issuer.token()}"})
    assert response.status_code == 303
    assert response.headers["location"] == "/log-ind?videre=/side%3Fa%3D1"


def test_roles_and_claims_are_mapped(module_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of claims and roles are the municipality's; several roles come in our order, unknown ones are dropped."""
    monkeypatch.setenv("CASELEDGER_OIDC_ROLE_MAP", ROLE_MAP)
    with issuing(rsa()) as issuer:
        chosen = settings(
            issuer.url,
            oidc_staff_claim="medarbejder",
            oidc_roles_claim="realm_access.roles",
            oidc_organisation_claim="https://eksempel.dk/enhed",
        )
        claims: dict[str, Any] = {
            "medarbejder": "u-95",
            "realm_access": {"roles": ["Revisor", "Kantine", "Sagsbehandler", "supervisor"]},
            "https://eksempel.dk/enhed": "Familieafdelingen",
        }
        token = issuer.token(None, None, **claims)
        with trusting(module_ledger, issuer, chosen=chosen) as tokens:
            found = tokens.me(token).json()
    assert (found["staff"], found["organisation"]) == ("u-95", "Familieafdelingen")
    assert found["roles"] == ["caseworker", "auditor"]


def test_a_new_key_works_at_once(module_ledger: Ledger) -> None:
    """A token signed with a key that came later is taken without restart, and the old key goes on."""
    with issuing(rsa("old")) as issuer, trusting(module_ledger, issuer) as tokens:
        old, new = issuer.token(), rsa("new")
        assert tokens.me(old).status_code == 200
        issuer.keys.append(new)
        assert tokens.me(issuer.token(new)).status_code == 200
        assert tokens.me(old).status_code == 200


def test_a_withdrawn_key_stops_working(module_ledger: Ledger) -> None:
    """Within the maximum age a key that is no longer published is refused, though its tokens have not expired."""
    with issuing(rsa("old")) as issuer, trusting(module_ledger, issuer, maximum_age=0.3, pause=0) as tokens:
        old = issuer.token()
        assert tokens.me(old).status_code == 200
        issuer.keys[:] = [rsa("new")]
        sleep(0.35)
        assert tokens.refusal(old) == "unknown-key"
        assert tokens.me(issuer.token()).status_code == 200


def test_foreign_keys_do_not_hammer_the_provider(module_ledger: Ledger) -> None:
    """However many tokens name unknown keys, the provider is asked twice; of a foreign issuer's not even that."""
    with issuing(rsa()) as issuer, trusting(module_ledger, issuer) as tokens:
        for _ in range(20):
            assert tokens.refusal(issuer.token(iss="https://andre.eksempel.dk")) == "foreign-issuer"
        assert issuer.asked == 0
        stranger = rsa("stranger")
        for _ in range(20):
            assert tokens.refusal(issuer.token(stranger)) == "unknown-key"
        assert issuer.asked == 4, "discovery and keys, at the first token and at the first unknown key"


def test_while_the_provider_is_down_known_keys_work(module_ledger: Ledger) -> None:
    """Known keys go on past their age; an unknown one is answered 503, because nobody can tell, not 401."""
    with issuing(rsa()) as issuer, trusting(module_ledger, issuer, maximum_age=0.1, pause=0) as tokens:
        assert tokens.me(issuer.token()).status_code == 200
        issuer.failing = True
        sleep(0.15)
        assert tokens.me(issuer.token()).status_code == 200
        unavailable = tokens.me(issuer.token(rsa("new")))
        problem(unavailable, 503, "sign-in-unavailable")
        assert unavailable.headers["retry-after"]
        assert tokens.refusal(altered(issuer)) == "bad-signature"


def test_a_provider_that_never_answered_is_503(module_ledger: Ledger) -> None:
    """Before the first answer nobody can be told apart; once it answers, tokens are taken."""
    with issuing(rsa()) as issuer, trusting(module_ledger, issuer, pause=0) as tokens:
        issuer.failing = True
        problem(tokens.me(issuer.token()), 503, "sign-in-unavailable")
        issuer.failing = False
        assert tokens.me(issuer.token()).status_code == 200
    with trusting(module_ledger, Issuer("http://127.0.0.1:1", [rsa()])) as tokens:
        problem(tokens.me(tokens.issuer.token()), 503, "sign-in-unavailable")


def test_known_keys_do_not_outlive_a_long_outage() -> None:
    """While there is no answer known keys work for an hour, then nobody can tell; asked again, it is taken."""
    now = [0.0]

    async def days() -> None:
        provider = Provider(issuer.url, clock=lambda: now[0])
        await provider.key("rsa")
        issuer.failing = True
        now[0] = OUTAGE_SECONDS - 1
        assert (await provider.key("rsa")).kid == "rsa"
        now[0] = OUTAGE_SECONDS + 1
        with pytest.raises(ProviderUnavailable):
            await provider.key("rsa")
        issuer.failing = False
        with pytest.raises(ProviderUnavailable):
            await provider.key("rsa")
        now[0] += PAUSE_SECONDS
        assert (await provider.key("rsa")).kid == "rsa"

    with issuing(rsa()) as issuer:
        asyncio.run(days())


def test_many_at_once_ask_once() -> None:
    """Requests that come together wait for one answer."""

    async def crowd() -> None:
        provider = Provider(issuer.url)
        found = await asyncio.gather(*(provider.key("rsa") for _ in range(50)))
        assert len(set(map(id, found))) == 1

    with issuing(rsa()) as issuer:
        asyncio.run(crowd())
        assert issuer.asked == 2, "the discovery document and the keys"


@pytest.mark.parametrize(
    "about",
    [
        {"issuer": "https://andre.eksempel.dk"},
        {"jwks_uri": "http://andre.eksempel.dk/keys"},
        {"jwks_uri": "file:///keys.json"},
        {"token_endpoint": None},
    ],
)
def test_a_provider_that_says_odd_things_is_not_believed(module_ledger: Ledger, about: dict[str, Any]) -> None:
    """Another issuer's document, or keys over plain http, count as no answer."""
    with issuing(rsa()) as issuer, trusting(module_ledger, issuer) as tokens:
        issuer.about = about
        problem(tokens.me(issuer.token()), 503, "sign-in-unavailable")


def test_keys_that_cannot_have_signed_are_passed_over(module_ledger: Ledger) -> None:
    """Shared secrets, private keys, encryption keys, short and unknown ones are ignored, and the good one works."""
    secret = shared_secret(b"0" * 32, "secret")
    encryption, leaked = rsa("encryption"), rsa("leaked")
    with catch_warnings(action="ignore", category=SecurityWarning):
        short = RSAKey.generate_key(1024, {"kid": "short"})
    with issuing(rsa()) as issuer, trusting(module_ledger, issuer, pause=0) as tokens:
        issuer.extra_keys = [
            secret.as_dict(private=True),
            leaked.as_dict(private=True),
            encryption.as_dict(private=False) | {"use": "enc"},
            short.as_dict(private=False),
            {"kty": "PQ", "kid": "later"},
            "no key",
            {"kty": "RSA", "kid": "broken"},
        ]
        assert tokens.me(issuer.token()).status_code == 200
        assert tokens.refusal(issuer.token(secret)) == "bad-algorithm"
        for key in (encryption, leaked, short):
            assert tokens.refusal(issuer.token(key)) == "unknown-key"


def test_a_key_takes_only_the_algorithm_it_names(module_ledger: Ledger) -> None:
    """A key published for PS256 verifies no RS256."""
    keys: list[Key] = [RSAKey.generate_key(2048, {"kid": "ps", "alg": "PS256"}), *one_of_each()]
    with issuing(*keys) as issuer, trusting(module_ledger, issuer) as tokens:
        assert tokens.me(issuer.token(header={"alg": "PS256"})).status_code == 200
        forged = RSAKey.import_key(keys[0].as_dict(private=True) | {"alg": "RS256"})
        assert tokens.refusal(issuer.token(forged)) == "bad-algorithm"
