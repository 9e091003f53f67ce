"""A brand's name is nobody else's, and no address or link."""

import pytest
from sqlalchemy.orm import Session

from kontor.accounts import brands, reseller_status
from kontor.accounts import service as accounts
from kontor.accounts.brand_routes import brand_out
from kontor.accounts.service import NewAccount
from kontor.context import Context
from kontor.kernel.errors import Invalid
from kontor.mailer.brand import Brand
from models.accounts import Account

OTHER = "Spree Kurse"
PROVIDER = Brand(name="Provider", link_base="https://kontor.example")


@pytest.fixture
def other(office: Context, session: Session) -> Account:
    """Another reseller of `learning`, with a brand."""
    account = accounts.create(office, session, NewAccount("learning", OTHER, "chef@spree.example"))
    reseller = reseller_status.become_reseller(office, session, account.id).account
    brands.put(session, reseller, brands.validate_brand({"name": "Havel Akademie"}), office.now)
    return reseller


@pytest.mark.parametrize(
    "name", ["Kontor", "KONT0R", "\u041aontor", OTHER, "Spree  Kur\u0455e", "Havel Akadernie", "Learning", "Leaming"]
)
def test_brand_name_is_refused_when_it_looks_like_anothers(
    office: Context, session: Session, reseller: Account, client: Account, other: Account, name: str
) -> None:
    for account in (reseller, client):
        with pytest.raises(Invalid) as refused:
            brands.require_own_name(office, session, account, brands.validate_brand({"name": name}).name)
        assert (refused.value.code, refused.value.errors[0].loc) == ("name_taken", "name")


def test_brand_name_may_be_ones_own_or_that_of_another_programme(
    office: Context, session: Session, reseller: Account, client: Account
) -> None:
    foreign = accounts.create(office, session, NewAccount("hosting", "Wolga Host", "chef@wolga.example"))
    reseller_status.become_reseller(office, session, foreign.id)
    for account in (reseller, client):
        for name in (reseller.name, client.name, "Elbe", "Wolga Host"):
            brands.require_own_name(office, session, account, name)
            brands.put(session, account, brands.validate_brand({"name": name}), office.now)
            assert brand_out(session, account, PROVIDER).name == name


@pytest.mark.parametrize(
    "name",
    [
        "security@bank.example",
        "Pay at https://evil.example/x NOW",
        "www.bank",
        "bank.example",
        "bank\uff0eexample",
        "\u9280\u884c\u3002\u4e2d\u56fd",
        "10.0.0.1",
        "El\u202ebe",
        "El\u200bbe",
    ],
)
def test_brand_name_is_refused_when_it_holds_an_address_or_what_is_not_drawn(name: str) -> None:
    with pytest.raises(Invalid):
        brands.validate_brand({"name": name})


@pytest.mark.parametrize(
    "name", ["Dr. Elbe & S\u00f6hne e.V.", "Elbe (2.0)", "Caf\u00e9 @ Elbe", "\u682a\u5f0f\u4f1a\u793e \u6771\u4eac"]
)
def test_brand_name_with_plain_signs_is_taken(name: str) -> None:
    assert brands.validate_brand({"name": name}).name == name
