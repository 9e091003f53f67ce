"""`kontor operator`: who may sign in to the console."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from kontor.cli.context import ReasonOption, command_context
from kontor.cli.output import Json, Wide, print_facts, print_rows
from kontor.kernel.errors import Invalid

if TYPE_CHECKING:
    from kontor.audit import Actor
    from kontor.cli.context import CommandContext
    from models.people import Operator

Who = Annotated[str, typer.Argument(metavar="EMAIL", help="The operator's e-mail address, or id.")]
RoleOption = Annotated[str, typer.Option("--role", metavar="ROLE", help="viewer, operator or admin.")]


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="Console logins.", no_args_is_help=True)
    group.command("create")(create)
    group.command("list")(list_operators)
    group.command("role")(set_role)
    group.command("disable")(disable)
    group.command("enable")(enable)
    group.command("reset")(reset)
    group.command("sessions")(sessions)
    return group


def create(
    email: Annotated[str, typer.Option(metavar="ADDRESS", help="E-mail address, used to sign in.")],
    role: RoleOption,
    as_json: Json = False,
) -> None:
    """Create a login; its one-time password is shown only once and expires after 24 hours."""
    from kontor.adapters.secrets import Argon2Passwords
    from kontor.operators import service

    with command_context() as ctx:
        created = service.create(
            ctx.session, Argon2Passwords(), email, role, now=ctx.now, actor=_actor(ctx, None), wall_time=ctx.wall_time
        )
    print_facts({**_facts(created.operator), "password": created.password}, as_json=as_json)


def list_operators(as_json: Json = False, wide: Wide = False) -> None:
    """List logins, oldest first, with their second factors and last use."""
    from kontor.operators import queries

    with command_context() as ctx:
        factors, used = queries.factor_kinds(ctx.session), queries.last_seen(ctx.session)
        rows = [
            {
                **_facts(operator),
                "created_at": operator.created_at,
                "disabled_at": operator.disabled_at,
                "one_time_password": operator.one_time,
                "second_factors": factors.get(operator.id, []),
                "last_seen_at": used.get(operator.id),
            }
            for operator in queries.list_operators(ctx.session)
        ]
    first = ("email", "role", "last_seen_at", "disabled_at")
    empty = "No logins yet. Create one with `kontor operator create`."
    print_rows(rows, as_json=as_json, wide=wide, first=first, empty=empty)


def set_role(who: Who, role: RoleOption, reason: ReasonOption = None, as_json: Json = False) -> None:
    """Change a login's role; the last admin keeps it."""
    from kontor.operators import service

    with command_context() as ctx:
        operator = service.named(ctx.session, who)
        service.set_role(ctx.session, operator.id, role, _actor(ctx, reason), ctx.now)
        print_facts(_facts(operator), as_json=as_json)


def disable(who: Who, reason: ReasonOption = None, as_json: Json = False) -> None:
    """Block a login and end its sessions; the last admin cannot be disabled."""
    from kontor.operators import service

    with command_context() as ctx:
        operator = service.named(ctx.session, who)
        service.disable(ctx.session, operator.id, _actor(ctx, reason), ctx.now)
        print_facts({**_facts(operator), "disabled_at": operator.disabled_at}, as_json=as_json)


def enable(who: Who, reason: ReasonOption = None, as_json: Json = False) -> None:
    """Allow a disabled login to sign in again."""
    from kontor.operators import service

    with command_context() as ctx:
        operator = service.named(ctx.session, who)
        service.enable(ctx.session, operator.id, _actor(ctx, reason), ctx.now)
        print_facts({**_facts(operator), "disabled_at": operator.disabled_at}, as_json=as_json)


def reset(
    who: Who,
    factors: Annotated[
        bool, typer.Option("--second-factor", help="Also remove authenticator app, passkeys and recovery codes.")
    ] = False,
    reason: ReasonOption = None,
    as_json: Json = False,
) -> None:
    """Set a one-time password, shown only once, and end all sessions; it expires after 24 hours."""
    from kontor.adapters.secrets import Argon2Passwords
    from kontor.operators import service

    with command_context() as ctx:
        operator = service.named(ctx.session, who)
        password = service.reset_password(
            ctx.session, Argon2Passwords(), operator.id, _actor(ctx, reason), ctx.now,
            wall_time=ctx.wall_time, factors=factors,
        )  # fmt: skip
    print_facts({**_facts(operator), "password": password}, as_json=as_json)


def sessions(
    who: Who,
    end: Annotated[UUID | None, typer.Option("--end", metavar="ID", help="End this session.")] = None,
    end_all: Annotated[bool, typer.Option("--end-all", help="End all of them.")] = False,
    reason: ReasonOption = None,
    as_json: Json = False,
    wide: Wide = False,
) -> None:
    """List a login's sessions with place and device, the one used last first, or end them."""
    from kontor.http.browsers import device_name
    from kontor.operators import service
    from kontor.operators import sessions as operator_sessions

    if end is not None and end_all:
        raise Invalid("invalid", "Use either --end or --end-all.")
    with command_context() as ctx:
        operator = service.named(ctx.session, who)
        alive = operator_sessions.list_sessions(ctx.session, operator.id, ctx.wall_time)
        for session_id in [opened.id for opened in alive] if end_all else [] if end is None else [end]:
            service.end_session(ctx.session, operator, session_id, _actor(ctx, reason), ctx.now)
        rows = [
            {
                "id": opened.id,
                "created_at": opened.created_at,
                "seen_at": opened.seen_at,
                "expires_at": opened.expires_at,
                "origin": opened.origin,
                "device": device_name(opened.agent) or None,
            }
            for opened in operator_sessions.list_sessions(ctx.session, operator.id, ctx.wall_time)
        ]
    first = ("id", "seen_at", "device")
    print_rows(rows, as_json=as_json, wide=wide, first=first, empty="No sessions.")


def _facts(operator: "Operator") -> dict[str, object]:
    return {"id": operator.id, "email": operator.email, "role": operator.role}


def _actor(ctx: "CommandContext", reason: str | None) -> "Actor":
    from kontor.audit import Actor

    return Actor(ctx.actor, "cli", reason)
