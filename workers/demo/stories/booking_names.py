"""Booking: whose name is on it, who may connect whom, what is left of the deleted."""

import csv
import io
import zipfile
from typing import Any, Final

from workers.demo.act import Act, Scenes, Story
from workers.demo.days import NEXT_DAY, THIRTY_DAYS_ON, minutes_in
from workers.demo.failure import must, must_be
from workers.demo.mailbox import look, press
from workers.demo.world import World

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


STORIES: Final = (
    Story("booking", "white label", branded),
    Story("booking", "connect, lock-out, disconnect", connected),
    Story("booking", "delete and restore", deleted),
    Story("booking", "client list as CSV and Excel", exported),
)
