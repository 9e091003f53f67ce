"""Routes of the reseller's pages."""

from collections.abc import Mapping
from typing import Final

from kontor.account_book import portal as account_book_portal
from kontor.accounts import clients_portal
from kontor.discounts import portal as discounts_portal
from kontor.offers import partner_portal
from kontor.orders import portal as orders_portal
from kontor.portal.page_routes import RESELLER, SELLER, PortalRoute, PortalView
from kontor.provisioning import portal as services_portal

ACTS: Final[Mapping[str, PortalView]] = {
    "login-as": clients_portal.log_in_as,
    "disconnect": clients_portal.disconnect,
    "delete": clients_portal.delete,
    "restore": clients_portal.restore,
    "suspend": clients_portal.suspend,
    "resume": clients_portal.resume,
}
VERBS: Final[Mapping[str, PortalView]] = {
    "renew": services_portal.renew,
    "suspend": services_portal.suspend,
    "resume": services_portal.resume,
    "terminate": services_portal.terminate,
    "retry": services_portal.retry,
}
PARTNER: Final[tuple[PortalRoute, ...]] = (
    PortalRoute("GET", "/partner", clients_portal.show_clients, RESELLER),
    PortalRoute("GET", "/partner/clients.csv", clients_portal.download_csv, RESELLER),
    PortalRoute("GET", "/partner/clients.xlsx", clients_portal.download_excel, RESELLER),
    PortalRoute("GET", "/partner/clients/new", clients_portal.show_new, SELLER),
    PortalRoute("POST", "/partner/clients/new", clients_portal.create, SELLER),
    PortalRoute("GET", "/partner/clients/connect", clients_portal.show_connect, SELLER),
    PortalRoute("POST", "/partner/clients/connect", clients_portal.connect, SELLER, sign_in=True),
    PortalRoute("GET", "/partner/clients/{account_id}", clients_portal.show_client, RESELLER),
    *(PortalRoute("POST", f"/partner/clients/{{account_id}}/{act}", view, SELLER) for act, view in ACTS.items()),
    PortalRoute("GET", "/partner/offers", partner_portal.show_offers, RESELLER),
    PortalRoute("GET", "/partner/offers/new", partner_portal.show_new, SELLER),
    PortalRoute("POST", "/partner/offers/new", partner_portal.send, SELLER),
    PortalRoute("POST", "/partner/offers/{offer_id}/cancel", partner_portal.cancel, SELLER),
    PortalRoute("GET", "/partner/templates", partner_portal.show_templates, RESELLER),
    PortalRoute("POST", "/partner/templates", partner_portal.create_template, SELLER),
    PortalRoute("GET", "/partner/templates/{template_id}", partner_portal.show_template, RESELLER),
    PortalRoute("POST", "/partner/templates/{template_id}/lines", partner_portal.add_line, SELLER),
    PortalRoute("POST", "/partner/templates/{template_id}/lines/{number}/remove", partner_portal.remove_line, SELLER),
    PortalRoute("POST", "/partner/templates/{template_id}/remove", partner_portal.remove_template, SELLER),
    PortalRoute("GET", "/partner/discount", discounts_portal.show_discount, RESELLER),
    PortalRoute("GET", "/partner/orders", orders_portal.show_orders, RESELLER),
    PortalRoute("GET", "/partner/orders/new", orders_portal.show_new, SELLER),
    PortalRoute("POST", "/partner/orders/new", orders_portal.order, SELLER),
    PortalRoute("POST", "/partner/orders/{order_id}/cancel", orders_portal.cancel, SELLER),
    PortalRoute("GET", "/partner/services", services_portal.show_services, RESELLER),
    PortalRoute("GET", "/partner/services/{service_id}", services_portal.show_service, RESELLER),
    *(PortalRoute("POST", f"/partner/services/{{service_id}}/{verb}", view, SELLER) for verb, view in VERBS.items()),
    PortalRoute("GET", "/partner/account-book", account_book_portal.show_account_book, RESELLER),
)
