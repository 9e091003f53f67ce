"""Domains: verified by DNS or by an operator for one claimant, lost after three days without the record."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.accounts import brands, domains, reseller_status
from kontor.accounts import service as accounts
from kontor.accounts.brand_routes import brand_out
from kontor.accounts.service import NewAccount
from kontor.adapters.fakes import ManualClock
from kontor.adapters.network import FixedTxt
from kontor.audit import Actor
from kontor.context import Context
from kontor.kernel.errors import Invalid, NotFound
from kontor.kernel.ports import DnsUnavailable, txt_name, txt_value
from kontor.mailer.brand import Brand
from models.accounts import Account, VerifiedDomain
from models.control import AuditEntry
from models.mails import Mail
from models.webhooks import DomainEvent

PROVIDER = Brand(name="Provider", link_base="https://kontor.example")
ANNA = Actor("operator:anna")
SCHEDULE = Actor("schedule:domains.check", "schedule")
DAY = timedelta(days=1)


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


@pytest.fixture
def other(office: Context, session: Session) -> Account:
    """Another reseller of `learning`."""
    account = accounts.create(office, session, NewAccount("learning", "Spree Kurse", "chef@spree.example"))
    return reseller_status.become_reseller(office, session, account.id).account


def check(office: Context, session: Session, records: dict[str, list[str]]) -> None:
    """Run what `kontor domains verify` runs."""
    results = domains.check_dns(FixedTxt(records), domains.claims(session))
    domains.record_results(office, session, results, SCHEDULE)


def published(claim: VerifiedDomain) -> dict[str, list[str]]:
    """The zone with the claim's record."""
    return {txt_name(claim.domain): ["v=spf1 -all", txt_value(claim.token)]}


def news(session: Session) -> tuple[list[str], list[str]]:
    """The events about domains, and the mails about them."""
    session.flush()
    events = session.scalars(select(DomainEvent.type).where(DomainEvent.type.startswith("domain.")).order_by("seq"))
    mails = session.scalars(select(Mail.template).where(Mail.template.startswith("domain-")).order_by(Mail.id))
    return list(events), list(mails)


def test_claimant_is_told_once_when_its_record_is_published(
    office: Context, session: Session, reseller: Account, claim: VerifiedDomain
) -> None:
    shown = brand_out(session, reseller, PROVIDER).domains[0]
    assert not shown.verified
    for _ in range(2):
        check(office, session, {shown.record.name: ["v=spf1 -all", shown.record.value]})
    assert (claim.verified_at, claim.verified_by) == (office.now, "dns")
    assert news(session) == (["domain.verified"], ["domain-verified"])
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "domain.verified")).one()
    assert (entry.actor, entry.target) == (SCHEDULE.name, f"account:{reseller.id}")


def test_domain_is_lost_and_its_claimant_told_when_the_record_is_missing_for_three_days(
    office: Context, session: Session, clock: ManualClock, claim: VerifiedDomain
) -> None:
    check(office, session, published(claim))
    for _ in range(3):
        clock.advance(DAY)
        check(office, session, {})
        assert claim.verified_at is not None
        assert claim.last_error is not None
        assert txt_name("elbe.example") in claim.last_error
    clock.advance(DAY)
    check(office, session, {})
    assert claim.verified_at is None
    assert news(session) == (["domain.verified", "domain.lost"], ["domain-verified", "domain-lost"])


def test_days_without_the_record_start_again_when_it_was_back(
    office: Context, session: Session, clock: ManualClock, claim: VerifiedDomain
) -> None:
    check(office, session, published(claim))
    for zone in ({}, published(claim), {}):
        clock.advance(2 * DAY)
        check(office, session, zone)
    assert claim.verified_at is not None


def test_dns_outage_changes_nothing_when_the_domain_is_verified(
    office: Context, session: Session, clock: ManualClock, claim: VerifiedDomain
) -> None:
    check(office, session, published(claim))
    verified_at = claim.verified_at
    for _ in range(5):
        clock.advance(DAY)
        domains.record_results(office, session, domains.check_dns(NoDns(), domains.claims(session)), SCHEDULE)
    assert (claim.verified_at, claim.missing_since) == (verified_at, None)
    assert claim.last_error is not None
    assert "timed out" in claim.last_error


