"""Learning, when things go wrong: deliveries cancelled, refused, killed in the act; two people at once."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Final

from workers.demo.act import Act, Scenes, Story
from workers.demo.days import TRIALS_END, minutes_in
from workers.demo.failure import must, must_be, wait_for
from workers.demo.stories.sales import OPEN, Sale, states
from workers.demo.world import World
from workers.instance_book import Behaviour, Mode


def killed(world: World, act: Act) -> Scenes:
    """Kill -9 of the workers while the call is under way: it is made again under the same webhook-id."""
    sale = Sale.between(world, act)
    yield world.now
    sale.instance.behave(Behaviour(Mode.OK, times=1, seconds=20))
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
    sale.instance.behave(Behaviour(Mode.REFUSE))
    offer_id = sale.send()
    yield minutes_in(5)
    sale.offer(offer_id, "waiting")
    yield minutes_in(10)
    sale.instance.behave(Behaviour(Mode.OK))
    yield minutes_in(16)
    offer = sale.offer(offer_id, OPEN)
    job = world.get(f"/v1/jobs?task=offers.deliver&args.offer_id={offer_id}")["items"][0]
    must_be("the attempts burnt", job["attempt"], 1)
    return f"{states(offer)}; {offer['delivery']['attempts']} calls, no attempt burnt"


def turned_down(world: World, act: Act) -> Scenes:
    """The instance says no eight times: the job is dead, reseller and operators are told, an operator retries it."""
    sale = Sale.between(world, act, "de")
    sale.instance.behave(Behaviour(Mode.STATUS, HTTPStatus.FORBIDDEN))
    offer_id = sale.send()
    yield TRIALS_END
    offer = sale.offer(offer_id, "waiting")
    job = world.get(f"/v1/jobs/{offer['delivery']['job_id']}")
    must_be("the job after the last attempt", (job["state"], job["attempt"]), ("dead", 8))
    must("the error is visible", "403" in offer["delivery"]["last_error"])
    world.letter("delivery-failed", sale.reseller.id, sale.reseller.address)
    must("operators were alerted", world.get("/v1/mails?template=operator-alert&state=sent")["items"])
    act.say("8 attempts, all answered 403: dead; reseller and operators were mailed")
    sale.instance.behave(Behaviour(Mode.OK))
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


STORIES: Final = (
    Story("learning", "worker killed in the act", killed),
    Story("learning", "cancelled while waiting", cancelled),
    Story("learning", "instance down for 10 minutes", down),
    Story("learning", "instance turns it down", turned_down),
    Story("learning", "accept and cancel at once", raced),
)
