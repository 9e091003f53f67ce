"""The `kontor` command: assembles its commands and prints errors as one line on stderr."""

import sys
from types import TracebackType

import typer

from kontor.adapters.embedded.endpoints import AlreadyOwned
from kontor.adapters.embedded.process import StartFailed
from kontor.adapters.settings import SettingsError
from kontor.cli import (
    access,
    accounts,
    audit,
    domains,
    engine,
    imports,
    limits,
    mails,
    money,
    operators,
    processes,
    programmes,
    task_types,
)
from kontor.kernel.errors import Invalid, KontorError

EXPECTED = (SettingsError, StartFailed, AlreadyOwned, KontorError)


def build() -> typer.Typer:
    """Build the command line."""
    app = typer.Typer(
        name="kontor",
        help="The back office of a reseller programme.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    for command in (processes.web, processes.worker, processes.relay, processes.scheduler):
        app.command()(command)
    app.command(hidden=True)(processes.catcher)
    app.command()(processes.up)
    app.command()(processes.demo)
    app.command()(processes.migrate)
    app.command()(processes.doctor)
    app.command()(money.reconcile)
    app.command()(programmes.simulate)
    app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(processes.bench)
    groups = {
        "programme": programmes.app,
        "accounts": accounts.app,
        "keys": access.keys_app,
        "operator": operators.app,
        "audit": audit.app,
        "jobs": engine.jobs_app,
        "mails": mails.app,
        "queues": engine.queues_app,
        "schedules": engine.schedules_app,
        "domains": domains.app,
        "discounts": money.app,
        "import": imports.app,
        "secrets": access.secrets_app,
        "limits": limits.app,
        "tasks": task_types.app,
    }
    for name, group in groups.items():
        app.add_typer(group(), name=name)
    return app


AWAY = {
    "psycopg": "start PostgreSQL, or correct DATABASE_URL",
    "sqlalchemy": "start PostgreSQL, or correct DATABASE_URL",
    "redis": "start Redis, or correct REDIS_URL",
}


def remedy_of(kind: type[BaseException]) -> str | None:
    """Return what to do when a server is unavailable; None for other errors."""
    names = {base.__name__ for base in kind.__mro__}
    return AWAY.get(kind.__module__.partition(".")[0]) if names & {"OperationalError", "RedisError"} else None


def explain(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Print an error on one line."""
    message = " ".join(str(getattr(error, "orig", None) or error).split()) or kind.__name__
    expected = isinstance(error, EXPECTED)
    if (remedy := remedy_of(kind)) is not None:
        message, expected = f"{message}: {remedy}", True
    for field in error.errors if isinstance(error, Invalid) else ():
        print(f"  {field.loc}: {field.msg}", file=sys.stderr)
    print(
        f"kontor: {message}" if expected else f"kontor: {kind.__name__}: {message} (--debug shows more)",
        file=sys.stderr,
    )


def main() -> int:
    """Run one command; exit codes: 0 success, 1 failure, 2 usage error."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    if len(arguments) == len(sys.argv) - 1:
        sys.excepthook = explain
    # Calling the app itself would replace the exception hook.
    typer.main.get_command(build())(arguments, prog_name="kontor")
    return 0


if __name__ == "__main__":
    sys.exit(main())
