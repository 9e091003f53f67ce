"""Members of accounts over HTTP, and the page of an invitation."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from kontor.accounts import deletion
from kontor.members import invitations, queries
from models.mails import Mail
from models.members import Member, MemberPassword
from tests.support.api import Api, ResellerAccounts

PASSWORD = "a password for members"
Make = Callable[[str], ResellerAccounts]


def add(api: Api, account: UUID, email: str = "jana@weser.example", role: str = "staff", **more: str) -> dict[str, Any]:
    """Add a member."""
    return dict(api.ok(f"POST /v1/accounts/{account}/members", {"email": email, "role": role, **more}))


def link_of(api: Api, member_id: str) -> str:
    """The path of the newest invitation of a member."""
    with api.deps.sessions() as session:
        mails = session.scalars(select(Mail).where(Mail.template == "member-invited").order_by(Mail.id.desc())).all()
        mail = next(mail for mail in mails if mail.refs["member_id"] == member_id)
        rule = invitations.MAIL_RULES["member-invited"].links
        assert rule is not None
        return rule(session, api.deps.tokens, mail)["page"]


def password_of(api: Api, email: str) -> str | None:
    """The stored hash of an address's password as member."""
    with api.deps.sessions() as session:
        row = queries.password_of(session, email)
        return None if row is None else row.password_hash


def test_owner_stands_first_and_members_follow_in_pages_when_listed(api: Api, make_accounts: Make) -> None:
    client = make_accounts("elbe").client
    added = [add(api, client, f"m{number}@weser.example")["id"] for number in range(3)]
    first = api.ok(f"GET /v1/accounts/{client}/members?limit=2")
    second = api.ok(f"GET /v1/accounts/{client}/members?limit=2&cursor={first['next']}")
    owner = first["items"][0]
    assert (owner["role"], owner["email"], owner["id"]) == ("owner", "admin@elbe.example", str(client))
    assert [item["id"] for item in [*first["items"][1:], *second["items"]]] == added
    assert second["next"] is None


def test_member_has_the_fields_of_the_contract_when_added_and_changed(api: Api, make_accounts: Make) -> None:
    client = make_accounts("elbe").client
    made = add(api, client, name="Jana Weber", locale="de")
    expected = {"email": "jana@weser.example", "name": "Jana Weber", "locale": "de", "role": "staff"}
    assert made == {**expected, "id": made["id"], "confirmed": False, "mail": "sent"}
    path = f"/v1/accounts/{client}/members/{made['id']}"
    assert api.ok(f"PATCH {path}", {"role": "viewer"})["role"] == "viewer"
    assert api.call(f"PATCH {path}", {"role": "owner"}).json()["errors"][0]["loc"] == "role"
    assert api.call(f"PATCH {path}", {"email": "other@weser.example"}).status_code == 422
    assert api.ok(f"DELETE {path}")["id"] == made["id"]
    assert api.call(f"DELETE {path}").status_code == 404


def test_address_is_refused_when_it_is_a_member_or_the_admin_already(api: Api, make_accounts: Make) -> None:
    client = make_accounts("elbe").client
    add(api, client)
    for email in ("Jana@weser.example", "admin@elbe.example"):
        answer = api.call(f"POST /v1/accounts/{client}/members", {"email": email, "role": "viewer"})
        assert (answer.status_code, answer.json()["code"]) == (409, "member_exists")
    owner = api.call(f"DELETE /v1/accounts/{client}/members/{client}")
    assert (owner.status_code, owner.json()["code"]) == (409, "owner_fixed")


def test_members_of_others_are_closed_when_a_key_is_bound(api: Api, make_accounts: Make) -> None:
    mine, foreign = make_accounts("elbe"), make_accounts("spree")
    member = add(api, mine.client)["id"]
    reseller, other = (api.key(reseller_id=each.reseller) for each in (mine, foreign))
    client = api.key(account_id=mine.client)
    path = f"/v1/accounts/{mine.client}/members"
    assert api.call(f"GET {path}", key=reseller).status_code == 403
    assert api.call(f"DELETE {path}/{member}", key=reseller).status_code == 403
    assert api.call(f"GET {path}", key=other).status_code == 404
    assert len(api.ok(f"GET {path}", key=client)["items"]) == 2
    mixed = api.call(f"DELETE /v1/accounts/{foreign.client}/members/{member}")
    assert mixed.status_code == 404
    assert api.ok(f"GET /v1/accounts/{mine.reseller}/members", key=reseller)["items"][0]["role"] == "owner"


