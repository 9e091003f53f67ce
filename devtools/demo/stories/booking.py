"""Stories of booking: trials, quotas, paid plans with a flat discount, brands."""

import csv
import io
import zipfile
from datetime import timedelta
from typing import Any, Final

from devtools.demo.deployment import (
    FIFTH_OF_FEBRUARY,
    FIRST_OF_APRIL,
    HOUR_LATER,
    LAST_OF_FEBRUARY,
    NEXT_DAY,
    ONE_DAY_LEFT,
    THIRTY_DAYS_ON,
    THREE_DAYS_LEFT,
    TRIALS_END,
    check,
    check_equal,
    minutes_in,
)
from devtools.demo.story import DemoAccount, Steps, Story, StoryRun
from devtools.demo.world import World, open_page, press_button


def use(world: World, client: DemoAccount, report_id: str = "", **amount: int) -> Any:
    """Report a client's usage, `value=` or `delta=`; return the account."""
    body = {"metric": "appointments", "at": world.now.isoformat(), **amount}
    world.post(f"/v1/accounts/{client.id}/usage", {**body, **({"report_id": report_id} if report_id else {})})
    return world.get(f"/v1/accounts/{client.id}")


def expired(world: World, run: StoryRun) -> Steps:
    """A trial lasts exactly seven days: no limits, two reminders, then the free plan."""
    reseller = run.create_reseller("Agence")
    client = run.create_client(reseller, "Salon", locale="fr")
    ends_at = world.post(f"/v1/accounts/{client.id}/trial", expect=201)["ends_at"]
    check_equal("the trial's end", ends_at, f"{world.now + timedelta(days=7):%Y-%m-%dT%H:%M:%SZ}")
    world.expect_refusal("POST", f"/v1/accounts/{client.id}/trial", None, 409, "trial_used")
    check_equal(
        "the limit during the trial",
        use(world, client, value=60)["usage"]["appointments"],
        {"value": 60, "limit": None},
    )
    yield world.now
    started = world.received_mail("trial-started", client.id, client.address)
    check("the mail is sent in the reseller's name", reseller.name in started.header("From"))
    yield THREE_DAYS_LEFT
    check_equal("reminders 3 days before the end", len(world.mails("trial-reminder", client.id)), 1)
    yield ONE_DAY_LEFT
    check_equal("reminders 1 day before the end", len(world.mails("trial-reminder", client.id)), 2)
    run.report("reminded 3 days and 1 day before the end")
    yield TRIALS_END
    account = world.get(f"/v1/accounts/{client.id}")
    check_equal("the trial", account["trial"]["state"], "expired")
    check_equal("60 of 50 appointments", (account["plan"], account["read_only"]), ("free", True))
    for template in ("trial-ended", "quota-exceeded"):
        world.received_mail(template, client.id, client.address)
    return "7 x 24 h without limits, two reminders, then the free plan; 60 of 50 appointments: read-only"


def charges_of(world: World, reseller: DemoAccount) -> list[tuple[str, str, str, str, str]]:
    """Return a reseller's charges: product, first day, fee, discount, total."""
    charges = world.get(f"/v1/resellers/{reseller.id}/charges")["items"]
    amounts = ("fee", "discount", "total")
    return sorted(
        (charge["product"], charge["period_start"], *(charge[name]["amount"] for name in amounts)) for charge in charges
    )


def converted(world: World, run: StoryRun) -> Steps:
    """Taking a plan converts the trial; the plan is charged monthly with 20 % off, upgraded, then cancelled."""
    reseller = run.create_reseller("Agence")
    client = run.create_client(reseller, "Cabinet", locale="fr")
    path = f"/v1/accounts/{client.id}"
    world.post(f"{path}/trial", expect=201)
    yield NEXT_DAY
    account = world.call("PUT", f"{path}/subscription", {"plan": "basic"})
    check_equal("the plan and the trial", (account["plan"], account["trial"]["state"]), ("basic", "converted"))
    world.expect_refusal("POST", f"{path}/trial", None, 409, "trial_used")
    basic = ("basic", "2026-01-21", "19.00", "3.80", "15.20")
    check_equal("the first charge", charges_of(world, reseller), [basic])
    yield TRIALS_END
    reminders = [mail for name in ("trial-reminder", "trial-ended") for mail in world.mails(name, client.id)]
    check_equal("reminders after the conversion", reminders, [])
    yield FIFTH_OF_FEBRUARY
    statement = world.received_mail("statement", reseller.id, reseller.address)
    check("the January statement contains 15,20", "15,20" in statement.text)
    run.report("basic at 19.00 less 20 %: 15.20; the January statement arrived")
    yield LAST_OF_FEBRUARY
    again = ("basic", "2026-02-21", "19.00", "3.80", "15.20")
    quote = world.call("PUT", f"{path}/subscription", {"plan": "premium", "dry_run": True})
    check_equal("the quote", [quote[name]["amount"] for name in ("charge", "credit")], ["39.20", "11.40"])
    world.call("PUT", f"{path}/subscription", {"plan": "premium"})
    credit = ("basic", "2026-02-28", "11.40", "0.00", "11.40")
    premium = ("premium", "2026-02-28", "49.00", "9.80", "39.20")
    check_equal("the charges", charges_of(world, reseller), [basic, again, credit, premium])
    check_equal("the plan until the end of the period", world.call("DELETE", f"{path}/subscription")["plan"], "premium")
    yield FIRST_OF_APRIL
    check_equal("the plan after the paid period", world.get(path)["plan"], "free")
    check_equal("the charges", charges_of(world, reseller), [basic, again, credit, premium])
    return "charged 15.20 twice, then 39.20 for premium less 11.40 for 21 unused days; free plan after the paid period"


