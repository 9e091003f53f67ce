"""Queries of accounts and of client lists."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import IO, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kontor.accounts.client_filter import FILTER, ClientFilter
from kontor.kernel.database import PgConnection, lock_names
from kontor.kernel.looks import looks_key
from kontor.usage.queries import SINCE, USED
from models.accounts import Account, AccountKind, ConnectFailure
from models.keys import ApiKey


def by_id(
    session: Session, account_id: UUID, *, lock: bool = False, share: bool = False, purged: bool = False
) -> Account | None:
    """Return one account; `lock` and `share` reread it and lock it to the end of the transaction.

    `purged`: also one that was deleted for good.
    """
    query = select(Account).where(Account.id == account_id)
    if not purged:
        query = query.where(Account.purged_at.is_(None))
    if lock or share:
        locked = query.with_for_update(read=share and not lock)
        query = locked.execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def add(session: Session, values: Mapping[str, object]) -> Account | None:
    """Insert an account; return None if its name is taken."""
    statement = insert(Account).values(**values).on_conflict_do_nothing()
    return session.scalars(statement.returning(Account)).one_or_none()


def name_taken(session: Session, looks_key: str, *, excluding: UUID | None = None) -> bool:
    """Return whether another account's name looks like this. A caller that writes holds the lock on the key."""
    unlike = () if excluding is None else (Account.id != excluding,)
    same = (Account.looks_key == looks_key, Account.purged_at.is_(None), *unlike)
    first, others = exists().where(*same, ~Account.looks_clash), exists().where(*same, Account.looks_clash)
    return bool(session.scalar(select(or_(first, others))))


def names_taken(session: Session, looks_keys: Collection[str]) -> set[str]:
    """Return those of the keys that an account's name has; locks nothing."""
    same = (Account.looks_key.in_(looks_keys), Account.purged_at.is_(None))
    return set(session.scalars(select(Account.looks_key).where(*same)))


def client_ids_taken(session: Session, reseller_id: UUID, external_ids: Collection[str]) -> set[str]:
    """Return those of the ids that a client of a reseller has; locks nothing."""
    same = (Account.reseller_id == reseller_id, Account.client_external_id.in_(external_ids))
    return {text for text in session.scalars(select(Account.client_external_id).where(*same)) if text is not None}


def reseller_looks_like(session: Session, programme: str, looks_key: str, excluding: UUID) -> bool:
    """Return whether another reseller of a programme has an account name that looks like this."""
    alike = (Account.looks_key == looks_key, Account.purged_at.is_(None), Account.id != excluding)
    mine = (Account.programme == programme, Account.kind == AccountKind.RESELLER)
    first, others = (
        exists().where(*alike, *mine, ~Account.looks_clash),
        exists().where(*alike, *mine, Account.looks_clash),
    )
    return bool(session.scalar(select(or_(first, others))))


def fill_looks(session: Session, limit: int) -> int:
    """Give accounts made by a release before 0031 the key of their looks, marked if another has it; return how many."""
    unkeyed = select(Account).where(Account.looks_key.is_(None), Account.purged_at.is_(None))
    accounts = session.scalars(unkeyed.order_by(Account.id).limit(limit).with_for_update(skip_locked=True)).all()
    for account in accounts:
        looks = looks_key(account.name)
        lock_names(session, f"account:{looks}")
        clash = name_taken(session, looks, excluding=account.id)
        account.looks_key, account.looks_clash = looks, clash
        session.flush()
    return len(accounts)


def accounts_with_ids(session: Session, ids: Sequence[UUID]) -> dict[UUID, Account]:
    """Return accounts by id."""
    return {account.id: account for account in session.scalars(select(Account).where(Account.id.in_(ids)))}


def by_name(session: Session, name_key: str) -> Account | None:
    """Lock and return the account with this name."""
    query = select(Account).where(Account.name_key == name_key, Account.purged_at.is_(None))
    locked = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(locked).one_or_none()


