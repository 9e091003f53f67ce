"""Effects of a plan change on an account's limits and trial."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from domain.programme import Programme
from models.accounts import Account
from services import quotas, trials
from services.fees.book import FeeBook


def move_plan(ctx: FeeBook, session: Session, programme: Programme, account_id: UUID, plan: str) -> None:
    """Set the plan of a locked account and check its usage against the new limits."""
    account = session.get_one(Account, account_id, populate_existing=True)
    if account.plan == plan:
        return
    account.plan = plan
    session.flush()
    quotas.judge(session, ctx.jobs, programme, account, ctx.now)


def convert_trial(ctx: FeeBook, session: Session, account: Account) -> None:
    """End the trial of a locked account that took a paid plan."""
    trials.convert(session, ctx.jobs, account, ctx.now)
