"""Customers' instances: their address and signing secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from kontor.kernel.errors import NotFound
from kontor.kernel.ports import OutgoingCall, SecretBox
from kontor.licences.service import instance_lane
from kontor.offers.queries import lock_account
from kontor.offers.views import InstanceMessage
from kontor.webhooks import signing
from models.accounts import Instance
from models.control import BreakerState, Lane


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
        raise NotFound("no_instance", "The account has no instance.")
    secrets = signing.valid_secrets(secret_box, instance, now)
    return OutgoingCall(instance.url, message.webhook_id, message.body, secrets)


def get(session: Session, account_id: UUID, *, lock: bool = False) -> Instance | None:
    """Return an account's instance; lock it before a change."""
    return session.get(Instance, account_id, with_for_update=lock or None, populate_existing=lock)


def probe_now(session: Session, lane: str, now: datetime) -> None:
    """Make an open lane probe at once; a lane held by an operator stays held."""
    statement = update(Lane).where(Lane.name == lane, Lane.state == BreakerState.OPEN)
    session.execute(statement.values(probe_at=now))
