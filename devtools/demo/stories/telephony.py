"""Stories of telephony, and one that checks all programmes."""

from itertools import pairwise
from typing import Final

from devtools.demo.deployment import (
    FIFTH_OF_FEBRUARY,
    FIRST_OF_APRIL,
    LAST_OF_FEBRUARY,
    LAST_OF_JANUARY,
    check,
    check_equal,
)
from devtools.demo.story import Steps, Story, StoryRun
from devtools.demo.world import World


def recorded(world: World, run: StoryRun) -> Steps:
    """A product assigned on the 31st is charged on the 31st, the 28th and the 31st, across a clock change."""
    reseller = run.create_reseller("Callwise")
    client = run.create_client(reseller, "Law Office")
    yield LAST_OF_JANUARY
    path = f"/v1/accounts/{client.id}/products"
    product = world.post(path, {"product": "call-recording"}, expect=201)
    fees = (product["reseller_fee"]["amount"], product["retail_fee"]["amount"], product["below_cost"])
    check_equal("wholesale and retail", fees, ("10.00", "20.00", False))
    check_equal(
        "the product assigned again", world.post(path, {"product": "call-recording"}, expect=200)["id"], product["id"]
    )
    run.report("call-recording at 10.00 wholesale, 20.00 recommended")
    cheap = {"retail_fee": {"amount": "8.00", "currency": "USD"}}
    check("8.00 is below cost", world.call("PATCH", f"{path}/call-recording", cheap)["below_cost"])
    yield world.now
    world.received_mail("margin-note", reseller.id, reseller.address)
    yield FIFTH_OF_FEBRUARY
    world.received_mail("statement", reseller.id, reseller.address)
    yield LAST_OF_FEBRUARY
    world.call("PATCH", f"/v1/accounts/{client.id}", {"suspended": True})
    yield FIRST_OF_APRIL
    charges = world.get(f"/v1/resellers/{reseller.id}/charges")["items"]
    periods = sorted((charge["period_start"], charge["period_end"], charge["total"]["amount"]) for charge in charges)
    months = ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]
    check_equal("the charges", periods, [(first, end, "10.00") for first, end in pairwise(months)])
    run.report("charged on 31 January, 28 February, 31 March, in full while the client is suspended")
    void = world.post(f"/v1/charges/{charges[0]['id']}/void", {"reason": "goodwill"})
    check_equal("the voided charge", (void["void"], void["total"]["amount"]), (True, "10.00"))
    ended = world.call("DELETE", f"{path}/call-recording")
    check_equal("the end of the product", ended["ends_on"], "2026-04-30")
    check_equal(
        "the end after assigning it again", world.post(path, {"product": "call-recording"}, expect=200)["ends_on"], None
    )
    return "10.00 each on 31 Jan, 28 Feb and 31 Mar; 8.00 is flagged as below cost; one charge voided with a reason"


def single(world: World, run: StoryRun) -> Steps:
    """A subscription that is not `multiple` can be assigned to one client of a reseller only."""
    reseller = run.create_reseller("Callwise")
    bakery, florist = run.create_client(reseller, "Bakery"), run.create_client(reseller, "Florist")
    world.post(f"/v1/accounts/{bakery.id}/products", {"product": "voicemail"}, expect=201)
    body = {"product": "voicemail"}
    world.expect_refusal("POST", f"/v1/accounts/{florist.id}/products", body, 409, "not_multiple")
    world.post(f"/v1/accounts/{florist.id}/products", {"product": "call-recording"}, expect=201)
    yield world.now
    charged = [charge["product"] for charge in world.get(f"/v1/resellers/{reseller.id}/charges")["items"]]
    check_equal("the charges", sorted(charged), ["call-recording", "voicemail"])
    world.post(f"/v1/resellers/{reseller.id}/clients/{bakery.id}/disconnect")
    yield FIRST_OF_APRIL
    days = [charge["period_start"] for charge in world.get(f"/v1/resellers/{reseller.id}/charges")["items"]]
    check_equal("the number of charges", len(days), 4)
    return "voicemail for one client only; a disconnected client is charged to the end of its paid month"


TELEPHONY_STORIES: Final = (
    Story("telephony", "monthly call recording", recorded),
    Story("telephony", "product for one client only", single),
)


def reconciled(world: World, run: StoryRun) -> Steps:
    """Reconciliation after ten weeks: no gap, no dead job, no failed mail."""
    yield FIRST_OF_APRIL
    world.post("/v1/schedules/reconciliation.compare/run", {"reason": "demo"})
    yield world.now
    gaps = [f"{gap['kind']}: {gap['detail']}" for gap in world.list_all("/v1/reconciliation")]
    check_equal("the gaps", gaps, [])
    check_equal(
        "dead jobs",
        [job["task"] for job in world.list_all("/v1/jobs?state=dead&created_after=2026-01-01T00:00:00Z")],
        [],
    )
    check_equal("failed mails", world.get("/v1/mails?state=failed&state=suppressed")["items"], [])
    return "no gap, no dead job, no failed mail after ten weeks"


FINAL_STORIES: Final = (Story("all", "reconciliation", reconciled),)
