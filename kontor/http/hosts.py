"""Which host serves what: the staff's, the provider's, and the domains that resellers and clients verified."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from starlette.types import Scope

from kontor.http.context import Deps
from kontor.http.problems import Unavailable
from kontor.http.transaction import run_on_connection
from kontor.kernel.errors import KontorError

KEPT_SECONDS: Final = 3.0
"""How long an answer about a domain holds; a domain verified or revoked takes effect within this time."""
KEPT: Final = 10_000
DOMAIN: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9-]+(\.[a-z0-9-]+)+", re.ASCII)
PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}
FORWARDED: Final = frozenset(
    {b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip"}
)
OWNERS: Final = "SELECT domain, account_id FROM verified_domains WHERE domain = ANY(%s) AND verified_at IS NOT NULL"
log = structlog.get_logger(__name__)


class Surface(StrEnum):
    """What a host serves."""

    STAFF = "staff"
    PROVIDER = "provider"
    DOMAIN = "domain"


NOWHERE: Final[frozenset[Surface]] = frozenset()
BOTH: Final = frozenset({Surface.STAFF, Surface.PROVIDER})
PROVIDERS: Final = frozenset({Surface.PROVIDER})
PAGES: Final = frozenset({Surface.PROVIDER, Surface.DOMAIN})
PLACES: Final[Mapping[str, frozenset[Surface]]] = {
    "console": frozenset({Surface.STAFF}),
    "metrics": frozenset({Surface.STAFF}),
    "v1": frozenset({Surface.PROVIDER}),
    "docs": BOTH,
    "openapi.json": BOTH,
    "offers": PAGES,
    "activate": PAGES,
    "invite": PAGES,
    "confirm": PAGES,
    "object": PAGES,
    "unsubscribe": PAGES,
    "images": PAGES,
    "": PAGES | BOTH,
    "login": PAGES,
    "logout": PAGES,
    "sign-in": PAGES,
    "embed": PAGES,
    "account": PAGES,
    "updates": PAGES,
    "as": PROVIDERS,
    "partner": PROVIDERS,
    "signup": PROVIDERS,
}
"""Where a path is served, by its first part; others are served on the hosts of the deployment alone."""


def is_served(path: str, surfaces: frozenset[Surface]) -> bool:
    """Whether a host with these surfaces serves a path."""
    return bool(PLACES.get(path.split("/", 2)[1], BOTH) & surfaces)


@lru_cache(maxsize=4_096)
def is_loopback(host: str) -> bool:
    """Whether a name or address leads to the machine itself."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def is_local(scope: Scope) -> bool:
    """Whether a request comes from this machine and was not forwarded from another."""
    client = scope.get("client")
    forwarded = any(name in FORWARDED for name, _ in scope["headers"])
    return client is not None and is_loopback(client[0]) and not forwarded


def split_host(text: str) -> tuple[str, int | None]:
    """Return name and port of a Host header, in lower case; an unreadable one has an empty name."""
    name, colon, port = text.strip().lower().rpartition(":")
    if not colon or text.endswith("]"):
        return text.strip().lower(), None
    return (name, int(port)) if port.isdecimal() and len(port) < 6 else ("", None)


@dataclass(frozen=True, slots=True)
class Hosts:
    """The deployment's own hosts by (name, port). `loopback`: what the machine's own names serve, on `ports`."""

    named: Mapping[tuple[str, int], frozenset[Surface]]
    loopback: frozenset[Surface]
    ports: frozenset[int]
    https: frozenset[Surface]

    @classmethod
    def of(cls, public_url: str, staff_url: str) -> "Hosts":
        """Build them from PUBLIC_URL and the console's address."""
        named: dict[tuple[str, int], frozenset[Surface]] = {}
        loopback, ports, https = NOWHERE, frozenset[int](), NOWHERE
        for url, surface in ((public_url, Surface.PROVIDER), (staff_url, Surface.STAFF)):
            parts = urlsplit(url)
            name, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
            named[name, port] = named.get((name, port), NOWHERE) | {surface}
            if is_loopback(name):
                loopback, ports = loopback | {surface}, ports | {port}
            if parts.scheme == "https":
                https |= {surface}
        return cls(named, loopback, ports, https)

    def surfaces(self, host: str, own_port: int | None) -> frozenset[Surface]:
        """Return what a Host header's host serves; nothing for a host that is not the deployment's."""
        name, port = split_host(host)
        if is_loopback(name) and (port is None or port in self.ports or port == own_port):
            return self.loopback
        ports = PORTS.values() if port is None else (port,)
        return frozenset().union(*(self.named.get((name, number), NOWHERE) for number in ports))

    def is_https(self, surfaces: frozenset[Surface]) -> bool:
        """Whether browsers shall use https alone there: a domain is reached as the provider is."""
        return bool(self.https & (surfaces | ({Surface.PROVIDER} if Surface.DOMAIN in surfaces else NOWHERE)))


@dataclass(frozen=True, slots=True)
class KeptOwners:
    """The accounts that verified a domain, as read; read again from `until` on."""

    owners: frozenset[UUID]
    until: float


class DomainOwners:
    """Who verified a domain: kept for seconds, one query at a time for all that ask. Lives in the event loop."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._kept: dict[str, KeptOwners] = {}
        self._asked: dict[str, asyncio.Future[frozenset[UUID]]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def owners(self, host: str) -> frozenset[UUID]:
        """Return the accounts that verified a host's domain. Raises Unavailable."""
        domain, _ = split_host(host)
        if not DOMAIN.fullmatch(domain):
            return frozenset()
        loop = asyncio.get_running_loop()
        kept = self._kept.get(domain)
        if kept is not None and loop.time() < kept.until:
            return kept.owners
        asked = self._asked.get(domain)
        if asked is None:
            asked = self._asked[domain] = loop.create_future()
        if self._reading is None or self._reading.done():
            self._reading = loop.create_task(self._read())
        return await asyncio.shield(asked)

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        while self._asked:
            asked, self._asked = self._asked, {}
            try:
                owners = await loop.run_in_executor(self._deps.threads, self._query, list(asked))
                self._keep({domain: owners.get(domain, frozenset()) for domain in asked})
            except KontorError as error:
                log.warning("hosts.domains_not_read", error=error.message)
            finally:
                self._tell(asked)

    def _keep(self, owners: Mapping[str, frozenset[UUID]]) -> None:
        until = asyncio.get_running_loop().time() + KEPT_SECONDS
        if len(self._kept) + len(owners) > KEPT:
            self._kept.clear()
        self._kept.update({domain: KeptOwners(accounts, until) for domain, accounts in owners.items()})

    def _tell(self, asked: Mapping[str, "asyncio.Future[frozenset[UUID]]"]) -> None:
        """Answer those who asked: while the database is away as before, or that it is."""
        for domain, waiting in asked.items():
            kept = self._kept.get(domain)
            if waiting.done():
                continue
            if kept is None:
                waiting.set_exception(Unavailable())
            else:
                waiting.set_result(kept.owners)

    def _query(self, domains: list[str]) -> Mapping[str, frozenset[UUID]]:
        rows: Iterable[tuple[str, UUID]] = run_on_connection(
            self._deps, lambda connection: connection.execute(OWNERS, (domains,)).fetchall()
        )
        owners: dict[str, frozenset[UUID]] = {}
        for domain, account_id in rows:
            owners[domain] = owners.get(domain, frozenset()) | {account_id}
        return owners
