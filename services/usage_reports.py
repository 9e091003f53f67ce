"""Receiving usage reports: each is stored once and checked against the quotas."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from services import allowances, quotas, usage
from services.account_book import AccountBook, held
from services.usage import UsageReport


@dataclass(frozen=True, slots=True)
class Reported:
    """A metric after the report: its value in the current period and its limit (None: unlimited)."""

    metric: str
    value: int
    limit: int | None
    repeated: bool


def report(ctx: AccountBook, session: Session, account_id: UUID, usage_report: UsageReport) -> Reported:
    """Store a report and check the quota. A repeated `report_id` of the account changes nothing.

    Raises NotFound, Conflict(`account_deleted`), Invalid.
    """
    account = held(session, account_id)
    programme = ctx.programme_of(session, account)
    usage.check(usage_report, programme, ctx.now)
    added = usage.keep(session, programme, account, usage_report, ctx.now)
    if added:
        used = quotas.judge(session, ctx.jobs, programme, account, ctx.now, usage_report.metric)
    else:
        used = usage.present(session, programme, account, ctx.now)
    limit = allowances.limits(account, programme, ctx.now)[usage_report.metric]
    return Reported(usage_report.metric, used.readings[usage_report.metric].value, limit, repeated=not added)
