"""Pull workers that wait for jobs: woken by the relay's hints, first come first served."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from kontor.engine import pulling
from kontor.engine.pulling import Asked
from kontor.http.context import Deps
from kontor.http.problems import Unavailable
from kontor.http.transaction import run_on_connection
from kontor.kernel.doorbells import Offers

CHECK_SECONDS: Final = 1.0
"""How long a lost hint may cost, in seconds: then the database is asked for all that wait."""
MOST_WOKEN: Final = 50
"""Workers woken at once for one task by a check."""


@dataclass(frozen=True, slots=True, eq=False)
class WaitingPuller:
    """A call that waits for jobs of tasks, of one tenant if its key is bound to one."""

    tasks: frozenset[str]
    tenant: str | None
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def asked(self) -> Iterable[Asked]:
        """The tasks, each with the tenant."""
        return ((task, self.tenant) for task in self.tasks)

    def takes(self, task: str, tenant: str | None) -> bool:
        """Whether jobs of a task and a tenant (None: counted for all tenants) are for this worker."""
        return task in self.tasks and (self.tenant is None or self.tenant == tenant)


@dataclass(slots=True)
class PullWatch:
    """The pull workers that wait at this process. Lives in the event loop.

    A job that came between a worker's own look and its wait has no hint for it, so newcomers are checked for once.
    """

    deps: Deps
    waiting: dict[WaitingPuller, None] = field(default_factory=dict)
    unchecked: set[Asked] = field(default_factory=set)
    newcomer: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    next_check: float = 0.0

    async def wait(self, tasks: tuple[str, ...], tenant: str | None, seconds: float, *, again: bool = False) -> bool:
        """Return True when jobs are there and it is this worker's turn, False after `seconds`.

        `again`: it was woken in vain, so it waits for the next hint or check.
        """
        puller = WaitingPuller(frozenset(tasks), tenant)
        self.waiting[puller] = None
        if not again:
            self.unchecked.update(puller.asked)
            self.newcomer.set()
        if self.task is None or self.task.done():
            loop = asyncio.get_running_loop()
            self.next_check, self.task = loop.time() + CHECK_SECONDS, loop.create_task(self._check())
        try:
            async with asyncio.timeout(seconds):
                await puller.woken.wait()
        except TimeoutError:
            return False
        finally:
            self.waiting.pop(puller, None)
            if not self.waiting:
                self.newcomer.set()  # nobody is left to check for
        return True

    def hear(self, offers: Offers) -> None:
        """Wake as many workers as jobs came, those that wait longest first."""
        self._wake([(task, tenant, count) for (task, tenant), count in offers.items()])

    async def _check(self) -> None:
        while self.waiting:
            asked = await self._due()
            if asked:
                self._wake(await self.offered(asked))

    async def _due(self) -> list[Asked]:
        """Return what newcomers ask for, at once, or every second what all ask for."""
        try:
            async with asyncio.timeout_at(self.next_check):
                await self.newcomer.wait()
            asked = self.unchecked
        except TimeoutError:
            asked = {asked for puller in self.waiting for asked in puller.asked}
            self.next_check = asyncio.get_running_loop().time() + CHECK_SECONDS
        self.newcomer.clear()
        self.unchecked = set()
        return list(asked)

    def _wake(self, offers: Iterable[tuple[str, str | None, int]]) -> None:
        for task, tenant, count in offers:
            turns = (puller for puller in self.waiting if puller.takes(task, tenant))
            for puller, _ in list(zip(turns, range(count), strict=False)):
                del self.waiting[puller]
                puller.woken.set()

    async def offered(self, asked: list[Asked]) -> list[tuple[str, str | None, int]]:
        """Return how many jobs are there for the asked."""
        return await asyncio.get_running_loop().run_in_executor(self.deps.threads, self._offered, asked)

    def _offered(self, asked: list[Asked]) -> list[tuple[str, str | None, int]]:
        try:
            return run_on_connection(self.deps, lambda connection: pulling.offered(connection, asked, MOST_WOKEN))
        except Unavailable:
            return []
