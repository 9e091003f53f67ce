"""The stories: each plays one way an offer can go, over HTTP, SMTP and signals, and says how it ended."""

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from workers.demo.mailbox import press
from workers.demo.world import DemoFailed, World, wait_for
from workers.instance import SampleInstance
from workers.instance_book import Behaviour, Mode


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays: one reseller, one client with its instance, one template."""

    reseller: str
    client: str
    admin: str
    template: str
    instance: SampleInstance


@dataclass(frozen=True, slots=True)
class Ending:
    """What a story came to, for the table."""

    offer: Any
    calls: Sequence[Any]
    remark: str = ""


Story = Callable[[World, Cast], Ending]


def cast_for(world: World, number: int) -> Cast:
    """A reseller with one client in the learning programme, ready to be sent an offer."""
    admin = f"admin{number}@client{number}.example"
    account = world.call(
        "POST",
        "/v1/accounts",
        {"programme": "learning", "name": f"Nordlicht {number}", "admin_email": f"desk{number}@nordlicht.example"},
        expect=HTTPStatus.CREATED,
    )
    reseller = account["id"]
    world.call("POST", f"/v1/accounts/{reseller}/become-reseller")
    new = {"name": f"Werkstatt {number}", "admin_email": admin, "locale": LOCALES[number % len(LOCALES)]}
    client = world.call("POST", f"/v1/resellers/{reseller}/clients", new)["id"]
    lines = [
        {"product": "excel-basics", "count": 15, "mode": "absolute", "term": "P1Y"},
        {"product": "data-protection", "count": 5, "mode": "relative", "term": "P6M"},
    ]
    template = {"reseller_id": reseller, "name": "Starter", "lines": lines}
    made = world.call("POST", "/v1/offer-templates", template)["id"]
    return Cast(reseller, client, admin, made, world.instance(client))


LOCALES = ("de", "en", "fr", "ru", "ja")


def send(world: World, cast: Cast) -> str:
    """Send the offer; its id."""
    body = {
        "reseller_id": cast.reseller,
        "account_id": cast.client,
        "template_id": cast.template,
        "message": "Hello!\nThis is what we talked about.",
    }
    return str(world.call("POST", "/v1/offers", body, expect=HTTPStatus.CREATED)["id"])


def decide(world: World, cast: Cast, offer_id: str, word: str, state: str) -> Any:
    """Press a button on the page that the mail links to; the offer."""
    world.wait_state(offer_id, "waiting_for_confirmation")
    mail = world.letter("offer-received", cast.client, cast.admin)
    answer = press(mail.links("/offers/")[0], word)
    if answer.status_code != HTTPStatus.OK:
        raise DemoFailed(f"the decision page answered {answer.status_code}")
    return world.wait_state(offer_id, state)


def accepted(world: World, cast: Cast) -> Ending:
    """Delivered, mailed, accepted with one click, licences provisioned."""
    offer_id = send(world, cast)
    decide(world, cast, offer_id, "accept", "accepted")

    def applied() -> Any:
        offer = world.offer(offer_id)
        return offer if offer["grant"]["state"] == "applied" else None

    offer = wait_for("the licences to be applied", applied)
    licences = world.call("GET", f"/v1/accounts/{cast.client}/licences")["items"]
    world.letter("offer-accepted", cast.reseller, desk_of(cast))
    remark = ", ".join(f"{one['product']} {one['count']}" for one in licences)
    return Ending(offer, cast.instance.book.calls, remark)


def desk_of(cast: Cast) -> str:
    """The reseller's address."""
    return cast.admin.replace("admin", "desk").split("@")[0] + "@nordlicht.example"


def rejected(world: World, cast: Cast) -> Ending:
    """Delivered, mailed, rejected with one click."""
    offer_id = send(world, cast)
    offer = decide(world, cast, offer_id, "reject", "rejected")
    world.letter("offer-rejected", cast.reseller, desk_of(cast))
    return Ending(offer, cast.instance.book.calls)


def cancelled_while_waiting(world: World, cast: Cast) -> Ending:
    """Withdrawn before its delivery began: nothing leaves."""
    world.call("POST", "/v1/queues/offers/pause", {"reason": "demo"})
    offer_id = send(world, cast)
    world.call("POST", f"/v1/offers/{offer_id}/cancel")
    world.call("POST", "/v1/queues/offers/resume", {"reason": "demo"})
    offer = world.wait_state(offer_id, "cancelled")
    world.advance(timedelta(seconds=1))
    if cast.instance.book.calls:
        raise DemoFailed("a cancelled offer was delivered")
    return Ending(offer, [], "nothing was sent")


def down_and_back(world: World, cast: Cast) -> Ending:
    """The instance is down for ten minutes of programme time: the lane is held, no attempt is burnt."""
    cast.instance.behave(Behaviour(Mode.REFUSE))
    offer_id = send(world, cast)
    wait_for("a refused call", lambda: world.offer(offer_id)["delivery"]["attempts"] or None)
    for _ in range(5):
        world.advance(timedelta(minutes=2))
    cast.instance.behave(Behaviour(Mode.OK))
    world.advance(timedelta(minutes=6))
    offer = world.wait_state(offer_id, "waiting_for_confirmation")
    jobs = world.call("GET", f"/v1/jobs?task=offers.deliver&args.offer_id={offer_id}")["items"]
    return Ending(offer, cast.instance.book.calls, f"attempts burnt: {jobs[0]['attempt'] - 1}")


def killed_in_the_act(world: World, cast: Cast) -> Ending:
    """Kill -9 of the workers while the call is under way: it is made again under the same webhook-id."""
    cast.instance.behave(Behaviour(Mode.OK, times=1, seconds=20))
    offer_id = send(world, cast)
    wait_for("the call to arrive", lambda: cast.instance.book.calls or None)
    for pid in world.worker_pids():
        os.kill(pid, signal.SIGKILL)
    offer = world.wait_state(offer_id, "waiting_for_confirmation")
    ids = {call["webhook-id"] for call in cast.instance.book.calls}
    if len(ids) != 1:
        raise DemoFailed(f"one delivery came under {len(ids)} ids")
    return Ending(offer, cast.instance.book.calls, f"{len(cast.instance.book.calls)} calls, one webhook-id")


def accepted_and_cancelled(world: World, cast: Cast) -> Ending:
    """Accept and cancel fired at the same instant: the first commit wins, the other hears the state."""
    offer_id = send(world, cast)
    world.wait_state(offer_id, "waiting_for_confirmation")

    def fire(word: str) -> tuple[str, int]:
        answer = world.api.post(f"/v1/offers/{offer_id}/{word}")
        return word, answer.status_code

    with ThreadPoolExecutor(2) as pool:
        results = dict(pool.map(fire, ("accept", "cancel")))
    if sorted(results.values()) != [HTTPStatus.OK, HTTPStatus.CONFLICT]:
        raise DemoFailed(f"accept and cancel answered {results}")
    winner = next(word for word, status in results.items() if status == HTTPStatus.OK)
    return Ending(world.offer(offer_id), cast.instance.book.calls, f"{winner} won, the other got 409")


STORIES: tuple[tuple[str, Story], ...] = (
    ("accepted", accepted),
    ("rejected", rejected),
    ("cancelled while waiting", cancelled_while_waiting),
    ("instance down for 10 minutes", down_and_back),
    ("worker killed in the act", killed_in_the_act),
    ("accept and cancel at once", accepted_and_cancelled),
)
