"""The steps of the Dockerfile, executed without a daemon on a fresh Debian; run by `make production`."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from devtools.release import build, git
from devtools.source import ROOT
from tests.support import fresh_root
from tests.support.fresh_root import FreshRoot
from tests.support.polling import wait_for

pytestmark = [pytest.mark.production, pytest.mark.timeout(1200)]
INSTRUCTION = re.compile(r"^(FROM|RUN|COPY|ENV|USER|WORKDIR|HEALTHCHECK|ENTRYPOINT|CMD)\s+(.*)$", re.DOTALL)


def instructions() -> Iterator[tuple[str, str]]:
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for line in re.split(r"(?<!\\)\n", lines):
        if match := INSTRUCTION.match(line.strip()):
            yield match[1], match[2].replace("\\\n", " ")


def copy(root: FreshRoot, checkout: Path, words: list[str]) -> None:
    """Carry out a COPY from a checkout; one from the stage before has nothing to do: both stages share the root."""
    if words[0].startswith("--from"):
        assert words[1] == words[2]
        return
    target = root.folder / words[-1][1:]
    target.mkdir(parents=True, exist_ok=True)
    for pattern in words[:-1]:
        for path in checkout.glob(pattern):
            (target / path.name).write_bytes(path.read_bytes())


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FreshRoot, dict[str, str]]]:
    """A root in which all steps ran, with the last value of each other instruction."""
    if reason := fresh_root.reason_against():
        pytest.skip(reason)
    checkout = tmp_path_factory.mktemp("image") / "checkout"
    files = build(checkout, git("archive", "--format=tar", "HEAD"), "0123456789ab", "1700000000")
    (checkout / "dist").mkdir()
    for name, content in files.items():
        (checkout / "dist" / name).write_bytes(content)
    with fresh_root.fresh_root() as root:
        values: dict[str, str] = {}
        for name, words in instructions():
            if name == "RUN":
                root.must(words, online=True)
            elif name == "COPY":
                copy(root, checkout, words.split())
            else:
                values[name] = words
        yield root, values


def environ_of(values: Mapping[str, str]) -> dict[str, str]:
    pairs = [pair.split("=", 1) for pair in values["ENV"].split()]
    return {name: text.replace("$PATH", os.defpath) for name, text in pairs}


def test_image_runs_the_command_as_an_ordinary_user(image: tuple[FreshRoot, dict[str, str]]) -> None:
    root, values = image
    environ = environ_of(values)
    command = [*json.loads(values["ENTRYPOINT"]), "--version", "--json"]
    shown = root.run(command, user=values["USER"], environ=environ)
    assert json.loads(shown.stdout)["commit"], shown.stdout
    assert root.run(["id", "-u"], user=values["USER"]).stdout.strip() != "0"
    assert root.run(["touch", "/opt/kontor/x"], user=values["USER"]).returncode != 0
    assert root.run(["pip", "--version"], environ=environ).returncode != 0


def test_health_check_fails_until_web_answers(image: tuple[FreshRoot, dict[str, str]]) -> None:
    root, values = image
    environ = {**environ_of(values), "PORT": "8123"}
    check = json.loads(values["HEALTHCHECK"].partition("CMD ")[2])
    assert root.run(check, user=values["USER"], environ=environ).returncode != 0
    answer = "import http.server as h; h.HTTPServer(('', 8123), type('H', (h.BaseHTTPRequestHandler,), {'do_GET': "
    answer += "lambda self: (self.send_response(200), self.end_headers())})).serve_forever()"
    root.run(["sh", "-c", f'python3 -c "{answer}" >/dev/null 2>&1 &'])
    wait_for(lambda: root.run(check, user=values["USER"], environ=environ).returncode == 0)


def test_both_stages_have_the_same_base() -> None:
    assert len({words.split()[0] for name, words in instructions() if name == "FROM"}) == 1
