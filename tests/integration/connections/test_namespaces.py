"""The namespace in Redis is made of the database's identity."""

from dataclasses import replace

import psycopg
import pytest
import redis
from sqlalchemy import make_url

from kontor.adapters.primary import identity_of
from kontor.adapters.redis_doorbell import RedisKeys
from kontor.adapters.settings import Settings, default_namespace
from tests.conftest import Servers, copied, libpq
from workers.namespaces import namespace_of, redis_keys

WORKER = (
    "INSERT INTO worker_processes (id, host, pid, version, threads, queues, started_at, heartbeat_at)"
    " VALUES ('w', 'h', 1, '0', 1, '{probe}', clock_timestamp(), clock_timestamp() - %s::interval)"
)


@pytest.fixture
def unnamed(settings: Settings) -> Settings:
    """Settings without KONTOR_NAMESPACE."""
    return replace(settings, namespace="", earlier_namespace=default_namespace(settings.database_url))


def spelled(settings: Settings, **parts: str) -> Settings:
    """The same database by another URL."""
    url = make_url(settings.database_url).update_query_dict(parts).render_as_string(hide_password=False)
    return replace(settings, database_url=url, earlier_namespace=default_namespace(url))


def test_namespace_is_the_same_when_the_url_is_spelled_differently(unnamed: Settings) -> None:
    other = spelled(unnamed, port="5432", application_name="x")
    assert other.database_url != unnamed.database_url
    assert namespace_of(other) == namespace_of(unnamed)


def test_namespaces_differ_when_the_databases_do(unnamed: Settings, servers: Servers, template: str) -> None:
    with copied(servers, template) as url:
        assert namespace_of(replace(unnamed, database_url=url)) != namespace_of(unnamed)


def test_restored_copy_gets_its_own_namespace(unnamed: Settings, servers: Servers) -> None:
    original = namespace_of(unnamed)
    with copied(servers, str(make_url(unnamed.database_url).database)) as url:
        assert namespace_of(replace(unnamed, database_url=url)) != original


@pytest.mark.parametrize(("age", "kept"), [("1 second", True), ("5 minutes", False)])
def test_earlier_namespace_is_kept_only_while_processes_of_an_earlier_release_run(
    unnamed: Settings, age: str, kept: bool
) -> None:
    with psycopg.connect(libpq(unnamed.database_url), autocommit=True) as connection:
        connection.execute(WORKER, (age,))
        assert (namespace_of(unnamed) == unnamed.earlier_namespace) is kept
        connection.execute("DELETE FROM worker_processes")
    assert (namespace_of(spelled(unnamed, port="5432")) == unnamed.earlier_namespace) is kept


def test_identity_is_readable_by_a_role_without_rights(unnamed: Settings) -> None:
    with psycopg.connect(libpq(unnamed.database_url)) as connection:
        connection.execute("CREATE ROLE kontor_plain")
        connection.execute("SET ROLE kontor_plain")
        identity = identity_of(connection)
        assert identity is not None
        assert identity.timeline == 1
        connection.rollback()


def test_setting_takes_precedence(unnamed: Settings) -> None:
    assert namespace_of(replace(unnamed, namespace="mine")) == "mine"


def test_keys_are_unknown_while_postgresql_does_not_answer_and_asked_for_again(unnamed: Settings) -> None:
    away = redis_keys(replace(unnamed, database_url="postgresql+psycopg://u@/d?host=/nowhere"))
    with pytest.raises(redis.ConnectionError, match="namespace is unknown"):
        _ = away.hint
    answers = iter(["", "kontor-1"])

    def ask() -> str:
        if (name := next(answers)) == "":
            raise redis.ConnectionError
        return name

    keys = RedisKeys(ask)
    with pytest.raises(redis.ConnectionError):
        _ = keys.hint
    assert [keys.hint, keys.epoch] == ["kontor-1:hint", "kontor-1:epoch"]
