"""Redis behind Sentinels, Redis Cluster, and a Redis whose host vanishes."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from kontor.adapters.embedded.process import valkey_binary
from kontor.adapters.redis_client import client_of, sentinel_parts
from kontor.adapters.redis_doorbell import RedisDoorbellChannel, RedisKeys
from kontor.adapters.settings import Settings, SettingsError
from kontor.kernel.doorbells import DoorbellUnavailable
from tests.support.polling import wait_for
from workers.connections import redis_client
from workers.doctor import check_redis

RECOVERY_SECONDS = 5.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class RedisServer:
    """One Valkey server on a port of this machine."""

    def __init__(self, folder: Path, *lines: str, port: int | None = None, program: Path | None = None) -> None:
        self.port = port or free_port()
        folder.mkdir(exist_ok=True)
        configuration = folder / f"{self.port}.conf"
        lasting = [] if program else ["save ''"]
        text = "\n".join([f"port {self.port}", "bind 127.0.0.1", f"dir {folder}", *lasting, *lines, ""])
        configuration.write_text(text)
        command = [str(program or valkey_binary()), str(configuration), *([] if program is None else ["--sentinel"])]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.answers, "Valkey", 20)

    def answers(self) -> bool:
        with suppress(redis.RedisError), redis.Redis(port=self.port) as client:
            return bool(client.ping())
        return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


Launch = Callable[..., RedisServer]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    with ExitStack() as stack:

        def start(*lines: str, port: int | None = None, program: Path | None = None) -> RedisServer:
            server = RedisServer(tmp_path / "redis", *lines, port=port, program=program)
            stack.callback(server.kill)
            return server

        yield start


def sentinel_binary() -> Path:
    """A server that can be a Sentinel: Valkey's, if it is built with it, or Redis's."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server, which can be a Sentinel, is not installed")
    return Path(program)


def test_master_is_used_and_followed_when_sentinels_name_it(launch: Launch) -> None:
    program = sentinel_binary()
    first = launch()
    second = launch(f"replicaof 127.0.0.1 {first.port}")
    lines = [
        f"sentinel monitor kontor 127.0.0.1 {first.port} 1",
        "sentinel down-after-milliseconds kontor 500",
        "sentinel failover-timeout kontor 3000",
    ]
    sentinel = launch(*lines, program=program)
    with redis.Redis(port=sentinel.port, decode_responses=True) as watcher:
        wait_for(lambda: watcher.execute_command("SENTINEL", "REPLICAS", "kontor") != [], "the replica", 30)
        client = client_of(f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{sentinel.port}/kontor/0")
        client.set("a", "1")
        with redis.Redis(port=second.port) as replica:
            wait_for(lambda: replica.get("a") == b"1", "replication", 20)
        first.kill()

        def writes() -> bool:
            with suppress(redis.RedisError):
                return bool(client.set("a", "2"))
            return False

        wait_for(writes, "the new master", 30)
        with redis.Redis(port=second.port) as promoted:
            assert promoted.info("replication")["role"] == "master"
        client.close()


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("redis+sentinel://a:1,b/kontor", ([("a", 1), ("b", 26379)], "kontor", "redis://master/0")),
        ("redis+sentinel://:p@[::1]:1/k/2?ssl_ca_certs=/x", ([("::1", 1)], "k", "redis://:p@master/2?ssl_ca_certs=/x")),
        ("rediss+sentinel://a/k", ([("a", 26379)], "k", "rediss://master/0")),
    ],
)
def test_sentinel_url_is_split(url: str, parts: tuple[list[tuple[str, int]], str, str]) -> None:
    assert sentinel_parts(url) == parts


def test_cluster_is_refused_by_processes_and_named_by_doctor(launch: Launch, settings: Settings) -> None:
    server = launch("cluster-enabled yes")
    clustered = replace(settings, redis_url=f"redis://127.0.0.1:{server.port}")
    with pytest.raises(SettingsError, match="Redis Cluster"):
        redis_client(clustered)
    check = check_redis(clustered)
    assert check.state == "problem"
    assert "Redis Cluster" in check.text


class Link:
    """A TCP relay that can fall silent as a host that vanished: nothing is answered, nothing is closed."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._silent = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._sockets = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def vanish(self) -> None:
        self._silent.set()

    def come_back(self) -> None:
        """Serve new connections; those of before stay dead, as at a promoted replica."""
        self._silent = threading.Event()

    def close(self) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=(*pair, self._silent), daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket, silent: threading.Event) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if silent.is_set():
                    return
                sink.sendall(data)


def test_blocked_read_ends_within_five_seconds_when_the_host_vanishes(launch: Launch) -> None:
    link = Link(launch().port)
    client = client_of(f"redis://127.0.0.1:{link.port}")
    channel = RedisDoorbellChannel(client, RedisKeys("test"), ["probe"])
    channel.begin()
    channel.listen(0.05)
    link.vanish()
    began = time.monotonic()
    with pytest.raises(DoorbellUnavailable):
        channel.listen(1)
    link.come_back()
    channel.begin()
    assert channel.listen(0.05).answers == ()
    assert time.monotonic() - began < RECOVERY_SECONDS
    client.close()
    link.close()
