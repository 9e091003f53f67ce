"""Texts of strangers on every page, in every mail and every download."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from typing import Final

from tests.attack.attempts import Attempts
from tests.attack.console import BrowserSession, sign_in
from tests.attack.target import AttackTarget
from tests.attack.tenants import LINE, Tenant, create_tenant, decision_links

MARKUP: Final = "\"'><img src=x onerror=alert(7)><script>alert(7)</script>{{7*7}}${7*7}"
RAW: Final = ("<img src=x", "<script>alert(7)", "onerror=alert(7)>", "'><img")
FORMULAS: Final = ("=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", "=HYPERLINK(1)", "=cmd|' /C calc'!A0")
PAGES: Final = (
    "/console", "/console/jobs", "/console/dead", "/console/bulk", "/console/queues", "/console/queues/probe",
    "/console/schedules", "/console/workers", "/console/instances", "/console/accounts", "/console/mail",
    "/console/mail/gallery", "/console/reconciliation", "/console/audit", "/console/people", "/console/keys",
    "/console/limits", "/console/programmes", "/console/programmes/guarded", "/console/security", "/console/password",
)  # fmt: skip
PARAMETERS: Final = (
    "state",
    "task",
    "q",
    "tenant",
    "error",
    "args.message",
    "cursor",
    "done",
    "next",
    "template",
    "kind",
)
HEADERS: Final = ("content-security-policy", "x-content-type-options")


def strings_on_pages(target: AttackTarget, attempts: Attempts) -> None:
    """Store markup wherever a text is taken, then read every page, mail and public page."""
    tenant = create_tenant(target, "marker")
    offer = _store(target, tenant)
    target.settle()
    admin = sign_in(target, "admin")
    for path in (*PAGES, *_pages_of(target, tenant, offer)):
        _read_page(admin, attempts, path)
    for path in ("/console/jobs", "/console/accounts", "/console/mail", "/console/audit", "/console/dead"):
        for name in PARAMETERS:
            page = admin.http.get(path, params={name: MARKUP})
            attempts.absent(f"{path}?{name}", page.text, *RAW)
    links = decision_links(target, tenant.client_address)
    mails = [mail for mail in target.world.mailbox.mails() if tenant.client_address in mail.recipients]
    links += [link for mail in mails for link in mail.links("/activate/")]
    for link in links:
        page = target.http.get(link)
        attempts.absent(f"public page {link[:40]}", page.text, *RAW, "49${49}")
        attempts.held("its headers", all(name in page.headers for name in HEADERS), dict(page.headers))
    for mail in target.world.mailbox.mails():
        html = mail.message.get_body(("html",))
        text = str(html.get_content()) if html is not None else ""
        attempts.absent(f"mail {mail.subject[:40]!r}", text, *RAW)
        injected = [name for name in mail.message if name.lower() in {"bcc", "x-injected"}]
        attempts.held(f"headers of {mail.subject[:40]!r}", not injected, injected)


def _store(target: AttackTarget, tenant: Tenant) -> str:
    """Store markup in every field that takes a text; what is refused is refused. Returns the id of an offer."""
    key, reseller, client = tenant.key, tenant.reseller, tenant.client
    for line, body in (
        (f"PUT /v1/accounts/{client}/brand", {"name": MARKUP, "support": {"end_users": MARKUP, "admins": MARKUP}}),
        (f"PUT /v1/accounts/{client}/brand", {"name": "Brand", "support": MARKUP}),
        (f"PUT /v1/accounts/{client}/brand", {"name": "Brand", "colours": {"primary": f"red;{MARKUP}"}}),
        (f"PUT /v1/accounts/{client}/brand", {"name": "Brand", "logo_url": f"https://pictures.example/{MARKUP}"}),
        (f"PATCH /v1/accounts/{client}", {"name": f"Client {MARKUP}"}),
        (f"PATCH /v1/accounts/{reseller}", {"name": f"Reseller {MARKUP}"}),
        ("POST /v1/offer-templates", {"reseller_id": reseller, "name": MARKUP, "lines": [LINE]}),
        ("POST /v1/jobs", {"task": "probe.echo", "args": {"message": MARKUP}, "unique_key": MARKUP}),
        ("POST /v1/keys", {"name": MARKUP, "scopes": ["read"]}),
    ):
        target.call(key, line, body)
    for line, body in (
        ("POST /v1/jobs", {"task": "probe.echo", "args": {"message": MARKUP}, "tenant": MARKUP}),
        ("POST /v1/queues/probe/pause", {"reason": MARKUP}),
        ("POST /v1/queues/probe/resume", {"reason": MARKUP}),
        (f"POST /v1/accounts/{client}/suspend", {"reason": MARKUP}),
        (f"POST /v1/accounts/{client}/resume", {"reason": MARKUP}),
    ):
        target.call(target.admin, line, body)
    amount = {"amount": "1.00", "currency": "USD"}
    payment = {"kind": "payment", "amount": amount, "paid_at": target.world.now.isoformat(), "reference": MARKUP}
    target.call(target.admin, f"POST /v1/resellers/{reseller}/payments", payment)
    new = {"reseller_id": reseller, "account_id": client, "lines": [LINE], "message": MARKUP}
    return str(target.ok("POST /v1/offers", new)["id"])


def _pages_of(target: AttackTarget, tenant: Tenant, offer: str) -> Iterator[str]:
    yield f"/console/accounts/{tenant.client}"
    yield f"/console/accounts/{tenant.reseller}"
    yield f"/console/resellers/{tenant.reseller}/discount"
    yield f"/console/offers/{offer}"
    for job in target.ok(f"GET /v1/jobs?tenant={tenant.reseller}&limit=20")["items"]:
        yield f"/console/jobs/{job['id']}"
    for mail in target.ok(f"GET /v1/mails?account={tenant.client}")["items"]:
        yield f"/console/mail/{mail['id']}"
        yield f"/console/mail/{mail['id']}/frame"


def _read_page(admin: BrowserSession, attempts: Attempts, path: str) -> None:
    page = admin.get(path)
    attempts.absent(path, page.text, *RAW)
    policy = page.headers.get("content-security-policy", "")
    attempts.held(f"{path}: policy", page.status_code == 404 or ("'unsafe-inline'" not in policy and policy), policy)


def formulas_in_files(target: AttackTarget, attempts: Attempts) -> None:
    """Name clients and references like formulas, and download the lists."""
    tenant = create_tenant(target, "formula", furnished=False)
    for number, formula in enumerate(FORMULAS):
        new = {"name": formula, "admin_email": f"f{number}@formula.example"}
        target.call(tenant.key, f"POST /v1/resellers/{tenant.reseller}/clients", new)
        target.call(tenant.key, "POST /v1/jobs", {"task": "probe.echo", "args": {}, "unique_key": formula})
        suspended = {"reason": formula}
        target.call(target.admin, f"POST /v1/accounts/{tenant.client}/suspend", suspended)
        target.call(target.admin, f"POST /v1/accounts/{tenant.client}/resume", suspended)
    table = target.call(tenant.key, f"GET /v1/resellers/{tenant.reseller}/clients.csv")
    attempts.status("the list as CSV", table, 200)
    audit = sign_in(target, "admin").get("/console/audit.csv").text
    for word, text in (("clients.csv", table.text), ("audit.csv", audit)):
        dialect = csv.Sniffer().sniff(text[:2_000], ",;")
        cells = [cell for row in list(csv.reader(io.StringIO(text), dialect))[1:] for cell in row]
        bare = [cell for cell in cells if re.match(r"[=+@\t\r]|-(?![\d.]+$)", cell)]
        attempts.held(word, not bare, bare[:3])
    workbook = target.call(tenant.key, f"GET /v1/resellers/{tenant.reseller}/clients.xlsx")
    with zipfile.ZipFile(io.BytesIO(workbook.content)) as archive:
        sheets = [
            archive.read(name).decode() for name in archive.namelist() if "sheet" in name and name.endswith("xml")
        ]
    attempts.held("clients.xlsx", not any("<f>" in sheet or "<f " in sheet for sheet in sheets), "a formula")
