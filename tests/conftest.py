"""Fixtures: servers shared by a test run, and a separate database and Redis namespace per test."""

import gc
import os
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from pytest_socket import disable_socket, enable_socket
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.orm import Session

from kontor.adapters.database_url import sqlalchemy_url
from kontor.adapters.embedded.endpoints import shared_servers
from kontor.adapters.settings import Settings
from models.base import metadata
from tests.support.spare_database import SpareDatabase
from tests.support.wiring import SECRET
from workers.migrations import ROOT, migrate

KINDS = {"unit", "integration", "faults", "acceptance", "browser", "architecture"}
OWN_PROCESSES = ("faults", "acceptance", "browser")
"""Kinds whose processes may outlive a test by a moment: they get a database of their own."""
TEMPLATE_LOCK = 4_815_162_342
STATEMENTS = 5_000
"""More than all tests together execute."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its folder; move the laws of the code base to the front, then what is slow.

    xdist gives the first worker the front of the list, and other workers steal from the back. So one worker runs all
    the laws, whose cost is parsing all modules (cached per process), and no run ends with a wait for a slow test.
    """
    for item in items:
        kind = item.path.relative_to(ROOT / "tests").parts[0]
        if kind in KINDS:
            item.add_marker(kind)
    front = ("architecture", "slow")
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in front])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than processors: tests also wait, for processes and servers."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while tests are collected, nor among what that makes: it stays until the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Block the network for unit tests."""
    if item.get_closest_marker("unit"):
        disable_socket(allow_unix_socket=True)


def pytest_runtest_teardown() -> None:
    """Unblock the network."""
    enable_socket()


@dataclass(frozen=True, slots=True)
class Servers:
    """URLs of this run's PostgreSQL and Redis; `external` if they come from the environment."""

    database_url: str
    redis_url: str
    external: bool


def scratch_folder() -> Path:
    """The scratch folder of this test run, shared by its xdist workers."""
    owner = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    return Path(tempfile.gettempdir()) / f"kontor-test-{owner}-{os.geteuid()}"


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The servers of DATABASE_URL and REDIS_URL, or embedded ones that end with the run."""
    if "DATABASE_URL" in os.environ and "REDIS_URL" in os.environ:
        yield Servers(sqlalchemy_url(os.environ["DATABASE_URL"]), os.environ["REDIS_URL"], external=True)
        return
    with shared_servers(scratch_folder(), "--scratch") as endpoints:
        yield Servers(endpoints.database_url, endpoints.redis_url, external=False)


def libpq(url: str) -> str:
    """Convert a SQLAlchemy URL for psycopg."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def admin(servers: Servers) -> psycopg.Connection:
    """Connect with the right to create databases."""
    return psycopg.connect(libpq(servers.database_url), autocommit=True)


def schema_fingerprint() -> str:
    """A hash that changes with any table or migration."""
    digest = sha256()
    for path in sorted([*(ROOT / "migrations").rglob("*.py"), *(ROOT / "models").glob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@pytest.fixture(scope="session")
def template(servers: Servers) -> str:
    """The name of a migrated database that tests copy; built once per schema and server."""
    name = f"kontor_template_{schema_fingerprint()}"
    with admin(servers) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [TEMPLATE_LOCK])
        query = "SELECT datname FROM pg_database WHERE datname LIKE 'kontor_template_%'"
        present = {row[0] for row in connection.execute(query)}
        for stale in present - {name}:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(stale)))
        if name not in present:
            draft = f"{name}_draft"
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(draft)))
            build(make_url(servers.database_url).set(database=draft).render_as_string(hide_password=False))
            rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            connection.execute(rename.format(sql.Identifier(draft), sql.Identifier(name)))
    return name


def build(database_url: str) -> None:
    """Create the schema in an empty database: by migrations, or from the models while there are none."""
    if any((ROOT / "migrations" / "versions").glob("*.py")):
        migrate(database_url)
        return
    engine = create_engine(database_url)
    metadata().create_all(engine)
    engine.dispose()


def url_of(servers: Servers, name: str) -> str:
    """SQLAlchemy's URL of a database of the server."""
    return make_url(servers.database_url).set(database=name).render_as_string(hide_password=False)


def copy_database(servers: Servers, template: str) -> str:
    """Copy a database without connections; return the copy's name."""
    name = f"kontor_test_{uuid4().hex}"
    with admin(servers) as connection:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
    return name


def drop_database(servers: Servers, name: str) -> None:
    """Drop a database with its connections."""
    with admin(servers) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def copied(servers: Servers, template: str) -> Iterator[str]:
    """Copy a database without connections; yields SQLAlchemy's URL and drops the copy afterwards."""
    name = copy_database(servers, template)
    try:
        yield url_of(servers, name)
    finally:
        drop_database(servers, name)


@pytest.fixture(scope="session")
def spares(servers: Servers) -> Iterator[list[SpareDatabase]]:
    """Databases that tests have emptied again for the next one."""
    spares: list[SpareDatabase] = []
    yield spares
    for spare in spares:
        drop_database(servers, spare.name)


@pytest.fixture
def database_url(
    request: pytest.FixtureRequest, servers: Servers, template: str, spares: list[SpareDatabase]
) -> Iterator[str]:
    """SQLAlchemy's URL of a migrated database for this test only."""
    if any(request.node.get_closest_marker(kind) for kind in OWN_PROCESSES):
        with copied(servers, template) as url:
            yield url
        return
    if spares:
        spare = spares.pop()
    else:
        spare = SpareDatabase(copy_database(servers, template))
        with psycopg.connect(libpq(url_of(servers, spare.name)), autocommit=True) as connection:
            spare.remember(connection)
    yield url_of(servers, spare.name)
    with psycopg.connect(libpq(url_of(servers, spare.name)), autocommit=True) as connection:
        fresh = spare.reset(connection)
    if fresh:
        spares.append(spare)
    else:
        drop_database(servers, spare.name)


@pytest.fixture(scope="session")
def engines() -> dict[str, Engine]:
    """An engine per database, with the statements that earlier tests compiled."""
    return {}


@pytest.fixture
def engine(database_url: str, engines: dict[str, Engine]) -> Iterator[Engine]:
    """An engine on this test's database; its listeners end with the test."""
    if database_url not in engines:
        engines[database_url] = create_engine(database_url, query_cache_size=STATEMENTS)
    engine = engines[database_url].execution_options()
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session on this test's database; nothing is committed unless the test does."""
    with Session(engine) as session:
        yield session


@pytest.fixture
def redis_url(servers: Servers) -> str:
    """The Redis of this run; use it within `namespace`."""
    return servers.redis_url


def new_namespace() -> str:
    """A Redis namespace that no other deployment has, in this worker of xdist or in another."""
    return f"test-{uuid4().hex[:12]}"


@pytest.fixture
def namespace() -> str:
    """A Redis namespace for this test only."""
    return new_namespace()


@pytest.fixture
def settings(database_url: str, redis_url: str, namespace: str, tmp_path: Path) -> Settings:
    """Settings of a process that uses this test's database and namespace."""
    return Settings(
        data_dir=tmp_path,
        database_url=database_url,
        redis_url=redis_url,
        smtp_url="smtp://127.0.0.1:1",
        secret_key=SECRET,
        namespace=namespace,
        allow_private_instances=True,
        test_clock=True,
    )