def lock_accounts_by_id(session: Session, ids: Sequence[UUID]) -> dict[UUID, Account]:
    """Lock accounts in the order of their ids, so that two callers never deadlock."""
    query = select(Account).where(Account.id.in_(ids), Account.purged_at.is_(None))
    locked = query.order_by(Account.id).with_for_update()
    fresh = locked.execution_options(populate_existing=True)
    return {account.id: account for account in session.scalars(fresh)}


def email_in_use(session: Session, email_key: str, *, excluding: UUID | None = None) -> bool:
    """Return whether an account that is not deleted has this admin address."""
    query = exists().where(Account.email_key == email_key, Account.deleted_at.is_(None))
    if excluding is not None:
        query = query.where(Account.id != excluding)
    return bool(session.scalar(select(query)))


def client_count(session: Session, reseller_id: UUID) -> int:
    """Return the number of a reseller's clients, without deleted ones."""
    active_clients = and_(Account.reseller_id == reseller_id, Account.deleted_at.is_(None))
    return session.scalar(select(func.count()).select_from(Account).where(active_clients)) or 0


def clients(session: Session, reseller_id: UUID) -> list[Account]:
    """Lock and return all clients of a reseller, including deleted ones, in the order of their ids."""
    query = select(Account).where(Account.reseller_id == reseller_id, Account.purged_at.is_(None))
    return list(session.scalars(query.order_by(Account.id).with_for_update()))


def detach_clients(session: Session, ids: Sequence[UUID]) -> None:
    """Make locked clients regular accounts without a reseller, its ids and metadata forgotten."""
    statement = update(Account).where(Account.id.in_(ids))
    forgotten = {"client_external_id": None, "notes": Account.notes.op("-")("reseller")}
    session.execute(statement.values(kind=AccountKind.REGULAR.value, reseller_id=None, **forgotten))


def revoke_keys_of_reseller(session: Session, ids: Sequence[UUID], now: datetime) -> None:
    """Revoke the accounts' keys made by their reseller or by such a key: by makers who could not give `decide`."""
    theirs = (ApiKey.account_id.in_(ids), ~ApiKey.may_decide, ApiKey.revoked_at.is_(None))
    session.execute(update(ApiKey).where(*theirs).values(revoked_at=now))


def purgeable(session: Session, before: datetime, limit: int) -> list[Account]:
    """Lock and return accounts deleted at or before an instant and not purged; locked ones are skipped."""
    query = select(Account).where(*_due(before)).order_by(Account.deleted_at).limit(limit)
    return list(session.scalars(query.with_for_update(skip_locked=True)))


def purgeable_count(session: Session, before: datetime) -> int:
    """Return the number of accounts to purge."""
    return session.scalar(select(func.count()).select_from(Account).where(*_due(before))) or 0


def _due(before: datetime) -> tuple[ColumnElement[bool], ...]:
    return Account.deleted_at <= before, Account.purged_at.is_(None)


def failures_of_reseller(session: Session, reseller_id: UUID, since: datetime) -> list[datetime]:
    """Return the times of a reseller's wrong passwords after `since`, newest first, at most five."""
    return _failures(session, ConnectFailure.reseller_id == reseller_id, since)


def failures_of_name(session: Session, name_key: str, since: datetime) -> list[datetime]:
    """Return the times of wrong passwords for an account name after `since`, newest first, at most five."""
    return _failures(session, ConnectFailure.name_key == name_key, since)


def _failures(session: Session, condition: ColumnElement[bool], since: datetime) -> list[datetime]:
    query = select(ConnectFailure.at).where(condition, ConnectFailure.at > since)
    return list(session.scalars(query.order_by(ConnectFailure.at.desc()).limit(5)))


def add_failure(session: Session, reseller_id: UUID, name_key: str, at: datetime) -> None:
    """Record a wrong password."""
    session.add(ConnectFailure(reseller_id=reseller_id, name_key=name_key, at=at))


def delete_failures(session: Session, before: datetime) -> None:
    """Delete failures that are too old to count."""
    session.execute(delete(ConnectFailure).where(ConnectFailure.at <= before))


