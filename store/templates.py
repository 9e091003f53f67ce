"""Queries on offer templates."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.offers import Offer, OfferTemplate


def get(session: Session, template_id: UUID, *, lock: bool = False) -> OfferTemplate | None:
    """Return one template; lock it before a change."""
    return session.get(OfferTemplate, template_id, with_for_update=lock or None, populate_existing=lock)


def by_name(session: Session, reseller_id: UUID, name: str) -> OfferTemplate | None:
    """Return a reseller's template with exactly this name."""
    query = select(OfferTemplate).where(OfferTemplate.reseller_id == reseller_id, OfferTemplate.name == name)
    return session.scalar(query)


def listed(session: Session, reseller_id: UUID | None, before: UUID | None, limit: int) -> list[OfferTemplate]:
    """Return templates, newest first; those of all resellers if `reseller_id` is None."""
    query = select(OfferTemplate).order_by(OfferTemplate.id.desc()).limit(limit)
    if reseller_id is not None:
        query = query.where(OfferTemplate.reseller_id == reseller_id)
    if before is not None:
        query = query.where(OfferTemplate.id < before)
    return list(session.scalars(query))


def delete(session: Session, template: OfferTemplate) -> None:
    """Delete a template; offers made from it lose the reference and keep their lines."""
    session.execute(update(Offer).where(Offer.template_id == template.id).values(template_id=None))
    session.delete(template)
    session.flush()
