"""Margins of assignments: a retail fee below the reseller's cost is allowed, but flagged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.fees.catalogue import DiscountPercents, ResellerCatalogue, wholesale_price
from kontor.fees.rules import below_cost, discounted_fee
from kontor.kernel.money import Money
from kontor.mailer.formatting import language_of
from kontor.mails import service as mails
from kontor.mails.service import MailRule
from kontor.programme import versions
from models.accounts import Account
from models.fees import FeeRun
from models.mails import Mail

NOTE: Final = "margin-note"


@dataclass(frozen=True, slots=True)
class AssignmentTerms:
    """Monthly fees of an assignment; `cost` is the wholesale fee less the reseller's discount."""

    retail: Money
    wholesale: Money
    cost: Money

    @property
    def below_cost(self) -> bool:
        """Whether the client is charged less than the reseller."""
        return below_cost(self.retail, self.cost)


def terms_of(
    shelf: ResellerCatalogue, run: FeeRun, account: Account, percents: DiscountPercents, day: date
) -> AssignmentTerms | None:
    """Return the terms of an assignment on a local day; None when the product no longer has a monthly fee."""
    product, recommended = shelf.programme.products.get(run.code), shelf.retail(run.code)
    price = None if product is None else wholesale_price(shelf.programme, product)
    if price is None or recommended is None:
        return None
    retail = recommended if run.retail_fee is None else Money(run.retail_fee, price.fee.currency)
    percent = percents.of(account.reseller_id, price.family, day)
    return AssignmentTerms(retail, price.fee, discounted_fee(price.fee, percent).total)


def post_margin_note(
    ctx: Context, session: Session, reseller: Account, account: Account, run: FeeRun, terms: AssignmentTerms
) -> None:
    """Mail the reseller about a retail fee below cost, once per assignment and fee."""
    mails.post(
        session,
        ctx.jobs,
        template=NOTE,
        account=reseller,
        facts={
            "account": account.name,
            "product": ResellerCatalogue.of(ctx, session, reseller).name(run.code, language_of(reseller.locale)),
            "retail_fee": terms.retail.to_document(),
            "wholesale_fee": terms.cost.to_document(),
        },
        fact_key=f"{run.id}:{terms.retail.amount}",
        refs={"run_id": str(run.id), "retail_fee": str(terms.retail.amount)},
    )


def _skip_reason(session: Session, mail: Mail, now: datetime) -> str | None:
    if "version" in mail.refs:
        return versions.superseded_reason(session, mail.programme or "", mail.refs, now)
    run = session.get(FeeRun, UUID(mail.refs["run_id"]))
    if run is None or run.ended:
        return "the product is no longer assigned"
    if run.retail_fee is None or run.retail_fee != Decimal(mail.refs["retail_fee"]):
        return "the retail fee was changed"
    return None


MAIL_RULES: Final[Mapping[str, MailRule]] = MappingProxyType({NOTE: MailRule(skip_reason=_skip_reason)})
