"""Fixtures of the API on a separate database per test; conftest files import them by name."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import sessionmaker

from kontor.adapters.fakes import ManualClock
from kontor.adapters.secrets import Argon2Passwords, DerivedKeys, FernetSecretBox
from kontor.engine.testing import MemoryPullHints
from kontor.http.context import Deps
from kontor.kernel.addresses import AddressGuard
from kontor.kernel.ports import Clock
from kontor.kernel.tokens import Tokens
from kontor.programme.service import Programmes
from tests.support.api import Api, ResellerAccounts, create_reseller_with_client, running_server
from tests.support.wiring import PUBLIC_URL, SECRET, apply_example, silent_jobs
from workers.web_app import build


async def resolve_public(host: str, port: int, tenant: str) -> list[str]:
    """Resolve every host name to one public address."""
    return ["93.184.215.14"]


async def no_records(name: str, tenant: str = "") -> tuple[str, ...]:
    """Answer that no name has a TXT record."""
    return ()


def build_deps(engine: Engine, clock: Clock, threads: ThreadPoolExecutor) -> Deps:
    """Build the dependencies of a web process on a test's database and clock."""
    return Deps(
        sessions=sessionmaker(engine, expire_on_commit=False),
        clock=clock,
        jobs=silent_jobs(clock),
        secret_box=FernetSecretBox(SECRET),
        passwords=Argon2Passwords.cheap(),
        programmes=Programmes(clock),
        tokens=Tokens(SECRET),
        guard=AddressGuard(resolve_public),
        txt=no_records,
        threads=threads,
        keys=DerivedKeys(SECRET),
        public_url=PUBLIC_URL,
        console_url="http://127.0.0.1",
        test_clock=True,
        pull_hints=MemoryPullHints(),
    )


@pytest.fixture
def deps(engine: Engine, clock: ManualClock) -> Iterator[Deps]:
    """The dependencies of a web process on this test's database and clock."""
    with ThreadPoolExecutor(4) as threads:
        yield build_deps(engine, clock, threads)


@pytest.fixture
def api(deps: Deps) -> Iterator[Api]:
    """The API behind a real HTTP server."""
    app = build(deps)
    with running_server(app) as url, httpx.Client(base_url=url, timeout=30, verify=False) as http:
        yield Api(http, deps, app)


@pytest.fixture
def make_accounts(api: Api) -> Callable[[str], ResellerAccounts]:
    """Create a reseller of `learning` with one client that has an instance, by name."""
    with api.deps.sessions() as session:
        apply_example(session, "learning", api.deps.clock)
        session.commit()
    return lambda name: create_reseller_with_client(api, name)


@pytest.fixture
def clock() -> ManualClock:
    """Noon of 2 March 2026, UTC."""
    return ManualClock()
