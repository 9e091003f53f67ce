"""Queries of a reseller merge: counts and moves a reseller's rows by the same conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import CursorResult, Uuid, select, text, type_coerce
from sqlalchemy.orm import Session

from kontor.fees.queries import OPEN, active_on, payer_of_run
from kontor.kernel.ids import new_id
from models.accounts import Account
from models.fees import FeeKind, FeeRun
from models.merging import ResellerMerge
from models.offers import OfferTemplate


@dataclass(frozen=True, slots=True)
class SharedAssignment:
    """A client's running assignment under a reseller subscription that serves one client only."""

    subscription: str
    product: str
    account_id: UUID
    account: str
    reseller_id: UUID


@dataclass(frozen=True, slots=True)
class MovableRows:
    """Rows of a table that belong to a reseller and move with it."""

    table: str
    condition: str = "TRUE"

    def count(self) -> str:
        """Return the SQL that counts them."""
        return f"SELECT count(*) FROM {self.table} WHERE reseller_id = :old AND {self.condition}"  # noqa: S608 -- constants

    def lock(self) -> str:
        """Return the SQL that locks them in the order of their ids; foreign key checks do not wait."""
        return (
            f"SELECT id FROM {self.table} WHERE reseller_id = :old AND {self.condition} ORDER BY id FOR NO KEY UPDATE"  # noqa: S608 -- constants
        )

    def move(self) -> str:
        """Return the SQL that moves them to the other reseller."""
        return f"UPDATE {self.table} SET reseller_id = :new WHERE reseller_id = :old AND {self.condition}"  # noqa: S608 -- constants


MOVABLE: Final[Mapping[str, MovableRows]] = {
    "clients": MovableRows("accounts", "purged_at IS NULL"),
    "open_offers": MovableRows("offers", "state IN ('waiting', 'waiting_for_confirmation')"),
    "templates": MovableRows("offer_templates"),
    "payments": MovableRows("payments"),
    "charges": MovableRows("charges"),
    "webhook_endpoints": MovableRows("webhook_endpoints", "deleted_at IS NULL"),
}
"""In locking order: accounts before the rows that belong to them."""
TRIALS: Final = (
    "SELECT count(*) FROM accounts WHERE reseller_id = :old AND purged_at IS NULL"
    " AND trial_state = 'running' AND trial_ends_at > :now"
)
RUNS: Final = (
    "SELECT r.kind, count(*) FROM fee_runs AS r JOIN accounts AS a ON a.id = r.account_id"
    " WHERE a.reseller_id = :old AND a.purged_at IS NULL AND NOT r.ended GROUP BY r.kind"
)
KEYS: Final = "revoked_at IS NULL AND (reseller_id = :old OR account_id = :old)"
DOMAINS: Final = (
    "INSERT INTO verified_domains AS there"
    " (account_id, domain, token, verified_at, verified_by, checked_at, missing_since, last_error, created_at)"
    " SELECT :new, domain, token, verified_at, verified_by, checked_at, missing_since, last_error, created_at"
    " FROM verified_domains WHERE account_id = :old"
    " ON CONFLICT (account_id, domain) DO UPDATE SET token = excluded.token, verified_at = excluded.verified_at,"
    " verified_by = excluded.verified_by, checked_at = excluded.checked_at, last_error = excluded.last_error,"
    " missing_since = excluded.missing_since"
    " WHERE there.verified_at IS NULL AND excluded.verified_at IS NOT NULL"
)
EDITS: Final = (
    "UPDATE product_edits AS e SET reseller_id = :new WHERE reseller_id = :old AND NOT EXISTS (SELECT FROM"
    " product_edits AS o WHERE o.reseller_id = :new AND o.programme = e.programme AND o.product = e.product)"
)
MAILS: Final = (
    "UPDATE mails SET reseller_id = :new"
    " WHERE state IN ('queued', 'held_limit') AND reseller_id = :old AND account_id <> :old"
)
CONFIRMED: Final = (
    "INSERT INTO confirmed_addresses (owner_id, address, at)"
    " SELECT :new, address, at FROM confirmed_addresses WHERE owner_id = :old ON CONFLICT DO NOTHING"
)
RENAMED: Final = tuple(
    f"UPDATE {table} AS m SET {column} = {column} || ' (' || CAST(:old AS text) || ')' WHERE reseller_id = :old"  # noqa: S608 -- constants
    f" AND EXISTS (SELECT FROM {table} AS o WHERE o.reseller_id = :new AND o.{column} = m.{column})"
    for table, column in (("accounts", "client_external_id"), ("offers", "external_id"))
)
"""An id of another system that both resellers use gets the old one's, before anything moves."""
SERVICES: Final = (
    "UPDATE services AS s SET reseller_id = :new, external_id = CASE WHEN EXISTS (SELECT FROM services AS o"
    " WHERE o.reseller_id = :new AND o.external_id = s.external_id AND o.state <> 'ended')"
    " THEN s.external_id || ' (' || CAST(:old AS text) || ')' ELSE s.external_id END WHERE reseller_id = :old"
)
"""Services move with their `paid_until`; an id of another system that the new reseller has too gets the old one's."""
ORDERS: Final = (
    "UPDATE orders AS m SET reseller_id = :new WHERE reseller_id = :old AND state = 'pending' AND NOT EXISTS ("
    "SELECT FROM orders AS o WHERE o.reseller_id = :new"
    " AND (o.order_ref = m.order_ref OR o.external_id = m.external_id))"
)
"""Unfinished orders move, unless the new reseller has one with that reference; their lines stay in the old book."""
FOLLOW_UP: Final = (
    SERVICES,
    ORDERS,
    DOMAINS,
    "DELETE FROM verified_domains WHERE account_id = :old",
    "DELETE FROM brands WHERE account_id = :old",
    "DELETE FROM brand_images WHERE account_id = :old",
    EDITS,
    MAILS,
    CONFIRMED,
    f"UPDATE api_keys SET revoked_at = :now WHERE {KEYS}",  # noqa: S608 -- constants
)
"""Domains, brand, product edits, unsent mails (in the new brand), confirmed addresses, and keys, which are revoked."""