def test_first_invitation_sets_the_password_and_a_second_one_keeps_it(api: Api, make_accounts: Make) -> None:
    mine, foreign = make_accounts("elbe"), make_accounts("spree")
    first, second = add(api, mine.client)["id"], add(api, foreign.client)["id"]
    page = api.http.get(link_of(api, first))
    assert (page.status_code, 'name="password"' in page.text) == (200, True)
    short = api.http.post(link_of(api, first), data={"password": "short"})
    assert (short.status_code, 'id="error-password"' in short.text) == (422, True)
    assert api.http.post(link_of(api, first), data={"password": PASSWORD}).status_code == 200
    stored = password_of(api, "jana@weser.example")
    assert api.deps.passwords.verify(stored, PASSWORD)
    assert 'name="password"' not in api.http.get(link_of(api, second)).text
    assert api.http.post(link_of(api, second), data={"password": "another password"}).status_code == 200
    assert password_of(api, "jana@weser.example") == stored
    members = api.ok(f"GET /v1/accounts/{foreign.client}/members")["items"]
    assert members[1]["confirmed"] is True


def test_invitation_is_gone_when_used_expired_or_withdrawn(api: Api, make_accounts: Make, clock: Any) -> None:
    client = make_accounts("elbe").client
    used, withdrawn, expired = (add(api, client, f"m{number}@weser.example")["id"] for number in range(3))
    links = [link_of(api, each) for each in (used, withdrawn, expired)]
    assert api.http.head(links[0]).status_code == 200
    assert api.http.post(links[0], data={"password": PASSWORD}).status_code == 200
    api.ok(f"DELETE /v1/accounts/{client}/members/{withdrawn}")
    assert [api.http.post(link, data={"password": PASSWORD}).status_code for link in links[:2]] == [410, 410]
    clock.advance(timedelta(hours=72))
    assert api.http.post(links[2], data={"password": PASSWORD}).status_code == 410
    assert api.http.get("/invite/forged").status_code == 404
    with api.deps.sessions() as session:
        assert [row.email_key for row in session.scalars(select(MemberPassword))] == ["m0@weser.example"]


def test_password_is_forgotten_when_the_last_membership_of_its_address_ends(api: Api, make_accounts: Make) -> None:
    mine, foreign = make_accounts("elbe"), make_accounts("spree")
    first, second = add(api, mine.client)["id"], add(api, foreign.client)["id"]
    api.http.post(link_of(api, first), data={"password": PASSWORD})
    api.ok(f"DELETE /v1/accounts/{mine.client}/members/{first}")
    assert password_of(api, "jana@weser.example") is not None
    api.ok(f"DELETE /v1/accounts/{foreign.client}/members/{second}")
    assert password_of(api, "jana@weser.example") is None


def test_members_are_erased_when_their_account_is_deleted_for_good(api: Api, make_accounts: Make, clock: Any) -> None:
    client = make_accounts("elbe").client
    api.http.post(link_of(api, add(api, client)["id"]), data={"password": PASSWORD})
    api.ok(f"DELETE /v1/accounts/{client}")
    clock.advance(timedelta(days=31))
    with api.deps.sessions() as session:
        deletion.purge(api.deps.context(api.deps.jobs), session, 10)
        session.commit()
        assert session.scalars(select(Member)).all() == []
        assert session.execute(text("SELECT count(*) FROM member_passwords")).scalar() == 0


def test_invitations_to_one_address_are_limited(api: Api, make_accounts: Make) -> None:
    client = make_accounts("elbe").client
    for _ in range(3):
        api.ok(f"DELETE /v1/accounts/{client}/members/{add(api, client)['id']}")
    answer = api.call(f"POST /v1/accounts/{client}/members", {"email": "jana@weser.example", "role": "staff"})
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many")


@pytest.mark.parametrize("field", ["email", "role", "locale"])
def test_field_is_named_when_it_is_invalid(api: Api, make_accounts: Make, field: str) -> None:
    client = make_accounts("elbe").client
    body = {"email": "jana@weser.example", "role": "staff", field: "?"}
    answer = api.call(f"POST /v1/accounts/{client}/members", body)
    assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, field)
