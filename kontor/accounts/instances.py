"""Customers' instances: their address and signing secret."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from kontor.accounts import client_list
from kontor.accounts.payloads import InstancePing
from kontor.audit import Actor
from kontor.engine import lanes
from kontor.engine.admin import lanes as admin_lanes
from kontor.engine.enqueue import Jobs
from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import NotFound
from kontor.kernel.failure_causes import FailureCause, failure_cause
from kontor.kernel.ports import OutgoingCall, SecretBox
from kontor.licences.service import INSTANCE, account_of_lane, instance_lane
from kontor.offers.queries import lock_account
from kontor.offers.views import InstanceMessage
from kontor.webhooks import signing
from models.accounts import Account, Instance
from models.control import BreakerState, Lane

NONE: Final = "The account has no instance: PUT /v1/accounts/{id}/instance sets one."


class InstanceState(StrEnum):
    """Whether an account has an instance, and whether calls to it go through; `held`: by an operator."""

    NONE = "none"
    OK = "ok"
    DOWN = "down"
    HELD = "held"


LANE_STATES: Final[Mapping[BreakerState, InstanceState]] = {
    BreakerState.OPEN: InstanceState.DOWN,
    BreakerState.FORCED: InstanceState.HELD,
}


ANSWERED: Final = "lane = %(lane)s AND state = 'succeeded' AND tenant = %(tenant)s ORDER BY id DESC LIMIT 1"
LAST_SUCCESS: Final = f"""
SELECT max(finished_at) FROM (
    (SELECT finished_at FROM jobs WHERE {ANSWERED})
    UNION ALL (SELECT finished_at FROM jobs_archive WHERE {ANSWERED})) AS answered
"""  # noqa: S608 -- constants


@dataclass(frozen=True, slots=True)
class InstanceHealth:
    """How an instance does. `since`: of the trouble; `cause`: of the last failed call, None while calls go through.

    `next_try_at`: of the next call, None while none is due or none is made by itself. `succeeded_at`: of the last call
    for its present reseller that was answered, None for none in the time that jobs are kept.
    """

    url: str
    state: InstanceState
    succeeded_at: datetime | None
    since: datetime | None = None
    next_try_at: datetime | None = None
    cause: FailureCause | None = None


@dataclass(frozen=True, slots=True)
class InstanceSecret:
    """An instance's URL and its secret, which is shown only here."""

    url: str
    secret: str = field(repr=False)


def put(
    session: Session, secret_box: SecretBox, account_id: UUID, url: str, secret: str | None, now: datetime
) -> InstanceSecret:
    """Set or replace an account's instance; the previous secret also signs for 24 h.

    An open lane is probed at once. The caller checks the URL first, outside the transaction
    (`addresses.AddressGuard`).
    Raises NotFound, Invalid(`invalid_secret`).
    """
    account = lock_account(session, account_id)
    if account is None or account.deleted_at is not None:
        raise NotFound
    plain = signing.validate_or_generate(secret)
    instance = get(session, account_id, lock=True)
    if instance is None:
        sealed = secret_box.seal(plain)
        session.add(Instance(account_id=account_id, url=url, secret_sealed=sealed, created_at=now, updated_at=now))
    else:
        signing.replace_secret(secret_box, instance, plain, now)
        instance.url, instance.updated_at = url, now
        probe_now(session, instance_lane(account_id), now)
    session.flush()
    return InstanceSecret(url, plain)


def build_call(
    session: Session, secret_box: SecretBox, account_id: UUID, message: InstanceMessage, now: datetime
) -> OutgoingCall:
    """Build the call that sends a message to an account's instance, signed with every valid secret.

    Raises NotFound(`no_instance`).
    """
    instance = get(session, account_id)
    if instance is None:
        raise NotFound("no_instance", NONE)
    secrets = signing.valid_secrets(secret_box, instance, now)
    return OutgoingCall(instance.url, message.webhook_id, message.body, secrets)


def get(session: Session, account_id: UUID, *, lock: bool = False) -> Instance | None:
    """Return an account's instance; lock it before a change."""
    return session.get(Instance, account_id, with_for_update=lock or None, populate_existing=lock)


def origin_of(session: Session, account_id: UUID) -> str | None:
    """Return scheme, host and port of an account's instance, as browsers name an origin; None without an instance."""
    instance = get(session, account_id)
    if instance is None:
        return None
    parts = urlsplit(instance.url)
    port = "" if parts.port in {None, 443 if parts.scheme == "https" else 80} else f":{parts.port}"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{port}"


