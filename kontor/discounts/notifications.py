"""Notifications to resellers: the tier changed, or will drop tomorrow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.discounts import queries
from kontor.discounts.record import TierChange, window_bounds
from kontor.discounts.rules import next_tier, percentages
from kontor.kernel.money import Money
from kontor.kernel.periods import ONE_DAY
from kontor.kernel.states import PaymentKind
from kontor.kernel.zones import day_start, local_day
from kontor.mails import service as mails
from kontor.mails.service import MailDraft, MailRule
from kontor.offers.queries import accounts as accounts_of
from kontor.payments import queries as payments_queries
from kontor.programme.model import Programme, Tier, TurnoverDiscount
from kontor.webhooks import events
from kontor.webhooks.events import NewEvent
from models.accounts import Account, AccountKind
from models.mails import Mail

CHANGED: Final = "tier-changed"
DROP: Final = "tier-drop-tomorrow"
LISTED: Final = 20
"""Maximum number of expiring payments listed in a mail, largest first."""

Facts = dict[str, object]


@dataclass(frozen=True)
class Notifier:
    """Notifies resellers of one programme about their discounts on a local day."""

    ctx: Context
    programme: Programme
    rules: TurnoverDiscount
    day: date

    def notify(self, session: Session, changes: Sequence[TierChange]) -> None:
        """Emit events and post mails in the caller's transaction; repeats are ignored.

        A tier that the programme no longer has is only in the event: the next run mails the correct one.
        """
        accounts = accounts_of(session, [change.reseller_id for change in changes])
        moved = [
            (accounts[change.reseller_id], change) for change in changes if change.moved and change.version is not None
        ]
        events.emit_many(
            session, self.ctx.jobs, [self._event(account, change) for account, change in moved], at=self.ctx.now
        )
        drops = [change for change in changes if change.falls and self._tier(change.after) is not None]
        leaving = self._leaving(session, [change.reseller_id for change in drops])
        drafts = [self._changed_mail(*pair) for pair in moved if pair[1].after in {None, *self._tiers}]
        drafts += [
            self._drop_mail(accounts[change.reseller_id], change, leaving[change.reseller_id]) for change in drops
        ]
        mails.post_many(session, self.ctx.jobs, drafts)

    @cached_property
    def _tiers(self) -> Mapping[str, Tier]:
        return {tier.name: tier for tier in self.rules.tiers}

    def _tier(self, name: str | None) -> Tier | None:
        return None if name is None else self._tiers.get(name)

    def _money(self, amount: Decimal) -> Facts:
        return {"amount": amount, "currency": self.programme.currency}

    def _event(self, account: Account, change: TierChange) -> NewEvent:
        data = {
            "reseller_id": str(account.id),
            "as_of": self.day.isoformat(),
            "turnover": Money(change.turnover, self.programme.currency).to_document(),
            "from": change.before,
            "to": change.after,
        }
        return NewEvent("discount.changed", data, account.id, account.id, account.programme)

    def _changed_mail(self, account: Account, change: TierChange) -> MailDraft:
        upcoming = next_tier(self.rules.tiers, change.turnover)
        percents = percentages(self.rules, self._tier(change.after))
        tier = change.after or ""
        facts = {
            "as_of": self.day,
            "before": change.before or "",
            "now": tier,
            "turnover": self._money(change.turnover),
            "percents": [{"family": family, "percent": percent} for family, percent in percents.items()],
            "next_tier": upcoming.tier.name if upcoming else "",
            "missing": self._money(upcoming.missing) if upcoming else None,
        }
        key = f"{self.day}:{change.version}"
        return MailDraft(CHANGED, account, facts, key, refs={"tier": tier})

    def _drop_mail(self, account: Account, change: TierChange, leaving: Sequence[Facts]) -> MailDraft:
        tier = self._tier(change.after)
        assert tier is not None, "only a reseller with a tier can drop"
        tomorrow = self.day + ONE_DAY
        bounds = window_bounds(tomorrow, self.programme.zone)
        facts = {
            "on": tomorrow,
            "before": tier.name,
            "after": change.tomorrow or "",
            "turnover": self._money(change.turnover_tomorrow),
            "keep_with": self._money(tier.start - change.turnover_tomorrow),
            "leaving": leaving,
        }
        refs = {
            "tier": tier.name,
            "start": str(tier.start),
            "since": bounds.since.isoformat(),
            "from": day_start(tomorrow, self.programme.zone).isoformat(),
        }
        return MailDraft(DROP, account, facts, tomorrow.isoformat(), refs=refs)

    def _leaving(self, session: Session, resellers: Sequence[UUID]) -> Mapping[UUID, list[Facts]]:
        bounds = window_bounds(self.day, self.programme.zone)
        by_reseller: dict[UUID, list[Facts]] = defaultdict(list)
        rows = payments_queries.between(session, resellers, bounds.since, bounds.keeps) if resellers else ()
        for row in sorted(rows, key=lambda row: -row.amount):
            if len(by_reseller[row.reseller_id]) < LISTED:
                signed = row.amount if row.kind == PaymentKind.PAYMENT else -row.amount
                paid_on = local_day(row.paid_at, self.programme.zone)
                payment = {"paid_on": paid_on, "reference": row.reference, "amount": self._money(signed)}
                by_reseller[row.reseller_id].append(payment)
        return by_reseller


def _changed_skip_reason(session: Session, mail: Mail, _now: datetime) -> str | None:
    """Return why a `tier-changed` mail need not be sent."""
    account_id = mail.account_id
    account = session.get(Account, account_id) if account_id else None
    if account is None or account.kind != AccountKind.RESELLER or account.deleted_at is not None:
        return "the account is no longer a reseller"
    current = queries.current(session, account.id)
    if current is None or (current.tier or "") != mail.refs["tier"]:
        return "the tier changed again"
    return None


def _drop_skip_reason(session: Session, mail: Mail, now: datetime) -> str | None:
    """Return why a `tier-drop-tomorrow` mail need not be sent."""
    reason = _changed_skip_reason(session, mail, now)
    if reason is not None or mail.account_id is None:
        return reason
    begins = datetime.fromisoformat(mail.refs["from"])
    if now >= begins:
        return "the day of the change has already begun"
    turnover = payments_queries.turnover(session, mail.account_id, datetime.fromisoformat(mail.refs["since"]), begins)
    return "a payment keeps the tier" if turnover >= Decimal(mail.refs["start"]) else None


MAIL_RULES: Final[Mapping[str, MailRule]] = MappingProxyType(
    {CHANGED: MailRule(skip_reason=_changed_skip_reason), DROP: MailRule(skip_reason=_drop_skip_reason)}
)
