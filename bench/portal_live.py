"""A thousand visitors at once on `/updates`: `python -m bench.portal_live`.

Each is signed in with a session of its own, loads the page, and asks for the number of open offers
as the page's script does, every 20 s. Measured: what they wait, and the memory of the one web process.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final

from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from bench.memory import commands_for, wait_for
from bench.outside import Figure
from bench.portal_fill import fill
from bench.proc import family, proportional_megabytes
from bench.processes import Failed, running
from kontor.adapters.clock import SystemClock
from kontor.adapters.embedded.endpoints import Endpoints
from kontor.adapters.embedded.servers import embedded_servers
from kontor.adapters.redis_doorbell import SilentRelayHint
from kontor.adapters.secrets import Argon2Passwords
from kontor.context import Context, Secrets
from kontor.engine.enqueue import Jobs
from kontor.http.browsers import Browser
from kontor.members import sessions
from kontor.members.sessions import Opened
from kontor.programme.service import Programmes
from models.accounts import Account
from tasks.catalogue import catalogue
from workers.migrations import migrate

EVERY: Final = 20.0
LIMIT_MB: Final = 300
PATIENCE_MS: Final = 1_000
SPARE: Final = 100
"""Some of the clients are suspended or deleted."""

Answers = list[float]


def signed_in(url: str, count: int) -> list[str]:
    """Return the secrets of that many sessions, each of another client's owner."""
    clock = SystemClock()
    ctx = Context(
        Jobs(catalogue(), clock, SilentRelayHint()), Programmes(clock), Secrets(passwords=Argon2Passwords.cheap())
    )
    engine = create_engine(url)
    with Session(engine, expire_on_commit=False) as session:
        fill(ctx, session, url, count + SPARE, "a password for the bench")
        owners = select(Account).where(Account.kind == "client", ~Account.suspended, Account.deleted_at.is_(None))
        secrets = []
        for owner in session.scalars(owners.order_by(Account.id).limit(count)).all():
            opened = sessions.open_session(session, Opened((owner,)), Browser("127.0.0.1", "bench"), clock.now())
            opened.session.account_id = owner.id
            secrets.append(opened.secret)
        session.commit()
    engine.dispose()
    return secrets


async def ask(port: int, path: str, secret: str) -> float:
    """Get a path on a new connection; return the milliseconds. Raises Failed unless it is a success."""
    began = monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: session={secret}\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200"):
        raise Failed(head.decode())
    size = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
    await reader.readexactly(size)
    writer.close()
    return (monotonic() - began) * 1_000


async def visit(port: int, secret: str, delay: float, until: float, pages: Answers, counts: Answers) -> None:
    """Load the page, then ask for the number until the end."""
    await asyncio.sleep(delay)
    pages.append(await ask(port, "/updates", secret))
    while monotonic() + EVERY < until:
        await asyncio.sleep(EVERY)
        counts.append(await ask(port, "/updates.json", secret))
    await asyncio.sleep(max(0.0, until - monotonic()))


async def crowd(port: int, secrets: Sequence[str], seconds: float, pid: int) -> tuple[Answers, Answers, float]:
    """Let all visit at once, the first loads spread over a turn; return times of pages and numbers, and the most MB."""
    pages, counts, until = Answers(), Answers(), monotonic() + seconds
    turns = [
        visit(port, secret, EVERY * number / len(secrets), until, pages, counts)
        for number, secret in enumerate(secrets)
    ]
    visits, most = asyncio.gather(*turns), 0.0
    while not visits.done():
        most = max(most, sum(proportional_megabytes(each) for each in family(pid)))
        await asyncio.wait([visits], timeout=2)
    await visits
    return pages, counts, most


def answers(environ: Mapping[str, str]) -> bool:
    """Whether the web process serves."""
    try:
        asyncio.run(_healthy(int(environ["PORT"])))
    except (OSError, Failed, asyncio.IncompleteReadError):
        return False
    return True


async def _healthy(port: int) -> None:
    await ask(port, "/healthz", "")


def measure(endpoints: Endpoints, folder: Path, visitors: int, seconds: float) -> list[Figure]:
    """Start the web process, let everybody visit, and take the figures. Raises Failed."""
    web, *_ = commands_for(endpoints, 8, forked=False, folder=folder)
    secrets = signed_in(endpoints.database_url, visitors)
    with running([web], folder / "portal.log") as processes:
        wait_for(lambda: answers(web.environ), "the start")
        pages, counts, most = asyncio.run(crowd(int(web.environ["PORT"]), secrets, seconds, processes[0].pid))
    return [
        Figure(f"MB of the web process, {visitors} visitors on /updates", most, LIMIT_MB),
        Figure("ms of the page, p99", quantiles(pages, n=100)[98], PATIENCE_MS),
        Figure(
            f"ms of the number of open offers ({len(counts)} asked), p99", quantiles(counts, n=100)[98], PATIENCE_MS
        ),
    ]


def main() -> int:
    """Measure on embedded servers; 1 when a limit is missed."""
    parser = argparse.ArgumentParser(prog="bench.portal_live", description=__doc__)
    parser.add_argument("--visitors", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=90)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="kontor-live-") as name, embedded_servers(Path(name) / "servers") as endpoints:
        migrate(endpoints.database_url)
        figures = measure(endpoints, Path(name), options.visitors, options.seconds)
    for figure in figures:
        print(f"{figure.name:<60}{figure.value:>8.2f}  <= {figure.limit:g}{'  MISSED' if figure.missed else ''}")
    return int(any(figure.missed for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
