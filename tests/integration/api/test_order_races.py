"""Orders with one reference at the same time, where no balance is checked and so no book is locked."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from kontor.context import Context
from kontor.provisioning import ordering
from kontor.provisioning.ordering import NewOrder
from tests.support.api import Api, ResellerAccounts
from tests.support.polling import wait_for

BLOCKED = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


def is_blocked(api: Api) -> bool:
    """Whether somebody waits for a lock; a transaction sees one state of all sessions to its end."""
    with api.deps.sessions() as session:
        return bool(session.scalar(BLOCKED))


def test_second_order_is_the_first_one_when_its_reference_was_used_meanwhile(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    reseller = make_accounts("elbe").reseller
    body = {"product": "excel-basics", "order_ref": "race"}
    with api.deps.sessions() as session, ThreadPoolExecutor(1) as pool:
        ctx = Context(api.deps.jobs, api.deps.programmes)
        first = ordering.place(ctx, session, reseller, NewOrder("excel-basics", "race")).order.id
        second = pool.submit(api.call, f"POST /v1/resellers/{reseller}/orders", body)
        wait_for(lambda: second.done() or is_blocked(api), "the second order", 30)
        session.commit()
        answer = second.result(30)
    assert (answer.status_code, answer.json()["id"]) == (200, str(first))
    assert len(api.ok(f"GET /v1/services?reseller={reseller}")["items"]) == 1
