"""What the systems of the provider and of resellers call accounts: `external_id`, and metadata by whose it is.

The provider's id of a reseller or a regular account is one for ever; a client has its reseller's, unique among that
reseller's clients, which ends when the client leaves (programme.md 2.12).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import ColumnElement, case, select
from sqlalchemy.orm import Session

from kontor.accounts import external_ids
from kontor.context import Context
from kontor.kernel import database
from kontor.kernel.errors import Conflict, Forbidden
from kontor.provisioning.kept import OPERATOR, RESELLER, Notes
from kontor.webhooks import events
from models.accounts import Account, AccountKind


class Writer(StrEnum):
    """Who names an account: an unbound key, its reseller's, or its own."""

    PROVIDER = "provider"
    RESELLER = "reseller"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Labels:
    """What a request says of an account; None leaves it as it is."""

    external_id: str | None = None
    metadata: Mapping[str, str] | None = None
    writer: Writer = Writer.PROVIDER


NOTHING = Labels()


def put(session: Session, account: Account, labels: Labels) -> None:
    """Write labels on a locked account. Raises Invalid, Forbidden, Conflict(`external_id_taken`)."""
    if labels.external_id is None and labels.metadata is None:
        return
    if labels.writer is Writer.ACCOUNT:
        raise Forbidden(message="A key bound to an account sets neither external_id nor metadata.")
    if labels.metadata is not None:
        side = OPERATOR if labels.writer is Writer.PROVIDER else RESELLER
        account.notes = Notes(side, labels.metadata).added_to(account.notes)
    if account.kind == AccountKind.CLIENT:
        _name_client(session, account, labels.external_id)
    else:
        bound = labels.writer is not Writer.PROVIDER
        external_ids.assign(session, account, labels.external_id, bound=bound)
    session.flush()


def _name_client(session: Session, account: Account, text: str | None) -> None:
    """Set a client's id, which is unique among the clients of its reseller."""
    if text is None:
        return
    external_id = external_ids.normalize(text)
    database.lock_names(session, client_id_lock(account.reseller_id, external_id))
    same = (Account.reseller_id == account.reseller_id, Account.client_external_id == external_id)
    if session.scalar(select(Account.id).where(*same, Account.id != account.id)) is not None:
        raise Conflict("external_id_taken", "Another client has that external_id.")
    account.client_external_id = external_id


def client_id_lock(reseller_id: UUID | None, external_id: str) -> str:
    """Return the lock that whoever gives a reseller's client an id holds."""
    return f"client external_id:{reseller_id}:{external_id}"


def shown_id(account: Account) -> str | None:
    """Return the id that is in force: a client's is its reseller's."""
    return account.client_external_id if account.kind == AccountKind.CLIENT else account.external_id


def is_named(external_id: str) -> ColumnElement[bool]:
    """Build the condition of accounts whose id in force is this one."""
    in_force = case((Account.kind == AccountKind.CLIENT, Account.client_external_id), else_=Account.external_id)
    return in_force == external_id


def without_reseller(notes: Mapping[str, JsonValue] | None) -> dict[str, JsonValue] | None:
    """Return metadata without that of a reseller who has the account no longer."""
    return None if notes is None else {side: values for side, values in notes.items() if side != RESELLER}


NOTED: Final = {"password_hash": "password", "client_external_id": "external_id", "notes": "metadata"}
"""Columns that are named otherwise in a request."""
LABELS: Final = ("client_external_id", "notes")


def noted(account: Account) -> dict[str, object]:
    """Return the values whose change `account.updated` names, by column."""
    columns = ("name", "admin_email", "password_hash", "locale", "timezone", "home_url", "external_id", *LABELS)
    return {column: getattr(account, column) for column in columns}


def emit_updated(ctx: Context, session: Session, account: Account, before: Mapping[str, object]) -> None:
    """Emit `account.updated` for the columns that have other values than before; never the values."""
    changed = [NOTED.get(column, column) for column, value in before.items() if getattr(account, column) != value]
    if changed:
        data = {"account_id": str(account.id), "name": account.name, "changed": changed}
        events.emit(session, ctx.jobs, "account.updated", account, data, at=ctx.now)
