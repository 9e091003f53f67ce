"""Being mistaken for somebody else: names, brands, domains."""

from typing import Final

from tests.attack.attempts import Attempts
from tests.attack.target import AttackTarget
from tests.attack.tenants import CODE, create_tenant

CONFUSABLE: Final = (
    "Providerhaus",
    "providerhaus",
    "PROVIDERHAUS",
    "Pr\u043evid\u0435rhaus",
    "Provider\u00adhaus",
    "Provider\u200bhaus",
    "Kontor",
    "K\u043entor",
    "KONTOR",
    "Your parcel is held: pay at https://evil.example/x",
    "security@bank.example",
    "www.bank.example",
    "\u202egnirut",
    "Providerhaus\u2060",
    "\uff30\uff52\uff4f\uff56\uff49\uff44\uff45\uff52\uff48\uff41\uff55\uff53",
)
CONTROLS: Final = (
    "a\r\nBcc: x@evil.example",
    "a\nb",
    "a\x00b",
    "a\u202eb",
    "a\u2066b",
    "\ufeffa",
    "a\u200db",
    "",
    " ",
    "x" * 10_000,
)


def impersonation(target: AttackTarget, attempts: Attempts) -> None:
    """Name an account or a brand like the provider, Kontor or another reseller, in every script."""
    victim, thief = create_tenant(target, "victim", furnished=False), create_tenant(target, "thief", furnished=False)
    mixed = victim.name.replace("o", "\u043e").replace("e", "\u0435").replace("a", "\u0430")
    for name in (*CONFUSABLE, victim.name, victim.name.upper(), mixed):
        brand = {"name": name}
        for account in (thief.reseller, thief.client):
            answer = target.call(thief.key, f"PUT /v1/accounts/{account}/brand", brand)
            attempts.refused(f"brand {name!r}", answer)
    for name in (victim.name.upper(), mixed, f"{victim.name[:3]}\u200d{victim.name[3:]}", f" {victim.name}"):
        answer = target.call(thief.key, f"PATCH /v1/accounts/{thief.reseller}", {"name": name})
        attempts.refused(f"reseller named {name!r}", answer)
    for name in CONTROLS:
        for line, body in (
            (f"PUT /v1/accounts/{thief.reseller}/brand", {"name": name}),
            (f"PATCH /v1/accounts/{thief.reseller}", {"name": name}),
            (f"POST /v1/resellers/{thief.reseller}/clients", {"name": name, "admin_email": "a@b.example"}),
            (f"PATCH /v1/accounts/{thief.client}", {"admin_email": f"a@b.example{name or ' x'}"}),
            (f"PUT /v1/accounts/{thief.reseller}/brand", {"name": "Fine", "from_address": f"a@b.example{name or ' '}"}),
        ):
            if body.get("name") or not line.endswith("/brand"):  # a brand without a name has none of its own
                attempts.refused(f"{line.split('/')[-1]} {name[:20]!r}", target.call(thief.key, line, body))


def claimed_domains(target: AttackTarget, attempts: Attempts) -> None:
    """Claim another reseller's domain and wait until an operator marks it."""
    honest, thief = create_tenant(target, "owner", furnished=False), create_tenant(target, "claimant", furnished=False)
    domain = f"good-{honest.reseller[-6:]}.example"
    for tenant, local in ((thief, "ceo"), (honest, "hello")):
        brand = {"name": f"Brand {tenant.reseller[-6:]}", "from_address": f"{local}@{domain}"}
        target.call(tenant.key, f"PUT /v1/accounts/{tenant.reseller}/brand", brand)
    bare = target.run("domains", "mark", domain, "--json")
    attempts.held("a mark without an account of a domain claimed twice", bare.returncode != 0, bare.stdout)
    target.run("domains", "mark", domain, "--account", honest.reseller)
    new = {"name": "Addressed", "admin_email": f"reader@{thief.reseller[-6:]}.example"}
    target.ok(f"POST /v1/resellers/{thief.reseller}/clients", new, key=thief.key)
    target.settle()
    mails = [mail for mail in target.world.mailbox.mails() if new["admin_email"] in mail.recipients]
    attempts.held("control: the claimant's mail arrived", mails, "none")
    for mail in mails:
        attempts.absent("From of the claimant's mail", mail.header("From"), domain)
    for odd in ("*.example", "localhost", "127.0.0.1", "com", "kontor.example:8000", "a..b"):
        answer = target.call(thief.key, f"PUT /v1/accounts/{thief.reseller}/brand", {"name": "Odd", "domain": odd})
        attempts.refused(f"domain {odd!r}", answer)
    answer = target.call(thief.key, f"GET /v1/programmes/{CODE}")
    attempts.absent("who else claims it", answer.text, honest.name)
