"""The reseller that manages a product: named by id or external_id, kept by its id, which no rename changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.programme.model import ManagedBy, Product, Programme
from kontor.programme.reader import FieldReader
from kontor.programme.yaml_nodes import ProgrammeError, parse_yaml
from models.accounts import Account, AccountKind

UNKNOWN: Final = "names no reseller of this programme: give the id or external_id of its account"


def resolved(session: Session, code: str, programme: Programme) -> Programme:
    """Return the programme with each managing reseller that exists named by its id."""
    managed = {name: product for name, product in programme.products.items() if product.reseller is not None}
    named = sorted({product.reseller or "" for product in managed.values() if not _is_id(product)})
    if not named:
        return programme
    conditions = (Account.programme == code, Account.kind == AccountKind.RESELLER, Account.purged_at.is_(None))
    rows = session.execute(select(Account.external_id, Account.id).where(*conditions, Account.external_id.in_(named)))
    ids = {external_id: str(reseller_id) for external_id, reseller_id in rows}
    products = {
        name: replace(product, reseller=ids.get(product.reseller or "", product.reseller))
        for name, product in managed.items()
    }
    return replace(programme, products={**programme.products, **products})


def unknown_owners(
    session: Session, code: str, source: str, programme: Programme, before: Programme | None
) -> list[ProgrammeError]:
    """Return an error at its line for each managing reseller that does not exist; one applied before may have left."""
    kept = {} if before is None else {name: product.reseller for name, product in before.products.items()}
    errors: list[ProgrammeError] = []
    products = FieldReader(parse_yaml(source), "", errors).child("products")
    for product in programme.products.values():
        changed = product.reseller != kept.get(product.code)
        new = product.managed_by is ManagedBy.RESELLER and (changed or not _is_id(product))
        if new and not _exists(session, code, product):
            products.child(product.code).child("reseller").add_error(f"{product.reseller!r} {UNKNOWN}")
    return errors


def _is_id(product: Product) -> bool:
    try:
        return product.reseller == str(UUID(product.reseller or ""))
    except ValueError:
        return False


def _exists(session: Session, code: str, product: Product) -> bool:
    if not _is_id(product):
        return False
    reseller = (Account.id == UUID(product.reseller), Account.programme == code, Account.purged_at.is_(None))
    return session.scalar(select(Account.id).where(*reseller, Account.kind == AccountKind.RESELLER)) is not None
