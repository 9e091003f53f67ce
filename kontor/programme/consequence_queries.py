"""Queries of what a programme file would touch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import exists, func, select, text
from sqlalchemy.orm import Session

from kontor.kernel.states import Threshold, TrialState
from models.accounts import Account, AccountKind
from models.fees import FeeRun, ProductOverride
from models.usage import QuotaNotice, UsageDay

CHUNK: Final = 1_000
OPEN_OFFERS: Final = text("""
SELECT count(*) FROM offers WHERE programme = :code AND state IN ('waiting', 'waiting_for_confirmation')
    AND EXISTS (SELECT FROM jsonb_array_elements(lines) AS line WHERE line ->> 'product' = ANY(:products))
""")
TEMPLATES: Final = text("""
SELECT count(*) FROM offer_templates AS t JOIN accounts AS a ON a.id = t.reseller_id AND a.programme = :code
WHERE EXISTS (SELECT FROM jsonb_array_elements(t.lines) AS line WHERE line ->> 'product' = ANY(:products))
""")

NoticeKey = tuple[UUID, str, date, int]
"""Account, metric, first day of the period, limit."""


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A plan or product that is charged monthly, with its payer and the fee that the reseller set."""

    id: UUID
    account_id: UUID
    reseller_id: UUID | None
    kind: str
    code: str
    retail_fee: Decimal | None


def open_runs(session: Session, code: str, today: date, resellers: Collection[UUID] | None = None) -> list[OpenRun]:
    """Return the runs that will be charged again; `resellers`: only of their clients."""
    query = (
        select(FeeRun.id, FeeRun.account_id, Account.reseller_id, FeeRun.kind, FeeRun.code, FeeRun.retail_fee)
        .join(Account, Account.id == FeeRun.account_id)
        .where(FeeRun.programme == code, ~FeeRun.ended, FeeRun.until.is_(None) | (FeeRun.until > today))
    )
    if resellers is not None:
        query = query.where(Account.reseller_id.in_(resellers))
    return [OpenRun(*row) for row in session.execute(query)]


def retail_edits(session: Session, code: str) -> dict[tuple[UUID, str], Decimal]:
    """Return the recommended fees that resellers set for products they manage, by reseller and product."""
    query = select(ProductOverride.reseller_id, ProductOverride.product, ProductOverride.retail_fee).where(
        ProductOverride.programme == code, ProductOverride.retail_fee.is_not(None)
    )
    return {(row.reseller_id, row.product): row.retail_fee for row in session.execute(query)}


def active_resellers(session: Session, code: str) -> list[UUID]:
    """Return the resellers of a programme that are not deleted, in the order of their ids."""
    query = select(Account.id).where(
        Account.programme == code, Account.kind == AccountKind.RESELLER, Account.deleted_at.is_(None)
    )
    return list(session.scalars(query.order_by(Account.id)))


def resellers_after(session: Session, code: str, after: UUID | None, limit: int) -> list[Account]:
    """Return the next resellers of a programme that are not deleted."""
    query = select(Account).where(
        Account.programme == code, Account.kind == AccountKind.RESELLER, Account.deleted_at.is_(None)
    )
    if after is not None:
        query = query.where(Account.id > after)
    return list(session.scalars(query.order_by(Account.id).limit(limit)))


def count_accounts(session: Session, code: str) -> int:
    """Return the number of accounts of a programme that are not deleted."""
    query = select(func.count()).select_from(Account).where(Account.programme == code, Account.deleted_at.is_(None))
    return session.scalar(query) or 0


def running_trials(session: Session, code: str) -> list[UUID]:
    """Return the accounts whose trial is running."""
    conditions = (Account.programme == code, Account.trial_state == TrialState.RUNNING, Account.deleted_at.is_(None))
    return list(session.scalars(select(Account.id).where(*conditions).order_by(Account.id)))


def with_usage(session: Session, code: str) -> Iterator[Sequence[Account]]:
    """Yield the accounts that have usage and are not deleted, in chunks."""
    after = UUID(int=0)
    counted = exists().where(UsageDay.account_id == Account.id)
    while True:
        query = select(Account).where(Account.programme == code, Account.deleted_at.is_(None), counted)
        chunk = session.scalars(query.where(Account.id > after).order_by(Account.id).limit(CHUNK)).all()
        if not chunk:
            return
        yield chunk
        after = chunk[-1].id


def notices(session: Session, accounts: Collection[UUID], since: date) -> Mapping[NoticeKey, list[Threshold]]:
    """Return the thresholds that were notified in periods from a day on."""
    query = select(
        QuotaNotice.account_id,
        QuotaNotice.metric,
        QuotaNotice.period_start,
        QuotaNotice.allowed,
        QuotaNotice.threshold,
    ).where(QuotaNotice.account_id.in_(accounts), QuotaNotice.period_start >= since)
    notified: dict[NoticeKey, list[Threshold]] = defaultdict(list)
    for account_id, metric, start, allowed, threshold in session.execute(query):
        notified[account_id, metric, start, allowed].append(Threshold(threshold))
    return notified


def open_offers(session: Session, code: str, products: Collection[str]) -> int:
    """Return the number of open offers with a line of one of the products."""
    return session.scalar(OPEN_OFFERS, {"code": code, "products": list(products)}) or 0


def templates(session: Session, code: str, products: Collection[str]) -> int:
    """Return the number of offer templates with a line of one of the products."""
    return session.scalar(TEMPLATES, {"code": code, "products": list(products)}) or 0


def account_names(session: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of accounts by id."""
    rows = session.execute(select(Account.id, Account.name).where(Account.id.in_(ids)))
    return {row.id: row.name for row in rows}
