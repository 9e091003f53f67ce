"""What the sections of a programme file must say about each other."""

from domain.programme.model import ManagedBy, Product, Programme, TurnoverDiscount
from domain.programme.place import Place


def check_products(root: Place, programme: Programme) -> None:
    """Complain about products that name what is not there, or that nobody could assign."""
    for code, product in programme.products.items():
        place = root.child("products").child(code)
        _check_family(place, product, programme)
        _check_subscriptions(place, product, programme)
        if product.managed_by is ManagedBy.ADMIN:
            _check_shared(root, place, product, programme)
        else:
            _check_reseller(place, product)


def _check_family(place: Place, product: Product, programme: Programme) -> None:
    discount = programme.discount
    if isinstance(discount, TurnoverDiscount) and product.family not in (None, *discount.families):
        place.child("family").complain(f"unknown family {product.family!r}")


def _check_subscriptions(place: Place, product: Product, programme: Programme) -> None:
    retail, wholesale = product.account_subscription, product.reseller_subscription
    if (retail is None) != (wholesale is None):
        place.complain("a product names one account subscription and one reseller subscription, or neither")
    if retail is not None and retail not in programme.account_subscriptions:
        place.child("account_subscription").complain(f"unknown account subscription {retail!r}")
    if wholesale is not None and wholesale not in programme.reseller_subscriptions:
        place.child("reseller_subscription").complain(f"unknown reseller subscription {wholesale!r}")


def _check_shared(root: Place, place: Place, product: Product, programme: Programme) -> None:
    """programme.md 7.3: without being shared, no reseller could assign it."""
    if product.reseller is not None:
        place.child("reseller").complain("only a product that is managed_by: reseller names one")
    if product.account_subscription is None:
        return
    if not product.shared:
        place.child("shared").complain("managed by admin with a subscription: it must be shared (shared: true)")
    retail = programme.account_subscriptions.get(product.account_subscription)
    if retail is not None and not retail.shared:
        at = root.child("subscriptions").child("account").child(retail.code).child("shared")
        at.complain(f"product {product.code!r} is managed by admin: this must be shared (shared: true)")


def _check_reseller(place: Place, product: Product) -> None:
    if product.reseller is None:
        place.complain("managed_by: reseller needs the key 'reseller' with that reseller's account name")
    if product.account_subscription is None:
        place.complain("a product that a reseller manages has subscriptions")
    if product.shared:
        place.child("shared").complain("a product that a reseller manages is not shared")