INSTANT: Final = '\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\''
# The paid period that contains a day, as in kontor.kernel.periods: months from the anchor, clamped to the month's end.
PERIOD: Final = """
 LEFT JOIN LATERAL (
  SELECT f.anchor FROM fee_runs AS f
  WHERE %(paid_periods)s AND f.account_id = a.id AND f.kind = 'plan' AND NOT f.ended
   AND (f.until IS NULL OR f.until > %(today)s OR f.then_plan IS NOT NULL)
 ) AS f ON true
 CROSS JOIN LATERAL (
  SELECT ((extract(year FROM %(today)s::date) - extract(year FROM f.anchor)) * 12
   + extract(month FROM %(today)s::date) - extract(month FROM f.anchor))::int AS months
 ) AS m
 CROSS JOIN LATERAL (
  SELECT m.months - (f.anchor + make_interval(months => m.months) > %(today)s)::int AS n
 ) AS p
 CROSS JOIN LATERAL (
  SELECT coalesce((f.anchor + make_interval(months => p.n))::date, %(first)s) AS first,
   coalesce((f.anchor + make_interval(months => p.n + 1))::date, %(until)s) AS until
 ) AS period
"""
CONDITIONS: Final = FILTER.format(
    search="%(search)s::text", plan="%(plan)s::text", states="%(states)s::text[]", now="%(now)s"
)
COPY: Final = f"""
COPY (
 SELECT a.name, a.admin_email, a.plan,
  coalesce(a.trial_state = 'running' AND a.trial_ends_at > %(now)s, false),
  to_char(a.trial_ends_at AT TIME ZONE 'UTC', {INSTANT}), to_char(a.created_at AT TIME ZONE 'UTC', {INSTANT}),
  used.by_metric, coalesce(o.open, 0), coalesce(fees.monthly, 0)
 FROM accounts AS a {PERIOD}
 CROSS JOIN LATERAL (
  SELECT jsonb_object_agg(w.metric, {USED}) AS by_metric
  FROM (SELECT a.id AS account_id, metric, period.first, period.until
   FROM unnest(%(metrics)s::text[]) AS metric) AS w {SINCE}
 ) AS used
 CROSS JOIN LATERAL (
  SELECT sum(r.monthly) AS monthly FROM fee_runs AS r
  WHERE r.account_id = a.id AND NOT r.ended AND (r.until IS NULL OR r.until > %(today)s) AND (
   SELECT c.reseller_id FROM charges AS c WHERE c.run_id = r.id ORDER BY c.period_start DESC LIMIT 1
  ) = %(reseller_id)s
 ) AS fees
 LEFT JOIN (
  SELECT account_id, count(*) AS open FROM offers
  WHERE reseller_id = %(reseller_id)s AND expires_at > %(now)s
   AND state IN ('waiting', 'waiting_for_confirmation')
  GROUP BY account_id
 ) AS o ON o.account_id = a.id
 WHERE a.reseller_id = %(reseller_id)s AND a.purged_at IS NULL {CONDITIONS}
 ORDER BY a.id
) TO STDOUT (FORMAT csv)
"""  # noqa: S608 -- constants


@dataclass(frozen=True, slots=True)
class ClientListQuery:
    """Parameters of the export: reseller and instant (`today` in the programme's zone).

    Usage is counted from day `first` to before `until`; with `paid_periods`, in the plan's own period if there
    is one.
    """

    reseller_id: UUID
    now: datetime
    today: date
    metrics: Sequence[str]
    first: date
    until: date
    paid_periods: bool
    criteria: ClientFilter


def copy_clients(connection: PgConnection, query: ClientListQuery, file: IO[bytes]) -> None:
    """Write the clients of a filter, oldest first, as CSV in PostgreSQL's format; times in UTC.

    Columns: name, address, plan, trial running (t or f), trial end, created, usage by metric (JSON), open
    offers, monthly fee.
    """
    params = {**asdict(query), **query.criteria.params(), "metrics": list(query.metrics)}
    del params["criteria"]
    with connection.cursor() as cursor, cursor.copy(COPY, params) as rows:
        for chunk in rows:
            file.write(chunk)
