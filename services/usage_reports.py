"""A usage report arrives: kept once, judged at once."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from services import allowances, quotas, usage
from services.account_book import AccountBook, held
from services.usage import UsageReport


@dataclass(frozen=True, slots=True)
class Reported:
    """The metric after the report: its value in the present period, its limit (None: unlimited)."""

    metric: str
    value: int
    limit: int | None
    repeated: bool


def report(book: AccountBook, session: Session, account_id: UUID, told: UsageReport) -> Reported:
    """Take a report in. A `report_id` that the account sent before changes nothing.

    Raises NotFound, Conflict(`account_deleted`), Invalid.
    """
    account = held(session, account_id)
    programme = book.programme_of(session, account)
    usage.check(told, programme, book.now)
    fresh = usage.keep(session, programme, account, told, book.now)
    if fresh:
        used = quotas.judge(session, book.jobs, programme, account, book.now, told.metric)
    else:
        used = usage.present(session, programme, account, book.now)
    limit = allowances.limits(account, programme, book.now)[told.metric]
    return Reported(told.metric, used.readings[told.metric].value, limit, repeated=not fresh)