def counted(world: World, run: StoryRun) -> Steps:
    """40 of 50 is a warning, 50 the limit, 51 exceeds it: one mail each, with a copy to the reseller."""
    reseller = run.create_reseller("Agence")
    client = run.create_client(reseller, "Studio", locale="en")
    for value, template, read_only in ((40, "warning", False), (50, "reached", False), (51, "exceeded", True)):
        check_equal(f"read-only at {value}", use(world, client, value=value)["read_only"], read_only)
        yield world.now
        mail = world.received_mail(f"quota-{template}", client.id, client.address)
        check_equal("the copy", mail.header("Cc"), reseller.address)
        world.received_mail(f"quota-{template}", client.id, reseller.address)
        run.report(f"{value} of 50: quota-{template}, Cc {reseller.address}")
    use(world, client, "r-1", delta=4)
    check_equal(
        "the value after a repeated report", use(world, client, "r-1", delta=4)["usage"]["appointments"]["value"], 55
    )
    yield world.now
    check_equal("mails about the exceeded quota", len(world.mails("quota-exceeded", client.id)), 1)
    calls = [call for call in world.listener.received.calls if call["type"] == "quota.exceeded"]
    check("the webhook arrived", any(client.id in str(call["data"]) for call in calls))
    world.call("PUT", f"/v1/accounts/{client.id}/subscription", {"plan": "basic"})
    check_equal("read-only with a limit of 1,000", world.get(f"/v1/accounts/{client.id}")["read_only"], False)
    return "40 warning, 50 reached, 51 exceeded and read-only; a repeated report changes nothing; a larger plan unlocks"


def digested(world: World, run: StoryRun) -> Steps:
    """A reseller gets at most 20 copies an hour; the others are combined in one digest."""
    reseller = run.create_reseller("Agence")
    clients = [run.create_client(reseller, f"Salon {name}", locale="de") for name in "ABCDEFG"]
    for value in (40, 50, 51):
        for client in clients:
            use(world, client, value=value)
    use(world, run.create_client(reseller, "Salon H"), value=51)
    yield world.now
    copies = [mail for mail in world.mailbox.mails() if reseller.address in mail.header("Cc")]
    check_equal("copies to the reseller", sum(reseller.address in mail.recipients for mail in copies), 20)
    yield HOUR_LATER
    world.received_mail("quota-digest", reseller.id, reseller.address)
    return "22 quota mails in an hour: 20 copies to the reseller, the last two in one digest"


BOOKING_STORIES: Final = (
    Story("booking", "trial expires", expired),
    Story("booking", "trial converted, plan charged", converted),
    Story("booking", "quota reached and exceeded", counted),
    Story("booking", "quota digest", digested),
)

PASSWORD = "correct horse battery"  # noqa: S105 -- of a temporary account


def branded(world: World, run: StoryRun) -> Steps:
    """Mails carry the reseller's brand; its own address is the sender once its domain is verified."""
    reseller = run.create_reseller("Studio Rose")
    domain = f"studio-rose-{run.number}.example"
    brand = {"name": "Maison Rose", "colours": {"primary": "#aa3355"}, "from_address": f"bonjour@{domain}"}
    world.call("PUT", f"/v1/accounts/{reseller.id}/brand", {**brand, "support": {"email": f"aide@{domain}"}})
    client = run.create_client(reseller, "Salon", locale="fr")
    yield world.now
    mail = world.received_mail("activation", client.id, client.address)
    check_equal("From", mail.header("From"), "Maison Rose <pas-repondre@booking.example>")
    check_equal("Reply-To", mail.header("Reply-To"), f"bonjour@{domain}")
    html = str(mail.message.get_body(("html",)))
    check("the brand's colour is used and the provider is not named", "#aa3355" in html and "Booking" not in html)
    link = mail.links("/activate/")[0]
    check_equal("the opened link", open_page(link).status_code, 200)
    check_equal("activated by opening the link", world.get(f"/v1/accounts/{client.id}")["activated_at"], None)
    check_equal("the pressed button", press_button(link).status_code, 200)
    check("the account is active", world.get(f"/v1/accounts/{client.id}")["activated_at"])
    world.deployment.kontor("domains", "mark", domain, "--account", str(reseller.id))
    world.post(f"/v1/accounts/{client.id}/trial", expect=201)
    yield world.now
    mail = world.received_mail("trial-started", client.id, client.address)
    check_equal("From, with a verified domain", mail.header("From"), f"Maison Rose <bonjour@{domain}>")
    check_equal("Sender", mail.header("Sender"), "pas-repondre@booking.example")
    return "sender: Maison Rose via pas-repondre@, its own address once verified; activated by a button"


