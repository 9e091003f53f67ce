"""Orders while everything is killed by turns; then money, services and jobs are compared with the account book."""

import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from random import Random
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from kontor.adapters.embedded.servers import EmbeddedServers
from kontor.adapters.settings import Settings
from tests.faults.deployment import PROBE, HandlerFleet, handler_fleet
from tests.faults.fleet import forks
from tests.faults.handler import NO_ANSWER, HandlerCall, ScriptedHandler, serving
from tests.faults.handler_rows import reseller_of, trade
from tests.faults.order_checker import PAID, Wish, judge, wishes
from tests.faults.puller import pull_forever
from tests.faults.soak import Chaos
from tests.support.polling import wait_for

RESELLERS = 4
DRIVERS = 16
PULLERS = 3
RACED_EVERY = 10
PAUSE_SECONDS = (1.0, 4.0)
DOWN_SECONDS = 1.5
SETTLE_SECONDS = 400.0
OPEN = "SELECT count(*) FROM jobs WHERE state <> 'dead' AND queue <> 'mail'"
QUIET = (
    "INSERT INTO queues (name, paused) VALUES ('mail', true) ON CONFLICT (name) DO UPDATE SET paused = true RETURNING 1"
)


@dataclass
class Whims(ScriptedHandler):
    """A handler that mostly does what it is asked, and at times breaks off, is busy, or is down."""

    random: Random = field(default_factory=lambda: Random(1))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, call: HandlerCall) -> tuple[int, Any]:
        """Note a call; answer it by its region, or by a whim."""
        with self.lock:
            self.calls.append(call)
            whim = self.random.random()
        if whim < 0.01:
            return NO_ANSWER, None
        if whim < 0.02:
            return 409, {"error": "busy"}
        if call.data["args"]["config"]["region"] == "us":
            return 422, {"error": "no such region"}
        return 200, {"result": {"host": call.data["args"]["service_id"]}}


class OrderDriver(threading.Thread):
    """Places orders one after another; one that was not answered is placed again with its reference."""

    def __init__(self, url: str, key: str, plan: Sequence[Wish]) -> None:
        super().__init__(daemon=True)
        self._url, self._headers, self._plan = url, {"Authorization": f"Bearer {key}"}, plan
        self.placed: dict[str, str] = {}
        self.repeated = 0
        self.refused: list[str] = []

    def run(self) -> None:
        with httpx.Client(base_url=self._url, headers=self._headers, timeout=30, trust_env=False, verify=False) as http:
            for wish in self._plan:
                self._place(http, wish)

    def _place(self, http: httpx.Client, wish: Wish) -> None:
        while True:
            try:
                answer = http.post(f"/v1/resellers/{wish.reseller}/orders", json=wish.body)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.is_success:
                self.placed[wish.ref] = answer.json()["id"]
                return
            if answer is not None and answer.status_code < 500 and "busy" not in answer.text:
                self.refused.append(f"{wish.ref}: {answer.status_code} {answer.text[:200]}")
                return
            self.repeated += 1
            time.sleep(0.1)


class OrderChaos(Chaos):
    """Kills by turns, the web process, the handler and pull workers too, and restarts what it killed."""

    def __init__(self, deployment: HandlerFleet, servers: EmbeddedServers, seed: int, handler: Whims) -> None:
        super().__init__(deployment.made, servers, seed)
        self._deployment, self._handler = deployment, handler
        self._stack = ExitStack()
        self.url = self._stack.enter_context(serving(handler))
        self._port = int(self.url.rsplit(":", 1)[1].partition("/")[0])
        self._pullers = [self._puller(number) for number in range(PULLERS)]
        self._kills |= {"web": lambda: self._kill("web"), "handler": self._down, "puller": self._kill_puller}

    def by_turns(self, drivers: Sequence[OrderDriver]) -> None:
        """Kill one after another, in a new order each round, until every driver has ended."""
        while any(driver.is_alive() for driver in drivers):
            for name in self._random.sample(sorted(self._kills), len(self._kills)):
                time.sleep(self._random.uniform(*PAUSE_SECONDS))
                self._kills[name]()
                self.done[name] += 1

    def close(self) -> None:
        """End the handler and the pull workers."""
        self._stack.close()
        for puller in self._pullers:
            puller.kill()
            puller.join()

    def _puller(self, number: int) -> BaseProcess:
        made = self._deployment.made
        arguments = (str(self._deployment.api.http.base_url), self._deployment.api.key, f"puller-{number}")
        puller = forks().Process(target=pull_forever, args=(*arguments, made.folder / "puller.log"), daemon=True)
        puller.start()
        return puller

    def _kill_puller(self) -> None:
        number = self._random.randrange(PULLERS)
        self._pullers[number].kill()
        self._pullers[number].join()
        self._pullers[number] = self._puller(number)

    def _down(self) -> None:
        self._stack.close()
        time.sleep(DOWN_SECONDS)
        self._stack.enter_context(serving(self._handler, self._port))


