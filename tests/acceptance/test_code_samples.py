"""The code samples of the OpenAPI document run as they are, against a running API."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest

from devtools.reference import openapi_document
from kontor.http.code_samples import SAMPLES
from kontor.http.openapi import operations
from tests.support.api import Api, ResellerAccounts

SOURCES = {
    (operation["operationId"], sample["lang"]): sample["source"]
    for _, _, operation in operations(openapi_document())
    for sample in operation.get("x-codeSamples", ())
}
COMMANDS = {
    "Shell": ["bash", "-euc"],
    "Python": [sys.executable, "-c"],
    "TypeScript": ["node", "--input-type=module", "-e"],
}


@pytest.fixture
def environment(api: Api, make_accounts: Callable[[str], ResellerAccounts]) -> dict[str, str]:
    """What the samples read from the environment."""
    elbe = make_accounts("elbe")
    job = api.ok("POST /v1/jobs", {"task": "probe.echo", "args": {}})["id"]
    ids = {"ACCOUNT": elbe.client, "CLIENT": elbe.client, "RESELLER": elbe.reseller, "JOB": job}
    named = {name: str(value) for name, value in ids.items()}
    url = str(api.http.base_url).rstrip("/")
    rest = {"PROGRAMME": "learning", "PRODUCT": "excel-basics", "KONTOR_URL": url, "KONTOR_KEY": api.key()}
    return {**os.environ, **named, **rest}


def test_ten_calls_have_samples_in_three_languages() -> None:
    assert len(SAMPLES) == 10
    assert SOURCES.keys() == {(name, lang) for name in SAMPLES for lang in COMMANDS}


@pytest.mark.parametrize("lang", COMMANDS)
def test_sample_succeeds_when_it_is_run_as_it_is(lang: str, environment: dict[str, str]) -> None:
    if shutil.which(COMMANDS[lang][0]) is None or (lang == "Shell" and shutil.which("curl") is None):
        pytest.skip("not installed")
    for name in SAMPLES:
        ran = subprocess.run(
            [*COMMANDS[lang], SOURCES[name, lang]],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ran.returncode == 0, (name, ran.stdout, ran.stderr)
