"""Customers' instances: their URL and the secret that signs calls to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from domain.calling import Call
from domain.errors import NotFound
from domain.ports import Sealer
from models.instances import Instance
from services import signing_secrets
from services.licences import lane_of
from services.offer_messages import Message
from store import instances as rows
from store.offers import lock_account


@dataclass(frozen=True, slots=True)
class Told:
    """An instance's URL and its secret, which is shown only here."""

    url: str
    secret: str = field(repr=False)


def put(session: Session, sealer: Sealer, account_id: UUID, url: str, secret: str | None, now: datetime) -> Told:
    """Set or replace an account's instance; the previous secret also signs for 24 h.

    An open lane is probed at once. The caller checks the URL first, outside the transaction
    (`addresses.AddressGuard`).
    Raises NotFound, Invalid(`invalid_secret`).
    """
    account = lock_account(session, account_id)
    if account is None or account.deleted_at is not None:
        raise NotFound
    plain = signing_secrets.given_or_new(secret)
    instance = rows.get(session, account_id, lock=True)
    if instance is None:
        sealed = sealer.seal(plain)
        session.add(Instance(account_id=account_id, url=url, secret_sealed=sealed, created_at=now, updated_at=now))
    else:
        signing_secrets.replace(sealer, instance, plain, now)
        instance.url, instance.updated_at = url, now
        rows.probe_soon(session, lane_of(account_id), now)
    session.flush()
    return Told(url, plain)


def call(session: Session, sealer: Sealer, account_id: UUID, message: Message, now: datetime) -> Call:
    """Build the call that sends a message to an account's instance, signed with every valid secret.

    Raises NotFound(`no_instance`).
    """
    instance = rows.get(session, account_id)
    if instance is None:
        raise NotFound("no_instance", "The account has no instance.")
    secrets = signing_secrets.valid(sealer, instance, now)
    return Call(instance.url, message.webhook_id, message.body, secrets)
