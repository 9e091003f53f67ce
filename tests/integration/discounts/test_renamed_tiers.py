"""A renamed tier moves nobody; other percentages under the same name do (programme.md 6.7)."""

from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.accounts import reseller_status
from kontor.accounts import service as accounts
from kontor.accounts.service import NewAccount
from kontor.context import Context
from kontor.discounts import daily_run, run_admin
from kontor.kernel.money import Money
from kontor.kernel.states import PaymentKind
from kontor.payments import service as payments
from kontor.programme import files
from models.mails import Mail
from tests.support.fees import HOUSE

RENAMED = HOUSE.replace('name: "100"', 'name: "Bronze"')
DEEPER = RENAMED.replace("{voice: 10, video: 0}", "{voice: 11, video: 0}")
MORE_FAMILIES = (
    RENAMED.replace("families: [voice, video]", "families: [voice, video, fax]")
    .replace("video: 0}", "video: 0, fax: 0}")
    .replace("video: 5}", "video: 5, fax: 0}")
)


def apply(office: Context, session: Session, source: str) -> None:
    files.apply(session, "house", source, now=office.now, actor="test")


def moved_by(office: Context, session: Session, source: str) -> tuple[int, bool]:
    """How many resellers a preview says would move, and whether a payment's recomputation finds a move."""
    apply(office, session, source)
    previewed = run_admin.preview(office, session, "house").moved
    reseller = session.scalars(select(Mail.account_id).where(Mail.template == "tier-changed")).first()
    assert reseller is not None
    change = daily_run.recompute(office, session, reseller)
    assert change is not None
    return previewed, change.moved


def test_only_other_percentages_move_a_reseller(office: Context, session: Session) -> None:
    apply(office, session, HOUSE)
    account = accounts.create(office, session, NewAccount("house", "Weser", "chef@weser.example"))
    reseller_status.become_reseller(office, session, account.id)
    paid_at = office.now - timedelta(days=1)
    new = payments.NewPayment(PaymentKind.PAYMENT, Money(Decimal(150), "EUR"), paid_at, "psp-1")
    payments.post(office, session, account.id, new)
    first = daily_run.recompute(office, session, account.id)
    assert first is not None
    assert first.moved

    assert moved_by(office, session, RENAMED) == (0, False)
    assert moved_by(office, session, MORE_FAMILIES) == (0, False)
    assert moved_by(office, session, DEEPER) == (1, True)
    mails = session.scalars(select(Mail).where(Mail.template == "tier-changed").order_by(Mail.id)).all()
    assert [mail.facts["before"] for mail in mails] == ["", "Bronze"]
