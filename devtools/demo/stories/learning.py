"""Stories of learning: offers decided, licences added and ended, mishaps."""

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
    minutes_in,
    must,
    must_be,
    wait_for,
)
from devtools.demo.mailbox import look, press
from devtools.demo.stories.sales import OPEN, Sale, states
from devtools.demo.story import Act, Scenes, Story
from devtools.demo.world import World
from devtools.received_calls import Behaviour, ResponseMode

SCOPES: Final = ("--scope", "read", "--scope", "enqueue")


def joined(world: World, act: Act) -> Scenes:
    """A company becomes a reseller at once, a person is pointed elsewhere."""
    person = act.account("Privat", party="person")
    problem = world.refused("POST", f"/v1/accounts/{person.id}/become-reseller", None, 403, "party_refused")
    must("a person is pointed to the affiliate programme", "partner@learning.example" in problem["detail"])
    company = act.reseller("Nordlicht")
    yield world.now
    world.letter("welcome-reseller", company.id, company.address)
    terms = world.get(f"/v1/accounts/{company.id}")["terms"]
    must_be("the accepted terms", terms["version"], "2026-02")
    return "a person is pointed to the affiliate programme; a company is a reseller at once, its terms are kept"


def accepted(world: World, act: Act) -> Scenes:
    """Delivered, mailed, accepted with one click, licences provisioned."""
    sale = Sale.between(world, act)
    offer_id = sale.send()
    yield world.now
    sale.offer(offer_id, OPEN)
    must_be("the badge", world.get(f"/v1/accounts/{sale.client.id}/updates")["count"], 1)
    act.say("delivered and mailed; the badge shows 1")
    sale.decide("accept")
    yield world.now
    offer = sale.offer(offer_id, "accepted")
    must_be("the grant", offer["grant"]["state"], "applied")
    must_be("the licences", sale.licences(), {"data-protection": 5, "excel-basics": 15})
    must_be("what the instance was told", len(sale.told("licences.granted")), 1)
    world.letter("offer-accepted", sale.reseller.id, sale.reseller.address)
    world.refused("POST", f"/v1/offers/{offer_id}/reject", None, 409, "illegal_transition")
    return f"{states(offer)}; 15 and 5 licences applied, deciding again is a conflict"


def rejected(world: World, act: Act) -> Scenes:
    """Delivered, mailed, rejected with one click."""
    sale = Sale.between(world, act, "fr")
    offer_id = sale.send()
    yield world.now
    sale.decide("reject")
    yield world.now
    offer = sale.offer(offer_id, "rejected")
    must_be("the licences", sale.licences(), {})
    world.letter("offer-rejected", sale.reseller.id, sale.reseller.address)
    return states(offer)


def handed_over(world: World, act: Act) -> Scenes:
    """The admin changes while an offer waits: the old link dies, the new admin decides."""
    sale = Sale.between(world, act, "en")
    offer_id = sale.send()
    yield world.now
    old, heir = sale.link(), "heir@werkstatt.example"
    world.call("PATCH", f"/v1/accounts/{sale.client.id}", {"admin_email": heir})
    yield world.now
    must_be("the old link", look(old).status_code, 410)
    for address in (sale.client.address, heir):
        world.letter("address-changed", sale.client.id, address)
    must_be("the heir's decision", press(sale.link(heir), "accept").status_code, 200)
    yield world.now
    offer = sale.offer(offer_id, "accepted")
    return f"{states(offer)}, by the new admin; the old one's link is dead and both were told"


def withdrawn(world: World, act: Act) -> Scenes:
    """Taken back after it was delivered: the instance forgets it, the admin is told, the link is dead."""
    sale = Sale.between(world, act, "en")
    offer_id = sale.send()
    yield world.now
    link = sale.link()
    world.post(f"/v1/offers/{offer_id}/cancel")
    yield world.now
    must_be("what the instance was told", [told["reason"] for told in sale.told("offer.withdrawn")], ["withdrawn"])
    world.letter("offer-withdrawn", sale.client.id, sale.client.address)
    must_be("the link", look(link).status_code, 410)
    return f"{states(sale.offer(offer_id, 'cancelled'))} (withdrawn); told by a second call and a mail"


