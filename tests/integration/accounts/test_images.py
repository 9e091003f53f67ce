"""Images of brands: fetched once, made again, told when they fail, served by Kontor alone."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select, update

from kontor.accounts import domains
from kontor.accounts.payloads import IMAGES, AccountsTidy
from kontor.adapters.fakes import ManualClock
from kontor.audit import Actor
from kontor.context import Context
from kontor.kernel.errors import Unreachable
from kontor.kernel.ports import HttpReply
from models.accounts import Account, BrandImage, BrandRow, ImageFile
from models.jobs import Job
from tests.support.api import Api, ResellerAccounts, create_reseller_with_client
from tests.support.wiring import PUBLIC_URL, apply_example
from tests.support.worker import WorkerHarness, running_worker

LOGO = "https://pictures.elbe.example/logo.png"
DOMAIN = "learn.elbe.example"


def png(colour: str = "#336699") -> HttpReply:
    """A reply with a picture of one colour."""
    out = BytesIO()
    Image.new("RGB", (40, 20), colour).save(out, "PNG")
    return HttpReply(200, {"content-type": "text/html"}, out.getvalue())


@pytest.fixture
def worker(api: Api) -> Iterator[WorkerHarness]:
    """A worker of the API's deployment, with a fake outside world."""
    with running_worker(api.deps) as harness:
        yield harness


@pytest.fixture
def tenant(api: Api) -> ResellerAccounts:
    """A reseller of `learning` and its client."""
    with api.deps.sessions() as session:
        apply_example(session, "learning", api.deps.clock)
        session.commit()
    return create_reseller_with_client(api, "elbe")


Put = Callable[..., dict[str, Any]]


@pytest.fixture
def put(api: Api, tenant: ResellerAccounts, worker: WorkerHarness) -> Put:
    """Sets the reseller's logo, lets the worker fetch it, returns the brand."""
    key = api.key(reseller_id=tenant.reseller)

    def put_logo(url: str | None, *replies: HttpReply | Unreachable) -> dict[str, Any]:
        worker.http.queue_replies(*replies)
        api.ok(f"PUT /v1/accounts/{tenant.reseller}/brand", {"logo_url": url}, key=key)
        worker.inline.drain()
        shown: dict[str, Any] = api.ok(f"GET /v1/accounts/{tenant.reseller}/brand", key=key)
        return shown

    return put_logo


def test_logo_is_fetched_once_and_served_from_our_own_host(
    api: Api, tenant: ResellerAccounts, put: Put, worker: WorkerHarness
) -> None:
    shown = put(LOGO, png())
    (image,) = shown["images"]
    assert (image["state"], image["problem"], image["url"]) == ("ready", None, LOGO)
    assert shown["logo"].startswith(f"{PUBLIC_URL}/images/")
    put(LOGO)
    assert [each.url for each in worker.http.posted] == [LOGO]
    answer = api.http.get(shown["logo"].removeprefix(PUBLIC_URL))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert Image.open(BytesIO(answer.content)).size == (40, 20)
    assert api.http.get(f"/images/{'0' * 64}.png").status_code == 404
    assert api.http.get("/images/logo.png").status_code == 404
    own = api.ok(f"GET /v1/accounts/{tenant.client}/brand", key=api.key(account_id=tenant.client))
    assert own["logo"] == shown["logo"]


def test_account_key_gets_the_brand_in_force_and_nothing_of_its_settings(
    api: Api, tenant: ResellerAccounts, put: Put
) -> None:
    key = api.key(reseller_id=tenant.reseller)
    path = f"/v1/accounts/{tenant.client}/brand"
    brand = {"colours": {"primary": "#aa0000"}, "support": "help@salon.example", "from_address": "a@salon.example"}
    api.ok(f"PUT {path}", brand, key=key)
    assert api.ok(f"GET {path}", key=api.key(account_id=tenant.client)) == {
        "name": "elbe",
        "logo": None,
        "favicon": None,
        "colours": {"primary": "#aa0000"},
        "support": {"end_users": {"email": "help@salon.example"}},
    }
    api.ok(f"PUT {path}", {}, key=key)
    own = api.ok(f"GET {path}", key=api.key(account_id=tenant.client))
    assert own["support"] == {"end_users": {"email": api.ok(f"GET /v1/accounts/{tenant.client}")["admin_email"]}}


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (HttpReply(200, {}, b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "not_an_image"),
        (HttpReply(302, {"location": "https://169.254.169.254/"}, b""), "redirected"),
        (HttpReply(404, {}, b"secret words"), "not_found"),
        (HttpReply(200, {}, bytes(2 * 1024 * 1024 + 1)), "image_too_large"),
    ],
    ids=["svg", "redirect", "missing", "too large"],
)
def test_reseller_sees_why_an_image_failed_and_the_former_one_stays(
    put: Put, worker: WorkerHarness, reply: HttpReply, problem: str
) -> None:
    former = put(LOGO, png())["logo"]
    shown = put(f"{LOGO}?2", reply)
    (image,) = shown["images"]
    assert (image["state"], image["problem"]) == ("failed", problem)
    assert shown["logo"] == former
    assert len(worker.http.posted) == 2


