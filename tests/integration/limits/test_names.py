"""Names to resolve: a slow name server delays its own caller only, and answers are kept as long as they hold."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from kontor.adapters.network import DnsTxt
from kontor.adapters.resolver import AT_ONCE, DEADLINE_SECONDS, Names, UnknownName
from kontor.kernel.addresses import AddressGuard
from kontor.kernel.errors import KontorError
from tests.support.api import Api, ResellerAccounts
from tests.support.name_server import NameServer, name_server

CALLERS = 24
PUBLIC = "93.184.215.14"
NOWHERE = Path("nowhere")


class Seconds:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def names_of(server: NameServer, seconds: Callable[[], float] = time.monotonic) -> Iterator[Names]:
    with closing(Names(server.resolver, hosts=NOWHERE, monotonic=seconds)) as names:
        yield names


def test_answer_is_kept_for_its_ttl_when_that_is_between_one_second_and_five_minutes() -> None:
    for ttl, kept in ((30, 30), (0, 1), (86_400, 300)):
        seconds = Seconds()
        with name_server({"shop.example": [PUBLIC]}, ttl=ttl) as server, names_of(server, seconds) as names:
            assert names.resolve("shop.example", 443) == (PUBLIC,)
            seconds.now = kept - 0.1
            names.resolve("SHOP.example", 443)
            assert len(server.asked) == 1
            seconds.now = kept + 0.1
            names.resolve("shop.example", 443)
            assert len(server.asked) == 2


def test_failure_is_kept_for_five_seconds_when_a_name_is_unknown() -> None:
    seconds = Seconds()
    with name_server() as server, names_of(server, seconds) as names:
        for at, asked in ((0.0, 1), (4.9, 1), (5.1, 2)):
            seconds.now = at
            with pytest.raises(UnknownName):
                names.resolve("nowhere.example", 443)
            assert len(server.asked) == asked


def test_only_four_names_are_asked_for_when_one_tenant_looks_up_many() -> None:
    async def look_up(names: Names) -> list[object]:
        look_ups = [names.lookup(f"n{number}.example", 443, "tenant") for number in range(CALLERS)]
        return await asyncio.gather(*look_ups, return_exceptions=True)

    with name_server(silent=True) as server, names_of(server) as names:
        began = time.monotonic()
        outcomes = asyncio.run(look_up(names))
        took = time.monotonic() - began
    assert {type(outcome) for outcome in outcomes} == {TimeoutError}
    assert len(set(server.asked)) <= 2 * AT_ONCE
    assert took < DEADLINE_SECONDS + 0.5


def test_other_tenant_is_answered_at_once_when_one_waits_for_its_name_server() -> None:
    async def look_up(slow: Names, name: str) -> float:
        waiting = [slow.lookup(f"n{number}.example", 443, "slow") for number in range(CALLERS)]
        held = asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.sleep(0)
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await slow.lookup(name, 443, "slow")
        assert await slow.lookup("localhost", 443, "other")
        took = time.monotonic() - began
        held.cancel()
        return took

    with name_server(silent=True) as server, names_of(server) as names:
        assert asyncio.run(look_up(names, "localhost")) < 0.5


def test_domain_check_says_that_dns_gave_no_answer_when_the_name_server_is_silent() -> None:
    with name_server(silent=True) as server, names_of(server) as names, pytest.raises(KontorError) as error:
        DnsTxt(names).txt("_kontor.shop.example")
    assert error.value.code == "dns_unavailable"


def slow_caller(api: Api, key: str, account: str, number: int, ended: threading.Event, answers: list[int]) -> None:
    """Set an instance at ever new names until `ended`."""
    for turn in range(1_000):
        if ended.is_set():
            return
        body = {"url": f"https://n{number}-{turn}.tarpit.example/hook"}
        reply = api.call(f"PUT /v1/accounts/{account}/instance", body, key=key)
        answers.append(reply.status_code)
        assert "did not answer in time" in reply.json()["errors"][0]["msg"]


def test_others_are_answered_in_250_ms_or_5_times_as_long_when_24_callers_wait_for_a_dead_name_server(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    accounts = make_accounts("tarpit")
    attacker, other = api.key("read", "enqueue", account_id=accounts.client), api.key("read")
    answers: list[int] = []
    ended = threading.Event()
    with name_server(silent=True) as server, names_of(server) as names:
        api.app.state.deps = replace(api.deps, guard=AddressGuard(names.lookup))
        arguments = (api, attacker, str(accounts.client))
        callers = [
            threading.Thread(target=slow_caller, args=(*arguments, number, ended, answers)) for number in range(CALLERS)
        ]
        alone = [measure(api.http, other) for _ in range(50)]
        for caller in callers:
            caller.start()
        took = [measure(api.http, other) for _ in range(50)]
        ended.set()
        for caller in callers:
            caller.join(10)
    assert set(answers) == {422}
    assert sorted(took)[48] <= max(0.25, 5 * sorted(alone)[48])


def measure(http: httpx.Client, key: str) -> float:
    """Seconds that one request of another caller takes."""
    began = time.monotonic()
    assert http.get("/v1/tasks", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    time.sleep(0.01)
    return time.monotonic() - began - 0.01
