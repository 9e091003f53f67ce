"""Clients of a reseller: create, connect with their password, disconnect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import activation, brand_queries, queries
from kontor.accounts.labels import NOTHING, Labels, without_reseller
from kontor.accounts.labels import put as put_labels
from kontor.accounts.locks import lock_account, share_lock_reseller
from kontor.accounts.service import NewAccount
from kontor.accounts.service import create as create_account
from kontor.accounts.suspension import follow_reseller
from kontor.context import Context
from kontor.fees.runs import charge_to_date, stop_at_period_end
from kontor.kernel import database
from kontor.kernel.errors import Conflict, Forbidden, NotFound, TooManyAttempts
from kontor.kernel.ids import new_id
from kontor.kernel.limits import CLIENTS
from kontor.kernel.login_throttle import FAILURE_RETENTION
from kontor.kernel.login_throttle import locked_until as login_throttle_locked_until
from kontor.kernel.validation import name_key
from kontor.limits import service as limits
from kontor.mails import service as mails
from kontor.mails import strangers
from kontor.mails.service import MailDraft
from kontor.offers import service as offers
from kontor.webhooks import events
from kontor.webhooks.events import NewEvent
from models.accounts import Account, AccountKind, SetBy
from models.fees import StopReason

THROTTLE_KEY_LIMIT = 200


@dataclass(frozen=True, slots=True)
class NewClient:
    """Input for a new client; None means the reseller's own value."""

    name: str
    admin_email: str
    locale: str | None = None
    timezone: str | None = None
    labels: Labels = NOTHING


def create(
    ctx: Context, session: Session, reseller_id: UUID, new: NewClient, set_by: SetBy = SetBy.RESELLER
) -> Account:
    """Create a client on the free plan and mail its admin an activation link, or a notice to a known address.

    Raises NotFound, Conflict(`not_a_reseller`, `name_taken`), Invalid, LimitReached.
    """
    reseller = share_lock_reseller(session, reseller_id)
    account_input = NewAccount(
        programme=reseller.programme,
        name=new.name,
        admin_email=new.admin_email,
        locale=new.locale or reseller.locale,
        timezone=new.timezone or reseller.timezone,
    )
    account = create_account(ctx, session, account_input, reseller.id, set_by)
    put_labels(session, account, new.labels)
    follow_reseller(ctx.jobs, session, [account.id], ctx.now)
    limits.take(session, CLIENTS, str(reseller.id), ctx.now, reseller.id)
    activation.invite(ctx, session, account)
    session.flush()
    return account


def connect(ctx: Context, session: Session, reseller_id: UUID, name: str, password: str) -> Account | Forbidden:
    """Attach an existing account to a reseller by its name and password.

    Wrong credentials are returned as Forbidden(`bad_credentials`), not raised: the failure is recorded, so
    commit before responding. Raises NotFound, Locked, Conflict(`has_reseller`,
    `programme_mismatch`, `already_reseller`, `not_a_reseller`).
    """
    reseller = share_lock_reseller(session, reseller_id)
    key = connect_throttle_key(name)
    database.lock_names(session, f"door:{reseller.id}", f"door:{key}")
    _require_not_throttled(ctx, session, reseller.id, key)
    account = queries.by_name(session, key)
    candidate = account if account is not None and account.deleted_at is None else None
    matches = ctx.passwords.verify(candidate.password_hash if candidate else None, password)
    if candidate is None or not matches:
        queries.add_failure(session, reseller.id, key, ctx.now)
        session.flush()
        return Forbidden("bad_credentials", "No account has that name and password.")
    return attach(ctx, session, reseller, lock_account(session, candidate.id))


def connect_by_operator(ctx: Context, session: Session, reseller_id: UUID, account_id: UUID) -> Account:
    """Attach an existing account to a reseller for a person who may do so without its password.

    Raises NotFound, Conflict(`account_deleted`, `has_reseller`, `programme_mismatch`, `already_reseller`,
    `not_a_reseller`).
    """
    reseller = share_lock_reseller(session, reseller_id)
    return attach(ctx, session, reseller, lock_account(session, account_id))


