"""Routes of the reseller's pages."""

from collections.abc import Iterator, Mapping
from typing import Final

from kontor.account_book import portal as account_book_portal
from kontor.accounts import (
    brand_portal,
    client_import_portal,
    clients_portal,
    instance_portal,
    merge_portal,
)
from kontor.discounts import portal as discounts_portal
from kontor.fees import charges_portal, statements_portal
from kontor.fees import portal as fees_portal
from kontor.mails.brand_preview_portal import BrandPreview
from kontor.members import pages as members_pages
from kontor.offers import partner_portal, templates_portal
from kontor.operators import portal as keys_portal
from kontor.orders import portal as orders_portal
from kontor.portal import client, details, reseller
from kontor.portal.page_routes import HANDING, HEAD, RESELLER, SELLER, SENSITIVE, PortalRoute, PortalView
from kontor.provisioning import change_portal
from kontor.provisioning import portal as services_portal
from kontor.webhooks import portal as webhooks_portal

ACTS: Final[Mapping[str, PortalView]] = {
    "login-as": client.log_in_as,
    "disconnect": client.disconnect,
    "delete": client.delete,
    "restore": client.restore,
    "suspend": client.suspend,
    "resume": client.resume,
}
VERBS: Final[Mapping[str, PortalView]] = {
    "renew": services_portal.renew,
    "suspend": services_portal.suspend,
    "resume": services_portal.resume,
    "terminate": services_portal.terminate,
    "retry": services_portal.retry,
}
PREVIEW: Final = BrandPreview()
HOOKS: Final[Mapping[str, PortalView]] = {
    "test": webhooks_portal.send_test,
    "replay": webhooks_portal.replay,
    "rotate": webhooks_portal.rotate,
    "remove": webhooks_portal.remove,
}


def brand_routes(path: str) -> Iterator[PortalRoute]:
    """Yield the routes of a brand, the reseller's or a client's, and of its preview."""
    yield PortalRoute("GET", path, brand_portal.show_brand, RESELLER)
    yield PortalRoute("POST", path, brand_portal.save, SELLER)
    yield PortalRoute("POST", f"{path}/images", brand_portal.upload, SELLER, files=1)
    yield PortalRoute("POST", f"{path}/domains", brand_portal.check, SELLER, check=brand_portal.look_up)
    yield PortalRoute("GET", f"{path}/preview", PREVIEW.show, RESELLER)
    yield PortalRoute("POST", f"{path}/preview", PREVIEW.typed, RESELLER)
    yield PortalRoute("GET", f"{path}/preview/page", PREVIEW.page, RESELLER)
    yield PortalRoute("GET", f"{path}/preview/mail", PREVIEW.mail, RESELLER)


def client_routes(path: str) -> Iterator[PortalRoute]:
    """Yield the routes of a client's details, products and connected system."""
    yield PortalRoute("GET", f"{path}/details", details.show_client, SELLER)
    yield PortalRoute("POST", f"{path}/details", details.save_client, SELLER)
    yield PortalRoute("POST", f"{path}/hand-over", details.hand_over, HANDING)
    yield PortalRoute("GET", f"{path}/products", fees_portal.show_products, RESELLER)
    yield PortalRoute("POST", f"{path}/products", fees_portal.assign, SELLER)
    yield PortalRoute("POST", f"{path}/products/{{product}}/price", fees_portal.change_price, SELLER)
    yield PortalRoute("POST", f"{path}/products/{{product}}/remove", fees_portal.unassign, SELLER)
    yield PortalRoute("GET", f"{path}/instance", instance_portal.show_instance, RESELLER)
    yield PortalRoute("POST", f"{path}/instance", instance_portal.save, SELLER, check=instance_portal.check_url)
    yield PortalRoute("POST", f"{path}/instance/test", instance_portal.ping, SELLER)
    yield PortalRoute("POST", f"{path}/instance/remove", instance_portal.remove, SELLER)


