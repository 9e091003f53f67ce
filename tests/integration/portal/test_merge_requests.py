"""A merge that the other reseller's owner agrees to by mail."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, text

from kontor.adapters.fakes import ManualClock
from kontor.mails.resend import RULES
from models.mails import Mail
from tests.integration.portal.test_reseller_pages import merges
from tests.support.api import Api, ResellerAccounts
from tests.support.portal import PASSWORD, PortalClient, error_of, mailed_path, page_of, set_password

Make = Callable[[str], ResellerAccounts]
ASK = "/partner/merge/requests"
KIND = "merge-request"


@pytest.fixture
def spree(api: Api, make_accounts: Make) -> ResellerAccounts:
    """Another reseller of the same programme."""
    made = make_accounts("spree")
    set_password(api, made.reseller)
    return made


@pytest.fixture
def seller(elbe: ResellerAccounts, visitor: PortalClient) -> PortalClient:
    """The reseller who asks, signed in."""
    visitor.sign_in("elbe")
    return visitor


@pytest.fixture
def owner(api: Api, spree: ResellerAccounts) -> Iterator[PortalClient]:
    """The owner of the other reseller, signed in."""
    with httpx.Client(base_url=api.http.base_url, timeout=30, verify=False) as http:
        browser = PortalClient(http)
        browser.sign_in("spree")
        yield browser


def asked(seller: PortalClient, api: Api, identifier: str = "spree") -> tuple[str, str]:
    """Ask; return the path of the request and of the link in the mail."""
    done = seller.post(ASK, {"identifier": identifier})
    assert done.headers["location"] == "/partner/merge?done=merge-asked", done.text
    shown = re.findall(r'data-request="([^"]+)"', seller.get("/partner/merge").text)
    return f"{ASK}/{shown[0]}", mailed_path(api, KIND)


def mailed_to(api: Api) -> list[UUID | None]:
    """The accounts that a request or an agreement was mailed to, oldest first."""
    with api.deps.sessions() as session:
        return list(session.scalars(select(Mail.account_id).where(Mail.template == KIND).order_by(Mail.id)))


def acts(api: Api) -> list[str]:
    """What the audit log has about requests, oldest first."""
    query = "SELECT action FROM audit_log WHERE action LIKE 'merge-request.%' ORDER BY seq"
    with api.deps.sessions() as session:
        return list(session.scalars(text(query)))


def test_merge_begins_with_one_button_once_the_other_owner_has_agreed_by_mail(
    seller: PortalClient, owner: PortalClient, elbe: ResellerAccounts, spree: ResellerAccounts, api: Api
) -> None:
    request, link = asked(seller, api)
    early = seller.post(f"{request}/begin")
    assert (early.status_code, merges(api), "spree client" in early.text) == (409, 0, False)
    page = owner.get(link)
    assert (page.status_code, page_of(page), "elbe" in page.text) == (200, "partner.merge.requests.show", True)
    agreed = owner.post(link, {"decision": "agree"})
    assert (agreed.status_code, agreed.headers["location"]) == (303, f"{link}?done=merge-agreed")
    assert mailed_to(api) == [spree.reseller, elbe.reseller]
    shown = seller.get("/partner/merge").text
    assert ('data-state="agreed"' in shown, "spree" in shown) == (True, True)
    begun = seller.post(f"{request}/begin")
    assert (begun.headers["location"], merges(api)) == ("/partner?done=merge-started", 1)
    again = seller.post(f"{request}/begin")
    assert (again.status_code, merges(api)) == (409, 1)
    assert acts(api) == ["merge-request.asked", "merge-request.agreed", "merge-request.begun"]
    assert owner.get(link).status_code == 410


def test_evidence_names_both_owners_and_where_they_were(
    seller: PortalClient, owner: PortalClient, elbe: ResellerAccounts, spree: ResellerAccounts, api: Api
) -> None:
    request, link = asked(seller, api)
    owner.post(link, {"decision": "agree"})
    seller.post(f"{request}/begin")
    entries = {each["action"]: each for each in audit_entries(api)}
    assert entries["merge-request.asked"]["actor"] == f"admin:{elbe.reseller}"
    assert entries["merge-request.agreed"]["actor"] == f"admin:{spree.reseller}"
    assert {each["origin"] for each in entries.values()} == {"portal 127.0.0.1"}
    assert entries["merge-request.agreed"]["detail"]["address_version"] == "1"
    assert entries["resellers.merge"]["detail"]["consent"]["via"] == "mail"


def audit_entries(api: Api) -> list[dict[str, Any]]:
    """The audit log's entries about requests and merges."""
    query = (
        "SELECT actor, action, origin, detail FROM audit_log WHERE action LIKE '%merge%' AND action NOT LIKE 'portal%'"
        " ORDER BY seq"
    )
    with api.deps.sessions() as session:
        return [dict(row) for row in session.execute(text(query)).mappings()]


def test_answer_and_page_are_the_same_when_there_is_no_such_account(
    seller: PortalClient, spree: ResellerAccounts, api: Api
) -> None:
    pages, answers = {}, {}
    for identifier in ("spree", "nobody", "spree@shop.example", "elbe client", "elbe"):
        answers[identifier] = seller.post(ASK, {"identifier": identifier})
        shown = seller.get("/partner/merge").text.replace(identifier, "WHO")
        pages[identifier] = re.sub(r"[0-9a-f-]{36}|nonce=\"[^\"]+\"|nonce-[\w-]+", "", shown)
    assert len({(answer.status_code, answer.headers["location"]) for answer in answers.values()}) == 1
    assert pages["nobody"] == pages["spree"] == pages["spree@shop.example"]
    assert mailed_to(api) == [spree.reseller, spree.reseller]


