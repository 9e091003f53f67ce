"""Names to resolve (security.md 2): a deadline, a bound per tenant, and answers kept for as long as they hold."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from asyncio import AbstractEventLoop, Semaphore
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dns.asyncresolver import Resolver
from dns.exception import DNSException, Timeout
from dns.rdatatype import RdataType
from dns.resolver import NXDOMAIN, Answer, NoAnswer

from kontor.kernel.ports import DnsUnavailable

DEADLINE_SECONDS: Final = 2.0
AT_ONCE: Final = 4
"""Look-ups at once for one tenant."""
FAILURE_SECONDS: Final = 5.0
SHORTEST_TTL: Final = 1.0
LONGEST_TTL: Final = 300.0
KEPT: Final = 10_000
"""Answers kept at most; the one that ends first leaves."""
SERVERS_SECONDS: Final = 1.9
"""Patience with the name servers: ends before the deadline of a caller who did not wait for its turn, so that the
failure is kept; what a caller's waiting cut short says nothing about the name and is not kept."""
SERVER_SECONDS: Final = 0.7
"""Patience with one name server before the next is asked."""
HOSTS: Final = Path("/etc/hosts")
LOOPBACK: Final = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer and when it ends, by the monotonic clock. `error`: why there is none."""

    until: float
    strings: tuple[str, ...] = ()
    error: OSError | None = None


@dataclass(slots=True)
class Tenant:
    """Look-ups of one tenant: those that run hold a place, all are counted."""

    places: Semaphore = field(default_factory=lambda: Semaphore(AT_ONCE))
    count: int = 0


def system_resolver() -> Resolver:
    """Return a resolver with the name servers of this moment. Raises DNSException when none are configured."""
    resolver = Resolver()
    resolver.timeout = SERVER_SECONDS
    return resolver


class Names:
    """Looks names up on an event loop of its own; no caller waits for another tenant's name server. Thread-safe."""

    def __init__(
        self,
        resolver: Callable[[], Resolver] = system_resolver,
        *,
        hosts: Path = HOSTS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolver = resolver
        self._hosts = hosts
        self._monotonic = monotonic
        self._kept: dict[tuple[str, RdataType], Kept] = {}
        self._tenants: dict[str, Tenant] = {}
        self._lock = threading.Lock()
        self._loop: AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    async def lookup(self, host: str, port: int, tenant: str = "") -> Sequence[str]:
        """Resolve to IP addresses without a thread. Raises TimeoutError after 2 s, OSError for an unknown name."""
        return await asyncio.wrap_future(self._submit(self._addresses(host, port), tenant))

    def resolve(self, host: str, port: int) -> Sequence[str]:
        """Resolve to IP addresses; the bound holds per host. Raises TimeoutError after 2 s, OSError."""
        return self._submit(self._addresses(host, port), host).result()

    def txt(self, name: str, tenant: str = "") -> Sequence[str]:
        """Return the TXT strings of a name, empty when there are none. Raises DnsUnavailable."""
        try:
            return self._submit(self._ask(name, RdataType.TXT), tenant).result()
        except UnknownName:
            return ()
        except OSError as error:
            raise _no_answer(name, error) from error

    async def lookup_txt(self, name: str, tenant: str = "") -> Sequence[str]:
        """Return the TXT strings of a name without a thread, empty when there are none. Raises DnsUnavailable."""
        try:
            return await asyncio.wrap_future(self._submit(self._ask(name, RdataType.TXT), tenant))
        except UnknownName:
            return ()
        except OSError as error:
            raise _no_answer(name, error) from error

    def close(self) -> None:
        """Stop the event loop; look-ups that still wait are cancelled."""
        with self._lock:
            loop, self._loop = self._loop, None
            thread, self._thread = self._thread, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(DEADLINE_SECONDS)

    def _submit(self, work: Coroutine[None, None, tuple[str, ...]], tenant: str) -> Future[tuple[str, ...]]:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_serve, args=(self._loop,), name="names", daemon=True)
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(self._in_turn(work, tenant), self._loop)

    async def _in_turn(self, work: Coroutine[None, None, tuple[str, ...]], tenant_name: str) -> tuple[str, ...]:
        """Run a look-up when its tenant has a place free; waiting counts towards the deadline."""
        tenant = self._tenants.setdefault(tenant_name, Tenant())
        tenant.count += 1
        try:
            async with asyncio.timeout(DEADLINE_SECONDS), tenant.places:
                return await work
        finally:
            work.close()
            tenant.count -= 1
            if tenant.count == 0:
                self._tenants.pop(tenant_name, None)

    async def _addresses(self, host: str, port: int) -> tuple[str, ...]:
        literal = _literal(host, port)
        if literal:
            return literal
        listed = _listed(self._hosts, host)
        if listed:
            return listed
        answers = await asyncio.gather(
            self._ask(host, RdataType.A), self._ask(host, RdataType.AAAA), return_exceptions=True
        )
        addresses = tuple(address for answer in answers if isinstance(answer, tuple) for address in answer)
        if addresses:
            return addresses
        raise next((answer for answer in answers if isinstance(answer, BaseException)), UnknownName(host))

    async def _ask(self, name: str, kind: RdataType) -> tuple[str, ...]:
        """Return the kept answer, or ask a name server and keep what it says."""
        key = (name.lower().rstrip("."), kind)
        kept = self._kept.get(key)
        if kept is None or kept.until <= self._monotonic():
            kept = await self._fresh(name, kind)
            self._keep(key, kept)
        if kept.error is not None:
            raise type(kept.error)(*kept.error.args)
        return kept.strings

    async def _fresh(self, name: str, kind: RdataType) -> Kept:
        try:
            search = kind is not RdataType.TXT
            answer = await self._resolver().resolve(name, kind, lifetime=SERVERS_SECONDS, search=search)
        except (NXDOMAIN, NoAnswer):
            return self._failure(UnknownName(f"{name} has no {kind.name} record"))
        except Timeout:
            return self._failure(TimeoutError(f"no name server answered for {name} within {DEADLINE_SECONDS:g} s"))
        except (DNSException, OSError, UnicodeError) as error:
            return self._failure(OSError(f"{name} cannot be resolved: {error}"))
        ttl = min(max(float(answer.chaining_result.minimum_ttl), SHORTEST_TTL), LONGEST_TTL)
        return Kept(self._monotonic() + ttl, _strings(answer, kind))

    def _failure(self, error: OSError) -> Kept:
        return Kept(self._monotonic() + FAILURE_SECONDS, error=error)

    def _keep(self, key: tuple[str, RdataType], kept: Kept) -> None:
        if len(self._kept) >= KEPT:
            now = self._monotonic()
            for old in [old for old, entry in self._kept.items() if entry.until <= now]:
                del self._kept[old]
        if len(self._kept) >= KEPT:
            del self._kept[min(self._kept, key=lambda old: self._kept[old].until)]
        self._kept[key] = kept


