"""The newest primary of a cluster is used, and no other."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import psycopg
import pytest
import redis
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kontor.adapters.database_url import connection_parameters
from kontor.adapters.primary import OldPrimary, PrimaryConnector, identity_of
from kontor.adapters.redis_client import RedisTimelines, client_of
from kontor.adapters.settings import Settings
from tests.integration.connections.conftest import Cluster
from tests.support.polling import wait_for
from workers.connection_checks import check_primaries
from workers.connections import sql_engine
from workers.doctor import run_checks


class Peers:
    """What peers know, in memory."""

    def __init__(self) -> None:
        self.shared = 0

    def highest(self, system: int, own: int) -> int:
        self.shared = max(self.shared, own)
        return self.shared


def timeline_of(connection: "psycopg.Connection[tuple[object, ...]]") -> int | None:
    identity = identity_of(connection)
    assert identity is not None
    return identity.timeline


def connector(url: str, peers: Peers | None = None) -> PrimaryConnector:
    return PrimaryConnector(connection_parameters(url), peers or Peers())


@pytest.fixture
def split(cluster: Cluster) -> Cluster:
    """A cluster of two primaries: the standby was promoted, the old primary is there again, unfenced."""
    cluster.promote()
    return cluster


def test_primary_is_used_when_the_other_host_is_a_standby(cluster: Cluster) -> None:
    with connector(cluster.url).connect() as connection:
        assert connection.execute("SHOW transaction_read_only").fetchone() == ("off",)
        assert timeline_of(connection) == 1


def test_highest_timeline_is_used_when_a_process_starts_beside_an_old_primary(split: Cluster) -> None:
    with connector(split.url).connect() as connection:
        assert timeline_of(connection) == 2


def test_old_primary_is_refused_when_a_peer_knows_a_higher_timeline(split: Cluster) -> None:
    peers = Peers()
    with connector(split.second.url, peers).connect():
        assert peers.shared == 2
    with pytest.raises(OldPrimary, match="timeline 1, another is on timeline 2"):
        connector(split.first.url, peers).connect()


def test_standby_alone_is_left_to_the_server_to_refuse_writes(cluster: Cluster) -> None:
    with connector(cluster.second.url).connect() as connection:
        assert timeline_of(connection) is None


def test_open_connection_is_cut_off_when_a_peer_learns_of_a_newer_primary(cluster: Cluster) -> None:
    peers = Peers()
    isolated = connector(cluster.first.url, peers)
    with isolated.connect() as old:
        assert isolated.cut_off_old() == 0
        cluster.promote()
        with connector(cluster.second.url, peers).connect() as new:
            assert isolated.cut_off_old() == 1
            with pytest.raises(psycopg.OperationalError):
                old.execute("SELECT 1")
            assert new.execute("SELECT 1").fetchone() == (1,)


@pytest.fixture
def peers_in_redis(redis_url: str) -> Iterator[RedisTimelines]:
    with client_of(redis_url) as client:
        client.delete("kontor-timeline:4711")
        yield RedisTimelines(client)
        client.delete("kontor-timeline:4711")


def test_peers_share_the_highest_timeline_and_never_forget_it_for_a_lower_one(peers_in_redis: RedisTimelines) -> None:
    assert [peers_in_redis.highest(4711, own) for own in (1, 3, 2)] == [1, 3, 3]


def test_own_timeline_counts_when_redis_is_unavailable() -> None:
    with client_of("unix:///nowhere.sock") as client:
        assert RedisTimelines(client).highest(4711, 2) == 2


def test_pool_follows_a_failover(cluster: Cluster, settings: Settings) -> None:
    engine = sql_engine(replace(settings, database_url=cluster.url), "kontor-test", 2)

    def writes() -> bool:
        with suppress(DBAPIError), engine.begin() as connection:
            connection.execute(text("CREATE TABLE IF NOT EXISTS written (n int)"))
            return True
        return False

    assert writes()
    cluster.first.stop()
    cluster.promote()
    wait_for(writes, "a write on the new primary", 30)
    engine.dispose()


def test_pool_drops_its_connections_when_the_server_becomes_read_only(settings: Settings) -> None:
    engine = sql_engine(settings, "kontor-test", 1)
    pids = []
    for setting in ("on", "off"):
        with suppress(DBAPIError), engine.begin() as connection:
            pids.append(connection.scalar(text("SELECT pg_backend_pid()")))
            connection.execute(text(f"SET TRANSACTION {'READ ONLY' if setting == 'on' else 'READ WRITE'}"))
            connection.execute(text("CREATE TABLE written (n int)"))
    assert pids[0] != pids[1]
    engine.dispose()


def test_doctor_names_a_second_primary(split: Cluster, settings: Settings) -> None:
    (check,) = check_primaries(replace(settings, database_url=split.url))
    assert (check.subject, check.state) == ("timeline", "problem")
    assert str(split.first.sockets) in check.text
    assert "timeline 2" in check.text


def test_doctor_names_an_old_primary_when_peers_know_a_newer_one(
    split: Cluster, settings: Settings, redis_url: str
) -> None:
    with connector(split.second.url).connect() as connection, redis.Redis.from_url(redis_url) as client:
        identity = identity_of(connection)
        assert identity is not None
        RedisTimelines(client).highest(identity.system, 2)
        checks = list(run_checks(replace(settings, database_url=split.first.url, test_clock=False)))
        client.delete(f"kontor-timeline:{identity.system}")
    problem = next(check for check in checks if check.subject == "timeline")
    assert problem.state == "problem"
    assert "old primary" in problem.text
