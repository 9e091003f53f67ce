"""Parses a programme file into a `Programme`, or reports every error in it."""

from domain.currencies import minor_units
from domain.names import account_name
from domain.programme import pricing, sections
from domain.programme.coherence import check_products
from domain.programme.model import Locale, Programme
from domain.programme.nodes import Node, ProgrammeError, Unreadable, from_text, from_value
from domain.programme.place import Place, Section
from domain.zones import zone


class BadProgramme(ValueError):
    """A stored document is not a valid programme; `errors` says why."""

    def __init__(self, errors: list[ProgrammeError]) -> None:
        super().__init__("; ".join(f"{error.path}: {error.message}" for error in errors))
        self.errors = errors


def parse(text: str) -> Programme | list[ProgrammeError]:
    """Parse a YAML text into a programme, or return all its errors in line order."""
    try:
        root = from_text(text)
    except Unreadable as error:
        return [error.error]
    return _read(root)


def from_document(document: object) -> Programme:
    """Load the programme from a stored document (`to_document`); raises `BadProgramme`."""
    try:
        root = from_value(document)
    except Unreadable as error:
        raise BadProgramme([error.error]) from error
    result = _read(root)
    if isinstance(result, Programme):
        return result
    raise BadProgramme(result)


def _read(root: Node) -> Programme | list[ProgrammeError]:
    errors: list[ProgrammeError] = []
    field = Place(root, "", errors)
    programme = _programme(Section(field))
    check_products(field, programme)
    if errors:
        return sorted(set(errors), key=lambda error: (error.line, error.column, error.path, error.message))
    return programme


def _programme(root: Section) -> Programme:
    currency = root.need("currency").checked(_currency, "EUR")
    products = pricing.products(root.take("products"), currency)
    retail, wholesale = pricing.subscriptions(root.take("subscriptions"), currency)
    white_label = root.take("white_label")
    programme = Programme(
        name=root.need("name").checked(account_name, "?"),
        locale=root.need("locale").choice(Locale),
        currency=currency,
        timezone=root.need("timezone").checked(lambda text: zone(text).key, "UTC"),
        white_label=white_label.truth() if white_label else False,
        accounts=sections.account_rules(root.take("accounts")),
        terms=sections.terms(root.need("terms")),
        sender=sections.sender(root.need("sender")),
        plans=sections.plans(root.need("plans"), currency),
        trial=sections.trial(root.take("trial")),
        quota=sections.quota(root.take("quota")),
        offer_life=sections.offer_life(root.take("offers")),
        discount=pricing.discount(root.take("discount")),
        products=products,
        account_subscriptions=retail,
        reseller_subscriptions=wholesale,
        promo_codes=pricing.promotions(root.take("promo_codes"), products),
        campaigns=pricing.promotions(root.take("campaigns"), products),
    )
    root.close()
    return programme


def _currency(text: str) -> str:
    minor_units(text)
    return text
