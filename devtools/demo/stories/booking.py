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
    minutes_in,
    must,
    must_be,
)
from devtools.demo.mailbox import look, press
from devtools.demo.story import Act, Party, Scenes, Story
from devtools.demo.world import World


def use(world: World, client: Party, report_id: str = "", **amount: int) -> Any:
    """Report what a client used, `value=` or `delta=`; the account after it."""
    body = {"metric": "appointments", "at": world.now.isoformat(), **amount}
    world.post(f"/v1/accounts/{client.id}/usage", {**body, **({"report_id": report_id} if report_id else {})})
    return world.get(f"/v1/accounts/{client.id}")


def expired(world: World, act: Act) -> Scenes:
    """A trial of exactly seven days: no limits, two reminders, and over at its very instant."""
    reseller = act.reseller("Agence")
    client = act.client(reseller, "Salon", locale="fr")
    ends_at = world.post(f"/v1/accounts/{client.id}/trial", expect=201)["ends_at"]
    must_be("the trial's end", ends_at, f"{world.now + timedelta(days=7):%Y-%m-%dT%H:%M:%SZ}")
    world.refused("POST", f"/v1/accounts/{client.id}/trial", None, 409, "trial_used")
    must_be("the limit meanwhile", use(world, client, value=60)["usage"]["appointments"], {"value": 60, "limit": None})
    yield world.now
    started = world.letter("trial-started", client.id, client.address)
    must("the mail is in the reseller's name", reseller.name in started.header("From"))
    yield THREE_DAYS_LEFT
    must_be("reminders 3 days before the end", len(world.mails("trial-reminder", client.id)), 1)
    yield ONE_DAY_LEFT
    must_be("reminders 1 day before the end", len(world.mails("trial-reminder", client.id)), 2)
    act.say("reminded 3 days and 1 day before the end")
    yield TRIALS_END
    account = world.get(f"/v1/accounts/{client.id}")
    must_be("the trial", account["trial"]["state"], "expired")
    must_be("60 of 50 appointments", (account["plan"], account["read_only"]), ("free", True))
    for template in ("trial-ended", "quota-exceeded"):
        world.letter(template, client.id, client.address)
    return (
        "no limits for 7 x 24 h, two reminders, then free again; 60 of 50 appointments are read-only, nothing is lost"
    )


def charges_of(world: World, reseller: Party) -> list[tuple[str, str, str, str, str]]:
    """What a reseller was charged: product, first day, fee, discount, total."""
    found = world.get(f"/v1/resellers/{reseller.id}/charges")["items"]
    amounts = ("fee", "discount", "total")
    return sorted((one["product"], one["period_start"], *(one[name]["amount"] for name in amounts)) for one in found)


def converted(world: World, act: Act) -> Scenes:
    """A plan taken in the trial converts it; charged monthly, 20 % off; upgraded, cancelled at the period's end."""
    reseller = act.reseller("Agence")
    client = act.client(reseller, "Cabinet", locale="fr")
    path = f"/v1/accounts/{client.id}"
    world.post(f"{path}/trial", expect=201)
    yield NEXT_DAY
    account = world.call("PUT", f"{path}/subscription", {"plan": "basic"})
    must_be("the plan and the trial", (account["plan"], account["trial"]["state"]), ("basic", "converted"))
    world.refused("POST", f"{path}/trial", None, 409, "trial_used")
    basic = ("basic", "2026-01-21", "19.00", "3.80", "15.20")
    must_be("the charge, at once", charges_of(world, reseller), [basic])
    yield TRIALS_END
    told = [mail for name in ("trial-reminder", "trial-ended") for mail in world.mails(name, client.id)]
    must_be("reminders after the conversion", told, [])
    yield FIFTH_OF_FEBRUARY
    statement = world.letter("statement", reseller.id, reseller.address)
    must("the statement of January names 15,20", "15,20" in statement.text)
    act.say("basic at 19.00 less 20 %: 15.20; January's statement arrived")
    yield LAST_OF_FEBRUARY
    again = ("basic", "2026-02-21", "19.00", "3.80", "15.20")
    world.call("PUT", f"{path}/subscription", {"plan": "premium"})
    premium = ("premium", "2026-02-28", "49.00", "9.80", "39.20")
    must_be("the charges", charges_of(world, reseller), [basic, again, premium])
    must_be("the plan, cancelled", world.call("DELETE", f"{path}/subscription")["plan"], "premium")
    yield FIRST_OF_APRIL
    must_be("the plan after the paid period", world.get(path)["plan"], "free")
    must_be("the charges", charges_of(world, reseller), [basic, again, premium])
    return "converted on day 2; 15.20, 15.20, then premium at once 39.20; cancelled: free after the paid period"


