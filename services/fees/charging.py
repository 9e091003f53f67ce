"""Charging: every period that is due, once, dated with its own days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from domain.fees import Bill, Run, bill, fee
from domain.ids import new_id
from domain.money import Money
from domain.periods import Period
from domain.programme import Programme
from models.fees import FeeKind, FeeRun, Stop
from services import events
from services.fees.book import FeeBook
from services.fees.moves import move_plan
from services.fees.prices import Percents, Price, price_of
from store.fees import charges
from store.fees.runs import Holder


@dataclass(slots=True)
class Billing:
    """One round of charging for one programme on one local day."""

    book: FeeBook
    session: Session
    code: str
    programme: Programme
    today: date
    percents: Percents
    made: list[dict[str, Any]] = field(default_factory=list)
    plans: dict[UUID, str] = field(default_factory=dict)

    @classmethod
    def of(cls, book: FeeBook, session: Session, code: str) -> Billing:
        """A round for the programme of that code, now."""
        programme = book.programmes.current(session, code)
        return cls(book, session, code, programme, book.today(programme), Percents(session, programme))

    def charge(self, due: Sequence[FeeRun], holders: Mapping[UUID, Holder]) -> int:
        """Charge locked runs of locked accounts up to today, end those that are over; return how many charges."""
        while due:
            bills = {run.id: bill(Run(run.anchor, run.since, run.until), run.next_start, self.today) for run in due}
            self.percents.ask(
                (holders[run.account_id].reseller_id, period.start)
                for run in due
                if run.kind == FeeKind.PRODUCT
                for period in bills[run.id].due
            )
            ended = [self._one(run, holders[run.account_id], bills[run.id]) for run in due]
            followers = [then for then in ended if then is not None]
            self.session.flush()
            self.session.add_all(followers)
            due = followers
        self.session.flush()
        written = charges.add(self.session, self.made)
        fresh = [values for values in self.made if values["id"] in written]
        self._tell(fresh)
        for account_id, plan in self.plans.items():
            move_plan(self.book, self.session, self.programme, account_id, plan)
        return len(fresh)

    def _one(self, run: FeeRun, holder: Holder, found: Bill) -> FeeRun | None:
        """Charge one run; return the plan that follows it when it is over."""
        price = price_of(self.programme, FeeKind(run.kind), run.code)
        if price is not None:
            for period in found.due:
                self._write(run, holder, period, price)
        elif found.due:
            self._no_longer_sold(run)
            return None
        run.next_start = found.next_start
        return self._end(run, holder) if found.over else None

    def _write(self, run: FeeRun, holder: Holder, period: Period, price: Price) -> None:
        percent = self.percents.of(holder.reseller_id, price.family, period.start)
        cost = fee(price.fee, percent)
        run.monthly = cost.total.amount
        how = {
            "fee": price.source,
            "percent": f"{percent.normalize():f}",
            "discount_of": None if holder.reseller_id is None else str(holder.reseller_id),
            "family": price.family,
            "as_of": period.start.isoformat(),
            "anchor": run.anchor.isoformat(),
            "rounding": "half up",
        }
        self.made.append(
            {
                "id": new_id(),
                "run_id": run.id,
                "programme": self.code,
                "account_id": run.account_id,
                "reseller_id": holder.reseller_id,
                "kind": run.kind,
                "product": run.code,
                "period_start": period.start,
                "period_end": period.end,
                "currency": price.fee.currency,
                "fee": cost.fee.amount,
                "percent": percent,
                "discount": cost.discount.amount,
                "total": cost.total.amount,
                "how": how,
                "created_at": self.book.now,
            }
        )

    def _no_longer_sold(self, run: FeeRun) -> None:
        """It ends with the period that was paid last."""
        run.stopped_by, run.ended, run.then_plan = Stop.NOT_SOLD.value, True, None
        run.until = run.next_start if run.next_start > run.since else None
        self._back_to_free(run)

    def _end(self, run: FeeRun, holder: Holder) -> FeeRun | None:
        run.ended = True
        then = run.then_plan
        if then is None or not holder.living or price_of(self.programme, FeeKind.PLAN, then) is None:
            self._back_to_free(run)
            return None
        self.plans[run.account_id] = then
        return following(run, then, self.book)

    def _back_to_free(self, run: FeeRun) -> None:
        if run.kind == FeeKind.PLAN:
            self.plans[run.account_id] = self.programme.free_plan.code

    def _tell(self, made: Sequence[Mapping[str, Any]]) -> None:
        news = [
            events.NewEvent("charge.created", told(one), one["account_id"], one["reseller_id"], self.code)
            for one in made
        ]
        events.emit_many(self.session, self.book.jobs, news, at=self.book.now)


def following(run: FeeRun, plan: str, book: FeeBook) -> FeeRun:
    """The paid plan that follows a run that is over; it keeps the anchor, so that the 31st comes back."""
    assert run.until is not None
    return FeeRun(
        id=new_id(),
        programme=run.programme,
        account_id=run.account_id,
        kind=FeeKind.PLAN.value,
        code=plan,
        anchor=run.anchor,
        since=run.until,
        next_start=run.until,
        ended=False,
        created_at=book.now,
    )


def told(charge: Mapping[str, Any]) -> dict[str, Any]:
    """What `charge.created` says: the charge as the API shows it, in plain JSON."""
    currency = charge["currency"]
    money = {name: Money(charge[name], currency).to_document() for name in ("fee", "discount", "total")}
    payer = charge["reseller_id"]
    return {
        "id": str(charge["id"]),
        "account_id": str(charge["account_id"]),
        "reseller_id": None if payer is None else str(payer),
        "kind": charge["kind"],
        "product": charge["product"],
        "period_start": charge["period_start"].isoformat(),
        "period_end": charge["period_end"].isoformat(),
        **money,
        "void": False,
    }
