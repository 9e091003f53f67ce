"""Changes of an account by API and portal: its fields, and what a changed address means for its open offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import service
from kontor.accounts.labels import NOTHING, Labels
from kontor.accounts.suspension import SYSTEM, Suspender
from kontor.audit import Actor
from kontor.context import Context
from kontor.offers import holds
from kontor.offers import service as offers
from models.accounts import Account, SetBy


@dataclass(frozen=True, slots=True)
class ChangedBy:
    """Who changes an account: as whom an address counts as set, for the audit log, and as whom it is suspended."""

    set_by: SetBy
    actor: Actor
    suspender: Suspender = SYSTEM


def change(
    ctx: Context,
    session: Session,
    account_id: UUID,
    changes: Mapping[str, object],
    by: ChangedBy,
    named: Labels = NOTHING,
) -> Account:
    """Change fields of an account; the open offers go to a new address again. Raises as `service.change` does."""
    account = service.change(ctx, session, account_id, changes, by.suspender, by.set_by, named)
    if "admin_email" in changes:
        if by.set_by is SetBy.OPERATOR:
            holds.free_if_given_back(ctx, session, account, by.actor)
        offers.remail_open_offers(ctx, session, account.id)
    return account
