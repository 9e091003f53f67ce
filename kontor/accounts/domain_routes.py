"""Routes of sending and link domains."""

from collections.abc import Sequence
from typing import Annotated, cast
from uuid import UUID

from fastapi import Query

from kontor.accounts import brand_queries, domains, service
from kontor.accounts.brands import BrandSettings
from kontor.accounts.domains import DomainClaim, DomainOut, domain_out
from kontor.audit import Actor
from kontor.http import ownership
from kontor.http.context import Ctx, RequestContext, RoutePolicy, require_visible_filter
from kontor.http.routing import Routes
from kontor.http.wire import PageOut, QueryModel
from kontor.kernel.errors import Invalid, NotFound
from kontor.kernel.ports import DnsUnavailable, txt_name
from kontor.kernel.validation import domain_name
from models.accounts import Account, VerifiedDomain
from models.keys import Scope

routes = Routes("domains")


class DomainQuery(QueryModel):
    """The account whose domains are meant."""

    account: UUID | None = None


@routes.get("/v1/domains", RoutePolicy(Scope.READ, not_account=True), response=PageOut[DomainOut], problems=[404])
def list_domains(ctx: Ctx, query: Annotated[DomainQuery, Query()]) -> PageOut[DomainOut]:
    """List the domains that an account claims, of a client those of its own brand, each with its DNS record."""
    require_visible_filter(ctx, ownership.account, query.account)
    account = None if query.account is None else service.get(ctx.session, query.account)
    return PageOut(items=[domain_out(claim) for claim in _claims(ctx, account)])


def _claims(ctx: RequestContext, account: Account | None) -> Sequence[VerifiedDomain]:
    if account is None:
        return brand_queries.domain_claims(ctx.session, account_id=ctx.caller.reseller_id)
    claims = brand_queries.domain_claims(ctx.session, account_id=domains.owner_of(account))
    if account.reseller_id is None:
        return claims
    own = BrandSettings.of(brand_queries.by_account(ctx.session, account.id)).domains()
    return [claim for claim in claims if claim.domain in own]


async def look_up(ctx: RequestContext, domain: str, **_: object) -> Sequence[str] | DnsUnavailable:
    """Ask DNS for the TXT strings of the domain; return them, or the error that says why there was no answer."""
    try:
        return await ctx.deps.txt(txt_name(domain_name(domain)), ctx.caller.counted_as)
    except ValueError as error:
        raise Invalid("invalid", f"{domain}: {error}") from None
    except DnsUnavailable as error:
        return error


def hide_from_clients(ctx: RequestContext) -> None:
    """Raise NotFound for a key bound to an account: every claim is its reseller's."""
    if ctx.caller.account_id is not None:
        raise NotFound


CHECK = RoutePolicy(Scope.ENQUEUE, guard=hide_from_clients)


@routes.post("/v1/domains/{domain}/check", CHECK, response=DomainOut, precheck=look_up)
def check_domain(ctx: Ctx, domain: str, query: Annotated[DomainQuery, Query()]) -> DomainOut:
    """Look up a domain's TXT record for one claimant. 422 `account_required` if several claim it."""
    require_visible_filter(ctx, ownership.account, query.account)
    named = query.account or ctx.caller.reseller_id
    account = None if named is None else service.get(ctx.session, named)
    claim = DomainClaim.of(domains.claim_of(ctx.session, domain_name(domain), account))
    answer = cast("Sequence[str] | DnsUnavailable", ctx.check.result)
    result = domains.judged(claim, answer)
    domains.record_results(ctx.context, ctx.session, [result], Actor(ctx.caller.actor))
    return domain_out(domains.claim_of(ctx.session, claim.domain, account))
