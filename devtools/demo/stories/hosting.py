"""Stories of hosting: turnover tiers, orders and promo codes, resellers merged."""

from datetime import datetime
from typing import Final

from devtools.demo.deployment import NEXT_DAY, check, check_equal
from devtools.demo.story import DemoAccount, Steps, Story, StoryRun
from devtools.demo.world import Answer, World


def pay(
    world: World,
    reseller: DemoAccount,
    amount: str,
    paid_at: datetime | str = "",
    kind: str = "payment",
    currency: str = "RUB",
) -> str:
    """Enter a payment, by default now; return its reference."""
    at = paid_at or world.now
    reference = f"{kind}-{amount}-{at}"
    money = {"amount": amount, "currency": currency}
    body = {"amount": money, "paid_at": str(at).replace(" ", "T"), "reference": reference, "kind": kind}
    world.post(f"/v1/resellers/{reseller.id}/payments", body, expect=201)
    return reference


def discount(world: World, reseller: DemoAccount, query: str = "") -> Answer:
    """Return the explanation of a reseller's discount."""
    return world.get(f"/v1/resellers/{reseller.id}/discount{query}")


def figures(explanation: Answer) -> str:
    """Format turnover and percentages as in the worked examples of programme.md."""
    return " ".join(
        [
            explanation["turnover"]["amount"],
            *(f"{explanation['percent'][name]:g}" for name in ("vps", "dedicated", "ssl")),
        ]
    )


def order(world: World, reseller: DemoAccount, ref: str, product: str, **more: Answer) -> Answer:
    """Order a product."""
    return world.post(f"/v1/resellers/{reseller.id}/orders", {"product": product, "order_ref": ref, **more})


def climbed(world: World, run: StoryRun) -> Steps:
    """The worked example: turnover 52,000 on the 20th, 49,000 on the 21st, 100,000 after a payment."""
    reseller = run.create_reseller("Хостер Плюс", locale="ru")
    pay(world, reseller, "49000.00", "2026-01-05T12:00:00+03:00")
    pay(world, reseller, "3000.00", "2025-12-20T15:00:00+03:00")
    yield world.now
    explanation = discount(world, reseller)
    check_equal("turnover and percentages on 20 January", figures(explanation), "52000.00 19 7 3")
    check_equal("the window", explanation["window"], {"from": "2025-12-20", "to": "2026-01-20"})
    tomorrow = explanation["tomorrow"]
    check_equal("tomorrow's turnover", tomorrow["turnover"]["amount"], "49000.00")
    check_equal("the payment that keeps the tier", tomorrow["keep_with"]["amount"], "1000.00")
    check_equal("payments leaving the window", [paid["amount"]["amount"] for paid in tomorrow["leaving"]], ["3000.00"])
    world.received_mail("tier-changed", reseller.id, reseller.address)
    world.received_mail("tier-drop-tomorrow", reseller.id, reseller.address)
    before = len(world.mails("tier-changed", reseller.id))
    run.report("52,000: 19 / 7 / 3; the reseller was mailed that 1,000 would keep the tier tomorrow")
    yield NEXT_DAY
    check_equal("turnover and percentages on 21 January", figures(discount(world, reseller)), "49000.00 17 6 3")
    check_equal("the forecast with 51,000 more", figures(discount(world, reseller, "?pay=51000")), "100000.00 21 8 5")
    run.report("3,000 left the window: 49,000, 17 / 6 / 3")
    pay(world, reseller, "51000.00")
    check_equal("turnover and percentages after the payment", figures(discount(world, reseller)), "100000.00 21 8 5")
    yield world.now
    check_equal("mails about the two changes", len(world.mails("tier-changed", reseller.id)) - before, 2)
    check_equal(
        "the recorded tier of yesterday",
        discount(world, reseller, "?as_of=2026-01-20")["recorded"]["tier"],
        "Partner #8",
    )
    pay(world, reseller, "0.01", kind="refund")
    check_equal("after a refund of one kopeck", figures(discount(world, reseller)), "99999.99 19 7 3")
    return "52,000 -> 19 / 7 / 3, 49,000 -> 17 / 6 / 3, 100,000 -> 21 / 8 / 5, a kopeck less -> 19 / 7 / 3; each mailed"


