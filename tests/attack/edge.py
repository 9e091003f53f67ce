"""Attacks on the edge of a running web process, while another caller goes on: latency and memory stay within bounds.

`python -m tests.attack.edge URL KEY [--pid PID] [--seconds 10]` prints a table and exits 1 if an attack got through.
`--only NAME` attacks without measuring, as the child process does.
"""

import argparse
import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit

P99_MS: Final = 250.0
TIMES: Final = 5.0
"""Others' p99 is under P99_MS, or TIMES that of the same minute without the attack."""
MEMORY_MB: Final = 300.0
EVERY_SECONDS: Final = 0.02
AGAIN_SECONDS: Final = 0.25
MIB: Final = 1024 * 1024
HIDDEN: Final = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Target:
    """A web process: where it listens, the Host header of its address, a key for the honest caller."""

    host: str
    port: int
    name: str
    key: str = ""

    @classmethod
    def of(cls, url: str, key: str = "") -> "Target":
        """Read it from a URL."""
        parts = urlsplit(url)
        return cls(parts.hostname or "", parts.port or 80, parts.netloc, key)

    async def request(self, head: str, body: bytes = b"") -> bytes:
        """Send one request over a connection of its own; return the whole answer."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            lines = f"{head}\r\nHost: {self.name}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(lines.encode() + body)
            return await reader.read()
        finally:
            writer.close()


async def endless_header(target: Target) -> None:
    """Stream one header for as long as the server reads it."""
    _, writer = await asyncio.open_connection(target.host, target.port)
    writer.write(f"GET / HTTP/1.1\r\nHost: {target.name}\r\nX: ".encode())
    while True:
        writer.write(b"a" * 65_536)
        await writer.drain()


async def half_open(target: Target) -> None:
    """Hold a connection that never sends a whole header."""
    reader, writer = await asyncio.open_connection(target.host, target.port)
    writer.write(b"GET / HTTP/1.1\r\n")
    await reader.read()


async def stalled_body(target: Target) -> None:
    """Send all but ten bytes of 16 MiB without a key, then wait."""
    reader, writer = await asyncio.open_connection(target.host, target.port)
    writer.write(f"POST /v1/jobs HTTP/1.1\r\nHost: {target.name}\r\nContent-Length: {16 * MIB}\r\n\r\n".encode())
    for _ in range(16):
        writer.write(b" " * (MIB - 1))
        await writer.drain()
    await reader.read()


async def login(target: Target) -> None:
    """Sign in as somebody with a wrong password."""
    page = (await target.request("GET /console/login HTTP/1.1")).decode("utf-8", "replace")
    cookies = "; ".join(re.findall(r"(?im)^set-cookie: ([^;]+)", page))
    form = {**dict(HIDDEN.findall(page)), "email": f"{time.monotonic()}@kontor.example", "password": "wrong password"}
    head = "POST /console/login HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded"
    await target.request(f"{head}\r\nCookie: {cookies}", urlencode(form).encode())


Attack = Callable[[Target], Awaitable[None]]
ATTACKS: Final[Mapping[str, tuple[Attack, int]]] = {
    "endless headers": (endless_header, 4),
    "half-open sockets": (half_open, 1_024),
    "stalled bodies": (stalled_body, 40),
    "logins": (login, 32),
}


async def attack(target: Target, name: str) -> None:
    """Attack until cancelled: each connection that the server ends is opened again."""
    act, count = ATTACKS[name]

    async def again() -> None:
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                await act(target)
            await asyncio.sleep(AGAIN_SECONDS)

    await asyncio.gather(*(again() for _ in range(count)))


async def latencies(target: Target, seconds: float) -> list[float]:
    """Return the milliseconds of an honest caller's requests, fifty a second; a failed one counts as all the time."""
    until, taken = time.monotonic() + seconds, list[float]()
    head = f"GET /v1/tasks HTTP/1.1\r\nAuthorization: Bearer {target.key}"
    while (began := time.monotonic()) < until:
        try:
            answered = await asyncio.wait_for(target.request(head), seconds)
            failed = not answered.startswith(b"HTTP/1.1 200")
        except (OSError, TimeoutError):
            failed = True
        taken.append(seconds * 1_000 if failed else (time.monotonic() - began) * 1_000)
        await asyncio.sleep(max(0.0, EVERY_SECONDS - (time.monotonic() - began)))
    return taken


def p99(values: list[float]) -> float:
    """Return the 99th percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def memory_mb(pid: int | None) -> float:
    """Return the resident memory of a process; 0 when it is not known."""
    if pid is None:
        return 0.0
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1_024


@dataclass(frozen=True, slots=True)
class Result:
    """What an attack did to another caller; times in ms, memory in MiB."""

    name: str
    before: float
    during: float
    memory: float

    @property
    def held(self) -> bool:
        """Whether the bounds were kept."""
        return self.during < max(P99_MS, TIMES * self.before) and self.memory < MEMORY_MB

    def __str__(self) -> str:
        """One line of the table."""
        verdict = "held" if self.held else "GOT THROUGH"
        return f"{self.name:<20} {self.before:>9.1f} {self.during:>9.1f} {self.memory:>9.0f}  {verdict}"


def run(url: str, key: str, pid: int | None, seconds: float) -> list[Result]:
    """Run every attack from a process of its own while another caller is measured."""
    target, results = Target.of(url, key), list[Result]()
    for name in ATTACKS:
        before = p99(asyncio.run(latencies(target, seconds)))
        child = subprocess.Popen([sys.executable, "-m", "tests.attack.edge", url, key, "--only", name])
        try:
            during = p99(asyncio.run(latencies(target, seconds)))
            results.append(Result(name, before, during, memory_mb(pid)))
        finally:
            child.kill()
            child.wait()
    return results


def main() -> None:
    """Attack, print, exit."""
    parser = argparse.ArgumentParser(prog="python -m tests.attack.edge")
    parser.add_argument("url")
    parser.add_argument("key")
    parser.add_argument("--pid", type=int)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--only", choices=ATTACKS)
    options = parser.parse_args()
    if options.only:
        asyncio.run(attack(Target.of(options.url), options.only))
        return
    results = run(options.url, options.key, options.pid, options.seconds)
    through = sum(not result.held for result in results)
    lines = [f"{'attack':<20} {'p99 alone':>9} {'p99':>9} {'MiB':>9}", *map(str, results)]
    sys.stdout.write("\n".join([*lines, f"{len(results)} attacks, got through: {through}", ""]))
    sys.exit(1 if through else 0)


if __name__ == "__main__":
    main()
