"""Whatever the OpenAPI document allows, and what it does not, sent by schemathesis: never an error of the server's."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.api.client import Api, note, talking_to
from tests.api.conftest import Served
from tests.api.service import ROOT, complaints
from tests.api.signing_in import bearer
from tests.check import check_ledger

pytestmark = pytest.mark.slow

SECONDS = 10
EXAMPLES = 2
ROLES = {"nobody": None, "caseworker": "u-90", "supervisor": "u-12"}


def ask_anything(served: Served, folder: Path, case: str, staff: str | None, seed: int) -> str:
    """Send requests of every kind about a case, for a while, as somebody or nobody; return what schemathesis says."""
    url = served.service.url
    settings = folder / "schemathesis.toml"
    settings.write_text(f'[parameters]\n"path.case_id" = "{case}"\n"path.version" = 2\n"path.ref" = "child-A"\n')
    signed_in = [f"--header={name}: {value}" for name, value in (bearer(url, staff) if staff else {}).items()]
    command = [str(ROOT / ".venv/bin/schemathesis"), f"--config-file={settings}", "run", f"{url}/openapi.json"]
    bounds = [f"--max-time={SECONDS}", f"--max-examples={EXAMPLES}", "--phases=coverage,fuzzing", f"--seed={seed}"]
    manner = ["--checks=not_a_server_error", "--suppress-health-check=all", "--warnings=off", "--no-shrink"]
    done = subprocess.run(
        [*command, *bounds, *manner, *signed_in],
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.api.any_body"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS * 4,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    return done.stdout


@pytest.mark.parametrize("staff", ROLES.values(), ids=ROLES)
def test_no_request_makes_the_server_fail(
    served: Served, api: Api, tmp_path: Path, staff: str | None, request: pytest.FixtureRequest
) -> None:
    """Signed in or not, in every role that has routes of its own; the ledger is whole afterwards."""
    case = api.open_case(note())
    said = ask_anything(served, tmp_path, case, staff, seed=len(request.node.name))
    assert " passed" in said
    assert [line for line in complaints(served.service.log) if line["level"] == "error"] == []
    with talking_to(served.service.url, served.place.conninfo) as other:
        assert other.get(f"/cases/{case}").status_code == 200
    check_ledger(served.place)
