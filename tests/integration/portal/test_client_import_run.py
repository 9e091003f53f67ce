"""An import of clients: made once by its job, row by row, seen by its reseller alone, erased with its clients."""

import csv
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from kontor.accounts import client_import
from kontor.accounts.payloads import AccountsTidy
from kontor.adapters.fakes import ManualClock
from kontor.kernel.limits import CLIENTS, STRANGERS_FIRST_WEEK
from models.control import AuditEntry
from models.limits import LimitUse
from models.mails import Mail
from tests.support.api import Api, ResellerAccounts
from tests.support.client_import import (
    HEAD,
    PATH,
    ROW,
    allow,
    confirmed,
    names_of,
    preview,
    run_jobs,
    seller_text,
)
from tests.support.portal import PortalClient, page_of, set_password
from tests.support.worker import running_worker


@pytest.fixture
def seller(elbe: ResellerAccounts, visitor: PortalClient) -> PortalClient:
    """The reseller, signed in, who reads English."""
    assert visitor.sign_in("elbe").headers["location"] == "/partner"
    visitor.get("/partner?lang=en")
    return visitor


def test_confirmed_rows_are_created_as_one_alone_and_only_those_previewed(
    seller: PortalClient, api: Api, elbe: ResellerAccounts
) -> None:
    rows = (
        "name;admin_email;locale;timezone;external_id;metadata.region\n"
        "Rose;rose@example.com;fr;Europe/Paris;C-2;south\nNelke;nobody;;;;\nAster;a@example.com;;;;\n"
    )
    shown = preview(seller, rows)
    begun = confirmed(seller, shown, rows)
    assert begun.status_code == 303
    run = begun.headers["location"]
    waiting = seller.get(run)
    assert (page_of(waiting), 'data-state="running"' in waiting.text) == ("partner.clients.import.show", True)
    assert seller.get(f"{run}/progress.json").json() == {"count": 0}
    run_jobs(api)
    done = seller.get(run)
    assert 'data-state="done" data-created="2" data-refused="0"' in done.text
    assert seller.get(f"{run}/progress.json").json() == {"count": 3}
    assert names_of(api, elbe.reseller) == ["Aster", "Rose", "elbe client"]
    key = api.key(reseller_id=elbe.reseller)
    (rose,) = api.ok("GET /v1/accounts?q=Rose", key=key)["items"]
    assert (rose["locale"], rose["timezone"], rose["external_id"], rose["metadata"], rose["plan"]) == (
        "fr", "Europe/Paris", "C-2", {"region": "south"}, "free",
    )  # fmt: skip
    with api.deps.sessions() as session:
        mailed = session.scalars(select(Mail.account_id).where(Mail.template == "activation")).all()
        assert UUID(rose["id"]) in mailed
        query = select(AuditEntry).where(AuditEntry.action.startswith("clients.import")).order_by(AuditEntry.seq)
        pressed, made = session.scalars(query).all()
        assert (pressed.target, pressed.actor) == (f"job:{run.rpartition('/')[2]}", f"admin:{elbe.reseller}")
        assert (made.action, made.actor) == ("clients.imported", f"admin:{elbe.reseller}")
        assert UUID(rose["id"]) in made.subjects


def test_pressed_twice_or_at_once_the_same_import_is_made_once(
    seller: PortalClient, api: Api, elbe: ResellerAccounts
) -> None:
    rows = HEAD + "Rose,rose@example.com,,,\nAster,a@example.com,,,\n"
    shown = preview(seller, rows)
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda _: confirmed(seller, shown, rows), range(3)))
    assert len({answer.headers["location"] for answer in answers}) == 1
    run_jobs(api)
    assert confirmed(seller, shown, rows).headers["location"] == answers[0].headers["location"]
    run_jobs(api)
    assert names_of(api, elbe.reseller) == ["Aster", "Rose", "elbe client"]
    with api.deps.sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM jobs_archive WHERE task = 'clients.import'")) == 1