def connected(world: World, run: StoryRun) -> Steps:
    """Five failed attempts block connecting for 15 minutes; then the account is connected and disconnected."""
    reseller, rival = run.create_reseller("Agence"), run.create_reseller("Concurrence")
    account = run.create_account("Barbier", password=PASSWORD)
    path = f"/v1/resellers/{reseller.id}/clients"
    tries = [("Nobody at all", PASSWORD), *[(account.name, f"guess number {number}") for number in range(4)]]
    for name, password in tries:
        world.expect_refusal("POST", f"{path}/connect", {"name": name, "password": password}, 403, "bad_credentials")
    correct = {"name": account.name, "password": PASSWORD}
    world.expect_refusal("POST", f"{path}/connect", correct, 429, "locked")
    run.report("an unknown name and four wrong passwords: connecting is blocked")
    yield minutes_in(16)
    check_equal("the kind", world.post(f"{path}/connect", correct)["kind"], "client")
    world.expect_refusal("POST", f"/v1/resellers/{rival.id}/clients/connect", correct, 409, "has_reseller")
    yield world.now
    world.received_mail("account-connected", account.id, account.address)
    check_equal("the kind", world.post(f"{path}/{account.id}/disconnect")["kind"], "regular")
    yield world.now
    world.received_mail("account-disconnected", account.id, account.address)
    return "blocked after five failures, connected 16 minutes later, refused to another reseller, disconnected"


def deleted(world: World, run: StoryRun) -> Steps:
    """A deleted account can be restored for 30 days; afterwards it is gone, but its trial stays used."""
    reseller = run.create_reseller("Agence")
    restored, purged = run.create_client(reseller, "Kept"), run.create_client(reseller, "Lost")
    world.post(f"/v1/accounts/{purged.id}/trial", expect=201)
    for client in (restored, purged):
        world.call("DELETE", f"/v1/accounts/{client.id}")
    again = {"name": purged.name, "admin_email": purged.address}
    world.expect_refusal("POST", f"/v1/resellers/{reseller.id}/clients", again, 409, "name_taken")
    yield NEXT_DAY
    world.received_mail("account-deleted", purged.id, purged.address)
    check_equal("restored", world.post(f"/v1/accounts/{restored.id}/restore")["deleted_at"], None)
    world.expect_refusal("DELETE", f"/v1/accounts/{reseller.id}", None, 409, "has_clients")
    yield THIRTY_DAYS_ON
    world.received_mail("account-restored", restored.id, restored.address)
    world.expect_refusal("GET", f"/v1/accounts/{purged.id}", None, 404, "not_found")
    new_id = world.post(f"/v1/resellers/{reseller.id}/clients", again, expect=201)["id"]
    world.expect_refusal("POST", f"/v1/accounts/{new_id}/trial", None, 409, "trial_used")
    run.accounts.remove(purged)
    return "one restored the next day; the other purged after 30 days: its name is free, its trial stays used"


def exported(world: World, run: StoryRun) -> Steps:
    """The client list as CSV and Excel, without formulas."""
    reseller = run.create_reseller("Agence")
    for name in ("=1+1 Salon", "Салон Ёлка", "サロン"):
        world.post(
            f"/v1/resellers/{reseller.id}/clients", {"name": name, "admin_email": "desk@liste.example"}, expect=201
        )
    path = f"/v1/resellers/{reseller.id}/clients"
    sheet = world.api.get(f"{path}.csv").content
    check("the CSV begins with a byte order mark", sheet.startswith(b"\xef\xbb\xbf"))
    rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(sheet.decode("utf-8-sig"))))
    check_equal("the names", [row["account"] for row in rows], ["'=1+1 Salon", "Салон Ёлка", "サロン"])
    check_equal("usage and limit", (rows[0]["usage_appointments"], rows[0]["limit_appointments"]), ("0", "50"))
    with zipfile.ZipFile(io.BytesIO(world.api.get(f"{path}.xlsx").content)) as workbook:
        cells = "".join(workbook.read(name).decode() for name in workbook.namelist() if name.endswith(".xml"))
    check("the workbook has the names and no formula", "サロン" in cells and "<f>" not in cells)
    yield world.now
    return "3 clients in three scripts as CSV (BOM) and Excel; '=1+1' is text in both"


NAME_STORIES: Final = (
    Story("booking", "white label", branded),
    Story("booking", "connect, block, disconnect", connected),
    Story("booking", "delete and restore", deleted),
    Story("booking", "client list as CSV and Excel", exported),
)
