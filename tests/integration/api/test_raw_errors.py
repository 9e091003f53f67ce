"""What others answered is told by its class; the raw text is for operators with `operate` (programme.md 3.6)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, update

from kontor.http.visibility import Viewer, event_data
from kontor.kernel.ids import new_id
from models.control import Lane
from models.jobs import Job
from models.mails import Mail, MailRecipient
from models.offers import Offer
from models.webhooks import WebhookDelivery
from tests.support.api import Api, ResellerAccounts
from tests.support.console import ConsoleClient, create_operator

SECRET_WORDS = "stack trace at 10.0.0.7"
RAW = f"answered 403: {SECRET_WORDS}"
SMTP = f"mail server 10.0.0.7:25 said 550 {SECRET_WORDS}"
LINE = {"product": "excel-basics", "count": 5, "mode": "relative", "term": "P1Y"}


@dataclass(frozen=True, slots=True)
class Broken:
    """An offer, a webhook endpoint and a mail whose deliveries failed."""

    accounts: ResellerAccounts
    offer: UUID
    endpoint: UUID
    mail: UUID
    job: UUID


@pytest.fixture
def broken(api: Api, make_accounts: Callable[[str], ResellerAccounts]) -> Broken:
    """Everything of one reseller has failed."""
    accounts = make_accounts("elbe")
    body = {"reseller_id": str(accounts.reseller), "account_id": str(accounts.client), "lines": [LINE]}
    offer = UUID(api.ok("POST /v1/offers", body)["id"])
    url = {"url": "https://hooks.example/in", "events": ["*"], "reseller_id": str(accounts.reseller)}
    endpoint = UUID(api.ok("POST /v1/webhook-endpoints", url)["id"])
    with api.deps.sessions() as session:
        session.execute(update(Offer).values(delivery_error=RAW, grant_error="not sent: no connection: refused by X"))
        mail = session.scalars(select(Mail.id).where(Mail.account_id == accounts.client).limit(1)).one()
        session.execute(update(Mail).values(state="failed", reason=SMTP))
        session.execute(update(MailRecipient).values(state="failed", last_error=SMTP))
        job = session.scalars(select(Job.id).where(Job.task == "offers.deliver")).one()
        session.execute(update(Job).values(error={"type": "Transient", "message": RAW, "traceback": SECRET_WORDS}))
        session.add(
            WebhookDelivery(
                id=new_id(), endpoint_id=endpoint, webhook_id="w", event_seq=None, type="webhook.test", body={},
                state="failed", tries=1, last_error=RAW, created_at=api.deps.clock.now(),
            )
        )  # fmt: skip
        session.add(Lane(name=f"instance:{accounts.client}", state="open", failures=1, last_error=RAW))
        session.commit()
    return Broken(accounts, offer, endpoint, mail, job)


def shown(api: Api, broken: Broken, key: str) -> dict[str, Any]:
    """What a key reads about the failures."""
    offer = api.ok(f"GET /v1/offers/{broken.offer}", key=key)
    answers = {"delivery": offer["delivery"]["last_error"], "grant": offer["grant"]["last_error"]}
    job = api.ok(f"GET /v1/jobs/{broken.job}", key=key)
    return answers | {"job": job["error"]["message"], "traceback": job["error"].get("traceback")}


def test_raw_errors_are_for_operators_with_operate_alone(api: Api, broken: Broken) -> None:
    classes = {"delivery": "answered 403", "grant": "connection_refused", "job": "answered 403", "traceback": None}
    bound = api.key(reseller_id=broken.accounts.reseller)
    for key in (bound, api.key("read"), api.key("read", "enqueue", "admin")):
        assert shown(api, broken, key) == classes
    raw = shown(api, broken, api.key("read", "operate"))
    assert (raw["delivery"], raw["job"], raw["traceback"]) == (RAW, RAW, SECRET_WORDS)


def test_client_sees_classes_of_its_offers_errors(api: Api, broken: Broken) -> None:
    offer = api.ok(f"GET /v1/offers/{broken.offer}", key=api.key(account_id=broken.accounts.client))
    assert offer["delivery"]["last_error"] == "answered 403"
    updates = api.call(
        f"GET /v1/accounts/{broken.accounts.client}/updates", key=api.key(account_id=broken.accounts.client)
    )
    assert SECRET_WORDS not in updates.text


def test_webhook_and_mail_errors_are_told_by_class_to_the_reseller(api: Api, broken: Broken) -> None:
    bound = api.key(reseller_id=broken.accounts.reseller)
    (delivery,) = api.ok(f"GET /v1/webhook-endpoints/{broken.endpoint}/deliveries", key=bound)["items"]
    assert delivery["last_error"] == "answered 403"
    mail = api.ok(f"GET /v1/mails/{broken.mail}", key=bound)
    assert {each["last_error"] for each in mail["recipients"]} == {"answered 550"}
    assert mail["reason"] == "answered 550"
    assert api.ok(f"GET /v1/mails/{broken.mail}")["reason"] == SMTP


def test_no_list_of_a_reseller_holds_what_others_answered(api: Api, broken: Broken) -> None:
    bound = api.key(reseller_id=broken.accounts.reseller)
    for path in ("/v1/offers", "/v1/jobs", "/v1/mails", "/v1/events"):
        answer = api.call(f"GET {path}", key=bound)
        assert answer.is_success, path
        assert SECRET_WORDS not in answer.text, path


def test_event_about_a_dead_job_tells_its_class() -> None:
    data = {"job": "1", "task": "offers.deliver", "tenant": "t", "reason": "failed", "error": RAW}
    assert event_data("job.dead", data, Viewer.RESELLER)["error"] == "answered 403"
    assert event_data("job.dead", data, Viewer.OPERATOR)["error"] == RAW


@pytest.mark.parametrize(("role", "raw"), [("viewer", False), ("operator", True)])
def test_console_shows_raw_errors_from_the_role_operator_on(api: Api, broken: Broken, role: str, raw: bool) -> None:
    with httpx.Client(base_url=str(api.http.base_url), timeout=30, verify=False) as http:
        someone = ConsoleClient(http)
        someone.sign_in(create_operator(api.deps, role))
        lane = f"instance:{broken.accounts.client}"
        for path in (
            "instances",
            f"instances/{lane}",
            f"offers/{broken.offer}",
            f"mail/{broken.mail}",
            "jobs",
            f"jobs/{broken.job}",
            f"accounts/{broken.accounts.client}",
        ):
            page = someone.get(f"/console/{path}")
            assert page.status_code == 200, path
            assert (SECRET_WORDS in page.text) == raw, path
        timeline = someone.get(f"/console/accounts/{broken.accounts.client}").text.partition("<h2>Activity</h2>")[2]
        assert SECRET_WORDS not in timeline
