"""Stories of telephony, and those of every programme."""

from itertools import pairwise
from typing import Final

from devtools.demo.deployment import FIFTH_OF_FEBRUARY, FIRST_OF_APRIL, LAST_OF_FEBRUARY, LAST_OF_JANUARY, must, must_be
from devtools.demo.story import Act, Scenes, Story
from devtools.demo.world import World


def recorded(world: World, act: Act) -> Scenes:
    """Assigned on the 31st: charged on the 31st, the 28th and the 31st again, across a change of clocks."""
    reseller = act.reseller("Callwise")
    client = act.client(reseller, "Law Office")
    yield LAST_OF_JANUARY
    path = f"/v1/accounts/{client.id}/products"
    made = world.post(path, {"product": "call-recording"}, expect=201)
    fees = (made["reseller_fee"]["amount"], made["retail_fee"]["amount"], made["below_cost"])
    must_be("wholesale and retail", fees, ("10.00", "20.00", False))
    must_be("assigned again", world.post(path, {"product": "call-recording"}, expect=200)["id"], made["id"])
    act.say("call-recording at 10.00 wholesale, 20.00 recommended")
    cheap = {"retail_fee": {"amount": "8.00", "currency": "USD"}}
    must("8.00 is below cost", world.call("PATCH", f"{path}/call-recording", cheap)["below_cost"])
    yield world.now
    world.letter("margin-note", reseller.id, reseller.address)
    yield FIFTH_OF_FEBRUARY
    world.letter("statement", reseller.id, reseller.address)
    yield LAST_OF_FEBRUARY
    world.call("PATCH", f"/v1/accounts/{client.id}", {"suspended": True})
    yield FIRST_OF_APRIL
    charges = world.get(f"/v1/resellers/{reseller.id}/charges")["items"]
    periods = sorted((one["period_start"], one["period_end"], one["total"]["amount"]) for one in charges)
    months = ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]
    must_be("the charges", periods, [(first, end, "10.00") for first, end in pairwise(months)])
    act.say("charged on 31 January, 28 February, 31 March, in full while the client is suspended")
    void = world.post(f"/v1/charges/{charges[0]['id']}/void", {"reason": "goodwill"})
    must_be("a charge taken back", (void["void"], void["total"]["amount"]), (True, "10.00"))
    ended = world.call("DELETE", f"{path}/call-recording")
    must_be("its end", ended["ends_on"], "2026-04-30")
    must_be("assigned before then", world.post(path, {"product": "call-recording"}, expect=200)["ends_on"], None)
    return (
        "10.00 on 31 Jan, 28 Feb, 31 Mar, once each; 8.00 is flagged as below cost; one charge voided with its reason"
    )


def single(world: World, act: Act) -> Scenes:
    """A subscription that is not `multiple` serves one client of a reseller."""
    reseller = act.reseller("Callwise")
    one, other = act.client(reseller, "Bakery"), act.client(reseller, "Florist")
    world.post(f"/v1/accounts/{one.id}/products", {"product": "voicemail"}, expect=201)
    body = {"product": "voicemail"}
    world.refused("POST", f"/v1/accounts/{other.id}/products", body, 409, "not_multiple")
    world.post(f"/v1/accounts/{other.id}/products", {"product": "call-recording"}, expect=201)
    yield world.now
    charged = [one["product"] for one in world.get(f"/v1/resellers/{reseller.id}/charges")["items"]]
    must_be("the charges", sorted(charged), ["call-recording", "voicemail"])
    world.post(f"/v1/resellers/{reseller.id}/clients/{one.id}/disconnect")
    yield FIRST_OF_APRIL
    days = [one["period_start"] for one in world.get(f"/v1/resellers/{reseller.id}/charges")["items"]]
    must_be("charges of the one that left and the one that stayed", len(days), 4)
    return "voicemail for one client only; a client that left is charged to the end of its paid month and no longer"


TELEPHONY_STORIES: Final = (
    Story("telephony", "call recording by the month", recorded),
    Story("telephony", "one client only", single),
)


def reconciled(world: World, act: Act) -> Scenes:
    """After ten weeks everything is compared: no gap, no dead job, no mail that failed."""
    yield FIRST_OF_APRIL
    world.post("/v1/schedules/reconciliation.compare/run", {"reason": "demo"})
    yield world.now
    gaps = [f"{gap['kind']}: {gap['detail']}" for gap in world.every("/v1/reconciliation")]
    must_be("the gaps", gaps, [])
    must_be(
        "dead jobs", [job["task"] for job in world.every("/v1/jobs?state=dead&created_after=2026-01-01T00:00:00Z")], []
    )
    must_be("failed mails", world.get("/v1/mails?state=failed&state=suppressed")["items"], [])
    return "no gap, no dead job, no failed mail after ten weeks"


COMMON_STORIES: Final = (Story("all", "reconciliation", reconciled),)
