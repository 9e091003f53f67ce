"""Task of account books: the check of balances."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy.orm import Session

from kontor.account_book import notifications
from kontor.account_book.payloads import BalancesCheck
from kontor.context import Context
from kontor.engine.handlers import Done, Handler, JobContext
from kontor.programme.service import Programmes
from tasks.deps import HandlerDeps


class BalancesCheckHandler:
    """Mails resellers whose balance fell under the programme's threshold, once until it rose again."""

    payload: ClassVar[type[BalancesCheck]] = BalancesCheck

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: BalancesCheck) -> Done:
        """Check and mail."""
        ctx = Context(job.jobs, self._programmes)
        mailed = notifications.check(ctx, session, payload.reseller_ids, falling=payload.falling)
        return Done({"mailed": mailed})


def handlers(deps: HandlerDeps) -> list[Handler]:
    """Return the handler of account books."""
    return [BalancesCheckHandler(deps.programmes)]
