"""Each tutorial, carried out from top to bottom on one running Kontor."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from devtools.source import ROOT
from tests.acceptance.test_up import KONTOR, Up, clean_environment, free_port

TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NODE_SECTION = "## 3. In TypeScript"
SECONDS = 240


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """`kontor up` as the tutorials start it, in a folder of its own."""
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("tutorials")
        data = folder / ".kontor"
        (folder / ".env").write_text(
            "KONTOR_ALLOW_PRIVATE_INSTANCES=1\nKONTOR_TEST_CLOCK=1\nKONTOR_HANDLER_NETWORKS=127.0.0.0/8\n"
        )
        up = Up(data)
        stack.callback(up.end, signal.SIGTERM)
        yield up


def can_strip_types() -> bool:
    node = shutil.which("node")
    if node is None:
        return False
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in shown.strip("v\n").split(".")[:2]) >= (22, 6)


def script_of(tutorial: Path, up: Up) -> str:
    """All shell blocks of a page, with this run's address and ports that are free."""
    text = tutorial.read_text()
    if not can_strip_types():
        text = text.partition(NODE_SECTION)[0]
    script = "\n".join(BLOCK.findall(text)).replace("http://127.0.0.1:8000", up.url)
    for port in sorted(set(re.findall(r"\b80[0-9]{2}\b", script)) - {str(up.port)}):
        script = script.replace(port, str(free_port()))
    return script


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_succeeds_when_it_is_pasted_whole(tutorial: Path, running: Up) -> None:
    environ = {
        **clean_environment(running.data_dir),
        "PATH": f"{KONTOR.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    environ["PYTHONPATH"] = str(ROOT)
    del environ["KONTOR_DATA_DIR"]  # a reader stands in the folder
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script_of(tutorial, running)],
        cwd=running.data_dir.parent, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]


def test_every_page_that_a_newcomer_needs_is_there() -> None:
    assert {path.stem for path in TUTORIALS} == {
        "first-offer", "own-programme", "money", "provision-a-vps", "customer-instance",
    }  # fmt: skip
