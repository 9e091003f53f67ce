"""Delete accounts: soft for 30 days, then for good (programme.md 2.8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from kontor.accounts import queries
from kontor.accounts.reseller_status import release_clients
from kontor.context import Context
from kontor.discounts.daily_run import enqueue_recompute
from kontor.evidence import erasure
from kontor.fees.runs import resume_runs, stop_at_period_end
from kontor.kernel.errors import Conflict, NotFound
from kontor.mails import service as mails
from kontor.offers import service as offers
from kontor.usage import trials
from kontor.webhooks import events
from kontor.webhooks.events import NewEvent
from models.accounts import Account, AccountKind
from models.fees import StopReason

RESTORE_PERIOD: Final = timedelta(days=30)


def delete(ctx: Context, session: Session, account_id: UUID, actor: str) -> Account:
    """Soft-delete an account, cancel its open offers and end its trial; a repeat changes nothing.

    Raises NotFound, Conflict(`has_clients`).
    """
    account = _locked(session, account_id)
    if account.deleted_at is not None:
        return account
    if account.kind == AccountKind.RESELLER:
        release_clients(ctx, session, account, disconnect_clients=False)
    offers.cancel_open_offers(ctx, session, account.id, actor)
    trials.end_for_deletion(session, ctx.jobs, account, ctx.now)
    stop_at_period_end(ctx, session, [account], StopReason.ACCOUNT_DELETED)
    account.deleted_at = ctx.now
    session.flush()
    seq = _emit(ctx, session, account, "account.deleted")
    facts = {
        "account": account.name,
        "deleted_at": ctx.now,
        "final_at": account.deleted_at + RESTORE_PERIOD,
    }
    mails.post(
        session,
        ctx.jobs,
        template="account-deleted",
        account=account,
        facts=facts,
        fact_key=str(seq),
    )
    return account


def restore(ctx: Context, session: Session, account_id: UUID) -> Account:
    """Undo a soft deletion. Raises NotFound, Conflict(`not_deleted`, `final`)."""
    account = _locked(session, account_id)
    if account.deleted_at is None:
        raise Conflict("not_deleted", "The account is not deleted.", state="active")
    if ctx.now >= account.deleted_at + RESTORE_PERIOD:
        raise Conflict("final", "The account was permanently deleted.", state="deleted")
    resume_runs(ctx, session, account)
    account.deleted_at = None
    session.flush()
    if account.kind == AccountKind.RESELLER:
        enqueue_recompute(ctx, session, account)
    seq = _emit(ctx, session, account, "account.restored")
    mails.post(
        session,
        ctx.jobs,
        template="account-restored",
        account=account,
        facts={"account": account.name, "restored_at": ctx.now},
        fact_key=str(seq),
    )
    return account


@dataclass(frozen=True, slots=True)
class PurgeResult:
    """Number of accounts a chunk purged, and number still to purge."""

    done: int
    left: int


def purge(ctx: Context, session: Session, limit: int) -> PurgeResult:
    """Purge accounts deleted 30 days ago or earlier: free their names, erase access, addresses and texts."""
    jobs, now = ctx.jobs, ctx.now
    due = queries.purgeable(session, now - RESTORE_PERIOD, limit)
    if due:
        ids = [account.id for account in due]
        offers.erase_texts(ctx, session, ids)
        erase(session, ids, now)
        erasure.erase(session, ids, now, jobs.clock.wall_time())
        events.emit_many(session, jobs, [_purged_event(account) for account in due], at=now)
    session.expire_all()
    return PurgeResult(len(due), queries.purgeable_count(session, now - RESTORE_PERIOD))


def _purged_event(account: Account) -> NewEvent:
    event_data = {"account_id": str(account.id)}
    return NewEvent("account.purged", event_data, account.id, events.reseller_of(account), account.programme)


def _locked(session: Session, account_id: UUID) -> Account:
    account = queries.by_id(session, account_id, lock=True)
    if account is None:
        raise NotFound(message="There is no such account.")
    return account


def _emit(ctx: Context, session: Session, account: Account, event_type: str) -> int:
    event_data = {"account_id": str(account.id), "name": account.name}
    return events.emit(session, ctx.jobs, event_type, account, event_data, at=ctx.now)


STATEMENTS: Final = (
    """
UPDATE accounts SET purged_at = :now, password_hash = NULL, admin_email = '', email_key = '',
 client_external_id = NULL, notes = NULL, email_version = email_version + 1 WHERE id = ANY(:ids);
UPDATE api_keys SET revoked_at = :now
 WHERE revoked_at IS NULL AND (account_id = ANY(:ids) OR reseller_id = ANY(:ids));
DELETE FROM instances WHERE account_id = ANY(:ids);
UPDATE webhook_endpoints SET secret_sealed = '', old_secret_sealed = NULL, deleted_at = coalesce(deleted_at, :now)
 WHERE reseller_id = ANY(:ids);