def _serve(loop: AbstractEventLoop) -> None:
    """Run the loop until it is stopped; then end what still waits for an answer."""
    try:
        loop.run_forever()
    finally:
        waiting = asyncio.all_tasks(loop)
        for task in waiting:
            task.cancel()
        if waiting:
            loop.run_until_complete(asyncio.wait(waiting))
        loop.close()


def _no_answer(name: str, error: OSError) -> DnsUnavailable:
    problem = f"no answer within {DEADLINE_SECONDS:g} s" if isinstance(error, TimeoutError) else str(error)
    return DnsUnavailable(name, problem)


class UnknownName(OSError):
    """The name servers say that there is no such name, or no record of the kind."""


def _literal(host: str, port: int) -> tuple[str, ...]:
    """Return the address that a host in numbers stands for, in every form that a connection would accept."""
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return ()
    return tuple(str(entry[4][0]) for entry in entries)


def _listed(hosts: Path, host: str) -> tuple[str, ...]:
    """Return the addresses that the machine's own table gives a name."""
    name = host.lower().rstrip(".")
    try:
        lines = hosts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    words = [line.split("#", 1)[0].split() for line in lines]
    listed = tuple(dict.fromkeys(line[0] for line in words if name in (word.lower() for word in line[1:])))
    return listed or (LOOPBACK if name == "localhost" else ())


def _strings(answer: Answer, kind: RdataType) -> tuple[str, ...]:
    if kind is RdataType.TXT:
        return tuple(b"".join(record.strings).decode("utf-8", "replace") for record in answer)
    return tuple(str(record.address) for record in answer)
