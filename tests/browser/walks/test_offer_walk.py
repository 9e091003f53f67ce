"""Seed 002: from a template to an accepted offer, in German."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from kontor.adapters.fakes import http_reply
from tests.browser.mail_pictures import chromium
from tests.browser.walks.conftest import Enter
from tests.browser.walks.walker import Kontor, Visitor, Walker
from tests.support.wiring import EXAMPLES

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="needs a system Chromium (Debian: chromium)"),
    pytest.mark.timeout(300),
]
SECRET = "ein Passwort zum Gehen"


@pytest.fixture(scope="module", autouse=True)
def learning(kontor: Kontor) -> None:
    """The programme."""
    kontor.apply("learning", (EXAMPLES / "learning.yaml").read_text())


def test_offer_is_made_from_a_template_and_accepted(kontor: Kontor, enter: Enter, visitor: Visitor) -> None:
    academy, factory = f"Akademie {visitor.width}", f"Werk {visitor.width}{visitor.scripts}"
    reseller = kontor.account("learning", academy, SECRET)
    kontor.api.ok(f"POST /v1/accounts/{reseller}/become-reseller")
    client = kontor.client(reseller, factory, SECRET)
    partner = enter("de-DE", "partner")
    partner.sign_in("Kontoname oder E-Mail-Adresse", academy, "Passwort", SECRET, "Anmelden")
    connect_system(partner, factory)
    fill_template(partner)
    send(partner, kontor, factory)
    admin = enter("de-DE", "client")
    admin.sign_in("Kontoname oder E-Mail-Adresse", factory, "Passwort", SECRET, "Anmelden")
    accept(admin, academy)
    withdraw(partner, kontor, factory)
    assert kontor.api.ok(f"GET /v1/accounts/{client}/badge") == {"count": 0}


def connect_system(partner: Walker, factory: str) -> None:
    """Row 37: which client has a system can be seen, and one is connected."""
    partner.reads(factory)
    partner.menu("Angebote")
    partner.follow("Neues Angebot")
    partner.reads(f"{factory} (kein System angebunden)")
    partner.menu("Kunden")
    partner.follow(factory)
    partner.follow("Angebundenes System")
    partner.type("Adresse", "https://customer.example/hook")
    partner.press("Speichern")
    partner.check_layout()


def fill_template(partner: Walker) -> None:
    """Rows 34 to 36: the name first, then products in German, added or in total; each is saved at once."""
    partner.menu("Vorlagen")
    partner.type("Name", "Büro")
    partner.press("Vorlage anlegen")
    partner.reads("Diese Vorlage enthält noch keine Produkte.")
    for product, name, count, mode in (
        ("Excel für Fortgeschrittene", "Excel", "4", "zusätzlich zum Bestand"),
        ("first-aid", "Erste Hilfe", "10", "insgesamt, ersetzt den Bestand"),
    ):
        form = partner.page.locator("[data-adds]")
        form.get_by_label("Produkt", exact=True).fill(product)
        form.get_by_label("Lizenzen").fill(count)
        form.get_by_label(mode).check()
        form.get_by_label("Laufzeit").select_option(label="1 Jahr")
        partner.press("Hinzufügen")
        expect(partner.page.locator("[data-line]", has_text=name)).to_be_visible()
    change_line(partner)
    partner.check_layout()


def change_line(partner: Walker) -> None:
    """A line is changed where it stands: with scripts at once, without by its button."""
    line = partner.page.locator("[data-line]", has_text="Excel")
    line.get_by_label("Lizenzen").fill("5")
    save = line.get_by_role("button", name="Speichern")
    if save.is_visible():
        with partner.page.expect_navigation():
            save.click()
    else:
        line.get_by_label("Lizenzen").press("Tab")
        expect(partner.page.locator("[data-said]")).to_have_text("Die Vorlage wurde gespeichert.")
    partner.page.reload()
    expect(partner.page.locator("[data-line]", has_text="Excel").get_by_label("Lizenzen")).to_have_value("5")


def send(partner: Walker, kontor: Kontor, factory: str) -> None:
    """Rows 37 to 40: client, template, message, one button; it waits until the client's system answers."""
    kontor.worker.http.queue_replies(http_reply(503))
    partner.menu("Angebote")
    partner.follow("Neues Angebot")
    partner.choose("Kunde", factory)
    partner.choose("Vorlage", "Büro")
    partner.type("Nachricht", "Fünf Plätze mehr für Ihre neuen Kolleginnen.")
    partner.check_layout()
    partner.press("Speichern und aktualisieren")
    partner.reads("Das Angebot ist unterwegs.", "Wartet")
    kontor.settle()
    look_again(partner)
    partner.reads("Wartet")
    partner.reads_not("Wartet auf Bestätigung")
    partner.check_layout()
    kontor.reach(kontor.clock.now() + timedelta(minutes=50))
    look_again(partner)
    partner.reads("Wartet auf Bestätigung")
    partner.check_layout()


def look_again(partner: Walker) -> None:
    """With scripts the list follows by itself; without, a link loads it again."""
    reload = partner.page.get_by_role("link", name="Neu laden")
    if reload.count():
        reload.click()


def accept(admin: Walker, academy: str) -> None:
    """Rows 42 to 45: the digit, the message, what will change, one press; the licences are counted."""
    assert admin.page.title().startswith("(1) ")
    admin.menu("Neuigkeiten")
    admin.reads(f"Nachricht von {academy}", "Fünf Plätze mehr für Ihre neuen Kolleginnen.", "0 Lizenzen → 5 (+5)")
    admin.check_layout()
    admin.follow("Ansehen und entscheiden")
    admin.reads("Es wird nichts entschieden, bevor Sie auf eine Schaltfläche tippen.")
    admin.check_layout()
    admin.press("Annehmen")
    admin.reads("Sie haben dieses Angebot angenommen.", "Nachweis")
    admin.check_layout()
    assert not admin.page.title().startswith("(")
    admin.menu("Konto")
    for product, count in (("Excel für Fortgeschrittene", "5"), ("Erste Hilfe", "10")):
        assert admin.page.locator("tr", has_text=product).locator("td").inner_text() == count


def withdraw(partner: Walker, kontor: Kontor, factory: str) -> None:
    """Row 41: a second offer is withdrawn before it is decided."""
    partner.menu("Angebote")
    partner.reads("Angenommen")
    partner.follow("Neues Angebot")
    partner.choose("Kunde", factory)
    partner.press("Speichern und aktualisieren")
    kontor.settle()
    partner.menu("Angebote")
    partner.reads("Wartet auf Bestätigung")
    partner.press("Vorgang abbrechen", of=factory)
    partner.reads("Das Angebot wurde zurückgezogen.", "Zurückgezogen")
    partner.check_layout()
