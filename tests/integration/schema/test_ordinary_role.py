"""A deployment's role owns its database and nothing else: it is no superuser."""

import secrets
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy.engine import make_url

from kontor.adapters.database_url import libpq_url
from tests.conftest import Servers
from workers.migrations import migrate
from workers.schema import newest_migration


@pytest.fixture
def ordinary(servers: Servers) -> Iterator[str]:
    """The URL of an empty database whose role has no rights beyond it."""
    name = f"ordinary_{secrets.token_hex(4)}"
    with psycopg.connect(libpq_url(servers.database_url), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN NOSUPERUSER")
        connection.execute(f"CREATE DATABASE {name} OWNER {name}")
        yield make_url(servers.database_url).set(username=name, database=name).render_as_string(hide_password=False)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.execute(f"DROP ROLE {name}")


def test_empty_database_is_migrated_when_its_role_is_no_superuser(ordinary: str) -> None:
    migrate(ordinary)
    with psycopg.connect(libpq_url(ordinary)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (newest_migration(),)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="neither changed nor deleted"):
            connection.execute("TRUNCATE audit_log")
        connection.rollback()
        assert connection.execute("SELECT kontor_cut_audit(0)").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="neither changed nor deleted"):
            connection.execute("TRUNCATE audit_log")