DELETE FROM member_passwords AS p
 WHERE EXISTS (SELECT FROM members AS m WHERE m.email_key = p.email_key AND m.account_id = ANY(:ids))
 AND NOT EXISTS (SELECT FROM members AS m WHERE m.email_key = p.email_key AND m.account_id <> ALL(:ids));
DELETE FROM portal_factors WHERE holder = ANY(SELECT 'account:' || id FROM unnest(:ids) AS id);
DELETE FROM portal_recovery_codes WHERE holder = ANY(SELECT 'account:' || id FROM unnest(:ids) AS id);
DELETE FROM portal_factors AS f
 WHERE EXISTS (SELECT FROM members AS m WHERE f.holder = 'member:' || m.email_key AND m.account_id = ANY(:ids))
 AND NOT EXISTS (SELECT FROM members AS m WHERE f.holder = 'member:' || m.email_key AND m.account_id <> ALL(:ids));
DELETE FROM portal_recovery_codes AS c
 WHERE EXISTS (SELECT FROM members AS m WHERE c.holder = 'member:' || m.email_key AND m.account_id = ANY(:ids))
 AND NOT EXISTS (SELECT FROM members AS m WHERE c.holder = 'member:' || m.email_key AND m.account_id <> ALL(:ids));
DELETE FROM members WHERE account_id = ANY(:ids);
DELETE FROM portal_openings WHERE account_id = ANY(:ids);
UPDATE portal_sessions SET account_id = NULL WHERE account_id = ANY(:ids);
DELETE FROM portal_links WHERE account_id = ANY(:ids);
DELETE FROM portal_visits WHERE account_id = ANY(:ids);
DELETE FROM merge_requests WHERE reseller_id = ANY(:ids) OR other_id = ANY(:ids);
DELETE FROM suspensions WHERE account_id = ANY(:ids);
UPDATE admin_addresses SET address = '', replaced = NULL WHERE account_id = ANY(:ids);
UPDATE webhook_deliveries SET body = body #- '{data,name}' #- '{data,into_name}' #- '{data,message}' #- '{data,error}'
 WHERE event_seq IN (SELECT seq FROM domain_events WHERE account_id = ANY(:ids));
UPDATE webhook_deliveries SET body = body #- '{data,message}'
 WHERE event_seq IN (SELECT seq FROM domain_events WHERE reseller_id = ANY(:ids));
UPDATE domain_events SET data = data - ARRAY['name', 'into_name', 'message', 'error'] WHERE account_id = ANY(:ids);
UPDATE domain_events SET data = data - 'message' WHERE reseller_id = ANY(:ids);
DELETE FROM brands WHERE account_id = ANY(:ids);
DELETE FROM brand_images WHERE account_id = ANY(:ids);
DELETE FROM image_files WHERE account_id = ANY(:ids);
DELETE FROM verified_domains WHERE account_id = ANY(:ids);
DELETE FROM confirmed_addresses WHERE owner_id = ANY(:ids);
DELETE FROM offer_templates WHERE reseller_id = ANY(:ids);
UPDATE mails SET facts = '{}', subject = NULL, raw = NULL,
 reason = CASE state WHEN 'queued' THEN 'the account is gone' ELSE reason END,
 state = CASE state WHEN 'queued' THEN 'skipped' ELSE state END
 WHERE account_id IN (SELECT reseller_id FROM accounts WHERE id = ANY(:ids))
 AND (refs->>'account_id' = ANY(CAST(:ids AS text[]))
 OR refs->>'offer_id' IN (SELECT id::text FROM offers WHERE account_id = ANY(:ids)));
UPDATE jobs_archive SET payload = payload - 'rows' WHERE task = 'clients.import' AND id IN (
 SELECT coalesce(CAST(j.payload->>'begun_by' AS uuid), j.id)
 FROM jobs_archive AS j, jsonb_array_elements(j.result->'rows') AS made
 WHERE j.task = 'clients.import' AND made->>'account_id' = ANY(CAST(:ids AS text[])));
DELETE FROM mail_recipients WHERE mail_id IN (SELECT id FROM mails WHERE account_id = ANY(:ids));
UPDATE mails SET facts = '{}', refs = '{}', subject = NULL, raw = NULL, reply_to = NULL,
 reason = CASE WHEN state IN ('queued', 'held_limit') THEN 'the account is gone' ELSE reason END,
 state = CASE WHEN state IN ('queued', 'held_limit') THEN 'skipped' ELSE state END
 WHERE account_id = ANY(:ids);
""".strip()
    .rstrip(";")
    .split(";\n")
)
"""The order matters: the row that jobs check first is updated first."""


def erase(session: Session, ids: Sequence[UUID], now: datetime) -> None:
    """Erase locked accounts except what accounting requires: name, dates, charges and payments."""
    for statement in STATEMENTS:
        session.execute(text(statement), {"ids": list(ids), "now": now})