def ordered(world: World, run: StoryRun) -> Steps:
    """An order is priced by the turnover at that moment; promo codes apply only without a turnover discount."""
    reseller = run.create_reseller("Сервер Дом", locale="ru")
    path = f"/v1/resellers/{reseller.id}/orders"
    world.expect_refusal("POST", path, {"product": "vps-small", "order_ref": "A-0"}, 409, "insufficient_balance")
    pay(world, reseller, "1000.00", "2025-06-01T12:00:00+03:00")
    first = order(world, reseller, "A-1", "vps-small", promo_code="welcome10")
    check_equal(
        "with a code", (first["list"]["amount"], first["percent"], first["net"]["amount"]), ("390.00", 10, "351.00")
    )
    yield world.now
    world.received_mail("balance-low", reseller.id, reseller.address)
    pay(world, reseller, "2999.99")
    second = order(world, reseller, "A-2", "vps-small", promo_code="WELCOME10")
    check_equal("with a turnover discount", (second["percent"], second["net"]["amount"]), (3, "378.30"))
    check_equal(
        "the suppressed code",
        [(code["code"], code["by"]) for code in second["suppressed"]],
        [("WELCOME10", "turnover")],
    )
    check_equal("the first order, repeated", order(world, reseller, "A-1", "vps-small", promo_code="welcome10"), first)
    pay(world, reseller, "0.01")
    quote = order(world, reseller, "A-3", "vps-large", quantity=3, dry_run=True)
    check_equal("a quote after one kopeck more", (quote["percent"], quote["net"]["amount"]), (5, "4246.50"))
    euros = {
        "amount": {"amount": "5.00", "currency": "EUR"},
        "paid_at": world.now.isoformat(),
        "reference": "x",
        "kind": "payment",
    }
    world.expect_refusal("POST", f"/v1/resellers/{reseller.id}/payments", euros, 422, "currency_mismatch")
    yield world.now
    account_book = world.get(f"/v1/resellers/{reseller.id}/account-book")
    lines = [f"{line['kind']} {line['balance']['amount']}" for line in account_book["items"]]
    expected = ["payment 1000.00", "order 649.00", "payment 3648.99", "order 3270.69", "payment 3270.70"]
    check_equal("the lines of the account book", lines, expected)
    run.report("an order without balance is refused; below 1,000 the reseller was mailed once")
    return "WELCOME10 gives 10 % without turnover and nothing with a 3 % tier; the price of an order never changes"


def merged(world: World, run: StoryRun) -> Steps:
    """Two resellers are merged: a dry run, then one transaction."""
    old, new = run.create_reseller("Старый Хостинг", locale="ru"), run.create_reseller("Новый Хостинг", locale="ru")
    client = run.create_client(old, "Магазин")
    for reseller, amount in ((old, "60000.00"), (new, "45000.00")):
        pay(world, reseller, amount)
        lines = [{"product": "ssl-domain", "count": 1, "mode": "absolute", "term": "P1Y"}]
        world.post("/v1/offer-templates", {"reseller_id": reseller.id, "name": "Starter", "lines": lines}, expect=201)
    path = f"/v1/resellers/{old.id}/merge"
    report = world.post(path, {"into": new.id, "dry_run": True}, expect=200)
    tiers = (report["tier_before"], report["tier_after"], report["clients"])
    check_equal("the tiers and clients of the dry run", tiers, ("Partner #7", "Partner #9", 1))
    check_equal(
        "the renamed template", report["clashes"], [{"template": "Starter", "becomes": f"Starter ({old.name})"}]
    )
    check_equal("the client's reseller after a dry run", world.get(f"/v1/accounts/{client.id}")["reseller_id"], old.id)
    job_id = world.post(path, {"into": new.id, "dry_run": False}, expect=202)["job_id"]
    yield world.now
    job = world.get(f"/v1/jobs/{job_id}")
    check_equal("the merge", job["state"], "succeeded")
    check_equal("the turnover after the merge", job["result"]["turnover_after"]["amount"], "105000.00")
    check_equal("the client's reseller", world.get(f"/v1/accounts/{client.id}")["reseller_id"], new.id)
    check_equal("the kind of the merged account", world.get(f"/v1/accounts/{old.id}")["kind"], "regular")
    for reseller in (old, new):
        world.received_mail("merged", reseller.id, reseller.address)
    check("the webhook arrived", any(call["type"] == "account.merged" for call in world.listener.received.calls))
    return "60,000 + 45,000 = 105,000, Partner #7 -> #9; clients and templates moved, both resellers were mailed"


STORIES: Final = (
    Story("hosting", "turnover, day by day", climbed),
    Story("hosting", "orders and promo codes", ordered),
    Story("hosting", "two resellers merged", merged),
)
