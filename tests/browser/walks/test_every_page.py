"""Every page of the portal, wide and on a phone: nothing is cut off in any language, nothing is serious for axe-core.

The pages are those of the route table, so that a new one is looked at or fails. Each is loaded once for a language; its
width and its colours change while it is open. axe-core, which takes most of the time, reads the English ones.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import text as sql

from kontor.accounts import client_import, merge_requests
from kontor.accounts.payloads import FileRow
from kontor.audit import Actor
from kontor.context import Context
from kontor.kernel.ids import new_id
from kontor.mailer.formatting import LANGUAGES
from kontor.portal.app import paths
from models.accounts import Account
from models.offers import Offer
from tests.browser.console.test_accessibility import AXE, findings
from tests.browser.mail_pictures import chromium
from tests.browser.walks.conftest import PHONE, WIDE
from tests.browser.walks.walker import OVERFLOW, Kontor, draw
from tests.support.charges import stated_charge
from tests.support.wiring import EXAMPLES

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="needs a system Chromium (Debian: chromium)"),
    pytest.mark.timeout(600),
]
SECRET = "a password for the pages"
NAME = "Krasnogorsk Hosting"
CLIENT = "Donaudampfschifffahrtsgesellschaft"
LARGE = '    price: "1490.00"\n'
MONTHLY = "    term: P1M\n    renewal: auto\n"
IMPORT = "/partner/clients/import"
NO_PAGES = {"/partner/clients.csv", "/partner/clients.xlsx", "/updates.json", "/as/{client_id}/updates.json"}
NO_PAGES |= {f"{IMPORT}/sample.csv", f"{IMPORT}/{{import_id}}/refused.csv", f"{IMPORT}/{{import_id}}/progress.json"}
NO_PAGES |= {"/partner/account-book.csv", "/partner/statements/{month}.csv"}
IN_FRAMES = {"/partner/brand/preview/mail", "/partner/clients/{account_id}/brand/preview/mail"}
"""A mail, which has tests of its own."""
LOOKS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((PHONE, "light"), (WIDE, "dark"))
EVENTS = (
    ("trial.started", '{"ends_at": "2026-12-24T12:00:00Z"}'),
    ("subscription.changed", '{"plan": "free"}'),
    ("usage.threshold", '{"metric": "learners", "threshold": "exceeded", "value": 51, "limit": 50}'),
    ("charge.created", '{"kind": "product", "product": "vps-large", "total": {"amount": "12.50", "currency": "RUB"}}'),
)
Paths = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def pages(kontor: Kontor) -> Paths:
    """A reseller that has one of everything; by person, the address of each of its routes."""
    kontor.apply("hosting", (EXAMPLES / "hosting.yaml").read_text().replace(LARGE, LARGE + MONTHLY))
    reseller, other = (kontor.account("hosting", name, SECRET) for name in (NAME, "Другой реселлер"))
    for account in (reseller, other):
        kontor.api.ok(f"POST /v1/accounts/{account}/become-reseller")
    client = kontor.client(reseller, CLIENT, SECRET)
    ids = {"account_id": client, "client_id": client, **things(kontor, reseller, client)}
    request = asked_by(kontor, other)
    by_person: Paths = {"visitor": {}, NAME: {}, CLIENT: {}}
    for route, path in paths():
        if route.method != "GET" or path in NO_PAGES | IN_FRAMES:
            continue
        inside = path.startswith(("/partner", "/as/"))
        person = "visitor" if route.policy.role is None else NAME if inside else CLIENT
        token = request if path.startswith("/partner/merge") else sign_in_link(kontor)
        by_person[person][path] = path.replace("{token}", token.rpartition("/")[2]).format(**ids)
    by_person[NAME] |= {
        "own": "/account",
        "own details": "/account/details",
        "inert": f"/as/{client}/updates?view=client",
    }
    return by_person


def things(kontor: Kontor, reseller: str, client: str) -> dict[str, str]:
    """Make what has a page of its own, and return the ids by the names that paths have for them."""
    ok = kontor.api.ok
    paid = {"amount": {"amount": "60000", "currency": "RUB"}, "paid_at": kontor.clock.now().isoformat()}
    ok(f"POST /v1/resellers/{reseller}/payments", paid | {"kind": "payment", "reference": "P-1"})
    bought = {"product": "vps-large", "order_ref": "O-1", "account_id": client}
    service = ok(f"POST /v1/resellers/{reseller}/orders", bought)["service_id"]
    hook = {"url": "https://hooks.example/a/long/path/of/somebody", "events": ["*"], "reseller_id": reseller}
    endpoint = ok("POST /v1/webhook-endpoints", hook)["id"]
    ok(f"POST /v1/accounts/{reseller}/members", {"email": "jana@krasnogorsk-hosting.example", "role": "staff"})
    kontor.api.key("read", "enqueue", reseller_id=UUID(reseller))
    ok(f"PUT /v1/accounts/{reseller}/brand", {"name": NAME, "domain": "panel.krasnogorsk-hosting.example"})
    ok(f"PUT /v1/accounts/{client}/instance", {"url": "https://system.example/a/long/path/of/somebody"})
    line = {"product": "vps-large", "count": 5, "mode": "relative", "term": "P1Y"}
    template = {"reseller_id": reseller, "name": "Startpaket", "lines": [line, line | {"term": "P45D"}]}
    made = ok("POST /v1/offer-templates", template)["id"]
    ok("POST /v1/offers", {"reseller_id": reseller, "account_id": client, "lines": [line]})
    make_busy(kontor, reseller, client)
    offer = ok("POST /v1/offers", {"reseller_id": reseller, "account_id": client, "lines": [line], "message": "Mehr!"})
    with kontor.transaction() as session:
        session.get_one(Offer, offer["id"]).state = "waiting_for_confirmation"
        charge = stated_charge(session, kontor.clock, UUID(client), "vps-large", "RUB")
    more = {
        "charge_id": str(charge.id),
        "month": f"{charge.period_start:%Y-%m}",
        "import_id": import_of(kontor, reseller),
    }
    return {"service_id": service, "endpoint_id": endpoint, "template_id": made, "offer_id": offer["id"], **more}


def make_busy(kontor: Kontor, reseller: str, client: str) -> None:
    """Let the client's system be down, and much have happened at the client."""
    now = kontor.clock.now()
    lane = {"name": f"instance:{client}", "now": now, "probe": now + timedelta(minutes=7)}
    event = {"client": client, "reseller": reseller, "now": now}
    with kontor.transaction() as session:
        session.execute(
            sql(
                "INSERT INTO lanes (name, state, held_since, probe_at, last_error)"
                " VALUES (:name, 'open', :now, :probe, 'answered 503')"
            ),
            lane,
        )
        for kind, data in EVENTS:
            session.execute(
                sql(
                    "INSERT INTO domain_events (id, type, account_id, reseller_id, programme, data, at) VALUES"
                    " (gen_random_uuid(), :kind, :client, :reseller, 'hosting', CAST(:data AS jsonb), :now)"
                ),
                event | {"kind": kind, "data": data},
            )


