"""Forwards leased jobs of a remote Kontor to a URL, in the form of pushes: `job.run`, `job.verify`, `job.cancel`."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from kontor.cli.forwarding import LONGEST_PAUSE, POLL, Document, Forwarder, RemoteKontor, Unanswered
from kontor.kernel.errors import Conflict, Forbidden
from kontor.kernel.ports import HttpReply
from kontor.webhooks.signing import message_body

LEASE_WAIT: Final = 5
MOST_JOBS: Final = 10
ACCEPTED: Final = 202
REFUSED: Final = 422
RUN: Final = "job.run"
VERIFY: Final = "job.verify"
CANCEL: Final = "job.cancel"

Ending = tuple[str | None, Document]
"""The call that says how an attempt ended, and its body; None: the receiver works on."""


@dataclass(slots=True)
class HeldJob:
    """A leased job that the receiver has not answered. `over`: it was cancelled; `deaf`: it does not cancel."""

    item: Document
    over: bool = False
    deaf: bool = False

    @property
    def id(self) -> str:
        """The job's id, which every message but its cancellation has too."""
        return str(self.item["job"]["id"])

    @property
    def task(self) -> str:
        """The job's task."""
        return str(self.item["job"]["task"])

    @property
    def lease(self) -> str:
        """Its lease."""
        return str(self.item["lease"])

    def data(self) -> Document:
        """Return the data of `job.run` and `job.verify`, as a push handler gets them."""
        job = self.item["job"]
        named = {name: job[name] for name in ("account", "reseller", "external_id") if job[name] is not None}
        same = {name: job[name] for name in ("task", "attempt", "args")}
        return {"job_id": job["id"], **same, **named, "lease": self.lease, "token": self.item["token"]}


@dataclass(frozen=True, slots=True)
class JobForwarding:
    """Leases jobs of pull types and hands each to the receiver as a push; it is asked about those that `verify` names.

    Pull types have no `job.verify` of their own: a worker says itself whether it can tell what it did.
    """

    to: Forwarder
    tasks: Sequence[str]
    verify: Sequence[str]
    worker: str
    held: dict[str, HeldJob] = field(default_factory=dict)
    threads: list[threading.Thread] = field(default_factory=list)

    def run(self) -> None:
        """Forward jobs until the command stops; those that nobody answered are given back."""
        asked = {"tasks": list(self.tasks), "max": MOST_JOBS, "wait": LEASE_WAIT, "worker": self.worker, "tokens": True}
        watch = threading.Thread(target=self._watch, daemon=True)
        watch.start()
        while not self.to.remote.stopping.is_set():
            leased = self.to.remote.call("POST", "/v1/leases", body=asked)
            for item in [] if leased is None else leased["items"]:
                held = self.held[item["lease"]] = HeldJob(item)
                thread = threading.Thread(target=self._forward, args=(held,), daemon=True)
                thread.start()
                self.threads.append(thread)
            self.threads[:] = [thread for thread in self.threads if thread.is_alive()]
        for thread in [*self.threads, watch]:
            thread.join(LONGEST_PAUSE)

    def _forward(self, held: HeldJob) -> None:
        try:
            verb, document = self._ended(held)
        finally:
            self.held.pop(held.lease, None)
        if verb is not None and not held.over:
            self._call(held.lease, verb, document)

    def _ended(self, held: HeldJob) -> Ending:
        """Send `job.run`, after a call that was not answered `job.verify` first; return how the attempt ended."""
        asks = any(fnmatchcase(held.task, pattern) for pattern in self.verify)
        while True:
            try:
                return _ending(self._send(held, RUN, repeats=not asks))
            except Unanswered:
                ending = _verified(self._send(held, VERIFY))
            if ending is not None:
                return ending

    def _send(self, held: HeldJob, message: str, *, repeats: bool = True) -> HttpReply | None:
        body = message_body(message, self.to.clock.wall_time(), held.data())
        return self.to.send(held.id, f"{message} {held.task}", body, lambda: self._keeps(held), repeats=repeats)

    def _keeps(self, held: HeldJob) -> bool:
        """Prolong a lease; whether the job is still to be done."""
        beat = None if held.over else self._call(held.lease, "heartbeat", {})
        return beat is not None and not beat["cancel_requested"]

    def _watch(self) -> None:
        """Ask the receiver to stop when somebody cancels a job that it has not answered."""
        while not self.to.remote.stopping.wait(POLL):
            for held in [held for held in list(self.held.values()) if not held.deaf]:
                beat = self._call(held.lease, "heartbeat", {})
                if held.lease in self.held and beat is not None and beat["cancel_requested"]:
                    self._cancel(held)

    def _cancel(self, held: HeldJob) -> None:
        """Send `job.cancel`; answered 2xx, the attempt is over."""
        data = {"job_id": held.id, "task": held.task, "lease": held.lease}
        body = message_body(CANCEL, self.to.clock.wall_time(), data)
        reply = self.to.send(f"{held.id}.cancel", f"{CANCEL} {held.task}", body, lambda: held.lease in self.held)
        held.deaf = True
        if reply is not None and 200 <= reply.status < 300 and held.lease in self.held:
            held.over = True
            self._call(held.lease, "release", {})

    def _call(self, lease: str, verb: str, document: Document) -> Document | None:
        """Make a call of a lease; None when it was lost, or the answer was refused."""
        stopping = self.to.remote.stopping
        remote = self.to.remote if not stopping.is_set() else _once(self.to.remote)
        try:
            return remote.call("POST", f"/v1/leases/{lease}/{verb}", body=document or None)
        except (Conflict, Forbidden) as error:
            if verb != "heartbeat" or lease in self.held:
                self.to.remote.report(f"{verb} of a job was refused: {error.message}")
            return None


def _once(remote: RemoteKontor) -> RemoteKontor:
    """Return the API for last calls of a command that stops."""
    return RemoteKontor(remote.http, threading.Event(), lambda _: None)


def _ending(reply: HttpReply | None) -> Ending:
    """Return how an attempt ended, by the table of answers."""
    if reply is None:
        return "release", {}
    if reply.status == ACCEPTED:
        return None, {}
    if not 200 <= reply.status < 300:
        return _failed(reply)
    members = _members(reply)
    if members is None:
        return "fail", {"error": f"answered {reply.status} with a body that is no JSON object"}
    return "complete", {"result": members.get("result")}


def _verified(reply: HttpReply | None) -> Ending | None:
    """Return how an attempt ended by the answer to `job.verify`; None: it was not done."""
    if reply is None:
        return "release", {}
    if not 200 <= reply.status < 300:
        return _failed(reply)
    members = _members(reply) or {}
    match members.get("state"):
        case "done":
            return "complete", {"result": members.get("result")}
        case "not_done":
            return None
        case "unknown":
            error = "the handler does not know whether it was done; a person decides"
            return "fail", {"error": error, "permanent": True}
        case _:
            return "fail", {"error": "the handler's answer to job.verify has no state done, not_done or unknown"}


def _failed(reply: HttpReply) -> Ending:
    text = reply.body.decode("utf-8", "replace")
    return "fail", {"error": f"answered {reply.status}: {text[:200]}", "permanent": reply.status == REFUSED}


def _members(reply: HttpReply) -> Document | None:
    """Return the members of an answer, {} of an empty one; None for what is no JSON object."""
    text = reply.body.decode("utf-8", "replace")
    try:
        members = json.loads(text) if text.strip() else {}
    except ValueError:
        return None
    return members if isinstance(members, dict) else None