def delete(session: Session, account_id: UUID) -> Instance:
    """Delete an account's instance and return it; jobs under way fail until there is another. Raises NotFound."""
    lock_account(session, account_id)
    instance = get(session, account_id, lock=True)
    if instance is None:
        raise NotFound("no_instance", NONE)
    session.delete(instance)
    session.flush()
    return instance


def states(session: Session, account_ids: Collection[UUID]) -> dict[UUID, InstanceState]:
    """Return the state of each instance there is among the accounts'."""
    if not account_ids:
        return {}
    lane = func.concat(INSTANCE, Instance.account_id)
    query = select(Instance.account_id, Lane.state).outerjoin(Lane, Lane.name == lane)
    rows = session.execute(query.where(Instance.account_id.in_(account_ids)))
    return {account_id: _state_of(breaker) for account_id, breaker in rows}


def health(session: Session, account: Account) -> InstanceHealth | None:
    """Return how an account's instance does; None without one."""
    instance = get(session, account.id)
    if instance is None:
        return None
    name, tenant = instance_lane(account.id), str(account.reseller_id or account.id)
    cursor = psycopg_connection(session).execute(LAST_SUCCESS, {"lane": name, "tenant": tenant})
    ((succeeded_at,),) = cursor.fetchall()
    lane = session.get(Lane, name)
    state = _state_of(None if lane is None else lane.state)
    if lane is None or state is InstanceState.OK:
        return InstanceHealth(instance.url, state, succeeded_at)
    cause = None if lane.last_error is None else failure_cause(lane.last_error)
    return InstanceHealth(instance.url, state, succeeded_at, lane.held_since, lane.probe_at, cause)


def _state_of(breaker: str | None) -> InstanceState:
    return InstanceState.OK if breaker is None else LANE_STATES.get(BreakerState(breaker), InstanceState.OK)


def ping(session: Session, jobs: Jobs, account_id: UUID) -> UUID:
    """Enqueue a signed `ping` to an instance, once at a time; return the job. Raises NotFound(`no_instance`)."""
    account = session.get(Account, account_id)
    if account is None or get(session, account_id) is None:
        raise NotFound("no_instance", NONE)
    tenant = str(account.reseller_id or account.id)
    return jobs.enqueue(session, InstancePing(account_id=account_id), tenant=tenant, unique_key=f"ping:{account_id}").id


def ping_message(job_id: UUID, now: datetime) -> InstanceMessage:
    """Build `ping`."""
    return InstanceMessage(f"ping_{job_id.hex}", signing.message_body("ping", now, {}))


def record_ping(session: Session, account_id: UUID, job_id: UUID) -> None:
    """Close the breaker of an instance that answered, and let its next job go; a lane on hold stays on hold."""
    lanes.leave(psycopg_connection(session), instance_lane(account_id), job_id, healthy=True)


def probe_lane(session: Session, jobs: Jobs, name: str, actor: Actor) -> None:
    """Let an open lane send its next job now, and ping its instance. Raises as the engine's `probe`."""
    admin_lanes.probe(session, jobs, name, actor)
    _ping_lane(session, jobs, name)


def release_lane(session: Session, jobs: Jobs, name: str, actor: Actor) -> None:
    """End a hold, and ping the lane's instance. Raises as the engine's `release`."""
    admin_lanes.release(session, jobs, name, actor)
    _ping_lane(session, jobs, name)


def customers_of_lanes(session: Session, names: Collection[str]) -> Mapping[str, str]:
    """Return customers' names by lane; lanes without an account keep their own name."""
    ids = {name: account_of_lane(name) for name in names}
    customers = client_list.names(session, [account_id for account_id in ids.values() if account_id is not None])
    return {name: name if own is None else customers.get(own, name) for name, own in ids.items()}


def _ping_lane(session: Session, jobs: Jobs, name: str) -> None:
    account_id = account_of_lane(name)
    if account_id is not None and get(session, account_id) is not None:
        ping(session, jobs, account_id)


def probe_now(session: Session, lane: str, now: datetime) -> None:
    """Make an open lane probe at once; a lane held by an operator stays held."""
    statement = update(Lane).where(Lane.name == lane, Lane.state == BreakerState.OPEN)
    session.execute(statement.values(probe_at=now))
