"""Parse a programme file into a `Programme`, or report every error in it."""

from typing import Final

from kontor.kernel.money import minor_units
from kontor.kernel.validation import account_name
from kontor.kernel.zones import zone
from kontor.programme import pricing, sections
from kontor.programme.model import Locale, ManagedBy, Product, Programme, TurnoverDiscount
from kontor.programme.reader import FieldReader, SectionReader
from kontor.programme.yaml_nodes import Node, ProgrammeError, UnreadableDocument, nodes_from_value, parse_yaml


class InvalidProgramme(ValueError):
    """A stored document is not a valid programme; `errors` says why."""

    def __init__(self, errors: list[ProgrammeError]) -> None:
        super().__init__("; ".join(f"{error.path}: {error.message}" for error in errors))
        self.errors = errors


SIGNUP: Final = ("open", "closed")
SECOND_FACTOR: Final = ("resellers", "optional")


def parse(text: str) -> Programme | list[ProgrammeError]:
    """Parse a YAML text into a programme, or return all its errors in line order."""
    try:
        root = parse_yaml(text)
    except UnreadableDocument as error:
        return [error.error]
    return _read(root)


def from_document(document: object) -> Programme:
    """Load the programme from a stored document (`to_document`); raises `InvalidProgramme`."""
    try:
        root = nodes_from_value(document)
    except UnreadableDocument as error:
        raise InvalidProgramme([error.error]) from error
    result = _read(root)
    if isinstance(result, Programme):
        return result
    raise InvalidProgramme(result)


def _read(root: Node) -> Programme | list[ProgrammeError]:
    errors: list[ProgrammeError] = []
    field = FieldReader(root, "", errors)
    programme = _programme(SectionReader(field))
    check_products(field, programme)
    if errors:
        return sorted(set(errors), key=lambda error: (error.line, error.column, error.path, error.message))
    return programme


def _programme(root: SectionReader) -> Programme:
    currency = root.required("currency").validated(_currency, "EUR")
    products = pricing.read_products(root.optional("products"), currency)
    retail, wholesale = pricing.read_subscriptions(root.optional("subscriptions"), currency)
    white_label = root.optional("white_label")
    plans = sections.read_plans(root.required("plans"), currency)
    discount = pricing.read_discount(root.optional("discount"))
    effective, signup = root.optional("effective"), root.optional("signup")
    factor = root.optional("second_factor")
    metrics = {metric for plan in plans.values() for metric in plan.limits}
    families = discount.families if isinstance(discount, TurnoverDiscount) else ()
    programme = Programme(
        name=root.required("name").validated(account_name, "?"),
        locale=root.required("locale").choice(Locale),
        currency=currency,
        timezone=root.required("timezone").validated(lambda text: zone(text).key, "UTC"),
        white_label=white_label.boolean() if white_label else False,
        accounts=sections.read_account_rules(root.optional("accounts")),
        terms=sections.read_terms(root.required("terms")),
        sender=sections.read_sender(root.required("sender")),
        contact=sections.read_contact(root.optional("contact")),
        plans=plans,
        trial=sections.read_trial(root.optional("trial")),
        quota=sections.read_quota(root.optional("quota")),
        offer_life=sections.read_offer_life(root.optional("offers")),
        discount=discount,
        products=products,
        account_subscriptions=retail,
        reseller_subscriptions=wholesale,
        promo_codes=pricing.read_promotions(root.optional("promo_codes"), products),
        campaigns=pricing.read_promotions(root.optional("campaigns"), products),
        metric_names=sections.read_display_names(root.optional("metrics"), metrics, "metric"),
        family_names=sections.read_display_names(root.optional("families"), families, "family"),
        billing=sections.read_billing(root.optional("billing"), root.optional("payment_url"), currency),
        effective=effective.instant() if effective else None,
        signup=signup is not None and _first(signup, SIGNUP, "rule of signing up"),
        second_factor=factor is not None and _first(factor, SECOND_FACTOR, "rule of signing in"),
    )
    root.reject_unknown()
    return programme


def _first(field: FieldReader, words: tuple[str, str], what: str) -> bool:
    """Return whether it is the first of two words."""
    return field.one_of_codes(words, what) == words[0]


def _currency(text: str) -> str:
    minor_units(text)
    return text


def check_products(root: FieldReader, programme: Programme) -> None:
    """Report products with unknown references, and products that nobody could assign."""
    for code, product in programme.products.items():
        field = root.child("products").child(code)
        _check_family(field, product, programme)
        _check_subscriptions(field, product, programme)
        if product.managed_by is ManagedBy.ADMIN:
            _check_shared(root, field, product, programme)
        else:
            _check_reseller(field, product)


def _check_family(field: FieldReader, product: Product, programme: Programme) -> None:
    discount = programme.discount
    if isinstance(discount, TurnoverDiscount) and product.family not in (None, *discount.families):
        field.child("family").add_error(f"unknown family {product.family!r}")


def _check_subscriptions(field: FieldReader, product: Product, programme: Programme) -> None:
    retail, wholesale = product.account_subscription, product.reseller_subscription
    if (retail is None) != (wholesale is None):
        field.add_error("a product must have both an account subscription and a reseller subscription, or neither")
    if retail is not None and retail not in programme.account_subscriptions:
        field.child("account_subscription").add_error(f"unknown account subscription {retail!r}")
    if wholesale is not None and wholesale not in programme.reseller_subscriptions:
        field.child("reseller_subscription").add_error(f"unknown reseller subscription {wholesale!r}")


def _check_shared(root: FieldReader, field: FieldReader, product: Product, programme: Programme) -> None:
    """Check programme.md 7.3: a product that is not shared cannot be assigned by any reseller."""
    if product.reseller is not None:
        field.child("reseller").add_error("only a product with managed_by: reseller may name a reseller")
    if product.account_subscription is None:
        return
    if not product.shared:
        field.child("shared").add_error("a product managed by admin with a subscription must be shared (shared: true)")
    retail = programme.account_subscriptions.get(product.account_subscription)
    if retail is not None and not retail.shared:
        shared = root.child("subscriptions").child("account").child(retail.code).child("shared")
        shared.add_error(f"must be shared (shared: true) because product {product.code!r} is managed by admin")


def _check_reseller(field: FieldReader, product: Product) -> None:
    if product.reseller is None:
        field.add_error(
            "managed_by: reseller requires the key 'reseller' with the id or external_id of that reseller's account"
        )
    if product.account_subscription is None:
        field.add_error("a product managed by a reseller must have subscriptions")
    if product.shared:
        field.child("shared").add_error("a product managed by a reseller must not be shared")