def lock_resellers(session: Session, ids: Sequence[UUID]) -> dict[UUID, Account]:
    """Lock resellers in the order of their ids, against share locks; foreign key checks do not wait."""
    query = select(Account).where(Account.id.in_(ids), Account.purged_at.is_(None)).order_by(Account.id)
    locked = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return {account.id: account for account in session.scalars(locked)}


def lock_clients(session: Session, old: UUID) -> None:
    """Lock a reseller's clients, then its open offers, each in the order of their ids."""
    for name in ("clients", "open_offers"):
        session.execute(text(MOVABLE[name].lock()), {"old": old})


def counts(session: Session, old: UUID, now: datetime) -> dict[str, int]:
    """Count the rows of each kind that a reseller has."""
    params = {"old": old, "now": now}
    kinds: dict[str, int] = {kind: number for kind, number in session.execute(text(RUNS), params)}  # noqa: C416 -- mypy does not accept rows as pairs
    return {
        **{name: _number(session, rows.count(), params) for name, rows in MOVABLE.items()},
        "running_trials": _number(session, TRIALS, params),
        "assignments": kinds.get(FeeKind.PRODUCT, 0),
        "paid_plans": kinds.get(FeeKind.PLAN, 0),
        "keys": _number(session, f"SELECT count(*) FROM api_keys WHERE {KEYS}", params),  # noqa: S608 -- constants
    }


def _number(session: Session, statement: str, params: Mapping[str, object]) -> int:
    return int(session.scalar(text(statement), params) or 0)


def move_rows(session: Session, old: UUID, new: UUID, now: datetime) -> dict[str, int]:
    """Move everything to another reseller; return the number of rows moved for each of HOLDINGS."""
    for statement in RENAMED:
        _run(session, statement, old, new, now)
    moved = {name: _run(session, rows.move(), old, new, now) for name, rows in MOVABLE.items()}
    for statement in FOLLOW_UP:
        _run(session, statement, old, new, now)
    return moved


def record(session: Session, old: UUID, new: UUID, now: datetime) -> None:
    """Record a merge: what arrives for the old reseller counts for the new one."""
    session.add(ResellerMerge(id=new_id(), old_id=old, new_id=new, at=now))


def _run(session: Session, statement: str, old: UUID, new: UUID, now: datetime) -> int:
    result = session.execute(text(statement), {"old": old, "new": new, "now": now})
    assert isinstance(result, CursorResult)
    return result.rowcount


def client_ids(session: Session, reseller_id: UUID) -> list[UUID]:
    """Return the ids of a reseller's clients."""
    return list(session.scalars(select(Account.id).where(Account.reseller_id == reseller_id)))


def template_names(session: Session, reseller_id: UUID) -> list[str]:
    """Return the names of a reseller's templates."""
    return list(session.scalars(select(OfferTemplate.name).where(OfferTemplate.reseller_id == reseller_id)))


def rename_templates(session: Session, reseller_id: UUID, names: Mapping[str, str]) -> None:
    """Rename a reseller's templates; `names` maps old to new."""
    statement = text("UPDATE offer_templates SET name = :new WHERE reseller_id = :id AND name = :old")
    for old, new in names.items():
        session.execute(statement, {"id": reseller_id, "old": old, "new": new})


def subscription_clients(
    session: Session, resellers: Sequence[UUID], products: Mapping[str, str], day: date
) -> list[SharedAssignment]:
    """Return the resellers' clients with one of these products on a day; `products` maps to subscriptions."""
    query = (
        select(FeeRun.code, Account.id, Account.name, type_coerce(Account.reseller_id, Uuid))
        .join(Account, Account.id == FeeRun.account_id)
        .where(Account.reseller_id.in_(resellers), FeeRun.kind == FeeKind.PRODUCT.value)
        .where(FeeRun.code.in_(products), OPEN, active_on(day), Account.purged_at.is_(None))
        .where(payer_of_run() == Account.reseller_id)
        .order_by(Account.id)
    )
    return [
        SharedAssignment(products[code], code, account_id, name, owner)
        for code, account_id, name, owner in session.execute(query)
    ]
