"""Everything on one machine under one supervisor, and the first operator and key."""

import importlib
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from kontor.adapters import data_directory
from kontor.adapters.database_url import libpq_url
from kontor.adapters.embedded import endpoints
from kontor.adapters.embedded.servers import owned_servers
from kontor.adapters.settings import Environment, Settings, SettingsError, missing_server, settings_from
from workers.connections import require_key, require_sessions
from workers.namespaces import namespace_of
from workers.schema import is_prepared
from workers.supervisor import ForkedProcess, SupervisedProcess, Supervisor

if TYPE_CHECKING:
    from workers.first_login import FirstLogin

Roles = Mapping[str, Callable[[], object]]
LOOPBACK = "127.0.0.1"
SANDBOX_ROLES = ("relay", "worker", "scheduler")
EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 -- compared with, not listened on


def free_port() -> int:
    """Return a free TCP port."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        return int(probe.getsockname()[1])


def claim_port(host: str, port: int) -> None:
    """Check that a port is free before anything starts; a killed owner of it gets 1 s to end. Raises SettingsError."""
    deadline = time.monotonic() + endpoints.DYING_SECONDS
    while True:
        try:
            socket.create_server((host, port), family=family_of(host)).close()
        except OSError:
            if time.monotonic() > deadline:
                raise SettingsError(f"port {port} is in use: choose another with --port or PORT") from None
            time.sleep(endpoints.POLL)
        else:
            return


def family_of(host: str) -> socket.AddressFamily:
    """Return the family of an address to listen on."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def is_listening(host: str, port: int) -> bool:
    """Whether a process listens on a port of this machine."""
    try:
        socket.create_connection((LOOPBACK if host in EVERYWHERE else host, port), timeout=0.5).close()
    except OSError:
        return False
    return True


def exit_on_signal(number: int, frame: FrameType | None) -> None:
    """Exit with clean-up; a signal handler."""
    sys.exit(128 + number)


@contextmanager
def embedded(environment: Environment) -> Iterator[tuple[Settings, Sequence[SupervisedProcess]]]:
    """Yield settings and the embedded servers to supervise: none when both URLs are configured."""
    if environment.database_url is not None and environment.redis_url is not None:
        yield settings_from(environment, None), ()
        return
    only = missing_server(environment)
    with owned_servers(environment.data_dir.resolve(), only=only, attempts=None) as servers:
        yield settings_from(environment, servers.endpoints), servers.running[::-1]


def with_catcher(environment: Environment, settings: Settings) -> Settings:
    """Direct mail to a catcher on a free port, unless a mail server is configured."""
    if environment.smtp_url is not None:
        return settings
    return replace(settings, smtp_url=f"smtp://{LOOPBACK}:{free_port()}")


def child_processes(settings: Settings, roles: Roles, *, catcher: bool) -> list[SupervisedProcess]:
    """Return the processes of one machine in start order."""
    environ = settings.environ()
    names = ["web", "relay", *["worker"] * settings.worker_processes, "scheduler"]
    if catcher:
        names.insert(0, "catcher")
    children: list[SupervisedProcess] = [ForkedProcess(name, roles[name], environ) for name in names]
    if settings.sandbox:
        inside = {**environ, "KONTOR_IN_SANDBOX": "1"}
        children += [ForkedProcess(f"{name} --sandbox", roles[name], inside) for name in SANDBOX_ROLES]
    return children


def preload() -> None:
    """Import shared modules once, before the roles are forked."""
    importlib.import_module("scheduler")
    importlib.import_module("workers.relay")
    importlib.import_module("workers.worker")


def prepare(settings: Settings, credentials_file: Path) -> "FirstLogin | None":
    """Prepare the databases; return the first login if one was made."""
    login = prepare_live(settings, credentials_file)
    if settings.sandbox:
        from workers import sandbox

        sandbox.prepare(settings, settings.data_dir / data_directory.SANDBOX_KEY)
    return login


def prepare_live(settings: Settings, credentials_file: Path) -> "FirstLogin | None":
    """Migrate and create the first login; a prepared database skips both and their imports."""
    if is_prepared(libpq_url(settings.direct_url)):
        return None
    from workers.migrations import migrate

    migrate(settings.direct_url)
    from workers.first_login import first_login

    return first_login(settings, credentials_file)


def run(
    environment: Environment,
    roles: Roles,
    greet: Callable[[Settings, "FirstLogin | None"], None],
    credentials_file: Path | None = None,
) -> None:
    """Run until Ctrl-C or SIGTERM; call `greet` once when the web process responds.

    `credentials_file`: where a first start leaves its login, by default in the data directory.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, exit_on_signal)
    if environment.in_sandbox:
        raise SettingsError("KONTOR_IN_SANDBOX is for single processes: use KONTOR_SANDBOX, or `kontor up --sandbox`")
    claim_port(environment.host, environment.port)
    data_directory.begin(environment.data_dir.resolve())
    with ExitStack() as stack:
        embedded_settings, servers = stack.enter_context(embedded(environment))
        settings = with_catcher(environment, embedded_settings)
        require_sessions(settings)
        endpoints.prepare(settings.data_dir)
        login = prepare(settings, credentials_file or settings.data_dir / "first-login.json")
        require_key(settings)
        settings = replace(settings, namespace=namespace_of(settings))
        addresses = endpoints.Endpoints(
            settings.database_url, settings.redis_url, settings.smtp_url, settings.public_url
        )
        if servers:
            endpoints.publish(settings.data_dir, addresses)
        preload()
        children = child_processes(settings, roles, catcher=environment.smtp_url is None)
        Supervisor(children, servers).run(
            lambda: is_listening(settings.host, settings.port), lambda: greet(settings, login)
        )
