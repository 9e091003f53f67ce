"""The reseller's newer pages on a phone in five languages: nothing is cut off; axe-core finds nothing serious."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from kontor.mailer.formatting import LANGUAGES
from tests.browser.console.test_accessibility import findings
from tests.browser.mail_pictures import chromium
from tests.browser.walks.walker import OVERFLOW, Kontor, draw
from tests.support.wiring import EXAMPLES

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="needs a system Chromium (Debian: chromium)"),
    pytest.mark.timeout(300),
]
SECRET = "a password for the pages"
NAME = "Krasnogorsk Hosting"
LARGE = '    price: "1490.00"\n'
MONTHLY = "    term: P1M\n    renewal: auto\n"


@pytest.fixture(scope="module")
def paths(kontor: Kontor) -> tuple[str, ...]:
    """A reseller that has one of everything; the paths of its pages."""
    kontor.apply("hosting", (EXAMPLES / "hosting.yaml").read_text().replace(LARGE, LARGE + MONTHLY))
    reseller = kontor.account("hosting", NAME, SECRET)
    ok = kontor.api.ok
    ok(f"POST /v1/accounts/{reseller}/become-reseller")
    client = kontor.client(reseller, "Donaudampfschifffahrtsgesellschaft", SECRET)
    paid = {"amount": {"amount": "60000", "currency": "RUB"}, "paid_at": kontor.clock.now().isoformat()}
    ok(f"POST /v1/resellers/{reseller}/payments", paid | {"kind": "payment", "reference": "P-1"})
    bought = {"product": "vps-large", "order_ref": "O-1", "account_id": client}
    service = ok(f"POST /v1/resellers/{reseller}/orders", bought)["service_id"]
    hook = {"url": "https://hooks.example/a/long/path/of/somebody", "events": ["*"], "reseller_id": reseller}
    endpoint = ok("POST /v1/webhook-endpoints", hook)["id"]
    ok(f"POST /v1/accounts/{reseller}/members", {"email": "jana@krasnogorsk-hosting.example", "role": "staff"})
    kontor.api.key("read", "enqueue", reseller_id=reseller)  # type: ignore[arg-type]  # the database casts text
    ok(f"PUT /v1/accounts/{reseller}/brand", {"name": NAME, "domain": "panel.krasnogorsk-hosting.example"})
    shown = f"/partner/clients/{client}"
    return (
        "/partner", shown, f"{shown}/products", f"{shown}/instance", f"{shown}/brand", "/partner/brand",
        "/partner/brand/preview", "/partner/keys", "/partner/webhooks", f"/partner/webhooks/{endpoint}",
        "/partner/team", "/partner/orders", "/partner/orders/new", "/partner/services", f"/partner/services/{service}",
        "/partner/discount", "/partner/account-book", "/partner/merge", "/partner/revert", "/partner/security",
    )  # fmt: skip


def signed_in(running: Browser, kontor: Kontor, **options: Any) -> Page:
    """A page of the reseller's owner."""
    context = running.new_context(base_url=str(kontor.api.http.base_url), **options)
    page = context.new_page()
    page.goto("/login?lang=en")
    page.get_by_label("Account name or email address").first.fill(NAME)
    page.get_by_label("Password").fill(SECRET)
    page.get_by_role("button", name="Sign in").click()
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_in_any_language_and_axe_reports_nothing_serious(
    running: Browser, kontor: Kontor, paths: tuple[str, ...], scheme: str
) -> None:
    page = signed_in(running, kontor, viewport={"width": 360, "height": 740}, color_scheme=scheme)
    problems = {}
    for language in LANGUAGES if scheme == "light" else ("de",):
        for path in paths:
            page.goto(f"{path}?lang={language}")
            wrong = ["overflow"] if page.evaluate(OVERFLOW) > 0 else []
            wrong += findings(page) if language == "de" else []
            if wrong:
                problems[f"{language} {path}"] = wrong
            draw(page, f"pages-{language}-{scheme}-{paths.index(path):02}")
    page.context.close()
    assert problems == {}
