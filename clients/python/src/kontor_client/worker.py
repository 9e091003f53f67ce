"""A worker that pulls jobs, runs them in threads and sends heartbeats by itself."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final

from kontor_client.client import Kontor
from kontor_client.errors import KontorError, LeaseLost, Problem, Unreachable
from kontor_client.jobs import Job, Permanent, Release, RetryIn, Snooze
from kontor_client.retrying import NO_RETRY, Retry

log = logging.getLogger("kontor_client.worker")

Handler = Callable[[Job], Any]
WAIT: Final = 10.0
BEAT: Final = 15.0
"""Seconds between heartbeats; a lease lasts 60."""
GRACE: Final = 25.0
LASTING: Final = Retry(seconds=600.0)
"""How long the end of a job is reported over an outage of Kontor; the heartbeats go on meanwhile."""
ERROR_LIMIT: Final = 2_000
NUMBERS: Final = count(1)


def default_name() -> str:
    """Return a name that no other worker has, in the letters that Kontor allows: it counts jobs by that name."""
    host = re.sub(r"[^A-Za-z0-9_.@/-]", "-", socket.gethostname())
    return f"{host[:80]}-{os.getpid()}-{next(NUMBERS)}"


class Worker:
    """Runs the jobs of some tasks: `Worker(kontor, {"vps.create": create}).run()`.

    A handler returns the result (JSON), or raises Permanent, RetryIn, Snooze, Release; any other error is a failed
    attempt. `wait` is how long a call waits for jobs, `beat` the pause between heartbeats, `grace` how long `stop`
    waits for running jobs before it gives them back; all in seconds.
    """

    def __init__(
        self,
        kontor: Kontor,
        handlers: Mapping[str, Handler],
        *,
        name: str | None = None,
        threads: int = 4,
        wait: float = WAIT,
        beat: float = BEAT,
        grace: float = GRACE,
    ) -> None:
        if not 1 <= threads <= 50:
            raise ValueError("a worker holds 1 to 50 jobs")
        self.name = name or default_name()
        self._kontor = kontor
        self._handlers = dict(handlers)
        self._threads = threads
        self._wait = wait
        self._beat = beat
        self._grace = grace
        self._stopping = threading.Event()
        self._free = threading.Condition()
        self._held: dict[str, Job] = {}
        self._ending: set[str] = set()  # leases whose end is being reported: a heartbeat that comes later finds none

    @property
    def held(self) -> int:
        """How many jobs it holds."""
        return len(self._held)

    def stop(self, *_: object) -> None:
        """Lease no more jobs; `run` returns when those held are finished or given back."""
        self._stopping.set()

    def run(self) -> None:
        """Work until `stop`, SIGTERM or SIGINT. Raises Problem when Kontor refuses the key or the tasks."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self.stop)
        over = threading.Event()
        beats = threading.Thread(target=self._send_heartbeats, args=(over,), name="kontor-heartbeats", daemon=True)
        beats.start()
        try:
            self._pull()
        finally:
            self._stopping.set()
            self._finish()
            over.set()
            beats.join()

    def _pull(self) -> None:
        """Lease jobs and start them, as many as there are threads."""
        failures = 0
        while not self._stopping.is_set():
            with self._free:
                self._free.wait_for(lambda: self.held < self._threads or self._stopping.is_set(), 0.5)
            if self.held >= self._threads or self._stopping.is_set():
                continue
            try:
                items = self._lease()
                failures = 0
            except Unreachable as error:
                failures += 1
                log.warning("Kontor does not answer, trying again: %s", error)
                self._stopping.wait(LASTING.pause(failures))
                continue
            for item in items:
                self._start(Job.of(item, self._stopping))

    def _lease(self) -> list[dict[str, Any]]:
        """Return leased jobs; [] where none came in time. Raises Unreachable, Problem."""
        body = {"tasks": sorted(self._handlers), "max": self._threads, "wait": self._wait, "worker": self.name}
        try:
            # No Idempotency-Key: the first answer would come again with its secrets masked.
            document = self._kontor.transport.request(
                "POST", "/v1/leases", body=body, idempotency_key="", retry=NO_RETRY
            )
        except Problem as problem:
            if problem.status in (408, 429) or problem.status >= 500 or problem.code == "busy":
                raise Unreachable(str(problem)) from problem
            raise
        items: list[dict[str, Any]] = document["items"]
        return items

    def _start(self, job: Job) -> None:
        self._held[job.lease] = job
        if self._stopping.is_set():
            self._let_go(job)
            return
        # A daemon: a handler that never returns does not keep the process from ending.
        threading.Thread(target=self._run, args=(job,), name=f"kontor-{job.task}", daemon=True).start()

    def _run(self, job: Job) -> None:
        """Run a job and report how it ended."""
        try:
            verb, body = self._outcome(job)
            if not job.lost:
                self._report(job, verb, body)
        finally:
            with self._free:
                self._forget(job)
                self._free.notify_all()

    def _outcome(self, job: Job) -> tuple[str, dict[str, Any]]:
        """Call the handler; return the call that reports its outcome."""
        try:
            return "complete", {"result": self.call(job)}
        except Permanent as error:
            return "fail", {"error": str(error)[:ERROR_LIMIT], "permanent": True}
        except RetryIn as error:
            return "fail", {"error": str(error)[:ERROR_LIMIT], "retry_in": error.seconds}
        except Snooze as snooze:
            return "snooze", {"until": snooze.until.isoformat()}
        except Release:
            return "release", {}
        except Exception as error:
            log.exception("%s %s failed", job.task, job.id)
            return "fail", {"error": f"{type(error).__name__}: {error}"[:ERROR_LIMIT]}

    def call(self, job: Job) -> Any:
        """Call the handler of a job; return its result."""
        return self._handlers[job.task](job)

    def _report(self, job: Job, verb: str, body: dict[str, Any]) -> None:
        """Report how a job ended, over an outage of Kontor too; a lost lease is noted and logged."""
        try:
            self._end(job, verb, body)
        except LeaseLost:
            job.note_lost()
            log.warning("%s %s: the lease was lost, the job is another worker's", job.task, job.id)
        except (TypeError, ValueError) as error:
            self._report(job, "fail", {"error": f"The result is no JSON: {error}", "permanent": True})
        except Problem as problem:
            if verb != "complete" or problem.status != 422:
                log.error("%s %s: %s was refused: %s", job.task, job.id, verb, problem)
                return
            self._report(job, "fail", {"error": f"The result was refused: {problem.detail}", "permanent": True})
        except KontorError as error:
            log.error("%s %s: %s could not be reported: %s", job.task, job.id, verb, error)

    def _end(self, job: Job, verb: str, body: dict[str, Any], retry: Retry = LASTING) -> None:
        self._ending.add(job.lease)
        # Repeated, it is answered as the first time, so it needs no Idempotency-Key.
        path = f"/v1/leases/{job.lease}/{verb}"
        self._kontor.transport.request(
            "POST", path, body=body or None, idempotency_key="", repeatable=True, retry=retry
        )

    def _let_go(self, job: Job) -> None:
        """Give a job back at once; where that fails, its lease ends by itself."""
        job.note_lost()
        try:
            self._end(job, "release", {}, NO_RETRY)
        except KontorError as error:
            log.warning("%s %s could not be given back: %s", job.task, job.id, error)
        self._forget(job)

    def _forget(self, job: Job) -> None:
        self._held.pop(job.lease, None)
        self._ending.discard(job.lease)

    def _finish(self) -> None:
        """Wait for running jobs, as long as the grace lasts; give the others back."""
        with self._free:
            self._free.wait_for(lambda: not self._held, self._grace)
        for job in list(self._held.values()):
            log.warning("%s %s did not finish in time and was given back", job.task, job.id)
            self._let_go(job)

    def _send_heartbeats(self, over: threading.Event) -> None:
        """Prolong every lease until the worker is over."""
        pause = self._beat
        while not over.wait(pause):
            began = time.monotonic()
            answered = {self._prolong(job) for job in list(self._held.values())}
            pause = max(0.0, self._beat - (time.monotonic() - began)) if answered <= {True} else min(1.0, self._beat)

    def _prolong(self, job: Job) -> bool:
        """Prolong one lease; whether Kontor answered."""
        try:
            document = self._kontor.transport.request(
                "POST", f"/v1/leases/{job.lease}/heartbeat", idempotency_key="", retry=NO_RETRY
            )
        except LeaseLost:
            if job.lease not in self._ending and job.lease in self._held:
                job.note_lost()
                log.warning("%s %s: the lease was lost", job.task, job.id)
        except KontorError as error:
            log.warning("%s %s: no heartbeat: %s", job.task, job.id, error)
            return False
        else:
            if document["cancel_requested"]:
                job.note_cancelled()
        return True
