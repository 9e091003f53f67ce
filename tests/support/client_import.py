"""The form of the portal that creates many clients, as a browser without scripts sends it."""

import re
from collections.abc import Mapping
from uuid import UUID

import httpx
from sqlalchemy import select

from kontor.audit import Actor
from kontor.http.context import Deps
from kontor.kernel.limits import Limit
from kontor.limits import service as limits
from models.accounts import Account
from tests.support.api import Api
from tests.support.portal import HIDDEN, PortalClient, page_of
from tests.support.worker import running_worker

PATH = "/partner/clients/import"
HEAD = "name,admin_email,locale,timezone,external_id\n"
ROW = re.compile(r'data-row="(\d+)" data-state="(\w+)"')


def sent(seller: PortalClient, data: Mapping[str, str], file: bytes | None = None) -> httpx.Response:
    """Send the form of the page, with a file."""
    files = {"file": ("clients.csv", file, "text/csv")} if file is not None else {"x": ("", b"")}
    return seller.http.post(PATH, data={"csrf": seller.csrf(PATH), **data}, files=files)


def preview(seller: PortalClient, rows: str) -> httpx.Response:
    """Look at pasted rows."""
    answer = sent(seller, {"rows": rows})
    assert (answer.status_code, page_of(answer)) == (200, "partner.clients.import"), answer.text
    return answer


def confirmed(seller: PortalClient, shown: httpx.Response, rows: str) -> httpx.Response:
    """Press the button of a preview."""
    fields = dict(HIDDEN.findall(shown.text.split("data-preview")[1]))
    return sent(seller, {"rows": rows, **{name: fields[name] for name in ("numbers", "reference", "confirm")}})


def run_jobs(api: Api) -> None:
    with running_worker(api.deps) as worker:
        worker.inline.drain()


def names_of(api: Api, reseller: UUID) -> list[str]:
    with api.deps.sessions() as session:
        query = select(Account.name).where(Account.reseller_id == reseller).order_by(Account.name)
        return list(session.scalars(query))


def allow(deps: Deps, limit: Limit, value: int) -> None:
    with deps.sessions() as session:
        limits.set_limit(session, limit.name, value, Actor("test"), deps.clock.now())
        session.commit()


def seller_text(page: httpx.Response, number: int) -> str:
    """The row of a table."""
    row = re.search(rf'<tr data-row="{number}".*?</tr>', page.text, re.DOTALL)
    assert row is not None
    return row[0]
