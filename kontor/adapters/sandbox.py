"""The sandbox of a deployment: the settings of its own database, and adapters that let nothing out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from kontor.adapters.database_url import connection_parameters, url_of
from kontor.adapters.settings import Settings, default_namespace
from kontor.kernel.errors import Unreachable
from kontor.kernel.ports import HttpReply

SUFFIX: Final = "_sandbox"
NAME_LIMIT: Final = 63
"""The longest name of a database in PostgreSQL, in bytes."""
THREADS: Final = 4
PUBLIC_ADDRESS: Final = "8.8.8.8"
"""What every name resolves to when a URL is stored; nothing connects to it."""
VERIFY: Final = "job.verify"
STATUSES: Final = range(100, 600)
RESULT: Final = {"sandbox": True}


def sandbox_of(settings: Settings) -> Settings:
    """Return the settings of a deployment's sandbox: its own database, keys, clock and namespace; nothing goes out.

    Its keys are made of SECRET_KEY, so that no token of the one is valid in the other and no process of the one opens
    the other's database.
    """
    direct = settings.database_direct_url
    database_url = sandbox_url(settings.database_url)
    return replace(
        settings,
        database_url=database_url,
        database_direct_url=None if direct is None else sandbox_url(direct),
        secret_key=",".join(own_key(key) for key in settings.secret_keys),
        namespace="",
        earlier_namespace=default_namespace(database_url),
        metrics_token=None,
        test_clock=True,
        test_clock_start=None,
        sandbox=False,
        in_sandbox=True,
        worker_threads=min(settings.worker_threads, THREADS),
        dkim_key=None,
        otlp_endpoint=None,
        crash_point=None,
        identity_provider=None,
    )


def sandbox_url(url: str) -> str:
    """Return the URL of the sandbox's database, on the same server."""
    parameters = connection_parameters(url)
    return url_of({**parameters, "dbname": sandbox_name(parameters)})


def sandbox_name(parameters: Mapping[str, str]) -> str:
    """Return the name of the sandbox's database from libpq's parameters of the live one."""
    live = parameters.get("dbname") or parameters.get("user") or "postgres"
    return live.encode()[: NAME_LIMIT - len(SUFFIX)].decode("utf-8", "ignore") + SUFFIX


def own_key(secret_key: str) -> str:
    """Return the sandbox's key for one of SECRET_KEY's."""
    return sha256(f"kontor sandbox {secret_key}".encode()).hexdigest()


class SimulatedHttp:
    """Implements HttpSender and HttpReader of kontor.kernel.ports for instances and handlers, without a network.

    A URL whose last part is a status, such as `/503`, answers that; all others answer that it was done.
    """

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """Answer as a receiver in good order would."""
        status = chosen_status(url)
        if status is not None:
            return HttpReply(status, {}, b"")
        answer = {"state": "not_done"} if kind_of(body) == VERIFY else {"result": RESULT}
        return HttpReply(200, {"content-type": "application/json"}, json.dumps(answer).encode())

    def get(self, url: str, limit: int) -> HttpReply:
        """Raise Unreachable: no file is fetched."""
        raise Unreachable("the sandbox fetches nothing", sent=False)


def chosen_status(url: str) -> int | None:
    """Return the status that a URL asks for, None for none."""
    last = urlsplit(url).path.rpartition("/")[2]
    return int(last) if last.isascii() and last.isdecimal() and int(last) in STATUSES else None


def kind_of(body: bytes) -> object:
    """Return the type of a message."""
    try:
        message = json.loads(body)
    except ValueError:
        return None
    return message.get("type") if isinstance(message, dict) else None


class CaughtMail:
    """Implements kontor.kernel.ports.MailTransport: every message stays in the mail log."""

    def send(self, envelope_from: str, recipient: str, raw: bytes) -> None:
        """Accept the message."""

    def close(self) -> None:
        """Do nothing."""


async def simulated_lookup(host: str, port: int, tenant: str) -> Sequence[str]:
    """Resolve any name to a public address; an address is itself."""
    try:
        return [str(ip_address(host.strip("[]")))]
    except ValueError:
        return [PUBLIC_ADDRESS]