def test_what_was_asked_is_withdrawn_by_the_asker_and_by_asking_again(
    seller: PortalClient, owner: PortalClient, api: Api
) -> None:
    first, old_link = asked(seller, api)
    second, link = asked(seller, api)
    assert (owner.get(old_link).status_code, owner.get(link).status_code) == (410, 200)
    assert seller.post(f"{first}/withdraw").status_code == 409
    assert seller.post(f"{second}/withdraw").headers["location"] == "/partner/merge?done=merge-withdrawn"
    missed = owner.post(link, {"decision": "agree"})
    assert (missed.status_code, seller.post(f"{second}/begin").status_code, merges(api)) == (410, 409, 0)


def test_consent_is_refused_or_taken_back_while_the_merge_has_not_begun(
    seller: PortalClient, owner: PortalClient, api: Api
) -> None:
    request, link = asked(seller, api)
    unclear = owner.post(link, {"decision": "perhaps"})
    assert (unclear.status_code, error_of(unclear, "decision") != "") == (422, True)
    owner.post(link, {"decision": "agree"})
    assert owner.post(link, {"decision": "refuse"}).headers["location"] == "/partner?done=merge-refused"
    assert (seller.post(f"{request}/begin").status_code, merges(api)) == (409, 0)
    assert 'data-state="refused"' in seller.get("/partner/merge").text
    assert owner.post(link, {"decision": "agree"}).status_code == 410


def test_link_works_for_seven_days_and_for_the_address_it_was_mailed_to(
    seller: PortalClient, owner: PortalClient, api: Api, clock: ManualClock, spree: ResellerAccounts
) -> None:
    request, link = asked(seller, api)
    owner.post(link, {"decision": "agree"})
    api.ok(f"PATCH /v1/accounts/{spree.reseller}", {"admin_email": "new@spree.example"})
    owner.sign_in("spree")
    assert owner.get(link).status_code == 410
    assert (seller.post(f"{request}/begin").status_code, merges(api)) == (409, 0)
    request, link = asked(seller, api)
    clock.advance(timedelta(days=7))
    seller.sign_in("elbe")
    owner.sign_in("spree")
    assert (owner.get(link).status_code, owner.post(link, {"decision": "agree"}).status_code) == (410, 410)
    assert seller.post(f"{request}/begin").status_code == 409
    assert 'data-state="expired"' in seller.get("/partner/merge").text


def test_link_of_another_account_is_not_there_and_changes_nothing(
    seller: PortalClient, owner: PortalClient, api: Api, make_accounts: Make
) -> None:
    request, link = asked(seller, api)
    for path in (link, f"{link}x", f"{ASK}/nonsense"):
        assert seller.get(path).status_code == 404
        assert seller.post(path, {"decision": "agree"}).status_code == 404
    assert owner.post(f"{request}/begin").status_code == 404
    assert owner.post(f"{request}/withdraw").status_code == 404
    assert acts(api) == ["merge-request.asked"]


def test_forms_need_csrf_the_owner_and_a_proof_of_ten_minutes(
    seller: PortalClient, owner: PortalClient, api: Api, clock: ManualClock
) -> None:
    request, link = asked(seller, api)
    forms = {ASK: {"identifier": "spree"}, f"{request}/withdraw": {}, f"{request}/begin": {}}
    assert {seller.http.post(path, data=data).status_code for path, data in forms.items()} == {403}
    assert owner.http.post(link, data={"decision": "agree"}).status_code == 403
    clock.advance(timedelta(minutes=11))
    for browser, path, data in (
        (seller, ASK, {"identifier": "spree"}),
        (seller, f"{request}/begin", {}),
        (owner, link, {"decision": "agree"}),
    ):
        unproven = browser.post(path, data)
        assert (unproven.status_code, "proof_password" in unproven.text) == (403, True)
    assert acts(api) == ["merge-request.asked"]
    proven = owner.post(link, {"decision": "agree", "proof_password": PASSWORD})
    assert proven.status_code == 303


def test_link_leads_to_the_sign_in_and_back_when_nobody_is_signed_in(
    seller: PortalClient, spree: ResellerAccounts, api: Api
) -> None:
    _, link = asked(seller, api)
    with httpx.Client(base_url=api.http.base_url, timeout=30, verify=False) as http:
        browser = PortalClient(http)
        led = browser.get(link)
        assert (led.status_code, led.headers["location"].startswith("/login?next=%2Fpartner%2Fmerge")) == (303, True)
        assert browser.sign_in("spree", following=link).headers["location"] == link


def test_sixth_request_of_a_day_is_refused_known_or_not(seller: PortalClient, spree: ResellerAccounts) -> None:
    assert error_of(seller.post(ASK, {"identifier": " "}), "identifier") != ""
    answers = [seller.post(ASK, {"identifier": who}).status_code for who in ["spree", "nobody"] * 3]
    assert answers == [303] * 5 + [429]


def test_rule_of_the_mail_names_why_it_is_skipped(
    seller: PortalClient, spree: ResellerAccounts, api: Api, clock: ManualClock
) -> None:
    request, _ = asked(seller, api)
    rule = RULES[KIND].skip_reason
    assert rule is not None
    with api.deps.sessions() as session:
        mail = session.scalars(select(Mail).where(Mail.template == KIND)).one()
        assert rule(session, mail, clock.now()) is None
        assert rule(session, mail, clock.now() + timedelta(days=7)) == "the request has expired"
    seller.post(f"{request}/withdraw")
    with api.deps.sessions() as session:
        mail = session.scalars(select(Mail).where(Mail.template == KIND)).one()
        assert rule(session, mail, clock.now()) == "the request was answered or withdrawn"