def by_key(world: World, act: Act) -> Scenes:
    """The reseller's key may not accept its own offer, the client's own key may, and sees nobody else."""
    sale = Sale.between(world, act)
    bound = (("--reseller", sale.reseller.id), ("--account", sale.client.id))
    keys = world.deployment.kontor_all([("keys", "create", "--name", "k", *SCOPES, *whose) for whose in bound])
    reseller, client = (world.client(key["secret"]) for key in keys)
    offer_id = sale.send()
    yield world.now
    path = f"/v1/offers/{offer_id}"
    must_be("accepted by its reseller", reseller.post(f"{path}/accept").status_code, 403)
    must_be("its reseller, seen by the client", client.get(f"/v1/accounts/{sale.reseller.id}").status_code, 404)
    must_be("a brand set by the client", client.put(f"/v1/accounts/{sale.client.id}/brand", json={}).status_code, 403)
    must_be("accepted by the client", client.post(f"{path}/accept").status_code, 200)
    yield world.now
    offer = sale.offer(offer_id, "accepted")
    for one in (reseller, client):
        one.close()
    return f"{states(offer)}, by the client's own key; the reseller's got 403"


def undecided(world: World, act: Act) -> Scenes:
    """Nobody decides: it is over after 30 days, and the instance is told to forget it."""
    sale = Sale.between(world, act, "ja")
    offer_id = sale.send()
    yield THIRTY_DAYS_ON
    offer = sale.offer(offer_id, "cancelled")
    must_be("the reason", offer["reason"], "expired")
    must_be("what the instance was told", len(sale.told("offer.withdrawn")), 1)
    world.letter("offer-expired", sale.reseller.id, sale.reseller.address)
    return f"{states(offer)} (expired); the reseller was told, the instance forgets it"


def added_up(world: World, act: Act) -> Scenes:
    """An absolute line replaces, a relative one adds; at its end a grant stops counting."""
    sale = Sale.between(world, act, "ru")
    product = {"product": "fire-safety", "term": "P1Y"}
    first = sale.send({**product, "count": 10, "mode": "absolute"})
    yield world.now
    world.post(f"/v1/offers/{first}/accept")
    second = sale.send({**product, "count": 5, "mode": "relative", "term": "P30D"})
    yield world.now
    change = sale.offer(second, OPEN)["changes"][0]
    must_be("what the admin sees before", (change["now"], change["then"]), (10, 15))
    must("the page says so", "(+5)" in look(sale.link()).text)
    world.post(f"/v1/offers/{second}/accept")
    must_be("the licences", sale.licences(), {"fire-safety": 15})
    act.say("absolute 10, then relative 5 for 30 days: 15")
    yield NEXT_DAY
    yield FIFTH_OF_FEBRUARY
    for address in (sale.client.address, sale.reseller.address):
        world.letter("licences-ending", sale.client.id, address)
    act.say("14 days before the end the admin was mailed, with a copy to the reseller")
    yield THIRTY_DAYS_ON
    must_be("the licences", sale.licences(), {"fire-safety": 10})
    totals = [told["licences"][0]["count"] for told in sale.told("licences.granted")]
    must_be("the totals that the instance was told", totals, [10, 15, 10])
    third = sale.send({**product, "count": 3, "mode": "absolute"})
    yield world.now
    world.post(f"/v1/offers/{third}/accept")
    yield world.now
    must_be("the licences", sale.licences(), {"fire-safety": 3})
    return "10 + 5 = 15, 10 again at the end of the 5, then absolute 3 replaces them; the instance knew each total"


LEARNING_STORIES: Final = (
    Story("learning", "becoming a reseller", joined),
    Story("learning", "offer accepted", accepted),
    Story("learning", "offer rejected", rejected),
    Story("learning", "offer handed over", handed_over),
    Story("learning", "offer withdrawn", withdrawn),
    Story("learning", "offer decided by key", by_key),
    Story("learning", "offer nobody decides", undecided),
    Story("learning", "licences added up and ending", added_up),
)


def killed(world: World, act: Act) -> Scenes:
    """Kill -9 of the workers while the call is under way: it is made again under the same webhook-id."""
    sale = Sale.between(world, act)
    yield world.now
    sale.instance.set_behaviour(Behaviour(ResponseMode.OK, times=1, seconds=20))
    offer_id = sale.send()
    wait_for("the call to arrive", lambda: sale.instance.book.calls or None)
    workers = world.deployment.workers()
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    act.say(f"kill -9 of {len(workers)} workers in the middle of the call")
    yield world.now
    offer = sale.offer(offer_id, OPEN)
    must_be("the calls that were made", offer["delivery"]["attempts"], 2)
    must_be("their webhook-ids", len({call["webhook-id"] for call in sale.instance.book.calls}), 1)
    return f"{states(offer)}; 2 calls, one webhook-id"


