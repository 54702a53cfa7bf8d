"""A network of its own for the database, which can swallow everything without a word, in either direction or both."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

NOT_HERE = "a network of its own can only be made by root, with ip and setpriv"
OURS, THEIRS = "198.18.77.1", "198.18.77.2"
"""Addresses that are set aside for tests (RFC 2544): here the program, there the database."""

Cut = Literal["requests", "answers", "both"]


def possible() -> bool:
    """Whether such a network can be made here."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "setpriv"))):
        return False
    name = f"clf{uuid4().hex[:6]}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode != 0:
        return False
    _ip("netns", "del", name)
    return True


@dataclass(frozen=True, slots=True)
class Network:
    """A line from here to a network that holds the database alone."""

    name: str

    @property
    def inside(self) -> list[str]:
        """The command before a command that runs there, as an ordinary user."""
        user = pwd.getpwnam("nobody")
        account = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        return ["ip", "netns", "exec", self.name, "setpriv", *account, "--"]

    def cut(self, what: Cut) -> None:
        """Let what is sent from here, or from there, vanish on the way; nobody is told."""
        if what == "requests":
            _ip("route", "add", "blackhole", THEIRS)
        elif what == "answers":
            _ip("-n", self.name, "route", "add", "blackhole", OURS)
        else:
            _ip("-n", self.name, "link", "set", "line", "down")

    def mend(self, what: Cut) -> None:
        """Let everything through again."""
        if what == "requests":
            _ip("route", "del", "blackhole", THEIRS)
        elif what == "answers":
            _ip("-n", self.name, "route", "del", "blackhole", OURS)
        else:
            _ip("-n", self.name, "link", "set", "line", "up")


@contextmanager
def network() -> Generator[Network]:
    """Yield a network, and remove it in the end."""
    made = Network(f"clf{uuid4().hex[:6]}")
    here = made.name
    _ip("netns", "add", made.name)
    try:
        _ip("link", "add", here, "type", "veth", "peer", "name", "line", "netns", made.name)
        _ip("addr", "add", f"{OURS}/30", "dev", here)
        _ip("link", "set", here, "up")
        _ip("-n", made.name, "addr", "add", f"{THEIRS}/30", "dev", "line")
        _ip("-n", made.name, "link", "set", "line", "up")
        yield made
    finally:
        subprocess.run(["ip", "route", "del", "blackhole", THEIRS], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", here], capture_output=True, check=False)
        _ip("netns", "del", made.name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)
