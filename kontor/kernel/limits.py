"""The table of limits (security.md 2): names, defaults and windows, and the error beyond one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from kontor.kernel.errors import NotFound, TooManyAttempts
from kontor.kernel.login_throttle import FAILURE_WINDOW, MAX_FAILURES, NETWORK_FAILURES, NETWORK_WINDOW

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)
SECOND: Final = timedelta(seconds=1)


class Counted(StrEnum):
    """By what a limit counts."""

    ADDRESS = "address"
    ACCOUNT = "account"
    CLIENT = "client"
    RESELLER = "reseller"
    TENANT = "tenant"
    KEY = "key"
    NETWORK = "network"
    PROCESS = "process"


class Beyond(StrEnum):
    """What happens beyond a limit. held: the mail waits. folded: the mail is listed in a digest."""

    REFUSED = "refused"
    HELD = "held"
    FOLDED = "folded"
    WAITS = "waits"


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit. `window` None: counts what exists at once. `real_time`: not by the business clock.

    `owner`: whose override may replace the value, besides the one for all; None: only that one.
    `fixed`: the value is part of how a process is built.
    """

    name: str
    default: int
    counts: Counted
    what: str
    window: timedelta | None = None
    beyond: Beyond = Beyond.REFUSED
    real_time: bool = False
    owner: Counted | None = Counted.RESELLER
    fixed: bool = False


STRANGERS_FIRST_WEEK: Final = Limit(
    "mails_to_strangers_first_week", 50, Counted.RESELLER, "mails to addresses that never confirmed, first week",
    WEEK, Beyond.HELD,
)  # fmt: skip
STRANGERS: Final = Limit(
    "mails_to_strangers", 200, Counted.RESELLER, "mails to addresses that never confirmed", DAY, Beyond.HELD
)
ADDRESS_MAILS: Final = Limit("mails_to_address", 50, Counted.ADDRESS, "mails to one address", DAY, Beyond.FOLDED)
ACTIVATIONS: Final = Limit("activation_mails", 3, Counted.ADDRESS, "activation mails to one address", HOUR)
OFFER_MAILS: Final = Limit("offer_mails_again", 3, Counted.CLIENT, "mails of offers sent again to a client", HOUR)
SIGN_IN_LINKS: Final = Limit("sign_in_links", 5, Counted.ADDRESS, "links to sign in mailed to one address", HOUR)
ADDRESS_CHANGES: Final = Limit("address_changes", 5, Counted.ACCOUNT, "changes of an account's admin address", DAY)
MERGE_REQUESTS: Final = Limit("merge_requests", 5, Counted.RESELLER, "requests for a merge, by mail", DAY)
CLIENTS: Final = Limit("clients", 100, Counted.RESELLER, "clients made", HOUR)
OFFERS_OPEN: Final = Limit("offers_open", 100, Counted.CLIENT, "offers open")
OFFERS_SENT: Final = Limit("offers_sent", 1_000, Counted.RESELLER, "offers sent", DAY)
ENDPOINTS: Final = Limit("webhook_endpoints", 10, Counted.ACCOUNT, "webhook endpoints")
API_RATE: Final = Limit(
    "api_rate", 50, Counted.KEY, "API requests, in bursts of 4 s' worth", SECOND, real_time=True, owner=Counted.KEY
)
API_RATE_OPERATORS: Final = Limit(
    "api_rate_operators", 2_000, Counted.KEY, "API requests of a key with operate or admin, in bursts of 4 s' worth",
    SECOND, real_time=True, owner=Counted.KEY,
)  # fmt: skip
WAITING: Final = Limit(
    "waiting", 1_000, Counted.KEY, "requests that wait at once (`wait`, leases)", real_time=True, owner=Counted.KEY
)
WAITING_PROCESS: Final = Limit(
    "waiting_process", 4_000, Counted.PROCESS, "requests that wait at once", real_time=True, owner=None
)
JOBS_UNFINISHED: Final = Limit("jobs_unfinished", 1_000_000, Counted.TENANT, "jobs unfinished, of bound keys")
NAMES: Final = Limit(
    "names_at_once", 4, Counted.TENANT, "names looked up at once", beyond=Beyond.WAITS, real_time=True, owner=None,
    fixed=True,
)  # fmt: skip
BODY_BYTES: Final = Limit(
    "body_bytes", 64 * 1024 * 1024, Counted.PROCESS, "bytes of bodies over 64 KiB at once, half of them a key's",
    real_time=True, owner=None, fixed=True,
)  # fmt: skip
SIGN_IN_ACCOUNT: Final = Limit(
    "sign_in_account", MAX_FAILURES, Counted.NETWORK, "failed sign-ins to one account, from one network or device",
    FAILURE_WINDOW, real_time=True, owner=None,
)  # fmt: skip
SIGN_IN_NETWORK: Final = Limit(
    "sign_in_network", NETWORK_FAILURES, Counted.NETWORK, "failed sign-ins from one network", NETWORK_WINDOW,
    real_time=True, owner=None,
)  # fmt: skip

LIMITS: Final = (
    STRANGERS_FIRST_WEEK,
    STRANGERS,
    ADDRESS_MAILS,
    ACTIVATIONS,
    OFFER_MAILS,
    SIGN_IN_LINKS,
    ADDRESS_CHANGES,
    MERGE_REQUESTS,
    CLIENTS,
    OFFERS_OPEN,
    OFFERS_SENT,
    ENDPOINTS,
    API_RATE,
    API_RATE_OPERATORS,
    WAITING,
    WAITING_PROCESS,
    JOBS_UNFINISHED,
    NAMES,
    BODY_BYTES,
    SIGN_IN_ACCOUNT,
    SIGN_IN_NETWORK,
)
BURST_SECONDS: Final = 4
"""A key that was quiet may send this many seconds' worth of requests at once."""


def limit_named(name: str) -> Limit:
    """Return a limit. Raises NotFound."""
    for limit in LIMITS:
        if limit.name == name:
            return limit
    raise NotFound("unknown_limit", f"There is no limit {name!r}: `kontor limits list` names them.")


class LimitReached(TooManyAttempts):
    """A limit is reached (429 `too_many`); `retry_after` says when the next one is accepted at the earliest."""

    def __init__(self, limit: Limit, allowed: int, retry_after: timedelta) -> None:
        each = "" if limit.window is None else f" in {spoken(limit.window)}"
        message = f"Too many: the limit {limit.name} allows {allowed:,} {limit.what}{each}. Try again later."
        super().__init__(retry_after, "too_many", message, limit=limit.name, allowed=allowed)
        self.limit = limit
        self.allowed = allowed


def spoken(window: timedelta) -> str:
    """Return a window in words."""
    words = {SECOND: "1 s", FAILURE_WINDOW: "15 min", HOUR: "1 h", DAY: "24 h", WEEK: "7 days"}
    return words.get(window, f"{int(window.total_seconds())} s")


class Spent(NamedTuple):
    """Requests of a key that a process let through since it last told the others; the key's rate per second."""

    requests: int
    rate: int
