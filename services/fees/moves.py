"""An account changes its plan: what it means for its trial and its limits."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from domain.programme import Programme
from models.accounts import Account
from services import quotas, trials
from services.fees.book import FeeBook


def move_plan(book: FeeBook, session: Session, programme: Programme, account_id: UUID, plan: str) -> None:
    """Put a locked account on a plan; its usage is judged by the new limits at once."""
    account = session.get_one(Account, account_id, populate_existing=True)
    if account.plan == plan:
        return
    account.plan = plan
    session.flush()
    quotas.judge(session, book.jobs, programme, account, book.now)


def convert_trial(book: FeeBook, session: Session, account: Account) -> None:
    """A paid plan ends the trial of a locked account."""
    trials.convert(session, book.jobs, account, book.now)
