"""The API conforms to its OpenAPI document: no 5xx and no undocumented response for generated requests."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.api import Api, ResellerAccounts

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "missing_required_header",
)
SECONDS = 60


@pytest.mark.slow
@pytest.mark.timeout(SECONDS * 5)
def test_generated_requests_get_no_server_error_and_no_undocumented_response(
    api: Api, make_accounts: Callable[[str], ResellerAccounts], tmp_path: Path
) -> None:
    make_accounts("elbe")
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{api.http.base_url}/openapi.json",
        f"--header=Authorization: Bearer {api.key()}",
        f"--checks={','.join(CHECKS)}",
        "--phases=coverage,fuzzing",
        "--max-examples=10",
        f"--max-time={SECONDS}",
        "--request-timeout=60",  # the longest wait that a call may ask for takes 30 s
        "--seed=1",
        "--no-shrink",
        "--continue-on-failure",
        "--warnings=off",
        "--no-color",
        "--exclude-path=/v1/clock",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert "Test cases:" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout[-8000:]
