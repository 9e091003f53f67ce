"""The worker for handlers that are coroutines."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from kontor_client.client import Kontor
from kontor_client.jobs import Job, Release
from kontor_client.worker import BEAT, GRACE, WAIT, Worker

AsyncHandler = Callable[[Job], Awaitable[Any]]


class AsyncWorker:
    """Runs handlers on the event loop: `await AsyncWorker(kontor, {"vps.create": create}).run()`.

    Leases, heartbeats and reports are made by threads, so a busy loop loses no lease. Takes what `Worker` takes;
    `concurrency` is how many jobs run at once.
    """

    def __init__(
        self,
        kontor: Kontor,
        handlers: Mapping[str, AsyncHandler],
        *,
        name: str | None = None,
        concurrency: int = 10,
        wait: float = WAIT,
        beat: float = BEAT,
        grace: float = GRACE,
    ) -> None:
        self._worker = _OnLoop(kontor, handlers, name, concurrency, wait, beat, grace)

    @property
    def name(self) -> str:
        """The name that Kontor knows the worker by."""
        return self._worker.name

    def stop(self) -> None:
        """Lease no more jobs; `run` returns when those held are finished or given back."""
        self._worker.stop()

    async def run(self) -> None:
        """Work until `stop`, SIGTERM, SIGINT or the task is cancelled. Raises Problem."""
        loop = asyncio.get_running_loop()
        self._worker.loop = loop
        # Only the main thread gets signals; elsewhere whoever runs the loop calls `stop`.
        in_main = threading.current_thread() is threading.main_thread()
        numbers = (signal.SIGTERM, signal.SIGINT) if in_main else ()
        for number in numbers:
            loop.add_signal_handler(number, self.stop)
        running = asyncio.ensure_future(asyncio.to_thread(self._worker.run))
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            self.stop()
            await running
            raise
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)


class _OnLoop(Worker):
    """Its threads wait for coroutines of a loop."""

    def __init__(
        self,
        kontor: Kontor,
        handlers: Mapping[str, AsyncHandler],
        name: str | None,
        concurrency: int,
        wait: float,
        beat: float,
        grace: float,
    ) -> None:
        super().__init__(kontor, {}, name=name, threads=concurrency, wait=wait, beat=beat, grace=grace)
        self._handlers = dict(handlers)
        self.loop: asyncio.AbstractEventLoop | None = None

    def call(self, job: Job) -> Any:
        """Run the coroutine of a job on the loop; return its result."""
        assert self.loop is not None
        future = asyncio.run_coroutine_threadsafe(_awaited(self._handlers[job.task](job)), self.loop)
        try:
            return future.result()
        except asyncio.CancelledError:
            raise Release("the loop has ended") from None


async def _awaited(result: Awaitable[Any]) -> Any:
    return await result
