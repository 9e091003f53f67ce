"""Long polling for finished jobs: one query at a time for all waiting requests of this process."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.engine.admin import job_queries
from kontor.http.context import Deps
from kontor.http.problems import Unavailable
from kontor.http.pull_watch import PullWatch
from kontor.http.responses import ApiResponse, LongPoll
from kontor.http.transaction import run, run_on_connection

MIN_PAUSE: Final = 0.005
MAX_PAUSE: Final = 0.1


@dataclass(slots=True)
class JobWatcher:
    """Requests waiting for jobs. Lives in the event loop."""

    deps: Deps
    waiting: dict[UUID, set[asyncio.Event]] = field(default_factory=lambda: defaultdict(set))
    task: asyncio.Task[None] | None = None
    pause: float = MIN_PAUSE
    pulls: PullWatch = field(init=False)

    def __post_init__(self) -> None:
        self.pulls = PullWatch(self.deps)

    async def wait(self, job_id: UUID, seconds: float) -> bool:
        """Return True once the job is finished, False after `seconds` of real time."""
        finished = asyncio.Event()
        self.waiting[job_id].add(finished)
        self.pause = MIN_PAUSE
        if self.task is None or self.task.done():
            self.task = asyncio.get_running_loop().create_task(self._poll())
        try:
            async with asyncio.timeout(seconds):
                await finished.wait()
        except TimeoutError:
            return False
        finally:
            self._leave(job_id, finished)
        return True

    def _leave(self, job_id: UUID, event: asyncio.Event) -> None:
        self.waiting[job_id].discard(event)
        if not self.waiting[job_id]:
            del self.waiting[job_id]

    async def _poll(self) -> None:
        loop = asyncio.get_running_loop()
        while self.waiting:
            await asyncio.sleep(self.pause)
            self.pause = min(self.pause * 1.5, MAX_PAUSE)
            job_ids = list(self.waiting)
            pending = await loop.run_in_executor(self.deps.threads, self._unfinished, job_ids)
            for job_id in set(job_ids) - pending:
                for event in self.waiting.get(job_id, ()):
                    event.set()

    def _unfinished(self, job_ids: list[UUID]) -> set[UUID]:
        try:
            return run_on_connection(self.deps, lambda connection: job_queries.unfinished(connection, job_ids))
        except Unavailable:
            return set(job_ids)


async def long_poll(watch: JobWatcher, response: ApiResponse) -> ApiResponse:
    """Delay a response until its condition is met or its time is up, then render it again."""
    if response.wait is None:
        return response
    wait = response.wait
    if wait.job_id is not None:
        await watch.wait(wait.job_id, wait.seconds)
    elif wait.tasks is not None:
        return await _until_leased(watch, response, wait, wait.tasks)
    elif wait.done is not None:
        await _until(watch.deps, wait.done, wait.seconds)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(watch.deps.threads, _render, watch.deps, response)


async def _until_leased(
    watch: JobWatcher, response: ApiResponse, wait: LongPoll, tasks: tuple[str, ...]
) -> ApiResponse:
    """Wait for jobs of pull types; whoever finds that another was quicker waits on."""
    loop, woken = asyncio.get_running_loop(), False
    end = loop.time() + wait.seconds
    while response.again and (left := end - loop.time()) > 0:
        woken = await watch.pulls.wait(tasks, wait.tenant, left, again=woken)
        if not woken:
            break
        answer = await loop.run_in_executor(watch.deps.threads, _render, watch.deps, replace(response, wait=wait))
        response = replace(answer, wait=None)
    return replace(response, wait=None)


async def _until(deps: Deps, done: Callable[[Session], bool], seconds: float) -> None:
    """Poll `done` with growing pauses until it returns True or time is up."""
    loop, pause = asyncio.get_running_loop(), MIN_PAUSE
    end = loop.time() + seconds
    while loop.time() < end and not await loop.run_in_executor(deps.threads, run, deps, done):
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, MAX_PAUSE)


def _render(deps: Deps, response: ApiResponse) -> ApiResponse:
    if response.wait is None:
        return response
    try:
        return run(deps, response.wait.render)
    except Unavailable:
        return response
