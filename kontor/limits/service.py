"""Limits: their values with overrides, and the counting of windowed ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor import audit
from kontor.audit import Actor
from kontor.http.limits import ALL, overrides_of
from kontor.kernel import database
from kontor.kernel.database import PgConnection, psycopg_connection
from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.limits import JOBS_UNFINISHED, LIMITS, WEEK, Counted, Limit, LimitReached, limit_named
from kontor.kernel.validation import address_key
from kontor.limits import queries

HIGHEST: Final = 1_000_000_000
KEEP: Final = WEEK + timedelta(days=1)
MOST: Final[Mapping[str, str]] = MappingProxyType(
    {
        "offers_open": """
            SELECT account_id, count(*) FROM offers WHERE state IN ('waiting', 'waiting_for_confirmation')
            AND expires_at > %(now)s GROUP BY 1 ORDER BY 2 DESC LIMIT 1""",
        "webhook_endpoints": """
            SELECT reseller_id, count(*) FROM webhook_endpoints
            WHERE deleted_at IS NULL AND reseller_id IS NOT NULL AND %(now)s IS NOT NULL
            GROUP BY 1 ORDER BY 2 DESC LIMIT 1""",
    }
)
"""Who has the most, for limits that count what exists."""


def allowed(session: Session, limit: Limit, owner: UUID | None = None) -> int:
    """Return the value of a limit: the owner's override, else that for all, else the default."""
    subjects = [] if owner is None else [str(owner)]
    values = overrides_of(psycopg_connection(session), [limit.name], subjects)
    return effective(values, limit, owner)


def effective(values: Mapping[tuple[str, str], int], limit: Limit, owner: UUID | None) -> int:
    """Return the value that holds for an owner among overrides."""
    own = values.get((limit.name, str(owner))) if owner is not None else None
    return own if own is not None else values.get((limit.name, ALL), limit.default)


def require(limit: Limit, count: int, most: int, retry_after: timedelta) -> None:
    """Raise LimitReached if `count` things exist and no further one is allowed."""
    if count >= most:
        raise LimitReached(limit, most, retry_after)


def take(session: Session, limit: Limit, subject: str, now: datetime, owner: UUID | None = None) -> None:
    """Count one use of a windowed limit; callers for the same subject take turns. Raises LimitReached."""
    free_in = time_to_next(session, limit, subject, now, owner)
    if free_in is not None:
        raise LimitReached(limit, allowed(session, limit, owner), free_in)
    count(session, limit, subject, now)


def time_to_next(
    session: Session, limit: Limit, subject: str, now: datetime, owner: UUID | None = None
) -> timedelta | None:
    """Return when the next use is allowed; None if it is now. Locks the subject until the transaction ends."""
    assert limit.window is not None
    database.lock_names(session, f"limit:{limit.name}:{subject}")
    most = allowed(session, limit, owner)
    times = queries.uses(session, limit.name, subject, now - limit.window, now, most)
    if len(times) < most:
        return None
    return times[-1] + limit.window - now if times else limit.window


def unfinished_jobs(connection: PgConnection, tenant: str) -> tuple[int, int]:
    """Return how many jobs of a tenant are unfinished, counted up to its limit, and that limit."""
    values = overrides_of(connection, [JOBS_UNFINISHED.name], [tenant])
    most = values.get((JOBS_UNFINISHED.name, tenant), values.get((JOBS_UNFINISHED.name, ALL), JOBS_UNFINISHED.default))
    return queries.unfinished_jobs(connection, tenant, most), most


def room(session: Session, limit: Limit, subject: str, now: datetime, owner: UUID | None = None) -> int:
    """Return how many further uses are allowed now. Locks the subject until the transaction ends."""
    database.lock_names(session, f"limit:{limit.name}:{subject}")
    return left(session, limit, subject, now, owner)


def left(session: Session, limit: Limit, subject: str, now: datetime, owner: UUID | None = None) -> int:
    """Return how many further uses are allowed now, for a preview: without a lock, others may use them."""
    assert limit.window is not None
    most = allowed(session, limit, owner)
    return most - len(queries.uses(session, limit.name, subject, now - limit.window, now, most))


def count(session: Session, limit: Limit, subject: str, now: datetime) -> None:
    """Count one use, whatever the limit."""
    queries.add_use(session, limit.name, subject, now)


def of_address(address: str) -> str:
    """Return the digest under which an address is counted; no address stands in the table."""
    return sha256(address_key(address).encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class OverrideView:
    """An override; `subject` is the id of a reseller or key, None for all."""

    subject: str | None
    value: int
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class LimitView:
    """A limit with its value for all and its overrides; `busiest` is who uses the most of it now."""

    limit: Limit
    value: int
    overrides: tuple[OverrideView, ...]
    busiest: tuple[str, int] | None


def list_limits(session: Session, now: datetime) -> list[LimitView]:
    """Return every limit in the order of the table."""
    stored = queries.overrides(session)
    views = []
    for limit in LIMITS:
        own = tuple(
            OverrideView(row.subject or None, row.value, row.set_by, row.set_at)
            for row in stored
            if row.name == limit.name
        )
        value = next((each.value for each in own if each.subject is None), limit.default)
        views.append(LimitView(limit, value, own, _busiest(session, limit, now)))
    return views


def _busiest(session: Session, limit: Limit, now: datetime) -> tuple[str, int] | None:
    if limit.name in MOST:
        return queries.most_of(session, MOST[limit.name], now)
    if limit.window is None or limit.real_time:
        return None
    most = queries.busiest(session, limit.name, now - limit.window, now)
    return None if most is None else (most.subject, most.uses)


def set_limit(
    session: Session, name: str, value: int | None, actor: Actor, now: datetime, subject: UUID | None = None
) -> LimitView:
    """Set the value of a limit for all or for one reseller or key; None restores the default.

    Raises NotFound(`unknown_limit`), Invalid.
    """
    limit = limit_named(name)
    _validate(limit, value)
    target = ALL if subject is None else str(subject)
    before = overrides_of(psycopg_connection(session), [name], [target]).get((name, target))
    if value is None:
        queries.remove(session, name, target)
    else:
        queries.save(session, name, target, value, actor.name, now)
    detail = {"before": before, "after": value, "subject": target or "all"}
    audit.record(session, actor, "limit.set", f"limit:{name}", at=now, detail=detail)
    session.flush()
    return next(view for view in list_limits(session, now) if view.limit is limit)


def owner_kind(name: str, *, reseller: bool, key: bool) -> None:
    """Raise Invalid if a limit takes no override of that kind of owner."""
    limit = limit_named(name)
    kind = Counted.RESELLER if reseller else Counted.KEY if key else limit.owner
    if kind is not limit.owner:
        per = "" if limit.owner is None else f" or per {limit.owner}"
        message = f"The limit {name} is set for all{per}, not per {kind}."
        raise Invalid("invalid", message, errors=[FieldError("name", message)])


def _validate(limit: Limit, value: int | None) -> None:
    if limit.fixed:
        message = f"The limit {limit.name} is fixed."
        raise Invalid("invalid", message, errors=[FieldError("name", message)])
    least = 1 if limit.owner is None else 0
    if value is not None and not least <= value <= HIGHEST:
        message = f"A limit is a whole number from {least} to {HIGHEST:,}."
        raise Invalid("invalid", message, errors=[FieldError("value", message)])


def tidy(session: Session, now: datetime) -> None:
    """Delete uses that count no more."""
    queries.delete_uses(session, now - KEEP)
