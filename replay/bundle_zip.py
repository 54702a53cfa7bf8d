"""Evidence bundles as files: a zip whose bytes follow from its content alone, so that its reader can be strict.

Members in order of their names, one after the other from the first byte on, then the directory, then its end with a
comment that tells how many members there are and the hash of the manifest: what was cut off is missed.
"""

from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import orjson

FORMAT = "caseledger-bundle/1"
MANIFEST = "manifest.json"
MEDIA_TYPE = "application/zip"
FIXED_TIME = (1980, 1, 1, 0, 0, 0)
LEVEL = 9
_UNIX = 3
_FILE_MODE = 0o100644 << 16


def pretty(value: Any) -> bytes:
    """Return JSON that a person can read, with sorted keys."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2) + b"\n"


def write_bundle(files: Mapping[str, bytes], said: Mapping[str, Any]) -> bytes:
    """Return the bundle of some files; ``said`` is what its manifest tells beside their sizes and hashes."""
    listed = {name: {"size": len(content), "sha256": sha256(content).hexdigest()} for name, content in files.items()}
    manifest = pretty({**said, "format": FORMAT, "files": listed})
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for name, content in sorted({**files, MANIFEST: manifest}.items()):
            info = ZipInfo(name, FIXED_TIME)
            info.compress_type, info.create_system, info.external_attr = ZIP_DEFLATED, _UNIX, _FILE_MODE
            archive.writestr(info, content)
        archive.comment = f"{FORMAT} {len(files) + 1} {sha256(manifest).hexdigest()}".encode()
    return out.getvalue()
