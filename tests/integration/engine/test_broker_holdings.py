"""What a worker holds of the broker's doorbells, with a real Redis: replies that are lost, lists that are left over."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import psycopg
import pytest
import redis
from dramatiq import Message, MessageProxy
from redis.backoff import NoBackoff
from redis.retry import Retry

from kontor.adapters.dramatiq_broker import DoorbellBroker, DoorbellConsumer
from kontor.adapters.redis_doorbell import RedisDoorbellChannel, RedisKeys, encode
from kontor.adapters.taken_bells import Capacity
from kontor.engine.relay import Relay
from kontor.kernel.doorbells import Doorbell
from tests.conftest import libpq
from tests.integration.engine.conftest import EngineHarness
from tests.integration.engine.scripted_tasks import Send
from tests.support.cutting_proxy import CuttingProxy, before_redis
from tests.support.polling import wait_for

QUEUE = "mail"


def bell(number: int) -> Doorbell:
    return Doorbell(f"bell-{number}", QUEUE, "test.send", (UUID(int=number),))


@dataclass
class BrokerHarness:
    """A relay's channel, and a worker's broker behind a proxy."""

    channel: RedisDoorbellChannel
    broker: DoorbellBroker
    client: "redis.Redis"
    keys: RedisKeys
    proxy: CuttingProxy

    def consumer(self) -> DoorbellConsumer:
        """A consumer of the queue, as Dramatiq makes one."""
        return cast(DoorbellConsumer, self.broker.consume(QUEUE, 4, 1000))

    def held(self, worker: str = "w") -> list[Any]:
        """The messages in a worker's list."""
        return cast(list[Any], self.client.lrange(self.keys.held(worker, QUEUE), 0, -1))

    def hold(self, worker: str, *bells: Doorbell) -> None:
        """Put bells into a worker's list."""
        self.client.rpush(self.keys.held(worker, QUEUE), *map(encode, bells))


def next_of(consumer: DoorbellConsumer) -> "MessageProxy":
    """The next message, whatever rounds that takes."""
    while (message := next(consumer)) is None:
        pass
    return message


@pytest.fixture
def broker(redis_url: str, namespace: str) -> Iterator[BrokerHarness]:
    keys, client = RedisKeys(namespace), redis.Redis.from_url(redis_url)
    channel = RedisDoorbellChannel(client, keys, [QUEUE])
    channel.begin()
    with before_redis(redis_url) as (proxy, url):
        through = redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0))
        yield BrokerHarness(channel, DoorbellBroker(through, keys, "w", Capacity(4, ()), []), client, keys, proxy)
        through.close()
    client.close()


def test_doorbell_is_taken_back_when_the_reply_that_moved_it_is_lost(broker: BrokerHarness) -> None:
    consumer = broker.consumer()
    broker.proxy.lose = b"BLMOVE"
    broker.channel.ring([bell(1)])
    message = next_of(consumer)
    assert broker.proxy.lost.is_set()
    assert (message.message_id, broker.broker.bell_ids()) == ("bell-1", ("bell-1",))
    consumer.ack(message)
    wait_for(lambda: broker.held() == [], "the answer", 10)
    wait_for(lambda: broker.broker.bell_ids() == (), "the answer noticed", 10)


def test_doorbell_in_hand_is_not_taken_a_second_time_when_the_consumer_connects_again(broker: BrokerHarness) -> None:
    consumer = broker.consumer()
    broker.channel.ring([bell(1)])
    first = next_of(consumer)
    broker.proxy.lose = b"LMOVE"
    broker.channel.ring([bell(2)])
    second = next_of(consumer)
    assert [first.message_id, second.message_id] == ["bell-1", "bell-2"]
    assert next(consumer) is None
    assert broker.broker.bell_ids() == ("bell-1", "bell-2")


def test_doorbells_outlive_their_consumer(broker: BrokerHarness) -> None:
    broker.hold("w", bell(1), bell(2))
    running = next_of(broker.consumer())
    again = broker.consumer()
    assert next_of(again).message_id == "bell-2"
    again.ack(running)
    wait_for(lambda: broker.held() == [encode(bell(2))], "the answer of the doorbell taken by the first", 10)


def test_worker_that_may_not_claim_takes_no_doorbell(broker: BrokerHarness) -> None:
    consumer = broker.consumer()
    broker.broker.may_claim = lambda: False
    broker.channel.ring([bell(1)])
    assert [next(consumer) for _ in range(3)] == [None] * 3
    assert broker.channel.waiting(QUEUE, []) == {"bell-1"}


def test_relay_reads_and_clears_the_lists_of_workers(broker: BrokerHarness) -> None:
    broker.hold("w", bell(1), bell(2))
    broker.channel.ring([bell(3)])
    assert broker.channel.waiting(QUEUE, []) == {"bell-3"}
    assert broker.channel.waiting(QUEUE, ["w"]) == {"bell-1", "bell-2", "bell-3"}
    broker.channel.discard(bell(1), ["w", "another"])
    assert [Message.decode(raw).message_id for raw in broker.held()] == ["bell-2"]


def test_scan_meets_the_lists_of_every_worker_among_many_keys(broker: BrokerHarness) -> None:
    names = {f"host-{number}" for number in range(5)}
    for name in names:
        broker.hold(name, bell(1))
    with broker.client.pipeline() as pipe:
        for number in range(3000):
            pipe.set(f"{broker.keys.namespace}:foreign:{number}", "")
        pipe.execute()
    seen: set[str] = set()

    def meet() -> bool:
        seen.update(broker.channel.holders())
        return seen >= names

    wait_for(meet, "every list", 10)
    assert seen == names


def test_due_job_is_tried_again_when_another_deployment_resets_the_doorbells_all_the_time(
    broker: BrokerHarness, world: EngineHarness, database_url: str
) -> None:
    job = world.put(Send())
    world.ask("UPDATE jobs SET state = 'scheduled', run_at = :now", now=world.clock.now())
    other = RedisDoorbellChannel(broker.client, broker.keys, [QUEUE])
    with psycopg.connect(libpq(database_url), autocommit=True) as connection:
        relay = Relay(connection, broker.channel, world.inline.registry.catalogue, world.clock)
        relay.begin()
        other.begin()
        relay.tick()
    assert (relay.stats.resets, relay.stats.dispatched, world.state(job)) == (1, 1, "queued")