def import_routes(path: str) -> Iterator[PortalRoute]:
    """Yield the routes of new clients from a file: the form with its preview, and an import with its rows."""
    yield PortalRoute("GET", path, client_import_portal.show_import, SELLER)
    yield PortalRoute("POST", path, client_import_portal.take_file, SELLER, files=1)
    yield PortalRoute("GET", f"{path}/sample.csv", client_import_portal.download_sample, SELLER)
    yield PortalRoute("GET", f"{path}/{{import_id}}", client_import_portal.show_run, SELLER)
    yield PortalRoute("GET", f"{path}/{{import_id}}/refused.csv", client_import_portal.download_run, SELLER)
    yield PortalRoute(
        "GET", f"{path}/{{import_id}}/progress.json", client_import_portal.count_progress, SELLER, polled=True
    )


def merge_routes(path: str) -> Iterator[PortalRoute]:
    """Yield the routes of merges: with the other account's password, or with its owner's consent by mail."""
    yield PortalRoute("GET", path, merge_portal.show_merge, HEAD)
    yield PortalRoute("POST", path, reseller.merge_other, SENSITIVE, sign_in=True)
    yield PortalRoute("POST", f"{path}/requests", merge_portal.ask, SENSITIVE)
    yield PortalRoute("POST", f"{path}/requests/{{request_id}}/withdraw", merge_portal.withdraw, HEAD)
    yield PortalRoute("POST", f"{path}/requests/{{request_id}}/begin", merge_portal.begin, SENSITIVE)
    yield PortalRoute("GET", f"{path}/requests/{{token}}", merge_portal.show_request, HEAD)
    yield PortalRoute("POST", f"{path}/requests/{{token}}", merge_portal.decide, SENSITIVE)


def template_routes(path: str) -> Iterator[PortalRoute]:
    """Yield the routes of the templates of offers and of their lines."""
    single = f"{path}/{{template_id}}"
    yield PortalRoute("GET", path, templates_portal.show_templates, RESELLER)
    yield PortalRoute("POST", path, templates_portal.create_template, SELLER)
    yield PortalRoute("GET", single, templates_portal.show_template, RESELLER)
    yield PortalRoute("POST", f"{single}/rename", templates_portal.rename_template, SELLER)
    yield PortalRoute("POST", f"{single}/copy", templates_portal.copy_template, SELLER)
    yield PortalRoute("POST", f"{single}/remove", templates_portal.remove_template, SELLER)
    yield PortalRoute("POST", f"{single}/lines", templates_portal.add_line, SELLER)
    yield PortalRoute("POST", f"{single}/lines/{{number}}", templates_portal.change_line, SELLER)
    yield PortalRoute("POST", f"{single}/lines/{{number}}/remove", templates_portal.remove_line, SELLER)


