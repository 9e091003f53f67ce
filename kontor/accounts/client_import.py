"""Many new clients from a file: what each row would make, and the rows made, each for itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor import audit
from kontor.accounts import addresses, clients, external_ids, labels, queries, service
from kontor.accounts.clients import NewClient
from kontor.accounts.labels import Labels, Writer
from kontor.accounts.locks import require_reseller, share_lock_reseller
from kontor.accounts.payloads import METADATA, ClientsImport, FileRow
from kontor.audit import Actor
from kontor.context import Context
from kontor.evidence.acts import attempted
from kontor.kernel import database
from kontor.kernel.errors import FieldError, Invalid, KontorError
from kontor.kernel.limits import CLIENTS, LimitReached
from kontor.limits import service as limits
from kontor.mails import strangers
from kontor.mails.strangers import MailFate
from kontor.provisioning.kept import RESELLER, Notes
from models.accounts import Account

CHUNK: Final = 25
"""Rows of one transaction, which holds the limit's lock of its reseller."""
PRIORITY: Final = 9
"""A person waits for it."""
BEGUN: Final = "clients.import"
IMPORTED: Final = "clients.imported"
"""Actions in the audit log."""
NAME_TAKEN: Final = "name_taken"
NAME_TWICE: Final = "name_twice"
ID_TAKEN: Final = "external_id_taken"
ID_TWICE: Final = "external_id_twice"
TOO_MANY: Final = "too_many"
INVALID: Final = "invalid"


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why a row is refused. `row`: another one that has the same; `allowed`: what the limit says."""

    code: str
    field: str = ""
    row: int | None = None
    allowed: int | None = None


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A row, and why it would be refused. `held`: its mail would wait for the allowance to grow."""

    row: FileRow
    faults: Sequence[RowFault] = ()
    held: bool = False


def judge(ctx: Context, session: Session, reseller_id: UUID, rows: Sequence[FileRow]) -> list[JudgedRow]:
    """Return what would become of each row now; locks and changes nothing.

    Raises NotFound, Conflict(`not_a_reseller`, `own_address_unconfirmed`).
    """
    owner = require_reseller(session, reseller_id)
    addresses.require_owned(session, owner)
    looks = {row.number: service.searchable(row.get("name")) for row in rows}
    ids = {row.number: row.get("external_id") for row in rows if row.get("external_id")}
    names, taken = queries.names_taken(session, set(looks.values())), _ids_taken(session, owner, ids)
    allowed = limits.allowed(session, CLIENTS, owner.id)
    left = limits.left(session, CLIENTS, str(owner.id), ctx.now, owner.id)
    first_name, first_id, judged = dict[str, int](), dict[str, int](), list[JudgedRow]()
    for row in rows:
        looks_key, external_id = looks[row.number], ids.get(row.number, "")
        faults = [*_field_faults(row)]
        if looks_key in names:
            faults.append(RowFault(NAME_TAKEN, "name"))
        elif looks_key in first_name:
            faults.append(RowFault(NAME_TWICE, "name", first_name[looks_key]))
        if external_id in taken:
            faults.append(RowFault(ID_TAKEN, "external_id"))
        elif external_id in first_id:
            faults.append(RowFault(ID_TWICE, "external_id", first_id[external_id]))
        if not faults and left <= 0:
            faults.append(RowFault(TOO_MANY, allowed=allowed))
        if not faults:
            left -= 1
            first_name[looks_key] = row.number
            first_id |= {external_id: row.number} if external_id else {}
        judged.append(JudgedRow(row, faults))
    return _with_fates(ctx, session, owner, judged)


def _ids_taken(session: Session, owner: Account, ids: Mapping[int, str]) -> set[str]:
    return queries.client_ids_taken(session, owner.id, set(ids.values())) if ids else set()


def _with_fates(ctx: Context, session: Session, owner: Account, judged: Sequence[JudgedRow]) -> list[JudgedRow]:
    """Say of the rows that would be made whether their mail would wait."""
    made = [each.row.get("admin_email") for each in judged if not each.faults]
    fates = iter(strangers.fates_of_next(session, owner, made, ctx.now))
    return [each if each.faults else replace(each, held=next(fates) is MailFate.HELD) for each in judged]


