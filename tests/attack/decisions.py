"""A reseller decides its own offer, in every way; and the next reseller looks at the former one's."""

from typing import Final

import httpx

from devtools.demo.deployment import check, wait_for
from devtools.demo.world import open_page, press_button
from tests.attack.attempts import Attempts, code_of
from tests.attack.console import sign_in
from tests.attack.target import AttackTarget
from tests.attack.tenants import (
    CODE,
    PASSWORD,
    Tenant,
    create_tenant,
    decision_links,
    sell_secretly,
    send_offer,
    state_of,
)

OWN_MAILBOX: Final = "mine@thief.example"
FORM: Final = {"Content_Type": "application/x-www-form-urlencoded"}
SECRET_MESSAGE: Final = "Dear Max Private, your diagnosis XYZZY-42."


def press(link: str, word: str = "accept") -> int:
    """Press a button of a decision page; returns the status, that of the page when it has no button."""
    try:
        return press_button(link, word).status_code
    except httpx.HTTPStatusError as error:
        return error.response.status_code
    except StopIteration:
        return open_page(link).status_code


def own_offers(target: AttackTarget, attempts: Attempts) -> None:
    """Send an offer and accept it without the client."""
    ways = (_by_key, _by_address, _by_keys_for_the_client, _there_and_back, _by_its_domain, _suspended)
    for way in ways[: 3 if target.short else None]:
        tenant = create_tenant(target, "chooser", furnished=False)
        way(target, attempts, tenant)
    _true_decisions(target, attempts)


def _true_decisions(target: AttackTarget, attempts: Attempts) -> None:
    """Decide as the client does, to show that the refusals above are not for another reason; read the evidence."""
    tenant = create_tenant(target, "honest", furnished=False)
    offer = send_offer(target, tenant)
    key = target.new_key(("read", "enqueue"), account_id=tenant.client)
    answer = target.call(key, f"POST /v1/offers/{offer}/accept")
    attempts.status("control: the client's own key decides", answer, 200)
    second = send_offer(target, tenant)
    status = press(decision_links(target, tenant.client_address)[-1])
    attempts.held("control: the client's link decides", status < 400, status)
    events = target.ok(f"GET /v1/offers/{second}")["events"]
    evidence = [dict(event["evidence"]) for event in events if event.get("evidence")]
    right = [(each["via"], each["address"]) for each in evidence] == [("link", tenant.client_address)]
    attempts.held("the evidence of a decision by link", right, evidence)
    shown = target.call(tenant.key, f"GET /v1/offers/{second}").text
    attempts.absent("the evidence as the reseller reads it", shown, "user_agent", '"origin"', "set_by")
    if not target.short:
        page = sign_in(target, "viewer").get(f"/console/offers/{second}")
        missing = [word for word in (tenant.client_address, "Audit trail intact") if word not in page.text]
        attempts.held("the evidence in the console", not missing, f"{page.status_code}, without {missing}")


def _undecided(target: AttackTarget, attempts: Attempts, what: str, offer: str) -> None:
    state = state_of(target, offer)
    attempts.held(what, state == "waiting_for_confirmation", f"the offer is {state}")


def _by_key(target: AttackTarget, attempts: Attempts, tenant: Tenant) -> None:
    offer = send_offer(target, tenant)
    for decision in ("accept", "reject"):
        answer = target.call(tenant.key, f"POST /v1/offers/{offer}/{decision}")
        attempts.status(f"the reseller's key: {decision}", answer, 403)
    for body in ({"actor": f"admin:{tenant.client}"}, {"account_id": tenant.client}, {"via": "operator"}):
        attempts.refused(f"with {body}", target.call(tenant.key, f"POST /v1/offers/{offer}/accept", body))
    job = {"task": "offers.decide", "args": {"offer_id": offer, "decision": "accept"}}
    attempts.refused("by a job", target.call(tenant.key, "POST /v1/jobs", job))
    answer = target.call(tenant.key, f"GET /v1/offers/{offer}")
    attempts.absent("the offer as the reseller reads it", answer.text, "/offers/", "token")
    mails = target.call(tenant.key, f"GET /v1/mails?account={tenant.client}")
    tokens = [link.rpartition("/")[2] for link in decision_links(target, tenant.client_address)]
    attempts.absent("the client's mails as the reseller reads them", mails.text, *tokens)
    for mail in mails.json()["items"]:
        answer = target.call(tenant.key, f"GET /v1/mails/{mail['id']}")
        attempts.absent(f"mail {mail['template']} as the reseller reads it", answer.text, *tokens)
    _undecided(target, attempts, "the offer after that", offer)


