"""Token buckets of API keys in Redis, shared by all web processes."""

import time
from collections.abc import Mapping

import redis

from kontor.adapters.redis_doorbell import RedisKeys
from kontor.kernel.limits import BURST_SECONDS, Spent

AWAY_SECONDS = 5.0
KEPT_MILLISECONDS = 60_000
# A bucket may be below zero, by a burst at most: several processes let requests through before they settled.
SETTLE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local left = {}
for number, key in ipairs(KEYS) do
    local rate, spent = tonumber(ARGV[2 * number + 1]), tonumber(ARGV[2 * number + 2])
    local burst = rate * tonumber(ARGV[1])
    local stored = redis.call('HMGET', key, 'tokens', 'at')
    local tokens, at = tonumber(stored[1] or burst), tonumber(stored[2] or now)
    tokens = math.min(burst, tokens + math.max(0, now - at) * rate) - spent
    tokens = math.max(tokens, -burst)
    redis.call('HSET', key, 'tokens', tostring(tokens), 'at', string.format('%.6f', now))
    redis.call('PEXPIRE', key, ARGV[2])
    left[number] = tostring(tokens)
end
return left
"""


class RedisRates:
    """Settles what processes let through. While Redis is away, each process keeps its own count."""

    def __init__(self, client: "redis.Redis", keys: RedisKeys) -> None:
        self._keys = keys
        self._settle = client.register_script(SETTLE)
        self._ask_at = 0.0

    def settle(self, spent: Mapping[str, Spent]) -> dict[str, float]:
        """Take what was spent from the shared buckets; return what is left in each, nothing when Redis is away."""
        if not spent or time.monotonic() < self._ask_at:
            return {}
        arguments = [part for each in spent.values() for part in (each.rate, each.requests)]
        try:
            names = [f"{self._keys.namespace}:rate:{key}" for key in spent]
            left = self._settle(keys=names, args=[BURST_SECONDS, KEPT_MILLISECONDS, *arguments])
        except redis.RedisError:
            self._ask_at = time.monotonic() + AWAY_SECONDS
            return {}
        return {key: float(tokens) for key, tokens in zip(spent, left, strict=True)}
