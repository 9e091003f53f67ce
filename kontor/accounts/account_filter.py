"""Which accounts a list has: by their columns, and by what they use in their current period."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, assert_never
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from kontor.accounts import labels
from kontor.accounts.instances import LANE_STATES, InstanceState
from kontor.kernel.paging import Page, page_of
from kontor.kernel.states import OfferState, TrialState
from kontor.kernel.time_spans import TimeSpan
from kontor.kernel.validation import address_key, name_key
from kontor.licences.service import INSTANCE
from kontor.programme.service import Programmes
from kontor.usage import service as usage
from kontor.usage.rules import is_read_only
from models.accounts import Account, Instance
from models.control import BreakerState, Lane
from models.offers import Offer

OPEN: Final = (OfferState.WAITING, OfferState.WAITING_FOR_CONFIRMATION)
READ_AT_ONCE: Final = 500
MOST_READ: Final = 10_000
"""Accounts whose usage one call looks at; a page may be short, and its cursor goes on."""


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Account filter; None matches any. `visible_to` is a reseller: it matches itself and its clients.

    `q`: part of a name or address; `over_quota`: more than one of its limits, which makes an account read-only.
    """

    programme: str | None = None
    kind: str | None = None
    reseller: UUID | None = None
    visible_to: UUID | None = None
    only: UUID | None = None
    q: str | None = None
    external_id: str | None = None
    name: str | None = None
    admin_email: str | None = None
    plan: str | None = None
    trial: TrialState | None = None
    over_quota: bool | None = None
    open_offer: bool | None = None
    instance: InstanceState | None = None
    suspended: bool | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


def page(
    session: Session, programmes: Programmes, criteria: AccountFilter, now: datetime, cursor: str | None, limit: int
) -> Page[Account]:
    """Return accounts, oldest first. Raises Invalid."""
    query = select(Account).where(Account.purged_at.is_(None), *_conditions(criteria, now))
    if criteria.over_quota is None:
        return page_of(session, query, Account.id, cursor, limit, ascending=True)
    items: list[Account] = []
    for _ in range(MOST_READ // READ_AT_ONCE):
        part = page_of(session, query, Account.id, cursor, READ_AT_ONCE, ascending=True)
        over = _over_quota(session, programmes, part.items, now)
        items += [account for account in part.items if (account.id in over) is criteria.over_quota]
        if len(items) > limit:
            return Page(tuple(items[:limit]), str(items[limit - 1].id))
        cursor = part.next
        if cursor is None:
            break
    return Page(tuple(items), cursor)


def _over_quota(session: Session, programmes: Programmes, accounts: Sequence[Account], now: datetime) -> set[UUID]:
    """Return the accounts that use more than one of their limits."""
    used = usage.current_values(session, programmes, accounts, now)
    allowed = {
        account.id: usage.limits(account, programmes.current(session, account.programme), now) for account in accounts
    }
    return {account_id for account_id, limits in allowed.items() if is_read_only(used[account_id], limits)}


def _conditions(criteria: AccountFilter, now: datetime) -> Iterator[ColumnElement[bool]]:
    columns: tuple[tuple[InstrumentedAttribute[Any], object], ...] = (
        (Account.programme, criteria.programme),
        (Account.kind, criteria.kind),
        (Account.reseller_id, criteria.reseller),
        (Account.id, criteria.only),
        (Account.name_key, None if criteria.name is None else name_key(criteria.name)),
        (Account.email_key, None if criteria.admin_email is None else address_key(criteria.admin_email)),
        (Account.plan, criteria.plan),
        (Account.suspended, criteria.suspended),
    )
    yield from (column == value for column, value in columns if value is not None)
    yield from TimeSpan(criteria.created_after, criteria.created_before).conditions(Account.created_at)
    if criteria.external_id is not None:
        yield labels.is_named(criteria.external_id)
    if criteria.visible_to is not None:
        yield or_(Account.id == criteria.visible_to, Account.reseller_id == criteria.visible_to)
    if criteria.q is not None:
        part = name_key(criteria.q)
        yield or_(*(column.contains(part, autoescape=True) for column in (Account.name_key, Account.email_key)))
    if criteria.trial is not None:
        yield _trial_is(criteria.trial, now)
    if criteria.open_offer is not None:
        offers = exists().where(Offer.account_id == Account.id, Offer.state.in_(OPEN), Offer.expires_at > now)
        yield offers if criteria.open_offer else ~offers
    if criteria.instance is not None:
        yield _instance_is(criteria.instance)


def _trial_is(state: TrialState, now: datetime) -> ColumnElement[bool]:
    """Whether a trial has a state; one that is over but not yet recorded has expired."""
    running = Account.trial_state == TrialState.RUNNING
    match state:
        case TrialState.RUNNING:
            return and_(running, Account.trial_ends_at > now)
        case TrialState.EXPIRED:
            return or_(Account.trial_state == state, and_(running, Account.trial_ends_at <= now))
        case TrialState.NONE | TrialState.CONVERTED:
            return Account.trial_state == state
        case _:
            assert_never(state)


def _instance_is(state: InstanceState) -> ColumnElement[bool]:
    instance = exists().where(Instance.account_id == Account.id)
    if state is InstanceState.NONE:
        return ~instance
    lane = Lane.name == func.concat(INSTANCE, Account.id)
    breakers = [breaker for breaker, shown in LANE_STATES.items() if shown is state]
    if breakers:
        return and_(instance, exists().where(lane, Lane.state.in_(breakers)))
    return and_(instance, ~exists().where(lane, Lane.state != BreakerState.CLOSED))