def _by_address(target: AttackTarget, attempts: Attempts, tenant: Tenant) -> None:
    """Have a link sent to a mailbox of one's own; then use the link to the former address."""
    offer = send_offer(target, tenant)
    former = decision_links(target, tenant.client_address)
    check("the client has a decision link", former)
    own = f"{tenant.client[-6:]}.{OWN_MAILBOX}"
    target.call(tenant.key, f"PATCH /v1/accounts/{tenant.client}", {"admin_email": own})
    target.settle()
    for link in decision_links(target, own):
        attempts.held("a link to the reseller's own mailbox", press(link) >= 400, "accepted")
    attempts.held("a link to the former address", press(former[-1]) >= 400, "accepted")
    _undecided(target, attempts, "the offer after an address change", offer)
    second = send_offer(target, tenant)
    for link in decision_links(target, own):
        press(link)
    _undecided(target, attempts, "an offer sent after an address change", second)


def _there_and_back(target: AttackTarget, attempts: Attempts, tenant: Tenant) -> None:
    """Change the address to one's own and back, so that nothing is to be seen."""
    offer = send_offer(target, tenant)
    own = f"{tenant.client[-6:]}.back.{OWN_MAILBOX}"
    path = f"PATCH /v1/accounts/{tenant.client}"
    target.call(tenant.key, path, {"admin_email": own})
    target.settle()
    links = decision_links(target, own)
    target.call(tenant.key, path, {"admin_email": tenant.client_address})
    target.settle()
    for link in links:
        attempts.held("a link of between", press(link) >= 400, "accepted")
    _undecided(target, attempts, "the offer after there and back", offer)
    traced = [mail for mail in target.world.mailbox.mails() if tenant.client_address in mail.recipients]
    attempts.held("the former address hears of it", any("/object/" in mail.text for mail in traced), len(traced))


def _by_its_domain(target: AttackTarget, attempts: Attempts, tenant: Tenant) -> None:
    """Have the client's links lead to a domain of the reseller's, whose web server would see the tokens."""
    domain = f"{tenant.reseller[-6:]}.thief.example"
    brand = {"name": "Chooser", "domain": domain, "from_address": f"us@{domain}"}
    target.call(tenant.key, f"PUT /v1/accounts/{tenant.reseller}/brand", brand)
    target.run("domains", "mark", domain, "--account", tenant.reseller)
    offer = send_offer(target, tenant)
    mails = [mail for mail in target.world.mailbox.mails() if tenant.client_address in mail.recipients]
    links = [link for mail in mails for link in mail.links("/offers/")]
    attempts.held("a link to the reseller's own domain", not any(domain in link for link in links), links)
    _undecided(target, attempts, "the offer after that", offer)
    own = f"client-{domain}"
    target.call(tenant.key, f"PUT /v1/accounts/{tenant.client}/brand", {**brand, "domain": own})
    target.run("domains", "mark", own, "--account", tenant.client)
    second = send_offer(target, tenant)
    mails = [mail for mail in target.world.mailbox.mails() if tenant.client_address in mail.recipients]
    link = [link for mail in mails for link in mail.links("/offers/")][-1]
    answer = target.call(None, f"POST /offers/{link.rpartition('/')[2]}", b"decision=accept", **FORM, Host=own)
    document = target.ok(f"GET /v1/offers/{second}")
    evidence = next((dict(event["evidence"]) for event in document["events"] if event.get("evidence")), {})
    traced = own not in link or answer.is_client_error or evidence.get("domain_set_by") == "reseller"
    attempts.held("a domain that the reseller gave its client, without a trace", traced, evidence)


def _by_keys_for_the_client(target: AttackTarget, attempts: Attempts, tenant: Tenant) -> None:
    """Make a key for the client, and one with that key, and decide with each."""
    offer = send_offer(target, tenant)
    new = {"name": "for my client", "account_id": tenant.client}
    answer = target.call(tenant.key, "POST /v1/keys", {**new, "scopes": ["read", "enqueue", "decide"]})
    attempts.status("a key with `decide`", answer, 403)
    made = target.call(tenant.key, "POST /v1/keys", {**new, "scopes": ["read", "enqueue", "keys"]})
    if not made.is_success:
        attempts.held("a key for the client", made.is_client_error, made.text)
        return
    key = made.json()["secret"]
    grandchild = target.call(key, "POST /v1/keys", {**new, "scopes": ["read", "enqueue"]})
    for word, secret in (("that key", key), ("a key made by it", grandchild.json().get("secret"))):
        for decision in ("accept", "reject"):
            answer = target.call(secret, f"POST /v1/offers/{offer}/{decision}")
            attempts.status(f"{word}: {decision}", answer, 401, 403)
    answer = target.call(key, "POST /v1/keys", {**new, "scopes": ["read", "decide"]})
    attempts.status("`decide` from a key made by the reseller", answer, 403)
    _undecided(target, attempts, "the offer after keys", offer)


