"""The provider's contact: on the reseller's page and in mails to it, and nowhere that a client looks."""

from uuid import UUID

import pytest

from kontor.http.context import Deps
from kontor.programme import files
from tests.integration.mails.parsing import parsed
from tests.support.api import Api
from tests.support.fees import HOUSE
from tests.support.portal import PortalClient, set_password
from tests.support.worker import running_worker

WAYS = ("sales@house.example", "help@house.example", "https://house.example/partners", "https://house.example/terms")
CONTACT = "contact: {sales: sales@house.example, support: help@house.example, url: https://house.example/partners}\n"
SOURCE = HOUSE.replace("plans:\n", f"{CONTACT}plans:\n", 1).replace(
    'terms: {version: "1"}', 'terms: {version: "1", url: "https://house.example/terms"}'
)


@pytest.fixture
def made(api: Api, deps: Deps) -> dict[str, UUID]:
    """A reseller of a programme that names its contact, and a client, who can sign in."""
    with deps.sessions() as session:
        files.apply(session, "house", SOURCE, now=deps.clock.now(), actor="test")
        session.commit()
    new = {"programme": "house", "name": "Nord", "admin_email": "chef@nord.example"}
    reseller = api.ok("POST /v1/accounts", new)["id"]
    api.ok(f"POST /v1/accounts/{reseller}/become-reseller")
    body = {"name": "Alster", "admin_email": "chef@alster.example"}
    client = api.ok(f"POST /v1/resellers/{reseller}/clients", body)["id"]
    for account in (reseller, client):
        set_password(api, UUID(account))
    return {"reseller": UUID(reseller), "client": UUID(client)}


def test_reseller_reads_whom_to_ask_on_its_page_and_the_client_does_not(
    made: dict[str, UUID], visitor: PortalClient
) -> None:
    visitor.sign_in("Nord")
    section = visitor.get("/partner?lang=de").text.split('<section class="contact">')[1].split("</section>")[0]
    assert [way for way in WAYS if way not in section] == []
    assert ('href="mailto:sales%40house.example"' in section, 'href="https://house.example/terms"' in section) == (
        True,
        True,
    )
    assert "Ihr Ansprechpartner" in section
    inside = "".join(visitor.get(f"/as/{made['client']}/{page}").text for page in ("account", "updates"))
    visitor.post("/logout")
    visitor.sign_in("Alster")
    own = "".join(visitor.get(page).text for page in ("/account", "/updates", "/account/members", "/account/visits"))
    assert [way for way in WAYS if way in inside + own] == []


def test_mail_to_the_reseller_names_it_in_both_forms_and_that_to_the_client_does_not(
    made: dict[str, UUID], api: Api
) -> None:
    with running_worker(api.deps) as worker:
        worker.inline.drain()
        sent = [(each.recipient, parsed(each)) for each in worker.mail_transport.sent]

    def texts_to(address: str) -> list[str]:
        bodies = [message.get_body((form,)) for to, message in sent if to == address for form in ("plain", "html")]
        return [str(body.get_content()) for body in bodies if body is not None]

    to_reseller, to_client = texts_to("chef@nord.example"), texts_to("chef@alster.example")
    assert len(to_reseller) >= 2
    for content in to_reseller:
        assert [way for way in WAYS if way not in content] == []
    assert any("/activate/" in content for content in to_client)
    assert [way for way in WAYS for content in to_client if way in content] == []