def test_image_waits_and_is_tried_again_when_its_host_does_not_answer(
    api: Api, put: Put, worker: WorkerHarness, clock: ManualClock
) -> None:
    shown = put(LOGO, Unreachable("no answer in 15 s", timed_out=True), HttpReply(503, {}, b""))
    assert [(each["state"], each["problem"]) for each in shown["images"]] == [("waiting", "timed_out")]
    assert shown["logo"] is None
    worker.http.queue_replies(png())
    for _ in range(3):
        clock.advance(timedelta(hours=1))
        worker.inline.drain()
    assert put(LOGO)["images"][0]["state"] == "ready"
    dead = "https://silent.example/logo.png"
    put(dead, *[Unreachable("no connection: [SSL] bad", sent=False)])
    assert put(dead)["images"][0]["problem"] in {"tls_failed", "not_an_image"}


def test_job_succeeds_and_the_brand_says_so_when_the_last_attempt_fails(
    api: Api, put: Put, worker: WorkerHarness, clock: ManualClock
) -> None:
    worker.http.queue_replies(*[Unreachable("no answer in 15 s", timed_out=True)] * 8)
    put(LOGO)
    for _ in range(8):
        clock.advance(timedelta(hours=1))
        worker.inline.drain()
    with api.deps.sessions() as session:
        row = session.scalars(select(BrandImage)).one()
        assert (row.state, row.problem) == ("failed", "timed_out")
        assert session.scalars(select(Job.state).where(Job.task == IMAGES)).all() in ([], ["succeeded"])


def test_image_of_a_url_that_was_taken_back_is_not_in_force(api: Api, put: Put, tenant: ResellerAccounts) -> None:
    assert put(LOGO, png())["logo"] is not None
    shown = put(None)
    assert (shown["logo"], shown["images"]) == (None, [])


def test_addresses_that_may_not_be_called_are_refused_at_once(api: Api, tenant: ResellerAccounts) -> None:
    for url in ("https://pictures.example:22/logo.png", "https://pictures.example/logo.png#x"):
        answer = api.call(f"PUT /v1/accounts/{tenant.reseller}/brand", {"favicon_url": url})
        assert (answer.status_code, answer.json()["code"]) == (422, "forbidden_address")
        assert [error["loc"] for error in answer.json()["errors"]] == ["favicon_url"]


def test_domain_serves_the_images_of_its_own_accounts_alone(
    api: Api, tenant: ResellerAccounts, put: Put, worker: WorkerHarness
) -> None:
    others = create_reseller_with_client(api, "weser")
    mine = put(LOGO, png())["logo"].removeprefix(PUBLIC_URL)
    worker.http.queue_replies(png("#112233"))
    api.ok(f"PUT /v1/accounts/{others.client}/brand", {"logo_url": "https://weser.example/logo.png"})
    worker.inline.drain()
    theirs = api.ok(f"GET /v1/accounts/{others.client}/brand")["logo"].removeprefix(PUBLIC_URL)
    api.ok(f"PUT /v1/accounts/{tenant.client}/brand", {"domain": DOMAIN})
    with api.deps.sessions() as session:
        account = session.get_one(Account, tenant.client)
        domains.verify_manually(Context(api.deps.jobs), session, DOMAIN, account, Actor("test"))
        session.commit()
    on_domain = {"Host": DOMAIN}
    assert api.http.get(mine, headers=on_domain).status_code == 200
    assert api.http.get(theirs, headers=on_domain).status_code == 404
    own = api.ok(f"GET /v1/accounts/{tenant.client}/brand", key=api.key(account_id=tenant.client))
    assert own["logo"] == f"https://{DOMAIN}{mine}"


def test_images_of_brands_of_an_earlier_release_are_fetched_by_the_hourly_job(
    api: Api, tenant: ResellerAccounts, worker: WorkerHarness
) -> None:
    with api.deps.sessions() as session:
        session.add(BrandRow(account_id=tenant.client, logo_url=LOGO, updated_at=api.deps.clock.now()))
        session.flush()
        api.deps.jobs.enqueue(session, AccountsTidy())
        session.commit()
    worker.http.queue_replies(png())
    worker.inline.drain()
    worker.inline.drain()
    with api.deps.sessions() as session:
        (digest,) = session.scalars(select(BrandRow.logo))
        assert session.scalars(select(ImageFile.digest)).all() == [digest]
        session.execute(update(BrandRow).values(logo_url=None))
        session.commit()
    assert api.ok(f"GET /v1/accounts/{tenant.client}/brand")["logo"] is None
