"""Stories of learning: offers and their decisions, licences, failures."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Final

from devtools.demo.deployment import (
    FIFTH_OF_FEBRUARY,
    NEXT_DAY,
    THIRTY_DAYS_ON,
    TRIALS_END,
    check,
    check_equal,
    minutes_in,
    wait_for,
)
from devtools.demo.stories.sales import OPEN, Sale, states
from devtools.demo.story import Steps, Story, StoryRun
from devtools.demo.world import World, open_page, press_button
from devtools.received_calls import Behaviour, ResponseMode

SCOPES: Final = ("--scope", "read", "--scope", "enqueue")


def joined(world: World, run: StoryRun) -> Steps:
    """A company becomes a reseller at once; a person is referred to the affiliate programme."""
    person = run.create_account("Privat", party="person")
    problem = world.expect_refusal("POST", f"/v1/accounts/{person.id}/become-reseller", None, 403, "party_refused")
    check("a person is referred to the affiliate programme", "partner@learning.example" in problem["detail"])
    company = run.create_reseller("Nordlicht")
    yield world.now
    world.received_mail("welcome-reseller", company.id, company.address)
    terms = world.get(f"/v1/accounts/{company.id}")["terms"]
    check_equal("the accepted terms", terms["version"], "2026-02")
    return "a person is referred to the affiliate programme; a company is a reseller at once"


def accepted(world: World, run: StoryRun) -> Steps:
    """An offer is delivered, mailed and accepted with one click; licences are provisioned."""
    sale = Sale.create(world, run)
    offer_id = sale.send()
    yield world.now
    sale.offer(offer_id, OPEN)
    check_equal("the badge", world.get(f"/v1/accounts/{sale.client.id}/updates")["count"], 1)
    run.report("delivered and mailed; the badge shows 1")
    sale.decide("accept")
    yield world.now
    offer = sale.offer(offer_id, "accepted")
    check_equal("the grant", offer["grant"]["state"], "applied")
    check_equal("the licences", sale.licences(), {"data-protection": 5, "excel-basics": 15})
    check_equal("grants the instance received", len(sale.received_events("licences.granted")), 1)
    world.received_mail("offer-accepted", sale.reseller.id, sale.reseller.address)
    world.expect_refusal("POST", f"/v1/offers/{offer_id}/reject", None, 409, "illegal_transition")
    return f"{states(offer)}; 15 and 5 licences applied; a second decision is a conflict"


def rejected(world: World, run: StoryRun) -> Steps:
    """An offer is delivered, mailed and rejected with one click."""
    sale = Sale.create(world, run, "fr")
    offer_id = sale.send()
    yield world.now
    sale.decide("reject")
    yield world.now
    offer = sale.offer(offer_id, "rejected")
    check_equal("the licences", sale.licences(), {})
    world.received_mail("offer-rejected", sale.reseller.id, sale.reseller.address)
    return states(offer)


def handed_over(world: World, run: StoryRun) -> Steps:
    """The admin changes while an offer is open: the old link stops working, the new admin decides."""
    sale = Sale.create(world, run, "en")
    offer_id = sale.send()
    yield world.now
    old_link, new_admin = sale.link(), "new.admin@werkstatt.example"
    world.call("PATCH", f"/v1/accounts/{sale.client.id}", {"admin_email": new_admin})
    yield world.now
    check_equal("the old link", open_page(old_link).status_code, 410)
    for address in (sale.client.address, new_admin):
        world.received_mail("address-changed", sale.client.id, address)
    check_equal("the new admin's decision", press_button(sale.link(new_admin), "accept").status_code, 200)
    yield world.now
    offer = sale.offer(offer_id, "accepted")
    return f"{states(offer)}, by the new admin; the old link stopped working and both admins were mailed"


def withdrawn(world: World, run: StoryRun) -> Steps:
    """An offer is withdrawn after its delivery: instance and admin are notified, the link stops working."""
    sale = Sale.create(world, run, "en")
    offer_id = sale.send()
    yield world.now
    link = sale.link()
    world.post(f"/v1/offers/{offer_id}/cancel")
    yield world.now
    check_equal(
        "the reason",
        [event["reason"] for event in sale.received_events("offer.withdrawn")],
        ["withdrawn"],
    )
    world.received_mail("offer-withdrawn", sale.client.id, sale.client.address)
    check_equal("the link", open_page(link).status_code, 410)
    return f"{states(sale.offer(offer_id, 'cancelled'))} (withdrawn); instance and admin were notified"


def by_key(world: World, run: StoryRun) -> Steps:
    """A reseller's API key cannot accept its own offer; the client's key can, and sees no other account."""
    sale = Sale.create(world, run)
    owners = (("--reseller", sale.reseller.id), ("--account", sale.client.id))
    keys = world.deployment.kontor_all([("keys", "create", "--name", "k", *SCOPES, *owner) for owner in owners])
    reseller, client = (world.client(key["secret"]) for key in keys)
    offer_id = sale.send()
    yield world.now
    path = f"/v1/offers/{offer_id}"
    check_equal("accepted by its reseller", reseller.post(f"{path}/accept").status_code, 403)
    check_equal("the reseller read by the client", client.get(f"/v1/accounts/{sale.reseller.id}").status_code, 404)
    check_equal(
        "a brand set by the client", client.put(f"/v1/accounts/{sale.client.id}/brand", json={}).status_code, 403
    )
    check_equal("accepted by the client", client.post(f"{path}/accept").status_code, 200)
    yield world.now
    offer = sale.offer(offer_id, "accepted")
    for http in (reseller, client):
        http.close()
    return f"{states(offer)}, by the client's own key; the reseller's got 403"


def undecided(world: World, run: StoryRun) -> Steps:
    """An offer expires after 30 days without a decision; the instance is notified."""
    sale = Sale.create(world, run, "ja")
    offer_id = sale.send()
    yield THIRTY_DAYS_ON
    offer = sale.offer(offer_id, "cancelled")
    check_equal("the reason", offer["reason"], "expired")
    check_equal("withdrawals the instance received", len(sale.received_events("offer.withdrawn")), 1)
    world.received_mail("offer-expired", sale.reseller.id, sale.reseller.address)
    return f"{states(offer)} (expired); reseller and instance were notified"


def added_up(world: World, run: StoryRun) -> Steps:
    """An absolute line replaces the count, a relative one adds to it; a grant counts until its end."""
    sale = Sale.create(world, run, "ru")
    product = {"product": "fire-safety", "term": "P1Y"}
    first = sale.send({**product, "count": 10, "mode": "absolute"})
    yield world.now
    world.post(f"/v1/offers/{first}/accept")
    second = sale.send({**product, "count": 5, "mode": "relative", "term": "P30D"})
    yield world.now
    change = sale.offer(second, OPEN)["changes"][0]
    check_equal("the preview for the admin", (change["now"], change["then"]), (10, 15))
    check("the page shows the preview", "(+5)" in open_page(sale.link()).text)
    world.post(f"/v1/offers/{second}/accept")
    check_equal("the licences", sale.licences(), {"fire-safety": 15})
    run.report("absolute 10, then relative 5 for 30 days: 15")
    yield NEXT_DAY
    yield FIFTH_OF_FEBRUARY
    for address in (sale.client.address, sale.reseller.address):
        world.received_mail("licences-ending", sale.client.id, address)
    run.report("14 days before the end the admin was mailed, with a copy to the reseller")
    yield THIRTY_DAYS_ON
    check_equal("the licences", sale.licences(), {"fire-safety": 10})
    totals = [event["licences"][0]["count"] for event in sale.received_events("licences.granted")]
    check_equal("the totals the instance received", totals, [10, 15, 10])
    third = sale.send({**product, "count": 3, "mode": "absolute"})
    yield world.now
    world.post(f"/v1/offers/{third}/accept")
    yield world.now
    check_equal("the licences", sale.licences(), {"fire-safety": 3})
    return "10 + 5 = 15, then 10 when the 5 end, then 3 by an absolute line; the instance received each total"


LEARNING_STORIES: Final = (
    Story("learning", "becoming a reseller", joined),
    Story("learning", "offer accepted", accepted),
    Story("learning", "offer rejected", rejected),
    Story("learning", "admin changes", handed_over),
    Story("learning", "offer withdrawn", withdrawn),
    Story("learning", "offer accepted by API key", by_key),
    Story("learning", "offer expires", undecided),
    Story("learning", "licences added and ended", added_up),
)


def killed(world: World, run: StoryRun) -> Steps:
    """Workers are killed during a call: the call is repeated with the same webhook-id."""
    sale = Sale.create(world, run)
    yield world.now
    sale.instance.set_behaviour(Behaviour(ResponseMode.OK, times=1, seconds=20))
    offer_id = sale.send()
    wait_for("the call to arrive", lambda: sale.instance.received.calls or None)
    workers = world.deployment.workers()
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    run.report(f"killed {len(workers)} workers during the call")
    yield world.now
    offer = sale.offer(offer_id, OPEN)
    check_equal("the number of calls", offer["delivery"]["attempts"], 2)
    check_equal("their webhook-ids", len({call["webhook-id"] for call in sale.instance.received.calls}), 1)
    return f"{states(offer)}; 2 calls, one webhook-id"


def cancelled(world: World, run: StoryRun) -> Steps:
    """An offer is withdrawn before its delivery starts: nothing is sent."""
    sale = Sale.create(world, run, "en")
    yield world.now
    world.post("/v1/queues/offers/pause", {"reason": "demo"})
    offer_id = sale.send()
    world.post(f"/v1/offers/{offer_id}/cancel")
    world.post("/v1/queues/offers/resume", {"reason": "demo"})
    yield world.now
    offer = sale.offer(offer_id, "cancelled")
    check_equal("calls to the instance", sale.instance.received.calls, [])
    check_equal("mails about the offer", world.mails("offer-received", sale.client.id), [])
    return f"{states(offer)} (withdrawn); nothing was sent"


def down(world: World, run: StoryRun) -> Steps:
    """The instance is down for ten minutes: its calls wait, and the outage uses up no attempt."""
    sale = Sale.create(world, run, "fr")
    sale.instance.set_behaviour(Behaviour(ResponseMode.REFUSE))
    offer_id = sale.send()
    yield minutes_in(5)
    sale.offer(offer_id, "waiting")
    yield minutes_in(10)
    sale.instance.set_behaviour(Behaviour(ResponseMode.OK))
    yield minutes_in(16)
    offer = sale.offer(offer_id, OPEN)
    job = world.get(f"/v1/jobs?task=offers.deliver&args.offer_id={offer_id}")["items"][0]
    check_equal("the attempts used", job["attempt"], 1)
    return f"{states(offer)}; {offer['delivery']['attempts']} calls, one attempt used"


def turned_down(world: World, run: StoryRun) -> Steps:
    """The instance refuses eight times: the job is dead, reseller and operators are mailed, an operator retries it."""
    sale = Sale.create(world, run, "de")
    sale.instance.set_behaviour(Behaviour(ResponseMode.STATUS, HTTPStatus.FORBIDDEN))
    offer_id = sale.send()
    yield TRIALS_END
    offer = sale.offer(offer_id, "waiting")
    job = world.get(f"/v1/jobs/{offer['delivery']['job_id']}")
    check_equal("the job after the last attempt", (job["state"], job["attempt"]), ("dead", 8))
    check("the error is visible", "403" in offer["delivery"]["last_error"])
    world.received_mail("delivery-failed", sale.reseller.id, sale.reseller.address)
    check("operators were alerted", world.get("/v1/mails?template=operator-alert&state=sent")["items"])
    run.report("8 attempts, each refused with 403: the job is dead; reseller and operators were mailed")
    sale.instance.set_behaviour(Behaviour(ResponseMode.OK))
    world.post(f"/v1/jobs/{job['id']}/retry", {"reason": "the customer fixed the permissions"})
    yield world.now
    return f"{states(sale.offer(offer_id, OPEN))}; dead after 8 attempts, then retried by an operator"


def raced(world: World, run: StoryRun) -> Steps:
    """Accept and cancel arrive at the same time: the first commit wins, the other is a conflict."""
    sale = Sale.create(world, run, "ru")
    offer_id = sale.send()
    yield world.now
    sale.offer(offer_id, OPEN)

    def decide(word: str) -> tuple[int, str]:
        return world.api.post(f"/v1/offers/{offer_id}/{word}").status_code, word

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(decide, ("accept", "cancel")))
    check_equal("the statuses", [status for status, _ in answers], [HTTPStatus.OK, HTTPStatus.CONFLICT])
    winner = answers[0][1]
    yield world.now
    offer = sale.offer(offer_id, "accepted" if winner == "accept" else "cancelled")
    check_equal("the licences", bool(sale.licences()), winner == "accept")
    return f"{states(offer)}; {winner} won, the other got 409"


FAILURE_STORIES: Final = (
    Story("learning", "worker killed during a call", killed),
    Story("learning", "withdrawn before delivery", cancelled),
    Story("learning", "instance down for 10 minutes", down),
    Story("learning", "instance refuses the offer", turned_down),
    Story("learning", "accept and cancel at the same time", raced),
)
