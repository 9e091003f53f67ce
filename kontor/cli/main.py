"""The `kontor` command: assembles its commands and prints errors as one line on stderr."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import Annotated, Final

import typer

from kontor.adapters.data_directory import NoDataDirectory
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
    listen,
    mails,
    money,
    operators,
    processes,
    programmes,
    task_types,
)
from kontor.kernel.errors import Invalid, KontorError

EXPECTED = (SettingsError, StartFailed, AlreadyOwned, NoDataDirectory, KontorError)
LOCATIONS: Final[Mapping[str, str]] = {"--data-dir": "KONTOR_DATA_DIR", "--env-file": "KONTOR_ENV_FILE"}


SANDBOX: Final = "--sandbox"
HAVING_ONE: Final = frozenset({"up", "web", "migrate"})
"""Commands of a deployment that has a sandbox; all others work in it."""
COMMIT: Final = Path(__file__).resolve().parents[1] / "commit.txt"
"""Written by `make build` into the wheel."""


def installed(*, as_json: bool) -> str:
    """Return one line, or one JSON document `{version, commit, schema}`; an unknown commit is null."""
    from workers.connections import installed_version
    from workers.migrations import ROOT, newest_revision

    version, commit, schema = installed_version(), commit_of(ROOT), newest_revision()
    if as_json:
        return json.dumps(dict(version=version, commit=commit, schema=schema))  # noqa: C408 -- a text "commit" would look like SQL
    return f"kontor {version} (commit {commit or 'unknown'}, schema {schema})"


def commit_of(checkout: Path) -> str | None:
    """Return the commit of the wheel or of the checkout, None where neither says."""
    if COMMIT.exists():
        return COMMIT.read_text().strip()
    if not (checkout / ".git").exists():
        return None
    argv = ["git", "-C", str(checkout), "rev-parse", "--short=12", "HEAD"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=10)
    except FileNotFoundError:
        return None
    return done.stdout.strip() or None


def print_version(value: bool) -> None:
    """Print version, commit and schema, and exit."""
    if value:
        print(installed(as_json="--json" in sys.argv))
        raise typer.Exit


def options(
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print version, commit and schema.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", hidden=True)] = False,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="The data directory: KONTOR_DATA_DIR; default .kontor.")
    ] = None,
    env_file: Annotated[
        Path | None, typer.Option("--env-file", help="The settings file; default: .env beside the data directory.")
    ] = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Work in the sandbox; up, web and migrate: have one beside live data.")
    ] = False,
) -> None:
    """The back office of a reseller programme."""


def without_sandbox(arguments: Sequence[str]) -> list[str]:
    """Take --sandbox out, wherever it stands, into the setting that it means for this command."""
    before = list(takewhile(lambda argument: argument != "--", arguments))
    if SANDBOX not in before:
        return list(arguments)
    kept = [argument for argument in before if argument != SANDBOX]
    command = next((argument for argument in kept if not argument.startswith("-")), "")
    os.environ["KONTOR_SANDBOX" if command in HAVING_ONE else "KONTOR_IN_SANDBOX"] = "1"
    return [*kept, *arguments[len(before) :]]


def without_locations(arguments: Sequence[str]) -> list[str]:
    """Take --data-dir and --env-file out, wherever they stand, into the settings that they set."""
    rest, options, ended = iter(arguments), list[str](), False
    for argument in rest:
        name, equals, text = argument.partition("=")
        ended = ended or argument == "--"
        if ended or name not in LOCATIONS:
            options.append(argument)
            continue
        value = text if equals else next(rest, "")
        if not value:
            return [*options, argument]  # the parser says that its value is missing
        os.environ[LOCATIONS[name]] = str(Path(value).absolute())
    return options


GROUPS: Final[Mapping[str, Callable[[], typer.Typer]]] = {
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
    "sandbox": processes.sandbox_app,
}


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
    app.callback()(options)
    for command in (processes.web, processes.worker, processes.relay, processes.scheduler):
        app.command()(command)
    app.command(hidden=True)(processes.catcher)
    whole: tuple[Callable[..., None], ...] = (
        *(processes.up, processes.demo, processes.migrate, processes.doctor),
        *(money.reconcile, programmes.simulate, listen.listen),
    )
    for single in whole:
        app.command()(single)
    app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(processes.bench)
    for name, group in GROUPS.items():
        app.add_typer(group(), name=name)
    return app


AWAY = {
    "psycopg": "start PostgreSQL, or correct DATABASE_URL",
    "sqlalchemy": "start PostgreSQL, or correct DATABASE_URL",
    "redis": "start Redis, or correct REDIS_URL",
}


NO_DATABASE: Final = re.compile(r'database "[^"]+" does not exist')


def remedy_of(kind: type[BaseException]) -> str | None:
    """Return what to do when a server is unavailable; None for other errors."""
    names = {base.__name__ for base in kind.__mro__}
    return AWAY.get(kind.__module__.partition(".")[0]) if names & {"OperationalError", "RedisError"} else None


def explain(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Print an error on one line; several fields, of a file, on a line each before it."""
    message = " ".join(str(getattr(error, "orig", None) or error).split()) or kind.__name__
    expected, errors = isinstance(error, EXPECTED), error.errors if isinstance(error, Invalid) else ()
    if (remedy := remedy_of(kind)) is not None and NO_DATABASE.search(message):
        remedy = "create it (that of the sandbox: `kontor up --sandbox`), or correct DATABASE_URL"
    if remedy is not None:
        message, expected = f"{message}: {remedy}", True
    if len(errors) == 1:
        message = f"{errors[0].loc}: {errors[0].msg}"
    for field in errors if len(errors) > 1 else ():
        print(f"  {field.loc}: {field.msg}", file=sys.stderr)
    print(
        f"kontor: {message}" if expected else f"kontor: {kind.__name__}: {message} (--debug shows more)",
        file=sys.stderr,
    )


def explain_usage(error: typer.TyperException) -> int:
    """Print what is wrong with the words of a command on one line, and return its exit code."""
    message, ctx = error.format_message(), getattr(error, "ctx", None)
    if message.startswith("Usage:"):
        print(message, file=sys.stderr)  # the help of a group that was called without a command
    else:
        hint = f" ({ctx.command_path} --help tells more)" if ctx else ""
        print(f"kontor: {' '.join(message.split())}{hint}", file=sys.stderr)
    return error.exit_code


def main() -> int:
    """Run one command; exit codes: 0 success, 1 failure, 2 usage error."""
    sys.argv[1:] = without_sandbox(without_locations(sys.argv[1:]))
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    if len(arguments) == len(sys.argv) - 1:
        sys.excepthook = explain
    try:
        # Calling the app itself would replace the exception hook.
        ended = typer.main.get_command(build()).main(arguments, prog_name="kontor", standalone_mode=False)
    except typer.TyperException as error:
        return explain_usage(error)
    return int(ended or 0)


if __name__ == "__main__":
    sys.exit(main())
