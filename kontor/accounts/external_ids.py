"""The ids that the provider's own systems have for resellers and regular accounts (programme.md 2.12)."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.kernel import database
from kontor.kernel.errors import Conflict, FieldError, Forbidden, Invalid
from models.accounts import Account, AccountKind

LENGTH: Final = 200


def assign(session: Session, account: Account, text: str | None, *, bound: bool = False) -> None:
    """Set the id of an account that is no client, unless it is None; keys that are bound may not.

    An id is of one account for ever, also of a deleted one. Raises Invalid, Forbidden, Conflict(`external_id_taken`).
    """
    if text is None:
        return
    if bound:
        raise Forbidden(message="Only an unbound key sets the external_id of an account.")
    external_id = normalize(text)
    if account.kind == AccountKind.CLIENT:
        raise invalid("A client has no external_id of the provider.")
    database.lock_names(session, f"external_id:{account.programme}:{external_id}")
    conditions = (Account.programme == account.programme, Account.external_id == external_id, Account.id != account.id)
    if session.scalar(select(Account.id).where(*conditions)) is not None:
        raise Conflict("external_id_taken", "Another account of the programme has, or had, that external_id.")
    account.external_id = external_id
    session.flush()


def normalize(text: str) -> str:
    """Return an id as stored: NFC, without blanks around it. Raises Invalid."""
    external_id = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(external_id) <= LENGTH or not external_id.isprintable():
        raise invalid(f"An external_id must have 1 to {LENGTH} printable characters.")
    return external_id


def invalid(message: str) -> Invalid:
    """Return the error of the field."""
    return Invalid("invalid", message, errors=[FieldError("external_id", message)])


def of_programme(session: Session, programme: str) -> dict[str, tuple[UUID, ...]]:
    """Return the accounts of a programme by `external_id`, without case."""
    query = select(Account.external_id, Account.id).where(
        Account.programme == programme, Account.external_id.is_not(None)
    )
    ids: dict[str, list[UUID]] = defaultdict(list)
    for external_id, account_id in session.execute(query):
        ids[(external_id or "").casefold()].append(account_id)
    return {key: tuple(accounts) for key, accounts in ids.items()}
