"""Domains are proven by DNS or by an operator's word, each account for itself."""

import pytest
from sqlalchemy.orm import Session

from adapters.dns import FixedTxt
from domain.errors import NotFound
from domain.proofs import DnsUnavailable, txt_name, txt_value
from mail.brand import Brand
from models.accounts import Account
from models.brands import VerifiedDomain
from services import brand_settings, brands, domains
from services.account_book import AccountBook

PROVIDER = Brand(name="Provider", link_base="https://kontor.example")


class NoDns:
    """A resolver whose network is away."""

    def txt(self, name: str) -> tuple[str, ...]:
        """Give no answer."""
        raise DnsUnavailable(name, "timed out")


@pytest.fixture
def claim(office: AccountBook, session: Session, reseller: Account) -> VerifiedDomain:
    """The domain of the reseller's outgoing address."""
    settings = brand_settings.checked({"from_address": "info@elbe.example"})
    brands.put(session, reseller, settings, office.now)
    return session.get_one(VerifiedDomain, (reseller.id, "elbe.example"))


def check(office: AccountBook, session: Session, records: dict[str, list[str]]) -> None:
    """What `kontor domains verify` does."""
    found = domains.look_up(FixedTxt(records), domains.claims(session))
    domains.record(session, found, office.now)


def test_the_record_that_is_shown_proves_the_domain_and_its_absence_takes_the_proof_back(
    office: AccountBook, session: Session, reseller: Account, claim: VerifiedDomain
) -> None:
    shown = brands.document(session, reseller)["domains"][0]
    assert not shown["verified"]
    check(office, session, {shown["record"]["name"]: ["v=spf1 -all", shown["record"]["value"]]})
    assert (claim.verified_at, claim.verified_by) == (office.now, "dns")
    check(office, session, {})
    assert claim.verified_at is None
    assert claim.last_error is not None
    assert txt_name("elbe.example") in claim.last_error


def test_no_answer_from_dns_changes_nothing_but_is_seen(
    office: AccountBook, session: Session, claim: VerifiedDomain
) -> None:
    check(office, session, {txt_name("elbe.example"): [txt_value(claim.token)]})
    domains.record(session, domains.look_up(NoDns(), domains.claims(session)), office.now)
    assert claim.verified_at == office.now
    assert claim.last_error is not None
    assert "timed out" in claim.last_error


def test_an_operators_word_stands_against_dns(office: AccountBook, session: Session, claim: VerifiedDomain) -> None:
    domains.mark(session, "ELBE.example", "operator:anna", office.now)
    check(office, session, {})
    assert claim.verified_by == "operator:anna"
    domains.unmark(session, "elbe.example")
    assert claim.verified_at is None


def test_a_domain_nobody_uses_is_not_found(office: AccountBook, session: Session) -> None:
    with pytest.raises(NotFound):
        domains.claims(session, "nobody.example")
    with pytest.raises(NotFound):
        domains.mark(session, "nobody.example", "operator", office.now)


def test_a_proof_is_of_no_use_to_another_reseller(
    office: AccountBook, session: Session, reseller: Account, client: Account, claim: VerifiedDomain
) -> None:
    settings = brand_settings.checked({"domain": "lernen.weser.example"})
    brands.put(session, client, settings, office.now)
    domains.mark(session, "lernen.weser.example", "operator", office.now, account=client)
    assert brands.brand_for(session, client, PROVIDER).brand.link_base == "https://lernen.weser.example"
    own = session.get_one(VerifiedDomain, (reseller.id, "lernen.weser.example"))
    assert own.verified_at is not None
    assert session.get(VerifiedDomain, (client.id, "lernen.weser.example")) is None


def test_links_leave_the_public_url_only_for_the_clients_own_proven_domain(
    office: AccountBook, session: Session, reseller: Account, client: Account
) -> None:
    theirs = brand_settings.checked({"domain": "elbe.example"})
    brands.put(session, reseller, theirs, office.now)
    domains.mark(session, "elbe.example", "operator", office.now)
    own = brand_settings.checked({"domain": "lernen.weser.example"})
    brands.put(session, client, own, office.now)
    assert brands.brand_for(session, client, PROVIDER).brand.link_base == PROVIDER.link_base
    domains.mark(session, "lernen.weser.example", "operator", office.now)
    assert brands.brand_for(session, client, PROVIDER).brand.link_base == "https://lernen.weser.example"


def test_a_brand_set_again_keeps_the_proof(
    office: AccountBook, session: Session, reseller: Account, claim: VerifiedDomain
) -> None:
    token = claim.token
    domains.mark(session, "elbe.example", "operator", office.now)
    settings = brand_settings.checked({"name": "New", "from_address": "neu@elbe.example"})
    brands.put(session, reseller, settings, office.now)
    assert (claim.token, claim.verified_by) == (token, "operator")
    assert brands.document(session, reseller)["domains"][0]["verified"]
