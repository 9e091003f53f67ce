"""Reseller status: become a reseller, or a regular account again."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import queries
from kontor.accounts.clients import detach
from kontor.accounts.locks import lock_account
from kontor.context import Context
from kontor.discounts.daily_run import enqueue_recompute
from kontor.fees.runs import stop_at_period_end
from kontor.kernel.errors import Conflict, Forbidden
from kontor.mails import service as mails
from kontor.programme.model import FlatDiscount, Programme
from kontor.webhooks import events
from models.accounts import Account, AccountKind, Party
from models.fees import StopReason


@dataclass(frozen=True, slots=True)
class NewReseller:
    """A new reseller, and the reseller it was a client of, if any."""

    account: Account
    former_reseller: Account | None


def become_reseller(ctx: Context, session: Session, account_id: UUID, terms_version: str | None = None) -> NewReseller:
    """Make an account a reseller at once, on the programme's current terms; a client is disconnected.

    `terms_version`: the terms that were read; None: whichever are current.
    Raises NotFound, Conflict(`already_reseller`, `account_deleted`, `terms_changed`), Forbidden(`party_refused`).
    """
    account = lock_account(session, account_id)
    if account.kind == AccountKind.RESELLER:
        raise Conflict("already_reseller", "The account is already a reseller.", state=account.kind)
    programme = ctx.programme_of(session, account)
    _refuse_person(account, programme)
    _require_current_terms(programme, terms_version)
    former_reseller = None
    if account.reseller_id is not None:
        former_reseller = session.get_one(Account, account.reseller_id)
        detach(ctx, session, former_reseller, [account])
    stop_at_period_end(ctx, session, [account], StopReason.BECAME_RESELLER)
    again = account.terms_accepted_at is not None
    account.kind, account.merged_into = AccountKind.RESELLER.value, None
    account.terms_version, account.terms_accepted_at = programme.terms.version, ctx.now
    session.flush()
    if again:
        enqueue_recompute(ctx, session, account)
    _welcome(ctx, session, account, programme, former_reseller)
    return NewReseller(account, former_reseller)


def _refuse_person(account: Account, programme: Programme) -> None:
    rules = programme.accounts
    if rules.legal_entity_required and account.party == Party.PERSON:
        message = f"Only companies can become resellers; individuals can join at {rules.affiliate}."
        raise Forbidden("party_refused", message, affiliate=rules.affiliate)


def _require_current_terms(programme: Programme, terms_version: str | None) -> None:
    terms = programme.terms
    if terms_version not in {None, terms.version}:
        message = f"The terms have changed: version {terms.version} is current."
        raise Conflict("terms_changed", message, terms_version=terms.version, url=terms.url)


def _welcome(
    ctx: Context,
    session: Session,
    account: Account,
    programme: Programme,
    former_reseller: Account | None,
) -> None:
    discount = programme.discount
    event_data = {"account_id": str(account.id), "terms_version": account.terms_version}
    seq = events.emit(session, ctx.jobs, "account.became_reseller", account, event_data, at=ctx.now)
    mails.post(
        session,
        ctx.jobs,
        template="welcome-reseller",
        account=account,
        facts={
            "account": account.name,
            "discount": discount.percent if isinstance(discount, FlatDiscount) else None,
            "terms_version": programme.terms.version,
            "terms_url": programme.terms.url or "",
            "sales": programme.contact.sales or "",
            "accepted_at": ctx.now,
            "left": former_reseller.name if former_reseller else "",
        },
        fact_key=str(seq),
    )


def revert_reseller(ctx: Context, session: Session, account_id: UUID, *, disconnect_clients: bool = False) -> Account:
    """Make a reseller a regular account again. Raises NotFound, Conflict(`not_a_reseller`, `has_clients`)."""
    account = lock_account(session, account_id)
    if account.kind != AccountKind.RESELLER:
        raise Conflict("not_a_reseller", "The account is not a reseller.", state=account.kind)
    release_clients(ctx, session, account, disconnect_clients=disconnect_clients)
    account.kind = AccountKind.REGULAR.value
    session.flush()
    event_data = {"account_id": str(account.id)}
    events.emit(
        session,
        ctx.jobs,
        "account.reverted",
        account,
        event_data,
        at=ctx.now,
        reseller_id=account.id,
    )
    return account


def release_clients(ctx: Context, session: Session, reseller: Account, *, disconnect_clients: bool) -> None:
    """Disconnect all clients of a reseller.

    Raises Conflict(`has_clients`) if one is not deleted, unless `disconnect_clients`.
    """
    count = queries.client_count(session, reseller.id)
    if count and not disconnect_clients:
        message = f"The reseller has {count} client(s); disconnect them first."
        raise Conflict("has_clients", message, clients=count)
    detach(ctx, session, reseller, queries.clients(session, reseller.id))
