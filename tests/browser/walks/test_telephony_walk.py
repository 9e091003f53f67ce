"""Seed 004: wholesale and retail prices, products assigned and charged, in English."""

from datetime import timedelta

import pytest

from tests.browser.mail_pictures import chromium
from tests.browser.walks.conftest import Enter
from tests.browser.walks.walker import Kontor, Visitor, Walker
from tests.support.wiring import EXAMPLES

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="needs a system Chromium (Debian: chromium)"),
    pytest.mark.timeout(300),
]
SECRET = "a password for the walk"


@pytest.fixture(scope="module", autouse=True)
def telephony(kontor: Kontor) -> None:
    """The programme."""
    kontor.apply("telephony", (EXAMPLES / "telephony.yaml").read_text())


def test_reseller_prices_products_and_is_charged(kontor: Kontor, enter: Enter, visitor: Visitor) -> None:
    name, client = f"Dialtone {visitor.width}", f"Bakery {visitor.width}"
    reseller = kontor.account("telephony", name, SECRET)
    kontor.api.ok(f"POST /v1/accounts/{reseller}/become-reseller")
    kontor.client(reseller, client, SECRET)
    other = f"Cafe {visitor.width}"
    kontor.client(reseller, other, SECRET)
    partner = enter("en-US", "partner")
    partner.sign_in("Account name or email address", name, "Password", SECRET, "Sign in")
    give(partner, client)
    refuse_a_second(partner, other)
    admin = enter("en-US", "client")
    admin.sign_in("Account name or email address", client, "Password", SECRET, "Sign in")
    admin.reads_not("10.00", "Wholesale", "margin")
    admin.check_layout()
    charge(partner, kontor, client)


def give(partner: Walker, client: str) -> None:
    """Rows 56 and 62: this product for this client, at a price of one's own; below cost it is said."""
    partner.follow(client)
    partner.follow("Products")
    partner.reads("This client has no products yet.")
    partner.choose("Product", "Call recording")
    partner.type("Client’s price per month", "25.00")
    partner.press("Give the product")
    partner.reads("The products have been changed.", "$10.00", "$20.00", "$25.00", "$15.00")
    partner.check_layout()
    partner.choose("Product", "Voicemail to text")
    partner.type("Client’s price per month", "2.00")
    partner.press("Give the product")
    partner.reads("below cost", "-$0.50")
    partner.check_layout()
    partner.type("New price of Voicemail to text", "6.00")
    partner.press("Set", of="Voicemail to text")
    partner.reads("$6.00", "$3.50")
    partner.reads_not("below cost")


def refuse_a_second(partner: Walker, other: str) -> None:
    """Row 59: what may not be applied more than once goes to one client."""
    partner.menu("Clients")
    partner.follow(other)
    partner.follow("Products")
    partner.choose("Product", "Voicemail to text")
    partner.press("Give the product")
    partner.reads("Only one client may have this product, and another has it.")
    partner.check_layout()


def charge(partner: Walker, kontor: Kontor, client: str) -> None:
    """Row 57: the wholesale price is charged month by month, also while the client is suspended."""
    partner.menu("Account book")
    partner.reads("Call recording 2026-", "-$10.00", "-$2.50", "-$12.50")
    partner.check_layout()
    partner.menu("Clients")
    partner.follow(client)
    partner.press("Suspend")
    partner.reads("The client has been suspended.")
    kontor.reach(kontor.clock.now() + timedelta(days=32))
    partner.sign_in("Account name or email address", partner_name(client), "Password", SECRET, "Sign in")
    partner.menu("Account book")
    partner.reads("-$25.00", "Voicemail to text 2026-")
    partner.check_layout()


def partner_name(client: str) -> str:
    """The reseller of a client."""
    return client.replace("Bakery", "Dialtone")
