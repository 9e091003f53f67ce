"""What resellers hear of their discounts: that the tier changed, and a day before that it will drop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.money import Money
from domain.periods import ONE_DAY
from domain.programme.model import Programme, Tier, TurnoverDiscount
from domain.tiers import PaymentKind, next_tier, percentages
from domain.zones import day_start, local_day
from models.accounts import Account, AccountKind
from models.mails import Mail
from services import events, mails
from services.discounts.book import DiscountBook
from services.discounts.recording import Finding
from services.discounts.standing import bounds_of
from services.events import NewEvent
from services.mails import Letter, MailRule
from store import discounts, payments
from store.offers import accounts as accounts_of

CHANGED: Final = "tier-changed"
DROP: Final = "tier-drop-tomorrow"
LISTED: Final = 20
"""The most payments that a mail names as leaving the window, the greatest first."""

Facts = dict[str, Any]


@dataclass(frozen=True)
class Teller:
    """Tells of one programme's discounts of a local day."""

    book: DiscountBook
    programme: Programme
    rules: TurnoverDiscount
    day: date

    def tell(self, session: Session, found: Sequence[Finding]) -> None:
        """Write events and post mails in the caller's transaction; what was told before is not told again.

        A tier that the programme lost meanwhile is in the event alone: the next run tells what is true.
        """
        known = accounts_of(session, [one.reseller_id for one in found])
        moved = [(known[one.reseller_id], one) for one in found if one.moved and one.version is not None]
        events.emit_many(session, self.book.jobs, [self._event(*one) for one in moved], at=self.book.now)
        falling = [one for one in found if one.falls and self._tier(one.after) is not None]
        leaving = self._leaving(session, [one.reseller_id for one in falling])
        letters = [self._changed(*one) for one in moved if one[1].after in {None, *self._tiers}]
        letters += [self._drop(known[one.reseller_id], one, leaving[one.reseller_id]) for one in falling]
        mails.post_many(session, self.book.jobs, letters)

    @cached_property
    def _tiers(self) -> Mapping[str, Tier]:
        return {tier.name: tier for tier in self.rules.tiers}

    def _tier(self, name: str | None) -> Tier | None:
        return None if name is None else self._tiers.get(name)

    def _money(self, amount: Decimal) -> Facts:
        return {"amount": amount, "currency": self.programme.currency}

    def _event(self, account: Account, found: Finding) -> NewEvent:
        told = {
            "reseller_id": str(account.id),
            "as_of": self.day.isoformat(),
            "turnover": Money(found.turnover, self.programme.currency).to_document(),
            "from": found.before,
            "to": found.after,
        }
        return NewEvent("discount.changed", told, account.id, account.id, account.programme)

    def _changed(self, account: Account, found: Finding) -> Letter:
        coming = next_tier(self.rules.tiers, found.turnover)
        percents = percentages(self.rules, self._tier(found.after))
        tier = found.after or ""
        facts = {
            "as_of": self.day,
            "before": found.before or "",
            "now": tier,
            "turnover": self._money(found.turnover),
            "percents": [{"family": family, "percent": percent} for family, percent in percents.items()],
            "next_tier": coming.tier.name if coming else "",
            "missing": self._money(coming.missing) if coming else None,
        }
        key = f"{self.day}:{found.version}"
        return Letter(CHANGED, account, facts, key, refs={"tier": tier})

    def _drop(self, account: Account, found: Finding, leaving: Sequence[Facts]) -> Letter:
        now = self._tier(found.after)
        assert now is not None, "only a tier can fall"
        tomorrow = self.day + ONE_DAY
        bounds = bounds_of(tomorrow, self.programme.zone)
        facts = {
            "on": tomorrow,
            "before": now.name,
            "after": found.tomorrow or "",
            "turnover": self._money(found.turnover_tomorrow),
            "keep_with": self._money(now.start - found.turnover_tomorrow),
            "leaving": leaving,
        }
        refs = {
            "tier": now.name,
            "start": str(now.start),
            "since": bounds.since.isoformat(),
            "from": day_start(tomorrow, self.programme.zone).isoformat(),
        }
        return Letter(DROP, account, facts, tomorrow.isoformat(), refs=refs)

    def _leaving(self, session: Session, resellers: Sequence[UUID]) -> Mapping[UUID, list[Facts]]:
        bounds = bounds_of(self.day, self.programme.zone)
        found: dict[UUID, list[Facts]] = defaultdict(list)
        rows = payments.between(session, resellers, bounds.since, bounds.keeps) if resellers else ()
        for row in sorted(rows, key=lambda row: -row.amount):
            if len(found[row.reseller_id]) < LISTED:
                signed = row.amount if row.kind == PaymentKind.PAYMENT else -row.amount
                paid_on = local_day(row.paid_at, self.programme.zone)
                told = {"paid_on": paid_on, "reference": row.reference, "amount": self._money(signed)}
                found[row.reseller_id].append(told)
        return found


def _other_tier(session: Session, mail: Mail, _now: datetime) -> str | None:
    """Why `tier-changed` need not be sent any more."""
    account_id = mail.account_id
    account = session.get(Account, account_id) if account_id else None
    if account is None or account.kind != AccountKind.RESELLER or account.deleted_at is not None:
        return "the account is no reseller any more"
    current = discounts.current(session, account.id)
    if current is None or (current.tier or "") != mail.refs["tier"]:
        return "the tier changed again"
    return None


def _kept(session: Session, mail: Mail, now: datetime) -> str | None:
    """Why `tier-drop-tomorrow` need not be sent any more."""
    changed = _other_tier(session, mail, now)
    if changed is not None or mail.account_id is None:
        return changed
    begins = datetime.fromisoformat(mail.refs["from"])
    if now >= begins:
        return "the day has come"
    turnover = payments.turnover(session, mail.account_id, datetime.fromisoformat(mail.refs["since"]), begins)
    return "a payment keeps the tier" if turnover >= Decimal(mail.refs["start"]) else None


RULES: Final[Mapping[str, MailRule]] = MappingProxyType(
    {CHANGED: MailRule(obsolete=_other_tier), DROP: MailRule(obsolete=_kept)}
)