def counted(world: World, act: Act) -> Scenes:
    """40 of 50 warns, 50 reaches, the 51st exceeds: one mail each, with a copy to the reseller."""
    reseller = act.reseller("Agence")
    client = act.client(reseller, "Studio", locale="en")
    for value, template, read_only in ((40, "warning", False), (50, "reached", False), (51, "exceeded", True)):
        must_be(f"read-only at {value}", use(world, client, value=value)["read_only"], read_only)
        yield world.now
        letter = world.letter(f"quota-{template}", client.id, client.address)
        must_be("the copy", letter.header("Cc"), reseller.address)
        world.letter(f"quota-{template}", client.id, reseller.address)
        act.say(f"{value} of 50: quota-{template}, Cc {reseller.address}")
    use(world, client, "r-1", delta=4)
    must_be("a report told twice", use(world, client, "r-1", delta=4)["usage"]["appointments"]["value"], 55)
    yield world.now
    must_be("mails about the excess", len(world.mails("quota-exceeded", client.id)), 1)
    told = [call for call in world.listener.book.calls if call["type"] == "quota.exceeded"]
    must("the webhook came", any(client.id in str(call["data"]) for call in told))
    world.call("PUT", f"/v1/accounts/{client.id}/subscription", {"plan": "basic"})
    must_be("read-only with 1,000 allowed", world.get(f"/v1/accounts/{client.id}")["read_only"], False)
    return "40 warning, 50 reached, 51 exceeded and read-only; a repeated report changes nothing; a plan opens it again"


def digested(world: World, act: Act) -> Scenes:
    """From the 21st copy within an hour a reseller gets one digest instead."""
    reseller = act.reseller("Agence")
    clients = [act.client(reseller, f"Salon {letter}", locale="de") for letter in "ABCDEFG"]
    for value in (40, 50, 51):
        for client in clients:
            use(world, client, value=value)
    use(world, act.client(reseller, "Salon H"), value=51)
    yield world.now
    copies = [one for one in world.mailbox.letters() if reseller.address in one.header("Cc")]
    must_be("copies that the reseller got", sum(reseller.address in one.recipients for one in copies), 20)
    yield HOUR_LATER
    world.letter("quota-digest", reseller.id, reseller.address)
    return "22 quota mails in an hour: 20 with a copy to the reseller, the last two in one digest; none is dropped"


BOOKING_STORIES: Final = (
    Story("booking", "trial that runs out", expired),
    Story("booking", "trial converted, plan charged", converted),
    Story("booking", "quota: the 50th and the 51st", counted),
    Story("booking", "quota digest", digested),
)

PASSWORD = "correct horse battery"  # noqa: S105 -- of an account that lives as long as the demo


def branded(world: World, act: Act) -> Scenes:
    """The reseller's brand on every mail; the true sender in the headers until its domain is proven."""
    reseller = act.reseller("Studio Rose")
    domain = f"studio-rose-{act.number}.example"
    brand = {"name": "Maison Rose", "colours": {"primary": "#aa3355"}, "from_address": f"bonjour@{domain}"}
    world.call("PUT", f"/v1/accounts/{reseller.id}/brand", {**brand, "support": {"email": f"aide@{domain}"}})
    client = act.client(reseller, "Salon", locale="fr")
    yield world.now
    letter = world.letter("activation", client.id, client.address)
    must_be("From", letter.header("From"), "Maison Rose <pas-repondre@booking.example>")
    must_be("Reply-To", letter.header("Reply-To"), f"bonjour@{domain}")
    html = str(letter.message.get_body(("html",)))
    must("the brand's colour is used and nothing names the provider", "#aa3355" in html and "Booking" not in html)
    link = letter.links("/activate/")[0]
    must_be("a look at the link", look(link).status_code, 200)
    must_be("activated by a look", world.get(f"/v1/accounts/{client.id}")["activated_at"], None)
    must_be("the press of the button", press(link).status_code, 200)
    must("the account is active", world.get(f"/v1/accounts/{client.id}")["activated_at"])
    world.deployment.kontor("domains", "mark", domain)
    world.post(f"/v1/accounts/{client.id}/trial", expect=201)
    yield world.now
    letter = world.letter("trial-started", client.id, client.address)
    must_be("From, the domain proven", letter.header("From"), f"Maison Rose <bonjour@{domain}>")
    must_be("Sender", letter.header("Sender"), "pas-repondre@booking.example")
    return "From: Maison Rose by way of pas-repondre@, its own address once proven; activated by a button"


