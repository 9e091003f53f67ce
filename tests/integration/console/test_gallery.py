"""The mail gallery: every mail in every language and brand; nothing is sent."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import func, select

from kontor.http.context import Deps
from kontor.mailer.formatting import LANGUAGES
from kontor.mailer.registry import MAIL_KINDS
from models.jobs import Job
from models.mails import Mail
from tests.support.api import Api, ResellerAccounts
from tests.support.console import ConsoleClient, unknown_id

As = Callable[[str], ConsoleClient]
HERE = "/console/mail/gallery"
ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture
def branded(api: Api, make_accounts: Callable[[str], ResellerAccounts]) -> UUID:
    """A reseller with a colour and a name that contains markup."""
    reseller = make_accounts("nordlicht").reseller
    brand = {"name": ATTACK, "colours": {"primary": "#0f766e"}, "support": {"email": "help@nordlicht.example"}}
    api.ok(f"PUT /v1/accounts/{reseller}/brand", brand)
    return reseller


def test_gallery_renders_every_mail_in_every_language_and_two_brands(signed_in: As, deps: Deps, branded: UUID) -> None:
    someone = signed_in("viewer")
    with deps.sessions() as session:
        before = [session.scalar(select(func.count()).select_from(table)) for table in (Mail, Job)]
    for brand in ("", f"?brand={branded}"):
        for template in MAIL_KINDS:
            for language in LANGUAGES:
                frame = someone.http.get(f"{HERE}/{template}/{language}/frame{brand}")
                assert frame.status_code == 200, (template, language, brand)
                assert f'lang="{language}"' in frame.text
    with deps.sessions() as session:
        after = [session.scalar(select(func.count()).select_from(table)) for table in (Mail, Job)]
    assert after == before


def test_index_links_every_mail_in_every_language(signed_in: As, branded: UUID) -> None:
    someone = signed_in("viewer")
    text = someone.get(f"{HERE}?brand={branded}&look=dark").text
    for template in MAIL_KINDS:
        for language in LANGUAGES:
            assert f'href="{HERE}/{template}/{language}?brand={branded}&amp;look=dark"' in text


def test_page_shows_subject_addresses_text_and_source(signed_in: As) -> None:
    text = signed_in("viewer").get(f"{HERE}/quota-warning/de?look=phone").text
    assert "<title>quota-warning in German" in text
    assert 'class="mail phone"' in text
    assert f'src="{HERE}/quota-warning/de/frame" sandbox' in text
    assert "admin@elbe.example, copy to ops@nordlicht.example" in text
    assert "Elbe Logistik" in text
    assert "Content-Type: multipart/alternative" in text
    assert re.search(r'aria-current="true">German</a>', text)


def test_gallery_uses_the_brand_of_the_reseller_the_programme_or_kontor(signed_in: As, branded: UUID) -> None:
    someone = signed_in("viewer")
    assert "#0f766e" in someone.http.get(f"{HERE}/offer-received/en/frame?brand={branded}").text
    assert "help@nordlicht.example" in someone.http.get(f"{HERE}/offer-received/en/frame?brand={branded}").text
    assert "#0f766e" not in someone.http.get(f"{HERE}/offer-received/en/frame").text
    assert "<strong>Kontor</strong>" in someone.get(HERE).text
    named = someone.get(f"{HERE}/offer-received/fr?brand=learning").text
    assert "<small>learning</small></a>" in named
    assert re.search(r'brand=learning" aria-current="true"', named)


def test_markup_in_a_name_is_escaped(signed_in: As, branded: UUID) -> None:
    someone = signed_in("viewer")
    for path in (HERE, f"{HERE}/offer-received/en", f"{HERE}/offer-received/en/frame", f"{HERE}/trial-started/ja"):
        text = someone.http.get(f"{path}?brand={branded}&q={ATTACK}").text
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path
    assert "&lt;script&gt;alert(1)" in someone.http.get(f"{HERE}/offer-received/en/frame?brand={branded}").text


def test_sample_is_sandboxed_and_loads_nothing(signed_in: As) -> None:
    frame = signed_in("viewer").http.get(f"{HERE}/statement/ru/frame")
    policy = frame.headers["content-security-policy"]
    assert "sandbox;" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "'unsafe-inline'" not in policy


def test_resellers_are_searched_by_name_and_paged(signed_in: As, api: Api, branded: UUID) -> None:
    for number in range(14):
        new = {"programme": "learning", "name": f"Partner {number:02}", "admin_email": f"p{number}@partner.example"}
        account = api.ok("POST /v1/accounts", new)["id"]
        api.ok(f"POST /v1/accounts/{account}/become-reseller")
    someone = signed_in("viewer")
    first = someone.get(f"{HERE}/statement/de?look=dark").text
    assert "Partner 13" in first
    assert "Partner 01" not in first
    onward = re.search(r'rel="next" href="([^"]+)">More resellers', first)
    assert onward
    second = someone.get(onward[1].replace("&amp;", "&")).text
    assert "Partner 01" in second
    assert "look=dark" in onward[1]
    page = someone.get(f"{HERE}?q=partner+07").text
    assert "Partner 07" in page
    assert "Partner 08" not in page
    assert "No reseller has that name" in someone.get(f"{HERE}?q=nobody").text


def test_unknown_mail_language_or_brand_is_404(signed_in: As) -> None:
    someone = signed_in("viewer")
    for path in (
        f"{HERE}/nonsense/en", f"{HERE}/statement/xx", f"{HERE}?brand=nonsense", f"{HERE}?brand={unknown_id()}",
        f"{HERE}/statement/en/frame?brand={unknown_id()}",
    ):  # fmt: skip
        assert someone.http.get(path).status_code == 404, path
    assert someone.http.get(f"{HERE}?cursor=never").status_code == 422
