"""The mail about a low balance: once when it falls under the threshold, again after it rose to it (programme.md 10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.account_book import queries
from kontor.accounts import service as accounts
from kontor.context import Context
from kontor.kernel.money import Money
from kontor.mails import service as mails
from kontor.mails.service import MailDraft, MailRule
from kontor.programme.model import Programme
from models.accounts import Account
from models.mails import Mail

LOW: Final = "balance-low"


def check(ctx: Context, session: Session, reseller_ids: Sequence[UUID], *, falling: bool) -> int:
    """Note whose balance rose to the threshold; mail those whose fell under it. Return the number of mails.

    The resellers belong to one programme. The row of a single one is locked first: a fact that relied on this check is
    committed by then.
    """
    first = accounts.find(session, reseller_ids[0], lock=len(reseller_ids) == 1)
    if first is None:
        return 0
    programme = ctx.programme_of(session, first)
    threshold = programme.billing.balance_low
    if threshold is None:
        return 0
    queries.note_risen(session, reseller_ids, threshold.amount)
    if not falling:
        return 0
    low = queries.note_low(session, reseller_ids, threshold.amount, ctx.now)
    drafts = [_draft(ctx, programme, account, balance) for account, balance in low]
    return mails.post_many(session, ctx.jobs, drafts)


def _draft(ctx: Context, programme: Programme, account: Account, balance: Decimal) -> MailDraft:
    billing, threshold = programme.billing, programme.billing.balance_low
    assert threshold is not None, "the caller checks it"
    since = ctx.now.isoformat()
    facts = {
        "balance": Money(balance, programme.currency).to_document(),
        "threshold": threshold.to_document(),
        "limited": billing.credit is not None,
        "pay_url": billing.payment_link(str(account.id), threshold - Money(balance, programme.currency), ctx.now),
    }
    return MailDraft(LOW, account, facts, since, refs={"since": since})


def balance_of(session: Session, reseller_id: UUID, programme: Programme) -> Money:
    """Return the sum of all lines of a book."""
    return Money(queries.balance(session, reseller_id), programme.currency)


def skip_reason(session: Session, mail: Mail, _now: object) -> str | None:
    """Return why a `balance-low` mail need not be sent."""
    since = None if mail.account_id is None else queries.low_since(session, mail.account_id)
    return None if since == datetime.fromisoformat(mail.refs["since"]) else "the balance has risen"


MAIL_RULES: Final[Mapping[str, MailRule]] = MappingProxyType({LOW: MailRule(skip_reason=skip_reason)})
