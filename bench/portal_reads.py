"""What each page of a reseller with 200,000 clients costs: `python -m bench.portal_reads`.

Filled as `portal_fill` says; pages are asked over HTTP as the reseller's owner would, 20 times each. The limit is that
of portal.md 6. `--plans` prints every statement that takes over 20 ms.
"""

import argparse
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import httpx

from bench.console_reads import report
from bench.portal_fill import client, fill
from kontor.adapters.embedded.endpoints import shared_servers
from kontor.adapters.settings import Settings
from kontor.http.context import Deps
from tests.support.api import running_server
from workers.migrations import migrate
from workers.web import web_deps
from workers.web_app import build

PASSWORD: Final = "a password for the bench"
STATES: Final = ("over_quota", "read_only", "trial", "open_offer", "no_instance", "suspended", "deleted")
PAGES: Final = (
    "", *(f"?state={state}" for state in STATES),
    "?q=rose", "?q=chef777%40", "?q=salon+rose+7007", "?q=nobody", "?q=r", "?plan=basic", "?sort=newest",
    "?sort=trial_ends", "?q=rose&plan=basic&state=open_offer", "?state=trial&state=open_offer&state=no_instance",
    "?q=nobody&sort=newest", "?plan=premium", "?cursor={middle}", "?cursor={middle}&sort=newest",
    "?state=over_quota&q=rose&sort=trial_ends", "?state=suspended&state=trial",
    "/clients/new", "/clients/{client}", "/clients/{client}/products", "/clients/{client}/instance",
    "/clients/{client}/brand", "/offers", "/offers/new", "/offers/new?q=rose", "/offers/new?q=nobody", "/templates",
    "/orders", "/orders?state=failed", "/orders?state=cancelled", "/orders/new", "/services", "/services?state=failed",
    "/services?state=suspended", "/services?account_id={client}", "/services/{client}", "/discount", "/account-book",
    "/account-book?from=2026-03-20&to=2026-03-25", "/statements", "/statements/2026-03",
    "/statements/2026-03?cursor=2026-03-20~{client}", "/charges", "/charges?account_id={client}",
    "/charges?from=2026-03-10&to=2026-03-12", "/charges?cursor=2026-03-10~{client}", "/charges/{client}",
    "/brand", "/brand/preview", "/keys", "/webhooks", "/team", "/merge", "/revert",
)  # fmt: skip
INSIDE: Final = ("/as/{client}/account", "/as/{client}/updates", "/account", "/account/security")
OF_PAYMENTS: Final = tuple(
    f"/partner/{page}" for page in ("discount", "discount?pay=1000", "discount/history", "account-book")
)
"""Of the reseller that paid often."""


def main() -> None:
    """Fill, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=200_000)
    parser.add_argument("--only", default="", help="pages whose path this expression finds")
    parser.add_argument("--plans", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, shared_servers(Path(folder), "--scratch") as servers:
        migrate(servers.database_url)
        settings = Settings(
            data_dir=Path(folder), database_url=servers.database_url, redis_url=servers.redis_url,
            smtp_url="smtp://127.0.0.1:1", secret_key="a secret of the bench and of some length", namespace="bench",
        )  # fmt: skip
        with web_deps(settings) as deps:
            local = replace(deps, public_url="http://127.0.0.1")
            with local.sessions() as session:
                fill(local.context(local.jobs), session, servers.database_url, options.clients, PASSWORD)
            ids = {"client": client(4), "middle": client(options.clients // 2)}
            asked = {"Salons": (*(f"/partner{each}" for each in PAGES), *INSIDE), "Volga": OF_PAYMENTS}
            for name, pages in asked.items():
                with visitor(local, name) as http:
                    for page in pages:
                        if re.search(options.only, page):
                            report(local.engine, page, http, page.format_map(ids), plans=options.plans)


@contextmanager
def visitor(deps: Deps, name: str) -> Iterator[httpx.Client]:
    """A browser in which a reseller's owner is signed in."""
    with running_server(build(deps)) as url, httpx.Client(base_url=url, timeout=60) as http:
        csrf = re.search(r'name="csrf" value="([^"]+)"', http.get("/login").text)
        assert csrf
        sent = {"csrf": csrf[1], "identifier": name, "password": PASSWORD}
        assert http.post("/login", data=sent).status_code == 303
        yield http


if __name__ == "__main__":
    main()