def connected(world: World, act: Act) -> Scenes:
    """Five wrong passwords lock the door for fifteen minutes; then the account is connected, and let go again."""
    reseller, rival = act.reseller("Agence"), act.reseller("Concurrence")
    account = act.account("Barbier", password=PASSWORD)
    path = f"/v1/resellers/{reseller.id}/clients"
    tries = [("Nobody at all", PASSWORD), *[(account.name, f"guess number {number}") for number in range(4)]]
    for name, password in tries:
        world.refused("POST", f"{path}/connect", {"name": name, "password": password}, 403, "bad_credentials")
    right = {"name": account.name, "password": PASSWORD}
    world.refused("POST", f"{path}/connect", right, 429, "locked")
    act.say("an unknown name and four wrong passwords: the door is locked")
    yield minutes_in(16)
    must_be("the kind", world.post(f"{path}/connect", right)["kind"], "client")
    world.refused("POST", f"/v1/resellers/{rival.id}/clients/connect", right, 409, "has_reseller")
    yield world.now
    world.letter("account-connected", account.id, account.address)
    must_be("the kind", world.post(f"{path}/{account.id}/disconnect")["kind"], "regular")
    yield world.now
    world.letter("account-disconnected", account.id, account.address)
    return "locked after five failures, connected 16 minutes later, refused to another reseller, disconnected"


def deleted(world: World, act: Act) -> Scenes:
    """Restored within 30 days, or gone after them; no second trial comes of it."""
    reseller = act.reseller("Agence")
    kept, lost = act.client(reseller, "Kept"), act.client(reseller, "Lost")
    world.post(f"/v1/accounts/{lost.id}/trial", expect=201)
    for client in (kept, lost):
        world.call("DELETE", f"/v1/accounts/{client.id}")
    again = {"name": lost.name, "admin_email": lost.address}
    world.refused("POST", f"/v1/resellers/{reseller.id}/clients", again, 409, "name_taken")
    yield NEXT_DAY
    world.letter("account-deleted", lost.id, lost.address)
    must_be("restored", world.post(f"/v1/accounts/{kept.id}/restore")["deleted_at"], None)
    world.refused("DELETE", f"/v1/accounts/{reseller.id}", None, 409, "has_clients")
    yield THIRTY_DAYS_ON
    world.letter("account-restored", kept.id, kept.address)
    world.refused("GET", f"/v1/accounts/{lost.id}", None, 404, "not_found")
    anew = world.post(f"/v1/resellers/{reseller.id}/clients", again, expect=201)["id"]
    world.refused("POST", f"/v1/accounts/{anew}/trial", None, 409, "trial_used")
    act.parties.remove(lost)
    return "one restored the next day; the other is final after 30 days, its name free, its trial used for ever"


def exported(world: World, act: Act) -> Scenes:
    """The client list as CSV and Excel, without formulas."""
    reseller = act.reseller("Agence")
    for name in ("=1+1 Salon", "Салон Ёлка", "サロン"):
        world.post(
            f"/v1/resellers/{reseller.id}/clients", {"name": name, "admin_email": "desk@liste.example"}, expect=201
        )
    path = f"/v1/resellers/{reseller.id}/clients"
    sheet = world.api.get(f"{path}.csv").content
    must("the CSV begins with a byte order mark", sheet.startswith(b"\xef\xbb\xbf"))
    rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(sheet.decode("utf-8-sig"))))
    must_be("the names", [row["account"] for row in rows], ["'=1+1 Salon", "Салон Ёлка", "サロン"])
    must_be("usage and limit", (rows[0]["usage_appointments"], rows[0]["limit_appointments"]), ("0", "50"))
    with zipfile.ZipFile(io.BytesIO(world.api.get(f"{path}.xlsx").content)) as book:
        cells = "".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))
    must("the workbook has the names and no formula", "サロン" in cells and "<f>" not in cells)
    yield world.now
    return "3 clients of three scripts as CSV (BOM) and Excel; '=1+1' is text in both"


NAME_STORIES: Final = (
    Story("booking", "white label", branded),
    Story("booking", "connect, lock-out, disconnect", connected),
    Story("booking", "delete and restore", deleted),
    Story("booking", "client list as CSV and Excel", exported),
)
