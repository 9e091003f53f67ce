"""Hosting: turnover decides the tier, every day anew; orders are priced by it, promo codes give way; two become one."""

from datetime import datetime
from typing import Any, Final

from devtools.demo.deployment import NEXT_DAY, must, must_be
from devtools.demo.story import Act, Party, Scenes, Story
from devtools.demo.world import World


def pay(world: World, reseller: Party, amount: str, paid_at: datetime | str = "", kind: str = "payment") -> str:
    """Enter a payment, now unless told otherwise; its reference."""
    at = paid_at or world.now
    reference = f"{kind}-{amount}-{at}"
    money = {"amount": amount, "currency": "RUB"}
    body = {"amount": money, "paid_at": str(at).replace(" ", "T"), "reference": reference, "kind": kind}
    world.post(f"/v1/resellers/{reseller.id}/payments", body, expect=201)
    return reference


def discount(world: World, reseller: Party, query: str = "") -> Any:
    """The explanation of a day."""
    return world.get(f"/v1/resellers/{reseller.id}/discount{query}")


def standing(told: Any) -> str:
    """Turnover and percentages as the worked examples print them."""
    return " ".join(
        [told["turnover"]["amount"], *(f"{told['percent'][name]:g}" for name in ("vps", "dedicated", "ssl"))]
    )


def order(world: World, reseller: Party, ref: str, product: str, **more: Any) -> Any:
    """Order a product."""
    return world.post(f"/v1/resellers/{reseller.id}/orders", {"product": product, "order_ref": ref, **more})


def climbed(world: World, act: Act) -> Scenes:
    """The worked example: 52,000 on the 20th, 49,000 on the 21st, 100,000 after a payment."""
    reseller = act.reseller("Хостер Плюс", locale="ru")
    pay(world, reseller, "49000.00", "2026-01-05T12:00:00+03:00")
    pay(world, reseller, "3000.00", "2025-12-20T15:00:00+03:00")
    yield world.now
    told = discount(world, reseller)
    must_be("the standing of 20 January", standing(told), "52000.00 19 7 3")
    must_be("the window", told["window"], {"from": "2025-12-20", "to": "2026-01-20"})
    tomorrow = told["tomorrow"]
    must_be("tomorrow's turnover", tomorrow["turnover"]["amount"], "49000.00")
    must_be("what keeps the tier", tomorrow["keep_with"]["amount"], "1000.00")
    must_be("what leaves the window", [one["amount"]["amount"] for one in tomorrow["leaving"]], ["3000.00"])
    world.letter("tier-changed", reseller.id, reseller.address)
    world.letter("tier-drop-tomorrow", reseller.id, reseller.address)
    before = len(world.mails("tier-changed", reseller.id))
    act.say("52,000: 19 / 7 / 3; told that 1,000 would keep the tier tomorrow")
    yield NEXT_DAY
    must_be("the standing of 21 January", standing(discount(world, reseller)), "49000.00 17 6 3")
    must_be("had 51,000 been paid", standing(discount(world, reseller, "?pay=51000")), "100000.00 21 8 5")
    act.say("3,000 left the window: 49,000, 17 / 6 / 3")
    pay(world, reseller, "51000.00")
    must_be("the price, at once", standing(discount(world, reseller)), "100000.00 21 8 5")
    yield world.now
    must_be("mails of the two changes", len(world.mails("tier-changed", reseller.id)) - before, 2)
    must_be(
        "yesterday as it was recorded", discount(world, reseller, "?as_of=2026-01-20")["recorded"]["tier"], "Partner #8"
    )
    pay(world, reseller, "0.01", kind="refund")
    must_be("a kopeck refunded", standing(discount(world, reseller)), "99999.99 19 7 3")
    return "52,000 -> 19 / 7 / 3, 49,000 -> 17 / 6 / 3, 100,000 -> 21 / 8 / 5, a kopeck less -> 19 / 7 / 3; each told"


def ordered(world: World, act: Act) -> Scenes:
    """A price comes from the ledger at that moment; promo codes count only without a turnover discount."""
    reseller = act.reseller("Сервер Дом", locale="ru")
    first = order(world, reseller, "A-1", "vps-small", promo_code="welcome10")
    must_be(
        "with a code", (first["list"]["amount"], first["percent"], first["net"]["amount"]), ("390.00", 10, "351.00")
    )
    pay(world, reseller, "2999.99")
    second = order(world, reseller, "A-2", "vps-small", promo_code="WELCOME10")
    must_be("with a turnover discount", (second["percent"], second["net"]["amount"]), (3, "378.30"))
    must_be("what gave way", [(one["code"], one["by"]) for one in second["suppressed"]], [("WELCOME10", "turnover")])
    must_be("the first order, asked again", order(world, reseller, "A-1", "vps-small", promo_code="welcome10"), first)
    pay(world, reseller, "0.01")
    quote = order(world, reseller, "A-3", "vps-large", quantity=3, dry_run=True)
    must_be("a quote after one kopeck more", (quote["percent"], quote["net"]["amount"]), (5, "4246.50"))
    wrong = {
        "amount": {"amount": "5.00", "currency": "EUR"},
        "paid_at": world.now.isoformat(),
        "reference": "x",
        "kind": "payment",
    }
    world.refused("POST", f"/v1/resellers/{reseller.id}/payments", wrong, 422, "currency_mismatch")
    yield world.now
    return "WELCOME10 gives 10 % without turnover, gives way to 3 % with it; the price of an order never changes"


def merged(world: World, act: Act) -> Scenes:
    """One reseller merges into another: a dry run, then all of it in one transaction."""
    old, new = act.reseller("Старый Хостинг", locale="ru"), act.reseller("Новый Хостинг", locale="ru")
    client = act.client(old, "Магазин")
    for reseller, amount in ((old, "60000.00"), (new, "45000.00")):
        pay(world, reseller, amount)
        lines = [{"product": "ssl-domain", "count": 1, "mode": "absolute", "term": "P1Y"}]
        world.post("/v1/offer-templates", {"reseller_id": reseller.id, "name": "Starter", "lines": lines}, expect=201)
    path = f"/v1/resellers/{old.id}/merge"
    report = world.post(path, {"into": new.id, "dry_run": True}, expect=200)
    tiers = (report["tier_before"], report["tier_after"], report["clients"])
    must_be("what the dry run says", tiers, ("Partner #7", "Partner #9", 1))
    must_be("the clash", report["clashes"], [{"template": "Starter", "becomes": f"Starter ({old.name})"}])
    must_be("the client's reseller after a dry run", world.get(f"/v1/accounts/{client.id}")["reseller_id"], old.id)
    job_id = world.post(path, {"into": new.id, "dry_run": False}, expect=202)["job_id"]
    yield world.now
    job = world.get(f"/v1/jobs/{job_id}")
    must_be("the merge", job["state"], "succeeded")
    must_be("what it did", job["result"]["turnover_after"]["amount"], "105000.00")
    must_be("the client's reseller", world.get(f"/v1/accounts/{client.id}")["reseller_id"], new.id)
    must_be("what is left", world.get(f"/v1/accounts/{old.id}")["kind"], "regular")
    for reseller in (old, new):
        world.letter("merged", reseller.id, reseller.address)
    must("the webhook came", any(call["type"] == "account.merged" for call in world.listener.book.calls))
    return "60,000 and 45,000 become 105,000, Partner #7 -> #9; clients and templates moved, both were told"


STORIES: Final = (
    Story("hosting", "turnover, day by day", climbed),
    Story("hosting", "orders and promo codes", ordered),
    Story("hosting", "two resellers merged", merged),
)