def _suspended(target: AttackTarget, attempts: Attempts, tenant: Tenant) -> None:
    """Decide while the client is suspended."""
    offer = send_offer(target, tenant)
    links = decision_links(target, tenant.client_address)
    deciding = target.new_key(("read", "enqueue"), account_id=tenant.client)
    target.call(tenant.key, f"POST /v1/accounts/{tenant.client}/suspend", {"reason": "attack"})
    attempts.held("a suspended client's link", press(links[-1]) >= 400, "accepted")
    answer = target.call(deciding, f"POST /v1/offers/{offer}/accept")
    attempts.status("a suspended client's key", answer, 403, code="account_suspended")
    target.call(tenant.key, f"POST /v1/accounts/{tenant.client}/resume", {"reason": "attack"})
    _undecided(target, attempts, "the offer after that", offer)


def next_reseller(target: AttackTarget, attempts: Attempts) -> None:
    """Take a client over and read, or decide, what its former reseller left."""
    former, following = create_tenant(target, "former"), create_tenant(target, "following", furnished=False)
    offer = send_offer(target, former, SECRET_MESSAGE)
    target.ok(f"PATCH /v1/accounts/{former.client}", {"password": PASSWORD})
    target.ok(f"POST /v1/resellers/{former.reseller}/clients/{former.client}/disconnect")
    credentials = {"name": former.client_name, "password": PASSWORD}
    target.ok(f"POST /v1/resellers/{following.reseller}/clients/connect", credentials, key=following.key)
    target.settle()
    client, secrets = former.client, (SECRET_MESSAGE, "XYZZY", offer, former.ids["offer_id"], former.name)
    for path in (
        f"/v1/accounts/{client}", f"/v1/accounts/{client}/updates", f"/v1/accounts/{client}/products",
        f"/v1/accounts/{client}/licences", f"/v1/accounts/{client}/charges", f"/v1/accounts/{client}/brand",
        f"/v1/offers?account={client}", f"/v1/offers/{offer}", f"/v1/jobs?tenant={former.reseller}", "/v1/jobs",
        f"/v1/mails?account={client}", "/v1/events", "/v1/webhook-endpoints", "/v1/offer-templates", "/v1/keys",
        f"/v1/resellers/{following.reseller}/clients", f"/v1/resellers/{following.reseller}/clients.csv",
    ):  # fmt: skip
        answer = target.call(following.key, f"GET {path}")
        shown = answer.text if answer.is_success else ""
        attempts.absent(f"the next reseller reads {path}", shown, *secrets, former.reseller, "13.37", "27.91")
    body = {"retail_fee": {"amount": "1.00", "currency": "USD"}}
    answer = target.call(following.key, f"PATCH /v1/accounts/{client}/products/recording", body)
    attempts.refused("the next reseller changes the former one's fee", answer)
    for action in ("cancel", "accept", "reject"):
        answer = target.call(following.key, f"POST /v1/offers/{offer}/{action}")
        attempts.refused(f"the next reseller: {action}", answer)
    own = f"{client[-6:]}.next.{OWN_MAILBOX}"
    target.call(following.key, f"PATCH /v1/accounts/{client}", {"admin_email": own})
    target.settle()
    for link in decision_links(target, own):
        attempts.held("a link to the next reseller's mailbox", press(link) >= 400, "accepted")
    state = state_of(target, offer)
    attempts.held("the former one's offer is not accepted", state != "accepted", state)


def own_names(target: AttackTarget, attempts: Attempts) -> None:
    """Take a name that another reseller gave up, to get the product that is managed by it."""
    owner = create_tenant(target, "brandowner", furnished=False)
    sell_secretly(target, owner.reseller)
    target.ok(f"PATCH /v1/accounts/{owner.reseller}", {"name": f"{owner.name} renamed"})
    thief = {"programme": CODE, "name": owner.name, "admin_email": "boss@nameless.example"}
    answer = target.call(target.admin, "POST /v1/accounts", thief)
    if answer.is_success:
        taken = answer.json()["id"]
        target.ok(f"POST /v1/accounts/{taken}/become-reseller")
        key = target.new_key(reseller_id=taken)
        shown = target.call(key, f"GET /v1/resellers/{taken}/products").text
        attempts.absent("the newcomer's products", shown, "77.31", "33.19", '"editable":true')
    else:
        attempts.held("the name stays reserved", code_of(answer) == "name_taken", answer.text)
    wait_for("the deployment", lambda: target.call(None, "GET /readyz").is_success)