def connect_throttle_key(name: str) -> str:
    """Return the key under which failures for an account name are counted; accepts any input."""
    typed = name.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    return name_key(typed[: THROTTLE_KEY_LIMIT * 2])[:THROTTLE_KEY_LIMIT]


def _require_not_throttled(ctx: Context, session: Session, reseller_id: UUID, key: str) -> None:
    now = ctx.now
    since = now - FAILURE_RETENTION
    for failures in (
        queries.failures_of_reseller(session, reseller_id, since),
        queries.failures_of_name(session, key, since),
    ):
        locked_until = login_throttle_locked_until(failures, now)
        if locked_until is not None:
            raise TooManyAttempts(locked_until - now)


def attach(ctx: Context, session: Session, reseller: Account, account: Account) -> Account:
    """Make a locked account the reseller's client; a repeat changes nothing.

    Raises Conflict(`has_reseller`, `programme_mismatch`, `already_reseller`).
    """
    if account.reseller_id == reseller.id:
        return account
    if account.reseller_id is not None:
        raise Conflict("has_reseller", "The account has another reseller.", state=account.kind)
    if account.kind == AccountKind.RESELLER:
        raise Conflict("already_reseller", "The account is a reseller.", state=account.kind)
    if account.programme != reseller.programme:
        raise Conflict("programme_mismatch", "The account belongs to another programme.")
    charge_to_date(ctx, session, [account])
    account.kind, account.reseller_id = AccountKind.CLIENT.value, reseller.id
    account.reseller_since = new_id()
    account.notes = without_reseller(account.notes)
    brand_queries.delete_brands(session, [account.id])
    follow_reseller(ctx.jobs, session, [account.id], ctx.now)
    strangers.carry_over(session, account, reseller.id, ctx.now)
    session.flush()
    event_data = {"account_id": str(account.id), "name": account.name, "reseller_id": str(reseller.id)}
    seq = events.emit(session, ctx.jobs, "account.connected", account, event_data, at=ctx.now)
    mails.post(
        session,
        ctx.jobs,
        template="account-connected",
        account=account,
        facts={"account": account.name, "connected_at": ctx.now},
        fact_key=str(seq),
    )
    return account


def disconnect(ctx: Context, session: Session, reseller_id: UUID, account_id: UUID) -> Account:
    """Make a client a regular account. Raises NotFound (also for another reseller's client)."""
    account = queries.by_id(session, account_id, lock=True)
    if account is None or account.reseller_id != reseller_id:
        raise NotFound(message="The reseller has no such client.")
    detach(ctx, session, session.get_one(Account, reseller_id), [account])
    return account


def detach(ctx: Context, session: Session, reseller: Account, clients: Sequence[Account]) -> None:
    """Make locked clients regular accounts, in a few statements.

    Brand, discount, open offers and the keys that the reseller made for them end at once; data, trial and plan stay.
    Products end with the paid period; the client pays for its plan from the next period on.
    """
    ids = [client.id for client in clients]
    offers.cancel_offers_of_moved(ctx, session, ids)
    stop_at_period_end(ctx, session, clients, StopReason.DISCONNECTED)
    queries.revoke_keys_of_reseller(session, ids, ctx.now)
    queries.detach_clients(session, ids)
    brand_queries.delete_brands(session, ids)
    follow_reseller(ctx.jobs, session, ids, ctx.now)
    new_events = [_disconnected_event(client, reseller) for client in clients]
    seqs = events.emit_many(session, ctx.jobs, new_events, at=ctx.now)
    facts = {"reseller": reseller.name, "disconnected_at": ctx.now}
    drafts = [
        MailDraft("account-disconnected", client, {"account": client.name, **facts}, str(seq))
        for client, seq in zip(clients, seqs, strict=True)
        if client.deleted_at is None
    ]
    mails.post_many(session, ctx.jobs, drafts)


def _disconnected_event(client: Account, reseller: Account) -> NewEvent:
    """Build the event, which belongs to the former reseller."""
    event_data = {"account_id": str(client.id), "name": client.name, "reseller_id": str(reseller.id)}
    return NewEvent("account.disconnected", event_data, client.id, reseller.id, client.programme)