def cancelled(world: World, act: Act) -> Scenes:
    """Withdrawn before its delivery began: nothing leaves."""
    sale = Sale.between(world, act, "en")
    yield world.now
    world.post("/v1/queues/offers/pause", {"reason": "demo"})
    offer_id = sale.send()
    world.post(f"/v1/offers/{offer_id}/cancel")
    world.post("/v1/queues/offers/resume", {"reason": "demo"})
    yield world.now
    offer = sale.offer(offer_id, "cancelled")
    must_be("what the instance was told", sale.instance.book.calls, [])
    must_be("mails about it", world.mails("offer-received", sale.client.id), [])
    return f"{states(offer)} (withdrawn); nothing was sent"


def down(world: World, act: Act) -> Scenes:
    """The instance is down for ten minutes of programme time: the lane is held, no attempt is burnt."""
    sale = Sale.between(world, act, "fr")
    sale.instance.set_behaviour(Behaviour(ResponseMode.REFUSE))
    offer_id = sale.send()
    yield minutes_in(5)
    sale.offer(offer_id, "waiting")
    yield minutes_in(10)
    sale.instance.set_behaviour(Behaviour(ResponseMode.OK))
    yield minutes_in(16)
    offer = sale.offer(offer_id, OPEN)
    job = world.get(f"/v1/jobs?task=offers.deliver&args.offer_id={offer_id}")["items"][0]
    must_be("the attempts burnt", job["attempt"], 1)
    return f"{states(offer)}; {offer['delivery']['attempts']} calls, no attempt burnt"


def turned_down(world: World, act: Act) -> Scenes:
    """The instance says no eight times: the job is dead, reseller and operators are told, an operator retries it."""
    sale = Sale.between(world, act, "de")
    sale.instance.set_behaviour(Behaviour(ResponseMode.STATUS, HTTPStatus.FORBIDDEN))
    offer_id = sale.send()
    yield TRIALS_END
    offer = sale.offer(offer_id, "waiting")
    job = world.get(f"/v1/jobs/{offer['delivery']['job_id']}")
    must_be("the job after the last attempt", (job["state"], job["attempt"]), ("dead", 8))
    must("the error is visible", "403" in offer["delivery"]["last_error"])
    world.letter("delivery-failed", sale.reseller.id, sale.reseller.address)
    must("operators were alerted", world.get("/v1/mails?template=operator-alert&state=sent")["items"])
    act.say("8 attempts, all answered 403: dead; reseller and operators were mailed")
    sale.instance.set_behaviour(Behaviour(ResponseMode.OK))
    world.post(f"/v1/jobs/{job['id']}/retry", {"reason": "the customer opened the door"})
    yield world.now
    return f"{states(sale.offer(offer_id, OPEN))}; 8 attempts burnt, dead, told, retried by an operator"


def raced(world: World, act: Act) -> Scenes:
    """Accept and cancel fired at the same instant: the first commit wins, the other hears the state."""
    sale = Sale.between(world, act, "ru")
    offer_id = sale.send()
    yield world.now
    sale.offer(offer_id, OPEN)

    def fire(word: str) -> tuple[int, str]:
        return world.api.post(f"/v1/offers/{offer_id}/{word}").status_code, word

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(fire, ("accept", "cancel")))
    must_be("the answers", [status for status, _ in answers], [HTTPStatus.OK, HTTPStatus.CONFLICT])
    winner = answers[0][1]
    yield world.now
    offer = sale.offer(offer_id, "accepted" if winner == "accept" else "cancelled")
    must_be("the licences", bool(sale.licences()), winner == "accept")
    return f"{states(offer)}; {winner} won, the other got 409"


MISHAP_STORIES: Final = (
    Story("learning", "worker killed in the act", killed),
    Story("learning", "cancelled while waiting", cancelled),
    Story("learning", "instance down for 10 minutes", down),
    Story("learning", "instance turns it down", turned_down),
    Story("learning", "accept and cancel at once", raced),
)
