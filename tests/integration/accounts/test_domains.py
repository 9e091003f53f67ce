"""Verification of domains by DNS or by an operator, separately per account."""

import pytest
from sqlalchemy.orm import Session

from kontor.accounts import brands, domains
from kontor.adapters.network import FixedTxt
from kontor.context import Context
from kontor.kernel.errors import NotFound
from kontor.kernel.ports import DnsUnavailable, txt_name, txt_value
from kontor.mailer.brand import Brand
from models.accounts import Account, VerifiedDomain

PROVIDER = Brand(name="Provider", link_base="https://kontor.example")


class NoDns:
    """A resolver without a network."""

    def txt(self, name: str) -> tuple[str, ...]:
        """Raise DnsUnavailable."""
        raise DnsUnavailable(name, "timed out")


@pytest.fixture
def claim(office: Context, session: Session, reseller: Account) -> VerifiedDomain:
    """The domain of the reseller's outgoing address."""
    settings = brands.validate_brand({"from_address": "info@elbe.example"})
    brands.put(session, reseller, settings, office.now)
    return session.get_one(VerifiedDomain, (reseller.id, "elbe.example"))


def check(office: Context, session: Session, records: dict[str, list[str]]) -> None:
    """Run what `kontor domains verify` runs."""
    results = domains.check_dns(FixedTxt(records), domains.claims(session))
    domains.record_results(session, results, office.now)


def test_published_record_verifies_the_domain_and_its_removal_revokes_it(
    office: Context, session: Session, reseller: Account, claim: VerifiedDomain
) -> None:
    shown = brands.brand_out(session, reseller).domains[0]
    assert not shown.verified
    check(office, session, {shown.record.name: ["v=spf1 -all", shown.record.value]})
    assert (claim.verified_at, claim.verified_by) == (office.now, "dns")
    check(office, session, {})
    assert claim.verified_at is None
    assert claim.last_error is not None
    assert txt_name("elbe.example") in claim.last_error


def test_dns_outage_keeps_the_verification_and_records_the_error(
    office: Context, session: Session, claim: VerifiedDomain
) -> None:
    check(office, session, {txt_name("elbe.example"): [txt_value(claim.token)]})
    domains.record_results(session, domains.check_dns(NoDns(), domains.claims(session)), office.now)
    assert claim.verified_at == office.now
    assert claim.last_error is not None
    assert "timed out" in claim.last_error


def test_verification_by_an_operator_outweighs_dns(office: Context, session: Session, claim: VerifiedDomain) -> None:
    domains.verify_manually(session, "ELBE.example", "operator:anna", office.now)
    check(office, session, {})
    assert claim.verified_by == "operator:anna"
    domains.revoke_verification(session, "elbe.example")
    assert claim.verified_at is None


def test_unused_domain_is_not_found(office: Context, session: Session) -> None:
    with pytest.raises(NotFound):
        domains.claims(session, "nobody.example")
    with pytest.raises(NotFound):
        domains.verify_manually(session, "nobody.example", "operator", office.now)


def test_verification_does_not_carry_over_to_another_account(
    office: Context, session: Session, reseller: Account, client: Account, claim: VerifiedDomain
) -> None:
    settings = brands.validate_brand({"domain": "lernen.weser.example"})
    brands.put(session, client, settings, office.now)
    domains.verify_manually(session, "lernen.weser.example", "operator", office.now, account=client)
    assert brands.branding_for(session, client, PROVIDER).brand.link_base == "https://lernen.weser.example"
    own = session.get_one(VerifiedDomain, (reseller.id, "lernen.weser.example"))
    assert own.verified_at is not None
    assert session.get(VerifiedDomain, (client.id, "lernen.weser.example")) is None


def test_links_use_a_domain_only_when_it_is_the_clients_own_and_verified(
    office: Context, session: Session, reseller: Account, client: Account
) -> None:
    theirs = brands.validate_brand({"domain": "elbe.example"})
    brands.put(session, reseller, theirs, office.now)
    domains.verify_manually(session, "elbe.example", "operator", office.now)
    own = brands.validate_brand({"domain": "lernen.weser.example"})
    brands.put(session, client, own, office.now)
    assert brands.branding_for(session, client, PROVIDER).brand.link_base == PROVIDER.link_base
    domains.verify_manually(session, "lernen.weser.example", "operator", office.now)
    assert brands.branding_for(session, client, PROVIDER).brand.link_base == "https://lernen.weser.example"


def test_setting_the_brand_again_keeps_the_verification(
    office: Context, session: Session, reseller: Account, claim: VerifiedDomain
) -> None:
    token = claim.token
    domains.verify_manually(session, "elbe.example", "operator", office.now)
    settings = brands.validate_brand({"name": "New", "from_address": "neu@elbe.example"})
    brands.put(session, reseller, settings, office.now)
    assert (claim.token, claim.verified_by) == (token, "operator")
    assert brands.brand_out(session, reseller).domains[0].verified
