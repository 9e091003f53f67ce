"""Redis by REDIS_URL: a server, over TLS too, or the master that Sentinels name."""

import re
import socket
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry
from redis.sentinel import Sentinel

SENTINEL_PORT = 26_379
SENTINEL_USAGE = "use redis+sentinel://host:26379,host2:26379/service/0"
# A blocking read waits for 1 s at most, so that a host that vanished is noticed after CONNECT + READ = 4 s.
CONNECT_SECONDS = 1.0
READ_SECONDS = 3.0
AWAY_SECONDS = 5.0
ADDRESS = re.compile(r"^(?:\[([^\]]+)\]|([^:\[\]]+))(?::(\d+))?$")
TIMEOUTS: Mapping[str, float] = {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": READ_SECONDS}


def sentinel_parts(url: str) -> tuple[list[tuple[str, int]], str, str]:
    """Split a Sentinel URL into the Sentinels, the service, and a plain URL of the rest. Raises ValueError."""
    parts = urlsplit(url)
    credentials, at, hosts = parts.netloc.rpartition("@")
    sentinels = []
    for item in hosts.split(","):
        if (match := ADDRESS.match(item)) is None:
            raise ValueError(SENTINEL_USAGE)
        sentinels.append((match[1] or match[2], int(match[3] or SENTINEL_PORT)))
    service, _, database = parts.path.strip("/").partition("/")
    if not service or not (database or "0").isdecimal():
        raise ValueError(SENTINEL_USAGE)
    scheme = parts.scheme.partition("+")[0]
    query = f"?{parts.query}" if parts.query else ""
    return sentinels, service, f"{scheme}://{credentials}{at}master/{database or 0}{query}"


def tcp_options() -> dict[str, Any]:
    """Options with which the kernel ends a connection to a host that vanished."""
    options = {socket.TCP_KEEPIDLE: 2, socket.TCP_KEEPINTVL: 1, socket.TCP_KEEPCNT: 2, socket.TCP_USER_TIMEOUT: 3000}
    return {"socket_keepalive": True, "socket_keepalive_options": options}


def client_of(url: str, timeout: float | None = None) -> "redis.Redis":
    """Return a client that raises at once when Redis is unavailable; callers do their own retries.

    `timeout`: seconds that an answer may take.
    """
    limits = TIMEOUTS if timeout is None else {name: min(timeout, most) for name, most in TIMEOUTS.items()}
    retry = Retry(NoBackoff(), 0)
    scheme = urlsplit(url).scheme
    if not scheme.endswith("+sentinel"):
        tcp = {} if scheme == "unix" else tcp_options()
        return redis.Redis.from_url(url, retry=retry, **{**limits, **tcp})
    sentinels, service, plain = sentinel_parts(url)
    options: dict[str, Any] = {**limits, **tcp_options(), "retry": retry}
    options.update(parse_url(plain))  # type: ignore[no-untyped-call]  # untyped upstream
    secure = options.pop("connection_class", None) is not None
    for name in ("host", "port"):
        options.pop(name, None)
    own = {name.removeprefix("sentinel_"): options.pop(name) for name in list(options) if name.startswith("sentinel_")}
    tls = {name: value for name, value in options.items() if name.startswith("ssl_")}
    switch = {"ssl": True} if secure else {}
    of_sentinels = {**TIMEOUTS, **tcp_options(), **tls, **switch, **own, "retry": retry}
    watchers = Sentinel(sentinels, sentinel_kwargs=of_sentinels)  # type: ignore[no-untyped-call]  # untyped upstream
    master: redis.Redis = watchers.master_for(service, **options, **switch)  # type: ignore[no-untyped-call]  # the same
    return master


def is_cluster(client: "redis.Redis") -> bool:
    """Whether the server is part of a Redis Cluster. Raises redis errors."""
    return str(client.info("cluster").get("cluster_enabled", 0)) == "1"


LEARN = """
local known = tonumber(redis.call('get', KEYS[1]) or '0')
if tonumber(ARGV[1]) > known then
    redis.call('set', KEYS[1], ARGV[1])
    return tonumber(ARGV[1])
end
return known
"""


class RedisTimelines:
    """The highest timeline of each PostgreSQL cluster, shared by all processes at one Redis."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._learn = client.register_script(LEARN)
        self._ask_at = 0.0

    def highest(self, system: int, own: int) -> int:
        """Tell the peers of timeline `own` and return the highest they know; `own` when Redis is unavailable.

        After a failure Redis is left alone for 5 s, so that connections do not wait for it.
        """
        if time.monotonic() < self._ask_at:
            return own
        try:
            return int(self._learn(keys=[f"kontor-timeline:{system}"], args=[own]))
        except redis.RedisError:
            self._ask_at = time.monotonic() + AWAY_SECONDS
            return own
