"""Fixtures of the API over a database of each test; conftest files import them by name."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import sessionmaker

from adapters.clock_fakes import ManualClock
from adapters.doorbell import SilentDoorbell
from adapters.passwords import Argon2Passwords
from adapters.sealer import FernetSealer
from api.app import build
from api.deps import Deps
from domain.ports import Clock
from engine.enqueue import Jobs
from services import programme_files
from services.addresses import AddressGuard
from services.programmes import Programmes
from services.tokens import Tokens
from store.schema import ROOT
from tasks.catalogue import catalogue
from tests.api_world import Api, Shop, open_shop, served

SECRET = "a secret that only tests use"


def no_dns(host: str, port: int) -> list[str]:
    """Every name is a public address."""
    return ["93.184.215.14"]


def deps_of(engine: Engine, clock: Clock, threads: ThreadPoolExecutor) -> Deps:
    """What a web process would build, on a database and a clock of tests."""
    return Deps(
        sessions=sessionmaker(engine, expire_on_commit=False),
        clock=clock,
        jobs=Jobs(catalogue(), clock, SilentDoorbell()),
        sealer=FernetSealer(SECRET),
        passwords=Argon2Passwords.cheap(),
        programmes=Programmes(),
        tokens=Tokens(SECRET),
        guard=AddressGuard(no_dns),
        threads=threads,
        secret=SECRET.encode(),
        offer_secret=SECRET.encode(),
        public_url="https://kontor.example",
        test_clock=True,
    )


@pytest.fixture
def deps(engine: Engine, clock: ManualClock) -> Iterator[Deps]:
    """What a web process would build, on this test's database and clock."""
    with ThreadPoolExecutor(4) as threads:
        yield deps_of(engine, clock, threads)


@pytest.fixture
def api(deps: Deps) -> Iterator[Api]:
    """The API, and a way to make keys."""
    app = build(deps)
    with served(app) as url, httpx.Client(base_url=url, timeout=30) as http:
        yield Api(http, deps, app)


@pytest.fixture
def shop(api: Api) -> Callable[[str], Shop]:
    """Opens shops: a reseller of `learning` with one client that has an instance."""
    with api.deps.sessions() as session:
        path = ROOT / "examples" / "programmes" / "learning.yaml"
        programme_files.apply(session, "learning", path.read_text(), now=api.deps.clock.now(), actor="test")
        session.commit()
    return lambda name: open_shop(api, name)


@pytest.fixture
def clock() -> ManualClock:
    """Noon of 2 March 2026, UTC."""
    return ManualClock()
