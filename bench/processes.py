"""Starts, logs and stops the processes of a contender."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

PATIENCE = 10.0


class Failed(Exception):
    """A contender failed; the message names its log."""


@dataclass(frozen=True, slots=True)
class Command:
    """The command of one process; `role` names it in messages."""

    role: str
    argv: Sequence[str]
    environ: Mapping[str, str]

    def under(self, prefix: Sequence[str]) -> "Command":
        """Return the command run by another program, such as a profiler."""
        return replace(self, argv=[*prefix, *self.argv])


def call(command: Command, log: Path) -> None:
    """Run a command to its end. Raises Failed."""
    with log.open("ab") as output:
        status = subprocess.run(
            command.argv, env=command.environ, stdout=output, stderr=output, stdin=subprocess.DEVNULL, check=False
        )
    if status.returncode != 0:
        raise Failed(f"{command.role} ended with {status.returncode}; see {log}")


@contextmanager
def running(commands: Sequence[Command], log: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run processes during the block, then stop them and their children."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        with log.open("ab") as output:
            for command in commands:
                started.append(  # noqa: PERF401 -- those started so far must be ended when one fails
                    subprocess.Popen(
                        command.argv,
                        env=command.environ,
                        stdout=output,
                        stderr=output,
                        stdin=subprocess.DEVNULL,
                        start_new_session=True,
                    )
                )
        yield started
    finally:
        end(started)


def end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Send SIGTERM, wait, then kill the sessions."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        process.wait()


def check_alive(processes: Sequence[subprocess.Popen[bytes]], log: Path) -> None:
    """Raise Failed if a process has ended."""
    for process in processes:
        if process.poll() is not None:
            raise Failed(f"{process.args!r} ended with {process.returncode}; see {log}")