def test_rows_that_became_impossible_are_refused_and_the_others_created(
    seller: PortalClient, api: Api, elbe: ResellerAccounts
) -> None:
    lines = [f"Kunde {number:02},k{number}@example.com,,," for number in range(client_import.CHUNK + 5)]
    rows = HEAD + "\n".join(lines)
    shown = preview(seller, rows)
    run = confirmed(seller, shown, rows).headers["location"]
    taken = {"name": "Kunde 03", "admin_email": "first@example.com"}
    api.ok(f"POST /v1/resellers/{elbe.reseller}/clients", taken)
    run_jobs(api)
    done = seller.get(f"{run}?lang=de")
    assert f'data-state="done" data-created="{len(lines) - 1}" data-refused="1"' in done.text
    assert "Dieser Name ist vergeben" in seller_text(done, 5)
    answer = seller.get(f"{run}/refused.csv?lang=de")
    (refused,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (refused["name"], refused["admin_email"]) == ("Kunde 03", "k3@example.com")
    assert refused["why"] == "Dieser Name ist vergeben oder einem vergebenen zu ähnlich."


def test_limit_of_new_clients_is_shown_before_and_kept_when_it_shrinks(
    seller: PortalClient, api: Api, elbe: ResellerAccounts
) -> None:
    allow(api.deps, CLIENTS, 4)
    rows = HEAD + "".join(f"Kunde {number},k{number}@example.com,,,\n" for number in range(5))
    shown = preview(seller, rows)
    assert list(dict(ROW.findall(shown.text)).values()).count("creatable") == 3, "one was made within the hour"
    assert "Over the limit of 4 new clients in an hour." in seller_text(shown, 5)
    run = confirmed(seller, shown, rows).headers["location"]
    allow(api.deps, CLIENTS, 2)
    run_jobs(api)
    done = seller.get(run)
    assert 'data-created="1" data-refused="2"' in done.text
    assert "Over the limit of 2 new clients in an hour." in seller_text(done, 4)
    assert len(names_of(api, elbe.reseller)) == 2


def test_mails_that_would_wait_are_named_before_and_after(
    seller: PortalClient, api: Api, elbe: ResellerAccounts
) -> None:
    with api.deps.sessions() as session:
        counted = (LimitUse.name == STRANGERS_FIRST_WEEK.name, LimitUse.subject == str(elbe.reseller))
        before = session.scalar(select(func.count()).select_from(LimitUse).where(*counted))
    allow(api.deps, STRANGERS_FIRST_WEEK, int(before or 0) + 1)
    rows = HEAD + "Rose,rose@example.com,,,\nAster,a@example.com,,,\n"
    shown = preview(seller, rows)
    assert ("Email waits" in seller_text(shown, 2), "Email waits" in seller_text(shown, 3)) == (False, True)
    run = confirmed(seller, shown, rows).headers["location"]
    run_jobs(api)
    done = seller.get(run)
    assert ("Email waits" in seller_text(done, 2), "Email waits" in seller_text(done, 3)) == (False, True)


def test_import_of_another_reseller_and_job_of_another_task_are_not_found(
    seller: PortalClient, api: Api, elbe: ResellerAccounts, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    rows = HEAD + "Rose,rose@example.com,,,\n"
    run = confirmed(seller, preview(seller, rows), rows).headers["location"]
    other = make_accounts("spree")
    set_password(api, other.reseller)
    seller.post("/logout")
    seller.sign_in("spree")
    for path in (run, f"{run}/refused.csv", f"{run}/progress.json"):
        assert seller.get(path).status_code == 404, path
    with api.deps.sessions() as session:
        foreign = session.scalar(text("SELECT id FROM jobs WHERE task <> 'clients.import' LIMIT 1"))
    assert foreign is not None
    assert seller.get(f"{PATH}/{foreign}").status_code == 404


def test_rows_of_an_import_go_when_one_of_its_clients_is_erased(
    seller: PortalClient, api: Api, elbe: ResellerAccounts, clock: ManualClock
) -> None:
    rows = HEAD + "Rose,rose@example.com,,,\nAster,aster@example.com,,,\n"
    run = confirmed(seller, preview(seller, rows), rows).headers["location"]
    run_jobs(api)
    (rose,) = api.ok("GET /v1/accounts?q=Rose")["items"]
    api.ok(f"DELETE /v1/accounts/{rose['id']}")
    clock.advance(timedelta(days=31))
    with running_worker(api.deps) as worker:
        with api.deps.sessions() as session:
            api.deps.jobs.enqueue(session, AccountsTidy())
            session.commit()
        worker.inline.drain()
    with api.deps.sessions() as session:
        kept = session.scalar(text("SELECT payload::text FROM jobs_archive WHERE task = 'clients.import'"))
    assert "rose@example.com" not in str(kept)
    assert seller.sign_in("elbe").status_code == 303
    shown = seller.get(run)
    assert (shown.status_code, "rose@example.com" in shown.text) == (200, False)