def test_verification_by_an_operator_stays_when_dns_has_no_record(
    office: Context, session: Session, clock: ManualClock, reseller: Account, claim: VerifiedDomain
) -> None:
    domains.verify_manually(office, session, "ELBE.example", reseller, ANNA)
    for _ in range(5):
        clock.advance(DAY)
        check(office, session, {})
    assert claim.verified_by == "operator:anna"
    domains.revoke_verification(office, session, "elbe.example", ANNA)
    assert claim.verified_at is None
    actions = list(session.scalars(select(AuditEntry.action).where(AuditEntry.target == f"account:{reseller.id}")))
    assert sorted(actions) == ["domain.lost", "domain.verified"]


def test_other_claim_stays_unverified_when_one_is_marked_or_has_its_record(
    office: Context, session: Session, reseller: Account, other: Account, claim: VerifiedDomain
) -> None:
    brands.put(session, other, brands.validate_brand({"from_address": "ceo@elbe.example"}), office.now)
    attackers = session.get_one(VerifiedDomain, (other.id, "elbe.example"))
    assert attackers.token != claim.token
    domains.verify_manually(office, session, "elbe.example", reseller, ANNA)
    check(office, session, published(claim))
    assert (claim.verified_by, attackers.verified_at) == (ANNA.name, None)
    with pytest.raises(Invalid) as refused:
        domains.revoke_verification(office, session, "elbe.example", ANNA)
    assert refused.value.code == "account_required"
    assert {str(reseller.id), str(other.id)} <= set(refused.value.errors[0].msg.replace(",", "").split())


def test_unused_domain_is_not_found(office: Context, session: Session) -> None:
    with pytest.raises(NotFound):
        domains.claims(session, "nobody.example")
    with pytest.raises(NotFound):
        domains.revoke_verification(office, session, "nobody.example", ANNA)


def test_fresh_claim_is_due_at_every_run_and_others_once_a_day(
    office: Context, session: Session, clock: ManualClock, claim: VerifiedDomain
) -> None:
    def due() -> int:
        return len(domains.due_claims(session, office.now, 10))

    check(office, session, {})
    clock.advance(timedelta(minutes=5))
    assert due() == 1
    check(office, session, published(claim))
    clock.advance(DAY - timedelta(minutes=5))
    assert due() == 0
    clock.advance(timedelta(minutes=5))
    assert due() == 1
    clock.advance(3 * DAY)
    claim.verified_at = claim.verified_by = None
    check(office, session, {})
    clock.advance(timedelta(minutes=5))
    assert due() == 0


def test_verification_does_not_carry_over_to_another_account(
    office: Context, session: Session, reseller: Account, client: Account, claim: VerifiedDomain
) -> None:
    settings = brands.validate_brand({"domain": "lernen.weser.example"})
    brands.put(session, client, settings, office.now)
    domains.verify_manually(office, session, "lernen.weser.example", client, ANNA)
    assert brands.branding_for(session, client, PROVIDER).brand.link_base == "https://lernen.weser.example"
    own = session.get_one(VerifiedDomain, (reseller.id, "lernen.weser.example"))
    assert own.verified_at is not None
    assert session.get(VerifiedDomain, (client.id, "lernen.weser.example")) is None


def test_links_use_a_domain_only_when_it_is_the_clients_own_and_verified(
    office: Context, session: Session, reseller: Account, client: Account
) -> None:
    theirs = brands.validate_brand({"domain": "elbe.example"})
    brands.put(session, reseller, theirs, office.now)
    domains.verify_manually(office, session, "elbe.example", reseller, ANNA)
    own = brands.validate_brand({"domain": "lernen.weser.example"})
    brands.put(session, client, own, office.now)
    assert brands.branding_for(session, client, PROVIDER).brand.link_base == PROVIDER.link_base
    domains.verify_manually(office, session, "lernen.weser.example", client, ANNA)
    assert brands.branding_for(session, client, PROVIDER).brand.link_base == "https://lernen.weser.example"


def test_setting_the_brand_again_keeps_the_verification(
    office: Context, session: Session, reseller: Account, claim: VerifiedDomain
) -> None:
    token = claim.token
    domains.verify_manually(office, session, "elbe.example", reseller, ANNA)
    settings = brands.validate_brand({"name": "New", "from_address": "neu@elbe.example"})
    brands.put(session, reseller, settings, office.now)
    assert (claim.token, claim.verified_by) == (token, ANNA.name)
    assert brand_out(session, reseller, PROVIDER).domains[0].verified
