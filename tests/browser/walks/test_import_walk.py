"""A reseller brings its clients in a file, corrects a row, and lets one of them go from the list."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.console.test_accessibility import findings
from tests.browser.mail_pictures import chromium
from tests.browser.walks.conftest import Enter
from tests.browser.walks.walker import Kontor, Visitor, Walker
from tests.support.wiring import EXAMPLES

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="needs a system Chromium (Debian: chromium)"),
    pytest.mark.timeout(300),
]
SECRET = "a password for the walk"
CONTACT = "contact: {sales: sales@learning.example, url: https://learning.example/partners}\n"
SIGN_IN = {
    "de-DE": ("Kontoname oder E-Mail-Adresse", "Passwort", "Anmelden"),
    "ja-JP": ("アカウント名またはメールアドレス", "パスワード", "ログイン"),
}
WORDS = {
    "de-DE": {
        "import": "Viele Kunden anlegen",
        "file": "CSV-Datei",
        "rows": "Oder eingefügte Zeilen",
        "check": "Zeilen prüfen",
        "twice": "Dieser Name oder ein ähnlicher steht schon in Zeile 2.",
        "address": "Bitte geben Sie eine gültige E-Mail-Adresse ein.",
        "create": "2 Kunden anlegen",
        "clients": "Kunden",
        "more": "Mehr",
        "suspend": "Sperren",
        "suspended": "Gesperrt",
        "delete": "Löschen",
        "deleted": "Das Konto wurde gelöscht.",
        "contact": "Ihr Ansprechpartner",
    },
    "ja-JP": {
        "import": "クライアントを一括作成",
        "file": "CSVファイル",
        "rows": "または貼り付けた行",
        "check": "行を確認",
        "twice": "この名前、またはよく似た名前が2行目にすでにあります。",
        "address": "メールアドレス",
        "create": "2件のクライアントを作成",
        "clients": "クライアント",
        "more": "その他",
        "suspend": "停止",
        "suspended": "停止中",
        "delete": "削除",
        "deleted": "アカウントを削除しました。",
        "contact": "お問い合わせ先",
    },
}


@pytest.fixture(scope="module", autouse=True)
def learning(kontor: Kontor) -> None:
    """The programme, which names a contact."""
    kontor.apply("learning", (EXAMPLES / "learning.yaml").read_text() + CONTACT)


@pytest.mark.parametrize("locale", WORDS)
def test_clients_are_brought_in_a_file_and_one_is_deleted_from_the_list(
    kontor: Kontor, enter: Enter, visitor: Visitor, locale: str, tmp_path: Path
) -> None:
    words, mark = WORDS[locale], f"{locale[:2]}-{visitor}"
    reseller = kontor.account("learning", f"Elbe {mark}", SECRET)
    kontor.api.ok(f"POST /v1/accounts/{reseller}/become-reseller")
    partner = enter(locale, "import")
    name, password, button = SIGN_IN[locale]
    partner.sign_in(name, f"Elbe {mark}", password, SECRET, button)
    partner.open(f"/partner?lang={locale[:2]}")
    partner.reads(words["contact"], "sales@learning.example")
    partner.follow(words["import"])
    check_page(partner)
    file = tmp_path / "kunden.csv"
    file.write_bytes(f"name;admin_email\r\nBäckerei {mark};a@{mark}.example\r\nbäckerei {mark};b\r\n".encode("cp1252"))
    partner.page.get_by_label(words["file"], exact=True).set_input_files(file)
    partner.press(words["check"])
    partner.reads(words["twice"], words["address"], f"Bäckerei {mark}")
    check_page(partner)
    rows = f"name;admin_email\nBäckerei {mark};a@{mark}.example\nKiosk {mark};b@{mark}.example\n"
    partner.type(words["rows"], rows)
    partner.press(words["check"])
    partner.press(words["create"])
    expect(partner.page.locator('[data-state="running"]')).to_be_visible()
    check_page(partner)
    kontor.settle()
    if not visitor.scripts:
        partner.page.reload()
    expect(partner.page.locator('[data-state="done"][data-created="2"]')).to_be_visible()
    check_page(partner)
    partner.page.locator("main").get_by_role("link", name=words["clients"], exact=True).click()
    acts_of_a_row(partner, words, f"Kiosk {mark}")


def acts_of_a_row(partner: Walker, words: dict[str, str], client: str) -> None:
    """Suspend a client by the keyboard, and delete it after the question."""
    row = partner.page.locator("tr", has_text=client)
    row.get_by_text(words["more"]).focus()
    partner.page.keyboard.press("Enter")
    expect(row.get_by_role("button", name=words["suspend"])).to_be_visible()
    check_page(partner)
    row.get_by_role("button", name=words["suspend"]).press("Enter")
    expect(partner.page.locator('tr[data-state="suspended"]', has_text=client)).to_contain_text(words["suspended"])
    row.get_by_text(words["more"]).click()
    row.get_by_role("link", name=words["delete"]).click()
    partner.reads(client)
    check_page(partner)
    partner.press(words["delete"])
    partner.reads(words["deleted"])
    partner.reads_not(client)


def check_page(partner: Walker) -> None:
    """Expect a page that is not cut off and has nothing serious for axe-core, in both colours."""
    for scheme in ("light", "dark"):
        partner.page.emulate_media(color_scheme=scheme)
        partner.check_layout()
    if partner.name.endswith("scripts"):
        assert findings(partner.page) == []
