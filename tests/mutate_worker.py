"""Runs pytest again and again for `make mutate`, each time in a fork that has the libraries loaded already.

A process of its own: `python mutate_worker.py`, in the copy of the tree. Reads one request per line of its input
(JSON: `arguments`, `report`, `output`, `seconds`) and answers each with pytest's exit status or null, when it was
stopped for its time. The first run tells which libraries to load; modules of the tree are never among them.
"""

import importlib
import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

POLL_SECONDS = 0.02
REWRITTEN = ("pytest_timeout", "pytest_socket")  # pytest must see their first import


class Reporter:
    """Writes one JSON line per phase of a test."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write down how a phase ended."""
        line = {"test": report.nodeid, "phase": report.when, "outcome": report.outcome, "seconds": report.duration}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def libraries() -> list[str]:
    """The modules that are loaded and are not of the tree."""
    tree = f"{Path.cwd()}{os.sep}"
    names = []
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if path and not str(path).startswith(tree) and not name.startswith(("__", *REWRITTEN)):
            names.append(name)
    return names


def child(request: dict[str, Any], listing: Path) -> None:
    """Run pytest here and end the process."""
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    status = 70
    try:
        status = int(pytest.main(request["arguments"], plugins=[Reporter(Path(request["report"]))]))
        if not listing.exists():
            listing.write_text(json.dumps(libraries()))
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def wait(pid: int, seconds: float) -> int | None:
    """A child's exit status; None when it had to be killed."""
    deadline = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return None
        time.sleep(POLL_SECONDS)


def main() -> None:
    """Answer requests until the input ends."""
    sys.path.insert(0, str(Path.cwd()))
    listing = Path.cwd().with_suffix(".libraries")
    loaded = False
    for line in sys.stdin:
        request = json.loads(line)
        if not loaded and listing.exists():
            loaded = True
            for name in json.loads(listing.read_text()):
                with suppress(Exception):
                    importlib.import_module(name)
        pid = os.fork()
        if not pid:
            child(request, listing)
        with suppress(BrokenPipeError):  # the reader has gone
            sys.stdout.write(json.dumps(wait(pid, request["seconds"])) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
    os._exit(0)  # threads of a library must not keep it