def _field_faults(row: FileRow) -> Iterator[RowFault]:
    """Yield what is wrong with a row by itself."""
    given_fields = {name: row.get(name) for name in ("locale", "timezone") if row.get(name)}
    checks = (
        lambda: service.validate_account_fields(
            {"name": row.get("name"), "admin_email": row.get("admin_email"), **given_fields}
        ),
        lambda: external_ids.normalize(row.get("external_id")) if row.get("external_id") else None,
        lambda: Notes(RESELLER, row.metadata).added_to(None) if row.metadata else None,
    )
    for check in checks:
        try:
            check()
        except Invalid as error:
            yield from _invalid(error.errors)


def _invalid(errors: Sequence[FieldError]) -> Iterator[RowFault]:
    for field in dict.fromkeys(METADATA if each.loc.startswith(METADATA) else each.loc for each in errors):
        yield RowFault(INVALID, field.removesuffix("."))


def new_client(row: FileRow) -> NewClient:
    """Return the client that a row is for."""
    named = Labels(row.get("external_id") or None, row.metadata, Writer.RESELLER)
    locale, timezone = row.get("locale") or None, row.get("timezone") or None
    return NewClient(row.get("name"), row.get("admin_email"), locale, timezone, named)


def enqueue(
    ctx: Context, session: Session, reseller: Account, rows: Sequence[FileRow], reference: UUID, actor: Actor
) -> UUID:
    """Enqueue the import of rows, once for its reference; return its id. Raises Conflict(`own_address_unconfirmed`).

    The audit log has who begins it, and the job reads it there: no payload names its author.
    """
    addresses.require_owned(session, reseller)
    payload = ClientsImport(reseller_id=reseller.id, rows=tuple(rows), total=len(rows))
    key = f"{ClientsImport.policy.name}:{reseller.id}:{reference}"
    job = ctx.jobs.enqueue(session, payload, tenant=str(reseller.id), priority=PRIORITY, effect_key=key)
    if job.created:
        detail = {"account_id": str(reseller.id), "rows": len(rows)}
        audit.record(session, actor, BEGUN, f"job:{job.id}", at=ctx.now, detail=detail)
    return job.id


def begun_by(session: Session, job_id: UUID) -> str:
    """Return who began the import of a job, as the audit log has it."""
    entries = audit.about(session, f"job:{job_id}", 1, BEGUN)
    return entries[0].actor if entries else "system"


@dataclass(frozen=True, slots=True)
class MadeRow:
    """What became of a row: the client, or why there is none. `held`: the client's mail waits."""

    number: int
    account_id: UUID | None = None
    held: bool = False
    faults: Sequence[RowFault] = ()


def make_rows(
    ctx: Context, session: Session, reseller_id: UUID, rows: Sequence[FileRow], actor: Actor
) -> list[MadeRow]:
    """Make a client of each row that can be one, as one alone is made. Raises NotFound, Conflict(`not_a_reseller`).

    Locks in one order what the rows name, so that two imports wait for each other and do not deadlock.
    """
    owner = share_lock_reseller(session, reseller_id)
    database.lock_names(session, *dict.fromkeys(_locks(owner, rows)))
    made, full = list[MadeRow](), None
    for row in rows:
        result = MadeRow(row.number, faults=[full]) if full else _made(ctx, session, owner, row)
        full = full or next((fault for fault in result.faults if fault.code == TOO_MANY), None)
        made.append(result)
    ids = [str(each.account_id) for each in made if each.account_id is not None]
    detail = {"clients": ids, "refused": len(made) - len(ids)}
    audit.record(session, actor, IMPORTED, f"account:{owner.id}", at=ctx.now, detail=detail)
    return made


def _locks(owner: Account, rows: Sequence[FileRow]) -> Iterator[str]:
    for row in rows:
        yield service.name_lock(service.searchable(row.get("name")))
        if row.get("external_id"):
            yield labels.client_id_lock(owner.id, row.get("external_id"))


def _made(ctx: Context, session: Session, owner: Account, row: FileRow) -> MadeRow:
    try:
        with attempted(session):
            account = clients.create(ctx, session, owner.id, new_client(row))
    except LimitReached as error:
        return MadeRow(row.number, faults=[RowFault(error.code, allowed=error.allowed)])
    except Invalid as error:
        return MadeRow(row.number, faults=[*_invalid(error.errors)])
    except KontorError as error:
        return MadeRow(row.number, faults=[RowFault(error.code)])
    held = strangers.fate_of(session, account.id) is MailFate.HELD
    return MadeRow(row.number, account.id, held)
