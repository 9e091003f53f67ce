"""`kontor web`, `worker`, `relay`, `scheduler`, `catcher`, `up`, `migrate`, `doctor`."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kontor.adapters import data_directory
from kontor.adapters.logs import configure_logs
from kontor.adapters.sandbox import sandbox_of
from kontor.adapters.settings import Environment, Settings, SettingsError, load
from kontor.adapters.tracing_off import disable_sdk
from kontor.cli.context import running_settings
from kontor.cli.output import Json, print_facts, print_json, print_wrapped

if TYPE_CHECKING:
    from workers.first_login import FirstLogin


@contextmanager
def served(role: str) -> Iterator[Settings]:
    """Provide settings and their servers to a process, once the database has the schema of this release.

    The first process on a restored copy holds back what goes outside.
    """
    with running_settings(role) as settings:
        from workers.namespaces import register
        from workers.schema import await_schema

        if await_schema(settings):
            register(settings)
        yield settings


Port = Annotated[int | None, typer.Option("--port", help="TCP port of the web process.", min=1, max=65535)]


def web(port: Port = None) -> None:
    """Serve the API, the console and the public pages."""
    with served("web") as settings:
        from workers.web import run

        run(settings if port is None else replace(settings, port=port))


def worker() -> None:
    """Run jobs."""
    with served("worker") as settings:
        from workers.worker import run

        run(settings)


def relay() -> None:
    """Notify workers of new jobs and recover jobs of lost workers."""
    with served("relay") as settings:
        from workers.relay import run

        run(settings)


def scheduler() -> None:
    """Enqueue jobs of due schedules."""
    with served("scheduler") as settings:
        from scheduler import run

        run(settings)


def catcher() -> None:
    """Receive mails and store them as files, for machines without a mail server."""
    with running_settings("catcher") as settings:
        from devtools.mail_catcher import run

        run(settings)


def up(
    port: Port = None,
    credentials_file: Annotated[
        Path | None,
        typer.Option("--credentials-file", help="Where a first start leaves its login; default: the data directory."),
    ] = None,
) -> None:
    """Run everything on this machine until Ctrl-C."""
    if port is not None:
        os.environ["PORT"] = str(port)
    environment: Environment = load()
    if environment.otlp_endpoint is None:
        disable_sdk()
    configure_logs(environment.log, "up")
    from workers.up import run

    roles = {role.__name__: role for role in (web, worker, relay, scheduler, catcher)}
    run(environment, roles, greet, credentials_file and credentials_file.absolute())


def greet(settings: Settings, login: "FirstLogin | None") -> None:
    """Print the URLs and, on the first start, where the login is; the login itself on a terminal only."""
    lines = [
        "Kontor is up. Press Ctrl-C to stop it.",
        f"  console   {settings.console_url or settings.public_url}/console",
        f"  API       {settings.public_url}/v1, described at {settings.public_url}/docs",
        f"  mail      {settings.smtp_url}",
    ]
    if settings.sandbox:
        lines.append(f"  sandbox   calls of the API with the key in {settings.data_dir / data_directory.SANDBOX_KEY}")
    if login is not None:
        lines.append(f"First start. A login and an API key are in {login.path} (readable by you alone).")
    if login is not None and sys.stdout.isatty():
        lines += [
            f"  operator  {login.email}, one-time password {login.password} (expires in 24 hours)",
            f"  API key   {login.api_key}",
        ]
    print("\n".join(lines), flush=True)


def demo(
    as_json: Json = False,
    stay: Annotated[
        bool | None,
        typer.Option("--stay/--no-stay", help="Go on until Ctrl-C; by default on a terminal."),
    ] = None,
) -> None:
    """Run the example programmes' stories with real processes, HTTP and SMTP; leaves nothing behind."""
    from rich.console import Console

    from devtools.demo.runner import demo_document, print_demo
    from workers.up import exit_on_signal

    signal.signal(signal.SIGTERM, exit_on_signal)
    if as_json:
        print_json(demo_document(Console(stderr=True)))
    else:
        print_demo(Console(), stay=sys.stdout.isatty() if stay is None else stay)


def migrate(as_json: Json = False) -> None:
    """Migrate the database to the latest schema."""
    with running_settings("migrate") as settings:
        from workers import migrations, schema
        from workers.connections import require_key, require_sessions

        require_sessions(settings)
        require_key(settings)
        before = migrations.revision(settings.direct_url)
        migrations.migrate(settings.direct_url)
        after = migrations.revision(settings.direct_url)
        require_key(settings)
        if settings.sandbox:
            from workers import sandbox

            sandbox.prepare(settings)
    if after is None:
        raise SettingsError("there are no migrations")
    print_facts({"from": before, "to": after}, as_json=as_json)
    sys.stdout.flush()
    schema.stay()


def bench(context: typer.Context) -> None:
    """Benchmark Kontor against its peers; takes the options of `python -m bench`."""
    root = Path(__file__).resolve().parents[2]
    os.chdir(root)
    os.execv(sys.executable, [sys.executable, "-m", "bench", *context.args])


def sandbox_app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="The sandbox.", no_args_is_help=True)
    group.command("reset")(reset_sandbox)
    return group


def reset_sandbox(as_json: Json = False) -> None:
    """Empty the sandbox and set its clock back; its keys stay."""
    with running_settings() as settings:
        from workers import sandbox

        filled = sandbox.reset(settings if settings.in_sandbox else sandbox_of(settings))
    print_facts({"emptied": filled}, as_json=as_json)


MARKS = {"ok": "ok  ", "warning": "warn", "problem": "FAIL"}


def doctor(as_json: Json = False) -> None:
    """Check settings, PostgreSQL, Redis, SMTP, migrations, clock and stuck work; exit 1 on a problem."""
    from workers.doctor import run_checks

    with running_settings() as settings:
        findings = list(run_checks(settings))
    if as_json:
        print_json({"items": [asdict(finding) for finding in findings], "next": None})
    else:
        for finding in findings:
            print_wrapped(f"{MARKS[finding.state]}  {finding.subject:<11} ", finding.text)
            if finding.remedy:
                print_wrapped(f"      {'':<11} -> ", finding.remedy)
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)
