"""Cross-checks between the sections of a programme file."""

from domain.programme.model import ManagedBy, Product, Programme, TurnoverDiscount
from domain.programme.place import Place


def check_products(root: Place, programme: Programme) -> None:
    """Report products with unknown references, and products that nobody could assign."""
    for code, product in programme.products.items():
        field = root.child("products").child(code)
        _check_family(field, product, programme)
        _check_subscriptions(field, product, programme)
        if product.managed_by is ManagedBy.ADMIN:
            _check_shared(root, field, product, programme)
        else:
            _check_reseller(field, product)


def _check_family(field: Place, product: Product, programme: Programme) -> None:
    discount = programme.discount
    if isinstance(discount, TurnoverDiscount) and product.family not in (None, *discount.families):
        field.child("family").complain(f"unknown family {product.family!r}")


def _check_subscriptions(field: Place, product: Product, programme: Programme) -> None:
    retail, wholesale = product.account_subscription, product.reseller_subscription
    if (retail is None) != (wholesale is None):
        field.complain("a product must have both an account subscription and a reseller subscription, or neither")
    if retail is not None and retail not in programme.account_subscriptions:
        field.child("account_subscription").complain(f"unknown account subscription {retail!r}")
    if wholesale is not None and wholesale not in programme.reseller_subscriptions:
        field.child("reseller_subscription").complain(f"unknown reseller subscription {wholesale!r}")


def _check_shared(root: Place, field: Place, product: Product, programme: Programme) -> None:
    """Check programme.md 7.3: a product that is not shared cannot be assigned by any reseller."""
    if product.reseller is not None:
        field.child("reseller").complain("only a product with managed_by: reseller may name a reseller")
    if product.account_subscription is None:
        return
    if not product.shared:
        field.child("shared").complain("a product managed by admin with a subscription must be shared (shared: true)")
    retail = programme.account_subscriptions.get(product.account_subscription)
    if retail is not None and not retail.shared:
        shared = root.child("subscriptions").child("account").child(retail.code).child("shared")
        shared.complain(f"must be shared (shared: true) because product {product.code!r} is managed by admin")


def _check_reseller(field: Place, product: Product) -> None:
    if product.reseller is None:
        field.complain("managed_by: reseller requires the key 'reseller' with that reseller's account name")
    if product.account_subscription is None:
        field.complain("a product managed by a reseller must have subscriptions")
    if product.shared:
        field.child("shared").complain("a product managed by a reseller must not be shared")
