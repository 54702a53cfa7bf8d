"""A small disk that can be full without harm to anything else."""

import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

NOT_HERE = "a small disk can only be made by root, with mount"


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Generator[bool]:
    """Put a small disk in a folder's place for a while; yields false where that may not be done here."""
    options = ["-t", "tmpfs", "-o", f"size={kilobytes}k,mode=0711", "caseledger-faults"]
    made = os.geteuid() == 0 and shutil.which("mount") is not None
    made = made and subprocess.run(["mount", *options, folder], capture_output=True, check=False).returncode == 0
    try:
        yield made
    finally:
        if made:
            subprocess.run(["umount", "--lazy", folder], check=True)