def import_of(kontor: Kontor, reseller: str) -> str:
    """Begin an import of clients, of which one row is refused; return its id."""
    names = (("Donaudampfschifffahrtskapitän", "boss@donau.example"), (CLIENT, "other@donau.example"))
    rows = [FileRow(2 + n, {"name": name, "admin_email": email}) for n, (name, email) in enumerate(names)]
    deps = kontor.api.deps
    with kontor.transaction() as session:
        owner = session.get_one(Account, UUID(reseller))
        return str(
            client_import.enqueue(Context(deps.jobs, deps.programmes), session, owner, rows, new_id(), Actor("test"))
        )


def asked_by(kontor: Kontor, other: str) -> str:
    """Let another reseller ask for a merge; return the path of the link that its owner got."""
    deps = kontor.api.deps
    with kontor.transaction() as session:
        ctx = Context(deps.jobs, deps.programmes)
        merge_requests.ask(ctx, session, UUID(other), NAME, Actor("test"))
    return kontor.link("merge-request", "boss1@walk.example")


def sign_in_link(kontor: Kontor) -> str:
    """The path of a link that signs in and was not used."""
    return str(kontor.api.ok(f"POST /v1/accounts/{kontor.id_of(CLIENT)}/portal-sessions", {})["url"])


@pytest.fixture
def opened(running: Browser, kontor: Kontor, pages: Paths) -> Iterator[dict[str, Page]]:
    """A browser of each person, who has signed in."""
    entered = {person: enter(running, kontor, person) for person in pages}
    yield entered
    for page in entered.values():
        page.context.close()


def enter(running: Browser, kontor: Kontor, person: str) -> Page:
    """A page of a person, with axe-core loaded into each document."""
    context = running.new_context(base_url=str(kontor.api.http.base_url), bypass_csp=True)
    context.add_init_script(path=AXE)
    page = context.new_page()
    if person != "visitor":
        page.goto("/login?lang=en")
        page.get_by_label("Account name or email address").first.fill(person)
        page.get_by_label("Password").fill(SECRET)
        page.get_by_role("button", name="Sign in").click()
    return page


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_cut_off_and_axe_reports_nothing_serious_on_any_page(
    pages: Paths, opened: dict[str, Page], language: str
) -> None:
    problems, looked_at = {}, 0
    for person, addresses in pages.items():
        for route, path in addresses.items():
            page, sign = opened[person], "&" if "?" in path else "?"
            answer = page.goto(f"{path}{sign}lang={language}", wait_until="load")
            assert answer is not None
            assert answer.status == 200, f"{person} {path}"
            name = f"{language}-{person}-{route.strip('/').replace('/', '.')}"
            if wrong := seen(page, name, read=language == "en"):
                problems[f"{person} {path}"] = wrong
            looked_at += 1
    assert problems == {}
    assert looked_at > 50


def seen(page: Page, name: str, *, read: bool) -> list[str]:
    """Look at a page in each way, by axe-core too where it is read; return what is wrong with it."""
    wrong = []
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 740})
        page.emulate_media(color_scheme=scheme)
        if page.evaluate(OVERFLOW) > 0:
            wrong.append(f"{width} overflow")
        if read:
            wrong += [f"{width} {scheme} {finding}" for finding in findings(page)]
        draw(page, f"{name}-{width}-{scheme}")
    return wrong
