"""A programme as a reseller and as a client sees it."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from kontor.kernel.money import Money
from kontor.kernel.serialization import canonical_json
from kontor.programme import views
from kontor.programme.model import AccountSubscription, ManagedBy, Product, Programme, Promotion, ResellerSubscription
from kontor.programme.parse import parse
from workers.migrations import ROOT

MINE, THEIRS = UUID(int=1), UUID(int=2)


def own_product(code: str, reseller: UUID) -> Product:
    """A product that a reseller manages."""
    return Product(
        code=code,
        name=code.title(),
        names={},
        family=None,
        price=None,
        account_subscription=f"{code}-retail",
        reseller_subscription=f"{code}-wholesale",
        managed_by=ManagedBy.RESELLER,
        reseller=str(reseller),
        shared=False,
    )


def programme() -> Programme:
    """The example `telephony` with a product of each of two resellers, and promo codes."""
    example = parse((ROOT / "examples" / "programmes" / "telephony.yaml").read_text())
    assert isinstance(example, Programme)
    codes = ("mine", "theirs")
    usd, mine, theirs = "USD", own_product("mine", MINE), own_product("theirs", THEIRS)
    retail = [AccountSubscription(f"{code}-retail", code, Money(Decimal(9), usd), shared=True) for code in codes]
    wholesale = [
        ResellerSubscription(f"{code}-wholesale", code, Money(Decimal("13.37"), usd), multiple=True) for code in codes
    ]
    promotions = {
        code: Promotion(code, Decimal(5), products, None, None)
        for code, products in {"ALL": (), "BOTH": ("mine", "theirs"), "SECRET": ("theirs",)}.items()
    }
    return replace(
        example,
        products={**example.products, "mine": mine, "theirs": theirs},
        account_subscriptions={**example.account_subscriptions, **{each.code: each for each in retail}},
        reseller_subscriptions={**example.reseller_subscriptions, **{each.code: each for each in wholesale}},
        promo_codes=promotions,
    )


def test_reseller_sees_its_own_and_shared_products_and_nothing_of_others() -> None:
    shown = canonical_json(views.for_reseller(programme(), MINE))

    for own in ("mine-wholesale", "13.37", "call-recording-wholesale", "Telephony", '"BOTH"'):
        assert own in shown
    for hidden in ("theirs", "Theirs", "SECRET", str(THEIRS)):
        assert hidden not in shown


def test_client_sees_plans_and_its_own_products_without_prices_and_the_provider() -> None:
    document = views.for_client(programme(), ["call-recording", "mine", "gone"], {"mine": "Renamed"})
    shown = canonical_json(document)

    assert document["products"] == {
        "call-recording": {
            "name": "Call recording",
            "names": {
                "de": "Anrufaufzeichnung",
                "fr": "Enregistrement des appels",
                "ru": "Запись звонков",
                "ja": "通話録音",
            },
        },
        "mine": {"name": "Renamed"},
    }
    for hidden in (
        "13.37",
        "10.00",
        "wholesale",
        "retail",
        "voicemail",
        "theirs",
        "Telephony",
        "promo",
        "terms",
        "sender",
    ):
        assert hidden not in shown
