"""The picture of the README: `KONTOR_PICTURES=1 python -m pytest -n0 tests/browser/walks/test_readme_picture.py`."""

import os

import pytest
from playwright.sync_api import Browser

from tests.browser.mail_pictures import chromium
from tests.browser.portal.test_portal_pages import PICTURES
from tests.browser.walks.walker import Kontor, Walker
from tests.support.wiring import EXAMPLES

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="needs a system Chromium (Debian: chromium)"),
    pytest.mark.skipif("KONTOR_PICTURES" not in os.environ, reason="draws the picture; set KONTOR_PICTURES=1"),
    pytest.mark.timeout(300),
]
SECRET = "a password for the picture"
CLIENTS = (
    ("Barber & Sons", "basic", 240), ("Cabinet Lindner", "free", 12), ("Nails by Ana", "free", 51),
    ("Salon Rose", "free", 49), ("Studio Nord", "premium", 1_204), ("Velo Mechanics", "basic", 1_013),
)  # fmt: skip


def test_picture_of_the_readme_is_small(running: Browser, kontor: Kontor) -> None:
    kontor.apply("booking", (EXAMPLES / "booking.yaml").read_text())
    reseller = kontor.account("booking", "Figaro Partners", SECRET)
    ok, now = kontor.api.ok, kontor.clock.now().isoformat()
    ok(f"POST /v1/accounts/{reseller}/become-reseller")
    for name, plan, used in CLIENTS:
        client = kontor.client(reseller, name, SECRET)
        if plan != "free":
            ok(f"PUT /v1/accounts/{client}/subscription", {"plan": plan})
        ok(f"POST /v1/accounts/{client}/usage", {"metric": "appointments", "value": used, "at": now})
        if name == "Salon Rose":
            ok(f"POST /v1/accounts/{client}/trial")
    context = running.new_context(base_url=str(kontor.api.http.base_url), viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto("/login?lang=en")
    Walker(page, "").sign_in("Account name or email address", "Figaro Partners", "Password", SECRET, "Sign in")
    path = PICTURES / "clients.png"
    page.screenshot(path=path)
    context.close()
    assert path.stat().st_size < 200_000
