"""Sessions with device and place, ended one by one or all; remembered devices; mails about new ones."""

import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from kontor.adapters.fakes import ManualClock
from models.mails import Mail, MailRecipient
from tests.integration.portal.test_second_factor import add_app, enter_code
from tests.support.api import Api, ResellerAccounts
from tests.support.portal import PASSWORD, PortalClient, mailed_path, page_of
from tests.support.wiring import EXAMPLES

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
SESSION = re.compile(r'data-session="([0-9a-f-]{36})"')


@pytest.fixture
def elsewhere(api: Api) -> Iterator[PortalClient]:
    """A browser on another device."""
    with httpx.Client(base_url=api.http.base_url, timeout=30, headers={"user-agent": FIREFOX}, verify=False) as http:
        yield PortalClient(http)


def mails_about_sign_ins(api: Api) -> list[tuple[str, str, str]]:
    """Address, locale and login of each mail."""
    with api.deps.sessions() as session:
        query = select(Mail, MailRecipient.address).join(MailRecipient, MailRecipient.mail_id == Mail.id)
        rows = session.execute(query.where(Mail.template == "new-sign-in").order_by(Mail.id))
        return [(address, mail.locale, str(mail.facts["email"])) for mail, address in rows]


def test_sessions_are_listed_with_device_and_place_and_ended(
    elbe: ResellerAccounts, visitor: PortalClient, elsewhere: PortalClient
) -> None:
    visitor.sign_in("elbe client")
    elsewhere.sign_in("elbe client")
    page = visitor.get("/account/security?lang=en")
    assert page_of(page) == "account.security"
    assert all(text in page.text for text in ("Firefox, Windows", "127.0.0.1", "this one"))
    assert len(SESSION.findall(page.text)) == 2
    theirs = SESSION.findall(elsewhere.get("/account/security").text)
    last = next(each for each in theirs if f'{each}">\n          <th scope="row">Firefox' in page.text)
    ended = visitor.post(f"/account/security/sessions/{last}/end")
    assert ended.headers["location"] == "/account/security?done=session-ended"
    assert elsewhere.get("/account").status_code == 303
    assert visitor.post(f"/account/security/sessions/{last}/end").status_code == 404
    elsewhere.sign_in("elbe client")
    assert visitor.post("/account/security/sessions/end", {"which": "others"}).status_code == 303
    assert (elsewhere.get("/account").status_code, visitor.get("/account").status_code) == (303, 200)
    assert visitor.post("/account/security/sessions/end", {"which": "all"}).headers["location"] == "/login"
    assert visitor.get("/account").status_code == 303


def test_session_of_another_account_is_neither_listed_nor_ended(
    elbe: ResellerAccounts, visitor: PortalClient, elsewhere: PortalClient
) -> None:
    visitor.sign_in("elbe client")
    elsewhere.sign_in("elbe")
    (theirs,) = SESSION.findall(elsewhere.get("/partner/security").text)
    assert theirs not in visitor.get("/account/security").text
    assert visitor.post(f"/account/security/sessions/{theirs}/end").status_code == 404
    assert elsewhere.get("/partner").status_code == 200


def test_remembered_device_stays_signed_in_for_thirty_days(
    elbe: ResellerAccounts, visitor: PortalClient, clock: ManualClock
) -> None:
    form = {"csrf": visitor.csrf(), "identifier": "elbe client", "password": PASSWORD, "remember": "1"}
    assert visitor.http.post("/login", data=form).status_code == 303
    clock.advance(timedelta(days=29))
    assert visitor.get("/account").status_code == 200
    asked = visitor.post("/account/members", {"email": "a@b.example", "role": "staff"})
    assert (asked.status_code, page_of(asked)) == (403, "account.members")
    clock.advance(timedelta(days=1))
    assert visitor.get("/account").status_code == 303


def test_mail_is_sent_when_a_device_is_new_and_only_then(
    elbe: ResellerAccounts, visitor: PortalClient, elsewhere: PortalClient, api: Api, clock: ManualClock
) -> None:
    visitor.sign_in("elbe client")
    visitor.post("/logout")
    visitor.sign_in("elbe client")
    assert len(mails_about_sign_ins(api)) == 1
    elsewhere.sign_in("elbe client")
    address, locale, login = mails_about_sign_ins(api)[-1]
    assert (address, login.lower()) == ("admin@elbe.example", "elbe client")
    assert mailed_path(api, "new-sign-in") == "/account/security"
    clock.advance(timedelta(days=31))
    visitor.sign_in("elbe client")
    assert len(mails_about_sign_ins(api)) == 3
    member = {"email": "jana@weser.example", "role": "staff", "locale": "ja"}
    api.ok(f"POST /v1/accounts/{elbe.client}/members", member)
    api.http.post(mailed_path(api, "member-invited"), data={"password": PASSWORD})
    elsewhere.sign_in("jana@weser.example")
    assert mails_about_sign_ins(api)[-1] == ("jana@weser.example", "ja", "jana@weser.example")
    assert mailed_path(api, "new-sign-in") == "/account/sign-in"
    assert locale == "de"


def test_reseller_gets_nothing_but_the_set_up_while_the_programme_requires_a_factor(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api, clock: ManualClock
) -> None:
    source = (EXAMPLES / "learning.yaml").read_bytes() + b"second_factor: resellers\n"
    yaml = {"Content-Type": "application/yaml"}
    assert api.call("POST /v1/programmes/learning", source, headers=yaml).json()["applied"] is True
    visitor.sign_in("elbe client")
    assert visitor.get("/account").status_code == 200
    visitor.post("/logout")
    visitor.sign_in("elbe")
    for path in ("/partner", "/partner/offers", "/account", f"/as/{elbe.client}/account"):
        assert visitor.get(path).headers["location"] == "/account/security?done=factor-required"
    assert visitor.post("/partner/clients/new", {"name": "x"}).status_code == 303
    shown = visitor.get("/account/security?done=factor-required&lang=en")
    assert (shown.status_code, "second factor" in shown.text) == (200, True)
    _, codes = add_app(visitor, clock)
    assert visitor.get("/partner").status_code == 200
    visitor.post("/logout")
    assert visitor.sign_in("elbe").headers["location"] == "/login"
    assert enter_code(visitor, codes[0]).headers["location"] == "/partner"
