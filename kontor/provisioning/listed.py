"""Services as the document of their account lists them. Imports no other slice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from kontor.http.wire import Json, ResponseModel, UtcOut
from kontor.kernel.states import ServiceState
from models.accounts import Account

LISTED: Final = 100
"""Services that a document lists; GET /v1/services has all."""
OF_ACCOUNTS: Final = text(
    "SELECT whose, id, product, state, since, paid_until, result FROM ("
    "SELECT coalesce(account_id, reseller_id) AS whose, id, product, state, since, paid_until, result,"
    " row_number() OVER (PARTITION BY coalesce(account_id, reseller_id) ORDER BY id DESC) AS place"
    " FROM services WHERE state <> 'ended' AND (account_id = ANY(:ids)"
    " OR account_id IS NULL AND reseller_id = ANY(:ids))) AS s WHERE place <= :listed ORDER BY id DESC"
)


class AccountServiceOut(ResponseModel):
    """A service of an account that has not ended; its own document has the rest."""

    id: UUID
    product: str
    state: ServiceState
    since: UtcOut | None
    paid_until: date | None
    result: Json


def services_of(session: Session, accounts: Sequence[Account]) -> dict[UUID, list[AccountServiceOut]]:
    """Return the services of accounts that have not ended, newest first, at most LISTED of each."""
    by_account: dict[UUID, list[AccountServiceOut]] = defaultdict(list)
    rows = session.execute(OF_ACCOUNTS, {"ids": [account.id for account in accounts], "listed": LISTED})
    for whose, *columns in rows:
        names = AccountServiceOut.model_fields
        by_account[whose].append(AccountServiceOut(**dict(zip(names, columns, strict=True))))
    return by_account
