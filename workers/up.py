"""Everything on one machine: servers, web, workers, relay, scheduler, mail catcher, under one supervisor."""

import importlib
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING

from adapters.embedded import endpoints
from adapters.embedded.servers import owned_servers
from adapters.environment import Environment, SettingsError
from adapters.settings import Settings, settings_from
from store.revision import is_prepared
from workers.program import Program
from workers.supervisor import Child, Supervisor

if TYPE_CHECKING:
    from workers.first_start import Credentials

Roles = Mapping[str, Callable[[], object]]
LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A TCP port nobody listens on now."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        return int(probe.getsockname()[1])


def claim_port(port: int) -> None:
    """Refuse a port that is taken, before anything starts."""
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError:
        raise SettingsError(f"port {port} is in use: choose another with --port or PORT") from None


def answers(port: int) -> bool:
    """Whether something listens on a port of this machine."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=0.5).close()
    except OSError:
        return False
    return True


def leave(number: int, frame: FrameType | None) -> None:
    """End the process by way of its clean-up."""
    sys.exit(128 + number)


@contextmanager
def embedded(environment: Environment) -> Iterator[tuple[Settings, Sequence[Child]]]:
    """Settings, and the servers to watch over: none when both were given."""
    if environment.database_url is not None and environment.redis_url is not None:
        yield settings_from(environment, None), ()
        return
    with owned_servers(environment.data_dir.resolve()) as servers:
        yield settings_from(environment, servers.endpoints), (servers.postgres, servers.valkey)


def with_catcher(environment: Environment, settings: Settings) -> Settings:
    """Settings whose mail goes to a catcher on a free port, unless a server was given."""
    if environment.smtp_url is not None:
        return settings
    return replace(settings, smtp_url=f"smtp://{LOOPBACK}:{free_port()}")


def children_of(settings: Settings, roles: Roles, *, catcher: bool) -> list[Child]:
    """The processes of one machine, in the order in which they start."""
    environ = settings.environ()
    names = ["web", "relay", *["worker"] * settings.worker_processes, "scheduler"]
    if catcher:
        names.insert(0, "catcher")
    return [Program(name, roles[name], environ) for name in names]


def preload() -> None:
    """Import what most roles need, once, before they are forked."""
    importlib.import_module("scheduler")
    importlib.import_module("workers.relay")
    importlib.import_module("workers.worker")


def prepare(settings: Settings) -> "Credentials | None":
    """Migrate, and make the first credentials; on a prepared database neither is even imported."""
    if is_prepared(settings.database_url.replace("+psycopg", "", 1)):
        return None
    from store.schema import migrate
    from workers.first_start import first_credentials

    migrate(settings.database_url)
    return first_credentials(settings)


def run(environment: Environment, roles: Roles, greet: Callable[[Settings, "Credentials | None"], None]) -> None:
    """Run until Ctrl-C or SIGTERM; `greet` is called once when the web process answers."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    claim_port(environment.port)
    with ExitStack() as stack:
        found, servers = stack.enter_context(embedded(environment))
        settings = with_catcher(environment, found)
        credentials = prepare(settings)
        endpoints.prepare(settings.data_dir)
        places = endpoints.Endpoints(settings.database_url, settings.redis_url, settings.smtp_url, settings.public_url)
        if servers:
            endpoints.publish(settings.data_dir, places)
        preload()
        children = children_of(settings, roles, catcher=environment.smtp_url is None)
        Supervisor(children, servers).run(lambda: answers(settings.port), lambda: greet(settings, credentials))
