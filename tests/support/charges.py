"""A charge and its statement, written as they are kept: for programmes that have no monthly fees themselves."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from kontor.kernel.ports import Clock
from models.accounts import Account
from models.fees import Charge, FeeRun, Statement

MONTH = timedelta(days=30)


def stated_charge(session: Session, clock: Clock, client_id: UUID, product: str, currency: str = "EUR") -> Charge:
    """Write a charge of today that a client's reseller pays, and the statement of this month that lists it."""
    client, now = session.get_one(Account, client_id), clock.now()
    day, money = now.date(), {"amount": "12.50", "currency": currency}
    mine = {"programme": client.programme, "account_id": client.id, "kind": "product", "created_at": now}
    run = FeeRun(id=uuid4(), code=product, anchor=day, since=day, next_start=day + MONTH, ended=True, **mine)
    session.add(run)
    session.flush()
    amounts = {"fee": Decimal("12.50"), "percent": Decimal(20), "discount": Decimal("2.50"), "total": Decimal(10)}
    how = {"version": 1, "list": money, "percent": "20", "as_of": day.isoformat()}
    period = {"period_start": day, "period_end": day + MONTH, "currency": currency, "how": how}
    month, payer = day.replace(day=1), client.reseller_id
    charge = Charge(
        id=uuid4(), run_id=run.id, reseller_id=payer, product=product, stated=month, **amounts, **period, **mine
    )
    session.add(charge)
    session.add(Statement(reseller_id=payer, month=month, currency=currency, total=charge.total, posted_at=now))
    session.flush()
    return charge