PARTNER: Final[tuple[PortalRoute, ...]] = (
    PortalRoute("GET", "/partner", clients_portal.show_clients, RESELLER),
    PortalRoute("GET", "/partner/clients.csv", clients_portal.download_csv, RESELLER),
    PortalRoute("GET", "/partner/clients.xlsx", clients_portal.download_excel, RESELLER),
    PortalRoute("GET", "/partner/clients/new", clients_portal.show_new, SELLER),
    PortalRoute("POST", "/partner/clients/new", clients_portal.create, SELLER),
    PortalRoute("GET", "/partner/clients/connect", clients_portal.show_connect, SELLER),
    PortalRoute("POST", "/partner/clients/connect", clients_portal.connect, SELLER, sign_in=True),
    *import_routes("/partner/clients/import"),
    PortalRoute("GET", "/partner/clients/{account_id}", client.show_client, RESELLER),
    PortalRoute("GET", "/partner/clients/{account_id}/disconnect", client.show_disconnect, SELLER),
    PortalRoute("GET", "/partner/clients/{account_id}/delete", client.show_delete, SELLER),
    *(PortalRoute("POST", f"/partner/clients/{{account_id}}/{act}", view, SELLER) for act, view in ACTS.items()),
    PortalRoute("GET", "/partner/offers", partner_portal.show_offers, RESELLER),
    PortalRoute("GET", "/partner/offers/live", partner_portal.watch_offers, RESELLER, polled=True),
    PortalRoute("GET", "/partner/offers/new", partner_portal.show_new, SELLER),
    PortalRoute("POST", "/partner/offers/new", partner_portal.send, SELLER),
    PortalRoute("POST", "/partner/offers/{offer_id}/cancel", partner_portal.cancel, SELLER),
    PortalRoute("POST", "/partner/offers/{offer_id}/mail", partner_portal.mail_again, SELLER),
    *template_routes("/partner/templates"),
    PortalRoute("GET", "/partner/discount", discounts_portal.show_discount, RESELLER),
    PortalRoute("GET", "/partner/discount/history", discounts_portal.show_history, RESELLER),
    PortalRoute("GET", "/partner/orders", orders_portal.show_orders, RESELLER),
    PortalRoute("GET", "/partner/orders/new", orders_portal.show_new, SELLER),
    PortalRoute("POST", "/partner/orders/new", orders_portal.order, SELLER),
    PortalRoute("POST", "/partner/orders/{order_id}/cancel", orders_portal.cancel, SELLER),
    PortalRoute("GET", "/partner/services", services_portal.show_services, RESELLER),
    PortalRoute("GET", "/partner/services/{service_id}", services_portal.show_service, RESELLER),
    PortalRoute("GET", "/partner/services/{service_id}/change", change_portal.show_change, SELLER),
    PortalRoute("POST", "/partner/services/{service_id}/change", change_portal.change, SELLER),
    *(PortalRoute("POST", f"/partner/services/{{service_id}}/{verb}", view, SELLER) for verb, view in VERBS.items()),
    PortalRoute("GET", "/partner/keys", keys_portal.show_keys, HEAD),
    PortalRoute("POST", "/partner/keys", keys_portal.create, SENSITIVE),
    PortalRoute("POST", "/partner/keys/{key_id}/revoke", keys_portal.revoke, SENSITIVE),
    *merge_routes("/partner/merge"),
    PortalRoute("GET", "/partner/revert", reseller.show_revert, HEAD),
    PortalRoute("POST", "/partner/revert", reseller.revert, SENSITIVE),
    PortalRoute("GET", "/partner/webhooks", webhooks_portal.show_endpoints, RESELLER),
    PortalRoute("POST", "/partner/webhooks", webhooks_portal.create, SELLER, check=webhooks_portal.check_url),
    PortalRoute("GET", "/partner/webhooks/{endpoint_id}", webhooks_portal.show_endpoint, RESELLER),
    *(PortalRoute("POST", f"/partner/webhooks/{{endpoint_id}}/{act}", view, SELLER) for act, view in HOOKS.items()),
    PortalRoute("GET", "/partner/team", members_pages.show_members, HEAD),
    *brand_routes("/partner/brand"),
    *brand_routes("/partner/clients/{account_id}/brand"),
    *client_routes("/partner/clients/{account_id}"),
    PortalRoute("GET", "/partner/account-book", account_book_portal.show_account_book, RESELLER),
    PortalRoute("GET", "/partner/account-book.csv", account_book_portal.download_account_book, RESELLER),
    PortalRoute("GET", "/partner/statements", statements_portal.show_statements, RESELLER),
    PortalRoute("GET", "/partner/statements/{month}.csv", statements_portal.download_statement, RESELLER),
    PortalRoute("GET", "/partner/statements/{month}", statements_portal.show_statement, RESELLER),
    PortalRoute("GET", "/partner/charges", charges_portal.show_charges, RESELLER),
    PortalRoute("GET", "/partner/charges/{charge_id}", charges_portal.show_charge, RESELLER),
)