def run(console: Console, servers: EmbeddedServers, settings: Settings, count: int, seed: int) -> bool:
    """Place the orders while everything is killed, settle, judge and print; returns whether all agrees."""
    console.print(f"{count} orders while everything is killed by turns, seed {seed}")
    handler = Whims(random=Random(f"{seed} handler"))
    with handler_fleet(settings, servers.data_dir / "orders", "relay", "worker", "scheduler") as deployment:
        deployment.made.ask(QUIET)
        first = trade(deployment, "cloud", PAID)
        resellers = [first, *(reseller_of(deployment, "cloud", PAID) for _ in range(RESELLERS - 1))]
        chaos = OrderChaos(deployment, servers, seed, handler)
        try:
            deployment.declare_push("cloud.create", handler={"push": chaos.url})
            plan, began = wishes(count, resellers, seed), time.monotonic()
            drivers = drivers_of(deployment, plan)
            chaos.by_turns(drivers)
            lasted, began = time.monotonic() - began, time.monotonic()
            settle(deployment)
            settled = time.monotonic() - began
        finally:
            chaos.close()
        tally = judge(deployment, plan, [ref for driver in drivers for ref in driver.placed], handler.calls)
        faults = [line for driver in drivers for line in driver.refused] + tally.faults
    killed = ", ".join(f"{name} {times}x" for name, times in sorted(chaos.done.items()))
    times = f"{lasted:.0f} s, then {settled:.1f} s until all was done"
    repeated = {"placed again with their reference": sum(driver.repeated for driver in drivers)}
    figures = {"lasted": times, "killed": killed, **tally.figures, **repeated, "do not agree": len(faults)}
    console.print(table_of(figures))
    for fault in faults[:20]:
        console.print(f"[red]{fault}[/red]")
    return not faults


def is_of(driver: int, place: int) -> bool:
    """Whether a driver places an order: those dealt to it, and each tenth of all that is the next driver's."""
    return place % DRIVERS == driver or (place % RACED_EVERY == 0 and (place + 1) % DRIVERS == driver)


def drivers_of(deployment: HandlerFleet, plan: Sequence[Wish]) -> list[OrderDriver]:
    """Start the drivers; two of them place every tenth order at about the same time."""
    url, key = str(deployment.api.http.base_url), deployment.api.key
    drivers = []
    for number in range(DRIVERS):
        mine = [wish for place, wish in enumerate(plan) if is_of(number, place)]
        drivers.append(OrderDriver(url, key, mine))
        drivers[-1].start()
    return drivers


def settle(deployment: HandlerFleet) -> None:
    """Replace what is dead, and wait until no job is open; breakers are hurried."""
    deployment.replace_dead()
    deployment.until_served()

    def over() -> bool:
        deployment.made.ask(PROBE)
        return bool(deployment.made.ask(OPEN)[0][0] == 0)

    wait_for(over, "all jobs finished after the orders", SETTLE_SECONDS)


def table_of(figures: dict[str, object]) -> Table:
    """Build the table of figures."""
    table = Table(title="orders while everything is killed by turns", show_header=False)
    for name, value in figures.items():
        table.add_row(name, str(value))
    return table
